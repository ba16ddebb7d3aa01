# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup files, written block by block, and buckets in memory to keep them in."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

from apsara_emulator.stored_objects import BucketFacts

GIB = 1024**3
_MARK = 512


@dataclass(frozen=True)
class Backup:
    """What a backup file is to say. Log sequence numbers are small numbers here."""

    database: str = "sales"
    type: str = "D"
    major: int = 15
    first_lsn: int = 100
    last_lsn: int = 120
    checkpoint_lsn: int = 100
    database_backup_lsn: int = 0
    backup_size: int = GIB
    required_storage: int = 2 * GIB
    family_count: int = 1
    family_sequence: int = 1
    damaged: bool = False
    password: str = ""
    encrypted_pages: bool = False
    sets: int = 1


FULL = Backup()
DIFF = Backup(type="I", first_lsn=140, last_lsn=150, checkpoint_lsn=140, database_backup_lsn=100, backup_size=GIB // 8)
LOG_1 = Backup(type="L", first_lsn=110, last_lsn=180, database_backup_lsn=100, backup_size=GIB // 8)
LOG_2 = replace(LOG_1, first_lsn=180, last_lsn=220)
LOG_3 = replace(LOG_1, first_lsn=220, last_lsn=260)


def backup_bytes(backup: Backup = FULL) -> bytes:
    """An uncompressed backup file."""
    result = bytearray(_tape(backup))
    marks = [len(result)]
    result += _mark([], len(result))
    for position in range(1, backup.sets + 1):
        result += _set_head(backup, position) + _content(backup, b"MSCI", backup)
        if backup.type != "L":
            pages = bytearray(2 + 3 * 8192)
            if backup.encrypted_pages:
                struct.pack_into("<H", pages, 2 + 8192 + 4, 0x0800)
            result += _block(b"MSDA", b"", [(b"MQDA", bytes(pages))])
        result += _content(backup, b"MSLS", backup)
        marks.append(len(result))
        result += _mark(marks[:-1], len(result))
        result += _block(b"ESET", b"", []) * 2
        marks.append(len(result))
        result += _mark(marks[:-1], len(result))
    return bytes(result)


def _block(kind: bytes, body: bytes, streams: list[tuple[bytes, bytes]], attributes: int = 0) -> bytes:
    start = 52 + len(body) + -len(body) % 4
    data = bytearray(start)
    struct.pack_into("<4sIHBB", data, 0, kind, attributes, start, 14, 1)
    data[48] = 2
    data[52 : 52 + len(body)] = body
    for name, content in streams:
        data += _stream(name, len(content)) + content
        data += bytes(-len(data) % 4)
    padding = -(len(data) + 22) % 512
    data += _stream(b"SPAD", padding) + bytes(padding)
    struct.pack_into("<H", data, 50, _xor(data, 25))
    return bytes(data)


def _xor(data: bytes | bytearray, words: int) -> int:
    total = 0
    for word in struct.unpack_from(f"<{words}H", data):
        total ^= word
    return total


def _stream(name: bytes, length: int) -> bytes:
    head = struct.pack("<4sHHQHH", name, 0, 0, length, 0, 0)
    return head + struct.pack("<H", _xor(head, 10))


def _mark(earlier: list[int], _position: int) -> bytes:
    data = bytearray(_MARK)
    struct.pack_into("<4sI", data, 0, b"SFMB", 0x80000000)
    newest_first = earlier[::-1]
    struct.pack_into("<III", data, 52, (_MARK - 72) // 8, len(earlier), 72)
    struct.pack_into(f"<{len(newest_first)}Q", data, 72, *newest_first)
    struct.pack_into("<H", data, 50, _xor(data, 25))
    return bytes(data)


def _tape(backup: Backup) -> bytes:
    name = "Microsoft SQL Server".encode("utf-16-le")
    body = bytearray(42 + len(name))
    struct.pack_into("<H", body, 64 - 52, _MARK // 512)
    struct.pack_into("<HH", body, 80 - 52, len(name), 94)
    body[94 - 52 :] = name
    if backup.password:
        struct.pack_into("<HH", body, 76 - 52, 2 * len(backup.password), 94)
    raid = bytearray(32)
    struct.pack_into("<HHH", raid, 20, backup.family_count, 1, backup.family_sequence)
    return _block(b"TAPE", bytes(body), [(b"RAID", bytes(raid))])


def _set_head(backup: Backup, position: int) -> bytes:
    body = bytearray(44)
    struct.pack_into("<I", body, 0, 8 if backup.type == "I" else 4)
    struct.pack_into("<H", body, 62 - 52, position)
    return _block(b"SSET", bytes(body), []) + _block(b"VOLB", b"", [])


def _content(backup: Backup, kind: bytes, values: Backup) -> bytes:
    name = values.database.encode("utf-16-le")
    main = bytearray(300 + len(name))
    struct.pack_into("<4sI", main, 0, b"SCIN", len(main))
    struct.pack_into("<III", main, 8, 0x20 if values.damaged else 0, 1, 1)
    struct.pack_into("<HBB", main, 24, 2000, 0, values.major)
    numbers = (values.first_lsn, values.last_lsn, values.checkpoint_lsn, values.database_backup_lsn)
    for index, number in enumerate(numbers):
        struct.pack_into("<IIH", main, 32 + 10 * index, 0, number, 1 if number else 0)
    main[87] = ord(values.type)
    struct.pack_into("<Q", main, 96, values.backup_size)
    struct.pack_into("<HH", main, 104, len(name), 300)
    main[300:] = name
    file = bytearray(94)
    struct.pack_into("<4sI", file, 0, b"SFIN", len(file))
    struct.pack_into("<Q", file, 40, values.required_storage)
    return _block(kind, b"", [(b"MQCI", bytes(main) + bytes(file))])


@dataclass
class MemoryObject:
    """An object whose content is in memory; `claimed` is a size that it only says it has."""

    data: bytes
    storage_class: str = "Standard"
    encrypted: bool = False
    claimed: int = 0

    @property
    def size(self) -> int:
        return self.claimed or len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


@dataclass
class MemoryObjects:
    """An object storage in memory, as `world.objects`."""

    buckets: dict[str, BucketFacts] = field(default_factory=dict)
    objects: dict[tuple[str, str], MemoryObject] = field(default_factory=dict)

    def bucket(self, name: str) -> BucketFacts | None:
        return self.buckets.get(name)

    def object(self, bucket: str, key: str) -> MemoryObject | None:
        return self.objects.get((bucket, key))
