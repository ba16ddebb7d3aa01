# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""One backup set of a file: its blocks at its begin, and the final values at its end."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import NamedTuple

from . import sqlserver_backup_compression as compression
from .sqlserver_backup_blocks import Area, Block, Malformed, Record, is_block, read_block, streams
from .sqlserver_backup_facts import NO, PROBABLE, UNKNOWN, BackupSet
from .sqlserver_backup_records import SetInformation, parse_information
from .sqlserver_backup_source import KIB, Bytes, OutOfReads

# Of more than some 600 files.
_LONGEST_RECORDS = 256 * KIB
# The final values were never farther from the end than 8 KiB, with few files and blocks of 512 or 4,096 bytes.
_LOOK_BACK = 64 * KIB
_MOST_BLOCKS = 8
_COPY = 0x2
_PAGE = 8192
_ENCRYPTED_PAGE, _FREE_SPACE_PAGE = 0x0800, 11
_FREE_SPACE_BEGIN = b"\x00\x00\x9c\x1f"
_UNKNOWN_ZONE = 127


class _Found:
    """What was found of a set so far; `notes` say why something was not."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.block: Block | None = None
        self.records = b""
        self.first: SetInformation | None = None
        self.final: SetInformation | None = None
        self.pages_at: int | None = None

    @contextlib.contextmanager
    def part(self, what: str) -> Iterator[None]:
        try:
            yield
        except Malformed as malformed:
            self.notes.append(f"{what}: {malformed}.")
        except OutOfReads:
            self.notes.append(f"{what}: it takes more reads than are allowed.")


class _Uncompressed:
    """The bytes of an uncompressed file from some offset on."""

    def __init__(self, source: Bytes, start: int, end: int) -> None:
        self._source, self._start, self._end = source, start, end

    def read(self, offset: int, length: int) -> bytes:
        at = self._start + offset
        return self._source.read(at, max(0, min(length, self._end - at)))


def read_set(
    source: Bytes, start: int, end: int | None, position: int, *, compressed: bool, first_stripe: bool
) -> BackupSet:
    """The set whose first block is at `start` and whose closing filemark is at `end`, None if that is not known."""
    found = _Found()
    area: Area
    area = (
        compression.Chunks(source, start)
        if compressed
        else _Uncompressed(source, start, source.size if end is None else end)
    )
    with found.part("The begin of the backup set cannot be read"):
        _read_begin(area, found)
    if end is None:
        found.notes.append("The final values of the backup set cannot be read: where it ends is not known.")
    else:
        with found.part("The end of the backup set cannot be read"):
            found.final = _read_final(source, start, end, len(found.records), compressed=compressed)
    tde = UNKNOWN
    with found.part("Whether the database is encrypted (TDE) cannot be read"):
        tde = _tde(area, found, first_stripe=first_stripe)
    return _told(found, position, tde)


def _read_begin(area: Area, found: _Found) -> None:
    offset = 0
    for _number in range(_MOST_BLOCKS):
        block = read_block(area, offset)
        if (block.type == "SSET") != (offset == 0):
            raise Malformed("its blocks are in another order than expected")
        if block.type == "SSET":
            found.block = block
        elif block.type == "MSCI":
            found.records = _records(area, block)
            found.first = parse_information(found.records)
        elif block.type not in ("VOLB", "MSDA"):
            return
        if block.type == "MSDA":
            # What follows the pages is as far away as they are many.
            found.pages_at = next((one.data_at + 2 for one in streams(area, block) if one.id == "MQDA"), None)
            return
        offset = _end_of(area, block)


def _end_of(area: Area, block: Block) -> int:
    return [stream.end for stream in streams(area, block)][-1]


def _records(area: Area, block: Block) -> bytes:
    for stream in streams(area, block):
        if stream.id != "MQCI":
            continue
        if stream.length > _LONGEST_RECORDS:
            raise Malformed("it describes more files than are read")
        data = area.read(stream.data_at, stream.length)
        if len(data) < stream.length:
            raise Malformed("it ends early")
        return data
    raise Malformed("the records of the backup set are missing")


def _read_final(source: Bytes, start: int, end: int, records: int, *, compressed: bool) -> SetInformation:
    """The records at the end of a set are like those at its begin, with the values of the finished backup."""
    area: Area
    if compressed:
        area = chunks = compression.end_of_set(source, end)
        data = chunks.rest()
    else:
        first = max(start, end - _LOOK_BACK - (records + 511) // 512 * 512)
        data, area = source.read(first, end - first), _Uncompressed(source, first, end)
    for offset in range((len(data) - 1) // 512 * 512, -1, -512):
        if data.startswith(b"MSLS", offset) and is_block(data[offset : offset + 52]):
            return parse_information(_records(area, read_block(area, offset)))
    raise Malformed("its final values are not where they are expected")


def _tde(area: Area, found: _Found, *, first_stripe: bool) -> str:
    """Told by the second page of the first file, in any database one of free space, or by a key in the records."""
    if any(told is not None and told.has_encryption_key for told in (found.first, found.final)):
        return PROBABLE
    if not first_stripe or found.pages_at is None:
        return UNKNOWN
    page = Record(area.read(found.pages_at + _PAGE, 100))
    if page.u8(1) != _FREE_SPACE_PAGE:
        return UNKNOWN
    if page.u16(4) & _ENCRYPTED_PAGE:
        return PROBABLE
    return NO if page.part(96, 4) == _FREE_SPACE_BEGIN else UNKNOWN


class _Label(NamedTuple):
    """What the set's first block says itself."""

    position: int
    copy_only: bool
    name: str | None
    description: str | None
    guid: str | None
    password: bool
    zone: datetime.timezone | None


