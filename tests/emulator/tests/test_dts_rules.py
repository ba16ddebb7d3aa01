# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ConfigureDtsJob and its neighbours take, refuse, cost and show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, MYSQL_TWO

from .transmitting import MYSQL_ONE, RESERVE, ROLE, DtsBench, whole

NEW = {
    "Type": "MIGRATION",
    "SourceRegion": "cn-hangzhou",
    "DestinationRegion": "cn-hangzhou",
    "SourceEndpointEngineName": "MySQL",
    "DestinationEndpointEngineName": "MySQL",
    "PayType": "PostPaid",
}

BAD: dict[str, dict[str, Any]] = {
    "kind": {"JobType": "migration"},
    "nothing to do": dict.fromkeys(("StructureInitialization", "DataInitialization", "DataSynchronization"), "false"),
    "source engine of another action": {"SourceEndpointEngineName": "MySQL"},
    "target engine of the other side": {"DestinationEndpointEngineName": "POSTGRESQL"},
    "type of another action": {"SourceEndpointInstanceType": "rds"},
    "no region": {"SourceEndpointRegion": None},
    "no instance": {"DestinationEndpointInstanceID": None},
    "no account": {"SourceEndpointUserName": None},
    "role without owner": {"SourceEndpointOwnerID": None},
    "owner without role": {"SourceEndpointRole": None},
    "the default role": {"SourceEndpointRole": "AliyunDTSDefaultRole"},
    "owner is no id": {"SourceEndpointOwnerID": "somebody"},
    "address of an instance": {"SourceEndpointIP": "10.0.0.1"},
    "self-managed without address": {"SourceEndpointInstanceType": "OTHER"},
    "source is the target": {
        "SourceEndpointInstanceID": MYSQL_ONE,
        "SourceEndpointOwnerID": None,
        "SourceEndpointRole": None,
    },
    "postgresql without database": {
        "SourceEndpointEngineName": "POSTGRESQL",
        "DestinationEndpointEngineName": "PostgreSQL",
    },
    "label": {"DtsBisLabel": "test"},
    "alarm without threshold": {"DelayNotice": "true"},
    "checkpoint": {"Checkpoint": "now"},
    "verification": {"DataCheckConfigure": "[]"},
    "foreign target of another engine": {
        "DestinationEndpointEngineName": "MSSQL",
        "DestinationEndpointOwnerID": ACCOUNT_TWO,
        "DestinationEndpointRole": ROLE,
    },
}


@pytest.mark.parametrize("name", BAD)
def test_refused_parameters(name: str) -> None:
    bench = DtsBench()
    assert bench.refused_configure(**BAD[name]) == "InvalidParameter 400"
    assert bench.world.state.dts_jobs == []


