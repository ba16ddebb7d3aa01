# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups, told from what the stand-in for the server was sent and holds afterwards."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
import threading

import pytest
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_connection import WriteRefused
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import sqlserver_backup
from ansible_collections.apsaradb.migration.plugins.modules import mssql_backup
from ansible_collections.apsaradb.migration.tests.unit.sqlserver_stage import OPTIONS, PASSWORD, SqlServerStage, driver
from ansible_collections.apsaradb.migration.tests.unit.stage import SCRATCH, End, arguments
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

THREE = {"sales": {}, "crm": {}, "hr": {}}
ODD_NAMES = ["a]b", "a'b", "a:b", "x|y@z", "]]'--", "日本 語", "a\nb", ".hidden", "CON"]
NAMES = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=40
) | st.sampled_from(ODD_NAMES)


@pytest.fixture
def new_stage(monkeypatch):
    """new_stage(**of the server) → a SqlServerStage that modules of this process reach through the driver."""
    monkeypatch.setitem(sys.modules, "pymssql", driver)

    def make(**changes):
        stage = SqlServerStage(pathlib.Path(folder, "server.json"), **changes)
        monkeypatch.setenv("STAND_IN_SERVER", str(stage.path))
        monkeypatch.setattr(sqlserver_backup, "Clock", lambda: stage.clock)
        return stage

    # Each statement writes the whole server.
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        yield make


@pytest.fixture
def backup(monkeypatch):
    """backup(check=…, **options) → the module's result; `failed` says which way it ended."""

    def exit_json(module, **result):
        raise End({**result, "failed": False})

    def fail_json(module, msg, **result):
        raise End({**result, "msg": msg, "failed": True})

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", exit_json)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", fail_json)

    def run(*, check=False, **options):
        with arguments({**OPTIONS, "_ansible_check_mode": check, **options}), pytest.raises(End) as end:
            mssql_backup.main()
        assert PASSWORD not in json.dumps(end.value.result)
        return end.value.result

    return run


def checks(result, *statuses):
    return {c["name"]: c["status"] for c in result["checks"] if not statuses or c["status"] in statuses}


def states(result):
    return {b["database"]: b["state"] for b in result["backups"]}


VERSIONS = ["10.50.6000.34", "11.0.7001.0", "13.0.6300.2", "14.0.3456.2", "16.0.4003.1"]


@pytest.mark.parametrize(("version", "platform"), [*((v, "Windows") for v in VERSIONS), (VERSIONS[-1], "Linux")])
def test_rehearse_do_and_do_again(new_stage, backup, version, platform):
    folder = "D:\\new\\folder" if platform == "Windows" else "/var/opt/mssql/new"
    drives = {"D:\\": 2**40} if platform == "Windows" else {"/": 2**40}
    stage = new_stage(databases=THREE, version=version, platform=platform, drives=drives, folders=list(drives))
    wish = {"folder": folder, "check_database": True, "verify": True}
    predicted = backup(check=True, **wish)
    assert stage.writes() == []
    assert predicted["changed"]
    assert predicted["predicted"]
    assert predicted["state"] == "backed_up"
    assert not checks(predicted, "fail")
    done = backup(**wish)
    assert not done["failed"], done["msg"]
    assert done["diff"] == predicted["diff"]
    assert done["fingerprint"] == predicted["fingerprint"]
    # What was shown is what was sent, but for the time.
    assert [s["action"] for s in done["plan"]] == [s["action"] for s in predicted["plan"]]
    assert [s["parameters"]["statement"] for s in done["plan"]] == stage.writes()
    for told, foretold in zip(done["backups"], predicted["backups"], strict=True):
        assert set(told) == set(foretold)
        for key in ("database", "type", "state", "copy_only", "checksums", "compressed", "created", "size"):
            assert told[key] == foretold[key], key
        assert foretold["predicted"]
        assert not told["predicted"]
        assert told["path"] in stage.server["files"]
        assert told["path"].startswith(folder)
        assert stage.server["files"][told["path"]] == [told["backup_set_guid"]]
        assert told["start"] < told["finish"]
    before = stage.writes()
    again = backup(**wish)
    assert not again["changed"]
    assert not again["failed"]
    assert again["state"] == "backed_up"
    # Files that are there are read back again, and nothing else happens.
    assert {s.split(" FROM")[0] for s in stage.writes()[len(before) :]} == {"RESTORE VERIFYONLY"}
    assert [{**b, "created": True} for b in again["backups"]] == done["backups"]
    assert not backup(check=True, **wish)["changed"]


