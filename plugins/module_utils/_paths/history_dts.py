# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""DTS jobs of an instance, as rds_migration_info lists them.

Imported where they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts import Jobs
from .._alibaba.dts_model import Job
from .._alibaba.errors import Misconfigured, ServiceError, Unreachable
from .._alibaba.rds_cloud_migration import moment
from .._alibaba.rpc import RpcClient
from .dts_migration_facts import job_facts

PATH = "dts_migration"
_STATES = {api.FAILED: "failed", api.PRECHECK_FAILED: "failed", api.FINISHED: "finished"}


def dts_migrations(
    client: RpcClient, instance_id: str, region: str, since: datetime, until: datetime, options: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], str | None]:
    """(rows, why there are none).

    Of the window are jobs that were made in it, and jobs that are not over yet. What is named by its id or name is told
    whenever it was made.
    """
    try:
        found = Jobs(client, region).of_instance(instance_id)
    except (ServiceError, Unreachable, Misconfigured) as error:
        if isinstance(error, ServiceError) and error.inconclusive:
            raise
        return [], error.message
    wanted = {"id": options.get("task_id"), "name": options.get("task_name")}
    if any(wanted.values()):
        kept = [job for job in found if all(not v or getattr(job, k) == v for k, v in wanted.items())]
    else:
        kept = [job for job in found if _is_of_window(job, since, until)]
    return [_row(job, instance_id) for job in kept], None


def _is_of_window(job: Job, since: datetime, until: datetime) -> bool:
    created = moment(job.created)
    if created is None or (job.status != api.FINISHED and created <= until):
        return True
    return since <= created <= until


def _row(job: Job, instance_id: str) -> dict[str, Any]:
    shown = job_facts(job)
    return {
        "path": PATH,
        "task_id": job.id,
        "action": api.CONFIGURE,
        "database": None,
        "state": _STATES.get(job.status, "running"),
        "status": job.status,
        "progress": None,
        "begin": job.created,
        "end": None,
        "error": job.error or None,
        "name": job.name,
        "role": "destination" if job.destination.instance_id == instance_id else "source",
        "source": {"instance_id": job.source.instance_id, "host": job.source.host, "port": job.source.port},
        "destination": {
            "instance_id": job.destination.instance_id,
            "host": job.destination.host,
            "port": job.destination.port,
        },
        **{key: shown[key] for key in ("phases", "delay_ms", "bought", "migration_types")},
    }
