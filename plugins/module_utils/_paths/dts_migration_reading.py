# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Reads the job of a DTS migration. What is around it is read before a start: dts_migration_surroundings_reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from .._alibaba import dts_model as api
from .._alibaba.dts import Jobs
from .._alibaba.dts_model import Job
from .._alibaba.errors import ServiceError
from .._failure import MigrationFailure
from .dts_migration_plan import Observed
from .dts_migration_request import FORWARD, SIDES, Request

T = TypeVar("T")
_NOT_BEGUN = (api.NOT_STARTED, api.PRECHECK_FAILED, api.PRECHECKING)


def find_job(jobs: Jobs, request: Request) -> Job | None:
    """The one job with this name between these endpoints. Raises where there are two, or only others of the name."""
    named = jobs.named(request.name)
    found = [j for j in named if request.source.is_same(j.source) and request.destination.is_same(j.destination)]
    if len(found) == 1 or not named:
        return found[0] if found else None
    from . import dts_migration_failures as failures

    raise failures.several_jobs(request, found) if found else failures.name_taken(request, named)


def observe_job(jobs: Jobs, request: Request, seen: Observed) -> Observed:
    """The job, and of its details what the plan asks for."""
    job = find_job(jobs, request)
    seen = seen._replace(job=job)
    if job is None:
        return seen
    if job.status == api.PRECHECK_FAILED:
        seen = seen._replace(precheck=jobs.precheck(job.id))
    if any(request.side(side).role for side in SIDES):
        seen = seen._replace(owners=unless_refused(lambda: jobs.owners(job.id)))
    if request.alarms.delay is not None or request.alarms.error is not None:
        seen = seen._replace(alarms=unless_refused(lambda: jobs.alarms(job.id)))
    return seen


def begins(request: Request, seen: Observed) -> bool:
    """Whether something is to start. Only then its surroundings are of interest."""
    return request.state in FORWARD and (seen.job is None or seen.job.status in _NOT_BEGUN)


def unless_refused(read: Callable[[], T]) -> T | None:
    """None where the service refuses a reading that only informs."""
    try:
        return read()
    except ServiceError as error:
        if error.inconclusive:
            raise
    except MigrationFailure as failure:
        from .._alibaba.sts import UNKNOWN_ACCOUNT

        if failure.code != UNKNOWN_ACCOUNT:
            raise
    return None
