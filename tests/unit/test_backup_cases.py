# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Quotas, editions, old versions, names, ends, approvals: the parts of a backup migration that not everybody meets."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    BUCKET,
    GIB,
    MODULE,
    WISH,
    BackupStage,
    differential,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from apsara_emulator import Variants

CONFIRMED = {**WISH, "confirm": TARGET, "accept": ["tasks_listed", "daily_quota", "chain_alive", "chain_complete"]}


@pytest.fixture
def stage():
    return BackupStage()


def status_of(result, name):
    return {c["name"]: c["status"] for c in result["checks"]}.get(name)


def states(result):
    return {d["target"]: d["state"] for d in result["databases"]}


def back_date(stage, count, database="other", hours=1.0):
    """Tasks that ended so many hours ago; all for one database, or each for one of its own."""
    account = next(iter(stage.world.to_document()["accounts"]))
    ago = hours * 3600
    stage.world.merge(
        {
            "migrate_tasks": [
                {
                    "id": str(500000 + number),
                    "instance": TARGET,
                    "account_id": account,
                    "database": database if count <= 20 else f"{database}{number}",
                    "created": {"ago": ago},
                    "ended": {"ago": ago - 60},
                }
                for number in range(count)
            ]
        }
    )


def test_the_quota_of_the_instance(stage, run):
    back_date(stage, 498)
    for name in ("a1", "a2", "a3", "a4"):
        stage.put(f"{name}.bak", full(name))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert status_of(rehearsed, "daily_quota") == "fail"
    writes = len(stage.creates())
    some = run(stage, MODULE, **WISH, over_quota="today")
    assert (some["failed"], states(some)) == (
        False,
        {"a1": "online", "a2": "online", "a3": "deferred", "a4": "deferred"},
    ), some
    assert len(stage.creates()) == writes + 2
    stage.time.advance(25 * 3600)
    rest = run(stage, MODULE, **WISH, over_quota="today")
    assert set(states(rest).values()) == {"online"}, rest


def test_the_quota_of_a_database(stage, run):
    back_date(stage, 20, "sales")
    stage.put("sales.bak", full("sales"))
    stage.put("crm.bak", full("crm"))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert "sales would get more than 20" in rehearsed["msg"]
    done = run(stage, MODULE, **WISH, over_quota="today")
    assert states(done) == {"crm": "online", "sales": "deferred"}, done


def test_a_quota_that_is_used_up_meanwhile(stage, run):
    """Somebody else starts tasks between the look and the calls: what was refused is left for tomorrow."""
    for number in range(12):
        stage.put(f"db{number:02}.bak", full(f"db{number:02}"))
    stage.world.faults.add(
        {"kind": "throttle", "action": "CreateMigrateTask", "code": "ConcurrentTaskExceeded", "status": 400, "after": 6}
    )
    result = run(stage, MODULE, **WISH)
    assert (result["failed"], sorted(states(result).values())) == (True, ["deferred"] * 6 + ["online"] * 6), result
    assert "tomorrow" in result["msg"]
    refused = [c for c in stage.calls("CreateMigrateTask") if not c.took_effect]
    assert len(refused) <= 6


@pytest.mark.parametrize("version", ["2017_ent", "2019_ent"])
def test_editions_that_do_not_tell_their_files(run, version):
    stage = BackupStage()
    changes = {"engine_version": version, "category": "AlwaysOn"}
    stage.world.merge({"instances": {TARGET: changes}})
    versions = {"software_version": "14.0.3400"}
    stage.put("orders_1.bak", full("orders", **versions))
    stage.put("orders_2.trn", log("orders", 6, 0, **versions))
    relaxed = {**CONFIRMED, "accept": [*CONFIRMED["accept"], "privileged_account", "in_flight"]}
    staged = run(stage, MODULE, **relaxed, state="staged")
    assert (staged["failed"], staged["state"]) == (False, "staged"), staged
    stage.put("orders_3.trn", log("orders", 8, 6, **versions))
    untold = run(stage, MODULE, **relaxed)
    assert untold["failed"]
    assert "applied_through" in untold["msg"]
    through = staged["databases"][0]["backups"][-1]["finish"]
    opened = run(stage, MODULE, **relaxed, applied_through=through)
    assert (opened["failed"], opened["state"]) == (False, "restored"), opened
    assert [key for _name, _mode, key in stage.creates()] == ["orders_1.bak", "orders_2.trn", "orders_3.trn"]


