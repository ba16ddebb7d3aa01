# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RAM users and assumed roles may do what their policies say, and nothing else."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from alibabacloud_rds20140815 import models as rds_models
from alibabacloud_sts20150401 import models as sts_models
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator import ApiError, DocumentError
from apsara_emulator.contracts import load_contracts
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, BUCKET_ONE, IMPORT_ROLE
from apsara_emulator.oss.call import ACTIONS as OSS_ACTIONS
from apsara_emulator.permissions.policy import decision, parse_policy
from apsara_emulator.permissions.table import TABLE
from apsara_emulator.policy_documents import PolicyError
from apsara_emulator.registry import ACTIONS

from .inprocess import SOURCE, TARGET, Bench
from .oss_clients import InProcess, refused
from .sdk_clients import rds, sts
from .serving import Served
from .transmitting import ROLE, trust_policy

KEY = ("LTAI5tApsaraEmulatorUser", "emulatorSecretOfTheUser")
KEYS = {"access_key_id": KEY[0], "access_key_secret": KEY[1]}


def policy(*actions: str, resource: str = "*", effect: str = "Allow") -> str:
    return policies({"Effect": effect, "Action": list(actions), "Resource": resource})


def policies(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def with_user(*texts: str) -> dict[str, Any]:
    """A world's change: user `me` of the first account has these policies."""
    names = [f"p{number}" for number in range(len(texts))]
    user = {
        "access_keys": [{"access_key_id": KEY[0], "access_key_secret": KEY[1]}],
        "policies": [f"Custom/{name}" for name in names],
    }
    documents = {name: {"document": text} for name, text in zip(names, texts, strict=True)}
    return {"accounts": {ACCOUNT_ONE: {"users": {"me": user}, "policies": documents}}}


def answer(bench: Bench, action: str, service: str = "rds", identity: str = "user/me", **parameters: Any) -> str:
    """Whether it was done, else what was said."""
    try:
        bench.world.call(ACCOUNT_ONE, action, parameters, service=service, identity=identity)
    except ApiError as error:
        return f"{error.code} {error.http_status}"
    return "done"


def test_every_action_is_in_the_table() -> None:
    served = {*ACTIONS, *(("oss", name) for name in OSS_ACTIONS)}
    assert served == set(TABLE)


def test_what_a_resource_names_is_known_of_the_call() -> None:
    elsewhere = {"region", "account", "owner", "role", "job", "bucket", "key", "source"}
    for (service, action), needs in TABLE.items():
        known = set() if service == "oss" else set(load_contracts()[service][action].parameters)
        for need in needs:
            names = {name for _text, name, _spec, _conversion in string.Formatter().parse(need.resource) if name}
            assert names <= elsewhere | known, action


INSTANCE = "acs:rds:cn-hangzhou:1:dbinstance/rm-1"
READ = policy("rds:Describe*", resource="acs:rds:*:*:dbinstance/rm-?")
DENIED = policy("rds:DescribeDatabases", effect="Deny", resource="acs:rds:*:*:dbinstance/rm-1")


@pytest.mark.parametrize(
    ("texts", "action", "resource", "expected"),
    [
        ([], "rds:DescribeTasks", INSTANCE, "ImplicitDeny"),
        ([READ], "rds:DescribeTasks", INSTANCE, "Allow"),
        ([READ], "rds:CreateDatabase", INSTANCE, "ImplicitDeny"),
        ([READ], "dts:DescribeTasks", INSTANCE, "ImplicitDeny"),
        ([READ], "rds:DescribeTasks", INSTANCE + "0", "ImplicitDeny"),
        ([READ], "rds:DescribeDBInstances", "acs:rds:cn-hangzhou:1:dbinstance/*", "ImplicitDeny"),
        ([READ, DENIED], "rds:DescribeDatabases", INSTANCE, "ExplicitDeny"),
        ([DENIED, READ], "rds:DescribeDatabases", INSTANCE, "ExplicitDeny"),
        ([DENIED, READ], "rds:DescribeDatabases", INSTANCE[:-1] + "2", "Allow"),
        ([policy("*")], "oss:PutObject", "acs:oss:*:1:bucket/a\nb", "Allow"),
        (
            [policy("ram:GetRole", resource="acs:ram:*:*:role/Aliyun*")],
            "ram:GetRole",
            "acs:ram:*:1:role/aliyunx",
            "Allow",
        ),
        (
            [policy("oss:GetObject", resource="acs:oss:*:*:b/in/*")],
            "oss:GetObject",
            "acs:oss:*:1:b/IN/x",
            "ImplicitDeny",
        ),
    ],
)
def test_decisions(texts: list[str], action: str, resource: str, expected: str) -> None:
    assert decision(texts, action, resource) == expected


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}}, "Condition cannot be judged"),
        ({"NotAction": "rds:*"}, "NotAction"),
        ({"Principal": {"RAM": ["*"]}}, "no Principal"),
        ({"Resource": []}, "has a Resource"),
        ({"Resource": "rm-1"}, "no resource"),
        ({"Action": "DescribeDatabases"}, "no action"),
        ({"Effect": "allow"}, "Effect"),
    ],
)
def test_what_cannot_be_judged_is_refused(change: dict[str, Any], says: str) -> None:
    text = policies({"Effect": "Allow", "Action": "rds:*", "Resource": "*", **change})
    with pytest.raises(PolicyError, match=says):
        parse_policy(text)
    with pytest.raises(DocumentError, match=says):
        Bench(with_user(text))


