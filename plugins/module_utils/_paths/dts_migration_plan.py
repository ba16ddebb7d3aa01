# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The steps of a DTS migration that are still to be done. Pure functions of what was asked for and what was observed.

A job is configured first, which costs nothing, and bought by its id afterwards: a purchase belongs to a job that can be
found again, so that nothing is bought twice. Between the two its precheck runs, so that nothing is bought in vain.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .._alibaba import dts_model as api
from .._alibaba.dts_model import Job, Precheck
from .._plan import Plan, Step
from .dts_migration_request import (
    ABSENT,
    CONFIGURED,
    FORWARD,
    PRECHECKED,
    RUNNING,
    STOPPED,
    SUSPENDED,
    Request,
)

if TYPE_CHECKING:
    from .._alibaba.ram import Grant, Policy
    from .._alibaba.rds_instances import Instance

# Parameters that the service fills, so that no two runs have the same.
IDS = frozenset({"DtsJobId", "DtsInstanceId", "JobId"})
# Stands in a step's parameters for the ids of a job that the run makes first.
TO_COME = "told by ConfigureDtsJob"
NONE, IN_FLIGHT = "none", "in_flight"
# The check that a user may accept where the service does not tell.
COMPLETE = "job_complete"
_AT_REST = (api.FINISHED, api.LOCKED)
_STATES = {
    api.NOT_STARTED: CONFIGURED,
    api.PRECHECKING: "prechecking",
    api.PRECHECK_FAILED: "precheck_failed",
    api.PRECHECKED: PRECHECKED,
    api.SUSPENDED: SUSPENDED,
    api.FAILED: "failed",
    api.FINISHED: STOPPED,
    api.LOCKED: "locked",
}


class RoleFacts(NamedTuple):
    """What the account that owns a side tells about the role. account_id: that account. None, empty: not told."""

    account_id: str
    exists: bool | None = None
    grants: frozenset[Grant] | None = None
    policies: tuple[Policy, ...] | None = None


class SideFacts(NamedTuple):
    """What RDS tells about one side. readable: whether it could be asked at all. None: not told."""

    readable: bool = False
    instance: Instance | None = None
    missing: bool = False
    databases: Mapping[str, int | None] | None = None
    accounts: tuple[Mapping[str, Any], ...] | None = None
    white_list: tuple[str, ...] | None = None
    used: int | None = None


class Observed(NamedTuple):
    """job: the one with this name between these endpoints. account_id: of the caller. None: not looked at, not told.
    roles, sides: by side.

    settled: a second look agreed that the job has caught up.
    """

    job: Job | None = None
    precheck: Precheck | None = None
    owners: Mapping[str, tuple[str | None, str | None]] | None = None
    alarms: Mapping[str, Mapping[str, Any]] | None = None
    account_id: str = ""
    default_role: bool | None = None
    roles: Mapping[str, RoleFacts] | None = None
    sides: Mapping[str, SideFacts] | None = None
    servers: tuple[str, ...] | None = None
    settled: bool = True
    rehearsal: bool = False


def plan(request: Request, observed: Observed) -> Plan:
    """The steps still to be done, or none."""
    job = observed.job
    done = reached(request, observed)
    state = request.state if done else state_of(job)
    before = _named(request, job, state)
    if request.state in FORWARD and is_complete(request, job) is None:
        told = f"whether {request.name} was complete when it ended is not told"
        return Plan(state=state, predicted_state=state, before=before, after=before, unknown=told)
    steps = () if done else _steps(request, observed)
    if done and request.state in FORWARD:
        steps = _changes(request, observed)
    waits = request.wait and not done and not steps and _goes_on(request, job)
    if not steps and not waits:
        return Plan(state=state, predicted_state=state, before=before, after=before)
    after_state = request.state if request.wait else IN_FLIGHT
    after = {**before, "state": after_state, **_named_after(request, job, steps)}
    if request.state == ABSENT and request.wait:
        after = _named(request, None, ABSENT)
    return Plan(state, steps, after_state, before, after, in_flight=(request.name,) if waits else ())


def _goes_on(request: Request, job: Job | None) -> bool:
    """Whether the wanted state is on its way by itself."""
    return request.state in FORWARD and job is not None and job.status not in _AT_REST


def state_of(job: Job | None) -> str:
    """Where a job stands. A status that nobody documented counts as running."""
    return NONE if job is None else _STATES.get(job.status, RUNNING)


def reached(request: Request, observed: Observed) -> bool:
    """A later state satisfies an earlier wish."""
    job, state = observed.job, request.state
    if state == ABSENT or job is None:
        return state == ABSENT and job is None
    if job.status == api.FINISHED:
        return state in (STOPPED, SUSPENDED) or is_complete(request, job) is True
    if state in (STOPPED, SUSPENDED):
        return state == SUSPENDED and job.status == api.SUSPENDED
    if state == CONFIGURED:
        return True
    if state == PRECHECKED:
        return job.status not in (api.NOT_STARTED, api.PRECHECKING, api.PRECHECK_FAILED)
    runs = job.status not in (*_STATES, api.NOT_CONFIGURED)
    if state == RUNNING:
        return runs
    return is_caught_up(request, job) and observed.settled


def is_complete(request: Request, job: Job | None) -> bool | None:
    """Whether a job ended with its work done, as the service tells it or, where it does not, as the user accepts it."""
    if job is None:
        return False
    return True if job.completed is None and COMPLETE in request.accept else job.completed


def is_caught_up(request: Request, job: Job) -> bool:
    """In one look: all changes are over, and the delay is told and small enough."""
    if api.INCREMENTAL not in job.kinds:
        return job.caught_up
    return job.caught_up and job.delay is not None and job.delay <= request.max_lag


