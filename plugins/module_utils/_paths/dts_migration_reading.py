# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Reads what a DTS migration is judged by: its job, the role that lets DTS in, and both instances where RDS tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from .._alibaba import dts_model as api
from .._alibaba import ram, rds, rds_instances, sts
from .._alibaba.dts import Jobs
from .._alibaba.dts_model import Job
from .._alibaba.errors import ServiceError
from .._failure import MigrationFailure
from . import dts_migration_failures as failures
from .dts_migration_plan import Observed, RoleFacts, SideFacts
from .dts_migration_request import FORWARD, SIDES, Endpoint, Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .._alibaba.services import Services

T = TypeVar("T")
_NOT_BEGUN = (api.NOT_STARTED, api.PRECHECK_FAILED, api.PRECHECKING)


def find_job(jobs: Jobs, request: Request) -> Job | None:
    """The one job with this name between these endpoints. Raises where there are two, or only others of the name."""
    named = jobs.named(request.name)
    found = [j for j in named if request.source.is_same(j.source) and request.destination.is_same(j.destination)]
    if len(found) > 1:
        raise failures.several_jobs(request, found)
    if named and not found:
        raise failures.name_taken(request, named)
    return found[0] if found else None


def observe_job(jobs: Jobs, request: Request, seen: Observed) -> Observed:
    """The job, and of its details what the plan asks for."""
    job = find_job(jobs, request)
    seen = seen._replace(job=job)
    if job is None:
        return seen
    if job.status == api.PRECHECK_FAILED:
        seen = seen._replace(precheck=jobs.precheck(job.id))
    if any(request.side(side).role for side in SIDES):
        seen = seen._replace(owners=_unless_refused(lambda: jobs.owners(job.id)))
    if request.alarms.delay is not None or request.alarms.error is not None:
        seen = seen._replace(alarms=_unless_refused(lambda: jobs.alarms(job.id)))
    return seen


def observe_surroundings(
    services: Services, jobs: Jobs, request: Request, credentials: Mapping[str, Mapping[str, Any]], seen: Observed
) -> Observed:
    """What is checked before a start; nothing of it once the job runs."""
    begins = request.state in FORWARD and (seen.job is None or seen.job.status in _NOT_BEGUN)
    if not begins:
        return seen
    foreign = [side for side in SIDES if request.side(side).role]
    if foreign:
        seen = seen._replace(
            account_id=_unless_refused(lambda: sts.account_id(sts.client_of(services))) or "",
            roles={side: _role(services, request.side(side), credentials.get(side) or {}) for side in foreign},
        )
    seen = seen._replace(default_role=_default_role(services))
    sides = {
        side: _side(services, request.side(side), credentials.get(side) or {}, request.side(side).role)
        for side in SIDES
    }
    return seen._replace(sides=sides, servers=_servers(services, jobs, request))


def _servers(services: Services, jobs: Jobs, request: Request) -> tuple[str, ...] | None:
    """Where DTS connects from. A self-managed source has no region; that of the job is taken for it."""
    region = request.source.region or request.region or services.region()
    if not region:
        return None
    return _unless_refused(lambda: tuple(jobs.servers(region, request.destination.region)))


def _default_role(services: Services) -> bool | None:
    try:
        return ram.has_role(ram.client_of(services), ram.DTS_ROLE)
    except MigrationFailure:
        return None  # it only informs; without a way to RAM the precheck tells


def _role(services: Services, end: Endpoint, credentials: Mapping[str, Any]) -> RoleFacts:
    """The role in the account that owns the side; nothing of it can be seen without that account's credentials."""
    if not credentials:
        return RoleFacts(end.account_id)
    theirs = services.reading(end.region, credentials)
    account_id = _unless_refused(lambda: sts.account_id(sts.client_of(theirs))) or ""
    try:
        found = ram.role(ram.client_of(theirs), end.role)
        if found is None:
            return RoleFacts(account_id, False)
        return RoleFacts(account_id, True, ram.grants_of(found.trust), ram.policies(ram.client_of(theirs), found.name))
    except ServiceError as error:
        if error.inconclusive:
            raise
        return RoleFacts(account_id)


def _side(services: Services, end: Endpoint, credentials: Mapping[str, Any], role: str) -> SideFacts:
    if not end.is_rds or (role and not credentials):
        return SideFacts()
    client = services.reading(end.region, credentials or None).rds
    instance = _unless_refused(lambda: rds_instances.instance(client, end.instance_id))
    if instance is None:
        return SideFacts(readable=True, missing=True)
    databases = _unless_refused(lambda: rds.databases(client, end.instance_id))
    accounts = _unless_refused(lambda: tuple(rds_instances.accounts(client, end.instance_id)))
    return SideFacts(
        readable=True,
        instance=instance,
        databases=None if databases is None else {name: found.size for name, found in databases.items()},
        accounts=accounts,
        white_list=_unless_refused(lambda: tuple(rds_instances.white_list(client, end.instance_id))),
        used=_unless_refused(lambda: rds_instances.storage_used(client, instance)),
    )


def _unless_refused(read: Callable[[], T]) -> T | None:
    """None where the service refuses a reading that only informs."""
    try:
        return read()
    except ServiceError as error:
        if error.inconclusive:
            raise
    except MigrationFailure as failure:
        if failure.code != sts.UNKNOWN_ACCOUNT:
            raise
    return None
