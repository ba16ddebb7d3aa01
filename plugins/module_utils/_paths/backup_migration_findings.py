# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What speaks against single backups, by their headers, names and sizes. Pure.

A finding names the check that it belongs to; backup_migration_checks.py makes one check of all findings of a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from .._plan import FAIL, UNKNOWN, WARN
from .backup_migration_files import DIFFERENTIAL, EXTENSIONS, FULL, LOG, Backup, DatabaseBackups, moment_of

LARGEST = 3 * 1024**4
NAMES_SHOWN = 10
# Reserved by the required form of file names (guide of the instance-level script).
_NAME_FORM = r"(?P<database>.+)_(?P<type>FULL|DIFF|LOG)_(?P<time>\d{14})\.[A-Za-z]+"
_RESTORABLE = (FULL, DIFFERENTIAL, LOG)
_TYPE_WORDS = {"FULL": FULL, "DIFF": DIFFERENTIAL, "LOG": LOG}
_SYSTEM_DATABASES = ("master", "model", "msdb", "tempdb")
# The oldest compatibility level that SQL Server 2012 and later take over as it is.
_OLDEST_LEVEL = 100

# Name of check → what to do about it.
REMEDIES = {
    "backups_found": "Upload it (oss_backup_upload), or correct backups or prefix.",
    "backups_readable": "Upload native SQL Server backups, not archives; leave other files out with exclude.",
    "backups_complete": "Upload the whole file again, after its backup has finished.",
    "not_striped": "RDS restores single files only: back up again to one file.",
    "one_database_per_file": "Back up into one file per backup set (WITH INIT).",
    "backup_types": "Correct type or the order in backups; the header decides, not the file's name.",
    "backup_names": "Correct database in backups, or the file's name.",
    "backup_version": "Use an instance with the same or a newer version of SQL Server.",
    "not_encrypted": "Back up without encryption; decrypt the database (TDE) before.",
    "no_passwords": "Back up without MEDIAPASSWORD and PASSWORD.",
    "file_extensions": f"Rename the object; RDS takes {', '.join(EXTENSIONS)}.",
    "object_names": "Upload it again under a plain name of its own.",
    "file_sizes": "RDS takes 3 TB for a backup: compress it, or use DTS.",
    "checksums": "Back up WITH CHECKSUM, so that damage is found before the night.",
    "recovery_model": "Log backups need the recovery model FULL.",
    "compatibility_level": "Test the application; SQL Server raises levels below 100 when it restores.",
    "read_only_databases": "It is read-only on the target too.",
    "superseded_backups": "Nothing needs to be done; a newer backup is used instead.",
    "full_backup_present": "Give the full backup that the others build on.",
    "chain_complete": "Upload the missing log backups; the service finds out for certain while it restores.",
    "system_databases": "System databases cannot be migrated: leave them out with exclude.",
}


class Finding(NamedTuple):
    """check: name of the check. subject: the key or database. text: what is wrong, as the rest of a sentence."""

    check: str
    status: str
    subject: str
    text: str


def findings_of_backup(backup: Backup, *, software_major: int | None) -> list[Finding]:
    """software_major: of the instance, 15 for 2019. None: not told."""
    found = list(_about_the_object(backup))
    if not backup.found or backup.header is None:
        return found
    for rule in _RULES:
        found += rule(backup)
    return found + list(_version(backup, software_major))


def findings_of_database(one: DatabaseBackups, *, chain: bool) -> list[Finding]:
    """chain: files are applied one after the other, as opposed to one full backup that is opened at once."""
    found = []
    if one.base is None:
        names = ", ".join(b.name for b in one.later)
        found.append(Finding("full_backup_present", FAIL, one.target, f"has no full backup, only {names}"))
    if one.superseded:
        names = ", ".join(b.name for b in one.superseded)
        found.append(Finding("superseded_backups", WARN, one.target, f"does not need {names}"))
    if one.database.casefold() in _SYSTEM_DATABASES:
        found.append(Finding("system_databases", FAIL, one.database, "is a system database"))
    return found + ([*_chain(one), *_same_names(one)] if chain else [])


