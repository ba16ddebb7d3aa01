# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of OSS: names, owners, regions, sizes, orders, integrity; in process, past any network."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterator
from typing import Any

import oss2
import pytest
from apsara_emulator import VARIANTS, DocumentError, ManualClock, World
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, BUCKET_ONE
from apsara_emulator.oss.checksums import combined, crc64_of_zeros
from fastcrc import crc64
from hypothesis import given
from hypothesis import strategies as st

from .oss_clients import ENDPOINT, KIB, InProcess, refused

PART = 100 * KIB


@pytest.fixture
def bench() -> InProcess:
    return InProcess()


def parts_of(bucket: Any, key: str, *sizes: int) -> tuple[str, list[Any]]:
    upload_id = bucket.init_multipart_upload(key).upload_id
    parts = []
    for number, size in enumerate(sizes, 1):
        etag = bucket.upload_part(key, upload_id, number, os.urandom(size)).etag
        parts.append(oss2.models.PartInfo(number, etag))
    return upload_id, parts


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_checksums_of_pieces(first: bytes, second: bytes) -> None:
    assert combined(crc64.xz(first), crc64.xz(second), len(second)) == crc64.xz(first + second)
    assert crc64_of_zeros(len(first)) == crc64.xz(bytes(len(first)))


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Abc", "-abc", "abc-", "a_b", "a.b"])
def test_bucket_names(bench: InProcess, name: str) -> None:
    status, body = bench.raw("PUT", name)
    assert (status, b"InvalidBucketName" in body) == (400, True)
    assert set(bench.world.state.buckets) == {BUCKET_ONE}


@pytest.mark.parametrize("again", VARIANTS["oss_own_bucket_again"].values)
def test_a_bucket_twice(again: str) -> None:
    bench = InProcess(oss_own_bucket_again=again)
    if again == "accepted":
        bench.bucket().create_bucket()
    else:
        assert refused(bench.bucket().create_bucket) == "BucketAlreadyExists 409"
    assert refused(bench.other().create_bucket) == "BucketAlreadyExists 409"
    assert bench.world.state.buckets[BUCKET_ONE].account_id == ACCOUNT_ONE


def test_somebody_elses_bucket(bench: InProcess) -> None:
    bench.bucket().put_object("a", b"1")
    other = bench.other()
    attempts: list[Callable[[], Any]] = [
        other.get_bucket_info,
        other.get_bucket_location,
        other.list_objects,
        other.delete_bucket,
        other.list_multipart_uploads,
        lambda: other.get_object("a"),
        lambda: other.put_object("a", b"2"),
        lambda: other.delete_object("a"),
        lambda: other.init_multipart_upload("a"),
        lambda: other.put_bucket_acl("private"),
        lambda: other.copy_object(BUCKET_ONE, "a", "b"),
    ]
    for attempt in attempts:
        with pytest.raises(oss2.exceptions.AccessDenied) as caught:
            attempt()
        assert caught.value.message == "The bucket you visit is not belong to you."
    assert bench.objects() == {"a": b"1"}


def test_the_public(bench: InProcess) -> None:
    bucket, nobody = bench.bucket(), bench.anonymous()
    bucket.put_object("a", b"1")
    assert refused(lambda: nobody.get_object("a")) == "AccessDenied 403"
    assert refused(lambda: bench.anonymous("no-bucket").get_object("a")) == "NoSuchBucket 404"
    bucket.put_bucket_acl("public-read")
    assert nobody.get_object("a").read() == b"1"
    assert refused(lambda: nobody.put_object("a", b"2")) == "AccessDenied 403"
    bucket.put_bucket_acl("public-read-write")
    nobody.put_object("a", b"2")
    assert refused(lambda: nobody.put_bucket_acl("private")) == "AccessDenied 403"
    assert bench.objects() == {"a": b"2"}


