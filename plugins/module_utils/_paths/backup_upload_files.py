# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The backup files of this host that are to be uploaded, and what their headers tell. Reads files, and nothing else."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .._failure import MigrationFailure

if TYPE_CHECKING:
    from .._databases.sqlserver_backup_header import BackupFile, BackupSet
    from .backup_upload_request import Request

# Metadata that says which backup an object is, without the service's prefix.
GUID, STRIPE, DATABASE = "backup-set-guid", "backup-stripe", "backup-database"


class Local(NamedTuple):
    """A file and the object it is to become.

    size: None where there is no file. header: None where it was not read. unreadable: why it cannot be read. told: what
    an earlier task said about it. planned: there is no file yet, and an earlier task predicted one.
    """

    path: str
    key: str
    size: int | None = None
    header: BackupFile | None = None
    unreadable: str = ""
    told: Mapping[str, Any] = MappingProxyType({})
    planned: bool = False

    @property
    def first_set(self) -> BackupSet | None:
        return self.header.sets[0] if self.header is not None and self.header.sets else None

    @property
    def problem(self) -> str:
        """Why the file is no backup that can be restored; empty if it is one."""
        if self.header is None:
            return ""
        if self.header.problem is not None:
            return self.header.problem.text
        if self.header.complete is False:
            return self.header.truncated or "It is truncated."
        return ""

    @property
    def usable(self) -> bool:
        """Whether it can be uploaded, now or once it exists."""
        return self.planned or (not self.unreadable and self.header is not None and not self.problem)

    @property
    def database(self) -> str | None:
        return self._text("database")

    @property
    def type(self) -> str | None:
        known = self._text("type")
        return None if known == "unknown" else known

    @property
    def guid(self) -> str | None:
        return self._text("backup_set_guid")

    @property
    def label(self) -> str:
        """What the step is about, without time stamps."""
        if not self.database:
            return os.path.basename(self.path)
        text = f"{self.database} {self.type or 'backup'}"
        many = self.header is not None and (self.header.stripes or 1) > 1
        return f"{text} (stripe {self.header.stripe} of {self.header.stripes})" if many and self.header else text

    @property
    def metadata(self) -> dict[str, str]:
        """What is written to the object, for whoever looks at it later."""
        stripe = f"{self.header.stripe}/{self.header.stripes}" if self.header and self.header.stripes else ""
        told = {GUID: self.guid or "", STRIPE: stripe, DATABASE: self.database or ""}
        return {name: value for name, value in told.items() if value}

    def facts(self) -> dict[str, Any]:
        """What the header tells; of a planned backup, what the earlier task said. The shape is the same."""
        header, size = self.header, self.size
        return {
            "path": self.path,
            "key": self.key,
            "size": size if size is not None else self.told.get("size"),
            "database": self.database,
            "type": self.type,
            "start": self._known("start"),
            "finish": self._known("finish"),
            "backup_set_guid": self.guid,
            "stripe": header.stripe if header else self.told.get("stripe"),
            "stripes": header.stripes if header else self.told.get("stripes"),
            "required_storage": self._known("required_storage"),
        }

    def _text(self, name: str) -> str | None:
        found = self._known(name)
        return None if found is None else str(found)

    def _known(self, name: str) -> Any:
        """The header is believed before the earlier task."""
        found = getattr(self.first_set, name) if self.first_set else None
        return found if found is not None else self.told.get(name) if self.header is None else None


def find_files(request: Request) -> list[Local]:
    """All files that are meant, in the order of their paths or of `backups`. A missing one is there, unreadable."""
    if request.given is not None:
        return [
            _read(given.path, request.prefix + os.path.basename(given.path), given.told, predicted=given.predicted)
            for given in request.given
        ]
    if not os.path.isdir(request.path):
        return [_read(request.path, request.prefix + os.path.basename(request.path))]
    try:
        paths = sorted(_matching(request))
    except OSError as error:
        return [Local(request.path, request.prefix, unreadable=f"cannot be listed: {error.strerror}")]
    return [_read(path, request.prefix + os.path.relpath(path, request.path).replace(os.sep, "/")) for path in paths]


def _matching(request: Request) -> Iterable[str]:
    """Files of the folder that fit a pattern; case does not count, as on the servers they come from."""

    def stop(error: OSError) -> None:
        raise error

    patterns = [pattern.casefold() for pattern in request.patterns]
    for place, folders, names in os.walk(request.path, onerror=stop):
        if not request.recurse:
            folders.clear()
        for name in names:
            if any(fnmatch.fnmatchcase(name.casefold(), pattern) for pattern in patterns):
                yield os.path.join(place, name)


def _read(path: str, key: str, told: Mapping[str, Any] | None = None, *, predicted: bool = False) -> Local:
    from .._databases.sqlserver_backup_header import LocalFile, read_backup

    found = Local(path, key, told=told or {})
    if predicted and not os.path.lexists(path):
        return found._replace(planned=True)
    try:
        with LocalFile(path) as file:
            return found._replace(size=file.size, header=read_backup(file))
    except MigrationFailure as failure:
        return found._replace(unreadable=failure.message)
