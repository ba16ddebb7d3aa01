# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The tasks of backup migrations that an instance has seen, with their files, for rds_migration_info.

Imported for instances that run SQL Server.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from .._alibaba import rds_backup_tasks as api
from .._alibaba.backup_task_texts import trouble_of_failure, trouble_of_success
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._timing import moment_text

PATH = "backup_migration"
_WORKERS = 8


def backup_migrations(
    client: RpcClient, instance_id: str, since: datetime, until: datetime, task_id: str
) -> tuple[list[dict[str, Any]], str | None]:
    """(rows, why they are not complete). task_id: one that is looked up although it may not be listed.

    The service lists tasks of the last week, and on some editions none; chains may be missing from the list.
    """
    unavailable = None
    try:
        found = api.tasks(client, instance_id, since, until)
    except ServiceError as error:
        if error.inconclusive:
            raise
        found, unavailable = [], error.message
    if task_id:
        found = [t for t in found if t.id == task_id] or _one(client, instance_id, task_id)
    with ThreadPoolExecutor(_WORKERS) as pool:
        files = list(pool.map(lambda task: _files(client, instance_id, task.id), found))
    return [_row(task, rows) for task, rows in zip(found, files, strict=True)], unavailable


def _one(client: RpcClient, instance_id: str, task_id: str) -> list[api.BackupTask]:
    try:
        return [api.task(client, instance_id, task_id)]
    except ServiceError as error:
        if error.inconclusive:
            raise
        return []  # it may be the id of another kind of task


def _files(client: RpcClient, instance_id: str, task_id: str) -> list[api.BackupFileRow] | None:
    try:
        return api.file_rows(client, instance_id, task_id)
    except ServiceError as error:
        if error.inconclusive:
            raise
        return None


def _row(task: api.BackupTask, files: list[api.BackupFileRow] | None) -> dict[str, Any]:
    trouble = None
    if task.ended_badly:
        trouble = trouble_of_failure(task.description)
    elif task.ended_well:
        trouble = trouble_of_success(task.description)
    return {
        "path": PATH,
        "task_id": task.id,
        "action": api.CREATE,
        "database": task.database or None,
        "state": _state(task),
        "status": task.status,
        "progress": None,
        "begin": moment_text(task.created) if task.created else None,
        "end": moment_text(task.ended) if task.ended else None,
        "error": f"{trouble.cause} {trouble.remedy}" if trouble else None,
        "description": task.description or None,
        "backup_mode": task.mode or None,
        "files": None if files is None else [_file(row) for row in files],
    }


def _state(task: api.BackupTask) -> str:
    if task.ended_badly:
        return "failed"
    if task.waiting:
        return "waiting"
    return "finished" if task.ended_well else "running"


def _file(row: api.BackupFileRow) -> Mapping[str, Any]:
    return {"name": row.name, "status": row.status, "description": row.description or None}
