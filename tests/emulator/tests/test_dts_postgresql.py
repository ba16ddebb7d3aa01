# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real PostgreSQL servers: schema, data, changes, and what comes in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from apsara_emulator import Variants, World
from apsara_emulator.default_world import ACCOUNT_ONE, POSTGRESQL_TWO
from apsara_emulator.postgresql.binaries import found

from .cloud_bench import PASSWORD as SOURCE_PASSWORD
from .cloud_bench import ROWS, source_server, until
from .transmitting import DtsBench

TARGET = "pgm-bp1target0000001"
PASSWORD = "pass'word of migrator"
ACCOUNT = {"name": "migrator", "type": "Super", "password": PASSWORD}
CHANGE = {
    "durations": {"dts": {"precheck": 0.05}},
    "quotas": {"dts_lists_per_second": 0},
    "instances": {
        POSTGRESQL_TWO: {"databases": {"crm": {}}, "accounts": [{**ACCOUNT, "privileges": {"crm": "DBOwner"}}]},
        TARGET: {"databases": {"crm": {}}, "accounts": [{**ACCOUNT, "privileges": {"crm": "DBOwner"}}]},
    },
}
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


class RealBench(DtsBench):
    """Real servers and the real clock."""

    def __init__(self, change: Any = None, **variants: str) -> None:
        self.world = World.default(variants=Variants(variants))
        self.clock = self.world.clock  # type: ignore[assignment]
        self.world.merge(CHANGE)
        self.world.merge(change or {})
        for instance in (POSTGRESQL_TWO, TARGET):
            self.server(instance)
        self.run_sql(POSTGRESQL_TWO, SCHEMA)
        self.authorize()

    def authorize(self, policy: str | None = None) -> None:
        super().authorize(policy)
        self.clock.advance(10)

    def server(self, instance: str) -> Any:
        return self.world.postgresql.ensure(self.world.state.instances[instance])

    def run_sql(self, instance: str, statement: str, database: str = "crm") -> list[Any]:
        host = str(self.server(instance).folder)
        port, user = self.server(instance).port, self.server(instance).superuser
        with psycopg.connect(host=host, port=port, user=user, dbname=database) as session:
            cursor = session.execute(statement)  # type: ignore[call-overload]
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

    def until_caught_up(self, job: str) -> dict[str, Any]:
        def caught_up() -> dict[str, Any] | None:
            row = self.row(job)
            assert row["Status"] in ("Prechecking", "Migrating", "Retrying"), (row["ErrorMessage"], self.problems(job))
            return row if row["DataSynchronizationStatus"]["Status"] == "Catched" else None

        return dict(until(caught_up))

    def until_status(self, job: str, wanted: str) -> None:
        until(lambda: self.status_of(job) == wanted)

    def content(self, instance: str, table: str) -> tuple[int, str]:
        return tuple(self.run_sql(instance, HASH.format(table))[0])  # type: ignore[return-value]

    def equal(self, table: str, new_name: str = "") -> bool:
        return self.content(POSTGRESQL_TWO, table) == self.content(TARGET, new_name or table)

    def slots(self) -> int:
        return int(self.run_sql(POSTGRESQL_TWO, "select count(*) from pg_replication_slots")[0][0])


class Writer:
    """Writes to the source without a pause until told to stop."""

    def __init__(self, bench: RealBench) -> None:
        self._bench = bench
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.written = 0

    def _run(self) -> None:
        server = self._bench.server(POSTGRESQL_TWO)
        with psycopg.connect(
            host=str(server.folder), port=server.port, user=server.superuser, dbname="crm", autocommit=True
        ) as session:
            while not self._stop.wait(0.002):
                number = 10_000 + self.written
                session.execute("insert into customers (name) values (%s)", (f"new {number}",))
                session.execute("insert into orders values (%s, 1, %s, 3)", (number, "it's \\ new"))
                session.execute("update orders set note = note || '+' where id = %s", (1 + number % 3000,))
                session.execute("update events set data = data || '{\"seen\": 1}' where data ->> 'i' = '5'")
                session.execute("insert into events (data) values ('{\"n\": 1}')")
                session.execute("delete from archive.old_orders where id = %s", (number % 50,))
                self.written += 1

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def bench() -> Iterator[RealBench]:
    one = RealBench()
    yield one
    one.world.reset()


def test_the_story(bench: RealBench) -> None:
    """Writes go on all the time; afterwards both sides are equal."""
    with Writer(bench) as writer:
        job = bench.running()
        bench.until_caught_up(job)
        before = writer.written
        until(lambda: writer.written > before + 50)
        # A pause: the target stays behind, and catches up afterwards.
        bench.dts("SuspendDtsJob", DtsJobId=job)
        assert bench.status_of(job) == "Suspending"
        rows = bench.content(TARGET, "orders")
        before = writer.written
        until(lambda: writer.written > before + 50)
        assert bench.content(TARGET, "orders") == rows
        bench.start_job(job)
        bench.until_caught_up(job)
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


def test_new_names_conditions_and_existing_rows(bench: RealBench) -> None:
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


def test_a_whole_database_beside_tables_that_are_there(bench: RealBench) -> None:
    bench.run_sql(TARGET, "create schema archive; create table archive.old_orders (id int primary key, note text)")
    bench.run_sql(TARGET, "insert into archive.old_orders values (1, 'mine'), (-1, 'mine too')")
    job = bench.running(Reserve=json.dumps({"targetTableMode": "2"}), DataSynchronization="false")
    bench.until_status(job, "Finished")
    assert bench.equal("customers")
    rows = bench.run_sql(TARGET, "select id, note from archive.old_orders order by id limit 3")
    assert rows == [(-1, "mine too"), (1, "mine"), (2, None)]
    # Without it the same clash is found before anything happens.
    job = bench.configure(DataSynchronization="false")
    bench.start_job(job)
    bench.until_status(job, "PrecheckFailed")
    assert list(bench.problems(job)) == ["CHECK_SAME_OBJ"]


