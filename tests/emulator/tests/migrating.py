# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world with backup files in a bucket, and short ways to import them."""

from __future__ import annotations

from typing import Any

from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.stored_objects import BucketFacts

from .backup_files import FULL, Backup, MemoryObject, MemoryObjects, backup_bytes
from .inprocess import TARGET, Bench

BUCKET = "backups-of-one"
ENDPOINT = "oss-cn-hangzhou.aliyuncs.com"
# Longer than any task of a small backup takes.
LONG = 3600.0


class MigrationBench(Bench):
    """`Bench` with a bucket. Backups are put under `in/NAME.bak`."""

    def __init__(self, change: Any = None, **variants: str) -> None:
        super().__init__(change, **variants)
        self.store = MemoryObjects({BUCKET: BucketFacts(ACCOUNT_ONE, "cn-hangzhou")})
        self.world.objects = self.store

    def put(self, name: str, backup: Backup | bytes = FULL, **attributes: Any) -> str:
        """Store a backup; the position of its object."""
        data = backup if isinstance(backup, bytes) else backup_bytes(backup)
        key = name if "/" in name else f"in/{name}.bak"
        self.store.objects[BUCKET, key] = MemoryObject(data, **attributes)
        return f"{ENDPOINT}:{BUCKET}:{key}"

    def parameters(self, backup: Backup | bytes = FULL, database: str = "sales", **changes: Any) -> dict[str, Any]:
        position = changes.pop("position", None) or self.put(f"{database}_{len(self.store.objects)}", backup)
        parameters = {
            "DBInstanceId": TARGET,
            "DBName": database,
            "BackupMode": "FULL",
            "IsOnlineDB": "True",
            "OssObjectPositions": position,
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def create(self, backup: Backup | bytes = FULL, database: str = "sales", **changes: Any) -> str:
        """The id of a new task."""
        return str(self.call("CreateMigrateTask", **self.parameters(backup, database, **changes))["MigrateTaskId"])

    def refused_create(self, backup: Backup | bytes = FULL, database: str = "sales", **changes: Any) -> str:
        return self.refused("CreateMigrateTask", **self.parameters(backup, database, **changes))

    def add(self, task: str | None, backup: Backup, database: str = "sales", **changes: Any) -> str:
        """A file of a chain."""
        return self.create(backup, database, BackupMode="UPDF", IsOnlineDB="False", MigrateTaskId=task, **changes)

    def run(self) -> None:
        """Let everything come to its end."""
        self.clock.advance(LONG)

    def task(self, task_id: str, instance: str = TARGET) -> dict[str, Any]:
        return self.call("DescribeMigrateTaskById", DBInstanceId=instance, MigrateTaskId=task_id)

    def outcome(self, task_id: str) -> tuple[str, str]:
        """Status and description."""
        row = self.task(task_id)
        return row["Status"], row["Description"]

    def files(self, task_id: str) -> list[dict[str, Any]]:
        rows = self.call("DescribeOssDownloads", DBInstanceId=TARGET, MigrateTaskId=task_id)["Items"]
        return list(rows["OssDownload"])

    def listed(self, **changes: Any) -> list[dict[str, Any]]:
        answer = self.call("DescribeMigrateTasks", **self.window(**changes))
        return list(answer["Items"]["MigrateTask"])

    def window(self, **changes: Any) -> dict[str, Any]:
        return {"DBInstanceId": TARGET, "StartTime": "2026-01-01T00:00Z", "EndTime": "2026-01-09T00:00Z", **changes}
