# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's newer OSS SDK, unchanged, against a real server."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import alibabacloud_oss_v2 as oss_v2
import pytest
import requests
from apsara_emulator.default_world import BUCKET_ONE, STS_EXPIRED, STS_ONE
from fastcrc import crc64

from .oss_clients import KIB, v2_client
from .serving import Served

PART = 200 * KIB


@pytest.fixture
def client(emulator: Served) -> Any:
    return v2_client(emulator.urls.oss)


def stored(emulator: Served, key: str) -> bytes:
    with emulator.world.oss.open(BUCKET_ONE, key) as reader:
        return reader.read()


def refusal(call: Any) -> str:
    with pytest.raises(oss_v2.exceptions.OperationError) as caught:
        call()
    error: Any = caught.value.unwrap()
    assert error.request_id
    return f"{error.code} {error.status_code}"


def test_buckets(emulator: Served, client: Any) -> None:
    configuration = oss_v2.CreateBucketConfiguration(storage_class="IA")
    client.put_bucket(oss_v2.PutBucketRequest(bucket="new-bucket", create_bucket_configuration=configuration))
    info = client.get_bucket_info(oss_v2.GetBucketInfoRequest(bucket="new-bucket")).bucket_info
    assert (info.name, info.location, info.storage_class, info.acl) == (
        "new-bucket",
        "oss-cn-hangzhou",
        "IA",
        "private",
    )
    pages = client.list_buckets_paginator(limit=1).iter_page(oss_v2.ListBucketsRequest())
    assert [one.name for page in pages for one in page.buckets] == [BUCKET_ONE, "new-bucket"]
    located = client.get_bucket_location(oss_v2.GetBucketLocationRequest(bucket="new-bucket"))
    assert located.location == "oss-cn-hangzhou"
    assert client.is_bucket_exist("new-bucket")
    assert not client.is_bucket_exist("no-bucket")
    client.delete_bucket(oss_v2.DeleteBucketRequest(bucket="new-bucket"))
    assert set(emulator.world.state.buckets) == {BUCKET_ONE}


def test_objects(emulator: Served, client: Any) -> None:
    request = oss_v2.PutObjectRequest(bucket=BUCKET_ONE, key="a ü+1", body=b"0123456789", metadata={"guid": "1"})
    put = client.put_object(request)
    assert put.hash_crc64 == str(crc64.xz(b"0123456789"))
    head = client.head_object(oss_v2.HeadObjectRequest(bucket=BUCKET_ONE, key="a ü+1"))
    assert (head.content_length, head.metadata, head.hash_crc64) == (10, {"guid": "1"}, put.hash_crc64)
    got = client.get_object(oss_v2.GetObjectRequest(bucket=BUCKET_ONE, key="a ü+1", range_header="bytes=2-4"))
    assert got.body.content == b"234"
    assert client.is_object_exist(BUCKET_ONE, "a ü+1")
    assert not client.is_object_exist(BUCKET_ONE, "b")
    copy = oss_v2.CopyObjectRequest(bucket=BUCKET_ONE, key="b", source_key="a ü+1")
    client.copy_object(copy)
    assert stored(emulator, "b") == b"0123456789"
    tags = oss_v2.Tagging(tag_set=oss_v2.TagSet(tags=[oss_v2.Tag(key="made by", value="us")]))
    client.put_object_tagging(oss_v2.PutObjectTaggingRequest(bucket=BUCKET_ONE, key="b", tagging=tags))
    assert emulator.world.state.buckets[BUCKET_ONE].objects["b"].tags == {"made by": "us"}
    paginator = client.list_objects_v2_paginator(limit=1)
    pages = list(paginator.iter_page(oss_v2.ListObjectsV2Request(bucket=BUCKET_ONE)))
    assert [one.key for page in pages for one in page.contents] == ["a ü+1", "b"]
    gone = oss_v2.DeleteMultipleObjectsRequest(
        bucket=BUCKET_ONE, objects=[oss_v2.DeleteObject(key="a ü+1"), oss_v2.DeleteObject(key="b")]
    )
    assert [one.key for one in client.delete_multiple_objects(gone).deleted_objects] == ["a ü+1", "b"]
    missing = oss_v2.HeadObjectRequest(bucket=BUCKET_ONE, key="b")
    assert refusal(lambda: client.head_object(missing)) == "NoSuchKey 404"


