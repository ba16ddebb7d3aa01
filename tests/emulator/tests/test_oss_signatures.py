# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of OSS against the vectors that the SDK's code produced, and everything that can be wrong with one."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import quote

import oss2
import pytest
import requests
from apsara_emulator import ManualClock, World
from apsara_emulator.default_world import STS_EXPIRED, STS_ONE
from apsara_emulator.http_messages import ConnectionFault
from apsara_emulator.oss.messages import OssRequest, OssResponse
from apsara_emulator.oss.service import OssService
from apsara_emulator.oss.signing import find_claim

from .oss_clients import ENDPOINT, InProcess, auth_of, refused

KEY = "dir/Testdb_FULL_20180518153544.bak"
UPLOAD = "0004B9894A22E5B1888A1E29F8236E2D"
HOST = "my-bucket.oss-cn-hangzhou.aliyuncs.com"
PART = f"/{KEY}?partNumber=1&uploadId={UPLOAD}"
V4_SIGNATURE = "fe99fb055e4ab9b43548d4d382d2f4336ba06739809c490be4ebc59c99678afa"
SCOPE = "20260102/cn-hangzhou/oss/aliyun_v4_request"
V4_HEADERS = {
    "host": HOST,
    "content-type": "application/octet-stream",
    "x-oss-date": "20260102T030405Z",
    "x-oss-content-sha256": "UNSIGNED-PAYLOAD",
    "authorization": f"OSS4-HMAC-SHA256 Credential=testAccessKeyId/{SCOPE}, Signature={V4_SIGNATURE}",
}
V1_HEADERS = {
    "host": HOST,
    "content-type": "application/octet-stream",
    "date": "Fri, 02 Jan 2026 03:04:05 GMT",
    "authorization": "OSS testAccessKeyId:ipftBbaN5nv6x38P7xbVhABwyP4=",
}
V1_QUERY = "OSSAccessKeyId=testAccessKeyId&Expires=1767409445&Signature=hizs6MdQA937Vq5xCTSELb4JoYk%3D"
V4_QUERY = (
    "x-oss-date=20260102T030405Z&x-oss-expires=86400&x-oss-signature-version=OSS4-HMAC-SHA256"
    f"&x-oss-credential=testAccessKeyId%2F{quote(SCOPE, safe='')}"
    "&x-oss-signature=a781f74573c14a783499f0b4bc233eb32df3005c8576ec53398b7afafec2fc6c"
)
URLS = {
    "v1": f"/{quote(KEY, safe='')}?{V1_QUERY}",
    "v1 slash_safe": f"/{KEY}?{V1_QUERY}",
    "v4 slash_safe": f"/{KEY}?{V4_QUERY}",
}


@pytest.fixture
def service() -> OssService:
    """The account, bucket and upload of the vectors, at their time."""
    key = {"access_key_id": "testAccessKeyId", "access_key_secret": "testAccessKeySecret"}
    bucket = {
        "account_id": "1",
        "objects": {KEY: {"text": "data"}},
        "uploads": {UPLOAD: {"key": KEY, "initiated": {"ago": 60}}},
    }
    accounts = {"1": {"account_id": "1", "access_keys": [key]}}
    return OssService(World({"accounts": accounts, "buckets": {"my-bucket": bucket}}, ManualClock()))


