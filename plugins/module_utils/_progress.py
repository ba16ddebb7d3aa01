# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Events of long work, told where somebody can watch: Ansible shows nothing of a task before it has ended.

Imported when there is long work. An event goes to the Unix datagram socket that APSARADB_PROGRESS_SOCKET names, which
the callback plugin apsaradb.migration.progress opens. A datagram is whole or not there, needs no connection that could
break, and never waits for the listener: what does not fit into its buffer is lost. Without the variable nothing is
made. An event is one JSON object; fields without a value are left out:

version           1; another number is another shape
kind              upload or wait
module, instance  who works, and the target it works on (an instance, or a bucket without one)
host, task        from APSARADB_PROGRESS_HOST and APSARADB_PROGRESS_TASK, which the callback sets for each task
subject           what it is about, such as an object's key or a database; all for the sum of a batch
stage             where it stands, in the service's own words
done, total       how far it is, in unit
unit              bytes, percent, or what is counted
rate              units per second, as measured in this run
eta               seconds left at that rate
lag_bytes         how far the copy is behind, and
lag_seconds       the same in seconds
waiting_for       a wait: what for
attempt, missed   a wait: how many looks there were, and how many of the last ones in a row failed
elapsed, timeout  a wait: seconds since its beginning, and when it gives up
next              seconds until the next event at the latest; without it, no other may come before the end
ended             done or failed; on the last event of a subject

Nothing else is told: no messages of the service, no options, and so no secrets.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ._waiting import Clock, Patience

VERSION = 1
ALL = "all"
HOST_VARIABLE, TASK_VARIABLE = "APSARADB_PROGRESS_HOST", "APSARADB_PROGRESS_TASK"
# Some systems take no larger datagram than 2048 bytes. Names come from elsewhere and have any length.
_LONGEST = {"subject": 128, "waiting_for": 128}
_LONGEST_OF_OTHERS = 64
_INTERVAL = 1.0


class Progress(NamedTuple):
    """done, total: bytes, those of an earlier run included. rate: bytes per second of this run. eta: seconds left.

    sent: bytes that this run sent, repetitions included.
    """

    done: int
    total: int
    rate: float
    eta: float | None
    sent: int = 0


class Sight(NamedTuple):
    """What a look shows of one subject. The fields are those of an event; None: not told."""

    subject: str
    stage: str = ""
    done: float | None = None
    total: float | None = None
    unit: str = ""
    lag_bytes: int | None = None
    lag_seconds: float | None = None


class Watch(NamedTuple):
    """Who waits, and what is told of each look. describe is called only while somebody watches."""

    module: str
    instance: str
    describe: Callable[[Any], Iterable[Sight]]


def send(address: str, event: Mapping[str, Any]) -> None:
    """Sends one event, or loses it. Never waits, never raises what a listener could cause."""
    told = {name: _cut(name, value) for name, value in event.items() if value is not None and value != ""}
    told.update(version=VERSION)
    told.update(_named_by_the_listener())
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(json.dumps(told, ensure_ascii=False, default=float).encode("utf-8", "replace"), address)
    except (OSError, ValueError, TypeError):
        # Nobody listens any more, the buffer is full, the address cannot be one, or a value is no number after all.
        pass


def _named_by_the_listener() -> dict[str, str]:
    named = {"host": os.environ.get(HOST_VARIABLE), "task": os.environ.get(TASK_VARIABLE)}
    return {name: _cut(name, value) for name, value in named.items() if value}


def _cut(name: str, value: Any) -> Any:
    return value[: _LONGEST.get(name, _LONGEST_OF_OTHERS)] if isinstance(value, str) else value


class ProgressFile:
    """Appends a line of JSON per event. That it cannot be written must not stop the work."""

    def __init__(self, path: str, module: str, clock: Clock) -> None:
        self._path = path
        self._module = module
        self._clock = clock

    def tell(self, subject: str, progress: Progress) -> None:
        """subject: what the progress is of, such as an object's key. Called by any thread; a line is one write."""
        event = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._clock.wall())),
            "module": self._module,
            "subject": subject,
            "done": progress.done,
            "total": progress.total,
            "rate": round(progress.rate),
            "eta": None if progress.eta is None else round(progress.eta, 1),
        }
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(event) + "\n")
        except OSError:
            pass


