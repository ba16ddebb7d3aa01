# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real PostgreSQL servers: schema, data, changes, and what comes in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from apsara_emulator.default_world import ACCOUNT_ONE, POSTGRESQL_TWO
from apsara_emulator.postgresql.binaries import found

from .cloud_bench import PASSWORD as SOURCE_PASSWORD
from .cloud_bench import ROWS, source_server
from .real_transmitting import RealBench, Writer, until
from .transmitting import self_managed

TARGET = "pgm-bp1target0000001"
PASSWORD = "pass'word of migrator"
ACCOUNT = {"name": "migrator", "type": "Super", "password": PASSWORD}
INSTANCE = {"databases": {"crm": {}}, "accounts": [{**ACCOUNT, "privileges": {"crm": "DBOwner"}}]}
SCHEMA = """
create table customers (id bigint generated always as identity primary key, name text not null, born date,
                        upper_name text generated always as (upper(name)) stored);
create table orders (id int primary key, customer bigint references customers, note text, amount numeric(12,2));
create table events (at timestamptz default now(), data jsonb);
create schema archive;
create table archive.old_orders (id int primary key, note text);
create index orders_customer on orders (customer);
create view big_orders as select * from orders where amount > 100;
create function total() returns numeric language sql as 'select sum(amount) from public.orders';
insert into customers (name) select 'customer ' || i from generate_series(1, 1000) i;
insert into orders select i, 1 + i % 1000, repeat('note ', i % 7), i * 1.25 from generate_series(1, 3000) i;
insert into events (data) select jsonb_build_object('i', i) from generate_series(1, 100) i;
insert into archive.old_orders select i, null from generate_series(1, 50) i;
"""
HASH = "select count(*), coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} t"


class PostgresqlBench(RealBench):
    """The source has the tables above, the target an empty database."""

    def __init__(self, *changes: Any) -> None:
        super().__init__({"instances": {POSTGRESQL_TWO: INSTANCE, TARGET: INSTANCE}}, *changes)

    def fill(self) -> None:
        for instance in (POSTGRESQL_TWO, TARGET):
            self.server(instance)
        self.run_sql(POSTGRESQL_TWO, SCHEMA)

    def server(self, instance: str) -> Any:
        return self.world.postgresql.ensure(self.world.state.instances[instance])

    def connect(self, instance: str, database: str = "crm", **known: Any) -> psycopg.Connection[Any]:
        server = self.server(instance)
        return psycopg.connect(
            host=str(server.folder), port=server.port, user=server.superuser, dbname=database, **known
        )

    def writer(self) -> Writer:
        return Writer(lambda: self.connect(POSTGRESQL_TWO, autocommit=True), write)

    def run_sql(self, instance: str, statement: str, database: str = "crm") -> list[Any]:
        with self.connect(instance, database) as session:
            cursor = session.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def parameters(self, **changes: Any) -> dict[str, Any]:
        return super().parameters(
            **{
                "SourceEndpointEngineName": "POSTGRESQL",
                "SourceEndpointInstanceID": POSTGRESQL_TWO,
                "SourceEndpointDatabaseName": "crm",
                "SourceEndpointPassword": PASSWORD,
                "DestinationEndpointEngineName": "PostgreSQL",
                "DestinationEndpointInstanceID": TARGET,
                "DestinationEndpointDataBaseName": "crm",
                "DestinationEndpointPassword": PASSWORD,
                "DbList": json.dumps({"crm": {"name": "crm", "all": True}}),
                **changes,
            }
        )

    def content(self, instance: str, table: str) -> tuple[int, str]:
        return tuple(self.run_sql(instance, HASH.format(table))[0])

    def equal(self, table: str, new_name: str = "") -> bool:
        return self.content(POSTGRESQL_TWO, table) == self.content(TARGET, new_name or table)

    def slots(self) -> int:
        return int(self.run_sql(POSTGRESQL_TWO, "select count(*) from pg_replication_slots")[0][0])


def write(session: psycopg.Connection[Any], number: int) -> None:
    """Changes of every kind."""
    session.execute("insert into customers (name) values (%s)", (f"new {number}",))
    session.execute("insert into orders values (%s, 1, %s, 3)", (number, "it's \\ new"))
    session.execute("update orders set note = note || '+' where id = %s", (1 + number % 3000,))
    session.execute("update events set data = data || '{\"seen\": 1}' where data ->> 'i' = '5'")
    session.execute("insert into events (data) values ('{\"n\": 1}')")
    session.execute("delete from archive.old_orders where id = %s", (number % 50,))