def call(service: OssService, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> OssResponse:
    answer = service.handle(OssRequest(method, target, headers, io.BytesIO(body), len(body)))
    assert not isinstance(answer, ConnectionFault)
    return answer


def code(answer: OssResponse) -> str:
    found = re.search(b"<Code>(.*)</Code>", answer.body)
    return f"{found[1].decode()} {answer.status}" if found else str(answer.status)


def test_what_version_4_signs() -> None:
    claim = find_claim(OssRequest("PUT", PART, V4_HEADERS), "my-bucket", KEY)
    assert claim is not None
    assert claim.canonical_request == (
        f"PUT\n/my-bucket/{KEY}\npartNumber=1&uploadId={UPLOAD}\ncontent-type:application/octet-stream\n"
        "x-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20260102T030405Z\n\n\nUNSIGNED-PAYLOAD"
    )
    assert claim.string_to_sign == (
        f"OSS4-HMAC-SHA256\n20260102T030405Z\n{SCOPE}\n97b93ee0746c727eb71127bf6a165ab5d2d7453a932da3391449078765c14b0a"
    )
    assert claim.sign("testAccessKeySecret") == V4_SIGNATURE


def test_what_version_1_signs() -> None:
    claim = find_claim(OssRequest("PUT", PART, V1_HEADERS), "my-bucket", KEY)
    assert claim is not None
    assert claim.string_to_sign == (
        "PUT\n\napplication/octet-stream\nFri, 02 Jan 2026 03:04:05 GMT\n"
        f"/my-bucket/{KEY}?partNumber=1&uploadId={UPLOAD}"
    )
    assert claim.sign("testAccessKeySecret") == "ipftBbaN5nv6x38P7xbVhABwyP4="


@pytest.mark.parametrize("headers", [V1_HEADERS, V4_HEADERS], ids=["v1", "v4"])
@pytest.mark.parametrize("style", ["virtual-hosted", "path"])
def test_vectors_of_headers(service: OssService, headers: dict[str, str], style: str) -> None:
    path = style == "path"
    given = {**headers, "host": "127.0.0.1:8080"} if path else headers
    answer = call(service, "PUT", f"/my-bucket{PART}" if path else PART, given, b"x")
    assert answer.status == 200, answer.body
    assert service.world.state.buckets["my-bucket"].uploads[UPLOAD].parts["1"].size == 1
    (record,) = service.world.calls.select()
    assert (record.action, record.account_id, record.took_effect) == ("UploadPart", "1", True)


@pytest.mark.parametrize("headers", [V1_HEADERS, V4_HEADERS], ids=["v1", "v4"])
@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({}, PART.replace("partNumber=1", "partNumber=2")),
        ({}, PART.replace("Testdb", "Otherdb")),
        ({"content-type": "text/plain"}, PART),
        ({"x-oss-forbid-overwrite": "true"}, PART),
        ({"host": "127.0.0.1"}, f"/your-bucket{PART}"),
    ],
)
def test_what_is_signed_cannot_be_changed(
    service: OssService, headers: dict[str, str], change: dict[str, str], target: str
) -> None:
    answer = call(service, "PUT", target, {**headers, **change}, b"x")
    assert code(answer) == "SignatureDoesNotMatch 403"
    assert b"<StringToSign>" in answer.body
    assert b"<SignatureProvided>" in answer.body
    assert (b"<CanonicalRequest>" in answer.body) == (headers is V4_HEADERS)
    assert not service.world.state.buckets["my-bucket"].uploads[UPLOAD].parts


@pytest.mark.parametrize("url", URLS.values(), ids=list(URLS))
def test_vectors_of_urls(service: OssService, url: str) -> None:
    answer = call(service, "GET", url, {"host": HOST})
    assert (answer.status, answer.piece(0, 10)) == (200, b"data")
    assert service.world.oss.signed_url_problem(f"https://{HOST}{url}") == ""
    service.world.clock.advance(86399)
    assert call(service, "GET", url, {"host": HOST}).status == 200
    service.world.clock.advance(2)
    late = call(service, "GET", url, {"host": HOST})
    assert code(late) == "AccessDenied 403"
    assert b"Request has expired." in late.body
    assert service.world.oss.signed_url_problem(f"https://{HOST}{url}").startswith("AccessDenied")


@pytest.mark.parametrize("url", URLS.values(), ids=list(URLS))
def test_urls_that_were_tampered_with(service: OssService, url: str) -> None:
    for wrong in (url.replace("Testdb", "Other"), url.replace("1767409445", "1767409999").replace("86400", "86401")):
        assert code(call(service, "GET", wrong, {"host": HOST})) == "SignatureDoesNotMatch 403"
    assert code(call(service, "DELETE", url, {"host": HOST})) == "SignatureDoesNotMatch 403"
    assert KEY in service.world.state.buckets["my-bucket"].objects
    assert service.world.oss.signed_url_problem(f"https://{HOST}{url}x").startswith("Signature")


@pytest.mark.parametrize("headers", [V1_HEADERS, V4_HEADERS], ids=["v1", "v4"])
@pytest.mark.parametrize(("seconds", "status"), [(899, 200), (901, 403), (-899, 200), (-901, 403)])
def test_time_stamps(service: OssService, headers: dict[str, str], seconds: int, status: int) -> None:
    service.world.clock.advance(seconds)
    answer = call(service, "PUT", PART, headers)
    assert answer.status == status
    assert (b"RequestTimeTooSkewed" in answer.body) == (status == 403)


