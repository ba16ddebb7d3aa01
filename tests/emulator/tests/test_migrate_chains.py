# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chains of backups, opening them, and terminating."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.sqlserver import FileDescription

from .inprocess import GIB, TARGET
from .migrating import DIFF, FULL, LOG_1, LOG_2, LOG_3, Content, MigrationBench

CHECKED = "asynchronously DBCC checkdb success."


@pytest.mark.parametrize("category", ["Basic", "HighAvailability"])
def test_full_differential_and_logs_are_applied_and_opened(category: str) -> None:
    bench = MigrationBench({"instances": {TARGET: {"category": category}}})
    task = bench.add(None, FULL)
    for backup in (DIFF, LOG_1, LOG_2):
        bench.run()
        assert bench.outcome(task) == ("Waiting", "")
        assert bench.databases()["sales"] == {"Basic": "Restoring"}.get(category, "In Recovery")
        assert bench.add(task, backup) == task
        assert bench.task(task)["Status"] == "NoStart"
    bench.run()
    words = [(row["BackupMode"], row["Status"]) for row in bench.files(task)]
    kinds = ["Database", "Differential_Database", "Transaction_Log", "Transaction_Log"]
    assert words == [(kind, "Restored") for kind in kinds]
    assert set(bench.open(task)) == {"RequestId"}
    assert bench.task(task)["Status"] == "Running"
    bench.run()
    assert bench.outcome(task) == ("Success", CHECKED)
    assert bench.databases()["sales"] == "Running"
    assert bench.world.state.instances[TARGET].databases["sales"].size == 2 * GIB
    assert bench.refused_create(LOG_3, BackupMode="UPDF", IsOnlineDB="False", MigrateTaskId=task) == (
        "IncorrectDBState 400"
    )
    assert bench.refused("CreateOnlineDatabaseTask", **bench.open_parameters(task)) == "InvalideStatus 400"


GAP = "The log in this backup set begins at LSN 180, which is too recent"


@pytest.mark.parametrize(
    ("before", "backup", "text", "word"),
    [
        ([FULL], LOG_2, GAP, "RestoreFailed"),
        ([FULL, DIFF], LOG_2, GAP, "RestoreFailed"),
        ([FULL, LOG_1, LOG_2], LOG_1, "ends at LSN 180, which is too early", "RestoreFailed"),
        ([FULL, LOG_1, LOG_2], DIFF, "ends at LSN 150, which is too early", "RestoreFailed"),
        ([FULL], replace(DIFF, database_backup_lsn="99"), "on top of another full backup", "RestoreFailed"),
        ([FULL], FULL, "is a Database FULL backup, we only accept transaction log or differential", "CheckFailed"),
        ([FULL], b"nothing", "Failed to verify", "CheckFailed"),
        ([], LOG_1, "is a Transaction Log backup, we only accept a FULL Backup", "CheckFailed"),
        ([], DIFF, "is a Database Differential backup, we only accept a FULL Backup", "CheckFailed"),
    ],
)
@pytest.mark.parametrize("after", VARIANTS["chain_after_failure"].values)
def test_files_that_do_not_continue_a_chain(
    before: list[Content], backup: Content, text: str, word: str, after: str
) -> None:
    bench = MigrationBench(chain_after_failure=after)
    task = bench.chain(*before, backup) if before else bench.chain(backup)
    status, description = bench.outcome(task)
    assert (status, text in description) == ("Failed", True), description
    assert bench.files(task)[-1]["Status"] == word
    assert ("sales" in bench.databases()) is bool(before)
    assert bench.refused("CreateOnlineDatabaseTask", **bench.open_parameters(task)) == "InvalideStatus 400"
    following = replace(LOG_1, first_lsn="100", last_lsn="300")
    if before and after == "open":
        bench.add(task, following)
        bench.run()
        assert bench.outcome(task) == ("Waiting", "")
    else:
        assert bench.refused_create(following, BackupMode="UPDF", IsOnlineDB="False", MigrateTaskId=task) == (
            "IncorrectDBState 400"
        )


def test_logs_that_overlap_and_a_differential_in_the_middle() -> None:
    bench = MigrationBench()
    wide = replace(LOG_1, first_lsn="100", last_lsn="400")
    task = bench.chain(FULL, LOG_1, replace(DIFF, first_lsn="190", last_lsn="200"), wide)
    assert bench.outcome(task) == ("Waiting", "")


@pytest.mark.parametrize("value", VARIANTS["repeated_log"].values)
def test_a_log_that_is_applied_again(value: str) -> None:
    bench = MigrationBench(repeated_log=value)
    status, text = bench.outcome(bench.chain(FULL, LOG_1, LOG_1))
    assert status == ("Waiting" if value == "accepted" else "Failed")
    assert ("too early" in text) is (value == "refused")


