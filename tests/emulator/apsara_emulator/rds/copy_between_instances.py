# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CopyDatabaseBetweenInstances. DBInstanceId is the SOURCE. A backup set of it is restored on the target.

Conditions: guide and action page (same account, version, region and network type, free names, enough space, SQL
Server 2012 or later). Codes: action page and appendix.
"""

from __future__ import annotations

from ..errors import ApiError
from ..model import Backup, Instance
from ..registry import Answer, Call, action
from ..world import World
from .checks import SECONDS, json_parameter, malformed, moment_asked_for, require_idle
from .transfer import (
    begin,
    has_room_for,
    name_map,
    require_databases,
    require_free_names,
    require_sql_server_pair,
)

_DAY = 86400


@action("rds", "CopyDatabaseBetweenInstances", mutating=True)
def copy_database_between_instances(world: World, call: Call) -> Answer:
    """Restore databases from a backup of this instance on another instance of the account."""
    names = name_map("DbNames", json_parameter(call, "DbNames"))
    if call.text("SyncUserPrivilege") not in ("", "YES", "NO"):
        raise ApiError("InvalidSyncUserPrivilege.ValueNotSupported", 400, "SyncUserPrivilege is YES or NO.")
    source = world.instance(call.account_id, call.text("DBInstanceId"))
    target = world.instance(call.account_id, call.text("TargetDBInstanceId"))
    require_sql_server_pair(world, source, target)
    _require_alike(world, source, target)
    backup = _backup(world, call, source)
    require_idle(world, source)
    require_idle(world, target)
    require_databases(world, source, list(names))
    if backup.databases is not None and not set(names) <= set(backup.databases):
        raise world.variants.error("database_not_found", f"Backup {backup.id} does not hold every database named.")
    require_free_names(world, target, list(names.values()))
    if not has_room_for(target, len(names)):
        raise ApiError("DBLimitExceeded", 403, f"The instance {target.id} holds no more databases.")
    if target.free <= sum(source.databases[name].size for name in names):
        raise ApiError("StorageLimitExceeded", 403, f"Too little space is left on {target.id}.")
    begin(world, call, "copy", source, target, names)
    return {}


def _require_alike(world: World, source: Instance, target: Instance) -> None:
    if source.engine_version != target.engine_version or source.engine_version.startswith(("2008", "08")):
        raise world.variants.error(
            "wrong_version", f"{source.engine_version} to {target.engine_version}: not available."
        )
    if source.network_type != target.network_type:
        raise world.variants.error("wrong_network_type", "Source and target have different network types.")


def _backup(world: World, call: Call, source: Instance) -> Backup:
    """The backup that is restored: the one named, or the newest one before RestoreTime. One of them must be given."""
    backup_id, restore_time = call.text("BackupId"), moment_asked_for(call, "RestoreTime", SECONDS)
    if not backup_id and restore_time is None:
        raise ApiError("MissingParameter", 400, "One of the parameters BackupId and RestoreTime is required.")
    if backup_id and restore_time is not None and world.variants["copy_with_both"] == "refused":
        raise malformed("RestoreTime")
    if backup_id:
        return _named_backup(source, backup_id)
    return _backup_before(world, source, restore_time or 0.0)


def _named_backup(source: Instance, backup_id: str) -> Backup:
    found = next((one for one in source.backups if one.id == backup_id), None)
    if found is None:
        raise ApiError("InvalidBackupId.NotFound", 404, f"There is no backup {backup_id[:64]} of {source.id}.")
    if not _is_usable(found):
        raise ApiError("IncorrectBackupSetState", 403, f"The backup {found.id} cannot be used.")
    return found


def _backup_before(world: World, source: Instance, moment: float) -> Backup:
    now = world.clock.now()
    earlier = [one for one in source.backups if _is_usable(one) and one.type == "FullBackup" and one.end <= moment]
    if not earlier or not now - source.backup_retention_days * _DAY <= moment <= now:
        raise ApiError("InvalidBackup.NotFound", 404, f"{source.id} cannot be restored to that time.")
    return max(earlier, key=lambda one: one.end)


def _is_usable(backup: Backup) -> bool:
    return backup.status == "Success" and backup.available
