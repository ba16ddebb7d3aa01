# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is at the ends of a job, and whether DTS may go there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model import Account, Instance
from ..model_ram import Role
from ..policy_documents import PolicyError, parse_trust_policy, trusts_service
from .model import DtsEndpoint, DtsJob
from .object_list import SelectedDatabase, parse_object_list

if TYPE_CHECKING:
    from ..world import World

DEFAULT_ROLE = "AliyunDTSDefaultRole"
ROLE_POLICY = "AliyunDTSRolePolicy"
CLOUD_TYPES = ("RDS",)
SELF_MANAGED_TYPES = ("OTHER", "ECS", "EXPRESS", "CEN", "DG")
_ENGINES = {"mysql": "MySQL", "mariadb": "MariaDB", "postgresql": "PostgreSQL", "mssql": "SQLServer"}


@dataclass(frozen=True)
class Pair:
    """A database of the source and where it goes. `tables`: pairs of names, nothing for all there are.

    For PostgreSQL and SQL Server a table is `schema.name`. `schemas` maps those of PostgreSQL that are wanted as a
    whole, `{}` if the whole database is.
    """

    source: str
    target: str
    tables: tuple[tuple[str, str], ...] | None
    schemas: tuple[tuple[str, str], ...] = ()


def engine_of(endpoint: DtsEndpoint) -> str:
    """The engine of an end in the words of RDS, or empty."""
    return _ENGINES.get(endpoint.engine.lower(), "")


def owner_of(job: DtsJob, endpoint: DtsEndpoint) -> str:
    """The account to which an end belongs."""
    return endpoint.owner_id or job.account_id


def instance_at(world: World, job: DtsJob, endpoint: DtsEndpoint) -> Instance | None:
    """The database instance at an end, nothing if there is none (or it belongs to somebody else)."""
    if endpoint.type in CLOUD_TYPES:
        found = world.state.instances.get(endpoint.instance_id)
        return found if found is not None and found.account_id == owner_of(job, endpoint) else None
    known = world.state.self_managed.get(f"{endpoint.address}:{endpoint.port}")
    if known is not None:
        return known
    if engine_of(endpoint) == "PostgreSQL":
        from .servers import self_managed_instance

        return self_managed_instance(world, endpoint)
    from .mysql_servers import mysql_source_instance

    return mysql_source_instance(world, endpoint)


def default_role_problem(world: World, account_id: str) -> str:
    """Why DTS cannot work for an account at all; empty if it can."""
    account = world.account(account_id)
    role = _role(account, DEFAULT_ROLE)
    if role is None:
        return f"the account {account_id} has no role {DEFAULT_ROLE}"
    return _problem_of(world, role, DEFAULT_ROLE, "dts.aliyuncs.com")


def role_problem(world: World, job: DtsJob, endpoint: DtsEndpoint) -> str:
    """Why DTS cannot get at an end of another account; empty if it can, or the end is the job's own account's."""
    if not endpoint.owner_id or endpoint.owner_id == job.account_id:
        return ""
    account = world.account(endpoint.owner_id)
    if account is None:
        return f"there is no account {endpoint.owner_id}"
    role = _role(account, endpoint.role)
    if role is None:
        return f"the account {endpoint.owner_id} has no role called {endpoint.role}"
    return _problem_of(world, role, endpoint.role, f"{job.account_id}@dts.aliyuncs.com")


def pairs_of(job: DtsJob) -> list[Pair]:
    """Which databases go where. An entry of a PostgreSQL job is its database, or a schema of it."""
    entries = parse_object_list(job.db_list, strict=False)
    if engine_of(job.source) != "PostgreSQL":
        return [Pair(one.name, one.new_name, None if one.whole else _tables(one, job)) for one in entries]
    whole = any(one.whole and one.name == job.source.database for one in entries)
    schemas = tuple((one.name, one.new_name) for one in entries if one.whole and one.name != job.source.database)
    tables = tuple(table for one in entries if not one.whole for table in _tables(one, job))
    target = job.target.database or job.source.database
    return [Pair(job.source.database, target, None if whole else tables, () if whole else schemas)]


def _tables(entry: SelectedDatabase, job: DtsJob) -> tuple[tuple[str, str], ...]:
    """Pairs of table names as `Database.tables` has them."""
    engine = engine_of(job.source)
    if engine not in ("PostgreSQL", "SQLServer"):
        return tuple((one.name, one.new_name) for one in entry.tables)
    usual = "dbo" if engine == "SQLServer" else "public"
    is_schema = engine == "PostgreSQL" and entry.name != job.source.database
    schema, new_schema = (entry.name, entry.new_name) if is_schema else (usual, usual)
    result = []
    for one in entry.tables:
        inner = one.schema or schema
        outer = one.new_schema or (new_schema if inner == schema else inner)
        result.append((_qualified(inner, one.name), _qualified(outer, one.new_name)))
    return tuple(result)


def _qualified(schema: str, name: str) -> str:
    return name if "." in name else f"{schema}.{name}"


def _role(account: Account | None, name: str) -> Role | None:
    for known, role in (account.roles if account else {}).items():
        if known.lower() == name.lower():
            return role
    return None


def _problem_of(world: World, role: Role, name: str, service: str) -> str:
    lag = world.lasting(world.variants.seconds("role_lag"))
    if role.updated is not None and world.clock.now() < role.updated + lag:
        return f"the role {name} does not let DTS in yet"
    try:
        trusted = trusts_service(parse_trust_policy(role.trust_policy), service)
    except PolicyError:
        trusted = False
    if not trusted:
        return f"the trust policy of the role {name} does not name {service}"
    if f"System/{ROLE_POLICY}" not in role.policies and "System/AdministratorAccess" not in role.policies:
        return f"the role {name} has no policy {ROLE_POLICY}"
    return ""
