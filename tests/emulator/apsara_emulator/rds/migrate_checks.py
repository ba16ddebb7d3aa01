# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks and look-ups that the actions of the backup import share."""

from __future__ import annotations

from ..errors import ApiError
from ..model import Instance
from ..model_migrations import MigrateFile, MigrateTask
from ..registry import Call
from ..world import World
from .names import is_reserved

UNFINISHED = frozenset({"Running", "Waiting"})
CHECK_DB_MODES = ("AsyncExecuteDBCheck", "SyncExecuteDBCheck")
_DAY = 86400
_CHINA = 8 * 3600


def new_task_id(world: World) -> str:
    """An id that no migrate task has had."""
    known = (int(file.migrate_task_id) for task in world.state.migrate_tasks for file in task.files)
    tasks = (int(task.id) for task in world.state.migrate_tasks)
    return str(max([562300000, *known, *tasks]) + 17)


def find_task(world: World, instance: Instance, task_id: str) -> MigrateTask:
    """A task of the instance, by its id or by that of one of its calls. ApiError if there is none."""
    for task in world.state.migrate_tasks:
        ids = {task.id, *(file.migrate_task_id for file in task.files)}
        if task.instance == instance.id and task_id in ids and not task.removed:
            return task
    raise world.variants.error("migrate_task_not_found", f"There is no migrate task {task_id[:64]}.")


def files_asked_for(task: MigrateTask, task_id: str) -> list[MigrateFile]:
    """All files of a task, or those of the one call that has an id of its own."""
    return [one for one in task.files if task_id in (task.id, one.migrate_task_id)]


def require_sql_server(instance: Instance) -> None:
    """ApiError unless the instance runs SQL Server."""
    if instance.engine != "SQLServer":
        raise ApiError("EngineNotSupported", 400, f"This is not available for {instance.engine}.")


def require_check_db_mode(call: Call) -> None:
    """ApiError if CheckDBMode is given and unknown."""
    if call.text("CheckDBMode") not in ("", *CHECK_DB_MODES):
        raise ApiError("InvalidCheckDBMode.ValueNotSupported", 400, f"CheckDBMode is {' or '.join(CHECK_DB_MODES)}.")


def require_allowed_name(world: World, name: str) -> None:
    """ApiError unless a database may be called `name`."""
    wrong = not name or len(name) > 128 or any(sign in "@|" or not sign.isprintable() for sign in name)
    if wrong or is_reserved("SQLServer", name):
        raise world.variants.error("migrate_name", f"The database name {name[:64]!r} is not allowed.")


def require_quotas(world: World, instance: Instance, name: str) -> None:
    """ApiError if one more call today is one too many, for the database or for the instance."""
    calls = {
        file.task_id: task.database
        for task in world.state.migrate_tasks
        for file in task.files
        if task.instance == instance.id and _is_today(world, file.created)
    }
    quotas = world.state.quotas
    same = sum(one.lower() == name.lower() for one in calls.values())
    if quotas.tasks_per_database and same >= quotas.tasks_per_database:
        raise ApiError("UploadLimitExceeded", 400, "UploadTimesQuotaExceeded: too many tasks for this database today.")
    if quotas.tasks_per_instance and len(calls) >= quotas.tasks_per_instance:
        raise ApiError("ConcurrentTaskExceeded", 400, "Too many tasks on this instance today.")


def _is_today(world: World, moment: float) -> bool:
    now = world.clock.now()
    if world.variants["quota_day"] == "rolling":
        return moment > now - _DAY
    shift = _CHINA if world.variants["quota_day"] == "china" else 0
    return (moment + shift) // _DAY == (now + shift) // _DAY
