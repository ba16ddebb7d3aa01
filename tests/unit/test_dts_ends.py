# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Engines and ways to reach a database; how requests and refusals of DTS look on the wire; who may do what."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import dts
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import ServiceError
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ACCOUNT_ONE,
    ENDPOINTS,
    KEY_ONE,
    KEY_TWO,
    MODULE,
    ROLE,
    SOURCE,
    TARGET,
    MigrationStage,
    statuses,
)


@pytest.fixture
def stage():
    return MigrationStage()


def parameters(run, stage, **options):
    """Of ConfigureDtsJob, as a rehearsal shows them."""
    shown = run(stage, MODULE, check=True, **stage.wish(preflight="warn", **options))
    assert not shown["failed"], shown["msg"]
    return shown["plan"][0]["parameters"]


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        ("MySQL", ("MYSQL", "MYSQL")),
        ("MariaDB", ("MARIADB", "MARIADB")),
        ("PostgreSQL", ("POSTGRESQL", "PostgreSQL")),
        ("SQLServer", ("MSSQL", "MSSQL")),
    ],
)
def test_each_side_has_its_own_word_for_an_engine(stage, run, engine, words):
    ends = {side: stage.end(side, engine=engine, database="app") for side in ("source", "destination")}
    sent = parameters(run, stage, **ends)
    assert (sent["SourceEndpointEngineName"], sent["DestinationEndpointEngineName"]) == words
    assert (sent["SourceEndpointDatabaseName"], sent["DestinationEndpointDataBaseName"]) == ("app", "app")
    assert "DestinationEndpointOwnerID" not in sent


@pytest.mark.parametrize(
    ("access", "word"),
    [
        ("public", "OTHER"),
        ("ecs", "ECS"),
        ("express_connect", "EXPRESS"),
        ("cen", "CEN"),
        ("database_gateway", "DG"),
    ],
)
def test_self_managed_sources(stage, run, access, word):
    place = {"host": "172.16.0.10", "port": 3306, "account_id": None, "role": None}
    instance = None if access == "public" else "i-bp1ecs0000000001"
    end = stage.end("source", access=access, instance_id=instance, **place)
    sent = parameters(run, stage, source=end)
    assert sent["SourceEndpointInstanceType"] == word
    assert (sent["SourceEndpointIP"], sent["SourceEndpointPort"]) == ("172.16.0.10", "3306")
    assert sent.get("SourceEndpointInstanceID") == instance
    assert "SourceEndpointRole" not in sent


def test_every_setting_is_sent(stage, run):
    sent = parameters(
        run,
        stage,
        existing_tables="ignore",
        triggers="manual",
        assessment=True,
        events=True,
        capitalization="default",
        accounts=False,
        definer=False,
        online_ddl="dms",
        etl="script:e_set()",
        retry_connection_minutes=60,
        retry_other_minutes=20,
        throttle_full={"qps": 10, "rps": -1, "mb_per_second": 2},
        throttle_incremental={"mb_per_second": 1},
        reserve={"a2aFlag": "2.0"},
        dedicated_cluster_id="dtscluster1",
        data_check={"fullDataCheck": True},
        alarms={"delay_seconds": 30, "error": True, "delay_phones": ["13800000000"]},
        resource_group_id="rg-1",
        environment_tag="online",
        source=stage.end("source", ssl=True, vswitch_id="vsw-1"),
    )
    settings = json.loads(sent["Reserve"])
    assert settings == {
        "targetTableMode": "2",
        "eventMove": "true",
        "privilegeMigration": "false",
        "definer": "false",
        "isAnalyzer": "true",
        "triggerMode": "manual",
        "dbListCaseChangeMode": "default",
        "whitelist.dms.online.ddl.enable": "false",
        "sqlparser.dms.original.ddl": "true",
        "whitelist.ghost.online.ddl.enable": "false",
        "sqlparser.ghost.original.ddl": "false",
        "etlOperatorCtl": "Y",
        "etlOperatorSetting": "script:e_set()",
        "srcSSL": "1",
        "maxRetryTime": "3600",
        "retry.blind.seconds": "1200",
        "fullDynamicConfig": {
            "dts.datamove.blaster.qps.max": "10",
            "dts.datamove.source.rps.max": "-1",
            "dts.datamove.source.bps.max": str(2 * 1024 * 1024),
        },
        "incDynamicConfig": {"dts.datamove.source.bps.max": str(1024 * 1024)},
        "a2aFlag": "2.0",
    }
    assert json.loads(sent["DataCheckConfigure"]) == {"fullDataCheck": True}
    assert (sent["DelayNotice"], sent["DelayRuleTime"], sent["DelayPhone"]) == (True, 30, "13800000000")
    assert (sent["ErrorNotice"], sent["DtsBisLabel"], sent["ResourceGroupId"]) == (True, "online", "rg-1")
    assert (sent["DedicatedClusterId"], sent["SourceEndpointVSwitchID"]) == ("dtscluster1", "vsw-1")


