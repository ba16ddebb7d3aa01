# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Multipart uploads: initiate, upload parts, complete, abort."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from ..documents import Instant
from ..oss_model import Bucket, StoredPart, Upload
from .attributes import attributes_of, check_key, check_traffic_limit, encryption_headers
from .call import OssCall, action, bucket_of, extranet_endpoint
from .checksums import combined
from .errors import OssError, invalid_argument, malformed_xml, no_such_upload
from .listing import Spelling
from .messages import Body, OssResponse
from .objects import check_overwrite, copy_source, iso, place
from .receiving import Received, received
from .xml_text import XML_TYPE, as_xml, parse_xml, text_of

if TYPE_CHECKING:
    from ..world import World

MAX_PARTS = 10_000
SMALLEST_PART = 100 * 1024
_RANGE = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})")


@action("InitiateMultipartUpload", mutating=True, anonymous="write")
def initiate(world: World, call: OssCall) -> OssResponse:
    check_key(call.key)
    spelling = Spelling(call.url_encoding())
    with world.lock:
        bucket = bucket_of(world, call)
        check_overwrite(call, bucket, call.key)
        upload_id = uuid4().hex.upper()
        attributes = replace(attributes_of(call, bucket), type="Multipart")
        bucket.uploads[upload_id] = Upload(call.key, Instant(world.clock.now()), attributes)
        call.took_effect = True
    content = [*spelling.note, ("Bucket", call.bucket), ("Key", spelling(call.key)), ("UploadId", upload_id)]
    headers = {"Content-Type": XML_TYPE, **encryption_headers(attributes)}
    return OssResponse(200, headers, as_xml("InitiateMultipartUploadResult", content))


def upload_of(world: World, call: OssCall) -> tuple[Bucket, Upload]:
    """The upload that is meant. OssError if there is none for this key."""
    bucket = bucket_of(world, call)
    upload_id = call.query.get("uploadId", "")
    upload = bucket.uploads.get(upload_id)
    if upload is None or upload.key != call.key:
        raise no_such_upload(upload_id)
    return bucket, upload


@action("UploadPart", mutating=True, anonymous="write")
def upload_part(world: World, call: OssCall) -> OssResponse:
    check_traffic_limit(call)
    part = _take_part(world, call, None)
    return OssResponse(200, {"ETag": f'"{part.etag}"', "x-oss-hash-crc64ecma": part.crc64})


