# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports and copies between instances: conditions, states over time, ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apsara_emulator import VARIANTS, ApiError
from apsara_emulator.default_world import ACCOUNT_TWO

from .inprocess import GIB, SMALL, SOURCE, TARGET, Bench

KINDS = ("import", "copy")
ACTIONS = {"import": "ImportDatabaseBetweenInstances", "copy": "CopyDatabaseBetweenInstances"}
# 90 seconds, and one for each of the 30 GiB of hr and crm.
DURATION = 120.0


@pytest.mark.parametrize("kind", KINDS)
def test_states_over_time(kind: str) -> None:
    bench = Bench()
    bench.start(kind)
    assert bench.databases() == {"warehouse": "Running", "hr": "Creating", "crm2": "Creating"}
    assert (bench.status(SOURCE), bench.status(TARGET)) == ("TransingToOthers", "ImportingFromOthers")
    bench.clock.advance(DURATION - 0.1)
    assert bench.databases()["hr"] == "Creating"
    bench.clock.advance(0.1)
    assert bench.databases() == {"warehouse": "Running", "hr": "Running", "crm2": "Running"}
    assert (bench.status(SOURCE), bench.status(TARGET)) == ("Running", "Running")
    assert bench.world.state.instances[TARGET].databases["crm2"].size == 25 * GIB
    assert set(bench.databases(SOURCE)) == {"sales", "crm", "hr", "archive"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", ["source", "target"])
def test_every_spelling_of_the_busy_states(kind: str, side: str) -> None:
    name = f"{kind}_{side}_status"
    for value in VARIANTS[name].values:
        bench = Bench(**{name: value})
        bench.start(kind)
        assert bench.status(SOURCE if side == "source" else TARGET) == value
        assert bench.refused_start(kind) == "IncorrectDBInstanceState 403"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("delay", VARIANTS["busy_delay"].values)
def test_the_busy_state_shows_after_a_delay(kind: str, delay: str) -> None:
    bench = Bench(busy_delay=delay)
    bench.start(kind)
    if delay != "0":
        assert bench.status(TARGET) == "Running"
        assert bench.refused_start(kind) == "IncorrectDBInstanceState 403"
    bench.clock.advance(float(delay))
    assert bench.status(TARGET) == "ImportingFromOthers"


@pytest.mark.parametrize("delay", VARIANTS["release_delay"].values)
def test_instances_are_released_after_a_delay(delay: str) -> None:
    bench = Bench(release_delay=delay)
    bench.start_import()
    bench.clock.advance(DURATION)
    assert bench.databases()["hr"] == "Running"
    assert (bench.status(TARGET) == "Running") == (delay == "0")
    bench.clock.advance(float(delay))
    assert bench.status(TARGET) == "Running"


@pytest.mark.parametrize("lag", VARIANTS["list_lag"].values)
@pytest.mark.parametrize("listed", VARIANTS["target_databases"].values)
def test_when_databases_are_listed(lag: str, listed: str) -> None:
    bench = Bench(list_lag=lag, target_databases=listed)
    bench.start_import()
    bench.clock.advance(float(lag))
    assert ("hr" in bench.databases()) == (listed == "creating")
    bench.clock.advance(DURATION - float(lag))
    assert ("hr" in bench.databases()) == (listed == "creating" or lag == "0")
    bench.clock.advance(float(lag))
    assert bench.databases()["hr"] == "Running"


def test_speed_divides_durations() -> None:
    bench = Bench(busy_delay="20", list_lag="25", release_delay="15")
    bench.world.speed = 60.0
    bench.start_import()
    for seconds, states in ((0.2, {}), (0.3, {"hr": "Creating"}), (1.5, {"hr": "Running"})):
        bench.clock.advance(seconds)
        assert {name: state for name, state in bench.databases().items() if name == "hr"} == states
    bench.clock.advance(0.25)
    assert bench.status(TARGET) == "Running"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("listed", VARIANTS["target_databases"].values)
def test_a_failing_transfer_leaves_nothing(kind: str, listed: str) -> None:
    outcome = {"result": "fails", "after": 30, "failure": "InternalError: broken", "target": TARGET}
    bench = Bench({"outcomes": [outcome]}, target_databases=listed)
    bench.start(kind)
    bench.clock.advance(30)
    assert bench.databases() == {"warehouse": "Running"}
    assert bench.status(TARGET) == "Running"
    task = bench.call("DescribeTasks", DBInstanceId=TARGET)["Items"]["TaskProgressInfo"][0]
    assert (task["Status"], task["TaskErrorCode"], task["TaskErrorMessage"]) == ("3", "InternalError", "broken")
    bench.start(kind)
    bench.clock.advance(DURATION)
    assert bench.databases()["hr"] == "Running"


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_transfer_may_never_start(kind: str) -> None:
    bench = Bench({"outcomes": [{"result": "never_starts", "kind": kind}]})
    answer = bench.start(kind)
    assert ("ImportId" in answer) == (kind == "import")
    for _turn in range(10):
        bench.clock.advance(DURATION)
        assert bench.status(TARGET) == "Running"
        assert bench.databases() == {"warehouse": "Running"}
    assert bench.world.calls.select(mutating=True)[0].took_effect is False


def test_privileges_come_along_when_asked() -> None:
    for wanted, rights in (("NO", {}), (None, {}), ("YES", {"crm2": "ReadOnly"})):
        bench = Bench()
        bench.start_copy(SyncUserPrivilege=wanted)
        bench.clock.advance(DURATION)
        rows = bench.call("DescribeAccounts", DBInstanceId=TARGET)["Accounts"]["DBInstanceAccount"]
        found = {row["AccountName"]: row["DatabasePrivileges"]["DatabasePrivilege"] for row in rows}
        assert {one["DBName"]: one["AccountPrivilege"] for one in found.get("app", [])} == rights


def test_a_database_made_meanwhile_is_skipped() -> None:
    bench = Bench(copy_target_status="Running", target_databases="when_finished")
    bench.start_copy()
    bench.call("CreateDatabase", DBInstanceId=TARGET, DBName="hr", CharacterSetName="Latin1_General_CI_AS")
    bench.clock.advance(DURATION)
    assert bench.databases() == {"warehouse": "Running", "hr": "Running", "crm2": "Running"}
    assert bench.world.state.instances[TARGET].databases["hr"].size == 0


# What has to be so, what is made of it, and how it is refused: (change of the world or call, import, copy).
INSTANCE_CONDITIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "source busy": ({SOURCE: {"status": "Rebooting"}}, "IncorrectDBInstanceState 403", "IncorrectDBInstanceState 403"),
    "target busy": ({TARGET: {"status": "Restoring"}}, "IncorrectDBInstanceState 403", "IncorrectDBInstanceState 403"),
    "target locked": (
        {TARGET: {"lock_mode": "LockByDiskQuota"}},
        "OperationDenied.LockMode 403",
        "OperationDenied.LockMode 403",
    ),
    "source of another account": (
        {SOURCE: {"account_id": ACCOUNT_TWO}},
        "InvalidDBInstanceId.NotFound 404",
        "InvalidDBInstanceId.NotFound 404",
    ),
    "other region": ({TARGET: {"region": "cn-shanghai"}}, "OperationDenied.Region 403", "OperationDenied.Region 403"),
    "other engine": ({TARGET: {"engine": "MySQL"}}, "OperationDenied.Engine 403", "OperationDenied.Engine 403"),
    "both of another engine": (
        {SOURCE: {"engine": "MySQL"}, TARGET: {"engine": "MySQL"}},
        "OperationDenied.DBInstanceEngine 403",
        "OperationDenied.DBInstanceEngine 403",
    ),
    "read-only": ({TARGET: {"type": "Readonly"}}, "IncorrectDBInstanceType 403", "IncorrectDBInstanceType 403"),
    "general family": ({SOURCE: {"class_type": "x"}}, "IncorrectDBInstanceType 403", ""),
    "shared family": ({TARGET: {"class_type": "s"}}, "IncorrectDBInstanceType 403", ""),
    "dedicated host": ({TARGET: {"class_type": "h"}}, "", ""),
    "2017 EE": (
        {SOURCE: {"engine_version": "2017_ent"}, TARGET: {"engine_version": "2017_ent"}},
        "EngineVersionNotSupported 400",
        "",
    ),
    "other version": ({TARGET: {"engine_version": "2022_std_ha"}}, "", "EngineVersionNotSupported 400"),
    "2008": (
        {SOURCE: {"engine_version": "2008r2"}, TARGET: {"engine_version": "2008r2"}},
        "",
        "EngineVersionNotSupported 400",
    ),
    "other network": ({TARGET: {"network_type": "Classic"}}, "", "OperationDenied.NetworkType 403"),
    "database not running": (
        {SOURCE: {"databases": {"hr": {"status": "Creating"}}}},
        "OperationDenied.DBStatus 403",
        "OperationDenied.DBStatus 403",
    ),
    "no such database": (
        {SOURCE: {"databases": {"hr": None}}},
        "InvalidDBName.NotFound 404",
        "InvalidDBName.NotFound 404",
    ),
    "name taken": (
        {TARGET: {"databases": {"CRM2": {}}}},
        "InvalidDBName.Duplicate 400",
        "InvalidDBName.Duplicate 400",
    ),
    "too many databases": ({TARGET: {"max_databases": 2}}, "QuotaExceeded.DBName 400", "DBLimitExceeded 403"),
    "too little space": (
        {TARGET: {"storage_gb": 40}},
        "QuotaExceeded.DBInstanceStorage 403",
        "StorageLimitExceeded 403",
    ),
    # The import compares with all that the source uses, the copy with what is copied.
    "space for the databases only": ({TARGET: {"storage_gb": 100}}, "QuotaExceeded.DBInstanceStorage 403", ""),
}


