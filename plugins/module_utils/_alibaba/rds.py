# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The RDS operations used (API version 2014-08-15), as functions, with their states and their traps.

Answers are taken apart here and nowhere else: lists come as arrays, as one bare object or in a wrapper; numbers come as
text; fields may be missing. A missing or meaningless value becomes None, which says "unknown" to whoever reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from .errors import ServiceError, is_forbidden, is_unknown_action, is_unknown_instance
from .rpc import RpcClient, Service

RDS = Service(
    name="rds",
    version="2014-08-15",
    reads=frozenset(
        {
            "CheckDBNameAvailable",
            "DescribeAccounts",
            "DescribeBackups",
            "DescribeDBInstanceAttribute",
            "DescribeDBInstanceNetInfo",
            "DescribeDBInstances",
            "DescribeDatabases",
            "DescribeRegions",
            "DescribeResourceUsage",
            "DescribeTasks",
        }
    ),
)

# Regions that share the central endpoint; every other region has rds.<region>.aliyuncs.com (the SDK's map).
_CENTRAL = frozenset(
    "cn-qingdao cn-beijing cn-hangzhou cn-shanghai cn-shenzhen cn-heyuan cn-hongkong ap-southeast-1 us-west-1 us-east-1"
    " cn-shanghai-finance-1 cn-shenzhen-finance-1 cn-north-2-gov-1 cn-beijing-finance-1".split()
)
_SPECIAL = {"cn-hangzhou-finance": "rds-vpc.cn-hangzhou-finance.aliyuncs.com"}

IMPORT, COPY = "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"

RUNNING = "Running"
# The API's words first, then those of the seeds, which are the console's.
IMPORTING = frozenset({"ImportingFromOthers", "Importing"})
DATABASE_RUNNING = "Running"
# States of a database from which it does not become Running by waiting.
DATABASE_LOST = frozenset({"Cold"})

_GIB = 1024**3
# How far back a task that may still run is looked for. Longer windows are slow at the service.
_TASK_WINDOW = timedelta(days=2)
_REGION = re.compile(r"[a-z]{2}(-[a-z0-9]+)+")


@dataclass(frozen=True)
class Instance:
    """What DescribeDBInstanceAttribute tells. None: not told. storage and storage_used in bytes."""

    id: str
    engine: str | None
    version: str | None
    edition: str | None
    family: str | None
    instance_class: str | None
    state: str | None
    type: str | None
    region: str | None
    zone: str | None
    network: str | None
    vpc: str | None
    lock_mode: str | None
    storage: int | None
    storage_type: str | None
    storage_used: int | None
    most_databases: int | None
    collation: str | None
    description: str | None


@dataclass(frozen=True)
class Database:
    """size in bytes, where the service tells it."""

    name: str
    state: str
    size: int | None = None
    character_set: str | None = None


@dataclass(frozen=True)
class Backup:
    """A backup set. taken: the point in time it holds; None when the service tells none."""

    id: str
    taken: datetime | None
    usable: bool


@dataclass(frozen=True)
class Task:
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
        return not self.end and not self.error and self.progress.rstrip("%") not in ("100", "100.0")


def default_endpoint(region: str) -> str:
    """The SDK's rule; rds.aliyuncs.com where no region is given, as in the seeds."""
    if not region or region in _CENTRAL:
        return "rds.aliyuncs.com"
    return _SPECIAL.get(region, f"rds.{region}.aliyuncs.com")


def is_region(text: str) -> bool:
    """Whether the text can be a region id; it becomes part of a host name."""
    return _REGION.fullmatch(text) is not None


def instance(client: RpcClient, instance_id: str) -> Instance | None:
    """None: there is no such instance in this account and region."""
    try:
        answer = client.call("DescribeDBInstanceAttribute", {"DBInstanceId": instance_id})
    except ServiceError as error:
        if is_unknown_instance(error):
            return None
        raise
    rows = [row for row in _rows(answer, "Items", "DBInstanceAttribute") if _text(row, "DBInstanceId") == instance_id]
    return _instance(rows[0]) if rows else None


def databases(client: RpcClient, instance_id: str) -> dict[str, Database]:
    """All databases by name. The total stands inside the rows, and only for SQL Server."""
    found = client.pages(
        "DescribeDatabases",
        {"DBInstanceId": instance_id},
        lambda answer: _rows(answer, "Databases", "Database"),
        page_size=100,
        total_of=lambda _answer, rows: _number(rows[0], "TotalCount") if rows else None,
    )
    return {d.name: d for d in map(_database, found)}


def disk_used(client: RpcClient, instance_id: str) -> int | None:
    """Bytes; None when the service has no figure, which it writes as -1."""
    return _size(client.call("DescribeResourceUsage", {"DBInstanceId": instance_id}), "DiskUsed")


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
        lambda answer: _rows(answer, "Items", "Backup"),
        page_size=100,
        total_of=lambda answer, _rows: _number(answer, "TotalRecordCount"),
    )
    found = [_backup(row) for row in rows if _text(row, "BackupType") in (None, "FullBackup")]
    oldest = datetime.min.replace(tzinfo=timezone.utc)
    return sorted(found, key=lambda b: b.taken or oldest, reverse=True)


def tasks(client: RpcClient, instance_id: str, since: datetime, until: datetime) -> list[Task]:
    """The instance's tasks that began in the window."""
    rows = client.pages(
        "DescribeTasks",
        {"DBInstanceId": instance_id, **_window(since, until)},
        lambda answer: _rows(answer, "Items", "TaskProgressInfo"),
        page_size=100,
        total_of=lambda answer, _rows: _number(answer, "TotalRecordCount"),
    )
    return [_task(row) for row in rows]


