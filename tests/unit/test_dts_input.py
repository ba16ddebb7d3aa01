# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input: a clear error, nothing bought, nothing started."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts_settings import reserve, retry_problems
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ACCOUNT_ONE,
    CONFIGURE,
    MODULE,
    NAME,
    ROLE,
    SOURCE,
    START,
    TARGET,
    MigrationStage,
    statuses,
)
from hypothesis import given
from hypothesis import strategies as st

AFTER_SKIP = ["start_again", "goes_on", "not_started"]


@pytest.fixture
def stage():
    return MigrationStage()


def nothing_bought_or_started(stage):
    assert stage.purchases() == []
    assert not any(job.get("phases") for job in stage.jobs())


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"name": " "}, "name"),
        ({"retry_connection_minutes": 9}, "retry_connection_minutes is from 10 to 1440"),
        ({"retry_connection_minutes": 1441}, "retry_connection_minutes is from 10 to 1440"),
        ({"retry_other_minutes": 0}, "retry_other_minutes is from 1 to 1440"),
        ({"retry_other_minutes": 60, "retry_connection_minutes": 60}, "has to be below"),
        ({"retry_other_minutes": 720}, "has to be below"),
        ({"retry_connection_minutes": 10}, "has to be below"),
        ({"objects": []}, "objects is empty"),
        ({"objects": [{"database": "shop", "tables": []}]}, "tables and others are empty"),
        ({"objects": [{"database": "shop"}, {"database": "shop"}]}, "'shop' is there twice"),
        ({"objects": [{"database": "shop", "tables": [{"name": "a"}, {"name": "a"}]}]}, "'a' is there twice"),
        ({"objects": [{"database": "shop", "tables": [{"name": "a", "columns": []}]}]}, "has no columns"),
        ({"db_list": {"shop": {"name": "shop", "all": True}}}, "exclude each other"),
        ({"migration_types": []}, "migration_types is empty"),
        ({"migration_types": ["schema"], "throttle_full": {"rps": 5}}, "throttle_full needs full"),
        ({"migration_types": ["schema", "full"], "throttle_incremental": {"rps": 5}}, "needs incremental"),
        ({"migration_types": ["full"], "triggers": "manual"}, "triggers needs"),
        ({"throttle_full": {"qps": 0}}, "throttle_full.qps"),
        ({"pay_type": "PrePaid"}, "needs period and used_time"),
        ({"pay_type": "PrePaid", "period": "Month", "used_time": 10}, "used_time is 1 to 9"),
        ({"pay_type": "PrePaid", "period": "Year", "used_time": 4}, "used_time is 1, 2, 3 or 5"),
        ({"period": "Month"}, "belong to pay_type: PrePaid"),
        ({"alarms": {"delay_seconds": -1}}, "alarms.delay_seconds"),
        ({"alarms": {"error_phones": ["call me"]}}, "error_phones"),
        ({"alarms": {"delay_phones": ["13000000000"]}}, "alarms.delay_phones needs alarms.delay_seconds"),
        ({"alarms": {"delay_seconds": 0, "delay_phones": ["13000000000"]}}, "needs alarms.delay_seconds"),
        ({"alarms": {"error": False, "error_phones": ["13000000000"]}}, "alarms.error_phones needs alarms.error"),
        ({"migration_types": ["full"], "objects": [{"database": "shop", "dml": "i"}]}, "need incremental"),
        (
            {"migration_types": None, "objects": [{"database": "shop", "tables": [{"name": "a", "ddl": "c"}]}]},
            "need inc",
        ),
        ({"reserve": {"maxRetryTime": 600}}, "reserve: retry.blind.seconds (600 seconds) has to be below maxRetryTime"),
        ({"reserve": {"retry.blind.seconds": 3600}, "retry_connection_minutes": 60}, "has to be below maxRetryTime"),
        ({"max_lag": -1}, "max_lag"),
        ({"state": "prechecked", "precheck": "after_purchase"}, "prechecked"),
    ],
)
def test_options_that_cannot_be(stage, run, options, text):
    result = run(stage, MODULE, **stage.wish(**{"state": "running", **options}))
    assert result["error"]["code"] == "invalid_options", result["msg"]
    assert text in result["msg"]
    assert stage.calls() == []


