# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CreateMigrateTask: a backup file from a bucket into a database.

Conditions: the action's page and the guides. Codes: the error table of the batch script's page. The call is not
idempotent. A chain begins with a full backup in mode UPDF without MigrateTaskId; later files name the chain's id.
"""

from __future__ import annotations

from ..documents import Instant
from ..errors import ApiError
from ..model import Instance
from ..model_migrations import MigrateFile, MigrateTask
from ..operations import busy_with, next_id, shown_status
from ..registry import Answer, Call, action
from ..restore_places import database_called
from ..restore_rules import is_2008_r2
from ..restores import begin_call
from ..world import World
from .migrate_checks import (
    UNFINISHED,
    find_task,
    new_task_id,
    require_allowed_name,
    require_check_db_mode,
    require_quotas,
)
from .migrate_files import named_files, require_sizes

_MODES = {("FULL", "True"), ("UPDF", "False")}


@action("rds", "CreateMigrateTask", mutating=True)
def create_migrate_task(world: World, call: Call) -> Answer:
    """Accept a backup file. What becomes of it shows over time."""
    _require_known_values(call)
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    _require_suited(world, instance)
    _require_mode(world, call, instance)
    chain = find_task(world, instance, call.text("MigrateTaskId")) if call.text("MigrateTaskId") else None
    require_allowed_name(world, call.text("DBName"))
    if chain is None:
        _require_place(world, instance, call.text("DBName"))
    else:
        _require_open_chain(world, chain, call.text("DBName"))
    files = named_files(world, call, instance)
    require_sizes(world, instance, files, chain)
    require_quotas(world, instance, call.text("DBName"))
    task = _with_files(world, call, chain, files)
    begin_call(world, task)
    return {
        "BackupMode": task.mode,
        "DBInstanceId": instance.id,
        "DBName": call.text("DBName"),
        "MigrateTaskId": files[0].migrate_task_id,
        "TaskId": files[0].task_id,
    }


def _with_files(world: World, call: Call, chain: MigrateTask | None, files: list[MigrateFile]) -> MigrateTask:
    """The task to which the files now belong."""
    task = chain
    if task is None:
        task = MigrateTask(
            id=new_task_id(world),
            instance=call.text("DBInstanceId"),
            account_id=call.account_id,
            database=call.text("DBName"),
            created=Instant(world.clock.now()),
            mode=call.text("BackupMode"),
            check_db_mode=call.text("CheckDBMode") or "AsyncExecuteDBCheck",
        )
        world.state.migrate_tasks.append(task)
    own_id = new_task_id(world) if chain is not None and world.variants["chain_task_id"] == "new" else task.id
    task_id = str(next_id(world))
    for file in files:
        file.task_id, file.migrate_task_id = task_id, own_id
    task.current = len(task.files)
    task.files += files
    return task


def _require_known_values(call: Call) -> None:
    if call.text("BackupMode") not in ("FULL", "UPDF"):
        raise ApiError("InvalidBackupMode.ValueNotSupported", 400, "BackupMode is FULL or UPDF.")
    if call.text("IsOnlineDB") not in ("True", "False"):
        raise ApiError("InvalidIsOnlineDB.ValueNotSupported", 400, "IsOnlineDB is True or False.")
    require_check_db_mode(call)


def _require_suited(world: World, instance: Instance) -> None:
    if instance.engine != "SQLServer":
        raise world.variants.error("migrate_engine", f"This is not available for {instance.engine}.")
    if instance.type != "Primary":
        raise ApiError("IncorrectDBInstanceType", 400, f"The instance {instance.id} is {instance.type}.")
    status = shown_status(world, instance)
    if status != "Running" or busy_with(world, instance.id):
        raise world.variants.error("migrate_state", f"The instance {instance.id} is not in the state for this.")
    if instance.lock_mode != "Unlock":
        raise ApiError("IncorrectDBInstanceLockMode", 400, f"The instance {instance.id} is locked.")


def _require_mode(world: World, call: Call, instance: Instance) -> None:
    mode, online = call.text("BackupMode"), call.text("IsOnlineDB")
    if (mode, online) not in _MODES or (mode == "FULL" and call.text("MigrateTaskId")):
        raise world.variants.error("mode_mismatch", "BackupMode, IsOnlineDB and MigrateTaskId do not go together.")
    if call.text("KeepCDC").lower() == "true" and online != "True":
        raise world.variants.error("mode_mismatch", "KeepCDC is for databases that are opened.")
    if mode == "UPDF" and is_2008_r2(instance) and instance.storage_type.startswith("local"):
        raise ApiError("EngineVersionNotSupported", 400, "No chains for 2008 R2 on local disks.")


def _require_place(world: World, instance: Instance, name: str) -> None:
    """ApiError unless a new task may bring a database of this name."""
    refused = {"NoStart", *UNFINISHED} if world.variants["second_task"] == "refused" else UNFINISHED
    database = database_called(instance, name)
    loading = any(
        one.instance == instance.id and one.database.lower() == name.lower() and one.status in refused
        for one in world.state.migrate_tasks
    )
    if loading or (database is not None and database.status == "Creating"):
        raise ApiError("IncorrectDBState", 400, f"The database {name} is being loaded.")
    if is_2008_r2(instance):
        if database is None:
            raise world.variants.error("missing_database", f"There is no database {name} on {instance.id}.")
        if database.size and world.variants["filled_database"] != "task":
            raise world.variants.error("filled_database", f"The database {name} is not empty.")
    elif database is not None and world.variants["taken_name"] != "task":
        raise world.variants.error("taken_name", f"The database {name} exists already on {instance.id}.")


def _require_open_chain(world: World, chain: MigrateTask, name: str) -> None:
    """ApiError unless the chain is one of this database, and takes another file now."""
    if chain.database.lower() != name.lower():
        raise world.variants.error("missing_database", f"The task is not one of the database {name}.")
    goes_on = chain.status == "Failed" and chain.last_step_can_be_repeated
    if chain.mode != "UPDF" or not (
        chain.status == "Waiting" or (goes_on and world.variants["chain_after_failure"] == "open")
    ):
        raise ApiError("IncorrectDBState", 400, f"The task is {chain.status} and takes no file.")
