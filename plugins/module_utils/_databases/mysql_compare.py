# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Comparing a database of two MySQL or MariaDB servers: definitions, counters, and the contents of tables in parallel.

Read-only throughout. A session of either side sees one state of all tables with transactions (InnoDB). MySQL cannot
share such a state between sessions, so what several of them see fits together only where nobody writes meanwhile; that
is what a proof of stillness is for.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from . import mysql_compare_privileges as privileges
from .comparison import (
    DIFFERENT,
    DatabaseResult,
    Difference,
    Key,
    Sums,
    TableResult,
    Wish,
    of_definitions,
    of_tables,
    shown,
)
from .comparison_work import Work, table_result
from .mysql_compare_hash import (
    MD5,
    Range,
    Table,
    bounds_statement,
    is_large,
    ranges,
    rows_as_text,
    statement,
    sums_of,
    unlike,
)
from .mysql_compare_inventory import Inventory, SequenceValue, of_database
from .mysql_connection import Session, connect
from .mysql_errors import MySqlFailure
from .mysql_guard import Server


class Side(NamedTuple):
    """A server, and what the account may see there."""

    server: Server
    account: Sequence[privileges.Grant]


def compare_database(source: Side, target: Side, name: str, wish: Wish) -> DatabaseResult:
    """Of a database that is on both sides. Raises MySqlFailure when a server cannot be reached."""
    sides = (source, target)
    with connect(source.server) as here, connect(target.server) as there:
        sessions = (here, there)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            first, second = pool.map(
                lambda pair: of_database(pair[0], name, wish.kinds, pair[1].account),
                zip(sessions, sides, strict=True),
            )
        tables = _contents(sides, sessions, (first, second), name, wish)
    differences = [
        difference
        for kind in first.definitions.keys() & second.definitions.keys()
        for difference in of_definitions(name, kind, first.definitions[kind], second.definitions[kind])
    ]
    differences += of_sequences(name, first.sequences, second.sequences)
    differences += of_tables(tables, hashed=wish.digest is not None)
    troubles = [f"table {shown(('', table.name))} of {name}: {table.trouble}" for table in tables if table.trouble]
    return DatabaseResult(
        name,
        tuple(sorted(differences)),
        tuple(tables),
        (*first.unread, *second.unread, *troubles, *_one_sided(name, (first, second), wish)),
        {kind: len(found) for kind, found in first.definitions.items()},
        {"auto_increments_behind": _behind(first.counters, second.counters)},
    )


def of_sequences(
    database: str, source: Mapping[Key, SequenceValue], target: Mapping[Key, SequenceValue]
) -> Iterable[Difference]:
    """Sequences of the target that would give a value again which the source may have given. Pure."""
    for key in sorted(source.keys() & target.keys()):
        here, there = source[key], target[key]
        if (there.next - here.next) * (1 if here.increment >= 0 else -1) < 0:
            yield Difference(database, "sequence_values", shown(key), DIFFERENT, str(here.next), str(there.next))


def _behind(source: Mapping[Key, int], target: Mapping[Key, int]) -> int:
    """Tables of the target that may number a row as one that was deleted on the source."""
    return sum(key in target and target[key] < value for key, value in source.items())


def _one_sided(name: str, inventories: Sequence[Inventory], wish: Wish) -> list[str]:
    """Tables on one side only, where that is not told as a difference of definitions."""
    if "contents" not in wish.kinds or all("tables" in inventory.definitions for inventory in inventories):
        return []
    found = [{t.name for t in inventory.tables if wish.table(name, t.name)} for inventory in inventories]
    return [f"table {shown(('', table))} of {name}, which is on one side only" for table in sorted(found[0] ^ found[1])]


def _contents(
    sides: Sequence[Side], sessions: Sequence[Session], inventories: Sequence[Inventory], name: str, wish: Wish
) -> list[TableResult]:
    """The sums of the tables that are on both sides."""
    found = [{t.name: t for t in inventory.tables if wish.table(name, t.name)} for inventory in inventories]
    pairs = [(found[0][table], found[1][table]) for table in sorted(found[0].keys() & found[1].keys())]
    reasons = {one.name: unlike(one, other) for one, other in pairs}
    alike = [pair for pair in pairs if not reasons[pair[0].name]]
    rows = {one.name: rows_as_text(one, other, wish.digest or MD5) for one, other in alike}
    readers = [
        TableReader(sides[side].server, sessions[side], wish.digest, {t: text[side] for t, text in rows.items()})
        for side in (0, 1)
    ]
    sums, troubles = Work(readers, wish.parallel).run(alike) if alike else ({}, {})
    results = [table_result(name, one.key, one.size, sums, troubles) for one, _other in alike]
    return results + [
        TableResult(name, "", one.name, None, None, one.size, trouble=f"its rows cannot be compared: {reason}")
        for one, _other in pairs
        if (reason := reasons[one.name])
    ]


class TableReader:
    """Reads tables of one side, each session in a state of its own. rows: the expression of a row, by table."""

    def __init__(self, server: Server, session: Session, digest: str | None, rows: Mapping[str, str]) -> None:
        self._server = server
        self._session = session
        self._digest = digest
        self._rows = rows

    def parts(self, table: Table) -> list[Range]:
        if table.key_column is None or not is_large(table):
            return ranges(table, None, None)
        try:
            low, high = self._session.read(bounds_statement(table))[0]
        except MySqlFailure:
            # Reading will fail the same way, and say so of the table.
            low = high = None
        return ranges(table, low, high)

    def open(self) -> Session:
        session = connect(self._server)
        try:
            session.begin()
        except MySqlFailure:
            session.close()
            raise
        return session

    def read(self, session: Session, table: Table, part: Range) -> Sums:
        found = session.read(statement(table, self._digest, self._rows[table.name], part))[0]
        sums, unhashed = sums_of(found)
        if unhashed:
            raise MySqlFailure(f"{self._server.address} made no digest of {unhashed} rows", code="no_digest")
        return sums