def _any_name(new_stage, backup, names):
    names = [n for n in names if n.casefold() not in ("master", "model", "msdb", "tempdb")]
    stage = new_stage(databases={name: {} for name in names or ["x"]})
    done = backup()
    assert not done["failed"], done["msg"]
    assert {s["database"] for s in stage.server["sets"]} == set(names or ["x"])
    assert all(len(sets) == 1 for sets in stage.server["files"].values())
    count = len(stage.writes())
    again = backup(databases=names)
    assert (again["failed"], again["changed"], len(stage.writes())) == (False, False, count)


LISTS_OF_NAMES = st.lists(NAMES, min_size=1, max_size=3, unique_by=str.casefold)
ONE_STAGE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def test_odd_names_are_backed_up_once_and_found_again(new_stage, backup):
    _any_name(new_stage, backup, ODD_NAMES)


@settings(max_examples=30, suppress_health_check=ONE_STAGE)
@given(LISTS_OF_NAMES)
def test_any_name_is_backed_up_once_and_found_again(new_stage, backup, names):
    _any_name(new_stage, backup, names)


@pytest.mark.soak
@settings(max_examples=200, suppress_health_check=ONE_STAGE)
@given(LISTS_OF_NAMES)
def test_many_names_are_backed_up_once_and_found_again(new_stage, backup, names):
    _any_name(new_stage, backup, names)


def test_a_rehearsal_that_forgets_it_gets_a_refusal(new_stage, monkeypatch):
    stage = new_stage()
    options = {name: spec.get("default") for name, spec in SPEC.items()} | OPTIONS
    path = sqlserver_backup.new_backup(options, True)
    (step,) = path.plan(path.observe()).steps
    path.apply(step)
    assert isinstance(path.failure, Exception)
    assert isinstance(path._run.outcomes["sales"].failure, WriteRefused)
    assert stage.writes() == []


def _spec():
    found = {}
    original, mssql_backup.run_local_migration = (
        mssql_backup.run_local_migration,
        lambda spec, *a, **k: found.update(spec),
    )
    try:
        mssql_backup.main()
    finally:
        mssql_backup.run_local_migration = original
    return found


SPEC = _spec()


def test_one_bad_database_does_not_stop_the_others(new_stage, backup):
    stage = new_stage(databases={**THREE, "crm": {"damaged": True}})
    done = backup()
    assert done["failed"]
    assert done["changed"]
    assert states(done) == {"crm": "failed", "hr": "backed_up", "sales": "backed_up"}
    (bad,) = [b for b in done["backups"] if b["state"] == "failed"]
    assert bad["error"]["code"] == "3043"
    assert "crm" in done["msg"]
    assert "page (1:611)" in done["msg"]
    assert done["error"]["code"] == "3043"
    assert done["state"] == "missing"
    assert sorted(s["database"] for s in stage.server["sets"]) == ["hr", "sales"]
    stage.change_database("crm", damaged=False)
    count = len(stage.backups())
    again = backup()
    assert not again["failed"]
    assert [s.split("]")[0] for s in stage.backups()[count:]] == ["BACKUP DATABASE [crm"]


def test_all_that_fail_are_named(new_stage, backup):
    new_stage(databases={**THREE, "crm": {"damaged": True}, "hr": {"damaged": True}})
    done = backup()
    assert done["error"]["code"] == "backups_failed"
    assert "- crm:" in done["msg"]
    assert "- hr:" in done["msg"]


