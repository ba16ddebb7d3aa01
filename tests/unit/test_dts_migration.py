# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's story: predict, nothing written, do, same diff, again, unchanged; whatever the service turns out to be."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ACCOUNT_ONE,
    ACCOUNT_TWO,
    BUY,
    CONFIGURE,
    ENDPOINT,
    KEY_ONE,
    KEY_TWO,
    MODULE,
    NAME,
    OTHER_PASSWORD,
    PASSWORD,
    ROLE,
    SOURCE,
    START,
    TARGET,
    MigrationStage,
    statuses,
)
from apsara_emulator import draw
from apsara_emulator.dts import rows

CREDENTIALS = dict(KEY_ONE)
STATES = {
    "configured": [CONFIGURE],
    "prechecked": [START],
    "running": [BUY],
    "caught_up": [],
    "suspended": ["SuspendDtsJob"],
    "stopped": ["StopDtsJob"],
    "absent": ["DeleteDtsJob"],
}
# What drawn worlds may warn of in front of a one-way step.
ACCEPTED = ["delay", "job_status", "job_retries", "weak_secret"]


@pytest.fixture
def stage(request):
    return MigrationStage(getattr(request, "param", None))


def no_password_in(*results):
    """In no form that the service or a URL gives it."""
    text = json.dumps(results) + repr(results)
    for secret in (PASSWORD, OTHER_PASSWORD):
        forms = {secret, quote(secret, safe=""), quote_plus(secret), quote(secret), json.dumps(secret)[1:-1]}
        forms |= {quote(quote(secret, safe=""), safe=""), base64.b64encode(secret.encode()).decode()}
        assert [form for form in forms if form in text] == []


def tell(stage, run, state, expected, **options):
    """Predict, do and repeat."""
    wish = stage.wish(state, **options)
    written = len(stage.writes())
    predicted = run(stage, MODULE, check=True, **wish)
    assert not predicted["failed"], predicted["msg"]
    assert predicted["changed"] is bool(expected)
    assert len(stage.writes()) == written

    done = run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert [call.action for call in stage.writes()[written:]] == expected == [s["action"] for s in done["plan"]]
    assert done["changed"] is bool(expected)
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert done["fingerprint"] == predicted["fingerprint"]
    assert done["state"] == predicted["state"] == state
    assert set(done) == set(predicted)

    again = run(stage, MODULE, **wish)
    assert not again["failed"], again["msg"]
    assert (again["changed"], again["plan"], again["state"], again["predicted"]) == (False, [], state, False)
    assert len(stage.writes()) == written + len(expected)
    no_password_in(predicted, done, again)
    return done


def test_one_state_after_the_other(stage, run):
    for state, expected in STATES.items():
        done = tell(stage, run, state, expected, accept=["delay"])
        if state == "running":
            assert statuses(done)["cost"] == "warn"
            assert done["job"]["bought"]
        if state == "caught_up":
            assert done["job"]["phases"]["incremental"]["status"] == "Catched"
    assert len(stage.purchases()) == 1
    assert stage.jobs() == []


def test_everything_in_one_run(stage, run):
    done = tell(stage, run, "caught_up", [CONFIGURE, START, BUY])
    assert done["job"]["delay_ms"] <= 2000
    assert "shop" in stage.databases(TARGET)
    for earlier in ("configured", "prechecked", "running"):
        assert not run(stage, MODULE, **stage.wish(earlier))["changed"]
    assert [order["job_id"] for order in stage.purchases()] == [done["job"]["id"]]


def test_what_is_free_is_said_to_be_free(stage, run):
    done = tell(stage, run, "caught_up", [CONFIGURE, START, BUY], migration_types=["schema", "full"])
    assert statuses(done)["cost"] == "pass"
    assert done["job"]["status"] == "Finished"
    assert stage.purchases()[0]["incremental"] is False


def test_the_plan_shows_the_request(stage, run):
    shown = run(stage, MODULE, check=True, **stage.wish())
    parameters = shown["plan"][0]["parameters"]
    assert parameters["SourceEndpointPassword"] == parameters["DestinationEndpointPassword"] == "********"
    assert (parameters["SourceEndpointOwnerID"], parameters["SourceEndpointRole"]) == (ACCOUNT_ONE, ROLE)
    assert json.loads(parameters["DbList"]) == {"shop": {"name": "shop", "all": True}}
    run(stage, MODULE, **stage.wish("configured"))
    sent = stage.calls(CONFIGURE)[0].parameters
    secrets = ("SourceEndpointPassword", "DestinationEndpointPassword")
    assert {k: v for k, v in sent.items() if k not in secrets} == {
        k: str(v) for k, v in parameters.items() if k not in secrets
    }


def test_bought_before_the_precheck_if_wished(stage, run):
    tell(stage, run, "running", [CONFIGURE, BUY, START], precheck="after_purchase")
    assert len(stage.purchases()) == 1


