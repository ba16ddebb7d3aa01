# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every documented refusal of CreateMigrateTask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, IMPORT_ROLE
from apsara_emulator.sqlserver import BackupDescription, FileDescription

from .inprocess import GIB, SOURCE, TARGET
from .migrating import BUCKET, ENDPOINT, FULL, MigrationBench

MYSQL = "rm-bp1mysql00000001"
DAY = 86400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"BackupMode": "DIFF"}, "InvalidBackupMode.ValueNotSupported 400"),
        ({"IsOnlineDB": "true"}, "InvalidIsOnlineDB.ValueNotSupported 400"),
        ({"IsOnlineDB": "yes"}, "InvalidIsOnlineDB.ValueNotSupported 400"),
        ({"CheckDBMode": "Sync"}, "InvalidCheckDBMode.ValueNotSupported 400"),
        ({"KeepCDC": "1"}, "InvalidParameter 400"),
        ({"OssObjectPosition": "x"}, "InvalidParameter 400"),
        ({"DBInstanceId": "rm-nothing"}, "InvalidDBInstanceId.NotFound 404"),
        ({"DBInstanceId": "rm-bp1othersql000001"}, "InvalidDBInstanceId.NotFound 404"),
        ({"OssObjectPositions": None}, "MissingParameter 400"),
        ({"OssObjectPositions": None, "OSSUrls": "https://x"}, "MissingParameter 400"),
        ({"DBName": None}, "MissingParameter 400"),
        ({"OssObjectPositions": f"{ENDPOINT}:{BUCKET}"}, "InvalidOssUrl 400"),
        ({"OssObjectPositions": f"{ENDPOINT}:{BUCKET}:a:b.bak"}, "InvalidOssUrl 400"),
        ({"OssObjectPositions": f"{ENDPOINT}::a.bak"}, "InvalidOssUrl 400"),
        ({"OssObjectPositions": f"https://{ENDPOINT}:{BUCKET}:a.bak"}, "InvalidOssUrl 400"),
        ({"OssObjectPositions": f"127.0.0.1:{BUCKET}:a.bak"}, "InvalidOssUrl 400"),
        ({"OssObjectPositions": f"{ENDPOINT}:{BUCKET}:/a.bak"}, "InvalidOssUrl 400"),
    ],
)
def test_parameters(changes: dict[str, Any], code: str) -> None:
    bench = MigrationBench()
    assert bench.refused_create(**changes) == code
    assert bench.world.state.migrate_tasks == []


@pytest.mark.parametrize("code", VARIANTS["mode_mismatch"].values)
def test_modes_that_do_not_go_together(code: str) -> None:
    bench = MigrationBench(mode_mismatch=code)
    assert bench.refused_create(IsOnlineDB="False") == code
    assert bench.refused_create(BackupMode="UPDF") == code
    assert bench.refused_create(MigrateTaskId="1") == code
    assert bench.refused_create(BackupMode="UPDF", IsOnlineDB="False", KeepCDC="True") == code
    bench.create(KeepCDC="True")


@pytest.mark.parametrize("code", VARIANTS["migrate_name"].values)
@pytest.mark.parametrize("name", ["master", "MSDB", "tempdb", "a@b", "a|b", "x" * 129, "a\nb"])
def test_names(name: str, code: str) -> None:
    bench = MigrationBench(migrate_name=code)
    assert bench.refused_create(database=name, position=bench.put("x")) == code


@pytest.mark.parametrize("code", VARIANTS["taken_name"].values)
def test_a_name_that_is_taken(code: str) -> None:
    bench = MigrationBench(taken_name=code)
    if code == "task":
        assert bench.result_of(FULL, database="Warehouse")[1] == "The database (Warehouse) is already exist on RDS."
    else:
        assert bench.refused_create(database="Warehouse") == code
    bench.call("CreateDatabase", DBInstanceId=TARGET, DBName="new", CharacterSetName="x")
    assert bench.refused_create(database="new") == "IncorrectDBState 400"


