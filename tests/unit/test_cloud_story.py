# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The user's story with real servers on both ends: predict, nothing written, do, same diff, again, unchanged."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import (
    ACTIVATE,
    CREATE,
    GLIBC,
    HOST,
    MODULE,
    PASSWORD,
    PRECHECK,
    TARGET,
    CloudStage,
    real_source,
    source_option,
)
from apsara_emulator import draw

pytestmark = pytest.mark.processes

STATES = ("assessed", "replicating", "switched")
WRITES = dict(zip(STATES, (PRECHECK, CREATE, ACTIVATE), strict=True))
# What drawn worlds may warn of.
ACCEPTED = [GLIBC, "assessment_wal_keep_size_large_enough", "lag", "instance_running", "storage", "migration_state"]


@pytest.fixture(scope="module")
def source():
    with real_source() as server:
        yield server


@pytest.fixture
def stage(request):
    stage = CloudStage(getattr(request, "param", None))
    yield stage
    stage.world.reset()


@pytest.fixture(scope="module")
def assessing():
    """One that several tests assess on, and whose server stays."""
    stage = CloudStage()
    yield stage
    stage.world.reset()


def no_password_in(*results):
    """In no form that the service or a URL gives it."""
    text = json.dumps(results) + repr(results)
    forms = {PASSWORD, quote(PASSWORD, safe=""), quote_plus(PASSWORD), quote(PASSWORD), json.dumps(PASSWORD)[1:-1]}
    forms |= {
        quote(quote(PASSWORD, safe=""), safe=""),
        repr(PASSWORD)[1:-1],
        base64.b64encode(PASSWORD.encode()).decode(),
    }
    assert [form for form in forms if form in text] == []


def tell(stage, run, port, wish_state, **options):
    """Predict, do and repeat."""
    wish = stage.wish(wish_state, port, confirm=TARGET, **options)
    written = len(stage.writes())
    predicted = run(stage, MODULE, check=True, **wish)
    assert not predicted["failed"], predicted["msg"]
    assert predicted["changed"]
    assert predicted["predicted"]
    assert len(stage.writes()) == written

    done = run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert (done["changed"], done["predicted"], done["adopted"]) == (True, False, False)
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert done["fingerprint"] == predicted["fingerprint"]
    assert done["state"] == predicted["state"] == wish_state
    assert set(done) == set(predicted)
    sent = [call.action for call in stage.writes()[written:]]
    assert sent == [step["action"] for step in done["plan"]]

    written = len(stage.writes())
    again = run(stage, MODULE, **wish)
    assert not again["failed"], again["msg"]
    assert (again["changed"], again["plan"], again["state"]) == (False, [], wish_state)
    assert len(stage.writes()) == written
    no_password_in(predicted, done, again)
    return done


def test_one_state_after_the_other(stage, run, source):
    for wish in STATES:
        done = tell(stage, run, source.port, wish)
        assert [call.action for call in stage.writes()][-1] == WRITES[wish]
        assert done["assessment"]["outcome"] == "passed"
    assert done["migration"]["stage"] == "success"
    assert done["migration"]["switch_time"]
    assert done["address"]["port"] == stage.world.postgresql.server(TARGET).port
    assert stage.effects() == [PRECHECK, CREATE, ACTIVATE]
    for wish in STATES:
        assert not run(stage, MODULE, **stage.wish(wish, source.port))["changed"]
    assert len(stage.effects()) == 3
    with stage.world.postgresql.server(TARGET).admin("shop") as session:
        assert session.value("select count(*) from orders") == 2000
        assert not session.value("select pg_is_in_recovery()")


def test_everything_in_one_run(stage, run, source):
    tell(stage, run, source.port, "switched", accept=["assessment"])
    assert stage.effects() == [PRECHECK, CREATE, ACTIVATE]


@pytest.mark.parametrize("stage", [draw(3)], indirect=True)
def test_doubts_drawn_at_random(stage, run, source):
    _any_world(stage, run, source)


@pytest.mark.soak
@pytest.mark.parametrize("stage", [draw(seed) for seed in (4, *range(100, 160))], indirect=True)
def test_many_doubts_drawn_at_random(stage, run, source):
    _any_world(stage, run, source)


def _any_world(stage, run, source):
    """Whatever the service turns out to be: switched, with each action done once."""
    accept = [*ACCEPTED, "assessment"]
    options = {"accept": accept, "settle": 120}
    first = run(stage, MODULE, **stage.wish("assessed", source.port, **options))
    if first["failed"]:  # the drawn service wants more WAL to be kept than the source does
        assert first["error"]["code"] == "assessment_failed", first["msg"]
        assert "wal_keep_size" in first["msg"]
        return
    for wish in STATES[1:]:
        done = run(stage, MODULE, **stage.wish(wish, source.port, confirm=TARGET, **options))
        assert not done["failed"], done["msg"]
        assert done["state"] == wish
        again = run(stage, MODULE, **stage.wish(wish, source.port, confirm=TARGET, **options))
        assert (again["failed"], again["changed"]) == (False, False)
        no_password_in(done, again)
    assert stage.effects() == [PRECHECK, CREATE, ACTIVATE]


