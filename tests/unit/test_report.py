# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says of records: merged, half-way, broken, compared with what was promised."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_data import File
from ansible_collections.apsaradb.migration.tests.unit.report_stage import (
    GIB,
    GUIDANCE,
    check,
    database,
    entry,
    file,
    names,
    record,
    rehearsal,
    report,
    run,
    step,
    upload,
)


def only_host(*documents):
    (host,) = report(*documents)["hosts"]
    return host


def standing(host):
    """{(action, subject): status} of the steps."""
    return {(step["action"], name): step["status"] for step in host["steps"] for name in step["subject"]}


def kinds(host):
    """{(kind, action): subjects} of the differences."""
    return {(one["kind"], one["action"]): one["subject"] for one in host["promised"]["differences"]}


class TestMerging:
    def test_hosts_are_merged_and_the_worst_speaks_for_all(self):
        good, bad = run(["a"], host="one"), record(entry(checks=[check("room", "fail", "none", "Add.")]), host="two")
        merged = report(bad, good)
        assert [host["host"] for host in merged["hosts"]] == ["one", "two"]
        assert [host["verdict"] for host in merged["hosts"]] == ["review", "no_go"]
        assert merged["verdict"] == "no_go"
        assert merged["counts"]["checks"] == {"pass": 2, "warn": 1, "fail": 1}
        assert merged["calls"] == {
            "CreateMigrateTask": 1,
            "DescribeDBInstanceAttribute": 1,
            "DescribeMigrateTasks": 290,
            "PutObject": 1,
        }

    def test_no_records_are_no_verdict(self):
        empty = report()
        assert (empty["verdict"], empty["outcome"], empty["hosts"]) == (None, None, [])

    def test_a_run_is_shown_and_its_rehearsal_is_what_was_promised(self):
        host = only_host(rehearsal(["a"]), run(["a"]))
        assert (host["kind"], host["promised"]["verdict"]) == ("run", "review")
        assert host["promised"]["run"] == "2026-01-31T12:00:00Z"

    def test_a_later_entry_about_the_same_overtakes_an_earlier_one(self):
        before = entry(checks=[check("room", "fail"), check("old", "fail")], failed=True, verdict="no_go", message="no")
        host = only_host(record(before, entry(checks=[check("room")])))
        assert ([one["name"] for one in host["checks"]], host["verdict"]) == (["room"], "go")
        assert (host["failures"], host["outcome"]) == ([], "finished")

    def test_an_entry_about_something_else_hides_nothing(self):
        before = entry(subject=["a"], checks=[check("room", "fail")])
        host = only_host(record(before, entry(subject=["b"], checks=[check("room")])))
        assert host["verdict"] == "no_go"
        assert [one["status"] for one in host["checks"]] == ["fail", "pass"]

    def test_a_verdict_counts_without_its_checks(self):
        assert only_host(record(entry(verdict="no_go"), entry(phase="verify", subject=["b"])))["verdict"] == "no_go"

    def test_a_phase_that_failed_beside_the_modules_is_a_failure(self):
        host = only_host(record(entry(), entry(module="", phase="verify", failed=True, message="not all are there")))
        assert host["outcome"] == "failed"
        assert host["failures"][0]["message"] == "not all are there"
        assert host["phases"][-1]["failed"]

    def test_time_of_work_leaves_out_the_days_between_two_runs(self):
        early = entry(phase="upload", began="2026-01-01T00:00:00Z", ended="2026-01-01T01:00:00Z")
        assert only_host(record(early, entry()))["seconds"] == 3600 + 600

    def test_advice_of_the_rehearsal_serves_a_run_that_did_not_come_to_it_except_for_what_is_next(self):
        host = only_host(rehearsal(["a"]), record(entry()))
        assert host["guidance"] == {**GUIDANCE, "next": []}