@pytest.mark.parametrize("how", ["host", "path style host", "scope"])
def test_endpoint_of_another_region(bench: InProcess, how: str) -> None:
    if how == "scope":
        bucket = bench.bucket(version=4, region="cn-shanghai")
    else:
        bucket = bench.bucket(endpoint="http://oss-cn-shanghai-internal.aliyuncs.com", is_path_style=how != "host")
    for attempt in (bucket.get_bucket_info, lambda: bucket.put_object("a", b"1"), lambda: bucket.get_object("a")):
        with pytest.raises(oss2.exceptions.AccessDenied) as caught:
            attempt()
        assert "must be addressed using the specified endpoint" in caught.value.message
        assert caught.value.details["Endpoint"] == "oss-cn-hangzhou.aliyuncs.com"
    assert not bench.objects()


@pytest.mark.parametrize("elsewhere", VARIANTS["oss_elsewhere"].values)
def test_variant_of_other_endpoints(elsewhere: str) -> None:
    bench = InProcess(oss_elsewhere=elsewhere)
    bucket = bench.bucket(endpoint="http://oss-cn-shanghai.aliyuncs.com")
    if elsewhere == "refused":
        assert refused(bucket.get_bucket_location) == "AccessDenied 403"
    else:
        assert bucket.get_bucket_location().location == "oss-cn-hangzhou"
    if elsewhere == "location_and_info":
        assert bucket.get_bucket_info().location == "oss-cn-hangzhou"
    else:
        assert refused(bucket.get_bucket_info) == "AccessDenied 403"
    assert refused(lambda: bucket.put_object("a", b"1")) == "AccessDenied 403"


@pytest.mark.parametrize("host", ["oss-cn-shanghai.aliyuncs.com", "oss-cn-shanghai-internal.aliyuncs.com"])
def test_the_endpoint_decides_where_a_bucket_is_made(bench: InProcess, host: str) -> None:
    bench.bucket("there", endpoint=f"http://{host}").create_bucket()
    bench.bucket("here").create_bucket()
    bench.bucket("scoped", version=4, region="eu-central-1").create_bucket()
    regions = {name: one.region for name, one in bench.world.state.buckets.items()}
    assert regions == {
        BUCKET_ONE: "cn-hangzhou",
        "there": "cn-shanghai",
        "here": "cn-hangzhou",
        "scoped": "eu-central-1",
    }


@pytest.mark.parametrize("code", VARIANTS["oss_wrong_location"].values)
def test_a_location_that_is_not_the_endpoints(code: str) -> None:
    bench = InProcess(oss_wrong_location=code)
    location = "<LocationConstraint>oss-cn-beijing</LocationConstraint>"
    document = f"<CreateBucketConfiguration>{location}</CreateBucketConfiguration>".encode()
    status, body = bench.raw("PUT", "signed-for-hangzhou", data=document, version=4)
    assert (status, code.partition(" ")[0].encode() in body) == (int(code.partition(" ")[2]), True)
    # Where nothing else tells the region, the document does.
    assert bench.raw("PUT", "not-told", data=document)[0] == 200
    assert {one.region for one in bench.world.state.buckets.values()} == {"cn-hangzhou", "cn-beijing"}


@pytest.mark.parametrize("key", ["/a", "\\a", "x" * 1024])
def test_object_names(bench: InProcess, key: str) -> None:
    bucket = bench.bucket()
    # oss2 judges names itself, and would not let these through.
    bucket.is_verify_object_strict = False
    assert refused(lambda: bucket.put_object(key, b"")) == "InvalidObjectName 400"
    assert refused(lambda: bucket.init_multipart_upload(key)) == "InvalidObjectName 400"


@pytest.mark.parametrize("number", [0, 10001, -1])
def test_part_numbers(bench: InProcess, number: int) -> None:
    bucket = bench.bucket()
    upload_id = bucket.init_multipart_upload("a").upload_id
    with pytest.raises(oss2.exceptions.InvalidArgument) as caught:
        bucket.upload_part("a", upload_id, number, b"x")
    assert caught.value.name == "partNumber"
    bucket.upload_part("a", upload_id, 10000, b"x")


