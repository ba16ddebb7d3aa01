# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every row of the vendor's two error tables and of its task texts has a cause and a remedy."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.advice import advice, is_documented
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.backup_task_texts import (
    trouble_in,
    trouble_of_failure,
    trouble_of_success,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    BUCKET,
    ENDPOINTS,
    MODULE,
    WISH,
    BackupStage,
    differential,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from apsara_emulator import Variants
from apsara_emulator.oss_model import Bucket

CREATE = "CreateMigrateTask"

# The guide's table of error codes: status, code, what the remedy has to name.
CODES = [
    (403, "InvalidDBName", "new_name"),
    (403, "IncorrectDBInstanceState", "Running"),
    (400, "IncorrectDBInstanceType", "instance_id"),
    (400, "IncorrectDBInstanceLockMode", "Unlock"),
    (400, "InvalidDBName.NotFound", "new_name"),
    (400, "IncorrectDBType", "instance_id"),
    (400, "IncorrectDBState", "Wait"),
    (400, "UploadLimitExceeded", "tomorrow"),
    (400, "ConcurrentTaskExceeded", "tomorrow"),
    (400, "IncorrectFileExtension", ".bak"),
    (400, "InvalidOssUrl", "bucket"),
    (400, "BakFileSizeExceeded", "compression"),
    (400, "FileSizeExceeded", "storage"),
    (400, "InvalideStatus", "rds_migration_info"),
    (400, "InvalideStatus.Format", "rds_migration_info"),
    (400, "EngineNotSupported", "instance_id"),
]


@pytest.mark.parametrize(("status", "code", "named"), CODES)
def test_codes(status, code, named):
    found = advice(code, status, CREATE)
    assert named in found.remedy
    assert found.cause
    assert is_documented(code)


def test_a_code_means_something_else_elsewhere():
    assert advice("InvalidDBName.NotFound", 400, CREATE) != advice("InvalidDBName.NotFound", 400, "CopyDatabase")


# Task texts of the guides, with what we call them.
TEXTS = [
    ("The database (sales) is already exist on RDS", "name_taken"),
    (
        "Backup set (sales.bak) is a Database Differential backup, we only accept a FULL Backup.",
        "differential_instead_of_full",
    ),
    ("Backup set (sales.bak) is a Transaction Log backup, we only accept a FULL Backup.", "log_instead_of_full"),
    (
        "Backup set (sales.bak) is a Database FULL backup, we only accept transaction log or differential backup.",
        "full_instead_of_incremental",
    ),
    (
        "The log in this backup set begins at LSN 1000, which is too recent to apply to the database.",
        "gap_in_chain",
    ),
    ("Failed to verify sales.bak, backup file was corrupted or newer edition than RDS.", "not_restorable"),
    ("DBCC checkdb failed", "damaged_database"),
    ("asynchronously DBCC checkdb failed", "damaged_database_online"),
    ("Not Enough Disk Space for restoring: 12 GB", "storage_full"),
    ("Your RDS doesn't have any init account yet, please create one.", "no_privileged_account"),
    ("Failed to open database sales", "not_opened"),
    ("The database (sales) migration failed due to databases count limitation", "too_many_databases"),
]


@pytest.mark.parametrize(("text", "code"), TEXTS)
def test_task_texts(text, code):
    found = trouble_in(text)
    assert found is not None
    assert (found.code, bool(found.cause), bool(found.remedy)) == (code, True, True)
    assert trouble_of_failure(text) == found
    assert trouble_of_success(text) == found


@pytest.mark.parametrize("text", ["", "asynchronously DBCC checkdb success.", "success", "Restore finished"])
def test_a_success_without_trouble(text):
    assert trouble_of_success(text) is None


def test_an_unknown_text_is_passed_on():
    assert "sector 9" in trouble_of_failure("The disk said no at sector 9").cause
    assert "cannot" in trouble_of_success("The owner cannot be set").cause


# The guide's other table: what the batch script said; here a check or an error with the service's code.


def test_wrong_key(run):
    result = run(BackupStage(), MODULE, **WISH, access_key_id="LTAI5tNobodyHasThisKey01")
    assert result["error"]["code"].startswith("InvalidAccessKeyId")
    assert "access_key_id" in result["msg"]


def test_wrong_secret(run):
    result = run(BackupStage(), MODULE, **WISH, access_key_secret="nobodyHasThisSecret00000000001")
    assert "access_key_secret" in result["msg"]
    assert "nobodyHasThisSecret" not in str(result)


def test_another_engine(run):
    stage = BackupStage()
    stage.world.merge({"instances": {TARGET: {"engine": "MySQL", "engine_version": "8.0"}}})
    result = run(stage, MODULE, check=True, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, "no_go")
    assert "MySQL" in result["msg"]


def test_no_such_instance(run):
    result = run(BackupStage(), MODULE, **{**WISH, "instance_id": "rm-nobodyhasthis0001"})
    assert "rm-nobodyhasthis0001 was not found" in result["msg"]


def test_unreachable_bucket_endpoint(run):
    result = run(BackupStage(), MODULE, **{**WISH, "oss_endpoint": "https://oss-nowhere.invalid"})
    assert result["failed"]
    assert "oss_endpoint" in result["msg"]


def test_no_such_bucket(run):
    result = run(BackupStage(), MODULE, **{**WISH, "bucket": "nobody-has-this-bucket"})
    assert result["failed"]
    assert "nobody-has-this-bucket" in result["msg"]


def test_a_bucket_that_may_not_be_looked_at(run):
    """It is not said to be missing, nor to hold no backups."""
    stage = BackupStage()
    name = "somebody-elses-backups"
    stage.world.state.buckets[name] = Bucket("2000000000000002", name=name, region="cn-hangzhou")
    stage.world.oss.adopt(stage.world.state)
    result = run(stage, MODULE, check=True, **{**WISH, "bucket": name})
    checks = {check["name"]: check for check in result["checks"]}
    assert checks["bucket_access"]["status"] == "fail"
    assert "AccessDenied" in checks["bucket_access"]["detail"]
    assert not {"bucket_exists", "backups_found"} & checks.keys()
    assert stage.writes() == []


@pytest.mark.parametrize("action", ["GetBucketInfo", "GetObject"])
def test_a_redirection_says_nothing_of_the_backups(run, action):
    stage = BackupStage()
    stage.put("sales_FULL_20260101020000.bak", full("sales"))
    stage.world.faults.add({"kind": "redirect", "action": action, "times": 1})
    result = run(stage, MODULE, check=True, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, "http_307")
    assert "no backups" not in result["msg"]


def test_a_folder_without_backups(run):
    result = run(BackupStage(), MODULE, **{**WISH, "prefix": "empty"})
    assert "has no backups under empty/" in result["msg"]


def test_files_that_are_none(run):
    stage = BackupStage()
    stage.put("good.bak", full("good"))
    stage.put_bytes("readme.txt", b"hello")
    stage.put_bytes("broken_full_dbcc_failed.bak", b"this is no backup" * 99)
    result = run(stage, MODULE, check=True, **WISH)
    found = {c["name"]: c for c in result["checks"]}
    assert found["backups_readable"]["status"] == "fail"
    assert "broken_full_dbcc_failed.bak" in found["backups_readable"]["detail"]
    assert "readme.txt" in found["file_extensions"]["detail"]
    assert result["left_out"] == ["in/readme.txt"]


def test_a_bucket_of_somebody_else(run):
    stage = BackupStage()
    accounts = list(stage.world.to_document()["accounts"])
    stage.world.merge({"buckets": {BUCKET: {"account_id": accounts[1]}}})
    result = run(stage, MODULE, check=True, **WISH)
    assert result["failed"]
    assert BUCKET in result["msg"]


def test_no_permission_for_the_role(run):
    stage = BackupStage()
    stage.put("sales.bak", full("sales"))
    result = run(stage, MODULE, check=True, **{**WISH, "ram_endpoint": "https://ram.invalid"})
    assert {c["name"]: c["status"] for c in result["checks"]}["import_role"] == "unknown"


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"prefix": None}, "prefix and backups"),
        ({"backups": [{"key": "a.bak"}]}, "prefix and backups"),
        ({"prefix": None, "backups": [{"database": "sales"}]}, "neither key nor keys"),
        ({"prefix": None, "backups": [{"path": "/backup/a.bak"}]}, "upload it first"),
        ({"prefix": None, "backups": []}, "backups is empty"),
        ({"prefix": None, "backups": [{"key": "a.bak", "bucket": "other"}]}, "bucket other"),
        ({"prefix": None, "backups": [{"key": "a.bak"}, {"key": "a.bak"}]}, "more than once"),
        ({"state": "terminated"}, "include"),
        ({"instance_id": " "}, "instance_id must not be empty"),
        ({"applied_through": "yesterday"}, "applied_through"),
        ({"settle": -1}, "settle"),
        ({"new_names": {"a": 1}}, "new_names"),
    ],
)
def test_options_that_cannot_be_meant(run, wish, named):
    stage = BackupStage()
    result = run(stage, MODULE, **{**WISH, **wish})
    assert (result["failed"], result["error"]["code"]) == (True, "invalid_options"), result
    assert named in result["msg"]
    assert stage.world.calls.select() == []