class TestSteps:
    def test_a_rehearsal_plans_each_step_once(self):
        host = only_host(rehearsal(["a", "b"]))
        assert (host["outcome"], host["verdict"]) == ("rehearsed", "review")
        assert list(standing(host).items()) == [
            (("CreateMigrateTask", "a"), "planned"),
            (("CreateMigrateTask", "b"), "planned"),
            (("UploadObject", "a full"), "planned"),
            (("UploadObject", "b full"), "planned"),
            (("CreateOnlineDatabaseTask", "a"), "planned"),
            (("CreateOnlineDatabaseTask", "b"), "planned"),
        ]

    def test_a_run_without_failure_did_its_steps(self):
        host = only_host(run(["a", "b"]))
        assert host["outcome"] == "finished"
        assert set(standing(host).values()) == {"done"}

    def test_of_a_run_that_failed_half_way_the_databases_tell_what_is_done(self):
        host = only_host(run(["a", "b", "c"], failing=["b"]))
        assert host["outcome"] == "failed"
        assert standing(host) == {
            **{("UploadObject", f"{name} full"): "done" for name in "abc"},
            ("CreateMigrateTask", "a"): "done",
            ("CreateMigrateTask", "b"): "open",
            ("CreateMigrateTask", "c"): "done",
        }
        assert host["failures"][0]["remedy"].startswith("Take new backups")

    @pytest.mark.parametrize(
        ("told", "status"),
        [
            ({"facts": {"databases": [database("a", "staged")]}}, "done"),
            ({"facts": {"databases": [database("a", "in_flight")]}}, "begun"),
            ({"facts": {"databases": [database("a", "deferred")]}}, "open"),
            ({"facts": {"databases": [database("a", "unknown")]}, "calls": {"CreateMigrateTask": 1}}, "unclear"),
            ({"calls": {"CreateMigrateTask": 1}}, "unclear"),
            ({"calls": {"DescribeMigrateTasks": 1}, "changed": True}, "open"),
            ({"changed": True}, "unclear"),
            ({}, "open"),
        ],
    )
    def test_a_step_of_a_failed_module(self, told, status):
        host = only_host(record(entry(subject=["a"], plan=[step("a")], failed=True, **told)))
        assert standing(host) == {("CreateMigrateTask", "a"): status}

    def test_a_database_that_waits_for_logs_is_not_opened(self):
        opening = step("a", "CreateOnlineDatabaseTask", one_way=True)
        states = {"databases": [database("a", "staged")]}
        host = only_host(record(entry(plan=[opening], failed=True, facts=states)))
        assert standing(host) == {("CreateOnlineDatabaseTask", "a"): "open"}

    def test_names_of_an_import_are_found_in_its_steps(self):
        subjects = ["sales -> sales_2026", "[a]]b]", "hr"]
        states = [
            {"source": "sales", "target": "sales_2026", "state": "Running"},
            {"source": "a]b", "target": "a]b", "state": "Running"},
            {"source": "hr", "target": "hr", "state": "absent"},
        ]
        plan = [{**step("", "ImportDatabaseBetweenInstances"), "subject": subjects}]
        host = only_host(
            record(entry(plan=plan, failed=True, calls={plan[0]["action"]: 1}, facts={"databases": states}))
        )
        assert [standing(host)[plan[0]["action"], name] for name in subjects] == ["done", "done", "open"]

    def test_uploads_and_stripes_are_found_in_their_steps(self):
        labels = ["a full", "b log (stripe 2 of 2)", "c backup"]
        plan = [step(label, "UploadObject") for label in labels]
        uploads = [
            upload("a"),
            upload("b", "missing", type="log", stripe=2, stripes=2),
            upload("c", "present", type=None),
        ]
        host = only_host(
            record(entry("oss_backup_upload", "upload", plan=plan, failed=True, facts={"uploads": uploads}))
        )
        assert [standing(host)["UploadObject", label] for label in labels] == ["done", "open", "done"]

    def test_what_was_only_foreseen_is_still_to_be_done(self):
        host = only_host(record(entry(phase="assess", predicted=True, plan=[step("a")], failed=True)))
        assert standing(host) == {("CreateMigrateTask", "a"): "open"}

    def test_what_was_foreseen_and_then_found_done_is_not_to_be_done(self):
        foreseen = entry(phase="assess", predicted=True, plan=[step("a")])
        host = only_host(record(foreseen, entry(plan=[])))
        assert (standing(host), host["outcome"]) == ({}, "finished")

    def test_a_run_that_did_not_wait_has_begun(self):
        host = only_host(record(entry(plan=[step("a")], changed=True, state="in_flight")))
        assert (standing(host), host["outcome"]) == ({("CreateMigrateTask", "a"): "begun"}, "unfinished")

    def test_one_way_steps_that_are_left_are_counted(self):
        assert report(rehearsal(["a", "b"]))["counts"]["one_way_left"] == 2


