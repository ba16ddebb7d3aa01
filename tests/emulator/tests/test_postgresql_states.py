# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of a cloud migration over time, and what a broken source or stream does to them."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator

import pytest
import requests
from apsara_emulator import VARIANTS, Gateway
from apsara_emulator.postgresql import binaries
from apsara_emulator.postgresql.source import SourceServer
from apsara_emulator.requests_adapter import EmulatorAdapter

from .cloud_bench import PAGE, SMALL_SETTINGS, TARGET, CloudBench, position, source_server, until
from .inprocess import Bench
from .signing import v3_call

STAGES = ("precheck", "basebackup", "startup")


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    with source_server(settings=SMALL_SETTINGS) as server:
        yield server


@pytest.fixture
def bench(source: SourceServer) -> Iterator[CloudBench]:
    one = CloudBench(source)
    yield one
    one.end()


@pytest.fixture(scope="module")
def streaming(source: SourceServer) -> Iterator[CloudBench]:
    """A migration that streams; a receiver that hears nothing for two seconds gives up."""
    one = CloudBench(source, {"instances": {TARGET: {"parameters": {"wal_receiver_timeout": "2s"}}}})
    one.stream()
    yield one
    one.end()


def test_every_stage_can_be_held_up(bench: CloudBench) -> None:
    held: list[dict[str, object]] = [{"stage": stage, "instance": TARGET} for stage in (*STAGES, "switch")]
    # One of them ends by itself, as time passes.
    held[1]["seconds"] = 3600
    bench.world.merge({"stalls": held})
    bench.migrate()
    for stage, done in zip(STAGES, ((), ("Copy data",), ("Copy data", "Start RDS instance")), strict=True):
        bench.wait_for(stage, "unstarted")
        row = bench.row()
        assert [f"[{title}]" in row["Detail"] for title in ("Copy data", "Start RDS instance")] == [
            title in done for title in ("Copy data", "Start RDS instance")
        ]
        assert (row["ReplicationInfo"], row["SwitchTime"]) == ("", "")
        assert bench.refused_switch() == "IncorrectDBInstanceState 400"
        assert bench.refused("CreateCloudMigrationTask", **bench.parameters()) == "IncorrectDBInstanceState 400"
        if stage == "basebackup":
            bench.world.clock.advance(3601)
        else:
            bench.world.merge({"stalls": [one for one in held if one["stage"] not in ("precheck", stage)]})
    bench.wait_for("increment", "streaming")
    bench.activate()
    bench.wait_for("switch", "streaming")
    assert bench.refused_switch() == "IncorrectDBInstanceState 400"
    # A change of the world meanwhile, such as this one, does not lose what is under way.
    bench.world.merge({"stalls": []})
    bench.wait_for("success", "finish")


def test_the_lag_grows_while_nothing_is_replayed(streaming: CloudBench, source: SourceServer) -> None:
    streaming.world.merge({"stalls": [{"stage": "increment"}]})
    before = streaming.info()["ReplayLsn"]
    with source.admin("shop") as admin:
        admin.run("create table more as select i from generate_series(1, 20000) i")

    def behind() -> bool:
        info = streaming.info()
        assert info["ReplayLsn"] == before
        return position(info["LatestEndLsn"]) - position(before) > 500_000 and info["Synced"] == "false"

    until(behind)
    assert streaming.shown() == ("increment", "streaming")
    with source.admin("shop") as admin:
        admin.run("insert into more select i from generate_series(1, 400000) i")
    until(lambda: streaming.shown() == ("increment", "catchup"))
    assert streaming.refused_switch() == "IncorrectDBInstanceState 400"
    streaming.world.merge({"variants": {"replay_lag": "bytes"}})
    assert int(streaming.info()["ReplayLag"]) > 500_000
    streaming.world.merge({"variants": {"replay_lag": "missing"}})
    assert "ReplayLag" not in streaming.info()
    streaming.world.merge({"stalls": []})
    until(lambda: streaming.info()["Synced"] == "true")
    with source.admin("shop") as admin:
        admin.run("drop table more")


def test_a_stream_that_was_cut_is_taken_up_again(streaming: CloudBench, source: SourceServer) -> None:
    with source.admin() as admin:
        assert admin.value("select count(pg_terminate_backend(pid)) from pg_stat_replication") == 1
        until(lambda: admin.value("select count(*) from pg_stat_replication where state = 'streaming'") == 1)
    streaming.wait_for("increment", "streaming")


def test_the_source_dies_and_comes_back(streaming: CloudBench, source: SourceServer) -> None:
    source.kill()
    try:
        streaming.wait_for("increment", "disconnect")
        until(lambda: "replication is interrupted" in streaming.row()["Detail"])
        assert streaming.refused_switch() == "IncorrectDBInstanceState 400"
        assert streaming.info()["Status"] == "null"
    finally:
        source.start()
    streaming.wait_for("increment", "streaming")
    assert "interrupted" not in streaming.row()["Detail"]
    source.signal_all(signal.SIGSTOP)
    try:
        until(lambda: streaming.shown() == ("increment", "disconnect"), 20)
    finally:
        source.signal_all(signal.SIGCONT)
    streaming.wait_for("increment", "streaming")