def of_2008(stage):
    stage.world.merge(
        {"instances": {TARGET: {"engine_version": "2008r2", "databases": {"sales": {"size": 0}, "crm": {"size": 0}}}}}
    )


def test_2008_restores_by_url_into_databases_that_are_there(stage, run):
    of_2008(stage)
    stage.put("sales.bak", full("sales", software_version="10.50.1600"))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert rehearsed["failed"] is False, rehearsed
    assert "Signature" not in json.dumps(rehearsed)
    done = run(stage, MODULE, **WISH)
    assert (done["failed"], done["state"]) == (False, "restored"), done
    assert "ignature" not in json.dumps(done)
    again = run(stage, MODULE, **WISH)
    assert (again["failed"], again["changed"]) == (False, False), again
    assert len([c for c in stage.calls("CreateMigrateTask") if c.took_effect]) == 1


def test_2008_has_rules_of_its_own(stage, run):
    of_2008(stage)
    stage.put("new.bak", full("new", software_version="10.50.1600"))
    stage.put("crm_1.bak", full("crm", software_version="10.50.1600"))
    stage.put("crm_2.trn", log("crm", 3, 0, software_version="10.50.1600"))
    rehearsed = run(stage, MODULE, check=True, **WISH, new_names={"crm": "sales"})
    detail = next(c["detail"] for c in rehearsed["checks"] if c["name"] == "rules_of_2008")
    for text in ("new does not exist", "sales has a chain", "crm cannot become sales"):
        assert text in detail


def test_new_names_and_one_backup_for_two_databases(stage, run):
    key = stage.put("sales.bak", full("sales"))
    stage.put("crm.bak", full("crm"))
    backups = [{"key": key, "new_name": "sales_a"}, {"key": key, "new_name": "sales_b"}, {"key": "in/crm.bak"}]
    done = run(stage, MODULE, **{**WISH, "prefix": None}, backups=backups, new_names={"crm": "crm_2026"})
    assert states(done) == {"crm_2026": "online", "sales_a": "online", "sales_b": "online"}, done
    clash = run(stage, MODULE, **WISH, new_names={"sales": "one", "crm": "ONE"})
    assert status_of(clash, "target_names") == "fail"


def test_backups_by_hand_are_held_against_their_headers(stage, run):
    key = stage.put("sales.bak", full("sales"))
    wish = {**WISH, "prefix": None}
    other = run(stage, MODULE, check=True, **wish, backups=[{"key": key, "database": "crm"}])
    assert "holds sales, although the task says crm" in other["msg"]
    kind = run(stage, MODULE, check=True, **wish, backups=[{"key": key, "type": "log"}])
    assert "is a full backup, although the task says log" in kind["msg"]
    odd = run(stage, MODULE, check=True, **wish, backups=[{"key": "in/p.bak", "type": "partial", "predicted": True}])
    assert "is a backup of type partial" in odd["msg"]
    half = {"key": "in/h.bak", "type": "full", "database": "h", "stripes": 2, "predicted": True}
    assert status_of(run(stage, MODULE, check=True, **wish, backups=[half]), "not_striped") == "fail"
    gone = run(stage, MODULE, check=True, **wish, backups=[{"key": "in/gone.bak"}])
    assert "in/gone.bak is not in the bucket" in gone["msg"]


def test_predicted_backups_are_planned_from(stage, run):
    planned = {"key": "in/sales_FULL_20260101020000.bak", "database": "sales", "type": "full", "size": GIB}
    planned |= {"predicted": True, "required_storage": GIB}
    rehearsed = run(stage, MODULE, check=True, **{**WISH, "prefix": None}, backups=[planned])
    assert (rehearsed["failed"], rehearsed["predicted"], states(rehearsed)) == (False, True, {"sales": "online"})
    assert status_of(rehearsed, "backups_readable") == "unknown"
    assert rehearsed["databases"][0]["backups"][0]["predicted"] is True
    too_early = run(stage, MODULE, **{**WISH, "prefix": None}, backups=[planned])
    assert (too_early["failed"], status_of(too_early, "backups_found")) == (True, "fail"), too_early
    assert stage.writes() == []
    stage.put("sales_FULL_20260101020000.bak", full("sales"))
    done = run(stage, MODULE, **{**WISH, "prefix": None}, backups=[planned])
    assert (done["failed"], done["plan"]) == (False, rehearsed["plan"]), done