@pytest.mark.parametrize("condition", INSTANCE_CONDITIONS)
def test_conditions_on_the_instances(condition: str) -> None:
    change, refused_import, refused_copy = INSTANCE_CONDITIONS[condition]
    for kind, expected in (("import", refused_import), ("copy", refused_copy)):
        bench = Bench({"instances": change})
        if expected:
            assert bench.refused_start(kind) == expected
            assert not bench.world.state.operations
        else:
            bench.start(kind)
            assert bench.world.state.operations


NAMES: dict[str, tuple[Any, str]] = {
    "reserved": ({"hr": "Master"}, "InvalidParameter.Keyword 400"),
    "forbidden character": ({"hr": "h@r"}, "InvalidDBName 400"),
    "too long": ({"hr": "x" * 129}, "InvalidDBName 400"),
    "target twice": ({"hr": "same", "crm": "SAME"}, "Malformed"),
    "empty": ({}, "Malformed"),
    "empty target": ({"hr": ""}, "Malformed"),
    "number": ({"hr": 1}, "Malformed"),
    "nested": ({"hr": {"name": "hr"}}, "Malformed"),
}


@pytest.mark.parametrize("case", NAMES)
def test_conditions_on_the_names(case: str) -> None:
    names, expected = NAMES[case]
    bench = Bench()
    for action, parameters, parameter in (
        (ACTIONS["import"], bench.import_parameters(names), "DBInfo"),
        (ACTIONS["copy"], bench.copy_parameters(names), "DbNames"),
    ):
        full = f"Invalid{parameter}.Malformed 400" if expected == "Malformed" else expected
        assert bench.refused(action, **parameters) == full


