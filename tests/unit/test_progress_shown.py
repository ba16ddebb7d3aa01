# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How progress is shown: as lines, as bars, and never in the way of what Ansible prints."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _progress_words as words
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_bars import Bars
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_lines import Lines
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_works import Works, read_event
from ansible_collections.apsaradb.migration.tests.unit.progress_stage import WAIT

UPLOAD = {
    "kind": "upload",
    "module": "oss_backup_upload",
    "instance": "rm-1",
    "host": "h1",
    "task": "t1",
    "subject": "in/sales.bak",
    "unit": "bytes",
    "done": 450e6,
    "total": 1e9,
    "rate": 110e6,
    "eta": 5.0,
}


def packed(event, **changes):
    return json.dumps({"version": 1, **event, **changes}).encode()


def taken(*events, now=0.0, works=None):
    works = works or Works()
    works.take([packed(event) for event in events], now)
    return works


# What comes in


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'{"version": 2, "kind": "wait", "subject": "a"}',
        packed({"kind": "wait"}),
        b"[" * 9999,
        packed({"subject": "a"}),
        packed(UPLOAD, kind=7),
        b"\xff\xfe",
    ],
)
def test_what_is_no_event_is_passed_over(datagram):
    assert read_event(datagram, 0.0) is None


def test_values_of_another_type_are_left_out():
    work = read_event(packed(UPLOAD, done="1", total=True, rate=None, eta=-1, stage=["x"], lag_bytes=float("nan")), 0.0)
    assert (work.done, work.total, work.rate, work.eta, work.stage, work.lag_bytes) == (
        None,
        None,
        None,
        None,
        "",
        None,
    )


@pytest.mark.parametrize(
    "name", ["\x1b[2J\x1b[31mred", "a\nb", "a\r", "\u202egnp.exe", "\x9b1m", "\u2028", "[bold]x[/bold]"]
)
def test_names_steer_no_terminal(name):
    works = taken({**UPLOAD, "subject": name, "stage": name, "module": name, "host": name})
    [line] = Lines(30).news(works, 0.0)
    assert line.isprintable()
    pytest.importorskip("rich")
    rows = Bars(encoding="utf-8", color=False).rows(works.going(), 0.0, 200, 50)
    assert all(row.isprintable() for row in rows)
    if name.startswith("["):
        assert "[bold]x[/bold]" in "".join(rows)


def test_a_flood_is_bounded():
    works = taken(*({**UPLOAD, "subject": str(n)} for n in range(6000)))
    assert len(works.going()) == 5000


def test_what_ended_goes_and_what_its_task_left_goes_with_it():
    works = taken(UPLOAD, WAIT, {**UPLOAD, "host": "h2"}, {**UPLOAD, "ended": "done"})
    assert [(w.host, w.kind) for w in works.going()] == [("h1", "wait"), ("h2", "upload")]
    works.end_task("h1", "t1")
    assert [w.host for w in works.going()] == ["h2"]


def test_a_task_in_the_background_that_was_killed_is_forgotten():
    works = taken(UPLOAD, WAIT)
    works.forget_stale(350.0)
    assert len(works.going()) == 2
    works.forget_stale(361.0)
    assert [w.kind for w in works.going()] == ["upload"]


# Words


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1.0 kB"),
        (1500, "1.5 kB"),
        (110e6, "110 MB"),
        (99.96e6, "100 MB"),
        (2.7e9, "2.7 GB"),
        (5e18, "5000 PB"),
    ],
)
def test_sizes(count, shown):
    assert words.size(count) == shown


def test_all_but_a_byte_is_not_all():
    assert words.amount(read_event(packed(UPLOAD, done=999_999_999), 0.0)).startswith("99 %")


def test_no_time_left_without_a_rate():
    unknown = {name: value for name, value in UPLOAD.items() if name not in ("rate", "eta")}
    [line] = Lines(30).news(taken(unknown), 0.0)
    assert line == "h1 oss_backup_upload: in/sales.bak: 45 % (450 MB of 1.0 GB)"


def test_an_old_rate_is_not_shown_as_if_it_were_new():
    works = taken(UPLOAD)
    lines = Lines(30)
    lines.news(works, 0.0)
    [line] = lines.news(works, 60.0)
    assert line.endswith("45 % (450 MB of 1.0 GB), no news for 0:01:00")


# Lines


