# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever happens to the answer of a write: done once, or a clear failure and a second run that finishes."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.stage import LOSSES, SOURCE, TARGET, Stage, loss_id
from apsara_emulator import draw

WISH = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm", "hr"]}
MODULE = "rds_import_between_instances"
ACTIONS = {"import": "ImportDatabaseBetweenInstances", "copy": "CopyDatabaseBetweenInstances"}


@pytest.mark.soak
@pytest.mark.parametrize("fault", LOSSES, ids=loss_id)
@pytest.mark.parametrize("method", ["import", "copy"])
@pytest.mark.parametrize("seed", [1, 2])
def test_done_once(run, fault, method, seed):
    stage = Stage(draw(seed))
    stage.world.faults.add({**fault, "action": ACTIONS[method], "times": 1})
    first = run(stage, MODULE, **WISH, method=method)
    sent = [call for call in stage.calls(ACTIONS[method]) if call.fault != "throttle"]
    assert len(sent) == 1
    if first["failed"]:
        assert first["error"]["code"]
        assert first["error"]["remedy"]
    else:
        assert first["state"] == "imported"
    second = run(stage, MODULE, **WISH, method=method)
    assert not second["failed"], second["msg"]
    assert second["state"] == "imported"
    assert len(stage.effects()) == 1
    assert sorted(stage.databases()) == ["crm", "hr", "warehouse"]


@pytest.mark.parametrize("action", ["DescribeDBInstanceAttribute", "DescribeDatabases", "DescribeTasks"])
@pytest.mark.parametrize("kind", ["throttle", "http_500", "close_before", "timeout_after", "truncate", "html", "empty"])
def test_readings_that_fail_now_and_then(stage, run, action, kind):
    for after in (0, 3, 9):
        stage.world.faults.add({"kind": kind, "action": action, "after": after, "times": 2})
    done = run(stage, MODULE, **WISH)
    assert not done["failed"], done["msg"]
    assert len(stage.effects()) == 1


def test_an_adopted_import_is_said_to_be_adopted(stage, run):
    stage.world.faults.add({"kind": "close_after", "action": ACTIONS["import"], "times": 1})
    done = run(stage, MODULE, **WISH, method="import")
    assert done["adopted"]
    assert done["changed"]
    assert done["import_id"] is None
