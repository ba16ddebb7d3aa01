# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, pause, end, delete."""

from __future__ import annotations

from ..documents import Instant
from ..registry import Answer, Call
from ..transmission.model import DtsJob
from ..transmission.progress import begin_phases, begin_precheck, resume, stop, suspend
from ..world import World
from .answers import dts_action, refusal
from .lookup import find_job, find_jobs, require_status

_BEFORE_PRECHECK = ("NotStarted", "PrecheckFailed", "PreCheckPass")
_RUNNING = ("Migrating", "Retrying")


@dts_action("StartDtsJob", mutating=True)
def start_dts_job(world: World, call: Call) -> Answer:
    """Precheck, then the phases; or go on after a pause or a failure."""
    _start(world, find_job(world, call))
    return {}


@dts_action("StartDtsJobs", mutating=True)
def start_dts_jobs(world: World, call: Call) -> Answer:
    """StartDtsJob for each."""
    jobs = find_jobs(world, call)
    for job in jobs:
        _require_startable(world, job)
    for job in jobs:
        _start(world, job)
    return {}


@dts_action("SuspendDtsJob", mutating=True)
def suspend_dts_job(world: World, call: Call) -> Answer:
    """Pause a running job."""
    job = find_job(world, call)
    require_status(world, job, *_RUNNING)
    suspend(world, job)
    return {}


@dts_action("SuspendDtsJobs", mutating=True)
def suspend_dts_jobs(world: World, call: Call) -> Answer:
    """SuspendDtsJob for each."""
    jobs = find_jobs(world, call)
    for job in jobs:
        require_status(world, job, *_RUNNING)
    for job in jobs:
        suspend(world, job)
    return {}


@dts_action("StopDtsJob", mutating=True)
def stop_dts_job(world: World, call: Call) -> Answer:
    """End a job. It cannot be started again."""
    job = find_job(world, call)
    _require_stoppable(world, job)
    stop(world, job)
    return {}


@dts_action("StopDtsJobs", mutating=True)
def stop_dts_jobs(world: World, call: Call) -> Answer:
    """StopDtsJob for each."""
    jobs = find_jobs(world, call)
    for job in jobs:
        _require_stoppable(world, job)
    for job in jobs:
        stop(world, job)
    return {}


@dts_action("DeleteDtsJob", mutating=True)
def delete_dts_job(world: World, call: Call) -> Answer:
    """Give the instance back; its cost ends, the job is gone."""
    job = find_job(world, call)
    _require_deletable(world, job)
    _delete(world, job)
    return {}


@dts_action("DeleteDtsJobs", mutating=True)
def delete_dts_jobs(world: World, call: Call) -> Answer:
    """DeleteDtsJob for up to ten."""
    jobs = find_jobs(world, call, most=10)
    for job in jobs:
        _require_deletable(world, job)
    for job in jobs:
        _delete(world, job)
    return {}


@dts_action("ResetDtsJob", mutating=True)
def reset_dts_job(world: World, call: Call) -> Answer:
    """Back to before the start: for synchronisation only."""
    job = find_job(world, call)
    if job.type != "SYNC":
        raise refusal(world, "bad_dts_parameter", "A job of the type %s cannot be reset.", job.type)
    require_status(world, job, "Suspending", "MigrationFailed", "Finished")
    job.status, job.stage, job.phases, job.ended, job.error = "NotStarted", "", {}, None, ""
    return {}


def _start(world: World, job: DtsJob) -> None:
    _require_startable(world, job)
    if job.status in ("Suspending", "MigrationFailed"):
        resume(world, job)
    elif job.status == "PreCheckPass" and job.paid:
        begin_phases(world, job, world.clock.now())
    else:
        goes_on = job.paid and (world.variants["after_precheck"] == "goes_on")
        begin_precheck(world, job, goes_on)


def _require_startable(world: World, job: DtsJob) -> None:
    require_status(world, job, *_BEFORE_PRECHECK, "Suspending", "MigrationFailed")
    if not job.paid and world.variants["start_unpaid"] != "precheck":
        raise refusal(world, "start_unpaid", "The job is not paid for: %s.", job.status)


def _require_stoppable(world: World, job: DtsJob) -> None:
    if job.status in ("NotConfigured", "Finished"):
        raise refusal(world, "wrong_job_status", "The status of the job does not allow this: %s.", job.status)


def _require_deletable(world: World, job: DtsJob) -> None:
    if job.status in (*_RUNNING, "Prechecking") and world.variants["delete_running"] != "accepted":
        raise refusal(world, "delete_running", "The status of the job does not allow this: %s.", job.status)


def _delete(world: World, job: DtsJob) -> None:
    if job.status in (*_RUNNING, "MigrationFailed", "Suspending"):
        stop(world, job)
    world.state.dts_jobs.remove(job)
    for order in world.state.dts_orders:
        if order.job_id == job.id and order.kind == "buy":
            order.released = Instant(world.clock.now())
    for side in ("source", "target"):
        world.dts_passwords.pop((job.id, side), None)
