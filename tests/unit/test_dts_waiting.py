# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a DTS migration counts as caught up, and that no password comes back from the service."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts_model import End, Job, Phase
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration_request import Endpoint, Request
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.dts_migration_run import DtsMigrationRun
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock, Patience
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import MODULE, OTHER_PASSWORD, PASSWORD, MigrationStage
from apsara_emulator import ManualClock

END = End("RDS", "MYSQL", "cn-hangzhou", "rm-1", None, None, None, "migrator")


def job(status="Catched", delay=0):
    values = dict.fromkeys(Job._fields)
    values.update(id="j", name="n", status="Migrating", source=END, destination=END, error="", remedy="", delay=delay)
    values.update(
        phases={"incremental": Phase(status, None, "")}, kinds=frozenset({"incremental"}), pay_type="PostPaid"
    )
    return Job(**values)


@pytest.mark.parametrize(
    ("looks", "needed"),
    [
        ([job(), job()], 2),
        ([job(), job(delay=9000), job(), job()], 4),
        ([job(), job("Migrating"), job(delay=2000), job(delay=1)], 4),
        ([job(delay=None), job(delay=2001), job(), job()], 4),
    ],
)
def test_twice_in_a_row(looks, needed):
    time = ManualClock()
    clock = Clock(monotonic=time.now, wall=time.now, sleep=time.sleep)
    end = Endpoint("MySQL", "rds", "rm-1", "cn-hangzhou")
    request = Request("n", "caught_up", "cn-hangzhou", end, end, patience=Patience(3600, 5))
    seen = iter([job("Migrating", 9000), *looks, *[job()] * 3])
    run = DtsMigrationRun(None, request, clock, lambda: next(seen), time.now() + 3600)
    run.finish()
    assert len(list(seen)) == len(looks) - needed + 3


@pytest.mark.parametrize(
    ("looks", "needed"),
    [
        ([job()] * 20, 13),
        ([job()] * 12 + [job(delay=9000)] + [job()] * 20, 26),
        ([job()] * 6 + [job("Migrating")] + [job()] * 20, 20),
    ],
)
def test_for_a_minute(looks, needed):
    """Every five seconds; whatever comes in between begins the minute anew."""
    time = ManualClock()
    clock = Clock(monotonic=time.now, wall=time.now, sleep=time.sleep)
    end = Endpoint("MySQL", "rds", "rm-1", "cn-hangzhou")
    request = Request("n", "caught_up", "cn-hangzhou", end, end, caught_up_for=60, patience=Patience(3600, 5))
    seen = iter([job(), *looks])
    run = DtsMigrationRun(None, request, clock, lambda: next(seen), time.now() + 3600)
    run.finish()
    assert len(list(seen)) == len(looks) - needed


def test_the_minute_counts_anew_in_every_run(run):
    """Also for a job that has caught up long ago, which is seen at once otherwise."""
    stage = MigrationStage()
    assert run(stage, MODULE, **stage.wish("caught_up"))["changed"]
    written = stage.effects()
    for seconds, at_least in ((0, 0), (60, 60)):
        began = stage.time.now()
        again = run(stage, MODULE, **stage.wish("caught_up", caught_up_for=seconds))
        assert (again["changed"], again["state"], again["failed"]) == (False, "caught_up", False)
        assert at_least <= stage.time.now() - began < at_least + 15
    began = stage.time.now()
    rehearsed = run(stage, MODULE, check=True, **stage.wish("caught_up", caught_up_for=60))
    assert (rehearsed["changed"], rehearsed["predicted"], stage.time.now() - began) == (False, False, 0)
    assert stage.effects() == written


def test_a_minute_that_never_comes_is_told(run):
    stage = MigrationStage({"caught_up_delay": "350"})
    run(stage, MODULE, **stage.wish("caught_up"))
    late = run(stage, MODULE, **stage.wish("caught_up", max_lag=0, caught_up_for=60, wait_timeout=300))
    assert (late["failed"], late["error"]["code"], late["changed"]) == (True, "wait_timeout", False)
    never = run(stage, MODULE, **stage.wish("caught_up", caught_up_for=300, wait_timeout=300))
    assert "caught_up_for" in never["msg"]


@pytest.mark.parametrize(("max_lag", "reached"), [(0.1, False), (0.5, True)])
def test_how_far_behind_is_close_enough(run, max_lag, reached):
    stage = MigrationStage({"caught_up_delay": "350"})
    done = run(stage, MODULE, **stage.wish("caught_up", max_lag=max_lag, wait_timeout=600))
    assert done["failed"] is not reached
    assert done["job"]["delay_ms"] == 350


def test_no_password_comes_back(run):
    stage = MigrationStage()
    echo = " ".join([PASSWORD, quote(PASSWORD, safe=""), quote(quote(PASSWORD, safe=""), safe=""), OTHER_PASSWORD])
    finding = {"item": "CHECK_LOGIN", "name": "login", "problem": f"cannot log in with {echo}", "repair": echo}
    stage.world.merge({"dts_findings": [finding]})
    for check in (False, True):
        told = json.dumps(run(stage, MODULE, check=check, **stage.wish()))
        assert "cannot log in" in told
        for secret in (PASSWORD, OTHER_PASSWORD):
            forms = (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote(quote(secret, safe=""), safe=""))
            assert [form for form in forms if form in told] == []
