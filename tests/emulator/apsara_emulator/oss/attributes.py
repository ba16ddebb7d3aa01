# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes with an object: metadata, tags, storage class and encryption, from headers and back into them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

from ..oss_model import Bucket, StoredObject
from .call import OssCall
from .errors import OssError, invalid_argument
from .identity import http_date
from .library import STORAGE_CLASSES

_META = "x-oss-meta-"
_KEPT = ("cache-control", "content-disposition", "content-encoding", "content-language", "expires")
_ENCRYPTIONS = ("AES256", "KMS", "SM4")
# The limits of x-oss-traffic-limit, in bits a second.
_SLOWEST, _FASTEST = 819_200, 838_860_800
_MAX_TAGS = 10


def attributes_of(call: OssCall, bucket: Bucket) -> StoredObject:
    """The attributes that the headers of a call give to an object. OssError if one is not valid."""
    headers = call.request.headers
    encryption = headers.get("x-oss-server-side-encryption", "") or bucket.encryption
    if encryption and encryption not in _ENCRYPTIONS:
        raise OssError("InvalidEncryptionAlgorithmError", 400, "Encryption is AES256, KMS or SM4.")
    storage_class = headers.get("x-oss-storage-class", "") or bucket.storage_class
    if storage_class not in STORAGE_CLASSES:
        raise invalid_argument("x-oss-storage-class", storage_class)
    return StoredObject(
        storage_class=storage_class,
        content_type=headers.get("content-type", "") or "application/octet-stream",
        meta={name.removeprefix(_META): value for name, value in headers.items() if name.startswith(_META)},
        headers={name: headers[name] for name in _KEPT if headers.get(name)},
        tags=tags_of_header(headers.get("x-oss-tagging", "")),
        encryption=encryption,
        encryption_key_id=headers.get("x-oss-server-side-encryption-key-id", "") or bucket.encryption_key_id,
    )


def tags_of_header(text: str) -> dict[str, str]:
    """The tags in `a=1&b=2`, URL-encoded."""
    return checked_tags(parse_qsl(text, keep_blank_values=True))


def checked_tags(pairs: list[tuple[str, str]], most: int = _MAX_TAGS) -> dict[str, str]:
    """Tags by key. OssError InvalidTag if there are too many, or one is too long or comes twice."""
    tags = dict(pairs)
    if len(pairs) > most or len(tags) < len(pairs):
        raise OssError("InvalidTag", 400, f"There may be {most} tags, with different keys.")
    if any(not 1 <= len(key) <= 128 or len(value) > 256 for key, value in pairs):
        raise OssError("InvalidTag", 400, "The key of a tag has 1 to 128 characters, its value up to 256.")
    return tags


def check_key(key: str) -> None:
    """OssError InvalidObjectName unless an object may be called so."""
    if not 1 <= len(key.encode("utf-8", "surrogatepass")) <= 1023 or key[0] in "/\\":
        text = "The name of an object has 1 to 1023 bytes and begins with neither slash nor backslash."
        raise OssError("InvalidObjectName", 400, text, ObjectName=key[:1023])


def check_traffic_limit(call: OssCall) -> None:
    """OssError InvalidArgument if the call limits its speed to something impossible."""
    limit = call.header("x-oss-traffic-limit") or call.query.get("x-oss-traffic-limit", "")
    if limit and not (limit.isascii() and limit.isdigit() and _SLOWEST <= int(limit[:12]) <= _FASTEST):
        raise invalid_argument(
            "x-oss-traffic-limit", limit, f"The limit is from {_SLOWEST} to {_FASTEST} bits a second."
        )


def check_conditions(entry: StoredObject, headers: Mapping[str, str], prefix: str = "") -> None:
    """OssError PreconditionFailed or NotModified if a condition of the headers does not hold."""
    from email.utils import parsedate_to_datetime

    def moment(name: str) -> float | None:
        try:
            return parsedate_to_datetime(headers[prefix + name]).timestamp()
        except (KeyError, ValueError, TypeError):
            return None

    changed = int(entry.last_modified or 0)
    unchanged_since, changed_since = moment("if-unmodified-since"), moment("if-modified-since")
    match, none_match = headers.get(prefix + "if-match", ""), headers.get(prefix + "if-none-match", "")
    if (match and match.strip('"') not in ("*", entry.etag)) or (
        unchanged_since is not None and changed > unchanged_since
    ):
        raise OssError("PreconditionFailed", 412, "A condition of the request does not hold.")
    if (none_match and none_match.strip('"') in ("*", entry.etag)) or (
        changed_since is not None and changed <= changed_since
    ):
        error = OssError("NotModified", 304, "The object has not changed.")
        error.headers["ETag"] = f'"{entry.etag}"'
        raise error


def object_headers(entry: StoredObject) -> dict[str, str]:
    """The headers that describe an object."""
    headers = {
        "Content-Type": entry.content_type,
        "ETag": f'"{entry.etag}"',
        "Last-Modified": http_date(entry.last_modified or 0),
        "Accept-Ranges": "bytes",
        "x-oss-object-type": entry.type,
        "x-oss-hash-crc64ecma": entry.crc64,
        "x-oss-storage-class": entry.storage_class,
        **{name.title(): value for name, value in entry.headers.items()},
        **{_META + name: value for name, value in entry.meta.items()},
        **encryption_headers(entry),
    }
    if entry.tags:
        headers["x-oss-tagging-count"] = str(len(entry.tags))
    return headers


def encryption_headers(entry: StoredObject) -> dict[str, str]:
    """How the object is encrypted, if it is."""
    headers = {}
    if entry.encryption:
        headers["x-oss-server-side-encryption"] = entry.encryption
    if entry.encryption_key_id:
        headers["x-oss-server-side-encryption-key-id"] = entry.encryption_key_id
    return headers


def without_content(entry: StoredObject) -> StoredObject:
    """The attributes, not the data."""
    return replace(entry, blobs=None, size=0, etag="", crc64="")
