# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The story of a migration from backups: predict, nothing written, do, the same, again, unchanged."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    MODULE,
    WISH,
    BackupStage,
    differential,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from apsara_emulator import Variants, draw
from apsara_emulator.variants_backups import BACKUPS
from apsara_emulator.variants_oss import OSS


@pytest.fixture
def stage():
    return BackupStage()


def chain_of(stage, database="orders"):
    stage.put(f"{database}_1.bak", full(database, checkpoint_lsn="1000"))
    stage.put(f"{database}_2.bak", differential(database, 4))
    stage.put(f"{database}_3.trn", log(database, 6, 4))
    stage.put(f"{database}_4.trn", log(database, 8, 6))


def statuses(result):
    return {check["name"]: check["status"] for check in result["checks"]}


def states(result):
    return {d["target"]: d["state"] for d in result["databases"]}


def test_predict_do_and_do_again(stage, run):
    for name in ("sales", "crm", "wiki"):
        stage.put(f"{name}_FULL_20260101020000.bak", full(name))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert (rehearsed["failed"], rehearsed["changed"], rehearsed["predicted"]) == (False, True, True), rehearsed
    assert stage.writes() == []
    assert states(rehearsed) == {"crm": "online", "sales": "online", "wiki": "online"}
    done = run(stage, MODULE, **WISH)
    assert (done["failed"], done["changed"], done["state"]) == (False, True, "restored"), done
    assert done["diff"] == rehearsed["diff"]
    assert done["plan"] == rehearsed["plan"]
    assert stage.changes() == ["CreateMigrateTask"] * 3
    assert {d: s for d, s in stage.databases().items() if d in ("sales", "crm", "wiki")} == dict.fromkeys(
        ("crm", "sales", "wiki"), "Running"
    )
    before = len(stage.writes())
    again = run(stage, MODULE, **WISH)
    assert (again["failed"], again["changed"], again["plan"]) == (False, False, []), again
    assert len(stage.writes()) == before


def test_a_chain_is_staged_and_then_opened(stage, run):
    chain_of(stage)
    staged = run(stage, MODULE, **WISH, state="staged")
    assert (staged["failed"], staged["state"]) == (False, "staged"), staged
    assert [key for _db, _mode, key in stage.creates()] == [
        "orders_1.bak",
        "orders_2.bak",
        "orders_3.trn",
        "orders_4.trn",
    ]
    assert {mode for _db, mode, _key in stage.creates()} == {"UPDF"}
    again = run(stage, MODULE, **WISH, state="staged")
    assert (again["failed"], again["changed"]) == (False, False), again
    stage.put("orders_5.trn", log("orders", 10, 8))
    refused = run(stage, MODULE, **WISH, preflight="warn")
    assert refused["failed"]
    assert "confirm" in refused["msg"]
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert [s["action"] for s in rehearsed["plan"]] == ["CreateMigrateTask", "CreateOnlineDatabaseTask"], rehearsed
    opened = run(stage, MODULE, **WISH, confirm=TARGET)
    assert (opened["failed"], opened["state"]) == (False, "restored"), opened
    assert stage.creates()[4:] == [("orders", "UPDF", "orders_5.trn")]
    assert stage.databases()["orders"] == "Running"
    assert run(stage, MODULE, **WISH)["changed"] is False


def test_the_id_of_a_chain_that_is_given_has_to_be_right(stage, run):
    chain_of(stage)
    wrong = run(stage, MODULE, **WISH, state="staged", migrate_task_id="4711")
    assert wrong["failed"], statuses(wrong)
    assert (statuses(wrong)["migrate_task"], stage.creates()) == ("fail", [])
    assert "4711" in wrong["msg"]
    begun = run(stage, MODULE, **WISH, state="staged")
    right = begun["databases"][0]["migrate_task_id"]
    stage.put("orders_5.trn", log("orders", 10, 8))
    more = run(stage, MODULE, **WISH, state="staged", migrate_task_id=right)
    assert (more["failed"], statuses(more)["migrate_task"], len(stage.creates())) == (False, "pass", 5), more