def test_a_policy_that_is_not_there_is_refused() -> None:
    for name in ("Custom/other", "System/Other", "other"):
        user = {"accounts": {ACCOUNT_ONE: {"users": {"me": {"policies": [name]}}}}}
        with pytest.raises(DocumentError, match=r"users\.me: there is no policy"):
            Bench(user)


def test_an_instance_and_no_other() -> None:
    bench = Bench(with_user(policy("rds:*", resource=f"acs:rds:cn-hangzhou:{ACCOUNT_ONE}:dbinstance/{SOURCE}")))
    assert answer(bench, "DescribeDatabases", DBInstanceId=SOURCE) == "done"
    assert answer(bench, "DescribeDatabases", DBInstanceId=TARGET) == "Forbidden.RAM 403"
    # Lists are about all instances.
    assert answer(bench, "DescribeDBInstances", RegionId="cn-hangzhou", DBInstanceId=SOURCE) == "Forbidden.RAM 403"
    assert answer(bench, "DescribeRegions") == "Forbidden.RAM 403"
    # Both sides count.
    assert answer(bench, "ImportDatabaseBetweenInstances", **bench.import_parameters()) == "Forbidden.RAM 403"
    assert bench.world.state.operations == []
    assert answer(bench, "DescribeDatabases", identity="account", DBInstanceId=TARGET) == "done"


def test_ram_and_dts() -> None:
    allowed = {"Effect": "Allow", "Action": ["ram:*"], "Resource": [f"acs:ram:*:*:role/{IMPORT_ROLE}"]}
    of_dts = {"Effect": "Allow", "Action": ["dts:DescribeDtsJobs"], "Resource": "acs:dts:*:*:instance/*"}
    bench = Bench(with_user(policies(allowed, of_dts)))
    assert answer(bench, "GetRole", "ram", RoleName=IMPORT_ROLE) == "done"
    assert answer(bench, "GetRole", "ram", RoleName="other") == "NoPermission 403"
    attach = {"RoleName": IMPORT_ROLE, "PolicyType": "System", "PolicyName": "AliyunDTSRolePolicy"}
    assert answer(bench, "AttachPolicyToRole", "ram", **attach) == "NoPermission 403"
    assert answer(bench, "DescribeDtsJobs", "dts", RegionId="cn-hangzhou") == "done"
    assert answer(bench, "DescribeDTSIP", "dts", SourceEndpointRegion="cn-hangzhou") == "Forbidden.RAM 403"
    # Everybody may ask who they are.
    assert answer(bench, "GetCallerIdentity", "sts") == "done"
    bench.world.merge({"accounts": {ACCOUNT_ONE: {"policies": {"p0": {"document": policy("ram:*")}}}}})
    assert answer(bench, "AttachPolicyToRole", "ram", **attach) == "done"


def test_a_refusal_tells_what_is_missing(emulator: Served) -> None:
    emulator.world.merge(with_user(policy("rds:Describe*"), policy("rds:DescribeTasks", effect="Deny")))
    assert sts(emulator, **KEYS).get_caller_identity().body.arn == f"acs:ram::{ACCOUNT_ONE}:user/me"
    client = rds(emulator, **KEYS)
    client.describe_databases(rds_models.DescribeDatabasesRequest(dbinstance_id=SOURCE))
    with pytest.raises(ClientException) as caught:
        client.delete_database(rds_models.DeleteDatabaseRequest(dbinstance_id=SOURCE, dbname="hr"))
    assert (caught.value.code, caught.value.status_code) == ("Forbidden.RAM", 403)
    detail = caught.value.data["AccessDeniedDetail"]
    assert (detail["AuthAction"], detail["NoPermissionType"]) == ("rds:DeleteDatabase", "ImplicitDeny")
    with pytest.raises(ClientException) as caught:
        client.describe_tasks(
            rds_models.DescribeTasksRequest(
                dbinstance_id=SOURCE, start_time="2026-01-01T00:00Z", end_time="2026-01-02T00:00Z"
            )
        )
    assert caught.value.data["AccessDeniedDetail"]["NoPermissionType"] == "ExplicitDeny"
    assert "hr" in emulator.world.state.instances[SOURCE].databases


