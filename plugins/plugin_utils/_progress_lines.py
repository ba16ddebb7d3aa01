# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Progress as lines, for logs: one when something changes, and one per interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from . import _progress_words as words
from ._progress_works import Key, Work, Works

# Lines of one task at a time. A batch of a thousand databases changes faster than anybody reads.
_MOST = 5


@dataclass
class _Told:
    """What was told of one task: stage and time by work, when the next regular lines are due, how many came since."""

    due: float
    works: dict[Key, tuple[str, float]] = field(default_factory=dict)
    count: int = 0


class Lines:
    """interval: seconds between two regular lines of a task that goes on without a change."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._told: dict[tuple[str, str], _Told] = {}

    def news(self, works: Works, now: float) -> list[str]:
        ended, works.ended = works.ended, []
        lines = [line for work in ended for line in self._of_ended(work, now)]
        tasks: dict[tuple[str, str], list[Work]] = {}
        for work in works.going():
            tasks.setdefault((work.host, work.task), []).append(work)
        for task, group in tasks.items():
            lines += self._of_task(self._told.setdefault(task, _Told(now + self._interval)), group, now)
        return lines

    def forget(self, host: str, task: str) -> None:
        self._told.pop((host, task), None)

    def _of_ended(self, work: Work, now: float) -> list[str]:
        """What was never told of needs no end."""
        told = self._told.get((work.host, work.task))
        if told is None or told.works.pop(work.key, None) is None:
            return []
        return [line(work, now)]

    def _of_task(self, told: _Told, group: list[Work], now: float) -> list[str]:
        if now >= told.due:
            told.due, told.count = now + self._interval, 0
            # What was told a moment ago is not repeated.
            due = [work for work in group if now - told.works.get(work.key, ("", -math.inf))[1] > self._interval / 2]
            shown = due[:_MOST]
            more = [f"{words.worker(group[0])}: and {len(due) - _MOST} more"] if len(due) > _MOST else []
        else:
            changed = [work for work in group if told.works.get(work.key, (None,))[0] != work.stage]
            shown, more = changed[: max(_MOST - told.count, 0)], []
            told.count += len(shown)
        told.works.update((work.key, (work.stage, now)) for work in shown)
        return [line(work, now) for work in shown] + more


def line(work: Work, now: float) -> str:
    name = "all together" if work.summed else work.name
    return f"{words.worker(work)}: {name}: {words.ending(work) if work.ended else words.facts(work, now)}"
