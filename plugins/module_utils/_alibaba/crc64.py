# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""CRC-64 as OSS computes it (ECMA-182, reflected: the `crc64/xz` of the catalogues), and how checksums are joined.

fastcrc does 10 GB/s and lets other threads run meanwhile. Without it, what oss2 itself uses (crcmod) does the same at
a thirtieth of that, one thread at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_POLYNOMIAL = 0xC96C5795D7870F42  # reflected
_BITS = 64


@functools.lru_cache(maxsize=1)
def is_fast() -> bool:
    """Whether fastcrc is there."""
    try:
        import fastcrc  # noqa: F401  # asked is only whether it can be imported
    except ImportError:
        return False
    return True


def crc64(data: bytes | bytearray | memoryview, before: int = 0) -> int:
    """The checksum of what `before` is the checksum of, followed by `data`."""
    return _function()(data, before)


@functools.lru_cache(maxsize=1)
def _function() -> Callable[[Any, int], int]:
    if is_fast():
        from fastcrc import crc64 as fast

        try:
            fast.xz(memoryview(b""), 0)
        except TypeError:  # older ones take nothing but bytes
            return lambda data, before: int(fast.xz(bytes(data), before))
        return fast.xz
    from oss2.utils import Crc64

    def slow(data: Any, before: int) -> int:
        checksum = Crc64(before)
        checksum.update(bytes(data))
        return int(checksum.crc)

    return slow


def combined(first: int, second: int, length: int) -> int:
    """The checksum of two pieces in a row. length: bytes of the second one."""
    return _times(_zeros(length), first) ^ second if length else first


def _times(matrix: tuple[int, ...], vector: int) -> int:
    """A matrix over GF(2), given by its columns, times a vector."""
    total, column = 0, 0
    while vector:
        if vector & 1:
            total ^= matrix[column]
        vector >>= 1
        column += 1
    return total


@functools.lru_cache(maxsize=64)
def _zeros(length: int) -> tuple[int, ...]:
    """What appending `length` zero bytes does to a checksum. All parts of an upload but one have the same length."""
    bit = (_POLYNOMIAL, *(1 << n for n in range(_BITS - 1)))
    power, result = bit, tuple(1 << n for n in range(_BITS))
    bits = length * 8
    while bits:
        if bits & 1:
            result = tuple(_times(power, column) for column in result)
        power = tuple(_times(power, column) for column in power)
        bits >>= 1
    return result
