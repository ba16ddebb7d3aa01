# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether anything is left of an instance import, and what is to be done about it. Pure.

Most runs find nothing left. What is told of the others: instance_import_unfinished.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from .._alibaba import rds
from .._plan import FAIL, WARN, Check, Plan
from .instance_import_request import Request

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Backup
    from .._alibaba.rds_instances import Instance


class Observed(NamedTuple):
    """Both instances at one moment. None: there is no such instance, or the service did not tell.

    running: actions of imports and copies that a task list of either instance shows as unfinished; running_on_target:
    those of the target's list.
    """

    now: datetime
    source: Instance | None
    target: Instance | None
    source_databases: Mapping[str, rds.Database] = MappingProxyType({})
    target_databases: Mapping[str, rds.Database] = MappingProxyType({})
    source_used: int | None = None
    target_used: int | None = None
    backups: tuple[Backup, ...] | None = None
    running: frozenset[str] = frozenset()
    running_on_target: frozenset[str] = frozenset()

    @property
    def busy(self) -> list[str]:
        """The instances that are known to be in another state than Running."""
        return [i.id for i in (self.source, self.target) if i is not None and i.state not in (None, rds.RUNNING)]


def plan(request: Request, observed: Observed) -> Plan:
    """The step still to be done, or none, or why that cannot be told. Pure."""
    before = {
        "instance_id": request.target,
        "databases": {t: state_on(observed, t) for t in sorted(request.databases.values())},
    }
    if is_finished(request, observed):
        return Plan(state="imported", predicted_state="imported", before=before, after=before)
    from .instance_import_unfinished import plan_of_the_rest

    return plan_of_the_rest(request, observed, before)


def all_checks(request: Request, observed: Observed) -> list[Check]:
    """Nothing but their presence is checked for databases that are on the target already: a finished migration stays
    finished when its source instance is changed or released.
    """
    there = _already_there(request, observed)
    if is_finished(request, observed):
        return there
    from .instance_import_unfinished import checks_of_the_rest

    return [*there, *checks_of_the_rest(request, observed)]


def is_finished(request: Request, observed: Observed) -> bool:
    """Every wanted database is on the target, and Running."""
    return all(state_on(observed, t) == rds.DATABASE_RUNNING for t in request.databases.values())


def remaining(request: Request, observed: Observed) -> dict[str, str]:
    """{source: target} of the databases that are not on the target."""
    return {s: t for s, t in request.databases.items() if t not in observed.target_databases}


def coming(request: Request, observed: Observed) -> set[str]:
    """Target names that are listed and not Running yet. A state nobody documented counts as on its way."""
    settled = {rds.DATABASE_RUNNING, *rds.DATABASE_LOST}
    listed = observed.target_databases
    return {t for t in request.databases.values() if t in listed and listed[t].state not in settled}


def lost(request: Request, observed: Observed) -> list[str]:
    """Target names that are listed in a state from which they do not become Running by waiting."""
    listed = observed.target_databases
    return sorted(t for t in request.databases.values() if t in listed and listed[t].state in rds.DATABASE_LOST)


def _already_there(request: Request, observed: Observed) -> list[Check]:
    absent = coming(request, observed) | set(remaining(request, observed).values())
    there = sorted(t for t in request.databases.values() if t not in absent)
    if not there:
        return []
    return [
        Check(
            "already_there",
            FAIL if request.on_existing == "fail" else WARN,
            f"{request.target} already has {', '.join(there)}. Nothing proves that they come from {request.source}.",
            "Compare them with the source; choose other target names in databases, or set on_existing: accept.",
        )
    ]


def state_on(observed: Observed, target: str) -> str:
    found = observed.target_databases.get(target)
    return found.state if found else "absent"
