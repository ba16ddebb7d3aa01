# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Comparing two PostgreSQL servers: definitions, sequences, large objects, and the contents of tables in parallel.

Read-only throughout, by the server's own means. On each side all connections of a database share one snapshot, so that
the tables of that side fit together even when somebody writes.
"""

from __future__ import annotations

import concurrent.futures
from collections.abc import Collection, Iterable, Sequence

from .comparison import DatabaseResult, Key, Sums, TableResult, Wish, of_definitions, of_tables, shown
from .comparison_work import Work, table_result
from .postgresql_compare_differences import of_sequences
from .postgresql_compare_hash import Table, is_sampled, parts, statement
from .postgresql_compare_inventory import Inventory, of_database
from .postgresql_connection import Server, Session, connect

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Ranges of row addresses are read as such since this version; before, each would read the whole table.
_READS_RANGES = 14

_SYSTEM = "pg_catalog"


def compare_database(source: Server, target: Server, wish: Wish) -> DatabaseResult:
    """Of the database that both name. Raises DatabaseFailure when one cannot be connected to."""
    servers = (source, target)
    with connect(source, read_only=True) as here, connect(target, read_only=True) as there:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            inventories = list(pool.map(lambda session: of_database(session, wish.kinds, wish.schema), (here, there)))
        tables = _contents(servers, (here, there), inventories, wish)
    first, second = inventories
    differences = [
        difference
        for kind in first.definitions.keys() & second.definitions.keys()
        for difference in of_definitions(source.database, kind, first.definitions[kind], second.definitions[kind])
    ]
    differences += of_sequences(source.database, first.sequences, second.sequences)
    hashed = wish.digest is not None
    own, large = ([table for table in tables if (table.schema == _SYSTEM) is system] for system in (False, True))
    differences += of_tables(own, hashed=hashed)
    differences += of_tables(large, hashed=hashed, kind="large_objects")
    counts = {kind: len(found) for kind, found in first.definitions.items()}
    return DatabaseResult(
        source.database,
        tuple(sorted(differences)),
        tuple(own),
        tuple(_unread(servers, inventories, tables)),
        counts,
        {"large_objects": _large_objects(large), "sequences_ahead": _sequences_ahead(first, second)},
    )


def _large_objects(tables: list[TableResult]) -> int | None:
    """Their number on the source; they lie in tables of the system."""
    found = next((table.source for table in tables if table.name == "pg_largeobject_metadata"), None)
    return found and found.rows


def _sequences_ahead(source: Inventory, target: Inventory) -> int:
    return sum(
        value is not None and other is not None and value.last_value != other.last_value
        for key, value in source.sequences.items()
        for other in [target.sequences.get(key)]
    )


def _unread(servers: Sequence[Server], inventories: Sequence[Inventory], tables: list[TableResult]) -> list[str]:
    found = []
    for server, inventory in zip(servers, inventories, strict=True):
        found += [f"{kind} of {server.database} on {server.label}" for kind in inventory.unread]
        found += [
            f"sequence {shown(key)} of {server.database} on {server.label}"
            for key, value in inventory.sequences.items()
            if value is None
        ]
    return found + [
        f"table {shown((table.schema, table.name))} of {table.database}: {table.trouble}"
        for table in tables
        if table.trouble
    ]


def _contents(
    servers: Sequence[Server], sessions: Sequence[Session], inventories: Sequence[Inventory], wish: Wish
) -> list[TableResult]:
    """The sums of the tables that are on both sides, with the same columns."""
    found = [{t.key: t for t in inventory.tables if wish.table(*t.key)} for inventory in inventories]
    pairs = [(found[0][key], found[1][key]) for key in sorted(found[0].keys() & found[1].keys())]
    # Where columns differ the definitions do, and rows cannot be equal.
    same = [pair for pair in pairs if pair[0].columns == pair[1].columns]
    if not same:
        return []
    # Both sides read the same blocks, so one of them decides.
    sampled = frozenset(one.key for one, _other in same if is_sampled(one, wish.sample))
    with sessions[0].transaction(_BEGIN), sessions[1].transaction(_BEGIN):
        readers = [
            SnapshotReader(server, session, wish, sampled) for server, session in zip(servers, sessions, strict=True)
        ]
        sums, troubles = Work(readers, wish.parallel).run(same)
    return [
        table_result(servers[0].database, one.key, one.size, sums, troubles, sampled=one.key in sampled)
        for one, _other in same
    ]


class SnapshotReader:
    """Reads tables of one side in sessions that share the snapshot of one session, which has to stay open."""

    def __init__(self, server: Server, session: Session, wish: Wish, sampled: Collection[Key]) -> None:
        self._server = server
        self._snapshot = str(session.value("SELECT pg_catalog.pg_export_snapshot()"))
        self._reads_ranges = session.major >= _READS_RANGES
        self._wish = wish
        self._sampled = sampled

    def parts(self, table: Table) -> Iterable[tuple[int, int | None] | None]:
        return parts(table, by_block=self._reads_ranges, sampled=table.key in self._sampled)

    def open(self) -> Session:
        session = connect(self._server, read_only=True)
        session.read("SET jit TO off" if session.major >= 11 else "SELECT 1")
        session.read(_BEGIN)
        session.read(f"SET TRANSACTION SNAPSHOT {session.literal(self._snapshot)}")
        return session

    def read(self, session: Session, table: Table, part: tuple[int, int | None] | None) -> Sums:
        sample = self._wish.sample if table.key in self._sampled else None
        rows, high, low = session.read(statement(table, self._wish.digest, part, sample))[0]
        return Sums(int(rows), int(high), int(low))
