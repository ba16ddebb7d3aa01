# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the text of a backup task means: cause and remedy for the sentences in a task's Description.

The sentences come from the guides "full backup" and "incremental backup" of the vendor (2020). A task can end with
Success and still say that something is wrong, so the text is read whatever the status is. Imported when there is a text
to explain.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Trouble(NamedTuple):
    """code: ours, in lower case. cause: what the text means. remedy: what to do, naming options where it can."""

    code: str
    cause: str
    remedy: str


NAME_TAKEN = "name_taken"
_TROUBLES: tuple[tuple[str, Trouble], ...] = (
    (
        r"already exists? on RDS",
        Trouble(
            NAME_TAKEN,
            "A database of this name is on the instance already.",
            "Give another new_name, or drop the database on the instance if it is a leftover.",
        ),
    ),
    (
        r"is a Database Differential backup, we only accept a FULL",
        Trouble(
            "differential_instead_of_full",
            "The file is a differential backup, where a full backup has to come first.",
            "Give the full backup first; state: staged takes the differential after it.",
        ),
    ),
    (
        r"is a Transaction Log backup, we only accept a FULL",
        Trouble(
            "log_instead_of_full",
            "The file is a log backup, where a full backup has to come first.",
            "Give the full backup first; state: staged takes the logs after it.",
        ),
    ),
    (
        r"is a Database FULL backup, we only accept transaction log or differential",
        Trouble(
            "full_instead_of_incremental",
            "The file is a full backup, where a differential or log backup has to follow.",
            "Leave it out of this chain; to begin anew from it, end the chain first with state: terminated.",
        ),
    ),
    (
        r"begins at LSN .*which is too recent|too recent to apply",
        Trouble(
            "gap_in_chain",
            "A log backup between the last one applied and this one is missing.",
            "Upload the missing log backup, or a newer differential backup, and run again.",
        ),
    ),
    (
        r"terminates at LSN .*too early|too early to apply",
        Trouble(
            "log_too_early",
            "The log backup ends before what is in the database already.",
            "Leave it out, and go on with the log backup that follows.",
        ),
    ),
    (
        r"failed to verify|corrupted or newer edition",
        Trouble(
            "not_restorable",
            "The file is damaged, or comes from a newer SQL Server than the instance runs.",
            "Check it with RESTORE VERIFYONLY on the source; use an instance of the same or a newer version.",
        ),
    ),
    (
        r"asynchronously DBCC checkdb failed",
        Trouble(
            "damaged_database_online",
            "DBCC CHECKDB found damage after the database was opened. It is online nevertheless.",
            "Run DBCC CHECKDB on the source, repair it there, back up and restore again.",
        ),
    ),
    (
        r"DBCC checkdb failed",
        Trouble(
            "damaged_database",
            "DBCC CHECKDB found damage in the database.",
            "Run DBCC CHECKDB on the source, repair it there, back up and restore again.",
        ),
    ),
    (
        r"not enough (disk )?space",
        Trouble(
            "storage_full",
            "The storage of the instance is too small.",
            "Enlarge the storage of instance_id, then run again.",
        ),
    ),
    (
        r"have any init account|no init account",
        Trouble(
            "no_privileged_account",
            "The instance has no privileged account, so nobody has rights on the restored database.",
            "Create a privileged account on instance_id and give it the database.",
        ),
    ),
    (
        r"failed to open (the )?database",
        Trouble(
            "not_opened",
            "The database uses features that the edition of the instance does not have.",
            "Remove them on the source (compression, partitioning and the like), or use an instance of that edition.",
        ),
    ),
    (
        r"databases? count limitation",
        Trouble(
            "too_many_databases",
            "The instance holds as many databases as it can.",
            "Migrate fewer databases, or use a larger class.",
        ),
    ),
)

# How a Description speaks of trouble that is in no list of ours.
_SOUNDS_BAD = r"\b(fail(ed|ure)?|error|corrupt(ed)?|denied|cannot|not enough|limitation)\b"


def trouble_in(description: str) -> Trouble | None:
    """What a documented text of a task says is wrong; None where it says nothing, or nothing we know."""
    for pattern, trouble in _TROUBLES:
        if re.search(pattern, description, re.IGNORECASE):
            return trouble
    return None


def trouble_of_success(description: str) -> Trouble | None:
    """Trouble of a task that ended with Success; a text that is in no list but sounds bad is passed on as it is."""
    known = trouble_in(description)
    if known is not None or not re.search(_SOUNDS_BAD, description, re.IGNORECASE):
        return known
    return Trouble("unclear_success", f"The task succeeded but says: {description}", "Look at it in the console.")


def trouble_of_failure(description: str) -> Trouble:
    """Trouble of a task that failed."""
    known = trouble_in(description)
    if known is not None:
        return known
    said = f"The service says: {description}" if description else "The service tells no reason."
    return Trouble("restore_failed", said, "Look at the task in the console (Backup Data Upload History).")
