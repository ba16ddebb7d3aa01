# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""One number for the contents of a table, computed by the server, the same for every copy of the table.

A row becomes text that no other row has: columns in the order of their names; N for NULL, so that it is none of the
values; short strings with their length before them, so that no separator within them matters; long ones, such as
BLOB, JSON and geometries, as their digest, because the server makes NULL of a text longer than max_allowed_packet.
Numbers, dates and times are text that both servers write alike: FLOAT as the DOUBLE that it is, since as text of its
own only six digits would be left; BIT as a number; TIMESTAMP in UTC. Strings are hashed as the bytes that are stored
where both sides have one character set, else as UTF-8. Columns that the server computes when it is asked (VIRTUAL) are
left out: they hold nothing.

The row's digest is cut in two numbers of 64 bits, which are summed up over all rows in exact decimal arithmetic. So the
order of rows does not matter, parts of a table may be summed up apart, and a row that is there twice counts twice (with
XOR it would vanish). Two tables that differ have the same sums by chance once in 2^128 times. Neither MD5 in sums nor
SHA-256 in sums withstands somebody who picks rows on purpose; this finds accidents, not forgeries.
"""

# ruff: noqa: S608 (statements are made of this file's own text, and of quoted names)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .comparison import Key, Sums
from .mysql_connection import identifier

MD5, SHA256 = "md5", "sha256"
DIGESTS = (MD5, SHA256)
# A digest of each row of a part is kept in a temporary table, so parts are small enough for that to stay in memory.
BYTES_PER_PART = 32 * 1024 * 1024
_MOST_PARTS = 4096
_EVERYTHING = 2**64 - 1
# Stands for a row without a digest. More than all pieces of digests of any table together.
_UNHASHED = 10**32

INTEGER_TYPES = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_FLOATS = frozenset({"float", "double"})
_PLAIN = frozenset({"decimal", "date", "datetime", "timestamp", "time", "year"})
_SHORT_TEXTS = frozenset({"char", "varchar", "enum", "set"})
_LONG_TEXTS = frozenset({"tinytext", "text", "mediumtext", "longtext"})
_SHORT_BYTES = frozenset({"binary", "varbinary"})
_SHAPES = "point linestring polygon geometry geometrycollection geomcollection".split()
_GEOMETRIES = frozenset([*_SHAPES, *(f"multi{shape}" for shape in _SHAPES)])
_LONG_BYTES = frozenset({"tinyblob", "blob", "mediumblob", "longblob", "vector"}) | _GEOMETRIES


class Column(NamedTuple):
    """charset: None for what is no text. virtual: computed when it is read. zerofill: written with leading zeros."""

    name: str
    type: str
    charset: str | None = None
    virtual: bool = False
    zerofill: bool = False

    @property
    def form(self) -> str:
        """What kind of value it holds; rows are comparable where these agree."""
        for form, types in _FORMS.items():
            if self.type in types:
                return form
        return self.type


_FORMS = {
    "integer": INTEGER_TYPES,
    "float": _FLOATS,
    "text": _SHORT_TEXTS | _LONG_TEXTS,
    "bytes": _SHORT_BYTES | (_LONG_BYTES - _GEOMETRIES),
    "geometry": _GEOMETRIES,
}


class Table(NamedTuple):
    """Something with rows. key_column: an integer that an index of the rows begins with. size: in bytes, estimated."""

    database: str
    name: str
    columns: tuple[Column, ...]
    key_column: str | None
    size: int

    @property
    def key(self) -> Key:
        """Within its database; a database has no schemas within it."""
        return ("", self.name)

    @property
    def place(self) -> str:
        return identifier(self.database, self.name)


class Range(NamedTuple):
    """Of the key column: from first on, before end; None has no limit on that side."""

    first: int | None
    end: int | None


def unlike(source: Table, target: Table) -> str:
    """Why rows of the two cannot be compared; empty where they can."""
    here, there = ({column.name: column for column in table.columns} for table in (source, target))
    only = sorted(here.keys() ^ there.keys())
    if only:
        return f"not both sides have the columns {', '.join(only[:10])}"
    for name, column in here.items():
        if not (column.virtual or there[name].virtual) and column.form != there[name].form:
            return f"column {name} is {column.type} on the source and {there[name].type} on the target"
    return ""


def rows_as_text(source: Table, target: Table, digest: str) -> tuple[str, str]:
    """The expressions that make text of a row, for each side. The tables are comparable (see `unlike`)."""
    others = {column.name: column for column in target.columns}
    pairs = sorted((column, others[column.name]) for column in source.columns)
    kept = [pair for pair in pairs if not (pair[0].virtual or pair[1].virtual)]
    here, there = zip(*(_values(*pair, digest) for pair in kept), strict=True) if kept else ((), ())
    return _row(here), _row(there)


def _row(values: Iterable[str]) -> str:
    return f"CONCAT('R', {', '.join(values)})" if values else "'R'"


def _values(source: Column, target: Column, digest: str) -> tuple[str, str]:
    converted = source.charset != target.charset
    # Where one side's text may be long, both are digested.
    long = bool({source.type, target.type} & (_LONG_TEXTS | _LONG_BYTES | {"json"}))
    return _value(source, converted, digest if long else ""), _value(target, converted, digest if long else "")


def _value(column: Column, converted: bool, digest: str) -> str:
    """Text of a value, ended so that what follows cannot be taken for a part of it. digest: of strings, if any.

    What is NULL is asked of the column itself: text that the server fails to make is NULL as well, and is to make the
    whole row's digest NULL, which is noticed.
    """
    name = identifier(column.name)
    text = _digest(_string(column, converted), digest) if digest else _text(column, converted)
    return f"IF({name} IS NULL, 'N', {text})"


def _text(column: Column, converted: bool) -> str:
    name = identifier(column.name)
    if column.type in INTEGER_TYPES or column.type in _PLAIN:
        return f"CONCAT({name}{' + 0' if column.zerofill else ''}, ',')"
    if column.type in _FLOATS:
        return f"CONCAT({name} * 1e0, ',')"
    if column.type == "bit":
        return f"CONCAT(CAST({name} AS UNSIGNED), ',')"
    string = _string(column, converted)
    return f"CONCAT(LENGTH({string}), ':', CAST({string} AS BINARY))"


def _string(column: Column, converted: bool) -> str:
    name = identifier(column.name)
    if column.type == "json":
        return f"CAST({name} AS CHAR CHARACTER SET utf8mb4)"
    if column.charset is not None:
        return f"CONVERT({name} USING utf8mb4)" if converted else name
    # UUID, INET6 and what later versions bring: as the server writes it.
    return name if column.type in _SHORT_BYTES | _LONG_BYTES else f"CAST({name} AS CHAR)"


def ranges(table: Table, low: int | None, high: int | None) -> list[Range]:
    """Parts of about BYTES_PER_PART, whose bounds are of use as estimates: the first and the last have no end.

    low, high: of the key column; None where there is none, or no row.
    """
    wanted = min(_MOST_PARTS, table.size // BYTES_PER_PART + 1)
    if low is None or high is None or wanted < 2 or high <= low:
        return [Range(None, None)]
    width = -(-(high - low + 1) // wanted)
    bounds = range(low + width, high + 1, width)
    return [Range(first, end) for first, end in zip([None, *bounds], [*bounds, None], strict=True)]


def is_large(table: Table) -> bool:
    return table.size > BYTES_PER_PART


def statement(table: Table, digest: str | None, row: str, part: Range) -> str:
    """The query for one part of a table: number of rows, and the sums of both pieces of digests. None only counts."""
    place, where = table.place, _where(table, part)
    if digest is None:
        return f"SELECT COUNT(*), 0, 0 FROM {place}{where}"
    # A limit keeps the server from computing the digest once for each piece. It also makes it keep all digests, which
    # is not asked of it for a large table that cannot be read in parts.
    whole = is_large(table) and part == Range(None, None)
    limit = "" if whole else f" LIMIT {_EVERYTHING}"
    high, low = (f"CAST(CONV(SUBSTRING(digest, {start}, 16), 16, 10) AS UNSIGNED)" for start in (1, 17))
    return (
        f"SELECT COUNT(*), COALESCE(SUM(COALESCE({high}, {_UNHASHED})), 0), COALESCE(SUM({low}), 0)"
        f" FROM (SELECT {_digest(row, digest)} AS digest FROM {place}{where}{limit}) AS digests"
    )


def _digest(text: str, digest: str) -> str:
    return f"MD5({text})" if digest == MD5 else f"SHA2({text}, 256)"


def _where(table: Table, part: Range) -> str:
    if table.key_column is None:
        return ""
    name = identifier(table.key_column)
    limits = ([f"{name} >= {part.first}"] if part.first is not None else []) + (
        [f"{name} < {part.end}"] if part.end is not None else []
    )
    return f" WHERE {' AND '.join(limits)}" if limits else ""


def sums_of(row: tuple[object, ...]) -> tuple[Sums, int]:
    """What a statement found, and how many rows had no digest."""
    rows, high, low = (int(str(value)) for value in row)
    unhashed, high = divmod(high, _UNHASHED)
    return Sums(rows, high, low), unhashed


def bounds_statement(table: Table) -> str:
    """Lowest and highest value of the key column, read from the ends of the index."""
    name = identifier(table.key_column or "")
    return f"SELECT MIN({name}), MAX({name}) FROM {table.place}"


def same_charset(name: str | None) -> str | None:
    """A character set by the name that newer versions give it."""
    return "utf8mb3" if name == "utf8" else name


def as_columns(rows: Iterable[Mapping[str, object]]) -> tuple[Column, ...]:
    """Of rows of information_schema.COLUMNS, by names of columns in lower case."""
    return tuple(
        Column(
            str(row["column_name"]),
            str(row["data_type"]).lower(),
            same_charset(None if row["character_set_name"] is None else str(row["character_set_name"])),
            "virtual" in str(row["extra"] or "").lower(),
            "zerofill" in str(row["column_type"]).lower(),
        )
        for row in rows
    )
