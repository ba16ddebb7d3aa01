# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the data of an object: as a file, or anywhere in it."""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from ..oss_model import Blob, StoredObject

_Buffer = bytearray | memoryview


class ObjectReader(io.RawIOBase):
    """The data of an object as a binary file that can only be read, with its attributes.

    `attributes` is the object as it was when it was opened (`size`, `etag`, `crc64`, `meta`, `tags`, ...). An object
    that is deleted or replaced meanwhile can still be read. Not for several threads at once, but for `read_at`.
    """

    def __init__(self, bucket: str, key: str, attributes: StoredObject, done: Callable[[], None]) -> None:
        super().__init__()
        self.bucket, self.key, self.attributes = bucket, key, attributes
        self.damaged_at: int | None = None
        self._blobs = attributes.blobs or []
        self._ends = list(accumulate(blob.size for blob in self._blobs))
        self._position = 0
        self._done = done

    @property
    def size(self) -> int:
        """Bytes."""
        return self._ends[-1] if self._ends else 0

    def read_at(self, start: int, count: int) -> bytes:
        """Up to `count` bytes from `start`; fewer at the end."""
        pieces = []
        for blob, offset, length in self.pieces(start, count):
            pieces.append(_data(blob, offset, length))
        data = b"".join(pieces)
        if self.damaged_at is not None and start <= self.damaged_at < start + len(data):
            at = self.damaged_at - start
            data = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        return data

    def pieces(self, start: int, count: int) -> Sequence[tuple[Blob, int, int]]:
        """Where these bytes are: blob, offset in it, length."""
        found = []
        end = min(start + count, self.size)
        index = bisect_right(self._ends, start)
        while start < end:
            blob = self._blobs[index]
            offset = start - (self._ends[index] - blob.size)
            length = min(end - start, blob.size - offset)
            if length:
                found.append((blob, offset, length))
            start += length
            index += 1
        return found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: _Buffer, /) -> int:  # type: ignore[override]  # a buffer of the stubs has no length
        data = self.read_at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._done()


def _data(blob: Blob, offset: int, length: int) -> bytes:
    if not blob.path:
        return bytes(length)
    descriptor = os.open(blob.path, os.O_RDONLY)
    try:
        data = os.pread(descriptor, length, offset)
    finally:
        os.close(descriptor)
    if len(data) < length:
        raise OSError(f"{blob.path} is shorter than it was")
    return data
