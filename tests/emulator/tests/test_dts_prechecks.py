# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each item of a precheck: what makes it fail, and that nothing else fails with it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, MYSQL_TWO, POSTGRESQL_TWO

from .transmitting import MYSQL_ONE, RESERVE, ROLE, DtsBench, self_managed, trust_policy, whole

GIB = 1024**3
EVERYBODY = [{"name": "all", "addresses": ["0.0.0.0/0"]}]


def instances(source: Any = None, target: Any = None) -> dict[str, Any]:
    return {"instances": {MYSQL_TWO: source or {}, MYSQL_ONE: target or {}}}


def account(kind: str = "Normal", **fields: Any) -> dict[str, Any]:
    return {"accounts": [{"name": "migrator", "type": kind, **fields}]}


def test_nothing_is_wrong() -> None:
    assert DtsBench().prechecked() == {}


POLICIES = {
    "another account's DTS": trust_policy("3000000000000003"),
    "its own account's DTS": trust_policy(ACCOUNT_TWO),
    "DTS itself": json.dumps(
        {
            "Statement": [
                {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["dts.aliyuncs.com"]}}
            ],
            "Version": "1",
        }
    ),
    "only the account": json.dumps(
        {
            "Statement": [
                {
                    "Action": "sts:AssumeRole",
                    "Effect": "Allow",
                    "Principal": {"RAM": [f"acs:ram::{ACCOUNT_ONE}:root"]},
                }
            ],
            "Version": "1",
        }
    ),
    "denied": trust_policy().replace("Allow", "Deny"),
    "allowed and denied": json.dumps(
        {
            "Statement": [
                *json.loads(trust_policy())["Statement"],
                *json.loads(trust_policy().replace("Allow", "Deny"))["Statement"],
            ],
            "Version": "1",
        }
    ),
    "another action": trust_policy().replace("sts:AssumeRole", "sts:SetSourceIdentity"),
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_the_trust_policy(policy: str) -> None:
    bench = DtsBench(role=False)
    bench.authorize(policy)
    problems = bench.prechecked()
    assert list(problems) == ["CHECK_ROLE_SRC"]
    assert f"{ACCOUNT_ONE}@dts.aliyuncs.com" in problems["CHECK_ROLE_SRC"]
    bench.ram("UpdateRole", RoleName=ROLE, NewAssumeRolePolicyDocument=trust_policy())
    assert bench.prechecked() == {}


