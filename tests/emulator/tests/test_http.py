# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gateway behind HTTP: formats, methods, odd and hostile requests, the call log, the control interface."""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
import requests
from apsara_emulator import Gateway, HttpRequest, HttpResponse, ManualClock, WallClock, World
from apsara_emulator.default_world import ACCESS_KEY_ONE, ACCOUNT_ONE, BEARER_TOKEN_ONE
from hypothesis import given, settings
from hypothesis import strategies as st

from .inprocess import SOURCE, TARGET
from .serving import Served
from .signing import V3Auth, v3_call

VERSION = "Version=2014-08-15"
BEARER = {"authorization": f"Bearer {BEARER_TOKEN_ONE}"}


def get(emulator: Served, query: str, **options: Any) -> requests.Response:
    return requests.get(f"{emulator.urls.api}/?{query}", headers=BEARER, timeout=10, **options)


def control(emulator: Served, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
    return requests.request(method, f"{emulator.urls.control}/{path}", json=body, timeout=10, **options)


def test_xml(emulator: Served) -> None:
    answer = get(emulator, f"Action=DescribeDatabases&{VERSION}&Format=XML&DBInstanceId={SOURCE}")
    assert answer.headers["content-type"] == "text/xml;charset=utf-8"
    tree = ElementTree.fromstring(answer.content)
    assert tree.tag == "DescribeDatabasesResponse"
    assert [one.findtext("DBName") for one in tree.iter("Database")] == ["sales", "crm", "hr", "archive"]


def test_xml_error(emulator: Served) -> None:
    answer = get(emulator, f"Action=DescribeDatabases&{VERSION}&Format=xml&DBInstanceId=rm-%3Cnone%3E%01")
    tree = ElementTree.fromstring(answer.content)
    assert (answer.status_code, tree.tag) == (404, "Error")
    assert {one.tag for one in tree} == {"Code", "Message", "RequestId", "HostId", "Recommend"}
    assert "rm-<none>" in (tree.findtext("Message") or "")


def test_xml_by_accept_header(emulator: Served) -> None:
    with requests.Session() as session:
        session.headers["accept"] = "application/xml"
        answer = v3_call(session, emulator.urls.api, WallClock().now(), "DescribeRegions", {})
    assert ElementTree.fromstring(answer.content).tag == "DescribeRegionsResponse"


def test_json_error(emulator: Served) -> None:
    answer = get(emulator, f"Action=DescribeDatabases&{VERSION}&DBInstanceId=none")
    body = answer.json()
    assert set(body) == {"Code", "Message", "RequestId", "HostId", "Recommend"}
    assert body["HostId"] == emulator.endpoint
    assert body["Code"] in body["Recommend"]
    assert answer.headers["x-acs-request-id"] == body["RequestId"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"{VERSION}", 400, "MissingParameter"),
        ("Action=Nothing", 400, "MissingParameter"),
        ("Action=DescribeRegions&Version=1999-01-01", 400, "InvalidParameter"),
        (f"Action=Nothing&{VERSION}", 403, "InvalidAction"),
        ("Action=CreateUser&Version=2015-05-01", 403, "InvalidAction"),
        (f"Action=DescribeRegions&{VERSION}&A=1", 400, "InvalidParameter"),
        (f"Action=DescribeRegions&{VERSION}&AcceptLanguage=a&AcceptLanguage=b", 400, "InvalidParameter"),
        (f"Action=DescribeDBInstances&{VERSION}&RegionId=cn-nowhere", 404, "InvalidRegionId.NotFound"),
        (f"Action=DescribeDBInstances&{VERSION}&RegionId=cn-hangzhou&PageNumber=0", 400, "InvalidPageNumber.Malformed"),
        (f"Action=DescribeDBInstances&{VERSION}&RegionId=cn-hangzhou&PageSize=101", 400, "InvalidPageSize.Malformed"),
        ("Action=DescribeRegions", 200, None),
        (f"Action=DescribeRegions&{VERSION}", 200, None),
    ],
)
def test_odd_requests(emulator: Served, query: str, status: int, code: str | None) -> None:
    answer = get(emulator, query)
    assert (answer.status_code, answer.json().get("Code")) == (status, code)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_refused(emulator: Served, method: str) -> None:
    url = f"{emulator.urls.api}/?Action=DescribeRegions&{VERSION}"
    answer = requests.request(method, url, headers=BEARER, timeout=10)
    assert (answer.status_code, answer.json()["Code"]) == (403, "UnsupportedHTTPMethod")


def test_parameters_in_a_form(emulator: Served) -> None:
    with requests.Session() as session:
        form = {"DBInstanceId": SOURCE, "PageSize": "30"}
        answer = v3_call(session, emulator.urls.api, WallClock().now(), "DescribeDatabases", {}, data=form)
    assert answer.status_code == 200


