# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How files are cut into parts, and how checksums of parts are joined: for every size there can be."""

from __future__ import annotations

import itertools

import fastcrc
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import crc64
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_parts import (
    LARGEST_OBJECT,
    LARGEST_PART,
    MIB,
    MOST_PARTS,
    SMALLEST_PART,
    WINDOW,
    part_size_for,
    spans,
    wrong_part_size,
)
from hypothesis import given
from hypothesis import strategies as st

TB = 1000**4


@given(st.integers(0, LARGEST_OBJECT))
def test_every_file_fits(size):
    part_size = part_size_for(size)
    assert SMALLEST_PART <= part_size <= LARGEST_PART
    assert part_size % WINDOW == 0
    assert -(-size // part_size) <= MOST_PARTS
    assert not wrong_part_size(part_size, size)


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [(0, 8 * MIB, 16 * MIB), (100 * MIB, 8 * MIB, 16 * MIB), (3 * TB, 300 * MIB, 400 * MIB)],
)
def test_sizes_that_people_have(size, least, most):
    assert least <= part_size_for(size) <= most


def test_more_than_an_object_can_hold():
    with pytest.raises(ValueError, match="more than"):
        part_size_for(LARGEST_OBJECT + 1)


@given(st.integers(0, 10**9), st.integers(SMALLEST_PART, LARGEST_PART))
def test_parts_cover_the_file_without_a_gap(size, part_size):
    parts = spans(size, part_size)
    assert [p.number for p in parts] == list(range(1, len(parts) + 1))
    assert sum(p.size for p in parts) == size
    assert all(b.offset == a.offset + a.size for a, b in itertools.pairwise(parts))
    assert all(p.size == part_size for p in parts[:-1])


@given(st.integers(SMALLEST_PART, LARGEST_PART), st.integers(0, LARGEST_OBJECT))
def test_a_part_size_is_wrong_only_with_too_many_parts(part_size, size):
    assert bool(wrong_part_size(part_size, size)) == (-(-size // part_size) > MOST_PARTS)


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_checksums_are_joined(pieces):
    total = 0
    for piece in pieces:
        total = crc64.combined(total, crc64.crc64(piece), len(piece))
    assert total == fastcrc.crc64.xz(b"".join(pieces))


def test_checksums_over_lengths_that_nobody_reads_twice():
    """Zeros over the length of a 3 TB file, against the same in halves."""
    half = crc64.combined(crc64.crc64(b"a"), 0, 3 * TB // 2)
    assert crc64.combined(half, 0, 3 * TB // 2) == crc64.combined(crc64.crc64(b"a"), 0, 3 * TB)


def test_without_fastcrc_the_checksum_is_the_same(monkeypatch):
    data = bytes(range(256)) * 100
    fast = crc64.crc64(memoryview(data), 7)
    for function in (crc64.is_fast, crc64._function):
        function.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "fastcrc", None)
    try:
        assert not crc64.is_fast()
        assert crc64.crc64(memoryview(data), 7) == fast
    finally:
        for function in (crc64.is_fast, crc64._function):
            function.cache_clear()


def test_the_checksum_is_the_one_of_the_catalogues():
    assert crc64.crc64(b"123456789") == 0x995DC9BBDF1939FA
