# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Reads what surrounds the job of a DTS migration: the role that lets DTS in, and both instances where RDS tells.

Imported when a job is to start.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._alibaba import ram, ram_names, rds, rds_instances, sts
from .._alibaba.dts import Jobs
from .._alibaba.errors import ServiceError
from .._failure import MigrationFailure
from .dts_migration_plan import Observed, RoleFacts, SideFacts
from .dts_migration_reading import unless_refused
from .dts_migration_request import SIDES, Endpoint, Request

if TYPE_CHECKING:
    from .._alibaba.services import Services


def observe_surroundings(
    services: Services, jobs: Jobs, request: Request, credentials: Mapping[str, Mapping[str, Any]], seen: Observed
) -> Observed:
    """What is checked before a start."""
    foreign = [side for side in SIDES if request.side(side).role]
    if foreign:
        seen = seen._replace(
            account_id=unless_refused(lambda: sts.account_id(sts.client_of(services))) or "",
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
    return unless_refused(lambda: tuple(jobs.servers(region, request.destination.region)))


def _default_role(services: Services) -> bool | None:
    try:
        return ram.has_role(ram.client_of(services), ram_names.DTS_ROLE)
    except MigrationFailure:
        return None  # it only informs; without a way to RAM the precheck tells


def _role(services: Services, end: Endpoint, credentials: Mapping[str, Any]) -> RoleFacts:
    """The role in the account that owns the side; nothing of it can be seen without that account's credentials."""
    if not credentials:
        return RoleFacts(end.account_id)
    theirs = services.reading(end.region, credentials)
    account_id = unless_refused(lambda: sts.account_id(sts.client_of(theirs))) or ""
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
    instance = unless_refused(lambda: rds_instances.instance(client, end.instance_id))
    if instance is None:
        return SideFacts(readable=True, missing=True)
    databases = unless_refused(lambda: rds.databases(client, end.instance_id))
    accounts = unless_refused(lambda: tuple(rds_instances.accounts(client, end.instance_id)))
    return SideFacts(
        readable=True,
        instance=instance,
        databases=None if databases is None else {name: found.size for name, found in databases.items()},
        accounts=accounts,
        white_list=unless_refused(lambda: tuple(rds_instances.white_list(client, end.instance_id))),
        used=unless_refused(lambda: rds_instances.storage_used(client, instance)),
    )
