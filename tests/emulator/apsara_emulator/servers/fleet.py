# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real servers of one engine in a world: those behind its instances, and the sources beside it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .server import BaseServer

if TYPE_CHECKING:
    from ..model import Instance

ServerType = TypeVar("ServerType", bound=BaseServer)


class BaseFleet(ABC, Generic[ServerType]):
    """Servers are started when they are first needed and end with the world, or when it is reset."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._servers: dict[str, ServerType] = {}
        self.sources: dict[str, Any] = {}
        """Servers beside the service, which a reset leaves alone."""

    def server(self, instance_id: str) -> ServerType | None:
        """The server behind an instance, if there is one by now."""
        return self._servers.get(instance_id)

    @abstractmethod
    def is_possible(self, instance: Instance) -> bool:
        """Whether the instance can have a real server on this computer."""

    @abstractmethod
    def ensure(self, instance: Instance) -> ServerType:
        """The server behind an instance, made now if need be. ServerError if this computer cannot do it."""

    @abstractmethod
    def forget(self, source: str, instance_id: str) -> None:
        """A source, or the server behind an instance, was removed."""

    def as_documents(self) -> list[dict[str, object]]:
        """What runs: `instance` and what its server says about itself."""
        return [{"instance": name, **server.described()} for name, server in list(self._servers.items())]
