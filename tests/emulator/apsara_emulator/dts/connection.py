# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DescribeConnectionStatus: a try of both connections, with words of its own for engines and types."""

from __future__ import annotations

from typing import Any

from ..registry import Answer, Call
from ..transmission.ends import instance_at
from ..transmission.model import DtsEndpoint, DtsJob
from ..transmission.privileges import login_problem
from ..world import World
from .answers import dts_action, refusal

_ENGINES = {"MySQL": "MYSQL", "SQLServer": "MSSQL", "PostgreSQL": "POSTGRESQL"}
_TYPES = {"RDS": "RDS", "LocalInstance": "OTHER", "ECS": "ECS", "Express": "EXPRESS", "dg": "DG"}


@dts_action("DescribeConnectionStatus", mutating=False)
def describe_connection_status(world: World, call: Call) -> Answer:
    """Whether the caller's databases can be reached; there is no way to name another account's."""
    return {
        "SourceConnectionStatus": _tried(world, call, "SourceEndpoint"),
        "DestinationConnectionStatus": _tried(world, call, "DestinationEndpoint"),
    }


def _tried(world: World, call: Call, side: str) -> dict[str, Any]:
    kind, engine = call.text(f"{side}InstanceType"), call.text(f"{side}EngineName") or "MySQL"
    if kind not in _TYPES or engine not in _ENGINES:
        known = ", ".join((*_TYPES, *_ENGINES))
        raise refusal(world, "bad_dts_parameter", f"{side}: types and engines are %s here.", known)
    endpoint = DtsEndpoint(
        type=_TYPES[kind],
        engine=_ENGINES[engine],
        region=call.text(f"{side}Region"),
        instance_id=call.text(f"{side}InstanceID"),
        address=call.text(f"{side}IP"),
        port=call.text(f"{side}Port"),
        user_name=call.text(f"{side}UserName"),
    )
    asked = DtsJob("", "", call.account_id, created=0)  # type: ignore[arg-type]  # its times are not looked at
    instance = instance_at(world, asked, endpoint)
    if instance is None:
        problem = "there is no such database instance"
    else:
        problem = login_problem(instance, endpoint, call.text(f"{side}Password"))
    return {"1": {"code": "Failed" if problem else "Success", "message": problem}}