@pytest.mark.parametrize("text", ["", "x", "[]", "1", "null", '"a"', "{", "[" * 100000, '{"hr":"a","hr":"b"}', "{}"])
def test_texts_that_are_no_names(text: str) -> None:
    bench = Bench()
    expected = {"MissingParameter 400"} if not text else {"InvalidDBInfo.Malformed 400", "InvalidDbNames.Malformed 400"}
    assert bench.refused(ACTIONS["import"], **bench.import_parameters(DBInfo=text)) in expected
    assert bench.refused(ACTIONS["copy"], **bench.copy_parameters(DbNames=text)) in expected
    wrapped = json.dumps({"DBNames": text})
    assert bench.refused(ACTIONS["import"], **bench.import_parameters(DBInfo=wrapped)) == "InvalidDBInfo.Malformed 400"


@pytest.mark.parametrize("value", VARIANTS["import_array"].values)
def test_array_form_of_names(value: str) -> None:
    bench = Bench(import_array=value)
    if value == "accepted":
        bench.start_import(["hr", "sales"])
        assert set(bench.databases()) == {"warehouse", "hr", "sales"}
    for names in (["hr", "hr"], [1], [], [["hr"]], None if value == "accepted" else ["hr"]):
        if names is not None:
            parameters = bench.import_parameters(names)
            assert bench.refused(ACTIONS["import"], **parameters) == "InvalidDBInfo.Malformed 400"


