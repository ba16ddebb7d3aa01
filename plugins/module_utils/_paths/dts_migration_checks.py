# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items of a DTS migration. Pure functions of what was asked for and what was observed."""

from __future__ import annotations

from .._alibaba import dts_model as api
from .._alibaba.dts_model import Job
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .dts_migration_changes import fixed_differences, logins_without_password, untold, wrong_retries
from .dts_migration_plan import COMPLETE, Observed, is_caught_up, plan
from .dts_migration_request import ABSENT, FORWARD, SIDES, STOPPED, SUSPENDED, Request


def all_checks(request: Request, observed: Observed) -> list[Check]:
    """Of a job that does not run yet everything around it; of one that runs the job alone."""
    items = _hints(request)
    job = observed.job
    if job is None and request.state in (STOPPED, SUSPENDED):
        return [*items, _no_job(request)]
    if job is not None:
        items += _of_job(request, observed, job)
    if request.state in FORWARD:
        items += _options(request, job)
        if observed.sides is not None:
            from .dts_migration_surroundings_checks import checks_of_surroundings

            items += checks_of_surroundings(request, observed)
        items += _cost(request, observed)
    return items


def _hints(request: Request) -> list[Check]:
    items = []
    if request.weak_secrets:
        told = " and ".join(f"{side}.password" for side in request.weak_secrets)
        text = f"{told}: so short or so common that masking it blanks other values in the output."
        items.append(
            Check("weak_secret", WARN, text, "Use a password of at least 8 characters that is part of no name.")
        )
    if request.hints:
        items.append(Check("retry_times", WARN, f"{'; '.join(request.hints)}.", "Raise them unless this is meant."))
    return items


def _no_job(request: Request) -> Check:
    text = f"There is no job {request.name} from {request.source} to {request.destination}."
    return Check("job_exists", FAIL, text, "Correct name, source, destination or region.")


def _of_job(request: Request, observed: Observed, job: Job) -> list[Check]:
    items = [Check("job_exists", PASS, f"job {job.id} is {job.status}")]
    if job.status not in api.STATUSES:
        text = f"Status {job.status!r} is not documented; the job counts as running."
        items.append(Check("job_status", WARN, text, "Look at it in the DTS console."))
    if job.status == api.LOCKED and request.state != ABSENT:
        items.append(
            Check("job_locked", FAIL, f"{job.id} is locked, as jobs are that are not paid.", "Settle its bill.")
        )
    if job.status == api.RETRYING:
        text = f"{job.id} retries after a fault: {job.error or 'the service does not tell which'}."
        items.append(Check("job_retries", WARN, text, "Look at both databases; the job fails after its retry time."))
    if job.status == api.FAILED:
        items.append(Check("job_failed", WARN, f"{job.id} failed: {job.error or 'no reason is told'}.", job.remedy))
    if request.state in FORWARD:
        items += _forward(request, observed, job)
    elif request.state == SUSPENDED and job.status not in (api.MIGRATING, api.RETRYING, api.SUSPENDED, api.FINISHED):
        items.append(Check("can_suspend", FAIL, f"{job.id} is {job.status}; only what runs can be paused.", ""))
    elif request.state in (STOPPED, ABSENT) and job.status in (api.MIGRATING, api.RETRYING, api.SUSPENDED, api.FAILED):
        items.append(_delay(request, job))
    return items


