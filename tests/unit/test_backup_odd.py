# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odd wishes for a migration from backups: whatever is asked for, the answer is a sentence and nothing goes wrong."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    MODULE,
    WISH,
    BackupStage,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BY_HAND = {**WISH, "prefix": None}


@pytest.fixture
def stage():
    return BackupStage()


def failed_checks(result):
    return {check["name"] for check in result["checks"] if check["status"] == "fail"}


@pytest.mark.parametrize("keys", [5, {"in/a.bak": 1}, "in/a.bak", [5], ["/"], [None], True])
def test_keys_that_are_no_list_of_names(stage, run, keys):
    result = run(stage, MODULE, **BY_HAND, backups=[{"keys": keys}])
    assert (result["failed"], result["error"]["code"]) == (True, "invalid_options"), result
    assert "backups item 1" in result["msg"]


def test_two_files_of_one_name_in_a_chain(stage, run):
    """Rows of a chain name files without their folders: the second log would pass for the first."""
    stage.put("orders.bak", full("orders"))
    stage.put("orders.trn", log("orders", 6, 0), folder="in/monday/")
    stage.put("orders.trn", log("orders", 8, 6), folder="in/tuesday/")
    result = run(stage, MODULE, **WISH, recurse=True, state="staged")
    assert (result["failed"], failed_checks(result)) == (True, {"object_names"}), result
    assert "2 files called orders.trn" in result["msg"]
    assert stage.changes() == []


@pytest.mark.parametrize("names", [{"sales": "shop", "crm": "shop"}, {"sales": "Shop", "crm": "shop"}])
def test_two_databases_never_go_to_one_name(stage, run, names):
    for name in ("sales", "crm", "wiki"):
        stage.put(f"{name}.bak", full(name))
    result = run(stage, MODULE, **WISH, new_names=names, preflight="warn")
    assert "target_names" in failed_checks(result)
    assert [name for name, _mode, _key in stage.creates()] == ["wiki"]


@pytest.mark.parametrize("wish", [WISH, {**BY_HAND, "backups": [{"key": "in/sales.bak"}]}])
def test_patterns_that_leave_nothing(stage, run, wish):
    stage.put("sales.bak", full("sales"))
    result = run(stage, MODULE, **wish, include=["slaes"])
    assert (result["failed"], failed_checks(result), result["state"]) == (True, {"backups_found"}, "unknown"), result
    assert "include" in result["msg"]


def test_a_task_that_may_not_be_looked_at_is_not_taken_for_none(stage, run):
    fault = {"kind": "throttle", "action": "DescribeMigrateTaskById", "code": "Forbidden.RAM", "status": 403}
    stage.world.faults.add(fault)
    wish = {**WISH, "prefix": None, "state": "terminated", "migrate_task_id": "562300001", "confirm": TARGET}
    result = run(stage, MODULE, **wish)
    assert (result["failed"], result["error"]["code"]) == (True, "Forbidden.RAM"), result


def test_half_a_character_is_refused_by_the_option_s_name(stage, run):
    """In an option of the task itself ansible-core does not take it."""
    refused = run(stage, MODULE, **BY_HAND, backups=[{"key": "in/\udfff.bak"}])
    assert refused["error"]["code"] == "invalid_options"
    assert "backups.key holds" in refused["msg"]
    assert stage.calls() == []
    json.dumps(refused, ensure_ascii=False, default=str).encode()


def test_a_backup_that_may_not_be_read_is_not_said_to_tell_no_database(stage, run):
    stage.put("sales.bak", full("sales"))
    fault = {"kind": "throttle", "action": "GetObject", "code": "AccessDenied", "status": 403, "times": None}
    stage.world.faults.add(fault)
    result = run(stage, MODULE, check=True, **WISH)
    (readable,) = (check for check in result["checks"] if check["name"] == "backups_readable")
    assert readable["detail"].count("sales.bak") == 1, readable
    assert "could not be read" in readable["detail"]
    assert "tells no database" not in readable["detail"]


ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**20), st.text(max_size=20), st.lists(st.integers(0, 3)))
TEXT = st.text(max_size=30).filter(lambda text: "\0" not in text)
ITEM = st.fixed_dictionaries(
    {},
    optional={
        "key": st.one_of(ODD, st.sampled_from(["in/sales.bak", "in/none.trn", "/in/sales.bak", "in/a|b.bak"])),
        "keys": st.one_of(ODD, st.lists(st.sampled_from(["in/sales.bak", "in/log.trn", "x"]), max_size=3)),
        **dict.fromkeys(
            ("database", "type", "new_name", "start", "size", "required_storage", "stripes", "predicted", "bucket"), ODD
        ),
    },
)
WISHES = st.fixed_dictionaries(
    {},
    optional={
        "backups": st.lists(ITEM, max_size=3),
        "prefix": TEXT,
        "new_names": st.dictionaries(TEXT, ODD, max_size=2),
        "include": st.lists(TEXT, max_size=2),
        "exclude": st.lists(TEXT, max_size=2),
        "migrate_task_id": TEXT,
        "applied_through": st.one_of(TEXT, st.datetimes().map(str)),
        "url_lifetime": st.integers(-5, 10**9),
        "state": st.sampled_from(["restored", "staged", "terminated"]),
        "confirm": st.sampled_from([TARGET, "x"]),
        "wait": st.booleans(),
    },
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(wish=WISHES, check=st.booleans())
def test_no_wish_ends_in_a_traceback(run, wish, check):
    stage = BackupStage()
    stage.put("sales.bak", full("sales"))
    stage.put("log.trn", log("sales", 6, 0))
    shared = {**WISH, "prefix": None, "wait_timeout": 600, "preflight": "warn"}
    result = run(stage, MODULE, check=check, **{**shared, **wish})
    assert result["failed"] in (True, False)
    assert not check or stage.changes() == []