def test_differentials_belong_to_the_full_backup_however_many_there_are() -> None:
    bench = MigrationBench()
    small = (FileDescription("sales", "D:\\sales.mdf", size=GIB),)
    first = replace(DIFF, checkpoint_lsn="140", files=small)
    task = bench.chain(FULL, first, replace(first, last_lsn="160", checkpoint_lsn="155"))
    assert bench.outcome(task) == ("Waiting", "")
    # It does not shrink.
    assert bench.world.state.instances[TARGET].databases["sales"].size == 2 * GIB


def test_an_outcome_is_for_one_file() -> None:
    bench = MigrationBench({"outcomes": [{"result": "slow", "kind": "migrate"}]})
    task = bench.chain(FULL)
    assert bench.task(task)["Status"] == "Waiting"
    bench.add(task, LOG_1)
    bench.clock.advance(60)
    assert bench.outcome(task) == ("Waiting", "")
    bench.world.merge({"outcomes": [{"result": "fails", "kind": "migrate", "after": 100}]})
    bench.add(task, LOG_2)
    bench.run()
    assert bench.task(task)["Status"] == "Waiting"
    bench.add(task, LOG_3)
    bench.run()
    assert bench.outcome(task) == ("Waiting", "")


def test_files_that_tell_no_numbers_are_believed() -> None:
    bench = MigrationBench()
    silent = {"first_lsn": "0", "last_lsn": "0", "checkpoint_lsn": "0", "database_backup_lsn": "0"}
    task = bench.chain(replace(FULL, **silent), replace(LOG_2, **silent), replace(DIFF, **silent), LOG_3)
    assert bench.outcome(task) == ("Waiting", "")


def test_one_file_at_a_time() -> None:
    bench = MigrationBench()
    task = bench.add(None, FULL)
    later = {"BackupMode": "UPDF", "IsOnlineDB": "False"}
    assert bench.refused_create(LOG_1, MigrateTaskId=task, **later) == "IncorrectDBState 400"
    bench.run()
    assert bench.refused_create(FULL, **later) == "IncorrectDBState 400"
    assert bench.refused_create(FULL) == "IncorrectDBState 400"
    assert bench.refused_create(LOG_1, "other", MigrateTaskId=task, **later) == "InvalidDBName.NotFound 400"
    assert bench.refused_create(LOG_1, MigrateTaskId="1", **later) == "InvalidMigrateTaskId.NotFound 404"
    full = bench.create(FULL, "single")
    bench.run()
    assert bench.refused_create(LOG_1, "single", MigrateTaskId=full, **later) == "IncorrectDBState 400"


@pytest.mark.parametrize("word", VARIANTS["chain_wait_status"].values)
def test_every_word_for_waiting(word: str) -> None:
    bench = MigrationBench(chain_wait_status=word)
    assert bench.outcome(bench.chain(FULL)) == (word, "")


@pytest.mark.parametrize("word", VARIANTS["chain_database"].values)
def test_what_the_database_of_a_chain_shows(word: str) -> None:
    bench = MigrationBench(chain_database=word)
    bench.chain(FULL)
    expected = {"by_edition": "In Recovery"}.get(word, word)
    assert bench.databases().get("sales", "hidden") == expected


def test_calls_with_ids_of_their_own() -> None:
    bench = MigrationBench(chain_task_id="new")
    first = bench.chain(FULL)
    second = bench.add(first, LOG_1)
    bench.run()
    third = bench.add(second, LOG_3)
    bench.run()
    assert len({first, second, third}) == 3
    assert len(bench.files(first)) == 3
    assert len(bench.files(second)) == 1
    assert bench.task(second)["Status"] == "Waiting"
    assert bench.task(third)["Status"] == bench.task(first)["Status"] == "Failed"
    assert bench.task(third)["MigrateTaskId"] == third


def test_opening_with_a_check_at_once() -> None:
    bench = MigrationBench({"durations": {"restores": {"check_db": {"base": 600}}}})
    task = bench.chain(FULL)
    bench.open(task, CheckDBMode="SyncExecuteDBCheck")
    bench.clock.advance(500)
    assert (bench.task(task)["Status"], bench.databases()["sales"]) == ("Running", "In Recovery")
    bench.run()
    assert bench.outcome(task) == ("Success", "DBCC checkdb success.")


def test_opening_without_a_privileged_account_or_in_vain() -> None:
    bench = MigrationBench({"instances": {TARGET: {"accounts": []}}})
    task = bench.chain(FULL)
    bench.open(task)
    bench.run()
    assert bench.outcome(task)[1].startswith("Your RDS doesn't have any init account yet")
    bench = MigrationBench({"outcomes": [{"result": "cannot_open"}]})
    task = bench.chain(FULL)
    bench.open(task)
    bench.run()
    assert bench.outcome(task) == ("Failed", "Failed to open database (sales).")


