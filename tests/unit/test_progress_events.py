# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What modules tell of long work: the events, that nothing waits for who listens, and that no secret is among them."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import ansible_collections
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils import _progress
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
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import HOST, CloudStage
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import PASSWORD as CLOUD_PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import TARGET as CLOUD_TARGET
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import MigrationStage
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SOURCE, TARGET, Stage
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART, UploadStage, backup
from apsara_emulator import ManualClock

WISH = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": {"sales": "sales_2026", "crm": "crm"}}
FIELDS = (
    "version kind module instance host task subject stage done total unit rate eta lag_bytes lag_seconds waiting_for "
    "attempt missed elapsed timeout next ended"
).split()


class Ear:
    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        # Everything that came in, for looking for secrets.
        self.raw = b""

    def events(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram = self.socket.recv(65536)
                self.raw += datagram
                assert len(datagram) < 2048
                found.append(json.loads(datagram))
        for event in found:
            assert event.pop("version") == 1
            assert set(event) <= set(FIELDS)
            assert event["kind"] in ("upload", "wait")
        return found


@pytest.fixture
def ear(monkeypatch):
    # The path of a socket is short; that of a test's folder is not.
    folder = tempfile.mkdtemp(prefix="ear-")
    ear = Ear(os.path.join(folder, "socket"))
    monkeypatch.setenv(SOCKET_VARIABLE, ear.path)
    yield ear
    ear.socket.close()
    shutil.rmtree(folder)


@pytest.fixture
def draining(ear, monkeypatch):
    """Events as they come: a queue of the system holds only so many. draining.all: in order."""
    told, real = [], _progress.send

    def send_and_take(address, event):
        real(address, event)
        told.extend(ear.events())

    monkeypatch.setattr(_progress, "send", send_and_take)
    ear.all = told
    return ear


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


# What modules tell, on the emulator


def test_upload(run, draining, tmp_path):
    stage = UploadStage()
    for name in ("crm", "sales"):
        backup(tmp_path, f"{name}_FULL.bak", name, data_bytes=6 * PART)
    wish = {"path": str(tmp_path), "bucket": BUCKET, "prefix": "in", "threads": 1, **ENDPOINTS, "part_size": PART}
    assert run(stage, "oss_backup_upload", check=True, **wish)["changed"]
    assert draining.all == []
    assert run(stage, "oss_backup_upload", **wish, bandwidth_limit=PART)["state"] == "uploaded"
    events, sizes = draining.all, {p.name: p.stat().st_size for p in tmp_path.iterdir()}
    assert {e["subject"] for e in events} == {"all", "in/crm_FULL.bak", "in/sales_FULL.bak"}
    assert {(e["module"], e["instance"], e["unit"]) for e in events} == {("oss_backup_upload", BUCKET, "bytes")}
    for name, size in sizes.items():
        own = [e for e in events if e["subject"] == f"in/{name}"]
        assert len(own) >= 5
        assert [e["done"] for e in own] == sorted(e["done"] for e in own)
        assert (own[-1]["done"], own[-1]["total"], own[-1]["ended"]) == (size, size, "done")
    together = [e for e in events if e["subject"] == "all"]
    assert (together[-1]["done"], together[-1]["ended"]) == (sum(sizes.values()), "done")
    assert no_secret_in(draining.raw)
    before = len(events)
    assert not run(stage, "oss_backup_upload", **wish)["changed"]
    assert len(events) == before


def test_instance_import(run, draining):
    stage = Stage()
    assert run(stage, "rds_import_between_instances", **WISH)["state"] == "imported"
    events = draining.all
    together = [e for e in events if e.get("subject") == TARGET]
    assert len(together) >= 3
    assert {(e["module"], e["instance"], e["total"]) for e in together} == {("rds_import_between_instances", TARGET, 2)}
    assert (together[0]["done"], together[-1]["done"]) == (0, 2)
    assert f"{TARGET} Running" in together[-1]["stage"]
    assert len({e["stage"] for e in together}) >= 2
    assert together[-1]["ended"] == "done"
    assert no_secret_in(draining.raw)
    before = len(events)
    assert not run(stage, "rds_import_between_instances", **WISH)["changed"]
    assert len(events) == before


def test_backup_migration(run, draining):
    stage = BackupStage()
    for name in ("sales", "crm"):
        stage.put(f"{name}_FULL_20260101020000.bak", full(name))
    wish = {"instance_id": TARGET, "bucket": BUCKET, "prefix": "in/", **ENDPOINTS}
    done = run(stage, "rds_oss_backup_migrate", **wish)
    assert done["state"] == "restored", done
    events = draining.all
    together = [e for e in events if e.get("subject") == "all"]
    assert (together[0]["done"], together[-1]["done"], together[-1]["total"]) == (0, 2, 2)
    assert {e["unit"] for e in together} == {"databases"}
    assert {e["stage"] for e in events if e.get("subject") == "crm"} == {"restoring"}
    assert [e["ended"] for e in events if e.get("subject") == "crm" and "ended" in e] == ["done"]
    assert no_secret_in(draining.raw)


def test_cloud_migration(run, draining):
    """A gate that stays shut, because the target is too far behind."""
    stage = CloudStage()
    stage.BREATH = 0.0
    stage.add_migration(replication_info={"LatestEndLsn": "0/3000100", "ReplayLsn": "0/3000000"})
    wish = stage.wish("switched", confirm=CLOUD_TARGET, wait_timeout=60, max_lag=0)
    assert run(stage, "rds_cloud_migration", **wish)["error"]["code"] == "lag_too_large"
    events = draining.all
    assert len(events) > 10
    assert {(e["module"], e["instance"], e["subject"]) for e in events} == {
        ("rds_cloud_migration", CLOUD_TARGET, f"{HOST}:5432")
    }
    assert {(e["stage"], e["lag_bytes"]) for e in events} == {("increment streaming", 256)}
    assert events[-1]["ended"] == "failed"
    assert CLOUD_PASSWORD.encode() not in draining.raw
    assert no_secret_in(draining.raw)


def test_dts_migration(run, draining):
    stage = MigrationStage({"caught_up_delay": "350"})
    done = run(stage, "dts_migration", **stage.wish("caught_up", wait_timeout=600))
    assert not done["failed"], done["msg"]
    told = [e for e in draining.all if e["module"] == "dts_migration"]
    assert {e["subject"] for e in told} == {done["name"]}
    assert any(e.get("unit") == "percent" and 0 < e.get("done", 0) <= e["total"] == 100 for e in told)
    assert any(e.get("lag_seconds") == 0.35 for e in told), told[-1]
    assert {"Prechecking"} <= {e["stage"].split(",")[0] for e in told}
    secrets = (stage.wish()["source"]["password"], stage.wish()["destination"]["password"])
    assert [s for s in secrets if s.encode() in draining.raw or json.dumps(s)[1:-1].encode() in draining.raw] == []
    assert no_secret_in(draining.raw)


def no_secret_in(raw):
    assert raw
    return CREDENTIALS["access_key_secret"].encode() not in raw
