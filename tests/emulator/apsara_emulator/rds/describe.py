# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Instances, regions and their figures."""

from __future__ import annotations

from typing import Any

from ..clock import utc_text
from ..errors import ApiError
from ..model import Instance
from ..operations import shown_status
from ..registry import Answer, Call, action
from ..world import World
from .checks import Page, page_asked_for
from .network import connection_port, connection_string, whitelist_text


@action("rds", "DescribeDBInstanceAttribute", mutating=False)
def describe_db_instance_attribute(world: World, call: Call) -> Answer:
    """One instance in detail."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    entry = {**_common(world, instance), **_details(world, instance)}
    for variant, name in _OPTIONAL_FIELDS.items():
        if world.variants[variant] == "missing":
            del entry[name]
    return {"Items": {"DBInstanceAttribute": [entry]}}


_OPTIONAL_FIELDS = {
    "class_type_field": "DBInstanceClassType",
    "collation_field": "Collation",
    "disk_used_field": "DBInstanceDiskUsed",
    "max_quantity_field": "DBMaxQuantity",
}


@action("rds", "DescribeDBInstances", mutating=False)
def describe_db_instances(world: World, call: Call) -> Answer:
    """The account's instances in a region, by page number or by token."""
    region = call.text("RegionId")
    if region not in {one.region for one in world.state.regions}:
        raise ApiError("InvalidRegionId.NotFound", 404, f"There is no region {region[:64]}.")
    mine = [
        one
        for one in world.state.instances.values()
        if one.account_id == call.account_id and one.region == region and _is_wanted(world, one, call)
    ]
    if call.text("MaxResults") or call.text("NextToken"):
        return _by_token(world, call, mine)
    page = page_asked_for(world, call, range(1, 101), 30)
    rows = page.of(mine)
    return {
        "Items": {"DBInstance": [_row(world, one, call) for one in rows]},
        "PageNumber": page.number,
        "PageRecordCount": len(rows),
        "TotalRecordCount": len(mine),
    }


@action("rds", "DescribeResourceUsage", mutating=False)
def describe_resource_usage(world: World, call: Call) -> Answer:
    """Bytes in use; -1 stands for: no figure."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    known = world.variants["resource_usage"] == "known"
    data = sum(database.size for database in instance.databases.values())
    backups = sum(backup.size for backup in instance.backups)
    figures = {"DataSize": data, "LogSize": instance.other_used, "DiskUsed": instance.used, "BackupSize": backups}
    figures = figures if known else dict.fromkeys(figures, -1)
    return {
        "DBInstanceId": instance.id,
        "Engine": instance.engine,
        **figures,
        "BackupDataSize": backups,
        "BackupLogSize": 0,
        "BackupOssDataSize": 0,
        "BackupOssLogSize": 0,
        "ColdBackupSize": -1,
        "SQLSize": -1,
    }


@action("rds", "DescribeRegions", mutating=False)
def describe_regions(world: World, call: Call) -> Answer:
    """One entry for each zone of each region."""
    zones = [
        {
            "RegionId": region.region,
            "ZoneId": zone,
            "RegionEndpoint": region.endpoint,
            "LocalName": region.name or region.region,
            "ZoneName": zone,
        }
        for region in world.state.regions
        for zone in region.zones
    ]
    return {"Regions": {"RDSRegion": zones}}


def _common(world: World, instance: Instance) -> dict[str, Any]:
    """The fields that both listings have under the same names."""
    return {
        "Category": instance.category,
        "ConnectionMode": "Standard",
        "ConnectionString": connection_string(world, instance),
        "DBInstanceCPU": str(instance.cpu),
        "DBInstanceClass": instance.instance_class,
        "DBInstanceDescription": instance.description,
        "DBInstanceId": instance.id,
        "DBInstanceMemory": instance.memory_mb,
        "DBInstanceNetType": "Intranet",
        "DBInstanceStatus": shown_status(world, instance),
        "DBInstanceStorageType": instance.storage_type,
        "DBInstanceType": instance.type,
        "DeletionProtection": False,
        "Engine": instance.engine,
        "EngineVersion": instance.engine_version,
        "ExpireTime": "",
        "InstanceNetworkType": instance.network_type,
        "LockMode": instance.lock_mode,
        "LockReason": "",
        "PayType": "Postpaid",
        "ReadOnlyDBInstanceIds": {"ReadOnlyDBInstanceId": []},
        "RegionId": instance.region,
        "VSwitchId": instance.vswitch_id,
        "VpcCloudInstanceId": instance.id,
        "VpcId": instance.vpc_id,
        "ZoneId": instance.zone,
    }


def _details(world: World, instance: Instance) -> dict[str, Any]:
    """The fields of the attribute call alone."""
    return {
        "AccountMaxQuantity": instance.max_accounts,
        "Collation": instance.collation,
        "CreationTime": _created(instance),
        "DBInstanceClassType": instance.class_type,
        "DBInstanceDiskUsed": str(instance.used),
        "DBInstanceStorage": instance.storage_gb,
        "DBMaxQuantity": instance.max_databases,
        "IPType": "IPv4",
        "MaintainTime": "18:00Z-19:00Z",
        "Port": connection_port(world, instance),
        "SecurityIPList": ",".join(whitelist_text(group) for group in instance.whitelist),
        "SecurityIPMode": "normal",
        "TimeZone": "China Standard Time",
    }


def _created(instance: Instance) -> str:
    return "" if instance.created is None else utc_text(instance.created)


def _is_wanted(world: World, instance: Instance, call: Call) -> bool:
    found = {
        **_common(world, instance),
        "SearchKey": f"{instance.id} {instance.description}",
    }
    for name in _EXACT_FILTERS:
        if call.text(name) and call.text(name) != found[name]:
            return False
    return call.text("SearchKey") in found["SearchKey"]


_EXACT_FILTERS = (
    "Category",
    "ConnectionMode",
    "ConnectionString",
    "DBInstanceClass",
    "DBInstanceId",
    "DBInstanceStatus",
    "DBInstanceType",
    "Engine",
    "EngineVersion",
    "InstanceNetworkType",
    "PayType",
    "VSwitchId",
    "VpcId",
    "ZoneId",
)
_ONLY_WITH_LEVEL = ("Category", "DBInstanceCPU", "DBInstanceMemory")


def _row(world: World, instance: Instance, call: Call) -> dict[str, Any]:
    row = {**_common(world, instance), "CreateTime": _created(instance)}
    if call.text("InstanceLevel") != "1":
        for name in _ONLY_WITH_LEVEL:
            del row[name]
    return row


def _by_token(world: World, call: Call, mine: list[Instance]) -> Answer:
    """Token paging: page numbers are ignored, and TotalRecordCount counts only the page (parameter text)."""
    size = int(call.text("MaxResults") or 30)
    if not 1 <= size <= 100:
        raise ApiError("InvalidMaxResults.Malformed", 400, "MaxResults is from 1 to 100.")
    token = call.text("NextToken")
    if token and not (token.isascii() and token.isdecimal() and len(token) < 10):
        raise ApiError("InvalidNextToken.Malformed", 400, "NextToken is not one that was given out.")
    number = int(token or 1)
    page = Page(max(1, number), size)
    rows = page.of(mine)
    answer: Answer = {
        "Items": {"DBInstance": [_row(world, one, call) for one in rows]},
        "PageNumber": 1,
        "PageRecordCount": len(rows),
        "TotalRecordCount": len(rows),
    }
    if page.number * size < len(mine):
        answer["NextToken"] = str(page.number + 1)
    return answer