def test_without_waiting(stage, run, source):
    begun = run(stage, MODULE, **stage.wish("replicating", source.port, wait=False))
    assert not begun["failed"], begun["msg"]
    assert (begun["changed"], begun["state"]) == (True, "in_flight")
    assert stage.effects() == [PRECHECK, CREATE]
    done = run(stage, MODULE, **stage.wish("replicating", source.port))
    assert (done["changed"], done["state"]) == (False, "replicating")
    assert len(stage.effects()) == 2


def test_two_runs_in_a_row_without_waiting_start_once(run, source):
    """The service lists a new task only after a while; a run that did not see it would start another one."""
    stage = CloudStage({"cloud_task_list_lag": "25"})
    try:
        for _run in range(2):
            result = run(stage, MODULE, **stage.wish("assessed", source.port, wait=False))
            assert not result["failed"], result["msg"]
        assert stage.effects() == [PRECHECK]
        stage.world.merge({"assessments": []})
        impatient = run(stage, MODULE, **stage.wish("assessed", source.port, wait=False, settle=2))
        assert impatient["error"]["code"] == "not_seen_yet"
        assert impatient["changed"]
    finally:
        stage.world.reset()


@pytest.mark.parametrize(
    ("wrong", "texts", "echo"),
    [
        ({"password": PASSWORD + "x"}, ["database connectable", "source.password"], ""),
        ({"port": 1}, ["port connectable", "source.port"], "Check the login of x: error({0})"),
        ({"host": "127.9.9.9", "port": 1}, ["connectable", "source.host"], "Check {0}: warning(warning:{0})"),
        ({"password": PASSWORD + "x"}, ["login"], "Check the login of x: error:connected as {0}"),
    ],
)
def test_a_failed_assessment_never_becomes_a_migration(assessing, run, source, wrong, texts, echo):
    given = source_option(**{"port": source.port, **wrong})
    forms = (given["password"], quote(given["password"], safe=""))
    assessing.world.merge({"extra_report_lines": [echo.format(form) for form in forms if echo]})
    before = len(assessing.effects())
    for preflight in ("enforce", "warn"):
        wish = {**assessing.wish("replicating"), "source": given, "preflight": preflight}
        result = run(assessing, MODULE, **wish)
        assert result["error"]["code"] == "assessment_failed", result["msg"]
        assert all(text in result["msg"] for text in texts)
        assert result["assessment"]["outcome"] == "failed"
        assert result["changed"]
        no_password_in(result)
    assert assessing.effects()[before:] == [PRECHECK, PRECHECK]
    assert assessing.migrations() == []


def test_every_failed_item_is_told(stage, run):
    with real_source(
        settings={"wal_keep_size": "0"}, accounts=[{"name": "migrator", "password": PASSWORD, "rights": ["monitor"]}]
    ) as poor:
        result = run(stage, MODULE, **stage.wish("switched", poor.port, confirm=TARGET, accept=["assessment"]))
        assert result["error"]["code"] == "assessment_failed", result["msg"]
        failed = [c["name"] for c in result["assessment"]["checks"] if c["status"] == "fail"]
        assert failed == [
            "account replication privilege",
            "account createrole privilege",
            "wal keep size large enough",
        ]
        assert all(name in result["msg"] for name in failed)
        assert stage.effects() == [PRECHECK]
        # Once it is corrected, the next run assesses again and goes on.
        with poor.admin() as admin:
            admin.run("alter role migrator replication createrole")
        poor.settings["wal_keep_size"] = "1024MB"
        poor.reload()
        done = run(stage, MODULE, **stage.wish("replicating", poor.port))
        assert not done["failed"], done["msg"]
        assert stage.effects() == [PRECHECK, PRECHECK, CREATE]


def test_another_major_version(stage, run):
    from apsara_emulator.postgresql.binaries import found, preferred_major

    others = [major for major in found() if major != preferred_major()] if found() else []
    if not others:
        pytest.skip("only one major version of PostgreSQL is here")
    with real_source(major=others[0]) as other:
        result = run(stage, MODULE, **stage.wish("replicating", other.port))
        assert result["error"]["code"] == "assessment_failed"
        assert f"source version is {others[0]}" in result["msg"]
        assert stage.effects() == [PRECHECK]