def test_stopping_at_the_first(new_stage, backup):
    stage = new_stage(databases={**THREE, "crm": {"damaged": True}})
    done = backup(on_error="stop")
    assert states(done) == {"crm": "failed", "hr": "not_started", "sales": "not_started"}
    assert len(stage.backups()) == 1


def test_a_damaged_database_is_not_backed_up(new_stage, backup):
    stage = new_stage(databases={"sales": {"damaged": True}, "crm": {}})
    done = backup(check_database=True, checksum=False)
    assert states(done) == {"crm": "backed_up", "sales": "failed"}
    assert [s["database"] for s in stage.server["sets"]] == ["crm"]


def test_a_file_that_cannot_be_read_back_never_counts_as_done(new_stage, backup):
    stage = new_stage(databases={"sales": {"unreadable_backup": True}})
    assert states(backup(verify=True)) == {"sales": "failed"}
    stage.later(minutes=1)
    assert states(backup(verify=True)) == {"sales": "failed"}
    assert len(stage.backups()) == 2
    stage.change_database("sales", unreadable_backup=False)
    assert states(backup(verify=True)) == {"sales": "backed_up"}


def lost(kind, **more):
    return {"faults": [{"on": "BACKUP", "kind": kind, **more}]}


def test_an_answer_that_was_lost_after_the_backup(new_stage, backup):
    stage = new_stage(**lost("lost after"))
    done = backup()
    assert not done["failed"], done["msg"]
    assert done["adopted"]
    assert states(done) == {"sales": "backed_up"}
    assert len(stage.backups()) == 1


def test_a_connection_that_broke_while_the_server_went_on(new_stage, backup):
    stage = new_stage(databases=THREE, **lost("lost while it runs", looks=5, ends="well"))
    done = backup()
    assert not done["failed"], done["msg"]
    assert states(done) == dict.fromkeys(THREE, "backed_up")
    assert len(stage.backups()) == 3
    assert stage.seconds >= 4 * 15


def test_a_connection_that_took_the_backup_along(new_stage, backup):
    stage = new_stage(databases=THREE, **lost("lost while it runs", looks=3, ends="badly"))
    done = backup()
    assert states(done) == {"crm": "failed", "hr": "backed_up", "sales": "backed_up"}
    assert done["error"]["code"] == "answer_lost"
    assert "not sent again" in done["msg"]
    assert len(stage.backups()) == 3


def test_a_statement_that_never_arrived_is_not_sent_again(new_stage, backup):
    stage = new_stage(**lost("lost before"))
    done = backup()
    assert done["error"]["code"] == "answer_lost"
    assert len(stage.backups()) == 1
    assert stage.seconds >= 60
    assert states(backup()) == {"sales": "backed_up"}


def test_a_server_that_went_away_ends_the_run(new_stage, backup):
    stage = new_stage(databases=THREE, faults=[{"on": "BACKUP DATABASE [hr]", "kind": "lost before", "down": 999}])
    done = backup(settle=1, poll_interval=1)
    assert states(done) == {"crm": "backed_up", "hr": "failed", "sales": "failed"}
    assert done["error"]["code"] == "20009"
    assert len(stage.backups()) == 2
    stage.change(down=0)
    assert states(backup()) == dict.fromkeys(THREE, "backed_up")
    assert len(stage.backups()) == 4


def test_no_connection(new_stage, backup):
    new_stage(down=9)
    done = backup()
    assert done["failed"]
    assert done["error"]["code"] == "20009"
    assert "host" in done["error"]["remedy"]


def test_a_wrong_password_is_not_quoted(new_stage, backup):
    new_stage(password="another")
    done = backup()
    assert done["error"]["code"] == "18456"
    assert "********" in done["msg"]


