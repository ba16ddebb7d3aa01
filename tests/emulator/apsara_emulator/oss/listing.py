# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listings in pages: objects, buckets, uploads, parts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..oss_model import Bucket, StoredObject, Upload
from .call import OssCall, action, bucket_of, extranet_endpoint
from .errors import invalid_argument
from .messages import OssResponse
from .xml_text import XML_TYPE, Node, as_xml

if TYPE_CHECKING:
    from ..world import World

_MOST = 1000


class Spelling:
    """How names are written in an answer: as they are, or URL-encoded. `note` says so in the XML."""

    def __init__(self, encoded: bool) -> None:
        self._encoded = encoded
        self.note: list[Node] = [("EncodingType", "url")] if encoded else []

    def __call__(self, name: str) -> str:
        return quote(name, safe="") if self._encoded else name


@dataclass
class Page:
    """A page of a listing: names, the common prefixes in between, and where the next one begins."""

    names: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""
    more: bool = False


def page_of(names: Iterable[str], prefix: str, delimiter: str, after: str, most: int) -> Page:
    """A page of the sorted `names`; a common prefix counts as one entry."""
    page = Page()
    for name in names:
        if not name.startswith(prefix):
            continue
        head, found, _rest = name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
        entry = prefix + head + found if found else name
        if entry <= after or (found and page.prefixes and page.prefixes[-1] == entry):
            continue
        if len(page.names) + len(page.prefixes) == most:
            page.more = True
            return page
        (page.prefixes if found else page.names).append(entry)
        page.last = entry
    return page


def _content(bucket: Bucket, name: str, entry: StoredObject, spelling: Spelling, owner: bool) -> Node:
    from .objects import iso

    account = bucket.account_id
    content: list[Node] = [
        ("Key", spelling(name)),
        ("LastModified", iso(entry.last_modified or 0.0)),
        ("ETag", f'"{entry.etag}"'),
        ("Type", entry.type),
        ("Size", entry.size),
        ("StorageClass", entry.storage_class),
    ]
    return "Contents", [*content, ("Owner", [("ID", account), ("DisplayName", account)])] if owner else content


@action("ListObjects", anonymous="read")
def list_objects(world: World, call: OssCall) -> OssResponse:
    spelling = Spelling(call.url_encoding())
    most = call.number("max-keys", 1, _MOST, 100)
    prefix, marker, delimiter = (call.query.get(name, "") for name in ("prefix", "marker", "delimiter"))
    with world.lock:
        bucket = bucket_of(world, call)
        page = page_of(sorted(bucket.objects), prefix, delimiter, marker, most)
        content: list[Node] = [
            *spelling.note,
            ("Name", call.bucket),
            ("Prefix", spelling(prefix)),
            ("Marker", spelling(marker)),
            ("MaxKeys", most),
            ("Delimiter", spelling(delimiter)),
            ("IsTruncated", page.more),
            *([("NextMarker", spelling(page.last))] if page.more else []),
            *(_content(bucket, name, bucket.objects[name], spelling, True) for name in page.names),
            *_prefixes(page, spelling),
        ]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("ListBucketResult", content))


@action("ListObjectsV2", anonymous="read")
def list_objects_v2(world: World, call: OssCall) -> OssResponse:
    spelling = Spelling(call.url_encoding())
    most = call.number("max-keys", 1, _MOST, 100)
    prefix, delimiter, start = (call.query.get(name, "") for name in ("prefix", "delimiter", "start-after"))
    token = call.query.get("continuation-token", "")
    with world.lock:
        bucket = bucket_of(world, call)
        page = page_of(sorted(bucket.objects), prefix, delimiter, _continued(token) if token else start, most)
        owner = call.query.get("fetch-owner", "").lower() == "true"
        content: list[Node] = [
            *spelling.note,
            ("Name", call.bucket),
            ("Prefix", spelling(prefix)),
            *([("StartAfter", spelling(start))] if start else []),
            ("MaxKeys", most),
            ("Delimiter", spelling(delimiter)),
            ("IsTruncated", page.more),
            ("KeyCount", len(page.names) + len(page.prefixes)),
            *([("ContinuationToken", spelling(token))] if token else []),
            *([("NextContinuationToken", spelling(_token(page.last)))] if page.more else []),
            *(_content(bucket, name, bucket.objects[name], spelling, owner) for name in page.names),
            *_prefixes(page, spelling),
        ]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("ListBucketResult", content))


def _prefixes(page: Page, spelling: Spelling) -> Iterator[Node]:
    return (("CommonPrefixes", [("Prefix", spelling(prefix))]) for prefix in page.prefixes)


def _token(name: str) -> str:
    return base64.b64encode(name.encode()).decode()


