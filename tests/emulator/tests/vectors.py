# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed requests made by the vendor's SDKs with fixed inputs, and the signatures they computed.

Inputs: key `testAccessKeyId` (of the token service: `STS.testAccessKeyId`), secret `testAccessKeySecret`, token
`testSecurityToken/+==`, bearer token `testBearerToken`, 2026-01-02T03:04:05Z. Synthetic, not credentials of anyone.
"""

from __future__ import annotations

from typing import Any

from apsara_emulator import HttpRequest

DOCUMENT: dict[str, Any] = {
    "accounts": [
        {
            "account_id": "1000000000000001",
            "access_keys": [{"access_key_id": "testAccessKeyId", "access_key_secret": "testAccessKeySecret"}],
            "security_tokens": [
                {
                    "access_key_id": "STS.testAccessKeyId",
                    "access_key_secret": "testAccessKeySecret",
                    "security_token": "testSecurityToken/+==",
                    "expires": "2026-01-02T04:00:00Z",
                }
            ],
            "bearer_tokens": ["testBearerToken"],
        }
    ]
}

_RDS, _DTS = ("rds.aliyuncs.com", "2014-08-15"), ("dts.aliyuncs.com", "2020-01-01")
_NONCE = "00112233445566778899aabbccddeeff"
_STAMP = "2026-01-02T03:04:05Z"
_NO_BODY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_DB_LIST = b"DbList=%7B%22dtstest%22%3A%7B%22name%22%3A%22dtstest%22%2C%22all%22%3Atrue%7D%7D"

_DESCRIBE = (
    "DBInstanceId=rm-uf6wjk5xxxxxxx&EndTime=2026-01-02T00%3A00Z&PageNumber=1&PageSize=30&StartTime=2026-01-01T00%3A00Z"
)
_CREATE = (
    "BackupMode=FULL&CheckDBMode=AsyncExecuteDBCheck&DBInstanceId=rm-uf6wjk5xxxxxxx"
    "&DBName=%E6%B5%8B%E8%AF%95+db%2A~%2B%2F%3D%26&IsOnlineDB=True"
    "&OssObjectPositions=oss-cn-hangzhou.aliyuncs.com%3Amy-bucket%3Adir%2FTestdb_FULL_20180518153544.bak"
)
_CONFIGURE = (
    "DataInitialization=True&DataSynchronization=False&DtsInstanceId=dtsabc123&DtsJobName=job+1&JobType=MIGRATION"
    "&RegionId=cn-hangzhou&StructureInitialization=True"
)


def _v3(
    service: tuple[str, str], action: str, query: str, signature: str, *, token: bool = False, body: bytes = b""
) -> HttpRequest:
    headers = {
        "host": service[0],
        "x-acs-version": service[1],
        "x-acs-action": action,
        "user-agent": "TestVector/1.0",
        "x-acs-date": _STAMP,
        "x-acs-signature-nonce": _NONCE,
        "accept": "application/json",
        "x-acs-content-sha256": _NO_BODY,
        "x-acs-credentials-provider": "static_sts" if token else "static_ak",
    }
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
        headers["x-acs-content-sha256"] = "f5d6e55b81aeaaa9635bab9b867c3a90a87989977f0cb7c0fbb47cf0e7fe2c98"
    key = "STS.testAccessKeyId" if token else "testAccessKeyId"
    if token:
        headers |= {"x-acs-accesskey-id": key, "x-acs-security-token": "testSecurityToken/+=="}
    signed = ";".join(sorted(headers))
    headers["authorization"] = f"ACS3-HMAC-SHA256 Credential={key},SignedHeaders={signed},Signature={signature}"
    return HttpRequest("POST", f"/?{query}", headers, body)


def _v1(host: str, target: str, body: bytes = b"") -> HttpRequest:
    headers = {"host": host, "user-agent": "TestVector/1.0"}
    if body:
        headers["content-type"] = "application/x-www-form-urlencoded"
    return HttpRequest("POST", target, headers, body)


def _v1_target(action: str, version: str, query: str, key: str, signature: str, token: str = "") -> str:
    security = "&SecurityToken=testSecurityToken%2F%2B%3D%3D" if token else ""
    return (
        f"/?Action={action}&Format=json&Version={version}&Timestamp=2026-01-02T03%3A04%3A05Z&SignatureNonce={_NONCE}"
        f"&{query}{security}&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&AccessKeyId={key}&Signature={signature}"
    )


def _core_target(key: str, query: str, signature: str) -> str:
    return (
        f"/?{query}&Version=2014-08-15&Action=DescribeMigrateTasks&Format=JSON&RegionId=cn-hangzhou"
        f"&Timestamp=2026-01-02T03%3A04%3A05Z&SignatureMethod=HMAC-SHA1&SignatureType=&SignatureVersion=1.0"
        f"&SignatureNonce={_NONCE}&AccessKeyId={key}&Signature={signature}"
    )


V3: dict[str, HttpRequest] = {
    "long-term key": _v3(
        _RDS, "DescribeMigrateTasks", _DESCRIBE, "d124dc906258d688242adc6d581b9377603bbd4d9b5404173d8d6dc966e9d205"
    ),
    "odd characters": _v3(
        _RDS, "CreateMigrateTask", _CREATE, "0eba147b2bcc22037b9ec1059edc825a49fac1157e09fa4aef0e9f2889acd269"
    ),
    "security token": _v3(
        _RDS,
        "DescribeMigrateTasks",
        _DESCRIBE,
        "77ffb598f9c75196855ac164a6169cceb6df2a494537d6e80ee40cbac38bbde9",
        token=True,
    ),
    "form body": _v3(
        _DTS,
        "ConfigureDtsJob",
        _CONFIGURE,
        "aad5cc259a9e4d13cb55fd23f9bc122e8257e858012ecd0d54cd67c85d337b30",
        body=_DB_LIST,
    ),
}

V1: dict[str, HttpRequest] = {
    "long-term key": _v1(
        _RDS[0],
        _v1_target("DescribeMigrateTasks", _RDS[1], _DESCRIBE, "testAccessKeyId", "18sgaEwsxa5gyY7YpRCYX4Ae0Lg%3D"),
    ),
    "odd characters": _v1(
        _RDS[0],
        _v1_target("CreateMigrateTask", _RDS[1], _CREATE, "testAccessKeyId", "9ql1fOqsij70uh1hpl1tawUwOwE%3D"),
    ),
    "security token": _v1(
        _RDS[0],
        _v1_target(
            "DescribeMigrateTasks", _RDS[1], _DESCRIBE, "STS.testAccessKeyId", "qbh0OGKkI6PAcJFzi%2FCt41J4zX8%3D", "yes"
        ),
    ),
    "form body": _v1(
        _DTS[0],
        _v1_target("ConfigureDtsJob", _DTS[1], _CONFIGURE, "testAccessKeyId", "emQcZS%2FUiXUQiw65Ls0%2Bgwk1dsQ%3D"),
        _DB_LIST,
    ),
    "older SDK": _v1(
        _RDS[0],
        _core_target(
            "testAccessKeyId",
            "DBInstanceId=rm-uf6wjk5xxxxxxx&StartTime=2026-01-01T00%3A00Z&EndTime=2026-01-02T00%3A00Z"
            "&PageSize=30&PageNumber=1",
            "uj085%2BWIOmEkBzUKi0qNS0suFqs%3D",
        ),
    ),
    "older SDK, security token": _v1(
        _RDS[0],
        _core_target(
            "STS.testAccessKeyId",
            "DBInstanceId=rm-uf6wjk5xxxxxxx&StartTime=2026-01-01T00%3A00Z&EndTime=2026-01-02T00%3A00Z"
            "&SecurityToken=testSecurityToken%2F%2B%3D%3D",
            "3rHHOXbSN9%2FzF%2FDB9RXX0%2FoY3ck%3D",
        ),
    ),
}

_COMMON_HEADERS = {"host": "rds.aliyuncs.com", "user-agent": "TestVector/1.0"}
BEARER: dict[str, HttpRequest] = {
    "V3": HttpRequest(
        "POST",
        f"/?{_DESCRIBE}&SignatureType=BEARERTOKEN",
        {
            **_COMMON_HEADERS,
            "x-acs-version": "2014-08-15",
            "x-acs-action": "DescribeMigrateTasks",
            "x-acs-date": _STAMP,
            "x-acs-signature-nonce": _NONCE,
            "accept": "application/json",
            "x-acs-content-sha256": _NO_BODY,
            "x-acs-bearer-token": "testBearerToken",
        },
    ),
    "V1": HttpRequest(
        "POST",
        "/?Action=DescribeMigrateTasks&Format=json&Version=2014-08-15&Timestamp=2026-01-02T03%3A04%3A05Z"
        f"&SignatureNonce={_NONCE}&{_DESCRIBE}&BearerToken=testBearerToken&SignatureType=BEARERTOKEN",
        _COMMON_HEADERS,
    ),
    "header of the how-to": HttpRequest(
        "GET",
        f"/?Action=DescribeMigrateTasks&{_DESCRIBE}",
        {**_COMMON_HEADERS, "authorization": "Bearer testBearerToken"},
    ),
}
