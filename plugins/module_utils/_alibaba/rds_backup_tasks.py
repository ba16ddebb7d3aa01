# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Backups of SQL Server from OSS to RDS: the CreateMigrateTask family of the RDS API.

One task per CreateMigrateTask call. A FULL task restores one full backup and opens the database. A UPDF task begins a
chain: it restores without opening and then waits for differential and log backups, which name its id, until
CreateOnlineDatabaseTask opens the database. No call but that one has a token against being carried out twice.
Facts: pages of the actions, SDK models; DescribeMigrateTasks lists tasks of the last week only, perhaps without chains.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from .rds import number_of, rows_of, text_of
from .rpc import RpcClient

CREATE, OPEN, TERMINATE = "CreateMigrateTask", "CreateOnlineDatabaseTask", "TerminateMigrateTask"
# Of OSS: the id of a chain is kept at its full backup.
TAG = "PutObjectTagging"
FULL, CHAIN = "FULL", "UPDF"

SUCCESS, FAILED, WAITING = "Success", "Failed", "Waiting"

# File rows that say that the file is in the database, or will never be.
RESTORED = "Restored"
FILE_FAILED = frozenset({"DownloadFailed", "VerifyFailed", "CheckFailed", "RestoreFailed"})
# The service's own copy was removed, or was to be: no page says whether that is before or after it was applied.
_FILE_REMOVED = frozenset({"Deleted", "DeleteFailed"})

# DescribeMigrateTasks refuses a window that begins earlier.
LIST_WINDOW = timedelta(days=7)
_MARGIN = timedelta(minutes=2)
_OLDEST = datetime.min.replace(tzinfo=timezone.utc)


class BackupTask(NamedTuple):
    """A row of DescribeMigrateTasks, or the answer of DescribeMigrateTaskById. created, ended: None if not told."""

    id: str
    database: str
    mode: str
    status: str
    description: str
    created: datetime | None
    ended: datetime | None

    @property
    def waiting(self) -> bool:
        """It waits for the next file of its chain, or to be opened."""
        return self.status == WAITING

    @property
    def ended_well(self) -> bool:
        return self.status == SUCCESS

    @property
    def ended_badly(self) -> bool:
        return self.status == FAILED

    @property
    def unfinished(self) -> bool:
        """A state nobody documented counts as running."""
        return self.status not in (SUCCESS, FAILED)


class BackupFileRow(NamedTuple):
    """A row of DescribeOssDownloads: what became of one file of a task."""

    name: str
    status: str
    description: str

    @property
    def applied(self) -> bool:
        return self.status == RESTORED

    @property
    def failed(self) -> bool:
        return self.status in FILE_FAILED

    @property
    def removed(self) -> bool:
        return self.status in _FILE_REMOVED

    def is_of(self, key: str) -> bool:
        """Whether the row is about this object. Rows show the whole key, or its last part."""
        return self.name in (key, key.rpartition("/")[2])


def tasks(client: RpcClient, instance_id: str, since: datetime, until: datetime) -> list[BackupTask]:
    """The tasks created in the window, newest first. The window is cut to the last week before `until`."""
    since = max(since, until - LIST_WINDOW + _MARGIN)
    rows = client.pages(
        "DescribeMigrateTasks",
        {"DBInstanceId": instance_id, "StartTime": _minutes(since), "EndTime": _minutes(until + _MARGIN)},
        lambda answer: rows_of(answer, "Items", "MigrateTask"),
        page_size=100,
        total_of=lambda answer, _rows: number_of(answer, "TotalRecordCount"),
    )
    # A page that is read twice while rows move shows a task twice.
    found = {row.id: row for row in map(_task, rows) if row.id}
    return newest_first(found.values())


def newest_first(found: Iterable[BackupTask]) -> list[BackupTask]:
    return sorted(found, key=lambda t: (t.created or _OLDEST, t.id), reverse=True)


def task(client: RpcClient, instance_id: str, task_id: str) -> BackupTask:
    """One task by its id. Raises ServiceError when the service knows none."""
    answer = client.call("DescribeMigrateTaskById", {"DBInstanceId": instance_id, "MigrateTaskId": task_id})
    return _task({**answer, "MigrateTaskId": answer.get("MigrateTaskId") or task_id})


def file_rows(client: RpcClient, instance_id: str, task_id: str) -> list[BackupFileRow]:
    """The files of one task. Raises ServiceError where the edition has no such call (2017 and 2019 Enterprise)."""
    answer = client.call("DescribeOssDownloads", {"DBInstanceId": instance_id, "MigrateTaskId": task_id})
    return [
        BackupFileRow(
            name=text_of(row, "FileName") or "",
            status=text_of(row, "Status") or "",
            description=text_of(row, "Description") or "",
        )
        for row in rows_of(answer, "Items", "OssDownload")
    ]


def position(region: str, bucket: str, key: str) -> str:
    """OssObjectPositions: the public endpoint of the bucket's region, although RDS reads inside of it."""
    return f"{public_endpoint(region)}:{bucket}:{key}"


def public_endpoint(region: str) -> str:
    return f"oss-{region}.aliyuncs.com"


def restore_parameters(
    instance_id: str,
    database: str,
    *,
    positions: str = "",
    urls: str = "",
    check_db_mode: str = "",
    keep_cdc: bool | None = None,
) -> dict[str, Any]:
    """Of CreateMigrateTask for a full backup that is opened at once. urls: for 2008 R2, instead of positions."""
    where = {"OSSUrls": urls} if urls else {"OssObjectPositions": positions}
    parameters: dict[str, Any] = {"DBInstanceId": instance_id, "DBName": database, "BackupMode": FULL}
    parameters.update({"IsOnlineDB": "True", **where})
    if check_db_mode:
        parameters["CheckDBMode"] = check_db_mode
    if keep_cdc is not None:
        parameters["KeepCDC"] = keep_cdc
    return parameters


def chain_parameters(instance_id: str, database: str, positions: str, task_id: str = "") -> dict[str, Any]:
    """Of CreateMigrateTask for one file of a chain; task_id: of the chain, unless this file begins it."""
    parameters = {"DBInstanceId": instance_id, "DBName": database, "BackupMode": CHAIN, "IsOnlineDB": "False"}
    parameters["OssObjectPositions"] = positions
    return {**parameters, "MigrateTaskId": task_id} if task_id else parameters


def open_parameters(
    instance_id: str, database: str, task_id: str, check_db_mode: str, keep_cdc: bool | None = None
) -> dict[str, Any]:
    """Of CreateOnlineDatabaseTask; CheckDBMode is required there."""
    parameters: dict[str, Any] = {"DBInstanceId": instance_id, "DBName": database, "MigrateTaskId": task_id}
    parameters["CheckDBMode"] = check_db_mode
    if keep_cdc is not None:
        parameters["KeepCDC"] = keep_cdc
    return parameters


def _task(row: Mapping[str, Any]) -> BackupTask:
    return BackupTask(
        id=text_of(row, "MigrateTaskId") or "",
        database=text_of(row, "DBName") or "",
        mode=text_of(row, "BackupMode") or "",
        status=text_of(row, "Status") or "unknown",
        description=text_of(row, "Description") or "",
        created=_time(text_of(row, "CreateTime")),
        ended=_time(text_of(row, "EndTime")),
    )


def _minutes(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def _time(text: str | None) -> datetime | None:
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"):
        try:
            return datetime.strptime(text or "", form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    return None
