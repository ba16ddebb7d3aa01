# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real MariaDB servers, which stand in for MySQL: schema, data, changes, and what comes in between."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from apsara_emulator import DocumentError, Variants, World
from apsara_emulator.default_world import ACCOUNT_TWO, MYSQL_TWO
from apsara_emulator.mysql import binaries
from apsara_emulator.mysql.control import act, add_source, overview
from apsara_emulator.mysql.server import Server
from apsara_emulator.mysql.sql import Session, SqlError
from apsara_emulator.transmission import mysql_log

from . import cloud_bench
from .transmitting import MYSQL_ONE, ROLE, DtsBench, whole

pytestmark = pytest.mark.skipif(bool(binaries.missing()), reason=binaries.missing() or "MariaDB is there")

# Longer than it ever takes, also on a computer with much else to do.
until = partial(cloud_bench.until, limit=60.0)
PASSWORD = "päss'word\\ of migrator"
ACCOUNT = {"name": "migrator", "type": "Super", "password": PASSWORD}
INSTANCE = {"databases": {"shop": {}}, "accounts": [ACCOUNT]}
CHANGE = {
    "durations": {"dts": {"precheck": 0.05}},
    "quotas": {"dts_lists_per_second": 0},
    "instances": {MYSQL_TWO: INSTANCE, MYSQL_ONE: {**INSTANCE, "databases": {"shop": None}}},
}
SCHEMA = """
create table customers (id bigint auto_increment primary key, name varchar(80) not null, born date,
    upper_name varchar(80) generated always as (upper(name)) stored, unique key (name)) character set latin1;
create table orders (id int primary key, customer bigint, note varchar(2000), amount decimal(12,2),
    at timestamp(3) not null default current_timestamp(3), data json, file blob, kind enum('a', 'b'), bits bit(7),
    wide float, odd datetime, foreign key (customer) references customers (id) on delete cascade);
create table events (at time(6), what set('x', 'y'), large bigint unsigned, place point);
create table log (what varchar(20), n int);
create view big_orders as select id, amount from orders where amount > 100;
create function twice(n int) returns int deterministic return 2 * n;
create trigger orders_logged after insert on orders for each row insert into log values ('insert', new.id);
create event nightly on schedule every 1 day do delete from log;
insert into customers (name, born) select concat('M\u00fcller ', seq), '2000-02-29' from seq_1_to_200;
insert into orders (id, customer, note, amount, at, data, file, kind, bits, wide, odd)
    select seq, 1 + seq % 200, repeat('it''s \\\\ a\nnote ', seq % 7), seq * 1.25, '2026-01-01 00:00:01.5',
    json_object('i', seq), unhex(concat('00ff270a', hex(seq))), if(seq % 2, 'a', 'b'), seq % 128, seq / 3, null
    from seq_1_to_500;
insert into events select sec_to_time(seq * 77.000001), 'x,y', 18446744073709551615 - seq, point(seq, 1)
    from seq_1_to_100;
delete from log
"""
TABLES = ("customers", "orders", "events", "log")


class RealBench(DtsBench):
    """Real servers and the real clock."""

    def __init__(self, change: Any = None, **variants: str) -> None:
        self.world = World.default(variants=Variants(variants))
        self.clock = self.world.clock  # type: ignore[assignment]
        # The databases of the default world have sizes, but nothing in them.
        self.world.merge({"instances": {MYSQL_TWO: {"databases": {"orders": None, "stock": None}}}})
        self.world.merge(CHANGE)
        self.world.merge(change or {})
        self.source.script(SCHEMA, "shop")
        self.authorize()

    def authorize(self, policy: str | None = None) -> None:
        super().authorize(policy)
        self.clock.advance(10)

    def server(self, instance: str) -> Server:
        return self.world.mysql.ensure(self.world.state.instances[instance])

    @property
    def source(self) -> Server:
        return self.server(MYSQL_TWO)

    @property
    def target(self) -> Server:
        return self.server(MYSQL_ONE)

    def parameters(self, **changes: Any) -> dict[str, Any]:
        secrets = {"SourceEndpointPassword": PASSWORD, "DestinationEndpointPassword": PASSWORD}
        return super().parameters(**{**secrets, "DbList": whole("shop"), **changes})

    def until_caught_up(self, job: str) -> dict[str, Any]:
        def caught_up() -> dict[str, Any] | None:
            row = self.row(job)
            assert row["Status"] in ("Prechecking", "Migrating", "Retrying"), (row["ErrorMessage"], self.problems(job))
            return row if row["DataSynchronizationStatus"]["Status"] == "Catched" else None

        return dict(until(caught_up))

    def until_status(self, job: str, wanted: str) -> None:
        def reached() -> bool:
            row = self.row(job)
            assert row["Status"] == wanted or row["Status"] not in ("MigrationFailed", "PrecheckFailed"), (
                row["ErrorMessage"],
                self.problems(job),
            )
            return bool(row["Status"] == wanted)

        until(reached)

    def equal(self, table: str, new_name: str = "") -> bool:
        return contents(self.source, f"shop.{table}") == contents(self.target, new_name or f"shop.{table}")

    def note_of(self, order: int) -> Any:
        rows = self.target.sql("select note from shop.orders where id = %s", order)
        return rows[0]["note"] if rows else None