@pytest.mark.parametrize("wait", [True, False])
def test_a_rehearsal_tells_the_end_only_where_it_is_waited_for(stage, run, wait):
    """The job is on its way already."""
    assert not run(stage, MODULE, **stage.wish("running"))["failed"]
    wish = stage.wish("caught_up", wait=wait)
    rehearsed = run(stage, MODULE, check=True, **wish)
    done = run(stage, MODULE, **wish)
    assert (done["diff"], done["state"]) == (rehearsed["diff"], rehearsed["state"])
    assert done["state"] == ("caught_up" if wait else "running")


def _stop_in_the_middle(stage, run):
    """By hand, while its full migration is on the way."""
    stage.world.merge({"outcomes": [{"kind": "dts", "result": "stalls", "stage": "full"}]})
    copies = {"migration_types": ["schema", "full"]}
    late = run(stage, MODULE, **stage.wish("caught_up", wait_timeout=600, **copies))
    assert late["error"]["code"] == "wait_timeout"
    assert not run(stage, MODULE, **stage.wish("stopped", accept=["delay"], **copies))["failed"]
    return copies


def test_a_copy_that_was_stopped_in_the_middle_is_not_complete(stage, run):
    copies = _stop_in_the_middle(stage, run)
    for state in ("configured", "prechecked", "running", "caught_up"):
        again = run(stage, MODULE, **stage.wish(state, **copies))
        assert (again["error"]["code"], statuses(again)["job_stopped"]) == ("no_go", "fail"), state
        assert again["job"]["phases"]["full"]["percent"] < 100


def test_a_copy_that_is_stopped_while_it_is_waited_for(stage, run):
    stage.world.merge({"outcomes": [{"kind": "dts", "result": "stalls", "stage": "full"}]})
    wish = stage.wish("caught_up", migration_types=["schema", "full"])

    def stop_it(seconds):
        started = [job for job in stage.jobs() if "full" in job.get("phases", {})]
        if started and started[0]["status"] == "Migrating":
            job = started[0]
            phases = {**job["phases"], "full": {**job["phases"]["full"], "status": "Finished", "stopped": True}}
            stage.world.merge({"dts_jobs": [{**job, "status": "Finished", "stage": "", "phases": phases}]})
        sleep(seconds)

    sleep, stage.clock = stage.time.sleep, stage.clock._replace(sleep=stop_it)
    assert run(stage, MODULE, **wish)["error"]["code"] == "migration_stopped"


@pytest.mark.parametrize("told", [None, "", "all of it"])
def test_an_end_that_is_not_told_is_not_taken_for_success(stage, run, monkeypatch, told):
    copies = {"migration_types": ["schema", "full"]}
    assert not run(stage, MODULE, **stage.wish("caught_up", **copies))["failed"]
    tell_as = rows.phase_block
    monkeypatch.setattr(rows, "phase_block", lambda *a: {**tell_as(*a), "Percent": told})
    again = run(stage, MODULE, **stage.wish("caught_up", **copies))
    assert (again["error"]["code"], statuses(again)["job_complete"]) == ("plan_unknown", "unknown")
    accepted = run(stage, MODULE, **stage.wish("caught_up", accept=["job_complete"], **copies))
    assert (accepted["failed"], accepted["changed"], accepted["state"]) == (False, False, "caught_up")
    assert run(stage, MODULE, **stage.wish("stopped", **copies))["plan"] == []


def test_an_end_that_is_not_told_while_it_is_waited_for(stage, run, monkeypatch):
    tell_as = rows.phase_block
    monkeypatch.setattr(rows, "phase_block", lambda *a: {**tell_as(*a), "Percent": None})
    result = run(stage, MODULE, **stage.wish("caught_up", migration_types=["schema", "full"]))
    assert result["error"]["code"] == "completion_unknown"
    assert "job_complete" in result["error"]["remedy"]


@pytest.mark.parametrize("stage", [{"start_unpaid": "InvalidJobStatus 200"}], indirect=True)
def test_a_service_that_wants_to_be_paid_first(stage, run):
    failed = run(stage, MODULE, **stage.wish())
    assert failed["error"]["code"] == "precheck_needs_purchase", failed["msg"]
    assert "after_purchase" in failed["error"]["remedy"]
    assert stage.purchases() == []
    assert not run(stage, MODULE, **stage.wish(precheck="after_purchase"))["failed"]
    assert len(stage.purchases()) == 1


@pytest.mark.parametrize("stage", [draw(seed) for seed in range(12)], indirect=True)
def test_doubts_drawn_at_random(stage, run):
    _any_world(stage, run)


@pytest.mark.soak
@pytest.mark.parametrize("stage", [draw(seed) for seed in range(100, 300)], indirect=True)
def test_many_doubts_drawn_at_random(stage, run):
    _any_world(stage, run)


