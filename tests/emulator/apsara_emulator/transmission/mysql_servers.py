# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real MariaDB servers at the ends of a job between MySQL or MariaDB instances.

A job is done for real when at least one of its ends has a server by now; the other one's is started then. An end that
is no instance of the cloud is real if it is a source that was started beside the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..model import Instance, Whitelist
from ..mysql import sql
from ..mysql.contents import refresh_instance
from ..mysql.fleet import ENGINES
from ..mysql.rights import missing_rights
from ..mysql.server import HOST, Server
from ..servers.errors import ServerError
from .ends import CLOUD_TYPES, Pair, engine_of, instance_at, pairs_of
from .model import DtsEndpoint, DtsJob

if TYPE_CHECKING:
    from ..world import World

# What MariaDB stands for where an engine's own version is asked for: the usual one of new instances.
_STANDS_FOR = {"MySQL": "8.0", "MariaDB": "10.3"}
# What an account needs that was not made in the console, as the service's documentation has it.
_TO_READ_CHANGES = ("REPLICATION CLIENT", "REPLICATION SLAVE")
_TO_READ = ("SELECT", "SHOW VIEW")
_TO_WRITE = ("SELECT", "INSERT", "UPDATE", "DELETE")
_TO_CREATE = ("CREATE", "DROP", "ALTER", "INDEX")


@dataclass(frozen=True)
class MysqlEnds:
    """The servers of both ends."""

    source: Server
    target: Server


def mysql_ends(world: World, job: DtsJob) -> MysqlEnds | None:
    """The servers, nothing if the job is not done for real. ServerError if one cannot be started."""
    sides = (job.source, job.target)
    if any(engine_of(one) not in ENGINES for one in sides) or not any(mysql_server_at(world, one) for one in sides):
        return None
    servers: list[Server] = []
    for endpoint in sides:
        server = mysql_server_at(world, endpoint)
        instance = instance_at(world, job, endpoint)
        if server is None and endpoint.type in CLOUD_TYPES and instance and world.mysql.is_possible(instance):
            server = world.mysql.ensure(instance)
        if server is None:
            return None
        servers.append(server)
    return MysqlEnds(*servers)


def mysql_server_at(world: World, endpoint: DtsEndpoint) -> Server | None:
    """The server at an end, if there is one by now."""
    if endpoint.type in CLOUD_TYPES:
        return world.mysql.server(endpoint.instance_id)
    if endpoint.address not in (HOST, "localhost"):
        return None
    return next((one for one in world.mysql.sources.values() if str(one.port) == endpoint.port), None)


def mysql_source_instance(world: World, endpoint: DtsEndpoint) -> Instance | None:
    """A source beside the service, in the form of an instance."""
    sources = world.mysql.sources.values()
    server = mysql_server_at(world, endpoint)
    document = next((one.document for one in sources if one is server), None)
    if server is None or document is None:
        return None
    name = f"{endpoint.address}:{endpoint.port}"
    if name not in world.dts_hosts:
        world.dts_hosts[name] = Instance(
            account_id="",
            engine=document.engine,
            engine_version=_STANDS_FOR[document.engine],
            id=name,
            storage_gb=10_000,
            whitelist=[Whitelist("default", ["0.0.0.0/0"])],
        )
    return world.dts_hosts[name]


def refresh_mysql(world: World, job: DtsJob, ends: MysqlEnds) -> None:
    """Bring the world's entries of both ends up to what the servers say. ServerError if one does not answer."""
    pairs = pairs_of(job)
    for endpoint, server, names in (
        (job.source, ends.source, {one.source for one in pairs}),
        (job.target, ends.target, {one.target for one in pairs}),
    ):
        instance = instance_at(world, job, endpoint)
        if instance is not None:
            refresh_instance(instance, server, names)


def mysql_login_refusal(server: Server, endpoint: DtsEndpoint, password: str) -> str:
    """Why the server does not let the account in; empty if it does."""
    try:
        with sql.session(host=server.host, port=server.port, user=endpoint.user_name, password=password):
            return ""
    except ServerError as error:
        return str(error)


def missing_on_source(server: Server, job: DtsJob, pairs: list[Pair]) -> list[str]:
    """The rights that the account of the source lacks. ServerError if the server cannot be asked."""
    everywhere = _TO_READ_CHANGES if job.incremental else ()
    return missing_rights(server, job.source.user_name, everywhere, _TO_READ, [one.source for one in pairs])


def missing_on_target(server: Server, job: DtsJob, pairs: list[Pair]) -> list[str]:
    """The rights that the account of the target lacks. ServerError if the server cannot be asked."""
    inside = (*_TO_WRITE, *(_TO_CREATE if job.structure else ()))
    return missing_rights(server, job.target.user_name, (), inside, [one.target for one in pairs])
