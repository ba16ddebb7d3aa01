# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Where the bytes of a backup come from: a local file, or anything else that can be read in ranges."""

from __future__ import annotations

import os
import stat
from types import TracebackType
from typing import Protocol

from .._failure import MigrationFailure

KIB = 1024


class BackupUnreadable(MigrationFailure):
    """The bytes of a backup cannot be had: no such file, no permission, not a regular file, a device error."""


class OutOfReads(Exception):
    """More reads are wanted than allowed. Never leaves the reader: what is behind them becomes unavailable."""


class Bytes(Protocol):
    """A backup file, wherever it is. May raise BackupUnreadable."""

    @property
    def size(self) -> int:
        """Bytes in all."""

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; less only at the end of the file."""


class LocalFile:
    """A file of this host. Only regular files are opened: reading a tape moves it, and a pipe may never answer."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.reads = 0
        try:
            _refuse_special(self.path, os.stat(self.path).st_mode)
            # It may have been replaced since; without O_NONBLOCK a pipe would be waited for.
            self._file = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise _unreadable(self.path, error) from error
        found = os.fstat(self._file)
        self.size = found.st_size
        try:
            _refuse_special(self.path, found.st_mode)
        except BackupUnreadable:
            self.close()
            raise

    def read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        while length > 0:
            self.reads += 1
            try:
                part = os.pread(self._file, length, offset)
            except OSError as error:
                raise _unreadable(self.path, error) from error
            if not part:
                break
            parts.append(part)
            offset, length = offset + len(part), length - len(part)
        return b"".join(parts)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> LocalFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Windows:
    """A Bytes that answers many small reads from a few large ones.

    The first `head` and the last `tail` bytes are read once and kept; a file that is not longer than both together is
    read at once. Anything else costs a read of `between` bytes around it, of which the latest is kept. The sizes fit
    SQL Server's backups with blocks of any size up to 64 KiB: what is before the first page of data is in the head,
    the final record and the filemarks behind it are in the tail. So a backup set alone in its file takes two reads, and
    a third when it is compressed and so large that the index at its end fills the tail.

    reads: how many were made. most_reads: a further one raises OutOfReads.
    """

    def __init__(
        self,
        source: Bytes,
        head: int = 256 * KIB,
        tail: int = 256 * KIB,
        between: int = 256 * KIB,
        most_reads: int = 3,
    ) -> None:
        self.size = source.size
        self.reads = 0
        self.most_reads = most_reads
        self._source = source
        self._between = between
        if self.size <= head + tail:
            head = tail = self.size
        self._head_end, self._tail_start = head, self.size - tail
        self._head: tuple[int, bytes] | None = None
        self._tail: tuple[int, bytes] | None = None
        self._latest: tuple[int, bytes] | None = None

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        if end <= self._head_end:
            window = self._head = self._head or self._load(0, self._head_end)
        elif offset >= self._tail_start:
            window = self._tail = self._tail or self._load(self._tail_start, self.size)
        else:
            window = self._around(offset, end)
        start, data = window
        return data[offset - start : end - start]

    def _around(self, offset: int, end: int) -> tuple[int, bytes]:
        if self._latest is None or not self._latest[0] <= offset < end <= self._latest[0] + len(self._latest[1]):
            # Looked for are the end of one backup set and the begin of the next, which lie on both sides.
            spare = max(0, self._between - (end - offset)) // 2
            self._latest = self._load(max(0, offset - spare), min(self.size, end + spare))
        return self._latest

    def _load(self, start: int, end: int) -> tuple[int, bytes]:
        if self.reads >= self.most_reads:
            raise OutOfReads
        self.reads += 1
        return start, self._source.read(start, end - start)


def shown(path: str | bytes) -> str:
    """A path as text that any result can hold, also when its bytes are no UTF-8."""
    try:
        return os.fsencode(path).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return ascii(path)


def _refuse_special(path: str, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    raise BackupUnreadable(
        f"{shown(path)} is {kinds.get(stat.S_IFMT(mode), 'a device')} and not a file.",
        code="not_a_file",
        remedy="Give the path of a backup file.",
    )


def _unreadable(path: str, error: Exception) -> BackupUnreadable:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return BackupUnreadable(
        f"{shown(path)} cannot be read: {why}.",
        code="backup_unreadable",
        remedy="Check the path and the permissions of the user that the task runs as.",
    )
