# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers through the control interface: start a source, break one, look at all."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import DocumentError
from ..postgresql.home import ServerError
from .server import Server
from .source import read_source, start_source

if TYPE_CHECKING:
    from ..world import World


def overview(world: World) -> dict[str, Any]:
    """The servers behind instances, and the sources."""
    sources = [one.as_document() for one in world.mysql.sources.values()]
    return {"instances": world.mysql.as_documents(), "sources": sources}


def add_source(world: World, document: Mapping[str, Any]) -> dict[str, Any]:
    """Start a source; one of the same name goes. DocumentError if that cannot be done."""
    wanted = read_source(document)
    try:
        old = world.mysql.sources.pop(wanted.name, None)
        if old is not None:
            old.remove()
        server = start_source(wanted)
    except ServerError as error:
        raise DocumentError(f"source: {error}") from error
    world.mysql.sources[wanted.name] = server
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
        server = world.mysql.sources.get(name) if name else _of_instance(world, instance, word)
        if server is None:
            raise DocumentError(
                f"server: there is no {'source' if name else 'instance'} {name or instance!r} that runs"
            )
        result = _WORDS[word](server, **given)
        if word == "remove":
            world.mysql.forget(name, instance)
        return result or {"running": server.is_running, "host": server.host, "port": server.port}
    except (ServerError, TypeError) as error:
        raise DocumentError(f"server: {error}") from error


def _of_instance(world: World, instance_id: str, word: str) -> Server | None:
    with world.lock:
        instance = world.state.instances.get(instance_id)
        if word == "start" and instance is not None and world.mysql.is_possible(instance):
            return world.mysql.ensure(instance)
    return world.mysql.server(instance_id)


def _kill(server: Server) -> None:
    server.kill()


def _stop(server: Server) -> None:
    server.stop()


def _start(server: Server) -> None:
    server.start()


def _remove(server: Server) -> None:
    server.remove()


def _freeze(server: Server) -> None:
    server.signal(signal.SIGSTOP)


def _thaw(server: Server) -> None:
    server.signal(signal.SIGCONT)


def _sql(server: Server, statement: str, database: str = "") -> dict[str, Any]:
    """One statement as the administrator. Values are texts."""
    rows = server.sql(statement, database=database)
    return {"rows": [{key: _text(value) for key, value in row.items()} for row in rows]}


def _script(server: Server, statements: str, database: str = "") -> dict[str, Any]:
    """Several statements as the administrator, separated by semicolons."""
    server.script(statements, database)
    return {"rows": []}


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return None if value is None else str(value)


_WORDS: Mapping[str, Any] = {
    "freeze": _freeze,
    "kill": _kill,
    "remove": _remove,
    "script": _script,
    "sql": _sql,
    "start": _start,
    "stop": _stop,
    "thaw": _thaw,
}
