# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""One number for the contents of a table, computed by the server, the same for every copy of the table.

A row becomes text by the output of its types, as ROW(...)::text: quoted and with NULL apart from the empty string, so
that no two rows have one text. Columns come in the order of their names, because copies may have them in another. The
text becomes its MD5 digest, and the two halves of the digests are summed up over all rows, as signed numbers of 64 bits
in exact arithmetic. So

* the order of rows and where they lie do not matter, and parts of a table may be summed up apart and then together;
* a changed, missing or added row changes both sums; so does a row that is there twice (with XOR it would vanish), and
  a value that moved to another row, because both rows have another digest then;
* MD5 is the same in every version of PostgreSQL. The server's own hash functions are quicker, but promise that only
  within one major version; they are offered where both sides are of one (`server`, 64 bits).

Two tables that differ have the same sums by chance once in 2^128 times (`server`: 2^64). MD5 does not withstand
somebody who makes rows collide on purpose; this finds accidents, not forgeries.
"""

# ruff: noqa: S608 (names are quoted by identifier(), all else is text of this file and numbers)

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .postgresql_connection import identifier

MD5, SERVER = "md5", "server"
# Of 8 KiB each: 64 MiB. Small enough to share out a large table, large enough that a query's own cost is nothing.
BLOCKS_PER_PART = 8192
# Below this many blocks everything is read, even when only a sample is wanted.
SMALLEST_SAMPLED = 1024
_SAMPLE_SEED = 20260101


class Table(NamedTuple):
    """Something with rows. columns: names. blocks: of its main fork."""

    schema: str
    name: str
    columns: tuple[str, ...]
    blocks: int
    size: int

    @property
    def key(self) -> tuple[str, str]:
        return (self.schema, self.name)


def parts(table: Table, *, by_block: bool, sampled: bool) -> Iterator[tuple[int, int | None] | None]:
    """Ranges of blocks, the end excluded, the last without one; None stands for the whole table."""
    if not by_block or sampled or table.blocks <= BLOCKS_PER_PART:
        yield None
        return
    for first in range(0, table.blocks, BLOCKS_PER_PART):
        end = first + BLOCKS_PER_PART
        yield (first, end if end < table.blocks else None)


def is_sampled(table: Table, percent: float | None) -> bool:
    return percent is not None and table.blocks >= SMALLEST_SAMPLED


def statement(
    table: Table, digest: str | None, part: tuple[int, int | None] | None = None, percent: float | None = None
) -> str:
    """The query for one part of a table. Its row is the number of rows, and the sums of the high and low halves.

    digest: None only counts. percent: of the blocks, the same ones on every physical copy of one major version.
    """
    place = f"ONLY {identifier(table.schema, table.name)}"
    if percent is not None:
        place += f" TABLESAMPLE SYSTEM ({percent:g}) REPEATABLE ({_SAMPLE_SEED})"
    where = ""
    if part is not None:
        first, end = part
        where = f" WHERE ctid >= '({first},0)'" + (f" AND ctid < '({end},0)'" if end is not None else "")
    if digest is None:
        return f"SELECT count(*), 0, 0 FROM {place}{where}"
    row = f"ROW({', '.join(map(identifier, table.columns))})::text"
    if digest == SERVER:
        return f"SELECT count(*), 0, coalesce(sum(pg_catalog.hashtextextended({row}, 0)), 0) FROM {place}{where}"
    # OFFSET 0 keeps the digest from being computed twice.
    halves = ", ".join(
        f"coalesce(sum(('x' || pg_catalog.{side}(digest, 16))::bit(64)::bigint), 0)" for side in ("left", "right")
    )
    digests = f"SELECT pg_catalog.md5({row}) AS digest FROM {place}{where} OFFSET 0"
    return f"SELECT count(*), {halves} FROM ({digests}) AS digests"
