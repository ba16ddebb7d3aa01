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
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from .._failure import MigrationFailure
from .postgresql_compare_differences import (
    Difference,
    TableResult,
    of_definitions,
    of_sequences,
    of_tables,
    shown,
)
from .postgresql_compare_hash import Sums, Table, is_sampled, parts, statement
from .postgresql_compare_inventory import Inventory, Key, of_database
from .postgresql_connection import Server, Session, connect

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Ranges of row addresses are read as such since this version; before, each would read the whole table.
_READS_RANGES = 14


SideAndKey = tuple[int, Key]
SumsBySide = dict[SideAndKey, Sums]


class Wish(NamedTuple):
    """What is compared. digest: None counts only. sample: percent of blocks. parallel: connections on each side."""

    kinds: Sequence[str]
    schema: Callable[[str], bool]
    table: Callable[[str, str], bool]
    digest: str | None
    sample: float | None
    parallel: int


class DatabaseResult(NamedTuple):
    """unread: what could not be read on one side or the other, in words. counts: objects by kind, on the source."""

    name: str
    differences: tuple[Difference, ...]
    tables: tuple[TableResult, ...]
    unread: tuple[str, ...]
    counts: dict[str, int]
    sequences_ahead: int


class Part(NamedTuple):
    """A piece of work on one side."""

    side: int
    table: Table
    range: tuple[int, int | None] | None


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
    differences += of_tables(tables, hashed=wish.digest is not None)
    counts = {kind: len(found) for kind, found in first.definitions.items()}
    return DatabaseResult(
        source.database,
        tuple(sorted(differences)),
        tuple(tables),
        tuple(_unread(servers, inventories, tables)),
        counts,
        sum(
            value is not None and other is not None and value.last_value != other.last_value
            for key, value in first.sequences.items()
            for other in [second.sequences.get(key)]
        ),
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
    with sessions[0].transaction(_BEGIN), sessions[1].transaction(_BEGIN):
        snapshots = [str(session.value("SELECT pg_catalog.pg_export_snapshot()")) for session in sessions]
        work = Work(servers, snapshots, [session.major >= _READS_RANGES for session in sessions], wish)
        sums, troubles = work.run(same)
    return [_table_result(servers[0].database, one, work.sampled, sums, troubles) for one, _other in same]


def _table_result(
    database: str, table: Table, sampled: Collection[Key], sums: SumsBySide, troubles: Mapping[SideAndKey, str]
) -> TableResult:
    here, there = (None if (side, table.key) in troubles else sums[side, table.key] for side in (0, 1))
    trouble = "; ".join(troubles[side, table.key] for side in (0, 1) if (side, table.key) in troubles)
    return TableResult(database, *table.key, here, there, table.size, table.key in sampled, trouble)


class Work:
    """Parts of tables, shared out to threads with a connection each."""

    def __init__(
        self, servers: Sequence[Server], snapshots: Sequence[str], reads_ranges: Sequence[bool], wish: Wish
    ) -> None:
        self._servers = servers
        self._snapshots = snapshots
        self._reads_ranges = reads_ranges
        self._wish = wish
        self._lock = threading.Lock()
        self._sums: SumsBySide = {}
        self._troubles: dict[SideAndKey, str] = {}
        self.sampled: frozenset[Key] = frozenset()

    def run(self, pairs: Sequence[tuple[Table, Table]]) -> tuple[SumsBySide, dict[SideAndKey, str]]:
        """Sums and troubles by side and table. Large tables begin first, so that none is left alone at the end."""
        # Both sides read the same blocks, so one of them decides.
        self.sampled = frozenset(one.key for one, _other in pairs if is_sampled(one, self._wish.sample))
        queues = [self._parts(side, [pair[side] for pair in pairs]) for side in (0, 1)]
        with concurrent.futures.ThreadPoolExecutor(2 * self._wish.parallel) as pool:
            workers = [
                pool.submit(self._work, side, queues[side]) for side in (0, 1) for _n in range(self._wish.parallel)
            ]
            for worker in workers:
                worker.result()
        return self._sums, self._troubles

    def _parts(self, side: int, tables: list[Table]) -> list[Part]:
        """The last is taken first."""
        for table in tables:
            self._sums[side, table.key] = Sums(0)
        return [
            Part(side, table, part)
            for table in sorted(tables, key=lambda table: (table.size, table.key))
            for part in parts(table, by_block=self._reads_ranges[side], sampled=table.key in self.sampled)
        ]

    def _work(self, side: int, queue: list[Part]) -> None:
        session: Session | None = None
        try:
            while True:
                with self._lock:
                    if not queue:
                        return
                    part = queue.pop()
                    if (side, part.table.key) in self._troubles:
                        continue
                try:
                    session = session or self._session(side)
                    sums = self._read(session, part)
                except MigrationFailure as failure:
                    # The transaction is lost with its first failure; the next table gets another.
                    if session is not None:
                        session.close()
                    session = None
                    with self._lock:
                        self._troubles[side, part.table.key] = failure.message
                else:
                    with self._lock:
                        self._sums[side, part.table.key] += sums
        finally:
            if session is not None:
                session.close()

    def _session(self, side: int) -> Session:
        session = connect(self._servers[side], read_only=True)
        session.read("SET jit TO off" if session.major >= 11 else "SELECT 1")
        session.read(_BEGIN)
        session.read(f"SET TRANSACTION SNAPSHOT {session.literal(self._snapshots[side])}")
        return session

    def _read(self, session: Session, part: Part) -> Sums:
        sample = self._wish.sample if part.table.key in self.sampled else None
        rows, high, low = session.read(statement(part.table, self._wish.digest, part.range, sample))[0]
        return Sums(int(rows), int(high), int(low))