@pytest.fixture
def bench() -> Iterator[PostgresqlBench]:
    with PostgresqlBench() as one:
        yield one


def test_the_story(bench: PostgresqlBench) -> None:
    """Writes go on all the time; afterwards both sides are equal."""
    with bench.writer() as writer:
        job = bench.running()
        bench.until_caught_up(job)
        writer.go_on()
        bench.pause(job, writer, lambda: bench.content(TARGET, "orders"))
    assert writer.written > 100
    until(lambda: all(bench.equal(one) for one in ("customers", "orders", "events", "archive.old_orders")))
    until(lambda: bench.row(job)["Delay"] == 0)
    assert bench.content(TARGET, "customers")[0] == 1000 + writer.written
    assert bench.content(TARGET, "events")[0] == 100 + writer.written
    # Everything of the schema is there, and works.
    assert bench.run_sql(TARGET, "select total() is not null, count(*) > 0 from big_orders")[0] == (True, True)
    assert bench.run_sql(TARGET, "select count(*) from pg_indexes where indexname = 'orders_customer'")[0] == (1,)
    owner = "select distinct tableowner from pg_tables where schemaname in ('public', 'archive')"
    assert bench.run_sql(TARGET, owner) == [("migrator",)]
    assert bench.slots() == 1
    bench.dts("StopDtsJob", DtsJobId=job)
    assert bench.status_of(job) == "Finished"
    until(lambda: bench.slots() == 0)
    assert bench.run_sql(POSTGRESQL_TWO, "select count(*) from pg_publication")[0] == (0,)
    # What is written now does not come any more.
    bench.run_sql(POSTGRESQL_TWO, "insert into archive.old_orders values (7777, 'late')")
    assert not bench.equal("archive.old_orders")


def test_new_names_conditions_and_existing_rows(bench: PostgresqlBench) -> None:
    bench.run_sql(TARGET, "create table kept (id int primary key, note text); insert into kept values (1, 'mine')")
    bench.run_sql(POSTGRESQL_TWO, "create table kept (id int primary key, note text)")
    bench.run_sql(POSTGRESQL_TWO, "insert into kept values (1, 'theirs'), (2, 'new')")
    selected = {
        "archive": {"name": "history", "all": True},
        "public": {
            "name": "public",
            "all": False,
            "Table": {
                "customers": {"name": "clients", "all": True},
                "orders": {"name": "orders", "all": True, "filter": "id > 2990"},
                "kept": {"name": "kept", "all": True},
            },
        },
    }
    reserve = json.dumps({"targetTableMode": "2"})
    job = bench.running(DbList=json.dumps(selected), Reserve=reserve)
    bench.until_caught_up(job)
    assert bench.equal("archive.old_orders", "history.old_orders")
    assert bench.equal("customers", "clients")
    assert bench.content(TARGET, "orders")[0] == 10
    assert bench.run_sql(TARGET, "select * from kept order by 1") == [(1, "mine"), (2, "new")]
    assert bench.run_sql(TARGET, "select to_regclass('events'), to_regclass('customers')") == [(None, None)]
    bench.run_sql(POSTGRESQL_TWO, "insert into orders (id) values (-1), (5000)")
    bench.run_sql(POSTGRESQL_TWO, "update kept set note = 'later' where id = 1")
    bench.run_sql(POSTGRESQL_TWO, "update customers set born = '2001-02-03' where id = 5")
    bench.run_sql(POSTGRESQL_TWO, "truncate archive.old_orders")
    until(lambda: bench.run_sql(TARGET, "select note from kept where id = 1") == [("later",)])
    until(lambda: bench.equal("customers", "clients") and bench.equal("archive.old_orders", "history.old_orders"))
    assert bench.run_sql(TARGET, "select id from orders where id in (-1, 5000)") == [(5000,)]
    # The sequence goes on where it was.
    assert bench.run_sql(TARGET, "insert into clients (name) values ('x') returning id") == [(1001,)]


def test_a_whole_database_beside_tables_that_are_there(bench: PostgresqlBench) -> None:
    bench.run_sql(TARGET, "create schema archive; create table archive.old_orders (id int primary key, note text)")
    bench.run_sql(TARGET, "insert into archive.old_orders values (1, 'mine'), (-1, 'mine too')")
    job = bench.running(Reserve=json.dumps({"targetTableMode": "2"}), DataSynchronization="false")
    bench.until_status(job, "Finished")
    assert bench.equal("customers")
    rows = bench.run_sql(TARGET, "select id, note from archive.old_orders order by id limit 3")
    assert rows == [(-1, "mine too"), (1, "mine"), (2, None)]
    # Without it the same clash is found before anything happens.
    assert list(bench.prechecked(DataSynchronization="false")) == ["CHECK_SAME_OBJ"]


