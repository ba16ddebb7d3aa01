# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happens to the answer of a write: sent once, one purchase per job, and a second run that finishes."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    BUY,
    CONFIGURE,
    MODULE,
    START,
    MigrationStage,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import LOSSES, loss_id
from apsara_emulator import draw
from apsara_emulator.faults import KINDS, OSS_ONLY

FAULTS = [
    *LOSSES,
    {"kind": "expired_token"},
    {"kind": "clock_skew", "seconds": 3600},
    {"kind": "clock_skew", "seconds": -3600},
    {"kind": "list_lag"},
]


def test_every_kind_of_fault_is_tried():
    assert {fault["kind"] for fault in FAULTS} == KINDS.keys() - OSS_ONLY


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS, ids=loss_id)
@pytest.mark.parametrize("seed", range(2))
def test_one_purchase_in_any_world(run, fault, seed):
    stage = MigrationStage(draw(seed))
    first_paid = stage.world.variants["start_unpaid"] != "precheck"
    options = {"precheck": "after_purchase"} if first_paid else {}
    for instance in ("rm-bp1mysql00000001", "rm-bp1othermysql0001"):
        stage.change(instance, whitelist=[{"name": "all", "addresses": ["0.0.0.0/0"]}])
    stage.time.sleep(60)
    stage.world.faults.add({**fault, "action": BUY, "times": 1})
    results = [run(stage, MODULE, **stage.wish("caught_up", settle=60, **options)) for _again in range(3)]
    assert results[-1]["state"] == "caught_up", results[-1].get("msg")
    assert not results[-1]["changed"]
    assert len(stage.purchases()) == 1
    assert stage.effects().count(CONFIGURE) == 1


def test_a_lost_purchase_that_did_not_happen_is_not_repeated_by_itself(run):
    stage = MigrationStage()
    stage.world.faults.add({"kind": "close_before", "action": BUY, "times": 1})
    failed = run(stage, MODULE, **stage.wish("running"))
    assert failed["error"]["code"] == "answer_lost"
    assert "not sent again" in failed["msg"]
    assert stage.purchases() == []
    assert len(stage.calls(BUY)) == 1


def test_a_lost_purchase_that_happened_is_taken_over(run):
    stage = MigrationStage()
    stage.world.faults.add({"kind": "close_after", "action": BUY, "times": 1})
    done = run(stage, MODULE, **stage.wish("running"))
    assert not done["failed"], done["msg"]
    assert done["adopted"]
    assert len(stage.purchases()) == 1


@pytest.mark.parametrize("kind", ["throttle", "http_500", "close_before", "timeout_after", "truncate", "html", "empty"])
@pytest.mark.parametrize("action", ["DescribeDtsJobs", "DescribeDTSIP", "DescribeDBInstanceAttribute", "GetRole"])
def test_readings_that_fail_now_and_then(run, kind, action):
    stage = MigrationStage()
    for after in (0, 3, 9):
        stage.world.faults.add({"kind": kind, "action": action, "after": after, "times": 2})
    done = run(stage, MODULE, **stage.wish("caught_up"))
    assert not done["failed"], done["msg"]
    assert stage.effects() == [CONFIGURE, START, BUY]


def test_two_runs_of_one_wish(run):
    """The second sees what the first one makes, however late the service lists it."""
    stage = MigrationStage({"dts_list_lag": "5"})
    for _run in range(3):
        assert not run(stage, MODULE, **stage.wish("configured", wait=False))["failed"]
    assert stage.effects() == [CONFIGURE]
