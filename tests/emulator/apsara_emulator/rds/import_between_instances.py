# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ImportDatabaseBetweenInstances, which the vendor has taken offline. DBInstanceId is the TARGET.

Conditions: the action's page in its last editions. Codes: appendix of client error codes.
"""

from __future__ import annotations

from ..errors import ApiError
from ..model import Instance
from ..registry import Answer, Call, action
from ..world import World
from .checks import json_parameter, malformed, require_idle
from .transfer import (
    begin,
    has_room_for,
    name_map,
    require_databases,
    require_free_names,
    require_sql_server_pair,
)

_DEDICATED = frozenset({"d", "h"})


@action("rds", "ImportDatabaseBetweenInstances", mutating=True)
def import_database_between_instances(world: World, call: Call) -> Answer:
    """Bring databases of another instance of the account to this one."""
    names = _names(world, call)
    target = world.instance(call.account_id, call.text("DBInstanceId"))
    source = world.instance(call.account_id, call.text("SourceDBInstanceId"))
    require_sql_server_pair(world, source, target)
    for instance in (source, target):
        _require_suited(world, instance)
    require_idle(world, source)
    require_idle(world, target)
    require_databases(world, source, list(names))
    require_free_names(world, target, list(names.values()))
    if not has_room_for(target, len(names)):
        raise ApiError("QuotaExceeded.DBName", 400, f"The instance {target.id} holds no more databases.")
    if target.free <= _space_needed(world, source, names):
        raise ApiError("QuotaExceeded.DBInstanceStorage", 403, f"Too little space is left on {target.id}.")
    operation = begin(world, call, "import", source, target, names)
    return {"ImportId": str(operation.id) if world.variants["import_id"] == "text" else operation.id}


def _names(world: World, call: Call) -> dict[str, str]:
    """DBInfo: `{"DBNames": {"source": "target"}}`, or `{"DBNames": ["name"]}` for the same name on both sides."""
    wanted = json_parameter(call, "DBInfo").get("DBNames")
    if isinstance(wanted, list) and world.variants["import_array"] == "accepted":
        if not all(isinstance(name, str) for name in wanted) or len(set(wanted)) != len(wanted):
            raise malformed("DBInfo")
        wanted = {name: name for name in wanted}
    return name_map("DBInfo", wanted)


def _require_suited(world: World, instance: Instance) -> None:
    if instance.engine_version == "2017_ent":
        raise world.variants.error("wrong_version", f"{instance.id}: not available for {instance.engine_version}.")
    if instance.class_type not in _DEDICATED:
        raise world.variants.error("wrong_family", f"The instance {instance.id} is not of a dedicated family.")


def _space_needed(world: World, source: Instance, names: dict[str, str]) -> int:
    """Bytes that must be free on the target."""
    needed = {
        "used": source.used,
        "free": source.free,
        "databases": sum(source.databases[name].size for name in names),
    }
    return needed[world.variants["import_space"]]
