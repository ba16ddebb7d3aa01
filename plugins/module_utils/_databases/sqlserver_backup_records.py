# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""SQL Server's own records in a backup: SCIN for the set, SFGI for a filegroup, SFIN for a file.

They stand in the MQCI stream of the block MSCI at the begin of a set and once more, with the final values, of MSLS at
its end. No document of the vendor describes them; the meanings were checked against real backups of SQL Server 2005
to 2025.
"""

from __future__ import annotations

import datetime
from typing import NamedTuple

from .sqlserver_backup_blocks import Malformed, Record

_TYPES = {
    "D": "full",
    "I": "differential",
    "L": "log",
    "F": "file",
    "G": "differential_file",
    "P": "partial",
    "Q": "differential_partial",
}
_FILE_TYPES = {1: "data", 2: "log", 7: "filestream"}
_READ_ONLY, _SINGLE_USER, _CHECKSUMS, _DAMAGED = 0x4, 0x8, 0x10, 0x20
_SIMPLE, _BULK_LOGGED = 8, 4
# Algorithm (20 bytes follow) and key length in bits of a database encryption key.
_KEY_BEGIN, _KEY_BITS = (20).to_bytes(4, "little"), (128, 256, 384, 512)


class DatabaseFile(NamedTuple):
    """A file of the database. size: bytes it takes when restored. backup_size: bytes of it in the backup.

    filegroup: None for logs, and where the database has several filegroups: which is whose is not known to be readable.
    """

    logical_name: str | None
    physical_name: str | None
    type: str
    size: int
    backup_size: int
    filegroup: str | None


class SetInformation(NamedTuple):
    """What the records say. Dates are local times of the server. files is None when its records are not complete."""

    type: str
    database: str | None
    server_name: str | None
    start: datetime.datetime | None
    finish: datetime.datetime | None
    software_version: str
    database_version: int
    compatibility_level: int
    recovery_model: str
    checksums: bool
    damaged: bool
    read_only: bool
    single_user: bool
    backup_size: int
    first_lsn: str
    last_lsn: str
    checkpoint_lsn: str
    database_backup_lsn: str
    family_guid: str | None
    files: tuple[DatabaseFile, ...] | None
    has_encryption_key: bool


def parse_information(data: bytes) -> SetInformation:
    """The records of an MQCI stream. Malformed when the set's own record cannot be read."""
    records = _records(data)
    first = next((record for kind, record in records if kind == b"SCIN"), None)
    if first is None:
        raise Malformed("the record of the backup set is missing")
    flags, status = first.u32(8), first.u32(244)
    return SetInformation(
        type=_TYPES.get(chr(first.u8(87)), "unknown"),
        database=_text(first, 104),
        server_name=_text(first, 108),
        start=first.date(77),
        finish=first.date(82),
        software_version=f"{first.u8(27)}.{first.u8(26)}.{first.u16(24)}",
        database_version=first.u16(94),
        compatibility_level=first.u8(91),
        recovery_model="simple" if status & _SIMPLE else "bulk_logged" if status & _BULK_LOGGED else "full",
        checksums=bool(flags & _CHECKSUMS),
        damaged=bool(flags & _DAMAGED),
        read_only=bool(flags & _READ_ONLY),
        single_user=bool(flags & _SINGLE_USER),
        backup_size=first.u64(96),
        first_lsn=_lsn(first, 32),
        last_lsn=_lsn(first, 42),
        checkpoint_lsn=_lsn(first, 52),
        database_backup_lsn=_lsn(first, 62),
        family_guid=first.guid(156),
        files=_files(records, data_files=first.u32(12), log_files=first.u32(16)),
        has_encryption_key=_has_encryption_key(data),
    )


def _records(data: bytes) -> list[tuple[bytes, Record]]:
    """Up to the first that is damaged; the counts of the set's record tell whether one is missing."""
    found: list[tuple[bytes, Record]] = []
    at, whole = 0, Record(data)
    while at + 8 <= len(data):
        length = whole.u32(at + 4)
        if length < 8 or at + length > len(data):
            break
        found.append((data[at : at + 4], Record(data[at : at + length])))
        at += length
    return found


def _files(records: list[tuple[bytes, Record]], *, data_files: int, log_files: int) -> tuple[DatabaseFile, ...] | None:
    try:
        filegroup = _only_filegroup(records)
        files = tuple(_file(record, filegroup) for kind, record in records if kind == b"SFIN")
    except Malformed:
        return None
    types = [file.type for file in files]
    data, logs, streams = types.count("data"), types.count("log"), types.count("filestream")
    complete = logs == log_files and data_files in (data, data + streams)
    return files if complete else None


def _only_filegroup(records: list[tuple[bytes, Record]]) -> str | None:
    """Where there are several, a file names its own by a number whose place in the others' records is not known."""
    names = [record.text(16) for kind, record in records if kind == b"SFGI"]
    return names[0] if len(names) == 1 else None


def _file(record: Record, filegroup: str | None) -> DatabaseFile:
    return DatabaseFile(
        logical_name=record.text(48),
        physical_name=record.text(52),
        type=_FILE_TYPES.get(record.u32(28), "unknown"),
        size=record.u64(40),
        backup_size=record.u32(24) * record.u32(16),
        filegroup=filegroup if record.u32(36) else None,
    )


def _text(record: Record, pointer: int) -> str | None:
    """A name that is damaged does not take the rest with it."""
    try:
        return record.text(pointer)
    except Malformed:
        return None


def _lsn(record: Record, offset: int) -> str:
    """In the decimal form that SQL Server shows."""
    file, block, slot = record.u32(offset), record.u32(offset + 4), record.u16(offset + 8)
    return str(int(f"{file}{block:010}{slot:05}"))


def _has_encryption_key(data: bytes) -> bool:
    """Whether the records hold the description of a database encryption key (TDE)."""
    at = data.find(_KEY_BEGIN)
    while at >= 0:
        if int.from_bytes(data[at + 24 : at + 28], "little") in _KEY_BITS:
            return True
        at = data.find(_KEY_BEGIN, at + 1)
    return False