def test_the_deadline_ends_a_backup_that_hangs(new_stage, backup, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(driver.time, "sleep", lambda seconds: over.wait(20) if seconds else None)
    stage = new_stage(databases=THREE, faults=[{"on": "BACKUP DATABASE [crm]", "kind": "hang", "seconds": 60}])
    done = backup(wait_timeout=0.2)
    over.set()
    assert done["error"]["code"] == "wait_timeout"
    assert states(done) == {"crm": "failed", "hr": "not_started", "sales": "not_started"}
    assert len(stage.backups()) == 1


def test_the_deadline_ends_a_verification_that_hangs(new_stage, backup, monkeypatch):
    stage = new_stage()
    backup()
    over = threading.Event()
    monkeypatch.setattr(driver.time, "sleep", lambda seconds: over.wait(20) if seconds else None)
    stage.change(faults=[{"on": "RESTORE", "kind": "hang", "seconds": 60}])
    done = backup(verify=True, wait_timeout=0.2)
    over.set()
    assert done["error"]["code"] == "wait_timeout"
    assert len(stage.backups()) == 1


def test_a_database_that_was_made_in_the_same_second(new_stage, backup):
    stage = new_stage(databases={"sales": {"created": "2026-01-31T23:41:00.997"}}, second_per_statement=0)
    backup()
    assert not backup()["changed"]
    assert len(stage.backups()) == 1


def test_a_backup_that_somebody_else_runs_is_waited_for(new_stage, backup):
    statement = (
        "BACKUP DATABASE [sales] TO DISK = N'D:\\migration\\sales_FULL_20260131200000.bak' WITH COPY_ONLY, CHECKSUM"
    )
    running = {"database": "sales", "statement": statement, "looks": 4, "ends": "well"}
    stage = new_stage(running=[running])
    rehearsed = backup(check=True)
    assert rehearsed["plan"] == []
    assert rehearsed["predicted"]
    assert checks(rehearsed)["running_backups"] == "unknown"
    assert states(rehearsed) == {"sales": "running"}
    assert rehearsed["backups"][0]["progress"] == 41.5
    unwaited = backup(wait=False)
    assert (unwaited["failed"], unwaited["changed"], unwaited["state"]) == (False, False, "in_flight")
    done = backup()
    assert not done["failed"], done["msg"]
    assert done["adopted"]
    assert not done["changed"]
    assert states(done) == {"sales": "backed_up"}
    assert stage.backups() == []


def test_a_foreign_backup_of_another_kind_is_waited_for_and_then_ours_is_made(new_stage, backup):
    running = {"database": "sales", "statement": "BACKUP LOG [sales] TO DISK = N'D:\\x.trn' WITH NOINIT", "looks": 2}
    stage = new_stage(running=[running])
    assert states(backup()) == {"sales": "backed_up"}
    assert len(stage.backups()) == 1


@pytest.mark.parametrize(
    ("name", "status", "server", "options"),
    [
        ("databases_exist", "fail", {}, {"databases": ["sales", "nowhere"]}),
        ("databases_exist", "fail", {}, {"exclude": ["*"]}),
        ("databases_exist", "fail", {"collation": "Latin1_General_CS_AS"}, {"databases": ["SALES"]}),
        ("databases_exist", "pass", {}, {"databases": ["SALES"]}),
        ("user_databases", "fail", {}, {"databases": ["sales", "msdb"]}),
        ("user_databases", "fail", {"databases": {"sales": {"snapshot": True}, "b": {}}}, {"databases": ["sales"]}),
        ("backup_history", "fail", {"view_history": False}, {}),
        ("running_backups", "unknown", {"view_state": False}, {}),
        ("databases_online", "fail", {"databases": {"sales": {"state": "OFFLINE"}}}, {}),
        ("primary_replica", "warn", {"databases": {"sales": {"secondary": True}}}, {}),
        ("primary_replica", "fail", {"databases": {"sales": {"secondary": True}}}, {"copy_only": False}),
        ("rights", "fail", {"databases": {"sales": {"may_back_up": 0}}}, {}),
        ("rights", "unknown", {"databases": {"sales": {"may_back_up": None}}}, {}),
        ("rights", "warn", {"sysadmin": False}, {"check_database": True}),
        ("recovery_model", "warn", {"databases": {"sales": {"recovery": "SIMPLE"}}}, {}),
        ("recovery_model", "fail", {"databases": {"sales": {"recovery": "SIMPLE"}}}, {"type": "log"}),
        ("base_backup", "fail", {"databases": {"sales": {"chain": False}}}, {"type": "log"}),
        ("base_backup", "pass", {}, {"type": "log"}),
        ("base_backup", "fail", {}, {"type": "differential"}),
        ("auto_close", "warn", {"databases": {"sales": {"auto_close": True}}}, {}),
        ("encryption", "fail", {"databases": {"sales": {"encrypted": True}}}, {}),
        ("compression", "fail", {"engine_edition": 4, "edition": "Express Edition"}, {"compression": True}),
        ("compression", "pass", {}, {"compression": True}),
        ("folder", "fail", {}, {"folder": "relative\\path"}),
        ("folder", "fail", {}, {"folder": "Z:\\backup"}),
        ("folder", "fail", {"files": {"D:\\migration": []}, "folders": ["D:\\"]}, {}),
        ("folder", "warn", {"sysadmin": False}, {"folder": "D:\\other"}),
        ("folder", "pass", {}, {"folder": "D:\\other"}),
        ("free_space", "fail", {"drives": {"D:\\": 1000}}, {}),
        ("free_space", "fail", {"drives": {"D:\\": 1000 * 8192}}, {}),
        ("free_space", "pass", {"drives": {"D:\\": 1000 * 8192 + 1}}, {}),
        ("free_space", "warn", {"drives": {"D:\\": 1000}}, {"compression": True}),
        ("free_space", "warn", {"drives": {"D:\\": 1000}, "compression_default": 1}, {}),
        ("free_space", "unknown", {"folders": ["\\\\nas\\b"]}, {"folder": "\\\\nas\\b"}),
        ("file_names", "warn", {"databases": {"a:b": {}}}, {}),
        ("path_length", "fail", {"databases": {"n" * 120: {}}}, {"folder": "D:\\" + "f" * 120}),
        ("target_names", "warn", {"databases": {"root": {}}}, {}),
        ("target_names", "warn", {"databases": {"a@b": {}}}, {}),
        ("integrity", "warn", {"databases": {"sales": {"last_check": "1900-01-01T00:00:00"}}}, {}),
        ("integrity", "unknown", {"databases": {"sales": {"last_check": None}}}, {}),
        ("integrity", "pass", {"databases": {"sales": {"last_check": None}}}, {"check_database": True}),
        ("writes_during_backup", "warn", {"databases": {"sales": {"writers": 1}}}, {}),
        ("writes_during_backup", "warn", {"databases": {"sales": {"sessions": 1}}}, {}),
        ("writes_during_backup", "pass", {"databases": {"sales": {"sessions": 1, "read_only": True}}}, {}),
        ("writes_during_backup", "unknown", {"view_state": False}, {}),
    ],
)
def test_what_is_objected_to(new_stage, backup, name, status, server, options):
    stage = new_stage(**server)
    rehearsed = backup(check=True, **options)
    assert checks(rehearsed).get(name) == status, rehearsed.get("msg") or rehearsed["checks"]
    found = next(c for c in rehearsed["checks"] if c["name"] == name)
    assert status == "pass" or found["detail"]
    assert name != "folder" or options.get("folder", "D:\\migration") in found["detail"]
    assert rehearsed["failed"] == bool(checks(rehearsed, "fail"))
    if status == "fail":
        real = backup(**options)
        assert real["failed"]
        assert name in real["msg"]
        assert real["state"] == "missing"
        assert found["remedy"]
    assert status != "fail" or stage.writes() == []


def test_a_healthy_server_passes_everything(new_stage, backup):
    new_stage(databases=THREE)
    rehearsed = backup(check=True)
    assert set(checks(rehearsed).values()) == {"pass"}
    assert rehearsed["verdict"] == "go"


def test_everything_that_is_wrong_is_told_at_once(new_stage, backup):
    new_stage(databases={"sales": {"encrypted": True}, "crm": {"state": "RESTORING"}}, drives={"D:\\": 1000})
    done = backup(databases=["sales", "crm", "nowhere"])
    assert set(checks(done, "fail")) == {"databases_exist", "databases_online", "encryption", "free_space"}
    assert done["state"] == "missing"
    assert done["error"]["code"] == "no_go"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"databases": [1]}, "quote it"),
        ({"databases": {"a": "b"}}, "must be a list"),
        ({"databases": "[a"}, "does not end with ]"),
        ({"databases": ["a", "a"]}, "more than once"),
        ({"folder": " "}, "folder must not be empty"),
        ({"folder": "https://x/y"}, "URL"),
        ({"folder": "a\x00"}, "character 0"),
        ({"host": ""}, "host must not be empty"),
        ({"instance": "i", "port": 1}, "exclude each other"),
        ({"port": 70000}, "65535"),
        ({"type": "differential", "copy_only": True}, "copy_only"),
        ({"max_age": -1}, "max_age"),
        ({"poll_interval": 0}, "poll_interval"),
        ({"login_timeout": 0}, "login_timeout"),
    ],
)
def test_options_that_cannot_be_meant(new_stage, backup, options, says):
    stage = new_stage()
    done = backup(**options)
    assert done["failed"]
    assert says in done["msg"]
    assert done["error"]["code"] == "invalid_options"
    assert stage.server["statements"] == []


