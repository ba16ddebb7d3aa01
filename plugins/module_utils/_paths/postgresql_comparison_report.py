# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of a comparison of PostgreSQL servers beyond what all engines have. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._databases import postgresql_compare_stillness as stillness
from .._databases.comparison import Wish
from .._databases.postgresql_connection import Server
from .comparison_report import Found, common_result

_REMEDIES = {
    "everything_read": "Use an account that may read it, such as a member of pg_read_all_data.",
    "source_frozen": "Freeze the source with postgresql_source, state frozen.",
}


class Request(NamedTuple):
    """Patterns are those of the shell. roles: patterns of roles to leave out."""

    source: Server
    target: Server
    databases: tuple[str, ...]
    exclude_databases: tuple[str, ...]
    exclude_roles: tuple[str, ...]
    wish: Wish
    hash_function: str
    most_differences: int
    most_tables: int
    require: str


def as_result(
    request: Request,
    found: Found,
    before: stillness.Moment,
    after: stillness.Moment,
    target: stillness.Moment,
    seconds: float,
) -> dict[str, Any]:
    return {
        **common_result(request, found, _REMEDIES, seconds),
        "wal_position": {"source_begin": before.position, "source_end": after.position, "target_end": target.position},
        "target_in_recovery": target.in_recovery,
    }