def _same_names(one: DatabaseBackups) -> Iterator[Finding]:
    """What a chain holds is told by names without folders, so two files of one name cannot be told apart."""
    names = [b.name for b in one.used]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            text = f"has {names.count(name)} files called {name}; which of them its chain holds could not be told"
            yield Finding("object_names", FAIL, one.target, text)


def _about_the_object(backup: Backup) -> Iterator[Finding]:
    if backup.found is False:
        yield Finding("backups_found", FAIL, backup.key, "is not in the bucket")
    if backup.unreadable:
        yield Finding("backups_readable", UNKNOWN, backup.key, f"could not be read: {backup.unreadable}")
    if backup.given.predicted and backup.found is not True:
        yield Finding("backups_readable", UNKNOWN, backup.key, "is only planned, so its header cannot be read yet")
    if backup.header is None:
        yield from _by_the_tasks_word(backup)
    if not backup.key.lower().endswith(EXTENSIONS):
        yield Finding("file_extensions", FAIL, backup.key, "has an extension that RDS does not take")
    if ":" in backup.key:
        yield Finding("object_names", FAIL, backup.key, "holds a colon, which separates endpoint, bucket and key")
    elif re.search(r"[@|]", backup.key):
        yield Finding("object_names", FAIL, backup.key, "holds @ or |, which RDS refuses")
    elif re.search(r"[^\w./ -]", backup.key):
        yield Finding("object_names", WARN, backup.key, "holds characters that an edition of the guide forbids")
    if backup.size is not None and backup.size > LARGEST:
        yield Finding("file_sizes", FAIL, backup.key, f"has {backup.size} bytes")


def _by_the_tasks_word(backup: Backup) -> Iterator[Finding]:
    """Of a backup whose header was not read, which an earlier step may have seen."""
    given = backup.given
    if given.type and given.type not in _RESTORABLE:
        yield Finding("backup_types", FAIL, backup.key, f"is a backup of type {given.type}, which RDS does not restore")
    if (given.stripes or 1) > 1:
        yield Finding("not_striped", FAIL, backup.key, f"is one of the {given.stripes} files of a striped backup")


def _readable(backup: Backup) -> Iterator[Finding]:
    header = backup.header
    if header.encrypted == "probable":
        yield Finding("not_encrypted", FAIL, backup.key, "is probably an encrypted backup")
    elif header.problem is not None:
        # What has no readable header may still be restorable (an old compression); what is no backup is not.
        status = UNKNOWN if header.problem.code == "metadata_unavailable" else FAIL
        yield Finding("backups_readable", status, backup.key, header.problem.text)
    elif not header.sets:
        yield Finding("backups_readable", UNKNOWN, backup.key, "does not tell what it holds")


def _whole(backup: Backup) -> Iterator[Finding]:
    header = backup.header
    if header.complete is False:
        yield Finding("backups_complete", FAIL, backup.key, f"is not complete: {header.truncated}")
    elif header.complete is None and header.problem is None:
        yield Finding("backups_complete", UNKNOWN, backup.key, "does not tell whether it is complete")
    if (header.stripes or 1) > 1:
        text = f"is stripe {header.stripe} of {header.stripes} of a striped backup"
        yield Finding("not_striped", FAIL, backup.key, text)
    kinds = {(s.database, s.type) for s in header.sets}
    if len(kinds) > 1:
        yield Finding("one_database_per_file", FAIL, backup.key, f"holds {len(header.sets)} different backup sets")
    elif (header.sets_in_file or 1) > 1:
        text = f"holds {header.sets_in_file} backup sets; which one RDS restores is not documented"
        yield Finding("one_database_per_file", WARN, backup.key, text)


def _secrets(backup: Backup) -> Iterator[Finding]:
    header = backup.header
    if header.media_password == "probable" or (backup.first_set and backup.first_set.password):
        yield Finding("no_passwords", FAIL, backup.key, "is protected with a password")
    if header.tde == "probable":
        yield Finding("not_encrypted", FAIL, backup.key, "is of a database with transparent encryption (TDE)")


