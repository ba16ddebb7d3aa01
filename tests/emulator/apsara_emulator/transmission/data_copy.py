# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Full data migration for real: every table by COPY, all as of one moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..postgresql.sql import quoted
from .ends import Pair
from .servers import RealEnds, connection

_COLUMNS = """
select attname from pg_attribute
 where attrelid = %s::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum
"""


@dataclass(frozen=True)
class Snapshot:
    """Which transactions a copy has seen; identifiers are of 64 bits."""

    first_unknown: int
    running: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """From the text of pg_current_snapshot()."""
        _first_running, first_unknown, running = text.split(":")
        return cls(int(first_unknown), frozenset(int(one) for one in running.split(",") if one))

    def has_seen(self, transaction: int) -> bool:
        """Whether a transaction, by its identifier of 32 bits, was committed by then."""
        whole = (self.first_unknown & ~0xFFFFFFFF) | transaction
        return whole < self.first_unknown and whole not in self.running


def table_name(name: str) -> str:
    """`schema.name` in a statement."""
    schema, _dot, rest = name.partition(".")
    return f"{quoted(schema)}.{quoted(rest)}"


def copy_data(
    ends: RealEnds,
    pair: Pair,
    tables: Sequence[tuple[str, str]],
    *,
    conditions: dict[str, str],
    keep_existing: bool,
    progress: Callable[[int], None],
) -> Snapshot:
    """Copy the tables and say which transactions that has seen. ServerError if a server refuses.

    `conditions`: source table to the WHERE that its rows have to meet. `keep_existing`: rows of the target win.
    `progress` is told how many tables are done, from time to time, and may raise to end it all.
    """
    with connection(ends.source, pair.source) as source, connection(ends.target, pair.target) as target:
        source.execute("set transaction isolation level repeatable read, read only")
        snapshot = Snapshot.parse(source.execute("select pg_current_snapshot()::text").fetchone()[0])
        # Neither triggers nor foreign keys are to act while tables come one after the other.
        target.execute("set session_replication_role = replica")
        for number, (old, new) in enumerate(tables):
            progress(number)
            _copy_table(source, target, old, new, conditions.get(old, ""), keep_existing, partial(progress, number))
        _copy_sequences(source, target, tables)
        progress(len(tables))
        return snapshot


def take_snapshot(ends: RealEnds, pair: Pair) -> Snapshot:
    """The transactions that are committed now."""
    with connection(ends.source, pair.source) as source:
        return Snapshot.parse(source.execute("select pg_current_snapshot()::text").fetchone()[0])


def _copy_table(
    source: Any, target: Any, old: str, new: str, condition: str, keep_existing: bool, alive: Callable[[], None]
) -> None:
    names = [row[0] for row in source.execute(_COLUMNS, (table_name(old),)).fetchall()]
    if not names:
        return
    columns = ", ".join(quoted(one) for one in names)
    where = f" where {condition}" if condition else ""
    into = table_name(new)
    if keep_existing:
        target.execute(f"create temp table dts_stage on commit drop as select {columns} from {into} limit 0")
        into = "dts_stage"
    with (
        source.cursor().copy(f"copy (select {columns} from only {table_name(old)}{where}) to stdout") as reader,
        target.cursor().copy(f"copy {into} ({columns}) from stdin") as writer,
    ):
        for block, data in enumerate(reader):
            writer.write(data)
            if block % 500 == 0:
                alive()
    if keep_existing:
        target.execute(
            f"insert into {table_name(new)} ({columns}) overriding system value"
            f" select {columns} from dts_stage on conflict do nothing"
        )
        target.execute("drop table dts_stage")


def _copy_sequences(source: Any, target: Any, tables: Sequence[tuple[str, str]]) -> None:
    """The positions of the sequences that columns of the tables use."""
    for old, new in tables:
        for (column,) in source.execute(_COLUMNS, (table_name(old),)).fetchall():
            mine = source.execute("select pg_get_serial_sequence(%s, %s)", (table_name(old), column)).fetchone()[0]
            theirs = target.execute("select pg_get_serial_sequence(%s, %s)", (table_name(new), column)).fetchone()[0]
            if mine and theirs:
                value, called = source.execute(f"select last_value, is_called from {mine}").fetchone()
                target.execute("select setval(%s, %s, %s)", (theirs, value, called))
