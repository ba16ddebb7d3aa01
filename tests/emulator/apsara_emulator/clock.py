# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clocks. Nothing in the emulator asks the operating system for the time except through one of these."""

from __future__ import annotations

import datetime as dt
import functools
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the emulator needs of a clock."""

    def now(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""

    def advance(self, seconds: float) -> None:
        """Put the clock forward by `seconds` at once."""


class WallClock:
    """The computer's clock, plus what it was put forward by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        return time.time() + self._ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class ManualClock:
    """A clock that stands still until it is told otherwise, for tests that cover hours in milliseconds."""

    # 2026-01-02T03:04:05Z, the time of the signature vectors.
    DEFAULT_START = 1767323045.0

    def __init__(self, start: float = DEFAULT_START) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds


# The same few moments are told in every answer.
@functools.lru_cache(maxsize=4096)
def utc_text(moment: float, precision: str = "seconds") -> str:
    """`moment` as the service writes it: `2026-01-02T03:04:05Z`, or `2026-01-02T03:04Z` with precision `minutes`."""
    utc = dt.datetime.fromtimestamp(moment, dt.timezone.utc)
    return utc.strftime("%Y-%m-%dT%H:%MZ" if precision == "minutes" else "%Y-%m-%dT%H:%M:%SZ")


@functools.lru_cache(maxsize=4096)
def parse_utc(text: str, *formats: str) -> float:
    """Seconds since 1970 of a UTC time text. ValueError if it fits none of `formats` (default: to the second)."""
    for layout in formats or ("%Y-%m-%dT%H:%M:%SZ",):
        try:
            moment = dt.datetime.strptime(text, layout).replace(tzinfo=dt.timezone.utc)
        except ValueError:
            continue
        return moment.timestamp()
    raise ValueError(f"not a UTC time: {text[:64]!r}")
