# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The objects of a world, for those who do not come through OSS's own door: `world.oss`."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..clock import Clock
from ..documents import Instant
from ..errors import DocumentError
from ..oss_model import Blob, Bucket, StoredObject
from .checksums import Digests, crc64_of_zeros
from .errors import OssError, no_such_bucket, no_such_key
from .identity import OssVerifier
from .messages import OssRequest
from .reading import ObjectReader
from .routing import find_target
from .storage import BlobStore

if TYPE_CHECKING:
    from ..model import WorldState
    from ..world import World

_CHUNK = 1024 * 1024
STORAGE_CLASSES = ("Standard", "IA", "Archive", "ColdArchive", "DeepColdArchive")
BUCKET_ACLS = ("private", "public-read", "public-read-write")


class ObjectLibrary:
    """Buckets and objects of a world."""

    def __init__(self, world: World, store: BlobStore) -> None:
        self.store = store
        self._world = world
        self._known_files: dict[tuple[str, int, int], tuple[str, str]] = {}

    def bucket(self, name: str) -> Bucket | None:
        """The bucket (`account_id`, `region`, `storage_class`, `acl`, `encryption`, `objects`), or nothing."""
        return self._world.state.buckets.get(name)

    def open(self, bucket: str, key: str) -> ObjectReader:
        """The object's data and attributes; close it, or use it in `with`. OssError NoSuchBucket, NoSuchKey."""
        with self._world.lock:
            found = self.bucket(bucket)
            if found is None:
                raise no_such_bucket(bucket)
            if key not in found.objects:
                raise no_such_key(key)
            self.store.begin_reading()
            return ObjectReader(bucket, key, found.objects[key], self.store.end_reading)

    def put(self, bucket: str, key: str, data: bytes, **attributes: object) -> StoredObject:
        """Make an object, without a call being logged; `attributes` are fields of `StoredObject`."""
        with self._world.lock:
            found = self.bucket(bucket)
            if found is None:
                raise no_such_bucket(bucket)
            entry = StoredObject(base64=base64.b64encode(data).decode(), **attributes)  # type: ignore[arg-type]  # its fields
            self._adopt_object(f"{bucket}/{key}", found, entry)
            self.discard(found.objects.get(key))
            found.objects[key] = entry
            return entry

    def signed_url_problem(self, url: str, clock: Clock | None = None) -> str:
        """Why a signed URL does not open its object for reading, or the empty text.

        `clock` judges its time; it is the world's clock unless given.
        """
        address = urlsplit(url)
        request = OssRequest("GET", f"{address.path or '/'}?{address.query}", {"host": address.netloc})
        try:
            target = find_target(request)
            verifier, state = OssVerifier(clock or self._world.clock), self._world.state
            caller = verifier.identify(request, target.bucket, target.key, state.accounts, self._world.variants)
            bucket = self.bucket(target.bucket)
            if bucket is None:
                raise no_such_bucket(target.bucket)
            if bucket.account_id != caller.account_id and bucket.acl == "private":
                raise OssError("AccessDenied", 403, "The bucket is not one of the account that signed.")
            if target.key not in bucket.objects:
                raise no_such_key(target.key)
        except OssError as error:
            return f"{error.code}: {error.message}"
        return ""

    def discard(self, entry: StoredObject | None) -> None:
        """Remove the data of an object that is no more."""
        if entry is not None:
            self.store.remove(entry.blobs or [])

    def adopt(self, state: WorldState) -> None:
        """Complete the buckets of a world that has just been read. DocumentError if something cannot be."""
        for name, bucket in state.buckets.items():
            where = f"world.buckets.{name}"
            bucket.name = bucket.name or name
            if bucket.name != name:
                raise DocumentError(f"{where}: name is {bucket.name!r}")
            if bucket.account_id not in state.accounts:
                raise DocumentError(f"{where}: there is no account {bucket.account_id!r}")
            if bucket.storage_class not in STORAGE_CLASSES or bucket.acl not in BUCKET_ACLS:
                raise DocumentError(f"{where}: storage_class is one of {STORAGE_CLASSES}, acl of {BUCKET_ACLS}")
            bucket.created = bucket.created or Instant(self._world.clock.now())
            for key, entry in bucket.objects.items():
                self._adopt_object(f"{where}.objects.{key}", bucket, entry)

    def remove_unused(self, before: WorldState, after: WorldState) -> None:
        """Remove the data that only the world of before refers to."""
        used = {blob.path for blob in _blobs(after)}
        self.store.remove(blob for blob in _blobs(before) if blob.path not in used)

    def _adopt_object(self, where: str, bucket: Bucket, entry: StoredObject) -> None:
        entry.storage_class = entry.storage_class or bucket.storage_class
        entry.last_modified = entry.last_modified or Instant(self._world.clock.now())
        if entry.blobs is None:
            entry.blobs = self._content(where, entry)
        elif any(blob.path and not os.path.exists(blob.path) for blob in entry.blobs):
            raise DocumentError(f"{where}.blobs: the data is not there any more")
        entry.file = entry.text = entry.base64 = None
        entry.size = sum(blob.size for blob in entry.blobs)

    def _content(self, where: str, entry: StoredObject) -> list[Blob]:
        """Content given in one of the forms of a world document; the checksums are filled in."""
        if entry.file is not None:
            return [self._file(where, entry)]
        if entry.text is None and entry.base64 is None:
            entry.crc64 = entry.crc64 or str(crc64_of_zeros(entry.size))
            entry.etag = entry.etag or f"{int(entry.crc64):016X}{entry.size:016X}"
            return [Blob("", entry.size)] if entry.size else []
        try:
            data = (
                (entry.text or "").encode() if entry.base64 is None else base64.b64decode(entry.base64, validate=True)
            )
        except binascii.Error as error:
            raise DocumentError(f"{where}.base64: {error}") from error
        digests = Digests()
        digests.update(data)
        _describe(entry, digests.etag, str(digests.crc64))
        with self.store.new() as writer:
            writer.write(memoryview(data))
            return [writer.keep()]

    def _file(self, where: str, entry: StoredObject) -> Blob:
        path = os.path.abspath(entry.file or "")
        try:
            known = os.stat(path)
            stamp = (path, known.st_size, known.st_mtime_ns)
            if stamp not in self._known_files:
                self._known_files[stamp] = _checksums(Path(path))
        except OSError as error:
            raise DocumentError(f"{where}.file: {error}") from error
        _describe(entry, *self._known_files[stamp])
        return Blob(path, known.st_size)


def _describe(entry: StoredObject, etag: str, crc64: str) -> None:
    entry.etag = entry.etag or etag
    entry.crc64 = entry.crc64 or crc64


def _checksums(path: Path) -> tuple[str, str]:
    digests = Digests()
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            digests.update(data)
    return digests.etag, str(digests.crc64)


def _blobs(state: WorldState) -> Iterable[Blob]:
    for bucket in state.buckets.values():
        for entry in bucket.objects.values():
            yield from entry.blobs or []
        for upload in bucket.uploads.values():
            for part in upload.parts.values():
                yield from part.blobs