def test_source_and_target_must_differ() -> None:
    bench = Bench()
    parameters = bench.import_parameters(SourceDBInstanceId=TARGET)
    assert bench.refused(ACTIONS["import"], **parameters) == "OperationDenied.DBInstanceId 403"
    parameters = bench.copy_parameters(TargetDBInstanceId=SOURCE)
    assert bench.refused(ACTIONS["copy"], **parameters) == "OperationDenied.DBInstanceId 403"


@pytest.mark.parametrize(
    ("rule", "storage_gb", "accepted"),
    [
        ("used", 131, True),
        ("used", 130, False),
        ("free", 391, True),
        ("free", 390, False),
        ("databases", 41, True),
        ("databases", 40, False),
    ],
)
def test_space_rules_of_an_import(rule: str, storage_gb: int, accepted: bool) -> None:
    bench = Bench({"instances": {TARGET: {"storage_gb": storage_gb}}}, import_space=rule)
    if accepted:
        bench.start_import()
    else:
        assert bench.refused_start("import") == "QuotaExceeded.DBInstanceStorage 403"


BACKUPS: dict[str, tuple[dict[str, Any], str]] = {
    "neither": ({"BackupId": None}, "MissingParameter 400"),
    "both": ({"RestoreTime": "2026-01-02T03:00:00Z"}, "InvalidRestoreTime.Malformed 400"),
    "unknown": ({"BackupId": "1"}, "InvalidBackupId.NotFound 404"),
    "no time": ({"BackupId": None, "RestoreTime": "yesterday"}, "InvalidRestoreTime.Format 400"),
    "too early": ({"BackupId": None, "RestoreTime": "2025-12-20T00:00:00Z"}, "InvalidBackup.NotFound 404"),
    "future": ({"BackupId": None, "RestoreTime": "2026-01-03T00:00:00Z"}, "InvalidBackup.NotFound 404"),
    "privileges": ({"SyncUserPrivilege": "maybe"}, "InvalidSyncUserPrivilege.ValueNotSupported 400"),
}


@pytest.mark.parametrize("case", BACKUPS)
def test_conditions_on_the_backup(case: str) -> None:
    changes, expected = BACKUPS[case]
    bench = Bench()
    assert bench.refused(ACTIONS["copy"], **bench.copy_parameters(**changes)) == expected


@pytest.mark.parametrize("change", [{"status": "Failed"}, {"available": False}])
def test_a_backup_that_cannot_be_used(change: dict[str, Any]) -> None:
    backup = {"id": "7", "start": {"ago": 120}, "end": {"ago": 60}, **change}
    bench = Bench({"instances": {SOURCE: {"backups": [backup]}}})
    assert bench.refused_start("copy") == "IncorrectBackupSetState 403"
    parameters = bench.copy_parameters(BackupId=None, RestoreTime="2026-01-02T03:04:00Z")
    assert bench.refused(ACTIONS["copy"], **parameters) == "InvalidBackup.NotFound 404"


