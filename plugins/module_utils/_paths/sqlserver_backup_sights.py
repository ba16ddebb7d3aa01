# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told of backups of a SQL Server while they are waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._plan import Step
from .._progress import Sight, Watch
from .._waiting import Clock, Patience, wait_teller
from .sqlserver_backup_request import Request

_NAME = "mssql_backup"


def watch_others(request: Request) -> Watch:
    """Backups that somebody else makes; the server tells their percentage."""

    def sights(seen: Any) -> list[Sight]:
        stage = "another backup runs"
        return [Sight(other.database or "", stage, other.progress, 100, "percent") for other in seen.running or ()]

    return Watch(_NAME, request.endpoint.name, sights)


def watch_one(request: Request, database: str, stage: str) -> Watch:
    return Watch(_NAME, request.endpoint.name, lambda seen: [Sight(database, stage)])


@contextmanager
def telling(request: Request, step: Step, left: float, clock: Clock) -> Iterator[None]:
    """Tells that the statement of a step runs; it answers only at its end. left: seconds until the deadline."""
    watch = watch_one(request, step.subject[0], step.action)
    teller = wait_teller(watch, f"{step.action} of {step.subject[0]}", Patience(left, 0), clock)
    if teller is None:
        yield
        return
    teller.tell(None)
    try:
        yield
    except BaseException:  # an interruption ends the work as well; it is raised again
        teller.end(done=False)
        raise
    teller.end()
