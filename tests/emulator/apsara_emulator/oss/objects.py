# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single objects: put, get, head, copy, delete, tags."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ..documents import Instant
from ..oss_model import Bucket, StoredObject
from ..permissions.enforcement import require_for_keys
from .attributes import (
    attributes_of,
    check_conditions,
    check_key,
    check_traffic_limit,
    checked_tags,
    encryption_headers,
    object_headers,
    tags_of_header,
    without_content,
)
from .call import OssCall, action, bucket_of
from .errors import OssError, invalid_argument, malformed_xml, no_such_bucket, no_such_key
from .identity import http_date
from .messages import OssResponse
from .ranges import wanted_range
from .receiving import received
from .xml_text import XML_TYPE, as_xml, parse_xml, text_of

if TYPE_CHECKING:
    from ..world import World

_RESPONSE_HEADERS = {
    "response-cache-control": "Cache-Control",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-content-type": "Content-Type",
    "response-expires": "Expires",
}
_MAX_DELETED = 1000


@action("PutObject", mutating=True, anonymous="write")
def put_object(world: World, call: OssCall) -> OssResponse:
    check_key(call.key)
    check_traffic_limit(call)
    with world.lock:
        bucket = bucket_of(world, call)
        entry = attributes_of(call, bucket)
        check_overwrite(call, bucket, call.key)
    with received(call, world.oss.store, world.variants) as data:
        entry.etag, entry.crc64 = data.etag, data.crc64
        entry.blobs, entry.size = data.blobs, data.blob.size
        with world.lock:
            bucket = bucket_of(world, call)
            check_overwrite(call, bucket, call.key)
            place(world, call, bucket, call.key, entry)
            data.kept = True
    headers = {"ETag": f'"{entry.etag}"', "x-oss-hash-crc64ecma": entry.crc64, **encryption_headers(entry)}
    if data.md5_base64:
        headers["Content-MD5"] = data.md5_base64
    return OssResponse(200, headers)


def check_overwrite(call: OssCall, bucket: Bucket, key: str) -> None:
    """OssError FileAlreadyExists if the object is there and the call forbids to replace it."""
    if call.header("x-oss-forbid-overwrite").lower() == "true" and key in bucket.objects:
        raise OssError("FileAlreadyExists", 409, "The object exists already and may not be overwritten.", Key=key)


def place(world: World, call: OssCall, bucket: Bucket, key: str, entry: StoredObject) -> None:
    """Put an object where it belongs, in place of the one that is there. The world has to be locked."""
    entry.last_modified = Instant(world.clock.now())
    world.oss.discard(bucket.objects.get(key))
    bucket.objects[key] = entry
    call.took_effect = True


def entry_of(world: World, call: OssCall) -> StoredObject:
    """The object that is meant. OssError if there is none."""
    entry = bucket_of(world, call).objects.get(call.key)
    if entry is None:
        raise no_such_key(call.key)
    return entry


@action("GetObject", anonymous="read")
def get_object(world: World, call: OssCall) -> OssResponse:
    check_traffic_limit(call)
    with world.lock:
        entry = entry_of(world, call)
        if entry.storage_class.endswith("Archive"):
            text = "The object is archived and has to be restored before it can be read."
            raise OssError("InvalidObjectState", 403, text, ObjectName=call.key)
        check_conditions(entry, call.request.headers)
        wanted = wanted_range(call, entry.size, world.variants)
        headers = object_headers(entry)
        for name, header in _RESPONSE_HEADERS.items():
            if call.query.get(name):
                headers[header] = call.query[name]
        reader = world.oss.open(call.bucket, call.key)
    if call.damage == "corrupt_part":
        reader.damaged_at = wanted[0] if wanted else 0
    if wanted is None:
        return OssResponse(200, headers, reader=reader, length=reader.size)
    start, length = wanted
    headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{reader.size}"
    return OssResponse(206, headers, reader=reader, start=start, length=length)


