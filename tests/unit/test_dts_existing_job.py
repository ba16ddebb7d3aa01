# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for and what a job has: differences are told, what is not told is not taken for equal."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts_model import End
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration_request import Endpoint
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration_secrets import masked
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    BUY,
    CONFIGURE,
    KINDS,
    MODULE,
    MigrationStage,
    statuses,
)
from apsara_emulator.dts import rows

SECRET = "-----BEGIN PRIVATE KEY----- of nobody"


@pytest.fixture
def stage():
    return MigrationStage()


def check_of(result, name):
    return next((check for check in result["checks"] if check["name"] == name), {"status": None})


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"migration_types": KINDS}, "migration_types"),
        ({"objects": [{"database": "shop"}, {"database": "sales"}]}, "objects"),
        ({"objects": None, "db_list": {"sales": {"name": "sales", "all": True}}}, "db_list"),
    ],
)
@pytest.mark.parametrize("state", ["configured", "caught_up"])
def test_a_job_that_is_over_did_something_else(stage, run, options, name, state):
    copies = {"migration_types": ["schema", "full"]}
    assert not run(stage, MODULE, **stage.wish("caught_up", **copies))["failed"]
    written = len(stage.writes())
    result = run(stage, MODULE, **stage.wish(state, **{**copies, **options}))
    assert result["error"]["code"] == "no_go"
    check = check_of(result, "settings_fixed")
    assert name in check["detail"]
    assert "another name" in check["remedy"]
    assert len(stage.writes()) == written
    same = run(stage, MODULE, **stage.wish(state, objects=[{"database": "shop", "new_name": "shop"}]))
    assert statuses(same).get("settings_fixed") == "fail"  # it did not follow changes
    assert not run(stage, MODULE, **stage.wish(state, migration_types=None))["failed"]
    assert not run(stage, MODULE, **stage.wish("stopped", **{**copies, **options}))["failed"]


def _untold(monkeypatch, *names):
    tell = rows.common_fields
    monkeypatch.setattr(rows, "common_fields", lambda *a: {k: v for k, v in tell(*a).items() if k not in names})


@pytest.mark.parametrize(
    ("field", "options", "names"),
    [
        ("Reserved", {"events": True, "etl": "e"}, ["etl", "events"]),
        ("Reserved", {"reserve": {"a": 1}, "retry_connection_minutes": 60}, ["reserve", "retry_connection_minutes"]),
        ("DtsBisLabel", {"environment_tag": "online"}, ["environment_tag"]),
        ("DedicatedClusterId", {"dedicated_cluster_id": "dtscluster2"}, ["dedicated_cluster_id"]),
        ("ResourceGroupId", {"resource_group_id": "rg-2"}, ["resource_group_id"]),
        ("DtsJobClass", {"instance_class": "xlarge"}, ["instance_class"]),
        ("PayType", {"pay_type": "PrePaid", "period": "Month", "used_time": 1}, ["pay_type"]),
    ],
)
def test_what_is_not_told_is_not_taken_for_equal(stage, run, monkeypatch, field, options, names):
    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    _untold(monkeypatch, field)
    result = run(stage, MODULE, **stage.wish("running", **options))
    check = check_of(result, "settings_unknown")
    assert check["status"] == "unknown"
    assert ": " + ", ".join(names) + "." in check["detail"]
    assert (result["plan"], result["verdict"]) == ([], "review")
    assert "settings_unknown" not in statuses(run(stage, MODULE, **stage.wish("running")))


def test_objects_and_kinds_that_are_not_told(stage, run, monkeypatch):
    from apsara_emulator.dts import listing

    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    tell = rows.listed
    left_out = ("DbObject", "MigrationMode")
    monkeypatch.setattr(listing, "listed", lambda *a: {k: v for k, v in tell(*a).items() if k not in left_out})
    result = run(stage, MODULE, **stage.wish("running"))
    assert "migration_types, objects" in check_of(result, "settings_unknown")["detail"]


def test_alarms_that_cannot_be_read(stage, run):
    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    stage.world.faults.add(
        {"kind": "throttle", "code": "Forbidden.RAM", "status": 403, "action": "DescribeJobMonitorRule"}
    )
    result = run(stage, MODULE, **stage.wish("running", alarms={"error": True}))
    assert "alarms" in check_of(result, "settings_unknown")["detail"]


@pytest.mark.parametrize("side", ["source", "destination"])
def test_another_account_needs_its_password(stage, run, side):
    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    written = len(stage.writes())
    result = run(stage, MODULE, **stage.wish("running", **{side: stage.end(side, account="second", password=None)}))
    check = check_of(result, "job_options")
    assert (result["error"]["code"], check["status"]) == ("no_go", "fail")
    assert f"{side}.password" in check["remedy"]
    assert "migrator" in check["detail"]
    assert len(stage.writes()) == written
    same = run(stage, MODULE, **stage.wish("running", **{side: stage.end(side, password=None)}))
    assert (same["failed"], same["changed"]) == (False, False)


def test_capitals_of_a_script_count(stage, run):
    assert not run(stage, MODULE, **stage.wish("running", etl="e_set(`Name`, 'A')"))["failed"]
    assert run(stage, MODULE, **stage.wish("running", etl="e_set(`Name`, 'A')"))["plan"] == []
    changed = run(stage, MODULE, **stage.wish("running", etl="e_set(`Name`, 'a')"))
    assert [step["action"] for step in changed["plan"]] == ["ModifyDtsJob"]
    assert json.loads(stage.jobs()[0]["reserve"])["etlOperatorSetting"] == "e_set(`Name`, 'a')"