def _any_world(stage, run):
    """Whatever the service turns out to be: one purchase, no state twice, nothing written again."""
    early = "precheck" if stage.world.variants["start_unpaid"] == "precheck" else "purchase"
    precheck = "before_purchase" if early == "precheck" else "after_purchase"
    if stage.world.variants["dts_whitelist"] == "manual":
        for instance in (SOURCE, TARGET):
            stage.change(instance, whitelist=[{"name": "all", "addresses": ["0.0.0.0/0"]}])
    stage.time.sleep(60)
    for state in STATES:
        if state == "prechecked" and precheck == "after_purchase":
            continue
        wish = stage.wish(state, precheck=precheck, accept=ACCEPTED, settle=60)
        done = run(stage, MODULE, **wish)
        assert not done["failed"], f"{state}: {done['msg']}"
        assert done["state"] == state
        written = len(stage.effects())
        again = run(stage, MODULE, **wish)
        assert (again["failed"], again["changed"]) == (False, False), f"{state}: {again.get('msg')}"
        assert len(stage.effects()) == written
        no_password_in(done, again)
    assert stage.effects().count(CONFIGURE) == len(stage.purchases()) == 1
    assert stage.jobs() == []


def test_without_waiting(stage, run):
    begun = run(stage, MODULE, **stage.wish("running", wait=False))
    assert not begun["failed"], begun["msg"]
    assert (begun["changed"], begun["state"]) == (True, "in_flight")
    done = run(stage, MODULE, **stage.wish("caught_up"))
    assert (done["failed"], done["changed"], done["state"]) == (False, False, "caught_up")
    assert len(stage.purchases()) == 1


def test_a_paused_job_goes_on(stage, run):
    run(stage, MODULE, **stage.wish("running"))
    run(stage, MODULE, **stage.wish("suspended"))
    tell(stage, run, "caught_up", [START])
    assert len(stage.purchases()) == 1


def test_a_delay_that_stays_is_not_caught_up(stage, run):
    stage.world.merge({"outcomes": [{"kind": "dts", "result": "stays_behind"}]})
    late = run(stage, MODULE, **stage.wish("caught_up", wait_timeout=600))
    assert late["error"]["code"] == "wait_timeout"
    assert late["job"]["delay_ms"] > 2000
    held = run(stage, MODULE, **stage.wish("stopped"))
    assert (held["error"]["code"], statuses(held)["delay"]) == ("no_go", "warn")
    assert "StopDtsJob" not in stage.effects()


def test_the_end_wants_a_yes(stage, run):
    run(stage, MODULE, **stage.wish("caught_up"))
    for state in ("stopped", "absent"):
        for confirm in (None, SOURCE, NAME):
            refused = run(stage, MODULE, **stage.wish(state, confirm=confirm))
            assert refused["error"]["code"] == "no_go"
            assert statuses(refused)["confirm"] == "fail"
        assert statuses(run(stage, MODULE, check=True, **stage.wish(state, confirm=None)))["confirm"] == "warn"
    assert stage.effects() == [CONFIGURE, START, BUY]


def test_a_job_that_fails_is_told_and_resumed(stage, run):
    outcome = {"kind": "dts", "result": "fails", "stage": "full", "after": 5, "failure": "the disk is full"}
    stage.world.merge({"outcomes": [outcome]})
    failed = run(stage, MODULE, **stage.wish("caught_up"))
    assert failed["error"]["code"] == "migration_failed"
    assert "the disk is full" in failed["msg"]
    tell(stage, run, "caught_up", [START])
    assert len(stage.purchases()) == 1


@pytest.mark.parametrize(
    ("options", "actions"),
    [
        ({"objects": [{"database": "shop", "new_name": "shop2"}]}, ["ModifyDtsJob"]),
        ({"existing_tables": "ignore"}, ["ModifyDtsJob"]),
        ({"retry_connection_minutes": 60, "retry_other_minutes": 20}, ["ModifyDtsJob"]),
        ({"reserve": {"eventMove": True, "a": 5}}, ["ModifyDtsJob"]),
        ({"alarms": {"delay_seconds": 60, "error": True}}, ["CreateJobMonitorRule", "CreateJobMonitorRule"]),
        ({"throttle_incremental": {"rps": 100}}, ["ModifyDynamicConfig", "ModifyDtsJob"]),
    ],
)
def test_settings_of_a_running_job_are_changed(stage, run, options, actions):
    run(stage, MODULE, **stage.wish("running"))
    tell(stage, run, "running", actions, **options)
    assert len(stage.purchases()) == 1


