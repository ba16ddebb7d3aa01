# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collects the arguments of the processes that a run starts, which every user of the computer can read."""

from __future__ import annotations

import os
import pathlib
import threading
from types import TracebackType

_PROC = pathlib.Path("/proc")
_INTERVAL = 0.02
# A process becomes another program after it was begun, so it is looked at more than once.
_LOOKS = 4


class ArgumentWatch:
    """Looks at new processes while it is open.

    marker: a text that the environment of every process of the run holds. What such a process starts belongs to the
    run as well, whatever its environment. seen: the argument lists, as /proc tells them.
    """

    def __init__(self, marker: str) -> None:
        self.seen: set[bytes] = set()
        self._marker = marker.encode()
        self._looks: dict[str, int] = {}
        self._known: set[str] = set()
        self._ours: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ArgumentWatch:
        # What runs by now is none of the run.
        self._known = _processes()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(_INTERVAL):
            there = _processes()
            # It runs as long as the tests do: what is known costs nothing.
            for number in there - self._known:
                self._looks[number] = self._looks.get(number, 0) + 1
                self._look(number)
                if self._looks[number] >= _LOOKS:
                    self._known.add(number)
            gone = (self._known | self._looks.keys()) - there
            self._known -= gone
            self._ours -= gone
            for number in gone:
                self._looks.pop(number, None)

    def _look(self, number: str) -> None:
        try:
            if number not in self._ours and not self._is_ours(number):
                return
            self._ours.add(number)
            arguments = (_PROC / number / "cmdline").read_bytes()
        except OSError:
            # It has ended.
            return
        if arguments:
            self.seen.add(arguments)

    def _is_ours(self, number: str) -> bool:
        parent = (_PROC / number / "stat").read_bytes().rpartition(b")")[2].split()[1].decode()
        return parent in self._ours or self._marker in (_PROC / number / "environ").read_bytes()


def _processes() -> set[str]:
    try:
        return {name for name in os.listdir(_PROC) if name.isdecimal()}
    except OSError:
        return set()