def test_a_bucket_that_is_only_planned(stage, run):
    planned = {"key": "in/a.bak", "database": "a", "type": "full", "predicted": True}
    wish = {**WISH, "prefix": None, "bucket": "not-there-yet-2026", "backups": [planned]}
    rehearsed = run(stage, MODULE, check=True, **wish, bucket_predicted=True)
    assert (rehearsed["failed"], states(rehearsed)) == (False, {"a": "online"}), rehearsed
    assert status_of(rehearsed, "bucket_exists") == "unknown"
    assert status_of(run(stage, MODULE, check=True, **wish), "bucket_exists") == "fail"
    assert status_of(run(stage, MODULE, **wish, bucket_predicted=True), "bucket_exists") == "fail"
    assert stage.writes() == []


def test_a_run_that_does_not_wait(stage, run):
    for name in ("sales", "crm"):
        stage.put(f"{name}.bak", full(name))
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    begun = run(stage, MODULE, **CONFIRMED, wait=False)
    assert (begun["failed"], begun["state"]) == (False, "in_flight"), begun
    assert len(stage.creates()) == 3
    again = run(stage, MODULE, **CONFIRMED, wait=False)
    assert (again["failed"], again["changed"]) == (False, False), again
    assert len(stage.creates()) == 3
    done = run(stage, MODULE, **CONFIRMED)
    assert (done["failed"], done["state"]) == (False, "restored"), done
    assert len(stage.creates()) == 4


def test_what_somebody_else_started_is_waited_for(stage, run):
    key = stage.put("sales.bak", full("sales"))
    account = next(iter(stage.world.to_document()["accounts"]))
    position = f"oss-cn-hangzhou.aliyuncs.com:{BUCKET}:{key}"
    parameters = {"DBInstanceId": TARGET, "DBName": "sales", "BackupMode": "FULL", "IsOnlineDB": "True"}
    stage.world.call(account, "CreateMigrateTask", {**parameters, "OssObjectPositions": position})
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert (rehearsed["changed"], rehearsed["predicted"], states(rehearsed)) == (False, True, {"sales": "online"})
    done = run(stage, MODULE, **WISH)
    assert (done["failed"], done["changed"], states(done)) == (False, False, {"sales": "online"}), done
    assert (done["diff"], done["state"]) == (rehearsed["diff"], rehearsed["state"])
    assert len(stage.creates()) == 1
    assert done["databases"][0]["adopted"] is True


@pytest.mark.parametrize("lost", ["orders_2.bak", "orders_3.trn"])
def test_a_log_that_is_missing_behind_a_full_or_differential_backup_is_told(stage, run, lost):
    files = {"orders_2.bak": differential("orders", 4), "orders_3.trn": log("orders", 6, 4)}
    stage.put("orders_1.bak", full("orders", checkpoint_lsn="1000"))
    for name in files.keys() - {lost}:
        stage.put(name, files[name])
    stage.put("orders_4.trn", log("orders", 8, 6))
    rehearsed = run(stage, MODULE, check=True, **WISH, state="staged")
    warned = {c["name"]: c["detail"] for c in rehearsed["checks"] if c["status"] == "warn"}
    assert "is missing" in warned["chain_complete"]


def test_without_waiting_a_rehearsal_tells_no_end(stage, run):
    stage.put("sales.bak", full("sales"))
    rehearsed = run(stage, MODULE, check=True, **WISH, wait=False)
    done = run(stage, MODULE, **WISH, wait=False)
    assert states(rehearsed) == states(done) == {"sales": "in_flight"}


