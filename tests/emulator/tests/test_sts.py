# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary credentials: who gets them, that they work, and that they end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_rds20140815 import models as rds_models
from alibabacloud_sts20150401 import models as m
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator import ApiError
from apsara_emulator.contracts import load_contracts
from apsara_emulator.default_world import ACCESS_KEY_TWO, ACCOUNT_ONE, ACCOUNT_TWO, MYSQL_TWO

from .inprocess import Bench
from .sdk_clients import rds, sts
from .serving import Served
from .test_contracts import assert_fits
from .transmitting import ROLE, trust_policy

ARN = f"acs:ram::{ACCOUNT_TWO}:role/{ROLE}"
SCHEMES: dict[str, dict[str, Any]] = {"V3": {}, "V1": {"signature_algorithm": "v2"}}


def with_role(policy: str) -> dict[str, Any]:
    role = {"trust_policy": policy, "policies": ["System/AdministratorAccess"]}
    return {"accounts": {ACCOUNT_TWO: {"roles": {ROLE: role}}}}


def key(credentials: Any) -> dict[str, str]:
    return {
        "access_key_id": credentials.access_key_id,
        "access_key_secret": credentials.access_key_secret,
        "security_token": credentials.security_token,
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_credentials_work_and_end(emulator: Served, scheme: str) -> None:
    emulator.world.merge(with_role(trust_policy()))
    request = m.AssumeRoleRequest(role_arn=ARN, role_session_name="rehearsal", duration_seconds=900)
    answer = sts(emulator, **SCHEMES[scheme]).assume_role(request).body
    assert answer.assumed_role_user.arn == f"{ARN}/rehearsal"
    mine = key(answer.credentials)
    who = sts(emulator, **SCHEMES[scheme], **mine).get_caller_identity().body
    assert (who.account_id, who.identity_type) == (ACCOUNT_TWO, "AssumedRoleUser")
    assert who.arn == f"acs:ram::{ACCOUNT_TWO}:assumed-role/{ROLE}/rehearsal"
    assert who.principal_id == answer.assumed_role_user.assumed_role_id
    databases = rds(emulator, **SCHEMES[scheme], **mine).describe_databases(
        rds_models.DescribeDatabasesRequest(dbinstance_id=MYSQL_TWO)
    )
    assert len(databases.body.databases.database) == 2
    # Nothing in the log or in later parameters tells the secret.
    assert mine["access_key_secret"] not in json.dumps(emulator.world.calls.as_documents())
    emulator.world.clock.advance(901)
    with pytest.raises(ClientException) as caught:
        sts(emulator, **SCHEMES[scheme], **mine).get_caller_identity()
    assert caught.value.code == "InvalidSecurityToken.Expired"


def test_who_may(emulator: Served) -> None:
    emulator.world.merge(with_role(trust_policy("3000000000000003")))
    other = sts(emulator, access_key_id=ACCESS_KEY_TWO[0], access_key_secret=ACCESS_KEY_TWO[1])
    for client in (sts(emulator), other):
        with pytest.raises(ClientException) as caught:
            client.assume_role(m.AssumeRoleRequest(role_arn=ARN, role_session_name="rehearsal"))
        assert (caught.value.code, caught.value.status_code) == ("NoPermission", 403)


def test_a_role_may_go_on_to_another_one(emulator: Served) -> None:
    first = trust_policy()
    second = trust_policy().replace(f"acs:ram::{ACCOUNT_ONE}:root", f"acs:ram::{ACCOUNT_TWO}:role/{ROLE}")
    emulator.world.merge(with_role(first))
    emulator.world.merge({"accounts": {ACCOUNT_ONE: {"roles": {"second": {"trust_policy": second}}}}})
    request = m.AssumeRoleRequest(role_arn=ARN, role_session_name="one")
    mine = key(sts(emulator).assume_role(request).body.credentials)
    request = m.AssumeRoleRequest(role_arn=f"acs:ram::{ACCOUNT_ONE}:role/second", role_session_name="two")
    again = key(sts(emulator, **mine).assume_role(request).body.credentials)
    assert sts(emulator, **again).get_caller_identity().body.account_id == ACCOUNT_ONE
    with pytest.raises(ClientException, match="NoPermission"):
        sts(emulator).assume_role(request)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no role": ({"RoleArn": f"acs:ram::{ACCOUNT_TWO}:role/other"}, "EntityNotExist.Role 404"),
    "no account": ({"RoleArn": "acs:ram::3:role/other"}, "EntityNotExist.Role 404"),
    "a name": ({"RoleArn": ROLE}, "InvalidParameter.RoleArn 400"),
    "session": ({"RoleSessionName": "x"}, "InvalidParameter.RoleSessionName 400"),
    "too short": ({"DurationSeconds": "899"}, "InvalidParameter.DurationSeconds 400"),
    "too long": ({"DurationSeconds": "3601"}, "InvalidParameter.DurationSeconds 400"),
    "policy": ({"Policy": "{}"}, "MalformedPolicyDocument 400"),
    "nothing": ({"RoleArn": ""}, "MissingParameter 400"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    changes, expected = REFUSED[name]
    bench = Bench(with_role(trust_policy()))
    given = {"RoleArn": ARN, "RoleSessionName": "rehearsal", **changes}
    with pytest.raises(ApiError) as caught:
        bench.world.call(ACCOUNT_ONE, "AssumeRole", given, service="sts")
    assert f"{caught.value.code} {caught.value.http_status}" == expected
    assert bench.world.state.accounts[ACCOUNT_TWO].security_tokens == []


def test_the_answer_fits() -> None:
    bench = Bench(with_role(trust_policy()))
    given = {"RoleArn": ARN.upper().replace("ACS:RAM", "acs:ram").replace("ROLE/", "role/"), "RoleSessionName": "me"}
    answer = bench.world.call(ACCOUNT_ONE, "AssumeRole", {**given, "SourceIdentity": "s"}, service="sts")
    assert_fits(answer, load_contracts()["sts"]["AssumeRole"].response, "AssumeRole")
    assert answer["SourceIdentity"] == "s"
