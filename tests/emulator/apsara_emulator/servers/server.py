# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One real server on this computer, of any engine: the process that it is."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager


class BaseServer(ABC):
    """A data directory and its process. Every method that has to wait does so; ServerError if something fails."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> int | None:
        """The id of the server's process while it runs."""
        return self._process.pid if self.is_running and self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @abstractmethod
    def described(self) -> dict[str, object]:
        """The server as plain data: where it is, what it is, whether it runs."""

    @abstractmethod
    def start(self) -> None:
        """Start, and wait until it takes connections. A running server is left alone."""

    @abstractmethod
    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop in an orderly way, or at once with SIGKILL."""

    @abstractmethod
    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server; SIGSTOP and SIGCONT stand for a network that hangs."""

    @abstractmethod
    def remove(self) -> None:
        """Stop and forget everything."""

    def kill(self) -> None:
        """As if the computer had lost its power."""
        self.stop(signal.SIGKILL)


@contextmanager
def removed_on_failure(server: BaseServer) -> Iterator[None]:
    """If the block fails, nothing is left of the server."""
    try:
        yield
    except BaseException:
        server.remove()
        raise
