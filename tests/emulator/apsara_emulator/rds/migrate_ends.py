# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways in which a caller ends a backup import: opening the database of a chain, and terminating."""

from __future__ import annotations

from ..errors import ApiError
from ..registry import Answer, Call, action
from ..restore_rules import is_2008_r2
from ..restores import begin_opening, begin_termination
from ..world import World
from .migrate_checks import find_task, require_check_db_mode, require_sql_server

_TOKEN_LENGTH = 64


@action("rds", "CreateOnlineDatabaseTask", mutating=True)
def create_online_database_task(world: World, call: Call) -> Answer:
    """Open the database of a chain that waits for its next file; no more files can be applied then."""
    require_check_db_mode(call)
    token = call.text("ClientToken")
    if len(token) > _TOKEN_LENGTH or not token.isascii():
        raise ApiError("InvalidClientToken.Malformed", 400, "ClientToken has up to 64 ASCII characters.")
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    require_sql_server(instance)
    if is_2008_r2(instance) and instance.storage_type.startswith("local"):
        raise ApiError("EngineVersionNotSupported", 400, f"Not available on {instance.engine_version}.")
    task = find_task(world, instance, call.text("MigrateTaskId"))
    if task.database.lower() != call.text("DBName").lower():
        raise world.variants.error("missing_database", f"The task is not one of {call.text('DBName')[:64]}.")
    if token and token in task.tokens:
        call.took_effect = False
        return _answer(world)
    if task.status != "Waiting" or task.terminate_at is not None:
        raise world.variants.error("online_status", f"The task is {task.status} and cannot be opened.")
    if token:
        task.tokens[token] = call.request_id
    task.check_db_mode = call.text("CheckDBMode")
    begin_opening(world, task)
    return _answer(world)


@action("rds", "TerminateMigrateTask", mutating=True)
def terminate_migrate_task(world: World, call: Call) -> Answer:
    """End a task that has not ended."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    require_sql_server(instance)
    task = find_task(world, instance, call.text("MigrateTaskId"))
    if not task.under_way and task.status != "Waiting":
        raise world.variants.error("terminate_status", f"The task is {task.status} already.")
    if task.terminate_at is None:
        begin_termination(world, task)
    else:
        call.took_effect = False
    return {}


def _answer(world: World) -> Answer:
    """The envelope of the old sample leaves its request ids to be filled in."""
    if world.variants["online_answer"] == "documented":
        return {}
    return {"code": "200", "data": {}, "requestId": "", "successResponse": True}
