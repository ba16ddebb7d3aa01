# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The header of a SQL Server backup, as far as a restore is decided by it.

The layout is that of the Microsoft Tape Format with SQL Server's own records. Compressed backups hold the same stream
in chunks. Sizes in the file are never trusted: every read is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from .backup_chunks import decoded_before, decoded_from
from .xpress import BadCompression

_WINDOW = 256 * 1024
_HEADER = 52
_STREAM = 22
_DATA_PAGE_ENCRYPTED = 0x0800
_THUMBPRINT = struct.pack("<I", 20)
_KEY_BITS = tuple(struct.pack("<I", bits) for bits in (128, 256, 384, 512))


class Source(Protocol):
    """A file of which pieces can be read."""

    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` at the end."""


class UnreadableBackup(ValueError):
    """A file that SQL Server would not restore, or not without something that it lacks. The text says why."""


@dataclass(frozen=True)
class BackupHeader:
    """The first backup set of a file, and what is said about the file as a whole.

    `type` is the letter of msdb.backupset: D full, I differential, L log. Log sequence numbers have the order of the
    numbers; 0 is none. `required_storage` is what the files of the database take up, in bytes.
    """

    database: str
    type: str
    software: tuple[int, int, int]
    sets: int
    complete: bool
    family_count: int
    family_sequence: int
    compressed: bool
    first_lsn: int
    last_lsn: int
    checkpoint_lsn: int
    database_backup_lsn: int
    backup_size: int
    required_storage: int
    damaged: bool
    has_password: bool
    encrypted_database: bool


def read_header(source: Source) -> BackupHeader:
    """The header of a backup. UnreadableBackup if the file is none, or cannot be understood."""
    try:
        return _read_header(source)
    except (struct.error, IndexError, UnicodeDecodeError, BadCompression) as error:
        raise UnreadableBackup(f"the header is damaged ({error})") from error


def _read_header(source: Source) -> BackupHeader:
    magic = source.read(0, 8)
    if magic[:4] != b"TAPE" and magic != b"MSSQLBAK":
        raise UnreadableBackup("this is not a backup of SQL Server")
    compressed = magic == b"MSSQLBAK"
    if compressed:
        _require_known_container(source)
    tape = decoded_from(source, 480, 4096) if compressed else source.read(0, 4096)
    if not _is_block(tape, 0, b"TAPE"):
        raise UnreadableBackup("the backup is encrypted, or damaged")
    if not _text(tape, 0, 80).startswith("Microsoft SQL Server"):
        raise UnreadableBackup("another program has written this tape")
    mark_size = struct.unpack_from("<H", tape, 64)[0] * 512
    sets, marks = _marks(source, mark_size)
    start = _first_mark(source, tape, compressed, mark_size) + mark_size
    front = decoded_from(source, start, _WINDOW) if compressed else source.read(start, _WINDOW)
    back = _back(source, marks[1], compressed) if sets and len(marks) == 2 * sets else b""
    return _described(tape, front, back, compressed, sets)


def _require_known_container(source: Source) -> None:
    version, algorithm = struct.unpack_from("<II", source.read(8, 8))
    if version < 2 or algorithm != 3:
        raise UnreadableBackup(f"compression {algorithm} of container {version} is not understood")


def _marks(source: Source, size: int) -> tuple[int, list[int]]:
    """How many backup sets there are, and the offsets of the filemarks before the last one, ascending.

    0 sets if the file is cut off. Of very many filemarks only the newest are known.
    """
    if not 512 <= size <= source.size:
        return 0, []
    block = source.read(source.size - size, size)
    if not _is_block(block, 0, b"SFMB"):
        return 0, []
    used = struct.unpack_from("<I", block, 56)[0]
    begin = struct.unpack_from("<I", block, 60)[0] if _attributes(block) & 0x80000000 else 60
    room = (len(block) - begin) // 8
    if used % 2 or not 2 <= used <= 2000:
        return 0, []
    listed = struct.unpack_from(f"<{min(used, room)}Q", block, begin)
    return used // 2, sorted(listed)


def _first_mark(source: Source, tape: bytes, compressed: bool, size: int) -> int:
    """Where the filemark behind the tape's own block is."""
    if not compressed:
        return _end_of_block(tape, 0)
    position = 480
    while position < min(source.size, _WINDOW):
        kind, _units, length = struct.unpack("<BBH", source.read(position, 4))
        if kind == 0x24:
            return position + 24 + int(length)
        if kind != 0x21:
            break
        position += 28 + int(length)
    raise UnreadableBackup("the container is damaged")


def _back(source: Source, end: int, compressed: bool) -> bytes:
    """The last data of the first set, which end at the filemark `end`. The final values are there."""
    if not 0 < end < source.size:
        raise UnreadableBackup("the file does not end where it should")
    if compressed:
        return decoded_before(source, end, _WINDOW)
    begin = max(0, end - _WINDOW)
    return source.read(begin, end - begin)


def _described(tape: bytes, front: bytes, back: bytes, compressed: bool, sets: int) -> BackupHeader:
    if not _is_block(front, 0, b"SSET"):
        raise UnreadableBackup("there is no backup set in the file")
    position = _find(front, b"MSCI", range(0, len(front) - _HEADER, 512))
    if position < 0:
        raise UnreadableBackup("the backup set does not say what is in it")
    last = _find(back, b"MSLS", range(len(back) - len(back) % 512, -1, -512), len(back) % 512)
    block, at = (back, last) if last >= 0 else (front, position)
    records = list(_records(block, at))
    main = next((one for kind, one in records if kind == b"SCIN"), b"")
    if len(main) < 124:
        raise UnreadableBackup("the backup set does not say what is in it")
    count, sequence = _family(tape)
    build, minor, major = struct.unpack_from("<HBB", main, 24)
    return BackupHeader(
        database=_text(main, 0, 104),
        type=chr(main[87]),
        software=(major, minor, build),
        sets=sets,
        complete=sets > 0,
        family_count=count,
        family_sequence=sequence,
        compressed=compressed,
        first_lsn=_lsn(main, 32),
        last_lsn=_lsn(main, 42),
        checkpoint_lsn=_lsn(main, 52),
        database_backup_lsn=_lsn(main, 62),
        backup_size=struct.unpack_from("<Q", main, 96)[0],
        required_storage=sum(struct.unpack_from("<Q", one, 40)[0] for kind, one in records if kind == b"SFIN"),
        damaged=bool(struct.unpack_from("<I", main, 8)[0] & 0x20),
        has_password=bool(_u16(tape, 76) or _u16(front, 72)),
        encrypted_database=_has_encrypted_pages(front, position) or _has_key(block, at),
    )


def _family(tape: bytes) -> tuple[int, int]:
    """Number of stripes, and which one this is."""
    for kind, data in _streams(tape, 0):
        if kind == b"RAID" and len(data) >= 26:
            return max(1, _u16(data, 20)), max(1, _u16(data, 24))
    return 1, 1


def _has_encrypted_pages(front: bytes, position: int) -> bool:
    """Whether the second page of the first data stream says that its body is encrypted (databases with TDE)."""
    place = _find(front, b"MSDA", range(position, len(front) - _HEADER, 512))
    if place < 0:
        return False
    for kind, data in _streams(front, place):
        if kind == b"MQDA" and len(data) >= 2 + 2 * 8192:
            return bool(_u16(data, 2 + 8192 + 4) & _DATA_PAGE_ENCRYPTED)
    return False


def _has_key(block: bytes, position: int) -> bool:
    """Whether the records describe the key of an encrypted database: a thumbprint with its length, bits of the key."""
    for kind, data in _streams(block, position):
        place = data.find(_THUMBPRINT) if kind == b"MQCI" else -1
        while place >= 0:
            if data[place + 24 : place + 28] in _KEY_BITS:
                return True
            place = data.find(_THUMBPRINT, place + 1)
    return False


def _records(block: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    """SQL Server's own records: type and content."""
    for kind, data in _streams(block, position):
        if kind == b"MQCI":
            place = 0
            while place + 8 <= len(data):
                length = struct.unpack_from("<I", data, place + 4)[0]
                if length < 8:
                    return
                yield data[place : place + 4], data[place : place + length]
                place += length


def _streams(block: bytes, position: int) -> Iterator[tuple[bytes, bytes]]:
    """The streams of a block, up to its padding; content that lies beyond what was read is cut off."""
    place = position + _u16(block, position + 8)
    while place + _STREAM <= len(block):
        kind = block[place : place + 4]
        length = struct.unpack_from("<Q", block, place + 8)[0]
        begin = place + _STREAM
        yield kind, block[begin : begin + length]
        if kind == b"SPAD":
            return
        place = begin + length + -(begin + length - position) % 4


def _end_of_block(block: bytes, position: int) -> int:
    """Where the block's padding ends."""
    place = position + _u16(block, position + 8)
    while place + _STREAM <= len(block):
        length = int(struct.unpack_from("<Q", block, place + 8)[0])
        end = place + _STREAM + length
        if block[place : place + 4] == b"SPAD":
            return end
        place = end + -(end - position) % 4
    raise UnreadableBackup("the tape's own block does not end")


def _find(block: bytes, kind: bytes, places: range, shift: int = 0) -> int:
    for place in places:
        if _is_block(block, place + shift, kind):
            return place + shift
    return -1


def _is_block(block: bytes, position: int, kind: bytes) -> bool:
    """Whether a descriptor block of this type, with the right checksum, is there."""
    if block[position : position + 4] != kind or len(block) < position + _HEADER:
        return False
    total = 0
    for word in struct.unpack_from("<25H", block, position):
        total ^= word
    return bool(total == _u16(block, position + 50))


def _attributes(block: bytes) -> int:
    return int(struct.unpack_from("<I", block, 4)[0])


def _u16(block: bytes, position: int) -> int:
    return int(struct.unpack_from("<H", block, position)[0])


def _text(block: bytes, position: int, pointer: int) -> str:
    size, offset = struct.unpack_from("<HH", block, position + pointer)
    return block[position + offset : position + offset + size].decode("utf-16-le", "replace")


def _lsn(record: bytes, position: int) -> int:
    """A log sequence number as the decimal number that SQL Server shows."""
    first, second, third = struct.unpack_from("<IIH", record, position)
    return int(first * 10**15 + second * 10**5 + third)
