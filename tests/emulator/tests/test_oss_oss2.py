# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's oss2, unchanged, against a real server."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import oss2
import pytest
import requests
from apsara_emulator.default_world import BUCKET_ONE

from .oss_clients import KIB, MIB, auth_of, refused
from .serving import Served

PART = 200 * KIB


@pytest.fixture(params=[1, 4], ids=["v1", "v4"])
def bucket(emulator: Served, request: pytest.FixtureRequest) -> Any:
    return oss2.Bucket(auth_of(request.param), emulator.urls.oss, BUCKET_ONE, region="cn-hangzhou")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.bak"
    path.write_bytes(os.urandom(7 * PART + 12345))
    return path


def stored(emulator: Served, key: str) -> bytes:
    with emulator.world.oss.open(BUCKET_ONE, key) as reader:
        return reader.read()


def part_numbers(emulator: Served) -> list[int]:
    calls = emulator.world.calls.select()
    return sorted(int(one.parameters["partNumber"]) for one in calls if one.action == "UploadPart" and one.took_effect)


def test_buckets(emulator: Served, bucket: Any) -> None:
    service = oss2.Service(bucket.auth, emulator.urls.oss, region="cn-hangzhou")
    new = oss2.Bucket(bucket.auth, emulator.urls.oss, "new-bucket", region="cn-hangzhou")
    assert refused(new.get_bucket_info) == "NoSuchBucket 404"
    new.create_bucket(oss2.BUCKET_ACL_PRIVATE, oss2.models.BucketCreateConfig(oss2.BUCKET_STORAGE_CLASS_IA))
    info = new.get_bucket_info()
    assert (info.name, info.location, info.storage_class) == ("new-bucket", "oss-cn-hangzhou", "IA")
    assert (info.extranet_endpoint, info.intranet_endpoint) == (
        "oss-cn-hangzhou.aliyuncs.com",
        "oss-cn-hangzhou-internal.aliyuncs.com",
    )
    assert (info.owner.id, info.acl.grant, info.bucket_encryption_rule.sse_algorithm) == (
        "1000000000000001",
        "private",
        None,
    )
    assert new.get_bucket_location().location == "oss-cn-hangzhou"
    assert [one.name for one in oss2.BucketIterator(service)] == [BUCKET_ONE, "new-bucket"]
    new.put_object("a", b"12345")
    assert (new.get_bucket_stat().object_count, new.get_bucket_stat().storage_size_in_bytes) == (1, 5)
    assert refused(new.delete_bucket) == "BucketNotEmpty 409"
    new.delete_object("a")
    upload = new.init_multipart_upload("b").upload_id
    assert refused(new.delete_bucket) == "BucketNotEmpty 409"
    new.abort_multipart_upload("b", upload)
    new.delete_bucket()
    assert set(emulator.world.state.buckets) == {BUCKET_ONE}


def test_bucket_settings(emulator: Served, bucket: Any) -> None:
    assert refused(bucket.get_bucket_encryption) == "NoSuchServerSideEncryptionRule 404"
    rule = oss2.models.ServerSideEncryptionRule()
    rule.sse_algorithm = oss2.SERVER_SIDE_ENCRYPTION_AES256
    bucket.put_bucket_encryption(rule)
    assert bucket.get_bucket_encryption().sse_algorithm == "AES256"
    assert bucket.get_bucket_info().bucket_encryption_rule.sse_algorithm == "AES256"
    bucket.put_object("a", b"")
    assert bucket.head_object("a").headers["x-oss-server-side-encryption"] == "AES256"
    bucket.delete_bucket_encryption()
    assert emulator.world.state.buckets[BUCKET_ONE].encryption == ""
    bucket.put_bucket_acl(oss2.BUCKET_ACL_PUBLIC_READ)
    assert bucket.get_bucket_acl().acl == "public-read"
    tagging = oss2.models.Tagging(oss2.models.TaggingRule())
    tagging.tag_set.add("made by", "us & them")
    bucket.put_bucket_tagging(tagging)
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {"made by": "us & them"}
    bucket.delete_bucket_tagging()
    assert bucket.get_bucket_tagging().tag_set.tagging_rule == {}