def test_an_own_service_loses_the_id_of_its_account() -> None:
    """The trap of the guide: the id that was typed in was the role's own account's."""
    bench = DtsBench(role=False)
    bench.authorize(trust_policy(ACCOUNT_TWO))
    kept = bench.ram("GetRole", RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert json.loads(kept)["Statement"][0]["Principal"]["Service"] == ["dts.aliyuncs.com"]


@pytest.mark.parametrize("name", ["other", f"acs:ram::{ACCOUNT_TWO}:role/{ROLE}"])
def test_the_name_of_the_role(name: str) -> None:
    problems = DtsBench().prechecked(SourceEndpointRole=name)
    assert list(problems) == ["CHECK_ROLE_SRC"]
    assert name in problems["CHECK_ROLE_SRC"]


def test_a_role_without_its_policy() -> None:
    bench = DtsBench()
    bench.ram("DetachPolicyFromRole", RoleName=ROLE, PolicyType="System", PolicyName="AliyunDTSRolePolicy")
    assert "AliyunDTSRolePolicy" in bench.prechecked()["CHECK_ROLE_SRC"]


def test_without_the_pair_a_foreign_instance_is_not_there() -> None:
    problems = DtsBench().prechecked(SourceEndpointOwnerID=None, SourceEndpointRole=None)
    assert list(problems) == ["CHECK_CONN_SRC"]


def test_the_default_role_of_the_own_account() -> None:
    bench = DtsBench({"accounts": {ACCOUNT_ONE: {"roles": {"AliyunDTSDefaultRole": None}}}})
    assert list(bench.prechecked()) == ["CHECK_DTS_ROLE"]


def test_a_role_takes_a_while() -> None:
    bench = DtsBench({"durations": {"dts": {"precheck": 1}}}, role=False, role_lag="8")
    bench.ram("CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=trust_policy())
    bench.ram("AttachPolicyToRole", RoleName=ROLE, PolicyType="System", PolicyName="AliyunDTSRolePolicy")
    job = bench.configure()
    bench.start_job(job)
    assert bench.run(job, 2) == "PrecheckFailed"
    assert "yet" in bench.problems(job)["CHECK_ROLE_SRC"]
    bench.clock.advance(8)
    bench.start_job(job)
    assert bench.run(job, 2) == "PreCheckPass"


FAILURES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "no such source": ({}, {"SourceEndpointInstanceID": "rm-nothing"}, "CHECK_CONN_SRC", "rm-nothing"),
    "no such target": ({}, {"DestinationEndpointInstanceID": "rm-nothing"}, "CHECK_CONN_DEST", "rm-nothing"),
    "foreign target": (
        {},
        {"DestinationEndpointInstanceID": "rm-bp1othersql000001"},
        "CHECK_CONN_DEST",
        "rm-bp1othersql000001",
    ),
    "source is down": (instances({"status": "Rebooting"}), {}, "CHECK_CONN_SRC", "not running"),
    "target is down": (instances(None, {"status": "Rebooting"}), {}, "CHECK_CONN_DEST", "not running"),
    "region": ({}, {"SourceEndpointRegion": "cn-shanghai"}, "CHECK_CONN_SRC", "cn-shanghai"),
    "engine": (
        {},
        {"SourceEndpointEngineName": "MARIADB", "DestinationEndpointEngineName": "MYSQL"},
        "CHECK_CONN_SRC",
        "MARIADB",
    ),
    "white list": (
        {**instances({"whitelist": []}, {"whitelist": EVERYBODY}), "variants": {"dts_whitelist": "manual"}},
        {},
        "CHECK_CONN_SRC",
        "100.104.0.0/16",
    ),
    "no account": (instances({"accounts": []}), {}, "CHECK_LOGIN_SRC", "migrator"),
    "locked account": (instances(None, account("Super", status="Locked")), {}, "CHECK_LOGIN_DEST", "Locked"),
    "password": (instances(account("Super", password="right")), {}, "CHECK_LOGIN_SRC", "password"),
    "no password": ({}, {"DestinationEndpointPassword": ""}, "CHECK_LOGIN_DEST", "password"),
    "may not read and write": (
        instances(account(privileges={"orders": "ReadOnly"})),
        {},
        "CHECK_AUTH_SRC",
        "read and write: orders",
    ),
    "may not read": (
        instances(account(privileges={"stock": "ReadOnly"})),
        {"DataSynchronization": "false"},
        "CHECK_AUTH_SRC",
        "read: orders",
    ),
    "may not write": (instances(None, account(privileges={"orders": "ReadOnly"})), {}, "CHECK_AUTH_DEST", "orders"),
    "no such database": ({}, {"DbList": whole("orders", "nothing")}, "CHECK_OBJECTS_SRC", "nothing"),
    "no such table": (
        instances({"databases": {"orders": {"tables": ["a"]}}}),
        {"DbList": json.dumps({"orders": {"name": "o", "all": False, "Table": {"b": {"name": "b", "all": True}}}})},
        "CHECK_OBJECTS_SRC",
        "orders.b",
    ),
    "no table to fill": ({}, {"StructureInitialization": "false"}, "CHECK_OBJECTS_DEST", "orders"),
    "same tables": (
        instances({"databases": {"orders": {"tables": ["a", "b"]}}}, {"databases": {"orders": {"tables": ["b", "c"]}}}),
        {},
        "CHECK_SAME_OBJ",
        "orders.b",
    ),
    "same database": (instances(None, {"databases": {"orders": {"size": 5}}}), {}, "CHECK_SAME_OBJ", "orders"),
    "storage": (instances(None, {"storage_gb": 25}), {}, "CHECK_STORAGE_DEST", str(6 * GIB)),
    "older target": (instances(None, {"engine_version": "5.7"}), {}, "CHECK_SRC", "5.7"),
    "binary log": (
        instances({"parameters": {"binlog_row_image": "MINIMAL"}}),
        {},
        "CHECK_CHANGE_LOG",
        "binlog_row_image",
    ),
    "server id": (instances({"parameters": {"server_id": "0"}}), {}, "CHECK_SERVER_ID", "0"),
    "encryption": (
        {},
        {"Reserve": json.dumps({"targetTableMode": "0", "srcSSL": "1"})},
        "CHECK_SSL",
        MYSQL_TWO,
    ),
    "same accounts": (
        instances(
            {"accounts": [{"name": "migrator", "type": "Super"}, {"name": "app"}]},
            {"accounts": [{"name": "migrator", "type": "Super"}, {"name": "app"}]},
        ),
        {"Reserve": json.dumps({"targetTableMode": "0", "privilegeMigration": "true"})},
        "CHECK_SAME_USER",
        "app",
    ),
    "no privileged account": (
        instances(None, account(privileges={"orders": "ReadWrite"})),
        {"Reserve": json.dumps({"targetTableMode": "0", "privilegeMigration": "true"})},
        "CHECK_SUPER_AUTH_DEST",
        "migrator",
    ),
    "not empty": (
        instances(None, {"databases": {"orders": {"size": 5}}}),
        {"StructureInitialization": "false"},
        "CHECK_DEST_TABLE_EMPTY",
        "orders",
    ),
    "whatever the world says": (
        {"dts_findings": [{"item": "CHECK_X", "name": "x", "problem": "made up", "can_skip": True}]},
        {},
        "CHECK_X",
        "made up",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_one_by_one(name: str) -> None:
    change, parameters, item, word = FAILURES[name]
    bench = DtsBench(change)
    problems = bench.prechecked(**parameters)
    assert list(problems) == [item]
    assert word in problems[item]
    assert bench.world.state.dts_orders == []


RIGHTS = {
    "reading is enough without changes": (account(privileges={"orders": "ReadOnly"}), {"DataSynchronization": "false"}),
    "reading and writing with changes": (account(privileges={"orders": "ReadWrite"}), {}),
}


@pytest.mark.parametrize(("source", "parameters"), RIGHTS.values(), ids=RIGHTS)
def test_rights_that_are_enough(source: dict[str, Any], parameters: dict[str, Any]) -> None:
    assert DtsBench(instances(source)).prechecked(**parameters) == {}


def test_ignoring_existing_tables() -> None:
    bench = DtsBench(instances(None, {"databases": {"orders": {"size": 5}}}))
    assert bench.prechecked(Reserve=json.dumps({"targetTableMode": "2"})) == {}
    # Or other names.
    assert bench.prechecked(DbList=json.dumps({"orders": {"name": "orders_new", "all": True}})) == {}


def test_dts_puts_itself_on_the_white_list() -> None:
    bench = DtsBench(instances({"whitelist": []}))
    assert bench.prechecked() == {}
    groups = bench.world.state.instances[MYSQL_TWO].whitelist
    addresses = bench.dts("DescribeDTSIP", SourceEndpointRegion="cn-hangzhou")["DynamicMessage"]
    assert [one.name for one in groups] == ["dts"]
    assert addresses.split(",") == groups[0].addresses
    for region, refusal in (("", "MissingParameter 400"), ("nowhere", "InvalidParameter 400")):
        assert bench.dts_refused("DescribeDTSIP", SourceEndpointRegion=region) == refusal


@pytest.mark.parametrize("value", ["start_again", "goes_on", "not_started"])
def test_an_alert_can_be_skipped(value: str) -> None:
    bench = DtsBench(instances(None, {"engine_version": "5.7"}), after_skip=value)
    job = bench.running()
    assert bench.run(job, 60) == "PrecheckFailed"
    answer = bench.dts("DescribePreCheckStatus", DtsJobId=job, JobCode="01", PageSize="100")
    (row,) = [one for one in answer["JobProgress"] if one["State"] == "Failed"]
    assert (row["CanSkip"], row["Skip"], row["Item"], row["Names"]) == (True, False, "CHECK_SRC", "CHECK_SRC_DETAIL")
    assert (answer["ErrorItem"], answer["State"]) == (1, "Failed")
    listed = bench.row(job)["PrecheckStatus"]["Detail"]
    assert [one["CheckItem"] for one in listed if one["CheckResult"] == "Failed"] == ["CHECK_SRC"]
    skip = {"DtsJobId": job, "JobId": answer["JobId"], "Skip": "true"}
    assert bench.dts_refused("SkipPreCheck", **skip, SkipPreCheckItems='["CHECK_CONN_SRC"]') == "InvalidParameter 200"
    assert bench.dts_refused("SkipPreCheck", **skip, SkipPreCheckItems="CHECK_SRC") == "InvalidParameter 400"
    bench.dts("SkipPreCheck", **skip, SkipPreCheckItems='["CHECK_SRC"]', SkipPreCheckNames='["CHECK_SRC_DETAIL"]')
    if value != "goes_on":
        assert bench.status_of(job) == ("NotStarted" if value == "not_started" else "PrecheckFailed")
        bench.start_job(job)
    assert bench.run(job, 60) == "Migrating"
    rows = bench.dts("DescribePreCheckStatus", DtsJobId=job, JobCode="01", PageSize="100")["JobProgress"]
    assert [one["IgnoreFlag"] for one in rows if one["Item"] == "CHECK_SRC"] == ["Y"]


def test_variants_of_how_items_are_shown() -> None:
    bench = DtsBench(
        {"dts_findings": [{"item": "CHECK_SRC", "name": "x", "problem": "p", "can_skip": True}]},
        precheck_codes="numbered",
        alert_item_state="Warning",
        passed_items="left_out",
    )
    job = bench.configure(SourceEndpointPassword="")
    bench.start_job(job)
    bench.clock.advance(60)
    rows = bench.dts("DescribePreCheckStatus", DtsJobId=job, JobCode="01", PageSize="100")["JobProgress"]
    assert [(one["State"], one["CanSkip"]) for one in rows] == [("Failed", False), ("Warning", True)]
    assert "LOGIN" not in rows[0]["Item"]
    assert rows[1]["Item"] == "CHECK_SRC"


def test_the_role_can_be_judged_when_the_job_is_configured() -> None:
    bench = DtsBench(role=False, role_checked="configure")
    assert bench.refused_configure() == "Forbidden.RoleNotAuthorized 403"
    assert bench.world.state.dts_jobs == []
    bench.authorize()
    assert bench.prechecked() == {}


POSTGRESQL = {
    "SourceEndpointEngineName": "POSTGRESQL",
    "SourceEndpointInstanceID": POSTGRESQL_TWO,
    "SourceEndpointDatabaseName": "crm",
    "DestinationEndpointEngineName": "PostgreSQL",
    "DestinationEndpointInstanceID": "pgm-bp1target0000001",
    "DestinationEndpointDataBaseName": "crm",
    "DbList": whole("crm"),
    "Reserve": RESERVE,
}
TARGET = {"accounts": [{"name": "migrator", "type": "Super"}], "databases": {"crm": {}}}


def test_postgresql_without_servers() -> None:
    bench = DtsBench({"instances": {"pgm-bp1target0000001": TARGET}})
    assert bench.prechecked(**POSTGRESQL) == {}
    reader = {"name": "migrator", "type": "Normal", "privileges": {"crm": "ReadOnly"}}
    bench.world.merge({"instances": {POSTGRESQL_TWO: {"accounts": [reader]}}})
    assert "privileged" in bench.prechecked(**POSTGRESQL)["CHECK_AUTH_SRC"]
    assert bench.prechecked(**POSTGRESQL, DataSynchronization="false") == {}
    bench.world.merge({"instances": {POSTGRESQL_TWO: {"engine_version": "9.4"}}})
    bench.world.merge({"instances": {"pgm-bp1target0000001": {"databases": {"crm": {"tables": None}}}}})
    assert bench.prechecked(**POSTGRESQL, StructureInitialization="false", DataInitialization="false") == {}
    bench.world.merge({"instances": {POSTGRESQL_TWO: {"parameters": {"wal_level": "replica"}}}})
    found = bench.prechecked(**POSTGRESQL, StructureInitialization="false", DataInitialization="false")
    assert list(found) == ["CHECK_CHANGE_LOG"]
    bench.world.merge({"instances": {"pgm-bp1target0000001": {"databases": {"crm": None}}}})
    assert "CHECK_OBJECTS_DEST" in bench.prechecked(**POSTGRESQL, DataSynchronization="false")


def test_a_self_managed_source() -> None:
    host = {
        "account_id": "",
        "engine": "MySQL",
        "engine_version": "8.0",
        "databases": {"orders": {"size": 5}},
        "accounts": [{"name": "migrator", "type": "Super"}],
        "whitelist": [{"name": "all", "addresses": ["0.0.0.0/0"]}],
    }
    bench = DtsBench({"self_managed": {"db.example:3306": host}}, role=False)
    end = self_managed("db.example", 3306)
    assert bench.prechecked(**end) == {}
    bench.world.merge({"self_managed": {"db.example:3306": {"whitelist": []}}})
    assert list(bench.prechecked(**end)) == ["CHECK_CONN_SRC"]
    assert list(bench.prechecked(**{**end, "SourceEndpointPort": "3307"})) == ["CHECK_CONN_SRC"]
