# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decompression of compressed backups: LZ77+Huffman of the open specification MS-XCA, section 2.2."""

from __future__ import annotations

_TABLE = 256
_LONGEST = 15


class BadCompression(ValueError):
    """Data that no compressor has written."""


class _Bits:
    """16-bit little-endian words, read from the highest bit down; lengths lie between them as plain bytes."""

    def __init__(self, data: bytes, position: int) -> None:
        self.data = data
        self.position = position
        self.window = 0
        self.count = 0

    def fill(self, wanted: int) -> None:
        while self.count < wanted:
            word = int.from_bytes(self.data[self.position : self.position + 2], "little")
            self.position += 2
            self.window = (self.window << 16) | word
            self.count += 16

    def peek(self, wanted: int) -> int:
        self.fill(wanted)
        return (self.window >> (self.count - wanted)) & ((1 << wanted) - 1)

    def drop(self, wanted: int) -> None:
        self.count -= wanted
        self.window &= (1 << self.count) - 1

    def extra(self, size: int) -> int:
        if self.position + size > len(self.data):
            raise BadCompression("the data end too early")
        value = int.from_bytes(self.data[self.position : self.position + size], "little")
        self.position += size
        return value


def decompress(data: bytes, size: int) -> bytes:
    """`size` bytes of content. BadCompression if the data are not of this format."""
    table = _decoding_table(data)
    bits = _Bits(data, _TABLE)
    # The format keeps 32 bits read ahead, and lengths are stored relative to that.
    bits.fill(32)
    result = bytearray()
    while len(result) < size:
        if bits.position > len(data) + 6:
            raise BadCompression("the data end too early")
        symbol, length = table[bits.peek(_LONGEST)]
        bits.drop(length)
        _keep_ahead(bits)
        if symbol < 256:
            result.append(symbol)
        else:
            _copy(bits, symbol - 256, result, size)
    return bytes(result)


def _keep_ahead(bits: _Bits) -> None:
    """A new word is read as soon as fewer than 16 bits are left, as the format demands."""
    bits.fill(16)


def _copy(bits: _Bits, match: int, result: bytearray, size: int) -> None:
    length, offset_bits = match & 15, match >> 4
    if length == 15:
        length = _long_length(bits)
    length += 3
    offset = (1 << offset_bits) | (bits.peek(offset_bits) if offset_bits else 0)
    bits.drop(offset_bits)
    _keep_ahead(bits)
    if offset > len(result):
        raise BadCompression("a reference points outside the data")
    for _number in range(min(length, size - len(result))):
        result.append(result[-offset])


def _long_length(bits: _Bits) -> int:
    length = bits.extra(1)
    if length < 255:
        return length + 15
    length = bits.extra(2)
    if length == 0:
        length = bits.extra(4)
    if length < 15:
        raise BadCompression("a length is too small")
    return length


def _decoding_table(data: bytes) -> list[tuple[int, int]]:
    """For every 15 bits the symbol that they begin with, and its length in bits."""
    if len(data) < _TABLE + 4:
        raise BadCompression("the data are too short")
    lengths = [nibble for byte in data[:_TABLE] for nibble in (byte & 15, byte >> 4)]
    table: list[tuple[int, int]] = []
    for length in range(1, _LONGEST + 1):
        for symbol, one in enumerate(lengths):
            if one == length:
                table.extend([(symbol, length)] * (1 << (_LONGEST - length)))
    if len(table) != 1 << _LONGEST:
        raise BadCompression("the code is not complete")
    return table