def test_parts_that_do_not_fit(bench: InProcess) -> None:
    bucket = bench.bucket()
    upload_id, parts = parts_of(bucket, "a", PART - 1, PART, 1)

    def complete(*chosen: Any) -> str:
        return refused(lambda: bucket.complete_multipart_upload("a", upload_id, list(chosen)))

    wrong = oss2.models.PartInfo(2, "0" * 32)
    assert complete(*parts) == "EntityTooSmall 400"
    # oss2 sorts them.
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{parts[n - 1].etag}</ETag></Part>" for n in (3, 2))
    document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
    status, body = bench.raw("POST", BUCKET_ONE, "a", {"uploadId": upload_id}, document)
    assert (status, b"InvalidPartOrder" in body) == (400, True)
    assert complete(parts[1], parts[1]) == "InvalidPartOrder 400"
    assert complete(wrong, parts[2]) == "InvalidPart 400"
    assert complete(parts[1], oss2.models.PartInfo(7, parts[1].etag)) == "InvalidPart 400"
    assert complete() == "MalformedXML 400"
    assert refused(lambda: bucket.upload_part("b", upload_id, 1, b"x")) == "NoSuchUpload 404"
    assert not bench.objects()
    bucket.complete_multipart_upload("a", upload_id, parts[1:])
    assert len(bench.objects()["a"]) == PART + 1
    assert complete(*parts[1:]) == "NoSuchUpload 404"
    assert len(os.listdir(bench.world.oss.store.folder)) == 2, "the part that was left out is gone"


def test_a_part_sent_again_replaces_the_first(bench: InProcess) -> None:
    bucket = bench.bucket()
    upload_id, parts = parts_of(bucket, "a", PART, 5)
    bucket.upload_part("a", upload_id, 2, b"second")
    assert refused(lambda: bucket.complete_multipart_upload("a", upload_id, parts)) == "InvalidPart 400"
    result = bucket.complete_multipart_upload("a", upload_id, None, headers={"x-oss-complete-all": "yes"})
    data = bench.objects()["a"]
    assert data.endswith(b"second")
    assert (len(data), result.crc) == (PART + 6, crc64.xz(data))


def test_forbidden_overwrites_of_uploads(bench: InProcess) -> None:
    bucket, once = bench.bucket(), {"x-oss-forbid-overwrite": "true"}
    upload_id, parts = parts_of(bucket, "a", 5)
    bucket.put_object("a", b"1")
    assert refused(lambda: bucket.init_multipart_upload("a", headers=once)) == "FileAlreadyExists 409"
    assert (
        refused(lambda: bucket.complete_multipart_upload("a", upload_id, parts, headers=once))
        == "FileAlreadyExists 409"
    )
    assert bench.objects() == {"a": b"1"}


def meanwhile(happens: Callable[[], Any]) -> Iterator[bytes]:
    """A body, in the middle of which something happens."""
    yield b"first half"
    happens()
    yield b"second half"


def test_what_happens_while_data_is_coming(bench: InProcess) -> None:
    bucket, sender, once = bench.bucket(), bench.bucket(), {"x-oss-forbid-overwrite": "true"}
    body = meanwhile(lambda: bucket.put_object("a", b"1"))
    assert refused(lambda: sender.put_object("a", body, headers=once)) == "FileAlreadyExists 409"
    upload_id = bucket.init_multipart_upload("b").upload_id
    body = meanwhile(lambda: bucket.abort_multipart_upload("b", upload_id))
    assert refused(lambda: sender.upload_part("b", upload_id, 1, body)) == "NoSuchUpload 404"
    sender.put_object("c", meanwhile(lambda: bench.world.merge({"variants": {"oss_part_etag": "opaque"}})))
    assert bench.objects() == {"a": b"1", "c": b"first halfsecond half"}
    for key in ("a", "c"):
        bucket.delete_object(key)
    assert not os.listdir(bench.world.oss.store.folder)
    assert refused(lambda: sender.put_object("d", meanwhile(bucket.delete_bucket))) == "NoSuchBucket 404"
    assert not os.listdir(bench.world.oss.store.folder)


