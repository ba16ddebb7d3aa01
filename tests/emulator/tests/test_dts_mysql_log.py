# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a MySQL source's binary log is read, without a server: events, transactions, names and statements."""

from __future__ import annotations

import base64
import struct
import zlib

import pytest
from apsara_emulator.servers.errors import ServerError
from apsara_emulator.transmission.ends import Pair
from apsara_emulator.transmission.mysql_events import (
    BEGIN,
    COMMIT,
    FORMAT,
    QUERY,
    ROTATE,
    TABLE,
    Event,
    LoggedTransaction,
    Statement,
    Transactions,
    described_as_plain,
    first_word,
    plain,
    renamed,
    row_statements,
    table_of,
)
from apsara_emulator.transmission.mysql_statements import carried_over
from hypothesis import given
from hypothesis import strategies as st

ROWS = 23
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)


def event(kind: int, body: bytes, end: int = 4) -> Event:
    return Event(struct.pack("<IBIIIH", 7, kind, 9, 19 + len(body), end, 0) + body)


def table(database: str, name: str, number: int = 1) -> Event:
    names = b"".join(bytes([len(one.encode())]) + one.encode() + b"\0" for one in (database, name))
    return event(TABLE, struct.pack("<Q", number) + names + b"\x01\x03\x00\x01")


def rows(number: int = 1, last: bool = True) -> Event:
    return event(ROWS, struct.pack("<Q", number)[:6] + struct.pack("<H", last) + b"data of %d" % number)


def begin(standalone: bool = False) -> Event:
    return event(BEGIN, bytes(12) + bytes([standalone]))


def query(text: str, database: str = "shop", end: int = 4) -> Event:
    fixed = struct.pack("<IIBHH", 1, 0, len(database.encode()), 0, 3)
    return event(QUERY, fixed + b"var" + database.encode() + b"\0" + text.encode(), end)


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_table_event_gets_other_names_and_keeps_the_rest(old: str, table_name: str, new: str, new_table: str) -> None:
    before = table(old, table_name)
    after = renamed(before, new, new_table)
    assert table_of(before) == (old, table_name)
    assert table_of(after) == (new, new_table)
    assert after.data == table(new, new_table).data


def test_transactions_end_where_the_log_says() -> None:
    reader = Transactions(("binlog.1", 4))
    given_events = [
        event(ROTATE, struct.pack("<Q", 4) + b"binlog.1", end=0),
        begin(),
        table("shop", "a"),
        rows(),
        event(COMMIT, bytes(8), end=200),
        begin(standalone=True),
        query("create table b (i int)", end=300),
        event(ROTATE, struct.pack("<Q", 4) + b"binlog.2", end=340),
        begin(),
        table("shop", "a"),
    ]
    done = [one for one in map(reader.add, given_events) if one is not None]
    assert [one.end for one in done] == [("binlog.1", 200), ("binlog.1", 300)]
    assert done[1].parts == [Statement("shop", "create table b (i int)")]
    assert (reader.place, reader.is_between) == (("binlog.2", 4), False)
    # A table that is not transactional: the end is a statement.
    assert reader.add(query("COMMIT", end=90)) == LoggedTransaction(("binlog.2", 90), [table("shop", "a")])


def test_changes_that_are_no_rows_are_refused() -> None:
    reader = Transactions(("binlog.1", 4))
    reader.add(begin())
    with pytest.raises(ServerError, match="as a statement"):
        reader.add(query("/* x */ update a set i = 1"))


def test_rows_of_other_tables_are_left_out() -> None:
    """The last event of a statement tells the server to carry it out, also if it was one of another table."""
    parts = [table("shop", "a", 1), table("shop", "b", 2), rows(1, last=False), rows(2, last=True), rows(3)]
    told = list(row_statements(parts, lambda place, name: ("store", name) if name == "a" else None))
    assert len(told) == 1
    sent = [base64.b64decode(one) for one in str(told[0]).split("'")[1].split("\n")]
    assert sent == [table("store", "a", 1).data, rows(1, last=True).data]


def test_a_large_statement_is_told_in_pieces() -> None:
    """Each of them names the table again, and is carried out by itself."""
    large = event(ROWS, struct.pack("<Q", 1)[:6] + struct.pack("<H", 0) + b"x" * 3_000_000)
    told = list(row_statements([table("shop", "a"), large, large, large, rows()], lambda *names: names))
    sent = [[Event(base64.b64decode(one)) for one in str(each).split("'")[1].split("\n")] for each in told]
    assert [[one.kind for one in each] for each in sent] == [[TABLE, ROWS, ROWS]] * 2
    assert [[one.body[6] for one in each[1:]] for each in sent] == [[0, 1], [0, 1]]


def test_checksums_are_taken_off() -> None:
    description = event(FORMAT, b"lengths" + b"\x01" + b"sum.")
    whole = rows().data[:9] + struct.pack("<I", len(rows().data) + 4) + rows().data[13:]
    assert plain(Event(whole + b"sum."), description).data == rows().data
    assert plain(rows(), None) == rows()
    without = described_as_plain(description)
    assert plain(rows(), without) == rows()
    assert without.data[-4:] == struct.pack("<I", zlib.crc32(without.data[:-4]))
    # The event that tells a file's name has one, or none, whatever the file says.
    name = event(ROTATE, struct.pack("<Q", 4) + b"binlog.000001", end=0)
    longer = name.data[:9] + struct.pack("<I", len(name.data) + 4) + name.data[13:]
    assert plain(Event(longer + struct.pack("<I", zlib.crc32(longer))), None).data == name.data
    assert plain(name, description) == name


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("alter table orders add c int", "alter table `store`.`purchases` add c int"),
        ("ALTER ONLINE TABLE `shop` . `orders` add c int", "ALTER ONLINE TABLE `store`.`purchases` add c int"),
        ("truncate orders", "truncate `store`.`purchases`"),
        ("create unique index i on orders (c)", "create unique index i on `store`.`purchases` (c)"),
        ("DROP TABLE IF EXISTS `orders` /* generated */", "DROP TABLE IF EXISTS `store`.`purchases` /* generated */"),
        ("drop table orders, others", None),
        ("alter table others add c int", None),
        ("create table whole.t (i int)", "create table `whole`.`t` (i int)"),
        ("create view v as select 1", None),
    ],
)
def test_statements_about_selected_tables(statement: str, told: str | None) -> None:
    pairs = [Pair("shop", "store", (("orders", "purchases"),)), Pair("whole", "whole", None)]
    new = {("shop", "orders"): ("store", "purchases"), ("whole", "t"): ("whole", "t")}
    answer = carried_over(Statement("shop", statement), pairs, lambda *place: new.get(place))
    assert (answer.text if answer else None) == told


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("create view v as select * from t", "create view v as select * from t"),
        ("drop table a, b", "drop table a, b"),
        ("create view v as select * from shop.t", None),
        ("create view v as select * from `shop`.t", None),
        ("create user x@y", None),
        ("create or replace database x", None),
        ("drop temporary table x", None),
    ],
)
def test_statements_in_a_database_with_a_new_name(statement: str, told: str | None) -> None:
    answer = carried_over(
        Statement("shop", statement), [Pair("shop", "store", None)], lambda _place, name: ("store", name)
    )
    assert answer == (None if told is None else Statement("store", told))


def test_the_first_word() -> None:
    assert first_word("/* a\nb */ -- c\n # d\n  INSERT into x") == "insert"
    assert first_word("(select 1)") == ""