def test_a_point_in_time_needs_a_backup_before_it() -> None:
    backup = {"id": "7", "start": {"ago": 120}, "end": {"ago": 60}}
    bench = Bench({"instances": {SOURCE: {"backups": [backup]}}})
    for moment, accepted in (("2026-01-02T03:03:04Z", False), ("2026-01-02T03:03:05Z", True)):
        parameters = bench.copy_parameters(BackupId=None, RestoreTime=moment)
        if accepted:
            bench.call(ACTIONS["copy"], **parameters)
        else:
            assert bench.refused(ACTIONS["copy"], **parameters) == "InvalidBackup.NotFound 404"


def test_a_refused_call_took_no_effect() -> None:
    bench = Bench()
    bench.start_copy()
    assert bench.refused_start("copy") == "IncorrectDBInstanceState 403"
    assert [one.took_effect for one in bench.world.calls.select(mutating=True)] == [True, False]


def test_a_backup_without_the_database() -> None:
    backup = {"id": "7", "start": {"ago": 120}, "end": {"ago": 60}, "databases": ["hr"]}
    bench = Bench({"instances": {SOURCE: {"backups": [backup]}}})
    assert bench.refused_start("copy") == "InvalidDBName.NotFound 404"
    bench.start_copy({"hr": "hr"})


def test_a_point_in_time() -> None:
    bench = Bench()
    bench.start_copy(BackupId=None, RestoreTime="2026-01-02T03:00:00Z")
    bench.clock.advance(DURATION)
    assert bench.databases()["crm2"] == "Running"


def test_a_backup_and_a_time() -> None:
    bench = Bench(copy_with_both="backup")
    bench.start_copy(RestoreTime="2026-01-02T03:00:00Z")
    assert bench.databases()["crm2"] == "Creating"


@pytest.mark.parametrize("listed", VARIANTS["target_databases"].values)
def test_cancel(listed: str) -> None:
    bench = Bench(target_databases=listed)
    import_id = bench.start_import()["ImportId"]
    bench.clock.advance(60)
    bench.call("CancelImport", DBInstanceId=TARGET, ImportId=import_id)
    assert bench.status(TARGET) == "ImportingFromOthers"
    again = bench.refused("CancelImport", DBInstanceId=TARGET, ImportId=import_id)
    assert again == "OperationDenied.IncorrectTaskStatus 403"
    bench.clock.advance(10)
    assert (bench.status(SOURCE), bench.status(TARGET)) == ("Running", "Running")
    assert bench.databases() == {"warehouse": "Running"}
    bench.start_import()


def test_cancel_of_what_does_not_run() -> None:
    bench = Bench()
    assert bench.refused("CancelImport", DBInstanceId=TARGET, ImportId=1) == "InvalidTaskId.NotFound 400"
    assert bench.refused("CancelImport", DBInstanceId=TARGET, ImportId="x") == "InvalidParameter 400"
    assert bench.refused("CancelImport", DBInstanceId=TARGET) == "MissingParameter 400"
    import_id = bench.start_import()["ImportId"]
    assert bench.refused("CancelImport", DBInstanceId=SOURCE, ImportId=import_id) == "InvalidTaskId.NotFound 400"
    with pytest.raises(ApiError, match="NotFound"):
        bench.world.call(ACCOUNT_TWO, "CancelImport", {"DBInstanceId": TARGET, "ImportId": import_id})
    bench.clock.advance(DURATION)
    finished = bench.refused("CancelImport", DBInstanceId=TARGET, ImportId=import_id)
    assert finished == "OperationDenied.IncorrectTaskStatus 403"
    assert bench.databases()["hr"] == "Running"


def test_a_copy_cannot_be_cancelled() -> None:
    bench = Bench()
    bench.start_copy()
    running = bench.world.state.operations[0].id
    assert bench.refused("CancelImport", DBInstanceId=TARGET, ImportId=running) == "InvalidTaskId.NotFound 400"


REFUSAL_VARIANTS = {
    "wrong_state": {SOURCE: {"status": "Rebooting"}},
    "wrong_database_state": {SOURCE: {"databases": {"hr": {"status": "Creating"}}}},
    "wrong_family": {TARGET: {"type": "Guard"}},
    "wrong_engine": {SOURCE: {"engine": "MySQL"}, TARGET: {"engine": "MySQL"}},
    "wrong_lock_mode": {SOURCE: {"lock_mode": "ManualLock"}},
    "instance_not_found": {SOURCE: None},
    "database_not_found": {SOURCE: {"databases": {"hr": None}}},
}


