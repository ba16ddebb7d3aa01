# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""World documents, and everything that reads without writing."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from apsara_emulator import VARIANTS, ApiError, DocumentError, ManualClock, Variants, World, draw
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, default_document
from apsara_emulator.rds.names import RESERVED_NAMES

from .inprocess import GIB, SMALL, SOURCE, TARGET, Bench


def test_default_world() -> None:
    bench = Bench()
    source = bench.world.state.instances[SOURCE]
    assert (source.used, source.free) == (120 * GIB, 380 * GIB)
    assert {name: one.size // GIB for name, one in source.databases.items()} == {
        "sales": 60,
        "crm": 25,
        "hr": 5,
        "archive": 30,
    }
    assert max(one.end for one in source.backups) == bench.clock.now() - 20 * 60
    small = bench.world.state.instances[SMALL]
    assert (small.engine_version, small.class_type, small.used) == ("2017_ent", "x", 45 * GIB)
    assert {one.account_id for one in bench.world.state.instances.values()} == {ACCOUNT_ONE, ACCOUNT_TWO}


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_a_world_survives_being_written(tmp_path: Path, suffix: str) -> None:
    bench = Bench({"outcomes": [{"result": "fails", "after": 60, "kind": "import"}]})
    bench.start_import()
    path = tmp_path / f"world{suffix}"
    path.write_text(json.dumps(bench.world.to_document()), encoding="utf-8")
    copy = World.from_file(path, bench.clock)
    assert copy.to_document() == bench.world.to_document()
    bench.clock.advance(61)
    assert copy.to_document() == bench.world.to_document()
    assert copy.state.operations[0].state == "failed"


def test_times_in_a_document() -> None:
    def created(value: Any) -> float | None:
        document = {
            "accounts": [{"account_id": "7"}],
            "instances": {"a": {"account_id": "7", "engine": "MySQL", "engine_version": "8.0", "created": value}},
        }
        return World(document, ManualClock()).state.instances["a"].created

    assert created({"ago": 60}) == ManualClock.DEFAULT_START - 60
    assert created({"in": 1.5}) == ManualClock.DEFAULT_START + 1.5
    assert created("2026-01-02T03:04:05Z") == ManualClock.DEFAULT_START
    assert created("2026-01-02T03:04:05.500000Z") == ManualClock.DEFAULT_START + 0.5
    assert created(None) is None
    wrong: Any
    for wrong in ("yesterday", 5, {"ago": "x"}, {"ago": 1, "in": 1}, {"ago": 1e300}, {"before": 5}, []):
        with pytest.raises(DocumentError, match=r"world\.instances\.a\.created"):
            created(wrong)


def test_a_written_time_is_never_later_than_it_was() -> None:
    """What is there stays there: a moment that is rounded up would be in the future of whoever reads it at once."""
    for thirds in range(40):
        bench = Bench({"outcomes": [{"result": "fails", "after": 60, "kind": "import"}]})
        bench.clock.advance(thirds / 3)
        bench.start_import()
        begun = World(bench.world.to_document(), bench.clock).state.operations[0].accepted
        assert bench.clock.now() - 1e-5 < begun <= bench.clock.now()


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "world"),
        ({"nonsense": 1}, "nonsense"),
        ({"accounts": [{}]}, r"accounts\[0\]"),
        ({"accounts": {"7": {"account_id": "8"}}}, "accounts.7"),
        ({"instances": {"a": {"account_id": "7", "engine": "MySQL", "engine_version": "8.0"}}}, "instances.a"),
        ({"instances": {"a": {"engine": "MySQL", "engine_version": "8.0"}}}, "account_id"),
        ({"durations": {"imports": {"base": float("inf")}}}, "durations.imports.base"),
        ({"quotas": {"requests_per_second": True}}, "requests_per_second"),
        ({"regions": {}}, "regions"),
        ({"variants": {"import_id": 1}}, "import_id"),
    ],
)
def test_documents_that_cannot_be_understood(document: Any, where: str) -> None:
    with pytest.raises(DocumentError, match=where):
        World(document, ManualClock())


def test_a_failed_merge_changes_nothing() -> None:
    bench = Bench()
    before = bench.world.to_document()
    with pytest.raises(DocumentError):
        bench.world.merge({"instances": {TARGET: {"status": "Rebooting"}}, "variants": {"import_id": "roman"}})
    assert bench.world.to_document() == before


def test_reset_goes_back_to_the_start() -> None:
    bench = Bench()
    start = World.default(bench.clock).to_document()
    bench.start_import()
    bench.world.faults.add({"kind": "stall"})
    bench.world.reset()
    assert bench.world.to_document() == start
    assert bench.world.calls.select() == []
    assert bench.world.faults.as_documents() == []


def test_every_default_is_a_value_and_draws_repeat() -> None:
    for one in VARIANTS.values():
        assert one.default in one.values
        assert len(one.values) > 1
        assert one.about.endswith(".")
        assert one.source
    assert dict(draw(3)) == dict(draw(3))
    drawn = [draw(seed) for seed in range(200)]
    for one in VARIANTS.values():
        assert {variants[one.name] for variants in drawn} == set(one.values)


