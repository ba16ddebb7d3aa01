# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Reading the contents of many tables of two servers at once: parts of tables, shared out to connections."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from .._failure import MigrationFailure
from .comparison import Key, Sums, TableResult

SideAndKey = tuple[int, Key]
SumsBySide = dict[SideAndKey, Sums]


class Table(Protocol):
    """What is shared out of a table."""

    @property
    def key(self) -> Key:
        """Schema or database, and name."""

    @property
    def size(self) -> int:
        """In bytes, as the server estimates it."""


class Reader(Protocol):
    """How one side is read. open and read raise MigrationFailure; after that the session is not used again."""

    def parts(self, table: Any) -> Iterable[Any]:
        """What to read a table in."""

    def open(self) -> Any:
        """A session with close(), which sees one state of all tables."""

    def read(self, session: Any, table: Any, part: Any) -> Sums:
        """The sums of a part."""


class Work:
    """Parts of tables, shared out to threads with a connection each. readers: of source and target."""

    def __init__(self, readers: Sequence[Reader], parallel: int) -> None:
        self._readers = readers
        self._parallel = parallel
        self._lock = threading.Lock()
        self._sums: SumsBySide = {}
        self._troubles: dict[SideAndKey, str] = {}

    def run(self, pairs: Sequence[tuple[Table, Table]]) -> tuple[SumsBySide, dict[SideAndKey, str]]:
        """Sums and troubles by side and table. Large tables begin first, so that none is left alone at the end."""
        queues = [self._queue(side, [pair[side] for pair in pairs]) for side in (0, 1)]
        with concurrent.futures.ThreadPoolExecutor(2 * self._parallel) as pool:
            workers = [pool.submit(self._work, side, queues[side]) for side in (0, 1) for _n in range(self._parallel)]
            for worker in workers:
                worker.result()
        return self._sums, self._troubles

    def _queue(self, side: int, tables: list[Table]) -> list[tuple[Table, Any]]:
        """The last is taken first."""
        for table in tables:
            self._sums[side, table.key] = Sums(0)
        return [
            (table, part)
            for table in sorted(tables, key=lambda table: (table.size, table.key))
            for part in self._readers[side].parts(table)
        ]

    def _work(self, side: int, queue: list[tuple[Table, Any]]) -> None:
        reader = self._readers[side]
        session: Any = None
        try:
            while True:
                with self._lock:
                    if not queue:
                        return
                    table, part = queue.pop()
                    if (side, table.key) in self._troubles:
                        continue
                try:
                    session = session or reader.open()
                    sums = reader.read(session, table, part)
                except MigrationFailure as failure:
                    # The transaction is lost with its first failure; the next table gets another.
                    if session is not None:
                        session.close()
                    session = None
                    with self._lock:
                        self._troubles[side, table.key] = failure.message
                else:
                    with self._lock:
                        self._sums[side, table.key] += sums
        finally:
            if session is not None:
                session.close()


def table_result(
    database: str,
    key: Key,
    size: int,
    sums: SumsBySide,
    troubles: Mapping[SideAndKey, str],
    *,
    sampled: bool = False,
) -> TableResult:
    """What was found of a table that is on both sides."""
    here, there = (None if (side, key) in troubles else sums[side, key] for side in (0, 1))
    trouble = "; ".join(troubles[side, key] for side in (0, 1) if (side, key) in troubles)
    return TableResult(database, *key, here, there, size, sampled, trouble)
