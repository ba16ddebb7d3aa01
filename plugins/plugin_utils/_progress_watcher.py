# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The thread that takes in what modules tell and shows it.

It owns all that it knows. The main thread only leaves notes for it, so that there is no lock between the two.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from ._progress_bars import Bars
from ._progress_lines import Lines
from ._progress_listener import Listener
from ._progress_terminal import Terminal
from ._progress_works import Works

_TICK = 0.25
# Seconds that the end of the play waits for the thread.
_PATIENCE = 3.0


class View(Protocol):
    def show(self, works: Works, now: float) -> None:
        """Called a few times a second."""

    def end_task(self, host: str, task: str) -> None:
        """Its result is there."""

    def close(self) -> None:
        """Leaves nothing behind."""


class LinesView:
    def __init__(self, lines: Lines, print_line: Callable[[str], None]) -> None:
        self._lines = lines
        self._print_line = print_line

    def show(self, works: Works, now: float) -> None:
        for line in self._lines.news(works, now):
            self._print_line(f"{time.strftime('%H:%M:%S')} progress: {line}")

    def end_task(self, host: str, task: str) -> None:
        self._lines.forget(host, task)

    def close(self) -> None:
        pass


class BarsView:
    """paused: while Ansible asks something, which does not pass through its streams."""

    def __init__(self, bars: Bars, terminal: Terminal) -> None:
        self._bars = bars
        self._terminal = terminal
        self.paused = False
        terminal.attach()

    def show(self, works: Works, now: float) -> None:
        works.ended = []
        going = [] if self.paused else works.going()
        self._terminal.draw(self._bars.rows(going, now, *self._terminal.size()) if going else [])

    def end_task(self, host: str, task: str) -> None:
        pass

    def close(self) -> None:
        self._terminal.detach()


class Watcher:
    def __init__(self, listener: Listener, view: View, clock: Callable[[], float] = time.monotonic) -> None:
        self._listener = listener
        self._view = view
        self._clock = clock
        self._works = Works()
        self._ended_tasks: deque[tuple[str, str]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="apsaradb-progress", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end_task(self, host: str, task: str) -> None:
        """A note for the thread; called by the main thread."""
        self._ended_tasks.append((host, task))

    def stop(self) -> None:
        self._stopping = True
        self._listener.wake()
        self._thread.join(_PATIENCE)
        self._view.close()
        self._listener.close()

    def _run(self) -> None:
        while not self._stopping:
            self.turn(_TICK)

    def turn(self, seconds: float) -> None:
        """One round. A task's events are all there before its result is."""
        ended = [self._ended_tasks.popleft() for _number in range(len(self._ended_tasks))]
        datagrams = self._listener.receive(seconds)
        now = self._clock()
        self._works.take(datagrams, now)
        for host, task in ended:
            self._works.end_task(host, task)
        self._works.forget_stale(now)
        self._view.show(self._works, now)
        for host, task in ended:
            self._view.end_task(host, task)
