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
from typing import Any, NamedTuple, TypeVar

from .._waiting import Clock
from .errors import AnswerLost, ServiceError, Unreachable, is_throttling

T = TypeVar("T")


class Retrying(NamedTuple):
    """How long a call that is throttled or fails is repeated, in seconds.

    patience: until it is given up. unreachable: the same where nothing answers at all, which is mostly a wrong endpoint
    and should be told soon. first, most: length of the first and the longest pause.
    """

    patience: float = 120.0
    unreachable: float = 10.0
    first: float = 0.5
    most: float = 20.0


def answer_of_repeated(
    attempt: Callable[[], T],
    failed: ServiceError | Unreachable | AnswerLost,
    retrying: Retrying | None,
    *,
    started: float,
    reading: bool,
    clock: Clock,
    jitter: Callable[[], float] | None,
) -> T:
    """The answer of an attempt after `failed`, that of the first one; raises the last failure when it is given up.

    started: on the monotonic clock, before the first attempt. jitter: gives numbers from 0 to 1, as random() does.
    """
    retrying, number = retrying or Retrying(), 0
    while True:
        pause = _pause(failed, number, retrying, jitter or random.random)
        may_repeat = is_throttling(failed.code) or (reading and failed.transient)
        patience = retrying.unreachable if isinstance(failed, Unreachable) else retrying.patience
        if not may_repeat or clock.monotonic() + pause > started + patience:
            raise failed
        clock.sleep(pause)
        number += 1
        try:
            return attempt()
        except (ServiceError, Unreachable, AnswerLost) as failure:
            failed = failure


def _pause(failed: Any, number: int, retrying: Retrying, jitter: Callable[[], float]) -> float:
    """What the service asks for, else doubling with jitter, so that parallel tasks do not return together."""
    asked: float | None = getattr(failed, "retry_after", None)
    doubling: float = min(retrying.most, retrying.first * 2**number)
    pause = doubling * (0.5 + jitter() / 2)
    return max(asked, 0.0) + pause / 10 if asked is not None else pause