def test_roles_and_sessions(emulator: Served) -> None:
    role = {"trust_policy": trust_policy(), "policies": ["System/AliyunRDSReadOnlyAccess"]}
    emulator.world.merge(with_user(policy("sts:AssumeRole", resource=f"acs:ram:*:{ACCOUNT_TWO}:role/{ROLE}")))
    emulator.world.merge({"accounts": {ACCOUNT_TWO: {"roles": {ROLE: role, "other": role}}}})
    request = sts_models.AssumeRoleRequest(role_arn=f"acs:ram::{ACCOUNT_TWO}:role/{ROLE}", role_session_name="me")

    def may(narrowed: str | None) -> list[bool]:
        request.policy = narrowed
        given = sts(emulator, **KEYS).assume_role(request).body.credentials
        key, secret, token = given.access_key_id, given.access_key_secret, given.security_token
        client = rds(emulator, access_key_id=key, access_key_secret=secret, security_token=token)
        return [
            _done(lambda: client.describe_dbinstances(rds_models.DescribeDBInstancesRequest(region_id="cn-hangzhou"))),
            _done(lambda: client.describe_regions(rds_models.DescribeRegionsRequest())),
            _done(lambda: client.delete_database(rds_models.DeleteDatabaseRequest(dbinstance_id=SOURCE, dbname="hr"))),
        ]

    assert may(None) == [True, True, False]
    assert may(policy("rds:DescribeDBInstances", "rds:DeleteDatabase")) == [True, False, False]
    request.role_arn = f"acs:ram::{ACCOUNT_TWO}:role/other"
    with pytest.raises(ClientException, match="NoPermission"):
        sts(emulator, **KEYS).assume_role(request)


def _done(call: Any) -> bool:
    try:
        call()
    except ClientException as error:
        return str(error.code) != "Forbidden.RAM"
    return True


def test_objects() -> None:
    below = f"acs:oss:*:*:{BUCKET_ONE}/in/*"
    writes = {"Effect": "Allow", "Action": ["oss:PutObject", "oss:DeleteObject", "oss:GetObject"], "Resource": [below]}
    lists = {"Effect": "Allow", "Action": ["oss:ListObjects"], "Resource": [f"acs:oss:*:*:{BUCKET_ONE}"]}
    bench = InProcess(with_user(policies(writes, lists)))
    mine, all_of_it = bench.bucket(key=KEY), bench.bucket()
    denied = "AccessDenied 403"
    for key in ("in/a", "in/b", "out"):
        all_of_it.put_object(key, b"x")
    mine.put_object("in/{c}", b"x")
    assert mine.head_object("in/a").content_length == 1
    assert [one.key for one in mine.list_objects().object_list] == ["in/a", "in/b", "in/{c}", "out"]
    assert refused(lambda: mine.put_object("out", b"y")) == denied
    assert refused(lambda: mine.get_object("out")) == denied
    assert refused(lambda: mine.copy_object(BUCKET_ONE, "out", "in/d")) == denied
    assert refused(lambda: mine.put_object("in/e", b"y", headers={"x-oss-tagging": "a=b"})) == denied
    assert refused(lambda: mine.batch_delete_objects(["in/a", "out"])) == denied
    assert refused(mine.get_bucket_info) == denied
    assert set(bench.objects()) == {"in/a", "in/b", "in/{c}", "out"}
    mine.batch_delete_objects(["in/a", "in/{c}"])
    assert set(bench.objects()) == {"in/b", "out"}


def test_the_ledger_outlives_a_reset() -> None:
    bench = Bench(with_user(policy("rds:DescribeDatabases")))
    answer(bench, "DescribeDatabases", DBInstanceId=SOURCE)
    answer(bench, "DescribeDatabases", DBInstanceId=SOURCE)
    answer(bench, "DescribeDatabases", identity="account", DBInstanceId=TARGET)
    bench.world.reset(bench.world.to_document())
    answer(bench, "DescribeAccounts", DBInstanceId=TARGET)
    common = {"account_id": ACCOUNT_ONE, "caller": "user/me", "service": "rds"}
    resource = f"acs:rds:cn-hangzhou:{ACCOUNT_ONE}:dbinstance/"
    assert bench.world.permissions.as_documents() == [
        {
            **common,
            "api": "DescribeDatabases",
            "action": "rds:DescribeDatabases",
            "resource": resource + SOURCE,
            "answer": "Allow",
            "times": 2,
        },
        {
            **common,
            "api": "DescribeAccounts",
            "action": "rds:DescribeAccounts",
            "resource": resource + TARGET,
            "answer": "ImplicitDeny",
            "times": 1,
        },
    ]