def test_wal_that_is_gone(streaming: CloudBench, source: SourceServer) -> None:
    """The receiver is kept out while the source writes more than it keeps: there is no way back into the stream."""
    lines = list(source.hba)
    source.hba = [line for line in lines if " replication " not in line]
    source.settings["wal_keep_size"] = "0"
    source.reload()
    try:
        with source.admin() as admin:
            until(lambda: admin.value("select setting from pg_settings where name = 'wal_keep_size'") == "0")
            admin.run("select pg_terminate_backend(pid) from pg_stat_replication")
            streaming.wait_for("increment", "disconnect")
            until(lambda: "no pg_hba.conf entry for replication" in streaming.row()["Detail"])
            for _turn in range(4):
                admin.run(
                    "create table filler as select 1 as one; drop table filler; select pg_switch_wal(); checkpoint"
                )
    finally:
        source.hba, source.settings["wal_keep_size"] = lines, "64MB"
        source.reload()
    until(lambda: "has already been removed" in streaming.row()["Detail"])
    assert streaming.shown() == ("increment", "disconnect")
    assert streaming.refused_switch() == "IncorrectDBInstanceState 400"
    streaming.world.merge({"variants": {"activation_needs": "increment"}})
    streaming.activate()
    streaming.wait_for("success", "finish")


def test_a_copy_that_fails() -> None:
    """A source without senders passes the checks and cannot be copied."""
    with source_server(settings={"max_wal_senders": "1"}) as source:
        bench = CloudBench(source)
        server = bench.world.postgresql.ensure(bench.world.state.instances[TARGET])
        bench.migrate()
        until(lambda: bench.world.state.cloud_migrations[0].failed)
        for state in VARIANTS["failed_copy_state"].values:
            bench.world.merge({"variants": {"failed_copy_state": state}})
            assert bench.shown() == ("basebackup", state)
        assert "error: base backup failed: " in bench.row()["Detail"]
        assert "max_wal_senders" in bench.row()["Detail"]
        # The instance is as it was, and free for another attempt.
        assert bench.world.postgresql.server(TARGET) is server
        assert server.answers()
        bench.migrate()
        bench.end()


def test_a_standby_that_does_not_start_leaves_the_instance_as_it_was(bench: CloudBench) -> None:
    address = bench.address()
    server = bench.world.postgresql.server(TARGET)
    bench.world.merge({"instances": {TARGET: {"parameters": {"shared_buffers": "nonsense"}}}})
    bench.migrate()
    until(lambda: bench.world.state.cloud_migrations[0].failed)
    assert bench.shown()[0] == "startup"
    assert "did not start: " in bench.row()["Detail"]
    assert bench.world.postgresql.server(TARGET) is server
    assert server is not None
    assert server.answers()
    assert bench.address() == address
    assert bench.problems() == {}


def test_a_reset_ends_what_is_under_way(source: SourceServer) -> None:
    bench = CloudBench(source, {"stalls": [{"stage": "startup"}]})
    bench.migrate()
    bench.wait_for("startup", "unstarted")
    server = bench.world.postgresql.server(TARGET)
    assert server is not None
    bench.world.reset({**bench.world.to_document(), "stalls": [], "cloud_migrations": []})
    assert not server.is_running
    assert bench.row() == {}
    bench.stream()
    bench.end()
    assert bench.row() == {}


def test_work_from_before_a_reset_leaves_later_tasks_alone(source: SourceServer) -> None:
    """Ids begin anew, so that a later task may have the same one."""
    bench = CloudBench(source, {"stalls": [{"stage": "basebackup"}]})
    first = bench.migrate()
    bench.wait_for("basebackup", "unstarted")
    document = {**bench.world.to_document(), "stalls": [{"stage": "precheck"}], "cloud_migrations": []}
    with bench.world.lock:  # nobody sees the world without a task
        bench.world.reset(document)
        assert bench.migrate() == first
    until(lambda: len([one for one in threading.enumerate() if one.name == f"migration {first}"]) == 1)
    assert bench.shown() == ("precheck", "unstarted")
    assert bench.row()["Detail"] == ""
    bench.end()


@pytest.mark.parametrize("status", VARIANTS["cloud_target_status"].values)
def test_what_the_target_shows(source: SourceServer, status: str) -> None:
    bench = CloudBench(source, {"stalls": [{"stage": "precheck"}]}, cloud_target_status=status)
    bench.migrate()
    attribute = bench.call("DescribeDBInstanceAttribute", DBInstanceId=TARGET)["Items"]["DBInstanceAttribute"][0]
    assert attribute["DBInstanceStatus"] == status
    refused = "IncorrectDBInstanceState 400"
    assert bench.refused("CreateCloudMigrationPrecheckTask", **bench.parameters()) == refused
    bench.end()


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