@pytest.mark.parametrize(
    ("databases", "exclude", "chosen"),
    [
        (None, [], {"sales", "crm", "hr", "a;b"}),
        ("", [], {"sales", "crm", "hr", "a;b"}),
        ([], ["s*", "?R"], {"crm", "a;b"}),
        ("[sales],[a;b]", [], {"sales", "a;b"}),
        ("sales; HR", [], {"sales", "hr"}),
        (["a;b"], [], {"a;b"}),
        (["crm", "hr"], ["hr"], {"crm"}),
    ],
)
def test_which_databases_are_meant(new_stage, backup, databases, exclude, chosen):
    stage = new_stage(databases={**THREE, "a;b": {}})
    assert not backup(databases=databases, exclude=exclude)["failed"]
    assert {s["database"] for s in stage.server["sets"]} == chosen


def changed_set(stage, **changes):
    sets = stage.server["sets"]
    sets[-1].update(changes)
    stage.change(sets=sets)


@pytest.mark.parametrize(
    ("changes", "options"),
    [
        ({"copy_only": True}, {"copy_only": False}),
        ({"checksums": False}, {}),
        ({"damaged": True}, {}),
        ({"position": 2}, {}),
        ({"stripes": 2}, {}),
        ({"letter": "L"}, {}),
        ({"database": "sold"}, {}),
        ({"path": "D:\\elsewhere\\sales_FULL_20260131234100.bak"}, {}),
        ({"path": "D:\\migration\\sales.bak"}, {}),
        ({"start": "2019-01-01T00:00:00"}, {}),
        ({"finish": "2026-01-30T23:00:00"}, {}),
    ],
)
def test_a_backup_that_is_something_else_does_not_count(new_stage, backup, changes, options):
    stage = new_stage()
    backup()
    stage.later(minutes=5)
    if "path" in changes:
        stage.change(files={**stage.server["files"], changes["path"]: []})
    changed_set(stage, **changes)
    assert backup(check=True, **options)["changed"]
    assert backup(**options)["changed"]
    assert len(stage.backups()) == 2


