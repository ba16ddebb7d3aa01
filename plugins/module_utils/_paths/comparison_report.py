# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of a comparison of two servers: the verdict, what it rests on, and a short table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from .._databases.comparison import DatabaseResult, Difference, Wish
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check

EQUAL, CONSISTENT, SAMPLE, DIFFERENT, UNKNOWN_VERDICT = (
    "equal",
    "consistent",
    "consistent_sample",
    "different",
    "unknown",
)
_LINES = 40


class Asked(Protocol):
    """What of a task's wishes is told of, or changes what is told."""

    @property
    def wish(self) -> Wish:
        """What is compared."""

    @property
    def hash_function(self) -> str:
        """What rows are compared by."""

    @property
    def most_differences(self) -> int:
        """How many differences to tell."""

    @property
    def most_tables(self) -> int:
        """How many tables to tell of."""


class Found(NamedTuple):
    """Everything that the verdict depends on. changed, target_changed: tables, by the parts of their names."""

    differences: list[Difference]
    databases: list[DatabaseResult]
    unread: list[str]
    doubts: list[str]
    changed: Sequence[tuple[str, ...]]
    target_changed: Sequence[tuple[str, ...]]


def verdict(request: Asked, found: Found) -> tuple[str, list[str]]:
    """The verdict, and why it is not `equal`. Pure."""
    reasons = []
    if found.differences:
        reasons.append(f"differences were found ({len(found.differences)})")
    if found.unread:
        reasons.append("not everything could be read")
    if request.wish.sample is not None:
        reasons.append(f"only a sample of {request.wish.sample:g} percent was read of large tables")
    if request.wish.digest is None or "contents" not in request.wish.kinds:
        reasons.append("contents were not compared")
    if found.doubts:
        reasons.append("the source was not frozen: " + "; ".join(found.doubts))
    if found.target_changed:
        reasons.append("the target was written to meanwhile")
    if not reasons:
        return EQUAL, []
    if found.differences:
        return DIFFERENT, reasons
    if found.unread:
        return UNKNOWN_VERDICT, reasons
    return (SAMPLE if request.wish.sample is not None else CONSISTENT), reasons


def checks(found: Found, remedies: Mapping[str, str]) -> list[Check]:
    """What the verdict rests on, as items in the shape that all modules have."""
    changed = ", ".join(".".join(table) for table in found.changed[:10])
    target_changed = ", ".join(".".join(table) for table in found.target_changed[:10])
    pairs = (
        (
            "no_differences",
            FAIL,
            f"Differences were found ({len(found.differences)})." if found.differences else "",
            "See differences.",
        ),
        (
            "everything_read",
            UNKNOWN,
            "; ".join(found.unread[:10]),
            remedies["everything_read"],
        ),
        ("source_frozen", WARN, "; ".join(found.doubts), remedies["source_frozen"]),
        ("tables_unchanged", WARN, changed and f"written to meanwhile: {changed}", "Compare again when nobody writes."),
        ("target_unchanged", WARN, target_changed and f"written to meanwhile: {target_changed}", "Stop what writes."),
    )
    return [
        Check(name, status, detail, remedy) if detail else Check(name, PASS, _PASSED[name])
        for name, status, detail, remedy in pairs
    ]


_PASSED = {
    "no_differences": "no difference was found",
    "everything_read": "everything that was asked for could be read",
    "source_frozen": "nobody wrote to the source from the beginning to the end",
    "tables_unchanged": "no table of the source was written to",
    "target_unchanged": "no table of the target was written to",
}


def common_result(request: Asked, found: Found, remedies: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """What is told of a comparison of any engine. remedies: of checks, by name, where the engine has its own."""
    word, reasons = verdict(request, found)
    tables = sorted((t for d in found.databases for t in d.tables), key=lambda t: (t.equal is True, -t.size, t[:3]))
    hashed = request.wish.digest is not None
    return {
        "verdict": word,
        "not_equal_because": reasons,
        "checks": [check.as_result() for check in checks(found, remedies)],
        "differences": [difference.as_result() for difference in found.differences[: request.most_differences]],
        "differences_count": len(found.differences),
        "unread": found.unread,
        "databases": [_database_result(database, found.differences) for database in found.databases],
        "tables": [table.as_result(hashed=hashed) for table in tables[: request.most_tables]],
        "tables_count": len(tables),
        "rows": sum(table.source.rows for table in tables if table.source),
        "changed_tables": [".".join(table) for table in found.changed],
        "source_frozen": not found.doubts,
        "hash_function": request.hash_function if hashed else None,
        "seconds": round(seconds, 2),
        "summary": _summary(word, reasons, found, request),
    }


def _database_result(database: DatabaseResult, differences: list[Difference]) -> dict[str, Any]:
    return {
        "name": database.name,
        "tables": len(database.tables),
        "rows": sum(table.source.rows for table in database.tables if table.source),
        "size": sum(table.size for table in database.tables),
        "objects": dict(database.counts),
        "differences": sum(difference.database == database.name for difference in differences),
        **database.more,
    }


def _summary(word: str, reasons: list[str], found: Found, request: Asked) -> list[str]:
    """A short table for people: one line for each database, then the first differences."""
    lines = [f"Verdict {word}" + (f": {'; '.join(reasons)}." if reasons else ".")]
    names = [database.name for database in found.databases]
    width = max((len(name) for name in names), default=0)
    width = max(min(width, 40), len("database"))
    lines.append(f"{'database':{width}}  {'tables':>8}  {'rows':>14}  {'MiB':>10}  {'differences':>11}")
    for database in found.databases[:_LINES]:
        row = _database_result(database, found.differences)
        mib = row["size"] / 2**20
        name, count = database.name[:40], row["differences"]
        lines.append(f"{name:{width}}  {row['tables']:>8}  {row['rows']:>14}  {mib:>10.1f}  {count:>11}")
    for difference in found.differences[: min(_LINES, request.most_differences)]:
        where = f"{difference.database}: " if difference.database else ""
        lines.append(f"{where}{difference.kind} {difference.name}: {difference.difference}")
    left = len(found.differences) - min(_LINES, request.most_differences)
    return (
        lines + ([f"and {left} more differences"] if left > 0 else []) + [f"unread: {u}" for u in found.unread[:_LINES]]
    )
