# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job as listings and details show it."""

from __future__ import annotations

from typing import Any

from ..clock import utc_text
from ..transmission.model import DtsEndpoint, DtsJob, DtsPhase
from ..transmission.progress import delay_seconds, percent
from ..world import World
from .findings import is_open, item_code

_BLOCKS = {
    "structure": "StructureInitializationStatus",
    "full": "DataInitializationStatus",
    "incremental": "DataSynchronizationStatus",
}
_LISTED_TYPES = {"MIGRATION": "online", "SYNC": "sync"}


def status_word(job: DtsJob) -> str:
    """The status in the words of the job's type; synchronisation has other ones."""
    if job.type != "SYNC":
        return job.status
    early = job.stage in ("structure", "full")
    if job.status == "Migrating":
        return "Initializing" if early else "Synchronizing"
    if job.status == "MigrationFailed":
        return "InitializeFailed" if early else "Failed"
    return job.status


def listed_type(job: DtsJob) -> str:
    """The type as listings have it."""
    return _LISTED_TYPES[job.type]


def common_fields(world: World, job: DtsJob) -> dict[str, Any]:
    """What the listing and the details have under the same names."""
    fields: dict[str, Any] = {
        "CreateTime": utc_text(job.created),
        "DataSynchronizationStatus": phase_block(world, job, "incremental"),
        "DedicatedClusterId": job.cluster,
        "DtsBisLabel": job.bis_label,
        "DtsInstanceID": job.instance_id,
        "DtsJobClass": job.instance_class,
        "DtsJobId": job.id,
        "DtsJobName": job.name,
        "ErrorMessage": job.error,
        "PayType": job.pay_type,
        "Reserved": job.reserve,
        "ResourceGroupId": job.resource_group,
        "Status": status_word(job),
        **_delay(world, job),
    }
    if job.expires is not None:
        fields["ExpireTime"] = utc_text(job.expires)
    return fields


def listed(world: World, job: DtsJob, with_objects: bool) -> dict[str, Any]:
    """An entry of DescribeDtsJobs, with the blocks of all phases."""
    row = common_fields(world, job)
    row |= {
        "Checkpoint": job.checkpoint,
        "DestinationEndpoint": endpoint_block(job.target),
        "SourceEndpoint": endpoint_block(job.source),
        "ErrorDetails": [],
        "JobType": listed_type(job),
        "MigrationMode": {
            "DataInitialization": job.full,
            "DataSynchronization": job.incremental,
            "StructureInitialization": job.structure,
            "FullDataCheck": bool(job.data_check),
            "IncDataCheck": bool(job.data_check) and job.incremental,
        },
        "Performance": {"Flow": "0", "Rps": "0"},
        "PrecheckStatus": precheck_block(world, job),
        "TagList": [{"TagKey": key, "TagValue": value} for key, value in job.tags.items()],
    }
    for name, key in _BLOCKS.items():
        row[key] = phase_block(world, job, name)
    if with_objects:
        row["DbObject"] = job.db_list
    if job.status == "Retrying":
        row["RetryState"] = retry_block(world, job)
    if job.error:
        row |= {"MigrationErrCode": "DTS-EMULATED", "MigrationErrMsg": job.error, "MigrationErrType": "other"}
    return row


def retry_block(world: World, job: DtsJob) -> dict[str, Any]:
    """What is being retried."""
    spent = world.clock.now() - (job.phase(job.stage).begun or world.clock.now())
    return {
        "ErrMessage": "the connection was lost",
        "JobId": job.id,
        "MaxRetryTime": 43200,
        "Module": job.stage,
        "RetryCount": 1,
        "RetryTarget": "srcDB",
        "RetryTime": int(spent),
        "Retrying": True,
    }


def endpoint_block(endpoint: DtsEndpoint) -> dict[str, Any]:
    """An end, never with a password."""
    return {
        "DatabaseName": endpoint.database,
        "EngineName": endpoint.engine,
        "InstanceID": endpoint.instance_id,
        "InstanceType": endpoint.type,
        "Ip": endpoint.address,
        "Port": endpoint.port,
        "Region": endpoint.region,
        "SslSolutionEnum": "ENABLE_WITH_CERTIFICATE" if endpoint.ssl else "DISABLE",
        "UserName": endpoint.user_name,
    }


def phase_block(world: World, job: DtsJob, name: str) -> dict[str, Any]:
    """How far a phase is."""
    phase = job.phases.get(name, DtsPhase())
    share = percent(world, phase)
    block: dict[str, Any] = {
        "ErrorMessage": phase.error,
        "Percent": str(share),
        "Progress": f"{share}/100",
        "Status": phase.status,
    }
    return block | ({"NeedUpgrade": False} if name == "incremental" else {})


def precheck_block(world: World, job: DtsJob) -> dict[str, Any]:
    """The precheck with its items."""
    detail = []
    for number, one in enumerate(job.findings):
        row = {
            "CheckItem": item_code(world, one, number),
            "CheckItemDescription": one.name,
            "CheckResult": "Failed" if is_open(job, one) else "Success",
        }
        if is_open(job, one):
            row |= {"FailedReason": one.problem, "RepairMethod": one.repair}
        detail.append(row)
    return {
        "Detail": detail,
        "ErrorMessage": job.precheck.error,
        "Percent": str(percent(world, job.precheck)),
        "Status": job.precheck.status,
    }


def _delay(world: World, job: DtsJob) -> dict[str, int]:
    """Milliseconds for migration, seconds for synchronisation."""
    if "incremental" not in job.phases:
        early = world.variants["early_delay"]
        return {} if early == "missing" else {"Delay": int(early)}
    seconds = delay_seconds(world, job)
    return {"Delay": int(seconds * (1000 if job.type == "MIGRATION" else 1))}
