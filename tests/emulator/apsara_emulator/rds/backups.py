# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup sets of an instance."""

from __future__ import annotations

from typing import Any

from ..clock import utc_text
from ..model import Backup, Instance
from ..registry import Answer, Call, action
from ..world import World
from .checks import MINUTES, page_asked_for, window_asked_for


@action("rds", "DescribeBackups", mutating=False)
def describe_backups(world: World, call: Call) -> Answer:
    """The backup sets, newest first. The counts are texts here (SDK models)."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    page = page_asked_for(world, call, (30, 50, 100), 30)
    low, high = window_asked_for(call, "StartTime", "EndTime", MINUTES)
    listed = sorted(
        (one for one in instance.backups if low <= one.start <= high and _is_wanted(call, one)),
        key=lambda one: one.start,
        reverse=True,
    )
    rows = [_row(instance, one) for one in page.of(listed)]
    return {
        "Items": {"Backup": rows},
        "PageNumber": str(page.number),
        "PageRecordCount": str(len(rows)),
        "TotalRecordCount": str(len(listed)),
        "TotalEcsSnapshotSize": 0,
    }


def _is_wanted(call: Call, backup: Backup) -> bool:
    wanted = {
        "BackupId": backup.id,
        "BackupMode": backup.mode,
        "BackupStatus": backup.status,
        "BackupType": backup.type,
    }
    return all(call.text(name) in ("", value) for name, value in wanted.items())


def _row(instance: Instance, backup: Backup) -> dict[str, Any]:
    return {
        "BackupId": backup.id,
        "BackupStartTime": utc_text(backup.start),
        "BackupEndTime": utc_text(backup.end),
        "BackupInitiator": "System" if backup.mode == "Automated" else "User",
        "BackupMethod": backup.method,
        "BackupMode": backup.mode,
        "BackupSize": backup.size,
        "BackupStatus": backup.status,
        "BackupType": backup.type,
        "ConsistentTime": int(backup.start),
        "CopyOnlyBackup": "0",
        "DBInstanceId": instance.id,
        "Engine": instance.engine,
        "EngineVersion": instance.engine_version,
        "IsAvail": 1 if backup.available else 0,
        "StoreStatus": backup.store_status,
    }
