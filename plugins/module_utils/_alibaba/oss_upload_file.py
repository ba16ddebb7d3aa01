# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The local side of an upload: a file that is read in windows and watched for changes, and bodies made of its parts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator

from .._failure import MigrationFailure
from .crc64 import crc64
from .oss_parts import Span

# A piece of a window is what the socket gets at a time. Its time-out covers one piece, so that slow lines pass.
_PIECE = 256 * 1024


class UploadFile:
    """A file that is uploaded. It must not change meanwhile: checked by size, modification time and identity.

    Read with pread, not mapped: a mapped file that is truncated kills the process.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise _unreadable(path, error) from None
        self._before = _identity(os.fstat(self._handle))
        self.size = os.fstat(self._handle).st_size

    def __enter__(self) -> UploadFile:
        return self

    def __exit__(self, *_unused: object) -> None:
        os.close(self._handle)

    def require_unchanged(self) -> None:
        """Raises MigrationFailure file_changed. The path is looked at, so that a file put in its place is seen."""
        try:
            now = _identity(os.stat(self.path))
        except OSError as error:
            raise _unreadable(self.path, error) from None
        if now != self._before:
            raise _changed(self.path)

    def windows(self, span: Span, buffer: bytearray) -> Iterator[memoryview]:
        """The bytes of a part in pieces of the buffer's size. Each piece is valid until the next one is asked for."""
        position, end = span.offset, span.offset + span.size
        with memoryview(buffer) as whole:
            while position < end:
                wanted = min(len(buffer), end - position)
                filled = self._fill(whole[:wanted], position)
                position += filled
                yield whole[:filled]

    def sums(
        self, span: Span, buffer: bytearray, stop: Callable[[], None], *, with_md5: bool = True
    ) -> tuple[int, str]:
        """CRC-64 and MD5 (hex) of a part. Without MD5, which is twenty times as slow, that is empty."""
        crc, md5 = 0, hashlib.md5(usedforsecurity=False)
        for window in self.windows(span, buffer):
            stop()
            crc = crc64(window, crc)
            if with_md5:
                md5.update(window)
        return crc, md5.hexdigest() if with_md5 else ""

    def _fill(self, view: memoryview, position: int) -> int:
        try:
            got = _read_into(self._handle, view, position)
        except OSError as error:
            # The HTTP library would take it for a broken connection.
            raise _unreadable(self.path, error) from None
        if got == 0:
            raise _changed(self.path)
        return got


class PartBody:
    """The body of a request: a part of the file, summed while it is sent. Can be iterated again for a repetition."""

    def __init__(self, file: UploadFile, span: Span, buffer: bytearray, on_piece: Callable[[int], None]) -> None:
        self._file = file
        self._span = span
        self._buffer = buffer
        self._on_piece = on_piece
        self.crc64 = 0

    def __len__(self) -> int:
        return self._span.size

    def __iter__(self) -> Iterator[memoryview]:
        self.crc64 = 0
        for window in self._file.windows(self._span, self._buffer):
            self.crc64 = crc64(window, self.crc64)
            for start in range(0, len(window), _PIECE):
                piece = window[start : start + _PIECE]
                self._on_piece(len(piece))
                yield piece


def _read_into(handle: int, view: memoryview, position: int) -> int:
    """Bytes read. Not every system reads into a buffer; then it costs a copy."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, [view], position)
    data = os.pread(handle, len(view), position)
    view[: len(data)] = data
    return len(data)


def _identity(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _unreadable(path: str, error: OSError) -> MigrationFailure:
    return MigrationFailure(
        f"{path} cannot be read: {error.strerror or type(error).__name__}.",
        code="file_unreadable",
        action="read",
        remedy="Correct path, or the permissions of the file for the user that runs the module.",
    )


def _changed(path: str) -> MigrationFailure:
    return MigrationFailure(
        f"{path} changed while it was uploaded. Nothing was completed.",
        code="file_changed",
        action="read",
        remedy="Wait until whatever writes the file is done, then run the playbook again.",
    )