def contents(server: Server, table: str) -> list[dict[str, Any]]:
    """All rows, in an order that does not hang on a key."""
    return sorted(server.sql(f"select * from {table}"), key=repr)


def selected(entries: dict[str, dict[str, str]], database: str = "shop", new: str = "shop") -> str:
    """A DbList of some tables of a database: name to further keys."""
    tables = {name: {"name": name, "all": True, **more} for name, more in entries.items()}
    return json.dumps({database: {"name": new, "all": False, "Table": tables}})


class Writer:
    """Writes to the source without a pause until told to stop."""

    def __init__(self, bench: RealBench) -> None:
        self._bench = bench
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.written = 0

    def _run(self) -> None:
        with self._bench.source.admin("shop") as session:
            while not self._stop.wait(0.002):
                try:
                    self._write(session, 10_000 + self.written)
                except SqlError as error:
                    if error.number != 1213:  # a deadlock, which ALTER TABLE may be part of: once again
                        raise
                else:
                    self.written += 1

    def _write(self, session: Session, number: int) -> None:
        session.run("begin")
        session.run("insert into customers (name) values (%s)", f"new \u00e9 {number}")
        order = "insert into orders (id, customer, note, file) values (%s, 200, %s, %s)"
        session.run(order, number, "it's \\ new \u0394", b"\0\xff'")
        session.run("commit")
        session.run("update orders set note = concat(note, '+'), bits = 5 where id = %s", 1 + number % 500)
        session.run("update events set what = 'y' where time_to_sec(at) < 300 limit 1")
        session.run("insert into events values ('-01:02:03.4', 'y', 1, point(0.1, -1))")
        session.run("delete from customers where id = %s", 1 + self.written % 100)

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
    """Writes go on all the time; afterwards both sides are equal, and a job that was stopped does nothing more."""
    with Writer(bench) as writer:
        job = bench.running()
        bench.until_caught_up(job)
        before = writer.written
        until(lambda: writer.written > before + 30)
        # A pause: the target stays behind, and catches up afterwards.
        bench.dts("SuspendDtsJob", DtsJobId=job)
        assert bench.status_of(job) == "Suspending"
        rows = contents(bench.target, "shop.orders")
        before = writer.written
        until(lambda: writer.written > before + 30)
        assert contents(bench.target, "shop.orders") == rows
        assert bench.row(job)["Delay"] > 0
        bench.start_job(job)
        bench.until_caught_up(job)
        bench.source.sql("alter table shop.orders add column colour varchar(10) default 'red'")
    assert writer.written > 60
    until(lambda: all(bench.equal(one) for one in TABLES))
    until(lambda: bench.row(job)["Delay"] == 0)
    (row,) = bench.target.sql("select count(*) as n, count(colour) as coloured from shop.orders")
    assert (row["n"], row["coloured"]) == (len(contents(bench.source, "shop.orders")),) * 2
    # Everything of the schema is there, belongs to the account of the target, and works.
    (row,) = bench.target.sql("select shop.twice(4) as eight, count(*) > 0 as some from shop.big_orders")
    assert (row["eight"], row["some"]) == (8, 1)
    definers = bench.target.sql(
        "select definer from information_schema.triggers where trigger_schema = 'shop'"
        " union all select definer from information_schema.routines where routine_schema = 'shop'"
        " union all select definer from information_schema.views where table_schema = 'shop'"
    )
    assert [one["definer"] for one in definers] == ["migrator@%"] * 3
    bench.dts("StopDtsJob", DtsJobId=job)
    assert bench.row(job)["Status"] == "Finished"
    bench.source.sql("update shop.orders set note = 'too late' where id = 150")
    bench.target.sql("insert into shop.orders (id, customer) values (-5, 200)")
    assert bench.target.sql("select n from shop.log where n = -5") == [{"n": -5}]
    assert bench.note_of(150) not in (None, "too late")
    assert bench.dts_refused("StartDtsJob", DtsJobId=job) == "InvalidJobStatus 200"
    # The way back: changes only, from where the log of what was the target ends now.
    back = {"StructureInitialization": "false", "DataInitialization": "false"}
    back |= {"SourceEndpointInstanceID": MYSQL_ONE, "SourceEndpointOwnerID": None, "SourceEndpointRole": None}
    back |= {"DestinationEndpointInstanceID": MYSQL_TWO, "DestinationEndpointOwnerID": ACCOUNT_TWO}
    job = bench.running(**back, DestinationEndpointRole=ROLE)
    bench.until_caught_up(job)
    bench.target.sql("update shop.orders set note = 'back again' where id = 150")
    until(lambda: bench.source.sql("select note from shop.orders where id = 150") == [{"note": "back again"}])
    assert bench.source.sql("select count(*) as n from shop.orders where id = -5") == [{"n": 0}]


