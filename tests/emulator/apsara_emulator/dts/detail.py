# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DescribeDtsJobDetail and the log of a job."""

from __future__ import annotations

from typing import Any

from ..clock import parse_utc, utc_text
from ..registry import Answer, Call
from ..transmission.ends import owner_of
from ..transmission.model import DtsEndpoint, DtsJob
from ..world import World
from .answers import dts_action, refusal
from .lookup import find_job
from .rows import common_fields, endpoint_block, retry_block

_LOG_SIZES = (20, 50, 100, 500, 1000)


@dts_action("DescribeDtsJobDetail", mutating=False)
def describe_dts_job_detail(world: World, call: Call) -> Answer:
    """One job. It has the incremental phase only; for the others see DescribeDtsJobs."""
    job = find_job(world, call)
    fields: dict[str, Any] = common_fields(world, job)
    # Lower case here, unlike in the listing.
    fields["Status"] = "synchronizing" if fields["Status"] == "Synchronizing" else fields["Status"]
    if world.variants["detail_status"] == "missing":
        del fields["Status"]
    fields |= {
        "Checkpoint": int(job.checkpoint or 0),
        "DbObject": job.db_list,
        "DestinationEndpoint": _end(job, job.target),
        "SourceEndpoint": _end(job, job.source),
        "MigrationMode": {
            "DataExtractTransformLoad": "etlOperatorCtl" in job.reserve and '"Y"' in job.reserve,
            "DataInitialization": job.full,
            "DataSynchronization": job.incremental,
            "StructureInitialization": job.structure,
        },
        "SynchronizationDirection": "Forward",
        "SubDistributedJob": [],
        "SubSyncJob": [],
        "TaskType": "",
    }
    if job.started is not None:
        fields["BootTime"] = utc_text(job.started)
    if job.ended is not None:
        fields["FinishTime"] = utc_text(job.ended)
    if job.status == "Retrying":
        known = ("ErrMessage", "JobId", "MaxRetryTime", "Module", "RetryCount", "RetryTarget", "RetryTime", "Retrying")
        fields["RetryState"] = {key: value for key, value in retry_block(world, job).items() if key in known}
    return fields


@dts_action("DescribeDtsServiceLog", mutating=False)
def describe_dts_service_log(world: World, call: Call) -> Answer:
    """What has happened to a job, newest first."""
    job = find_job(world, call)
    number, size = int(call.text("PageNumber") or 1), int(call.text("PageSize") or 20)
    if number < 1 or size not in _LOG_SIZES:
        raise refusal(world, "bad_dts_parameter", "%s is out of range.", "PageNumber or PageSize")
    levels = [one for one in call.text("Status").split(",") if one]
    first, last = int(call.text("StartTime") or 0), int(call.text("EndTime") or 10**16)
    rows = []
    for line in reversed(job.log):
        time, level, text = line.split(" ", 2)
        within = first <= parse_utc(time) * 1000 <= last
        if within and (not levels or level in levels) and call.text("Keyword") in text:
            rows.append({"Context": text, "State": level, "Time": time})
    page = rows[(number - 1) * size : number * size]
    return {
        "ServiceLogContexts": page,
        "PageNumber": number,
        "PageRecordCount": len(page),
        "TotalRecordCount": len(rows),
    }


def _end(job: DtsJob, endpoint: DtsEndpoint) -> dict[str, Any]:
    return {
        **endpoint_block(endpoint),
        "AliyunUid": owner_of(job, endpoint),
        "CanModifyPassword": job.status != "NotConfigured",
        "RoleName": endpoint.role,
    }
