# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether something stands still: failure has no state of its own at the service."""

from __future__ import annotations

from .._alibaba import rds_cloud_migration as api
from .._waiting import Clock


class Stillness:
    """Since when something looks the same."""

    def __init__(self, clock: Clock, limit: float) -> None:
        self._clock = clock
        self._limit = limit
        self._since = clock.monotonic()
        self._seen: object = None

    def too_long(self, seen: object) -> bool:
        if seen != self._seen:
            self._seen, self._since = seen, self._clock.monotonic()
        return self._clock.monotonic() - self._since >= self._limit


def progress(found: api.Migration | None) -> object:
    """Whatever shows that something goes on."""
    return found and (found.stage, found.state, found.modified, found.report, found.replication)
