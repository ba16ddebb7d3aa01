# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The local side of an upload: a file that is read in windows and watched for changes, the pace, the progress, and
threads that stop together."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from .._failure import MigrationFailure
from .._progress import Progress
from .._waiting import Clock
from .crc64 import crc64
from .oss_parts import WINDOW, Span

T = TypeVar("T")
# A piece of a window is what the socket gets at a time. Its time-out covers one piece, so that slow lines pass.
_PIECE = 256 * 1024
_PROGRESS_INTERVAL = 1.0


class Cancelled(Exception):
    """Another thread failed, or the task was interrupted. Not a failure of its own."""


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


class Pace:
    """Lets through `limit` bytes per second over all threads; None for as many as there are."""

    def __init__(self, limit: float | None, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    def take(self, count: int) -> None:
        """Waits until `count` bytes may go."""
        if self._limit is None:
            return
        with self._lock:
            now = self._clock.monotonic()
            turn = max(self._free_at, now)
            self._free_at = turn + count / self._limit
        if turn > now:
            self._clock.sleep(turn - now)


class Meter:
    """Counts what is sent and tells it once a second."""

    def __init__(self, total: int, clock: Clock, tell: Callable[[Progress], None] | None) -> None:
        self._total = total
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._started = self._told = clock.monotonic()
        self.sent = 0
        self._kept = 0

    def keep(self, count: int) -> None:
        """Bytes that the server has already."""
        with self._lock:
            self._kept += count

    def add(self, count: int) -> None:
        """Bytes that are being sent. Repetitions count as sent, so that the rate is the line's."""
        with self._lock:
            self.sent += count
            now = self._clock.monotonic()
            due = self._tell is not None and now - self._told >= _PROGRESS_INTERVAL
            if due:
                self._told = now
        if due and self._tell is not None:
            self._tell(self.progress())

    def progress(self) -> Progress:
        seconds = self._clock.monotonic() - self._started
        done = min(self._kept + self.sent, self._total)
        rate = self.sent / seconds if seconds > 0 else 0.0
        return Progress(done, self._total, rate, (self._total - done) / rate if rate else None, self.sent)

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self._started


class Crew:
    """Threads that work on the same list and stop at the first failure."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._stop = threading.Event()

    def require_going(self) -> None:
        """Raises Cancelled once somebody failed."""
        if self._stop.is_set():
            raise Cancelled

    def work_on(self, items: Sequence[T], work: Callable[[T, bytearray], None]) -> None:
        """Calls work(item, buffer) for each item; raises the first failure when all threads have ended."""
        if min(self._threads, len(items)) <= 1:
            buffer = bytearray(WINDOW)
            for item in items:
                work(item, buffer)
            return
        pending, lock = iter(items), threading.Lock()
        failures: list[BaseException] = []

        def run() -> None:
            buffer = bytearray(WINDOW)
            while not self._stop.is_set():
                with lock:
                    item = next(pending, None)
                if item is None:
                    return
                try:
                    work(item, buffer)
                except Cancelled:
                    return
                except BaseException as failure:  # raised again below, in the thread that waits
                    failures.append(failure)
                    self._stop.set()

        crew = [threading.Thread(target=run, daemon=True) for _number in range(min(self._threads, len(items)))]
        for thread in crew:
            thread.start()
        try:
            for thread in crew:
                thread.join()
        finally:
            # Interrupted: let the others end as well.
            self._stop.set()
            for thread in crew:
                thread.join()
        if failures:
            raise failures[0]
        self._stop.clear()


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