@pytest.mark.parametrize("value", VARIANTS["second_task"].values)
def test_a_second_task_before_and_while_the_first_one_loads(value: str) -> None:
    bench = MigrationBench(second_task=value)
    bench.create()
    if value == "refused":
        assert bench.refused_create(database="SALES") == "IncorrectDBState 400"
    else:
        bench.create(database="SALES")
    bench.clock.advance(10)
    assert bench.refused_create() == "IncorrectDBState 400"


@pytest.mark.parametrize("code", VARIANTS["migrate_engine"].values)
def test_the_engine(code: str) -> None:
    assert MigrationBench(migrate_engine=code).refused_create(DBInstanceId=MYSQL) == code


@pytest.mark.parametrize("code", VARIANTS["migrate_state"].values)
def test_the_state_of_the_instance(code: str) -> None:
    bench = MigrationBench({"instances": {TARGET: {"status": "Creating"}}}, migrate_state=code)
    assert bench.refused_create() == code
    bench = MigrationBench(migrate_state=code, copy_target_status="Running")
    bench.start_copy()
    assert bench.refused_create() == code


def test_lock_mode_and_type() -> None:
    bench = MigrationBench({"instances": {TARGET: {"lock_mode": "ManualLock"}}})
    assert bench.refused_create() == "IncorrectDBInstanceLockMode 400"
    bench = MigrationBench({"instances": {TARGET: {"type": "Readonly"}}})
    assert bench.refused_create() == "IncorrectDBInstanceType 400"


@pytest.mark.parametrize("name", ["a.zip", "a", "a.bak.gz", "a.lbak"])
def test_extensions(name: str) -> None:
    bench = MigrationBench()
    assert bench.refused_create(position=bench.put(f"in/{name}")) == "IncorrectFileExtension 400"


@pytest.mark.parametrize("name", ["a.bak", "a.BAK", "a.diff", "a.trn", "a.log"])
def test_extensions_that_are_taken(name: str) -> None:
    bench = MigrationBench()
    bench.create(position=bench.put(f"in/{name}"))


def unusable() -> dict[str, tuple[dict[str, Any], str]]:
    """What is wrong with the object: changes to the world, and the position."""
    here = f"{ENDPOINT}:{BUCKET}:in/a.bak"
    return {
        "no object": ({}, f"{ENDPOINT}:{BUCKET}:in/b.bak"),
        "no bucket": ({}, f"{ENDPOINT}:nothing:in/a.bak"),
        "other account": ({"buckets": {BUCKET: {"account_id": ACCOUNT_TWO}}}, here),
        "other endpoint": ({}, f"oss-cn-shanghai.aliyuncs.com:{BUCKET}:in/a.bak"),
        "other region": (
            {"buckets": {BUCKET: {"region": "cn-shanghai"}}},
            f"oss-cn-shanghai.aliyuncs.com:{BUCKET}:in/a.bak",
        ),
        "bucket class": ({"buckets": {BUCKET: {"storage_class": "IA"}}}, here),
        "bucket encryption": ({"buckets": {BUCKET: {"encryption": "AES256"}}}, here),
        "object class": ({"buckets": {BUCKET: {"objects": {"in/a.bak": {"storage_class": "Archive"}}}}}, here),
        "object encryption": ({"buckets": {BUCKET: {"objects": {"in/a.bak": {"encryption": "KMS"}}}}}, here),
        "no role": ({"accounts": {ACCOUNT_ONE: {"roles": {IMPORT_ROLE: None}}}}, here),
    }


@pytest.mark.parametrize("what", unusable())
@pytest.mark.parametrize("code", VARIANTS["unusable_object"].values)
def test_objects_that_cannot_be_used(what: str, code: str) -> None:
    change, position = unusable()[what]
    bench = MigrationBench(unusable_object=code)
    bench.put("a")
    bench.world.merge(change)
    if code != "task":
        assert bench.refused_create(position=position) == code
        return
    task = bench.create(position=position)
    bench.run()
    status, text = bench.outcome(task)
    assert (status, text.startswith("Failed to download")) == ("Failed", True)
    assert bench.files(task)[0]["Status"] == "DownloadFailed"


def test_positions_of_the_wrong_form_are_refused_at_once() -> None:
    bench = MigrationBench(unusable_object="task")
    bench.put("/a.bak")
    for wrong in (f"{ENDPOINT}:{BUCKET}:/a.bak", f"{ENDPOINT}:{BUCKET}", f"oss:{BUCKET}:a.bak"):
        assert bench.refused_create(position=wrong) == "InvalidOssUrl 400"


