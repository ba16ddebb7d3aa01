# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a MySQL or MariaDB server holds beside rows, as names and definitions that can be compared as text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import mysql_compare_definitions as written
from . import mysql_compare_privileges as privileges
from .comparison import Definitions, Key
from .mysql_compare_definitions import Facts, text
from .mysql_compare_hash import INTEGER_TYPES, Table, as_columns
from .mysql_connection import Session, identifier
from .mysql_errors import MySqlFailure

OF_DATABASE = ("tables", "indexes", "constraints", "views", "routines", "triggers", "events", "definers", "sequences")
KINDS = ("databases", *OF_DATABASE, "sequence_values", "contents")
SYSTEM_DATABASES = frozenset({"mysql", "information_schema", "performance_schema", "sys", "ndbinfo"})
_BASE, _VERSIONED, _SEQUENCE = "BASE TABLE", "SYSTEM VERSIONED", "SEQUENCE"
# Since this version defaults are told as SQL.
_DEFAULTS_AS_SQL = (10, 2, 7)


class SequenceValue(NamedTuple):
    """next: the value that no server has handed out or cached."""

    next: int
    increment: int


class Inventory(NamedTuple):
    """definitions: by kind. unread: what may not be seen, in words. counters: next AUTO_INCREMENT by table."""

    definitions: Mapping[str, Definitions]
    tables: tuple[Table, ...]
    sequences: Mapping[Key, SequenceValue]
    counters: Mapping[Key, int]
    unread: tuple[str, ...]


def databases(session: Session) -> Definitions:
    """Those of users, with their default character set and collation."""
    rows = session.read(
        "SELECT SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA"
    )
    return {
        ("", text(name)): f"CHARACTER SET {written.charset(text(charset))} COLLATE {written.charset(text(collation))}"
        for name, charset, collation in rows
        if text(name).lower() not in SYSTEM_DATABASES
    }


def of_database(session: Session, name: str, kinds: Sequence[str], account: Sequence[privileges.Grant]) -> Inventory:
    """Of one database. Kinds that the account does not see all of are named as unread, and left out."""
    unread = [
        f"{kind} of {name} on {session.server.label}: the account lacks {missing} there"
        for kind in kinds
        if (missing := privileges.unseen(account, kind, name))
    ]
    seen = [kind for kind in kinds if not privileges.unseen(account, kind, name)]
    reader = _Reader(session, name)
    definitions: dict[str, Definitions] = {}
    for kind in OF_DATABASE:
        if kind in seen:
            definitions[kind] = reader.definitions(kind)
    unread += reader.hidden()
    sequences = reader.sequence_values() if "sequence_values" in seen else {}
    # A single table that may be read is compared, even where others cannot be seen.
    tables = reader.tables() if "contents" in kinds else ()
    return Inventory(definitions, tables, sequences, reader.counters(), tuple(unread))