@action("UploadPartCopy", mutating=True)
def upload_part_copy(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        upload_of(world, call)
        name, key, source = copy_source(world, call)
        wanted = _RANGE.fullmatch(call.header("x-oss-copy-source-range"))
        start, end = (int(wanted[1]), int(wanted[2]) + 1) if wanted else (0, source.size)
        if not start <= end <= source.size:
            raise invalid_argument("x-oss-copy-source-range", call.header("x-oss-copy-source-range"))
        reader = world.oss.open(name, key)
    with reader:
        reader.seek(start)
        part = _take_part(world, call, _Section(reader, end - start))
    content = [("LastModified", iso(part.last_modified)), ("ETag", f'"{part.etag}"')]
    headers = {"Content-Type": XML_TYPE, "ETag": f'"{part.etag}"', "x-oss-hash-crc64ecma": part.crc64}
    return OssResponse(200, headers, as_xml("CopyPartResult", content))


class _Section:
    """So many bytes of a body."""

    def __init__(self, source: Body, size: int) -> None:
        self._source, self._left = source, size

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._source.readinto(buffer[: min(len(buffer), self._left)]) if self._left else 0
        self._left -= count or 0
        return count or 0


def _take_part(world: World, call: OssCall, source: Body | None) -> StoredPart:
    number = call.number("partNumber", 1, MAX_PARTS, 0)
    if not number:
        raise invalid_argument("partNumber", "", "The number of the part is missing.")
    with world.lock:
        upload_of(world, call)
    with received(call, world.oss.store, world.variants, source) as data:
        return _keep_part(world, call, data, number)


def _keep_part(world: World, call: OssCall, data: Received, number: int) -> StoredPart:
    with world.lock:
        # It may have been aborted or completed meanwhile.
        _bucket, upload = upload_of(world, call)
        before = upload.parts.get(str(number))
        now = Instant(world.clock.now())
        part = StoredPart(data.blob.size, data.etag, data.crc64, now, data.blobs)
        upload.parts[str(number)] = part
        data.kept = call.took_effect = True
        world.oss.store.remove(before.blobs if before else [])
    return part


@action("AbortMultipartUpload", mutating=True, anonymous="write")
def abort(world: World, call: OssCall) -> OssResponse:
    with world.lock:
        bucket, upload = upload_of(world, call)
        del bucket.uploads[call.query["uploadId"]]
        call.took_effect = True
        for part in upload.parts.values():
            world.oss.store.remove(part.blobs)
    return OssResponse(204)


@action("CompleteMultipartUpload", mutating=True, anonymous="write")
def complete(world: World, call: OssCall) -> OssResponse:
    spelling = Spelling(call.url_encoding())
    body = call.request.document()
    with world.lock:
        bucket, upload = upload_of(world, call)
        check_overwrite(call, bucket, call.key)
        chosen = _chosen_parts(call, upload, body)
        _check_sizes(upload, chosen)
        parts = [upload.parts[str(number)] for number in chosen]
        crc64 = 0
        for part in parts:
            crc64 = combined(crc64, int(part.crc64), part.size)
        entry = replace(
            upload.attributes,
            size=sum(part.size for part in parts),
            crc64=str(crc64),
            etag=_etag([part.etag for part in parts], world.variants["oss_multipart_etag"]),
            blobs=[blob for part in parts for blob in part.blobs],
        )
        for number, part in upload.parts.items():
            if int(number) not in chosen:
                world.oss.store.remove(part.blobs)
        del bucket.uploads[call.query["uploadId"]]
        place(world, call, bucket, call.key, entry)
    content = [
        *spelling.note,
        ("Location", f"http://{call.bucket}.{extranet_endpoint(bucket.region)}/{spelling(call.key)}"),
        ("Bucket", call.bucket),
        ("Key", spelling(call.key)),
        ("ETag", f'"{entry.etag}"'),
    ]
    headers = {"Content-Type": XML_TYPE, "ETag": f'"{entry.etag}"', "x-oss-hash-crc64ecma": entry.crc64}
    return OssResponse(200, {**headers, **encryption_headers(entry)}, as_xml("CompleteMultipartUploadResult", content))


def _chosen_parts(call: OssCall, upload: Upload, body: bytes) -> list[int]:
    """The numbers of the parts to put together, in order. OssError if the list does not fit what was uploaded."""
    if call.header("x-oss-complete-all").lower() == "yes":
        if body:
            raise invalid_argument("x-oss-complete-all", "yes", "A list of parts may not be given as well.")
        chosen = sorted(int(number) for number in upload.parts)
        if not chosen:
            raise OssError("InvalidPart", 400, "No part was uploaded.")
        return chosen
    document = parse_xml(body, "CompleteMultipartUpload")
    listed = [(text_of(one, "PartNumber"), text_of(one, "ETag").strip('"')) for one in document.findall("Part")]
    if not listed or not all(number.isascii() and number.isdigit() and len(number) < 9 for number, _etag in listed):
        raise malformed_xml()
    numbers = [int(number) for number, _etag in listed]
    if numbers != sorted(set(numbers)):
        raise OssError("InvalidPartOrder", 400, "The parts are not listed in ascending order.")
    for (_text, etag), number in zip(listed, numbers, strict=True):
        part = upload.parts.get(str(number))
        if part is None or part.etag.upper() != etag.upper():
            text = "A part is not there, or its ETag is another one."
            raise OssError("InvalidPart", 400, text, PartNumber=str(number), ETag=etag)
    return numbers


def _check_sizes(upload: Upload, chosen: list[int]) -> None:
    for number in chosen[:-1]:
        size = upload.parts[str(number)].size
        if size < SMALLEST_PART:
            raise OssError(
                "EntityTooSmall",
                400,
                "Every part but the last has at least 100 KB.",
                ProposedSize=str(size),
                MinSizeAllowed=str(SMALLEST_PART),
                PartNumber=str(number),
                ETag=upload.parts[str(number)].etag,
            )


def _etag(etags: list[str], form: str) -> str:
    joined = hashlib.md5("".join(etags).encode(), usedforsecurity=False).hexdigest().upper()
    return f"{joined}-{len(etags)}" if form == "counted" else joined