@pytest.mark.parametrize(
    ("side", "change", "text"),
    [
        ("source", {"role": f"acs:ram::{ACCOUNT_ONE}:role/ram-for-dts"}, "source.role is an ARN"),
        ("source", {"role": "AliyunDTSDefaultRole"}, "must not be AliyunDTSDefaultRole"),
        ("source", {"role": None}, "source.role is missing"),
        ("source", {"account_id": None}, "source.account_id is missing"),
        ("source", {"account_id": "somebody"}, "source.account_id"),
        ("source", {"credentials": {"security_token": "of-nobody-at-all"}}, "source.credentials"),
        ("source", {"instance_id": None}, "source.instance_id"),
        ("source", {"region": None}, "source.region"),
        ("source", {"region": "Hangzhou!"}, "source.region"),
        ("source", {"host": "10.0.0.1"}, "source.host"),
        ("source", {"access": "public", "instance_id": None, "role": None, "account_id": None}, "source.host"),
        ("source", {"engine": "PostgreSQL"}, "source.database"),
        ("destination", {"credentials": {"security_token": "of-nobody-at-all"}}, "destination.credentials holds no"),
        ("destination", {"engine": "SQLServer", "role": ROLE, "account_id": ACCOUNT_ONE}, "destination.role"),
        ("destination", {"instance_id": SOURCE}, "are the same"),
    ],
)
def test_endpoints_that_cannot_be(stage, run, side, change, text):
    result = run(stage, MODULE, **stage.wish(**{side: stage.end(side, **change)}))
    assert result["error"]["code"] == "invalid_options", result["msg"]
    assert text in result["msg"]
    assert stage.calls() == []


def test_everything_that_is_wrong_is_told_at_once(stage, run):
    result = run(stage, MODULE, **stage.wish(name="", retry_other_minutes=0, objects=[], max_lag=-1))
    assert all(word in result["msg"] for word in ("name", "retry_other_minutes", "objects", "max_lag"))


def test_half_a_proof_is_told_with_everything_else(stage, run):
    ends = {side: stage.end(side, credentials={"security_token": "of-nobody"}) for side in ("source", "destination")}
    result = run(stage, MODULE, **stage.wish(**ends, max_lag=-1))
    assert all(word in result["msg"] for word in ("source.credentials", "destination.credentials", "max_lag"))
    assert stage.calls() == []


@pytest.mark.parametrize("side", ["source", "destination"])
def test_a_password_to_send_again_has_to_be_there(stage, run, side):
    result = run(stage, MODULE, **stage.wish(update_password=[side], **{side: stage.end(side, password=None)}))
    assert result["error"]["code"] == "invalid_options"
    assert f"{side}.password is missing" in result["msg"]
    assert stage.calls() == []
    ending = run(
        stage, MODULE, **stage.wish("absent", update_password=[side], **{side: stage.end(side, password=None)})
    )
    assert not ending["failed"], ending["msg"]


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ({"objects": None}, "objects"),
        ({"source": {"password": None}}, "source.password"),
        ({"destination": {"account": None}}, "destination.account"),
    ],
)
def test_a_new_job_needs_more(stage, run, option, text):
    changes = {key: stage.end(key, **value) if isinstance(value, dict) else value for key, value in option.items()}
    result = run(stage, MODULE, **stage.wish(**changes))
    assert result["error"]["code"] == "no_go"
    check = next(c for c in result["checks"] if c["name"] == "job_options")
    assert text in check["remedy"]
    assert not stage.writes()


@pytest.mark.parametrize("trusted", [None, "3000000000000003"])
@pytest.mark.parametrize("checked", ["precheck", "configure"])
def test_a_role_that_does_not_let_in(run, trusted, checked):
    """Without a view on the source account the service says so, before anything is bought."""
    stage = MigrationStage({"role_checked": checked}, role=False)
    if trusted:
        stage.let_in(trusted)
    result = run(stage, MODULE, **stage.wish())
    assert result["failed"]
    assert result["error"]["code"] in ("precheck_failed", "Forbidden.RoleNotAuthorized")
    assert ROLE in result["msg"]
    nothing_bought_or_started(stage)
    stage.let_in()
    assert not run(stage, MODULE, **stage.wish())["failed"]
    assert len(stage.purchases()) == 1


def test_every_item_of_a_failed_precheck_is_told(stage, run):
    items = [
        {"item": "CHECK_ONE", "name": "one", "problem": "the first is wrong", "repair": "mend the first"},
        {"item": "CHECK_TWO", "name": "two", "problem": "the second is wrong", "repair": "mend the second"},
        {"item": "CHECK_SAME_USER", "name": "three", "problem": "it is odd", "repair": "rename", "can_skip": True},
    ]
    stage.world.merge({"dts_findings": items})
    result = run(stage, MODULE, **stage.wish(accept=["precheck_same_user"]))
    assert result["error"]["code"] == "precheck_failed"
    for text in ("the first is wrong", "mend the first", "the second is wrong", "mend the second", "precheck_one"):
        assert text in result["msg"]
    assert {item["check"] for item in result["precheck"]["checks"]} >= {"precheck_one", "precheck_two"}
    assert "SkipPreCheck" not in stage.effects()
    nothing_bought_or_started(stage)


