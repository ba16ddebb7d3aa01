# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An emulator behind real sockets, in a thread of the test process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from apsara_emulator import Gateway, WallClock, World
from apsara_emulator.http_server import HttpServer, Urls


@dataclass(frozen=True)
class Served:
    """A served world. `endpoint` is host:port, as the SDKs want it."""

    world: World
    gateway: Gateway
    urls: Urls

    @property
    def endpoint(self) -> str:
        return self.urls.api.partition("://")[2]

    def fresh(self) -> Served:
        """Back to the start."""
        self.world.reset()
        self.gateway.verifier.forget()
        return self


@contextmanager
def served(world: World, *, tls: bool = False) -> Iterator[Served]:
    """Serve until the block ends."""
    gateway = Gateway(world, stamp_clock=WallClock())
    ready: list[tuple[Urls, asyncio.AbstractEventLoop, asyncio.Event]] = []
    started = threading.Event()

    async def serve() -> None:
        stop = asyncio.Event()
        async with HttpServer(gateway, "127.0.0.1", 0, tls=tls) as urls:
            ready.append((urls, asyncio.get_running_loop(), stop))
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(10)
    urls, loop, stop = ready[0]
    try:
        yield Served(world, gateway, urls)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
