# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup file is to say. The defaults make a full backup of a small database by SQL Server 2019."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import uuid

MIB = 1024 * 1024
_HOUR_EAST = datetime.timezone(datetime.timedelta(hours=8))
# Major and minor version → internal version of a database.
_DATABASE_VERSIONS = {
    (9, 0): 611,
    (10, 0): 655,
    (10, 50): 661,
    (11, 0): 706,
    (12, 0): 782,
    (13, 0): 852,
    (14, 0): 869,
    (15, 0): 904,
    (16, 0): 957,
    (17, 0): 998,
}


@dataclasses.dataclass(frozen=True)
class FileDescription:
    """A file of the database. size and backup_size in bytes; type: data, log or filestream."""

    logical_name: str
    physical_name: str
    type: str = "data"
    size: int = 8 * MIB
    backup_size: int = 0
    filegroup: int = 1


def _default_files() -> tuple[FileDescription, ...]:
    folder = "C:\\Program Files\\Microsoft SQL Server\\MSSQL15.MSSQLSERVER\\MSSQL\\DATA\\"
    return (
        FileDescription("primary", f"{folder}primary.mdf", size=64 * MIB),
        FileDescription("primary_log", f"{folder}primary_log.ldf", "log", size=16 * MIB, filegroup=0),
    )


@dataclasses.dataclass(frozen=True)
class BackupSetDescription:
    """One backup in a file.

    type: full, differential, log, file, differential_file, partial or differential_partial. start, finish: with a time
    zone, which the backup then tells, or without. database_version, compatibility_level: 0 for those that belong to
    software_version. recovery_model: full, bulk_logged or simple. The LSNs are decimal, as SQL Server shows them. tde:
    the pages look like those of an encrypted database; encryption_key: the records hold a key's description.
    data_bytes: length of filler among the data, rounded up to pages. backup_size: 0 for what is in the file.
    """

    database: str = "sales"
    type: str = "full"
    start: datetime.datetime = datetime.datetime(2026, 3, 1, 2, 0, 0, tzinfo=_HOUR_EAST)
    finish: datetime.datetime = datetime.datetime(2026, 3, 1, 2, 5, 30, tzinfo=_HOUR_EAST)
    software_version: str = "15.0.4430"
    database_version: int = 0
    compatibility_level: int = 0
    recovery_model: str = "full"
    copy_only: bool = False
    checksums: bool = False
    damaged: bool = False
    read_only: bool = False
    single_user: bool = False
    password: bool = False
    tde: bool = False
    encryption_key: bool = False
    server_name: str = "WIN-SQL01"
    user_name: str = "CORP\\backup.operator"
    name: str = "sales-Full Database Backup"
    description: str = ""
    backup_set_guid: uuid.UUID | None = None
    family_guid: uuid.UUID | None = None
    files: tuple[FileDescription, ...] = dataclasses.field(default_factory=_default_files)
    filegroups: tuple[str, ...] = ("PRIMARY",)
    first_lsn: str = "34000000012300001"
    last_lsn: str = "34000000014800001"
    checkpoint_lsn: str = "34000000012300001"
    database_backup_lsn: str = "0"
    data_bytes: int = 0
    backup_size: int = 0

    @property
    def version(self) -> tuple[int, int, int]:
        major, minor, build = (int(part) for part in self.software_version.split("."))
        return major, minor, build

    @property
    def internal_version(self) -> int:
        return self.database_version or _DATABASE_VERSIONS[self.version[:2]]

    @property
    def guid(self) -> uuid.UUID:
        """Of the backup set; the same for the same description, another one for another."""
        return self.backup_set_guid or uuid.uuid5(
            uuid.NAMESPACE_URL, ascii((self.database, self.type, self.start.isoformat()))
        )


@dataclasses.dataclass(frozen=True)
class BackupDescription:
    """A backup file.

    stripe, stripes: 1 of 2 and so on. block_size: BLOCKSIZE of the BACKUP statement, 512 to 65536. size: the file is
    filled up to this length, rounded up to a block; 0 for as short as it can be. software: program that wrote it.
    container_version, algorithm: of compressed files; 3 is XPRESS, 131 ZSTD (whose data are random bytes here).
    encrypted: looks like WITH ENCRYPTION.
    """

    sets: tuple[BackupSetDescription, ...] = (BackupSetDescription(),)
    stripe: int = 1
    stripes: int = 1
    media_set_id: uuid.UUID | None = None
    media_password: bool = False
    compressed: bool = False
    encrypted: bool = False
    container_version: int = 2
    algorithm: int = 3
    block_size: int = 512
    size: int = 0
    software: str = "Microsoft SQL Server"

    @functools.cached_property
    def media_guid(self) -> uuid.UUID:
        return self.media_set_id or uuid.uuid5(uuid.NAMESPACE_OID, "/".join(str(one.guid) for one in self.sets))