class TestPromises:
    def test_a_run_that_kept_its_promise_differs_in_nothing(self):
        promised = rehearsal(["a", "b"])
        promised["entries"].pop()
        host = only_host(promised, run(["a", "b"]))
        assert (host["promised"]["differences"], host["outcome"]) == ([], "finished")

    def test_a_phase_that_was_not_reached_is_still_to_be_done(self):
        host = only_host(rehearsal(["a"]), run(["a"]))
        assert kinds(host) == {("not_reached", "CreateOnlineDatabaseTask"): ["a"]}
        assert standing(host)["CreateOnlineDatabaseTask", "a"] == "planned"
        assert host["outcome"] == "unfinished"

    def test_what_failed_is_promised_and_not_done(self):
        host = only_host(rehearsal(["a", "b"]), run(["a", "b"], failing=["b"]))
        assert kinds(host)["not_done", "CreateMigrateTask"] == ["b"]
        assert report(rehearsal(["a", "b"]), run(["a", "b"], failing=["b"]))["counts"]["differences"] == 1

    def test_what_somebody_else_did_is_found_done(self):
        host = only_host(rehearsal(["a", "b"]), run(["b"]))
        assert kinds(host)["found_done", "CreateMigrateTask"] == ["a"]

    def test_what_was_not_promised_is_named(self):
        host = only_host(rehearsal(["a"]), run(["a", "b"]))
        assert kinds(host)["not_promised", "CreateMigrateTask"] == ["b"]

    def test_choices_make_another_step(self):
        chosen = record(entry(plan=[step("a", choices={"backup_id": "1"})], predicted=True), kind="rehearsal")
        host = only_host(chosen, record(entry(plan=[step("a", choices={})])))
        assert ("not_promised", "CreateMigrateTask") in kinds(host)

    def test_a_rehearsal_after_the_run_promised_nothing_of_it(self):
        late = record(entry(predicted=True, plan=[step("b")]), kind="rehearsal", run="2026-03-01T00:00:00Z")
        host = only_host(late, run(["a"]))
        assert host["promised"]["newer"]
        assert (host["promised"]["differences"], host["outcome"]) == ([], "finished")


class TestDatabases:
    def test_each_has_a_row_with_what_all_modules_said(self):
        (row,) = only_host(run(["a"]))["databases"]
        assert row["state"] == "online"
        assert row["verdict"] == "go"
        assert (row["size"], row["sent_bytes"], row["seconds"]) == (5 * GIB, 5 * GIB, 40.0)
        assert row["rate"] == 5 * GIB // 40

    def test_bytes_of_several_uploads_add_up(self):
        first = entry("oss_backup_upload", "upload", facts={"uploads": [upload("a"), upload("a", type="log")]})
        later = entry("oss_backup_upload", "cutover", facts={"uploads": [upload("a", seconds=100.0)]})
        (row,) = only_host(record(first, later))["databases"]
        assert (row["sent_bytes"], row["seconds"]) == (15 * GIB, 200.0)

    def test_a_failed_one_says_why(self):
        rows = only_host(run(["a", "b"], failing=["a"]))["databases"]
        assert [(row["verdict"], row["remedy"]) for row in rows] == [("no_go", "Take a new backup."), ("go", None)]

    def test_a_comparison_that_finds_differences_is_no_go(self):
        compared = [{"name": "shop", "tables": 2, "differences": 3}, {"name": "hr", "tables": 1, "differences": 0}]
        rows = only_host(record(entry("mysql_compare", "verify", facts={"databases": compared})))["databases"]
        assert [(row["database"], row["state"], row["verdict"]) for row in rows] == [
            ("hr", "equal", "go"),
            ("shop", "different", "no_go"),
        ]

    def test_without_a_state_there_is_no_verdict(self):
        (row,) = only_host(record(entry("postgresql_source", facts={"databases": [{"name": "a", "size": 1}]})))[
            "databases"
        ]
        assert (row["state"], row["verdict"]) == (None, None)

    def test_predictions_are_marked(self):
        assert all(row["predicted"] for row in only_host(rehearsal(["a"]))["databases"])
        assert not any(row["predicted"] for row in only_host(run(["a"]))["databases"])

    def test_what_is_foreseen_takes_no_place_of_what_is(self):
        job = {"job": {"id": "k2"}, "name": "orders", "databases": [database("a", "failed")]}
        later = {**job, "databases": [database("a", "online")]}
        entries = entry(facts=job, state="running"), entry(phase="verify", facts=later, state="stopped", predicted=True)
        host = only_host(record(*entries))
        assert (host["jobs"][0]["state"], host["databases"][0]["state"]) == ("running", "failed")
        assert only_host(record(*reversed(entries)))["databases"][0]["predicted"] is False

    def test_jobs_and_migrations_tell_their_lag(self):
        job = {
            "id": "k2",
            "status": "Migrating",
            "delay_ms": 350,
            "phases": {"full": {"status": "Migrating", "percent": 40}},
        }
        migration = {
            "task_id": "4",
            "name": "m",
            "stage": "increment",
            "replication_state": "streaming",
            "lag_bytes": 16,
        }
        jobs = only_host(
            record(
                entry("dts_migration", "replicate", facts={"name": "orders", "job": job}, state="running"),
                entry("rds_cloud_migration", "replicate", facts={"migration": migration}, state="replicating"),
            )
        )["jobs"]
        assert [(one["name"], one["stage"], one["lag_seconds"], one["lag_bytes"]) for one in jobs] == [
            ("orders", "full Migrating 40 %", 0.35, None),
            ("m", "increment streaming", None, 16),
        ]


