# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DescribeMigrateTasks, DescribeMigrateTaskById, DescribeOssDownloads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.contracts import load_contracts

from .inprocess import SMALL, TARGET
from .migrating import DIFF, FULL, LOG_1, MigrationBench
from .test_contracts import assert_fits
from .test_migrate_refusals import DAY, past_tasks

MYSQL = "rm-bp1mysql00000001"


def test_answers_fit_the_contract() -> None:
    bench = MigrationBench()
    contracts = load_contracts()["rds"]
    task = bench.create()
    chain = bench.add(None, FULL, "chained")
    by_id = {"DBInstanceId": TARGET, "MigrateTaskId": task}
    for _stage in range(2):
        for action, parameters in (
            ("DescribeMigrateTasks", bench.window()),
            ("DescribeMigrateTaskById", by_id),
            ("DescribeOssDownloads", by_id),
        ):
            assert_fits(bench.call(action, **parameters), contracts[action].response, action)
        bench.run()
    assert_fits(
        bench.call("CreateMigrateTask", **bench.parameters(database="x")), contracts["CreateMigrateTask"].response, ""
    )
    assert_fits(bench.open(chain, DBName="chained"), contracts["CreateOnlineDatabaseTask"].response, "")
    assert_fits(bench.terminate(bench.create(database="y")), contracts["TerminateMigrateTask"].response, "")


def test_a_row() -> None:
    bench = MigrationBench()
    task = bench.create()
    row = {
        "BackupMode": "FULL",
        "CreateTime": "2026-01-02T03:04:05Z",
        "DBName": "sales",
        "Description": "",
        "IsDBReplaced": "False",
        "MigrateTaskId": task,
        "Status": "NoStart",
    }
    assert bench.listed() == [row]
    answer = bench.task(task)
    assert answer == {"DBInstanceName": TARGET, **row, "RequestId": answer["RequestId"]}
    bench.run()
    (after,) = bench.listed()
    assert (after["Status"], after["EndTime"][:14]) == ("Success", "2026-01-02T03:")


@pytest.mark.parametrize("value", VARIANTS["migrate_end_time"].values)
def test_the_end_of_what_has_not_ended(value: str) -> None:
    bench = MigrationBench(migrate_end_time=value)
    task = bench.create()
    expected = {"missing": "missing", "empty": "", "creation": "2026-01-02T03:04:05Z"}[value]
    for row in (bench.listed()[0], bench.task(task), bench.files(task)[0]):
        assert row.get("EndTime", "missing") == expected


@pytest.mark.parametrize("value", VARIANTS["chain_tasks_listed"].values)
def test_chains_in_the_list(value: str) -> None:
    bench = MigrationBench(chain_tasks_listed=value)
    bench.chain(FULL)
    assert len(bench.listed()) == (1 if value == "yes" else 0)


@pytest.mark.parametrize("lag", VARIANTS["migrate_list_lag"].values)
def test_the_list_lags_behind(lag: str) -> None:
    bench = MigrationBench(migrate_list_lag=lag)
    task = bench.create()
    if lag != "0":
        assert bench.listed() == []
        assert bench.task(task)["Status"] == "NoStart"
    bench.clock.advance(float(lag))
    assert len(bench.listed()) == 1


@pytest.mark.parametrize("order", VARIANTS["migrate_task_order"].values)
def test_order(order: str) -> None:
    bench = MigrationBench(migrate_task_order=order)
    for name in ("b", "a", "c"):
        bench.create(database=name)
        bench.clock.advance(1)
    names = [row["DBName"] for row in bench.listed()]
    assert (
        names == {"newest_first": ["c", "a", "b"], "oldest_first": ["b", "a", "c"], "by_name": ["a", "b", "c"]}[order]
    )


@pytest.mark.parametrize("order", VARIANTS["migrate_task_order"].values)
def test_pages(order: str) -> None:
    bench = MigrationBench({"migrate_tasks": past_tasks(250, 60, "d{}")}, migrate_task_order=order)
    seen = []
    for number in (1, 2, 3):
        answer = bench.call("DescribeMigrateTasks", **bench.window(PageSize=100, PageNumber=number))
        rows = answer["Items"]["MigrateTask"]
        assert (answer["TotalRecordCount"], answer["PageRecordCount"], answer["PageNumber"]) == (250, len(rows), number)
        seen += [row["MigrateTaskId"] for row in rows]
    assert len(set(seen)) == 250
    assert len(bench.listed()) == 30
    assert bench.listed(PageNumber=9, PageSize=100) == []


@pytest.mark.parametrize("value", VARIANTS["migrate_page_sizes"].values)
def test_page_sizes(value: str) -> None:
    bench = MigrationBench(migrate_page_sizes=value)
    for size in (30, 50, 100):
        bench.listed(PageSize=size)
    for size in (0, 29, 101):
        assert bench.refused("DescribeMigrateTasks", **bench.window(PageSize=size)) == "InvalidPageSize.Malformed 400"
    if value == "range":
        bench.listed(PageSize=64)
    else:
        assert bench.refused("DescribeMigrateTasks", **bench.window(PageSize=64)) == "InvalidPageSize.Malformed 400"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"StartTime": None}, "MissingParameter 400"),
        ({"EndTime": None}, "MissingParameter 400"),
        ({"StartTime": "2026-01-01"}, "InvalidStartTime.Format 400"),
        ({"EndTime": "2026-01-09T00:00:00Z"}, "InvalidEndTime.Format 400"),
        ({"EndTime": "2026-01-01T00:00Z"}, "InvalidStartTimeAndEndTime.Malformed 400"),
        ({"StartTime": "2026-01-10T00:00Z"}, "InvalidStartTimeAndEndTime.Malformed 400"),
        ({"DBInstanceId": SMALL}, "EngineVersionNotSupported 400"),
        ({"DBInstanceId": MYSQL}, "EngineNotSupported 400"),
        ({"DBInstanceId": "rm-nothing"}, "InvalidDBInstanceId.NotFound 404"),
    ],
)
def test_windows_that_are_refused(changes: dict[str, Any], code: str) -> None:
    bench = MigrationBench()
    parameters = {name: value for name, value in bench.window(**changes).items() if value is not None}
    assert bench.refused("DescribeMigrateTasks", **parameters) == code


