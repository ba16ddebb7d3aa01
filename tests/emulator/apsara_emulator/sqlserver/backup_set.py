# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server's records (SCIN, SFGI, SFIN), the blocks of a backup set, and the pages in it."""

from __future__ import annotations

import datetime
import random
import struct
import uuid
from collections.abc import Callable

from .backup_description import BackupDescription, BackupSetDescription, FileDescription
from .tape_format import FLB, Block, Fields, Layout, Piece, add_block, filler, stream, stream_header

PAGE = 8192
_LETTERS = {
    "full": "D",
    "differential": "I",
    "log": "L",
    "file": "F",
    "differential_file": "G",
    "partial": "P",
    "differential_partial": "Q",
}
_DIFFERENTIAL = ("differential", "differential_file", "differential_partial")
_FILE_TYPES = {"data": 1, "log": 2, "filestream": 7}
_STATUS = {"full": 0, "bulk_logged": 4, "simple": 8}
_PAGE_HEADER, _PAGE_FREE_SPACE, _PAGE_ALLOCATION = 15, 11, 8


def tape(description: BackupDescription) -> tuple[Block, list[Piece]]:
    """The first block and its RAID stream."""
    block = Block(b"TAPE", 94)
    block.put(52, "IIHHH", description.media_guid.fields[0], 5, 1, 5, description.block_size // 512)
    if description.media_password:
        block.refer(76, bytes(range(16)))
    block.text(80, description.software)
    block.put(84, "HH", FLB, 0x1200)
    block.date(88, description.sets[0].start if description.sets else None)
    block.put(93, "B", 1)
    raid = Fields(32)
    raid.put(0, "16s", description.media_guid.bytes_le)
    raid.put(20, "HHH", description.stripes, 1, description.stripe)
    raid.put(30, "H", 1)
    return block, stream(b"RAID", bytes(raid.data))


def begin_of_set(layout: Layout, wanted: BackupSetDescription, number: int) -> None:
    """SSET, VOLB and MSCI."""
    base = layout.position
    add_block(layout, _sset(wanted, number), base=base)
    add_block(layout, Block(b"VOLB", 76), base=base)
    records = stream(b"MQCI", _records(wanted, finished=False))
    add_block(layout, Block(b"MSCI", 56), records, base=base)


def data_of_set(
    layout: Layout, wanted: BackupSetDescription, *, base: int, data: int, first: bool, extra: int, sparse: bool
) -> None:
    """MSDA with the pages, unless it is a log, and MSTL with the log. The filler is in what there is first.

    first: the pages begin with those that every database file begins with. extra: bytes of padding.
    """
    seed = wanted.guid.int
    content = filler((data + PAGE - 1) // PAGE * PAGE, seed, sparse=sparse)
    if wanted.type != "log":
        _stream_of_data(layout, b"MSDA", b"MQDA", [_first_pages(wanted) if first else b"", *content], base)
        content = []
    _stream_of_data(layout, b"MSTL", b"MQTL", [random.Random(seed + 1).randbytes(PAGE), *content], base, extra)


def end_of_set(layout: Layout, wanted: BackupSetDescription, *, base: int) -> None:
    """MSLS with the final values. Its padding is left to the caller."""
    layout.add(Block(b"MSLS", 56).sealed())
    layout.add(*stream(b"MQCI", _records(wanted, finished=True)))


def set_map(layout: Layout, description: BackupDescription, number: int, multiple: int, base: int) -> None:
    """The two ESET blocks behind the data."""
    family, start = description.media_guid.fields[0], layout.position
    maps = [stream(b"OTCP", bytes(16)), stream(b"TSMP", struct.pack("<II", family, number))]
    add_block(layout, Block(b"ESET", 88), *maps, base=start)
    add_block(layout, Block(b"ESET", 88), multiple=multiple, base=base)


def _sset(wanted: BackupSetDescription, number: int) -> Block:
    block = Block(b"SSET", 96)
    attributes = 0x8 if wanted.type in _DIFFERENTIAL else 0x4
    block.put(52, "I", attributes | (0x2 if wanted.copy_only else 0))
    block.put(62, "H", number)
    block.refer(44, wanted.guid.bytes_le + bytes(5))
    block.text(64, wanted.name)
    block.text(68, wanted.description)
    block.refer(72, bytes(range(1, 17)) if wanted.password else b"")
    block.text(76, wanted.user_name)
    block.date(88, wanted.start)
    block.put(93, "BBb", 1, 0, _quarters(wanted.start))
    return block


def _quarters(moment: datetime.datetime) -> int:
    offset = moment.utcoffset()
    return 127 if offset is None else int(offset.total_seconds() // 900)


def _records(wanted: BackupSetDescription, *, finished: bool) -> bytes:
    groups = b"".join(_filegroup(name) for name in wanted.filegroups)
    files = b"".join(_file(one, number, finished) for number, one in enumerate(wanted.files, 1))
    key = bytes(8) + struct.pack("<I20sI", 20, bytes(range(20)), 256) if wanted.encryption_key else b""
    return _set_record(wanted, finished) + groups + files + (_raw(b"SFEK", key) if key else b"")


def _filegroup(name: str) -> bytes:
    return _record(b"SFGI", 24, lambda fields: fields.text(16, name))


def _raw(kind: bytes, payload: bytes) -> bytes:
    return struct.pack("<4sI", kind, 8 + len(payload)) + payload


def _record(kind: bytes, size: int, fill: Callable[[Fields], None]) -> bytes:
    fields = Fields(size)
    fill(fields)
    fields.put(0, "4sI", kind, len(fields.data))
    return bytes(fields.data)


def _set_record(wanted: BackupSetDescription, finished: bool) -> bytes:
    def fill(fields: Fields) -> None:
        major, minor, build = wanted.version
        logs = sum(one.type == "log" for one in wanted.files)
        fields.put(8, "III", _flags(wanted), len(wanted.files) - logs, logs)
        fields.put(24, "HBB", build, minor, major)
        lsns = (wanted.first_lsn, wanted.last_lsn, wanted.checkpoint_lsn, wanted.database_backup_lsn)
        for offset, lsn in zip((32, 42, 52, 62), lsns, strict=True):
            fields.put(offset, "IIH", *_lsn(lsn))
        fields.date(72, datetime.datetime(2020, 5, 17, 9, 30))
        fields.date(77, wanted.start)
        fields.date(82, wanted.finish if finished else None)
        fields.put(87, "cBBBBHH", _LETTERS[wanted.type].encode(), 52, 0, 0, _level(wanted), 7, wanted.internal_version)
        fields.put(96, "Q", (wanted.backup_size or wanted.data_bytes + 4 * PAGE) if finished else 0)
        fields.text(104, wanted.database)
        fields.text(108, wanted.server_name)
        fields.put(116, "II", 1033, 196609)
        for offset, meaning in ((124, "binding"), (224, "fork")):
            fields.put(offset, "16s", uuid.uuid5(wanted.guid, meaning).bytes_le)
        fields.put(156, "16s", (wanted.family_guid or uuid.uuid5(wanted.guid, "family")).bytes_le)
        fields.put(244, "I", _STATUS[wanted.recovery_model])

    return _record(b"SCIN", 340, fill)


def _flags(wanted: BackupSetDescription) -> int:
    flags = 0x200 | (0x800 if wanted.type in _DIFFERENTIAL else 0)
    marks = ((0x10, wanted.checksums), (0x20, wanted.damaged), (0x4, wanted.read_only), (0x8, wanted.single_user))
    return flags | sum(bit for bit, is_set in marks if is_set)


def _level(wanted: BackupSetDescription) -> int:
    return wanted.compatibility_level or wanted.version[0] * 10


def _lsn(decimal: str) -> tuple[int, int, int]:
    """The last five digits are the slot, the ten before them the block."""
    whole = int(decimal)
    return whole // 10**15, whole // 10**5 % 10**10, whole % 10**5


def _file(one: FileDescription, number: int, finished: bool) -> bytes:
    def fill(fields: Fields) -> None:
        # The log's backup is known only when it is finished.
        pages = (one.backup_size + PAGE - 1) // PAGE if finished else 0
        fields.put(16, "IIIIIIQ", PAGE, number, pages, _FILE_TYPES[one.type], 512, one.filegroup, one.size)
        fields.text(48, one.logical_name)
        fields.text(52, one.physical_name)
        fields.put(86, "Q", 0xFFFFFFFF)

    return _record(b"SFIN", 94, fill)


def _stream_of_data(
    layout: Layout, kind: bytes, data_kind: bytes, content: list[Piece], base: int, extra: int = 0
) -> None:
    """A block whose data, behind two bytes of zero, begin on a multiple of 512 bytes."""
    layout.add(Block(kind, 56).sealed())
    gap = -(layout.position - base + 46) % 512
    layout.add(stream_header(b"APAD", gap), bytes(gap))
    layout.add(stream_header(data_kind, 2 + sum(map(len, content))), b"\0\0")
    layout.before_data = layout.before_data or len(layout.pieces)
    layout.add(*content)
    layout.add(bytes(-(layout.position - base) % 4))
    gap = -(layout.position - base + 22) % FLB + extra
    layout.add(stream_header(b"SPAD", gap), bytes(gap))


def _first_pages(wanted: BackupSetDescription) -> bytes:
    """File header, free space and allocation, as every data file begins."""
    noise = random.Random(wanted.guid.int)
    pages = b""
    for number, kind in enumerate((_PAGE_HEADER, _PAGE_FREE_SPACE, _PAGE_ALLOCATION)):
        page = bytearray(noise.randbytes(PAGE) if wanted.tde else PAGE)
        struct.pack_into("<BBBBHHIHH", page, 0, 1, kind, 0, 0, 0x0800 if wanted.tde else 0x0200, 0, 0, 0, 0)
        struct.pack_into("<IH", page, 32, number, 1)
        if kind == _PAGE_FREE_SPACE and not wanted.tde:
            page[96:100] = b"\x00\x00\x9c\x1f"
        pages += bytes(page)
    return pages