def test_variants_are_all_or_nothing() -> None:
    variants = Variants()
    with pytest.raises(DocumentError):
        variants.update({"import_id": "number", "items_shape": "round"})
    assert dict(variants) == dict(Variants())


def many_databases(count: int) -> dict[str, Any]:
    return {"instances": {TARGET: {"databases": {f"db{number:03}": {"size": 1} for number in range(count)}}}}


@pytest.mark.parametrize("size", [30, 50, 100])
def test_paging_is_complete(size: int) -> None:
    bench = Bench(many_databases(249))
    names: list[str] = []
    for number in range(1, 20):
        answer = bench.call("DescribeDatabases", DBInstanceId=TARGET, PageNumber=number, PageSize=size)
        rows = answer["Databases"]["Database"]
        assert {(row["PageNumber"], row["PageSize"], row["TotalCount"]) for row in rows} <= {(number, size, 250)}
        names += [row["DBName"] for row in rows]
    assert len(names) == len(set(names)) == 250


def test_instances_by_page_and_by_token() -> None:
    template = default_document()["instances"][TARGET]
    bench = Bench({"instances": {f"rm-{number:03}": template for number in range(244)}})
    by_number: list[str] = []
    for number in range(1, 5):
        answer = bench.call("DescribeDBInstances", RegionId="cn-hangzhou", PageNumber=number, PageSize=100)
        assert answer["TotalRecordCount"] == 250
        assert answer["PageRecordCount"] == len(answer["Items"]["DBInstance"])
        by_number += [row["DBInstanceId"] for row in answer["Items"]["DBInstance"]]
    by_token: list[str] = []
    token: str | None = ""
    while token is not None:
        answer = bench.call("DescribeDBInstances", RegionId="cn-hangzhou", MaxResults=60, NextToken=token)
        assert answer["TotalRecordCount"] == len(answer["Items"]["DBInstance"])
        by_token += [row["DBInstanceId"] for row in answer["Items"]["DBInstance"]]
        token = answer.get("NextToken")
    assert by_number == by_token
    assert len(set(by_number)) == 250


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"Engine": "SQLServer"}, 3),
        ({"Engine": "SQLServer", "EngineVersion": "2019_std_ha"}, 2),
        ({"DBInstanceId": SOURCE}, 1),
        ({"SearchKey": "sqlsmall"}, 1),
        ({"SearchKey": "rehearsals"}, 2),
        ({"DBInstanceStatus": "Importing"}, 0),
        ({"VpcId": "vpc-none"}, 0),
        ({}, 6),
    ],
)
def test_filters_of_instances(filters: dict[str, str], count: int) -> None:
    answer = Bench().call("DescribeDBInstances", RegionId="cn-hangzhou", **filters)
    assert answer["TotalRecordCount"] == count
    assert all("Category" not in row for row in answer["Items"]["DBInstance"])


def test_page_sizes_out_of_range() -> None:
    for action, parameters, sizes in (
        ("DescribeDatabases", {"DBInstanceId": SOURCE}, (0, 10, 31, 101)),
        ("DescribeBackups", {"DBInstanceId": SOURCE}, (1, 99)),
        ("DescribeAccounts", {"DBInstanceId": SOURCE}, (29, 201)),
        ("DescribeTasks", {"DBInstanceId": SOURCE}, (29, 101)),
    ):
        for size in sizes:
            refused = Bench().refused(action, **parameters, PageSize=size)
            assert refused == "InvalidPageSize.Malformed 400"
            Bench(page_size_out_of_range="default").call(action, **parameters, PageSize=size)


def test_filters_of_backups() -> None:
    bench = Bench()
    bench.world.state.instances[SOURCE].backups[3].status = "Failed"
    assert len(bench.call("DescribeBackups", DBInstanceId=SOURCE)["Items"]["Backup"]) == 7
    good = bench.call("DescribeBackups", DBInstanceId=SOURCE, BackupStatus="Success")["Items"]["Backup"]
    assert len(good) == 6
    assert [row["BackupStartTime"] for row in good] == sorted((row["BackupStartTime"] for row in good), reverse=True)
    window = {"StartTime": "2026-01-01T00:00Z", "EndTime": "2026-01-01T23:00Z"}
    assert bench.call("DescribeBackups", DBInstanceId=SOURCE, **window)["TotalRecordCount"] == "1"
    turned = {"StartTime": "2026-01-02T00:00Z", "EndTime": "2026-01-01T00:00Z"}
    refused = bench.refused("DescribeBackups", DBInstanceId=SOURCE, **turned)
    assert refused == "InvalidStartTimeAndEndTime.Malformed 400"
    refused = bench.refused("DescribeBackups", DBInstanceId=SOURCE, StartTime="2026-01-02T00:00:00Z")
    assert refused == "InvalidStartTime.Format 400"