@action("HeadObject", anonymous="read")
def head_object(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        entry = entry_of(world, call)
        check_conditions(entry, call.request.headers)
        return OssResponse(200, {**object_headers(entry), "Content-Length": str(entry.size)}, bodiless=True)


@action("GetObjectMeta", anonymous="read")
def get_object_meta(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        entry = entry_of(world, call)
        headers = {
            "ETag": f'"{entry.etag}"',
            "Last-Modified": http_date(entry.last_modified or 0),
            "Content-Length": str(entry.size),
            "x-oss-hash-crc64ecma": entry.crc64,
        }
        return OssResponse(200, headers, bodiless=True)


@action("DeleteObject", mutating=True, anonymous="write")
def delete_object(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        _delete(world, call, bucket_of(world, call), call.key)
    return OssResponse(204)


def _delete(world: World, call: OssCall, bucket: Bucket, key: str) -> None:
    """An object that is not there is deleted with success, too."""
    gone = bucket.objects.pop(key, None)
    world.oss.discard(gone)
    call.took_effect = call.took_effect or gone is not None


@action("DeleteMultipleObjects", mutating=True)
def delete_objects(world: World, call: OssCall) -> OssResponse:
    from .listing import Spelling

    body = call.request.document()
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    if call.header("content-md5") and call.header("content-md5") != digest:
        raise OssError("InvalidDigest", 400, "Content-MD5 is not the MD5 of the data.")
    document = parse_xml(body, "Delete")
    keys = [one.findtext("Key") or "" for one in document.findall("Object")]
    if not 1 <= len(keys) <= _MAX_DELETED or not all(keys):
        raise malformed_xml()
    require_for_keys(world, call, "oss:DeleteObject", keys)
    with world.lock:
        bucket = bucket_of(world, call)
        for key in keys:
            _delete(world, call, bucket, key)
    if text_of(document, "Quiet") == "true":
        return OssResponse(200)
    spelling = Spelling(call.url_encoding())
    deleted = [("Deleted", [("Key", spelling(key))]) for key in keys]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("DeleteResult", [*spelling.note, *deleted]))


def copy_source(world: World, call: OssCall) -> tuple[str, str, StoredObject]:
    """Bucket, key and entry that x-oss-copy-source names. The world has to be locked."""
    name, _slash, key = unquote(call.header("x-oss-copy-source")).lstrip("/").partition("/")
    key = key.partition("?versionId=")[0]
    if not name or not key:
        raise invalid_argument("x-oss-copy-source", call.header("x-oss-copy-source"))
    bucket = world.state.buckets.get(name)
    if bucket is None:
        raise no_such_bucket(name)
    if bucket.account_id != call.caller.account_id and bucket.acl == "private":
        raise OssError("AccessDenied", 403, "The bucket you visit is not belong to you.", BucketName=name)
    if key not in bucket.objects:
        raise no_such_key(key)
    check_conditions(bucket.objects[key], call.request.headers, "x-oss-copy-source-")
    return name, key, bucket.objects[key]


@action("CopyObject", mutating=True)
def copy_object(world: World, call: OssCall) -> OssResponse:
    check_key(call.key)
    with world.lock:
        bucket = bucket_of(world, call)
        check_overwrite(call, bucket, call.key)
        source_bucket, source_key, source = copy_source(world, call)
        given = attributes_of(call, bucket)
        itself = (source_bucket, source_key) == (call.bucket, call.key)
        entry = _copied_attributes(call, source, given)
        entry.size, entry.etag, entry.crc64 = source.size, source.etag, source.crc64
        # Hard links: the copy's data has a life of its own at no cost.
        entry.blobs = world.oss.store.linked(source.blobs or [])
        if itself and not call.header("x-oss-storage-class"):
            entry.storage_class = source.storage_class
        place(world, call, bucket, call.key, entry)
    content = [("ETag", f'"{entry.etag}"'), ("LastModified", iso(entry.last_modified or 0.0))]
    headers = {"Content-Type": XML_TYPE, "ETag": f'"{entry.etag}"', "x-oss-hash-crc64ecma": entry.crc64}
    return OssResponse(200, {**headers, **encryption_headers(entry)}, as_xml("CopyObjectResult", content))


def _copied_attributes(call: OssCall, source: StoredObject, given: StoredObject) -> StoredObject:
    directives = [call.header(f"x-oss-{name}-directive").upper() or "COPY" for name in ("metadata", "tagging")]
    if not set(directives) <= {"COPY", "REPLACE"}:
        raise invalid_argument("x-oss-metadata-directive", directives[0], "A directive is COPY or REPLACE.")
    entry = without_content(given)
    if directives[0] == "COPY":
        entry = replace(entry, content_type=source.content_type, meta=dict(source.meta), headers=dict(source.headers))
    replaced = tags_of_header(call.header("x-oss-tagging"))
    entry.tags = replaced if directives[1] == "REPLACE" else dict(source.tags)
    entry.type = source.type
    return entry


def iso(moment: float) -> str:
    """As in XML bodies."""
    from ..clock import utc_text

    return utc_text(moment).replace("Z", ".000Z")


@action("GetObjectTagging")
def get_tagging(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        return OssResponse(200, {"Content-Type": XML_TYPE}, tagging_xml(entry_of(world, call).tags))


@action("PutObjectTagging", mutating=True)
def put_tagging(world: World, call: OssCall) -> OssResponse:
    tags = tags_of_document(call)
    with world.lock:
        entry_of(world, call).tags = tags
        call.took_effect = True
    return OssResponse(200)


@action("DeleteObjectTagging", mutating=True)
def delete_tagging(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        entry_of(world, call).tags = {}
        call.took_effect = True
    return OssResponse(204)


def tagging_xml(tags: dict[str, str]) -> bytes:
    """Tags as a document."""
    return as_xml("Tagging", [("TagSet", [("Tag", [("Key", key), ("Value", value)]) for key, value in tags.items()])])


def tags_of_document(call: OssCall, most: int = 10) -> dict[str, str]:
    """The tags in the body of a call."""
    document = parse_xml(call.request.document(), "Tagging")
    pairs = [(one.findtext("Key") or "", one.findtext("Value") or "") for one in document.findall("TagSet/Tag")]
    if not pairs:
        raise malformed_xml()
    return checked_tags(pairs, most)
