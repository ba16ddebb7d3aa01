# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud migration of PostgreSQL: assess, migrate, switch. The work itself is done by real servers, in `postgresql`.

Codes: action pages (IncorrectDBInstanceState) and the appendix of client error codes.
"""

from __future__ import annotations

import random
import string
from typing import Any

from ..documents import Instant
from ..errors import ApiError
from ..model import Instance
from ..postgresql.connectivity import Source
from ..postgresql.fleet import require_psycopg
from ..postgresql.model import CloudMigration, CloudTask
from ..postgresql.observation import observe
from ..postgresql.stalls import is_held_up
from ..postgresql.work import Work
from ..registry import Answer, Call, action
from ..servers.errors import ServerError
from ..world import World
from .checks import require_idle

_CATEGORIES = {
    "documented": ("idcOnVpc", "ecsOnVpc"),
    "open": ("idcOnVpc", "ecsOnVpc", "internet", "aliyunRDS", "other"),
}
_FIRST_ID = 440_420_798


@action("rds", "CreateCloudMigrationPrecheckTask", mutating=True)
def create_cloud_migration_precheck_task(world: World, call: Call) -> Answer:
    """Assess whether a source can be migrated to an empty instance."""
    instance = _target(world, call)
    source = _source(world, call)
    _require_no_migration(world, instance, "assessment")
    task = CloudTask(**_common(world, call, instance))
    world.state.assessments.append(task)
    world.postgresql.passwords[task.id] = source.password
    work = Work(world, task, source)
    work.begin(work.assess, "assessment")
    return _created(task)


@action("rds", "CreateCloudMigrationTask", mutating=True)
def create_cloud_migration_task(world: World, call: Call) -> Answer:
    """Copy a source and follow it."""
    instance = _target(world, call)
    source = _source(world, call)
    _require_no_migration(world, instance, "precheck")
    if world.variants["assessment_required"] == "yes" and not _is_assessed(world, instance, source):
        raise world.variants.error("migration_refused", f"No assessment of this source for {instance.id} has passed.")
    task = CloudMigration(**_common(world, call, instance))
    world.state.cloud_migrations.append(task)
    world.postgresql.passwords[task.id] = source.password
    work = Work(world, task, source)
    work.begin(work.migrate, "migration")
    return _created(task)


@action("rds", "ActivateMigrationTargetInstance", mutating=True)
def activate_migration_target_instance(world: World, call: Call) -> Answer:
    """Make the target of the migration in flight a primary. There is no way back."""
    instance = world.instance(call.account_id, call.text("DBInstanceName"))
    _require_postgresql(world, instance)
    for name, known in (("SwitchTimeMode", "0"), ("ForceSwitch", "1")):
        if call.text(name) not in ("", known):
            raise ApiError(f"Invalid{name}.ValueNotSupported", 400, f"{name} is {known}.")
    task = migration_in_flight(world, instance.id)
    if task is None or task.stage != "increment":
        raise world.variants.error("migration_refused", f"No migration to {instance.id} is in the stage increment.")
    server = world.postgresql.server(instance.id)
    state = task.replication_state if server is None else observe(server).state
    if world.variants["activation_needs"] == "streaming" and state != "streaming":
        raise world.variants.error("migration_refused", f"The replication to {instance.id} is not streaming ({state}).")
    task.stage, task.modified = "switch", Instant(world.clock.now())
    task.switch_task_id = next_task_id(world)
    source = Source(task.source_address, task.source_port, task.source_account, _password(world, task))
    work = Work(world, task, source)
    work.begin(work.switch, "switch")
    return {
        "DBInstanceName": instance.id,
        "SourceIpAddress": task.source_address,
        "SourcePort": task.source_port,
        "TaskId": task.switch_task_id,
    }


def migration_in_flight(world: World, instance_id: str) -> CloudMigration | None:
    """The migration that occupies the instance."""
    for task in world.state.cloud_migrations:
        if task.instance == instance_id and task.in_flight:
            return task
    return None


def next_task_id(world: World) -> int:
    """An id that no task of this family has."""
    tasks: list[CloudTask] = [*world.state.assessments, *world.state.cloud_migrations]
    switches = [one.switch_task_id or 0 for one in world.state.cloud_migrations]
    return max([_FIRST_ID, *(one.id for one in tasks), *switches]) + 137


def _target(world: World, call: Call) -> Instance:
    """The instance named. ApiError unless something can be migrated to it."""
    instance = world.instance(call.account_id, call.text("DBInstanceName"))
    _require_postgresql(world, instance)
    if instance.type != "Primary":
        raise world.variants.error("wrong_family", f"The instance {instance.id} is {instance.type}, not a primary one.")
    if not instance.storage_type.startswith("cloud_"):
        raise world.variants.error("wrong_family", f"The instance {instance.id} has no cloud disks.")
    return instance


def _require_postgresql(world: World, instance: Instance) -> None:
    if instance.engine != "PostgreSQL":
        raise world.variants.error("wrong_engine", f"This is not available for {instance.engine}.")


def _source(world: World, call: Call) -> Source:
    known = _CATEGORIES[world.variants["source_categories"]]
    if call.text("SourceCategory").lower() not in [one.lower() for one in known]:
        raise ApiError("InvalidSourceCategory.ValueNotSupported", 400, f"SourceCategory is one of {', '.join(known)}.")
    port = int(call.text("SourcePort"))
    if not 1 <= port <= 65535:
        raise ApiError("InvalidSourcePort.Malformed", 400, "SourcePort is from 1 to 65535.")
    return Source(call.text("SourceIpAddress"), port, call.text("SourceAccount"), call.text("SourcePassword"))


def _require_no_migration(world: World, instance: Instance, first_stage: str) -> None:
    """ApiError unless the instance is idle, and this computer can do the work (or the world holds it up for good)."""
    if migration_in_flight(world, instance.id):
        raise world.variants.error("migration_refused", f"A migration to {instance.id} is under way.")
    require_idle(world, instance)
    if not is_held_up(world, first_stage, instance.id, world.clock.now()):
        try:
            require_psycopg()
            world.postgresql.require_binaries(instance)
        except ServerError as error:
            raise ApiError("Emulator.NoPostgreSQL", 400, f"The emulator cannot do this here: {error}") from error


def _is_assessed(world: World, instance: Instance, source: Source) -> bool:
    return any(
        one.passed
        for one in world.state.assessments
        if (one.instance, one.source_address, one.source_port) == (instance.id, source.address, source.port)
    )


def _common(world: World, call: Call, instance: Instance) -> dict[str, Any]:
    """The fields of a new task."""
    now = Instant(world.clock.now())
    return {
        "id": next_task_id(world),
        "name": call.text("TaskName") or _made_up_name(),
        "account_id": call.account_id,
        "instance": instance.id,
        "source_address": call.text("SourceIpAddress"),
        "source_port": int(call.text("SourcePort")),
        "source_account": call.text("SourceAccount"),
        "source_category": call.text("SourceCategory"),
        "created": now,
        "modified": now,
    }


def _made_up_name() -> str:
    """In the manner of the samples."""
    return "".join(random.choices(string.ascii_lowercase + string.digits, k=10))  # nothing secret


def _created(task: CloudTask) -> Answer:
    return {"DBInstanceName": task.instance, "TaskId": task.id, "TaskName": task.name}


def _password(world: World, task: CloudTask) -> str:
    return world.postgresql.passwords.get(task.id, "")
