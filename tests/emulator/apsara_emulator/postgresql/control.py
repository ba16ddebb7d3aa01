# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers through the control interface: start a source, break one, look at all."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import DocumentError
from .home import ServerError
from .server import Server
from .source import read_source, start_source

if TYPE_CHECKING:
    from ..world import World

_CUT = "select count(pg_terminate_backend(pid)) from pg_stat_replication"


def overview(world: World) -> dict[str, Any]:
    """The servers behind instances, and the sources."""
    sources = [one.as_document() for one in world.postgresql.sources.values()]
    return {"instances": world.postgresql.as_documents(), "sources": sources}


def add_source(world: World, document: Mapping[str, Any]) -> dict[str, Any]:
    """Start a source; one of the same name goes. DocumentError if that cannot be done."""
    wanted = read_source(document)
    try:
        old = world.postgresql.sources.pop(wanted.name, None)
        if old is not None:
            old.remove()
        server = start_source(wanted)
    except ServerError as error:
        raise DocumentError(f"source: {error}") from error
    world.postgresql.sources[wanted.name] = server
    return server.as_document()


def act(world: World, document: Mapping[str, Any]) -> dict[str, Any]:
    """Do something to a server: `{"source": NAME or "instance": ID, "do": WORD, ...}`. DocumentError if it fails.

    `start` of an instance that has no server yet gives it one.
    """
    given = dict(document)
    word, name, instance = (str(given.pop(key, "")) for key in ("do", "source", "instance"))
    if word not in _WORDS:
        raise DocumentError(f"server: do is one of {', '.join(_WORDS)}")
    try:
        server = world.postgresql.sources.get(name) if name else _of_instance(world, instance, word)
        if server is None:
            raise DocumentError(
                f"server: there is no {'source' if name else 'instance'} {name or instance!r} that runs"
            )
        result = _WORDS[word](server, **given)
        if word == "remove" and name:
            del world.postgresql.sources[name]
        return result or {"running": server.is_running, "port": server.port}
    except (ServerError, TypeError) as error:
        raise DocumentError(f"server: {error}") from error


def _of_instance(world: World, instance_id: str, word: str) -> Server | None:
    with world.lock:
        instance = world.state.instances.get(instance_id)
        if word == "start" and instance is not None and world.postgresql.is_possible(instance):
            return world.postgresql.ensure(instance)
    return world.postgresql.server(instance_id)


def _kill(server: Server) -> None:
    server.kill()


def _stop(server: Server) -> None:
    server.stop()


def _start(server: Server) -> None:
    server.start()


def _remove(server: Server) -> None:
    server.remove()


def _freeze(server: Server) -> None:
    server.signal_all(signal.SIGSTOP)


def _thaw(server: Server) -> None:
    server.signal_all(signal.SIGCONT)


def _cut(server: Server) -> dict[str, Any]:
    """End every replication connection to this server, once."""
    with server.admin() as admin:
        return {"ended": admin.value(_CUT)}


def _configure(server: Server, settings: dict[str, str] | None = None, hba: list[str] | None = None) -> None:
    """Other settings and lines of pg_hba.conf, as far as they need no restart."""
    server.settings.update(settings or {})
    server.hba = server.hba if hba is None else hba
    server.reload()


def _sql(server: Server, statement: str, database: str = "postgres") -> dict[str, Any]:
    """As the superuser. Values are texts."""
    with server.admin(database) as admin:
        rows = admin.rows(statement)
    return {"rows": [{key: None if value is None else str(value) for key, value in row.items()} for row in rows]}


_WORDS: Mapping[str, Any] = {
    "configure": _configure,
    "cut": _cut,
    "freeze": _freeze,
    "kill": _kill,
    "remove": _remove,
    "sql": _sql,
    "start": _start,
    "stop": _stop,
    "thaw": _thaw,
}