class _Reader:
    """Reads information_schema of one database, each of its tables at most once."""

    def __init__(self, session: Session, database: str) -> None:
        self._session = session
        self._database = database
        self._known: dict[str, list[dict[str, Any]]] = {}
        self._as_sql = session.is_mariadb and session.number >= _DEFAULTS_AS_SQL

    def definitions(self, kind: str) -> Definitions:
        of_kind: Mapping[str, Callable[[], Iterable[tuple[str, str]]]] = {
            "tables": self._tables,
            "indexes": self._indexes,
            "constraints": self._constraints,
            "views": self._views,
            "routines": self._routines,
            "triggers": self._triggers,
            "events": self._events,
            "definers": self._definers,
            "sequences": self._sequences,
        }
        return {("", name): definition for name, definition in of_kind[kind]()}

    def hidden(self) -> list[str]:
        """What has a name here and no text, because the account may not see it."""
        found = []
        for view in self._known.get("VIEWS", []):
            if not text(view["view_definition"]):
                found.append(f"view {text(view['table_name'])}")
        for routine in self._known.get("ROUTINES", []):
            if not text(routine["routine_definition"]):
                found.append(f"{text(routine['routine_type']).lower()} {text(routine['routine_name'])}")
        return [f"{what} of {self._database} on {self._session.server.label}: its text is not shown" for what in found]

    def tables(self) -> tuple[Table, ...]:
        columns = self._by_table("COLUMNS")
        keys = {
            text(row["table_name"]): text(row["column_name"])
            for row in self._rows("STATISTICS")
            if text(row["index_name"]) == "PRIMARY" and int(row["seq_in_index"]) == 1
        }
        return tuple(
            Table(
                self._database,
                name,
                as_columns(columns.get(name, [])),
                _integer_key(columns.get(name, []), keys.get(name)),
                int(facts["data_length"] or 0) + int(facts["index_length"] or 0),
            )
            for name, facts in self._base_tables()
        )

    def counters(self) -> dict[Key, int]:
        """The next value of AUTO_INCREMENT, of tables that have one."""
        rows = self._known.get("TABLES", [])
        return {("", text(row["table_name"])): int(row["auto_increment"]) for row in rows if row["auto_increment"]}

    def sequence_values(self) -> dict[Key, SequenceValue]:
        found = {}
        for name in self._named(_SEQUENCE):
            rows = self._session.read(
                f"SELECT next_not_cached_value, increment FROM {identifier(self._database, name)}"  # noqa: S608  (quoted)
            )
            found["", name] = SequenceValue(int(rows[0][0]), int(rows[0][1]))
        return found

    def _tables(self) -> Iterable[tuple[str, str]]:
        columns, partitions = self._by_table("COLUMNS"), self._by_table("PARTITIONS")
        for name, facts in self._base_tables():
            parts = [row for row in partitions.get(name, []) if row["partition_name"]]
            defined = (written.column(row, as_sql=self._as_sql) for row in columns.get(name, []))
            yield name, written.table(facts, defined, parts)

    def _indexes(self) -> Iterable[tuple[str, str]]:
        rows = self._rows("STATISTICS")
        for (table, name), group in itertools.groupby(rows, lambda r: (text(r["table_name"]), text(r["index_name"]))):
            yield f"{table} {name}", written.index(list(group))

    def _constraints(self) -> Iterable[tuple[str, str]]:
        columns: dict[tuple[str, str], list[Facts]] = {}
        for row in self._rows("KEY_COLUMN_USAGE"):
            columns.setdefault((text(row["table_name"]), text(row["constraint_name"])), []).append(row)
        for row in self._rows("REFERENTIAL_CONSTRAINTS"):
            key = text(row["table_name"]), text(row["constraint_name"])
            yield " ".join(key), written.foreign_key(row, columns.get(key, []))
        yield from self._checks()

    def _checks(self) -> Iterable[tuple[str, str]]:
        try:
            rows = self._rows("CHECK_CONSTRAINTS")
        except MySqlFailure as failure:
            # Before MySQL 8.0.16 and MariaDB 10.2.22 there is no such table.
            if failure.code != "1109":
                raise
            return
        tables = {
            text(row["constraint_name"]): text(row["table_name"])
            for row in self._rows("TABLE_CONSTRAINTS")
            if text(row["constraint_type"]) == "CHECK"
        }
        for row in rows:
            name = text(row["constraint_name"])
            table = text(row["table_name"]) if "table_name" in row else tables.get(name, "")
            enforced = "" if text(row.get("enforced", "YES")) == "YES" else " NOT ENFORCED"
            yield f"{table} {name}", f"CHECK ({text(row['check_clause'])}){enforced}"

    def _views(self) -> Iterable[tuple[str, str]]:
        for row in self._rows("VIEWS"):
            yield text(row["table_name"]), f"{text(row['view_definition'])} CHECK OPTION {text(row['check_option'])}"

    def _routines(self) -> Iterable[tuple[str, str]]:
        parameters: dict[tuple[str, str], list[Facts]] = {}
        for row in self._rows("PARAMETERS"):
            key = text(row["routine_type"]), text(row["specific_name"])
            parameters.setdefault(key, []).append(row)
        for row in self._rows("ROUTINES"):
            kind, name = text(row["routine_type"]), text(row["routine_name"])
            yield f"{kind.lower()} {name}", written.routine(row, parameters.get((kind, name), []))

    def _triggers(self) -> Iterable[tuple[str, str]]:
        for row in self._rows("TRIGGERS"):
            yield f"{text(row['event_object_table'])} {text(row['trigger_name'])}", written.trigger(row)

    def _events(self) -> Iterable[tuple[str, str]]:
        return ((text(row["event_name"]), written.event(row)) for row in self._rows("EVENTS"))

    def _definers(self) -> Iterable[tuple[str, str]]:
        for source, kind, column in (
            ("VIEWS", "view", "table_name"),
            ("TRIGGERS", "trigger", "trigger_name"),
            ("EVENTS", "event", "event_name"),
            ("ROUTINES", "", "routine_name"),
        ):
            for row in self._rows(source):
                word = kind or text(row["routine_type"]).lower()
                yield f"{word} {text(row[column])}", written.definer(row)

    def _sequences(self) -> Iterable[tuple[str, str]]:
        for name in self._named(_SEQUENCE):
            (row,) = self._session.named(f"SELECT * FROM {identifier(self._database, name)}")  # noqa: S608  (quoted)
            names = ("minimum_value", "maximum_value", "start_value", "increment", "cycle_option")
            yield name, ", ".join(f"{key} {row.get(key)}" for key in names)

    def _base_tables(self) -> list[tuple[str, Facts]]:
        rows = self._rows("TABLES")
        return [(text(r["table_name"]), r) for r in rows if text(r["table_type"]) in (_BASE, _VERSIONED)]

    def _named(self, kind: str) -> list[str]:
        return [text(row["table_name"]) for row in self._rows("TABLES") if text(row["table_type"]) == kind]

    def _by_table(self, name: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in self._rows(name):
            found.setdefault(text(row["table_name"]), []).append(row)
        return found

    def _rows(self, name: str) -> list[dict[str, Any]]:
        """All columns: which there are depends on the version."""
        if name not in self._known:
            column, order = _SOURCES[name]
            self._known[name] = self._session.named(
                f"SELECT * FROM information_schema.{name} WHERE {column} = %s ORDER BY {order}",  # noqa: S608  (own words)
                (self._database,),
            )
        return self._known[name]


# The column that holds the database, and the order.
_SOURCES = {
    "TABLES": ("TABLE_SCHEMA", "TABLE_NAME"),
    "COLUMNS": ("TABLE_SCHEMA", "TABLE_NAME, ORDINAL_POSITION"),
    "PARTITIONS": ("TABLE_SCHEMA", "TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION"),
    "STATISTICS": ("TABLE_SCHEMA", "TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"),
    "KEY_COLUMN_USAGE": ("TABLE_SCHEMA", "TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION"),
    "REFERENTIAL_CONSTRAINTS": ("CONSTRAINT_SCHEMA", "TABLE_NAME, CONSTRAINT_NAME"),
    "TABLE_CONSTRAINTS": ("TABLE_SCHEMA", "TABLE_NAME, CONSTRAINT_NAME"),
    "CHECK_CONSTRAINTS": ("CONSTRAINT_SCHEMA", "CONSTRAINT_NAME"),
    "VIEWS": ("TABLE_SCHEMA", "TABLE_NAME"),
    "ROUTINES": ("ROUTINE_SCHEMA", "ROUTINE_TYPE, ROUTINE_NAME"),
    "PARAMETERS": ("SPECIFIC_SCHEMA", "SPECIFIC_NAME, ORDINAL_POSITION"),
    "TRIGGERS": ("TRIGGER_SCHEMA", "EVENT_OBJECT_TABLE, TRIGGER_NAME"),
    "EVENTS": ("EVENT_SCHEMA", "EVENT_NAME"),
}


def _integer_key(columns: Sequence[Facts], name: str | None) -> str | None:
    types = {text(row["column_name"]): text(row["data_type"]).lower() for row in columns}
    return name if name is not None and types.get(name) in INTEGER_TYPES else None
