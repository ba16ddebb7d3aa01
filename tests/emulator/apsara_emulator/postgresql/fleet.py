# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real servers behind a world's instances, the sources beside it, and the secrets of its tasks."""

from __future__ import annotations

import importlib.util
import subprocess
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..servers.errors import ServerError
from ..servers.fleet import BaseFleet
from . import binaries
from .server import Server
from .sql import literal, quoted

if TYPE_CHECKING:
    from ..model import DatabaseAccount, Instance
    from .source import SourceServer

# The superuser of a new instance. The service keeps such a name for itself too.
SUPERUSER = "aurora"
# What the larger classes of the service have; a standby needs at least what its source has.
INSTANCE_SETTINGS = {
    "max_connections": "400",
    "max_locks_per_transaction": "64",
    "max_prepared_transactions": "400",
    "max_wal_senders": "64",
    "max_worker_processes": "64",
    "wal_level": "logical",
}


class Fleet(BaseFleet[Server]):
    """Servers are started when they are first needed and end with the world, or when it is reset."""

    sources: dict[str, SourceServer]

    def __init__(self) -> None:
        super().__init__()
        self._programs: list[subprocess.Popen[bytes]] = []
        self.passwords: dict[int, str] = {}
        self.generation = 0
        """Counts resets: what was begun before the last one is not to touch the world any more."""
        weakref.finalize(self, _remove_all, self._servers, self._programs)
        weakref.finalize(self, _remove_all, self.sources, [])

    def is_possible(self, instance: Instance) -> bool:
        """Whether the instance can have a real server on this computer."""
        return (
            instance.engine == "PostgreSQL"
            and major_version(instance) in binaries.found()
            and importlib.util.find_spec("psycopg") is not None
        )

    def ensure(self, instance: Instance, generation: int | None = None) -> Server:
        """The server behind an instance, made now if need be. ServerError if this computer cannot do it.

        Work that began before a reset names its `generation`, and is refused.
        """
        with self._lock:
            self._require(generation)
            server = self._servers.get(instance.id)
            if server is None:
                server = self.new_server(instance)
                server.initialise()
                server.start()
                _fill(server, instance)
                self._servers[instance.id] = server
            return server

    def new_server(self, instance: Instance, port: int = 0, superuser: str = SUPERUSER) -> Server:
        """A server of the instance's version that holds nothing yet. ServerError if there are no programs for it."""
        require_psycopg()
        settings = {**INSTANCE_SETTINGS, **instance.parameters}
        return Server(self.require_binaries(instance), instance.id, settings, port=port, superuser=superuser)

    def require_binaries(self, instance: Instance) -> binaries.Binaries:
        """The programs for the instance's version. ServerError if there are none."""
        major, found = major_version(instance), binaries.found()
        if not found:
            raise ServerError(binaries.MISSING)
        if major not in found:
            known = ", ".join(map(str, found))
            raise ServerError(
                f"{instance.id} is of PostgreSQL {major}, of which there are no programs, only of {known}"
            )
        return found[major]

    def replace(self, instance_id: str, server: Server, generation: int) -> None:
        """Put another server behind an instance. The old one has to be stopped; its data go.

        ServerError if there was a reset since `generation`.
        """
        with self._lock:
            self._require(generation)
            old = self._servers.get(instance_id)
            self._servers[instance_id] = server
        if old is not None:
            old.remove()

    def run_program(self, program: subprocess.Popen[bytes], generation: int) -> int:
        """Wait for a program that a reset ends. Its exit code."""
        with self._lock:
            if generation != self.generation:
                program.kill()
            self._programs.append(program)
        try:
            return program.wait()
        finally:
            with self._lock:
                self._programs.remove(program)

    def forget(self, source: str, instance_id: str) -> None:
        """A source was removed. The server behind an instance stays known, as one that does not run."""
        with self._lock:
            if source:
                del self.sources[source]

    def reset(self) -> None:
        """Remove every server behind an instance and forget all secrets."""
        with self._lock:
            self.generation += 1
            self.passwords.clear()
            _remove_all(self._servers, self._programs)
            self._servers.clear()

    def _require(self, generation: int | None) -> None:
        if generation not in (None, self.generation):
            raise ServerError("the world was reset")


def major_version(instance: Instance) -> int:
    """The major version of an instance by its code, such as 15.0. 0 if that is no number."""
    text = instance.engine_version.partition(".")[0]
    return int(text) if text.isdecimal() else 0


def require_psycopg() -> None:
    """ServerError without the library that talks to servers."""
    if importlib.util.find_spec("psycopg") is None:
        raise ServerError("the Python library psycopg is missing: pip install apsara-emulator[postgresql]")


def _fill(server: Server, instance: Instance) -> None:
    """What the world document says is in the instance."""
    with server.admin() as admin:
        for name in instance.databases:
            admin.run(f"create database {quoted(name)}")
        for account in instance.accounts:
            admin.run(f"create role {quoted(account.name)} login {_rights(account)}")
            for name, right in account.privileges.items():
                if right == "DBOwner" and name in instance.databases:
                    admin.run(f"alter database {quoted(name)} owner to {quoted(account.name)}")


def _rights(account: DatabaseAccount) -> str:
    rights = "createdb createrole" if account.type == "Super" else ""
    return f"{rights} password {literal(account.password)}" if account.password else rights


def _remove_all(servers: Mapping[str, Server], programs: list[subprocess.Popen[bytes]]) -> None:
    for program in list(programs):
        program.kill()
    for server in list(servers.values()):
        server.remove()