def test_an_object(emulator: Served, bucket: Any) -> None:
    headers = {
        "x-oss-meta-guid": "0815",
        "x-oss-tagging": "a=b%20c&d=",
        "Content-Type": "text/x",
        "Cache-Control": "no",
    }
    put = bucket.put_object("dir/a", b"0123456789", headers=headers)
    head = bucket.head_object("dir/a")
    assert (head.content_length, head.etag, head.content_type) == (10, put.etag, "text/x")
    assert (head.headers["x-oss-meta-guid"], head.headers["cache-control"]) == ("0815", "no")
    assert (head.object_type, head.server_crc, head.headers["x-oss-storage-class"]) == ("Normal", put.crc, "Standard")
    assert (head.headers["x-oss-tagging-count"], head.headers["server"]) == ("2", "AliyunOSS")
    assert bucket.get_object_tagging("dir/a").tag_set.tagging_rule == {"a": "b c", "d": ""}
    assert bucket.get_object_meta("dir/a").content_length == 10
    got = bucket.get_object("dir/a")
    assert (got.read(), got.client_crc, got.server_crc) == (b"0123456789", put.crc, put.crc)
    assert bucket.object_exists("dir/a")
    assert not bucket.object_exists("dir/b")
    assert refused(lambda: bucket.get_object("dir/b")) == "NoSuchKey 404"
    with pytest.raises(oss2.exceptions.NotFound) as caught:
        bucket.head_object("dir/b")
    assert (caught.value.code, caught.value.details["Key"]) == ("NoSuchKey", "dir/b")
    bucket.delete_object("dir/a")
    bucket.delete_object("dir/a")
    assert not emulator.world.state.buckets[BUCKET_ONE].objects


@pytest.mark.parametrize(
    ("wanted", "status", "content"),
    [
        ((2, 4), 206, b"234"),
        ((7, None), 206, b"789"),
        ((None, 3), 206, b"789"),
        ((None, 99), 206, b"0123456789"),
        ((9, 9), 206, b"9"),
        ((5, 99), 200, b"0123456789"),
        ((10, 20), 200, b"0123456789"),
    ],
)
def test_ranges(bucket: Any, wanted: tuple[int | None, int | None], status: int, content: bytes) -> None:
    bucket.put_object("a", b"0123456789")
    got = bucket.get_object("a", byte_range=wanted)
    assert (got.status, got.read()) == (status, content)
    assert got.content_length == len(content)
    if status == 206:
        start = 10 - len(content) if wanted[0] is None else wanted[0]
        assert got.headers["content-range"] == f"bytes {start}-{start + len(content) - 1}/10"


def test_ranges_in_the_way_of_http(bucket: Any) -> None:
    bucket.put_object("a", b"0123456789")
    standard = {"x-oss-range-behavior": "standard"}
    assert bucket.get_object("a", byte_range=(5, 99), headers=standard).read() == b"56789"
    assert refused(lambda: bucket.get_object("a", byte_range=(10, 20), headers=standard)) == "InvalidRange 416"
    for odd in ("bytes=1-2,4-5", "bytes=5-2", "bytes=-", "lines=1-2"):
        assert bucket.get_object("a", headers={**standard, "Range": odd}).read() == b"0123456789"


def test_conditions(bucket: Any) -> None:
    etag = bucket.put_object("a", b"1").etag
    assert bucket.get_object("a", headers={"If-Match": etag}).read() == b"1"
    assert refused(lambda: bucket.get_object("a", headers={"If-Match": "other"})) == "PreconditionFailed 412"
    with pytest.raises(oss2.exceptions.NotModified):
        bucket.get_object("a", headers={"If-None-Match": etag})
    since = bucket.head_object("a").headers["Last-Modified"]
    with pytest.raises(oss2.exceptions.NotModified):
        bucket.get_object("a", headers={"If-Modified-Since": since})
    assert bucket.get_object("a", headers={"If-Unmodified-Since": since}).read() == b"1"
    once = {"x-oss-forbid-overwrite": "true"}
    assert refused(lambda: bucket.put_object("a", b"2", headers=once)) == "FileAlreadyExists 409"
    bucket.put_object("b", b"2", headers=once)


