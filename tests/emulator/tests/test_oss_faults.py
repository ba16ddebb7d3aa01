# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of OSS, over a real socket and in process: the caller sees the same, and the bucket is what it should be."""

from __future__ import annotations

import base64
import errno
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import oss2
import pytest
from apsara_emulator import VARIANTS, World
from apsara_emulator.default_world import BUCKET_ONE
from apsara_emulator.oss.storage import BlobWriter
from fastcrc import crc64

from .oss_clients import KIB, InProcess, auth_of, refused
from .serving import Served


@dataclass
class Caller:
    """A world, and a bucket of it."""

    world: World
    bucket: Any
    real: bool

    def fault(self, kind: str, action: str = "", **options: Any) -> None:
        self.world.faults.replace([{"kind": kind, "service": "oss", "action": action, "times": 1, **options}])

    @property
    def there(self) -> bool:
        return "a" in self.world.state.buckets[BUCKET_ONE].objects

    def last(self) -> Any:
        return self.world.calls.select()[-1]


@pytest.fixture(params=["socket", "in process"])
def caller(request: pytest.FixtureRequest) -> Iterator[Caller]:
    if request.param == "socket":
        emulator: Served = request.getfixturevalue("emulator")
        bucket = oss2.Bucket(auth_of(4), emulator.urls.oss, BUCKET_ONE, region="cn-hangzhou", connect_timeout=5)
        yield Caller(emulator.world, bucket, True)
    else:
        bench = InProcess()
        yield Caller(bench.world, bench.bucket(version=4), False)


@pytest.mark.parametrize("code", VARIANTS["oss_throttled"].values)
def test_throttle(caller: Caller, code: str) -> None:
    caller.world.merge({"variants": {"oss_throttled": code}})
    caller.fault("throttle", "PutObject")
    assert refused(lambda: caller.bucket.put_object("a", b"1" * 200_000)) == code
    assert not caller.there
    assert (caller.last().fault, caller.last().took_effect) == ("throttle", False)
    caller.bucket.put_object("a", b"1")
    assert caller.there


@pytest.mark.parametrize(
    ("kind", "expected"), [("http_500", "InternalError 500"), ("http_503", "ServiceUnavailable 503")]
)
@pytest.mark.parametrize("effect", [False, True])
def test_errors_with_and_without_effect(caller: Caller, kind: str, expected: str, effect: bool) -> None:
    caller.fault(kind, "Put*", effect=effect)
    assert refused(lambda: caller.bucket.put_object("a", b"1")) == expected
    assert caller.there == effect == caller.last().took_effect


def test_errors_of_head_have_no_body(caller: Caller) -> None:
    caller.fault("http_503", "HeadObject")
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        caller.bucket.head_object("a")
    assert caught.value.status == 503
    assert b"ServiceUnavailable" in base64.b64decode(caught.value.headers["x-oss-err"])


@pytest.mark.parametrize(("kind", "effect"), [("close_before", False), ("close_after", True)])
@pytest.mark.parametrize("size", [1, 3_000_000])
def test_resets(caller: Caller, kind: str, effect: bool, size: int) -> None:
    caller.fault(kind)
    with pytest.raises(oss2.exceptions.RequestError):
        caller.bucket.put_object("a", os.urandom(size))
    assert (caller.there, caller.last().took_effect, caller.last().http_status) == (effect, effect, 0)
    caller.bucket.put_object("a", b"1")


@pytest.mark.parametrize(("kind", "effect"), [("stall", False), ("timeout_after", True)])
def test_silence(caller: Caller, kind: str, effect: bool) -> None:
    caller.fault(kind)
    caller.bucket.timeout = 0.3
    started = time.monotonic()
    with pytest.raises(oss2.exceptions.RequestError, match=r"[Tt]imed out"):
        caller.bucket.put_object("a", b"1")
    assert time.monotonic() - started < 5
    assert caller.there == effect


def test_bodies_that_break_off(caller: Caller) -> None:
    data = os.urandom(500_000)
    caller.bucket.put_object("a", data)
    caller.fault("truncate", "GetObject")
    pieces = []
    with pytest.raises(Exception, match=r"broken|IncompleteRead|reset"):  # noqa: PT012 - what has come counts
        for piece in caller.bucket.get_object("a"):
            pieces.append(piece)
    assert len(b"".join(pieces)) <= len(data) // 2
    assert caller.bucket.get_object("a").read() == data


def test_slow_bodies(caller: Caller) -> None:
    caller.bucket.put_object("a", b"12345678")
    caller.fault("trickle", "GetObject", bytes=2, seconds=0.05)
    before, started = caller.world.clock.now(), time.monotonic()
    assert caller.bucket.get_object("a").read() == b"12345678"
    assert (time.monotonic() - started if caller.real else caller.world.clock.now() - before) >= 0.15


