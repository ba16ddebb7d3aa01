# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which backup a copy restores, and whether it is young enough to. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._plan import FAIL, PASS, UNKNOWN, Check
from .._timing import moment_text

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Backup
    from .instance_import_plan import Observed
    from .instance_import_request import Request


def newest_usable(backups: Sequence[Backup]) -> Backup | None:
    """The one with the latest known point in time."""
    dated = [b for b in backups if b.usable and b.taken is not None and b.id]
    return max(dated, key=lambda b: b.taken, default=None)  # type: ignore[arg-type,return-value]  # none is undated


def backup_age(request: Request, observed: Observed) -> Check:
    """A copy takes a backup, not the live source: nobody may get yesterday's data unnoticed."""
    name, backups = "backup_age", observed.backups
    if request.restore_time:
        return _age_of_restore_time(request, observed)
    if backups is None:
        # Without one a copy says nothing of what it restores, and the service refuses it.
        status = FAIL if request.method == "copy" and not request.backup_id else UNKNOWN
        return Check(
            name, status, "The source's backups could not be listed.", "Allow DescribeBackups, or give backup_id."
        )
    if request.backup_id:
        return _age_of_chosen(request, observed)
    newest = newest_usable(backups)
    if newest is None or newest.taken is None:
        return Check(
            name,
            FAIL,
            "The source has no usable full backup of the last days, and a copy restores one.",
            "Take a full backup of the source instance and run again, or give backup_id or restore_time.",
        )
    age = (observed.now - newest.taken).total_seconds()
    detail = f"the newest full backup, {newest.id}, is {_duration(age)} old; later changes are not in a copy"
    if age > request.max_backup_age:
        return Check(
            name,
            FAIL,
            f"Too old: {detail}. At most {_duration(request.max_backup_age)} are allowed.",
            "Take a full backup of the source and run again, raise max_backup_age, or give backup_id or restore_time.",
        )
    return Check(name, PASS, detail)


def _age_of_chosen(request: Request, observed: Observed) -> Check:
    found = next((b for b in observed.backups or () if b.id == request.backup_id), None)
    if found is None or not found.usable:
        what = "is not usable" if found else "was not found among the full backups of the source"
        return Check(
            "backup_age",
            FAIL,
            f"The backup {request.backup_id} {what}.",
            "Correct backup_id; the console lists the backup sets of the source.",
        )
    if found.taken is None:
        return Check(
            "backup_age",
            UNKNOWN,
            f"The service does not tell when {found.id} was taken.",
            "Check it in the console before you go on.",
        )
    age = (observed.now - found.taken).total_seconds()
    return Check(
        "backup_age", PASS, f"the chosen backup {found.id} is {_duration(age)} old; later changes are not in a copy"
    )


def _age_of_restore_time(request: Request, observed: Observed) -> Check:
    now = moment_text(observed.now)
    if request.restore_time > now:  # both in the one form that sorts like time
        return Check(
            "backup_age", FAIL, f"restore_time lies in the future; it is {now} now.", "Correct restore_time (UTC)."
        )
    if observed.backups is None:
        detail = "The source's backups could not be listed, so whether that time can be restored is not known."
        return Check("backup_age", UNKNOWN, detail, "Allow DescribeBackups, or give backup_id.")
    taken = [moment_text(b.taken) for b in observed.backups if b.usable and b.taken]
    if not any(moment <= request.restore_time for moment in taken):
        detail = f"No usable full backup of the last days is older than {request.restore_time}."
        return Check("backup_age", FAIL, detail, "Correct restore_time; it must lie in the backups' retention period.")
    return Check("backup_age", PASS, f"the copy holds the state of {request.restore_time}; it is {now} now")


def _duration(seconds: float) -> str:
    hours, rest = divmod(int(max(seconds, 0)), 3600)
    minutes, left = divmod(rest, 60)
    parts = [
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes else "",
        f"{left} s" if left and not hours else "",
    ]
    return " ".join(filter(None, parts)) or "0 s"