def test_reading_what_is_deleted_or_replaced_meanwhile(bench: InProcess) -> None:
    bucket = bench.bucket()
    upload_id, parts = parts_of(bucket, "a", PART, PART, 1)
    bucket.complete_multipart_upload("a", upload_id, parts)
    data = bench.objects()["a"]
    got = bucket.get_object("a")
    beginning = got.read(10)
    bucket.put_object("a", b"new")
    bucket.delete_object("a")
    assert beginning + got.read() == data
    got.resp.response.close()
    assert not os.listdir(bench.world.oss.store.folder)


def test_content_md5(bench: InProcess) -> None:
    bucket = bench.bucket()
    right = base64.b64encode(hashlib.md5(b"data").digest()).decode()
    bucket.put_object("a", b"data", headers={"Content-MD5": right})
    for wrong in (base64.b64encode(hashlib.md5(b"other").digest()).decode(), "nonsense"):
        with pytest.raises(oss2.exceptions.InvalidDigest):
            bucket.put_object("a", b"DATA", headers={"Content-MD5": wrong})
    assert bench.objects() == {"a": b"data"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-oss-traffic-limit": "819199"}, "InvalidArgument 400"),
        ({"x-oss-traffic-limit": "838860801"}, "InvalidArgument 400"),
        ({"x-oss-traffic-limit": "fast"}, "InvalidArgument 400"),
        ({"x-oss-storage-class": "Marble"}, "InvalidArgument 400"),
        ({"x-oss-server-side-encryption": "ROT13"}, "InvalidEncryptionAlgorithmError 400"),
        ({"x-oss-tagging": "&".join(f"k{number}=v" for number in range(11))}, "InvalidTag 400"),
        ({"x-oss-tagging": f"{'k' * 129}=v"}, "InvalidTag 400"),
    ],
)
def test_headers_that_are_refused(bench: InProcess, headers: dict[str, str], expected: str) -> None:
    assert refused(lambda: bench.bucket().put_object("a", b"1", headers=headers)) == expected
    assert not bench.objects()


def test_too_large(bench: InProcess) -> None:
    from apsara_emulator.oss.messages import OssRequest

    bucket = bench.bucket()
    url = bucket.sign_url("PUT", "a", 60)
    request = OssRequest("PUT", url.removeprefix(ENDPOINT), {"host": "oss.test"}, length=5 * 1024**3 + 1)
    answer: Any = bench.service.handle(request)
    assert (answer.status, b"EntityTooLarge" in answer.body) == (400, True)


def test_archived_objects(bench: InProcess) -> None:
    bucket = bench.bucket()
    bucket.put_object("a", b"1", headers={"x-oss-storage-class": "Archive"})
    assert bucket.head_object("a").headers["x-oss-storage-class"] == "Archive"
    assert refused(lambda: bucket.get_object("a")) == "InvalidObjectState 403"


def test_what_is_not_implemented_is_not_taken_for_something_else(bench: InProcess) -> None:
    bucket = bench.bucket()
    bucket.put_object("a", b"1")
    for attempt in (bucket.get_bucket_lifecycle, bucket.get_bucket_website, lambda: bucket.append_object("a", 1, b"2")):
        assert refused(attempt) == "NotImplemented 400"
    assert bench.objects() == {"a": b"1"}


def test_malformed_documents(bench: InProcess) -> None:
    for content in (b"", b"<", b"<Other/>", b"<Delete></Delete>", b"<Delete><Object/></Delete>", b"\xff\xfe"):
        status, body = bench.raw("POST", BUCKET_ONE, params={"delete": ""}, data=content)
        assert (status, b"MalformedXML" in body) == (400, True), content