def test_the_internal_endpoint_will_do() -> None:
    bench = MigrationBench()
    bench.put("a")
    assert bench.create(position=f"oss-cn-hangzhou-internal.aliyuncs.com:{BUCKET}:in/a.bak")


def test_more_than_three_terabytes() -> None:
    bench = MigrationBench()
    sizes = {"a.bak": {"size": 3 * 1024**4}, "b.bak": {"size": 3 * 1024**4 + 1}}
    bench.world.merge({"buckets": {BUCKET: {"objects": sizes}}})
    bench.create(position=f"{ENDPOINT}:{BUCKET}:a.bak", database="a")
    assert bench.refused_create(position=f"{ENDPOINT}:{BUCKET}:b.bak", database="b") == "BakFileSizeExceeded 400"
    task = bench.chain(FULL)
    chain = {"BackupMode": "UPDF", "IsOnlineDB": "False", "MigrateTaskId": task}
    assert bench.refused_create(position=f"{ENDPOINT}:{BUCKET}:a.bak", **chain) == "BakFileSizeExceeded 400"


@pytest.mark.parametrize(("judged", "size"), [("storage", 1000), ("free", 990)])
def test_more_than_the_instance_holds(judged: str, size: int) -> None:
    bench = MigrationBench(restored_size=judged)

    def of_size(gigabytes: int) -> Any:
        return replace(FULL, files=(FileDescription("f", "D:\\f.mdf", size=gigabytes * GIB),))

    assert bench.refused_create(of_size(size + 1)) == "FileSizeExceeded 400"
    bench.create(of_size(size))
    assert MigrationBench(restored_size="task").create(of_size(size + 1))


def past_tasks(count: int, ago: float, database: str = "sales", instance: str = TARGET) -> list[dict[str, Any]]:
    return [
        {
            "id": str(1000 + number),
            "instance": instance,
            "account_id": ACCOUNT_ONE,
            "database": database.format(number),
            "created": {"ago": ago},
            "status": "Failed",
            "files": [
                {
                    "bucket": BUCKET,
                    "key": "old.bak",
                    "task_id": str(90000 + number),
                    "migrate_task_id": str(1000 + number),
                    "created": {"ago": ago},
                    "status": "CheckFailed",
                }
            ],
        }
        for number in range(count)
    ]


# It is 03:04 UTC, which is 11:04 in China.
@pytest.mark.parametrize(("day", "inside", "outside"), [("utc", 3, 4), ("china", 11, 12), ("rolling", 23, 25)])
@pytest.mark.parametrize(
    ("count", "database", "code"),
    [(20, "Sales", "UploadLimitExceeded 400"), (500, "d{}", "ConcurrentTaskExceeded 400")],
)
def test_quotas(day: str, inside: int, outside: int, count: int, database: str, code: str) -> None:
    bench = MigrationBench({"migrate_tasks": past_tasks(count, inside * 3600, database)}, quota_day=day)
    assert bench.refused_create() == code
    assert len(bench.world.state.migrate_tasks) == count
    for change in (
        past_tasks(count - 1, inside * 3600, database),
        past_tasks(count, outside * 3600, database),
        past_tasks(count, inside * 3600, database, SOURCE),
    ):
        MigrationBench({"migrate_tasks": change}, quota_day=day).create()
    bench.clock.advance(DAY)
    bench.create()


def test_files_of_a_chain_count_too_and_quotas_can_be_other() -> None:
    bench = MigrationBench({"quotas": {"tasks_per_database": 2}})
    task = bench.chain(FULL, replace(FULL, type="log"))
    chain = {"BackupMode": "UPDF", "IsOnlineDB": "False", "MigrateTaskId": task}
    assert bench.refused_create(replace(FULL, type="log"), **chain) == "UploadLimitExceeded 400"
    unlimited = MigrationBench(
        {"quotas": {"tasks_per_database": 0, "tasks_per_instance": 0}, "migrate_tasks": past_tasks(600, 60)}
    )
    unlimited.create()