# On real servers; the matrix of faults (tests/reliability) tries all of them on played ones.
OTHER_FAULTS = [
    {"kind": "close_before"},
    {"kind": "http_500"},
    {"kind": "http_503", "effect": True},
    {"kind": "throttle"},
]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "close_after"}, *(pytest.param(fault, marks=pytest.mark.soak) for fault in OTHER_FAULTS)],
    ids=lambda f: f["kind"],
)
def test_lost_answers(stage, run, source, fault):
    """Each of the three writes loses its answer once. Nothing is sent twice, and running again ends switched."""
    for action in (PRECHECK, CREATE, ACTIVATE):
        stage.world.faults.add({**fault, "action": action, "times": 1})
    wish = stage.wish("switched", source.port, confirm=TARGET, accept=["assessment"])
    results = []
    for _attempt in range(4):
        before = len([call for call in stage.writes() if call.fault != "throttle"])
        results.append(run(stage, MODULE, **wish))
        sent = [call.action for call in stage.writes() if call.fault != "throttle"][before:]
        assert len(set(sent)) == len(sent)
        if not results[-1]["failed"]:
            break
        assert results[-1]["error"]["code"]
        assert results[-1]["error"]["remedy"]
        assert "not sent again" in results[-1]["msg"]
    assert not results[-1]["failed"], results[-1]["msg"]
    assert results[-1]["state"] == "switched"
    assert stage.effects() == [PRECHECK, CREATE, ACTIVATE]
    effective = fault["kind"] in ("close_after", "http_503")
    assert len(results) == (4 if fault["kind"] in ("close_before", "http_500") else 1)
    assert results[-1]["adopted"] is effective
    no_password_in(*results)


def test_a_task_that_is_not_listed_yet_is_found_after_the_refusal(run, source):
    stage = CloudStage({"cloud_task_list_lag": "25"})
    try:
        first = run(stage, MODULE, **stage.wish("replicating", source.port, wait=False, settle=60))
        assert not first["failed"], first["msg"]
        stage.world.merge({"assessments": []})
        stage.world.faults.add({"kind": "close_before", "action": "DescribeCloudMigrationResult", "times": 1})
        # The migration is a moment old again, as after a run that was killed right after it was accepted.
        stage.world.state.cloud_migrations[-1].created = type(stage.world.state.cloud_migrations[-1].created)(
            stage.time.now()
        )
        again = run(stage, MODULE, **stage.wish("replicating", source.port))
        assert not again["failed"], again["msg"]
        assert again["adopted"]
        assert stage.effects() == [PRECHECK, CREATE]
    finally:
        stage.world.reset()


def test_a_migration_from_the_console_is_taken_over(stage, run, source):
    stage.world.call(
        "1000000000000001",
        CREATE,
        {
            "DBInstanceName": TARGET,
            "SourceIpAddress": HOST,
            "SourcePort": source.port,
            "SourceAccount": "migrator",
            "SourcePassword": PASSWORD,
            "SourceCategory": "idcOnVpc",
            "TaskName": "byhand",
        },
    )
    without = source_option(source.port, account=None, password=None, category=None)
    done = run(stage, MODULE, **{**stage.wish("replicating"), "source": without})
    assert not done["failed"], done["msg"]
    assert (done["changed"], done["adopted"], done["migration"]["name"]) == (False, True, "byhand")
    no_password_in(done)
    other = {**stage.wish("replicating"), "source": source_option(1)}
    refused = run(stage, MODULE, **other)
    assert "no_other_migration" in refused["msg"]
    switched = run(stage, MODULE, **{**stage.wish("switched", confirm=TARGET), "source": without})
    assert not switched["failed"], switched["msg"]
    assert stage.effects() == [CREATE, ACTIVATE]


def test_the_lag_never_becomes_small(stage, run, source):
    assert not run(stage, MODULE, **stage.wish("replicating", source.port))["failed"]
    # The target receives, and does not replay.
    stage.world.merge({"stalls": [{"stage": "increment"}]})
    run(stage, "rds_migration_info", instance_id=TARGET)
    with source.admin("shop") as admin:
        admin.run("create table more as select generate_series(1, 50000) as i")
    result = run(stage, MODULE, **stage.wish("switched", source.port, confirm=TARGET, wait_timeout=100))
    with source.admin("shop") as admin:
        end = admin.value("select pg_current_wal_lsn()::text")
        admin.run("drop table more")
    assert result["error"]["code"] == "lag_too_large", result["msg"]
    assert stage.effects() == [PRECHECK, CREATE]
    stage.world.merge({"stalls": []})
    done = run(stage, MODULE, **stage.wish("switched", source.port, confirm=TARGET, reach_lsn=end))
    assert not done["failed"], done["msg"]


def test_a_source_that_goes_away(stage, run):
    with real_source() as lost:
        assert not run(stage, MODULE, **stage.wish("replicating", lost.port))["failed"]
        lost.kill()
        wish = stage.wish("switched", lost.port, confirm=TARGET, stall_timeout=100, accept=["replication"])
        result = run(stage, MODULE, **wish)
        assert result["error"]["code"] == "migration_stands_still", result["msg"]
        assert "no call that ends a cloud migration" in result["msg"]
        no_password_in(result)
        assert stage.effects() == [PRECHECK, CREATE]