def test_variants_of_etags() -> None:
    bucket = InProcess(oss_part_etag="opaque", oss_multipart_etag="plain").bucket()
    assert bucket.put_object("a", b"data").etag != hashlib.md5(b"data").hexdigest().upper()
    upload_id, parts = parts_of(bucket, "b", PART, 1)
    assert len(bucket.complete_multipart_upload("b", upload_id, parts).etag) == 32
    counted = InProcess().bucket()
    assert counted.put_object("a", b"data").etag == hashlib.md5(b"data").hexdigest().upper()
    upload_id, parts = parts_of(counted, "b", PART, 1)
    assert counted.complete_multipart_upload("b", upload_id, parts).etag.endswith("-2")


@pytest.mark.parametrize("outside", VARIANTS["oss_range_outside"].values)
@pytest.mark.parametrize("beyond", VARIANTS["oss_range_beyond_end"].values)
def test_variants_of_ranges(outside: str, beyond: str) -> None:
    bucket = InProcess(oss_range_outside=outside, oss_range_beyond_end=beyond).bucket()
    bucket.put_object("a", b"0123456789")
    assert bucket.get_object("a", byte_range=(5, 10)).read() == (b"0123456789" if beyond == "whole" else b"56789")
    if outside == "whole":
        assert bucket.get_object("a", byte_range=(10, 11)).read() == b"0123456789"
    else:
        assert refused(lambda: bucket.get_object("a", byte_range=(10, 11))) == "InvalidRange 416"


def test_variant_of_error_numbers() -> None:
    for variant, present in (("present", True), ("missing", False)):
        bucket = InProcess(oss_error_number=variant).bucket()
        with pytest.raises(oss2.exceptions.NoSuchKey) as caught:
            bucket.get_object("a")
        assert bool(caught.value.ec) == present == ("x-oss-ec" in caught.value.headers)


def test_objects_of_a_world_document(tmp_path: Any) -> None:
    path = tmp_path / "full.bak"
    path.write_bytes(b"from a file")
    objects = {
        "file": {"file": str(path), "tags": {"a": "b"}, "meta": {"guid": "1"}},
        "text": {"text": "ü"},
        "base64": {"base64": "AAEC"},
        "zeros": {"size": 3_000_000_000_000},
    }
    bucket = {"account_id": ACCOUNT_TWO, "region": "eu-central-1", "encryption": "KMS", "objects": objects}
    bench = InProcess({"buckets": {"theirs": bucket}})
    theirs = bench.other("theirs")
    assert theirs.get_object("file").read() == b"from a file"
    assert theirs.head_object("file").headers["x-oss-meta-guid"] == "1"
    assert theirs.get_object("text").read() == "ü".encode()
    assert theirs.get_object("base64").read() == b"\0\1\2"
    assert theirs.head_object("zeros").content_length == 3_000_000_000_000
    assert theirs.get_object("zeros", byte_range=(10**12, 10**12 + 9)).read() == bytes(10)
    with bench.world.oss.open("theirs", "file") as reader:
        assert (reader.size, reader.attributes.tags, reader.read_at(5, 100)) == (11, {"a": "b"}, b"a file")
        assert (reader.seek(-4, 2), reader.read(2), reader.tell()) == (7, b"fi", 9)
        theirs.delete_object("file")
        assert reader.read_at(0, 4) == b"from"
    assert path.exists()
    assert bench.world.oss.bucket("theirs") is bench.world.state.buckets["theirs"]


