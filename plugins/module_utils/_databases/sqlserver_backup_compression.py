# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The container of compressed backups (MSSQLBAK, version 2) and its compression.

A chain of chunks, each decoded on its own. Decoded and put together they are the same blocks and streams that an
uncompressed backup consists of; the filemarks between them are not compressed. The algorithm is the LZ77+Huffman of
[MS-XCA] section 2.2.
"""

from __future__ import annotations

from .sqlserver_backup_blocks import Malformed, Record
from .sqlserver_backup_source import Bytes

MAGIC = b"MSSQLBAK"
FIRST_CHUNK = 480
_DATA, _PAD = 0x21, 0x24
_HEADER, _DATA_HEADER = 24, 28
_TRAILER = 16
_MOST_DECODED = 65536
# Of the begin or the end of a set. More than records of the greatest length that is read need.
_MOST_CHUNKS = 8
_CODES = 1 << 15


class Chunks:
    """The decoded bytes from the chunk at file offset `start` on. An Area; it ends where other chunks follow."""

    def __init__(self, source: Bytes, start: int) -> None:
        self._source = source
        self._next = start
        self._chunks = 0
        self._decoded = bytearray()
        self._ended = False

    def read(self, offset: int, length: int) -> bytes:
        while len(self._decoded) < offset + length and not self._ended:
            self._decode_next()
        return bytes(self._decoded[offset : offset + length])

    def rest(self) -> bytes:
        """Everything up to the next chunk of another kind."""
        while not self._ended:
            self._decode_next()
        return bytes(self._decoded)

    def _decode_next(self) -> None:
        if self._chunks >= _MOST_CHUNKS:
            raise Malformed("it is longer than what is read of a compressed backup")
        header = self._source.read(self._next, _DATA_HEADER)
        if not header or header[0] != _DATA:
            self._ended = True
            return
        chunk, self._next = read_chunk(self._source, self._next)
        self._decoded += chunk
        self._chunks += 1


def read_chunk(source: Bytes, offset: int) -> tuple[bytes, int]:
    """The decoded data of the chunk at `offset`, and where the next chunk is."""
    header = Record(source.read(offset, _DATA_HEADER))
    if len(header.data) < _DATA_HEADER:
        raise Malformed("it ends early")
    if header.u8(0) != _DATA:
        raise Malformed("there is no data where they are expected")
    data_at, length, size = offset + _DATA_HEADER, header.u16(2), header.u8(1) * 512
    payload = source.read(data_at, length)
    if len(payload) < length:
        raise Malformed("it ends early")
    if not 0 < size <= _MOST_DECODED:
        raise Malformed("a compressed part is larger than it may be")
    return decode(payload, size), data_at + length


def filemark_behind(source: Bytes, offset: int) -> int:
    """Where the filemark is, that follows the padding at `offset`."""
    header = Record(source.read(offset, _HEADER))
    if header.u8(0) != _PAD:
        raise Malformed("there is no filemark where one is expected")
    return offset + _HEADER + header.u16(2)


def end_of_set(source: Bytes, end: int) -> Chunks:
    """The decoded end of the set that the filemark at `end` closes, found by the index in front of that filemark."""
    trailer = source.read(end - _TRAILER, _TRAILER)
    fields = Record(trailer)
    count, length = fields.u32(4), fields.u32(8)
    if (fields.u16(0), fields.u16(2)) != (1, 1) or not count or not 2 * _TRAILER + 16 * count <= length <= end:
        raise Malformed("the index at its end is damaged")
    start = end - length
    if source.read(start, _TRAILER) != trailer:
        raise Malformed("the index at its end is damaged")
    last = Record(source.read(start + _TRAILER + 16 * (count - 1), 16)).u64(8)
    if not FIRST_CHUNK <= last < start:
        raise Malformed("the index at its end is damaged")
    return Chunks(source, last)


def decode(payload: bytes, size: int) -> bytes:
    """`size` bytes out of one LZ77+Huffman block of [MS-XCA] 2.2; Malformed if it is none of exactly that size."""
    lengths = [nibble for byte in payload[:256] for nibble in (byte & 15, byte >> 4)]
    table, bits = _decoding_table(lengths), _Bits(payload, 256)
    decoded = bytearray()
    while True:
        symbol = bits.literals(table, lengths, decoded, size)
        if symbol is None:
            bits.check_end()
            return bytes(decoded)
        length, offset_bits = _match_length(symbol & 15, bits), symbol >> 4 & 15
        offset = (1 << offset_bits) + (bits.register >> (32 - offset_bits))
        bits.skip(offset_bits)
        if offset > len(decoded) or len(decoded) + length > size:
            raise Malformed("a compressed part is damaged")
        start = len(decoded) - offset
        # A match may reach into what it produces itself.
        seen = decoded[start : start + length]
        decoded += (seen * (length // len(seen) + 1))[:length]


def _decoding_table(lengths: list[int]) -> list[int]:
    """The symbol for each 15 bits; lengths are those of the symbols' codes, 0 for a symbol that does not occur."""
    if len(lengths) < 512 or sum(_CODES >> length for length in lengths if length) != _CODES:
        raise Malformed("a compressed part is damaged")
    table: list[int] = []
    for length in range(1, 16):
        for symbol, its_length in enumerate(lengths):
            if its_length == length:
                table += [symbol] * (_CODES >> length)
    return table


def _match_length(nibble: int, bits: _Bits) -> int:
    """Lengths that do not fit the symbol follow in whole bytes, beside the stream of bits."""
    if nibble < 15:
        return nibble + 3
    length = bits.number(1)
    if length < 255:
        return length + 15 + 3
    length = bits.number(2) or bits.number(4)
    if length < 15:
        raise Malformed("a compressed part is damaged")
    return length + 3


class _Bits:
    """Bits out of 16-bit words, most significant first, of which 16 to 32 are in the register."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._at = start
        self._spare = 16  # bits in the register beyond 16
        self.register = (self._word() << 16) | self._word()

    def literals(self, table: list[int], lengths: list[int], decoded: bytearray, size: int) -> int | None:
        """Append symbols to `decoded` up to the first that is a match, which is returned; None when `size` is reached.

        The same as skip() in a loop, without its calls, because most of the time is spent here.
        """
        register, spare = self.register, self._spare
        symbol = None
        while len(decoded) < size:
            symbol = table[register >> 17]
            spare -= lengths[symbol]
            register = (register << lengths[symbol]) & 0xFFFFFFFF
            if spare < 0:
                register |= self._word() << -spare
                spare += 16
            if symbol > 255:
                break
            decoded.append(symbol)
            symbol = None
        self.register, self._spare = register, spare
        return symbol

    def skip(self, count: int) -> None:
        self.register = (self.register << count) & 0xFFFFFFFF
        self._spare -= count
        if self._spare < 0:
            self.register |= self._word() << -self._spare
            self._spare += 16

    def number(self, size: int) -> int:
        """The next whole bytes, which stand behind the words that are in the register."""
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise Malformed("a compressed part is damaged")
        self._at += size
        return int.from_bytes(part, "little")

    def check_end(self) -> None:
        """The register is filled ahead of need, so that it may hold bits from beyond the end, unless they were used."""
        beyond = max(0, self._at - len(self._data)) * 8
        if beyond > self._spare + 16:
            raise Malformed("a compressed part is damaged")

    def _word(self) -> int:
        at, self._at = self._at, self._at + 2
        # Nothing of a valid part needs more than the register's width from there.
        if at > len(self._data) + 4:
            raise Malformed("a compressed part is damaged")
        return int.from_bytes(self._data[at : at + 2], "little")