def test_endless_bodies(caller: Caller) -> None:
    caller.bucket.put_object("a", b"12345678")
    caller.fault("huge", "GetObject")
    session: Any = caller.bucket.session.session
    with session.get(caller.bucket.sign_url("GET", "a", 60), stream=True, timeout=5) as answer:
        assert (answer.status_code, "content-length" in answer.headers) == (503, False)
        received = 0
        for piece in answer.iter_content(65536):
            received += len(piece)
            if received > 10_000_000:
                break
    assert caller.bucket.get_object("a").read() == b"12345678"


@pytest.mark.parametrize("kind", ["html", "empty", "redirect"])
def test_answers_of_others(caller: Caller, kind: str) -> None:
    caller.fault(kind, "GetBucketInfo", status=404 if kind == "redirect" else 502)
    with pytest.raises(oss2.exceptions.ServerError):
        caller.bucket.get_bucket_info()
    assert caller.bucket.get_bucket_info().name == BUCKET_ONE


def test_expired_token(caller: Caller) -> None:
    caller.fault("expired_token")
    assert refused(lambda: caller.bucket.put_object("a", b"1")) == "SecurityTokenExpired 403"
    assert not caller.there


@pytest.mark.parametrize("options", [{}, {"code": "QuotaExceeded", "status": 403}])
def test_full_disk(caller: Caller, options: dict[str, Any]) -> None:
    caller.fault("disk_full", "UploadPart", **options)
    upload_id = caller.bucket.init_multipart_upload("a").upload_id
    expected = "QuotaExceeded 403" if options else "InsufficientStorage 507"
    assert refused(lambda: caller.bucket.upload_part("a", upload_id, 1, b"1" * KIB)) == expected
    assert not caller.bucket.list_parts("a", upload_id).parts


def test_a_disk_that_is_really_full(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(_self: BlobWriter, _data: memoryview) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(BlobWriter, "write", write)
        assert refused(lambda: caller.bucket.put_object("a", b"1" * 100_000)) == "InsufficientStorage 507"
    assert not caller.there
    assert not os.listdir(caller.world.oss.store.folder)
    caller.bucket.put_object("a", b"1")


def test_damaged_parts(caller: Caller) -> None:
    upload_id = caller.bucket.init_multipart_upload("a").upload_id
    caller.fault("corrupt_part", "UploadPart")
    with pytest.raises(oss2.exceptions.InconsistentError):
        caller.bucket.upload_part("a", upload_id, 1, b"data")
    # It is kept as it came.
    (part,) = caller.world.state.buckets[BUCKET_ONE].uploads[upload_id].parts.values()
    assert part.crc64 == str(crc64.xz(bytes([ord("d") ^ 0xFF]) + b"ata"))
    caller.bucket.upload_part("a", upload_id, 1, b"data")
    done = caller.bucket.complete_multipart_upload("a", upload_id, None, headers={"x-oss-complete-all": "yes"})
    assert done.crc == crc64.xz(b"data")


def test_damage_that_content_md5_notices(caller: Caller) -> None:
    caller.fault("corrupt_part", "PutObject")
    md5 = oss2.utils.content_md5(b"data")
    with pytest.raises(oss2.exceptions.InvalidDigest):
        caller.bucket.put_object("a", b"data", headers={"Content-MD5": md5})
    assert not caller.there


def test_damaged_downloads(caller: Caller) -> None:
    data = os.urandom(300_000)
    caller.bucket.put_object("a", data)
    caller.fault("corrupt_part", "GetObject")
    got = caller.bucket.get_object("a")
    assert got.read() != data
    assert got.client_crc != got.server_crc == crc64.xz(data)
    assert caller.bucket.get_object("a").read() == data


def test_wrong_checksums(caller: Caller) -> None:
    caller.fault("corrupt_crc", "PutObject")
    with pytest.raises(oss2.exceptions.InconsistentError):
        caller.bucket.put_object("a", b"data")
    assert caller.world.state.buckets[BUCKET_ONE].objects["a"].crc64 == str(crc64.xz(b"data"))


def test_faults_of_one_bucket_or_key(caller: Caller) -> None:
    caller.world.faults.replace(
        [
            {"kind": "throttle", "key": "dir/*"},
            {"kind": "http_500", "bucket": "another"},
            {"kind": "http_503", "service": "rds"},
        ]
    )
    caller.bucket.put_object("a", b"1")
    assert refused(lambda: caller.bucket.put_object("dir/a", b"1")) == "SlowDown 503"


def test_a_caller_who_goes_away(emulator: Served) -> None:
    """Half a body is no object."""
    import socket
    from urllib.parse import urlsplit

    bucket = oss2.Bucket(auth_of(1), emulator.urls.oss, BUCKET_ONE)
    address = urlsplit(bucket.sign_url("PUT", "a", 60))
    with socket.create_connection((address.hostname, address.port)) as connection:
        head = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 1000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 500)
    deadline = time.monotonic() + 5
    while not emulator.world.calls.select() and time.monotonic() < deadline:
        time.sleep(0.01)
    (record,) = emulator.world.calls.select()
    assert (record.code, record.http_status, record.took_effect) == ("BrokenBody", 0, False)
    assert not emulator.world.state.buckets[BUCKET_ONE].objects
    assert not os.listdir(emulator.world.oss.store.folder)