def test_a_long_query(emulator: Served) -> None:
    names = "%22,%22".join(f"database{number}" for number in range(5000))
    answer = get(emulator, f"Action=CopyDatabaseBetweenInstances&{VERSION}&DbNames=[%22{names}%22]")
    assert answer.json()["Code"] == "MissingParameter"


def test_a_body_that_is_too_large(emulator: Served) -> None:
    answer = requests.post(emulator.urls.api, data=b"x" * (11 * 1024 * 1024), timeout=10)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /?\xff\xfe=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /?Signature=\xff&AccessKeyId=a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: ACS3-HMAC-SHA256 Credential=\xff,SignedHeaders=\xff,Signature=a"
        b"\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_bytes_that_are_no_text(emulator: Served, raw: bytes) -> None:
    host, port = emulator.endpoint.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(raw)
        answer = connection.recv(65536)
    assert answer.split()[1] == b"400"
    assert get(emulator, f"Action=DescribeRegions&{VERSION}").status_code == 200


_TEXT = st.text(max_size=30)
_ACTION = st.sampled_from(
    "DescribeDatabases DescribeDBInstances DescribeHistoryTasks CopyDatabaseBetweenInstances"
    " ImportDatabaseBetweenInstances CancelImport DescribeBackups CreateDatabase DescribeTasks".split()
)
_NAME = st.sampled_from(
    "DBInstanceId TargetDBInstanceId SourceDBInstanceId DbNames DBInfo BackupId RestoreTime PageNumber PageSize"
    " RegionId NextToken MaxResults StartTime EndTime FromStartTime ToStartTime ImportId DBName CharacterSetName"
    " InstanceId Format".split()
)
_VALUE = st.one_of(
    _TEXT,
    st.sampled_from([SOURCE, TARGET, "cn-hangzhou", '{"hr":"x"}', '{"DBNames":["hr"]}', "XML", "[" * 3000]),
    st.integers(-10, 10**20).map(str),
    st.sampled_from(["2026-01-02T03:04Z", "2026-01-02T03:04:05Z", "0000-00-00T00:00Z"]),
)


@settings(max_examples=300, deadline=None)
@given(action=_ACTION, parameters=st.dictionaries(_NAME, _VALUE, max_size=6))
def test_nothing_a_caller_sends_breaks_it(action: str, parameters: dict[str, str]) -> None:
    query = urlencode({"Action": action, **parameters}, errors="replace")
    answer = Gateway(World.default(ManualClock())).handle(HttpRequest.of("GET", f"/?{query}", BEARER.items(), b""))
    assert isinstance(answer, HttpResponse)
    assert answer.status < 500
    if answer.headers["Content-Type"].startswith("text/xml"):
        assert ElementTree.fromstring(answer.body).findtext("RequestId")


def test_call_log(emulator: Served) -> None:
    get(emulator, f"Action=DescribeRegions&{VERSION}")
    with requests.Session() as session:
        parameters = {"DBInstanceId": TARGET, "DBName": "made", "CharacterSetName": "x"}
        v3_call(session, emulator.urls.api, WallClock().now(), "CreateDatabase", parameters)
    get(emulator, f"Action=CreateDatabase&{VERSION}&SourcePassword=geheim&AccessKeySecret=x&NextToken=1")
    calls = control(emulator, "GET", "calls").json()
    assert [(one["seq"], one["action"], one["mutating"], one["took_effect"]) for one in calls] == [
        (1, "DescribeRegions", False, False),
        (2, "CreateDatabase", True, True),
        (3, "CreateDatabase", True, False),
    ]
    assert [one["account_id"] for one in calls] == [ACCOUNT_ONE] * 3
    assert [one["access_key_id"] for one in calls] == ["", ACCESS_KEY_ONE[0], ""]
    assert [(one["http_status"], one["code"]) for one in calls] == [(200, ""), (200, ""), (400, "MissingParameter")]
    assert calls[1]["parameters"] == parameters
    hidden = {"SourcePassword": "********", "AccessKeySecret": "********", "NextToken": "1"}
    assert calls[2]["parameters"] == hidden
    assert [one["seq"] for one in control(emulator, "GET", "calls?mutating=true").json()] == [2, 3]
    assert [one["seq"] for one in control(emulator, "GET", "calls?mutating=false&since=0").json()] == [1]
    assert [one["seq"] for one in control(emulator, "GET", "calls?since=2").json()] == [3]


def test_control_faults(emulator: Served) -> None:
    fault = {"kind": "throttle", "action": "DescribeRegions", "times": 1}
    assert control(emulator, "POST", "faults", fault).status_code == 200
    assert get(emulator, f"Action=DescribeRegions&{VERSION}").json()["Code"] == "Throttling.User"
    assert get(emulator, f"Action=DescribeRegions&{VERSION}").status_code == 200
    assert [one["seen"] for one in control(emulator, "GET", "faults").json()] == [2]
    assert control(emulator, "POST", "faults", []).json() == []
    wrong = control(emulator, "POST", "faults", {"kind": "throttle", "tmies": 1})
    assert (wrong.status_code, "tmies" in wrong.json()["error"]) == (400, True)


