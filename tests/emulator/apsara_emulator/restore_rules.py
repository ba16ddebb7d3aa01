# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a backup file can be restored, by its own header. The texts begin as the service's task texts do."""

from __future__ import annotations

from .model import Instance
from .model_migrations import BackupFacts, MigrateFile, MigrateTask
from .sqlserver.backup_header import Source, UnreadableBackup, read_header

_MAJOR_VERSIONS = {
    "2008": 10,
    "08": 10,
    "2012": 11,
    "2014": 12,
    "2016": 13,
    "2017": 14,
    "2019": 15,
    "2022": 16,
    "2025": 17,
}
_KINDS = {"D": "Database FULL", "I": "Database Differential", "L": "Transaction Log"}


def major_version(instance: Instance) -> int:
    """The major version of SQL Server on an instance, e.g. 15 for 2019."""
    release = instance.engine_version.partition("_")[0].removesuffix("r2")
    return _MAJOR_VERSIONS.get(release, 0)


def is_2008_r2(instance: Instance) -> bool:
    """Whether the rules of SQL Server 2008 R2 apply."""
    return major_version(instance) == 10


def facts_of(source: Source) -> BackupFacts:
    """What the header of an object says."""
    try:
        header = read_header(source)
    except UnreadableBackup as error:
        return BackupFacts(problem=str(error))
    problem = ""
    if not header.complete:
        problem = "the file is not complete"
    elif header.has_password:
        problem = "the backup is protected by a password"
    elif header.encrypted_database:
        problem = "the database is encrypted"
    elif header.type not in _KINDS:
        problem = "this is a backup of single files or filegroups"
    return BackupFacts(
        problem=problem,
        database=header.database,
        type=header.type,
        software_major=header.software[0],
        family_count=header.family_count,
        family_sequence=header.family_sequence,
        sets=header.sets,
        required_storage=header.required_storage,
        backup_size=header.backup_size,
        first_lsn=header.first_lsn,
        last_lsn=header.last_lsn,
        checkpoint_lsn=header.checkpoint_lsn,
        database_backup_lsn=header.database_backup_lsn,
        damaged=header.damaged,
    )


def content_problem(task: MigrateTask, files: list[MigrateFile], instance: Instance) -> str:
    """Why the files of a call cannot be what the task is waiting for, or the empty text."""
    stripes = [one.facts.family_sequence for one in files if one.facts is not None]
    for file in files:
        facts = file.facts
        if facts is None or facts.problem or facts.software_major > major_version(instance):
            return f"Failed to verify {file.name}, backup file was corrupted or newer edition than RDS."
        if sorted(stripes) != list(range(1, facts.family_count + 1)):
            return f"Failed to verify {file.name}, backup file was corrupted or newer edition than RDS."
        begins = task.files[0] in files
        if begins and facts.type != "D":
            return f"Backup set ({file.name}) is a {_KINDS[facts.type]} backup, we only accept a FULL Backup."
        if not begins and facts.type == "D":
            return (
                f"Backup set ({file.name}) is a Database FULL backup, "
                "we only accept transaction log or differential backup."
            )
    return ""


def order_problem(task: MigrateTask, file: MigrateFile, repeated_log: str) -> str:
    """Why a file does not continue its chain, or the empty text. Numbers that the file does not tell are believed.

    `repeated_log` says what becomes of a log that has nothing new: accepted or refused.
    """
    facts = file.facts
    if facts is None or facts.type == "D":
        return ""
    repeated = facts.last_lsn == task.last_lsn and facts.type == "L" and repeated_log == "refused"
    if facts.last_lsn and task.last_lsn and (facts.last_lsn < task.last_lsn or repeated):
        return (
            f"Failed to restore {file.name}: the backup set ends at LSN {facts.last_lsn}, which is too early to apply "
            "to the database."
        )
    if facts.type == "I":
        base = facts.database_backup_lsn
        if base and task.checkpoint_lsn and base != task.checkpoint_lsn:
            return f"Failed to restore {file.name}: it is a differential backup on top of another full backup."
        return ""
    if facts.first_lsn and task.last_lsn and facts.first_lsn > task.last_lsn:
        return (
            f"The log in this backup set begins at LSN {facts.first_lsn}, which is too recent to apply to the "
            f"database. An earlier log backup that includes LSN {task.last_lsn} can be restored."
        )
    return ""
