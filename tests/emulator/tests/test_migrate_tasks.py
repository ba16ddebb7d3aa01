# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup imports over time: states, files, databases, and what the files' headers lead to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apsara_emulator import VARIANTS, World
from apsara_emulator.sqlserver import BackupDescription, FileDescription

from .inprocess import GIB, TARGET
from .migrating import BUCKET, DIFF, FULL, LOG_1, Content, MigrationBench, content_of

UNVERIFIED = "backup file was corrupted or newer edition than RDS"
CHECKED = "asynchronously DBCC checkdb success."


def test_a_full_backup_over_time() -> None:
    bench = MigrationBench()
    answer = bench.call("CreateMigrateTask", **bench.parameters())
    assert set(answer) == {"BackupMode", "DBInstanceId", "DBName", "MigrateTaskId", "TaskId", "RequestId"}
    task = answer["MigrateTaskId"]
    seen: list[tuple[str, str, str]] = []
    for _second in range(120):
        now = (bench.task(task)["Status"], bench.files(task)[0]["Status"], bench.databases().get("sales", ""))
        if not seen or seen[-1] != now:
            seen.append(now)
        bench.clock.advance(1)
    assert seen == [
        ("NoStart", "NoStart", ""),
        ("Running", "Downloading", ""),
        ("Running", "Finished", ""),
        ("Running", "CheckSuccess", ""),
        ("Running", "Restoring", "Restoring"),
        ("Running", "Restored", "Restoring"),
        ("Success", "Restored", "Running"),
    ]
    assert bench.outcome(task) == ("Success", CHECKED)
    instance = bench.world.state.instances[TARGET]
    assert instance.databases["sales"].size == 2 * GIB
    assert instance.accounts[0].privileges["sales"] == "DBOwner"
    assert instance.used == 12 * GIB


def test_two_identical_calls_are_two_tasks_and_one_fails() -> None:
    bench = MigrationBench()
    position = bench.put("sales")
    first, second = bench.create(position=position), bench.create(position=position)
    assert first != second
    bench.run()
    assert bench.outcome(first) == ("Success", CHECKED)
    assert bench.outcome(second) == ("Failed", "The database (sales) is already exist on RDS.")
    assert bench.databases()["sales"] == "Running"


def test_the_check_comes_later_unless_it_is_asked_for_at_once() -> None:
    bench = MigrationBench({"durations": {"restores": {"check_db": {"base": 1000}}}})
    later = bench.create(database="a")
    before = bench.create(database="b", CheckDBMode="SyncExecuteDBCheck")
    bench.clock.advance(500)
    assert bench.outcome(later) == ("Success", "")
    assert bench.outcome(before) == ("Running", "")
    bench.run()
    assert bench.outcome(later) == ("Success", CHECKED)
    assert bench.outcome(before) == ("Success", "DBCC checkdb success.")


@pytest.mark.parametrize("status", VARIANTS["failed_check_status"].values)
@pytest.mark.parametrize("forced", [False, True])
def test_a_damaged_database(status: str, forced: bool) -> None:
    change = {"outcomes": [{"result": "checkdb_fails", "times": 2}]} if forced else None
    bench = MigrationBench(change, failed_check_status=status)
    backup = FULL if forced else replace(FULL, damaged=True)
    assert bench.result_of(backup, database="a") == ("Success", "asynchronously DBCC checkdb failed.")
    found = bench.result_of(backup, database="b", CheckDBMode="SyncExecuteDBCheck")
    assert found == (status, "DBCC checkdb failed.")
    assert bench.databases()["b"] == "Running"


def bad(**changes: Any) -> Content:
    return BackupDescription(sets=(FULL,), **changes)


@pytest.mark.parametrize(
    ("backup", "text"),
    [
        (DIFF, "Backup set (sales_0.bak) is a Database Differential backup, we only accept a FULL Backup"),
        (LOG_1, "Backup set (sales_0.bak) is a Transaction Log backup, we only accept a FULL Backup"),
        (b"PK\x03\x04" + bytes(5000), UNVERIFIED),
        (b"", UNVERIFIED),
        (content_of(FULL)[:-1024], UNVERIFIED),
        (replace(FULL, software_version="16.0.1000"), UNVERIFIED),
        (replace(FULL, type="file"), UNVERIFIED),
        (replace(FULL, tde=True), UNVERIFIED),
        (replace(FULL, password=True), UNVERIFIED),
        (bad(stripe=1, stripes=2), UNVERIFIED),
        (bad(encrypted=True), UNVERIFIED),
        (bad(media_password=True), UNVERIFIED),
        (bad(software="Microsoft Windows NT Backup"), UNVERIFIED),
    ],
)
def test_files_that_cannot_be_restored(backup: Content, text: str) -> None:
    for word in VARIANTS["check_failed_word"].values:
        bench = MigrationBench(check_failed_word=word)
        task = bench.create(backup)
        bench.run()
        status, description = bench.outcome(task)
        assert (status, text in description) == ("Failed", True), description
        (row,) = bench.files(task)
        assert (row["Status"], row["IsAvailable"]) == (word, "False")
        assert "sales" not in bench.databases()
        assert bench.task(task)["EndTime"]