def test_copies(emulator: Served, bucket: Any) -> None:
    bucket.put_object("a ü", b"data", headers={"x-oss-meta-x": "1", "x-oss-tagging": "t=1"})
    bucket.copy_object(BUCKET_ONE, "a ü", "b")
    head = bucket.head_object("b")
    assert (head.headers["x-oss-meta-x"], head.headers["x-oss-tagging-count"]) == ("1", "1")
    # Metadata is rewritten by copying an object onto itself.
    headers = {
        "x-oss-metadata-directive": "REPLACE",
        "x-oss-meta-y": "2",
        "x-oss-tagging-directive": "Replace",
        "x-oss-tagging": "u=2",
    }
    before = head.etag
    bucket.copy_object(BUCKET_ONE, "b", "b", headers=headers)
    head = bucket.head_object("b")
    assert "x-oss-meta-x" not in head.headers
    assert (head.headers["x-oss-meta-y"], head.etag) == ("2", before)
    assert emulator.world.state.buckets[BUCKET_ONE].objects["b"].tags == {"u": "2"}
    bucket.delete_object("a ü")
    assert stored(emulator, "b") == b"data"
    assert refused(lambda: bucket.copy_object(BUCKET_ONE, "a ü", "c")) == "NoSuchKey 404"


def test_lists(bucket: Any) -> None:
    keys = sorted([f"dir/{number:03}" for number in range(25)] + ["a ü&<b>", "b/c/d", "b/e", "z+z"])
    for key in keys:
        bucket.put_object(key, b"")
    assert [one.key for one in oss2.ObjectIterator(bucket, max_keys=7)] == keys
    assert [one.key for one in oss2.ObjectIteratorV2(bucket, max_keys=7)] == keys
    for iterator in (oss2.ObjectIterator, oss2.ObjectIteratorV2):
        top = [(one.key, one.is_prefix()) for one in iterator(bucket, delimiter="/", max_keys=1)]
        assert top == [("a ü&<b>", False), ("b/", True), ("dir/", True), ("z+z", False)]
        assert [one.key for one in iterator(bucket, prefix="b/", delimiter="/")] == ["b/c/", "b/e"]
    page = bucket.list_objects_v2(prefix="dir/", start_after="dir/022", fetch_owner=True)
    assert [one.key for one in page.object_list] == ["dir/023", "dir/024"]
    assert page.object_list[0].owner.id == "1000000000000001"
    quiet = bucket.batch_delete_objects(keys[:3])
    assert quiet.deleted_keys == keys[:3]
    assert [one.key for one in oss2.ObjectIterator(bucket)] == keys[3:]


