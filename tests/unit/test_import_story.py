# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's story: predict, nothing written, do, same diff, again, unchanged; whatever the service turns out to be."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET, Stage
from apsara_emulator import VARIANTS, Variants, draw

WISH = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": {"sales": "sales_2026", "crm": "crm"}}
MODULE = "rds_import_between_instances"
OWNER = "1000000000000001"
IMPORT, COPY = "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"


def tell(stage, run, method, retired_actions=True):
    """Predict, do and repeat; returns what was done."""
    stage.world.merge({"switches": {"retired_actions": retired_actions}})
    wish = {**WISH, "method": method}
    predicted = run(stage, MODULE, check=True, **wish)
    assert not predicted["failed"], predicted["msg"]
    assert predicted["changed"]
    assert predicted["predicted"]
    assert stage.writes() == []

    done = run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert done["changed"]
    assert not done["predicted"]
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert done["databases"] == predicted["databases"]
    assert done["state"] == predicted["state"] == "imported"
    assert set(done) == set(predicted)
    assert len(stage.effects()) == 1
    assert stage.databases() == {"crm": "Running", "sales_2026": "Running", "warehouse": "Running"}

    written = len(stage.writes())
    again = run(stage, MODULE, **wish)
    assert not again["failed"], again["msg"]
    assert not again["changed"]
    assert again["plan"] == []
    assert len(stage.writes()) == written
    return done


@pytest.mark.parametrize(
    ("method", "retired_actions", "effect"),
    [("import", True, IMPORT), ("copy", True, COPY), ("auto", True, IMPORT), ("auto", False, COPY)],
)
def test_every_way(stage, run, method, retired_actions, effect):
    done = tell(stage, run, method, retired_actions)
    assert stage.effects() == [effect]
    assert done["request_ids"] == [call.request_id for call in stage.writes() if call.took_effect]
    assert done["method_used"] == ("import" if effect == IMPORT else "copy")


def one_at_a_time():
    return [(v.name, value) for v in VARIANTS.values() for value in v.values if value != v.default]


@pytest.mark.parametrize(("name", "value"), one_at_a_time(), ids=lambda text: str(text).replace(" ", "-"))
def test_every_doubt_alone(run, name, value):
    """An import or a copy, by turns."""
    method, retired_actions = [("import", True), ("auto", False)][len(name + str(value)) % 2]
    tell(Stage(Variants({name: value})), run, method, retired_actions)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "value"), one_at_a_time(), ids=lambda text: str(text).replace(" ", "-"))
@pytest.mark.parametrize(("method", "retired_actions"), [("import", True), ("auto", False)])
def test_every_doubt_alone_both_ways(run, name, value, method, retired_actions):
    tell(Stage(Variants({name: value})), run, method, retired_actions)


# test_truth_import.py tries many more, past HTTP.
@pytest.mark.parametrize("seed", range(10))
def test_doubts_drawn_at_random(run, seed):
    tell(Stage(draw(seed)), run, "auto", retired_actions=bool(seed % 2))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 3000))
def test_many_doubts_drawn_at_random(run, seed):
    tell(Stage(draw(seed)), run, ("auto", "copy")[seed % 2], retired_actions=seed % 3 == 0)


def test_the_two_calls_name_source_and_target_the_other_way_round(stage, run):
    tell(stage, run, "auto", retired_actions=False)
    refused, copied = stage.writes()
    assert (refused.action, copied.action) == (IMPORT, COPY)
    assert refused.parameters["DBInstanceId"] == TARGET
    assert refused.parameters["SourceDBInstanceId"] == SOURCE
    assert copied.parameters["DBInstanceId"] == SOURCE
    assert copied.parameters["TargetDBInstanceId"] == TARGET


def test_a_later_run_imports_what_is_missing_only(stage, run):
    run(stage, MODULE, **{**WISH, "databases": ["crm"]})
    done = run(stage, MODULE, **{**WISH, "databases": ["crm", "hr"]})
    assert done["changed"]
    assert done["plan"][0]["subject"] == ["hr"]
    assert stage.databases() == {"crm": "Running", "hr": "Running", "warehouse": "Running"}


