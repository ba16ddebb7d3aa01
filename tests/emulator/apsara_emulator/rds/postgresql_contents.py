# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases and accounts of a PostgreSQL instance, as the real server behind it has them."""

from __future__ import annotations

from ..model import Database, DatabaseAccount, Instance
from ..postgresql.fleet import SUPERUSER
from ..postgresql.sql import quoted
from ..servers.errors import ServerError
from ..world import World

_DATABASES = """
select datname as name, pg_database_size(oid) as size, pg_encoding_to_char(encoding) as encoding
  from pg_database where not datistemplate and datname <> 'postgres' order by datname
"""
_ACCOUNTS = """
select rolname as name, rolsuper or rolcreaterole as super from pg_roles
 where rolcanlogin and rolname !~ '^pg_' and rolname <> %s order by rolname
"""


def refresh(world: World, instance: Instance) -> None:
    """Bring the world's entries up to what the server says, if there is one and it answers."""
    server = world.postgresql.server(instance.id)
    if server is None:
        return
    try:
        with server.admin(connect_timeout=2) as admin:
            databases, accounts = admin.rows(_DATABASES), admin.rows(_ACCOUNTS, SUPERUSER)
    except ServerError:
        return
    known = instance.databases
    instance.databases = {
        row["name"]: known.get(row["name"], Database(character_set=row["encoding"])) for row in databases
    }
    for row in databases:
        instance.databases[row["name"]].size = int(row["size"])
    described = {one.name: one for one in instance.accounts}
    instance.accounts = [
        described.get(row["name"], DatabaseAccount(row["name"], "Super" if row["super"] else "Normal"))
        for row in accounts
    ]


def create_database(world: World, instance: Instance, name: str) -> None:
    """On the server too, if there is one. ApiError if it refuses, as a standby does."""
    _run(world, instance, f"create database {quoted(name)}")


def drop_database(world: World, instance: Instance, name: str) -> None:
    """On the server too, if there is one. ApiError if it refuses."""
    _run(world, instance, f"drop database {quoted(name)}")


def _run(world: World, instance: Instance, statement: str) -> None:
    server = world.postgresql.server(instance.id)
    if server is None:
        return
    try:
        with server.admin() as admin:
            admin.run(statement)
    except ServerError as error:
        raise world.variants.error("wrong_state", f"The instance {instance.id} refuses: {error}") from error
