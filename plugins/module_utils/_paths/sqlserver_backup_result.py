# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A database and its backup, as results show them and as later steps take them. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._databases.sqlserver_source import Backup, Database
from .._failure import MigrationFailure
from .sqlserver_backup_plan import (
    BACKED_UP,
    MISSING,
    RUNNING,
    Observed,
    backup_of,
    path_of,
    running_on,
    state_of,
    statement_of,
)
from .sqlserver_backup_request import Request

FAILED, NOT_STARTED = "failed", "not_started"


class Outcome(NamedTuple):
    """What came of a database in this run. adopted: the answer was lost, and the server told what came of it.

    begun: False where the run ended before its turn.
    """

    backup: Backup | None = None
    failure: MigrationFailure | None = None
    adopted: bool = False
    begun: bool = True


def backup_result(
    request: Request, observed: Observed, database: Database, outcome: Outcome, predicted: bool
) -> dict[str, Any]:
    """The documented item of `backups`. predicted: what is missing is shown as if the plan had been carried out."""
    backup = outcome.backup or backup_of(request, observed, database)
    state = state_of(request, observed, database)
    if outcome.failure is not None:
        state = FAILED
    elif backup is not None:
        state = BACKED_UP
    elif state == MISSING and predicted:
        return _predicted(request, observed, database)
    elif state == MISSING and not outcome.begun:
        state = NOT_STARTED
    running = running_on(observed, database) if state == RUNNING else None
    return {
        **_item(request, database, state),
        **(_of_backup(backup) if backup else {}),
        "progress": running.progress if running else None,
        "created": outcome.backup is not None,
        "error": _of_failure(outcome.failure) if outcome.failure else None,
    }


def _item(request: Request, database: Database, state: str) -> dict[str, Any]:
    return {
        "database": database.name,
        "type": request.wish.kind,
        "path": None,
        "start": None,
        "finish": None,
        "size": None,
        "backup_set_guid": None,
        "copy_only": None,
        "checksums": None,
        "compressed": None,
        "state": state,
        "progress": None,
        "created": False,
        "predicted": False,
        "statement": None,
        "error": None,
    }


def _predicted(request: Request, observed: Observed, database: Database) -> dict[str, Any]:
    wish, expected = request.wish, observed.expected.get(database.name)
    return {
        **_item(request, database, BACKED_UP),
        "path": path_of(request, observed, database),
        "size": expected.size if expected else None,
        "copy_only": wish.copy_only,
        "checksums": wish.checksum,
        "compressed": observed.server.compresses if wish.compression is None else wish.compression,
        "created": True,
        "predicted": True,
        "statement": statement_of(request, observed, database),
    }


def _of_backup(backup: Backup) -> dict[str, Any]:
    return {
        "path": backup.path,
        "start": backup.start.isoformat(timespec="seconds") if backup.start else None,
        "finish": backup.finish.isoformat(timespec="seconds"),
        "size": backup.size,
        "backup_set_guid": backup.guid or None,
        "copy_only": backup.copy_only,
        "checksums": backup.checksums,
        "compressed": backup.compressed,
    }


def _of_failure(failure: MigrationFailure) -> dict[str, Any]:
    return {"code": failure.code or None, "message": failure.message, "remedy": failure.remedy or None}