def test_new_names_conditions_and_rows_that_are_there(bench: RealBench) -> None:
    """Tables under new names in a database of another name; foreign keys go along, other tables stay behind."""
    bench.source.script(
        "create database `my_db%`; create table `my_db%`.`or``ders` (id int primary key, note text)", "shop"
    )
    entries = {"customers": {"name": "clients"}, "orders": {"name": "purchases"}, "log": {}}
    document = {
        **json.loads(selected(entries, new="store")),
        "my_db%": {"name": "your_db", "all": True},
    }
    job = bench.running(DbList=json.dumps(document))
    bench.until_caught_up(job)
    bench.source.script(
        "update customers set name = 'changed' where id = 7; delete from customers where id = 8;"
        " insert into events values (null, 'x', 1, null); truncate table log; insert into log values ('x', 1);"
        " update log, events set log.n = 2, events.large = 2;"
        " alter table orders add column colour int default 3; create table shop.others (i int);"
        " insert into `my_db%`.`or``ders` values (1, 'one'); alter table `my_db%`.`or``ders` add n int;"
        " create table `my_db%`.more (i int); create index x on shop.orders (note(10));"
        " create view seen as select * from shop.orders;"
        " use `my_db%`; create table here (i int); insert into here values (4); flush logs;"
        " insert into here values (5)",
        "shop",
    )
    until(lambda: contents(bench.target, "your_db.here") == [{"i": 4}, {"i": 5}] if "here" in there(bench) else False)
    assert contents(bench.source, "shop.customers") == contents(bench.target, "store.clients")
    assert contents(bench.source, "shop.orders") == contents(bench.target, "store.purchases")
    assert contents(bench.target, "store.log") == [{"what": "x", "n": 2}]
    assert bench.target.sql("select * from your_db.`or``ders`") == [{"id": 1, "note": "one", "n": None}]
    assert bench.target.sql("select referenced_table_name as t from information_schema.referential_constraints") == [
        {"t": "clients"}
    ]
    names = bench.target.sql("select table_name as n from information_schema.tables where table_schema = 'store'")
    assert sorted(one["n"] for one in names) == ["clients", "log", "purchases"]
    assert {"shop", "store", "your_db"} & databases(bench.target) == {"store", "your_db"}
    assert not [one for one in databases(bench.target) if one.startswith("dts_")]
    log = [line.split("not carried over: ")[1] for line in bench.world.state.dts_jobs[0].log if "not carried" in line]
    assert [re.split(" as ", one, flags=re.IGNORECASE)[-1] for one in log] == [
        "create table shop.others (i int)",
        "select * from shop.orders;",
    ]
    assert bench.target.sql("select index_name from information_schema.statistics where index_name = 'x'") != []
    bench.dts("StopDtsJob", DtsJobId=job)
    # A second job: rows of the target win, and of one table only some are wanted.
    bench.target.script(
        "update clients set name = 'mine', born = null where id = 1; delete from clients where id > 5", "store"
    )
    changes = {"Reserve": json.dumps({"targetTableMode": "2"}), "DataSynchronization": "false"}
    entries = {"customers": {"name": "clients"}, "orders": {"name": "few", "filter": "id <= 10"}}
    job = bench.running(DbList=selected(entries, new="store"), **changes)
    bench.until_status(job, "Finished")
    rows = bench.target.sql("select id, name from store.clients where id < 8 order by id")
    assert [rows[0], rows[-1]] == [{"id": 1, "name": "mine"}, {"id": 7, "name": "changed"}]
    assert bench.target.sql("select count(*) as n, max(id) as last from store.few") == [{"n": 9, "last": 10}]
    job = bench.running(DbList=selected({"orders": {"name": "fewer", "filter": "id <= 10"}}, new="store"))
    until(lambda: bench.status_of(job) == "MigrationFailed")
    assert "conditions" in bench.row(job)["DataInitializationStatus"]["ErrorMessage"]


