# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""In what two servers differ, of what was read of both. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .postgresql_compare_hash import Sums
from .postgresql_compare_inventory import Definitions, Key, SequenceValue

MISSING, ADDITIONAL, DIFFERENT = "missing_on_target", "only_on_target", "different"
_SHOWN = 400


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
    """The contents of one table on both sides; None where it is missing or could not be read. trouble: why."""

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
            "schema": self.schema,
            "name": self.name,
            "equal": self.equal,
            "rows": {"source": self.source and self.source.rows, "target": self.target and self.target.rows},
            "hash": {"source": self.source and self.source.text, "target": self.target and self.target.text}
            if hashed
            else None,
            "size": self.size,
            "sampled": self.sampled,
        }


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


def of_tables(results: list[TableResult], *, hashed: bool) -> Iterator[Difference]:
    """Of tables that are on both sides; that one is missing is a difference of definitions."""
    for result in results:
        if result.equal is False and result.source and result.target:
            kind = "large_objects" if result.schema == "pg_catalog" else "contents"
            here, there = (
                f"{sums.rows} rows" + (f", hash {sums.text}" if hashed else "")
                for sums in (result.source, result.target)
            )
            yield Difference(result.database, kind, shown((result.schema, result.name)), DIFFERENT, here, there)


def of_sequences(
    database: str, source: Mapping[Key, SequenceValue | None], target: Mapping[Key, SequenceValue | None]
) -> Iterator[Difference]:
    """Of sequences that are on both sides and could be read on both."""
    for key in sorted(source.keys() & target.keys()):
        here, there = source[key], target[key]
        if here is not None and there is not None and not follows(here, there):
            yield Difference(database, "sequence_values", shown(key), DIFFERENT, _value(here), _value(there))


def follows(source: SequenceValue, target: SequenceValue) -> bool:
    """Whether the target goes on where the source stopped.

    The WAL knows a sequence as up to 32 values ahead (log_cnt tells how many are left), so a standby, once promoted,
    goes on after those. A gap is what sequences allow; a value that is given twice is not.
    """
    if (source.last_value, source.is_called) == (target.last_value, target.is_called):
        return True
    if not (source.is_called and target.is_called):
        return False
    ahead = (target.last_value - source.last_value) * (1 if source.increment > 0 else -1)
    return 0 <= ahead <= source.log_cnt * abs(source.increment)


def _value(sequence: SequenceValue) -> str:
    return f"{sequence.last_value}, {'called' if sequence.is_called else 'not called'}"


def _shortened(text: str) -> str | None:
    return (text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)} characters)") or None