def test_a_finished_migration_stays_finished_without_its_source(stage, run):
    run(stage, MODULE, **WISH)
    stage.world.merge({"instances": {SOURCE: None}})
    again = run(stage, MODULE, **WISH)
    assert not again["failed"]
    assert not again["changed"]


def test_what_is_in_flight_is_adopted(stage, run):
    started = run(stage, MODULE, **WISH, wait=False)
    assert started["state"] == "in_flight"
    assert started["changed"]
    adopted = run(stage, MODULE, **WISH)
    assert adopted["state"] == "imported"
    assert adopted["adopted"]
    assert not adopted["changed"]
    assert len(stage.writes()) == 1


@pytest.mark.parametrize("seed", range(20))
def test_two_runs_in_a_row_without_waiting_start_once(run, seed):
    stage = Stage(draw(seed))
    first = run(stage, MODULE, **WISH, wait=False, poll_interval=5, method="import")
    again = run(stage, MODULE, **WISH, wait=False, poll_interval=5, method="import")
    last = run(stage, MODULE, **WISH, poll_interval=5, method="import")
    assert [told["failed"] for told in (first, again, last)] == [False, False, False]
    assert [call.action for call in stage.writes()] == [IMPORT]
    assert stage.databases() == {"crm": "Running", "sales_2026": "Running", "warehouse": "Running"}


