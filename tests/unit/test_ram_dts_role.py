# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role that lets DTS of another account in: made, corrected, left alone and removed."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import ram
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import ServiceError
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import (
    Grant,
    dts_trust,
    grants_of,
    trust_document,
)
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ACCOUNT_ONE,
    ACCOUNT_TWO,
    ENDPOINTS,
    KEY_ONE,
    KEY_TWO,
    ROLE,
    DtsStage,
    statuses,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import LOSSES, loss_id
from apsara_emulator import draw
from hypothesis import given
from hypothesis import strategies as st

MODULE = "ram_dts_role"
POLICY = "System/AliyunDTSRolePolicy"
MAKING, REMOVING = ["CreateRole", "AttachPolicyToRole"], ["DetachPolicyFromRole", "DeleteRole"]
TRUST = {
    "Statement": [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {
                "RAM": [f"acs:ram::{ACCOUNT_TWO}:root"],
                "Service": [f"{ACCOUNT_TWO}@dts.aliyuncs.com"],
            },
        }
    ],
    "Version": "1",
}


@pytest.fixture
def stage(request):
    return DtsStage(getattr(request, "param", None))


@pytest.fixture
def role(run, stage):
    def run_it(**options):
        given = {"name": ROLE, "destination_account_id": ACCOUNT_TWO, **ENDPOINTS, **KEY_ONE, **options}
        return run(stage, MODULE, **{k: v for k, v in given.items() if v is not None})

    return run_it


def tell(stage, role, expected, **options):
    """Predict, do and repeat."""
    written = len(stage.effects())
    predicted = role(check=True, **options)
    assert not predicted["failed"], predicted["msg"]
    assert (predicted["changed"], predicted["predicted"]) == (True, True)
    assert len(stage.effects()) == written
    done = role(**options)
    assert not done["failed"], done["msg"]
    assert stage.effects()[written:] == expected == [step["action"] for step in done["plan"]]
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert done["state"] == predicted["state"]
    again = role(**options)
    assert (again["changed"], again["plan"], again["verdict"]) == (False, [], "go")
    assert len(stage.effects()) == written + len(expected)
    return predicted, done


@pytest.mark.parametrize("stage", [None, *map(draw, range(6))], indirect=True)
def test_made_and_removed(stage, role):
    predicted, done = tell(stage, role, MAKING)
    there = stage.roles()[ROLE]
    assert grants_of(there["trust_policy"]) == grants_of(json.dumps(TRUST)) == dts_trust(ACCOUNT_TWO)
    assert list(there["policies"]) == [POLICY]
    assert {**done["role"], "id": None} == predicted["role"]
    assert done["account_id"] == ACCOUNT_ONE
    _predicted, gone = tell(stage, role, REMOVING, state="absent")
    assert gone["role"] is None
    assert ROLE not in stage.roles()


def test_the_other_account_is_asked_for(stage, role):
    _predicted, done = tell(stage, role, MAKING, destination_account_id=None, destination_credentials=KEY_TWO)
    assert done["destination_account_id"] == ACCOUNT_TWO
    assert f"{ACCOUNT_TWO}@dts.aliyuncs.com" in stage.roles()[ROLE]["trust_policy"]
    assert all(call.account_id == ACCOUNT_ONE for call in stage.writes())
    assert KEY_TWO["access_key_secret"] not in json.dumps(done)
    assert statuses(done)["default_role"] in ("pass", "warn")


