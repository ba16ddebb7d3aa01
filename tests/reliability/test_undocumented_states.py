# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States that no document names: each word for a state, in each answer that tells one, becomes one that nobody knows.

Nothing begins because of it that would not begin otherwise, a wait ends at its time, and when the service speaks
plainly again the next run comes to the usual end, with everything done once.
"""

from __future__ import annotations

import functools
import json
import pathlib
import sys
from collections import Counter

import pytest
from ansible_collections.apsaradb.migration.tests.reliability.fault_stories import stories

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import adapters, assert_clear, places, replaced, run_module

ODD = "Frobnicating"
# Names under which answers tell how something is.
STATES = ("DBInstanceStatus", "DBStatus", "MigrateStage", "PrecheckStatus", "ReplicationState", "Status")
STORIES = ("import", "cancel", "restore", "chain", "switch", "run", "suspend", "stop", "delete")
# Words that must be among those that are changed, so that this tests what it says.
TOLD = {
    "import": ("DescribeDBInstanceAttribute", "DBInstanceStatus"),
    "restore": ("DescribeMigrateTasks", "Status"),
    "chain": ("DescribeMigrateTaskById", "Status"),
    "switch": ("DescribeCloudMigrationResult", "MigrateStage"),
    "run": ("DescribeDtsJobs", "Status"),
}
# What is not begun on a word that nobody knows, because it could not be taken back or would be for nothing.
HELD = {
    ("import", "DBStatus"): "ImportDatabaseBetweenInstances",
    ("cancel", "DBInstanceStatus"): "CancelImport",
    ("switch", "MigrateStage"): "ActivateMigrationTargetInstance",
    ("switch", "ReplicationState"): "ActivateMigrationTargetInstance",
    ("stop", "Status"): "StopDtsJob",
    ("delete", "Status"): "DeleteDtsJob",
}


def begun(name, patch):
    """A stage on which the story is about to be told, its module, its wish, and how much happened before."""
    story = next(one for one in stories() if one.name == name)
    stage = story.stage(None)
    if hasattr(stage, "prepare"):
        stage.prepare(patch)
    story.before(stage, functools.partial(run_module, stage))
    wish = story.wish(stage)
    if name == "switch":
        # The others that the story accepts are about states.
        wish["accept"] = ["lag", "assessment"]
    return stage, story, wish, len(stage.effects())


def change_answers(stage, change):
    """change(action, body) gives the body that is handed on; only actions of RPC are asked for."""

    def handed_on(_number, request, status, headers, body):
        action = request.headers.get("x-acs-action")
        return status, headers, change(action, body) if action else body

    for adapter in adapters(stage):
        adapter.change = handed_on


def odd(body, word):
    """The answer with the odd state wherever it has a value of that name; the same answer if it has none."""
    document = json.loads(body)
    for path in [path for path in places(document) if path and path[-1] == word]:
        document = replaced(document, path, ODD)
    return json.dumps(document).encode()


def usual(name):
    """(effects, the (action, word) of each state that was told)."""
    told = set()

    def listen(action, body):
        told.update((action, word) for word in STATES if odd(body, word) != json.dumps(json.loads(body)).encode())
        return body

    with pytest.MonkeyPatch.context() as patch:
        stage, story, wish, before = begun(name, patch)
        change_answers(stage, listen)
        result = run_module(stage, story.module, **wish)
    assert (result["failed"], result["state"]) == (False, story.state), result
    return Counter(stage.effects()[before:]), sorted(told)


def meet(name, action, word, effects):
    """Rehearse and run among answers with odd states, then run again among plain ones. What the odd run said, and
    whether it waited no longer than it may."""
    with pytest.MonkeyPatch.context() as patch:
        stage, story, wish, before = begun(name, patch)
        change_answers(stage, lambda asked, body: odd(body, word) if asked == action else body)
        assert_clear(run_module(stage, story.module, check=True, **wish))
        assert stage.effects()[before:] == []
        began = stage.time.now()
        result = run_module(stage, story.module, **wish)
        assert_clear(result)
        waited = stage.time.now() - began
        done = Counter(stage.effects()[before:])
        assert done <= effects, (done, result)
        # Details of a job repeat what its listing tells.
        assert action == "DescribeDtsJobDetail" or HELD.get((name, word)) not in done, result
        # What is said to be done is done.
        assert result["failed"] or done == effects, result
        change_answers(stage, lambda _asked, body: body)
        again = run_module(stage, story.module, **wish)
        assert (again["failed"], again["state"]) == (False, story.state), again
        assert Counter(stage.effects()[before:]) == effects, (result, again)
    # The last look may begin just before the end.
    return result, waited <= wish.get("wait_timeout", story.longest) + 120


@pytest.mark.parametrize("name", STORIES)
def test_a_state_that_nobody_knows(name, figures):
    effects, told = usual(name)
    assert TOLD.get(name, told[0]) in told
    for action, word in told:
        result, in_time = meet(name, action, word, effects)
        assert in_time, (action, word, result)
    figures("undocumented states", [f"{name}: {len(told)} words for a state, nothing begun for one and nothing twice"])


def test_a_database_in_such_a_state_is_not_called_missing():
    result, _in_time = meet("restore", "DescribeDatabases", "DBStatus", usual("restore")[0])
    causes = [one["cause"] for one in result["databases"]]
    assert causes
    assert all(f"its database is {ODD}" in cause for cause in causes)
