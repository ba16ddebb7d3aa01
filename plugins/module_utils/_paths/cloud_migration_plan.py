# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Where a cloud migration stands, and what is still to be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .._alibaba import rds
from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import FAILED, PASSED, PENDING
from .._alibaba.rds_instances import Instance
from .._plan import Plan, Step
from .cloud_migration_request import ASSESSED, REPLICATING, SWITCHED, Request

NONE, IN_FLIGHT, ASSESSING = "none", "in_flight", "assessing"


class Observed(NamedTuple):
    """The target at one moment. assessments, migrations: all of the instance, newest first.

    databases: names, where they were looked for and told. own: ids of assessments that this run began or waited for;
    they count whatever their age.
    """

    now: datetime
    instance: Instance | None
    assessments: tuple[api.Assessment, ...] = ()
    migrations: tuple[api.Migration, ...] = ()
    databases: frozenset[str] | None = None
    address: Mapping[str, Any] | None = None
    own: frozenset[str] = frozenset()

    @property
    def may_have_migrations(self) -> bool:
        return self.instance is not None and self.instance.engine in (None, "PostgreSQL")


def current(request: Request, observed: Observed) -> api.Migration | None:
    """The migration of this source to this instance, by whatever name and whoever started it; none that failed."""
    ours = [m for m in observed.migrations if m.source == request.source and not m.failed]
    return next((m for m in ours if m.in_flight), ours[0] if ours else None)


def failed_before(request: Request, observed: Observed) -> api.Migration | None:
    """The newest migration of this source, if it failed."""
    newest = next((m for m in observed.migrations if m.source == request.source), None)
    return newest if newest is not None and newest.failed else None


def others_in_flight(request: Request, observed: Observed) -> list[api.Migration]:
    return [m for m in observed.migrations if m.source != request.source and m.in_flight]


def newest_assessment(request: Request, observed: Observed) -> api.Assessment | None:
    """Of this source, by this account: what an account may do is part of what is assessed."""
    accounts = (None, request.account) if request.account else None
    ours = (a for a in observed.assessments if a.source == request.source)
    return next((a for a in ours if accounts is None or a.account in accounts), None)


def good_assessment(request: Request, observed: Observed) -> api.Assessment | None:
    """The newest assessment, if it passed, is young enough, and nothing failed after it."""
    found = newest_assessment(request, observed)
    if found is None or found.report.outcome != PASSED:
        return None
    if found.id in observed.own:
        return found
    failed = failed_before(request, observed)
    if found.created is None or (observed.now - found.created).total_seconds() > request.assessment_max_age:
        return None
    # The migration's own checks, or its copy, found what this assessment did not.
    outdated = failed is not None and (failed.created is None or found.created <= failed.created)
    return None if outdated else found


def pending_assessment(request: Request, observed: Observed) -> api.Assessment | None:
    """The newest assessment, if it may still be at work. One that stood still for long is not waited for."""
    found = newest_assessment(request, observed)
    if found is None or found.report.outcome != PENDING:
        return None
    last = found.modified or found.created
    if found.id in observed.own or last is None:
        return found
    return found if (observed.now - last).total_seconds() < request.stall_timeout else None


def plan(request: Request, observed: Observed) -> Plan:
    """The steps still to be done, or none."""
    found = current(request, observed)
    state, before = _standing(request, observed, found)
    if _reached(request, observed, found):
        return Plan(state=state, predicted_state=state, before=before, after=before)
    steps: list[Step] = []
    if found is None and pending_assessment(request, observed) is None and not good_assessment(request, observed):
        steps.append(_precheck(request, observed))
    if found is None and request.state != ASSESSED:
        steps.append(_create(request))
    if request.state == SWITCHED and (found is None or found.stage != api.SWITCH):
        steps.append(_activate(request, found))
    if not steps and not request.wait:
        # Nothing to send, and nobody who waits for the end.
        return Plan(state=state, predicted_state=state, before=before, after=before)
    after = {**before, **_after(request)}
    return Plan(
        state=state,
        steps=tuple(steps),
        predicted_state=request.state if request.wait else IN_FLIGHT,
        before=before,
        after=after,
        in_flight=() if steps else (str(request.source),),
    )


def _reached(request: Request, observed: Observed, found: api.Migration | None) -> bool:
    """A later state satisfies an earlier wish."""
    if request.state == ASSESSED:
        return found is not None or good_assessment(request, observed) is not None
    if found is None:
        return False
    if request.state == REPLICATING:
        return found.streams or found.stage in (api.SWITCH, api.SUCCESS)
    return found.stage == api.SUCCESS


def _standing(request: Request, observed: Observed, found: api.Migration | None) -> tuple[str, dict[str, Any]]:
    """The state, and what users name of it."""
    if found is not None:
        state = SWITCHED if found.stage == api.SUCCESS else REPLICATING if found.streams else IN_FLIGHT
        stage, replication = found.stage, found.state
    elif pending_assessment(request, observed):
        state, stage, replication = IN_FLIGHT, ASSESSING, NONE
    else:
        state = stage = ASSESSED if good_assessment(request, observed) else NONE
        replication = NONE
    named = {"instance_id": request.instance_id, "source": str(request.source)}
    return state, {**named, "stage": stage, "replication": replication}


def _after(request: Request) -> dict[str, str]:
    if not request.wait:
        return {"stage": "in flight", "replication": rds.UNTOLD}
    stage, replication = {
        ASSESSED: (ASSESSED, NONE),
        REPLICATING: (api.INCREMENT, api.STREAMING),
        SWITCHED: (api.SUCCESS, "finish"),
    }[request.state]
    return {"stage": stage, "replication": replication}


def _precheck(request: Request, observed: Observed) -> Step:
    last = newest_assessment(request, observed)
    if last is None:
        why = f"{request.source} has not been assessed for {request.instance_id}"
    elif last.report.outcome == FAILED:
        why = f"assessment {last.id} failed"
    elif last.report.outcome == PENDING:
        why = f"assessment {last.id} stands still"
    else:
        why = f"assessment {last.id} is too old, or a migration failed after it"
    return _step(request, api.PRECHECK, why, _source_parameters(request))


def _create(request: Request) -> Step:
    why = f"no migration of {request.source} to {request.instance_id} runs"
    return _step(request, api.CREATE, why, _source_parameters(request))


def _activate(request: Request, found: api.Migration | None) -> Step:
    stage = found.stage if found else "about to be copied"
    step = _step(
        request,
        api.ACTIVATE,
        f"the migration of {request.source} is {stage}, and {request.instance_id} is to take over",
        {"DBInstanceName": request.instance_id, **request.switch},
    )
    return step._replace(one_way=True, choices=dict(request.switch_choices))


def _step(request: Request, action: str, why: str, parameters: Mapping[str, Any]) -> Step:
    source = str(request.source)
    return Step(action, request.instance_id, (source,), why, parameters, source=source)


def _source_parameters(request: Request) -> dict[str, Any]:
    return api.source_parameters(
        request.instance_id, request.source, request.account, request.category, request.task_name
    )
