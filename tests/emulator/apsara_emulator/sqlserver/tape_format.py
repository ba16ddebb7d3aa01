# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blocks and streams of the Microsoft Tape Format (specification 1.00a), written as SQL Server writes them."""

from __future__ import annotations

import dataclasses
import datetime
import random
import struct
from collections.abc import Iterable, Iterator

FLB = 1024
_STREAM_HEADER = 22


@dataclasses.dataclass(frozen=True)
class Repeat:
    """The same bytes many times over, so that a file of any size is described, and written, without being held."""

    data: bytes
    times: int

    def __len__(self) -> int:
        return len(self.data) * self.times


@dataclasses.dataclass(frozen=True)
class Hole:
    """Zeros that need not be written."""

    length: int

    def __len__(self) -> int:
        return self.length


Piece = bytes | Repeat | Hole


def filler(length: int, seed: int, *, sparse: bool = False) -> list[Piece]:
    """`length` bytes that look like data: random, and others for another seed."""
    if length <= 0:
        return []
    if sparse:
        return [Hole(length)]
    pattern = random.Random(seed).randbytes(min(length, 1 << 20))
    times, rest = divmod(length, len(pattern))
    return [Repeat(pattern, times), pattern[:rest]]


class Layout:
    """Pieces one after the other."""

    def __init__(self, position: int = 0) -> None:
        self.pieces: list[Piece] = []
        self.position = position
        # How many pieces there are before the data; a compressed backup begins a new chunk there.
        self.before_data = 0

    def add(self, *pieces: Piece) -> None:
        for piece in pieces:
            if len(piece):
                self.pieces.append(piece)
                self.position += len(piece)


class Fields:
    """A structure with fields at offsets, and strings behind that fields point at."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)

    def put(self, offset: int, form: str, *values: int | bytes) -> None:
        struct.pack_into("<" + form, self.data, offset, *values)

    def date(self, offset: int, date: datetime.datetime | None) -> None:
        """Year 14 bits, month 4, day 5, hour 5, minute 6, second 6, most significant first."""
        packed = 0
        if date is not None:
            for value, width in zip(date.timetuple()[:6], (14, 4, 5, 5, 6, 6), strict=True):
                packed = packed << width | value
        self.data[offset : offset + 5] = packed.to_bytes(5, "big")

    def refer(self, pointer: int, content: bytes) -> None:
        """Size and offset of `content`, which is put behind; zeros for none."""
        if content:
            self.put(pointer, "HH", len(content), len(self.data))
            self.data += content

    def text(self, pointer: int, text: str) -> None:
        # Names of SQL Server are any 16-bit units, lone surrogates included.
        self.refer(pointer, text.encode("utf-16-le", "surrogatepass"))


def checksum(words: bytes | bytearray) -> int:
    result = 0
    for (word,) in struct.iter_unpack("<H", words):
        result ^= word
    return result


class Block(Fields):
    """A descriptor block; `size` is that of its fixed part."""

    def __init__(self, kind: bytes, size: int, attributes: int = 0) -> None:
        super().__init__(size)
        self.put(0, "4sI", kind, attributes)
        self.put(10, "BB", 0x0E, 1)
        self.put(48, "B", 2)

    def sealed(self, length: int = 0) -> bytes:
        """With its length and checksum; filled up to `length` if one is given."""
        self.data += bytes(max(length - len(self.data), -len(self.data) % 4))
        # What follows a block of 64 KiB is told by the tape's filemark size alone.
        self.put(8, "H", len(self.data) & 0xFFFF)
        self.put(50, "H", checksum(self.data[:50]))
        return bytes(self.data)


def stream_header(kind: bytes, length: int) -> bytes:
    header = bytearray(struct.pack("<4sHHQHH", kind, 0, 0, length, 0, 0))
    return bytes(header + struct.pack("<H", checksum(header)))


def stream(kind: bytes, *content: Piece) -> list[Piece]:
    length = sum(map(len, content))
    return [stream_header(kind, length), *content, bytes(-(_STREAM_HEADER + length) % 4)]


def padding(position: int, multiple: int, extra: int = 0) -> list[Piece]:
    """The SPAD stream that ends on a multiple, `extra` bytes later than it would have to."""
    length = -(position + _STREAM_HEADER) % multiple + extra
    return [stream_header(b"SPAD", length), bytes(length)]


def add_block(
    layout: Layout, block: Block, *streams: Iterable[Piece], multiple: int = FLB, base: int = 0, extra: int = 0
) -> None:
    """A block, its streams and the padding behind, which ends on a multiple as counted from `base`."""
    layout.add(block.sealed())
    for one in streams:
        layout.add(*one)
    layout.add(*padding(layout.position - base, multiple, extra))


def filemark(size: int, earlier: list[int]) -> bytes:
    """A soft filemark (SFMB) that lists those before it, newest first, as far as there is room."""
    block = Block(b"SFMB", 72, attributes=0x80000000)
    capacity = (size - 72) // 8
    newest = earlier[::-1][:capacity]
    block.put(52, "III", capacity, len(newest), 72)
    block.data += struct.pack(f"<{len(newest)}Q", *newest)
    return block.sealed(size)


def flatten(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The bytes of the pieces, in parts that can be held."""
    for piece in pieces:
        if isinstance(piece, Hole):
            yield from flatten([Repeat(bytes(1 << 20), piece.length >> 20), bytes(piece.length & 0xFFFFF)])
        elif isinstance(piece, Repeat):
            for _time in range(piece.times):
                yield piece.data
        else:
            yield piece