def test_without_changes_the_job_ends_by_itself(bench: PostgresqlBench) -> None:
    job = bench.running(DataSynchronization="false")
    bench.until_status(job, "Finished")
    assert bench.equal("orders")
    assert bench.slots() == 0
    row = bench.row(job)
    assert row["DataInitializationStatus"]["Percent"] == "100"


def test_a_source_that_goes_away_and_comes_back(bench: PostgresqlBench) -> None:
    job = bench.running()
    bench.until_caught_up(job)
    bench.cut_power(job, bench.server(POSTGRESQL_TWO))
    bench.run_sql(POSTGRESQL_TWO, "delete from orders where id > 10")
    until(lambda: bench.equal("orders"))
    until(lambda: bench.row(job)["Delay"] == 0)


def test_a_source_that_is_no_instance(bench: PostgresqlBench) -> None:
    """One that was started beside the service, by its address; of the version that is there, older or newer."""
    with source_server(settings={"wal_level": "logical"}) as source:
        bench.world.postgresql.sources["source"] = source
        with bench.server(TARGET).admin() as admin:
            admin.run("create database shop")
        names = {"SourceEndpointDatabaseName": "shop", "DestinationEndpointDataBaseName": "shop"}
        selection = {
            "SourceEndpointPassword": SOURCE_PASSWORD,
            "DbList": json.dumps({"public": {"name": "imported", "all": True}}),
        }
        end = self_managed("127.0.0.1", source.port, **names, **selection)
        job = bench.running(**end)
        bench.until_caught_up(job)
        with source.admin("shop") as session:
            session.run("update orders set note = 'changed' where id = 7")
        asked = "select note from imported.orders where id = 7"
        until(lambda: bench.run_sql(TARGET, asked, "shop") == [("changed",)])
        assert bench.run_sql(TARGET, "select count(*) from imported.orders", "shop") == [(ROWS,)]
        assert "CHECK_LOGIN_SRC" in bench.prechecked(**{**end, "SourceEndpointPassword": "wrong"})
        bench.dts("DeleteDtsJob", DtsJobId=job)
        with source.admin("shop") as session:
            until(lambda: session.value("select count(*) from pg_replication_slots") == 0)
        del bench.world.postgresql.sources["source"]


def test_prechecks_ask_the_servers(bench: PostgresqlBench) -> None:
    problems = bench.prechecked(SourceEndpointPassword="wrong")
    assert list(problems) == ["CHECK_LOGIN_SRC"]
    assert "password" in problems["CHECK_LOGIN_SRC"]
    bench.run_sql(TARGET, "create table orders (i int)")
    for table, problem in (
        ("orders", {"CHECK_SAME_OBJ": "the target has already: crm.public.orders"}),
        ("nothing", {"CHECK_OBJECTS_SRC": "not on the source: crm.public.nothing"}),
    ):
        entries = {"crm": {"name": "crm", "all": False, "Table": {table: {"name": table, "all": True}}}}
        assert bench.prechecked(DbList=json.dumps(entries)) == problem


def test_a_failure_on_the_way_and_a_second_try(bench: PostgresqlBench) -> None:
    job = bench.at_second_try()
    assert bench.equal("orders")
    bench.dts("DeleteDtsJob", DtsJobId=job)
    until(lambda: bench.slots() == 0)
    assert bench.dts_refused("StopDtsJob", DtsJobId=job) == "InvalidJobId 403"
    assert bench.world.state.dts_orders[0].account_id == ACCOUNT_ONE


@pytest.mark.skipif(len(found()) < 2, reason="there is one version of PostgreSQL here")
def test_a_newer_target() -> None:
    """DTS goes across versions; what a program of the newer one says to the older server does no harm."""
    versions = {POSTGRESQL_TWO: min(found()), TARGET: max(found())}
    instances = {name: {"engine_version": f"{one}.0"} for name, one in versions.items()}
    with PostgresqlBench({"instances": instances}) as bench:
        assert bench.server(TARGET).major > bench.server(POSTGRESQL_TWO).major
        job = bench.running()
        bench.until_caught_up(job)
        bench.run_sql(POSTGRESQL_TWO, "update customers set name = 'changed' where id < 10")
        until(lambda: bench.equal("customers"))
        assert bench.equal("orders")
