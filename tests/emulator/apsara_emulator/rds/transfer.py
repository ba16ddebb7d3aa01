# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an import and a copy between instances have in common: the conditions, and the start."""

from __future__ import annotations

from typing import Any

from ..documents import Instant
from ..errors import ApiError
from ..model import GIB, Instance, Operation
from ..operations import next_id, start
from ..registry import Call
from ..world import World
from .checks import malformed, require_free_name


def name_map(parameter: str, value: Any) -> dict[str, str]:
    """Source names to target names. ApiError unless both sides are names and no target comes twice."""
    if not isinstance(value, dict) or not value:
        raise malformed(parameter)
    if not all(isinstance(target, str) and target and source for source, target in value.items()):
        raise malformed(parameter)
    for side in (value.keys(), value.values()):
        if len({name.lower() for name in side}) != len(value):
            raise malformed(parameter)
    return dict(value)


def require_sql_server_pair(world: World, source: Instance, target: Instance) -> None:
    """ApiError unless these are two primary SQL Server instances of one region."""
    if source.id == target.id:
        raise ApiError("OperationDenied.DBInstanceId", 403, "Source and target are the same instance.")
    if source.engine != target.engine:
        raise ApiError("OperationDenied.Engine", 403, "Source and target have different engines.")
    if source.engine != "SQLServer":
        raise world.variants.error("wrong_engine", f"This is not available for {source.engine}.")
    if source.region != target.region:
        raise ApiError("OperationDenied.Region", 403, "Source and target are in different regions.")
    for instance in (source, target):
        if instance.type != "Primary":
            raise world.variants.error("wrong_family", f"The instance {instance.id} is {instance.type}.")


def require_databases(world: World, source: Instance, names: list[str]) -> None:
    """ApiError unless the source has all these databases, Running."""
    for name in names:
        database = source.databases.get(name)
        if database is None:
            raise world.variants.error("database_not_found", f"There is no database {name[:64]} on {source.id}.")
        if database.status != "Running":
            raise world.variants.error("wrong_database_state", f"The database {name} is {database.status}.")


def require_free_names(world: World, target: Instance, names: list[str]) -> None:
    """ApiError unless the target can take databases of all these names."""
    for name in names:
        require_free_name(world, target, name)


def has_room_for(target: Instance, count: int) -> bool:
    """Whether `count` more databases fit within the number allowed on the target."""
    return len(target.databases) + count <= target.max_databases


def begin(world: World, call: Call, kind: str, source: Instance, target: Instance, names: dict[str, str]) -> Operation:
    """Accept the call. In a world that has it so, nothing follows."""
    now = Instant(world.clock.now())
    operation = Operation(
        id=next_id(world),
        kind=kind,
        action=call.action,
        account_id=call.account_id,
        source=source.id,
        target=target.id,
        databases=names,
        accepted=now,
        busy=now,
        planned_end=now,
        sync_privileges=call.text("SyncUserPrivilege") == "YES",
    )
    size = sum(source.databases[name].size for name in names)
    call.took_effect = start(world, operation, size / GIB)
    return operation
