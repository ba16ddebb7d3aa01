# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of a cloud migration over time, and what a broken source or stream does to them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.postgresql.source import SourceServer

from .cloud_bench import SMALL_SETTINGS, TARGET, CloudBench, position, source_server, until

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