@pytest.mark.parametrize(
    "version", ["2012_std_ha", "2014_std_ha", "2016_ent_ha", "2019_std_ha", "2022_ent", "2025_std"]
)
@pytest.mark.parametrize("software", [11, 12, 13, 14, 15, 16, 17])
def test_versions(version: str, software: int) -> None:
    bench = MigrationBench({"instances": {TARGET: {"engine_version": version}}})
    status, _text = bench.result_of(replace(FULL, software_version=f"{software}.0.1000"))
    newest = {"2012": 11, "2014": 12, "2016": 13, "2017": 14, "2019": 15, "2022": 16, "2025": 17}[version[:4]]
    assert status == ("Success" if software <= newest else "Failed")


def test_compressed_backups_are_read() -> None:
    assert MigrationBench().result_of(bad(compressed=True)) == ("Success", CHECKED)


def test_too_little_storage() -> None:
    bench = MigrationBench({"instances": {TARGET: {"storage_gb": 12}}}, restored_size="task")
    large = replace(FULL, files=(FileDescription("sales", "D:\\sales.mdf", size=2 * GIB + 1),))
    assert bench.result_of(FULL, database="fits") == ("Success", CHECKED)
    status, text = bench.result_of(FULL)
    assert (status, text.startswith("Not Enough Disk Space")) == ("Failed", True)
    status, text = MigrationBench({"instances": {TARGET: {"storage_gb": 12}}}).result_of(large)
    assert (status, text.startswith("Not Enough Disk Space")) == ("Failed", True)


def test_too_little_storage_for_the_file() -> None:
    bench = MigrationBench({"instances": {TARGET: {"other_used": 990 * GIB - 1000}}}, restored_size="task")
    task = bench.create(FULL)
    bench.run()
    assert bench.outcome(task)[1].startswith("Not Enough Disk Space")
    assert bench.files(task)[0]["Status"] == "DownloadFailed"


def test_too_many_databases() -> None:
    bench = MigrationBench({"instances": {TARGET: {"max_databases": 1}}})
    assert bench.result_of(FULL) == (
        "Failed",
        "The database (sales) migration failed due to databases count limitation.",
    )


def test_a_name_that_is_taken_meanwhile() -> None:
    bench = MigrationBench()
    task = bench.create()
    bench.call("CreateDatabase", DBInstanceId=TARGET, DBName="SALES", CharacterSetName="x")
    bench.run()
    assert bench.outcome(task) == ("Failed", "The database (sales) is already exist on RDS.")
    assert bench.databases()["SALES"] == "Running"


def test_no_privileged_account() -> None:
    bench = MigrationBench({"instances": {TARGET: {"accounts": [{"name": "app"}]}}})
    task = bench.create()
    bench.run()
    status, text = bench.outcome(task)
    assert (status, text.startswith("Your RDS doesn't have any init account yet")) == ("Success", True)
    assert bench.databases()["sales"] == "Running"


def test_forced_outcomes() -> None:
    outcomes = [
        {"result": "fails", "database": "a", "after": 20, "failure": "The lights went out."},
        {"result": "never_starts", "kind": "migrate", "target": TARGET, "database": "b"},
        {"result": "slow", "database": "c", "factor": 100},
        {"result": "cannot_open", "database": "d"},
        {"result": "fails", "kind": "import", "failure": "of others"},
    ]
    bench = MigrationBench({"outcomes": outcomes})
    a, b, c, d, e = (bench.create(database=name) for name in "abcde")
    bench.clock.advance(19)
    assert bench.task(a)["Status"] == "Running"
    bench.run()
    assert bench.outcome(a) == ("Failed", "The lights went out.")
    assert bench.task(b)["Status"] == "NoStart"
    assert bench.task(c)["Status"] == "Running"
    assert bench.outcome(d) == ("Failed", "Failed to open database (d).")
    assert bench.outcome(e) == ("Success", CHECKED)
    assert set(bench.databases()) - {"c"} == {"warehouse", "e"}
    bench.clock.advance(20_000)
    assert bench.outcome(c) == ("Success", CHECKED)


def test_so_many_at_a_time() -> None:
    bench = MigrationBench({"quotas": {"parallel_restores": 2}})
    tasks = [bench.create(database=f"d{number}") for number in range(5)]
    most = 0
    for _second in range(400):
        states = [bench.task(one)["Status"] for one in tasks]
        most = max(most, states.count("Running"))
        # In the order in which they came.
        assert states == sorted(states, key=["Success", "Running", "NoStart"].index)
        bench.clock.advance(1)
    assert (most, set(states)) == (2, {"Success"})


