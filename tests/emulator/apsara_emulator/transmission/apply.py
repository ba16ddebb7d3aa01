# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of rows, done again on the target under its names. The target's row gives way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..postgresql.sql import quoted
from .change_stream import UNCHANGED, Relation, RowChange, Transaction, Values
from .data_copy import table_name


def apply(target: Any, transaction: Transaction, names: Mapping[str, str]) -> None:
    """Do a transaction's changes. `names`: tables of the source to those of the target; others are left out."""
    for change in transaction.changes:
        if change.relation.name in names:
            _STATEMENTS[change.kind](target, change, table_name(names[change.relation.name]))


def _insert(target: Any, change: RowChange, table: str) -> None:
    values = _known(change.new)
    columns = ", ".join(quoted(one) for one in values)
    marks = ", ".join(["%s"] * len(values))
    conflict = ""
    if change.relation.identity == "d" and change.relation.key:
        key = ", ".join(quoted(one) for one in change.relation.key)
        others = [f"{quoted(one)} = excluded.{quoted(one)}" for one in values if one not in change.relation.key]
        conflict = f" on conflict ({key}) do " + (f"update set {', '.join(others)}" if others else "nothing")
    statement = f"insert into {table} ({columns}) overriding system value values ({marks}){conflict}"
    target.execute(statement, list(values.values()))


def _update(target: Any, change: RowChange, table: str) -> None:
    values = _known(change.new)
    where, wanted = _condition(change.relation, change.old or change.new, table)
    if change.old is None:  # the key is as it was, and some keys cannot even be set to that
        values = {one: value for one, value in values.items() if one not in change.relation.key}
    if not values:
        return
    settings = ", ".join(f"{quoted(one)} = %s" for one in values)
    target.execute(f"update {table} set {settings} where {where}", [*values.values(), *wanted])


def _delete(target: Any, change: RowChange, table: str) -> None:
    where, wanted = _condition(change.relation, change.old or {}, table)
    target.execute(f"delete from {table} where {where}", wanted)


def _truncate(target: Any, _change: RowChange, table: str) -> None:
    target.execute(f"truncate {table}")


_STATEMENTS = {"I": _insert, "U": _update, "D": _delete, "T": _truncate}


def _condition(relation: Relation, row: Values, table: str) -> tuple[str, list[object]]:
    """The row that is meant: by its key, or one of those that are equal in all columns."""
    if relation.identity != "f":
        key = relation.key or tuple(row)
        return " and ".join(f"{quoted(one)} = %s" for one in key), [row[one] for one in key]
    equal = [f"{quoted(one)} is null" if value is None else f"{quoted(one)} = %s" for one, value in _known(row).items()]
    wanted = [value for value in _known(row).values() if value is not None]
    return f"ctid = (select ctid from {table} where {' and '.join(equal)} limit 1)", wanted


def _known(row: Values) -> Values:
    return {column: value for column, value in row.items() if value is not UNCHANGED}
