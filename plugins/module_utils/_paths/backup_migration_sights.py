# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of a migration from backups while it is waited for. The service tells states, no percentages."""

from __future__ import annotations

from collections.abc import Sequence

from .._alibaba import rds_backup_tasks as api
from .._progress import ALL, Sight, Watch
from .backup_migration_work import Work

# Databases that are told of one by one; all of them are in the sum.
_SHOWN = 12


def watch(instance_id: str, works: Sequence[Work]) -> Watch:
    return Watch("rds_oss_backup_migrate", instance_id, lambda _over: sights(works))


def sights(works: Sequence[Work]) -> list[Sight]:
    """All databases together, then those that are on their way."""
    done = sum(work.done for work in works)
    going = [work for work in works if work.awaiting]
    summed = Sight(ALL, f"{len(going)} on their way", done, len(works), "databases")
    return [summed, *(Sight(work.target, _stage(work)) for work in going[:_SHOWN])]


def named(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _stage(work: Work) -> str:
    if work.sent is not None and work.sent.action == api.OPEN:
        return "being opened"
    left = f", {len(work.steps)} more to come" if work.steps else ""
    return ("applying a file" if work.in_chain else "restoring") + left