def _forward(request: Request, observed: Observed, job: Job) -> list[Check]:
    items = []
    if job.status == api.FINISHED and job.completed is None:
        text = f"{job.id} is over, and the service does not tell whether it was complete or stopped on the way."
        remedy = f"Compare source and destination. If they are equal, name {COMPLETE} in accept."
        items.append(Check(COMPLETE, UNKNOWN, text, remedy))
    if job.completed is False and job.status == api.FINISHED:
        text = f"{job.id} was stopped before it was complete, and a stopped job cannot be started again."
        remedy = "Delete it with state: absent (and confirm) to begin anew, or give another name."
        items.append(Check("job_stopped", FAIL, text, remedy))
    different = fixed_differences(request, observed)
    if different:
        text = f"What cannot be changed at {job.id} differs: {'; '.join(different)}."
        remedy = "Leave these options out, or delete the job with state: absent (and confirm) and run again."
        if job.status == api.FINISHED:
            text = f"{job.id} is over, and what it did is not what is asked for: {'; '.join(different)}."
            remedy = "Give another name, or delete the job with state: absent (and confirm) and run again."
        items.append(Check("settings_fixed", FAIL, text, remedy))
    unknown = untold(request, observed)
    if unknown:
        text = (
            f"The service does not tell what {job.id} has of these options: {', '.join(unknown)}. Nothing is changed."
        )
        items.append(Check("settings_unknown", UNKNOWN, text, "Compare them in the DTS console, or leave them out."))
    wrong = wrong_retries(request, job)
    if wrong:
        text = f"Together with what {job.id} has, {wrong}."
        items.append(Check("retry_order", FAIL, text, "Set retry_connection_minutes and retry_other_minutes."))
    if observed.precheck is not None and observed.precheck.open:
        told = "; ".join(f"{item.check}: {item.reason}" for item in observed.precheck.open)
        items.append(Check("last_precheck", WARN, f"The last precheck failed: {told}.", "A run repeats it."))
    return items


def _delay(request: Request, job: Job) -> Check:
    """In front of the end: what is not on the destination by then never comes."""
    if api.INCREMENTAL not in job.kinds:
        text = f"{job.id} is not complete ({', '.join(f'{k} {p.status}' for k, p in job.phases.items())})."
        return Check("delay", WARN, text, "Wait with state: caught_up first.")
    if is_caught_up(request, job):
        return Check("delay", PASS, f"the destination is {job.delay} ms behind")
    if job.delay is None:
        return Check(
            "delay", UNKNOWN, "The service does not tell how far the destination is behind.", "Look at the job."
        )
    text = f"The destination is {job.delay} ms behind, or changes are still being applied."
    return Check("delay", WARN, text, "Stop the writes on the source and wait with state: caught_up first.")


def _options(request: Request, job: Job | None) -> list[Check]:
    """A job that is to be made needs what a job that is there already knows."""
    if job is not None:
        return _logins(request, job)
    missing = [f"{side}.account" for side in SIDES if not request.side(side).account]
    missing += [f"{side}.password" for side in SIDES if not request.side(side).has_password]
    missing += ["objects"] if request.objects is None else []
    if not missing:
        return [Check("job_options", PASS, "everything that a new job needs is given")]
    text = f"There is no job {request.name} yet, and a new one needs more."
    return [Check("job_options", FAIL, text, f"Set {', '.join(missing)}.")]


def _logins(request: Request, job: Job) -> list[Check]:
    sides = logins_without_password(request, job)
    if not sides:
        return []
    told = " and ".join(f"at the {side} as {getattr(job, side).account}" for side in sides)
    text = f"{job.id} logs in {told}. Another account needs its password, which is missing."
    wanted = ", ".join(f"{side}.password" for side in sides)
    kept = ", ".join(f"{side}.account" for side in sides)
    return [Check("job_options", FAIL, text, f"Set {wanted}, or leave {kept} out to keep the account.")]


def _cost(request: Request, observed: Observed) -> list[Check]:
    buys = next((step for step in plan(request, observed).steps if step.action == api.BUY), None)
    if buys is None:
        return []
    kinds = observed.job.kinds if observed.job is not None else request.wanted_kinds
    traffic = "Traffic over the Internet is charged where data leave Alibaba Cloud."
    incremental, prepaid = api.INCREMENTAL in kinds, request.purchase.get("PayType") == "PrePaid"
    if not incremental and not prepaid:
        return [Check("cost", PASS, f"schema and full migration are free of a configuration fee. {traffic}")]
    told = ["Incremental migration is charged from its purchase until the job is deleted."] if incremental else []
    told += ["A subscription is paid in advance."] if prepaid else []
    remedy = "See the price of the class in the console; without incremental and PrePaid there is no configuration fee."
    return [Check("cost", WARN, f"{' '.join(told)} {traffic}", remedy)]
