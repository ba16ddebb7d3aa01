# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real servers at the ends of a job, whichever engine they are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import Instance
from . import mysql_servers, servers
from .ends import Pair, engine_of
from .model import DtsEndpoint, DtsJob

if TYPE_CHECKING:
    from ..world import World


def is_done_for_real(world: World, job: DtsJob) -> bool:
    """Whether both ends have servers; a missing one is started. ServerError if it cannot be."""
    if engine_of(job.source) == "PostgreSQL":
        return servers.real_ends(world, job) is not None
    return mysql_servers.mysql_ends(world, job) is not None


def refresh(world: World, job: DtsJob) -> None:
    """Bring the world's entries of both ends up to what their servers say. ServerError if one does not answer."""
    if engine_of(job.source) == "PostgreSQL":
        ends = servers.real_ends(world, job)
        if ends is not None:
            servers.refresh(world, job, ends)
        return
    mysql = mysql_servers.mysql_ends(world, job)
    if mysql is not None:
        mysql_servers.refresh_mysql(world, job, mysql)


def login_refusal(world: World, instance: Instance, endpoint: DtsEndpoint, password: str) -> str:
    """Why the server at an end does not let the account in; empty if it does, or there is no server."""
    if instance.engine == "PostgreSQL":
        server = servers.server_at(world, endpoint)
        return "" if server is None else servers.login_refusal(server, endpoint, password)
    mysql = mysql_servers.mysql_server_at(world, endpoint)
    return "" if mysql is None else mysql_servers.mysql_login_refusal(mysql, endpoint, password)


def rights_problem(world: World, job: DtsJob, pairs: list[Pair], side: str) -> str:
    """What the account of a side (source, target) may not do by the word of its server; empty without a server.

    PostgreSQL is judged by what is in the world.
    """
    endpoint = job.source if side == "source" else job.target
    server = mysql_servers.mysql_server_at(world, endpoint) if engine_of(endpoint) != "PostgreSQL" else None
    if server is None:
        return ""
    ask = mysql_servers.missing_on_source if side == "source" else mysql_servers.missing_on_target
    missing = ask(server, job, pairs)
    return f"the account {endpoint.user_name} lacks: {', '.join(missing)}" if missing else ""
