# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Waiting with a deadline. Clock and sleep are given, so that tests need no time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ._failure import MigrationFailure, WaitTimeout

if TYPE_CHECKING:
    from ._progress import WaitTeller, Watch

T = TypeVar("T")
# Names the socket of whoever watches; see _progress.py.
SOCKET_VARIABLE = "APSARADB_PROGRESS_SOCKET"
_TEN_YEARS = 10 * 365 * 86400.0


def wrong_times(options: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """What is wrong with options that are numbers of seconds. NaN and endless waits are wrong: waits end."""
    return [
        f"{name} must be a number of seconds, not {options[name]:g}"
        for name in names
        if not (options[name] > 0 or (options[name] == 0 and name != "poll_interval")) or options[name] > _TEN_YEARS
    ]


class Clock(NamedTuple):
    """monotonic: seconds for measuring. wall: seconds since 1970, UTC. sleep: waits that many seconds."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Patience(NamedTuple):
    """timeout: seconds until giving up. interval: seconds between two looks."""

    timeout: float
    interval: float

    def for_a_sign(self, settle: float) -> Patience:
        """To look for `settle` seconds, a few times at least, whether something began that was not answered."""
        return Patience(settle, min(self.interval, max(settle / 4, 0.1)))


def wait_until(
    look: Callable[[], T],
    finished: Callable[[T], bool],
    patience: Patience,
    clock: Clock,
    *,
    waiting_for: str,
    watch: Watch | None = None,
) -> T:
    """Looks until `finished` says so, and returns what was seen last.

    The first look is taken at once: work that is over already is fine. A transient failure of a look costs one
    interval, not the wait. WaitTimeout says what was waited for and, if the last looks failed, why. watch: what is
    told of the looks to somebody who watches.
    """
    teller = wait_teller(watch, waiting_for, patience, clock)
    try:
        seen = _look_until(look, finished, patience, clock, waiting_for, teller)
    except BaseException:  # an interruption ends the wait as well; it is raised again
        if teller:
            teller.end(done=False)
        raise
    if teller:
        teller.end(seen)
    return seen


def wait_teller(watch: Watch | None, waiting_for: str, patience: Patience, clock: Clock) -> WaitTeller | None:
    """None where nobody watches, which is the rule and costs nothing."""
    address = os.environ.get(SOCKET_VARIABLE)
    if not address:
        return None
    from ._progress import WaitTeller

    return WaitTeller(address, watch, waiting_for, patience, clock)


def _look_until(
    look: Callable[[], T],
    finished: Callable[[T], bool],
    patience: Patience,
    clock: Clock,
    waiting_for: str,
    teller: WaitTeller | None,
) -> T:
    deadline = clock.monotonic() + patience.timeout
    trouble = ""
    while True:
        try:
            seen = look()
        except MigrationFailure as failure:
            if not failure.transient:
                raise
            trouble = f" The last look failed: {failure.message}"
            if teller:
                teller.miss()
        else:
            trouble = ""
            if finished(seen):
                return seen
            if teller:
                teller.tell(seen)
        left = deadline - clock.monotonic()
        if left <= 0:
            late = WaitTimeout(
                f"After {patience.timeout:g} seconds {waiting_for} is still not over.{trouble}",
                code="wait_timeout",
                remedy="The service goes on by itself. Run the playbook again: it picks up what runs and starts "
                "nothing twice. Raise wait_timeout to wait longer.",
            )
            late.blind = bool(trouble)
            raise late
        clock.sleep(min(patience.interval, left))
