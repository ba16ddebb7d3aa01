# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How fast uploads go: the limit that holds them back, and the count of what was sent."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .._progress import Progress
from .._waiting import Clock

_PROGRESS_INTERVAL = 1.0


class Pace:
    """Lets through `limit` bytes per second over all threads; None for as many as there are."""

    def __init__(self, limit: float | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, count: int) -> None:
        """Waits until `count` bytes may go."""
        if self._limit is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            turn = max(self._free_at, now)
            self._free_at = turn + count / self._limit
        if turn > now:
            self._clock.sleep(turn - now)


class Meter:
    """Counts what is sent and tells it once a second."""

    def __init__(self, total: int, clock: Clock, tell: Callable[[Progress], None] | None) -> None:
        self._total = total
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._started = self._told = clock.monotonic()
        self.sent = 0
        self._kept = 0

    def keep(self, count: int) -> None:
        """Bytes that the server has already."""
        with self._lock:
            self._kept += count

    def add(self, count: int) -> None:
        """Bytes that are being sent. Repetitions count as sent, so that the rate is the line's."""
        with self._lock:
            self.sent += count
            now = self._clock.monotonic()
            due = self._tell is not None and now - self._told >= _PROGRESS_INTERVAL
            if due:
                self._told = now
        if due and self._tell is not None:
            self._tell(self.progress())

    def progress(self) -> Progress:
        seconds = self._clock.monotonic() - self._started
        done = min(self._kept + self.sent, self._total)
        rate = self.sent / seconds if seconds > 0 else 0.0
        return Progress(done, self._total, rate, (self._total - done) / rate if rate else None, self.sent)

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self._started
