# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container of compressed backups (MSSQLBAK), without compression in it: every byte is a literal of eight bits."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

from .tape_format import Hole, Layout, Piece, Repeat, flatten

HEADER = 480
# Decoded bytes of a full chunk; its payload has to stay below 64 KiB.
FULL = 118 * 512
# The index names one chunk in so many, and the last.
_EVERY = 256
# All literals have codes of eight bits, so that each byte is its own code.
_TABLE = b"\x88" * 128 + bytes(128)


def header(version: int, algorithm: int) -> bytes:
    # What follows the two numbers is uninitialised memory.
    return struct.pack("<8sII", b"MSSQLBAK", version, algorithm) + random.Random(algorithm).randbytes(HEADER - 16)


def data_chunk(decoded: bytes) -> bytes:
    """A chunk for up to FULL bytes, a multiple of 512."""
    words = bytearray(decoded)
    words[::2], words[1::2] = decoded[1::2], decoded[::2]
    payload = _TABLE + bytes(words) + bytes(4)
    return struct.pack("<BBH20sI", 0x21, len(decoded) // 512, len(payload), b"\xa5" * 20, 0xDEADBEEF) + payload


def pad_chunk(position: int, multiple: int) -> bytes:
    length = -(position + 24) % multiple
    return struct.pack("<BBH20s", 0x24, 0, length, b"\x5a" * 20) + bytes(length)


class Compressor:
    """Turns decoded pieces into chunks behind `layout`, and remembers where they begin."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._waiting = bytearray()
        self._decoded = 0
        self._chunks: list[tuple[int, int]] = []
        self._number = 0

    def add(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Hole):
                raise ValueError("A compressed backup cannot be sparse.")
            if isinstance(piece, Repeat) and len(piece) > 4 * FULL:
                self._repeat(piece)
            else:
                for part in flatten([piece]):
                    self._take(part)

    def flush(self) -> None:
        if self._waiting:
            self._chunk(bytes(self._waiting))
            self._waiting.clear()

    def _take(self, part: bytes) -> None:
        self._waiting += part
        while len(self._waiting) >= FULL:
            self._chunk(bytes(self._waiting[:FULL]))
            del self._waiting[:FULL]

    def _repeat(self, piece: Repeat) -> None:
        """As much of a long filler as fits becomes the same chunk over and over: what it holds does not matter."""
        first = FULL - len(self._waiting)
        self._take(piece.data[:first])
        times, rest = divmod(len(piece) - first, FULL)
        chunk = data_chunk(piece.data[:FULL])
        for start in range(0, times, _EVERY):
            run = min(_EVERY, times - start)
            self._remember()
            self._layout.add(Repeat(chunk, run))
            self._decoded += run * FULL
        self._take(piece.data[:rest])

    def _chunk(self, decoded: bytes) -> None:
        self._remember()
        self._layout.add(data_chunk(decoded))
        self._decoded += len(decoded)

    def _remember(self) -> None:
        self._chunks.append((self._decoded, self._layout.position))

    @property
    def decoded(self) -> int:
        """How many bytes were added."""
        return self._decoded + len(self._waiting)

    def index(self, wanted: int) -> bytes:
        """The index that ends a set; its last entry is the chunk that holds decoded offset `wanted`."""
        entries = [entry for entry in self._chunks if entry[0] <= wanted]
        frame = struct.pack("<HHIII", 1, 1, len(entries), 32 + 16 * len(entries), 0x1234567)
        return frame + b"".join(struct.pack("<QQ", *entry) for entry in entries) + frame
