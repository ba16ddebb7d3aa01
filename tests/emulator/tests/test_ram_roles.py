# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles, policies, and which role has which: with the vendor's client and in process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ram20150501 import models as m
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO

from .sdk_clients import config
from .serving import Served
from .transmitting import ROLE, DtsBench, trust_policy

POLICY = json.dumps({"Statement": [{"Action": ["rds:*"], "Effect": "Allow", "Resource": "*"}], "Version": "1"})
ATTACH = {"RoleName": ROLE, "PolicyType": "System", "PolicyName": "AliyunDTSRolePolicy"}


@pytest.fixture
def bench() -> DtsBench:
    one = DtsBench(role=False)
    one.ram("CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=trust_policy(), Description="d")
    return one


def test_a_role_from_its_making_to_its_end(bench: DtsBench) -> None:
    role = bench.ram("GetRole", RoleName=ROLE.upper())["Role"]
    assert (role["RoleName"], role["Description"], role["MaxSessionDuration"]) == (ROLE, "d", 3600)
    assert json.loads(role["AssumeRolePolicyDocument"]) == json.loads(trust_policy())
    created = role["CreateDate"]
    bench.clock.advance(60)
    bench.ram("UpdateRole", RoleName=ROLE, NewDescription="", NewMaxSessionDuration=7200)
    changed = bench.ram("GetRole", RoleName=ROLE)["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"]) == ("", 7200)
    assert changed["CreateDate"] == created < changed["UpdateDate"]
    assert changed["AssumeRolePolicyDocument"] == role["AssumeRolePolicyDocument"]
    bench.ram("AttachPolicyToRole", **ATTACH)
    assert bench.ram_refused("AttachPolicyToRole", **ATTACH) == "EntityAlreadyExists.Role.Policy 409"
    listed = bench.ram("ListPoliciesForRole", RoleName=ROLE)["Policies"]["Policy"]
    assert [(one["PolicyName"], one["PolicyType"]) for one in listed] == [("AliyunDTSRolePolicy", "System")]
    assert bench.ram_refused("DeleteRole", RoleName=ROLE) == "DeleteConflict.Role.Policy 409"
    bench.ram("DetachPolicyFromRole", **ATTACH)
    assert bench.ram_refused("DetachPolicyFromRole", **ATTACH) == "EntityNotExist.Role.Policy 404"
    bench.ram("DeleteRole", RoleName=ROLE)
    for action in ("GetRole", "DeleteRole", "ListPoliciesForRole", "UpdateRole"):
        parameters = {"NewDescription": "x"} if action == "UpdateRole" else {}
        assert bench.ram_refused(action, RoleName=ROLE, **parameters) == "EntityNotExist.Role 404"
    assert bench.ram_refused("AttachPolicyToRole", **ATTACH) == "EntityNotExist.Role 404"


def test_refused_roles(bench: DtsBench) -> None:
    def refused(**changes: Any) -> str:
        given = {"RoleName": "new", "AssumeRolePolicyDocument": trust_policy(), **changes}
        return bench.ram_refused("CreateRole", **given)

    assert refused(RoleName=ROLE.upper()) == "EntityAlreadyExists.Role 409"
    assert refused(RoleName="a b") == "InvalidParameter.RoleName.InvalidChars 400"
    assert refused(RoleName="x" * 65) == "InvalidParameter.RoleName.Length 400"
    assert refused(RoleName="") == "MissingParameter 400"
    assert refused(AssumeRolePolicyDocument="") == "MissingParameter 400"
    assert refused(MaxSessionDuration=60) == "InvalidParameter.MaxSessionDuration 400"
    assert refused(Description="x" * 1025) == "InvalidParameter.Description.Length 400"
    assert bench.ram_refused("UpdateRole", RoleName=ROLE) == "MissingParameter 400"
    assert not any(one.took_effect for one in bench.world.calls.select(since=1))
    assert bench.ram("ListRoles")["Roles"]["Role"][-1]["RoleName"] == ROLE


GOOD = json.loads(trust_policy())
BAD_POLICIES: dict[str, Any] = {
    "no JSON": "{",
    "a list": [],
    "version": {**GOOD, "Version": "2"},
    "no version": {"Statement": GOOD["Statement"]},
    "another key": {**GOOD, "Id": "x"},
    "no statement": {**GOOD, "Statement": []},
    "effect": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Effect": "allow"}]},
    "no action": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Action": []}]},
    "resource": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Resource": "*"}]},
    "no principal": {**GOOD, "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow"}]},
    "principal": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Principal": {"AWS": ["*"]}}]},
    "account": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Principal": {"RAM": ["1000000000000001"]}}]},
    "service": {**GOOD, "Statement": [{**GOOD["Statement"][0], "Principal": {"Service": ["dts"]}}]},
    "too long": {**GOOD, "Statement": GOOD["Statement"] * 60},
}


@pytest.mark.parametrize("name", BAD_POLICIES)
def test_documents_that_are_no_trust_policy(bench: DtsBench, name: str) -> None:
    given = BAD_POLICIES[name]
    text = given if isinstance(given, str) else json.dumps(given)
    refused = bench.ram_refused("CreateRole", RoleName="new", AssumeRolePolicyDocument=text)
    assert refused == "MalformedPolicyDocument 400"
    refused = bench.ram_refused("UpdateRole", RoleName=ROLE, NewAssumeRolePolicyDocument=text)
    assert refused == "MalformedPolicyDocument 400"


