# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Buckets and what is in them, as part of a world document (see `documents`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from .documents import Instant


@dataclass
class Blob:
    """A piece of stored data: `size` bytes of the file `path`; without a path, zeros."""

    path: str
    size: int


@dataclass
class StoredObject:
    """An object. In a world document its content is one of `file` (a path of this computer, read where it is), `text`,
    `base64`, or only `size` (so many zeros); `blobs` is where the emulator keeps it.

    `type` is Normal or Multipart. `meta` are the user's (without `x-oss-meta-`), `headers` the standard ones that are
    given back, in lower case. `crc64` is a decimal text.
    """

    size: int = 0
    etag: str = ""
    crc64: str = ""
    type: str = "Normal"
    storage_class: str = ""
    content_type: str = "application/octet-stream"
    last_modified: Instant | None = None
    meta: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    encryption: str = ""
    encryption_key_id: str = ""
    file: str | None = None
    text: str | None = None
    base64: str | None = None
    blobs: list[Blob] | None = None


@dataclass
class StoredPart:
    """A part of an unfinished upload."""

    size: int
    etag: str
    crc64: str
    last_modified: Instant
    blobs: list[Blob]


@dataclass
class Upload:
    """An unfinished multipart upload. `attributes` are those of the object to be; `parts` by number (as a text)."""

    key: str
    initiated: Instant
    attributes: StoredObject = field(default_factory=StoredObject)
    parts: dict[str, StoredPart] = field(default_factory=dict)


@dataclass
class Bucket:
    """A bucket. `encryption` is empty (none), AES256, KMS or SM4. `acl`: private, public-read, public-read-write."""

    account_id: str
    name: str = ""
    region: str = "cn-hangzhou"
    storage_class: str = "Standard"
    acl: str = "private"
    encryption: str = ""
    encryption_key_id: str = ""
    redundancy: str = "LRS"
    tags: dict[str, str] = field(default_factory=dict)
    created: Instant | None = None
    objects: dict[str, StoredObject] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
