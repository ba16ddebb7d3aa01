# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The OSS operations used, as methods that tell plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import ServiceError
from .oss_model import (
    Bucket,
    Listed,
    ObjectHead,
    StoredPart,
    Unfinished,
    bucket_of,
    default_endpoint,
    head_of,
    metadata_headers,
    part_checksums,
)
from .oss_requests import OssRequests
from .oss_session import RenewedCredentials
from .requests_library import requests

__all__ = [
    "Bucket",
    "Listed",
    "ObjectBytes",
    "ObjectHead",
    "OssClient",
    "Sent",
    "StoredPart",
    "Unfinished",
]

_PAGE = 1000
_FORBID_OVERWRITE = "x-oss-forbid-overwrite"
# Else a range that ends behind the end brings the whole object.
_AS_HTTP = {"x-oss-range-behavior": "standard"}


class Sent(NamedTuple):
    """What the service says about data that it received. crc64: None where it does not tell."""

    etag: str
    crc64: int | None
    request_id: str


class OssClient(OssRequests):
    """The operations. What each raises besides the documented: see OssRequests."""

    def answers(self, host: str, seconds: float) -> bool:
        """Whether something takes connections at another host's HTTPS port. Nothing is sent."""
        import socket

        try:
            socket.create_connection((host, 443), seconds).close()
        except OSError:
            return False
        return True

    # Buckets

    def bucket(self, name: str) -> Bucket | None:
        """None: there is no bucket of this name."""
        try:
            return bucket_of(self._read("GetBucketInfo", self._of(name).get_bucket_info))
        except ServiceError as error:
            if error.code == "NoSuchBucket":
                return None
            raise

    def owns(self, name: str) -> bool | None:
        """Whether the bucket is one of the caller's account, as its own listing tells. None: the listing is refused."""
        service = self._oss2.Service(self._auth, self.endpoint, session=self._session, region=self.region)
        try:
            listed = self._read("ListBuckets", lambda: service.list_buckets(prefix=name, max_keys=_PAGE))
        except ServiceError as error:
            if error.inconclusive:
                raise
            return None
        return any(row.name == name for row in listed.buckets)

    def create_bucket(self, name: str, *, storage_class: str = "Standard", acl: str = "private") -> None:
        config = self._oss2.models.BucketCreateConfig(storage_class)
        self._write("PutBucket", lambda: self._of(name).create_bucket(acl, config))

    def delete_bucket(self, name: str) -> None:
        self._write("DeleteBucket", self._of(name).delete_bucket)

    def bucket_tags(self, name: str) -> dict[str, str]:
        return self._tags("GetBucketTags", self._of(name).get_bucket_tagging)

    def tag_bucket(self, name: str, tags: Mapping[str, str]) -> None:
        """Replaces all tags of the bucket."""
        self._write("PutBucketTags", lambda: self._of(name).put_bucket_tagging(self._tagging(tags)), repeatable=True)

    # Objects

    def objects(self, bucket: str, prefix: str = "") -> Iterator[Listed]:
        """All objects whose key begins with prefix, in the order of their keys."""
        marker = ""
        while True:
            page = self._read("ListObjects", self._call(self._of(bucket).list_objects, prefix, "", marker, _PAGE))
            for row in page.object_list:
                yield Listed(row.key, int(row.size), row.etag or "", float(row.last_modified), row.storage_class)
            if not page.is_truncated or not page.next_marker or page.next_marker == marker:
                return
            marker = page.next_marker

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """None: there is no such object."""
        try:
            return head_of(key, self._read("HeadObject", lambda: self._of(bucket).head_object(key)))
        except ServiceError as error:
            if error.code == "NoSuchKey" or (error.http_status == 404 and error.code in ("", "http_404", "NotFound")):
                return None
            raise

    def read_range(self, bucket: str, key: str, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the object's end."""
        if length <= 0:
            return b""

        def get() -> bytes:
            answer = self._of(bucket).get_object(key, byte_range=(offset, offset + length - 1), headers=_AS_HTTP)
            data: bytes = answer.read()
            answer.close()
            if answer.status != 206 and not data:
                raise requests.ConnectionError("the object came without its bytes")
            if answer.status != 206 and (offset or len(data) > length):
                data = data[offset : offset + length]  # the whole object came
            return data

        try:
            return self._read("GetObject", get)
        except ServiceError as error:
            if error.http_status == 416:  # behind the end
                return b""
            raise

    def reader(self, bucket: str, key: str, size: int | None = None) -> ObjectBytes:
        """The object as `.size` and `.read(offset, length)`. Raises ServiceError NoSuchKey when there is none."""
        if size is None:
            found = self.head(bucket, key)
            if found is None:
                raise ServiceError(
                    f"There is no object {key} in bucket {bucket}.",
                    code="NoSuchKey",
                    action="HeadObject",
                    remedy="Correct bucket, prefix or the key.",
                )
            size = found.size
        return ObjectBytes(self, bucket, key, size)

    def put(self, bucket: str, key: str, body: Any, metadata: Mapping[str, str], *, replace: bool) -> Sent:
        """One request for the whole object. body: bytes, or something with `__len__` that can be iterated repeatedly.

        Without `replace`, an object that is there already is refused by the service (FileAlreadyExists).
        """
        headers = _object_headers(metadata, replace=replace)
        return _sent(self._write("PutObject", lambda: self._of(bucket).put_object(key, body, headers), repeatable=True))

    def delete_objects(self, bucket: str, keys: Sequence[str]) -> None:
        """Up to 1000 at a time. An object that is not there counts as deleted."""
        for start in range(0, len(keys), _PAGE):
            batch = list(keys[start : start + _PAGE])
            self._write(
                "DeleteMultipleObjects", self._call(self._of(bucket).batch_delete_objects, batch), repeatable=True
            )

    def object_tags(self, bucket: str, key: str) -> dict[str, str]:
        return self._tags("GetObjectTagging", lambda: self._of(bucket).get_object_tagging(key))

    def tag_object(self, bucket: str, key: str, tags: Mapping[str, str]) -> None:
        """Replaces all tags of the object (ten at most)."""
        tagging = self._tagging(tags)
        self._write("PutObjectTagging", lambda: self._of(bucket).put_object_tagging(key, tagging), repeatable=True)

    def signed_url(self, bucket: str, key: str, seconds: int, *, internal: bool = False) -> str:
        """A URL that reads the object for so long. It is a secret. internal: for readers inside of the region."""
        endpoint = f"https://{default_endpoint(self.region, internal=True)}" if internal else self.endpoint

        def sign(auth: Any) -> str:
            signer = self._oss2.Bucket(auth, endpoint, bucket, session=self._session, region=self.region)
            url: str = signer.sign_url("GET", key, seconds, slash_safe=True)
            return url

        try:
            return sign(self._auth)
        except self._oss2.exceptions.ClientError:
            # oss2 2.18 signs URLs in the first version only.
            return sign(self._oss2.ProviderAuth(RenewedCredentials(self._credentials)))

    # Uploads in parts

    def uploads(self, bucket: str, prefix: str = "") -> list[Unfinished]:
        """All unfinished uploads of keys that begin with prefix."""
        found: list[Unfinished] = []
        key_marker = id_marker = ""
        while True:
            list_page = self._of(bucket).list_multipart_uploads
            page = self._read("ListMultipartUploads", self._call(list_page, prefix, "", key_marker, id_marker, _PAGE))
            found += [Unfinished(u.key, u.upload_id, float(u.initiation_date)) for u in page.upload_list]
            markers = (page.next_key_marker, page.next_upload_id_marker)
            if not page.is_truncated or markers == (key_marker, id_marker):
                return found
            key_marker, id_marker = markers

    def parts(self, bucket: str, key: str, upload_id: str) -> list[StoredPart]:
        """All parts that the server holds, in order. Raises ServiceError NoSuchUpload."""
        found: list[StoredPart] = []
        marker = ""
        while True:
            page = self._read("ListParts", self._call(self._of(bucket).list_parts, key, upload_id, marker, _PAGE))
            crcs = part_checksums(getattr(page, "body", b""))
            found += [StoredPart(p.part_number, int(p.size), p.etag, crcs.get(p.part_number)) for p in page.parts]
            if not page.is_truncated or page.next_marker == marker:
                return found
            marker = page.next_marker

    def begin_upload(self, bucket: str, key: str, metadata: Mapping[str, str], *, replace: bool) -> str:
        """The id of a new upload. Not repeated after a lost answer: that would leave a second upload behind."""
        headers = _object_headers(metadata, replace=replace)
        begun = self._write("InitiateMultipartUpload", lambda: self._of(bucket).init_multipart_upload(key, headers))
        upload_id: str = begun.upload_id
        return upload_id

    def send_part(self, bucket: str, key: str, upload_id: str, number: int, body: Any, *, log: bool = False) -> Sent:
        """body as in put(). Sending a part again replaces it."""
        return _sent(
            self._write(
                "UploadPart",
                lambda: self._of(bucket).upload_part(key, upload_id, number, body),
                repeatable=True,
                log=log,
            )
        )

    def finish_upload(
        self, bucket: str, key: str, upload_id: str, parts: Iterable[tuple[int, str]], *, replace: bool
    ) -> Sent:
        """parts: number and ETag of each. Not repeated after a lost answer: head() tells what came of it."""
        rows = [self._oss2.models.PartInfo(number, etag) for number, etag in parts]
        headers = {} if replace else {_FORBID_OVERWRITE: "true"}
        finish = self._of(bucket).complete_multipart_upload
        return _sent(self._write("CompleteMultipartUpload", lambda: finish(key, upload_id, rows, headers)))

    def abort_upload(self, bucket: str, key: str, upload_id: str) -> None:
        """Removes an unfinished upload and its parts; one that is gone already is fine."""
        try:
            self._write(
                "AbortMultipartUpload",
                lambda: self._of(bucket).abort_multipart_upload(key, upload_id),
                repeatable=True,
            )
        except ServiceError as error:
            if error.code != "NoSuchUpload":
                raise

    def _tags(self, action: str, call: Callable[[], Any]) -> dict[str, str]:
        try:
            return dict(self._read(action, call).tag_set.tagging_rule)
        except ServiceError as error:
            if error.code in ("NoSuchTagSet", "NoSuchTagSetError"):
                return {}
            raise

    def _tagging(self, tags: Mapping[str, str]) -> Any:
        rule = self._oss2.models.TaggingRule()
        for name, value in tags.items():
            rule.add(name, value)
        return self._oss2.models.Tagging(rule)


class ObjectBytes:
    """An object in a bucket, to be read in pieces. size: in bytes."""

    def __init__(self, client: OssClient, bucket: str, key: str, size: int) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset`, fewer at the end. One request."""
        return self._client.read_range(self._bucket, self._key, offset, min(length, max(self.size - offset, 0)))


def _object_headers(metadata: Mapping[str, str], *, replace: bool) -> dict[str, str]:
    # Without a type, one is guessed from the key: a .bak would be rubbish to the system's table of types.
    headers = {"content-type": "application/octet-stream", **metadata_headers(metadata)}
    return headers if replace else {**headers, _FORBID_OVERWRITE: "true"}


def _sent(answer: Any) -> Sent:
    return Sent(etag=answer.etag or "", crc64=answer.crc, request_id=str(answer.request_id or ""))
