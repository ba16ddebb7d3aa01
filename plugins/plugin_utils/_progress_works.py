# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What modules told: the works that go on. Names in events come from elsewhere, and anything may come in."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any

from ansible_collections.apsaradb.migration.plugins.module_utils._progress import ALL, VERSION

_LONGEST = 200
# As many as a batch of the largest size has; more are somebody's mistake.
_MOST = 5000

Key = tuple[str, str, str, str, str]


@dataclass
class Work:
    """The last event of one subject. The fields are those of the event; None: not told. heard: when it came in."""

    kind: str = ""
    module: str = ""
    instance: str = ""
    host: str = ""
    task: str = ""
    subject: str = ""
    stage: str = ""
    unit: str = ""
    waiting_for: str = ""
    ended: str = ""
    done: float | None = None
    total: float | None = None
    rate: float | None = None
    eta: float | None = None
    lag_bytes: float | None = None
    lag_seconds: float | None = None
    missed: float | None = None
    elapsed: float | None = None
    timeout: float | None = None
    next: float | None = None
    heard: float = 0.0

    @property
    def key(self) -> Key:
        return self.host, self.task, self.instance, self.kind, self.subject or self.waiting_for

    @property
    def name(self) -> str:
        return self.subject or self.waiting_for

    @property
    def summed(self) -> bool:
        return self.subject == ALL

    def silence(self, now: float) -> float:
        """Seconds without the event that was due; 0 while none is missing."""
        due = 10.0 if self.kind == "upload" else None if self.next is None else 2 * self.next + 10.0
        return now - self.heard if due is not None and now - self.heard > due else 0.0

    def is_stale(self, now: float) -> bool:
        """Whoever told it is gone, such as the process of a task in the background that was killed."""
        return self.next is not None and now - self.heard > 4 * self.next + 300.0


_TEXTS = frozenset(f.name for f in fields(Work) if f.default == "")
_NUMBERS = frozenset(f.name for f in fields(Work) if f.default is None)


def read_event(datagram: bytes, now: float) -> Work | None:
    """None for what is no event of ours."""
    try:
        event = json.loads(datagram)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or event.get("version") != VERSION:
        return None
    told: dict[str, Any] = {name: harmless(event[name]) for name in _TEXTS if isinstance(event.get(name), str)}
    told.update((name, event[name]) for name in _NUMBERS if _is_number(event.get(name)))
    work = Work(**told, heard=now)
    return work if work.kind and work.name else None


def harmless(text: str) -> str:
    """Without what steers a terminal or turns the direction of writing."""
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


class Works:
    """The works that go on, by key. ended: those that ended since it was last emptied."""

    def __init__(self) -> None:
        self._going: dict[Key, Work] = {}
        self.ended: list[Work] = []

    def take(self, datagrams: list[bytes], now: float) -> None:
        for datagram in datagrams:
            work = read_event(datagram, now)
            if work is None:
                continue
            if work.ended:
                self._going.pop(work.key, None)
                self.ended.append(work)
            elif work.key in self._going or len(self._going) < _MOST:
                self._going[work.key] = work

    def end_task(self, host: str, task: str) -> None:
        """Its result is there, and tells more."""
        for key in [key for key in self._going if key[:2] == (host, task)]:
            del self._going[key]

    def forget_stale(self, now: float) -> None:
        for key in [key for key, work in self._going.items() if work.is_stale(now)]:
            del self._going[key]

    def going(self) -> list[Work]:
        """By host; sums first."""
        return sorted(self._going.values(), key=lambda w: (w.host, w.task, not w.summed, w.name))
