# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gate in front of a cut-over: who gets through, when, and what is told to those who do not."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _gate as gate
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _gate_hold as gate_hold

TARGET = "pgm-bp1target000000001"
WHAT = f"The switch of {TARGET}"
NIGHT = datetime.datetime(2026, 11, 21, 23, 30, tzinfo=datetime.timezone.utc)
WARNED = {"name": "long_transactions", "status": "warn", "detail": "One runs for 3 h.", "remedy": "End it."}
FAILED = {"name": "lag", "status": "fail", "detail": "2 GiB behind.", "remedy": ""}


def look(rehearsal=False, now=NIGHT, **options):
    whole = {"instance_id": TARGET, "what": WHAT, "confirm": TARGET, "confirm_variable": "my_confirm", **options}
    return gate.checks_of(whole, now, rehearsal=rehearsal)


def against(checks):
    return [check["name"] for check in checks if check["status"] == "fail"]


def test_a_yes_opens_it():
    checks = look()
    assert [check["status"] for check in checks] == ["pass", "pass"]
    assert gate.refusal(WHAT, checks) == ""


@pytest.mark.parametrize("said", [None, "", "yes", TARGET.upper(), TARGET + " "])
def test_nothing_but_the_id_is_a_yes(said):
    text = gate.refusal(WHAT, look(confirm=said))
    assert text.startswith(f"{WHAT} is not let through. Nothing was written.")
    assert f"Set my_confirm: {TARGET} when you mean it." in text


def test_a_rehearsal_needs_no_yes_but_no_wrong_one_either():
    assert against(look(rehearsal=True, confirm="")) == []
    assert against(look(rehearsal=True, confirm="pgm-other")) == ["confirm"]


def test_exceptions_are_accepted_by_name_and_failures_never():
    assert against(look(checks=[WARNED])) == ["long_transactions"]
    assert against(look(checks=[WARNED], accept=["long_transactions"])) == []
    assert against(look(checks=[FAILED], accept=["lag"])) == ["lag"]
    # What only doubts speaks against the night, not against rehearsing it.
    assert against(look(checks=[WARNED, FAILED], rehearsal=True)) == ["lag"]


def test_an_approved_rehearsal_can_be_required():
    assert against(look(require_approval=True)) == ["approval"]
    assert against(look(require_approval=True, approved_plan="approved.json")) == []


def test_everything_that_is_missing_is_told_at_once():
    window = {"from": "01:00", "to": "02:00"}
    checks = look(confirm="", checks=[WARNED, FAILED], require_approval=True, window=window)
    assert against(checks) == ["confirm", "long_transactions", "lag", "approval", "window"]
    assert gate.refusal(WHAT, checks).count("\n- ") == 5


@pytest.mark.parametrize(
    ("begin", "end", "inside"),
    [
        ("22:00", "04:00", True),
        ("23:30", "23:31", True),
        ("22:00", "23:30", False),
        ("04:00", "22:00", False),
        ("00:00", "23:59", True),
        ("2026-11-21T23:00:00Z", "2026-11-22T01:00:00Z", True),
        ("2026-11-22T00:00:00+01:00", "2026-11-22T00:30:00+01:00", False),
        ("2026-11-22T00:00:00+01:00", "2026-11-22T00:31:00+01:00", True),
    ],
)
def test_windows(begin, end, inside):
    assert gate.is_within(begin, end, NIGHT) is inside
    names = against(look(window={"from": begin, "to": end}))
    assert names == ([] if inside else ["window"])
    assert against(look(window={"from": begin, "to": end}, rehearsal=True)) == []


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("22:00", "2026-11-22T00:00:00Z"),
        ("25:00", "26:00"),
        ("2026-11-22T00:00:00", "2026-11-22T01:00:00"),
        ("2026-11-22T01:00:00Z", "2026-11-22T00:00:00Z"),
        ("", "later"),
    ],
)
def test_a_window_that_cannot_be_understood_is_no_open_window(begin, end):
    with pytest.raises(gate.BadWindow):
        gate.is_within(begin, end, NIGHT)


def hold_options(**options):
    return {"what": WHAT, "make": True, "timeout": 60, "say": lambda _text: None, **options}


def test_a_play_is_held_until_the_file_is_deleted(tmp_path, monkeypatch):
    file, looks = tmp_path / "folder" / "hold", []

    def sleep(_seconds):
        looks.append(file.read_text())
        if len(looks) == 3:
            file.unlink()

    monkeypatch.setattr(gate_hold.time, "sleep", sleep)
    gate_hold.hold(file, **hold_options())
    assert len(looks) == 3
    assert looks[0] == f"{WHAT} is ready. Delete this file to let it go on.\n"


def test_a_file_that_stays_ends_the_wait(tmp_path, monkeypatch):
    file, now = tmp_path / "hold", [0.0]
    monkeypatch.setattr(gate_hold.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(gate_hold.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    with pytest.raises(gate_hold.StillHeld, match="within 60 seconds"):
        gate_hold.hold(file, **hold_options())
    assert 60 <= now[0] < 63
    assert file.exists()


def test_without_the_file_nobody_waits(tmp_path):
    assert gate_hold.hold(tmp_path / "hold", **hold_options(make=False)) < 1
