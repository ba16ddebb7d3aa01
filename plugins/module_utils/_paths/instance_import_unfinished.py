# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is left of an instance import that is not finished: what is in flight, the checks, the plan. Pure.

Imported when something is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._alibaba import rds
from .._plan import FAIL, UNKNOWN, Check, Plan
from .instance_import_checks import checks_before_an_import
from .instance_import_plan import Observed, all_checks, coming, lost, remaining, state_on
from .instance_import_request import Request
from .instance_import_step import import_step

# What work in flight can still change, so that a failure now says nothing about the time after it.
_CHANGES_IN_FLIGHT = ("backup_age", "free_storage", "database_quota")


def plan_of_the_rest(request: Request, observed: Observed, before: Mapping[str, Any]) -> Plan:
    """before: the states of the wanted databases, as they are."""
    missing, arriving = remaining(request, observed), coming(request, observed)
    gone = lost(request, observed)
    if gone and not missing and not arriving:
        told = ", ".join(f"{t} is {state_on(observed, t)}" for t in gone)
        return Plan(state="unknown", predicted_state="unknown", before=before, after=before, unknown=told)
    if in_flight(request, observed):
        return _plan_in_flight(request, observed, before)
    reached = rds.DATABASE_RUNNING if request.wait else "in flight"
    after_states = {t: reached if t in missing.values() else state for t, state in before["databases"].items()}
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


def in_flight(request: Request, observed: Observed) -> bool:
    """Something occupies an instance, or a wanted database is on its way."""
    if observed.source is None and remaining(request, observed):
        return False
    return bool(observed.busy or coming(request, observed) or observed.running)


def shows_on_target(request: Request, observed: Observed) -> bool:
    """A sign of an import that can be ours: the source may be busy with another target."""
    busy = observed.target is not None and observed.target.state not in (None, rds.RUNNING)
    return bool(busy or coming(request, observed) or observed.running_on_target)


def checks_of_the_rest(request: Request, observed: Observed) -> list[Check]:
    """The items about databases that are not on the target, or not Running there."""
    missing = remaining(request, observed)
    items = _existing_states(request, observed)
    if missing:
        items += checks_before_an_import(request, observed, missing)
    if in_flight(request, observed):
        items = [_not_yet(item) if item.status == FAIL and item.name in _CHANGES_IN_FLIGHT else item for item in items]
    return items


def hopeless(request: Request, observed: Observed) -> bool:
    """Whether a check fails that no waiting can mend."""
    return any(item.status == FAIL for item in all_checks(request, observed))


def _not_yet(item: Check) -> Check:
    return item._replace(status=UNKNOWN, detail=f"Work is in flight. At the moment: {item.detail}")


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
