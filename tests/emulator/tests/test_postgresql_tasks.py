# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of cloud migrations as they are accepted, refused and listed; no server is needed for that."""

from __future__ import annotations

import gc
import threading

import pytest
import requests
from apsara_emulator import VARIANTS, Gateway
from apsara_emulator.postgresql import binaries
from apsara_emulator.requests_adapter import EmulatorAdapter

from .cloud_bench import PAGE, TARGET, until
from .inprocess import Bench
from .signing import v3_call


def stalled(**variants: str) -> Bench:
    """A world in which tasks are accepted and nothing follows: no server is needed to look at them."""
    return Bench({"stalls": [{"stage": "precheck"}, {"stage": "assessment"}]}, **variants)


SOURCE = {"SourceAccount": "m", "SourcePassword": "p", "SourceCategory": "ecsOnVpc", "DBInstanceName": TARGET}
ASSESS, ASSESSED = "CreateCloudMigrationPrecheckTask", "DescribeCloudMigrationPrecheckResult"


def test_lists() -> None:
    bench = stalled()
    ids = [
        bench.call(ASSESS, **SOURCE, SourceIpAddress=f"10.0.0.{host}", SourcePort=5432 + host, TaskName=f"t{host}")[
            "TaskId"
        ]
        for host in (1, 2, 3)
    ]
    assert ids == sorted(set(ids))

    def listed(**asked: object) -> list[int]:
        answer = bench.call(ASSESSED, DBInstanceName=TARGET, **{**PAGE, **asked})
        assert answer["TotalSize"] >= len(answer["Items"])
        return [one["TaskId"] for one in answer["Items"]]

    assert listed() == ids[::-1]
    assert listed(SourceIpAddress="10.0.0.2") == [ids[1]] == listed(SourcePort=5434)
    assert listed(TaskName="t3") == [ids[2]] == listed(TaskId=ids[2])
    assert listed(TaskName="t3", SourcePort=5434) == []
    assert listed(PageSize=2) == ids[:0:-1]
    assert listed(PageSize=2, PageNumber=2) == [ids[0]]
    bench.world.merge({"variants": {"cloud_task_order": "oldest"}})
    assert listed() == ids
    bench.world.merge({"variants": {"cloud_page_sizes": "documented"}})
    assert bench.refused(ASSESSED, DBInstanceName=TARGET, PageNumber=1, PageSize=10) == "InvalidPageSize.Malformed 400"
    assert bench.refused(ASSESSED, DBInstanceName=TARGET, PageNumber=0, PageSize=30).startswith("InvalidPageNumber")


@pytest.mark.parametrize("lag", VARIANTS["cloud_task_list_lag"].values)
def test_a_new_task_is_listed_late(lag: str) -> None:
    bench = stalled(cloud_task_list_lag=lag)
    task = bench.call("CreateCloudMigrationTask", **SOURCE, SourceIpAddress="10.0.0.1", SourcePort=5432)["TaskId"]

    def listed() -> list[int]:
        answer = bench.call("DescribeCloudMigrationResult", DBInstanceName=TARGET, **PAGE)
        return [one["TaskId"] for one in answer["Items"]]

    assert listed() == ([task] if lag == "0" else [])
    bench.clock.advance(float(lag))
    assert listed() == [task]


@pytest.mark.parametrize("shape", VARIANTS["items_shape"].values)
def test_a_single_item_may_be_an_object(shape: str) -> None:
    bench = stalled(items_shape=shape)
    bench.call(ASSESS, **SOURCE, SourceIpAddress="10.0.0.1", SourcePort=5432)
    items = bench.call(ASSESSED, DBInstanceName=TARGET, **PAGE)["Items"]
    assert isinstance(items, dict) is (shape == "bare_object")


@pytest.mark.parametrize(("form", "shown"), [("empty", ""), ("none", "None"), ("braces", "{}"), ("missing", None)])
def test_no_replication_yet(form: str, shown: str | None) -> None:
    bench = stalled(replication_info_absent=form, switch_time_absent="missing")
    bench.call("CreateCloudMigrationTask", **SOURCE, SourceIpAddress="10.0.0.1", SourcePort=5432)
    row = bench.call("DescribeCloudMigrationResult", DBInstanceName=TARGET, **PAGE)["Items"][0]
    assert row.get("ReplicationInfo") == shown
    assert "SwitchTime" not in row


def test_a_world_document_can_hold_a_migration() -> None:
    """Without a server: for tests of those who read."""
    entry = {
        "id": 7,
        "name": "old",
        "account_id": "1000000000000001",
        "instance": TARGET,
        "source_address": "10.0.0.1",
        "source_port": 5432,
        "source_account": "m",
        "source_category": "idcOnVpc",
        "created": {"ago": 7200},
        "modified": {"ago": 3600},
        "stage": "increment",
        "replication_state": "catchup",
        "replication_info": {"ReplayLsn": "0/1", "Status": "streaming"},
    }
    bench = Bench({"cloud_migrations": [entry]}, replication_info_form="escaped", replay_lag="missing")
    row = bench.call("DescribeCloudMigrationResult", DBInstanceName=TARGET, **PAGE)["Items"][0]
    assert (row["MigrateStage"], row["ReplicationState"], row["SourcePassword"]) == ("increment", "catchup", "")
    assert row["ReplicationInfo"] == '{\\"ReplayLsn\\":\\"0/1\\",\\"Status\\":\\"streaming\\"}'
    assert row["GmtCreated"] == "2026-01-02T01:04:05Z"
    assert bench.refused("ActivateMigrationTargetInstance", DBInstanceName=TARGET) == "IncorrectDBInstanceState 400"
    assert bench.world.postgresql.as_documents() == []
    bench.world.merge({"cloud_migrations": [{**entry, "replication_state": "streaming"}]})
    bench.call("ActivateMigrationTargetInstance", DBInstanceName=TARGET)
    until(lambda: bench.world.state.cloud_migrations[0].stage == "success")
    assert bench.world.to_document()["cloud_migrations"][0]["switch_time"] == "2026-01-02T03:04:05.000000Z"