def _names(backup: Backup) -> Iterator[Finding]:
    """What the task and the file's name say, against the header."""
    first, given = backup.first_set, backup.given
    if first is None:
        return
    form = re.fullmatch(_NAME_FORM, backup.name)
    said = given.type or (_TYPE_WORDS[form["type"]] if form else "")
    if said and first.type not in (said, "unknown"):
        who = "the task" if given.type else "its name"
        yield Finding("backup_types", FAIL, backup.key, f"is a {first.type} backup, although {who} says {said}")
    elif first.type not in _RESTORABLE:
        yield Finding("backup_types", FAIL, backup.key, f"is a backup of type {first.type}, which RDS does not restore")
    if given.database and first.database and given.database != first.database:
        text = f"holds {first.database}, although the task says {given.database}"
        yield Finding("backup_names", FAIL, backup.key, text)
    elif form and first.database and form["database"] != first.database:
        text = f"holds {first.database}, although its name says {form['database']}"
        yield Finding("backup_names", WARN, backup.key, text)


def _quality(backup: Backup) -> Iterator[Finding]:
    first = backup.first_set
    if first is None:
        return
    if first.checksums is False:
        yield Finding("checksums", WARN, backup.key, "has no checksums")
    if first.damaged:
        yield Finding("backups_readable", FAIL, backup.key, "was taken of a damaged database")
    if first.read_only:
        yield Finding("read_only_databases", WARN, backup.database, "was read-only when it was backed up")
    if first.compatibility_level is not None and first.compatibility_level < _OLDEST_LEVEL:
        text = f"has the compatibility level {first.compatibility_level}"
        yield Finding("compatibility_level", WARN, backup.database, text)


def _version(backup: Backup, software_major: int | None) -> Iterator[Finding]:
    version = backup.first_set.software_version if backup.first_set else None
    if not version:
        return
    if software_major is None:
        yield Finding("backup_version", UNKNOWN, backup.key, f"is of SQL Server {version}; the instance's is not told")
    elif int(version.split(".")[0]) > software_major:
        text = f"is of SQL Server {version}, newer than the instance ({software_major})"
        yield Finding("backup_version", FAIL, backup.key, text)


def _chain(one: DatabaseBackups) -> Iterator[Finding]:
    if one.base is not None and one.base.first_set and one.base.first_set.recovery_model == "simple":
        status = FAIL if any(b.type == LOG for b in one.later) else WARN
        yield Finding("recovery_model", status, one.target, "has the recovery model SIMPLE")
    before = one.base
    for backup in one.later:
        if backup.type == DIFFERENTIAL and one.base is not None and _of_another_base(backup, one.base):
            text = f"{backup.name} builds on another full backup than {one.base.name}"
            yield Finding("chain_complete", WARN, one.target, text)
        if backup.type == LOG and before is not None and _gap(before, backup):
            yield Finding(
                "chain_complete", WARN, one.target, f"a log between {before.name} and {backup.name} is missing"
            )
        before = backup


def _of_another_base(differential: Backup, base: Backup) -> bool:
    """By the sequence numbers, which headers tell with little certainty."""
    ours, theirs = differential.first_set, base.first_set
    if not ours or not theirs or not ours.database_backup_lsn or not theirs.checkpoint_lsn:
        return False
    return bool(int(ours.database_backup_lsn) and ours.database_backup_lsn != theirs.checkpoint_lsn)


def _gap(before: Backup, after: Backup) -> bool:
    ours, theirs = before.first_set, after.first_set
    if not ours or not theirs or not ours.last_lsn or not theirs.first_lsn:
        return False
    return int(theirs.first_lsn) > int(ours.last_lsn)


_RULES: Sequence[Callable[[Backup], Iterator[Finding]]] = (_readable, _whole, _secrets, _names, _quality)
__all__ = ["REMEDIES", "Finding", "findings_of_backup", "findings_of_database", "moment_of"]


def listed(texts: Sequence[str], separator: str = "; ") -> str:
    """The first ones, and how many more there are."""
    shown = separator.join(texts[:NAMES_SHOWN])
    more = len(texts) - NAMES_SHOWN
    return f"{shown}{separator}and {more} more" if more > 0 else shown
