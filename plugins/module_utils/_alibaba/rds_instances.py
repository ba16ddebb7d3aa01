# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What RDS tells about an instance: its attributes, storage, accounts, addresses, and who may connect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import ServiceError, is_unknown_instance
from .rds import number_of, rows_of, text_of
from .rpc import RpcClient

_GIB = 1024**3


class Instance(NamedTuple):
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


def instance(client: RpcClient, instance_id: str) -> Instance | None:
    """None: there is no such instance in this account and region."""
    try:
        answer = client.call("DescribeDBInstanceAttribute", {"DBInstanceId": instance_id})
    except ServiceError as error:
        if is_unknown_instance(error):
            return None
        raise
    rows = [
        row for row in rows_of(answer, "Items", "DBInstanceAttribute") if text_of(row, "DBInstanceId") == instance_id
    ]
    return _instance(rows[0]) if rows else None


def storage_used(client: RpcClient, found: Instance) -> int | None:
    """Bytes, as the instance's attributes tell, else its resource usage. None when the service has no figure (-1)."""
    if found.storage_used is not None:
        return found.storage_used
    return size_of(client.call("DescribeResourceUsage", {"DBInstanceId": found.id}), "DiskUsed")


def accounts(client: RpcClient, instance_id: str) -> list[dict[str, Any]]:
    """name, kind (Normal, Super, Sysadmin), status and privileges {database: privilege} of each account.

    details: {database: rights}, as the service lists them, where it does.
    """
    rows = client.pages(
        "DescribeAccounts",
        {"DBInstanceId": instance_id},
        lambda answer: rows_of(answer, "Accounts", "DBInstanceAccount"),
        page_size=200,
        total_of=lambda answer, _rows: number_of(answer, "TotalRecordCount"),
    )
    return [_account(row) for row in rows]


def addresses(client: RpcClient, instance_id: str) -> list[dict[str, Any]]:
    """host, port, kind (Private, Public, Inner) and ip of each endpoint of the instance."""
    answer = client.call("DescribeDBInstanceNetInfo", {"DBInstanceId": instance_id})
    return [
        {
            "host": text_of(row, "ConnectionString"),
            "port": number_of(row, "Port"),
            "kind": text_of(row, "IPType"),
            "ip": text_of(row, "IPAddress"),
        }
        for row in rows_of(answer, "DBInstanceNetInfos", "DBInstanceNetInfo")
    ]


def white_list(client: RpcClient, instance_id: str) -> list[str]:
    """All addresses and networks that the instance takes connections from."""
    answer = client.call("DescribeDBInstanceIPArrayList", {"DBInstanceId": instance_id})
    rows = rows_of(answer, "Items", "DBInstanceIPArray")
    return [part for row in rows for part in re.split(r"[\s,;]+", text_of(row, "SecurityIPList") or "") if part]


def _instance(row: Mapping[str, Any]) -> Instance:
    storage = number_of(row, "DBInstanceStorage")
    return Instance(
        id=text_of(row, "DBInstanceId") or "",
        engine=text_of(row, "Engine"),
        version=text_of(row, "EngineVersion"),
        edition=text_of(row, "Category"),
        family=text_of(row, "DBInstanceClassType"),
        instance_class=text_of(row, "DBInstanceClass"),
        state=text_of(row, "DBInstanceStatus"),
        type=text_of(row, "DBInstanceType"),
        region=text_of(row, "RegionId"),
        zone=text_of(row, "ZoneId"),
        network=text_of(row, "InstanceNetworkType"),
        vpc=text_of(row, "VpcId"),
        lock_mode=text_of(row, "LockMode"),
        storage=storage * _GIB if storage is not None else None,
        storage_type=text_of(row, "DBInstanceStorageType"),
        storage_used=size_of(row, "DBInstanceDiskUsed"),
        most_databases=number_of(row, "DBMaxQuantity"),
        collation=text_of(row, "Collation"),
        description=text_of(row, "DBInstanceDescription"),
    )


def _account(row: Mapping[str, Any]) -> dict[str, Any]:
    privileges = rows_of(row, "DatabasePrivileges", "DatabasePrivilege")
    return {
        "name": text_of(row, "AccountName"),
        "kind": text_of(row, "AccountType"),
        "status": text_of(row, "AccountStatus"),
        "privileges": {str(p.get("DBName")): text_of(p, "AccountPrivilege") for p in privileges},
        "details": {
            str(p["DBName"]): p["AccountPrivilegeDetail"] for p in privileges if p.get("AccountPrivilegeDetail")
        },
    }


def size_of(row: Mapping[str, Any], name: str) -> int | None:
    """A size in bytes. -1 means that there is no figure, and an instance never uses 0 bytes."""
    value = number_of(row, name)
    return value if value is not None and value > 0 else None
