# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A failed switch tells whether the activation had been sent: who froze the source decides by that."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import ACTIVATE, MODULE, TARGET, CloudStage

READING = "DescribeCloudMigrationResult"
FORBIDDEN = {"kind": "throttle", "code": "Forbidden.RAM", "status": 403}
CLOSE = {"LatestEndLsn": "0/3000100", "ReplayLsn": "0/3000100"}


@pytest.fixture
def paper():
    stage = CloudStage()
    stage.BREATH = 0.0
    stage.add_migration(replication_info=CLOSE)
    yield stage
    stage.world.reset()


def readings(paper):
    return [call for call in paper.world.calls.select() if call.action == READING]


@pytest.mark.parametrize("fault", [{"kind": "close_before"}, FORBIDDEN])
def test_a_reading_that_fails_does_not_hide_that_the_switch_was_sent(paper, run, fault):
    """Whatever became of the switch, the failure is about the switch."""
    paper.world.faults.add({**fault, "action": ACTIVATE, "times": 1})
    # One reading is for the plan, two are for the gate.
    paper.world.faults.add({**FORBIDDEN, "action": READING, "after": 3})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert [call.action for call in paper.writes()] == [ACTIVATE]
    assert len(readings(paper)) > 3
    assert result["failed"]
    assert result["error"]["action"] == ACTIVATE
    assert result["error"]["code"] not in ("no_go", "not_streaming", "lag_too_large")


@pytest.mark.parametrize("passed", [0, 1, 2])
def test_a_reading_that_fails_before_it_is_about_the_reading(paper, run, passed):
    paper.world.faults.add({**FORBIDDEN, "action": READING, "after": passed})
    result = run(paper, MODULE, **paper.wish("switched", confirm=TARGET))
    assert paper.writes() == []
    assert result["failed"]
    assert result["error"]["action"] == READING
    assert result["changed"] is False
    assert ("fingerprint" in result) == (passed > 0)
