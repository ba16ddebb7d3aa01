# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in a binary log, as far as changes have to be told apart and sent on under other names.

Row events go to the target as they are, with `BINLOG` statements: the server itself decodes them, so that no value is
changed on the way. Only the names in the events before them, which say which table is meant, are exchanged. The
formats are those of MariaDB's documentation ("Replication protocol").
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..servers.errors import ServerError

QUERY, ROTATE, FORMAT, COMMIT, TABLE, BEGIN = 2, 4, 15, 16, 19, 162
# Version 1, version 2, and both compressed.
_ROWS = frozenset({23, 24, 25, 30, 31, 32, *range(166, 172)})
_COMPRESSED_STATEMENT = 165
_HEADER = struct.Struct("<IBIIIH")
_CHECKSUM = 4
_LAST_OF_STATEMENT = 1
# Bytes of row events in one BINLOG statement, which a server has to take as a whole.
_AT_A_TIME = 4_000_000
_STANDALONE = 1
_WORD = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*\n|#[^\n]*\n)*([a-z]+)", re.IGNORECASE | re.DOTALL)
_DEFINING = frozenset({"alter", "create", "drop", "rename", "truncate"})
_CHANGING = frozenset({"delete", "insert", "load", "replace", "update"})

Place = tuple[str, int]
"""File and position in a binary log."""

Names = Callable[[str, str], "tuple[str, str] | None"]
"""From a database and a table of the source to those of the target, nothing for what is not wanted."""


@dataclass(frozen=True)
class Event:
    """An event of a binary log: all its bytes."""

    data: bytes

    @property
    def kind(self) -> int:
        """Its number in the protocol."""
        return self.data[4]

    @property
    def body(self) -> bytes:
        """What comes after the header."""
        return self.data[_HEADER.size :]

    @property
    def has_checksums(self) -> bool:
        """Of a description of the format: whether the events after it end with checksums."""
        return self.data[-_CHECKSUM - 1] == 1

    @property
    def end(self) -> int:
        """The position after it in its file, 0 for one that is not in a file."""
        return int(_HEADER.unpack_from(self.data)[4])


@dataclass(frozen=True)
class Statement:
    """A statement that was logged as such: what defines tables and other objects. `database` was the current one."""

    database: str
    text: str


@dataclass
class LoggedTransaction:
    """What was committed together: row events and statements in their order, and the place after it all."""

    end: Place
    parts: list[Event | Statement] = field(default_factory=list)


