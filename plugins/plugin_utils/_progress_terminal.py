# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Rows at the bottom of a terminal that Ansible prints to as well.

One lock is used, and it is Ansible's: the display holds it while it prints and while it forks a worker, so that what is
written here is never half-written in a worker, and nobody waits for a second lock with the first one held. Whoever
draws asks for it only for a moment. What Ansible prints passes through the buffers of stdout and stderr; there the rows
are erased first. They come back with the next drawing.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
from collections.abc import Callable
from typing import Any

_PATIENCE = 0.1
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_Write = Callable[[Any], int]


class Terminal:
    """lock: the display's. streams: those that write to the terminal; the first one is drawn on."""

    def __init__(self, lock: Any, streams: list[Any]) -> None:
        self._lock = lock
        self._streams = streams
        self._descriptor = streams[0].fileno()
        self._owner = os.getpid()
        self._rows: list[str] = []
        self._at_line_start = True
        self._writes: list[tuple[Any, _Write, _Write]] = []

    def attach(self) -> None:
        with self._lock:
            for stream in self._streams:
                before = stream.buffer.write
                guarded = self._guarded(before)
                stream.buffer.write = guarded
                self._writes.append((stream.buffer, before, guarded))

    def detach(self) -> None:
        with self._lock:
            self.erase()
            for buffer, before, guarded in self._writes:
                # Somebody may have come after us.
                if buffer.write is guarded:
                    buffer.write = before
            self._writes = []

    def size(self) -> tuple[int, int]:
        """Columns that may be used, and rows. The last column is left free: some terminals wrap after it."""
        try:
            found = os.get_terminal_size(self._descriptor)
        except OSError:
            found = shutil.get_terminal_size()
        return max(found.columns - 1, 20), max(found.lines, 2)

    def draw(self, rows: list[str]) -> None:
        """Shows these rows instead of those before. Where Ansible is busy with the terminal, not this time."""
        if rows == self._rows or not self._lock.acquire(timeout=_PATIENCE):
            return
        try:
            for stream in self._streams:
                stream.flush()
            # Someone who stopped the terminal (Ctrl-S) must not stop the play any earlier than without bars.
            if self._at_line_start and select.select([], [self._descriptor], [], 0)[1]:
                self._put(self._erasing() + "".join(f"{row}\n" for row in rows))
                self._rows = rows
        except (OSError, ValueError):
            # The terminal is gone; the play goes on.
            self._rows = []
        finally:
            self._lock.release()

    def erase(self) -> None:
        """With the lock held."""
        if not self._rows:
            return
        erasing, self._rows = self._erasing(), []
        with contextlib.suppress(OSError):
            self._put(erasing)

    def _erasing(self) -> str:
        if not self._rows:
            return ""
        # A terminal that became narrower has wrapped the rows.
        columns = self.size()[0] + 1
        lines = sum(max(-(-len(_COLORS.sub("", row)) // columns), 1) for row in self._rows)
        return f"\x1b[{lines}A\r\x1b[J"

    def _put(self, text: str) -> None:
        data = text.encode(self._streams[0].encoding or "utf-8", "replace")
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                select.select([], [self._descriptor], [], _PATIENCE)

    def _guarded(self, write: _Write) -> _Write:
        def guarded(data: Any) -> int:
            # A worker has taken the stream along, and has no rows.
            if os.getpid() != self._owner:
                return write(data)
            with self._lock:
                self.erase()
                if len(data):
                    self._at_line_start = bytes(data[-1:]) == b"\n"
                return write(data)

        return guarded