def test_a_backup_that_serves_copy_only_as_well_counts(new_stage, backup):
    stage = new_stage()
    backup(copy_only=False)
    assert not backup(copy_only=True)["changed"]
    assert len(stage.backups()) == 1


def test_a_file_that_was_deleted_is_backed_up_again(new_stage, backup):
    stage = new_stage()
    backup()
    stage.later(minutes=5)
    stage.change(files={})
    assert backup()["changed"]
    assert len(stage.backups()) == 2


def test_age(new_stage, backup):
    stage = new_stage()
    backup()
    stage.later(hours=2)
    again = backup()
    assert not again["changed"]
    assert checks(again)["already_there"] == "warn"
    assert backup(max_age=3600)["changed"]
    stage.later(seconds=5)
    assert backup(max_age=0)["changed"]
    assert len(stage.backups()) == 3


def test_log_backups_are_always_made_anew_unless_an_age_is_given(new_stage, backup):
    stage = new_stage()
    first = backup(type="log")
    assert first["backups"][0]["copy_only"] is False
    assert first["state"] == "backed_up"
    stage.later(seconds=5)
    assert backup(type="log")["changed"]
    assert not backup(type="log", max_age=60)["changed"]
    assert len(stage.backups()) == 2


def test_a_chain(new_stage, backup):
    stage = new_stage()
    backup()
    copy_only_is_no_base = backup(type="differential")
    assert checks(copy_only_is_no_base)["base_backup"] == "fail"
    stage.later(seconds=5)
    backup(copy_only=False)
    assert not backup(type="differential")["failed"]
    assert not backup(type="log")["failed"]
    assert [s["letter"] for s in stage.server["sets"]] == ["D", "D", "I", "L"]
    assert [p.rsplit("_", 2)[1] for p in stage.server["files"]] == ["FULL", "FULL", "DIFF", "LOG"]


