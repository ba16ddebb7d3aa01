# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Events of long work, written where somebody can watch: Ansible shows nothing of a task before it has ended."""

from __future__ import annotations

import json
import time
from typing import NamedTuple

from ._waiting import Clock


class Progress(NamedTuple):
    """done, total: bytes, those of an earlier run included. rate: bytes per second of this run. eta: seconds left."""

    done: int
    total: int
    rate: float
    eta: float | None


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
