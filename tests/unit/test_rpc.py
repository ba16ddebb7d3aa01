# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to the service: what is retried and what never, whole lists, strange answers, and no secret anywhere."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import MappingProxyType

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import connection, rds
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.credentials import AccessKey, Fixed
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import (
    AnswerLost,
    Misconfigured,
    ServiceError,
    Unreachable,
    WriteRefused,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_session import new_pool
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_retries import Retrying
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_session import RpcSession
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, SOURCE, TARGET, Stage

READ, READ_ARGUMENTS = "DescribeDBInstanceAttribute", {"DBInstanceId": SOURCE}
WRITE = "ImportDatabaseBetweenInstances"
WRITE_ARGUMENTS = {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":{"hr":"hr"}}'}
AMBIGUOUS = ["close_before", "close_after", "http_500", "http_503", "timeout_after", "truncate", "empty", "html"]


def client_of(stage, **more):
    return stage.services(**more).rds


def test_a_read_only_client_refuses_every_write(stage):
    client = client_of(stage, read_only=True)
    for action in (WRITE, "CopyDatabaseBetweenInstances", "CancelImport", "DeleteDatabase", "describeDBInstances"):
        with pytest.raises(WriteRefused):
            client.call(action, {})
    assert stage.calls() == []
    assert client.call(READ, READ_ARGUMENTS)["RequestId"]


def test_reads_are_reads(stage):
    """What our client takes for a read must not change anything over there."""
    # Read elsewhere: what these answer needs a task that exists, or a source to migrate from.
    elsewhere = {"DescribeMigrateTaskById", "DescribeOssDownloads"} | {
        a for a in rds.RDS.reads if "CloudMigration" in a
    }
    for action in rds.RDS.reads - elsewhere:
        arguments = {**READ_ARGUMENTS}
        arguments |= {"StartTime": "2025-12-31T00:00Z", "EndTime": "2026-01-01T00:00Z"} if "Migrate" in action else {}
        arguments |= {"RegionId": "cn-hangzhou"} if action == "DescribeDBInstances" else {}
        arguments |= {"DBName": "free"} if action == "CheckDBNameAvailable" else {}
        client_of(stage).call(action, {} if action == "DescribeRegions" else arguments)
    assert {call.action for call in stage.calls()} == rds.RDS.reads - elsewhere
    assert stage.writes() == []


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_a_read_is_repeated_until_it_works(stage, kind):
    stage.world.faults.add({"kind": kind, "action": READ, "times": 2})
    assert client_of(stage).call(READ, READ_ARGUMENTS)["Items"]
    assert len(stage.calls(READ)) == 3


@pytest.mark.parametrize("kind", AMBIGUOUS)
@pytest.mark.parametrize("effect", [False, True])
def test_a_write_is_never_repeated(stage, kind, effect):
    stage.world.faults.add({"kind": kind, "action": WRITE, "times": 1, "effect": effect})
    client = client_of(stage)
    with pytest.raises(AnswerLost):
        client.call(WRITE, WRITE_ARGUMENTS)
    assert len(stage.calls(WRITE)) == 1


@pytest.mark.parametrize(("action", "arguments"), [(READ, READ_ARGUMENTS), (WRITE, WRITE_ARGUMENTS)])
def test_throttled_calls_are_repeated_whatever_they_are(stage, action, arguments):
    stage.world.faults.add({"kind": "throttle", "action": action, "times": 3})
    assert client_of(stage).call(action, arguments)["RequestId"]
    assert len(stage.calls(action)) == 4


def test_a_hint_of_the_service_is_honoured(stage):
    stage.world.faults.add({"kind": "throttle", "action": READ, "times": 1, "retry_after": 7000})
    before = stage.time.now()
    client_of(stage).call(READ, READ_ARGUMENTS)
    # No two tasks come back at once: at a call per second, chance adds up to two seconds.
    assert 7 <= stage.time.now() - before < 9.2


def test_throttling_ends_with_the_service_s_own_words(stage):
    stage.world.faults.add({"kind": "throttle", "action": READ})
    before = stage.time.now()
    with pytest.raises(ServiceError) as caught:
        client_of(stage).call(READ, READ_ARGUMENTS)
    assert caught.value.code.startswith("Throttling")
    assert caught.value.request_id
    assert 60 < stage.time.now() - before <= Retrying().patience


def test_pauses_differ_between_clients(stage):
    def pauses(jitter):
        own = Stage()
        own.world.faults.add({"kind": "throttle", "action": READ, "times": 4})
        client = client_of(own)
        client._jitter = lambda: jitter
        before = own.time.now()
        client.call(READ, READ_ARGUMENTS)
        return own.time.now() - before

    assert pauses(0.0) < pauses(0.5) < pauses(1.0)


@pytest.mark.parametrize(
    "variants", [{}, {"total_count_in_rows": "missing"}, {"items_shape": "array"}, {"items_shape": "bare_object"}]
)
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_lists_are_complete(stage, variants, count):
    names = {f"db{number:03}": {"size": 1} for number in range(count)}
    stage.world.merge({"variants": variants, "instances": {TARGET: {"max_databases": 500, "databases": None}}})
    stage.world.merge({"instances": {TARGET: {"databases": names}}})
    assert sorted(rds.databases(client_of(stage), TARGET)) == sorted(names)


def test_a_service_that_ignores_page_numbers_does_not_catch_us(stage):
    rows = [{"DBName": f"db{number}", "DBStatus": "Running"} for number in range(100)]

    class SamePage(RpcClient):
        def call(self, action, parameters=None):
            return {"Databases": {"Database": rows}}

    client = SamePage(rds.RDS, ENDPOINT, Fixed(AccessKey("a", "b"), "test"), None, read_only=True)
    assert len(rds.databases(client, TARGET)) == 100


@pytest.mark.parametrize("status", [403, 502])
def test_a_page_of_a_proxy_keeps_its_status(stage, status):
    stage.world.faults.add({"kind": "html", "action": READ, "status": status})
    with pytest.raises(MigrationFailure) as caught:
        client_of(stage).call(READ, READ_ARGUMENTS)
    assert caught.value.http_status == status
    assert caught.value.code == f"http_{status}"
    assert "no answer of the service" in caught.value.message


def test_html_with_status_200_is_no_success(stage):
    stage.world.faults.add({"kind": "html", "action": WRITE, "status": 200})
    with pytest.raises(AnswerLost):
        client_of(stage).call(WRITE, WRITE_ARGUMENTS)


def test_redirects_are_not_followed(stage):
    stage.world.faults.add({"kind": "redirect", "action": READ, "location": f"{ENDPOINT}/elsewhere"})
    with pytest.raises(ServiceError) as caught:
        client_of(stage).call(READ, READ_ARGUMENTS)
    assert caught.value.http_status == 307
    assert len(stage.calls()) == 1


@pytest.mark.parametrize(
    "fault",
    [{"kind": "huge"}, {"kind": "trickle", "seconds": 30, "bytes": 8}, {"kind": "stall"}],
    ids=lambda f: f["kind"],
)
def test_answers_without_end_are_given_up(stage, fault):
    stage.world.faults.add({**fault, "action": READ})
    before = stage.time.now()
    with pytest.raises(AnswerLost):
        client_of(stage).call(READ, READ_ARGUMENTS)
    assert stage.time.now() - before < 3600


def test_an_unreachable_endpoint_is_told_soon():
    own = Stage()
    own.session.mount("http://", NoRoute())
    before = own.time.now()
    with pytest.raises(Unreachable) as caught:
        client_of(own).call(WRITE, WRITE_ARGUMENTS)
    assert "Nothing was sent" in caught.value.message
    assert "rds_endpoint" in caught.value.remedy
    with pytest.raises(Unreachable):
        client_of(own).call(READ, READ_ARGUMENTS)
    assert own.time.now() - before <= Retrying().unreachable


def refused_connection():
    from urllib3.exceptions import MaxRetryError, NewConnectionError

    return MaxRetryError(None, "/?SourcePassword=hunter2", NewConnectionError(None, "refused"))


class NoRoute:
    """What requests raises when nobody listens; its text quotes the URL."""

    def send(self, request, **_options):
        import requests

        raise requests.ConnectionError(refused_connection(), request=request)

    def close(self):
        pass


def test_no_secret_in_any_exception_or_log(stage, caplog):
    """Passwords travel in the query string, and requests and urllib3 quote it."""
    caplog.set_level(logging.DEBUG)
    secret = "pa$$word/with+specials"
    own = Stage()
    own.session.mount("http://", NoRoute())
    arguments = {"SourcePassword": secret, "DBInstanceId": "rm-1"}
    texts = []
    for client in (client_of(stage), client_of(own)):
        for kind in ("close_before", "truncate", "html", "http_500"):
            stage.world.faults.replace([{"kind": kind}])
            with pytest.raises(MigrationFailure) as caught:
                client.call("CreateCloudMigrationTask", arguments)
            texts.append("".join(traceback.format_exception(caught.value)))
            texts.append(str(caught.value.as_result()))
    stage.world.faults.replace([])
    wrong = "wrongSecretOf" + "Somebody"  # in two, because tracebacks show this line
    with pytest.raises(ServiceError) as caught:
        client_of(stage, access_key_secret=wrong).call("CreateCloudMigrationTask", arguments)
    texts.append("".join(traceback.format_exception(caught.value)))
    everything = "\n".join([*texts, caplog.text])
    for form in (secret, "pa%24%24word", "pa%2524", "word/with", "word%2Fwith", "wrongSecretOfSomebody", "hunter2"):
        assert form not in everything


@pytest.mark.parametrize("code", ["IncompleteSignature", "SignatureDoesNotMatch"])
def test_the_string_to_sign_is_not_shown(code):
    from apsara_emulator import VARIANTS, Variants

    value = next(v for v in VARIANTS["wrong_secret"].values if v.startswith(code))
    own = Stage(Variants({"wrong_secret": value}))
    with pytest.raises(ServiceError) as caught:
        client_of(own, access_key_secret="wrongSecretOfSomebody").call(READ, {**READ_ARGUMENTS})
    assert caught.value.code == code
    assert "x-acs" not in caught.value.message
    assert "access_key_secret" in caught.value.remedy


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("rds.aliyuncs.com", "https://rds.aliyuncs.com"),
        ("https://rds.example.com:8443/", "https://rds.example.com:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_endpoints(endpoint, url):
    assert connection.endpoint_url(endpoint, "rds_endpoint") == url


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://rds.aliyuncs.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://rds.aliyuncs.com",
        "https://",
        "https://rds.aliyuncs.com/path",
        "https://rds.aliyuncs.com?x=1",
        "https://user:hunter2@rds.aliyuncs.com",
        "https://rds.aliyuncs.com:notaport",
    ],
)
def test_endpoints_that_are_refused(endpoint):
    with pytest.raises(Misconfigured) as caught:
        connection.endpoint_url(endpoint, "rds_endpoint")
    assert "rds_endpoint" in caught.value.message
    assert "hunter2" not in caught.value.message + caught.value.remedy


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("", "rds.aliyuncs.com"),
        ("cn-hangzhou", "rds.aliyuncs.com"),
        ("ap-southeast-1", "rds.aliyuncs.com"),
        ("eu-central-1", "rds.eu-central-1.aliyuncs.com"),
        ("cn-chengdu", "rds.cn-chengdu.aliyuncs.com"),
        ("cn-hangzhou-finance", "rds-vpc.cn-hangzhou-finance.aliyuncs.com"),
    ],
)
def test_the_region_decides_the_endpoint(region, host):
    assert rds.default_endpoint(region) == host


