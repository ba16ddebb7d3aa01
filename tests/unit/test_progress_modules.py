# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each module tells of its work on the emulator, and that no secret is among it."""

from __future__ import annotations

import contextlib
import json
import types

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_source import Running
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.sqlserver_backup_sights import (
    telling,
    watch_others,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._plan import Step
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import HOST, CloudStage
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import PASSWORD as CLOUD_PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import TARGET as CLOUD_TARGET
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import MigrationStage
from ansible_collections.apsaradb.migration.tests.unit.progress_ear import draining, ear
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SOURCE, TARGET, Stage
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART, UploadStage, backup
from apsara_emulator import ManualClock

__all__ = ["draining", "ear"]
WISH = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": {"sales": "sales_2026", "crm": "crm"}}


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
    failed = run(stage, "rds_cloud_migration", **wish)
    stage.world.reset()
    assert failed["error"]["code"] == "lag_too_large"
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


def test_cancellation(run, draining):
    stage = Stage()
    started = run(stage, "rds_import_between_instances", **WISH, wait=False, method="import")
    draining.all.clear()
    wish = {"instance_id": TARGET, "import_id": started["import_id"], "poll_interval": 1}
    assert run(stage, "rds_cancel_import", **wish)["changed"]
    events = draining.all
    assert {(e["module"], e["instance"], e["subject"]) for e in events} == {("rds_cancel_import", TARGET, TARGET)}
    assert (events[-1]["stage"], events[-1]["ended"]) == ("Running", "done")


SERVER = types.SimpleNamespace(endpoint=types.SimpleNamespace(name="sql01"))


@pytest.mark.parametrize("fails", [False, True])
def test_a_statement_that_answers_at_its_end(ear, fails):
    """A backup of hours: it is told of once, and no next event is promised."""
    time_ = ManualClock()
    clock = Clock(monotonic=time_.now, wall=time_.now, sleep=time_.sleep)
    step = Step("BACKUP", "sql01", ("sales",), "why", {"statement": "BACKUP DATABASE [sales] WITH PASSWORD = 'x'"})
    with contextlib.suppress(ZeroDivisionError), telling(SERVER, step, 3600.0, clock):
        time_.sleep(100)
        assert not fails or 1 / 0
    first, last = ear.events()
    assert (first["module"], first["instance"], first["subject"], first["stage"]) == (
        "mssql_backup",
        "sql01",
        "sales",
        "BACKUP",
    )
    assert (first["timeout"], "next" in first, last["elapsed"]) == (3600, False, 100)
    assert last["ended"] == ("failed" if fails else "done")
    assert b"PASSWORD" not in ear.raw


def test_backups_of_others():
    seen = types.SimpleNamespace(running=[Running("crm", "full", 51, 0.0), Running(None, None, 52, 40.5)])
    told = list(watch_others(SERVER).describe(seen))
    assert [(s.subject, s.done, s.total, s.unit) for s in told] == [
        ("crm", 0.0, 100, "percent"),
        ("", 40.5, 100, "percent"),
    ]


def no_secret_in(raw):
    assert raw
    return CREDENTIALS["access_key_secret"].encode() not in raw