@pytest.mark.parametrize("value", ["as_given", "compact", "rewritten"])
def test_a_policy_keeps_its_meaning(value: str) -> None:
    bench = DtsBench(policy_text=value)
    text = bench.ram("GetRole", RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert (text == trust_policy()) is (value == "as_given")
    assert bench.prechecked() == {}


def test_pages(bench: DtsBench) -> None:
    for number in range(25):
        bench.ram("CreateRole", RoleName=f"role-{number:02}", AssumeRolePolicyDocument=trust_policy())
    names: list[str] = []
    marker: dict[str, Any] = {}
    while True:
        answer = bench.ram("ListRoles", MaxItems=10, **marker)
        names += [one["RoleName"] for one in answer["Roles"]["Role"]]
        if not answer["IsTruncated"]:
            break
        marker = {"Marker": answer["Marker"]}
    assert sorted(names) == names
    assert len(set(names)) == len(names) == 27
    assert "AssumeRolePolicyDocument" not in answer["Roles"]["Role"][0]
    assert bench.ram_refused("ListRoles", MaxItems=0) == "InvalidParameter.MaxItems 400"
    assert bench.ram_refused("ListRoles", Marker="x") == "InvalidParameter.Marker 400"
    # Another account sees its own.
    assert len(bench.ram("ListRoles", ACCOUNT_ONE)["Roles"]["Role"]) == 2


def test_policies(bench: DtsBench) -> None:
    system = bench.ram("GetPolicy", PolicyName="AliyunDTSRolePolicy", PolicyType="System")["Policy"]
    assert (system["PolicyType"], system["AttachmentCount"]) == ("System", 1)
    assert json.loads(system["PolicyDocument"])["Version"] == "1"
    bench.ram("CreatePolicy", PolicyName="mine", PolicyDocument=POLICY, Description="d")
    assert bench.ram_refused("CreatePolicy", PolicyName="Mine", PolicyDocument=POLICY) == (
        "EntityAlreadyExists.Policy 409"
    )
    assert bench.ram_refused("CreatePolicy", PolicyName="other", PolicyDocument=trust_policy()) == (
        "MalformedPolicyDocument 400"
    )
    bench.ram("AttachPolicyToRole", RoleName=ROLE, PolicyType="Custom", PolicyName="mine")
    one = bench.ram("GetPolicy", PolicyName="mine", PolicyType="Custom")
    assert (one["Policy"]["AttachmentCount"], one["DefaultPolicyVersion"]["PolicyDocument"]) == (1, POLICY)
    assert bench.ram_refused("GetPolicy", PolicyName="mine", PolicyType="System") == "EntityNotExist.Policy 404"
    assert bench.ram_refused("GetPolicy", PolicyName="mine", PolicyType="x") == "InvalidParameter.PolicyType 400"
    listed = bench.ram("ListPolicies", PolicyType="Custom")["Policies"]["Policy"]
    assert [row["PolicyName"] for row in listed] == ["mine"]
    assert len(bench.ram("ListPolicies", MaxItems=3)["Policies"]["Policy"]) == 3
    assert bench.ram_refused("DeletePolicy", PolicyName="mine") == "DeleteConflict.Policy.Role 409"
    bench.ram("DeletePolicy", PolicyName="mine", CascadingDelete="true")
    assert bench.ram("ListPoliciesForRole", RoleName=ROLE)["Policies"]["Policy"] == []
    assert bench.ram_refused("AttachPolicyToRole", RoleName=ROLE, PolicyType="Custom", PolicyName="mine") == (
        "EntityNotExist.Policy 404"
    )


def test_roles_of_a_document_and_back(bench: DtsBench) -> None:
    bench.ram("AttachPolicyToRole", **ATTACH)
    document = bench.world.to_document()
    assert document["accounts"][ACCOUNT_TWO]["roles"][ROLE]["policies"] == ["System/AliyunDTSRolePolicy"]
    bench.world.reset(document)
    assert bench.world.to_document() == document


@pytest.mark.parametrize("scheme", [{}, {"signature_algorithm": "v2"}], ids=["V3", "V1"])
def test_the_client(emulator: Served, scheme: dict[str, Any]) -> None:
    client = Client(config(emulator, **scheme))
    tag = m.CreateRoleRequestTag(key="made-by", value="us")
    request = m.CreateRoleRequest(role_name=ROLE, assume_role_policy_document=trust_policy(ACCOUNT_TWO), tag=[tag])
    client.create_role(request)
    (row,) = [one for one in client.list_roles(m.ListRolesRequest()).body.roles.role if one.role_name == ROLE]
    assert [(one.tag_key, one.tag_value) for one in row.tags.tag] == [("made-by", "us")]
    client.update_role(m.UpdateRoleRequest(role_name=ROLE, new_description="new"))
    assert client.get_role(m.GetRoleRequest(role_name=ROLE)).body.role.description == "new"
    client.create_policy(m.CreatePolicyRequest(policy_name="mine", policy_document=POLICY))
    assert client.get_policy(m.GetPolicyRequest(policy_name="mine", policy_type="Custom")).body.policy.policy_name
    policies = client.list_policies(m.ListPoliciesRequest(policy_type="System", max_items=1)).body
    assert (policies.is_truncated, len(policies.policies.policy)) == (True, 1)
    client.delete_policy(m.DeletePolicyRequest(policy_name="mine"))
    client.delete_role(m.DeleteRoleRequest(role_name=ROLE))
    with pytest.raises(ClientException) as caught:
        client.delete_role(m.DeleteRoleRequest(role_name=ROLE))
    assert (caught.value.code, caught.value.status_code) == ("EntityNotExist.Role", 404)
