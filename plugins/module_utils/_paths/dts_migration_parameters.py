# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The parameters that a DTS job is configured with, passwords masked. Imported when there is a job to configure."""

from __future__ import annotations

from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.redaction import MASK
from .dts_migration_request import ACCESS, Endpoint, Request
from .dts_migration_secrets import compact, job_parameters, masked, new_settings


def configure_parameters(request: Request) -> dict[str, Any]:
    """Of ConfigureDtsJob, with passwords masked."""
    kinds, alarms = request.wanted_kinds, request.alarms
    parameters: dict[str, Any] = {
        "DtsJobName": request.name,
        "JobType": "MIGRATION",
        "RegionId": request.region,
        "StructureInitialization": api.SCHEMA in kinds,
        "DataInitialization": api.FULL in kinds,
        "DataSynchronization": api.INCREMENTAL in kinds,
        **_end_parameters(request.source, "SourceEndpoint", 0),
        **_end_parameters(request.destination, "DestinationEndpoint", 1),
        **job_parameters(request),
        "DbList": compact(request.objects or {}),
        "Reserve": compact(masked(new_settings(request))),
    }
    if alarms.delay:
        told = {"DelayRuleTime": alarms.delay, "DelayPhone": alarms.delay_phones or None}
        parameters.update({"DelayNotice": True, **told})
    if alarms.error:
        parameters.update({"ErrorNotice": True, "ErrorPhone": alarms.error_phones or None})
    return {key: value for key, value in parameters.items() if value is not None}


def _end_parameters(end: Endpoint, prefix: str, position: int) -> dict[str, Any]:
    # The service spells this one in two ways.
    database = "DatabaseName" if prefix == "SourceEndpoint" else "DataBaseName"
    found = {
        "InstanceType": ACCESS[end.access],
        "EngineName": api.ENGINES[end.engine][position],
        "Region": end.region,
        "InstanceID": end.instance_id,
        "IP": end.host,
        "Port": end.port,
        database: end.database,
        "UserName": end.account,
        "Password": MASK if end.has_password else "",
        "OwnerID": end.account_id if end.role else "",
        "Role": end.role,
    }
    return {**{f"{prefix}{key}": value for key, value in found.items() if value}, **end.extra}