def _label(block: Block) -> _Label:
    fields = block.fields
    quarters = int.from_bytes(fields.part(95, 1), "little", signed=True)
    # Nowhere on earth is it more than 14 hours.
    known = quarters != _UNKNOWN_ZONE and abs(quarters) <= 56
    own = fields.pointed(44)
    return _Label(
        position=fields.u16(62),
        copy_only=bool(fields.u32(52) & _COPY),
        name=_text(block, 64),
        description=_text(block, 68),
        guid=Record(own).guid(0) if own else None,
        password=bool(fields.u16(72)),
        zone=datetime.timezone(datetime.timedelta(minutes=15 * quarters)) if known else None,
    )


def _text(block: Block, pointer: int) -> str | None:
    """A name that is damaged does not take the rest with it."""
    try:
        return block.text(pointer)
    except Malformed:
        return None


def _told(found: _Found, position: int, tde: str) -> BackupSet:
    label = None
    if found.block is not None:
        with found.part("The label of the backup set cannot be read"):
            label = _label(found.block)
    told = BackupSet(position=position, tde=tde)
    zone = None
    if label is not None:
        zone = label.zone
        told = told._replace(
            position=label.position or position,
            copy_only=label.copy_only,
            name=label.name,
            description=label.description,
            backup_set_guid=label.guid,
            password=label.password,
        )
    known = found.final or found.first
    if known is not None:
        told = _with_information(told, known, zone)
        if found.first is not None and found.first.database != known.database:
            told = told._replace(database=None)
            found.notes.append(
                "The name of the database cannot be read: it is another one at the end than at the begin."
            )
        elif known.database is None:
            found.notes.append("The name of the database cannot be read: it is missing or not valid UTF-16.")
        if known.files is None:
            found.notes.append("The list of files cannot be read: it is not complete.")
    if found.final is not None:
        told = told._replace(
            finish=_moment(found.final.finish, zone), backup_size=found.final.backup_size, last_lsn=found.final.last_lsn
        )
    return told._replace(unavailable=tuple(found.notes))


def _with_information(told: BackupSet, known: SetInformation, zone: datetime.timezone | None) -> BackupSet:
    return told._replace(
        database=known.database,
        type=known.type,
        start=_moment(known.start, zone),
        software_version=known.software_version,
        database_version=known.database_version,
        compatibility_level=known.compatibility_level,
        recovery_model=known.recovery_model,
        checksums=known.checksums,
        damaged=known.damaged,
        read_only=known.read_only,
        single_user=known.single_user,
        server_name=known.server_name,
        files=known.files,
        required_storage=None if known.files is None else sum(file.size for file in known.files),
        first_lsn=known.first_lsn,
        checkpoint_lsn=known.checkpoint_lsn,
        database_backup_lsn=known.database_backup_lsn,
        family_guid=known.family_guid,
    )


def _moment(date: datetime.datetime | None, zone: datetime.timezone | None) -> str | None:
    return None if date is None else date.replace(tzinfo=zone).isoformat()