def test_bad_backups_stop_the_rehearsal_and_are_named(stage, run):
    stage.put("good_FULL_20260101020000.bak", full("good"))
    stage.put("diff_FULL_20260101020000.bak", differential("diff", 4))
    stage.put("half_FULL_20260101020000.bak", full("half"), stripe=1, stripes=2)
    stage.put("newer_FULL_20260101020000.bak", full("newer", software_version="17.0.1050"))
    stage.put_bytes("zip.bak", b"PK\x03\x04" + bytes(9000))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert rehearsed["failed"]
    found = statuses(rehearsed)
    for name in ("backup_types", "full_backup_present", "not_striped", "backup_version", "backups_readable"):
        assert found[name] == "fail", found
    for text in ("diff_FULL", "stripe 1 of 2", "17.0.1050", "archive"):
        assert text in rehearsed["msg"]
    rest = run(stage, MODULE, **WISH, exclude=["diff", "half", "newer", "zip*"])
    assert (rest["failed"], states(rest)) == (False, {"good": "online"}), rest
    assert stage.creates() == [("good", "FULL", "good_FULL_20260101020000.bak")]


def test_one_that_fails_does_not_stop_the_others(stage, run):
    for name in ("sales", "crm", "wiki"):
        stage.put(f"{name}.bak", full(name))
    text = "Failed to verify crm.bak, backup file was corrupted or newer edition than RDS"
    stage.world.merge({"outcomes": [{"result": "fails", "kind": "migrate", "database": "crm", "failure": text}]})
    result = run(stage, MODULE, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, "not_restorable")
    assert states(result) == {"crm": "failed", "sales": "online", "wiki": "online"}, result
    assert next(d for d in result["databases"] if d["target"] == "crm")["remedy"]
    again = run(stage, MODULE, **WISH)
    assert again["failed"] is False, again
    assert statuses(again)["earlier_tasks"] == "warn"
    assert sorted(name for name, _mode, _key in stage.creates()) == ["crm", "crm", "sales", "wiki"]


def story(stage, run):
    """Full backups and a chain, rehearsed, run, run again; the chain goes on and is opened."""
    for name in ("sales", "crm"):
        stage.put(f"{name}.bak", full(name))
    chain_of(stage)
    only = {
        "include": ["orders"],
        "accept": ["tasks_listed", "daily_quota", "chain_alive", "bucket_owner", "database_quota", "free_storage"],
    }
    rehearsed = run(stage, MODULE, check=True, **WISH, exclude=["orders"])
    assert stage.changes() == []
    done = run(stage, MODULE, **WISH, exclude=["orders"])
    assert (done["failed"], done["state"]) == (False, "restored"), done
    assert done["diff"] == rehearsed["diff"]
    staged = run(stage, MODULE, **WISH, **only, state="staged")
    assert (staged["failed"], staged["state"]) == (False, "staged"), staged
    writes = len(stage.changes())
    for wish in ({"exclude": ["orders"]}, {**only, "state": "staged"}):
        again = run(stage, MODULE, **WISH, **wish)
        assert (again["failed"], again["changed"]) == (False, False), again
    assert len(stage.changes()) == writes
    stage.put("orders_5.trn", log("orders", 10, 8))
    rehearsed = run(stage, MODULE, check=True, **WISH, **only)
    opened = run(stage, MODULE, **WISH, **only, confirm=TARGET)
    assert (opened["failed"], opened["state"]) == (False, "restored"), opened
    assert opened["diff"] == rehearsed["diff"]
    assert [s["action"] for s in opened["plan"]] == [s["action"] for s in rehearsed["plan"]]
    # Full backups are sent side by side, in no order.
    assert sorted(stage.creates()[:2]) == [("crm", "FULL", "crm.bak"), ("sales", "FULL", "sales.bak")]
    assert stage.creates()[2:] == [
        *[("orders", "UPDF", f"orders_{n}.{'bak' if n < 3 else 'trn'}") for n in range(1, 6)],
    ]
    assert stage.changes().count("CreateOnlineDatabaseTask") == 1
    assert run(stage, MODULE, **WISH)["changed"] is False


SINGLE = [(v.name, value) for v in (*BACKUPS, *OSS) for value in v.values if value != v.default]


@pytest.mark.parametrize(("name", "value"), SINGLE)
def test_the_story_under_each_doubt(run, name, value):
    story(BackupStage(Variants({name: value})), run)


# test_truth_backups.py tries many more, past HTTP.
@pytest.mark.parametrize("seed", range(5))
def test_the_story_in_random_worlds(run, seed):
    story(BackupStage(draw(seed)), run)
