# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Threads that work on one list together, each with a buffer of its own, and stop at the first failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from .oss_parts import WINDOW

T = TypeVar("T")


class Cancelled(Exception):
    """Another thread failed, or the task was interrupted. Not a failure of its own."""


class Crew:
    """threads: at most. A crew can be given one list after the other."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._stop = threading.Event()

    def require_going(self) -> None:
        """Raises Cancelled once somebody failed."""
        if self._stop.is_set():
            raise Cancelled

    def work_on(self, items: Sequence[T], work: Callable[[T, bytearray], None]) -> None:
        """Calls work(item, buffer) for each item; raises the first failure when all threads have ended."""
        if min(self._threads, len(items)) <= 1:
            buffer = bytearray(WINDOW)
            for item in items:
                work(item, buffer)
            return
        pending, lock = iter(items), threading.Lock()
        failures: list[BaseException] = []

        def run() -> None:
            buffer = bytearray(WINDOW)
            while not self._stop.is_set():
                with lock:
                    item = next(pending, None)
                if item is None:
                    return
                try:
                    work(item, buffer)
                except Cancelled:
                    return
                except BaseException as failure:  # raised again below, in the thread that waits
                    failures.append(failure)
                    self._stop.set()

        crew = [threading.Thread(target=run, daemon=True) for _number in range(min(self._threads, len(items)))]
        for thread in crew:
            thread.start()
        try:
            for thread in crew:
                thread.join()
        finally:
            # Interrupted: let the others end as well.
            self._stop.set()
            for thread in crew:
                thread.join()
        if failures:
            raise failures[0]
        self._stop.clear()