def test_a_failure_makes_room_for_the_next() -> None:
    bench = MigrationBench({"quotas": {"parallel_restores": 1}, "instances": {TARGET: {"other_used": 988 * GIB}}})
    broken = [bench.create(b"", database=f"b{number}") for number in range(3)]
    good = bench.create(database="good")
    bench.run()
    assert [bench.task(one)["Status"] for one in (*broken, good)] == ["Failed", "Failed", "Failed", "Success"]


def test_one_that_fails_as_soon_as_it_begins_holds_up_nobody() -> None:
    """All but the first find no room for their files when it is their turn."""
    bench = MigrationBench({"quotas": {"parallel_restores": 1}, "durations": {"restores": {"check_db": {"base": 0}}}})
    first, *others, last = (bench.create(database=f"d{number}") for number in range(4))
    bench.clock.advance(30)
    bench.world.merge({"instances": {TARGET: {"storage_gb": 12}}})
    bench.world.state.instances[TARGET].other_used = 1
    bench.run()
    assert [bench.task(one)["Status"] for one in (*others, last)] == ["Failed", "Failed", "Failed"]
    assert {bench.files(one)[0]["Status"] for one in (*others, last)} == {"DownloadFailed"}
    assert bench.task(first)["Status"] == "Success"


def test_speed_divides_durations() -> None:
    bench = MigrationBench()
    bench.world.speed = 60.0
    task = bench.create()
    bench.clock.advance(2)
    assert bench.task(task)["Status"] == "Success"


def test_an_object_has_to_stay_until_it_is_fetched() -> None:
    bench = MigrationBench()
    early, late = bench.create(database="early"), bench.create(database="late")
    bucket = bench.world.oss.bucket(BUCKET)
    assert bucket is not None
    del bucket.objects["in/early_0.bak"]
    bench.clock.advance(20)
    assert bench.task(early)["Status"] == "Failed"
    assert bench.files(early)[0]["Status"] == "DownloadFailed"
    del bucket.objects["in/late_1.bak"]
    bench.run()
    assert bench.task(late)["Status"] == "Success"


def test_a_world_is_the_same_again_after_a_document() -> None:
    bench = MigrationBench()
    chain, single = bench.chain(FULL, LOG_1), bench.create(database="other")
    bench.clock.advance(20)
    document = bench.world.to_document()
    copy = World(document, bench.clock)
    assert copy.to_document() == document
    bench.world.merge({"instances": {TARGET: {"description": "changed"}}})
    bench.run()
    assert (bench.task(chain)["Status"], bench.task(single)["Status"]) == ("Waiting", "Success")


def test_an_instance_that_vanishes() -> None:
    bench = MigrationBench()
    bench.create()
    bench.world.merge({"instances": {TARGET: None}})
    bench.run()
    bench.world.to_document()
    assert bench.world.state.migrate_tasks[0].status == "Failed"


@pytest.mark.parametrize("word", VARIANTS["restoring_database"].values)
def test_what_a_restoring_database_shows(word: str) -> None:
    bench = MigrationBench(restoring_database=word)
    bench.create()
    bench.clock.advance(40)
    assert bench.databases().get("sales", "hidden") == word
    assert bench.refused("DeleteDatabase", DBInstanceId=TARGET, DBName="sales") == "OperationDenied.DBStatus 403"
    assert bench.refused("CheckDBNameAvailable", DBInstanceId=TARGET, DBName="sales") == "InvalidDBName.Duplicate 400"


@pytest.mark.parametrize("where", VARIANTS["tasks_listed"].values)
def test_general_tasks(where: str) -> None:
    bench = MigrationBench(
        {"outcomes": [{"result": "fails", "database": "b", "failure": "broken"}]}, tasks_listed=where
    )
    answers = [bench.call("CreateMigrateTask", **bench.parameters(database=name)) for name in "ab"]
    shown = where in ("both", "target")

    def rows() -> list[tuple[str, str, str]]:
        found = bench.call("DescribeTasks", DBInstanceId=TARGET)["Items"]["TaskProgressInfo"]
        return [(row["TaskId"], row["DBName"], row["Status"]) for row in found]

    ids = [answer["TaskId"] for answer in answers]
    assert len(set(ids)) == 2
    assert rows() == ([(ids[0], "a", "1"), (ids[1], "b", "1")] if shown else [])
    bench.run()
    assert rows() == ([(ids[0], "a", "2"), (ids[1], "b", "3")] if shown else [])
    history = bench.call(
        "DescribeHistoryTasks", FromStartTime="2026-01-01T00:00:00Z", ToStartTime="2026-01-09T00:00:00Z"
    )["Items"]
    assert [row["Status"] for row in history] == ["Succeed", "Failed"]
