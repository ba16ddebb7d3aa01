# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of a cloud migration while it is waited for."""

from __future__ import annotations

from collections.abc import Callable

from .._alibaba import rds_cloud_migration as api
from .._progress import Sight, Watch
from .cloud_migration_plan import Observed
from .cloud_migration_request import Request


def watch(
    request: Request,
    migration: Callable[[Observed], api.Migration | None],
    assessment: Callable[[Observed], api.Assessment | None],
) -> Watch:
    """migration, assessment: those that the run is about."""
    return Watch(
        "rds_cloud_migration", request.instance_id, lambda seen: sights(request, migration(seen), assessment(seen))
    )


def sights(request: Request, found: api.Migration | None, assessed: api.Assessment | None) -> list[Sight]:
    """The migration, or its assessment where there is no migration yet."""
    subject = str(request.source)
    if found is None:
        return [Sight(subject, f"assessment {assessed.report.outcome if assessed else 'not listed yet'}")]
    told = found.replication
    return [Sight(subject, f"{found.stage} {found.state}", lag_bytes=told.lag_bytes, lag_seconds=told.lag_seconds)]
