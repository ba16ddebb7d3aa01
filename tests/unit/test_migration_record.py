# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record files: what is kept of results, what a later run replaces, and what is approved by it."""

from __future__ import annotations

import concurrent.futures
import json
import stat

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._approval import NotApproved, require_approval
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import BadRequest
from ansible_collections.apsaradb.migration.plugins.module_utils._plan import Plan, Step
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _record_file as record_file
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET

MODULE = "rds_import_between_instances"


def step(*names):
    return Step("ImportDatabaseBetweenInstances", TARGET, names, "missing", {"Names": list(names)}, source=SOURCE)


def result(*steps, **more):
    return {
        "changed": bool(steps),
        "predicted": True,
        "plan": [one.as_result() for one in steps],
        "checks": [],
        "verdict": "go",
        "state": "imported",
        "timing": {"began": "2026-11-20T21:00:00Z", "ended": "2026-11-20T21:00:02Z", "seconds": 2.0},
        "calls": {"DescribeDatabases": 2},
        "databases": {"sales": "missing"},
        "invocation": {"module_args": {"access_key_secret": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"}},
        "failed": False,
        **more,
    }


def moment(phase, run, role="instance_import"):
    return record_file.Moment(role, phase, run)


def entries_of(*results, phase="import", run="1"):
    told = [{"module": MODULE, "instance": TARGET, "subject": ["sales"], "result": one} for one in results]
    return [entry for entry in (record_file.entry(one, moment(phase, run)) for one in told) if entry]


def test_a_result_is_kept_without_what_ansible_adds():
    (entry,) = entries_of(result(step("sales")))
    assert (entry["began"], entry["ended"]) == ("2026-11-20T21:00:00Z", "2026-11-20T21:00:02Z")
    assert entry["plan"][0]["subject"] == ["sales"]
    assert entry["calls"] == {"DescribeDatabases": 2}
    assert entry["facts"] == {"databases": {"sales": "missing"}}
    assert "invocation" not in json.dumps(entry)


@pytest.mark.parametrize("nothing", [{}, None, {"changed": False, "skipped": True}, {"skip_reason": "x"}, "text"])
def test_what_did_not_run_is_not_kept(nothing):
    assert entries_of(nothing) == []


def test_a_failure_keeps_why():
    error = {"code": "no_go", "remedy": "Correct what the checks name.", "request_id": "R-1"}
    (entry,) = entries_of(result(failed=True, error=error, msg="2 checks stop the migration."))
    assert (entry["failed"], entry["message"], entry["error"]) == (True, "2 checks stop the migration.", error)
    # A look that may not stop the play failed all the same.
    (entry,) = entries_of(result(failed=False, error=error))
    assert entry["failed"] is True


def test_a_phase_that_a_condition_ended_has_an_entry():
    entry = record_file.failure_entry({"msg": "The verdict is no_go."}, moment("assess", "1"))
    assert (entry["failed"], entry["message"], entry["phase"]) == (True, "The verdict is no_go.", "assess")


def test_a_later_run_replaces_its_phase_and_leaves_the_others():
    assess = entries_of(result(step("sales", "crm")), phase="assess", run="1")
    before = {"entries": assess + entries_of(result(step("crm")), phase="import", run="1")}
    after = record_file.merged(
        before, entries_of(result(step("sales")), phase="import", run="2"), moment("import", "2"), keep_changes=False
    )
    assert [(row["phase"], row["run"]) for row in after] == [("assess", "1"), ("import", "2")]
    # A phase of the same name of another role stays.
    backup = moment("import", "3", role="sqlserver_backup")
    assert len(record_file.merged({"entries": after}, [], backup, keep_changes=False)) == 2
    # The same phase twice in one run, for another instance: both stay.
    other = record_file.entry(
        {"module": MODULE, "instance": "rm-2", "result": result(step("hr"))}, moment("import", "2")
    )
    assert len(record_file.merged({"entries": after}, [other], moment("import", "2"), keep_changes=False)) == 3


def test_the_file_is_for_its_owner_and_never_half_written(tmp_path, monkeypatch):
    path = record_file.path_of(str(tmp_path), "../..//rm 1", "rehearsal")
    assert path.parent.parent == tmp_path
    path.parent.mkdir()
    whole = record_file.document("rm-1", "instance_import", "rehearsal", {}, entries_of(result()), "2.19.14")
    record_file.write(path, whole)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert record_file.read(path) == json.loads(json.dumps(whole))

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_file.os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        record_file.write(path, {"format": "other"})
    assert record_file.read(path) == json.loads(json.dumps(whole))
    assert [one.name for one in path.parent.iterdir()] == ["rehearsal.json"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "x"}', '{"format": "apsaradb.migration/record", "version": 2}']
)
def test_a_file_of_another_form_is_replaced(tmp_path, text):
    path = tmp_path / "rehearsal.json"
    path.write_text(text)
    assert record_file.read(path) is None


def approve(tmp_path, *entries):
    path = tmp_path / "approved.json"
    record_file.write(path, record_file.document("rm-1", "instance_import", "rehearsal", {}, entries, "2.19.14"))
    return str(path)


def test_a_rehearsal_file_approves_what_it_holds_and_what_is_left_of_it(tmp_path):
    approved = approve(
        tmp_path,
        *entries_of(result(step("sales"), step("crm")), phase="assess"),
        *entries_of(result(step("sales"), step("crm")), phase="import"),
    )
    require_approval(Plan("missing", (step("sales"), step("crm"))), approved, module=MODULE)
    require_approval(Plan("missing", (step("crm"),)), approved, module=MODULE)
    with pytest.raises(NotApproved, match="hr"):
        require_approval(Plan("missing", (step("sales"), step("hr"))), approved, module=MODULE)
    # Two phases that planned the same do not approve another order of it.
    with pytest.raises(NotApproved, match="another order"):
        require_approval(Plan("missing", (step("crm"), step("sales"))), approved, module=MODULE)


def test_a_rehearsal_that_failed_approves_nothing(tmp_path):
    approved = approve(tmp_path, *entries_of(result(step("sales"), failed=True, error={"code": "no_go"})))
    with pytest.raises(BadRequest, match="failed"):
        require_approval(Plan("missing", (step("sales"),)), approved, module=MODULE)


@pytest.mark.parametrize(
    ("approved", "same"),
    [("{}", True), ("{}/../rm-1/rehearsal.json", True), ("sha256:" + "0" * 64, False), (None, False)],
)
def test_an_approved_file_is_told_from_others(tmp_path, approved, same):
    path = record_file.path_of(str(tmp_path), "rm-1", "rehearsal")
    given = approved and approved.format(path if approved == "{}" else tmp_path / "rm-1")
    assert record_file.is_same(path, given) is same


def test_two_playbooks_at_once_lose_nothing(tmp_path):
    path = record_file.path_of(str(tmp_path), "rm-1", "run")

    def add(number):
        moment_of_one = moment(f"phase{number}", str(number))
        fresh = entries_of(result(), phase=f"phase{number}", run=str(number))
        with record_file.alone(path):
            known = record_file.merged(record_file.read(path), fresh, moment_of_one, keep_changes=True)
            record_file.write(path, record_file.document("rm-1", "instance_import", "run", {}, known, "2.19.14"))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(record_file.read(path)["entries"]) == 40


def test_a_second_run_does_not_undo_what_the_first_changed():
    first = entries_of(result(step("sales"), predicted=False), phase="import", run="1")
    looked = entries_of(result(step("sales")), phase="assess", run="1")
    second = entries_of(result(predicted=False), phase="import", run="2")
    after = record_file.merged({"entries": looked + first}, second, moment("import", "2"), keep_changes=True)
    assert [(row["phase"], row["run"]) for row in after] == [("assess", "1"), ("import", "1"), ("import", "2")]
    # A look that only foresaw it is overtaken, and so is a rehearsal.
    again = entries_of(result(), phase="assess", run="2")
    assert len(record_file.merged({"entries": after}, again, moment("assess", "2"), keep_changes=True)) == 3
    assert len(record_file.merged({"entries": first}, second, moment("import", "2"), keep_changes=False)) == 1


def test_a_good_rehearsal_says_what_is_next():
    def told(kind, **more):
        rows = entries_of(result(**more))
        return record_file.document("rm-1", "instance_import", kind, {"next": []}, rows, "2.19.14")["guidance"]["next"]

    assert told("rehearsal") == [record_file.AFTER_A_REHEARSAL]
    assert told("rehearsal", failed=True) == []
    assert told("run") == []