class TestFilesOfOthers:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "not JSON"),
            (b"{", "not JSON"),
            (b"\xff\xfe", "not UTF-8"),
            (b"[" * 100_000, "nested too deeply"),
            (b"[]", "not a JSON object"),
            (b"{}", "format"),
            (json.dumps({**record(), "version": 2}).encode(), "version is 2"),
            (json.dumps({**record(), "version": True}).encode(), "version"),
            (json.dumps({**record(), "kind": "wish"}).encode(), "rehearsal or a run"),
            (json.dumps({**record(), "host": ""}).encode(), "of which host"),
            ("it is not a file", "it is not a file"),
        ],
    )
    def test_what_cannot_be_read_is_a_line_of_the_report(self, content, reason):
        told = report(File("bad/run.json", content), run(["a"]))
        assert [(one["file"], reason in one["reason"]) for one in told["unreadable"]] == [("bad/run.json", True)]
        assert told["counts"]["unreadable"] == 1
        assert len(told["hosts"]) == 1

    def test_entries_that_make_no_sense_are_counted(self):
        told = report(record(entry(), 7, {"module": ["x"]}, {"phase": "assess"}))
        assert told["unreadable"][0]["reason"] == "3 of its entries cannot be understood."

    def test_of_two_records_of_one_host_the_newer_is_shown(self):
        old, new = record(entry(state="old")), record(entry(state="new"), updated="2026-05-01T00:00:00Z")
        told = report(file(new, "a/run.json"), file(old, "b/run.json"))
        assert told["hosts"][0]["phases"][0]["state"] == "new"
        assert "two records" in told["unreadable"][0]["reason"]

    def test_no_value_of_any_kind_stops_the_report(self):
        facts = {"databases": [database("a")], "uploads": [upload("a")]}
        told = {"plan": [step("a")], "checks": [check("c")], "error": {"code": "x"}, "calls": {"A": 1}}
        whole = record(entry(facts=facts, **told))
        odd = [
            None,
            True,
            -1,
            10**400,
            1e308,
            float("nan"),
            "\ud800",
            "x" * 20_000,
            [],
            [[]],
            {},
            {"a": {"b": []}},
            [None, 3, {}],
        ]
        for broken in _each_value_replaced(whole, odd):
            told = report(file(broken, "host/run.json"))
            assert len(json.dumps(told, ensure_ascii=False).encode()) < 200_000

    def test_a_status_that_nobody_knows_is_no_pass(self):
        host = only_host(record(entry(checks=[check("c", "fine")], verdict="splendid")))
        assert (host["checks"][0]["status"], host["verdict"]) == ("unknown", "review")

    def test_a_step_that_does_not_say_so_clearly_may_be_one_way(self):
        host = only_host(record(entry(plan=[step("a", one_way="no")])))
        assert host["steps"][0]["one_way"]

    def test_facts_that_the_report_does_not_show_stay_in_the_record(self):
        told = report(record(entry(facts={"password": "hunter2", "databases": [database("a", password="hunter2")]})))
        assert "hunter2" not in json.dumps(told)


def _each_value_replaced(document, values, path=()):
    """Copies of the document, each with one value replaced by one that does not belong there."""
    keys = list(document) if isinstance(document, dict) else range(len(document))
    for key in keys:
        for value in values:
            broken = copy.copy(document)
            broken[key] = value
            yield broken
        if isinstance(document[key], (dict, list)):
            for inner in _each_value_replaced(document[key], values):
                broken = copy.copy(document)
                broken[key] = inner
                yield broken


def test_the_whole_is_small_enough_for_five_hundred_databases():
    told = report(rehearsal(names(500)), run(names(500), names(500)[:3]))
    assert len(told["hosts"][0]["databases"]) == 500
    assert told["counts"]["steps"] == {"done": 997, "open": 3, "planned": 500}