@pytest.mark.parametrize("name", REFUSAL_VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_spelling_of_a_refusal(name: str, kind: str) -> None:
    for value in VARIANTS[name].values:
        bench = Bench(**{name: value})
        parameters = bench.import_parameters() if kind == "import" else bench.copy_parameters()
        bench.world.merge({"instances": REFUSAL_VARIANTS[name]})
        assert bench.refused(ACTIONS[kind], **parameters) == value


@pytest.mark.parametrize("value", VARIANTS["wrong_network_type"].values)
def test_every_spelling_of_a_wrong_network_type(value: str) -> None:
    bench = Bench({"instances": {TARGET: {"network_type": "Classic"}}}, wrong_network_type=value)
    assert bench.refused_start("copy") == value


@pytest.mark.parametrize("value", VARIANTS["wrong_version"].values)
def test_every_spelling_of_a_wrong_version(value: str) -> None:
    bench = Bench(wrong_version=value)
    assert bench.refused("DescribeAccounts", DBInstanceId=SMALL) == value


@pytest.mark.parametrize("value", VARIANTS["bad_database_name"].values)
def test_every_spelling_of_a_bad_name(value: str) -> None:
    assert Bench(bad_database_name=value).refused("CheckDBNameAvailable", DBInstanceId=TARGET, DBName="a|b") == value


@pytest.mark.parametrize("value", VARIANTS["import_id"].values)
def test_import_id_is_text_or_number(value: str) -> None:
    assert isinstance(Bench(import_id=value).start_import()["ImportId"], str if value == "text" else int)


@pytest.mark.parametrize("where", VARIANTS["tasks_listed"].values)
@pytest.mark.parametrize("words", VARIANTS["task_status"].values)
def test_tasks(where: str, words: str) -> None:
    bench = Bench(tasks_listed=where, task_status=words)
    bench.start_copy()
    bench.clock.advance(60)
    on = {"both": (SOURCE, TARGET), "target": (TARGET,), "source": (SOURCE,), "nowhere": ()}[where]
    running = {"numbers": "1", "other_numbers": "0", "words": "Running"}[words]
    for instance in (SOURCE, TARGET):
        answer = bench.call("DescribeTasks", DBInstanceId=instance, TaskAction=ACTIONS["copy"], Status="nonsense")
        rows = answer["Items"]["TaskProgressInfo"]
        assert [(row["Status"], row["Progress"], row["Remain"]) for row in rows] == (
            [(running, "50", 60)] if instance in on else []
        )
        assert answer["TotalRecordCount"] == len(rows)
    other = bench.call("DescribeTasks", DBInstanceId=TARGET, StartTime="2026-01-03T00:00Z", EndTime="2026-01-04T00:00Z")
    assert other["TotalRecordCount"] == 0


@pytest.mark.parametrize("where", VARIANTS["history_listed"].values)
def test_history(where: str) -> None:
    bench = Bench(history_listed=where)
    bench.start_copy()
    window = {"FromStartTime": "2026-01-02T00:00:00Z", "ToStartTime": "2026-01-03T00:00:00Z"}
    rows = bench.call("DescribeHistoryTasks", **window)["Items"]
    expected = {"both": [SOURCE, TARGET], "target": [TARGET], "nowhere": []}[where]
    assert [row["InstanceId"] for row in rows] == expected
    assert {row["Status"] for row in rows} <= {"Running"}
    bench.clock.advance(DURATION)
    succeeded = bench.call("DescribeHistoryTasks", **window, Status="Succeed,Failed", InstanceId=f"{TARGET},x")
    assert [row["InstanceId"] for row in succeeded["Items"]] == [one for one in expected if one == TARGET]
    bench.clock.advance(31 * 86400)
    assert bench.call("DescribeHistoryTasks", **window)["Items"] == []
