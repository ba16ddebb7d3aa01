# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pgoutput says: transactions as changes of rows. The format is that of protocol version 1."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

_EPOCH = 946684800.0
UNCHANGED = object()
"""A large value that an update has left as it was and that therefore does not come along."""

Values = dict[str, object]


@dataclass(frozen=True)
class Relation:
    """A table of the source. `identity` is d (its primary key), f (the whole row) or another letter."""

    name: str
    identity: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


@dataclass(frozen=True)
class RowChange:
    """One change. `kind`: I, U, D, or T (truncate). `old` is the key or the row before, if it came along."""

    kind: str
    relation: Relation
    new: Values = field(default_factory=dict)
    old: Values | None = None


@dataclass
class Transaction:
    """A committed transaction of the source. `committed` is in seconds since 1970, `end` the position after it."""

    number: int
    committed: float
    end: int = 0
    changes: list[RowChange] = field(default_factory=list)


class Decoder:
    """Remembers tables between messages."""

    def __init__(self) -> None:
        self._relations: dict[int, Relation] = {}

    def transactions(self, messages: Iterable[bytes]) -> list[Transaction]:
        """Whole transactions from their messages, in the order of their commits."""
        result: list[Transaction] = []
        for message in messages:
            kind, reader = chr(message[0]), _Reader(message[1:])
            if kind == "B":
                _final, moment, number = reader.take("!qqI")
                result.append(Transaction(number, _EPOCH + moment / 1e6))
            elif kind == "C":
                _flags, _commit, end, _moment = reader.take("!bqqq")
                result[-1].end = end
            elif kind == "R":
                self._learn(reader)
            elif kind in "IUDT":
                result[-1].changes += self._changes(kind, reader)
        return result

    def _learn(self, reader: _Reader) -> None:
        (number,) = reader.take("!I")
        schema, name = reader.text(), reader.text()
        identity, count = reader.take("!cH")
        columns, key = [], []
        for _column in range(count):
            (flags,) = reader.take("!b")
            column = reader.text()
            reader.take("!Ii")
            columns.append(column)
            if flags & 1:
                key.append(column)
        self._relations[number] = Relation(f"{schema}.{name}", identity.decode(), tuple(columns), tuple(key))

    def _changes(self, kind: str, reader: _Reader) -> list[RowChange]:
        if kind == "T":
            count, _options = reader.take("!Ib")
            numbers = [reader.take("!I")[0] for _relation in range(count)]
            return [RowChange("T", self._relations[one]) for one in numbers]
        (number,) = reader.take("!I")
        relation, old = self._relations[number], None
        (part,) = reader.take("!c")
        if part in (b"K", b"O"):
            old = _row(relation, reader)
            if kind == "D":
                return [RowChange("D", relation, old=old)]
            reader.take("!c")
        return [RowChange(kind, relation, _row(relation, reader), old)]


def _row(relation: Relation, reader: _Reader) -> Values:
    (count,) = reader.take("!H")
    values: Values = {}
    for column in relation.columns[:count]:
        (kind,) = reader.take("!c")
        if kind == b"n":
            values[column] = None
        elif kind == b"u":
            values[column] = UNCHANGED
        else:
            (length,) = reader.take("!I")
            values[column] = reader.bytes(length).decode()
    return values


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return values

    def text(self) -> str:
        end = self._data.index(b"\0", self._at)
        value = self._data[self._at : end].decode()
        self._at = end + 1
        return value

    def bytes(self, length: int) -> bytes:
        value = self._data[self._at : self._at + length]
        self._at += length
        return value