def test_settings_that_were_there_stay(stage, run):
    run(stage, MODULE, **stage.wish("configured", events=True, retry_other_minutes=20))
    tell(stage, run, "configured", ["ModifyDtsJob"], events=False)
    kept = json.loads(stage.jobs()[0]["reserve"])
    assert (kept["eventMove"], kept["retry.blind.seconds"], kept["targetTableMode"]) == ("false", "1200", "0")


def test_a_changed_selection_is_checked_before_it_is_bought(stage, run):
    run(stage, MODULE, **stage.wish("prechecked"))
    tell(stage, run, "running", ["ModifyDtsJob", START, BUY], objects=[{"database": "shop", "new_name": "other"}])


def test_another_account_and_a_corrected_password(stage, run):
    accounts = {"migrator": PASSWORD, "second": "of the second account"}
    stage.change(SOURCE, accounts=[{"name": n, "type": "Super", "password": p} for n, p in accounts.items()])
    wrong = stage.wish("running", source=stage.end("source", password="not the password"))
    failed = run(stage, MODULE, **wrong)
    assert failed["error"]["code"] == "precheck_failed"
    assert "update_password" in failed["error"]["remedy"]
    assert "not the password" not in json.dumps(failed)
    right = stage.wish("running", update_password=["source"])
    done = run(stage, MODULE, **right)
    assert not done["failed"], done["msg"]
    assert stage.effects().count("ModifyDtsJobPassword") >= 1
    other = {"source": stage.end("source", account="second", password="of the second account")}
    tell(stage, run, "running", ["ModifyDtsJobPassword"], **other)
    assert len(stage.purchases()) == 1


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"migration_types": ["schema", "full"]}, "migration_types"),
        ({"environment_tag": "online"}, "environment_tag"),
        ({"dedicated_cluster_id": "dtscluster2"}, "dedicated_cluster_id"),
        ({"resource_group_id": "rg-2"}, "resource_group_id"),
        ({"instance_class": "xlarge"}, "instance_class"),
        ({"pay_type": "PrePaid", "period": "Month", "used_time": 1}, "pay_type"),
    ],
)
def test_what_cannot_be_changed_is_reported(stage, run, options, name):
    run(
        stage,
        MODULE,
        **stage.wish(
            environment_tag="normal",
            dedicated_cluster_id="dtscluster1",
            resource_group_id="rg-1",
            instance_class="small",
        ),
    )
    written = len(stage.writes())
    result = run(stage, MODULE, **stage.wish(**options))
    assert result["error"]["code"] == "no_go"
    check = next(c for c in result["checks"] if c["name"] == "settings_fixed")
    assert name in check["detail"]
    assert check["remedy"]
    assert len(stage.writes()) == written


def test_credentials_of_the_source_tell_more(stage, run):
    end = stage.end("source", account_id=None, credentials=CREDENTIALS)
    done = tell(stage, run, "running", [CONFIGURE, START, BUY], source=end)
    told = statuses(done)
    assert told["source_role"] == told["source_account"] == told["source_objects"] == "pass"
    assert done["source"]["account_id"] == ACCOUNT_ONE
    assert stage.calls(CONFIGURE)[0].parameters["SourceEndpointOwnerID"] == ACCOUNT_ONE
    assert all(call.account_id == ACCOUNT_TWO for call in stage.writes())


@pytest.mark.parametrize("trusted", [None, "3000000000000003"])
def test_a_rehearsal_before_the_role_says_exactly_that(run, trusted):
    stage = MigrationStage(role=False)
    if trusted:
        stage.let_in(trusted)
    wish = stage.wish(source=stage.end("source", credentials=CREDENTIALS))
    rehearsed = run(stage, MODULE, check=True, **wish)
    assert not rehearsed["failed"], rehearsed["msg"]
    check = next(c for c in rehearsed["checks"] if c["name"] == "source_role")
    assert check["status"] == "warn"
    assert ROLE in check["detail"]
    assert "ram_dts_role" in check["remedy"]
    real = run(stage, MODULE, **wish)
    assert (real["error"]["code"], statuses(real)["source_role"]) == ("no_go", "fail")
    assert not stage.writes()
    stage.let_in()
    assert not run(stage, MODULE, **wish)["failed"]


def test_jobs_of_an_instance_are_listed(stage, run):
    run(stage, MODULE, **stage.wish("running"))
    listing = {"instance_id": TARGET, "dts_endpoint": ENDPOINT, **KEY_TWO}
    row = run(stage, "rds_migration_info", **listing)["migrations"][0]
    assert (row["path"], row["name"], row["role"], row["state"]) == (MODULE, NAME, "destination", "running")
    assert row["source"]["instance_id"] == SOURCE
    assert row["bought"]
    assert len(run(stage, "rds_migration_info", **listing, task_name=NAME)["migrations"]) == 1
    assert run(stage, "rds_migration_info", **listing, task_name="another")["migrations"] == []
    assert run(stage, "rds_migration_info", **listing, dts=False)["migrations"] == []