def test_another_backup_is_never_written_over(new_stage, backup):
    stage = new_stage(second_per_statement=0)
    taken = "D:\\migration\\sales_FULL_20260131234100.bak"
    stage.change(files={taken: ["A-FOREIGN-BACKUP"]})
    done = backup()
    assert done["error"]["code"] == "backup_unusable"
    assert stage.server["files"][taken][0] == "A-FOREIGN-BACKUP"


def test_a_refusal_of_the_folder_stops_before_any_backup(new_stage, backup):
    refusal = {"on": "EXEC master.dbo.xp_create_subdir", "kind": "refuse", "number": 22048, "text": "Access is denied."}
    stage = new_stage(faults=[refusal])
    done = backup(folder="D:\\other")
    assert done["failed"]
    assert "Access is denied" in done["msg"]
    assert stage.backups() == []


def test_an_approved_plan_is_about_what_and_not_about_when(new_stage, backup, tmp_path):
    stage = new_stage(databases=THREE)
    rehearsed = backup(check=True)
    approved = tmp_path / "approved.json"
    approved.write_text(json.dumps(rehearsed))
    stage.later(hours=1)
    refused = backup(approved_plan=str(approved), copy_only=False)
    assert refused["error"]["code"] == "not_approved"
    assert stage.writes() == []
    assert not backup(approved_plan=str(approved))["failed"]
    stage.later(hours=48)
    assert not backup(approved_plan=rehearsed["fingerprint"])["failed"]


def test_a_missing_driver_is_named(new_stage, backup, monkeypatch):
    new_stage()
    monkeypatch.setitem(sys.modules, "pymssql", None)
    done = backup()
    assert done["error"]["code"] == "missing_library"
    assert "pymssql" in done["msg"]


@pytest.mark.parametrize(
    ("version", "encryption", "code"), [("2.2.6", "driver", "missing_library"), ("2.2.7", "require", "old_driver")]
)
def test_an_old_driver_is_told_so(new_stage, backup, monkeypatch, version, encryption, code):
    new_stage()
    monkeypatch.setattr(driver, "__version__", version)
    assert backup(encryption=encryption)["error"]["code"] == code


def test_what_the_driver_is_given(new_stage, backup, monkeypatch):
    new_stage()
    given = []
    real = driver.connect
    monkeypatch.setattr(driver, "connect", lambda **options: given.append(options) or real(**options))
    backup(host="sql01\\PROD", tds_version="7.4")
    backup(port=1444, encryption="driver", login_timeout=7)
    named, by_port = given[0], given[-1]
    assert named["server"] == "sql01\\PROD"
    assert "port" not in named
    assert (named["encryption"], named["tds_version"], named["autocommit"]) == ("require", "7.4", True)
    assert (by_port["server"], by_port["port"], by_port["login_timeout"]) == ("sql01", "1444", 7)
    assert "encryption" not in by_port