@pytest.mark.parametrize(
    ("backup", "check", "name"),
    [
        (full("sales", software_version="17.0.1050"), "backup_version", "sales.bak"),
        (full("sales", tde=True), "not_encrypted", "sales.bak"),
        (full("sales", password=True), "no_passwords", "sales.bak"),
        (full("msdb"), "system_databases", "msdb.bak"),
        (full("root"), "target_names", "root.bak"),
        (full("a@b"), "target_names", "ab.bak"),
        (full("sales", damaged=True), "backups_readable", "sales.bak"),
        (differential("sales", 3), "full_backup_present", "sales.bak"),
        (log("sales", 3, 2), "full_backup_present", "sales.trn"),
        (full("sales", size=10**15), "free_storage", "sales.bak"),
        (full("sales"), "object_names", "sa@les.bak"),
        (full("sales"), "object_names", "sa:les.bak"),
    ],
)
def test_backups_that_stop_a_run(run, backup, check, name):
    stage = BackupStage()
    stage.put(name, backup)
    result = run(stage, MODULE, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, "no_go"), result
    assert {c["name"]: c["status"] for c in result["checks"]}[check] == "fail", result["checks"]
    assert stage.changes() == []
    assert all(c["remedy"] for c in result["checks"] if c["status"] != "pass")