def test_an_id_that_is_not_of_the_credentials(stage, role):
    failed = role(destination_account_id="3000000000000003", destination_credentials=KEY_TWO)
    assert failed["error"]["code"] == "invalid_options"
    assert ACCOUNT_TWO in failed["msg"]
    assert not stage.writes()


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(TRUST, indent=4),
        json.dumps(TRUST, sort_keys=True, separators=(",", ":")),
        json.dumps(TRUST).replace("sts:AssumeRole", "STS:assumerole"),
        json.dumps(TRUST).replace('"Action": "sts:AssumeRole"', '"Action": ["sts:AssumeRole"]'),
        json.dumps(TRUST).replace("[", "").replace("]", ""),
        json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {kind: principals}}
                    for kind, principals in TRUST["Statement"][0]["Principal"].items()
                ],
            }
        ),
    ],
)
def test_a_policy_that_means_the_same_is_left_alone(stage, role, written):
    role()
    document = stage.account(ACCOUNT_ONE)
    document["roles"][ROLE]["trust_policy"] = written
    stage.world.merge({"accounts": {ACCOUNT_ONE: document}})
    assert stage.roles()[ROLE]["trust_policy"] == written
    assert role()["plan"] == []


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(f"{ACCOUNT_TWO}@dts", "dts").replace('["dts', '["dts'),
        lambda text: text.replace(ACCOUNT_TWO, "3000000000000003"),
        lambda text: text.replace("Allow", "Deny"),
        lambda text: text.replace('"Service"', '"Federated"'),
        lambda text: text.replace('"Effect"', '"Condition": {"StringEquals": {"a": "b"}}, "Effect"'),
        lambda text: "no policy",
    ],
)
def test_a_policy_that_means_something_else_is_corrected(stage, role, change):
    role()
    document = stage.account(ACCOUNT_ONE)
    document["roles"][ROLE]["trust_policy"] = change(json.dumps(TRUST))
    stage.world.merge({"accounts": {ACCOUNT_ONE: document}})
    tell(stage, role, ["UpdateRole"])
    assert grants_of(stage.roles()[ROLE]["trust_policy"]) == dts_trust(ACCOUNT_TWO)


STRANGE = [
    "no policy",
    json.dumps(TRUST).replace('"Principal"', '"NotPrincipal"'),
    json.dumps(TRUST).replace('"Action"', '"NotAction"'),
]


@pytest.mark.parametrize("policy", STRANGE)
def test_a_policy_that_is_not_understood_is_not_replaced_unnoticed(stage, role, policy):
    role()
    document = stage.account(ACCOUNT_ONE)
    document["roles"][ROLE]["trust_policy"] = policy
    stage.world.merge({"accounts": {ACCOUNT_ONE: document}})
    written = len(stage.effects())
    kept = role(exclusive=False)
    assert (kept["error"]["code"], statuses(kept)["trusts_others"]) == ("no_go", "fail")
    assert "cannot be understood" in kept["msg"]
    assert role(state="absent", check=True)["checks"][0]["status"] == "warn"
    assert len(stage.effects()) == written
    assert stage.roles()[ROLE]["trust_policy"] == policy
    predicted, _done = tell(stage, role, ["UpdateRole"])
    assert (predicted["diff"]["before"]["trusts"], statuses(predicted)["trusts_others"]) == (None, "warn")


def test_others_who_are_trusted_stay_if_wished(stage, role):
    role(destination_account_id="3000000000000003")
    warned = role(check=True)
    assert statuses(warned)["trusts_others"] == "warn"
    assert warned["diff"]["after"]["trusts"] == sorted(map(str, dts_trust(ACCOUNT_TWO)))
    tell(stage, role, ["UpdateRole"], exclusive=False)
    both = dts_trust(ACCOUNT_TWO) | dts_trust("3000000000000003")
    assert grants_of(stage.roles()[ROLE]["trust_policy"]) == both


