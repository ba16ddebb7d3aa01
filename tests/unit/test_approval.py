# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An approved plan admits itself and what is left of it, and nothing more or different."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._approval import NotApproved, require_approval
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import BadRequest
from ansible_collections.apsaradb.migration.plugins.module_utils._plan import Plan, Step, fingerprint

MODULE = "rds_import_between_instances"
COPY = Step(
    action="CopyDatabaseBetweenInstances",
    target="rm-target",
    source="rm-source",
    subject=("crm", "sales"),
    why="2 of 2 are missing",
    parameters={"DbNames": '{"crm":"crm","sales":"sales"}', "BackupId": "1"},
    chosen_at_run_time=frozenset({"BackupId"}),
)
IMPORT = COPY._replace(action="ImportDatabaseBetweenInstances", parameters={"DBInfo": "{}"}, or_else=COPY)


def plan(*steps):
    return Plan(state="missing", steps=steps)


def saved(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def result_of(*steps):
    return {"plan": [step.as_result() for step in steps], "verdict": "go"}


@pytest.mark.parametrize("form", ["result", "steps", "rehearsal"])
def test_the_approved_plan_and_what_is_left_of_it(tmp_path, form):
    steps = [IMPORT.as_result()]
    document = {
        "result": result_of(IMPORT),
        "steps": steps,
        "rehearsal": {"entries": [{"module": "another", "plan": []}, {"module": MODULE, "plan": steps}]},
    }[form]
    approved = saved(tmp_path / "approved.json", document)
    require_approval(plan(IMPORT), approved, module=MODULE)
    require_approval(plan(IMPORT._replace(subject=("sales",))), approved, module=MODULE)
    require_approval(plan(), approved, module=MODULE)


@pytest.mark.parametrize(
    "other",
    [
        IMPORT._replace(subject=("crm", "hr", "sales")),
        IMPORT._replace(subject=("crm -> crm2",)),
        IMPORT._replace(target="rm-another"),
        IMPORT._replace(source="rm-another"),
        IMPORT._replace(or_else=None),
        COPY,
        IMPORT._replace(or_else=COPY._replace(choices={"sync_user_privilege": True})),
        IMPORT._replace(or_else=COPY._replace(choices={"restore_time": "2026-01-01T00:00:00Z"})),
    ],
    ids=[
        "one more",
        "another name",
        "another target",
        "another source",
        "another way",
        "the alternative alone",
        "privileges too",
        "another time",
    ],
)
def test_more_or_different_is_refused_and_shown(tmp_path, other):
    approved = saved(tmp_path / "approved.json", result_of(IMPORT))
    with pytest.raises(NotApproved) as caught:
        require_approval(plan(other), approved, module=MODULE)
    assert other.target in caught.value.message


def test_whoever_agreed_to_the_import_alone_did_not_agree_to_the_copy(tmp_path):
    approved = saved(tmp_path / "approved.json", result_of(IMPORT._replace(or_else=None)))
    with pytest.raises(NotApproved):
        require_approval(plan(IMPORT), approved, module=MODULE)


def test_order_counts_between_steps(tmp_path):
    first, second = COPY._replace(subject=("a",)), COPY._replace(subject=("b",))
    approved = saved(tmp_path / "approved.json", result_of(first, second))
    require_approval(plan(first, second), approved, module=MODULE)
    with pytest.raises(NotApproved):
        require_approval(plan(second, first), approved, module=MODULE)


def test_a_newer_backup_is_the_same_plan(tmp_path):
    newer = COPY._replace(parameters={**COPY.parameters, "BackupId": "2"}, why="1 of 2 is missing")
    assert fingerprint(plan(newer)) == fingerprint(plan(COPY))
    require_approval(plan(newer), saved(tmp_path / "approved.json", result_of(COPY)), module=MODULE)


def test_a_backup_that_was_asked_for_is_part_of_the_plan():
    wished = COPY._replace(chosen_at_run_time=frozenset())
    assert fingerprint(plan(wished)) != fingerprint(
        plan(wished._replace(parameters={**wished.parameters, "BackupId": "2"}))
    )


def test_fingerprint_admits_only_the_exact_plan():
    require_approval(plan(IMPORT), fingerprint(plan(IMPORT)), module=MODULE)
    require_approval(plan(), fingerprint(plan(IMPORT)), module=MODULE)  # nothing left to do is never too much
    for other in (IMPORT._replace(subject=("sales",)), IMPORT._replace(or_else=None), COPY):
        with pytest.raises(NotApproved):
            require_approval(plan(other), fingerprint(plan(IMPORT)), module=MODULE)


@pytest.mark.parametrize(
    "content",
    ["no json", "[]x", '{"plan": 3}', '{"entries": []}', '{"plan": [{}]}', '{"plan": [3]}', '"text"', "null"],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path, content):
    path = tmp_path / "approved.json"
    path.write_text(content)
    with pytest.raises(BadRequest) as caught:
        require_approval(plan(COPY), str(path), module=MODULE)
    assert "approved_plan" in caught.value.remedy


@pytest.mark.parametrize("text", ["sha256:", "sha256:12", "sha256:" + "G" * 64])
def test_a_fingerprint_that_is_none_is_refused(text):
    with pytest.raises(BadRequest):
        require_approval(plan(COPY), text, module=MODULE)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadRequest, match="cannot be read"):
        require_approval(plan(COPY), str(tmp_path / "none.json"), module=MODULE)