def test_what_the_service_refuses_all_the_same_is_told(run):
    """Preflight is switched off: the check's word becomes the service's, and nothing is sent for a refused one."""
    stage = BackupStage()
    stage.put("sales.bak", full("sales"))
    stage.put("crm.bak", full("crm", software_version="17.0.1050"))
    result = run(stage, MODULE, **WISH, preflight="warn")
    assert {d["target"]: d["state"] for d in result["databases"]} == {"crm": "refused", "sales": "online"}
    assert [name for name, _mode, _key in stage.creates()] == ["sales"]


def test_without_a_privileged_account(run):
    """The service succeeds and nobody has rights: that is told, before and after."""
    stage = BackupStage()
    stage.put("sales.bak", full("sales"))
    stage.world.merge({"instances": {TARGET: {"accounts": None}}})
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert {c["name"]: c["status"] for c in rehearsed["checks"]}["privileged_account"] == "fail"
    done = run(stage, MODULE, **WISH, preflight="warn")
    assert (done["failed"], done["error"]["code"]) == (True, "no_privileged_account")
    assert done["databases"][0]["state"] == "online"
    assert ENDPOINTS


def begun_twice(monkeypatch):
    """Another run begins the same restore a moment before; the service takes both."""
    call, sent = RpcClient.call, []

    def both(client, action, parameters=None):
        if action == CREATE and not sent:
            sent.append(call(client, action, parameters))
        return call(client, action, parameters)

    monkeypatch.setattr(RpcClient, "call", both)
    return sent


def test_a_database_that_another_run_restores_at_the_same_time(run, monkeypatch):
    """Nobody is told to drop what the other run has just brought."""
    stage = BackupStage(Variants({"second_task": "accepted"}))
    stage.put("sales.bak", full("sales"))
    sent = begun_twice(monkeypatch)
    result = run(stage, MODULE, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, "another_task"), result["msg"]
    assert sent[0]["MigrateTaskId"] in result["msg"]
    assert "Drop nothing" in result["msg"]
    assert "drop the database" not in result["msg"]
    again = run(stage, MODULE, **WISH)
    assert (again["failed"], again["changed"]) == (False, False), again.get("msg")
    assert len(stage.creates()) == 2


@pytest.mark.parametrize("status", [307, 407])
def test_what_somebody_in_between_says_is_no_answer_of_the_service(run, status):
    """Nobody is told to make an account because a redirection came instead of the list of accounts."""
    stage = BackupStage()
    stage.put("sales.bak", full("sales"))
    stage.world.faults.add({"kind": "redirect", "action": "DescribeAccounts", "status": status, "times": None})
    result = run(stage, MODULE, check=True, **WISH)
    assert (result["failed"], result["error"]["code"]) == (True, f"http_{status}"), result["msg"]
    assert "privileged account" not in result["msg"]
