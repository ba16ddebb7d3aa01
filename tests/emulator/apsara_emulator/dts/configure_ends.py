# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ends of a configured job. Engine names have a spelling of their own in each action and on each side."""

from __future__ import annotations

from ..registry import Call
from ..transmission.ends import CLOUD_TYPES, DEFAULT_ROLE, SELF_MANAGED_TYPES, engine_of
from ..transmission.model import DtsEndpoint
from ..world import World
from .answers import refusal

SOURCE_ENGINES = ("MYSQL", "MARIADB", "POSTGRESQL", "MSSQL")
TARGET_ENGINES = ("MYSQL", "MARIADB", "PostgreSQL", "MSSQL")


def checked_end(world: World, call: Call, *, source: bool) -> DtsEndpoint:
    """One end as it was given. A refusal if something about it cannot be."""
    side = "SourceEndpoint" if source else "DestinationEndpoint"
    endpoint = DtsEndpoint(
        type=call.text(f"{side}InstanceType"),
        engine=call.text(f"{side}EngineName") or ("MYSQL" if source else ""),
        region=call.text(f"{side}Region"),
        instance_id=call.text(f"{side}InstanceID"),
        address=call.text(f"{side}IP"),
        port=call.text(f"{side}Port"),
        # The service spells the two sides differently.
        database=call.text("SourceEndpointDatabaseName" if source else "DestinationEndpointDataBaseName"),
        user_name=call.text(f"{side}UserName"),
        owner_id=call.text(f"{side}OwnerID"),
        role=call.text(f"{side}Role"),
    )
    problem = _problem(world, endpoint, SOURCE_ENGINES if source else TARGET_ENGINES, source)
    if problem:
        raise refusal(world, "bad_dts_parameter", f"{side}: %s.", problem)
    return endpoint


def require_distinct(world: World, source: DtsEndpoint, target: DtsEndpoint) -> None:
    """A refusal if both ends are the same database instance and database."""
    same = (source.type, source.instance_id, source.address, source.port, source.database) == (
        target.type,
        target.instance_id,
        target.address,
        target.port,
        target.database,
    )
    if same:
        raise refusal(world, "bad_dts_parameter", "The source is the %s.", "destination")


def _problem(world: World, endpoint: DtsEndpoint, engines: tuple[str, ...], is_source: bool) -> str:
    if endpoint.type not in (*CLOUD_TYPES, *SELF_MANAGED_TYPES):
        return f"InstanceType is one of {', '.join((*CLOUD_TYPES, *SELF_MANAGED_TYPES))} here"
    known = engines if world.variants["engine_words"] == "exact" else tuple(one.lower() for one in engines)
    given = endpoint.engine if world.variants["engine_words"] == "exact" else endpoint.engine.lower()
    if given not in known:
        return f"EngineName is one of {', '.join(engines)} here"
    if endpoint.type in CLOUD_TYPES:
        if not endpoint.region or not endpoint.instance_id:
            return "Region and InstanceID are needed for a cloud instance"
        if endpoint.address or endpoint.port:
            return "IP and Port are for self-managed databases"
    elif not endpoint.address or not endpoint.port.isdecimal():
        return "IP and Port are needed for a self-managed database"
    if engine_of(endpoint) == "PostgreSQL" and not endpoint.database:
        return "the name of the database is needed for PostgreSQL"
    if not endpoint.user_name:
        return "UserName is missing"
    return _owner_problem(endpoint, is_source)


def _owner_problem(endpoint: DtsEndpoint, is_source: bool) -> str:
    if bool(endpoint.owner_id) != bool(endpoint.role):
        return "OwnerID and Role go together"
    if not endpoint.owner_id:
        return ""
    if not endpoint.owner_id.isdecimal():
        return "OwnerID is the id of an account"
    if endpoint.type not in CLOUD_TYPES:
        return "OwnerID is for cloud instances"
    if not is_source and engine_of(endpoint) != "MySQL":
        return "only a MySQL instance of another account can be a destination"
    # What else is wrong with a role (a name that is an ARN, for one) shows when it is looked for.
    return f"{DEFAULT_ROLE} is not for this" if endpoint.role == DEFAULT_ROLE else ""
