# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the data of objects lies: one file for each upload or part, in a folder that goes with the world."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from ..oss_model import Blob


class BlobStore:
    """Files of data. Safe to use from several threads."""

    def __init__(self, folder: str | Path | None = None, discard: bool = False) -> None:
        """Data is kept in a new folder in `folder` (or in the system's temporary one), or with `discard` nowhere."""
        self.discard = discard
        self._parent = folder
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._lock = threading.Lock()
        self._readers = 0
        self._doomed: list[str] = []

    @property
    def folder(self) -> str:
        """The folder, made when it is first asked for."""
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(
                    prefix="apsara-emulator-oss-", dir=self._parent, ignore_cleanup_errors=True
                )
            return self._folder.name

    def new(self) -> BlobWriter:
        """A writer of a new blob. As a context manager it removes what was not kept."""
        return BlobWriter("" if self.discard else os.path.join(self.folder, uuid4().hex))

    def linked(self, blobs: Iterable[Blob]) -> list[Blob]:
        """The same data once more, which can be removed on its own."""
        return [Blob(self._link(blob.path), blob.size) for blob in blobs]

    def _link(self, path: str) -> str:
        if not self._owns(path):
            return path
        copy = os.path.join(self.folder, uuid4().hex)
        os.link(path, copy)
        return copy

    def _owns(self, path: str) -> bool:
        return bool(path) and self._folder is not None and os.path.dirname(path) == self._folder.name

    def begin_reading(self) -> None:
        """Keep removed data until `end_reading`."""
        with self._lock:
            self._readers += 1

    def end_reading(self) -> None:
        """The end of what `begin_reading` began."""
        with self._lock:
            self._readers -= 1
        self.remove([])

    def remove(self, blobs: Iterable[Blob]) -> None:
        """Remove data, as soon as nobody reads any more. Files that are not the store's own are left alone."""
        with self._lock:
            self._doomed += [blob.path for blob in blobs if self._owns(blob.path)]
            doomed, self._doomed = ([], self._doomed) if self._readers else (self._doomed, [])
        for path in doomed:
            if os.path.exists(path):
                os.unlink(path)

    def close(self) -> None:
        """Remove everything."""
        with self._lock:
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


class BlobWriter:
    """Writes a blob. Without `keep` nothing is left of it at the end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._size = 0
        self._kept = False
        self._file = open(path, "xb", buffering=0) if path else None  # noqa: SIM115 - closed by __exit__

    def write(self, data: memoryview) -> None:
        """Append. OSError when the disk is full."""
        self._size += len(data)
        while self._file is not None and len(data):
            data = data[self._file.write(data) :]

    def keep(self) -> Blob:
        """The blob, which now stays. Nothing stays of an empty one."""
        self._kept = self._size > 0
        return Blob(self._path if self._kept else "", self._size)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
            if not self._kept:
                os.unlink(self._path)