class Transactions:
    """Puts events together. `place` is where the last whole transaction ends; what comes after it is not complete."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.format: Event | None = None
        self._file = place[0]
        self._open: LoggedTransaction | None = None
        self._standalone = False

    @property
    def is_between(self) -> bool:
        """Whether no transaction has begun that has not ended."""
        return self._open is None

    def add(self, event: Event) -> LoggedTransaction | None:
        """The transaction that ends with this event. ServerError for changes that were not logged as rows."""
        if event.kind == ROTATE:
            self._file = event.body[8:].decode()
            if event.end:
                self.place = (self._file, struct.unpack_from("<Q", event.body)[0])
        elif event.kind == FORMAT:
            self.format = event
        elif event.kind == BEGIN:
            self._open = LoggedTransaction(self.place)
            self._standalone = bool(event.body[12] & _STANDALONE)
        elif event.kind == TABLE or event.kind in _ROWS:
            self._require_open().parts.append(event)
        elif event.kind == COMMIT:
            return self._close(event)
        elif event.kind == QUERY:
            return self._statement(event)
        elif event.kind == _COMPRESSED_STATEMENT:
            raise ServerError("the source compresses its binary log (log_bin_compress), which is not read here")
        return None

    def _statement(self, event: Event) -> LoggedTransaction | None:
        statement = read_statement(event)
        word = first_word(statement.text)
        if word in ("commit", "rollback") and "savepoint" not in statement.text.lower() and not self._standalone:
            return self._close(event)
        if word in _CHANGING:
            raise ServerError("the source has logged a change as a statement, not as rows (binlog_format)")
        if word in _DEFINING:
            self._require_open().parts.append(statement)
        return self._close(event) if self._standalone else None

    def _require_open(self) -> LoggedTransaction:
        if self._open is None:
            self._open = LoggedTransaction(self.place)
        return self._open

    def _close(self, event: Event) -> LoggedTransaction:
        done, self._open = self._require_open(), None
        self.place = done.end = (self._file, event.end)
        self._standalone = False
        return done


def plain(event: Event, described_by: Event | None) -> Event:
    """An event without its checksum; a description of the format is left as it is.

    `described_by` is the description that came before. Artificial events, which tell the name of a file, have
    checksums whether or not that file's events have.
    """
    if event.kind == FORMAT:
        return event
    content = event.data[:-_CHECKSUM]
    if event.kind == ROTATE and not event.end:
        has_checksum = event.data[-_CHECKSUM:] == struct.pack("<I", zlib.crc32(content))
    else:
        has_checksum = described_by is not None and described_by.has_checksums
    return Event(_resized(content)) if has_checksum else event


def described_as_plain(event: Event) -> Event:
    """A description of the format of events without checksums. It has one itself in any case."""
    content = event.data[: -_CHECKSUM - 1] + b"\0"
    return Event(content + struct.pack("<I", zlib.crc32(content)))


def _resized(data: bytes) -> bytes:
    """An event whose header says how long it is."""
    return data[:9] + struct.pack("<I", len(data)) + data[13:]


def read_statement(event: Event) -> Statement:
    """A statement with its current database."""
    _thread, _seconds, database_length, _error, status_length = struct.unpack_from("<IIBHH", event.body)
    start = 13 + status_length
    database = event.body[start : start + database_length].decode()
    return Statement(database, event.body[start + database_length + 1 :].decode(errors="replace"))


def first_word(statement: str) -> str:
    """The first word of a statement in small letters, comments left out."""
    found = _WORD.match(statement)
    return found[1].lower() if found else ""


def table_of(event: Event) -> tuple[str, str]:
    """Database and table that an event of the kind TABLE is about."""
    body = event.body
    length = body[8]
    name = 11 + length
    return body[9 : 9 + length].decode(), body[name : name + body[name - 1]].decode()


def renamed(event: Event, database: str, table: str) -> Event:
    """An event of the kind TABLE with other names."""
    body, (old_database, old_table) = event.body, table_of(event)
    rest = body[8 + 1 + len(old_database.encode()) + 1 + 1 + len(old_table.encode()) + 1 :]
    names = b"".join(bytes([len(one.encode())]) + one.encode() + b"\0" for one in (database, table))
    return Event(_resized(event.data[: _HEADER.size] + body[:8] + names + rest))


def row_statements(parts: Iterable[Event | Statement], names: Names) -> Iterable[str | Statement]:
    """What the target is to be told: BINLOG statements for the rows of wanted tables; statements are handed on."""
    tables: list[Event] = []
    wanted: dict[bytes, bool] = {}
    rows: list[Event] = []
    for part in parts:
        if isinstance(part, Statement):
            yield part
        elif part.kind == TABLE:
            new = names(*table_of(part))
            wanted[part.body[:6]] = new is not None
            tables += [renamed(part, *new)] if new is not None else []
        else:
            last = struct.unpack_from("<H", part.body, 6)[0] & _LAST_OF_STATEMENT
            rows += [part] if wanted.get(part.body[:6]) else []
            if rows and (last or sum(len(one.data) for one in rows) > _AT_A_TIME):
                yield binlog([*tables, *rows[:-1], _as_last(rows[-1])])
                rows = []
            if last:
                tables, wanted = [], {}


def binlog(events: Iterable[Event]) -> str:
    """A statement that carries out events."""
    return "BINLOG '" + "\n".join(base64.b64encode(one.data).decode() for one in events) + "'"


def _as_last(event: Event) -> Event:
    """The event as the last one of its statement, which may have been one of a table that is left out."""
    at = _HEADER.size + 6
    (flags,) = struct.unpack_from("<H", event.data, at)
    return Event(event.data[:at] + struct.pack("<H", flags | _LAST_OF_STATEMENT) + event.data[at + 2 :])
