# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which calls are sent again, and when.

Throttled calls, whatever they are; after broken connections and faults of the service only reads, because no create
call of a migration is idempotent at the service. Imported when a call failed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from .._waiting import Clock
from .errors import AnswerLost, ServiceError, Unreachable, is_throttling

if TYPE_CHECKING:
    from .rpc import Traffic

T = TypeVar("T")


class Retrying(NamedTuple):
    """How long a call that is throttled or fails is repeated, in seconds.

    patience: until it is given up; of a throttled call, without any call of the task let through meanwhile. longest:
    the same, whatever became of the others. unreachable: where nothing answers at all, which is mostly a wrong endpoint
    and should be told soon. first, most: length of the first and the longest pause after a fault.
    """

    patience: float = 120.0
    unreachable: float = 10.0
    first: float = 0.5
    most: float = 20.0
    longest: float = 1800.0


def answer_of_repeated(
    attempt: Callable[[], T],
    failed: ServiceError | Unreachable | AnswerLost,
    retrying: Retrying | None,
    *,
    started: float,
    reading: bool,
    clock: Clock,
    jitter: Callable[[], float] | None,
    traffic: Traffic,
) -> T:
    """The answer of an attempt after `failed`, that of the first one; raises the last failure when it is given up.

    started: on the monotonic clock, before the first attempt. jitter: gives numbers from 0 to 1, as random() does.
    """
    retrying, jitter = retrying or Retrying(), jitter or random.random
    number, sent = 0, started
    while True:
        if is_throttling(failed.code):
            _wait_for_turn(failed, retrying, started, sent, clock, jitter, traffic)
        else:
            if isinstance(failed, ServiceError):
                traffic.went_through(clock.monotonic())
            _wait_out_fault(failed, retrying, started, number, clock, jitter, reading)
            number += 1
        sent = clock.monotonic()
        try:
            answer = attempt()
        except (ServiceError, Unreachable, AnswerLost) as failure:
            failed = failure
        else:
            traffic.went_through(clock.monotonic())
            return answer


def _wait_for_turn(
    failed: Any,
    retrying: Retrying,
    started: float,
    sent: float,
    clock: Clock,
    jitter: Callable[[], float],
    traffic: Traffic,
) -> None:
    """Until the pace of all calls lets this one be sent again. A refused call was not carried out, whatever it is."""
    from .pacing import pace_of

    pace, asked = pace_of(traffic, clock, jitter), getattr(failed, "retry_after", None) or 0.0
    late = min(max(started, pace.progress) + retrying.patience, started + retrying.longest)
    if clock.monotonic() + asked > late:
        raise failed
    pace.refused(sent, asked)
    if not pace.wait_for_turn(late):
        raise failed


def _wait_out_fault(
    failed: Any,
    retrying: Retrying,
    started: float,
    number: int,
    clock: Clock,
    jitter: Callable[[], float],
    reading: bool,
) -> None:
    """A pause that doubles, with jitter, so that parallel tasks do not return together."""
    pause = min(retrying.most, retrying.first * 2**number) * (0.5 + jitter() / 2)
    patience = retrying.unreachable if isinstance(failed, Unreachable) else retrying.patience
    if not (reading and failed.transient) or clock.monotonic() + pause > started + patience:
        raise failed
    clock.sleep(pause)
