# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The OSS client: what it refuses, what its failures teach, and what they keep to themselves."""

from __future__ import annotations

import traceback

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import oss_session
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.credentials import AccessKey, Fixed
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import (
    Misconfigured,
    ServiceError,
    Unreachable,
    WriteRefused,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_advice import may_pass, oss_advice
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_model import (
    default_endpoint,
    region_of_endpoint,
    wrong_key,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import KEY, UploadStage

SECRET = CREDENTIALS["access_key_secret"]
TOKEN = "aSecurityTokenThatIsNotToBeShown"


@pytest.fixture
def stage():
    return UploadStage()


WRITES = {
    "create_bucket": ("new-bucket",),
    "delete_bucket": (BUCKET,),
    "tag_bucket": (BUCKET, {"a": "b"}),
    "put": (BUCKET, KEY, b"x", {}),
    "delete_objects": (BUCKET, [KEY]),
    "tag_object": (BUCKET, KEY, {"a": "b"}),
    "begin_upload": (BUCKET, KEY, {}),
    "send_part": (BUCKET, KEY, "0" * 32, 1, b"x"),
    "finish_upload": (BUCKET, KEY, "0" * 32, [(1, "x")]),
    "abort_upload": (BUCKET, KEY, "0" * 32),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_read_only_client_refuses_every_write(stage, write):
    client = oss_client(stage.services(read_only=True, **ENDPOINTS))
    more = {"replace": True} if write in ("put", "begin_upload", "finish_upload") else {}
    with pytest.raises(WriteRefused):
        getattr(client, write)(*WRITES[write], **more)
    assert not stage.calls()


def test_the_session_itself_refuses(stage):
    """Whatever reaches it, by oss2 or past our own methods."""
    client = oss_client(stage.services(read_only=True, **ENDPOINTS))
    with pytest.raises(WriteRefused):
        client._of(BUCKET).put_bucket_acl("public-read")
    assert not stage.calls()


def test_a_read_only_client_reads(stage):
    stage.world.oss.put(BUCKET, KEY, b"0123456789")
    client = oss_client(stage.services(read_only=True, **ENDPOINTS))
    assert client.bucket(BUCKET).region == "cn-hangzhou"
    assert client.owns(BUCKET)
    assert not client.owns("somebody-elses")
    assert [listed.key for listed in client.objects(BUCKET, "in/")] == [KEY]
    assert client.head(BUCKET, KEY).size == 10
    assert client.reader(BUCKET, KEY).read(4, 100) == b"456789"
    assert client.read_range(BUCKET, KEY, 100, 5) == b""
    assert client.uploads(BUCKET) == []
    assert client.object_tags(BUCKET, KEY) == {}
    assert client.bucket("nowhere-at-all") is None
    assert client.head(BUCKET, "nowhere") is None
    assert not stage.writes()


def test_all_pages_are_read(stage):
    for number in range(2100):
        stage.world.oss.put(BUCKET, f"in/{number:05d}", b"")
    assert len(list(stage.client().objects(BUCKET, "in/"))) == 2100
    assert len(stage.calls("ListObjects")) == 3


@pytest.mark.parametrize(
    ("code", "status", "remedy"),
    [
        ("NoSuchBucket", 404, "bucket"),
        ("AccessDenied", 403, "AliyunOSSFullAccess"),
        ("InvalidAccessKeyId", 403, "access_key_id"),
        ("SignatureDoesNotMatch", 403, "access_key_secret"),
        ("RequestTimeTooSkewed", 403, "clock"),
        ("SecurityTokenExpired", 403, "temporary credentials"),
        ("InvalidArgument", 400, "option"),
        ("BucketNotEmpty", 409, "force"),
        ("EntityTooSmall", 400, "part_size"),
        ("BucketAlreadyExists", 409, "another name"),
    ],
)
def test_refusals_teach(stage, code, status, remedy):
    stage.fault("throttle", "HeadObject", code=code, status=status)
    with pytest.raises(ServiceError) as failed:
        stage.client().head(BUCKET, KEY)
    assert (failed.value.code, failed.value.http_status) == (code, status)
    assert failed.value.request_id
    assert failed.value.request_id in failed.value.message
    assert remedy in failed.value.remedy
    assert len(stage.calls("HeadObject")) == 1


def test_what_access_denied_means_is_told_by_its_message():
    assert "belongs to another account" in oss_advice("AccessDenied", "The bucket does not belong to you.", 403).cause
    elsewhere = "The bucket you are attempting to access must be addressed using the specified endpoint."
    assert "region" in oss_advice("AccessDenied", elsewhere, 403).remedy
    assert not may_pass("InsufficientStorage", "", 507)
    assert may_pass("", "", 502)


def test_a_bucket_of_another_region(stage):
    stage.world.state.buckets[BUCKET].region = "cn-shanghai"
    client = stage.client(oss_endpoint=ENDPOINTS["oss_endpoint"], region="cn-shanghai")
    assert client.bucket(BUCKET).region == "cn-shanghai"


@pytest.mark.parametrize("fault", ["close_before", "http_500", "throttle", "html", "redirect", "truncate"])
def test_nothing_of_a_credential_is_in_a_failure(stage, fault):
    stage.fault(fault, "GetBucketInfo", times=None)
    client = stage.client()
    with pytest.raises(MigrationFailure) as failed:
        client.bucket(BUCKET)
    shown = "".join(traceback.format_exception(failed.value))
    for secret in (SECRET, "Signature", "OSS4-HMAC", "x-oss-signature"):
        assert secret not in shown
    assert failed.value.__context__ is None or "oss2" not in str(type(failed.value.__context__))


def test_a_redirect_is_not_followed(stage):
    stage.fault("redirect", "GetBucketInfo", times=None)
    with pytest.raises(MigrationFailure) as failed:
        stage.client().bucket(BUCKET)
    assert failed.value.http_status == 307
    assert len(stage.calls("GetBucketInfo")) == 1


def test_nothing_is_sent_over_plain_http(stage):
    with pytest.raises(Misconfigured) as failed:
        stage.client(oss_endpoint="http://oss-cn-hangzhou.aliyuncs.com")
    assert failed.value.code == "endpoint_not_encrypted"
    assert "oss_endpoint" in failed.value.remedy


def test_an_endpoint_where_nobody_answers():
    stage = UploadStage()
    stage.session.mount("http://127.0.0.1:9", __import__("requests").adapters.HTTPAdapter())
    with pytest.raises(Unreachable) as failed:
        stage.client(oss_endpoint="http://127.0.0.1:9").bucket(BUCKET)
    assert "oss_endpoint" in failed.value.remedy


class Renewing:
    """Another key each time, as from a role."""

    origin = "a role"

    def __init__(self, *keys):
        self.keys = list(keys)
        self.now = 0

    def current(self):
        return self.keys[min(self.now, len(self.keys) - 1)]


def test_a_token_that_is_renewed_on_the_way_is_used(stage):
    services = stage.services(**ENDPOINTS)
    good = AccessKey(CREDENTIALS["access_key_id"], SECRET)
    source = Renewing(good, good._replace(named_provider="renewed"))
    services._credentials = source
    stage.fault("expired_token", "GetBucketInfo")
    client = oss_client(services)
    refuse = stage.session.request

    def request(*arguments, **named):
        answer = refuse(*arguments, **named)
        source.now += 1
        return answer

    stage.session.request = request
    assert client.bucket(BUCKET).name == BUCKET
    assert len(stage.calls("GetBucketInfo")) == 2


def test_a_token_that_stays_expired_is_not_asked_again(stage):
    stage.fault("expired_token", "GetBucketInfo", times=None)
    with pytest.raises(ServiceError):
        stage.client().bucket(BUCKET)
    assert len(stage.calls("GetBucketInfo")) == 1


def test_a_signed_url_reads(stage):
    import requests

    stage.world.oss.put(BUCKET, "in/a b.bak", b"content")
    url = stage.client().signed_url(BUCKET, "in/a b.bak", 60)
    assert "in/a%20b.bak?" in url
    session = requests.Session()
    session.mount(ENDPOINTS["oss_endpoint"], stage.session.get_adapter(ENDPOINTS["oss_endpoint"]))
    assert session.get(url).content == b"content"


def test_without_oss2(stage, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "oss2", None)
    oss_session.bucket_class.cache_clear()
    with pytest.raises(MigrationFailure) as failed:
        stage.client()
    assert failed.value.code == "missing_library"
    assert "pip install" in failed.value.remedy


def test_names_of_endpoints():
    assert default_endpoint("cn-hangzhou") == "oss-cn-hangzhou.aliyuncs.com"
    assert region_of_endpoint(f"https://{default_endpoint('us-west-1', internal=True)}") == "us-west-1"
    assert region_of_endpoint("https://127.0.0.1:80") == ""


@pytest.mark.parametrize("key", ["", "/a", "a:b", "\\a", "a\nb", "x" * 1024, "ü" * 600])
def test_keys_that_cannot_be(key):
    assert wrong_key(key)


def test_credentials_with_a_line_break_are_refused_before_anything_is_sent(stage):
    services = stage.services(**ENDPOINTS)
    services._credentials = Fixed(AccessKey("LTAI5tBroken\n", SECRET), "a file")
    with pytest.raises(MigrationFailure) as failed:
        oss_client(services)
    assert failed.value.code == "credentials_malformed"
    assert not stage.calls()
