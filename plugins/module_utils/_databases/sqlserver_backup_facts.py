# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is told about a backup file: plain data, in which None or `unknown` stands for what cannot be read."""

from __future__ import annotations

from typing import Any, NamedTuple

from .sqlserver_backup_records import DatabaseFile

NO, PROBABLE, UNKNOWN = "no", "probable", "unknown"

# Problems of a file.
EMPTY, NOT_A_BACKUP, ARCHIVE = "empty", "not_a_backup", "archive"
OTHER_TAPE_FORMAT, METADATA_UNAVAILABLE = "other_tape_format", "metadata_unavailable"


class Problem(NamedTuple):
    """Why nothing, or nothing more, is told. code: one of the five above. text: a sentence."""

    code: str
    text: str


class BackupSet(NamedTuple):
    """One backup in a file, as RESTORE HEADERONLY and FILELISTONLY would tell it.

    type: full, differential, log, file, differential_file, partial, differential_partial or unknown. start, finish: ISO
    8601, with the UTC offset if the backup tells one, otherwise local time of the server. backup_size: bytes before
    compression, all stripes together. files and required_storage (their sizes added) are those of the end of the
    backup, or of its begin when the end cannot be read. recovery_model (full, bulk_logged, simple), the LSNs and
    family_guid are hints. unavailable: sentences on what could not be read, and why.
    """

    position: int
    database: str | None = None
    type: str = UNKNOWN
    copy_only: bool | None = None
    start: str | None = None
    finish: str | None = None
    software_version: str | None = None
    database_version: int | None = None
    compatibility_level: int | None = None
    recovery_model: str | None = None
    checksums: bool | None = None
    damaged: bool | None = None
    read_only: bool | None = None
    single_user: bool | None = None
    server_name: str | None = None
    name: str | None = None
    description: str | None = None
    backup_set_guid: str | None = None
    password: bool | None = None
    backup_size: int | None = None
    files: tuple[DatabaseFile, ...] | None = None
    required_storage: int | None = None
    first_lsn: str | None = None
    last_lsn: str | None = None
    checkpoint_lsn: str | None = None
    database_backup_lsn: str | None = None
    family_guid: str | None = None
    tde: str = UNKNOWN
    unavailable: tuple[str, ...] = ()

    def as_result(self) -> dict[str, Any]:
        files = None if self.files is None else [file._asdict() for file in self.files]
        return {**self._asdict(), "files": files, "unavailable": list(self.unavailable)}


class BackupFile(NamedTuple):
    """A file and the backup sets in it.

    complete: whether the file ends as a finished backup does; truncated: if it does not, or that is not known, why.
    sets_in_file: how many there are, which may be more than `sets` holds. stripe, stripes: 1 of 2 and so on; only
    all stripes together can be restored. media_set_id: the same in all stripes. tde: of any set. reads: requests that
    the source got.
    """

    size: int
    problem: Problem | None = None
    complete: bool | None = None
    truncated: str | None = None
    sets_in_file: int | None = None
    stripe: int | None = None
    stripes: int | None = None
    media_set_id: str | None = None
    compressed: bool | None = None
    media_password: str = UNKNOWN
    encrypted: str = UNKNOWN
    tde: str = UNKNOWN
    reads: int = 0
    sets: tuple[BackupSet, ...] = ()

    def as_result(self) -> dict[str, Any]:
        problem = None if self.problem is None else self.problem._asdict()
        return {**self._asdict(), "problem": problem, "sets": [backup_set.as_result() for backup_set in self.sets]}
