# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to do for every wish and every standing, what stops it, and what is waited for. No server is needed.

The tasks stand in the emulator's world as somebody wrote them; a test moves them on while the module sleeps.
"""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import (
    ACTIVATE,
    CREATE,
    GLIBC,
    GOOD_REPORT,
    MODULE,
    PASSWORD,
    PRECHECK,
    TARGET,
    CloudStage,
    source_option,
)

STATES = ("assessed", "replicating", "switched")
FAILED_REPORT = [
    "[Check rds empty]",
    "Check rds databases: error:databases exist: shop",
    "[Check source version]",
    "Check major version consistent: error:source version is 16, rds version is 15",
]
WARNED_REPORT = [
    *GOOD_REPORT[:-1],
    "Check source glibc version compatible: warning(warning:not compatible)",
    GOOD_REPORT[-1],
]
# A version for which nobody has programs: nothing starts a server.
UNREAL = {"instances": {TARGET: {"engine_version": "10.0"}}}
CLOSE = {"LatestEndLsn": "0/3000100", "ReplayLsn": "0/3000100"}
FAR = {"LatestEndLsn": "0/3000100", "ReplayLsn": "0/3000000"}
# Nine seconds apart, and no positions.
TIMES = {"LastMsgSendTime": "2026-01-31 10:00:09+08", "ReplayTimestamp": "2026-01-31 10:00:00+08"}


class PaperStage(CloudStage):
    BREATH = 0.0

    def __init__(self, variants=None):
        super().__init__(variants)
        self.world.merge(UNREAL)

    def moves_on(self, *moves):
        """At each sleep of whoever is tested the newest migration becomes what the next move says."""
        left = list(moves)

        def move():
            if left:
                for name, value in left.pop(0).items():
                    setattr(self.world.state.cloud_migrations[-1], name, value)

        self.on_sleep = move

    def sees_the_switch(self):
        """No server is promoted here, so that somebody has to say that it was."""

        def move():
            task = self.world.state.cloud_migrations[-1]
            if task.stage == "switch":
                task.stage, task.replication_state, task.failed = "success", "finish", False

        self.on_sleep = move


@pytest.fixture
def paper():
    return PaperStage()


def actions(result):
    return [step["action"] for step in result["plan"]]


def status(result):
    return {check["name"]: check["status"] for check in result["checks"]}


@pytest.mark.parametrize(
    ("wish", "steps"),
    [("assessed", [PRECHECK]), ("replicating", [PRECHECK, CREATE]), ("switched", [PRECHECK, CREATE, ACTIVATE])],
)
def test_a_rehearsal_from_nothing(paper, run, wish, steps):
    result = run(paper, MODULE, check=True, **paper.wish(wish, accept=["assessment"]))
    assert not result["failed"], result["msg"]
    assert actions(result) == steps
    assert result["changed"]
    assert result["predicted"]
    assert result["state"] == wish
    assert status(result)["assessment"] == "unknown"
    assert result["assessment"]["outcome"] == "unknown"
    assert (result["migration"] or {}).get("stage") == {"replicating": "increment", "switched": "success"}.get(wish)
    assert result["diff"]["before"]["stage"] == "none"
    assert paper.writes() == []
    assert PASSWORD not in json.dumps(result)
    assert all(step["parameters"].get("SourcePassword", "********") == "********" for step in result["plan"])
    assert [step["one_way"] for step in result["plan"]] == [step == ACTIVATE for step in steps]


def test_the_default_name_is_always_the_same(paper, run):
    first, second = (run(PaperStage(), MODULE, check=True, **paper.wish("assessed")) for _run in range(2))
    name = first["plan"][0]["parameters"]["TaskName"]
    assert name == second["plan"][0]["parameters"]["TaskName"]
    assert name.startswith("migrate")
    other = run(paper, MODULE, check=True, **paper.wish("assessed", port=5433))
    assert other["plan"][0]["parameters"]["TaskName"] != name
    given = run(paper, MODULE, check=True, **paper.wish("assessed", task_name="mine"))
    assert given["plan"][0]["parameters"]["TaskName"] == "mine"


@pytest.mark.parametrize(
    ("assessment", "options", "steps"),
    [
        ({}, {}, []),
        ({"ago": 80000}, {}, []),
        ({"ago": 90000}, {}, [PRECHECK]),
        ({"ago": 600}, {"assessment_max_age": 300}, [PRECHECK]),
        ({}, {"assessment_max_age": 0}, [PRECHECK]),
        ({"lines": WARNED_REPORT}, {}, []),
        ({"lines": FAILED_REPORT}, {}, [PRECHECK]),
        ({"lines": []}, {}, []),  # under way
        ({"lines": [], "ago": 4000}, {}, [PRECHECK]),  # stands still for longer than anybody waits
        ({"source_port": 5433}, {}, [PRECHECK]),
        ({"source_address": "10.0.0.9"}, {}, [PRECHECK]),
        ({"source_account": "another"}, {}, [PRECHECK]),
    ],
)
def test_which_assessment_is_good_enough(paper, run, assessment, options, steps):
    paper.add_assessment(**assessment)
    result = run(paper, MODULE, check=True, **paper.wish("assessed", **options))
    assert actions(result) == steps
    result = run(paper, MODULE, check=True, **paper.wish("replicating", **options))
    assert actions(result) == [*steps, CREATE]


def test_an_older_good_assessment_does_not_make_up_for_a_newer_bad_one(paper, run):
    paper.add_assessment(ago=900)
    paper.add_assessment(ago=600, lines=FAILED_REPORT)
    assert actions(run(paper, MODULE, check=True, **paper.wish("assessed"))) == [PRECHECK]


def test_after_a_migration_that_failed_it_is_assessed_again(paper, run):
    paper.add_assessment(ago=600)
    paper.add_migration("precheck", "unstarted", ago=500, lines=FAILED_REPORT, failed=True)
    result = run(paper, MODULE, check=True, **paper.wish("replicating"))
    assert actions(result) == [PRECHECK, CREATE]
    assert status(result)["earlier_migration"] == "warn"
    assert result["migration"]["task_id"] is None
    paper.add_assessment(ago=400)
    assert actions(run(paper, MODULE, check=True, **paper.wish("replicating"))) == [CREATE]


@pytest.mark.parametrize(
    ("stage", "replication", "state", "left"),
    [
        ("precheck", "unstarted", "in_flight", {"switched": [ACTIVATE]}),
        ("basebackup", "unstarted", "in_flight", {"switched": [ACTIVATE]}),
        ("startup", "catchup", "in_flight", {"switched": [ACTIVATE]}),
        ("increment", "catchup", "in_flight", {"switched": [ACTIVATE]}),
        ("increment", "disconnect", "in_flight", {"switched": [ACTIVATE]}),
        ("increment", "streaming", "replicating", {"switched": [ACTIVATE]}),
        ("switch", "streaming", "in_flight", {}),
        ("success", "finish", "switched", {}),
        ("a new one", "of these", "in_flight", {"switched": [ACTIVATE]}),
    ],
)
def test_a_later_state_satisfies_an_earlier_wish(paper, run, stage, replication, state, left):
    paper.add_migration(stage, replication)
    for wish in STATES:
        result = run(paper, MODULE, check=True, **paper.wish(wish, accept=["replication", "migration_state", "lag"]))
        assert actions(result) == left.get(wish, [])
        assert result["diff"]["before"]["stage"] == stage
        before = run(paper, MODULE, check=True, **paper.wish("assessed"))
        assert (before["state"], before["changed"], before["predicted"]) == (state, False, False)
        words = status(result).get("migration_state", "pass")
        assert words == ("warn" if stage == "a new one" else "pass")
    assert paper.writes() == []


@pytest.mark.parametrize("wish", STATES)
def test_a_finished_migration_needs_nothing_more_whatever_became_of_its_target(paper, run, wish):
    paper.add_migration("success", "finish")
    paper.world.merge({"instances": {TARGET: {"status": "Rebooting", "lock_mode": "ManualLock"}}})
    source = source_option(5432, account=None, password=None, category=None)
    for check in (True, False):
        result = run(paper, MODULE, check=check, **{**paper.wish(wish), "source": source})
        assert not result["failed"], result["msg"]
        assert (result["changed"], result["predicted"], result["state"]) == (False, False, "switched")
        assert result["verdict"] == "go"
    assert paper.writes() == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"status": "Rebooting"}, "instance_running"),
        ({"status": "Released"}, "instance_running"),
        ({"type": "Readonly"}, "primary_instance"),
        ({"storage_type": "local_ssd"}, "cloud_disk"),
        ({"lock_mode": "LockByDiskQuota"}, "lock_mode"),
        ({"engine_version": "9.4"}, "version"),
        ({"engine": "MySQL"}, "engine"),
        ({"databases": {"shop": {}}}, "target_empty"),
    ],
)
@pytest.mark.parametrize("wish", STATES)
def test_a_target_that_cannot_be_migrated_to(paper, run, change, name, wish):
    paper.add_assessment()
    paper.world.merge({"instances": {TARGET: change}})
    for check in (True, False):
        result = run(paper, MODULE, check=check, **paper.wish(wish, assessment_max_age=1, confirm=TARGET))
        assert result["failed"]
        assert result["error"]["code"] == "no_go"
        assert [n for n, s in status(result).items() if s == "fail"] == [name]
        assert all(c["remedy"] for c in result["checks"] if c["status"] == "fail")
    assert paper.writes() == []


def test_everything_that_is_wrong_is_told_at_once(paper, run):
    change = {"status": "Rebooting", "type": "Guard", "storage_type": "local_ssd", "databases": {"shop": {}}}
    paper.world.merge({"instances": {TARGET: change}})
    paper.add_migration("basebackup", "unstarted", source_port=5433)
    source = source_option(5432, account=None, password=None)
    result = run(paper, MODULE, **{**paper.wish("replicating"), "source": source})
    failed = {n for n, s in status(result).items() if s == "fail"}
    assert failed == {
        "instance_running",
        "primary_instance",
        "cloud_disk",
        "target_empty",
        "no_other_migration",
        "source_options",
    }
    assert all(f"- {name}: " in result["msg"] for name in failed)
    assert "source.account, source.password" in result["msg"]
    assert "no call that ends a cloud migration" in result["msg"]
    assert paper.writes() == []


def test_an_unknown_instance(paper, run):
    result = run(paper, MODULE, **{**paper.wish("assessed"), "instance_id": "pgm-bp1nowhere0000001"})
    assert result["failed"]
    assert status(result) == {"instance_exists": "fail"}


def test_disks_that_are_not_documented_are_unknown_and_other_categories_are_passed_on(paper, run):
    paper.world.merge({"instances": {TARGET: {"storage_type": "general_essd"}}})
    source = source_option(5432, category="internet")
    result = run(paper, MODULE, check=True, **{**paper.wish("assessed"), "source": source})
    assert not result["failed"]
    assert status(result)["cloud_disk"] == "unknown"
    assert status(result)["source_category"] == "warn"
    assert result["plan"][0]["parameters"]["SourceCategory"] == "internet"


def test_the_databases_that_every_instance_has_are_not_in_the_way(paper, run):
    paper.world.merge({"instances": {TARGET: {"databases": {"postgres": {}, "template1": {}}}}})
    assert status(run(paper, MODULE, check=True, **paper.wish("assessed")))["target_empty"] == "pass"


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        ({"instance_id": " "}, ["instance_id"]),
        ({"source": source_option(0)}, ["source.port"]),
        ({"source": source_option(70000, host="postgres://h/x")}, ["source.port", "source.host"]),
        ({"max_lag": -1, "reach_lsn": "12"}, ["max_lag", "reach_lsn"]),
        (
            {"poll_interval": 0, "stall_timeout": -1, "assessment_max_age": "nan"},
            ["poll_interval", "stall_timeout", "age"],
        ),
        ({"max_lag_seconds": -3}, ["max_lag_seconds"]),
    ],
)
def test_options_that_cannot_be_carried_out(paper, run, options, wrong):
    result = run(paper, MODULE, **{**paper.wish("assessed"), **options})
    assert result["failed"]
    assert result["error"]["code"] == "invalid_options"
    assert all(word in result["msg"] for word in wrong)
    assert paper.calls() == []


@pytest.mark.parametrize(
    ("password", "weak"), [("secret", True), ("migrator", True), ("pgm-bp1target", True), (PASSWORD, False)]
)
def test_a_password_that_would_blank_the_output(paper, run, password, weak):
    wish = {**paper.wish("assessed"), "source": source_option(5432, password=password)}
    assert ("weak_secret" in status(run(paper, MODULE, check=True, **wish))) is weak


def test_a_failed_assessment_is_not_taken_for_an_answer_and_is_told(paper, run):
    paper.add_assessment(lines=FAILED_REPORT)
    result = run(paper, MODULE, check=True, **paper.wish("replicating"))
    assert actions(result) == [PRECHECK, CREATE]
    (told,) = [c["detail"] for c in result["checks"] if c["name"] == "assessment"]
    assert "databases exist: shop" in told
    assert "source version is 16" in told


@pytest.mark.parametrize("wish", ["assessed", "replicating"])
def test_an_assessment_under_way_that_fails_is_waited_for_and_told_in_full(paper, run, wish):
    """It grows line by line: the first error is not all of it."""
    paper.add_assessment(ago=1, lines=[])

    def grow():
        task = paper.world.state.assessments[-1]
        if len(task.detail) < len(FAILED_REPORT):
            task.detail = FAILED_REPORT[: len(task.detail) + 1]

    paper.on_sleep = grow
    result = run(paper, MODULE, **paper.wish(wish))
    assert result["failed"]
    assert result["error"]["code"] == "assessment_failed"
    assert not result["changed"]
    assert result["assessment"]["outcome"] == "failed"
    for text in ("databases exist: shop", "source version is 16", "upgrade it afterwards"):
        assert text in result["msg"]
    assert paper.writes() == []


@pytest.mark.parametrize("wish", ["assessed", "replicating", "switched"])
@pytest.mark.parametrize("lines", [[], GOOD_REPORT])
def test_a_migration_that_another_run_begins_while_the_assessment_is_waited_for(paper, run, wish, lines):
    paper.add_assessment(ago=1, lines=[])

    def begin():
        if not paper.migrations():
            paper.world.state.assessments[-1].detail = list(lines)
            paper.add_migration(ago=0, replication_info=CLOSE)
        elif paper.migrations()[-1]["stage"] == "switch":
            task = paper.world.state.cloud_migrations[-1]
            task.stage, task.replication_state, task.failed = "success", "finish", False

    paper.on_sleep = begin
    result = run(paper, MODULE, **paper.wish(wish, confirm=TARGET, accept=["assessment"]))
    assert not result["failed"], result["msg"]
    assert result["state"] == ("switched" if wish == "switched" else "replicating")
    assert result["adopted"]
    assert [call.action for call in paper.writes()] == ([ACTIVATE] if wish == "switched" else [])


def test_an_assessment_that_stands_still(paper, run):
    paper.add_assessment(ago=1, lines=[])
    result = run(paper, MODULE, **paper.wish("assessed", stall_timeout=600))
    assert result["error"]["code"] == "assessment_stands_still"
    assert paper.writes() == []


@pytest.mark.parametrize("preflight", ["enforce", "warn"])
def test_warnings_stop_a_real_run_before_it_starts_a_migration(paper, run, preflight):
    paper.add_assessment(lines=WARNED_REPORT)
    rehearsed = run(paper, MODULE, check=True, **paper.wish("replicating"))
    assert not rehearsed["failed"]
    assert status(rehearsed)[GLIBC] == "warn"
    result = run(paper, MODULE, **paper.wish("replicating", preflight=preflight))
    if preflight == "enforce":
        assert result["error"]["code"] == "warnings_not_accepted"
        assert GLIBC in result["msg"]
        assert "REINDEX" in result["msg"]
        assert not result["changed"]
        assert paper.writes() == []
    # Here no migration can really be started; that it was sent is what counts.
    accepted = run(paper, MODULE, **paper.wish("replicating", accept=[GLIBC]))
    assert accepted["error"]["code"] == "Emulator.NoPostgreSQL"
    assert [call.action for call in paper.writes()] == [CREATE] * (2 if preflight == "warn" else 1)


def test_what_is_under_way_is_waited_for(paper, run):
    paper.add_migration("basebackup", "unstarted")
    paper.moves_on(
        {},
        {"stage": "startup"},
        {"stage": "increment", "replication_state": "catchup"},
        {"replication_state": "streaming"},
    )
    predicted = run(paper, MODULE, check=True, **paper.wish("replicating"))
    assert (predicted["changed"], predicted["predicted"], predicted["state"]) == (False, True, "replicating")
    done = run(paper, MODULE, **paper.wish("replicating"))
    assert not done["failed"], done["msg"]
    assert (done["changed"], done["adopted"], done["state"]) == (False, True, "replicating")
    assert done["diff"] == predicted["diff"]
    assert paper.writes() == []
    left = run(PaperStage(), MODULE, check=True, **paper.wish("replicating", wait=False))
    assert left["state"] == "in_flight"


@pytest.mark.parametrize("wait", [True, False])
def test_a_rehearsal_tells_the_end_only_where_it_is_waited_for(run, wait):
    results = []
    for check in (True, False):
        paper = PaperStage()
        paper.add_migration("basebackup", "unstarted")
        paper.moves_on({}, {"stage": "increment", "replication_state": "streaming"})
        results.append(run(paper, MODULE, check=check, **paper.wish("replicating", wait=wait)))
    rehearsed, done = results
    assert (done["diff"], done["state"]) == (rehearsed["diff"], rehearsed["state"])
    assert done["state"] == ("replicating" if wait else "in_flight")
    assert (rehearsed["diff"]["before"] == rehearsed["diff"]["after"]) is not wait


def test_without_waiting_what_is_under_way_stays_so(paper, run):
    paper.add_migration("basebackup", "unstarted")
    result = run(paper, MODULE, **paper.wish("replicating", wait=False))
    assert not result["failed"]
    assert (result["changed"], result["state"]) == (False, "in_flight")


def test_a_migration_that_fails_on_the_way(paper, run):
    paper.add_migration("precheck", "unstarted")
    paper.moves_on({}, {"detail": FAILED_REPORT[:2]}, {"detail": FAILED_REPORT, "failed": True})
    result = run(paper, MODULE, **paper.wish("replicating"))
    assert result["error"]["code"] == "migration_failed"
    assert "databases exist: shop" in result["msg"]
    assert "source version is 16" in result["msg"]
    assert result["migration"]["checks"]
    assert paper.writes() == []


@pytest.mark.parametrize(
    ("stage", "replication", "code"),
    [
        ("startup", "unstarted", "migration_stands_still"),
        ("increment", "disconnect", "migration_stands_still"),
        ("basebackup", "disconnect", "migration_stands_still"),
        ("basebackup", "unstarted", "wait_timeout"),
        ("a new one", "unstarted", "wait_timeout"),
    ],
)
def test_a_stage_that_stands_still(paper, run, stage, replication, code):
    paper.add_migration(stage, replication)
    begun = paper.time.now()
    result = run(paper, MODULE, **paper.wish("replicating", stall_timeout=1000, wait_timeout=2000))
    assert result["error"]["code"] == code
    assert paper.time.now() - begun == pytest.approx(1000 if code == "migration_stands_still" else 2000, abs=20)
    assert result["migration"]["stage"] == stage
    assert paper.writes() == []


@pytest.mark.parametrize("confirm", [None, "pgm-bp1source0000001"])
def test_nobody_switches_without_a_yes(paper, run, confirm):
    paper.add_migration(replication_info=CLOSE)
    for preflight in ("enforce", "warn"):
        result = run(paper, MODULE, **paper.wish("switched", confirm=confirm, preflight=preflight))
        assert result["error"]["code"] == "no_go"
        assert "confirm" in result["msg"]
    assert paper.writes() == []
    rehearsed = run(paper, MODULE, check=True, **paper.wish("switched"))
    assert status(rehearsed)["confirm"] == "warn"


def test_a_switch(paper, run):
    paper.add_migration(replication_info=CLOSE)
    paper.sees_the_switch()
    wish = paper.wish("switched", confirm=TARGET, poll_interval=7)
    begun = paper.time.now()
    result = run(paper, MODULE, **wish)
    assert not result["failed"], result["msg"]
    (sent,) = paper.writes()
    assert sent.action == ACTIVATE
    assert {k: sent.parameters[k] for k in ("DBInstanceName", "ForceSwitch", "SwitchTimeMode")} == {
        "DBInstanceName": TARGET,
        "ForceSwitch": "1",
        "SwitchTimeMode": "0",
    }
    assert "SwitchTime" not in sent.parameters
    assert paper.time.now() - begun >= 7  # two looks
    assert (result["state"], result["changed"]) == ("switched", True)
    again = run(paper, MODULE, **wish)
    assert (again["changed"], len(paper.writes())) == (False, 1)


def test_the_lag_has_to_be_small_twice_in_a_row(paper, run):
    paper.add_migration(replication_info=CLOSE)
    sent = []
    infos = [FAR, CLOSE, FAR, CLOSE, {"LatestEndLsn": "0/1"}, CLOSE]

    def move():
        task = paper.world.state.cloud_migrations[-1]
        sent.append(len(paper.writes()))
        if infos:
            task.replication_info = infos.pop(0)
        if task.stage == "switch":
            task.stage, task.replication_state, task.failed = "success", "finish", False

    paper.on_sleep = move
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert not result["failed"], result["msg"]
    assert sent[:7] == [0] * 7
    assert len(paper.writes()) == 1


@pytest.mark.parametrize(("max_lag", "switched"), [(0, False), (255, False), (256, True)])
def test_a_source_that_is_written_to_is_not_switched_however_well_the_target_keeps_up(paper, run, max_lag, switched):
    paper.add_migration(replication_info=CLOSE)
    end = 0x3000100

    def write():
        nonlocal end
        end += 256
        task = paper.world.state.cloud_migrations[-1]
        task.replication_info = dict.fromkeys(("LatestEndLsn", "ReplayLsn"), f"0/{end:X}")
        if task.stage == "switch":
            task.stage, task.replication_state, task.failed = "success", "finish", False

    paper.on_sleep = write
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, wait_timeout=300, max_lag=max_lag))
    assert result["failed"] is not switched
    assert len(paper.writes()) == int(switched)
    if not switched:
        assert result["error"]["code"] == "lag_too_large"
        assert "the source wrote 256 bytes between" in result["msg"]


@pytest.mark.parametrize(
    ("info", "options", "code"),
    [
        (FAR, {}, "lag_too_large"),
        (FAR, {"max_lag": 255}, "lag_too_large"),
        (FAR, {"max_lag": 256}, None),
        (FAR, {"max_lag": 256, "reach_lsn": "0/3000100"}, "lag_too_large"),
        (CLOSE, {"reach_lsn": "0/3000101"}, "lag_too_large"),
        (CLOSE, {"reach_lsn": "0/3000100"}, None),
        (CLOSE, {"max_lag_seconds": 0}, None),
        (FAR, {"max_lag": 256, "max_lag_seconds": 60}, "lag_too_large"),  # how old is not told
        ({**FAR, **TIMES}, {"max_lag": 256, "max_lag_seconds": 8}, "lag_too_large"),
        ({**FAR, **TIMES}, {"max_lag": 256, "max_lag_seconds": 9}, None),
        ({}, {}, "no_go"),
        ({}, {"accept": ["lag"]}, None),
        ({}, {"accept": ["lag"], "reach_lsn": "0/1"}, "lag_too_large"),
        # What is told counts, whatever was accepted about what is not.
        (TIMES, {"accept": ["lag"], "max_lag_seconds": 8}, "lag_too_large"),
        (TIMES, {"accept": ["lag"], "max_lag_seconds": 9}, None),
        ({}, {"accept": ["lag"], "max_lag_seconds": 9}, None),
    ],
)
def test_how_close_is_close(paper, run, info, options, code):
    paper.add_migration(replication_info=info)
    paper.sees_the_switch()
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, wait_timeout=300, **options))
    assert result.get("error", {}).get("code") == code, result.get("msg")
    assert len(paper.writes()) == (0 if code else 1)
    if code == "lag_too_large":
        assert "max_lag" in result["msg"]
        assert "not sent" in result["msg"]
        assert not result["changed"]
        assert result["state"] == "replicating"


@pytest.mark.parametrize(
    ("info", "options", "advised", "not_advised"),
    [
        (FAR, {"max_lag": 255}, "raise max_lag", "accept"),
        (FAR, {"max_lag": 256, "max_lag_seconds": 60}, "leave out max_lag_seconds", "raise"),
        ({}, {"accept": ["lag"], "reach_lsn": "0/1"}, "leave out reach_lsn", "raise max_lag"),
        ({}, {"accept": ["lag"], "reach_lsn": "0/1"}, "leave out reach_lsn", "accept: [lag]"),
        (CLOSE, {"reach_lsn": "0/3000101"}, "position of this source", "accept: [lag]"),
        (TIMES, {"accept": ["lag"], "max_lag_seconds": 8}, "wait_timeout", "accept: [lag]"),
    ],
)
def test_the_remedy_fits_what_the_service_tells(paper, run, info, options, advised, not_advised):
    paper.add_migration(replication_info=info)
    remedy = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, wait_timeout=300, **options))["error"][
        "remedy"
    ]
    assert advised in remedy
    assert not_advised not in remedy


@pytest.mark.parametrize(
    ("stage", "replication", "code"),
    [("increment", "catchup", "not_streaming"), ("basebackup", "unstarted", "not_streaming")],
)
def test_no_switch_without_a_stream(paper, run, stage, replication, code):
    paper.add_migration(stage, replication)
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, wait_timeout=300))
    assert result["error"]["code"] == code
    assert paper.writes() == []


def test_a_broken_stream_stops_a_switch_at_once(paper, run):
    paper.add_migration("increment", "disconnect", lines=["--- replication is interrupted: no route"])
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert result["error"]["code"] == "no_go"
    assert "no route" in result["msg"]
    accepted = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, accept=["replication"], stall_timeout=900))
    assert accepted["error"]["code"] == "migration_stands_still"
    assert paper.writes() == []


def test_warnings_of_the_migration_stop_a_switch(paper, run):
    paper.add_migration(replication_info=CLOSE, lines=WARNED_REPORT)
    paper.sees_the_switch()
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert result["error"]["code"] == "no_go"
    assert GLIBC in result["msg"]
    assert paper.writes() == []
    assert not run(paper, MODULE, **paper.wish("switched", confirm=TARGET, accept=[GLIBC]))["failed"]


@pytest.mark.parametrize("port", [5432, 5433])
def test_no_switch_while_another_migration_is_in_flight(paper, run, port):
    """The switch names only the instance, so that it may act on the other one."""
    paper.add_migration(replication_info=CLOSE, source_port=port)
    paper.add_migration(replication_info=CLOSE)
    for check in (True, False):
        result = run(paper, MODULE, check=check, **paper.wish("switched", confirm=TARGET))
        assert status(result)["no_other_migration"] == "warn"
        assert actions(result) == [ACTIVATE]
    assert result["error"]["code"] == "no_go"
    assert f"440000000 from 127.0.0.1:{port} (increment)" in result["msg"]
    # What it replicates is nothing that could not be taken back.
    assert not run(paper, MODULE, **paper.wish("replicating"))["failed"]
    assert paper.writes() == []


def test_migrations_that_are_over_stand_in_the_way_of_no_switch(paper, run):
    paper.add_migration("success", "finish", ago=9000.0)
    paper.add_migration("basebackup", "unstarted", ago=6000.0, lines=FAILED_REPORT, failed=True, source_port=5433)
    paper.add_migration(replication_info=CLOSE)
    paper.sees_the_switch()
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert not result["failed"], result["msg"]
    assert status(result)["no_other_migration"] == "pass"
    assert actions(result) == [ACTIVATE]


def test_somebody_else_switches_while_the_gate_is_shut(paper, run):
    paper.add_migration(replication_info=FAR)
    paper.moves_on({}, {"stage": "success", "replication_state": "finish"})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert not result["failed"], result["msg"]
    assert result["adopted"]
    assert paper.writes() == []


def test_a_switch_that_does_not_end(paper, run):
    paper.add_migration("switch", "streaming")
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, stall_timeout=1000))
    assert result["error"]["code"] == "switch_stands_still"
    assert "not sent again" in result["msg"]
    assert paper.writes() == []


@pytest.mark.parametrize(
    ("wait", "code"), [(True, "switch_stands_still"), (False, "not_seen_yet")], ids=["wait", "no wait"]
)
def test_a_switch_that_was_accepted_and_does_not_show(paper, run, wait, code):
    """Nobody may take it for done: the next run would send it again, and the failure says so."""
    paper.add_migration(replication_info=CLOSE, source_port=5433)
    paper.add_migration(replication_info=CLOSE)
    wish = paper.wish("switched", confirm=TARGET, accept=["no_other_migration"], stall_timeout=1000)
    result = run(paper, MODULE, **{**wish, "wait": wait})
    assert result["failed"]
    assert (result["error"]["code"], result["error"]["action"], result["changed"]) == (code, ACTIVATE, True)
    assert "while it is increment, running this again sends the switch again" in result["error"]["remedy"]
    assert [call.action for call in paper.writes()] == [ACTIVATE]
    assert actions(run(paper, MODULE, check=True, **wish)) == [ACTIVATE]


def test_a_switch_that_shows_is_not_waited_for(paper, run):
    paper.add_migration(replication_info=CLOSE)
    paper.world.merge({"stalls": [{"stage": "switch"}]})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET, wait=False))
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["migration"]["stage"]) == (True, "switch")
    assert len(paper.writes()) == 1


@pytest.mark.parametrize("kind", ["close_before", "http_500", "stall", "html"])
def test_an_activation_that_was_lost_is_never_sent_again(paper, run, kind):
    paper.add_migration(replication_info=CLOSE)
    paper.world.faults.add({"kind": kind, "action": ACTIVATE, "times": 1})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert result["failed"]
    assert "not sent again" in result["msg"]
    assert "rds_migration_info" in result["msg"]
    assert len(paper.writes()) == 1
    # Somebody looked, and says yes once more.
    paper.sees_the_switch()
    assert not run(paper, MODULE, **paper.wish("switched", confirm=TARGET))["failed"]
    assert len(paper.effects()) == 1


@pytest.mark.parametrize("kind", ["close_after", "timeout_after", "empty"])
def test_an_activation_whose_answer_was_lost_is_recognised(paper, run, kind):
    paper.add_migration(replication_info=CLOSE)
    paper.sees_the_switch()
    paper.world.faults.add({"kind": kind, "action": ACTIVATE, "times": 1})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert not result["failed"], result["msg"]
    assert (result["adopted"], result["changed"], result["state"]) == (True, True, "switched")
    assert len(paper.writes()) == 1


def test_an_approved_rehearsal(paper, run, tmp_path):
    paper.add_migration(replication_info=CLOSE)
    paper.sees_the_switch()
    approved = tmp_path / "rehearsal.json"
    approved.write_text(json.dumps(run(paper, MODULE, check=True, **paper.wish("switched", confirm=TARGET))))
    wish = paper.wish("switched", confirm=TARGET, approved_plan=str(approved))
    refused = run(paper, MODULE, **{**wish, "force_switch": "0"})
    assert refused["error"]["code"] == "not_approved"
    assert paper.writes() == []
    assert not run(paper, MODULE, **wish)["failed"]


def test_migration_info(paper, run):
    paper.add_assessment(lines=FAILED_REPORT, name="first look")
    paper.add_migration(replication_info=FAR, ago=20 * 86400, name="the one")
    paper.add_migration("success", "finish", ago=30 * 86400, source_port=5433, name="old")

    def told(**options):
        result = run(paper, "rds_migration_info", instance_id=TARGET, **options)
        assert not result["failed"], result["msg"]
        return result["migrations"]

    assessed, running = told()
    assert (assessed["path"], assessed["action"], assessed["state"]) == ("cloud_migration", PRECHECK, "failed")
    names = ["assessment_rds_databases", "assessment_major_version_consistent"]
    assert [check["check"] for check in assessed["checks"]] == names
    assert "databases exist: shop" in assessed["error"]
    assert (running["path"], running["action"], running["state"]) == ("cloud_migration", CREATE, "running")
    assert (running["stage"], running["replication_state"], running["lag_bytes"]) == ("increment", "streaming", 256)
    assert running["positions"] == {"received": "0/3000100", "replayed": "0/3000000"}
    assert [m["name"] for m in told(task_name="old")] == ["old"]
    assert [m["name"] for m in told(task_id=running["task_id"])] == ["the one"]
    assert [m["name"] for m in told(source_host="127.0.0.1")] == ["first look", "the one", "old"]
    assert [m["state"] for m in told(source_port=5433)] == ["finished"]
    assert told(source_host="10.0.0.1") == []
    assert run(paper, "rds_migration_info", instance_id="rm-bp1sqltarget00001", task_name="x")["migrations"] == []


def test_half_a_character_is_refused(paper, run):
    """ansible-core itself fails where it is in an option that is no dictionary and no list."""
    wish = paper.wish("replicating")
    refused = run(paper, MODULE, **{**wish, "source": {**wish["source"], "host": "\ud800.bak"}})
    assert refused["error"]["code"] == "invalid_options"
    assert "source.host holds a character that is none" in refused["msg"]
    assert paper.writes() == []
