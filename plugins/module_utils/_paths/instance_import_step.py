# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The one step of an instance import, and the backup it restores. Imported when something is left to import."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .._alibaba import rds, rds_imports
from .._plan import Step
from .._timing import moment_text
from .instance_import_backup_age import newest_usable
from .instance_import_plan import Observed
from .instance_import_request import Request

_PLAIN_NAME = r"[\w$#@.-]+( [\w$#@.-]+)*"


def import_step(request: Request, observed: Observed, names: dict[str, str]) -> Step:
    """The import, with the copy behind it where the method leaves both open."""
    why = f"{len(names)} of {len(request.databases)} databases are not on {request.target}"
    subject = tuple(_subject(source, target) for source, target in names.items())
    chosen = {
        "backup_id": request.backup_id,
        "restore_time": request.restore_time,
        "sync_user_privilege": request.sync_user_privilege,
    }
    copy = Step(
        action=rds.COPY,
        target=request.target,
        source=request.source,
        subject=subject,
        why=why,
        parameters=rds_imports.copy_parameters(
            request.source,
            request.target,
            names,
            backup_id=request.backup_id or ("" if request.restore_time else _newest_id(observed)),
            restore_time=request.restore_time,
            sync_user_privilege=request.sync_user_privilege,
        ),
        choices={option: value for option, value in chosen.items() if value},
        # Without a wish the newest backup is taken, and there may be a newer one by then.
        chosen_at_run_time=frozenset() if request.backup_id or request.restore_time else frozenset({"BackupId"}),
    )
    if not request.may_import:
        return copy
    return Step(
        action=rds.IMPORT,
        target=request.target,
        source=request.source,
        subject=subject,
        why=why,
        parameters=rds_imports.import_parameters(request.source, request.target, names),
        # A copy that does not say what it restores is none to agree to.
        or_else=copy if request.may_copy and {"BackupId", "RestoreTime"} & set(copy.parameters) else None,
    )


def chosen_backup_facts(
    request: Request, backups: Sequence[rds_imports.Backup], now: datetime
) -> dict[str, Any] | None:
    """The backup that a copy takes or took, of those that were found; None where it is not among them."""
    found = next((b for b in backups if b.id == request.backup_id), None)
    found = found or (None if request.backup_id else newest_usable(backups))
    if found is None:
        return None
    age = int((now - found.taken).total_seconds()) if found.taken else None
    return {"id": found.id, "taken": moment_text(found.taken) if found.taken else None, "age": age}


def _newest_id(observed: Observed) -> str:
    newest = newest_usable(observed.backups or ())
    return newest.id if newest else ""


def _subject(source: str, target: str) -> str:
    return _quoted(target) if source == target else f"{_quoted(source)} -> {_quoted(target)}"


def _quoted(name: str) -> str:
    """SQL Server's own quoting where a name could be mistaken for something else."""
    return name if re.fullmatch(_PLAIN_NAME, name) else "[" + name.replace("]", "]]") + "]"