def databases(server: Server) -> set[str]:
    return {str(one["Database"]) for one in server.sql("show databases")}


def there(bench: RealBench) -> set[str]:
    rows = bench.target.sql("select table_name as n from information_schema.tables where table_schema = 'your_db'")
    return {str(one["n"]) for one in rows}


def test_failures_and_second_tries(bench: RealBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that fails, a source that loses its power, and conflicts, in which the source wins."""
    monkeypatch.setattr(mysql_log, "_PATIENCE", 1)
    job = bench.configure(DbList=selected({"customers": {}, "orders": {}}))
    bench.start_job(job)
    until(lambda: bench.status_of(job) == "PreCheckPass")
    bench.target.script("create database shop; create table shop.orders (other int)")
    bench.buy(job)
    bench.start_job(job)
    until(lambda: bench.status_of(job) == "MigrationFailed")
    assert "Column count" in bench.row(job)["DataInitializationStatus"]["ErrorMessage"]
    # Of a copy that fails half-way nothing stays.
    assert contents(bench.target, "shop.customers") == []
    bench.dts("StopDtsJob", DtsJobId=job)
    bench.target.sql("drop database shop")
    bench.world.merge({"outcomes": [{"result": "fails", "kind": "dts", "stage": "full", "failure": "disk on fire"}]})
    job = bench.running()
    until(lambda: bench.status_of(job) == "MigrationFailed")
    assert bench.row(job)["DataInitializationStatus"]["ErrorMessage"] == "disk on fire"
    bench.start_job(job)
    bench.until_caught_up(job)
    assert all(bench.equal(one) for one in TABLES)
    # A network that hangs, and a power cut.
    act(bench.world, {"instance": MYSQL_TWO, "do": "freeze"})
    bench.until_status(job, "Retrying")
    act(bench.world, {"instance": MYSQL_TWO, "do": "thaw"})
    bench.until_caught_up(job)
    bench.source.kill()
    bench.until_status(job, "Retrying")
    until(lambda: bench.row(job)["Delay"] > 1500)
    bench.source.start()
    bench.until_caught_up(job)
    bench.target.script("insert into orders (id, note) values (-9, 'mine'); delete from orders where id = 9", "shop")
    bench.source.script(
        "insert into orders (id, note, at) values (-9, 'theirs', '2026-01-01'); delete from orders where id = 9;"
        " update orders set note = 'last' where id = 3",
        "shop",
    )
    until(lambda: bench.note_of(3) == "last")
    assert bench.equal("orders")
    until(lambda: bench.row(job)["Delay"] == 0)
    # Deleted in the middle of its work: what it was doing is done as a whole, or not at all.
    bench.source.sql("update shop.orders set note = 'all of them'")
    bench.dts("DeleteDtsJob", DtsJobId=job)
    bench.source.sql("update shop.orders set note = 'too late'")
    notes = bench.target.sql(
        "select count(distinct note = 'all of them') as kinds, sum(note = 'too late') as late from shop.orders"
    )
    assert (notes[0]["kinds"], int(notes[0]["late"] or 0)) == (1, 0)
    # Another one into what is there now finds the tables before anything happens.
    job = bench.configure(DataSynchronization="false")
    bench.start_job(job)
    until(lambda: bench.status_of(job) == "PrecheckFailed")
    assert list(bench.problems(job)) == ["CHECK_SAME_OBJ"]


def test_prechecks_ask_the_servers(bench: RealBench) -> None:
    assert list(checked(bench, SourceEndpointPassword="wrong")) == ["CHECK_LOGIN_SRC"]
    assert checked(bench, DbList=selected({"nothing": {}})) == {"CHECK_OBJECTS_SRC": "not on the source: shop.nothing"}
    # Accounts that were made by statements need rights by statements.
    bench.source.script("create user poor@'%' identified by 'poor'; grant select on shop.orders to poor@'%'")
    bench.target.script("create user poor@'%' identified by 'poor'; grant insert on `sh_p`.* to poor@'%'")
    ends = {"SourceEndpointUserName": "poor", "SourceEndpointPassword": "poor"}
    ends |= {"DestinationEndpointUserName": "poor", "DestinationEndpointPassword": "poor"}
    assert checked(bench, **ends) == {
        "CHECK_AUTH_SRC": "the account poor lacks: REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW on shop",
        "CHECK_AUTH_DEST": "the account poor lacks: SELECT on shop, INSERT on shop, UPDATE on shop, DELETE on shop,"
        " CREATE on shop, DROP on shop, ALTER on shop, INDEX on shop",
    }
    bench.source.script("grant replication client, replication slave, show view on *.* to poor@'%'")
    bench.target.script("grant all on shop.* to poor@'%'")
    assert checked(bench, **ends) == {}
    bench.source.sql("set global binlog_format = 'MIXED'")
    assert checked(bench) == {"CHECK_CHANGE_LOG": "changes cannot be read: binlog_format is mixed"}
    assert checked(bench, DataSynchronization="false") == {}
    bench.source.stop()
    bench.source.settings["log-bin"] = None
    bench.source.start()
    assert checked(bench) == {"CHECK_CHANGE_LOG": "changes cannot be read: log_bin is off"}


def checked(bench: RealBench, **changes: Any) -> dict[str, str]:
    """What the precheck of a new job finds."""
    job = bench.configure(**changes)
    bench.start_job(job)
    until(lambda: bench.status_of(job) in ("PrecheckFailed", "PreCheckPass"))
    return bench.problems(job)


def test_a_source_that_is_no_instance(bench: RealBench) -> None:
    """One that was started beside the service, by its address."""
    document = {
        "accounts": [{"name": "migrator", "password": "it"}],
        "databases": ["wares"],
        "statements": {"wares": "create table items (i int); insert into items values (1), (2), (2)"},
    }
    source = add_source(bench.world, document)
    end = {
        "SourceEndpointInstanceType": "OTHER",
        "SourceEndpointInstanceID": None,
        "SourceEndpointRegion": None,
        "SourceEndpointOwnerID": None,
        "SourceEndpointRole": None,
        "SourceEndpointIP": source["host"],
        "SourceEndpointPort": str(source["port"]),
        "SourceEndpointPassword": "it",
        "DbList": whole("wares"),
    }
    assert list(checked(bench, **{**end, "SourceEndpointPassword": "wrong"})) == ["CHECK_LOGIN_SRC"]
    job = bench.running(**end)
    bench.until_caught_up(job)
    asked = {"source": "source", "do": "sql", "statement": "insert into wares.items values (3)"}
    act(bench.world, asked)
    until(lambda: [one["i"] for one in contents(bench.target, "wares.items")] == [1, 2, 2, 3])
    rows = act(bench.world, {"instance": MYSQL_ONE, "do": "sql", "statement": "select max(i) as m from wares.items"})
    assert rows == {"rows": [{"m": "3"}]}
    # The instance shows what its server has, and where it is.
    listed = bench.call("DescribeDatabases", DBInstanceId=MYSQL_ONE)["Databases"]["Database"]
    assert "wares" in [one["DBName"] for one in listed]
    (info,) = bench.call("DescribeDBInstanceNetInfo", DBInstanceId=MYSQL_ONE)["DBInstanceNetInfos"]["DBInstanceNetInfo"]
    assert (info["ConnectionString"], info["Port"]) == ("127.0.0.1", str(bench.target.port))
    (known,) = [one for one in overview(bench.world)["instances"] if one["instance"] == MYSQL_ONE]
    assert (known["port"], known["running"]) == (bench.target.port, True)
    act(bench.world, {"source": "source", "do": "remove"})
    act(bench.world, {"instance": MYSQL_ONE, "do": "remove"})
    assert (overview(bench.world)["sources"], bench.world.mysql.server(MYSQL_ONE)) == ([], None)
    with pytest.raises(DocumentError, match="no instance"):
        act(bench.world, {"instance": MYSQL_ONE, "do": "stop"})


def test_without_programs_jobs_are_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "found", lambda: None)
    bench = DtsBench()
    network = bench.call("DescribeDBInstanceNetInfo", DBInstanceId=MYSQL_ONE)["DBInstanceNetInfos"]["DBInstanceNetInfo"]
    assert network[0]["ConnectionString"].endswith(".aliyuncs.com")
    job = bench.running()
    assert bench.run(job, 400) == "Migrating"
    assert [one.real for one in bench.world.state.dts_jobs] == [False]
    with pytest.raises(DocumentError, match="mariadb-server"):
        add_source(bench.world, {})