class UploadTeller:
    """Tells of uploads that are done side by side, and of all of them together.

    sizes: bytes of each, by subject; what is not in it is told, but not counted.
    """

    def __init__(self, address: str, module: str, instance: str, sizes: Mapping[str, int], clock: Clock) -> None:
        self._address = address
        self._who = {"kind": "upload", "module": module, "instance": instance, "unit": "bytes"}
        self._total = sum(sizes.values())
        self._left = set(sizes) if len(sizes) > 1 else set()
        self._clock = clock
        self._started = self._told = clock.monotonic()
        self._lock = threading.Lock()
        self._known: dict[str, Progress] = {}

    def tell(self, subject: str, progress: Progress, *, ended: bool = False) -> None:
        """Called by any thread."""
        event = {**self._who, "subject": subject, **_figures(progress.done, progress.total, progress.rate)}
        send(self._address, {**event, "eta": _rounded(progress.eta), "ended": "done" if ended else None})
        with self._lock:
            self._known[subject] = progress
            now = self._clock.monotonic()
            due = bool(self._left) and (ended or now - self._told >= _INTERVAL)
            if ended:
                self._left.discard(subject)
            if due:
                self._told, over = now, not self._left
                done, rate = self._sums(now)
        if due:
            figures = {**_figures(done, self._total, rate), "eta": _eta(self._total - done, rate)}
            send(self._address, {**self._who, "subject": ALL, **figures, "ended": "done" if over else None})

    def _sums(self, now: float) -> tuple[int, float]:
        done = sum(progress.done for progress in self._known.values())
        sent = sum(progress.sent for progress in self._known.values())
        seconds = now - self._started
        return min(done, self._total), sent / seconds if seconds > 0 else 0.0


class WaitTeller:
    """Tells of a wait, look by look. watch: None where only the wait itself can be told of."""

    def __init__(self, address: str, watch: Watch | None, waiting_for: str, patience: Patience, clock: Clock) -> None:
        self._address = address
        self._watch = watch
        self._patience = patience
        self._clock = clock
        self._started = clock.monotonic()
        self._waiting_for = waiting_for
        self._attempt = self._missed = 0
        self._first: dict[tuple[str, str], tuple[float, float]] = {}
        self._last: dict[str, Sight] = {}

    def tell(self, seen: Any) -> None:
        """After a look that showed that it goes on."""
        self._attempt, self._missed = self._attempt + 1, 0
        now = self._described(seen)
        for subject in [s for s in self._last if s not in now]:
            self._send(self._last[subject], ended="done")
        self._last = now
        for sight in now.values():
            self._send(sight)

    def miss(self) -> None:
        """After a look that failed, and is repeated."""
        self._attempt, self._missed = self._attempt + 1, self._missed + 1
        self._last = self._last or {"": Sight("")}
        for sight in self._last.values():
            self._send(sight)

    def end(self, seen: Any = None, *, done: bool = True) -> None:
        """A wait that was over at its first look was none."""
        now = self._described(seen) if done and self._last and seen is not None else {}
        for subject, sight in self._last.items():
            self._send(now.get(subject, sight), ended="done" if done else "failed")
        self._last = {}

    def _described(self, seen: Any) -> dict[str, Sight]:
        """That a state could not be described must not end the wait for it."""
        try:
            sights = list(self._watch.describe(seen)) if self._watch else []
        except Exception:  # whatever a path's own words trip over
            return self._last or {"": Sight("")}
        return {sight.subject: sight for sight in sights or [Sight("")]}

    def _send(self, sight: Sight, ended: str | None = None) -> None:
        elapsed = self._clock.monotonic() - self._started
        rate = self._rate(sight, elapsed)
        left = None if sight.done is None or sight.total is None else sight.total - sight.done
        event = {
            "kind": "wait",
            "module": self._watch and self._watch.module,
            "instance": self._watch and self._watch.instance,
            **sight._asdict(),
            "rate": rate,
            "eta": _eta(left, rate),
            "waiting_for": self._waiting_for,
            "attempt": self._attempt,
            "missed": self._missed or None,
            "elapsed": round(elapsed, 1),
            "timeout": self._patience.timeout,
            "next": self._patience.interval or None,
            "ended": ended,
        }
        send(self._address, event)

    def _rate(self, sight: Sight, elapsed: float) -> float | None:
        """Measured since this stage was first seen: stages differ, and an earlier run's part is not this one's."""
        if sight.done is None:
            return None
        done, since = self._first.setdefault((sight.subject, sight.stage), (sight.done, elapsed))
        return (sight.done - done) / (elapsed - since) if elapsed > since and sight.done > done else None


def _figures(done: int, total: int, rate: float) -> dict[str, Any]:
    return {"done": done, "total": total, "rate": round(rate) or None}


def _eta(left: float | None, rate: float | None) -> float | None:
    return round(left / rate, 1) if left is not None and rate else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
