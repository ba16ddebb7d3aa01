# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real servers behind a world's MySQL and MariaDB instances, and the sources beside it."""

from __future__ import annotations

import secrets
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..servers.errors import ServerError
from ..servers.fleet import BaseFleet
from ..servers.server import removed_on_failure
from . import binaries
from .server import Server, start_new
from .sql import Session, quoted

if TYPE_CHECKING:
    from ..model import DatabaseAccount, Instance
    from .source import SourceServer

ENGINES = ("MySQL", "MariaDB")
# What an account that was made in the console may do besides, whatever its databases.
_EVERYBODY = "process, replication client, replication slave"
_RIGHTS = {
    "ReadWrite": "all privileges",
    "DBOwner": "all privileges",
    "ReadOnly": "select, show view, lock tables",
    "DMLOnly": "select, insert, update, delete, execute, show view, event, trigger, lock tables",
    "DDLOnly": "create, drop, index, alter, create view, show view, create routine, alter routine, lock tables",
}


class Fleet(BaseFleet[Server]):
    """Servers are started when they are first needed and end with the world, or when it is reset."""

    sources: dict[str, SourceServer]

    def __init__(self) -> None:
        super().__init__()
        weakref.finalize(self, _remove_all, self._servers)
        weakref.finalize(self, _remove_all, self.sources)

    def is_possible(self, instance: Instance) -> bool:
        """Whether the instance can have a real server on this computer."""
        return instance.engine in ENGINES and not binaries.missing()

    def ensure(self, instance: Instance) -> Server:
        """The server behind an instance, made now if need be. ServerError if this computer cannot do it."""
        with self._lock:
            server = self._servers.get(instance.id)
            if server is None:
                server = start_new(instance.id, _settings(instance))
                with removed_on_failure(server):
                    _fill(server, instance)
                self._servers[instance.id] = server
            return server

    def forget(self, source: str, instance_id: str) -> None:
        """A source, or the server behind an instance, was removed."""
        with self._lock:
            if source:
                del self.sources[source]
            else:
                del self._servers[instance_id]

    def reset(self) -> None:
        """Remove every server behind an instance."""
        with self._lock:
            _remove_all(self._servers)
            self._servers.clear()


def create_account(session: Session, name: str, password: str) -> None:
    """An account that may come from anywhere."""
    session.run("create user %s@'%%' identified by %s", name, password)


def create_database(session: Session, name: str, character_set: str = "") -> None:
    """A database of the character set, or of the server's."""
    known = character_set and session.rows("show character set where charset = %s", character_set)
    session.run(f"create database {quoted(name)}" + (f" character set {character_set}" if known else ""))


def _settings(instance: Instance) -> dict[str, str | None]:
    """The instance's parameters. Those that only MySQL knows are passed over by the server with a warning."""
    settings: dict[str, str | None] = {}
    for name, value in instance.parameters.items():
        key = name.lower().replace("_", "-")
        if key == "log-bin":
            settings[key] = "binlog" if str(value).lower() in ("on", "1") else None
        else:
            settings[f"loose-{key}"] = str(value)
    return settings


def _fill(server: Server, instance: Instance) -> None:
    """What the world document says is in the instance."""
    with server.admin() as admin:
        for name, database in instance.databases.items():
            create_database(admin, name, database.character_set)
        for account in instance.accounts:
            _create_account(admin, account)


def _create_account(admin: Session, account: DatabaseAccount) -> None:
    """An account whose password the world leaves open gets one that nobody knows."""
    create_account(admin, account.name, account.password or secrets.token_hex(12))
    admin.run(f"grant {_EVERYBODY} on *.* to %s@'%%'", account.name)
    if account.type == "Super":
        admin.run("grant all privileges on *.* to %s@'%%' with grant option", account.name)
        return
    for database, word in account.privileges.items():
        if word in _RIGHTS:
            name = quoted(database.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%")).replace("%", "%%")
            admin.run(f"grant {_RIGHTS[word]} on {name}.* to %s@'%%'", account.name)


def _remove_all(servers: Mapping[str, Server]) -> None:
    for server in list(servers.values()):
        server.remove()


def require_possible() -> None:
    """ServerError where no server can be started."""
    if binaries.missing():
        raise ServerError(binaries.missing())