def proxies(url, environment, option=""):
    return connection.proxies_for(url, connection.Trust(proxy=option), environment)


def test_proxies_are_used_on_purpose_only():
    far, near = "https://rds.aliyuncs.com/", "http://127.0.0.1:8080/"
    from_environment = {"HTTPS_PROXY": "http://proxy:3128", "HTTP_PROXY": "http://other:1", "ALL_PROXY": "http://all:1"}
    assert proxies(far, {}) == {}
    assert proxies(far, from_environment) == {"https": "http://proxy:3128"}
    assert proxies(far, {**from_environment, "NO_PROXY": "aliyuncs.com"}) == {}
    assert proxies(far, {**from_environment, "NO_PROXY": "aliyuncs.com"}, "http://mine:1") == {"https": "http://mine:1"}
    assert proxies(near, from_environment, "http://mine:1") == {}


@pytest.mark.parametrize(
    ("url", "no_proxy", "excluded"),
    [
        ("https://rds.aliyuncs.com/", "*", True),
        ("https://rds.aliyuncs.com/", "example.com, .aliyuncs.com", True),
        ("https://rds.aliyuncs.com/", "RDS.aliyuncs.com:443", True),
        ("https://rds.aliyuncs.com:8443/", "rds.aliyuncs.com:443", False),
        ("https://rds.aliyuncs.com/", "yuncs.com", False),
        ("https://rds.aliyuncs.com/", "10.0.0.0/8", False),
        ("https://10.1.2.3/", "10.0.0.0/8", True),
        ("https://10.1.2.3/", "10.1.2.3", True),
        ("https://10.1.2.3/", "192.168.0.0/16,nonsense/x", False),
        ("https://[fd00::7]:8443/", "fd00::/8", True),
    ],
)
def test_who_is_reached_without_the_proxy(monkeypatch, url, no_proxy, excluded):
    """The environment itself is left alone: other threads read it at the same time. Nor is requests needed."""
    monkeypatch.setitem(sys.modules, "requests", None)
    with monkeypatch.context() as patch:
        patch.setattr(os, "environ", MappingProxyType(dict(os.environ)))
        told = proxies(url, {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy})
    assert told == ({} if excluded else {"https": "http://proxy:3128"})


@pytest.mark.parametrize("make", [RpcSession, new_pool])
def test_a_ca_file_that_is_missing_is_named(make):
    with pytest.raises(Misconfigured) as caught:
        make(connection.Trust(ca_path="/nonexistent/ca.pem"))
    assert "ca_path" in caught.value.remedy
