# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real MariaDB servers, which stand in for MySQL, at both ends of jobs."""

from __future__ import annotations

import json
from typing import Any

from apsara_emulator.default_world import MYSQL_TWO
from apsara_emulator.mysql.server import Server
from apsara_emulator.mysql.sql import Session, SqlError

from .real_transmitting import RealBench, Writer
from .transmitting import MYSQL_ONE, whole

PASSWORD = "päss'word\\ of migrator"
ACCOUNT = {"name": "migrator", "type": "Super", "password": PASSWORD}
INSTANCES = {
    # The databases of the default world have sizes, but nothing in them.
    MYSQL_TWO: {"databases": {"orders": None, "stock": None, "shop": {}}, "accounts": [ACCOUNT]},
    MYSQL_ONE: {"databases": {"shop": None}, "accounts": [ACCOUNT]},
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


class MysqlBench(RealBench):
    """The source has the tables above, the target nothing."""

    def __init__(self) -> None:
        super().__init__({"instances": INSTANCES})

    def fill(self) -> None:
        self.source.script(SCHEMA, "shop")

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

    def writer(self) -> Writer:
        return Writer(lambda: self.source.admin("shop"), write)

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


def write(session: Session, number: int) -> None:
    """Changes of every kind; once again after a deadlock, which ALTER TABLE may be part of."""
    while True:
        try:
            return _write(session, number)
        except SqlError as error:
            if error.number != 1213:
                raise


def _write(session: Session, number: int) -> None:
    session.run("begin")
    session.run("insert into customers (name) values (%s)", f"new \u00e9 {number}")
    order = "insert into orders (id, customer, note, file) values (%s, 200, %s, %s)"
    session.run(order, number, "it's \\ new \u0394", b"\0\xff'")
    session.run("commit")
    session.run("update orders set note = concat(note, '+'), bits = 5 where id = %s", 1 + number % 500)
    session.run("update events set what = 'y' where time_to_sec(at) < 300 limit 1")
    session.run("insert into events values ('-01:02:03.4', 'y', 1, point(0.1, -1))")
    session.run("delete from customers where id = %s", 1 + (number - 10_000) % 100)
