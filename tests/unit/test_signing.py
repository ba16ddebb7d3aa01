# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's test vectors: equal inputs give the SDK's requests, to the letter."""

from __future__ import annotations

import hashlib

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import signing
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.credentials import (
    AccessKey,
    BearerToken,
    Fixed,
)

# 2026-01-02T03:04:05Z, and the inputs that all vectors share.
MOMENT = 1767323045.0
NONCE = "00112233445566778899aabbccddeeff"
KEY = AccessKey("testAccessKeyId", "testAccessKeySecret")
STS_KEY = AccessKey("STS.testAccessKeyId", "testAccessKeySecret", "testSecurityToken/+==")
WINDOW = {
    "DBInstanceId": "rm-uf6wjk5xxxxxxx",
    "EndTime": "2026-01-02T00:00Z",
    "PageNumber": "1",
    "PageSize": "30",
    "StartTime": "2026-01-01T00:00Z",
}
CREATE = {
    "BackupMode": "FULL",
    "CheckDBMode": "AsyncExecuteDBCheck",
    "DBInstanceId": "rm-uf6wjk5xxxxxxx",
    "DBName": "测试 db*~+/=&",
    "IsOnlineDB": "True",
    "OssObjectPositions": "oss-cn-hangzhou.aliyuncs.com:my-bucket:dir/Testdb_FULL_20180518153544.bak",
}
CONFIGURE = {
    "DataInitialization": "True",
    "DataSynchronization": "False",
    "DtsInstanceId": "dtsabc123",
    "DtsJobName": "job 1",
    "JobType": "MIGRATION",
    "RegionId": "cn-hangzhou",
    "StructureInitialization": "True",
}
DB_LIST = "DbList=%7B%22dtstest%22%3A%7B%22name%22%3A%22dtstest%22%2C%22all%22%3Atrue%7D%7D"
PLAIN = (
    "accept;host;user-agent;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"
    "x-acs-signature-nonce;x-acs-version"
)
WITH_BODY = PLAIN.replace("accept;", "accept;content-type;")
WITH_TOKEN = (
    "accept;host;user-agent;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-credentials-provider;x-acs-date;"
    "x-acs-security-token;x-acs-signature-nonce;x-acs-version"
)


def prepare(source, action, parameters, *, host="rds.aliyuncs.com", version="2014-08-15", body=None):
    """The request as our client hands it to the network."""
    headers = {"accept": "application/json", "user-agent": "TestVector/1.0"}
    headers |= {"x-acs-action": action, "x-acs-version": version}
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
    proof = signing.ProofOfCaller(Fixed(source, "test"), wall_clock=lambda: MOMENT, nonce=lambda: NONCE)
    url = f"https://{host}/?{signing.query_string(parameters)}"
    return requests.Request("POST", url, headers=headers, data=body, auth=proof).prepare()


@pytest.mark.parametrize(
    ("key", "action", "parameters", "more", "names", "signature"),
    [
        pytest.param(
            KEY,
            "DescribeMigrateTasks",
            WINDOW,
            {},
            PLAIN,
            "d124dc906258d688242adc6d581b9377603bbd4d9b5404173d8d6dc966e9d205",
            id="V3-1 long-term key",
        ),
        pytest.param(
            KEY,
            "CreateMigrateTask",
            CREATE,
            {},
            PLAIN,
            "0eba147b2bcc22037b9ec1059edc825a49fac1157e09fa4aef0e9f2889acd269",
            id="V3-2 every kind of character",
        ),
        pytest.param(
            STS_KEY,
            "DescribeMigrateTasks",
            WINDOW,
            {},
            WITH_TOKEN,
            "77ffb598f9c75196855ac164a6169cceb6df2a494537d6e80ee40cbac38bbde9",
            id="V3-3 security token",
        ),
        pytest.param(
            KEY,
            "ConfigureDtsJob",
            CONFIGURE,
            {"host": "dts.aliyuncs.com", "version": "2020-01-01", "body": DB_LIST},
            WITH_BODY,
            "aad5cc259a9e4d13cb55fd23f9bc122e8257e858012ecd0d54cd67c85d337b30",
            id="V3-4 form body",
        ),
    ],
)
def test_signature_of_the_sdk(key, action, parameters, more, names, signature):
    request = prepare(key, action, parameters, **more)
    assert request.headers["Authorization"] == (
        f"ACS3-HMAC-SHA256 Credential={key.access_key_id},SignedHeaders={names},Signature={signature}"
    )
    body = more.get("body", "")
    assert request.headers["x-acs-content-sha256"] == hashlib.sha256(body.encode()).hexdigest()


def test_long_term_key_sends_what_the_sdk_sends():
    headers = prepare(KEY, "DescribeMigrateTasks", WINDOW).headers
    assert headers["host"] == "rds.aliyuncs.com"
    assert headers["x-acs-date"] == "2026-01-02T03:04:05Z"
    assert headers["x-acs-signature-nonce"] == NONCE
    assert headers["x-acs-credentials-provider"] == "static_ak"
    assert "x-acs-security-token" not in headers


def test_security_token_goes_with_its_key():
    headers = prepare(STS_KEY, "DescribeMigrateTasks", WINDOW).headers
    assert headers["x-acs-security-token"] == "testSecurityToken/+=="
    assert headers["x-acs-accesskey-id"] == "STS.testAccessKeyId"
    assert headers["x-acs-credentials-provider"] == "static_sts"


def test_bearer_token_is_sent_in_both_known_forms():
    request = prepare(BearerToken("testBearerToken"), "DescribeMigrateTasks", WINDOW)
    assert request.headers["x-acs-bearer-token"] == "testBearerToken"
    assert request.headers["Authorization"] == "Bearer testBearerToken"
    assert request.url == (
        "https://rds.aliyuncs.com/?DBInstanceId=rm-uf6wjk5xxxxxxx&EndTime=2026-01-02T00%3A00Z&PageNumber=1&PageSize=30"
        "&StartTime=2026-01-01T00%3A00Z&SignatureType=BEARERTOKEN"
    )
    assert request.headers["x-acs-content-sha256"] == hashlib.sha256(b"").hexdigest()


def test_query_is_sorted_by_name_alone():
    """The equals sign sorts behind the full stop, so sorting whole pairs would put Tag.1 before Tag."""
    assert signing.query_string({"Tag.1": "b", "Tag": "a"}) == "Tag=a&Tag.1=b"


def test_each_attempt_has_a_nonce_of_its_own():
    proof = signing.ProofOfCaller(Fixed(KEY, "test"))
    prepared = [requests.Request("POST", "https://rds.aliyuncs.com/", auth=proof).prepare() for _attempt in range(2)]
    assert len({request.headers["x-acs-signature-nonce"] for request in prepared}) == 2


def test_credentials_are_asked_for_at_each_request():
    """Temporary credentials change during a wait of hours."""

    class Changing:
        origin = "test"

        def __init__(self):
            self.keys = [AccessKey("first", "secretOfFirst"), AccessKey("second", "secretOfSecond")]

        def current(self):
            return self.keys.pop(0)

    proof = signing.ProofOfCaller(Changing())
    sent = [requests.Request("POST", "https://rds.aliyuncs.com/", auth=proof).prepare() for _attempt in range(2)]
    assert ["Credential=first" in sent[0].headers["Authorization"]] == [True]
    assert "Credential=second" in sent[1].headers["Authorization"]
