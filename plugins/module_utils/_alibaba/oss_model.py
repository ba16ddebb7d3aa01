# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What OSS tells, as plain data, and the rules for its names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

METADATA_PREFIX = "x-oss-meta-"
_BUCKET_NAME = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
_LONGEST_KEY = 1023  # bytes of UTF-8


class Bucket(NamedTuple):
    """What GetBucketInfo tells. None: not told. encryption: `` (none), AES256, KMS or SM4. owner: an account id."""

    name: str
    owner: str | None
    region: str | None
    storage_class: str | None
    acl: str | None
    encryption: str | None
    versioning: str | None
    created: str | None
    extranet_endpoint: str | None
    intranet_endpoint: str | None


class Listed(NamedTuple):
    """One row of a listing. modified: seconds since 1970."""

    key: str
    size: int
    etag: str
    modified: float
    storage_class: str | None


class ObjectHead(NamedTuple):
    """What HEAD tells of an object. metadata: the user's own, by name without its prefix, in lower case."""

    key: str
    size: int
    etag: str
    crc64: int | None
    modified: float | None
    storage_class: str | None
    metadata: Mapping[str, str] = MappingProxyType({})


class Unfinished(NamedTuple):
    """An upload that was begun and neither completed nor aborted. initiated: seconds since 1970."""

    key: str
    upload_id: str
    initiated: float


class StoredPart(NamedTuple):
    """A part that the server holds. etag: the MD5 of its bytes in hex, as far as OSS keeps to its documentation.

    crc64: None where the listing does not tell it.
    """

    number: int
    size: int
    etag: str
    crc64: int | None = None


def part_checksums(listing: bytes) -> dict[int, int]:
    """The CRC-64 of the parts in an answer of ListParts, by number, as far as it tells them."""
    if not listing:
        return {}
    rows = ElementTree.fromstring(listing).findall("Part")  # noqa: S314  # oss2 parsed the same bytes before
    told = [(row.findtext("PartNumber") or "", row.findtext("HashCrc64ecma") or "") for row in rows]
    return {int(number): int(crc) for number, crc in told if _is_number(number) and _is_number(crc)}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 20


def bucket_of(told: Any) -> Bucket:
    """From oss2's GetBucketInfoResult."""
    location = told.location or ""
    rule = told.bucket_encryption_rule
    return Bucket(
        name=told.name,
        owner=(told.owner.id if told.owner else None) or None,
        region=(location[4:] if location.startswith("oss-") else location) or None,
        storage_class=told.storage_class or None,
        acl=(told.acl.grant if told.acl else None) or None,
        encryption=(rule.sse_algorithm or "") if rule is not None else "",
        versioning=told.versioning_status or None,
        created=told.creation_date or None,
        extranet_endpoint=told.extranet_endpoint or None,
        intranet_endpoint=told.intranet_endpoint or None,
    )


def head_of(key: str, told: Any) -> ObjectHead:
    """From oss2's HeadObjectResult."""
    headers = {name.lower(): value for name, value in told.headers.items()}
    return ObjectHead(
        key=key,
        size=int(told.content_length or 0),
        etag=told.etag or "",
        crc64=told.server_crc,
        modified=told.last_modified,
        storage_class=headers.get("x-oss-storage-class"),
        metadata={
            name[len(METADATA_PREFIX) :]: unquote(value)
            for name, value in headers.items()
            if name.startswith(METADATA_PREFIX)
        },
    )


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    """Headers carry ASCII: whatever else a value holds is percent-encoded."""
    return {f"{METADATA_PREFIX}{name}": quote(value, safe=" -_.~:/+=@()") for name, value in metadata.items()}


def default_endpoint(region: str, *, internal: bool = False) -> str:
    """The host of a region's endpoint."""
    return f"oss-{region}{'-internal' if internal else ''}.aliyuncs.com"


def region_of_endpoint(endpoint: str) -> str:
    """The region that the host's name tells, empty if it tells none."""
    host = urlsplit(endpoint if "://" in endpoint else f"https://{endpoint}").hostname or ""
    found = re.fullmatch(r"oss-([a-z0-9-]+?)(-internal)?\.aliyuncs\.com", host)
    return found[1] if found else ""


def wrong_bucket_name(name: str) -> str:
    """What is wrong with a bucket's name, empty if nothing."""
    if re.fullmatch(_BUCKET_NAME, name):
        return ""
    return (
        f"{name!r} is no bucket name: 3 to 63 lower-case letters, digits and hyphens, "
        "with a letter or digit at both ends"
    )


def wrong_key(key: str) -> str:
    """What is wrong with an object's key for a migration, empty if nothing."""
    if not key or key.startswith(("/", "\\")):
        return f"{key!r} is no object key: it must not be empty or begin with a slash"
    if ":" in key:
        return f"{key!r} holds a colon, which would break the endpoint:bucket:key form that RDS takes"
    if any(part in (".", "..") for part in key.split("/")):
        return f"{key!r} has . or .. between slashes, which the way to the service resolves to another key"
    if len(key.encode("utf-8", "surrogatepass")) > _LONGEST_KEY:
        return f"{key[:60]!r}... is longer than {_LONGEST_KEY} bytes"
    if any(not c.isprintable() for c in key) or "\ufffd" in key:
        return f"{key!r} holds characters that cannot be printed"
    return ""


def folder(prefix: str) -> str:
    """The beginning of the keys in a folder: "/" is the root, which has none."""
    text = prefix.strip().lstrip("/")
    return text if not text or text.endswith("/") else text + "/"
