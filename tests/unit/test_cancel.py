# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancelling an import: wanted is an instance on which none runs."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET, Stage
from apsara_emulator import Variants, draw

IMPORT = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm"], "wait": False}
MODULE = "rds_cancel_import"


def importing(run, method="import", seed=None):
    stage = Stage(draw(seed) if seed is not None else None)
    stage.world.merge({"durations": {"imports": {"base": 36000}, "copies": {"base": 36000}}})
    started = run(stage, "rds_import_between_instances", **IMPORT, method=method, settle=300)
    # Nobody can cancel what does not show yet.
    stage.time.advance(60)
    return stage, {"instance_id": TARGET, "import_id": str(started["import_id"])}


@pytest.mark.parametrize("seed", [None, *range(12)])
def test_predict_do_and_again(run, seed):
    stage, wish = importing(run, seed=seed)
    predicted = run(stage, MODULE, check=True, **wish)
    assert predicted["changed"]
    assert predicted["predicted"]
    assert stage.effects() == ["ImportDatabaseBetweenInstances"]
    done = run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert done["changed"]
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert done["state"] == predicted["state"] == "idle"
    assert done["instance_state"] == predicted["instance_state"] == "Running"
    assert stage.effects() == ["ImportDatabaseBetweenInstances", "CancelImport"]
    again = run(stage, MODULE, **wish)
    assert not again["changed"]
    assert len(stage.writes()) == 2
    assert sorted(stage.databases()) == ["warehouse"]


def test_nothing_runs_nothing_is_sent(stage, run):
    idle = run(stage, MODULE, instance_id=TARGET, import_id="1")
    assert not idle["changed"]
    assert idle["state"] == "idle"
    assert stage.writes() == []


@pytest.mark.parametrize("seed", range(6))
def test_a_copy_cannot_be_cancelled_and_it_says_so(run, seed):
    stage, _wish = importing(run, method="copy", seed=seed)
    told = run(stage, MODULE, instance_id=TARGET, import_id="1")
    if told["failed"]:
        assert "cop" in told["msg"]
    else:
        assert told["state"] == "idle"  # a copy need not show in the instance's state
    assert stage.effects() == ["CopyDatabaseBetweenInstances"]


@pytest.fixture
def hardly_begun(run):
    """An import that the task lists of both instances show before the states of the instances do."""
    stage = Stage(Variants({"busy_delay": "20"}))
    started = run(stage, "rds_import_between_instances", **IMPORT, method="import")
    return stage, {"instance_id": SOURCE, "import_id": str(started["import_id"])}


def statuses(result):
    return [(check["name"], check["status"]) for check in result["checks"]]


def test_what_only_the_task_list_shows_may_run_from_the_instance(hardly_begun, run):
    stage, wish = hardly_begun
    rehearsed = run(stage, MODULE, check=True, **wish)
    refused = run(stage, MODULE, **wish)
    assert refused["error"]["code"] == "InvalidTaskId.NotFound"
    assert statuses(rehearsed) == statuses(refused) == [("import_running", "unknown")]
    assert stage.effects() == ["ImportDatabaseBetweenInstances"]


def test_what_only_the_task_list_shows_is_cancelled_at_its_target(hardly_begun, run):
    stage, wish = hardly_begun
    done = run(stage, MODULE, **{**wish, "instance_id": TARGET})
    assert not done["failed"], done["msg"]
    assert stage.effects() == ["ImportDatabaseBetweenInstances", "CancelImport"]


def test_a_source_that_turns_busy_in_between_is_not_taken_for_a_cancelled_import(hardly_begun, run):
    stage, wish = hardly_begun
    stage.world.faults.add({"kind": "throttle", "action": "CancelImport", "times": 1, "retry_after": 60000})
    refused = run(stage, MODULE, **wish)
    assert refused["failed"]
    assert refused["error"]["code"] == "InvalidTaskId.NotFound"
    assert not refused["changed"]


def test_without_the_retired_action_the_error_says_what_is_left(run):
    stage, wish = importing(run)
    stage.world.merge({"switches": {"retired_actions": False}})
    refused = run(stage, MODULE, **wish)
    assert refused["failed"]
    assert refused["error"]["action"] == "CancelImport"
    assert "cancel" in refused["error"]["remedy"]


def test_an_import_that_ends_by_itself_in_between_is_no_error(run):
    stage, wish = importing(run)
    stage.world.faults.add({"kind": "throttle", "action": "CancelImport", "times": 1, "retry_after": 60000})
    stage.world.merge({"operations": finished_soon(stage)})
    done = run(stage, MODULE, **wish)
    assert not done["failed"], done["msg"]
    assert done["state"] == "idle"
    assert stage.databases()["crm"] == "Running"


def finished_soon(stage):
    operations = stage.world.to_document()["operations"]
    return [{**operation, "planned_end": {"in": 30}} for operation in operations]


@pytest.mark.parametrize("import_id", ["", "x", "1.5", "-1", "٣"])
def test_an_id_that_is_none(stage, run, import_id):
    refused = run(stage, MODULE, instance_id=TARGET, import_id=import_id)
    assert refused["failed"]
    assert refused["error"]["code"] == "invalid_options"
    assert stage.calls() == []


def test_an_unknown_instance(stage, run):
    refused = run(stage, MODULE, instance_id="rm-bp1nowhere0000001", import_id="1")
    assert refused["failed"]
    assert [c["name"] for c in refused["checks"] if c["status"] == "fail"] == ["instance_exists"]


def test_another_state_is_not_guessed_at(stage, run):
    stage.world.merge({"instances": {TARGET: {"status": "Restoring"}}})
    rehearsed = run(stage, MODULE, check=True, instance_id=TARGET, import_id="1")
    assert rehearsed["state"] == "unknown"
    refused = run(stage, MODULE, instance_id=TARGET, import_id="1")
    assert refused["failed"]
    assert "Restoring" in refused["msg"]
