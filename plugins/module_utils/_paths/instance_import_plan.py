# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is left of an instance import, and what is to be done about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .._alibaba import rds
from .._plan import FAIL, UNKNOWN, WARN, Check, Plan
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
    missing, arriving = remaining(request, observed), coming(request, observed)
    wanted = sorted(request.databases.values())
    before_states = {t: state_on(observed, t) for t in wanted}
    before = {"instance_id": request.target, "databases": before_states}
    gone = lost(request, observed)
    if gone and not missing and not arriving:
        told = ", ".join(f"{t} is {state_on(observed, t)}" for t in gone)
        return Plan(state="unknown", predicted_state="unknown", before=before, after=before, unknown=told)
    if not missing and not arriving:
        return Plan(state="imported", predicted_state="imported", before=before, after=before)
    if in_flight(request, observed):
        return _plan_in_flight(request, observed, before)
    from .instance_import_step import import_step

    reached = rds.DATABASE_RUNNING if request.wait else "in flight"
    after_states = {t: reached if t in missing.values() else before_states[t] for t in wanted}
    after = {"instance_id": request.target, "databases": after_states}
    state_after = "unknown" if gone else "imported" if request.wait else "in_flight"
    step = import_step(request, observed, dict(sorted(missing.items(), key=lambda pair: pair[1])))
    return Plan(state="missing", steps=(step,), predicted_state=state_after, before=before, after=after)


def _plan_in_flight(request: Request, observed: Observed, before: Mapping[str, Any]) -> Plan:
    arriving = {state_on(observed, t) for t in coming(request, observed)}
    if not remaining(request, observed) and not request.wait and "Deleting" not in arriving:
        # Nothing to send, and nobody who waits for the end.
        return Plan(state="in_flight", predicted_state="in_flight", before=before, after=before)
    states = [f"{i.id} is {i.state}" for i in (observed.source, observed.target) if i and i.id in observed.busy]
    states += [f"{action} runs" for action in sorted(observed.running)]
    states += [f"database {d} is {state_on(observed, d)}" for d in sorted(coming(request, observed))]
    return Plan(
        state="unknown",
        predicted_state="unknown",
        before=before,
        after=before,
        unknown="; ".join(states) + ". Which databases the work in flight holds is not told by the service. A run "
        "with wait: true waits until it is over, looks again, and imports what is missing then.",
    )


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


def in_flight(request: Request, observed: Observed) -> bool:
    """Something occupies an instance, or a wanted database is on its way."""
    if observed.source is None and remaining(request, observed):
        return False
    return bool(observed.busy or coming(request, observed) or observed.running)


def shows_on_target(request: Request, observed: Observed) -> bool:
    """A sign of an import that can be ours: the source may be busy with another target."""
    busy = observed.target is not None and observed.target.state not in (None, rds.RUNNING)
    return bool(busy or coming(request, observed) or observed.running_on_target)


# What work in flight can still change, so that a failure now says nothing about the time after it.
_CHANGES_IN_FLIGHT = ("backup_age", "free_storage", "database_quota")


def all_checks(request: Request, observed: Observed) -> list[Check]:
    """Nothing but their presence is checked for databases that are on the target already: a finished migration stays
    finished when its source instance is changed or released.
    """
    missing = remaining(request, observed)
    items = [*_already_there(request, observed, missing), *_existing_states(request, observed)]
    if missing:
        from .instance_import_checks import checks_before_an_import

        items += checks_before_an_import(request, observed, missing)
    if in_flight(request, observed):
        items = [_not_yet(item) if item.status == FAIL and item.name in _CHANGES_IN_FLIGHT else item for item in items]
    return items


def hopeless(request: Request, observed: Observed) -> bool:
    """Whether a check fails that no waiting can mend."""
    return any(item.status == FAIL for item in all_checks(request, observed))


def _not_yet(item: Check) -> Check:
    return item._replace(status=UNKNOWN, detail=f"Work is in flight. At the moment: {item.detail}")


def _already_there(request: Request, observed: Observed, missing: Mapping[str, str]) -> list[Check]:
    arriving = coming(request, observed)
    there = sorted(t for s, t in request.databases.items() if s not in missing and t not in arriving)
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


def _existing_states(request: Request, observed: Observed) -> list[Check]:
    states = [f"{t} is {state_on(observed, t)}" for t in lost(request, observed)]
    if not states:
        return []
    return [
        Check(
            "target_databases_running",
            FAIL,
            f"On {request.target}: {', '.join(states)}. These do not become Running by waiting.",
            "Bring them back or delete them, or choose other target names in databases.",
        )
    ]


def state_on(observed: Observed, target: str) -> str:
    found = observed.target_databases.get(target)
    return found.state if found else "absent"