def test_description_and_policies(stage, role):
    role()
    tell(stage, role, ["UpdateRole"], description="of the team for databases")
    more = [{"name": "AliyunDTSRolePolicy"}, {"name": "AliyunRDSReadOnlyAccess", "kind": "System"}]
    tell(stage, role, ["AttachPolicyToRole"], policies=more)
    fewer = role()
    assert (fewer["changed"], statuses(fewer)["other_policies"]) == (False, "warn")
    kept = role(state="absent")
    assert kept["error"]["code"] == "no_go"
    assert "AliyunRDSReadOnlyAccess" in kept["msg"]
    assert ROLE in stage.roles()
    tell(stage, role, ["DetachPolicyFromRole", *REMOVING], state="absent", policies=more)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"name": f"acs:ram::{ACCOUNT_ONE}:role/ram-for-dts"}, "ram-for-dts"),
        ({"name": "AliyunDTSDefaultRole"}, "AliyunDTSDefaultRole"),
        ({"name": "aliyundtsdefaultrole", "state": "absent"}, "AliyunDTSDefaultRole"),
        ({"name": "ram for dts"}, "name"),
        ({"name": ""}, "name"),
        ({"destination_account_id": None}, "destination_account_id"),
        ({"destination_account_id": "acs:ram::2000000000000002:root"}, "destination_account_id"),
        ({"destination_credentials": {"security_token": "x" * 20}}, "destination_credentials"),
        ({"policies": []}, "policies"),
        ({"policies": [{"name": "acs:ram::*:policy/x"}]}, "policies"),
        ({"settle": float("nan")}, "settle"),
    ],
)
def test_bad_input(stage, role, options, text):
    result = role(**options)
    assert result["error"]["code"] == "invalid_options", result["msg"]
    assert text in result["msg"]
    assert stage.calls() == []


def test_everything_that_is_wrong_is_told_at_once(role):
    result = role(name="a b", destination_account_id="x", policies=[])
    assert all(word in result["msg"] for word in ("name", "destination_account_id", "policies"))


def test_the_same_account_on_both_sides(stage, role):
    result = role(destination_account_id=ACCOUNT_ONE)
    assert (result["error"]["code"], statuses(result)["accounts_differ"]) == ("no_go", "fail")
    assert not stage.writes()


@pytest.mark.soak
@pytest.mark.parametrize("fault", LOSSES, ids=loss_id)
@pytest.mark.parametrize("action", [*MAKING, "UpdateRole", *REMOVING])
def test_a_lost_answer(stage, role, fault, action):
    if action in MAKING:
        wish = {}
    else:
        role()
        wish = {"description": "another"} if action == "UpdateRole" else {"state": "absent"}
    before = len(stage.calls(action))
    stage.world.faults.add({**fault, "action": action, "times": 1})
    first = role(**wish)
    assert len([c for c in stage.calls(action)[before:] if c.fault != "throttle"]) == 1
    if first["failed"]:
        assert first["error"]["code"]
        assert first["error"]["remedy"]
    again = role(**wish)
    assert not again["failed"], again["msg"]
    assert again["plan"] == [] or first["failed"]
    effects = [c.action for c in stage.calls(action)[before:] if c.took_effect]
    assert effects == [action]


def test_a_caller_who_may_not_look(stage, role, monkeypatch):
    def refuse(client, name):
        raise ServiceError("GetRole failed: [NoPermission]", code="NoPermission", http_status=403)

    monkeypatch.setattr(ram, "role", refuse)
    result = role()
    assert (result["error"]["code"], result["state"]) == ("no_go", "unknown")
    assert statuses(result)["role_access"] == "fail"
    assert not stage.writes()


@given(
    st.sets(
        st.tuples(st.sampled_from(["RAM", "Service"]), st.text("0123456789@.:*az", min_size=1, max_size=12)),
        min_size=1,
    ),
    st.randoms(use_true_random=False),
)
def test_a_document_says_what_it_was_made_from(pairs, random):
    grants = frozenset(Grant("Allow", "sts:assumerole", kind, name) for kind, name in pairs)
    document = json.loads(trust_document(grants))
    assert grants_of(json.dumps(document)) == grants
    split = [
        {**statement, "Principal": {kind: name}}
        for statement in document["Statement"]
        for kind, names in statement["Principal"].items()
        for name in names
    ]
    random.shuffle(split)
    assert grants_of(json.dumps({"Version": "1", "Statement": split})) == grants