def test_worlds_keep_their_objects(bench: InProcess) -> None:
    bench.bucket().put_object("a", b"1", headers={"x-oss-meta-x": "y"})
    upload_id, parts = parts_of(bench.bucket(), "b", PART)
    bench.world.merge({"instances": {"rm-bp1sqltarget00001": {"status": "Rebooting"}}})
    bench.bucket().complete_multipart_upload("b", upload_id, parts)
    assert bench.bucket().head_object("a").headers["x-oss-meta-x"] == "y"
    again = World(bench.world.to_document(), ManualClock())
    with again.oss.open(BUCKET_ONE, "a") as reader:
        assert reader.read() == b"1"
    shown = bench.world.to_document()["buckets"][BUCKET_ONE]["objects"]
    assert (shown["a"]["size"], shown["b"]["size"]) == (1, PART)
    bench.world.merge({"buckets": {BUCKET_ONE: {"objects": {"b": None}}}})
    assert bench.objects() == {"a": b"1"}
    bench.world.reset()
    assert bench.objects() == {}
    assert not os.listdir(bench.world.oss.store.folder)


@pytest.mark.parametrize(
    "bucket",
    [
        {"account_id": "none"},
        {"account_id": ACCOUNT_ONE, "storage_class": "Marble"},
        {"account_id": ACCOUNT_ONE, "acl": "open"},
        {"account_id": ACCOUNT_ONE, "name": "other"},
        {"account_id": ACCOUNT_ONE, "objects": {"a": {"file": "/nonexistent"}}},
        {"account_id": ACCOUNT_ONE, "objects": {"a": {"base64": "?"}}},
        {"account_id": ACCOUNT_ONE, "colour": "red"},
    ],
)
def test_worlds_that_cannot_be_understood(bench: InProcess, bucket: dict[str, Any]) -> None:
    with pytest.raises(DocumentError, match=r"world\.buckets\.new"):
        bench.world.merge({"buckets": {"new": bucket}})
    assert set(bench.world.state.buckets) == {BUCKET_ONE}


def test_data_can_be_discarded() -> None:
    """For measurements: the checksums are right, what is read is zeros."""
    bench = InProcess()
    bench.world.oss.store.discard = True
    bucket = bench.bucket()
    assert bucket.put_object("a", b"data").crc == crc64.xz(b"data")
    assert bench.objects() == {"a": bytes(4)}
    assert bench.world.oss.put(BUCKET_ONE, "b", b"12", meta={"x": "y"}).size == 2
    assert bucket.head_object("b").headers["x-oss-meta-x"] == "y"


def test_data_that_is_gone_is_told_of(bench: InProcess) -> None:
    bench.bucket().put_object("a", b"1")
    document = bench.world.to_document()
    bench.bucket().delete_object("a")
    with pytest.raises(DocumentError, match=r"objects\.a\.blobs"):
        bench.world.reset(document)


def test_the_call_log(bench: InProcess) -> None:
    bucket = bench.bucket(version=4)
    upload_id, parts = parts_of(bucket, "dir/a", PART, 7)
    bucket.complete_multipart_upload("dir/a", upload_id, parts)
    bucket.get_object("dir/a", byte_range=(0, 9)).read()
    refused(lambda: bucket.get_object("b"))
    records = bench.world.calls.select()
    assert [(one.action, one.http_status, one.mutating, one.took_effect) for one in records] == [
        ("InitiateMultipartUpload", 200, True, True),
        ("UploadPart", 200, True, True),
        ("UploadPart", 200, True, True),
        ("CompleteMultipartUpload", 200, True, True),
        ("GetObject", 206, False, False),
        ("GetObject", 404, False, False),
    ]
    part, got = records[2], records[4]
    assert (part.service, part.account_id) == ("oss", ACCOUNT_ONE)
    assert part.parameters == {
        "bucket": BUCKET_ONE,
        "key": "dir/a",
        "partNumber": "2",
        "uploadId": upload_id,
        "bytes": "7",
    }
    assert (got.parameters["range"], got.parameters["bytes"]) == ("bytes=0-9", "10")
    assert records[5].code == "NoSuchKey"