@pytest.mark.parametrize(
    ("there", "options"),
    [
        ({"retry_connection_minutes": 30}, {"retry_other_minutes": 60}),
        ({"retry_other_minutes": 120}, {"retry_connection_minutes": 60}),
        ({"retry_connection_minutes": 30}, {"reserve": {"retry.blind.seconds": 1800}}),
    ],
)
def test_retry_times_fit_those_that_are_there(stage, run, there, options):
    assert not run(stage, MODULE, **stage.wish("running", **there))["failed"]
    written = len(stage.writes())
    result = run(stage, MODULE, **stage.wish("running", **options))
    check = check_of(result, "retry_order")
    assert (result["error"]["code"], check["status"]) == ("no_go", "fail")
    assert "has to be below" in check["detail"]
    assert len(stage.writes()) == written
    both = {"retry_connection_minutes": 90, "retry_other_minutes": 60}
    assert not run(stage, MODULE, **stage.wish("running", **both))["failed"]


def test_secrets_among_the_settings_are_sent_and_not_shown(stage, run):
    """Of those that the task sets, and of those that are there."""
    own = {"reserve": {"srcSslClientKey": SECRET}, "data_check": {"fullDataCheck": True, "password": SECRET}}
    made = run(stage, MODULE, **stage.wish("running", **own))
    assert not made["failed"], made["msg"]
    assert json.loads(stage.calls(CONFIGURE)[0].parameters["Reserve"])["srcSslClientKey"] == SECRET
    assert json.loads(stage.calls(CONFIGURE)[0].parameters["DataCheckConfigure"])["password"] == SECRET
    shown = run(stage, MODULE, check=True, **stage.wish("running", events=True))
    changed = run(stage, MODULE, **stage.wish("running", events=True))
    assert [step["action"] for step in changed["plan"]] == ["ModifyDtsJob"]
    kept = json.loads(stage.jobs()[0]["reserve"])
    assert (kept["srcSslClientKey"], kept["eventMove"]) == (SECRET, "true")
    other = run(stage, MODULE, **stage.wish("running", reserve={"srcSslClientKey": f"{SECRET} but another"}))
    assert json.loads(stage.jobs()[0]["reserve"])["srcSslClientKey"] == f"{SECRET} but another"
    again = run(stage, MODULE, **stage.wish("running", reserve={"srcSslClientKey": f"{SECRET} but another"}))
    assert again["plan"] == []
    for result in (made, shown, changed, other, again):
        told = {key: value for key, value in result.items() if key != "invocation"}
        assert SECRET not in json.dumps(told)
    assert json.loads(changed["plan"][0]["parameters"]["Reserved"])["srcSslClientKey"] == "********"


@pytest.mark.parametrize("name", ["srcSslClientKey", "destCaCertPassword", "apiToken", "clientSecret", "pwd"])
def test_secrets_are_masked_at_any_depth(name):
    document = {"a": {name: SECRET, "kept": "1"}, "b": [{name: SECRET}], "c": json.dumps({name: SECRET}), "d": "{}"}
    text = json.dumps(masked(document))
    assert SECRET not in text
    assert text.count("********") == 3
    assert masked(document)["a"]["kept"] == "1"
    assert masked({name: "", "d": "{}"}) == {name: "", "d": "{}"}


@pytest.mark.parametrize("access", ["ecs", "express_connect", "cen", "database_gateway"])
def test_equal_addresses_of_two_networks_are_two_databases(access):
    end = Endpoint("MySQL", access, "vpc-one", "cn-hangzhou", host="10.0.0.1", port="3306")
    told = End("EXPRESS", "MySQL", "cn-hangzhou", "vpc-one", "10.0.0.1", "3306", None, None)
    assert end.is_same(told)
    assert not end.is_same(told._replace(instance_id="vpc-two"))
    assert end.is_same(told._replace(instance_id=None))
    assert end._replace(access="public", instance_id="").is_same(told._replace(instance_id="anything"))


def test_a_job_of_that_name_that_is_not_configured(stage, run):
    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    job = stage.jobs()[0]
    empty = {"instance_id": "", "address": "", "port": ""}
    ends = {side: {**job[side], **empty} for side in ("source", "target")}
    stage.world.merge({"dts_jobs": [{**job, **ends, "status": "NotConfigured"}]})
    result = run(stage, MODULE, **stage.wish("running"))
    assert result["error"]["code"] == "name_taken"
    assert "None" not in result["msg"]
    assert "an end that is not told" in result["msg"]
    assert len(stage.calls(BUY)) == 1


def test_a_job_that_was_stopped_before_its_purchase_was_not_bought(stage, run):
    assert not run(stage, MODULE, **stage.wish("configured"))["failed"]
    wish = stage.wish("stopped", accept=["delay", "job_complete", "job_status"])
    told, done = run(stage, MODULE, check=True, **wish), run(stage, MODULE, **wish)
    assert "StopDtsJob" in stage.effects()
    assert BUY not in stage.effects()
    assert done["diff"] == told["diff"]
    assert (done["diff"]["after"]["bought"], done["job"]["bought"]) == (False, False)


@pytest.mark.parametrize("state", ["suspended", "stopped"])
def test_what_is_paused_or_ended_keeps_its_objects(stage, run, state):
    assert not run(stage, MODULE, **stage.wish("caught_up"))["failed"]
    accepted = ["delay", "job_complete", "job_status", "objects"]
    wish = stage.wish(state, objects=[{"database": "shop", "new_name": "store"}], accept=accepted)
    told, done = run(stage, MODULE, check=True, **wish), run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert "ModifyDtsJob" not in stage.effects()
    assert done["diff"] == told["diff"]
    assert done["diff"]["after"]["objects"]["shop"]["name"] == "shop"