OLD = {"instances": {TARGET: {"engine_version": "2008r2", "storage_type": "local_ssd"}}}


def urls(*names: str, expires: float = 2e9, bucket: str = BUCKET) -> str:
    from urllib.parse import quote

    signed = [
        f"https://{bucket}.oss-cn-hangzhou-internal.aliyuncs.com/in/{name}.bak"
        f"?OSSAccessKeyId=a&Expires={int(expires)}&Signature=x%3D"
        for name in names
    ]
    return quote("|".join(signed), safe="")


def old_bench(**variants: str) -> MigrationBench:
    bench = MigrationBench(OLD, **variants)
    bench.world.merge({"instances": {TARGET: {"databases": {"sales": {"size": 0}}}}})
    bench.put("a", replace(FULL, software_version="10.50.1600"))
    return bench


def old_parameters(**changes: Any) -> dict[str, Any]:
    return {"position": "x", "OssObjectPositions": None, "OSSUrls": urls("a"), **changes}


def test_2008_r2_replaces_an_empty_database() -> None:
    bench = old_bench()
    task = bench.create(**old_parameters())
    bench.clock.advance(40)
    assert bench.databases()["sales"] == "Restoring"
    bench.run()
    assert bench.task(task)["Status"] == "Success"
    assert bench.task(task)["IsDBReplaced"] == "True"
    assert bench.files(task)[0]["FileName"] == "in/a.bak"
    assert bench.world.state.instances[TARGET].databases["sales"].size == 2 * GIB


def test_2008_r2_failing_leaves_the_database_empty() -> None:
    bench = old_bench()
    bench.put("a", FULL)  # from 2019
    task = bench.create(**old_parameters())
    bench.run()
    assert "newer edition" in bench.outcome(task)[1]
    assert bench.databases()["sales"] == "Running"
    assert bench.world.state.instances[TARGET].databases["sales"].size == 0


@pytest.mark.parametrize("code", VARIANTS["missing_database"].values)
def test_2008_r2_without_a_database(code: str) -> None:
    assert old_bench(missing_database=code).refused_create(database="nothing", **old_parameters()) == code


@pytest.mark.parametrize("code", VARIANTS["filled_database"].values)
def test_2008_r2_with_a_full_database(code: str) -> None:
    bench = old_bench(filled_database=code)
    if code == "task":
        task = bench.create(database="warehouse", **old_parameters())
        bench.run()
        assert bench.outcome(task)[1] == "The database (warehouse) is already exist on RDS."
        assert bench.world.state.instances[TARGET].databases["warehouse"].size == 10 * GIB
    else:
        assert bench.refused_create(database="warehouse", **old_parameters()) == code


def test_2008_r2_and_its_urls() -> None:
    bench = old_bench()
    for wrong in (
        "x",
        "ftp%3A%2F%2Fx",
        urls("b"),
        urls("a", expires=1),
        urls("a", bucket="nothing"),
        urls("a") + "%7C",
    ):
        assert bench.refused_create(**old_parameters(OSSUrls=wrong)) == "InvalidOssUrl 400"
    unsigned = urls("a").partition("%3F")[0]
    assert bench.refused_create(**old_parameters(OSSUrls=unsigned)) == "InvalidOssUrl 400"
    assert bench.refused_create(OSSUrls=None) == "MissingParameter 400"
    chain = {"BackupMode": "UPDF", "IsOnlineDB": "False"}
    assert bench.refused_create(**old_parameters(**chain)) == "EngineVersionNotSupported 400"
    bench.world.merge({"instances": {TARGET: {"storage_type": "cloud_essd"}}})
    bench.create(**old_parameters(**chain))


def test_2008_r2_takes_all_stripes_at_once() -> None:
    bench = old_bench()
    part = replace(FULL, software_version="10.50.1600")
    for number, name in ((1, "s1"), (2, "s2")):
        bench.put(name, BackupDescription(sets=(part,), stripe=number, stripes=2))
    task = bench.create(**old_parameters(OSSUrls=urls("s1", "s2")))
    bench.run()
    assert bench.task(task)["Status"] == "Success"
    assert [row["Status"] for row in bench.files(task)] == ["Restored", "Restored"]
