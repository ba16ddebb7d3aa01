# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checksums of data: CRC-64 as OSS shows it (ECMA-182, reflected, known as CRC-64/XZ) and MD5."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from typing import Any

_POLYNOMIAL = 0xC96C5795D7870F42
_ALL_ONES = 0xFFFFFFFFFFFFFFFF
_TOP = 1 << 63


class Digests:
    """Checksums that grow with the data. MD5 costs most, so it is left out unless wanted."""

    def __init__(self, md5: bool = True, sha256: bool = False) -> None:
        from fastcrc import crc64  # not needed by worlds without objects

        self._crc = crc64.xz
        self._md5 = hashlib.md5(usedforsecurity=False) if md5 else None
        self._sha256 = hashlib.sha256() if sha256 else None
        self.crc64 = 0
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more data."""
        self.size += len(data)
        self.crc64 = self._crc(data, self.crc64)
        if self._md5 is not None:
            self._md5.update(data)
        if self._sha256 is not None:
            self._sha256.update(data)

    @property
    def etag(self) -> str:
        """The MD5 in upper-case hex; without it a text made of checksum and size that looks the same."""
        return self._md5.hexdigest().upper() if self._md5 is not None else f"{self.crc64:016X}{self.size:016X}"

    @property
    def md5_base64(self) -> str:
        """The MD5 as in the header Content-MD5."""
        return base64.b64encode(_digest(self._md5)).decode()

    @property
    def sha256_hex(self) -> str:
        """The SHA-256 as in the header x-oss-content-sha256."""
        return _digest(self._sha256).hex()


def _digest(hashed: Any) -> bytes:
    return hashed.digest() if hashed is not None else b""


def combined(first: int, second: int, second_size: int) -> int:
    """The CRC-64 of two pieces of data put together, from the CRC-64 of each and the size of the second."""
    return _product(_shift(second_size), first) ^ second


def crc64_of_zeros(size: int) -> int:
    """The CRC-64 of so many zero bytes."""
    return _product(_shift(size), _ALL_ONES) ^ _ALL_ONES


def _product(left: int, right: int) -> int:
    """The product of two polynomials modulo the CRC's own. The highest bit is the constant term."""
    result, bit = 0, _TOP
    while bit and left & (2 * bit - 1):
        if left & bit:
            result ^= right
        bit >>= 1
        right = (right >> 1) ^ _POLYNOMIAL if right & 1 else right >> 1
    return result


@lru_cache(maxsize=1024)
def _shift(size: int) -> int:
    """What `size` more bytes multiply a checksum by: x to the power of 8 * size."""
    result, power, exponent = _TOP, _TOP >> 1, 8 * size
    while exponent:
        if exponent & 1:
            result = _product(power, result)
        power = _product(power, power)
        exponent >>= 1
    return result
