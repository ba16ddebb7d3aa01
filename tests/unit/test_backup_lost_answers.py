# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that get lost on the way: nothing is sent twice, and a run after that finishes."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    MODULE,
    WISH,
    BackupStage,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from apsara_emulator import Variants

AMBIGUOUS = [
    ("close_before", {}),
    ("close_after", {}),
    ("timeout_after", {}),
    ("http_500", {"effect": False}),
    ("http_500", {"effect": True}),
    ("http_503", {"effect": True}),
    ("html", {"effect": True}),
    ("empty", {}),
    ("truncate", {}),
]
RUN = {**WISH, "confirm": TARGET, "accept": ["tasks_listed", "daily_quota", "database_quota"]}


def lossy_stage(kind, more, action, *, after=0, **variants):
    stage = BackupStage(Variants(variants))
    stage.world.faults.add({"kind": kind, "action": action, "times": 1, "after": after, **more})
    return stage


def finish(run, stage, first, **wish):
    """A run after a failed one; one that went through is a finished one already."""
    return run(stage, MODULE, **{**RUN, **wish}) if first["failed"] else first


@pytest.mark.parametrize(("kind", "more"), AMBIGUOUS)
@pytest.mark.parametrize("count", [1, 3])
def test_a_restore(run, kind, more, count):
    stage = lossy_stage(kind, more, "CreateMigrateTask")
    for number in range(count):
        stage.put(f"db{number}.bak", full(f"db{number}"))
    first = run(stage, MODULE, **RUN)
    done = finish(run, stage, first)
    assert (done["failed"], done["state"]) == (False, "restored"), done
    assert sorted(name for name, _mode, _key in stage.creates()) == [f"db{n}" for n in range(count)]
    if first["failed"]:
        assert "was not sent again" in first["msg"]


@pytest.mark.parametrize(("kind", "more"), AMBIGUOUS)
@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_chain(run, kind, more, after):
    """The first, the second and the third call of a chain, where the service lists chains."""
    stage = lossy_stage(kind, more, "CreateMigrateTask", after=after, chain_tasks_listed="yes")
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    stage.put("orders_3.trn", log("orders", 8, 6))
    done = finish(run, stage, run(stage, MODULE, **RUN))
    assert (done["failed"], done["state"]) == (False, "restored"), done
    assert [key for _name, _mode, key in stage.creates()] == ["orders_1.bak", "orders_2.trn", "orders_3.trn"]


def test_a_chain_whose_begin_nobody_shows_needs_its_id(run):
    """No listing of chains, no answer, no tag: the run says so instead of beginning a second chain."""
    stage = lossy_stage("close_after", {}, "CreateMigrateTask", chain_tasks_listed="no")
    stage.put("orders_1.bak", full("orders"))
    first = run(stage, MODULE, **RUN, state="staged")
    assert first["failed"]
    assert "migrate_task_id" in first["msg"]
    second = run(stage, MODULE, **RUN, state="staged")
    assert second["failed"]
    assert "chain_known" in second["msg"]
    assert len(stage.creates()) == 1
    task_id = stage.world.to_document()["migrate_tasks"][0]["id"]
    third = run(stage, MODULE, **RUN, state="staged", migrate_task_id=str(task_id))
    assert (third["failed"], third["state"], third["changed"]) == (False, "staged", False), third


@pytest.mark.parametrize(
    "action", ["DescribeMigrateTasks", "DescribeMigrateTaskById", "DescribeOssDownloads", "GetRole"]
)
@pytest.mark.parametrize("kind", ["close_before", "http_500", "html", "empty", "truncate", "throttle"])
def test_reads_that_fail_for_a_while_are_read_again(run, kind, action):
    stage = BackupStage()
    stage.put("orders_1.bak", full("orders"))
    stage.put("orders_2.trn", log("orders", 6, 0))
    stage.world.faults.add({"kind": kind, "action": action, "times": 3, "after": 1})
    done = run(stage, MODULE, **RUN)
    assert (done["failed"], done["state"]) == (False, "restored"), done