BAD_LISTS: dict[str, Any] = {
    "no JSON": "{",
    "nothing": {},
    "a list": [{"name": "orders"}],
    "no name": {"orders": {"all": True}},
    "empty name": {"orders": {"name": "", "all": True}},
    "all is a text": {"orders": {"name": "orders", "all": "true"}},
    "no all": {"orders": {"name": "orders"}},
    "nothing in it": {"orders": {"name": "orders", "all": False}},
    "small t": {"orders": {"name": "orders", "all": False, "table": {"a": {"name": "a", "all": True}}}},
    "unknown key": {"orders": {"name": "orders", "all": True, "rename": "x"}},
    "table without all": {"orders": {"name": "orders", "all": False, "Table": {"a": {"name": "a"}}}},
    "tables as a list": {"orders": {"name": "orders", "all": False, "Table": ["a"]}},
    "capital column": {
        "orders": {"name": "o", "all": False, "Table": {"a": {"name": "a", "all": False, "Column": {}}}}
    },
    "shard is a text": {"orders": {"name": "orders", "all": True, "shard": "1"}},
    "twice": '{"a":{"name":"a","all":true},"a":{"name":"b","all":true}}',
    "too large": {"x" * 1024 * 1024: {"name": "x", "all": True}},
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_refused_lists_of_objects(name: str) -> None:
    given = BAD_LISTS[name]
    text = given if isinstance(given, str) else json.dumps(given)
    assert DtsBench().refused_configure(DbList=text) == "InvalidParameter 400"


def test_a_list_with_everything() -> None:
    table = {"name": "b", "all": False, "filter": "id>10", "column": {"id": {"name": "id"}, "c": {"name": "d"}}}
    table |= {"dml_op": "i,u", "attach_column": {"x": {"name": "x", "type": "int", "value": "1"}}}
    entry = {"name": "o", "all": False, "Table": {"a": table}, "View": {"v": {"name": "v", "all": True}}, "shard": 12}
    text = json.dumps({"orders": entry, "stock": {"name": "stock", "all": True, "ddl_op": "x"}})
    bench = DtsBench()
    job = bench.configure(DbList=text)
    assert bench.row(job)["DbObject"] == text
    assert "DbObject" not in bench.row(job, WithoutDbList="true")


BAD_SETTINGS: dict[str, Any] = {
    "no JSON": "{",
    "no mode": {},
    "mode": {"targetTableMode": "1"},
    "number": {"targetTableMode": 0},
    "retry too short": {"targetTableMode": "0", "maxRetryTime": "599"},
    "retry too long": {"targetTableMode": "0", "maxRetryTime": "86401"},
    "wrong order": {"targetTableMode": "0", "maxRetryTime": "600", "retry.blind.seconds": "600"},
    "switch": {"targetTableMode": "0", "eventMove": "yes"},
    "encryption": {"targetTableMode": "0", "srcSSL": "true"},
    "limit": {"targetTableMode": "0", "fullDynamicConfig": {"dts.datamove.source.rps": "1"}},
    "limit of the other phase": {"targetTableMode": "0", "incDynamicConfig": {"dts.datamove.blaster.qps.max": "1"}},
}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_refused_settings(name: str) -> None:
    given = BAD_SETTINGS[name]
    text = given if isinstance(given, str) else json.dumps(given)
    assert DtsBench().refused_configure(Reserve=text) == "InvalidParameter 400"


def test_variants_of_what_is_refused() -> None:
    bench = DtsBench(conflict_mode="optional", reserve_numbers="any", engine_words="any_case")
    numbers = json.dumps({"maxRetryTime": 3600, "retry.blind.seconds": 60, "something.new": [1]})
    bench.configure(Reserve=numbers, SourceEndpointEngineName="MySQL", DestinationEndpointEngineName="mysql")
    bench.configure(Reserve=None)


def test_other_ways_to_refuse() -> None:
    bench = DtsBench(bad_dts_parameter="InvalidParameter 200")
    given = bench.parameters(JobType="x")
    answer = bench.world.call(ACCOUNT_ONE, "ConfigureDtsJob", given, service="dts")
    assert (answer["Success"], answer["ErrCode"], answer["ErrMessage"]) == ("false", "InvalidParameter", "%s.")
    # This action has nowhere to put the rest.
    assert "DynamicMessage" not in answer
    bench = DtsBench(job_not_found="InvalidJobId 200", dynamic_message="filled", success_type="text")
    answer = bench.world.call(ACCOUNT_ONE, "StartDtsJob", {"DtsJobId": "nothing"}, service="dts")
    assert answer["Success"] == "false"
    assert answer["ErrMessage"] == "There is no job or instance nothing."
    for value in VARIANTS["job_not_found"].values:
        assert DtsBench(job_not_found=value).dts_refused("StopDtsJob", DtsInstanceId="dtsnothing") == value


def test_what_is_bought() -> None:
    bench = DtsBench()
    job = bench.configure()
    assert bench.row(job)["PayType"] == ""
    first, second = bench.buy(job), bench.buy(job, PayType="PrePaid", Period="Month", UsedTime="2")
    assert first["JobId"] == second["JobId"] == job
    orders = bench.world.state.dts_orders
    assert [(one.kind, one.job_id, one.pay_type, one.incremental) for one in orders] == [
        ("buy", job, "PostPaid", True),
        ("buy", job, "PrePaid", True),
    ]
    assert orders[0].instance_id != orders[1].instance_id
    assert bench.row(job)["ExpireTime"].startswith("2026-03")
    for changes in ({"PayType": "x"}, {"PayType": "PrePaid"}, {"InstanceClass": "huge"}, {"Quantity": "2"}):
        given = {"JobId": job, "PayType": "PostPaid", **changes}
        assert bench.dts_refused("CreateDtsInstance", **given) == "InvalidParameter 400"
    assert bench.dts_refused("CreateDtsInstance", JobId="nothing", PayType="PostPaid") == "InvalidJobId 403"
    assert bench.dts_refused("CreateDtsInstance", PayType="PostPaid") == "InvalidParameter 400"
    assert bench.dts_refused("CreateDtsInstance", JobId=job) == "MissingParameter 400"
    assert len(orders) == 2
    assert DtsBench(second_purchase="InvalidJobStatus 200").world.variants["second_purchase"]


def test_a_second_purchase_can_be_refused() -> None:
    bench = DtsBench(second_purchase="InvalidJobStatus 200", purchase_instance_id="new")
    configured = bench.dts("ConfigureDtsJob", **bench.parameters())
    bought = bench.buy(configured["DtsJobId"])
    assert bought["InstanceId"] != configured["DtsInstanceId"]
    given = {"JobId": configured["DtsJobId"], "PayType": "PostPaid"}
    assert bench.dts_refused("CreateDtsInstance", **given) == "InvalidJobStatus 200"
    assert len(bench.world.state.dts_orders) == 1


@pytest.mark.parametrize("auto", ["none", "auto"])
def test_buy_then_configure(auto: str) -> None:
    bench = DtsBench()
    bought = bench.dts("CreateDtsInstance", **NEW)
    job = bought["JobId"]
    assert bench.status_of(job) == "NotConfigured"
    assert bench.dts_refused("StartDtsJob", DtsJobId=job) == "InvalidJobStatus 200"
    assert bench.world.state.dts_orders[0].incremental is None
    given = {"DtsInstanceId": bought["InstanceId"], "DtsJobId": job, "DataSynchronization": "false"}
    reserve = json.dumps({"targetTableMode": "0", "autoStartModulesAfterConfig": auto})
    assert bench.configure(**given, Reserve=reserve) == job
    assert len(bench.world.state.dts_jobs) == 1
    assert bench.world.state.dts_orders[0].incremental is False
    assert bench.status_of(job) == ("Prechecking" if auto == "auto" else "NotStarted")
    if auto == "none":
        bench.start_job(job)
    # Without changes it ends by itself.
    assert bench.run(job) == "Finished"
    # In the other order the setting does nothing.
    other = bench.configure(DbList=whole("stock"), Reserve=reserve)
    assert bench.run(other, 60) == "NotStarted"


def test_the_words_of_engines_are_those_of_the_action() -> None:
    bench = DtsBench()
    assert bench.dts_refused("CreateDtsInstance", **{**NEW, "SourceEndpointEngineName": "MYSQL"}) == (
        "InvalidParameter 400"
    )
    types = {"SourceEndpointInstanceType": "RDS", "DestinationEndpointInstanceType": "RDS"}
    own = {"SourceEndpointInstanceID": MYSQL_ONE, "SourceEndpointUserName": "migrator", "SourceEndpointPassword": "x"}
    answer = bench.dts("DescribeConnectionStatus", **types, **own, DestinationEndpointInstanceID=MYSQL_TWO)
    assert answer["Success"] == "true"
    assert answer["SourceConnectionStatus"]["1"]["code"] == "Success"
    assert answer["DestinationConnectionStatus"]["1"]["code"] == "Failed"
    wrong = {**types, **own, "SourceEndpointEngineName": "MSSQL"}
    assert bench.dts_refused("DescribeConnectionStatus", **wrong) == "InvalidParameter 400"


def test_three_spellings_of_the_instance() -> None:
    bench = DtsBench()
    configured = bench.dts("ConfigureDtsJob", **bench.parameters())
    job, instance = configured["DtsJobId"], configured["DtsInstanceId"]
    assert bench.dts("DescribeDtsJobDetail", DtsInstanceID=instance)["DtsJobId"] == job
    assert bench.dts_refused("DescribeDtsJobDetail", DtsInstanceId=instance) == "InvalidParameter 400"
    assert bench.row(job)["DtsInstanceID"] == instance
    assert bench.buy(job)["InstanceId"] == instance
    other = bench.dts("ConfigureDtsJob", **bench.parameters())
    bench.dts("StartDtsJob", DtsInstanceId=other["DtsInstanceId"])
    assert (bench.status_of(job), bench.status_of(other["DtsJobId"])) == ("NotStarted", "Prechecking")
    bench.dts("StartDtsJob", DtsInstanceId=instance)
    assert bench.dts_refused("StopDtsJob", DtsInstanceId=instance, DtsJobId="other") == "InvalidJobId 403"
    assert bench.dts_refused("StopDtsJob") == "MissingParameter 400"
    assert bench.dts_refused("StopDtsJob", ACCOUNT_TWO, DtsJobId=job) == "InvalidJobId 403"


def test_listings() -> None:
    bench = DtsBench()
    jobs = []
    for number in range(23):
        jobs.append(bench.configure(DtsJobName=f"job {number}", RegionId="cn-shanghai" if number == 5 else None))
        bench.clock.advance(1)

    def listed(**given: Any) -> list[str]:
        answer = bench.dts("DescribeDtsJobs", **given)
        assert answer["PageRecordCount"] == len(answer["DtsJobList"])
        bench.clock.advance(1)
        return [one["DtsJobId"] for one in answer["DtsJobList"]]

    assert listed(PageSize=30) == jobs
    assert listed() == jobs[:20]
    assert listed(PageNumber=3, PageSize=10) == jobs[20:]
    assert listed(Region="cn-shanghai") == [jobs[5]]
    assert listed(Type="name", Params="job 1") == [jobs[1], *jobs[10:20]]
    assert listed(Type="srcRds", Params=MYSQL_TWO, PageSize=30) == listed(InstanceId=MYSQL_ONE, PageSize=30) == jobs
    assert listed(Type="rds", Params=MYSQL_TWO) == []
    assert listed(DtsJobId=f"{jobs[3]},{jobs[4]}") == jobs[3:5]
    assert listed(OrderColumn="CreateTime", OrderDirection="DESC", PageSize=10) == jobs[:12:-1]
    assert listed(JobType="SYNC") == []
    assert listed(Status="Migrating") == []
    assert bench.dts("DescribeDtsJobs", ACCOUNT_TWO)["TotalRecordCount"] == 0
    for wrong in ({"PageSize": 5}, {"PageNumber": 0}, {"JobType": "online"}, {"Type": "id"}):
        assert bench.dts_refused("DescribeDtsJobs", **wrong) == "InvalidParameter 400"
    assert DtsBench(page_size_out_of_range="default").dts("DescribeDtsJobs", PageSize=5)["DtsJobList"] == []


def test_listings_are_limited() -> None:
    bench = DtsBench()
    for _call in range(20):
        bench.dts("DescribeDtsJobs", Region="cn-hangzhou")
    assert bench.dts_refused("DescribeDtsJobs", Region="cn-hangzhou") == "Throttling.User 400"
    bench.dts("DescribeDtsJobs", Region="cn-shanghai")
    bench.dts("DescribeDtsJobs", ACCOUNT_TWO, Region="cn-hangzhou")
    bench.clock.advance(1)
    bench.dts("DescribeDtsJobs", Region="cn-hangzhou")


def test_a_new_job_may_be_listed_later() -> None:
    bench = DtsBench(dts_list_lag="5", missing_region="cn-hangzhou")
    job = bench.configure()
    assert bench.dts("DescribeDtsJobs")["DtsJobList"] == []
    bench.clock.advance(5)
    assert bench.row(job)["Status"] == "NotStarted"
    other = bench.configure(RegionId="cn-shanghai")
    bench.clock.advance(5)
    assert [one["DtsJobId"] for one in bench.dts("DescribeDtsJobs")["DtsJobList"]] == [job]
    assert bench.dts("DescribeDtsJobs", Region="cn-shanghai")["DtsJobList"][0]["DtsJobId"] == other


def test_changes() -> None:
    bench = DtsBench()
    job = bench.running()
    bench.dts("ModifyDtsJobName", DtsJobId=job, DtsJobName="renamed")
    assert bench.row(job)["DtsJobName"] == "renamed"
    password = {"DtsJobId": job, "Endpoint": "src", "Password": "another one"}
    bench.dts("ModifyDtsJobPassword", **password)
    assert bench.dts_refused("ModifyDtsJobPassword", **password) == "InvalidParameter 400"
    assert "another one" not in json.dumps(bench.world.to_document())
    limits = {"DtsJobId": job, "JobCode": "03", "ConfigList": '{"dts.datamove.blaster.qps.max": 7}'}
    assert bench.dts_refused("ModifyDynamicConfig", **limits) == "InvalidParameter 400"
    bench.dts("ModifyDynamicConfig", **limits, EnableLimit="true")
    assert bench.dts_refused("ModifyDynamicConfig", **{**limits, "JobCode": "04"}) == "InvalidParameter 400"
    end = {"DtsJobId": job, "Endpoint": "dest", "EndpointInstanceType": "rds"}
    assert bench.dts_refused("ModifyDtsJobEndpoint", **end, EndpointInstanceId="rm-no") == "InvalidParameter 400"
    bench.dts("ModifyDtsJobEndpoint", **end, EndpointInstanceId=MYSQL_ONE, DryRun="true")
    assert not bench.world.calls.select()[-1].took_effect
    assert bench.dts_refused("ModifyDtsJobEndpoint", **{**end, "EndpointInstanceType": "RDS"}) == (
        "InvalidParameter 400"
    )
    instance = bench.row(job)["DtsInstanceID"]
    bench.dts("ModifyDtsJob", DtsInstanceId=instance, DbList=whole("orders", "stock"))
    assert "stock" in bench.row(job)["DbObject"]
    assert bench.dts_refused("ModifyDtsJob", DtsInstanceId=instance, DbList="[]") == "InvalidParameter 400"
    bench.dts("CreateJobMonitorRule", DtsJobId=job, Type="delay", State="Y", DelayRuleTime="60")
    bench.dts("CreateJobMonitorRule", DtsJobId=job, Type="delay", State="Y", DelayRuleTime="90")
    (rule,) = bench.dts("DescribeJobMonitorRule", DtsJobId=job)["MonitorRules"]
    assert (rule["Type"], rule["DelayRuleTime"]) == ("delay", 90)
    assert bench.dts_refused("CreateJobMonitorRule", DtsJobId=job, Type="delay") == "InvalidParameter 400"
    bench.dts("StopDtsJob", DtsJobId=job)
    refused = bench.dts_refused("ModifyDtsJobPassword", **{**password, "Password": "x"})
    assert refused == "DTS.Msg.ModifyDenied.JobStatusNotRunning 200"


def test_changes_that_cost() -> None:
    bench = DtsBench()
    job = bench.configure()
    change = {"DtsJobId": job, "InstanceClass": "large", "OrderType": "UPGRADE"}
    assert bench.dts_refused("TransferInstanceClass", **change).startswith("DTS.Msg.ModifyDenied")
    bench.buy(job)
    bench.dts("TransferInstanceClass", **change)
    assert bench.row(job)["DtsJobClass"] == "large"
    assert bench.dts_refused("TransferInstanceClass", **change) == "InvalidParameter 400"
    pay = {"DtsJobId": job, "ChargeType": "PREPAY", "Period": "Month", "BuyCount": "1"}
    bench.dts("TransferPayType", **pay)
    assert bench.dts_refused("TransferPayType", **pay) == "InvalidParameter 400"
    bench.dts("RenewInstance", **pay)
    row = bench.row(job)
    assert (row["PayType"], row["ExpireTime"][:10]) == ("PrePaid", "2026-03-03")
    assert [one.kind for one in bench.world.state.dts_orders] == ["buy", "class", "pay_type", "renew"]


def test_tags() -> None:
    bench = DtsBench()
    instance = bench.dts("ConfigureDtsJob", **bench.parameters())["DtsInstanceId"]
    where = {"RegionId": "cn-hangzhou", "ResourceType": "ALIYUN::DTS::INSTANCE"}
    tags = {"ResourceId.1": instance, "Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b", "Tag.2.Value": ""}
    bench.dts("TagResources", **where, **tags)
    listed = bench.dts("ListTagResources", **where)["TagResources"]["TagResource"]
    assert {one["TagKey"]: one["TagValue"] for one in listed} == {"a": "1", "b": ""}
    rows = bench.dts("DescribeDtsJobs", Tags='[{"key": "a", "value": "1"}]')["DtsJobList"]
    assert rows[0]["TagList"][0] == {"TagKey": "a", "TagValue": "1"}
    bench.dts("UntagResources", **where, **{"ResourceId.1": instance, "TagKey.1": "a"})
    assert len(bench.dts("ListTagResources", **where)["TagResources"]["TagResource"]) == 1
    assert bench.dts_refused("TagResources", **where, **{**tags, "ResourceId.1": "dtsno"}) == "InvalidJobId 403"
    assert bench.dts_refused("TagResources", **where, **{"ResourceId.1": instance}) == "MissingParameter 400"


def test_the_log_of_a_job_and_its_objects() -> None:
    bench = DtsBench({"instances": {MYSQL_TWO: {"databases": {"orders": {"tables": ["a", "b"]}}}}})
    job = bench.running()
    bench.clock.advance(3600)
    log = bench.dts("DescribeDtsServiceLog", DtsJobId=job)["ServiceLogContexts"]
    assert [one["Context"] for one in reversed(log)] == [
        "configured",
        "bought",
        "the precheck begins",
        "the precheck has passed",
        "structure begins",
        "full begins",
        "incremental begins",
        "caught up",
    ]
    phase = bench.dts("DescribePreCheckStatus", DtsJobId=job, JobCode="03")
    assert [(one["Names"], one["State"]) for one in phase["JobProgress"]] == [("a", "Finished"), ("b", "Finished")]
    assert phase["State"] == "Finished"
    assert bench.world.state.instances[MYSQL_ONE].databases["orders"].tables == ["a", "b"]
    assert bench.dts("WhiteIpList", Region="cn-hangzhou", Type="vpc")["SrcIpList"]
    assert RESERVE in bench.row(job)["Reserved"]