def test_answer_variants() -> None:
    def attribute(**variants: str) -> Any:
        return Bench(**variants).call("DescribeDBInstanceAttribute", DBInstanceId=SOURCE)["Items"]

    assert attribute(items_shape="documented")["DBInstanceAttribute"][0]["DBInstanceId"] == SOURCE
    assert attribute(items_shape="array")[0]["DBInstanceId"] == SOURCE
    assert attribute(items_shape="bare_object")["DBInstanceAttribute"]["DBInstanceId"] == SOURCE
    for variant, field in (
        ("class_type_field", "DBInstanceClassType"),
        ("collation_field", "Collation"),
        ("disk_used_field", "DBInstanceDiskUsed"),
        ("max_quantity_field", "DBMaxQuantity"),
    ):
        assert field in attribute(**{variant: "present"})["DBInstanceAttribute"][0]
        assert field not in attribute(**{variant: "missing"})["DBInstanceAttribute"][0]
    usage = Bench(resource_usage="unknown").call("DescribeResourceUsage", DBInstanceId=SOURCE)
    assert (usage["DiskUsed"], usage["DataSize"]) == (-1, -1)
    rows = Bench(total_count_in_rows="missing").call("DescribeDatabases", DBInstanceId=SOURCE)["Databases"]["Database"]
    assert all("TotalCount" not in row for row in rows)


@pytest.mark.parametrize(
    ("value", "backups", "tasks"), [("documented", str, int), ("text", str, str), ("number", int, int)]
)
def test_counts_as_text_or_number(value: str, backups: type, tasks: type) -> None:
    bench = Bench(total_record_count=value)
    for name in ("TotalRecordCount", "PageNumber", "PageRecordCount"):
        assert isinstance(bench.call("DescribeBackups", DBInstanceId=SOURCE)[name], backups)
        assert isinstance(bench.call("DescribeTasks", DBInstanceId=SOURCE)[name], tasks)


def test_databases_made_and_removed() -> None:
    bench = Bench({"instances": {TARGET: {"max_databases": 2}}}, delete_lag="10")
    made = {"DBInstanceId": TARGET, "DBName": "made", "CharacterSetName": "x"}
    bench.call("CreateDatabase", **made)
    assert bench.databases()["made"] == "Creating"
    assert bench.refused("CreateDatabase", **{**made, "DBName": "more"}) == "QuotaExceeded.DBName 400"
    assert bench.refused("DeleteDatabase", DBInstanceId=TARGET, DBName="made") == "OperationDenied.DBStatus 403"
    bench.clock.advance(5)
    assert bench.databases()["made"] == "Running"
    bench.call("DeleteDatabase", DBInstanceId=TARGET, DBName="made")
    assert bench.databases()["made"] == "Deleting"
    bench.clock.advance(10)
    assert bench.databases() == {"warehouse": "Running"}
    assert bench.refused("DeleteDatabase", DBInstanceId=TARGET, DBName="made") == "InvalidDBName.NotFound 404"
    refused = bench.refused("CreateDatabase", **{**made, "DBInstanceId": SMALL})
    assert refused == "EngineVersionNotSupported 400"


def test_reserved_names() -> None:
    assert {engine: len(names) for engine, names in RESERVED_NAMES.items()} == {"SQLServer": 197, "MySQL": 691}
    bench = Bench()
    for name in ("master", "TempDB", "sa", "distribution"):
        assert bench.refused("CheckDBNameAvailable", DBInstanceId=TARGET, DBName=name) == "InvalidParameter.Keyword 400"
    postgres = "pgm-bp1target0000001"
    bench.call("CheckDBNameAvailable", DBInstanceId=postgres, DBName="sa")


def test_names_differ_in_case_where_the_engine_says_so() -> None:
    bench = Bench()
    assert (
        bench.refused("CheckDBNameAvailable", DBInstanceId=TARGET, DBName="WAREHOUSE") == "InvalidDBName.Duplicate 400"
    )
    bench.call("CheckDBNameAvailable", DBInstanceId="pgm-bp1source0000001", DBName="APP")


@pytest.mark.parametrize("code", VARIANTS["throttled"].values)
def test_quota(code: str) -> None:
    bench = Bench({"quotas": {"requests_per_second": 3}}, throttled=code)
    for _round in range(3):
        for _turn in range(3):
            bench.call("DescribeRegions")
        assert bench.refused("DescribeRegions") == code
        assert bench.world.call(ACCOUNT_TWO, "DescribeRegions")
        bench.clock.advance(1.01)


def test_many_threads() -> None:
    bench = Bench()
    answers: list[str] = []

    def start() -> None:
        try:
            bench.start_import()
            answers.append("accepted")
        except ApiError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=start) for _number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["IncorrectDBInstanceState"] * 19 + ["accepted"]
    assert [one.seq for one in bench.world.calls.select()] == list(range(1, 21))