def test_without_changes_the_job_ends_by_itself(bench: RealBench) -> None:
    job = bench.running(DataSynchronization="false")
    bench.until_status(job, "Finished")
    assert bench.equal("orders")
    assert bench.slots() == 0
    row = bench.row(job)
    assert row["DataInitializationStatus"]["Percent"] == "100"


def test_a_source_that_goes_away_and_comes_back(bench: RealBench) -> None:
    job = bench.running()
    bench.until_caught_up(job)
    server = bench.server(POSTGRESQL_TWO)
    server.kill()
    bench.until_status(job, "Retrying")
    until(lambda: bench.row(job)["Delay"] > 1500)
    server.start()
    bench.until_caught_up(job)
    bench.run_sql(POSTGRESQL_TWO, "delete from orders where id > 10")
    until(lambda: bench.equal("orders"))
    assert bench.row(job)["Delay"] == 0


def test_a_source_that_is_no_instance(bench: RealBench) -> None:
    """One that was started beside the service, by its address; of the version that is there, older or newer."""
    with source_server(settings={"wal_level": "logical"}) as source:
        bench.world.postgresql.sources["source"] = source
        with bench.server(TARGET).admin() as admin:
            admin.run("create database shop")
        end = {
            "SourceEndpointInstanceType": "OTHER",
            "SourceEndpointInstanceID": None,
            "SourceEndpointRegion": None,
            "SourceEndpointOwnerID": None,
            "SourceEndpointRole": None,
            "SourceEndpointIP": "127.0.0.1",
            "SourceEndpointPort": str(source.port),
            "SourceEndpointDatabaseName": "shop",
            "SourceEndpointPassword": SOURCE_PASSWORD,
            "DestinationEndpointDataBaseName": "shop",
            "DbList": json.dumps({"public": {"name": "imported", "all": True}}),
        }
        job = bench.running(**end)
        bench.until_caught_up(job)
        with source.admin("shop") as session:
            session.run("update orders set note = 'changed' where id = 7")
        asked = "select note from imported.orders where id = 7"
        until(lambda: bench.run_sql(TARGET, asked, "shop") == [("changed",)])
        assert bench.run_sql(TARGET, "select count(*) from imported.orders", "shop") == [(ROWS,)]
        wrong = bench.configure(**{**end, "SourceEndpointPassword": "wrong"})
        bench.start_job(wrong)
        bench.until_status(wrong, "PrecheckFailed")
        assert "CHECK_LOGIN_SRC" in bench.problems(wrong)
        bench.dts("DeleteDtsJob", DtsJobId=job)
        with source.admin("shop") as session:
            until(lambda: session.value("select count(*) from pg_replication_slots") == 0)
        del bench.world.postgresql.sources["source"]


def test_prechecks_ask_the_servers(bench: RealBench) -> None:
    job = bench.configure(SourceEndpointPassword="wrong")
    bench.start_job(job)
    bench.until_status(job, "PrecheckFailed")
    assert list(bench.problems(job)) == ["CHECK_LOGIN_SRC"]
    assert "password" in bench.problems(job)["CHECK_LOGIN_SRC"]
    bench.run_sql(TARGET, "create table orders (i int)")
    entries = {"crm": {"name": "crm", "all": False, "Table": {"orders": {"name": "orders", "all": True}}}}
    job = bench.configure(DbList=json.dumps(entries))
    bench.start_job(job)
    bench.until_status(job, "PrecheckFailed")
    assert bench.problems(job) == {"CHECK_SAME_OBJ": "the target has already: crm.public.orders"}
    entries["crm"]["Table"] = {"nothing": {"name": "nothing", "all": True}}  # type: ignore[index]
    job = bench.configure(DbList=json.dumps(entries))
    bench.start_job(job)
    bench.until_status(job, "PrecheckFailed")
    assert bench.problems(job) == {"CHECK_OBJECTS_SRC": "not on the source: crm.public.nothing"}


def test_a_failure_on_the_way_and_a_second_try(bench: RealBench) -> None:
    bench.world.merge({"outcomes": [{"result": "fails", "kind": "dts", "stage": "full", "failure": "disk on fire"}]})
    job = bench.running()
    bench.until_status(job, "MigrationFailed")
    assert bench.row(job)["DataInitializationStatus"]["ErrorMessage"] == "disk on fire"
    bench.start_job(job)
    bench.until_caught_up(job)
    assert bench.equal("orders")
    bench.dts("DeleteDtsJob", DtsJobId=job)
    until(lambda: bench.slots() == 0)
    assert bench.dts_refused("StopDtsJob", DtsJobId=job) == "InvalidJobId 403"
    assert bench.world.state.dts_orders[0].account_id == ACCOUNT_ONE


@pytest.mark.skipif(len(found()) < 2, reason="there is one version of PostgreSQL here")
def test_a_newer_target() -> None:
    """DTS goes across versions; what a program of the newer one says to the older server does no harm."""
    versions = {POSTGRESQL_TWO: min(found()), TARGET: max(found())}
    bench = RealBench({"instances": {name: {"engine_version": f"{one}.0"} for name, one in versions.items()}})
    try:
        assert bench.server(TARGET).major > bench.server(POSTGRESQL_TWO).major
        job = bench.running()
        bench.until_caught_up(job)
        bench.run_sql(POSTGRESQL_TWO, "update customers set name = 'changed' where id < 10")
        until(lambda: bench.equal("customers"))
        assert bench.equal("orders")
    finally:
        bench.world.reset()
