# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases and accounts of a MySQL or MariaDB instance, as the real server behind it has them."""

from __future__ import annotations

from ..model import Instance
from ..mysql.contents import refresh_instance
from ..mysql.fleet import create_database as create_on
from ..mysql.server import Server
from ..mysql.sql import quoted
from ..servers.errors import ServerError
from ..world import World


def refresh(world: World, instance: Instance) -> None:
    """Bring the world's entries up to what the server says, if there is one and it answers."""
    server = world.mysql.server(instance.id)
    if server is None:
        return
    try:
        refresh_instance(instance, server)
    except ServerError:
        return


def create_database(world: World, instance: Instance, name: str, character_set: str) -> None:
    """On the server too, if there is one. ApiError if it refuses."""
    server = world.mysql.server(instance.id)
    if server is None:
        return
    try:
        with server.admin() as admin:
            create_on(admin, name, character_set)
    except ServerError as error:
        raise _refusal(world, instance, error) from error


def drop_database(world: World, instance: Instance, name: str) -> None:
    """On the server too, if there is one. ApiError if it refuses."""
    server: Server | None = world.mysql.server(instance.id)
    if server is None:
        return
    try:
        server.sql(f"drop database {quoted(name)}")
    except ServerError as error:
        raise _refusal(world, instance, error) from error


def _refusal(world: World, instance: Instance, error: ServerError) -> Exception:
    return world.variants.error("wrong_state", f"The instance {instance.id} refuses: {error}")