@pytest.mark.parametrize(
    "variants",
    [{"after_skip": a, "alert_item_state": s} for a in AFTER_SKIP for s in ("Failed", "Warning")],
)
def test_alerts_pass_only_when_they_are_named(run, variants):
    stage = MigrationStage(variants)
    stage.world.merge(
        {"dts_findings": [{"item": "CHECK_SAME_USER", "name": "n", "problem": "it is odd", "can_skip": True}]}
    )
    refused = run(stage, MODULE, **stage.wish())
    assert refused["error"]["code"] == "precheck_failed"
    assert "precheck_same_user" in refused["error"]["remedy"]
    assert refused["precheck"]["checks"][-1]["state"] == "alert"
    nothing_bought_or_started(stage)
    done = run(stage, MODULE, **stage.wish(accept=["precheck_same_user"]))
    assert not done["failed"], done["msg"]
    assert "SkipPreCheck" in stage.effects()
    assert len(stage.purchases()) == 1
    fresh = MigrationStage(variants)
    fresh.world.merge({"dts_findings": [{"item": "CHECK_SAME_USER", "name": "n", "problem": "odd", "can_skip": True}]})
    assert not run(fresh, MODULE, **fresh.wish(accept=["precheck_same_user"]))["failed"]
    assert len(fresh.purchases()) == 1


@pytest.mark.parametrize("after_skip", AFTER_SKIP)
@pytest.mark.parametrize(
    "fault", [{"kind": "trickle", "seconds": 20}, {"kind": "close_after"}], ids=lambda f: f["kind"]
)
def test_a_precheck_that_went_on_meanwhile_is_not_run_again(run, after_skip, fault):
    """An answer that comes slowly takes longer than the precheck."""
    stage = MigrationStage({"after_skip": after_skip})
    stage.world.merge({"dts_findings": [{"item": "CHECK_SAME_USER", "name": "n", "problem": "odd", "can_skip": True}]})
    stage.world.faults.add({**fault, "action": "SkipPreCheck", "times": 1})
    done = run(stage, MODULE, **stage.wish(accept=["precheck_same_user"]))
    assert not done["failed"], done["msg"]
    assert stage.effects().count("SkipPreCheck") == 1
    starts = stage.effects().count("StartDtsJob")
    plain = MigrationStage({"after_skip": after_skip})
    plain.world.merge({"dts_findings": [{"item": "CHECK_SAME_USER", "name": "n", "problem": "odd", "can_skip": True}]})
    assert not run(plain, MODULE, **plain.wish(accept=["precheck_same_user"]))["failed"]
    assert starts == plain.effects().count("StartDtsJob")


@pytest.mark.parametrize("wait", [True, False])
@pytest.mark.parametrize("after_precheck", ["goes_on", "waits"])
@pytest.mark.parametrize("after_skip", AFTER_SKIP)
def test_what_was_bought_is_started_however_the_service_takes_a_skip(run, after_skip, after_precheck, wait):
    """Without waiting nobody would look again and start it."""
    stage = MigrationStage({"after_skip": after_skip, "after_precheck": after_precheck})
    stage.world.merge({"dts_findings": [{"item": "CHECK_SAME_USER", "name": "n", "problem": "odd", "can_skip": True}]})
    wish = stage.wish(precheck="after_purchase", accept=["precheck_same_user"], wait_timeout=3600)
    assert run(stage, MODULE, **{**wish, "accept": []})["error"]["code"] == "precheck_failed"
    # The answer takes longer than a precheck that goes on.
    stage.world.faults.add({"kind": "trickle", "seconds": 20, "action": "SkipPreCheck", "times": 1})
    done = run(stage, MODULE, **wish, wait=wait)
    assert not done["failed"], done["msg"]
    stage.time.sleep(600)
    # One more run starts what rests after its precheck.
    assert not run(stage, MODULE, **wish, wait=wait)["failed"]
    stage.time.sleep(600)
    assert [job["status"] for job in stage.jobs()] == ["Migrating"]
    if (after_skip, after_precheck) == ("goes_on", "goes_on"):
        assert stage.effects().count("StartDtsJob") == 1