def test_clock_skew_is_a_fault_that_can_be_switched_on(service: OssService) -> None:
    service.world.faults.add({"kind": "clock_skew", "seconds": 1000})
    assert code(call(service, "PUT", PART, V4_HEADERS)) == "RequestTimeTooSkewed 403"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({**V1_HEADERS, "date": "yesterday"}, "AccessDenied 403"),
        ({**V1_HEADERS, "date": ""}, "AccessDenied 403"),
        ({**V4_HEADERS, "x-oss-date": ""}, "AccessDenied 403"),
        ({**V4_HEADERS, "x-oss-date": "20260103T000000Z"}, "InvalidArgument 400"),
        ({**V1_HEADERS, "authorization": "OSS testAccessKeyId"}, "InvalidArgument 400"),
        ({**V1_HEADERS, "authorization": "OSS nobody:x"}, "InvalidAccessKeyId 403"),
        ({**V1_HEADERS, "authorization": "Basic eDp5"}, "InvalidArgument 400"),
        ({**V4_HEADERS, "authorization": "OSS4-HMAC-SHA256 Credential=x"}, "InvalidArgument 400"),
        ({**V4_HEADERS, "authorization": "OSS4-HMAC-SHA256 Credential=x/y,Signature=z"}, "InvalidArgument 400"),
        ({"host": HOST}, "AccessDenied 403"),
    ],
)
def test_malformed_signatures(service: OssService, headers: dict[str, str], expected: str) -> None:
    assert code(call(service, "PUT", PART, headers)) == expected


@pytest.mark.parametrize(
    "query",
    ["Signature=x", "OSSAccessKeyId=testAccessKeyId", V1_QUERY.replace("1767409445", "soon"), "x-oss-signature=1"],
)
def test_malformed_urls(service: OssService, query: str) -> None:
    assert code(call(service, "GET", f"/{KEY}?{query}", {"host": HOST})) == "AccessDenied 403"


@pytest.mark.parametrize("version", [1, 4])
def test_tokens(version: int) -> None:
    bench = InProcess()
    bucket = bench.bucket(version=version, key=STS_ONE)
    bucket.put_object("a", b"1")
    url = bucket.sign_url("GET", "a", 60)
    session = requests.Session()
    session.mount(ENDPOINT, bench.adapter)
    assert session.get(url).content == b"1"
    wrong = bench.bucket(version=version, key=(*STS_ONE[:2], "another"))
    assert refused(lambda: wrong.put_object("a", b"2")) == "InvalidSecurityToken 403"
    without = bench.bucket(version=version, key=STS_ONE[:2])
    assert refused(lambda: without.put_object("a", b"2")) == "InvalidSecurityToken 403"
    expired = bench.bucket(version=version, key=STS_EXPIRED)
    assert refused(lambda: expired.put_object("a", b"2")) == "SecurityTokenExpired 403"
    assert bench.objects() == {"a": b"1"}


@pytest.mark.parametrize("version", [1, 4])
def test_wrong_secret(version: int) -> None:
    bench = InProcess()
    bucket = bench.bucket(version=version, key=("LTAI5tApsaraEmulator0001", "wrong"))
    with pytest.raises(oss2.exceptions.SignatureDoesNotMatch) as caught:
        bucket.get_bucket_info()
    assert caught.value.details["StringToSign"]


def test_hashed_payload() -> None:
    """The SDKs leave the payload unsigned; signed for by hand it has to be the payload's."""
    import hashlib

    bench = InProcess()
    world = bench.world

    def put(body: bytes, digest: str) -> int:
        headers = {"host": "127.0.0.1", "x-oss-content-sha256": digest, "x-oss-date": "20260102T030405Z"}
        frame = f"OSS4-HMAC-SHA256 Credential=LTAI5tApsaraEmulator0001/{SCOPE}"
        target = "/apsara-emulator-backups/a"
        unsigned = OssRequest("PUT", target, {**headers, "authorization": f"{frame}, Signature=x"})
        claim = find_claim(unsigned, "apsara-emulator-backups", "a")
        assert claim is not None
        headers["authorization"] = f"{frame}, Signature={claim.sign('emulatorSecretOfAccountOne0001')}"
        return call(OssService(world), "PUT", target, headers, body).status

    assert put(b"data", hashlib.sha256(b"data").hexdigest()) == 200
    assert put(b"other", hashlib.sha256(b"data").hexdigest()) == 400
    assert bench.objects() == {"a": b"data"}


@pytest.mark.parametrize("version", [1, 4])
@pytest.mark.parametrize("key", ["a b+c%25&d=e?f#g", "ü/中文/~._-", "a//b/", "(1)*'!"])
def test_names_that_have_to_be_encoded(version: int, key: str) -> None:
    bench = InProcess()
    bucket: Any = bench.bucket(version=version)
    bucket.put_object(key, b"data", headers={"x-oss-meta-name": "value"})
    assert bucket.get_object(key, params={"response-content-type": "a/b c+d"}).headers["content-type"] == "a/b c+d"
    assert set(bench.objects()) == {key}
    assert auth_of(version) is not None
