# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What RDS knows of imports between instances: the two actions, the backups they read, the tasks they leave behind.

Imported when there is something to import or to look for: a second run needs none of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from .errors import ServiceError
from .rds import COPY, IMPORT, number_of, rows_of, text_of
from .rpc import RpcClient

# How far back a task that may still run is looked for. Longer windows are slow at the service.
_TASK_WINDOW = timedelta(days=2)


_ENDED = frozenset("success succeed succeeded finished failed canceled cancelled done".split())


class Backup(NamedTuple):
    """A backup set. taken: the point in time it holds; None when the service tells none."""

    id: str
    taken: datetime | None
    usable: bool


class Task(NamedTuple):
    """A row of DescribeTasks. finished is None where neither an end nor a progress is told."""

    id: str
    action: str
    database: str
    status: str
    progress: str
    begin: str
    end: str
    error: str

    @property
    def unfinished(self) -> bool:
        """No end, no error, not at 100 percent, and no status text that sounds like an end; no list is published."""
        percent = re.fullmatch(r"(\d{1,3})(\.\d+)?\s*%?", self.progress)
        at_the_end = percent is not None and int(percent[1]) >= 100
        return not (self.end or self.error or at_the_end or self.status.lower() in _ENDED)


def full_backups(client: RpcClient, instance_id: str, since: datetime, until: datetime) -> list[Backup]:
    """Full backups that were started in the window, newest first."""
    return _backups(client, {"DBInstanceId": instance_id, "BackupType": "FullBackup", **_window(since, until)})


def full_backup(client: RpcClient, instance_id: str, backup_id: str) -> list[Backup]:
    """The one full backup with this id, or none."""
    found = _backups(client, {"DBInstanceId": instance_id, "BackupId": backup_id})
    return [backup for backup in found if backup.id == backup_id]


def _backups(client: RpcClient, filters: Mapping[str, str]) -> list[Backup]:
    rows = client.pages(
        "DescribeBackups",
        filters,
        lambda answer: rows_of(answer, "Items", "Backup"),
        page_size=100,
        total_of=lambda answer, _rows: number_of(answer, "TotalRecordCount"),
    )
    found = [_backup(row) for row in rows if text_of(row, "BackupType") in (None, "FullBackup")]
    oldest = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(found, key=lambda b: b.taken or oldest, reverse=True)


def tasks(client: RpcClient, instance_id: str, since: datetime, until: datetime) -> list[Task]:
    """The instance's tasks that began in the window."""
    rows = client.pages(
        "DescribeTasks",
        {"DBInstanceId": instance_id, **_window(since, until)},
        lambda answer: rows_of(answer, "Items", "TaskProgressInfo"),
        page_size=100,
        total_of=lambda answer, _rows: number_of(answer, "TotalRecordCount"),
    )
    return [_task(row) for row in rows]


def running_imports(client: RpcClient, instance_id: str, now: float) -> frozenset[str]:
    """The actions, import or copy, of tasks that the instance's task list shows as unfinished.

    Whether the list shows them is not documented, so their absence says nothing. None either where the service refuses
    to show the list. now: seconds since 1970.
    """
    until = datetime.fromtimestamp(now, timezone.utc)
    try:
        listed = tasks(client, instance_id, until - _TASK_WINDOW, until)
    except ServiceError as error:
        if error.inconclusive:
            raise
        return frozenset()
    return frozenset(task.action for task in listed if task.action in (IMPORT, COPY) and task.unfinished)


def import_parameters(source: str, target: str, names: Mapping[str, str]) -> dict[str, str]:
    """Of ImportDatabaseBetweenInstances: DBInstanceId is the TARGET. SQL Server takes the map form of DBNames."""
    info = json.dumps({"DBNames": dict(names)}, ensure_ascii=False, separators=(",", ":"))
    return {"DBInstanceId": target, "SourceDBInstanceId": source, "DBInfo": info}


def copy_parameters(
    source: str, target: str, names: Mapping[str, str], *, backup_id: str, restore_time: str, sync_user_privilege: bool
) -> dict[str, str]:
    """Of CopyDatabaseBetweenInstances: DBInstanceId is the SOURCE. One of backup and time has to be given."""
    parameters = {
        "DBInstanceId": source,
        "TargetDBInstanceId": target,
        "DbNames": json.dumps(dict(names), ensure_ascii=False, separators=(",", ":")),
        "SyncUserPrivilege": "YES" if sync_user_privilege else "NO",
    }
    if backup_id:
        parameters["BackupId"] = backup_id
    if restore_time:
        parameters["RestoreTime"] = restore_time
    return parameters


def _backup(row: Mapping[str, Any]) -> Backup:
    consistent = number_of(row, "ConsistentTime")
    if consistent is not None and 0 < consistent < 10**11:
        taken: datetime | None = datetime.fromtimestamp(consistent, timezone.utc)
    else:
        taken = _time(text_of(row, "BackupEndTime")) or _time(text_of(row, "BackupStartTime"))
    available = number_of(row, "IsAvail")
    usable = text_of(row, "BackupStatus") == "Success" and available in (None, 1)
    return Backup(
        id=text_of(row, "BackupId") or "", taken=taken, usable=usable and text_of(row, "StoreStatus") != "Disabled"
    )


def _task(row: Mapping[str, Any]) -> Task:
    def told(name: str) -> str:
        return text_of(row, name) or ""

    return Task(
        id=told("TaskId"),
        action=told("TaskAction"),
        database=told("DBName"),
        status=told("Status"),
        progress=told("Progress"),
        begin=told("BeginTime"),
        end=told("FinishTime"),
        error=told("TaskErrorCode") or told("TaskErrorMessage"),
    )


def _time(text: str | None) -> datetime | None:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"):
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None


def _minutes(moment: datetime) -> str:
    """The window form of DescribeBackups and DescribeTasks; seconds are cut off."""
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _window(since: datetime, until: datetime) -> dict[str, str]:
    """The end is moved on, or the minute that is running would not be seen."""
    return {"StartTime": _minutes(since), "EndTime": _minutes(until + timedelta(minutes=1))}