def test_work_that_is_held_up_needs_no_server_and_ends_with_its_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "found", dict)
    bench = stalled()
    bench.call("CreateCloudMigrationTask", **SOURCE, SourceIpAddress="10.0.0.1", SourcePort=5432)
    name = f"migration {bench.world.state.cloud_migrations[0].id}"
    assert [one for one in threading.enumerate() if one.name == name]
    del bench
    gc.collect()
    until(lambda: not [one for one in threading.enumerate() if one.name == name])
    bench = Bench()
    given = {**SOURCE, "SourceIpAddress": "10.0.0.1", "SourcePort": 5432}
    assert bench.refused("CreateCloudMigrationTask", **given) == "Emulator.NoPostgreSQL 400"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"SourceCategory": "moon"}, "InvalidSourceCategory.ValueNotSupported 400"),
        ({"SourcePort": 0}, "InvalidSourcePort.Malformed 400"),
        ({"SourcePort": 65536}, "InvalidSourcePort.Malformed 400"),
        ({"DBInstanceName": "rm-bp1mysql00000001"}, "OperationDenied.DBInstanceEngine 403"),
        ({"DBInstanceName": "pgm-none"}, "InvalidDBInstanceId.NotFound 404"),
        ({"SourcePassword": ""}, "MissingParameter 400"),
    ],
)
@pytest.mark.parametrize("action", [ASSESS, "CreateCloudMigrationTask"])
def test_calls_that_are_refused(action: str, change: dict[str, object], refusal: str) -> None:
    bench = stalled()
    given = {**SOURCE, "SourceIpAddress": "10.0.0.1", "SourcePort": 5432, **change}
    assert bench.refused(action, **given) == refusal
    assert not bench.world.state.assessments
    assert not bench.world.state.cloud_migrations
    assert not bench.world.calls.select(mutating=True)[-1].took_effect


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"status": "Rebooting"}, "IncorrectDBInstanceState 403"),
        ({"lock_mode": "ManualLock"}, "OperationDenied.LockMode 403"),
        ({"type": "Readonly"}, "IncorrectDBInstanceType 403"),
        ({"storage_type": "local_ssd"}, "IncorrectDBInstanceType 403"),
    ],
)
def test_targets_that_are_refused(change: dict[str, str], refusal: str) -> None:
    bench = stalled()
    bench.world.merge({"instances": {TARGET: change}})
    assert bench.refused(ASSESS, **SOURCE, SourceIpAddress="10.0.0.1", SourcePort=5432) == refusal


def test_an_assessment_may_be_required() -> None:
    bench = stalled(
        assessment_required="yes", source_categories="documented", migration_refused="IncorrectDBInstanceState 403"
    )
    given = {**SOURCE, "SourceIpAddress": "10.0.0.1", "SourcePort": 5432}
    assert bench.refused("CreateCloudMigrationTask", **given) == "IncorrectDBInstanceState 403"
    assert bench.refused(ASSESS, **{**given, "SourceCategory": "internet"}).startswith("InvalidSourceCategory")
    bench.call(ASSESS, **given)
    assert bench.refused("CreateCloudMigrationTask", **given) == "IncorrectDBInstanceState 403"
    bench.world.state.assessments[0].passed = True
    bench.call("CreateCloudMigrationTask", **given)


def test_only_documented_switches() -> None:
    bench = stalled()
    for name, value in (("SwitchTimeMode", "1"), ("ForceSwitch", "0")):
        refusal = bench.refused("ActivateMigrationTargetInstance", DBInstanceName=TARGET, **{name: value})
        assert refusal == f"Invalid{name}.ValueNotSupported 400"


def test_a_lost_answer_took_effect() -> None:
    bench = stalled()
    bench.world.faults.replace([{"kind": "close_after", "action": "CreateCloudMigration*", "times": 1}])
    given = {**SOURCE, "SourceIpAddress": "10.0.0.1", "SourcePort": 5432}
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(bench.world)))
        with pytest.raises(requests.exceptions.ConnectionError):
            v3_call(session, "http://rds.test", bench.clock.now(), "CreateCloudMigrationTask", given)
    assert [one.source_address for one in bench.world.state.cloud_migrations] == ["10.0.0.1"]
    (record,) = bench.world.calls.select(mutating=True)
    assert (record.took_effect, record.fault, record.http_status) == (True, "close_after", 0)
    assert record.parameters["SourcePassword"] == "********"
