# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints and whitelists of an instance."""

from __future__ import annotations

from ..errors import ApiError
from ..model import Address, Instance, Whitelist
from ..postgresql.server import HOST
from ..registry import Answer, Call, action
from ..servers.errors import ServerError
from ..world import World


def connection_string(world: World, instance: Instance) -> str:
    """The host name of the instance's internal endpoint."""
    return _addresses(world, instance)[0].connection_string


def connection_port(world: World, instance: Instance) -> str:
    """The port of the instance's internal endpoint."""
    port = _server_port(world, instance)
    return instance.port if port is None else str(port)


def whitelist_text(group: Whitelist) -> str:
    """The addresses of a whitelist group as the service writes them."""
    return ",".join(group.addresses)


@action("rds", "DescribeDBInstanceNetInfo", mutating=False)
def describe_db_instance_net_info(world: World, call: Call) -> Answer:
    """The endpoints. Whoever asks for those of an instance with real servers wants to connect: one is started."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    for fleet in (world.postgresql, world.mysql):
        if fleet.is_possible(instance):
            try:
                fleet.ensure(instance)
            except ServerError as error:
                raise ApiError("InternalError", 500, f"The emulator could not start a server: {error}") from error
    wanted = call.text("DBInstanceNetRWSplitType")
    groups = [{"SecurityIPGroupName": group.name, "SecurityIPs": whitelist_text(group)} for group in instance.whitelist]
    infos = [
        {
            "ConnectionString": address.connection_string,
            "ConnectionStringType": address.type,
            "IPAddress": address.ip_address,
            "IPType": address.ip_type,
            "Port": address.port,
            "SecurityIPGroups": {"securityIPGroup": groups},
            "Upgradeable": "Disabled",
            "VPCId": instance.vpc_id,
            "VSwitchId": instance.vswitch_id,
        }
        for address in _addresses(world, instance)
        if wanted in ("", address.type)
    ]
    return {
        "DBInstanceNetInfos": {"DBInstanceNetInfo": infos},
        "InstanceNetworkType": instance.network_type,
        "SecurityIPMode": "normal",
    }


@action("rds", "DescribeDBInstanceIPArrayList", mutating=False)
def describe_db_instance_ip_array_list(world: World, call: Call) -> Answer:
    """The whitelist groups."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    groups = [
        {
            "DBInstanceIPArrayName": group.name,
            "DBInstanceIPArrayAttribute": "",
            "SecurityIPList": whitelist_text(group),
            "SecurityIPType": "IPv4",
        }
        for group in instance.whitelist
    ]
    return {"Items": {"DBInstanceIPArray": groups}}


def _addresses(world: World, instance: Instance) -> list[Address]:
    """That of a real server, the endpoints of the world document, or the one that every instance has."""
    port = _server_port(world, instance)
    if port is not None:
        return [Address(HOST, str(port), HOST)]
    domain = {"MySQL": "mysql", "PostgreSQL": "pg", "SQLServer": "sqlserver"}.get(instance.engine, "rds")
    return instance.addresses or [Address(f"{instance.id}.{domain}.rds.aliyuncs.com", instance.port, "10.0.0.10")]


def _server_port(world: World, instance: Instance) -> int | None:
    """That of the real server behind an instance, if there is one by now."""
    server = world.postgresql.server(instance.id) or world.mysql.server(instance.id)
    return None if server is None else server.port