def test_ending_a_chain(stage, run):
    stage.put("orders_1.bak", full("orders"))
    run(stage, MODULE, **WISH, state="staged")
    wish = {**WISH, "prefix": None, "state": "terminated", "include": ["ord*"]}
    stage.world.merge({"variants": {"chain_tasks_listed": "yes"}})
    rehearsed = run(stage, MODULE, check=True, **wish)
    assert (rehearsed["failed"], rehearsed["changed"]) == (False, True), rehearsed
    unconfirmed = run(stage, MODULE, **wish)
    assert "confirm" in unconfirmed["msg"]
    ended = run(stage, MODULE, **wish, confirm=TARGET)
    assert (ended["failed"], ended["state"], states(ended)) == (False, "terminated", {"orders": "terminated"}), ended
    assert ended["diff"] == rehearsed["diff"]
    again = run(stage, MODULE, **wish, confirm=TARGET)
    assert (again["failed"], again["changed"]) == (False, False)
    anew = run(stage, MODULE, **WISH, state="staged")
    assert (anew["failed"], anew["changed"], anew["state"]) == (False, True, "staged"), anew


def test_an_end_that_nobody_waits_for_is_promised_as_such(stage, run):
    stage.put("sales.bak", full("sales"))
    run(stage, MODULE, **WISH, wait=False)
    wish = {**WISH, "prefix": None, "state": "terminated", "include": ["*"], "wait": False}
    rehearsed = run(stage, MODULE, check=True, **wish)
    ended = run(stage, MODULE, **wish, confirm=TARGET)
    assert (rehearsed["state"], states(rehearsed)) == ("in_flight", {"sales": "in_flight"})
    assert (ended["failed"], ended["state"], states(ended)) == (False, "in_flight", {"sales": "in_flight"}), ended
    assert ended["diff"] == rehearsed["diff"]


def test_a_chain_goes_on_from_its_own_base(stage, run):
    """A newer full backup in the folder does not end a chain that is open."""
    stage.put("orders_1.bak", full("orders"))
    run(stage, MODULE, **WISH, state="staged")
    stage.put("orders_9.bak", full("orders", 20))
    stage.put("orders_2.trn", log("orders", 6, 0))
    staged = run(stage, MODULE, **WISH, state="staged")
    assert (staged["failed"], staged["state"]) == (False, "staged"), staged
    assert [key for _name, _mode, key in stage.creates()] == ["orders_1.bak", "orders_2.trn"]


def test_only_the_newest_backups_are_used(stage, run):
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.bak", full("orders", 24, checkpoint_lsn="3400"))
    stage.put("orders_3.diff", differential("orders", 30, 24))
    stage.put("orders_4.diff", differential("orders", 36, 24))
    stage.put("orders_5.trn", log("orders", 33, 30))
    stage.put("orders_6.trn", log("orders", 39, 36))
    rehearsed = run(stage, MODULE, check=True, **WISH, state="staged")
    used = [b["key"] for b in rehearsed["databases"][0]["backups"]]
    assert used == ["in/orders_2.bak", "in/orders_4.diff", "in/orders_6.trn"]
    assert status_of(rehearsed, "superseded_backups") == "warn"


def test_a_missing_log_is_seen_before_and_told_after(stage, run):
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    stage.put("orders_4.trn", log("orders", 12, 9))
    rehearsed = run(stage, MODULE, check=True, **WISH, state="staged")
    assert status_of(rehearsed, "chain_complete") == "warn"
    failed = run(stage, MODULE, **WISH, state="staged")
    assert (failed["failed"], failed["error"]["code"]) == (True, "gap_in_chain"), failed
    stage.put("orders_3.trn", log("orders", 9, 6))
    done = run(stage, MODULE, **WISH, state="staged")
    assert (done["failed"], done["state"]) == (False, "staged"), done


def test_an_approval_outlives_the_logs_of_the_night(stage, run, tmp_path):
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    rehearsed = run(stage, MODULE, check=True, **WISH)
    path = tmp_path / "approved.json"
    path.write_text(json.dumps({"plan": rehearsed["plan"]}))
    stage.put("orders_3.trn", log("orders", 8, 6))
    done = run(stage, MODULE, **CONFIRMED, approved_plan=str(path))
    assert (done["failed"], done["state"]) == (False, "restored"), done
    stage.put("crm.bak", full("crm"))
    more = run(stage, MODULE, **CONFIRMED, approved_plan=str(path))
    assert (more["failed"], more["error"]["code"]) == (True, "not_approved")
    assert "crm" in more["msg"]


def test_headers_are_read_in_three_requests_at_most(stage, run):
    big = {"size": 3 * 1024**2}
    stage.put("sales.bak", full("sales"), **big)
    stage.put("crm.bak", full("crm"), compressed=True)
    run(stage, MODULE, check=True, **WISH)
    reads = [c for c in stage.world.calls.select() if c.action == "GetObject"]
    assert 2 <= len(reads) <= 6
    assert sum(c.parameters["key"] == "in/sales.bak" for c in reads) <= 3