@pytest.mark.parametrize("key", [STS_ONE, STS_EXPIRED], ids=["valid", "expired"])
def test_tokens(emulator: Served, key: tuple[str, ...]) -> None:
    client = v2_client(emulator.urls.oss, key)
    request = oss_v2.ListObjectsV2Request(bucket=BUCKET_ONE)
    if key is STS_ONE:
        assert client.list_objects_v2(request).status_code == 200
    else:
        assert refusal(lambda: client.list_objects_v2(request)) == "SecurityTokenExpired 403"


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_presigned_urls(emulator: Served, version: str) -> None:
    client = v2_client(emulator.urls.oss, signature_version=version)
    put = client.presign(oss_v2.PutObjectRequest(bucket=BUCKET_ONE, key="dir/a ü"), expires=dt.timedelta(minutes=5))
    assert requests.request(put.method, put.url, headers=put.signed_headers, data=b"data", timeout=5).status_code == 200
    get = client.presign(oss_v2.GetObjectRequest(bucket=BUCKET_ONE, key="dir/a ü"), expires=dt.timedelta(minutes=5))
    assert requests.get(get.url, timeout=5).content == b"data"
    assert requests.get(f"{get.url}0", timeout=5).status_code == 403


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_either_signature(emulator: Served, version: str) -> None:
    client = v2_client(emulator.urls.oss, STS_ONE, signature_version=version)
    client.put_object(oss_v2.PutObjectRequest(bucket=BUCKET_ONE, key="a", body=b"1"))
    assert client.get_bucket_acl(oss_v2.GetBucketAclRequest(bucket=BUCKET_ONE)).acl == "private"
    assert stored(emulator, "a") == b"1"


def test_uploader_and_downloader(emulator: Served, client: Any, tmp_path: Path) -> None:
    data = os.urandom(7 * PART + 999)
    source = tmp_path / "source.bak"
    source.write_bytes(data)
    uploader = client.uploader(part_size=PART, parallel_num=3)
    request = oss_v2.PutObjectRequest(bucket=BUCKET_ONE, key="full.bak", metadata={"guid": "1"})
    result = uploader.upload_file(request, str(source))
    assert (result.hash_crc64, stored(emulator, "full.bak")) == (str(crc64.xz(data)), data)
    target = tmp_path / "target.bak"
    downloader = client.downloader(part_size=PART, parallel_num=3)
    downloader.download_file(oss_v2.GetObjectRequest(bucket=BUCKET_ONE, key="full.bak"), str(target))
    assert target.read_bytes() == data


@pytest.mark.parametrize("listed_crc", ["present", "missing"])
def test_checkpoint(emulator: Served, client: Any, tmp_path: Path, listed_crc: str) -> None:
    emulator.world.merge({"variants": {"oss_listed_part_crc": listed_crc}})
    data = os.urandom(6 * PART + 1)
    source = tmp_path / "source.bak"
    source.write_bytes(data)
    # Without the slash it would use the folder above.
    uploader = client.uploader(part_size=PART, parallel_num=1, enable_checkpoint=True, checkpoint_dir=f"{tmp_path}/")
    request = oss_v2.PutObjectRequest(bucket=BUCKET_ONE, key="full.bak")
    emulator.world.faults.add({"kind": "http_500", "service": "oss", "action": "UploadPart", "after": 3, "times": 1})
    with pytest.raises(oss_v2.exceptions.BaseError):
        uploader.upload_file(request, str(source))
    assert list(tmp_path.glob("*.ucp"))
    if listed_crc == "missing":
        with pytest.raises(oss_v2.exceptions.BaseError, match="crc"):
            uploader.upload_file(request, str(source))
    else:
        uploader.upload_file(request, str(source))
    assert stored(emulator, "full.bak") == data
    sent = [
        one.parameters["partNumber"]
        for one in emulator.world.calls.select()
        if one.action == "UploadPart" and one.took_effect
    ]
    assert sent == [str(number) for number in range(1, 8)]


def test_parts_and_uploads_in_pages(emulator: Served, client: Any) -> None:
    request = oss_v2.InitiateMultipartUploadRequest(bucket=BUCKET_ONE, key="a")
    upload_id = client.initiate_multipart_upload(request).upload_id
    data = [os.urandom(PART + number) for number in range(5)]
    for number, one in enumerate(data, 1):
        part = oss_v2.UploadPartRequest(bucket=BUCKET_ONE, key="a", part_number=number, upload_id=upload_id, body=one)
        client.upload_part(part)
    listing = oss_v2.ListPartsRequest(bucket=BUCKET_ONE, key="a", upload_id=upload_id)
    parts = [one for page in client.list_parts_paginator(limit=2).iter_page(listing) for one in page.parts]
    assert [(one.part_number, one.size, one.hash_crc64) for one in parts] == [
        (number, len(one), str(crc64.xz(one))) for number, one in enumerate(data, 1)
    ]
    pages = client.list_multipart_uploads_paginator(limit=1).iter_page(
        oss_v2.ListMultipartUploadsRequest(bucket=BUCKET_ONE)
    )
    assert [one.upload_id for page in pages for one in page.uploads or []] == [upload_id]
    whole = oss_v2.CompleteMultipartUploadRequest(bucket=BUCKET_ONE, key="a", upload_id=upload_id, complete_all="yes")
    assert client.complete_multipart_upload(whole).hash_crc64 == str(crc64.xz(b"".join(data)))
    assert stored(emulator, "a") == b"".join(data)