def test_large_parameters_go_into_a_form_and_are_signed(stage, run):
    stage = MigrationStage({"body_parameter_in_query": "InvalidParameter 400"})
    done = run(stage, MODULE, **stage.wish("configured", objects=[{"database": "日本 & shop=%+"}], preflight="warn"))
    assert not done["failed"], done["msg"]
    call = stage.calls("ConfigureDtsJob")[0]
    assert json.loads(call.parameters["DbList"]) == {"日本 & shop=%+": {"name": "日本 & shop=%+", "all": True}}


@pytest.mark.parametrize(
    "variants", [{"dynamic_message": d, "success_type": t} for d in ("template", "filled") for t in ("text", "boolean")]
)
def test_a_refusal_with_status_200(variants):
    stage = MigrationStage({**variants, "job_not_found": "InvalidJobId 200"})
    with pytest.raises(ServiceError) as refused:
        _dts(stage).call("StartDtsJob", {"DtsJobId": "nowhere"})
    assert (refused.value.code, refused.value.http_status) == ("InvalidJobId", 200)
    assert "nowhere" in refused.value.message
    assert "%s" not in refused.value.message
    assert "region" in refused.value.remedy


def _dts(stage):
    return dts.client_of(stage.services(**{**ENDPOINTS, **KEY_TWO}), "cn-hangzhou")


def test_reads_are_reads(run):
    stage = MigrationStage()
    run(stage, MODULE, **stage.wish("prechecked"))
    written, job = len(stage.writes()), stage.jobs()[0]["id"]
    arguments = {"DescribeDTSIP": {"SourceEndpointRegion": "cn-hangzhou"}, "DescribeDtsJobs": {}}
    for action in dts.DTS.reads:
        of_job = {"DtsJobId": job, **({"JobCode": "01"} if "PreCheck" in action else {})}
        _dts(stage).call(action, arguments.get(action, of_job))
    assert len(stage.writes()) == written


def test_endpoints_of_regions():
    assert dts.default_endpoint("cn-hangzhou") == dts.default_endpoint("") == "dts.aliyuncs.com"
    assert dts.default_endpoint("ap-northeast-1") == "dts.ap-northeast-1.aliyuncs.com"


@pytest.mark.parametrize(
    ("kinds", "privilege", "status"),
    [
        (["schema", "full"], "ReadOnly", "pass"),
        (["schema", "full", "incremental"], "ReadOnly", "fail"),
        (["schema", "full", "incremental"], "ReadWrite", "pass"),
        (["schema", "full", "incremental"], "Custom", "unknown"),
        # As of an account that was made by a statement.
        (["schema", "full"], None, "unknown"),
    ],
)
def test_rights_of_the_source_s_account(stage, run, kinds, privilege, status):
    granted = {"shop": privilege} if privilege else {}
    stage.change(SOURCE, accounts=[{"name": "migrator", "type": "Normal", "privileges": granted}])
    wish = stage.wish(source=stage.end("source", credentials=KEY_ONE), migration_types=kinds, preflight="warn")
    told = run(stage, MODULE, check=True, **wish)
    check = next(c for c in told["checks"] if c["name"] == "source_account")
    assert check["status"] == status, check
    if status != "pass":
        assert "REPLICATION CLIENT" in check["remedy"]


def test_white_list_and_missing_instances(stage, run):
    stage.change(TARGET, whitelist=[{"name": "dts", "addresses": ["100.104.0.0/15", "11.0.0.0/8"]}])
    told = run(stage, MODULE, check=True, **stage.wish())
    assert statuses(told)["destination_white_list"] == "pass"
    gone = stage.wish(destination=stage.end("destination", instance_id="rm-nowhere"))
    assert statuses(run(stage, MODULE, **gone))["destination_instance"] == "fail"
    other = stage.wish(destination=stage.end("destination", engine="MariaDB"))
    assert statuses(run(stage, MODULE, **other))["destination_instance"] == "fail"
    assert not stage.writes()


def test_the_account_of_the_caller_needs_no_role(stage, run):
    end = stage.end("source", account_id=ACCOUNT_ONE, role=ROLE)
    told = run(stage, MODULE, check=True, **stage.wish(source=end, preflight="warn", **KEY_ONE))
    assert statuses(told)["source_role"] == "fail"
