# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world with backup files in a bucket, and short ways to import them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apsara_emulator.default_world import BUCKET_ONE
from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, backup_bytes

from .inprocess import GIB, TARGET, Bench

BUCKET = BUCKET_ONE
ENDPOINT = "oss-cn-hangzhou.aliyuncs.com"
# Longer than any task of a small backup takes.
LONG = 3600.0

FULL = BackupSetDescription(
    files=(FileDescription("sales", "D:\\sales.mdf", size=2 * GIB),),
    backup_size=GIB,
    first_lsn="100",
    last_lsn="120",
    checkpoint_lsn="100",
)
DIFF = replace(FULL, type="differential", first_lsn="140", last_lsn="150", database_backup_lsn="100")
LOG_1 = replace(FULL, type="log", first_lsn="110", last_lsn="180", database_backup_lsn="100")
LOG_2 = replace(LOG_1, first_lsn="180", last_lsn="220")
LOG_3 = replace(LOG_1, first_lsn="220", last_lsn="260")

Content = BackupSetDescription | BackupDescription | bytes


def content_of(backup: Content) -> bytes:
    """The bytes of a backup file."""
    if isinstance(backup, bytes):
        return backup
    return backup_bytes(backup if isinstance(backup, BackupDescription) else BackupDescription(sets=(backup,)))


class MigrationBench(Bench):
    """`Bench` with backups in the default world's bucket, under `in/NAME.bak`."""

    def put(self, name: str, backup: Content = FULL, **attributes: Any) -> str:
        """Store a backup; the position of its object."""
        key = name if "/" in name else f"in/{name}.bak"
        self.world.oss.put(BUCKET, key, content_of(backup), **attributes)
        return f"{ENDPOINT}:{BUCKET}:{key}"

    def parameters(self, backup: Content = FULL, database: str = "sales", **changes: Any) -> dict[str, Any]:
        bucket = self.world.oss.bucket(BUCKET)
        number = len(bucket.objects) if bucket else 0
        position = changes.pop("position", None) or self.put(f"{database}_{number}", backup)
        parameters = {
            "DBInstanceId": TARGET,
            "DBName": database,
            "BackupMode": "FULL",
            "IsOnlineDB": "True",
            "OssObjectPositions": position,
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def create(self, backup: Content = FULL, database: str = "sales", **changes: Any) -> str:
        """The id of a new task."""
        return str(self.call("CreateMigrateTask", **self.parameters(backup, database, **changes))["MigrateTaskId"])

    def refused_create(self, backup: Content = FULL, database: str = "sales", **changes: Any) -> str:
        return self.refused("CreateMigrateTask", **self.parameters(backup, database, **changes))

    def add(self, task: str | None, backup: Content, database: str = "sales", **changes: Any) -> str:
        """A file of a chain."""
        return self.create(
            backup, database, **{"BackupMode": "UPDF", "IsOnlineDB": "False", "MigrateTaskId": task, **changes}
        )

    def chain(self, *backups: Content) -> str:
        """A chain of which all files have been applied."""
        first, *others = backups or (FULL,)
        task = self.add(None, first)
        self.run()
        for backup in others:
            self.add(task, backup)
            self.run()
        return task

    def open_parameters(self, task: str, **changes: Any) -> dict[str, Any]:
        return {
            "DBInstanceId": TARGET,
            "DBName": "sales",
            "MigrateTaskId": task,
            "CheckDBMode": "AsyncExecuteDBCheck",
            **changes,
        }

    def open(self, task: str, **changes: Any) -> dict[str, Any]:
        return self.call("CreateOnlineDatabaseTask", **self.open_parameters(task, **changes))

    def terminate(self, task: str) -> dict[str, Any]:
        return self.call("TerminateMigrateTask", DBInstanceId=TARGET, MigrateTaskId=task)

    def run(self) -> None:
        """Let everything come to its end."""
        self.clock.advance(LONG)

    def task(self, task_id: str, instance: str = TARGET) -> dict[str, Any]:
        return self.call("DescribeMigrateTaskById", DBInstanceId=instance, MigrateTaskId=task_id)

    def outcome(self, task_id: str) -> tuple[str, str]:
        """Status and description."""
        row = self.task(task_id)
        return row["Status"], row["Description"]

    def result_of(self, backup: Content, **changes: Any) -> tuple[str, str]:
        """What becomes of the import of a backup."""
        task = self.create(backup, **changes)
        self.run()
        return self.outcome(task)

    def files(self, task_id: str) -> list[dict[str, Any]]:
        rows = self.call("DescribeOssDownloads", DBInstanceId=TARGET, MigrateTaskId=task_id)["Items"]
        return list(rows["OssDownload"])

    def listed(self, **changes: Any) -> list[dict[str, Any]]:
        answer = self.call("DescribeMigrateTasks", **self.window(**changes))
        return list(answer["Items"]["MigrateTask"])

    def window(self, **changes: Any) -> dict[str, Any]:
        return {"DBInstanceId": TARGET, "StartTime": "2026-01-01T00:00Z", "EndTime": "2026-01-09T00:00Z", **changes}
