# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How definitions are written alike, which MySQL and MariaDB, older and newer, write differently. Pure.

Facts: reference manuals of MySQL 5.6 to 8.4 (information_schema; integer display width: 8.0.17, 8.0.19) and MariaDB
(information_schema.COLUMNS.COLUMN_DEFAULT since 10.2.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Facts = Mapping[str, Any]
_WIDTH = re.compile(r"\b(smallint|mediumint|int|bigint|year|tinyint)\((\d+)\)")
_NOW = re.compile(r"(current_timestamp|now|localtimestamp|localtime)(?:\((\d*)\))?", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_UTF8 = re.compile(r"\butf8(?=_|\b)")
# Of sql_mode: what later versions have no more. It changes nothing in what is defined.
_GONE = frozenset({"NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS", "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", ""})


def text(value: object) -> str:
    """Of a column of information_schema, which a driver may give as bytes."""
    if value is None:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def type_of(written: str) -> str:
    """A column's type. Display widths of integers mean nothing, but for TINYINT(1) and with ZEROFILL."""
    if "zerofill" in written:
        return written

    def without(match: re.Match[str]) -> str:
        return match[0] if (match[1], match[2]) == ("tinyint", "1") else match[1]

    return _WIDTH.sub(without, written)


def charset(name: str) -> str:
    """A character set or collation by its newer name."""
    return _UTF8.sub("utf8mb3", name)


def default_of(facts: Facts, *, as_sql: bool) -> str:
    """The default as SQL; empty if there is none. as_sql: the server tells it as SQL, not as its value."""
    value = facts["column_default"]
    if value is None:
        return ""
    written = text(value)
    is_expression = "default_generated" in text(facts["extra"]).lower()
    now = _NOW.fullmatch(written)
    if now and (as_sql or is_expression or text(facts["data_type"]) in ("timestamp", "datetime")):
        return "CURRENT_TIMESTAMP" + (f"({now[2]})" if now[2] and now[2] != "0" else "")
    if as_sql:
        if written == "NULL":
            return ""
        if written.startswith("'") and written.endswith("'"):
            return _quoted(re.sub(r"\\(.)", r"\1", written[1:-1].replace("''", "'")))
        return _quoted(written) if _NUMBER.fullmatch(written) else written
    return written if is_expression or written.startswith("b'") else _quoted(written)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def column(facts: Facts, *, as_sql: bool) -> str:
    """Definition of one column, of a row of information_schema.COLUMNS."""
    extra = text(facts["extra"]).lower()
    default = default_of(facts, as_sql=as_sql)
    parts = [f"`{text(facts['column_name'])}`", type_of(text(facts["column_type"]))]
    if facts["collation_name"]:
        parts.append(f"COLLATE {charset(text(facts['collation_name']))}")
    if text(facts["is_nullable"]) == "NO":
        parts.append("NOT NULL")
    if default:
        parts.append(f"DEFAULT {default}")
    if "auto_increment" in extra:
        parts.append("AUTO_INCREMENT")
    now = re.search(r"on update (\S+)", extra)
    if now and (found := _NOW.match(now[1])):
        parts.append("ON UPDATE CURRENT_TIMESTAMP" + (f"({found[2]})" if found[2] and found[2] != "0" else ""))
    expression = text(facts.get("generation_expression"))
    if expression:
        parts.append(f"AS ({expression}) {'VIRTUAL' if 'virtual' in extra else 'STORED'}")
    if "invisible" in extra:
        parts.append("INVISIBLE")
    return " ".join(parts)


def table(facts: Facts, columns: Iterable[str], partitions: Iterable[Facts]) -> str:
    """Definition of a table: columns in their order, engine, collation, partitions. Not: row format, comments."""
    versioned = " WITH SYSTEM VERSIONING" if text(facts["table_type"]) == "SYSTEM VERSIONED" else ""
    collation = charset(text(facts["table_collation"]))
    return (
        f"table ({', '.join(columns)}) ENGINE {text(facts['engine'])} COLLATE {collation}{versioned}"
        f"{_partitions(list(partitions))}"
    )


def _partitions(rows: list[Facts]) -> str:
    if not rows:
        return ""
    first = rows[0]
    expression = text(first["partition_expression"]).replace("`", "")
    method = f" PARTITION BY {text(first['partition_method'])} ({expression})"
    if first["subpartition_method"]:
        method += f" SUBPARTITION BY {text(first['subpartition_method'])} ({text(first['subpartition_expression'])})"
    names = ", ".join(
        f"{text(row['partition_name'])} {text(row['subpartition_name'])} {text(row['partition_description'])}".rstrip()
        for row in rows
    )
    return f"{method}: {names}"


def index(rows: list[Facts]) -> str:
    """Definition of an index, of its rows of information_schema.STATISTICS in their order."""
    first = rows[0]
    parts = []
    for row in rows:
        name = text(row["column_name"]) or f"({text(row.get('expression'))})"
        length = f"({row['sub_part']})" if row["sub_part"] else ""
        parts.append(name + length + (" DESC" if row["collation"] == "D" else ""))
    unique = "" if int(first["non_unique"]) else "UNIQUE "
    hidden = text(first.get("is_visible")) == "NO" or text(first.get("ignored")) == "YES"
    return f"{unique}{text(first['index_type'])} ({', '.join(parts)})" + (" INVISIBLE" if hidden else "")


def foreign_key(facts: Facts, rows: Iterable[Facts]) -> str:
    """RESTRICT and NO ACTION are one thing, which versions call either way."""
    pairs = [(text(row["column_name"]), text(row["referenced_column_name"])) for row in rows]
    rules = (text(facts[f"{event}_rule"]).replace("RESTRICT", "NO ACTION") for event in ("update", "delete"))
    on_update, on_delete = rules
    place = f"{text(facts['unique_constraint_schema'])}.{text(facts['referenced_table_name'])}"
    return (
        f"FOREIGN KEY ({', '.join(own for own, _other in pairs)}) REFERENCES {place}"
        f" ({', '.join(other for _own, other in pairs)}) ON UPDATE {on_update} ON DELETE {on_delete}"
    )


def sql_mode(written: object) -> str:
    """What a program was stored under, without what means nothing any more."""
    return ",".join(sorted(set(text(written).split(",")) - _GONE))


def routine(facts: Facts, parameters: Iterable[Facts]) -> str:
    """Parameters, what it returns, what it promises, and its body."""
    listed = ", ".join(
        " ".join(
            part
            for part in (
                text(row["parameter_mode"]),
                text(row["parameter_name"]),
                charset(type_of(text(row["dtd_identifier"]))),
            )
            if part
        )
        for row in parameters
        # The first stands for what a function returns.
        if int(row["ordinal_position"])
    )
    returned = charset(type_of(text(facts["dtd_identifier"])))
    deterministic = "DETERMINISTIC" if text(facts["is_deterministic"]) == "YES" else "NOT DETERMINISTIC"
    return (
        f"({listed})"
        + (f" RETURNS {returned}" if returned else "")
        + f" {deterministic} {text(facts['sql_data_access'])} sql_mode [{sql_mode(facts['sql_mode'])}]"
        f" {text(facts['routine_definition'])}"
    )


def trigger(facts: Facts) -> str:
    return (
        f"{text(facts['action_timing'])} {text(facts['event_manipulation'])} order {text(facts.get('action_order'))}"
        f" sql_mode [{sql_mode(facts['sql_mode'])}] {text(facts['action_statement'])}"
    )


def event(facts: Facts) -> str:
    if text(facts["event_type"]) == "ONE TIME":
        when = f"AT {text(facts['execute_at'])}"
    else:
        when = f"EVERY {text(facts['interval_value'])} {text(facts['interval_field'])}"
        when += f" STARTS {text(facts['starts'])} ENDS {text(facts['ends'])}"
    return (
        f"{when} {text(facts['time_zone'])} {text(facts['status'])} ON COMPLETION {text(facts['on_completion'])}"
        f" sql_mode [{sql_mode(facts['sql_mode'])}] {text(facts['event_definition'])}"
    )


def definer(facts: Facts) -> str:
    security = text(facts.get("security_type"))
    return f"definer {text(facts['definer'])}" + (f" SQL SECURITY {security}" if security else "")
