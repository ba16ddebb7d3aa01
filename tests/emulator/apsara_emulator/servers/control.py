# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers through the control interface: start a source, break one, look at all."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic

from ..errors import DocumentError
from .errors import ServerError
from .fleet import BaseFleet
from .server import BaseServer
from .source import DocumentType, Source

if TYPE_CHECKING:
    from ..world import World


class ServerControl(Generic[DocumentType]):
    """The control of one engine's servers.

    `words` is what can be done to a server of this engine only: functions of the server and of further keys of the
    request. `shown` are attributes of a server: the answer to a word that has none of its own, beside `running`.
    """

    def __init__(
        self,
        fleet: Callable[[World], BaseFleet[Any]],
        read: Callable[[Mapping[str, Any]], DocumentType],
        start: Callable[[DocumentType], Source],
        words: Mapping[str, Callable[..., Any]],
        shown: tuple[str, ...],
    ) -> None:
        self._fleet: Callable[[World], BaseFleet[BaseServer]] = fleet
        self._read = read
        self._start = start
        self._words = dict(sorted({**_WORDS, **words}.items()))
        self._shown = shown

    def overview(self, world: World) -> dict[str, Any]:
        """The servers behind instances, and the sources."""
        fleet = self._fleet(world)
        return {"instances": fleet.as_documents(), "sources": [one.as_document() for one in fleet.sources.values()]}

    def add_source(self, world: World, document: Mapping[str, Any]) -> dict[str, Any]:
        """Start a source; one of the same name goes. DocumentError if that cannot be done."""
        wanted = self._read(document)
        sources = self._fleet(world).sources
        try:
            old = sources.pop(wanted.name, None)
            if old is not None:
                old.remove()
            server = self._start(wanted)
        except ServerError as error:
            raise DocumentError(f"source: {error}") from error
        sources[wanted.name] = server
        return server.as_document()

    def act(self, world: World, document: Mapping[str, Any]) -> dict[str, Any]:
        """Do something to a server: `{"source": NAME or "instance": ID, "do": WORD, ...}`. DocumentError if it fails.

        `start` of an instance that has no server yet gives it one.
        """
        given = dict(document)
        word, name, instance = (str(given.pop(key, "")) for key in ("do", "source", "instance"))
        if word not in self._words:
            raise DocumentError(f"server: do is one of {', '.join(self._words)}")
        fleet = self._fleet(world)
        try:
            server = fleet.sources.get(name) if name else self._of_instance(world, instance, word)
            if server is None:
                kind = "source" if name else "instance"
                raise DocumentError(f"server: there is no {kind} {name or instance!r} that runs")
            result = self._words[word](server, **given)
            if word == "remove":
                fleet.forget(name, instance)
            return result or {"running": server.is_running, **{key: getattr(server, key) for key in self._shown}}
        except (ServerError, TypeError) as error:
            raise DocumentError(f"server: {error}") from error

    def _of_instance(self, world: World, instance_id: str, word: str) -> BaseServer | None:
        fleet = self._fleet(world)
        with world.lock:
            instance = world.state.instances.get(instance_id)
            if word == "start" and instance is not None and fleet.is_possible(instance):
                return fleet.ensure(instance)
        return fleet.server(instance_id)


# Each takes nothing but the server: what else a request names is refused.
def _kill(server: BaseServer) -> None:
    server.kill()


def _stop(server: BaseServer) -> None:
    server.stop()


def _start(server: BaseServer) -> None:
    server.start()


def _remove(server: BaseServer) -> None:
    server.remove()


def _freeze(server: BaseServer) -> None:
    server.signal_all(signal.SIGSTOP)


def _thaw(server: BaseServer) -> None:
    server.signal_all(signal.SIGCONT)


_WORDS: Mapping[str, Callable[..., Any]] = {
    "freeze": _freeze,
    "kill": _kill,
    "remove": _remove,
    "start": _start,
    "stop": _stop,
    "thaw": _thaw,
}