def test_a_client_token_opens_once() -> None:
    bench = MigrationBench()
    task = bench.chain(FULL)
    bench.open(task, ClientToken="once")
    bench.open(task, ClientToken="once")
    bench.run()
    bench.open(task, ClientToken="once")
    effects = [one.took_effect for one in bench.world.calls.select(mutating=True) if "Online" in one.action]
    assert effects == [True, False, False]
    assert bench.refused("CreateOnlineDatabaseTask", **bench.open_parameters(task, ClientToken="other")) == (
        "InvalideStatus 400"
    )
    for token in ("x" * 65, "é"):
        parameters = bench.open_parameters(task, ClientToken=token)
        assert bench.refused("CreateOnlineDatabaseTask", **parameters) == "InvalidClientToken.Malformed 400"


def test_both_answers_of_opening() -> None:
    bench = MigrationBench(online_answer="wrapped")
    answer = bench.open(bench.chain(FULL))
    assert answer == {
        "code": "200",
        "data": {"RequestId": answer["requestId"]},
        "requestId": bench.world.calls.select()[-1].request_id,
        "successResponse": True,
    }


@pytest.mark.parametrize("code", VARIANTS["online_status"].values)
def test_opening_what_does_not_wait(code: str) -> None:
    bench = MigrationBench(online_status=code)
    task = bench.create()
    assert bench.refused("CreateOnlineDatabaseTask", **bench.open_parameters(task)) == code
    wrong = bench.open_parameters(task, CheckDBMode="Never")
    assert bench.refused("CreateOnlineDatabaseTask", **wrong) == "InvalidCheckDBMode.ValueNotSupported 400"
    other = bench.open_parameters(task, DBName="other")
    assert bench.refused("CreateOnlineDatabaseTask", **other) == "InvalidDBName.NotFound 400"
    elsewhere = bench.open_parameters(task, DBInstanceId="rm-bp1mysql00000001")
    assert bench.refused("CreateOnlineDatabaseTask", **elsewhere) == "EngineNotSupported 400"


STAGES = {"NoStart": 1.0, "Downloading": 8.0, "Restoring": 30.0}


@pytest.mark.parametrize("left", VARIANTS["terminated_task"].values)
@pytest.mark.parametrize("database", VARIANTS["terminated_database"].values)
@pytest.mark.parametrize("stage", STAGES)
def test_terminating(left: str, database: str, stage: str) -> None:
    bench = MigrationBench(terminated_task=left, terminated_database=database)
    task = bench.create()
    bench.clock.advance(STAGES[stage])
    assert bench.files(task)[0]["Status"] == stage
    bench.terminate(task)
    bench.terminate(task)
    assert bench.task(task)["Status"] in ("NoStart", "Running")
    bench.clock.advance(10)
    if left == "Failed":
        assert bench.outcome(task) == ("Failed", "The task was terminated.")
        assert bench.refused("TerminateMigrateTask", DBInstanceId=TARGET, MigrateTaskId=task) == "InvalideStatus 400"
    else:
        assert bench.listed() == []
        parameters = {"DBInstanceId": TARGET, "MigrateTaskId": task}
        assert bench.refused("DescribeMigrateTaskById", **parameters) == "InvalidMigrateTaskId.NotFound 404"
    there = stage == "Restoring" and database == "left"
    assert ("sales" in bench.databases()) is there
    if there:
        bench.call("DeleteDatabase", DBInstanceId=TARGET, DBName="sales")
    assert bench.result_of(FULL) == ("Success", CHECKED)


@pytest.mark.parametrize("after", VARIANTS["chain_after_failure"].values)
def test_a_terminated_chain_takes_no_file(after: str) -> None:
    bench = MigrationBench(chain_after_failure=after, terminated_database="left")
    task = bench.chain(FULL, LOG_1)
    bench.terminate(task)
    assert bench.refused("CreateOnlineDatabaseTask", **bench.open_parameters(task)) == "InvalideStatus 400"
    bench.clock.advance(10)
    later: dict[str, Any] = {"BackupMode": "UPDF", "IsOnlineDB": "False", "MigrateTaskId": task}
    assert bench.refused_create(LOG_2, **later) == "IncorrectDBState 400"
    assert [row["Status"] for row in bench.files(task)] == ["Restored", "Restored"]


def test_a_task_that_ends_before_it_is_terminated() -> None:
    bench = MigrationBench({"durations": {"restores": {"terminate": 1000}}})
    task = bench.create()
    bench.terminate(task)
    bench.run()
    assert bench.outcome(task) == ("Success", CHECKED)
    assert bench.databases()["sales"] == "Running"