def test_a_foreign_import_is_waited_for_and_then_planned(stage, run):
    stage.world.call(
        "1000000000000001",
        IMPORT,
        {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":{"hr":"hr"}}'},
    )
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert rehearsed["state"] == "unknown"
    assert rehearsed["plan"] == []
    assert rehearsed["verdict"] == "review"
    assert "in flight" in str(rehearsed["checks"]) or "waits until" in str(rehearsed["checks"])
    done = run(stage, MODULE, **WISH)
    assert done["changed"]
    assert done["adopted"]
    assert sorted(stage.databases()) == ["crm", "hr", "sales_2026", "warehouse"]


def test_without_waiting_an_occupied_target_is_unknown_and_no_error(stage, run):
    names = '{"DBNames":{"hr":"hr"}}'
    stage.world.call(OWNER, IMPORT, {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": names})
    told = run(stage, MODULE, **WISH, wait=False)
    assert not told["failed"]
    assert not told["changed"]
    assert told["state"] == "unknown"
    assert told["verdict"] == "review"
    assert len(stage.writes()) == 1


def test_an_import_that_fails_is_reported(stage, run):
    stage.world.merge({"outcomes": [{"result": "fails", "after": 60}]})
    failed = run(stage, MODULE, **WISH, method="import")
    assert failed["failed"]
    assert failed["changed"]
    assert failed["error"]["code"] == "import_failed"
    assert "sales_2026" in failed["msg"]
    assert failed["import_id"]


def test_an_import_that_never_starts_is_reported_after_the_grace(stage, run):
    stage.world.merge({"outcomes": [{"result": "never_starts"}]})
    before = stage.time.now()
    failed = run(stage, MODULE, **WISH, method="import", start_grace=120)
    assert failed["failed"]
    assert failed["error"]["code"] == "import_never_started"
    assert 120 < stage.time.now() - before < 200
    assert "start_grace" in failed["error"]["remedy"]


def test_a_deadline_says_that_the_work_goes_on(stage, run):
    stage.world.merge({"durations": {"imports": {"base": 7200}}})
    late = run(stage, MODULE, **WISH, method="import", wait_timeout=600)
    assert late["failed"]
    assert late["changed"]
    assert late["error"]["code"] == "wait_timeout"
    assert "Run the playbook again" in late["error"]["remedy"]
    done = run(stage, MODULE, **WISH)
    assert done["state"] == "imported"
    assert not done["changed"]
    assert len(stage.writes()) == 1


def test_a_blip_does_not_end_the_wait(stage, run):
    stage.world.faults.add({"kind": "http_503", "action": "DescribeDatabases", "after": 4, "times": 30})
    done = run(stage, MODULE, **WISH, method="import")
    assert done["state"] == "imported"


def test_check_mode_reports_every_failed_check_and_writes_nothing(stage, run):
    stage.world.merge({"instances": {TARGET: {"storage_gb": 20, "class_type": "s", "lock_mode": "ManualLock"}}})
    for check in (True, False):
        refused = run(stage, MODULE, check=check, **{**WISH, "databases": {"nowhere": "admin"}})
        failed = {c["name"] for c in refused["checks"] if c["status"] == "fail"}
        assert failed == {"free_storage", "family", "not_locked", "source_databases", "target_names"}
        assert refused["error"]["code"] == "no_go"
        assert refused["verdict"] == "no_go"
        for name in failed:
            assert name in refused["msg"]
    assert stage.writes() == []


def test_preflight_warn_leaves_the_decision_to_the_service(stage, run):
    stage.world.merge({"instances": {TARGET: {"class_type": "s"}}})
    refused = run(stage, MODULE, **WISH, method="import", preflight="warn")
    assert refused["failed"]
    assert refused["error"]["code"] == "IncorrectDBInstanceType"
    assert refused["error"]["request_id"] == stage.writes()[-1].request_id


def test_nobody_gets_yesterdays_data_unnoticed(stage, run):
    stage.time.advance(7200)
    refused = run(stage, MODULE, **WISH, method="copy")
    assert [c["name"] for c in refused["checks"] if c["status"] == "fail"] == ["backup_age"]
    assert "max_backup_age" in refused["msg"]
    assert refused["backup"]["age"] > 7200
    agreed = run(stage, MODULE, **WISH, method="copy", max_backup_age=4 * 3600)
    assert agreed["changed"]
    assert agreed["backup"]["id"] == refused["backup"]["id"]


def test_no_backup_no_copy(stage, run):
    stage.world.merge({"instances": {SOURCE: {"backups": []}}})
    refused = run(stage, MODULE, **WISH, method="copy")
    assert [c["name"] for c in refused["checks"] if c["status"] == "fail"] == ["backup_age"]
    assert run(stage, MODULE, **WISH, method="import")["changed"]


def test_a_chosen_backup_is_the_one_that_is_restored(stage, run):
    oldest = stage.world.to_document()["instances"][SOURCE]["backups"][-1]["id"]
    done = run(stage, MODULE, **WISH, method="copy", backup_id=oldest)
    assert done["changed"]
    assert stage.writes()[-1].parameters["BackupId"] == oldest
    unknown = run(stage, MODULE, **{**WISH, "databases": ["hr"]}, method="copy", backup_id="7")
    assert unknown["failed"]
    assert "backup_id" in unknown["msg"]


def test_a_restore_time_is_passed_on(stage, run):
    moment = "2026-01-02T02:00:00Z"
    done = run(stage, MODULE, **WISH, method="copy", restore_time=moment, sync_user_privilege=True)
    assert done["changed"], done
    assert stage.writes()[-1].parameters["RestoreTime"] == moment
    assert stage.writes()[-1].parameters["SyncUserPrivilege"] == "YES"
    assert "BackupId" not in stage.writes()[-1].parameters
    future = run(stage, MODULE, **{**WISH, "databases": ["hr"]}, method="copy", restore_time="2027-01-01T00:00:00Z")
    assert future["failed"]
    assert "future" in future["msg"]


def test_existing_databases_can_be_refused(stage, run):
    refused = run(stage, MODULE, **{**WISH, "databases": {"hr": "warehouse"}}, on_existing="fail")
    assert refused["failed"]
    assert [c["name"] for c in refused["checks"]] == ["already_there"]
    accepted = run(stage, MODULE, **{**WISH, "databases": {"hr": "warehouse"}})
    assert not accepted["failed"]
    assert not accepted["changed"]


def test_readings_that_are_forbidden_make_checks_unknown(stage, run):
    for action in ("DescribeResourceUsage", "DescribeBackups", "DescribeTasks"):
        stage.world.faults.add({"kind": "throttle", "action": action, "code": "Forbidden.RAM", "status": 403})
    stage.world.merge({"variants": {"disk_used_field": "missing"}})
    predicted = run(stage, MODULE, check=True, **WISH)
    assert {c["name"] for c in predicted["checks"] if c["status"] == "unknown"} == {"free_storage", "backup_age"}
    assert predicted["verdict"] == "review"


def test_a_plan_that_was_not_approved_writes_nothing(stage, run):
    rehearsal = run(stage, MODULE, check=True, **WISH)
    other = run(stage, MODULE, **{**WISH, "databases": ["hr"]}, approved_plan=rehearsal["fingerprint"])
    assert other["failed"]
    assert other["error"]["code"] == "not_approved"
    assert stage.writes() == []
    done = run(stage, MODULE, **WISH, approved_plan=rehearsal["fingerprint"])
    assert done["changed"]
    again = run(stage, MODULE, **WISH, approved_plan=rehearsal["fingerprint"])
    assert not again["changed"]
    assert not again["failed"]


def test_a_task_list_that_shows_a_copy_is_a_doubt(run):
    """Both instances say Running, and something runs all the same."""
    stage = Stage(Variants({"copy_source_status": "Running", "copy_target_status": "Running"}))
    stage.world.merge({"variants": {"target_databases": "when_finished"}})
    run(stage, MODULE, **{**WISH, "databases": ["hr"]}, method="copy", wait=False)
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert rehearsed["state"] == "unknown"
    assert rehearsed["verdict"] == "review"
    assert [c["name"] for c in rehearsed["checks"] if c["status"] == "unknown"] == ["instances_running"]


def test_what_is_on_its_way_is_not_there_already(stage, run):
    run(stage, MODULE, **{**WISH, "databases": ["crm"]}, method="import", wait=False)
    rehearsed = run(stage, MODULE, check=True, **{**WISH, "databases": ["crm", "hr"]}, on_existing="fail")
    assert "already_there" not in [c["name"] for c in rehearsed["checks"]]


def test_a_source_database_without_a_state_is_unknown(stage, run):
    stage.world.merge({"instances": {SOURCE: {"databases": {"crm": {"status": ""}}}}})
    rehearsed = run(stage, MODULE, check=True, **WISH)
    assert {c["name"]: c["status"] for c in rehearsed["checks"]}["source_databases"] == "unknown"


@pytest.mark.parametrize("name", ["wait_timeout", "poll_interval", "settle"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1])
@pytest.mark.parametrize("module", [MODULE, "rds_cancel_import"])
def test_waits_that_would_not_end_are_refused(stage, run, module, name, value):
    wish = WISH if module == MODULE else {"instance_id": TARGET, "import_id": "1"}
    refused = run(stage, module, **wish, **{name: value})
    assert refused["failed"]
    assert refused["error"]["code"] == "invalid_options"
    assert name in refused["msg"]
    assert stage.calls() == []


def test_half_a_character_is_refused(stage, run):
    refused = run(stage, MODULE, **{**WISH, "databases": {"crm": "\ud800"}}, method="import")
    assert refused["failed"]
    assert [c["name"] for c in refused["checks"] if c["status"] == "fail"] == ["target_names"]
    unchecked = run(stage, MODULE, **{**WISH, "databases": {"crm": "\ud800"}}, method="import", preflight="warn")
    assert unchecked["error"]["code"] == "invalid_options"
    assert stage.writes() == []


INVISIBLE = {"copy_source_status": "Running", "copy_target_status": "Running", "target_databases": "when_finished"}


@pytest.mark.parametrize("options", [{"wait": False}, {"wait_timeout": 5}])
def test_what_was_accepted_and_never_seen_is_said_so(run, options):
    """Nothing shows the copy: whoever runs again would send it again, and has to know."""
    stage = Stage(Variants({**INVISIBLE, "tasks_listed": "nowhere"}))
    told = run(stage, MODULE, **WISH, method="copy", **options)
    assert told["failed"]
    assert told["changed"]
    assert told["error"]["code"] == "not_seen_yet"
    assert "before you run again" in told["error"]["remedy"]


def test_a_long_interval_is_no_failure(run):
    stage = Stage(Variants({"list_lag": "25", "target_databases": "when_finished"}))
    done = run(stage, MODULE, **WISH, method="import", poll_interval=120)
    assert not done["failed"], done["msg"]
    assert done["state"] == "imported"


def test_a_database_that_turns_cold_is_not_imported(stage, run):
    stage.world.merge({"instances": {TARGET: {"databases": {"crm": {"status": "Cold"}}}}})
    told = run(stage, MODULE, **WISH, method="import", preflight="warn")
    assert told["failed"]
    assert "crm" in told["msg"]
    predicted = run(stage, MODULE, check=True, **{**WISH, "databases": ["crm", "hr"]}, preflight="warn")
    assert predicted["state"] == "unknown"
    assert predicted["diff"]["after"]["databases"]["crm"] == "Cold"


def test_a_wish_that_no_waiting_mends_is_refused_at_once(stage, run):
    stage.world.merge({"durations": {"imports": {"base": 9000}}})
    run(stage, MODULE, **{**WISH, "databases": ["hr"]}, method="import", wait=False)
    before = stage.time.now()
    told = run(stage, MODULE, **{**WISH, "databases": {"sales": "master"}})
    assert told["failed"]
    assert "target_names" in told["msg"]
    assert stage.time.now() - before < 60


def test_an_instance_that_is_gone_is_not_waited_for(stage, run):
    stage.world.merge({"instances": {SOURCE: {"status": "Released"}}})
    before = stage.time.now()
    told = run(stage, MODULE, **WISH)
    assert told["failed"]
    assert "instances_running" in told["msg"]
    assert stage.time.now() - before < 60


def test_all_waits_share_one_deadline(stage, run):
    stage.world.merge({"durations": {"imports": {"base": 200}}})
    run(stage, MODULE, **{**WISH, "databases": ["hr"]}, method="import", wait=False)
    before = stage.time.now()
    told = run(stage, MODULE, **WISH, method="import", wait_timeout=300)
    assert told["failed"]
    assert stage.time.now() - before < 330


def test_the_diff_tells_what_is_and_not_what_was_promised(stage, run):
    stage.world.merge({"outcomes": [{"result": "fails", "after": 60}]})
    failed = run(stage, MODULE, **WISH, method="import")
    assert failed["diff"]["after"] == failed["diff"]["before"]
    refused = run(stage, MODULE, check=True, **{**WISH, "databases": {"sales": "master"}})
    assert refused["diff"]["after"] == refused["diff"]["before"]
    assert not refused["predicted"]
    assert refused["databases"][0]["state"] == "absent"


def test_one_source_for_two_targets_takes_turns(stage, run):
    """The source is busy with another target when the request arrives; nothing was started by the refusal."""
    other = {**stage.world.to_document()["instances"][TARGET], "id": "rm-bp1sqltarget00002"}
    stage.world.merge({"instances": {"rm-bp1sqltarget00002": other}})
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient

    real = RpcClient.call

    def call(client, action, parameters=None):
        if action == IMPORT and not stage.writes():
            names = '{"DBNames":{"hr":"hr"}}'
            wish = {"DBInstanceId": "rm-bp1sqltarget00002", "SourceDBInstanceId": SOURCE, "DBInfo": names}
            stage.world.call(OWNER, IMPORT, wish)
        return real(client, action, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RpcClient, "call", call)
        done = run(stage, MODULE, **WISH, method="import")
    assert not done["failed"], done["msg"]
    assert stage.effects() == [IMPORT, IMPORT]
    assert "sales_2026" in stage.databases()


def test_an_import_of_somebody_else_is_not_taken_for_ours(stage, run):
    other = {**stage.world.to_document()["instances"][TARGET], "id": "rm-bp1sqltarget00002"}
    stage.world.merge({"instances": {"rm-bp1sqltarget00002": other}})
    from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient

    real = RpcClient.call

    def call(client, action, parameters=None):
        try:
            return real(client, action, parameters)
        finally:
            if action == IMPORT:
                names = '{"DBNames":{"hr":"hr"}}'
                wish = {"DBInstanceId": "rm-bp1sqltarget00002", "SourceDBInstanceId": SOURCE, "DBInfo": names}
                stage.world.call(OWNER, IMPORT, wish)

    stage.world.faults.add({"kind": "close_before", "action": IMPORT, "times": 1})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RpcClient, "call", call)
        told = run(stage, MODULE, **WISH, method="import")
    assert told["failed"]
    assert not told["adopted"]
    assert "not sent again" in told["msg"]