def test_unknown_table_and_a_name_clash(stage, run):
    stage.change(SOURCE, databases={"shop": {"size": 20 * 1024**3, "tables": ["orders"]}})
    unknown = run(stage, MODULE, **stage.wish(objects=[{"database": "shop", "tables": [{"name": "nowhere"}]}]))
    assert unknown["error"]["code"] == "precheck_failed"
    assert "nowhere" in unknown["msg"]
    nothing_bought_or_started(stage)
    stage = MigrationStage()
    stage.change(TARGET, databases={"shop": {"size": 1024, "tables": ["orders"]}})
    clash = run(stage, MODULE, **stage.wish())
    assert clash["error"]["code"] == "precheck_failed"
    assert statuses(clash)["destination_objects"] == "warn"
    nothing_bought_or_started(stage)


def test_too_little_storage(stage, run):
    stage.change(TARGET, storage_gb=10)
    result = run(stage, MODULE, **stage.wish())
    assert result["failed"], result
    assert result["error"]["code"] in ("precheck_failed", "no_go")
    nothing_bought_or_started(stage)


def test_an_address_that_is_not_let_in(run):
    stage = MigrationStage({"dts_whitelist": "manual"})
    for instance in (SOURCE, TARGET):
        stage.change(instance, whitelist=[{"name": "default", "addresses": ["127.0.0.1"]}])
    result = run(stage, MODULE, **stage.wish())
    assert result["error"]["code"] == "precheck_failed"
    check = next(c for c in result["checks"] if c["name"] == "destination_white_list")
    assert all(network in check["remedy"] for network in result["dts_servers"])
    nothing_bought_or_started(stage)


def test_the_name_has_other_endpoints(stage, run):
    run(stage, MODULE, **stage.wish("configured"))
    other = stage.wish("running", source=stage.end("source", instance_id="rm-bp1elsewhere000001"))
    result = run(stage, MODULE, **other)
    assert result["error"]["code"] == "name_taken"
    assert SOURCE in result["msg"]
    assert stage.effects() == [CONFIGURE]


def test_two_jobs_of_that_name(stage, run):
    run(stage, MODULE, **stage.wish("configured"))
    job = stage.jobs()[0]
    stage.world.merge({"dts_jobs": [job, {**job, "id": "another", "instance_id": "dtsanother"}]})
    for state in ("running", "absent"):
        result = run(stage, MODULE, **stage.wish(state))
        assert result["error"]["code"] == "several_jobs"
        assert job["id"] in result["msg"]
        assert "another" in result["msg"]
    assert stage.effects() == [CONFIGURE]


def test_a_job_that_was_stopped_for_good(stage, run):
    run(stage, MODULE, **stage.wish("prechecked"))
    job = stage.jobs()[0]
    stage.world.merge({"dts_jobs": [{**job, "status": "Finished"}]})
    result = run(stage, MODULE, **stage.wish("running"))
    assert (result["error"]["code"], statuses(result)["job_stopped"]) == ("no_go", "fail")
    assert stage.effects() == [CONFIGURE, START]
    nothing_bought_or_started(stage)


@pytest.mark.parametrize("state", ["suspended", "stopped"])
def test_there_is_no_such_job(stage, run, state):
    result = run(stage, MODULE, **stage.wish(state))
    assert (result["error"]["code"], statuses(result)["job_exists"]) == ("no_go", "fail")
    assert not stage.writes()
    assert not run(stage, MODULE, **stage.wish("absent"))["changed"]


def test_only_what_runs_is_paused(stage, run):
    run(stage, MODULE, **stage.wish("configured"))
    result = run(stage, MODULE, **stage.wish("suspended"))
    assert statuses(result)["can_suspend"] == "fail"


def test_short_retry_times_are_warned_of(stage, run):
    result = run(stage, MODULE, check=True, **stage.wish(retry_connection_minutes=20, retry_other_minutes=5))
    assert statuses(result)["retry_times"] == "warn"
    assert result["name"] == NAME


@given(st.none() | st.integers(-5, 1500), st.none() | st.integers(-5, 1500))
def test_retry_times(connection, other):
    """The guide's ranges, and other faults for less long than a lost connection."""
    allowed = (
        (connection is None or 10 <= connection <= 1440)
        and (other is None or 1 <= other <= 1440)
        and (10 if other is None else other) < (720 if connection is None else connection)
    )
    options = {"retry_connection_minutes": connection, "retry_other_minutes": other, "source": {}, "destination": {}}
    assert (retry_problems(options) == []) is allowed
    if allowed:
        made = reserve(options)
        assert made.get("maxRetryTime") == (None if connection is None else str(connection * 60))
        assert made.get("retry.blind.seconds") == (None if other is None else str(other * 60))


def test_half_a_character_is_refused(stage, run):
    refused = run(stage, MODULE, **stage.wish(objects=[{"database": "shop\udc00"}]))
    assert refused["error"]["code"] == "invalid_options"
    assert "objects.database holds a character that is none" in refused["msg"]
    assert stage.calls() == []