def _steps(request: Request, observed: Observed) -> tuple[Step, ...]:
    job = observed.job
    if request.state == ABSENT:
        return _removal(request, job)
    if request.state == STOPPED:
        return (_on_job(request, job, api.STOP, "the migration is to end", one_way=True),) if job else ()
    if request.state == SUSPENDED:
        runs = job is not None and job.status in (api.MIGRATING, api.RETRYING)
        return (_on_job(request, job, api.SUSPEND, "it is to be paused"),) if runs else ()
    if job is not None and job.status in _AT_REST:
        return ()
    changes = _changes(request, observed) if job is not None else ()
    return (*((_configure(request),) if job is None else ()), *changes, *_onward(request, observed, bool(changes)))


def _onward(request: Request, observed: Observed, changed: bool) -> tuple[Step, ...]:
    """From a configured job to one that runs."""
    job = observed.job
    if request.state == CONFIGURED:
        return ()
    if job is not None and job.paid:
        return _start_of_paid(request, observed)
    steps = []
    status = job.status if job else api.NOT_STARTED
    if not request.precheck_first:
        steps.append(_buy(request, job, start=False))
        return (*steps, _on_job(request, job, api.START, "its precheck runs, and then it"))
    if status in (api.NOT_STARTED, api.PRECHECK_FAILED) or (status == api.PRECHECKED and changed):
        steps += _skipping(request, observed)
        steps.append(_on_job(request, job, api.START, "its precheck is to run, before anything is bought"))
    if request.state != PRECHECKED:
        steps.append(_buy(request, job, start=True))
    return tuple(steps)


def _start_of_paid(request: Request, observed: Observed) -> tuple[Step, ...]:
    job = observed.job
    at_rest = (api.NOT_STARTED, api.PRECHECK_FAILED, api.PRECHECKED, api.SUSPENDED, api.FAILED)
    if job is None or job.status not in at_rest:
        return ()
    why = {api.SUSPENDED: "it is paused", api.FAILED: "it failed"}.get(job.status, "it is bought and does not run")
    return (*_skipping(request, observed), _on_job(request, job, api.START, why))


def _skipping(request: Request, observed: Observed) -> tuple[Step, ...]:
    """Alerts of the last precheck that somebody accepted by name."""
    job, found = observed.job, observed.precheck
    if job is None or found is None or job.status != api.PRECHECK_FAILED:
        return ()
    codes = [item.code for item in found.open if item.state == "alert" and item.check in request.accept]
    return (skip_step(request, job, found, codes),) if codes else ()


def skip_step(request: Request, job: Job, found: Precheck, codes: list[str]) -> Step:
    step = _on_job(request, job, api.SKIP, f"accepted: {', '.join(codes)}")
    items = json.dumps(codes, separators=(",", ":"))
    parameters = {"DtsJobId": job.id, "RegionId": request.region, "JobId": found.id or None}
    return step._replace(parameters={**parameters, "Skip": True, "SkipPreCheckItems": items})


def _removal(request: Request, job: Job | None) -> tuple[Step, ...]:
    if job is None:
        return ()
    delete = _on_job(request, job, api.DELETE, "the job is to be gone, and its cost to end", one_way=True)
    if job.status in (api.MIGRATING, api.RETRYING, api.PRECHECKING):
        return (_on_job(request, job, api.STOP, "a running job is ended first", one_way=True), delete)
    return (delete,)


def _changes(request: Request, observed: Observed) -> tuple[Step, ...]:
    from .dts_migration_changes import changes

    return changes(request, observed)


def _configure(request: Request) -> Step:
    from .dts_migration_parameters import configure_parameters

    why = f"there is no job {request.name} from {request.source} to {request.destination}"
    return _step(request, api.CONFIGURE, why, configure_parameters(request), {})


def _buy(request: Request, job: Job | None, *, start: bool) -> Step:
    kinds = job.kinds if job else request.wanted_kinds
    charged = "incremental migration is charged" if api.INCREMENTAL in kinds else "this kind is free of charge"
    parameters = {"JobId": job.id if job else TO_COME, "RegionId": request.region, **request.purchase}
    parameters["AutoStart"] = start
    return _step(request, api.BUY, f"its instance is not bought yet; {charged}", parameters, dict(request.purchase))


def _on_job(request: Request, job: Job | None, action: str, why: str, *, one_way: bool = False) -> Step:
    parameters: dict[str, Any] = {"DtsJobId": job.id if job else TO_COME, "RegionId": request.region}
    return _step(request, action, why, parameters, {})._replace(one_way=one_way)


def _step(request: Request, action: str, why: str, parameters: Mapping[str, Any], choices: Mapping[str, Any]) -> Step:
    return Step(
        action, request.target, (request.name,), why, parameters, str(request.source), IDS, choices=choices
    )  # fmt: skip


def _named(request: Request, job: Job | None, state: str) -> dict[str, Any]:
    named = {"name": request.name, "source": str(request.source), "destination": str(request.destination)}
    if job is None:
        return {**named, "state": ABSENT if request.state == ABSENT else state, "bought": False}
    from .dts_migration_changes import shown

    return {**named, "state": state, "bought": job.paid, **shown(request, job)}


def _named_after(request: Request, job: Job | None, steps: tuple[Step, ...]) -> dict[str, Any]:
    if request.state == ABSENT:
        return {"bought": False}
    bought = bool(job and job.paid) or any(step.action == api.BUY for step in steps)
    if job is not None and request.state not in FORWARD:
        # Who pauses or ends a job changes nothing else of it, whatever else is wished.
        return {"bought": bought}
    from .dts_migration_changes import shown_after

    return {"bought": bought, **shown_after(request, job)}
