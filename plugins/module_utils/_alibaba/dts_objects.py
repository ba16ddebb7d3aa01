# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""DbList: which objects a DTS job migrates, and what they are called on the target.

A JSON object, from the name of a source database (for PostgreSQL perhaps a schema) to an entry. Facts: the vendor's
page on DbList; the reader of it in the vendor's own published code, which takes `all` as a boolean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

LARGEST = 1024 * 1024
# Maps of other kinds of objects, spelled as the service does.
KINDS = (
    "View", "Procedure", "Function", "Sequence", "Synonym", "Type", "Domain", "Package", "Aggregate", "Operator",
    "Extension", "Rule", "Default", "Plan", "Job",
)  # fmt: skip


def db_list(objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The document for a selection as in the module's option `objects`."""
    return {entry["database"]: _database(entry) for entry in objects}


def problems_of(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with a selection, in the words of the option."""
    problems = [f"objects: {name!r} is there twice" for name in _twice([e["database"] for e in objects])]
    for entry in objects:
        where = f"objects {entry['database']!r}"
        if not entry["database"].strip():
            problems.append("objects: a database has no name")
        if entry.get("new_name") is not None and not entry["new_name"].strip():
            problems.append(f"{where}: new_name is empty")
        tables, others = entry.get("tables"), entry.get("others")
        if (tables is not None or others is not None) and not tables and not others:
            problems.append(f"{where}: tables and others are empty; leave them out to migrate the whole database")
        problems += _table_problems(where, tables or [])
        problems += _other_problems(where, others or [])
    if not problems and len(json.dumps(db_list(objects), ensure_ascii=False).encode()) > LARGEST:
        problems.append("objects: the selection is larger than 1 MB, which is all that the service takes")
    return problems


def selection_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A DbList as the option `objects` would have it, with what it leaves out left out; the reverse of db_list."""
    return [_selected(name, entry) for name, entry in document.items() if isinstance(entry, Mapping)]


def targets_of(document: Mapping[str, Any]) -> dict[str, str]:
    """New names of databases (or schemas) by their old ones."""
    return {name: str(entry.get("name") or name) for name, entry in document.items() if isinstance(entry, Mapping)}


def _database(entry: Mapping[str, Any]) -> dict[str, Any]:
    tables, others = entry.get("tables") or [], entry.get("others") or []
    made: dict[str, Any] = {"name": entry.get("new_name") or entry["database"], "all": not tables and not others}
    _add_operations(made, entry)
    if tables:
        made["Table"] = {table["name"]: _table(table) for table in tables}
    for other in others:
        made.setdefault(other["kind"], {})[other["name"]] = {**_renamed(other), "all": True}
    return made


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    columns = table.get("columns") or []
    made = {**_renamed(table), "all": not columns}
    if table.get("where"):
        made["filter"] = table["where"]
    if columns:
        made["column"] = {column["name"]: {"name": column.get("new_name") or column["name"]} for column in columns}
    _add_operations(made, table)
    return made


def _renamed(item: Mapping[str, Any]) -> dict[str, Any]:
    made = {"name": item.get("new_name") or item["name"]}
    if item.get("schema"):
        made["srcSchema"] = item["schema"]
        made["destSchema"] = item.get("new_schema") or item["schema"]
    return made


def _add_operations(made: dict[str, Any], item: Mapping[str, Any]) -> None:
    for option, key in (("dml", "dml_op"), ("ddl", "ddl_op")):
        if item.get(option) is not None:
            made[key] = item[option]


def _selected(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"database": name, **_new("new_name", entry.get("name"), name), **_operations(entry)}
    tables = [_selected_item(n, t) for n, t in (entry.get("Table") or {}).items()]
    others = [{"kind": k, **_selected_item(n, o)} for k in KINDS for n, o in (entry.get(k) or {}).items()]
    return {**made, **({"tables": tables} if tables else {}), **({"others": others} if others else {})}


def _selected_item(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, **_new("new_name", item.get("name"), name)}
    if item.get("srcSchema"):
        made["schema"] = item["srcSchema"]
        made.update(_new("new_schema", item.get("destSchema"), item["srcSchema"]))
    if item.get("filter"):
        made["where"] = item["filter"]
    if item.get("column"):
        made["columns"] = [{"name": n, **_new("new_name", c.get("name"), n)} for n, c in item["column"].items()]
    return {**made, **_operations(item)}


def _operations(item: Mapping[str, Any]) -> dict[str, Any]:
    return {option: item[key] for option, key in (("dml", "dml_op"), ("ddl", "ddl_op")) if key in item}


def _new(option: str, new: Any, old: str) -> dict[str, Any]:
    return {option: new} if new and new != old else {}


def _other_problems(where: str, others: Sequence[Mapping[str, Any]]) -> list[str]:
    problems = [
        f"{where}: {kind} {name!r} is there twice; the service's format holds one of a kind and name, whatever schema"
        for kind, name in _twice([(other["kind"], other["name"]) for other in others])
    ]
    for other in others:
        problems += _naming_problems(where, other["kind"].lower(), other)
    return problems


def _naming_problems(where: str, what: str, item: Mapping[str, Any]) -> list[str]:
    """Of anything that has a name and perhaps a new one, a schema and a new one."""
    if not item["name"].strip():
        return [f"{where}: a {what} has no name"]
    told = f"{where}: {what} {item['name']!r}"
    problems = [
        f"{told}: {option} is empty"
        for option in ("new_name", "schema", "new_schema")
        if item.get(option) is not None and not item[option].strip()
    ]
    if item.get("new_schema") and not item.get("schema"):
        problems.append(f"{told} has new_schema without schema")
    return problems


def _table_problems(where: str, tables: Sequence[Mapping[str, Any]]) -> list[str]:
    problems = [f"{where}: table {name!r} is there twice" for name in _twice([table["name"] for table in tables])]
    for table in tables:
        problems += _naming_problems(where, "table", table)
        columns = table.get("columns")
        if columns is not None and not columns:
            problems.append(f"{where}: table {table['name']!r} has no columns; leave columns out for all of them")
        for column in columns or []:
            problems += _naming_problems(f"{where}, table {table['name']!r}", "column", column)
        twice = _twice([column["name"] for column in columns or []])
        problems += [f"{where}: column {name!r} of {table['name']!r} is there twice" for name in twice]
    return problems


def _twice(names: Sequence[Any]) -> list[Any]:
    return sorted({name for name in names if names.count(name) > 1}, key=str)
