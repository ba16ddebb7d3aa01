# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database service needs of the object storage: buckets to judge, objects to read pieces of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .oss.library import ObjectLibrary
    from .oss_model import StoredObject as Entry


@dataclass(frozen=True)
class BucketFacts:
    """Whose a bucket is, where it lies, and how it keeps its objects."""

    account_id: str
    region: str
    storage_class: str = "Standard"
    encrypted: bool = False


class StoredObject(Protocol):
    """An object of which pieces can be read."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def storage_class(self) -> str:
        """Standard, IA, Archive, ..."""

    @property
    def encrypted(self) -> bool:
        """Whether it is encrypted on the server."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` at the end."""


class ObjectStore(Protocol):
    """Buckets and objects by name."""

    def bucket(self, name: str) -> BucketFacts | None:
        """A bucket of any account, nothing if there is none."""

    def object(self, bucket: str, key: str) -> StoredObject | None:
        """An object, nothing if there is none."""


class LibraryObjects:
    """What lies in the buckets of a world."""

    def __init__(self, library: ObjectLibrary) -> None:
        self._library = library

    def bucket(self, name: str) -> BucketFacts | None:
        """See ObjectStore."""
        found = self._library.bucket(name)
        if found is None:
            return None
        return BucketFacts(found.account_id, found.region, found.storage_class, bool(found.encryption))

    def object(self, bucket: str, key: str) -> StoredObject | None:
        """See ObjectStore."""
        found = self._library.bucket(bucket)
        if found is None or key not in found.objects:
            return None
        return _LibraryObject(self._library, bucket, key, found.objects[key])


class _LibraryObject:
    """An object as it was when it was looked up."""

    def __init__(self, library: ObjectLibrary, bucket: str, key: str, entry: Entry) -> None:
        self._library, self._bucket, self._key = library, bucket, key
        self.size = entry.size
        self.storage_class = entry.storage_class or "Standard"
        self.encrypted = bool(entry.encryption)

    def read(self, offset: int, length: int) -> bytes:
        """See StoredObject."""
        with self._library.open(self._bucket, self._key) as reader:
            return reader.read_at(offset, length)