def test_control_world(emulator: Served) -> None:
    change = {
        "instances": {TARGET: {"status": "Rebooting", "databases": {"warehouse": None, "new": {"size": 5}}}},
        "variants": {"import_id": "number"},
        "switches": {"retired_actions": False},
    }
    assert control(emulator, "POST", "world", change).status_code == 200
    world = control(emulator, "GET", "world").json()
    assert world["instances"][TARGET]["status"] == "Rebooting"
    assert set(world["instances"][TARGET]["databases"]) == {"new"}
    assert (world["variants"]["import_id"], world["switches"]["retired_actions"]) == ("number", False)
    wrong: Any
    for wrong in (
        {"instanecs": {}},
        {"instances": {TARGET: {"statsu": "x"}}},
        {"variants": {"import_id": "roman"}},
        {"variants": {"nothing": "x"}},
        {"instances": {"new": {"engine": "MySQL"}}},
        {"durations": {"cancel": "long"}},
        [],
    ):
        answer = control(emulator, "POST", "world", wrong)
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert control(emulator, "GET", "world").json() == world


def test_control_reset(emulator: Served) -> None:
    control(emulator, "POST", "world", {"instances": {TARGET: {"status": "Rebooting"}}})
    control(emulator, "POST", "faults", {"kind": "stall"})
    assert control(emulator, "POST", "reset").status_code == 200
    assert emulator.world.state.instances[TARGET].status == "Running"
    assert control(emulator, "GET", "faults").json() == control(emulator, "GET", "calls").json() == []
    start = dict(emulator.world.to_document())
    try:
        assert control(emulator, "POST", "reset", {"accounts": [{"account_id": "7"}]}).status_code == 200
        assert list(control(emulator, "GET", "world").json()["accounts"]) == ["7"]
        assert control(emulator, "POST", "reset").status_code == 200
        assert list(emulator.world.state.accounts) == ["7"]
        assert control(emulator, "POST", "reset", {"nonsense": 1}).status_code == 400
        assert list(emulator.world.state.accounts) == ["7"]
    finally:
        emulator.world.reset(start)


def test_control_reset_forgets_nonces(emulator: Served) -> None:
    with requests.Session() as session:
        request = requests.Request("POST", f"{emulator.urls.api}/?")
        signed = session.prepare_request(request)
        V3Auth(WallClock().now(), "DescribeRegions")(signed)
        assert session.send(signed, timeout=5).status_code == 200
        assert session.send(signed, timeout=5).json()["Code"] == "SignatureNonceUsed"
        control(emulator, "POST", "reset")
        assert session.send(signed, timeout=5).status_code == 200


def test_control_clock(emulator: Served) -> None:
    before = emulator.world.clock.now()
    assert control(emulator, "POST", "clock", {"advance": 90}).json() == {"now": before + 90}
    wrong: dict[str, Any]
    for wrong in ({}, {"advance": "1"}, {"advance": -1}, {"advance": True}, {"advance": 1, "x": 1}, {"advance": 1e12}):
        assert control(emulator, "POST", "clock", wrong).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "", 404),
        ("DELETE", "calls", 405),
        ("GET", "calls?sinse=1", 400),
        ("GET", "calls?mutating=yes", 400),
        ("GET", "calls?since=x", 400),
        ("GET", "/calls", 200),
    ],
)
def test_control_paths(emulator: Served, method: str, path: str, status: int) -> None:
    assert control(emulator, method, path).status_code == status


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100000, b"\xff", b"1"])
def test_control_bodies_that_are_no_json(emulator: Served, body: bytes) -> None:
    for path in ("world", "faults", "clock"):
        answer = requests.post(f"{emulator.urls.control}/{path}", data=body, timeout=10)
        assert (answer.status_code, list(answer.json())) == (400, ["error"])


def test_control_is_not_on_the_service_s_port(emulator: Served) -> None:
    assert requests.get(f"{emulator.urls.api}/control/world", timeout=10).json()["Code"] == "MissingParameter"


def test_latency(emulator: Served) -> None:
    """Each request of the service and of OSS takes so much longer; the control interface does not."""
    control(emulator, "POST", "world", {"quotas": {"latency": 0.3}})
    try:
        taken = {}
        for name, url in (("api", f"{emulator.urls.api}/"), ("oss", emulator.urls.oss)):
            start = time.monotonic()
            requests.get(url, timeout=10)
            taken[name] = time.monotonic() - start
        start = time.monotonic()
    finally:
        control(emulator, "POST", "world", {"quotas": {"latency": 0.0}})
    assert all(seconds >= 0.3 for seconds in taken.values()), taken
    assert time.monotonic() - start < 0.25
