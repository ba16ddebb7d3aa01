# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrate tasks and their files, as they stand."""

from __future__ import annotations

from typing import Any

from ..clock import utc_text
from ..errors import ApiError
from ..model_migrations import MigrateFile, MigrateTask
from ..registry import Answer, Call, action
from ..world import World
from .checks import MINUTES, SECONDS, moment_asked_for, page_asked_for
from .migrate_checks import files_asked_for, find_task, require_sql_server

_WEEK = 7 * 86400
_MODE_WORDS = {
    "long": {"D": "Database", "I": "Differential_Database", "L": "Transaction_Log"},
    "short": {"D": "FULL", "I": "DIFF", "L": "LOG"},
}


@action("rds", "DescribeMigrateTasks", mutating=False)
def describe_migrate_tasks(world: World, call: Call) -> Answer:
    """The tasks of the last week. Chains are listed only where the variant has it so. Not on 2017 Cluster Edition."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    require_sql_server(instance)
    if instance.engine_version == "2017_ent":
        raise world.variants.error("wrong_version", f"{call.action} is not available on {instance.engine_version}.")
    sizes = range(30, 101) if world.variants["migrate_page_sizes"] == "range" else (30, 50, 100)
    page = page_asked_for(world, call, sizes, 30)
    low, high = _window(world, call)
    visible = world.clock.now() - world.lasting(world.variants.seconds("migrate_list_lag")) - call.list_lag
    listed = [
        one
        for one in world.state.migrate_tasks
        if one.instance == instance.id
        and not one.removed
        and low <= one.created <= high
        and one.created <= visible
        and (one.mode == "FULL" or world.variants["chain_tasks_listed"] == "yes")
    ]
    rows = [_task_row(world, one) for one in page.of(_ordered(world, listed))]
    return {
        "DBInstanceId": instance.id,
        "Items": _wrapped(world, "MigrateTask", rows),
        "PageNumber": page.number,
        "PageRecordCount": len(rows),
        "TotalRecordCount": len(listed),
    }


@action("rds", "DescribeMigrateTaskById", mutating=False)
def describe_migrate_task_by_id(world: World, call: Call) -> Answer:
    """One task, of any mode. The instance is called DBInstanceName here."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    require_sql_server(instance)
    task = find_task(world, instance, call.text("MigrateTaskId"))
    row = _task_row(world, task)
    asked = files_asked_for(task, call.text("MigrateTaskId"))
    if asked and asked[-1] is not task.files[-1]:
        # An earlier call of the chain, which had an id of its own, and is over.
        row |= {"Status": world.variants["chain_wait_status"], "Description": asked[-1].description}
    return {"DBInstanceName": instance.id, **row, "MigrateTaskId": call.text("MigrateTaskId")}


@action("rds", "DescribeOssDownloads", mutating=False)
def describe_oss_downloads(world: World, call: Call) -> Answer:
    """The files of a task. Not on 2017 and 2019 Enterprise Edition."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    require_sql_server(instance)
    if instance.engine_version in ("2017_ent", "2019_ent"):
        raise world.variants.error("wrong_version", f"{call.action} is not available on {instance.engine_version}.")
    task = find_task(world, instance, call.text("MigrateTaskId"))
    rows = [_file_row(world, task, one) for one in files_asked_for(task, call.text("MigrateTaskId"))]
    return {
        "DBInstanceId": instance.id,
        "Items": _wrapped(world, "OssDownload", rows),
        "MigrateTaskId": call.text("MigrateTaskId"),
    }


def _window(world: World, call: Call) -> tuple[float, float]:
    low, high = _moment(world, call, "StartTime"), _moment(world, call, "EndTime")
    if high <= low:
        raise ApiError("InvalidStartTimeAndEndTime.Malformed", 400, "The end does not lie behind the start.")
    week_ago = world.clock.now() - _WEEK
    # A start of exactly a week ago, written to the minute, is still within the week.
    if low < week_ago - 60 and world.variants["migrate_week"] == "refused":
        raise ApiError("InvalidStartTime.Malformed", 400, "The start is more than a week ago.")
    return max(low, week_ago - 60), high


def _moment(world: World, call: Call, name: str) -> float:
    layout = MINUTES
    if world.variants["migrate_time_format"] == "both" and call.text(name).count(":") == 2:
        layout = SECONDS
    moment = moment_asked_for(call, name, layout)
    assert moment is not None  # both are required parameters
    return moment


def _ordered(world: World, tasks: list[MigrateTask]) -> list[MigrateTask]:
    order = world.variants["migrate_task_order"]
    if order == "by_name":
        return sorted(tasks, key=lambda one: (one.database.lower(), one.created))
    return sorted(tasks, key=lambda one: (one.created, int(one.id)), reverse=order == "newest_first")


def _wrapped(world: World, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    if world.variants["migrate_items_shape"] == "bare" and len(rows) == 1:
        return rows[0]
    return {name: rows}


def _task_row(world: World, task: MigrateTask) -> dict[str, Any]:
    row = {
        "BackupMode": task.mode,
        "CreateTime": utc_text(task.created),
        "DBName": task.database,
        "Description": task.description,
        "IsDBReplaced": str(task.replaced),
        "MigrateTaskId": task.id,
        "Status": world.variants["chain_wait_status"] if task.status == "Waiting" else task.status,
    }
    return row | _end_time(world, task.created, task.ended)


def _file_row(world: World, task: MigrateTask, file: MigrateFile) -> dict[str, Any]:
    """The kind is that of the header, once it has been read."""
    guess = "D" if file is task.files[0] else "L"
    kind = file.facts.type if file.facts is not None else guess
    megabytes = f"{file.size / 1024**2:.2f}".rstrip("0").rstrip(".")
    row = {
        "BackupMode": _MODE_WORDS[world.variants["backup_mode_words"]].get(kind, ""),
        "CreateTime": utc_text(file.created),
        "Description": file.description,
        "FileName": file.key,
        "FileSize": megabytes if world.variants["file_size_text"] == "number" else f"{megabytes}MB",
        "IsAvailable": str(file.available),
        "Status": file.status,
    }
    return row | _end_time(world, file.created, file.ended)


def _end_time(world: World, created: float, ended: float | None) -> dict[str, str]:
    if ended is not None:
        return {"EndTime": utc_text(ended)}
    return {
        "missing": {},
        "empty": {"EndTime": ""},
        "creation": {"EndTime": utc_text(created)},
    }[world.variants["migrate_end_time"]]
