# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What tasks that compare two servers have in common, whatever the engine: their options, and what they require."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from .._failure import BadRequest, MigrationFailure
from .comparison_report import CONSISTENT, EQUAL, SAMPLE

NAMES = {"type": "list", "elements": "str", "default": []}
COMPARISON_OPTIONS: dict[str, dict[str, Any]] = {
    "databases": NAMES,
    "exclude_databases": NAMES,
    "tables": NAMES,
    "exclude_tables": NAMES,
    "contents": {"type": "str", "choices": ["hash", "count"], "default": "hash"},
    "parallel": {"type": "int", "default": 2},
    "most_differences": {"type": "int", "default": 100},
    "most_tables": {"type": "int", "default": 1000},
    "require": {"type": "str", "choices": ["report", "no_difference", "equal"], "default": "report"},
    "connect_timeout": {"type": "float", "default": 10},
    "statement_timeout": {"type": "float", "default": 0},
}


def comparison_problems(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with the options that all such tasks have."""
    problems = [
        f"{name} must be at least {least}"
        for name, least in (("parallel", 1), ("most_differences", 0), ("most_tables", 0))
        if options[name] < least
    ]
    return problems + (["parallel must be at most 64"] if options["parallel"] > 64 else [])


def wanted(name: str, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """An empty name is that of what is in no schema, which no pattern chooses or leaves out."""
    if not name:
        return True
    included = not include or any(fnmatch.fnmatchcase(name, pattern) for pattern in include)
    return included and not any(fnmatch.fnmatchcase(name, pattern) for pattern in exclude)


def require_two_servers(same: bool) -> None:
    """Comparing a server with itself would always find it equal."""
    if same:
        raise BadRequest(
            "source and target are the same server.",
            code="same_server",
            remedy="Correct source or target.",
        )


def require_databases(named: Sequence[str], chosen: Sequence[str], here: Sequence[str]) -> None:
    """Raises BadRequest when no database of the source is chosen, or one is named that is not there."""
    unknown = [name for name in named if not set(name) & set("*?[") and name not in here]
    if not chosen or unknown:
        raise BadRequest(
            f"The source has no database {', '.join(unknown) or 'that is to be compared'}.",
            code="invalid_options",
            remedy="Correct databases or exclude_databases.",
        )


def require_verdict(wanted: str, result: dict[str, Any]) -> None:
    """Fails where the task wants a better verdict, with the result's words."""
    enough = {"report": True, "no_difference": result["verdict"] in (EQUAL, CONSISTENT, SAMPLE)}
    if enough.get(wanted, result["verdict"] == EQUAL):
        return
    raise Unequal(
        "\n".join([f"The verdict is {result['verdict']}, and the task requires {wanted}.", *result["summary"]]),
        result,
    )


class Unequal(MigrationFailure):
    """The comparison is over, and its verdict is not good enough. result: all of it."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message, code="not_equal", remedy="See differences, unread and not_equal_because.")
        self.result = result
