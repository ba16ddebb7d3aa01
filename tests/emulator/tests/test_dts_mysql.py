# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real MariaDB servers, which stand in for MySQL: schema, data, changes, and what comes in between."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from apsara_emulator import Variants, World
from apsara_emulator.default_world import MYSQL_TWO
from apsara_emulator.mysql import binaries
from apsara_emulator.mysql.server import Server

from .cloud_bench import until
from .transmitting import MYSQL_ONE, DtsBench, whole

pytestmark = pytest.mark.skipif(bool(binaries.missing()), reason=binaries.missing() or "MariaDB is there")

PASSWORD = "pass'word\\ of migrator"
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
insert into customers (name, born) select concat('M\u00fcller ', seq), '2000-02-29' from seq_1_to_1000;
insert into orders (id, customer, note, amount, at, data, file, kind, bits, wide, odd)
    select seq, 1 + seq % 1000, repeat('it''s \\\\ a\nnote ', seq % 7), seq * 1.25, '2026-01-01 00:00:01.5',
    json_object('i', seq), unhex(concat('00ff270a', hex(seq))), if(seq % 2, 'a', 'b'), seq % 128, seq / 3, null
    from seq_1_to_3000;
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
                number = 10_000 + self.written
                session.run("begin")
                session.run("insert into customers (name) values (%s)", f"new \u00e9 {number}")
                session.run(
                    "insert into orders (id, customer, note, file) values (%s, 1000, %s, %s)",
                    number,
                    "it's \\ new \u0394",
                    b"\0\xff'",
                )
                session.run("commit")
                session.run("update orders set note = concat(note, '+'), bits = 5 where id = %s", 1 + number % 3000)
                session.run("update events set what = 'y' where time_to_sec(at) < 300 limit 1")
                session.run("insert into events values ('-01:02:03.4', 'y', 1, point(0.1, -1))")
                session.run("delete from customers where id = %s", 1 + self.written % 900)
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
    bench.source.sql("update shop.orders set note = 'too late' where id = 2")
    bench.target.sql("insert into shop.orders (id, customer) values (-5, 999)")
    assert bench.target.sql("select n from shop.log where n = -5") == [{"n": -5}]
    assert bench.note_of(2) != "too late"
    assert bench.dts_refused("StartDtsJob", DtsJobId=job) == "InvalidJobStatus 200"
