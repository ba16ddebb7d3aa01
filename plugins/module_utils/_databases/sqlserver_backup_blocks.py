# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The blocks and streams of the Microsoft Tape Format (specification 1.00a), as far as SQL Server's backups use them.

Every descriptor block begins with a header of 52 bytes and ends where its first stream begins; the streams end with a
SPAD, behind which the next block begins. All integers are little-endian.
"""

from __future__ import annotations

import datetime
import struct
import uuid
from collections.abc import Iterator
from typing import NamedTuple, Protocol

_HEADER, _STREAM_HEADER = 52, 22
_KNOWN_BLOCKS = {b"TAPE", b"SFMB", b"SSET", b"VOLB", b"MSCI", b"MSDA", b"MSTL", b"MSLS", b"ESET", b"EOTM"}
# SQL Server writes two or three.
_MOST_STREAMS = 16
_UTF_16, _ANSI = 2, 1


class Malformed(Exception):
    """What was read is not what the format says; the text says what. Never leaves the reader."""


class DamagedList(Malformed):
    """A filemark is where it has to be, but what it lists cannot be right."""


class Area(Protocol):
    """Bytes from some point of the file on, decoded if need be."""

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; less where the area ends."""


class Record:
    """Bytes with fields at known offsets. A field beyond the end is Malformed."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def part(self, offset: int, length: int) -> bytes:
        if offset + length > len(self.data):
            raise Malformed("a field lies beyond the end of its record")
        return self.data[offset : offset + length]

    def u8(self, offset: int) -> int:
        return self.part(offset, 1)[0]

    def u16(self, offset: int) -> int:
        return int.from_bytes(self.part(offset, 2), "little")

    def u32(self, offset: int) -> int:
        return int.from_bytes(self.part(offset, 4), "little")

    def u64(self, offset: int) -> int:
        return int.from_bytes(self.part(offset, 8), "little")

    def guid(self, offset: int) -> str | None:
        """As SQL Server writes it; None if it is all zero."""
        data = self.part(offset, 16)
        return str(uuid.UUID(bytes_le=data)).upper() if any(data) else None

    def date(self, offset: int) -> datetime.datetime | None:
        """Local time of the server; None where none is set, or none that there is."""
        packed = int.from_bytes(self.part(offset, 5), "big")
        try:
            return datetime.datetime(
                packed >> 26, packed >> 22 & 15, packed >> 17 & 31, packed >> 12 & 31, packed >> 6 & 63, packed & 63
            )
        except ValueError:
            return None

    def pointed(self, pointer: int) -> bytes:
        """What a (size, offset) pair of 16-bit words points at; empty if it is absent."""
        size, offset = self.u16(pointer), self.u16(pointer + 2)
        return self.part(offset, size) if size else b""

    def text(self, pointer: int) -> str | None:
        """A string in UTF-16. None if it is absent; Malformed if it is no UTF-16."""
        try:
            return self.pointed(pointer).decode("utf-16-le") or None
        except UnicodeDecodeError:
            raise Malformed("a name in it is not valid UTF-16") from None


class Block(NamedTuple):
    """type: four letters. fields: its bytes up to the first stream. streams_at: where that is in the area."""

    type: str
    fields: Record
    streams_at: int

    def text(self, pointer: int) -> str | None:
        """A string of the block, in the encoding that the block tells."""
        kind = self.fields.u8(48)
        if kind == _UTF_16:
            return self.fields.text(pointer)
        data = self.fields.pointed(pointer)
        # No code page is told, so that only what is the same in all of them can be read.
        if not data.isascii() or kind != _ANSI:
            raise Malformed("a name in it is in an unknown encoding")
        return data.decode("ascii") or None


class Stream(NamedTuple):
    """id: four letters. data_at, length: where its data are in the area. end: where the next stream begins."""

    id: str
    data_at: int
    length: int
    end: int


def read_block(area: Area, offset: int) -> Block:
    """The block at `offset`. Its checksum tells it from anything else that is there."""
    header = area.read(offset, _HEADER)
    if not is_block(header):
        raise Malformed("it ends early" if len(header) < _HEADER else "there is no valid block where one is expected")
    length = Record(header).u16(8)
    if length < _HEADER:
        raise Malformed("a block is shorter than its header")
    data = area.read(offset, length)
    if len(data) < length:
        raise Malformed("it ends early")
    return Block(header[:4].decode("ascii"), Record(data), offset + length)


def is_block(header: bytes) -> bool:
    """Whether these are a block's first 52 bytes: of a known type, and with the right checksum."""
    return len(header) >= _HEADER and header[:4] in _KNOWN_BLOCKS and _xor(header[:_HEADER]) == 0


def streams(area: Area, block: Block) -> Iterator[Stream]:
    """The streams of a block, the closing SPAD included."""
    at = block.streams_at
    for _number in range(_MOST_STREAMS):
        header = area.read(at, _STREAM_HEADER)
        if len(header) < _STREAM_HEADER:
            raise Malformed("it ends early")
        if not header[:4].isalnum() or _xor(header) != 0:
            raise Malformed("there is no valid stream where one is expected")
        length = Record(header).u64(8)
        data_at = at + _STREAM_HEADER
        at = (data_at + length + 3) & ~3
        yield Stream(header[:4].decode("ascii"), data_at, length, at)
        if header[:4] == b"SPAD":
            return
    raise Malformed("a block has more streams than any backup")


def _xor(data: bytes) -> int:
    """All 16-bit words combined, their checksum included: 0 if it is right."""
    result = 0
    for word in struct.unpack(f"<{len(data) // 2}H", data):
        result ^= word
    return result


class Filemark(NamedTuple):
    """A soft filemark. earlier: positions of those before it, newest first. full: there may be more of them."""

    earlier: tuple[int, ...]
    full: bool


def read_filemark(area: Area, offset: int, size: int) -> Filemark:
    """The SFMB at `offset`, `size` bytes long. Its list is checked: positions before itself, in descending order."""
    data = area.read(offset, size)
    if len(data) < size or data[:4] != b"SFMB" or not is_block(data):
        raise Malformed("there is no filemark where one is expected")
    mark = Record(data)
    # SQL Server 2005 has the list where later versions say where it is.
    first = mark.u32(60) if mark.u32(4) & 0x80000000 else 60
    capacity, used = mark.u32(52), mark.u32(56)
    count = min(used, max(0, size - first) // 8)
    earlier = struct.unpack_from(f"<{count}Q", data, first) if count else ()
    if any(later <= before for later, before in zip((offset, *earlier), earlier, strict=False)):
        raise DamagedList("the list of filemarks is damaged")
    return Filemark(earlier, full=used > count or used >= capacity > 0)