def running_imports(client: RpcClient, instance_id: str, now: float) -> frozenset[str]:
    """The actions, import or copy, of tasks that the instance's task list shows as unfinished.

    Whether the list shows them is not documented, so their absence says nothing. None either where reading the list is
    forbidden or not offered. now: seconds since 1970.
    """
    until = datetime.fromtimestamp(now, timezone.utc)
    try:
        listed = tasks(client, instance_id, until - _TASK_WINDOW, until)
    except ServiceError as error:
        if error.transient or not (is_forbidden(error) or is_unknown_action(error)):
            raise
        return frozenset()
    return frozenset(task.action for task in listed if task.action in (IMPORT, COPY) and task.unfinished)


def accounts(client: RpcClient, instance_id: str) -> list[dict[str, Any]]:
    """name, kind (Normal, Super, Sysadmin), status and privileges {database: privilege} of each account."""
    rows = client.pages(
        "DescribeAccounts",
        {"DBInstanceId": instance_id},
        lambda answer: _rows(answer, "Accounts", "DBInstanceAccount"),
        page_size=200,
        total_of=lambda answer, _rows: _number(answer, "TotalRecordCount"),
    )
    return [_account(row) for row in rows]


def addresses(client: RpcClient, instance_id: str) -> list[dict[str, Any]]:
    """host, port, kind (Private, Public, Inner) and ip of each endpoint of the instance."""
    answer = client.call("DescribeDBInstanceNetInfo", {"DBInstanceId": instance_id})
    return [
        {
            "host": _text(row, "ConnectionString"),
            "port": _number(row, "Port"),
            "kind": _text(row, "IPType"),
            "ip": _text(row, "IPAddress"),
        }
        for row in _rows(answer, "DBInstanceNetInfos", "DBInstanceNetInfo")
    ]


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


def _instance(row: Mapping[str, Any]) -> Instance:
    storage = _number(row, "DBInstanceStorage")
    return Instance(
        id=_text(row, "DBInstanceId") or "",
        engine=_text(row, "Engine"),
        version=_text(row, "EngineVersion"),
        edition=_text(row, "Category"),
        family=_text(row, "DBInstanceClassType"),
        instance_class=_text(row, "DBInstanceClass"),
        state=_text(row, "DBInstanceStatus"),
        type=_text(row, "DBInstanceType"),
        region=_text(row, "RegionId"),
        zone=_text(row, "ZoneId"),
        network=_text(row, "InstanceNetworkType"),
        vpc=_text(row, "VpcId"),
        lock_mode=_text(row, "LockMode"),
        storage=storage * _GIB if storage is not None else None,
        storage_type=_text(row, "DBInstanceStorageType"),
        storage_used=_size(row, "DBInstanceDiskUsed"),
        most_databases=_number(row, "DBMaxQuantity"),
        collation=_text(row, "Collation"),
        description=_text(row, "DBInstanceDescription"),
    )


def _database(row: Mapping[str, Any]) -> Database:
    return Database(
        name=_text(row, "DBName") or "",
        state=_text(row, "DBStatus") or "unknown",
        size=_database_size(row),
        character_set=_text(row, "CharacterSetName"),
    )


def _database_size(row: Mapping[str, Any]) -> int | None:
    """The page documents RuntimeDbProperty as free-form maps; a size is taken from one that is named so.

    No unit is documented for SQL Server: a figure is believed only when it carries one.
    """
    for entry in _rows(row, "RuntimeInfo", "RuntimeDbProperty"):
        name = str(entry.get("PropertyName") or entry.get("Name") or "").lower()
        value = str(entry.get("PropertyValue") or entry.get("Value") or "")
        match = re.fullmatch(r"(\d{1,15}(?:\.\d+)?)\s*([KMGT])i?B", value, re.IGNORECASE)
        if "size" in name and match:
            return int(float(match[1]) * 1024 ** ("KMGT".index(match[2].upper()) + 1))
    return None


def _backup(row: Mapping[str, Any]) -> Backup:
    consistent = _number(row, "ConsistentTime")
    if consistent is not None and 0 < consistent < 10**11:
        taken: datetime | None = datetime.fromtimestamp(consistent, timezone.utc)
    else:
        taken = _time(_text(row, "BackupEndTime")) or _time(_text(row, "BackupStartTime"))
    available = _number(row, "IsAvail")
    usable = _text(row, "BackupStatus") == "Success" and available in (None, 1)
    return Backup(
        id=_text(row, "BackupId") or "", taken=taken, usable=usable and _text(row, "StoreStatus") != "Disabled"
    )


def _task(row: Mapping[str, Any]) -> Task:
    def told(name: str) -> str:
        return _text(row, name) or ""

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


def _account(row: Mapping[str, Any]) -> dict[str, Any]:
    privileges = _rows(row, "DatabasePrivileges", "DatabasePrivilege")
    return {
        "name": _text(row, "AccountName"),
        "kind": _text(row, "AccountType"),
        "status": _text(row, "AccountStatus"),
        "privileges": {str(p.get("DBName")): _text(p, "AccountPrivilege") for p in privileges},
    }


def _rows(answer: Mapping[str, Any], outer: str, inner: str) -> Sequence[Mapping[str, Any]]:
    """The rows of a list in any of the shapes the service's pages show: wrapper, array or one bare object."""
    value: Any = answer.get(outer)
    if isinstance(value, Mapping) and inner in value:
        value = value[inner]
    if isinstance(value, Mapping):
        value = [value] if value else []
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != "" else None


def _number(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"-?\d{1,18}", value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _size(row: Mapping[str, Any], name: str) -> int | None:
    """A size in bytes. -1 means that there is no figure, and an instance never uses 0 bytes."""
    value = _number(row, name)
    return value if value is not None and value > 0 else None


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
