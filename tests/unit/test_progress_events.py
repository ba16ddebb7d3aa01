# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules tell of long work: the events, that nothing waits for who listens, and that no secret is among them."""

from __future__ import annotations

import decimal
import os
import pathlib
import subprocess
import sys
import time

import ansible_collections
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure, WaitTimeout
from ansible_collections.apsaradb.migration.plugins.module_utils._progress import (
    Progress,
    Sight,
    UploadTeller,
    Watch,
    send,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import (
    SOCKET_VARIABLE,
    Clock,
    Patience,
    wait_teller,
    wait_until,
)
from ansible_collections.apsaradb.migration.tests.unit.progress_ear import ear
from apsara_emulator import ManualClock

__all__ = ["ear"]


@pytest.fixture
def time_():
    return ManualClock()


def clock_of(time_):
    return Clock(monotonic=time_.now, wall=time_.now, sleep=time_.sleep)


def wait(time_, seen, watch=None, timeout=600, last=None):
    looks = iter(seen)
    patience = Patience(timeout, 10)
    return wait_until(
        lambda: next(looks), lambda s: s == last, patience, clock_of(time_), waiting_for="the end", watch=watch
    )


def percents(seen):
    return [Sight("crm", "copying", seen, 100, "percent", lag_bytes=7, lag_seconds=0.5)]


def test_a_wait_is_told_look_by_look(ear, time_, monkeypatch):
    monkeypatch.setenv("APSARADB_PROGRESS_HOST", "h1")
    monkeypatch.setenv("APSARADB_PROGRESS_TASK", "t-1")
    assert wait(time_, [10, 20, 40, 100], Watch("dts_migration", "rm-1", percents), last=100) == 100
    events = ear.events()
    first = events[0]
    assert {k: first[k] for k in ("kind", "module", "instance", "host", "task", "subject", "stage", "unit")} == {
        "kind": "wait",
        "module": "dts_migration",
        "instance": "rm-1",
        "host": "h1",
        "task": "t-1",
        "subject": "crm",
        "stage": "copying",
        "unit": "percent",
    }
    assert (first["waiting_for"], first["timeout"], first["next"], first["attempt"]) == ("the end", 600, 10, 1)
    assert (first["lag_bytes"], first["lag_seconds"]) == (7, 0.5)
    assert [e["done"] for e in events] == [10, 20, 40, 100]
    assert [e["elapsed"] for e in events] == [0, 10, 20, 30]
    assert [e.get("ended") for e in events] == [None, None, None, "done"]


def test_time_left_is_measured_or_not_told(ear, time_):
    wait(time_, [10, 10, 20, 40, 100], Watch("m", "i", percents), last=100)
    events = ear.events()
    # 10 percent in 20 seconds, 30 in 30.
    assert [e.get("rate") for e in events[:4]] == [None, None, 0.5, 1.0]
    assert [e.get("eta") for e in events[:4]] == [None, None, 160, 60]


def test_a_rate_belongs_to_its_stage(ear, time_):
    watch = Watch("m", "i", lambda seen: [Sight("crm", seen[0], seen[1], 100, "percent")])
    wait(time_, [("schema", 50), ("schema", 90), ("full", 0), ("full", 5), ("", 0)], watch, last=("", 0))
    assert [e.get("rate") for e in ear.events()][:4] == [None, 4, None, 0.5]


def test_what_is_over_at_the_first_look_is_no_wait(ear, time_):
    wait(time_, [100], Watch("m", "i", percents), last=100)
    assert ear.events() == []


def test_a_wait_without_a_description_is_told_as_such(ear, time_):
    wait(time_, [1, 2, None])
    assert [(e["waiting_for"], e.get("subject"), e.get("ended")) for e in ear.events()] == [
        ("the end", None, None),
        ("the end", None, None),
        ("the end", None, "done"),
    ]


def test_a_subject_that_is_gone_has_ended(ear, time_):
    watch = Watch("m", "i", lambda seen: [Sight(name) for name in seen])
    wait(time_, ["ab", "b", "c", ""], watch, last="")
    assert [(e.get("subject"), e.get("ended")) for e in ear.events()] == [
        ("a", None),
        ("b", None),
        ("a", "done"),
        ("b", None),
        ("b", "done"),
        ("c", None),
        ("c", "done"),
    ]


def test_a_time_out_and_a_failure_end_it_as_failed(ear, time_):
    with pytest.raises(WaitTimeout):
        wait(time_, range(10), timeout=15)
    assert [e.get("ended") for e in ear.events()] == [None, None, None, "failed"]

    def fails(seen):
        raise MigrationFailure("stop")

    looks = iter([1, 2])
    with pytest.raises(MigrationFailure):
        wait_until(
            lambda: next(looks),
            lambda s: s == 2 and fails(s),
            Patience(60, 1),
            clock_of(time_),
            waiting_for="it",
        )
    assert [e.get("ended") for e in ear.events()] == [None, "failed"]


def test_looks_that_fail_are_counted(ear, time_):
    class Blip(MigrationFailure):
        transient = True

    looks = iter([1, Blip("the secret text of a service"), Blip("again"), 2, None])

    def look():
        seen = next(looks)
        if isinstance(seen, Exception):
            raise seen
        return seen

    wait_until(look, lambda s: s is None, Patience(600, 10), clock_of(time_), waiting_for="it")
    assert [e.get("missed") for e in ear.events()] == [None, 1, 2, None, None]
    assert b"secret text" not in ear.raw


def test_a_description_that_fails_ends_nothing(ear, time_):
    wait(time_, [1, 2, None], Watch("m", "i", lambda seen: 1 / 0))
    assert len(ear.events()) == 3


def test_nobody_listens_and_nothing_is_made(monkeypatch, time_):
    monkeypatch.delenv(SOCKET_VARIABLE, raising=False)
    watch = Watch("m", "i", lambda seen: pytest.fail("described for nobody"))
    assert wait_teller(watch, "it", Patience(1, 1), clock_of(time_)) is None
    assert wait(time_, [1, 2, None], watch) is None


def test_nobody_listens_and_nothing_is_imported():
    code = """
import sys
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock, Patience, wait_until
wait_until(lambda: 1, bool, Patience(1, 1), Clock(), waiting_for="it")
import ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload
import ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_import
print([name for name in sys.modules if "_progress" in name or "_sights" in name])
"""
    paths = [str(pathlib.Path(place).parent) for place in ansible_collections.__path__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    environment.pop(SOCKET_VARIABLE, None)
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert told.stdout.strip() == "[]"


@pytest.mark.parametrize("address", ["/nowhere/at/all", "/tmp", "", "x" * 500, "with\0zero"])
def test_an_address_that_is_none(address):
    send(address, {"kind": "wait", "subject": "crm"})


def test_a_listener_that_went_away(ear, time_):
    ear.socket.close()
    assert wait(time_, [1, 2, None]) is None
    os.unlink(ear.path)
    assert wait(time_, [1, 2, None]) is None


def test_a_listener_that_does_not_read_stops_nobody(ear):
    start = time.monotonic()
    for number in range(20_000):
        send(ear.path, {"kind": "upload", "subject": f"file {number}", "done": number})
    assert time.monotonic() - start < 20
    assert 0 < len(ear.events()) < 20_000


def test_names_of_any_length_fit(ear):
    long = "\u4e2d" * 5000
    names = ("module", "instance", "subject", "stage", "unit", "waiting_for", "ended")
    send(ear.path, {"kind": "wait", **dict.fromkeys(names, "n" * 5000)})
    send(ear.path, {"kind": "wait", "subject": long, "waiting_for": long, "stage": long})
    send(ear.path, {"kind": "wait", "subject": "\ud800"})
    assert [len(e["subject"]) for e in ear.events()] == [128, 128, 1]


def test_numbers_of_any_type_are_told_and_what_is_none_is_lost(ear):
    send(ear.path, {"kind": "wait", "subject": "a", "done": decimal.Decimal("1.5")})
    send(ear.path, {"kind": "wait", "subject": "a", "done": object()})
    assert [e["done"] for e in ear.events()] == [1.5]


def test_uploads_side_by_side_and_all_together(ear, time_):
    teller = UploadTeller(ear.path, "m", "rm-1", {"a": 100, "b": 300}, clock_of(time_))
    time_.sleep(2)
    teller.tell("a", Progress(60, 100, 20.0, 2.0, 40))
    time_.sleep(2)
    teller.tell("a", Progress(100, 100, 20.0, 0.0, 80), ended=True)
    time_.sleep(4)
    teller.tell("b", Progress(300, 300, 75.0, 0.0, 300), ended=True)
    events = ear.events()
    assert [e["subject"] for e in events] == ["a", "all", "a", "all", "b", "all"]
    together = [e for e in events if e["subject"] == "all"]
    assert [(e["done"], e["total"], e["rate"], e["eta"]) for e in together] == [
        (60, 400, 20, 17.0),
        (100, 400, 20, 15.0),
        (400, 400, 48, 0.0),
    ]
    assert [e.get("ended") for e in together] == [None, None, "done"]


def test_a_single_upload_has_no_sum(ear, time_):
    UploadTeller(ear.path, "m", "rm-1", {"a": 100}, clock_of(time_)).tell("a", Progress(5, 100, 1.0, 95.0, 5))
    assert [e["subject"] for e in ear.events()] == ["a"]
