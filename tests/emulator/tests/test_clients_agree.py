# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's client sends what the vendor's SDK sends: equal inputs, equal requests, equal signatures."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from alibabacloud_rds20140815 import models as m
from alibabacloud_rds20140815.client import Client as RdsClient
from alibabacloud_tea_openapi import models as openapi
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds, rpc
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.credentials import AccessKey, Fixed
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds_imports import (
    copy_parameters,
    import_parameters,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.signing import ProofOfCaller
from darabonba.runtime import RuntimeOptions
from hypothesis import given, settings
from hypothesis import strategies as st

HOST = "rds.aliyuncs.com"
KEYS = {
    "long-term key": AccessKey("LTAI5tSomebody", "secretOfSomebody"),
    "security token": AccessKey("STS.Somebody", "secretOfSomebody", "token/of+the=service == & more"),
}
SOURCE, TARGET = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001"
AWKWARD = "测试 db*~+/=&%-_.'\"<>?#;:@!$()[]{},|\\^`é😀\t"


@contextmanager
def nothing_is_sent() -> Iterator[list[requests.PreparedRequest]]:
    """Every request is noted, and answered with an empty success."""
    noted: list[requests.PreparedRequest] = []

    def send(_session: requests.Session, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        noted.append(request)
        response = requests.Response()
        response.status_code = 200
        response.headers["content-type"] = "application/json"
        response._content = b'{"RequestId":"1"}'
        response._content_consumed = True  # type: ignore[attr-defined]  # private
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(requests.Session, "send", send)
        yield noted


def sdk(key: AccessKey) -> RdsClient:
    config = openapi.Config(
        access_key_id=key.access_key_id,
        access_key_secret=key.access_key_secret,
        security_token=key.security_token or None,
        endpoint=HOST,
        protocol="https",
    )
    return RdsClient(config)


def sdk_any(client: RdsClient, action: str, query: dict[str, str]) -> None:
    """An action that the SDK has no method for."""
    parameters = openapi.Params(
        action=action,
        version="2014-08-15",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    client.call_api(parameters, openapi.OpenApiRequest(query=query), RuntimeOptions())


def ours(key: AccessKey, action: str, parameters: dict[str, Any], like: requests.PreparedRequest) -> None:
    """Our call, at the SDK's time, with its nonce and its name."""
    moment = calendar.timegm(time.strptime(like.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ"))
    nonce = like.headers["x-acs-signature-nonce"]
    source = Fixed(key, "test")
    client = rpc.RpcClient(
        rds.RDS,
        f"https://{HOST}",
        source,
        requests.Session(),
        read_only=False,
        proof=ProofOfCaller(source, wall_clock=lambda: moment, nonce=lambda: nonce),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rpc, "USER_AGENT", like.headers["user-agent"])
        client.call(action, parameters)


def both(
    key: AccessKey, action: str, parameters: dict[str, Any], call_sdk: Callable[[RdsClient], Any]
) -> tuple[requests.PreparedRequest, requests.PreparedRequest]:
    with nothing_is_sent() as noted:
        call_sdk(sdk(key))
        ours(key, action, parameters, noted[0])
    theirs, own = noted
    return theirs, own


def assert_equal(theirs: requests.PreparedRequest, own: requests.PreparedRequest) -> None:
    assert own.method == theirs.method
    assert urlsplit(str(own.url))[:3] == urlsplit(str(theirs.url))[:3]
    queries = [sorted(parse_qsl(urlsplit(str(r.url)).query, keep_blank_values=True)) for r in (own, theirs)]
    assert queries[0] == queries[1]
    assert (own.body or b"") == (theirs.body or b"")
    assert own.headers["Authorization"] == theirs.headers["Authorization"]
    signed = theirs.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "accept", "user-agent", "x-acs-action", "x-acs-date"} < set(signed)
    assert {name: own.headers[name] for name in signed} == {name: theirs.headers[name] for name in signed}
    acs = [{name.lower() for name in r.headers if name.lower().startswith("x-acs-")} for r in (own, theirs)]
    assert acs[0] == acs[1]


WINDOW = {"StartTime": "2026-01-01T00:00Z", "EndTime": "2026-01-02T00:00Z"}
NAMES = {"sales 2026": "sales*~+/&", "测试": AWKWARD}
IMPORT = import_parameters(SOURCE, TARGET, NAMES)
COPY = copy_parameters(
    SOURCE, TARGET, NAMES, backup_id="7", restore_time="2026-01-02T02:00:00Z", sync_user_privilege=True
)

CALLS: dict[str, tuple[str, dict[str, Any], Callable[[RdsClient], Any]]] = {
    "no parameter": (
        "DescribeRegions",
        {},
        lambda client: client.describe_regions(m.DescribeRegionsRequest()),
    ),
    "numbers": (
        "DescribeDatabases",
        {"DBInstanceId": TARGET, "PageNumber": 2, "PageSize": 100, "DBName": None},
        lambda client: client.describe_databases(
            m.DescribeDatabasesRequest(dbinstance_id=TARGET, page_number=2, page_size=100)
        ),
    ),
    "times": (
        "DescribeBackups",
        {"DBInstanceId": SOURCE, "BackupType": "FullBackup", **WINDOW, "PageNumber": 1, "PageSize": 100},
        lambda client: client.describe_backups(
            m.DescribeBackupsRequest(
                dbinstance_id=SOURCE,
                backup_type="FullBackup",
                start_time=WINDOW["StartTime"],
                end_time=WINDOW["EndTime"],
                page_number=1,
                page_size=100,
            )
        ),
    ),
    "every kind of character": (
        "CheckDBNameAvailable",
        {"DBInstanceId": TARGET, "DBName": AWKWARD},
        lambda client: client.check_dbname_available(
            m.CheckDBNameAvailableRequest(dbinstance_id=TARGET, dbname=AWKWARD)
        ),
    ),
    "empty text": (
        "DescribeTasks",
        {"DBInstanceId": TARGET, **WINDOW, "Status": ""},
        lambda client: client.describe_tasks(
            m.DescribeTasksRequest(
                dbinstance_id=TARGET, start_time=WINDOW["StartTime"], end_time=WINDOW["EndTime"], status=""
            )
        ),
    ),
    "a copy": (
        "CopyDatabaseBetweenInstances",
        COPY,
        lambda client: client.copy_database_between_instances(
            m.CopyDatabaseBetweenInstancesRequest(
                dbinstance_id=SOURCE,
                target_dbinstance_id=TARGET,
                db_names=json.dumps(NAMES, ensure_ascii=False, separators=(",", ":")),
                backup_id="7",
                restore_time="2026-01-02T02:00:00Z",
                sync_user_privilege="YES",
            )
        ),
    ),
    "a retired action": (
        "ImportDatabaseBetweenInstances",
        dict(IMPORT),
        lambda client: sdk_any(client, "ImportDatabaseBetweenInstances", dict(IMPORT)),
    ),
    "truth and structures": (
        "SomeAction",
        {"Yes": True, "No": False, "List": ["a", 1], "Map": {"测": "b c"}},
        lambda client: sdk_any(
            client, "SomeAction", {"Yes": "True", "No": "False", "List": '["a",1]', "Map": '{"测":"b c"}'}
        ),
    ),
    "names that sort beside each other": (
        "SomeAction",
        {"Tag.10.Key": "j", "Tag": "t", "Tag.1.Key": "a", "tag": "low", "Tag-1": "dash", "Tag.1.Value": ""},
        lambda client: sdk_any(
            client,
            "SomeAction",
            {"Tag": "t", "Tag-1": "dash", "Tag.1.Key": "a", "Tag.1.Value": "", "Tag.10.Key": "j", "tag": "low"},
        ),
    ),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(("action", "parameters", "call_sdk"), CALLS.values(), ids=CALLS)
def test_equal_requests(
    key: AccessKey, action: str, parameters: dict[str, Any], call_sdk: Callable[[RdsClient], Any]
) -> None:
    assert_equal(*both(key, action, parameters, call_sdk))


@pytest.mark.parametrize("character", [*" *~+/&=%?#;'\"\\<>[]{}|^`,:@!$()-_.\t\n\x7f", "测", "é", "😀", "\u2028"])
def test_each_character_is_sent_as_the_sdk_sends_it(character: str) -> None:
    """In values; the names of parameters are plain, and the SDK encodes none."""
    sent = {"Value": f"a{character}b{character}", "Other": character}
    theirs, own = both(
        KEYS["long-term key"], "SomeAction", sent, lambda client: sdk_any(client, "SomeAction", dict(sent))
    )
    assert_equal(theirs, own)
    assert dict(parse_qsl(urlsplit(str(own.url)).query)) == sent


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text("abAB.-_1", min_size=1, max_size=4), st.text(max_size=12), max_size=5))
def test_whatever_is_sent_is_sent_as_the_sdk_sends_it(parameters: dict[str, str]) -> None:
    key = KEYS["security token"]
    theirs, own = both(key, "SomeAction", parameters, lambda client: sdk_any(client, "SomeAction", dict(parameters)))
    assert_equal(theirs, own)


def test_another_value_is_another_signature() -> None:
    """What is compared above does depend on what is sent."""
    theirs, own = both(
        KEYS["long-term key"],
        "SomeAction",
        {"Value": "a"},
        lambda client: sdk_any(client, "SomeAction", {"Value": "b"}),
    )
    with pytest.raises(AssertionError):
        assert_equal(theirs, own)
    assert own.headers["Authorization"] != theirs.headers["Authorization"]
