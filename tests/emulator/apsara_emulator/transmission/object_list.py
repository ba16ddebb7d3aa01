# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DbList: which objects a job is about. The keys are those that the vendor's own reader knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 1024 * 1024
OTHER_KINDS = frozenset(
    "View Procedure Function Sequence Synonym Type Domain Package Aggregate Operator Extension Rule Default Plan"
    " Job".split()
)
_TEXTS = {
    "database": {"name", "dml_op", "ddl_op", "conflict", "case_sen", "destSchema", "srcSchema"},
    "table": {
        *("name", "dml_op", "ddl_op", "conflict", "srcSchema", "destSchema", "filter", "patternType", "filterType"),
        *("part_db_key", "part_tab_key", "tab_num_eachdb", "primary_key", "part_key", "part_num", "message_key"),
        *("family", "partition"),
    },
    "object": {"name", "srcSchema", "destSchema"},
    "column": {"name", "type", "defaultValue", "sharedKey"},
    "attached column": {"name", "type", "value"},
}
_NUMBERS = {"database": {"shard", "replica"}, "table": {"shard", "replica"}}


class ObjectListError(ValueError):
    """A list that cannot be understood. The text says where and why."""


@dataclass(frozen=True)
class SelectedTable:
    """A table and what it is called on the target. No schema: that of the entry above, or the usual one."""

    name: str
    new_name: str
    schema: str = ""
    new_schema: str = ""
    whole: bool = True
    condition: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SelectedDatabase:
    """An entry of the list: everything in it (`whole`), or the tables and other objects named."""

    name: str
    new_name: str
    whole: bool
    tables: tuple[SelectedTable, ...] = ()
    others: int = 0


def parse_object_list(text: str, *, strict: bool = True) -> list[SelectedDatabase]:
    """The entries of a DbList. ObjectListError if it has not the documented format."""
    if len(text.encode()) > MAX_BYTES:
        raise ObjectListError("it is larger than 1 MB")
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ObjectListError("it is no JSON object, or a key comes twice") from error
    if not isinstance(document, dict) or not document:
        raise ObjectListError("a JSON object with at least one database is expected")
    return [_database(name, entry, strict) for name, entry in document.items()]


def _database(name: str, entry: Any, strict: bool) -> SelectedDatabase:
    where = f"{name!r}"
    _require_name(name, where)
    known = {"all", "Table", *OTHER_KINDS}
    _check_entry(entry, "database", where, known, strict)
    whole = _whole(entry, where)
    tables = tuple(
        _table(table, one, f"{where}.Table.{table!r}", strict) for table, one in _map(entry, "Table", where).items()
    )
    others = 0
    for kind in sorted(OTHER_KINDS & set(entry)):
        for other, one in _map(entry, kind, where).items():
            _check_entry(one, "object", f"{where}.{kind}.{other!r}", {"all"}, strict)
            others += 1
    if not whole and not tables and not others:
        raise ObjectListError(f'{where}: "all" is false and nothing is listed')
    return SelectedDatabase(name, entry["name"], whole, tables, others)


def _table(name: str, entry: Any, where: str, strict: bool) -> SelectedTable:
    _require_name(name, where)
    _check_entry(entry, "table", where, {"all", "column", "attach_column"}, strict)
    columns = {}
    for column, one in _map(entry, "column", where).items():
        _check_entry(one, "column", f"{where}.column.{column!r}", set(), strict)
        columns[column] = one["name"]
    for column, one in _map(entry, "attach_column", where).items():
        _check_entry(one, "attached column", f"{where}.attach_column.{column!r}", set(), strict)
    return SelectedTable(
        name,
        entry["name"],
        entry.get("srcSchema", ""),
        entry.get("destSchema", ""),
        _whole(entry, where),
        entry.get("filter", ""),
        columns,
    )


def _check_entry(entry: Any, kind: str, where: str, others: set[str], strict: bool) -> None:
    if not isinstance(entry, dict):
        raise ObjectListError(f"{where}: a JSON object is expected")
    for key, value in entry.items():
        if key in _TEXTS[kind]:
            if not isinstance(value, str):
                raise ObjectListError(f"{where}.{key}: a text is expected")
        elif key in _NUMBERS.get(kind, set()):
            if not isinstance(value, int) or isinstance(value, bool):
                raise ObjectListError(f"{where}.{key}: an integer is expected")
        elif key not in others and strict:
            raise ObjectListError(f"{where}: there is no key {key[:40]!r}")
    _require_name(entry.get("name"), f"{where}.name")


def _require_name(name: Any, where: str) -> None:
    if not isinstance(name, str) or not name:
        raise ObjectListError(f"{where}: a name is missing")


def _whole(entry: Mapping[str, Any], where: str) -> bool:
    if not isinstance(entry.get("all"), bool):
        raise ObjectListError(f'{where}: "all" is true or false, not a text')
    return bool(entry["all"])


def _map(entry: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = entry.get(key, {})
    if not isinstance(value, dict):
        raise ObjectListError(f"{where}.{key}: a JSON object is expected")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key comes twice")
    return result