def test_times_with_seconds() -> None:
    bench = MigrationBench(migrate_time_format="both")
    bench.create()
    assert len(bench.listed(StartTime="2026-01-02T03:04:05Z", EndTime="2026-01-02T03:05Z")) == 1
    assert bench.listed(StartTime="2026-01-02T03:04:06Z", EndTime="2026-01-02T03:05Z") == []


@pytest.mark.parametrize("value", VARIANTS["migrate_week"].values)
def test_only_the_last_week(value: str) -> None:
    tasks = [*past_tasks(1, 6.9 * DAY), *(one | {"id": "2"} for one in past_tasks(1, 7.1 * DAY))]
    bench = MigrationBench({"migrate_tasks": tasks}, migrate_week=value)
    assert len(bench.listed(StartTime="2025-12-26T03:04Z")) == 1
    window = bench.window(StartTime="2025-12-20T00:00Z")
    if value == "refused":
        assert bench.refused("DescribeMigrateTasks", **window) == "InvalidStartTime.Malformed 400"
    else:
        assert [row["MigrateTaskId"] for row in bench.listed(StartTime="2025-12-20T00:00Z")] == ["1000"]


def test_a_window_to_the_minute_leaves_the_seconds_out() -> None:
    bench = MigrationBench()
    bench.create()
    assert bench.listed(EndTime="2026-01-02T03:04Z") == []
    assert len(bench.listed(EndTime="2026-01-02T03:05Z")) == 1


@pytest.mark.parametrize("shape", VARIANTS["items_shape"].values)
@pytest.mark.parametrize("bare", VARIANTS["migrate_items_shape"].values)
@pytest.mark.parametrize("count", [0, 1, 2])
def test_shapes(shape: str, bare: str, count: int) -> None:
    bench = MigrationBench({"migrate_tasks": past_tasks(count, 60)}, items_shape=shape, migrate_items_shape=bare)
    items = bench.call("DescribeMigrateTasks", **bench.window())["Items"]
    if bare == "bare" and count == 1:
        assert items["MigrateTaskId"] == "1000"
    elif shape == "array":
        assert len(items) == count
    elif shape == "bare_object" and count == 1:
        assert items["MigrateTask"]["MigrateTaskId"] == "1000"
    else:
        assert len(items["MigrateTask"]) == count


@pytest.mark.parametrize("size", VARIANTS["file_size_text"].values)
@pytest.mark.parametrize("words", VARIANTS["backup_mode_words"].values)
def test_files(size: str, words: str) -> None:
    bench = MigrationBench(file_size_text=size, backup_mode_words=words)
    task = bench.chain(FULL, DIFF, LOG_1)
    rows = bench.files(task)
    long = ["Database", "Differential_Database", "Transaction_Log"]
    assert [row["BackupMode"] for row in rows] == (long if words == "long" else ["FULL", "DIFF", "LOG"])
    stored = bench.world.state.migrate_tasks[0].files[0].size
    text = rows[0]["FileSize"]
    assert text.endswith("MB") is (size == "suffix")
    assert abs(float(text.removesuffix("MB")) - stored / 1024**2) < 0.01
    assert rows[0]["FileName"] == "in/sales_0.bak"
    assert {row["IsAvailable"] for row in rows} == {"True"}


@pytest.mark.parametrize("code", VARIANTS["migrate_task_not_found"].values)
def test_tasks_that_do_not_exist(code: str) -> None:
    bench = MigrationBench(migrate_task_not_found=code)
    task = bench.create()
    for action in ("DescribeMigrateTaskById", "DescribeOssDownloads", "TerminateMigrateTask"):
        assert bench.refused(action, DBInstanceId=TARGET, MigrateTaskId="1") == code
        # Of another instance.
        assert bench.refused(action, DBInstanceId="rm-bp1sqlsource00001", MigrateTaskId=task) == code
        assert bench.refused(action, DBInstanceId=MYSQL, MigrateTaskId=task) == "EngineNotSupported 400"


@pytest.mark.parametrize("version", ["2017_ent", "2019_ent"])
def test_no_files_on_two_editions(version: str) -> None:
    bench = MigrationBench({"instances": {TARGET: {"engine_version": version}}})
    task = bench.create(replace(FULL, software_version="13.0.1000"))
    parameters = {"DBInstanceId": TARGET, "MigrateTaskId": task}
    assert bench.refused("DescribeOssDownloads", **parameters) == "EngineVersionNotSupported 400"
    bench.run()
    assert bench.task(task)["Status"] == "Success"
    if version == "2019_ent":
        assert len(bench.listed()) == 1
