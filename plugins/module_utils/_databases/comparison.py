# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a comparison of two servers is made of, whatever their engine: wishes, sums, differences. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

# (schema, name) of an object; the schema is empty for what is in none.
Key = tuple[str, str]
Definitions = dict[Key, str]
MISSING, ADDITIONAL, DIFFERENT = "missing_on_target", "only_on_target", "different"
_SHOWN = 400


class Sums(NamedTuple):
    """rows: their number. high, low: sums of the halves of their digests; 0 where only rows were counted."""

    rows: int
    high: int = 0
    low: int = 0

    def __add__(self, other: Any) -> Sums:
        return Sums(self.rows + other.rows, self.high + other.high, self.low + other.low)

    @property
    def text(self) -> str:
        """32 hex digits to show; compared are the numbers themselves."""
        return f"{self.high % 2**64:016x}{self.low % 2**64:016x}"


class Difference(NamedTuple):
    """source, target: definitions, or what stands for them; empty where there is none."""

    database: str
    kind: str
    name: str
    difference: str
    source: str = ""
    target: str = ""

    def as_result(self) -> dict[str, Any]:
        return {
            "database": self.database or None,
            "kind": self.kind,
            "name": self.name,
            "difference": self.difference,
            "source": _shortened(self.source),
            "target": _shortened(self.target),
        }


class TableResult(NamedTuple):
    """The contents of one table on both sides; None where it is missing or could not be read. trouble: why.

    schema: empty where databases have none within them.
    """

    database: str
    schema: str
    name: str
    source: Sums | None
    target: Sums | None
    size: int = 0
    sampled: bool = False
    trouble: str = ""

    @property
    def equal(self) -> bool | None:
        return None if self.source is None or self.target is None else self.source == self.target

    def as_result(self, *, hashed: bool) -> dict[str, Any]:
        return {
            "database": self.database,
            **({"schema": self.schema} if self.schema else {}),
            "name": self.name,
            "equal": self.equal,
            "rows": {"source": self.source and self.source.rows, "target": self.target and self.target.rows},
            "hash": {"source": self.source and self.source.text, "target": self.target and self.target.text}
            if hashed
            else None,
            "size": self.size,
            "sampled": self.sampled,
        }


class Wish(NamedTuple):
    """What is compared. digest: None counts only. sample: percent of blocks. parallel: connections on each side.

    schema, table: whether it is wanted; table gets the schema or database and the table's name.
    """

    kinds: Sequence[str]
    schema: Callable[[str], bool]
    table: Callable[[str, str], bool]
    digest: str | None
    sample: float | None
    parallel: int


class DatabaseResult(NamedTuple):
    """Of one database. unread: what could not be read on one side or the other, in words. counts: objects by kind, on
    the source. more: what is told beyond that, by name.
    """

    name: str
    differences: tuple[Difference, ...]
    tables: tuple[TableResult, ...]
    unread: tuple[str, ...]
    counts: dict[str, int]
    more: Mapping[str, Any]


def shown(key: Key) -> str:
    """A name as people read it. Names with dots or quotes are quoted."""
    return ".".join(_quoted(part) for part in key if part)


def _quoted(part: str) -> str:
    return part if part and not set(part) & set('."') else '"' + part.replace('"', '""') + '"'


def of_definitions(database: str, kind: str, source: Definitions, target: Definitions) -> Iterator[Difference]:
    for key in sorted(source.keys() | target.keys()):
        here, there, name = source.get(key), target.get(key), shown(key)
        if here is None:
            yield Difference(database, kind, name, ADDITIONAL, "", there or "")
        elif there is None:
            yield Difference(database, kind, name, MISSING, here)
        elif here != there:
            yield Difference(database, kind, name, DIFFERENT, here, there)


def of_tables(results: Iterable[TableResult], *, hashed: bool, kind: str = "contents") -> Iterator[Difference]:
    """Of tables that are on both sides; that one is missing is a difference of definitions."""
    for result in results:
        if result.equal is False and result.source and result.target:
            here, there = (
                f"{sums.rows} rows" + (f", hash {sums.text}" if hashed else "")
                for sums in (result.source, result.target)
            )
            yield Difference(result.database, kind, shown((result.schema, result.name)), DIFFERENT, here, there)


def _shortened(text: str) -> str | None:
    return (text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)") or None
