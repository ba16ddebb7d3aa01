# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of an instance import while it is waited for. The service tells no percentage, only states."""

from __future__ import annotations

from .._alibaba import rds
from .._progress import Sight, Watch
from .instance_import_plan import Observed, state_on
from .instance_import_request import Request

# Databases that are told of one by one; all of them are in the sum.
_SHOWN = 10


def watch(request: Request) -> Watch:
    return Watch("rds_import_between_instances", request.target, lambda seen: sights(request, seen))


def sights(request: Request, seen: Observed) -> list[Sight]:
    """Both instances, with the databases that are there; then those that are on their way."""
    states = {name: state_on(seen, name) for name in sorted(request.databases.values())}
    running = sum(state == rds.DATABASE_RUNNING for state in states.values())
    both = [f"{i.id} {i.state or 'unknown'}" for i in (seen.source, seen.target) if i is not None]
    summed = Sight(request.target, ", ".join(both), running, len(states), "databases")
    coming = [Sight(name, state) for name, state in states.items() if state not in (rds.DATABASE_RUNNING, "missing")]
    return [summed, *coming[:_SHOWN]]
