# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The chart of a timeline: where bars begin and how long they are, in percent of its width.

Work may have been done on several days. Time in which nothing was done is cut short, and the cut is drawn.
"""

from __future__ import annotations

import calendar
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

# Idle time that is longer than this part of all the work is cut, to this part.
_LONG_IDLE, _CUT = 0.2, 0.04
_NARROWEST = 0.6
_TICKS = 4
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


class Bar(NamedTuple):
    """Percent of the width, and the phase that it stands for."""

    x: float
    width: float
    phase: Mapping[str, Any]


class Axis:
    """From moments to percent."""

    def __init__(self, phases: Iterable[Mapping[str, Any]]) -> None:
        spans = _merged((_seconds(p["began"]), _seconds(p["ended"])) for p in phases if p["seconds"] is not None)
        self._busy = max(1, sum(end - begin for begin, end in spans))
        # (begin, end, where it begins): what is drawn to scale, and how far to the right it stands.
        self._pieces: list[tuple[int, int, float]] = []
        place = 0.0
        for number, (begin, end) in enumerate(spans):
            if number:
                place += self._idle(begin - spans[number - 1][1])
            self._pieces.append((begin, end, place))
            place += end - begin
        self.length = max(1.0, place)

    def _idle(self, seconds: int) -> float:
        return self._busy * _CUT if seconds > self._busy * _LONG_IDLE else seconds

    @property
    def cuts(self) -> list[float]:
        """Where time is left out."""
        found = []
        for (begin, end, place), (next_begin, _next_end, next_place) in itertools.pairwise(self._pieces):
            after = place + end - begin
            if next_place - after < next_begin - end:
                found.append(self._percent((after + next_place) / 2))
        return found

    @property
    def ticks(self) -> list[tuple[float, int]]:
        """Percent and seconds of work since the beginning; none where time is left out."""
        if self.cuts:
            return []
        step = next((step for step in _STEPS if self.length / step <= _TICKS), int(self.length // _TICKS) or 1)
        return [(self._percent(seconds), seconds) for seconds in range(0, int(self.length) + 1, step)]

    def drawn(self, phase: Mapping[str, Any]) -> Bar | None:
        if phase["seconds"] is None:
            return None
        x, end = self._place(_seconds(phase["began"])), self._place(_seconds(phase["ended"]))
        width = max(_NARROWEST, self._percent(end) - self._percent(x))
        return Bar(min(self._percent(x), 100 - width), width, phase)

    def _place(self, moment: int) -> float:
        return next(place + moment - begin for begin, end, place in self._pieces if begin <= moment <= end)

    def _percent(self, place: float) -> float:
        return round(100 * place / self.length, 3)


def _seconds(moment: str) -> int:
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def bars(axis: Axis, phases: Sequence[Mapping[str, Any]]) -> list[Bar]:
    return [drawn for phase in phases if (drawn := axis.drawn(phase))]
