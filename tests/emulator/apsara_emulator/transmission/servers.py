# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real PostgreSQL servers at the ends of a job, and what they say about themselves.

A job is done for real when both ends are PostgreSQL and at least one of them has a server by now; the other one's is
started then. An end that is no instance of the cloud is real if it is a source that was started beside the service.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..model import Database, DatabaseAccount, Instance, Whitelist
from ..postgresql import sql
from ..postgresql.server import HOST, Server
from ..servers.errors import ServerError
from .ends import CLOUD_TYPES, engine_of, instance_at, pairs_of
from .model import DtsEndpoint, DtsJob

if TYPE_CHECKING:
    from ..world import World

_DATABASES = """
select datname as name, pg_database_size(oid) as size, pg_encoding_to_char(encoding) as encoding
  from pg_database where not datistemplate and datname <> 'postgres'
"""
_ACCOUNTS = """
select rolname as name, rolsuper or (rolcreaterole and rolreplication) as super from pg_roles
 where rolcanlogin and rolname !~ '^pg_'
"""
_TABLES = """
select n.nspname || '.' || c.relname as name
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1
"""


@dataclass(frozen=True)
class RealEnds:
    """The servers of both ends."""

    source: Server
    target: Server


def real_ends(world: World, job: DtsJob) -> RealEnds | None:
    """The servers, nothing if the job is not done for real. ServerError if one cannot be started."""
    sides = (job.source, job.target)
    if any(engine_of(one) != "PostgreSQL" for one in sides):
        return None
    instances = [instance_at(world, job, one) for one in sides]
    known = [server_at(world, one) for one in sides]
    if not any(known):
        return None
    servers: list[Server] = []
    for endpoint, instance, server in zip(sides, instances, known, strict=True):
        if server is None and endpoint.type in CLOUD_TYPES and instance and world.postgresql.is_possible(instance):
            server = world.postgresql.ensure(instance)
        if server is None:
            return None
        servers.append(server)
    return RealEnds(*servers)


def server_at(world: World, endpoint: DtsEndpoint) -> Server | None:
    """The server at an end, if there is one by now."""
    if endpoint.type in CLOUD_TYPES:
        return world.postgresql.server(endpoint.instance_id)
    if endpoint.address not in (HOST, "localhost"):
        return None
    return next((one for one in world.postgresql.sources.values() if str(one.port) == endpoint.port), None)


def self_managed_instance(world: World, endpoint: DtsEndpoint) -> Instance | None:
    """A source beside the service, in the form of an instance."""
    server = server_at(world, endpoint)
    if server is None:
        return None
    name = f"{endpoint.address}:{endpoint.port}"
    if name not in world.dts_hosts:
        world.dts_hosts[name] = Instance(
            account_id="",
            engine="PostgreSQL",
            engine_version=f"{server.major}.0",
            id=name,
            storage_gb=10_000,
            whitelist=[Whitelist("default", ["0.0.0.0/0"])],
        )
    return world.dts_hosts[name]


def refresh(world: World, job: DtsJob, ends: RealEnds) -> None:
    """Bring the world's entries of both ends up to what the servers say. ServerError if one does not answer."""
    pairs = pairs_of(job)
    for endpoint, server, names in (
        (job.source, ends.source, [one.source for one in pairs]),
        (job.target, ends.target, [one.target for one in pairs]),
    ):
        instance = instance_at(world, job, endpoint)
        if instance is not None:
            _refresh_instance(instance, server, names)


def login_refusal(server: Server, endpoint: DtsEndpoint, password: str) -> str:
    """Why the server does not let the account in; empty if it does."""
    parameters = {"host": HOST, "port": server.port, "user": endpoint.user_name, "password": password}
    try:
        with sql.session(**parameters, dbname=endpoint.database):
            return ""
    except ServerError as error:
        return str(error)


@contextmanager
def connection(server: Server, database: str) -> Iterator[Any]:
    """A connection as the superuser with one transaction. ServerError if it cannot be made."""
    import psycopg

    try:
        one = psycopg.connect(
            host=str(server.folder),
            port=server.port,
            user=server.superuser,
            dbname=database,
            connect_timeout=5,
            application_name="dts",
        )
    except psycopg.Error as error:
        raise ServerError(sql.one_line(str(error))) from error
    try:
        with one:
            yield one
    except psycopg.Error as error:
        raise ServerError(sql.one_line(str(error))) from error


def tables_of(server: Server, database: str) -> list[str]:
    """All tables of a database as `schema.name`. ServerError if it cannot be asked."""
    with server.admin(database) as session:
        return [str(row["name"]) for row in session.rows(_TABLES)]


def _refresh_instance(instance: Instance, server: Server, names: list[str]) -> None:
    with server.admin(connect_timeout=2) as admin:
        databases, accounts = admin.rows(_DATABASES), admin.rows(_ACCOUNTS)
        instance.parameters["wal_level"] = str(admin.value("show wal_level"))
    known = instance.databases
    instance.databases = {
        row["name"]: known.get(row["name"], Database(character_set=row["encoding"])) for row in databases
    }
    for row in databases:
        entry = instance.databases[row["name"]]
        entry.size = int(row["size"])
        if row["name"] in names:
            entry.tables = tables_of(server, row["name"])
    described = {one.name: one for one in instance.accounts}
    instance.accounts = [
        described.get(row["name"], DatabaseAccount(row["name"], "Super" if row["super"] else "Normal"))
        for row in accounts
        if row["name"] != server.superuser or row["name"] in described or not instance.account_id
    ]