def test_resumable_upload(emulator: Served, bucket: Any, source: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    store = oss2.ResumableStore(root=str(tmp_path))
    result = oss2.resumable_upload(
        bucket,
        "dir/full.bak",
        str(source),
        store=store,
        headers={"x-oss-meta-guid": "1", "x-oss-tagging": "a=b"},
        multipart_threshold=PART,
        part_size=PART,
        num_threads=3,
        progress_callback=lambda done, _total: seen.append(done),
    )
    data = source.read_bytes()
    assert stored(emulator, "dir/full.bak") == data
    assert max(seen) == len(data)
    assert part_numbers(emulator) == list(range(1, 9))
    head = bucket.head_object("dir/full.bak")
    assert (head.server_crc, head.object_type, head.headers["x-oss-meta-guid"]) == (result.crc, "Multipart", "1")
    check = oss2.utils.Crc64()
    check.update(data)
    assert head.server_crc == check.crc
    target = tmp_path / "down.bak"
    oss2.resumable_download(
        bucket, "dir/full.bak", str(target), multiget_threshold=PART, part_size=PART, num_threads=3, store=store
    )
    assert target.read_bytes() == data
    assert not list(oss2.MultipartUploadIterator(bucket))


def test_resume_after_an_interruption(emulator: Served, bucket: Any, source: Path, tmp_path: Path) -> None:
    emulator.world.faults.add({"kind": "close_before", "service": "oss", "action": "UploadPart", "after": 4})

    def upload() -> None:
        store = oss2.ResumableStore(root=str(tmp_path))
        oss2.resumable_upload(bucket, "a", str(source), store=store, multipart_threshold=PART, part_size=PART)

    with pytest.raises(oss2.exceptions.RequestError):
        upload()
    (left,) = oss2.MultipartUploadIterator(bucket)
    assert [one.part_number for one in oss2.PartIterator(bucket, "a", left.upload_id, max_parts=3)] == [1, 2, 3, 4]
    emulator.world.faults.replace([])
    upload()
    assert stored(emulator, "a") == source.read_bytes()
    assert part_numbers(emulator) == list(range(1, 9)), "no part is sent twice"
    assert len(emulator.world.calls.select()) > 0
    assert not emulator.world.state.buckets[BUCKET_ONE].uploads


def test_an_upload_that_was_aborted_meanwhile(emulator: Served, bucket: Any, source: Path) -> None:
    upload_id = bucket.init_multipart_upload("a").upload_id
    bucket.upload_part("a", upload_id, 1, b"x")
    bucket.abort_multipart_upload("a", upload_id)
    for attempt in (
        lambda: bucket.upload_part("a", upload_id, 1, b"x"),
        lambda: bucket.list_parts("a", upload_id),
        lambda: bucket.abort_multipart_upload("a", upload_id),
        lambda: bucket.complete_multipart_upload("a", upload_id, [oss2.models.PartInfo(1, "x")]),
    ):
        assert refused(attempt) == "NoSuchUpload 404"
    assert not os.listdir(emulator.world.oss.store.folder)


def test_copied_parts(emulator: Served, bucket: Any) -> None:
    data = os.urandom(3 * PART)
    bucket.put_object("a", data)
    upload_id = bucket.init_multipart_upload("b").upload_id
    parts = []
    for number, start in enumerate(range(0, len(data), PART), 1):
        etag = bucket.upload_part_copy(BUCKET_ONE, "a", (start, start + PART - 1), "b", upload_id, number).etag
        parts.append(oss2.models.PartInfo(number, etag))
    bucket.complete_multipart_upload("b", upload_id, parts)
    assert stored(emulator, "b") == data


def test_uploads_are_listed_in_pages(bucket: Any) -> None:
    made = {bucket.init_multipart_upload(key).upload_id for key in ("a/1", "a/1", "a/2", "b", "b", "b", "c/ü")}
    listed = list(oss2.MultipartUploadIterator(bucket, max_uploads=2))
    assert {one.upload_id for one in listed} == made
    assert [one.key for one in listed] == ["a/1", "a/1", "a/2", "b", "b", "b", "c/ü"]
    assert [one.key for one in oss2.MultipartUploadIterator(bucket, prefix="a/")] == ["a/1", "a/1", "a/2"]
    top = bucket.list_multipart_uploads(delimiter="/")
    assert ([one.key for one in top.upload_list], top.prefix_list) == (["b", "b", "b"], ["a/", "c/"])


def test_signed_urls(bucket: Any) -> None:
    url = bucket.sign_url("PUT", "dir/a ü", 60, slash_safe=True, headers={"x-oss-meta-a": "1"})
    assert requests.put(url, data=b"data", headers={"x-oss-meta-a": "1"}, timeout=5).status_code == 200
    assert requests.put(url, data=b"data", timeout=5).status_code == 403
    got = requests.get(bucket.sign_url("GET", "dir/a ü", 60, params={"x-oss-traffic-limit": "819200"}), timeout=5)
    assert (got.content, got.headers["x-oss-meta-a"]) == (b"data", "1")
    ranged = requests.get(bucket.sign_url("GET", "dir/a ü", 60), headers={"Range": "bytes=1-2"}, timeout=5)
    assert (ranged.status_code, ranged.content) == (206, b"at")


def test_streams_of_unknown_length(emulator: Served, bucket: Any) -> None:
    pieces = [os.urandom(70_000) for _number in range(5)]
    bucket.put_object("a", iter(pieces))
    assert stored(emulator, "a") == b"".join(pieces)


def test_many_at_once(emulator: Served, bucket: Any) -> None:
    data = {f"{number}": os.urandom(MIB + number) for number in range(12)}
    threads = [threading.Thread(target=bucket.put_object, args=item) for item in data.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key: stored(emulator, key) for key in data} == data


def test_over_tls(tls_server: Served) -> None:
    emulator = tls_server.fresh()
    assert emulator.urls.oss.startswith("https://127.0.0.1:")
    bucket = oss2.Bucket(auth_of(4), emulator.urls.oss, BUCKET_ONE, region="cn-hangzhou")
    data = os.urandom(MIB)
    bucket.session.session.trust_env = False  # a CA of the environment would come first
    bucket.session.session.verify = emulator.urls.ca_path
    bucket.put_object("a", data)
    assert bucket.get_object("a").read() == data
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(emulator.urls.oss, timeout=5)
