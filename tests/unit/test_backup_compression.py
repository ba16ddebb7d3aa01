# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decoder of compressed backups, against the specification's examples and against an encoder that makes matches."""

from __future__ import annotations

import contextlib
import random
import struct

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_blocks import Malformed
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_compression import decode
from apsara_emulator.sqlserver.container import data_chunk
from hypothesis import given, settings
from hypothesis import strategies as st


def table(lengths):
    """The 256 bytes that begin a block: four bits for each symbol's length, the lower ones first."""
    packed = bytearray(256)
    for symbol, length in lengths.items():
        packed[symbol // 2] |= length << (4 * (symbol % 2))
    return bytes(packed)


class Writer:
    """Bits into words, as [MS-XCA] 2.1.4.3 lays them out: two words ahead of the bytes beside them."""

    def __init__(self):
        self.out, self.slots = bytearray(4), [0, 2]
        self.word, self.free = 0, 16

    def bits(self, value, count):
        if self.free >= count:
            self.free -= count
            self.word = (self.word << count) + value
            return
        left = count - self.free
        self._flush((self.word << self.free) + (value >> left))
        self.free, self.word = 16 - left, value & ((1 << left) - 1)

    def whole(self, form, value):
        self.out += struct.pack(form, value)

    def done(self):
        struct.pack_into("<H", self.out, self.slots[0], self.word << self.free & 0xFFFF)
        return bytes(self.out)

    def _flush(self, word):
        struct.pack_into("<H", self.out, self.slots[0], word & 0xFFFF)
        self.slots = [self.slots[1], len(self.out)]
        self.out += bytes(2)


def symbol_of(token):
    if isinstance(token, int):
        return token
    length, offset = token
    return 256 + (offset.bit_length() - 1) * 16 + min(length - 3, 15)


def complete_code(symbols):
    """Code lengths for the symbols that satisfy Kraft's equality, as even as they can be."""
    symbols = sorted(symbols)
    most = (len(symbols) - 1).bit_length()
    shorter = (1 << most) - len(symbols)
    return {symbol: most - (number < shorter) for number, symbol in enumerate(symbols)}


def codes_of(lengths):
    """Canonical codes: shorter ones first, then by symbol."""
    codes, code, before = {}, 0, 0
    for symbol, length in sorted(lengths.items(), key=lambda item: (item[1], item[0])):
        code <<= length - before
        codes[symbol], before, code = code, length, code + 1
    return codes


def encode(tokens, lengths=None):
    """Literals are numbers, matches (length, offset)."""
    lengths = lengths or complete_code({symbol_of(token) for token in tokens} | {0, 256})
    codes, writer = codes_of(lengths), Writer()
    for token in tokens:
        symbol = symbol_of(token)
        writer.bits(codes[symbol], lengths[symbol])
        if isinstance(token, int):
            continue
        length, offset = token
        if length - 3 >= 15:
            writer.whole("<B", min(length - 18, 255))
            if length - 18 >= 255:
                writer.whole("<H", length - 3)
        bits = offset.bit_length() - 1
        writer.bits(offset - (1 << bits), bits)
    return table(lengths) + writer.done()


def plain(tokens):
    """What the tokens mean, byte by byte."""
    result = bytearray()
    for token in tokens:
        if isinstance(token, int):
            result.append(token)
        else:
            for _time in range(token[0]):
                result.append(result[-token[1]])
    return bytes(result)


def test_the_specification_s_example_of_literals():
    lengths = {ord(letter): 5 if letter < "w" else 4 for letter in "abcdefghijklmnopqrstuvwxyz"}
    data = bytes.fromhex("d8523ed794115be9195ff9d67cdf8d0400000000")
    assert decode(table({**lengths, 256: 4}) + data, 26) == b"abcdefghijklmnopqrstuvwxyz"


def test_the_specification_s_example_of_a_long_match():
    lengths = {ord("a"): 3, ord("b"): 3, ord("c"): 2, 256: 2, 287: 2}
    assert decode(table(lengths) + bytes.fromhex("a8dc0000ff2601"), 300) == b"abc" * 100


def test_symbol_256_is_a_match_like_any_other():
    tokens = [7, (3, 1), 9, (3, 1), (3, 1)]
    assert symbol_of((3, 1)) == 256
    assert decode(encode(tokens), len(plain(tokens))) == b"\x07" * 4 + b"\x09" * 7


@pytest.mark.parametrize("length", [3, 4, 17, 18, 19, 271, 272, 273, 274, 1000, 32768, 65535])
@pytest.mark.parametrize("offset", [1, 2, 3, 300, 16384, 32767])
def test_every_kind_of_match(length, offset):
    noise = random.Random(offset).randbytes(offset)
    if offset + length > 65536:
        length = 65536 - offset - 1
    tokens = [*noise, (length, offset), 1]
    assert decode(encode(tokens), offset + length + 1) == plain(tokens)


@st.composite
def token_lists(draw):
    """Literals and matches, no match farther back than there is something."""
    generator = random.Random(draw(st.integers(0, 2**32)))
    tokens, size = [generator.randrange(256)], 1
    alphabet = draw(st.integers(1, 256))
    for _number in range(draw(st.integers(0, 300))):
        if generator.random() < 0.5:
            tokens.append(generator.randrange(alphabet))
            size += 1
        else:
            length = generator.choice([3, 5, 17, 18, 40, 272, 273, 500])
            tokens.append((length, generator.randint(1, min(size, 32767))))
            size += length
    return tokens


@settings(max_examples=60, deadline=None)
@given(token_lists())
def test_whatever_was_encoded_is_decoded(tokens):
    wanted = plain(tokens)
    assert decode(encode(tokens), len(wanted)) == wanted


@settings(max_examples=60, deadline=None)
@given(token_lists(), st.data())
def test_damaged_data_give_their_size_or_an_error(tokens, data):
    payload = bytearray(encode(tokens))
    for _time in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    payload = bytes(payload[: data.draw(st.integers(0, len(payload)))])
    size = data.draw(st.integers(1, 65536))
    with contextlib.suppress(Malformed):
        assert len(decode(payload, size)) == size


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600), st.integers(1, 65536))
def test_random_bytes_are_no_compressed_data(payload, size):
    with contextlib.suppress(Malformed):
        assert len(decode(payload, size)) == size


def test_what_is_refused():
    tokens = [1, 2, 3, (5, 3), 4]
    good, size = encode(tokens), len(plain(tokens))
    assert decode(good, size) == plain(tokens)
    refused = [
        (b"", size),
        (good[:255], size),
        (good[:256], size),
        (encode(list(range(200)))[:-20], 200),
        (bytes(256) + good[256:], size),  # no code at all
        (b"\x11" * 256 + good[256:], size),  # more codes than fit
        (table({1: 2, 2: 2, 3: 2}) + good[256:], size),  # fewer than fit
        (good, 65536),  # ends too early
        (good, 5),  # a match beyond the end
        (encode([1, (3, 2)]), 4),  # back to before the begin
    ]
    for payload, its_size in refused:
        with pytest.raises(Malformed):
            decode(payload, its_size)


def test_a_length_that_contradicts_itself():
    payload = encode([1, (273, 1)])
    place = payload.index(struct.pack("<BH", 255, 270), 256)
    with pytest.raises(Malformed):
        decode(payload[: place + 1] + struct.pack("<H", 14) + payload[place + 3 :], 274)


@pytest.mark.parametrize("size", [512, 8192, 60416])
def test_the_emulator_s_literal_chunks(size):
    data = random.Random(size).randbytes(size)
    assert decode(data_chunk(data)[28:], size) == data