def test_a_finished_run_reads_little(stage, run):
    for number in range(6):
        stage.put(f"db{number}.bak", full(f"db{number}"))
    run(stage, MODULE, **WISH)
    before = len(stage.world.calls.select())
    uploads = [{"key": f"in/db{n}.bak", "database": f"db{n}"} for n in range(6)]
    again = run(stage, MODULE, **{**WISH, "prefix": None}, backups=uploads)
    assert again["changed"] is False
    assert [c.action for c in stage.world.calls.select()[before:]] == [
        "DescribeDBInstanceAttribute",
        "DescribeDatabases",
        "DescribeMigrateTasks",
        "GetBucketInfo",
        "ListBuckets",
    ]


def test_hundreds_of_databases_are_polled_by_listings(run):
    stage = BackupStage(Variants())
    stage.world.merge(
        {"quotas": {"parallel_restores": 0}, "instances": {TARGET: {"max_databases": 900, "storage_gb": 9000}}}
    )
    for number in range(300):
        stage.put(f"db{number:03}.bak", full(f"db{number:03}", size=GIB // 8))
    done = run(stage, MODULE, **WISH)
    assert (done["failed"], done["state"], len(done["databases"])) == (False, "restored", 300), done.get("msg")
    assert len(stage.creates()) == 300
    assert stage.calls("DescribeMigrateTaskById") == []
    listings = stage.calls("DescribeMigrateTasks")
    rounds = len([c for c in listings if c.parameters["PageNumber"] == "1"])
    assert len(listings) <= 3 * rounds


def test_the_tasks_of_an_instance_with_their_files(stage, run):
    stage.put("sales.bak", full("sales"))
    stage.put("crm.bak", full("crm"))
    stage.world.merge({"outcomes": [{"result": "checkdb_fails", "kind": "migrate", "database": "crm"}]})
    checked = run(stage, MODULE, **WISH, check_db_mode="SyncExecuteDBCheck")
    assert (checked["failed"], checked["error"]["code"]) == (True, "damaged_database"), checked
    found = run(stage, "rds_migration_info", instance_id=TARGET)
    rows = {m["database"]: m for m in found["migrations"]}
    assert (rows["sales"]["path"], rows["sales"]["state"], rows["sales"]["error"]) == (
        "backup_migration",
        "finished",
        None,
    )
    assert [f["name"].rpartition("/")[2] for f in rows["sales"]["files"]] == ["sales.bak"]
    assert "CHECKDB" in rows["crm"]["error"]
    one = run(stage, "rds_migration_info", instance_id=TARGET, task_id=rows["crm"]["task_id"])
    assert [m["database"] for m in one["migrations"]] == ["crm"]


def test_a_chain_is_found_by_its_id(stage, run):
    stage.put("orders_1.bak", full("orders"))
    staged = run(stage, MODULE, **WISH, state="staged")
    task_id = staged["databases"][0]["migrate_task_id"]
    found = run(stage, "rds_migration_info", instance_id=TARGET, task_id=task_id)
    assert [(m["database"], m["state"], m["backup_mode"]) for m in found["migrations"]] == [
        ("orders", "waiting", "UPDF")
    ]


def test_an_edition_without_a_list_says_so(stage, run):
    stage.world.merge({"instances": {TARGET: {"engine_version": "2017_ent", "category": "AlwaysOn"}}})
    found = run(stage, "rds_migration_info", instance_id=TARGET)
    assert list(found["unavailable"]) == ["backup_migration"]


def test_files_whose_copy_the_service_removed_are_not_sent_again(stage, run):
    """No page says when a file row turns to Deleted; sending a log twice would break the chain."""
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    run(stage, MODULE, **WISH, state="staged")
    for task in stage.world.state.migrate_tasks:
        for file in task.files:
            file.status = "Deleted"
    stage.put("orders_3.trn", log("orders", 8, 6))
    done = run(stage, MODULE, **WISH, state="staged")
    assert (done["failed"], done["state"]) == (False, "staged"), done
    assert [key for _name, _mode, key in stage.creates()] == ["orders_1.bak", "orders_2.trn", "orders_3.trn"]
