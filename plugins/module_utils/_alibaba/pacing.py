# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How fast calls are sent after the service said that they are too many. Imported when it first does.

No page tells the service's limits, so nothing is guessed: the rate that was let through is learned, lowered with every
further refusal and raised while there is none. One pace is shared by all threads of a task. Other processes know
nothing of it; they come to a fair share, because the faster one is refused more often, and every refusal takes a part
of its rate.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from .._waiting import Clock

if TYPE_CHECKING:
    from .rpc import Traffic

_new_paces = threading.Lock()

# Calls per second: low enough for a limit of 20 that 100 processes share, high enough for no call to wait long.
LEAST = 0.2
# The first rate of a task that had no call let through yet.
_UNKNOWN = 1.0
# What a refusal leaves of the rate; less where the one before was less than a second ago.
_LOWERED, _LOWERED_SOON, _SOON = 0.95, 0.9, 1.0
# What a second adds in which calls waited for their turn and none was refused: much more after so many such seconds.
_RAISED, _QUIET = 0.1, 5.0
# Seconds in which the calls are counted that the first rate is learned from.
_WINDOW = 1.0


class Pace:
    """let_through: when the service answered the calls before, on the monotonic clock.

    jitter: gives numbers from 0 to 1, as random() does.
    """

    def __init__(self, let_through: Collection[float], clock: Clock, jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        now = clock.monotonic()
        recent = [moment for moment in let_through if now - moment < _WINDOW]
        self.rate = max(len(recent) / _WINDOW, _UNKNOWN)
        # The calls that were let through count as if they had been sent at this rate.
        self._next = max(now, (recent[0] if recent else now) + len(recent) / self.rate) + jitter() / self.rate
        self._refused_at = now
        self._in_use = True
        self.progress = now

    def wait_for_turn(self, late: float = math.inf) -> bool:
        """Returns when a call may be sent; at once and False if that is later than `late`, on the monotonic clock.

        Turns are given in the order in which they are asked for.
        """
        with self._lock:
            now = self._clock.monotonic()
            turn = max(now, self._next)
            if turn > late:
                return False
            self._next = turn + 1.0 / self.rate
            self._in_use = turn > now
        if turn > now:
            self._clock.sleep(turn - now)
        return True

    def let_through(self) -> None:
        """The service took a call."""
        with self._lock:
            now = self._clock.monotonic()
            if self._in_use:  # a rate that is not used up is not tested
                seconds = now - max(self.progress, self._refused_at)
                raised = _RAISED * seconds * (1.0 + (now - self._refused_at) / _QUIET) ** 2
                self.rate += min(raised, 0.1 + 0.05 * self.rate)
            self.progress = now

    def refused(self, sent: float, retry_after: float = 0.0) -> None:
        """The service refused a call as one too many. sent: when it was. retry_after: seconds it asks to wait."""
        with self._lock:
            now = self._clock.monotonic()
            if retry_after:
                self._next = max(self._next, now + retry_after + self._jitter() / self.rate)
            if sent < self._refused_at:
                return  # it was on its way when the rate was lowered
            kept = _LOWERED if now - self._refused_at >= _SOON else _LOWERED_SOON
            self.rate = max(self.rate * kept, LEAST)
            # Processes that were refused together do not return together.
            self._next = max(self._next, now) + self._jitter() / self.rate
            self._refused_at = now


def pace_of(traffic: Traffic, clock: Clock, jitter: Callable[[], float]) -> Pace:
    """The one pace of all threads; the first refusal makes it."""
    with _new_paces:
        if traffic.pace is None:
            traffic.pace = Pace(tuple(traffic.let_through), clock, jitter)
        return traffic.pace