def _continued(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise invalid_argument("continuation-token", token) from None


@action("ListBuckets", needs_bucket=False)
def list_buckets(world: World, call: OssCall) -> OssResponse:
    most = call.number("max-keys", 1, _MOST, 100)
    prefix, marker = call.query.get("prefix", ""), call.query.get("marker", "")
    account = call.caller.account_id
    with world.lock:
        own = sorted(name for name, bucket in world.state.buckets.items() if bucket.account_id == account)
        page = page_of(own, prefix, "", marker, most)
        buckets = [_listed_bucket(world.state.buckets[name]) for name in page.names]
    content: list[Node] = [
        ("Prefix", prefix),
        ("Marker", marker),
        ("MaxKeys", most),
        ("IsTruncated", page.more),
        ("NextMarker", page.last if page.more else ""),
        ("Owner", [("ID", account), ("DisplayName", account)]),
        ("Buckets", buckets),
    ]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("ListAllMyBucketsResult", content))


def _listed_bucket(bucket: Bucket) -> Node:
    from .objects import iso

    return "Bucket", [
        ("CreationDate", iso(bucket.created or 0.0)),
        ("ExtranetEndpoint", extranet_endpoint(bucket.region)),
        ("IntranetEndpoint", extranet_endpoint(f"{bucket.region}-internal")),
        ("Location", f"oss-{bucket.region}"),
        ("Name", bucket.name),
        ("Region", bucket.region),
        ("StorageClass", bucket.storage_class),
    ]


@dataclass
class UploadPage:
    """A page of unfinished uploads; `last` is the key and the upload id after which the next one begins."""

    upload_ids: list[str] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: tuple[str, str] = ("", "")
    more: bool = False


def _page_of_uploads(
    uploads: Mapping[str, Upload], prefix: str, delimiter: str, marker: tuple[str, str], most: int
) -> UploadPage:
    """Sorted by key and upload id. A marker without an upload id stands behind every upload of its key."""
    page = UploadPage()
    for key, upload_id in sorted((upload.key, upload_id) for upload_id, upload in uploads.items()):
        if not key.startswith(prefix):
            continue
        head, found, _rest = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        entry = (prefix + head + found, "") if found else (key, upload_id)
        passed = entry <= marker if marker[1] else entry[0] <= marker[0]
        if (passed and marker[0]) or (found and page.last == entry):
            continue
        if len(page.upload_ids) + len(page.prefixes) == most:
            page.more = True
            return page
        if found:
            page.prefixes.append(entry[0])
        else:
            page.upload_ids.append(upload_id)
        page.last = entry
    return page


def _listed_upload(upload_id: str, upload: Upload, spelling: Spelling) -> Node:
    from .objects import iso

    return "Upload", [
        ("Key", spelling(upload.key)),
        ("UploadId", upload_id),
        ("Initiated", iso(upload.initiated)),
    ]


@action("ListMultipartUploads")
def list_uploads(world: World, call: OssCall) -> OssResponse:
    spelling = Spelling(call.url_encoding())
    most = call.number("max-uploads", 1, _MOST, _MOST)
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    key_marker, id_marker = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    with world.lock:
        uploads = bucket_of(world, call).uploads
        page = _page_of_uploads(uploads, prefix, delimiter, (key_marker, id_marker), most)
    content: list[Node] = [
        *spelling.note,
        ("Bucket", call.bucket),
        ("KeyMarker", spelling(key_marker)),
        ("UploadIdMarker", id_marker),
        ("NextKeyMarker", spelling(page.last[0])),
        ("NextUploadIdMarker", page.last[1]),
        ("Delimiter", spelling(delimiter)),
        ("Prefix", spelling(prefix)),
        ("MaxUploads", most),
        ("IsTruncated", page.more),
        *(_listed_upload(upload_id, uploads[upload_id], spelling) for upload_id in page.upload_ids),
        *(("CommonPrefixes", [("Prefix", spelling(one))]) for one in page.prefixes),
    ]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("ListMultipartUploadsResult", content))


@action("ListParts")
def list_parts(world: World, call: OssCall) -> OssResponse:
    from .multipart import MAX_PARTS, upload_of
    from .objects import iso

    spelling = Spelling(call.url_encoding())
    most = call.number("max-parts", 1, _MOST, _MOST)
    marker = call.number("part-number-marker", 0, MAX_PARTS, 0)
    with world.lock:
        _bucket, upload = upload_of(world, call)
        numbers = sorted(number for number in map(int, upload.parts) if number > marker)
        rows: list[Node] = []
        for number in numbers[:most]:
            part = upload.parts[str(number)]
            row: list[Node] = [
                ("PartNumber", number),
                ("LastModified", iso(part.last_modified)),
                ("ETag", f'"{part.etag}"'),
                ("Size", part.size),
            ]
            if world.variants["oss_listed_part_crc"] == "present":
                row.append(("HashCrc64ecma", part.crc64))
            rows.append(("Part", row))
        storage_class = upload.attributes.storage_class
    content: list[Node] = [
        *spelling.note,
        ("Bucket", call.bucket),
        ("Key", spelling(call.key)),
        ("UploadId", call.query["uploadId"]),
        ("StorageClass", storage_class),
        ("PartNumberMarker", marker),
        ("NextPartNumberMarker", numbers[:most][-1] if numbers else marker),
        ("MaxParts", most),
        ("IsTruncated", len(numbers) > most),
        *rows,
    ]
    return OssResponse(200, {"Content-Type": XML_TYPE}, as_xml("ListPartsResult", content))