def test_lines_of_an_upload_and_of_a_wait():
    assert Lines(30).news(taken(UPLOAD, WAIT), 0.0) == [
        "h1 rds_cloud_migration: 10.0.0.1:5432: increment streaming, 3.1 MB, 2 s behind, "
        "waiting 0:12:00 of 6:00:00 for a small lag",
        "h1 oss_backup_upload: in/sales.bak: 45 % (450 MB of 1.0 GB), 110 MB/s, 0:00:05 left",
    ]


def test_one_line_per_change_and_per_interval():
    lines, works = Lines(30), taken(WAIT)
    said = {}
    for second in range(100):
        stage = "basebackup" if second < 50 else "increment"
        taken({**WAIT, "stage": stage}, now=float(second), works=works)
        for line in lines.news(works, float(second)):
            said[second] = line
    assert sorted(said) == [0, 30, 50, 60 + 30]
    assert "increment" in said[50]


def test_a_task_that_tells_nothing_more_is_not_silent():
    """A statement of six hours: one event, and lines all the time."""
    works = taken({name: value for name, value in WAIT.items() if name != "next"})
    lines = Lines(30)
    said = [line for second in range(0, 6 * 3600, 10) for line in lines.news(works, float(second))]
    assert len(said) == 6 * 120
    assert "waiting 6:11:30 of 6:00:00" in said[-1]


def test_a_large_batch_is_summed_up():
    lines = Lines(30)
    batch = [{**WAIT, "subject": f"db{n:03}", "stage": "restoring"} for n in range(100)]
    together = {**WAIT, "subject": "all", "stage": "100 on their way", "done": 3, "total": 103, "unit": "databases"}
    works = taken(*batch, together)
    first = lines.news(works, 0.0)
    assert len(first) == 5
    assert "all together: 100 on their way, 3 of 103 databases" in first[0]
    assert lines.news(works, 10.0) == []
    assert lines.news(works, 30.0)[-1] == "h1 rds_cloud_migration: and 96 more"


def test_the_end_of_what_was_told_is_told():
    lines, works = Lines(30), taken(WAIT, UPLOAD)
    lines.news(works, 0.0)
    taken({**WAIT, "ended": "done", "elapsed": 730}, {**UPLOAD, "ended": "done", "done": 1e9}, works=works)
    taken({**UPLOAD, "subject": "never told", "ended": "done"}, works=works)
    assert [line.rsplit(": ", 1)[1] for line in lines.news(works, 1.0)] == [
        "increment streaming, done after 0:12:10",
        "100 % (1.0 GB of 1.0 GB), done",
    ]


# Bars


@pytest.fixture
def bars():
    pytest.importorskip("rich")
    return Bars(encoding="utf-8", color=False)


def test_bars_of_several_hosts(bars):
    works = taken(UPLOAD, {**WAIT, "host": "h2"}, {**WAIT, "host": "h3", "missed": 2, "stage": "basebackup"})
    rows = bars.rows(works.going(), 0.0, 160, 40)
    assert re.match("h1 in/sales.bak +━━━━━━━━━.*45 % .450 MB of 1.0 GB., 110 MB/s, 0:00:05 left", rows[0])
    assert re.match(
        "h2 10.0.0.1:5432 +increment streaming, 3.1 MB, 2 s behind, waiting 0:12:00 of 6:00:00 for a small lag", rows[1]
    )
    assert "the last 2 looks failed" in rows[2]


def test_bars_of_one_task_name_it_once(bars):
    rows = bars.rows(taken(UPLOAD, {**UPLOAD, "subject": "in/crm.bak"}).going(), 0.0, 160, 40)
    assert rows[0] == "h1 oss_backup_upload"
    assert [row.split()[0] for row in rows[1:]] == ["in/crm.bak", "in/sales.bak"]


@pytest.mark.parametrize("width", [20, 40, 79, 200])
@pytest.mark.parametrize("height", [2, 10, 60])
def test_bars_fit_the_terminal(bars, width, height):
    events = [
        {**UPLOAD, "subject": f"{n} \u4e2d\u6587" + "x" * 80, "stage": "y" * 80, "host": f"h{n}"} for n in range(40)
    ]
    rows = bars.rows(taken(*events).going(), 0.0, width, height)
    assert 1 <= len(rows) <= max(height // 2, 1) + 1
    assert all(len(row) <= width for row in rows)


def test_a_terminal_without_these_characters(bars):
    pytest.importorskip("rich")
    rows = Bars(encoding="ascii", color=False).rows(taken(UPLOAD).going(), 0.0, 120, 40)
    assert "".join(rows).isascii()
