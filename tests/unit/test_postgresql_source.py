# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""postgresql_source on real servers; what the server holds is asked over connections of the tests' own."""

from __future__ import annotations

import contextlib
import json
import threading
import time

import pytest
from ansible_collections.apsaradb.migration.tests.unit.postgresql_stage import (
    PASSWORD,
    address,
    checks,
    run,
    running,
    session,
    sql,
)

pytestmark = pytest.mark.processes

ACCOUNT, ACCOUNT_PASSWORD = 'mig "ration', "migrationSecret0001"
CIDR = "10.1.0.0/16"
READY = {
    "target_version": 15,
    "target_extensions": ["plpgsql"],
    "target_cidr": "127.0.0.1/32",
    "reserved_roles": [],
    "wal_keep_size": 0,
}


@pytest.fixture(scope="module")
def server():
    with running("source", max_prepared_transactions="5") as (one,):
        yield one


@pytest.fixture
def thawed(server):
    """The server, which is made writable afterwards whatever the test did."""
    yield server
    sql(server, "ALTER SYSTEM RESET default_transaction_read_only")
    sql(server, "SELECT pg_reload_conf()")
    while sql(server, "SHOW default_transaction_read_only") != [("off",)]:
        time.sleep(0.02)


def checked(server, **options):
    result = run("postgresql_source", state="checked", preflight="warn", **{**READY, **address(server), **options})
    assert not result["failed"], result
    assert result["changed"] is False
    return checks(result)


def source(server, state, *, check=False, **options):
    options = {"quiet_interval": 0.05, "wal_proof": "transactions", **address(server), **options}
    return run("postgresql_source", state=state, check=check, **options)


def ids(server):
    """How many transactions got an id: those that wrote. The WAL itself moves without any, by the server's own."""
    return sql(server, "SELECT txid_snapshot_xmax(txid_current_snapshot())")


@contextlib.contextmanager
def made(server, *statements, undo, database="postgres"):
    for statement in statements:
        sql(server, statement, database=database)
    try:
        yield
    finally:
        for statement in undo:
            sql(server, statement, database=database)


# checked


def test_a_good_source_passes(server):
    sql(server, "CREATE ROLE ready LOGIN CREATEROLE REPLICATION")
    sql(server, "GRANT pg_monitor TO ready")
    found = checked(server, account="ready")
    # The server of the tests listens to this machine only, which is what is wrong with it.
    assert {n: c["status"] for n, c in found.items() if c["status"] != "pass"} == {"listen_addresses": "fail"}
    assert "listen_addresses = '*'" in found["listen_addresses"]["remedy"]
    sql(server, "DROP ROLE ready")


def test_looking_writes_nothing(server):
    before = ids(server)
    checked(server)
    assert ids(server) == before


def test_what_is_not_given_is_unknown(server):
    given = dict.fromkeys(("target_version", "target_extensions", "target_cidr", "reserved_roles"))
    found = checked(server, **given)
    names = {"server_version", "hba_databases", "hba_replication", "account", "extensions", "reserved_roles"}
    assert {name for name, check in found.items() if check["status"] == "unknown"} == names


def test_a_source_that_cannot_stream():
    with running("poor", wal_level="minimal", max_wal_senders="0", max_replication_slots="0") as (poor,):
        found = checked(poor, wal_keep_size=64)
        result = run("postgresql_source", state="checked", **{**READY, **address(poor)})
    assert found["wal_level"]["status"] == "fail"
    assert found["wal_level"]["remedy"].startswith("ALTER SYSTEM SET wal_level = 'replica';")
    assert found["wal_senders"]["status"] == "fail"
    assert found["replication_slots"]["status"] == "warn"
    assert found["wal_keep_size"]["status"] == "warn"
    assert "wal_keep_size = '64MB'" in found["wal_keep_size"]["remedy"]
    # Without preflight: warn the task fails and names every one of them.
    assert result["failed"]
    assert result["error"]["code"] == "no_go"
    assert all(name in result["msg"] for name in ("wal_level", "wal_senders", "listen_addresses"))


BREAKAGES = {
    "unlogged_tables": (
        ["CREATE UNLOGGED TABLE u (i int)"],
        ["DROP TABLE u"],
        "warn",
        'ALTER TABLE "public"."u" SET LOGGED;',
    ),
    "event_triggers": (
        [
            "CREATE FUNCTION public.f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
            "CREATE EVENT TRIGGER loud ON ddl_command_end EXECUTE FUNCTION public.f()",
        ],
        ["DROP EVENT TRIGGER loud", "DROP FUNCTION public.f()"],
        "warn",
        'DROP EVENT TRIGGER "loud";',
    ),
    "slots_not_copied": (
        ["SELECT pg_create_physical_replication_slot('kept')"],
        ["SELECT pg_drop_replication_slot('kept')"],
        "warn",
        "Create on the target",
    ),
    "reserved_roles": (["CREATE ROLE aurora"], ["DROP ROLE aurora"], "fail", 'ALTER ROLE "aurora" RENAME TO'),
    "extensions": (["CREATE EXTENSION hstore"], ["DROP EXTENSION hstore"], "fail", 'DROP EXTENSION "hstore";'),
    "prepared_transactions": (
        ["BEGIN; CREATE TABLE p (i int); PREPARE TRANSACTION 'it''s'"],
        ["ROLLBACK PREPARED 'it''s'"],
        "warn",
        "ROLLBACK PREPARED 'it''s';",
    ),
    "glibc_indexes": (
        [
            "CREATE COLLATION spoken (provider = libc, locale = 'C.utf8')",
            'CREATE TABLE words (w text COLLATE spoken, c text COLLATE "C")',
            'CREATE INDEX "by ""word" ON words (w)',
            "CREATE INDEX safe ON words (c)",
            # No locale but C is installed everywhere; the catalog says what the check reads.
            "UPDATE pg_collation SET collcollate = 'en_US.UTF-8' WHERE collname = 'spoken'",
        ],
        ["DROP TABLE words", "DROP COLLATION spoken"],
        "warn",
        'REINDEX INDEX CONCURRENTLY "public"."by ""word"; ALTER DATABASE "postgres" REFRESH COLLATION VERSION;',
    ),
    "collation_versions": (
        [
            "CREATE COLLATION old (provider = icu, locale = 'en')",
            "UPDATE pg_collation SET collversion = '0' WHERE collname = 'old'",
        ],
        ["DROP COLLATION old"],
        "warn",
        'ALTER COLLATION "public"."old" REFRESH VERSION;',
    ),
}


@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_wrong_with_a_source_is_told_with_the_sql_to_run(server, name):
    statements, undo, status, remedy = BREAKAGES[name]
    assert checked(server, reserved_roles=["AURORA"])[name]["status"] == "pass"
    with made(server, *statements, undo=undo):
        found = checked(server, reserved_roles=["AURORA"])[name]
    assert found["status"] == status
    assert remedy in found["remedy"]
    if name == "glibc_indexes":
        assert "safe" not in found["detail"] + found["remedy"]


def test_other_databases_are_looked_at_as_well(server):
    with made(server, 'CREATE DATABASE "other ""db"', undo=['DROP DATABASE "other ""db"']):
        with made(server, "CREATE UNLOGGED TABLE u (i int)", undo=["DROP TABLE u"], database='other "db'):
            assert 'in other "db' in checked(server)["unlogged_tables"]["detail"]
        sql(server, 'ALTER DATABASE "other ""db" ALLOW_CONNECTIONS false')
        assert "it takes no connections" in checked(server)["databases_read"]["detail"]


def test_long_transactions_and_large_objects(server):
    number = sql(server, "SELECT lo_from_bytea(0, 'abc')")[0][0]
    with session(server, application_name="slow") as slow:
        slow.execute("BEGIN")
        pid = slow.info.backend_pid
        time.sleep(1.1)
        found = checked(server, long_transaction=1)
        slow.execute("ROLLBACK")
    sql(server, "SELECT lo_unlink(%s)", [number])
    assert found["long_transactions"]["remedy"] == f"SELECT pg_terminate_backend({pid});"
    assert found["large_objects"]["detail"].startswith("1 large objects")


def test_tablespaces(server):
    folder = server.folder / "space"
    folder.mkdir()
    server._home.give(folder)
    with made(server, f"CREATE TABLESPACE apart LOCATION '{folder}'", undo=["DROP TABLESPACE apart"]):
        assert checked(server)["tablespaces"]["status"] == "warn"


@pytest.mark.parametrize(
    ("attributes", "monitors", "said"),
    [
        ("LOGIN CREATEROLE REPLICATION", False, "GRANT pg_monitor TO"),
        ("NOLOGIN CREATEROLE REPLICATION", True, 'ALTER ROLE "mig" LOGIN;'),
        ("LOGIN", True, 'ALTER ROLE "mig" CREATEROLE REPLICATION;'),
        ("LOGIN CREATEROLE REPLICATION SUPERUSER", True, 'ALTER ROLE "mig" NOSUPERUSER;'),
        ("LOGIN CREATEROLE REPLICATION VALID UNTIL '2020-01-01'", True, "VALID UNTIL 'infinity'"),
    ],
)
def test_the_account_lacks_rights(server, attributes, monitors, said):
    grant = ["GRANT pg_monitor TO mig"] if monitors else []
    with made(server, f"CREATE ROLE mig {attributes}", *grant, undo=["DROP ROLE mig"]):
        found = checked(server, account="mig")["account"]
    assert found["status"] == "fail"
    assert said in found["remedy"]


def test_hba_of_a_real_server(server):
    found = checked(server, account="postgres2", target_cidr=CIDR)
    assert found["hba_databases"]["status"] == found["hba_replication"]["status"] == "fail"
    assert 'host replication "postgres2" 10.1.0.0/16 scram-sha-256' in found["hba_replication"]["remedy"]
    server.hba.insert(0, f"host all postgres2 {CIDR} scram-sha-256")
    server.reload()
    while len(sql(server, "SELECT 1 FROM pg_hba_file_rules")) < 5:
        time.sleep(0.02)
    found = checked(server, account="postgres2", target_cidr=CIDR)
    server.hba.pop(0)
    server.reload()
    assert (found["hba_databases"]["status"], found["hba_replication"]["status"]) == ("pass", "fail")


def test_an_account_without_rights_sees_less_and_says_so(server):
    made_small = made(server, "CREATE ROLE small LOGIN PASSWORD 'smallSecret0001'", undo=["DROP ROLE small"])
    with made_small, session(server):
        found = checked(server, user="small", password="smallSecret0001")
    assert found["hba_databases"]["status"] == found["long_transactions"]["status"] == "unknown"


def test_the_target_tells_what_it_has(server):
    with running("target") as (target,), made(server, "CREATE EXTENSION hstore", undo=["DROP EXTENSION hstore"]):
        found = checked(server, target=address(target), target_version=99, target_extensions=[])
    assert found["extensions"]["status"] == found["server_version"]["status"] == "pass"


# connections


@pytest.mark.parametrize(
    ("wrong", "code", "named"),
    [
        ({"password": "wrongSecret0001"}, "28P01", "password"),
        ({"user": "nobody there"}, "28P01", "user"),
        ({"database": "none"}, "3D000", "database"),
        ({"port": 1}, "unreachable", "port"),
        ({"host": "host.invalid"}, "host_not_found", "host"),
        ({"ssl_mode": "require"}, "ssl", "ssl_mode"),
    ],
)
def test_connections_that_fail_name_the_option(server, wrong, code, named):
    result = source(server, "checked", **wrong)
    assert result["failed"]
    assert result["error"]["code"] == code
    assert named in result["error"]["remedy"]
    assert "Secret0001" not in json.dumps(result)


def test_a_missing_library_is_named(server, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    result = source(server, "checked")
    assert result["error"]["code"] == "missing_library"
    assert "psycopg" in result["msg"]


def test_every_wrong_option_is_named_at_once(server):
    result = source(
        server, "checked", target_cidr="x", keep_sessions=[], server_settings={"fsync": "off"}, port=0, account="pg_x"
    )
    assert all(word in result["msg"] for word in ("target_cidr", "server_settings", "port", "account"))
    assert source(server, "frozen", keep_sessions=["everybody"])["error"]["code"] == "invalid_options"
    assert source(server, "prepared", account="postgres")["failed"]


# prepared


@pytest.fixture
def no_account(server):
    yield
    sql(server, "SELECT pg_reload_conf()")
    role = '"mig ""ration"'
    if sql(server, "SELECT 1 FROM pg_roles WHERE rolname = %s", [ACCOUNT]):
        sql(server, f"DROP ROLE {role}")
    for setting in ("wal_keep_size", "max_wal_senders", "listen_addresses"):
        sql(server, f"ALTER SYSTEM RESET {setting}")
    sql(server, "SELECT pg_reload_conf()")


def roles(server):
    return sql(
        server,
        "SELECT rolsuper, rolcanlogin, rolcreaterole, rolreplication, rolcreatedb, rolbypassrls,"
        " pg_has_role(oid, 'pg_monitor', 'member') FROM pg_roles WHERE rolname = %s",
        [ACCOUNT],
    )


def verifier(server):
    return sql(server, "SELECT rolpassword FROM pg_authid WHERE rolname = %s", [ACCOUNT])[0][0]


def test_the_account_is_made_once_and_works(server, no_account):
    options = {"account": ACCOUNT, "account_password": ACCOUNT_PASSWORD, "target_cidr": CIDR}
    before = ids(server)
    predicted = source(server, "prepared", check=True, **options)
    assert predicted["changed"]
    assert predicted["predicted"]
    assert (roles(server), ids(server)) == ([], before)
    done = source(server, "prepared", **options)
    assert done["state"] == "prepared"
    assert done["diff"] == predicted["diff"]
    assert done["plan"] == predicted["plan"]
    assert roles(server) == [(False, True, True, True, False, False, True)]
    assert sql(server, "SELECT current_user", user=ACCOUNT, password=ACCOUNT_PASSWORD) == [(ACCOUNT,)]
    assert done["hba_lines"] == [f'host {what} "mig ""ration" {CIDR} scram-sha-256' for what in ("all", "replication")]
    known, before = verifier(server), ids(server)
    again = source(server, "prepared", **options)
    assert not again["changed"]
    assert again["plan"] == []
    assert (verifier(server), ids(server)) == (known, before)
    assert ACCOUNT_PASSWORD not in json.dumps([predicted, done, again])


def test_a_password_changes_when_it_is_another_or_always(server, no_account):
    options = {"account": ACCOUNT, "account_password": ACCOUNT_PASSWORD}
    source(server, "prepared", **options)
    first = verifier(server)
    changed = source(server, "prepared", **{**options, "account_password": "anotherSecret0001"})
    assert [step["action"] for step in changed["plan"]] == ["ALTER ROLE PASSWORD"]
    assert verifier(server) != first
    assert sql(server, "SELECT 1", user=ACCOUNT, password="anotherSecret0001")
    second = verifier(server)
    assert source(server, "prepared", **{**options, "account_password": "anotherSecret0001"})["changed"] is False
    assert verifier(server) == second
    assert source(server, "prepared", update_password="always", **options)["changed"]
    assert verifier(server) != second


def test_a_password_is_in_no_log_of_the_server(server, no_account):
    sql(server, "ALTER SYSTEM SET log_statement = 'all'")
    sql(server, "SELECT pg_reload_conf()")
    time.sleep(0.2)
    source(server, "prepared", account=ACCOUNT, account_password=ACCOUNT_PASSWORD)
    sql(server, "ALTER SYSTEM RESET log_statement")
    sql(server, "SELECT pg_reload_conf()")
    log = server.log.read_text()
    assert "PASSWORD 'SCRAM-SHA-256$" in log
    assert ACCOUNT_PASSWORD not in log


def test_missing_rights_are_added_and_nothing_else(server, no_account):
    sql(server, 'CREATE ROLE "mig ""ration" LOGIN CREATEDB PASSWORD \'x\'')
    done = source(server, "prepared", account=ACCOUNT)
    assert [step["action"] for step in done["plan"]] == ["ALTER ROLE", "GRANT"]
    assert roles(server) == [(False, True, True, True, True, False, True)]


def test_a_superuser_is_no_migration_account(server, no_account):
    sql(server, 'CREATE ROLE "mig ""ration" SUPERUSER LOGIN')
    result = source(server, "prepared", account=ACCOUNT, account_password=ACCOUNT_PASSWORD)
    assert result["error"]["code"] == "no_go"
    assert roles(server)[0][0] is True
    assert result["changed"] is False


def test_settings_are_made_and_a_restart_is_left_to_the_user(server, no_account):
    settings = {"wal_keep_size": "1GB", "max_wal_senders": 12, "listen_addresses": "127.0.0.1, ::1"}
    options = {"account": ACCOUNT, "account_password": ACCOUNT_PASSWORD, "server_settings": settings}
    predicted = source(server, "prepared", check=True, **options)
    done = source(server, "prepared", **options)
    assert done["restart_needed"] == ["listen_addresses", "max_wal_senders"]
    assert done["diff"] == predicted["diff"]
    assert sql(server, "SHOW wal_keep_size") == [("1GB",)]
    assert sql(server, "SHOW max_wal_senders") == [("10",)]
    file = (server.data / "postgresql.auto.conf").read_text()
    assert "max_wal_senders = '12'" in file
    again = source(server, "prepared", **options)
    assert not again["changed"]
    assert again["restart_needed"] == ["listen_addresses", "max_wal_senders"]
    assert (server.data / "postgresql.auto.conf").read_text() == file


# frozen and writable


def test_a_frozen_source_refuses_writes_and_ends_sessions(thawed):
    import psycopg

    sql(thawed, "CREATE TABLE IF NOT EXISTS kept (i int)")
    app, open_transaction = session(thawed, application_name="app"), session(thawed, application_name="mid")
    open_transaction.execute("BEGIN")
    open_transaction.execute("INSERT INTO kept VALUES (1)")
    predicted = source(thawed, "frozen", check=True)
    assert app.execute("SELECT 1").fetchall() == [(1,)]
    assert sql(thawed, "SHOW default_transaction_read_only") == [("off",)]
    done = source(thawed, "frozen")
    assert done["state"] == "frozen"
    assert {other["application_name"] for other in done["sessions_ended"]} == {"app", "mid"}
    assert done["diff"] == predicted["diff"]
    for ended in (app, open_transaction):
        with pytest.raises(psycopg.OperationalError):
            ended.execute("SELECT 1")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        sql(thawed, "INSERT INTO kept VALUES (2)")
    assert sql(thawed, "SELECT count(*) FROM kept") == [(0,)]
    assert sql(thawed, "SELECT %s::pg_lsn <= pg_current_wal_flush_lsn()", [done["wal_position"]]) == [(True,)]
    # A session that began afterwards is read-only and may stay.
    with session(thawed) as reader:
        again = source(thawed, "frozen")
        assert reader.execute("SELECT 1").fetchall() == [(1,)]
    assert again["changed"] is False
    assert (again["state"], again["sessions_ended"]) == ("frozen", [])
    assert sql(thawed, "SELECT %s::pg_lsn >= %s::pg_lsn", [again["wal_position"], done["wal_position"]]) == [(True,)]


def test_the_setting_is_not_in_the_wal(thawed):
    """A standby that replays the freezing is writable once promoted: nothing of it is in the catalog."""
    source(thawed, "frozen")
    assert sql(thawed, "SELECT count(*) FROM pg_db_role_setting") == [(0,)]
    assert "default_transaction_read_only = 'on'" in (thawed.data / "postgresql.auto.conf").read_text()


def test_writable_takes_back_what_frozen_did(thawed):
    before = (thawed.data / "postgresql.auto.conf").read_text()
    source(thawed, "frozen")
    predicted = source(thawed, "writable", check=True)
    assert sql(thawed, "SHOW default_transaction_read_only") == [("on",)]
    done = source(thawed, "writable")
    assert (
        done["diff"]
        == predicted["diff"]
        == {
            "before": {"default_transaction_read_only": "on"},
            "after": {"default_transaction_read_only": "off"},
        }
    )
    sql(thawed, "CREATE TABLE written (i int)")
    sql(thawed, "DROP TABLE written")
    assert (thawed.data / "postgresql.auto.conf").read_text() == before
    again = source(thawed, "writable")
    assert (again["changed"], again["state"]) == (False, "writable")


def test_the_wal_stands_still(thawed):
    """The strict proof, for which the server's last own records are waited for."""
    sql(thawed, "CREATE TABLE IF NOT EXISTS late (i int)")
    done = source(thawed, "frozen", wal_proof="still", wait_timeout=40, quiet_interval=0.2)
    assert done["wal_intervals"] == ["still", "still"]


def test_a_source_may_be_quiet_without_being_frozen(thawed):
    sql(thawed, "CREATE TABLE IF NOT EXISTS quiet (i int)")
    sql(thawed, "CREATE ROLE watcher LOGIN PASSWORD 'watcherSecret01'")
    watcher = {"user": "watcher", "password": "watcherSecret01"}
    try:
        with session(thawed):
            blind = source(thawed, "quiet", wait_timeout=0.3, **watcher)
        sql(thawed, "GRANT pg_monitor TO watcher")
        with session(thawed, application_name="app") as app:
            app.execute("BEGIN")
            app.execute("INSERT INTO quiet VALUES (1)")
            busy = source(thawed, "quiet", wait_timeout=0.3, **watcher)
            app.execute("COMMIT")
            done = source(thawed, "quiet", **watcher)
            app.execute("INSERT INTO quiet VALUES (2)")
    finally:
        sql(thawed, "DROP ROLE watcher")
    assert blind["failed"]
    assert "may not see the sessions of others" in blind["msg"]
    assert busy["failed"]
    assert "these write" in busy["msg"]
    assert (done["failed"], done["changed"], done["state"]) == (False, False, "quiet")
    assert sql(thawed, "SELECT %s::pg_lsn < pg_current_wal_insert_lsn()", [done["wal_position"]]) == [(True,)]
    assert sql(thawed, "SHOW default_transaction_read_only") == [("off",)]


def test_somebody_who_sets_himself_writable_is_found(thawed):
    sql(thawed, "CREATE TABLE IF NOT EXISTS sly (i int)")
    over = threading.Event()

    def write():
        with session(thawed, application_name="sly", options="-c default_transaction_read_only=off") as connection:
            while not over.is_set():
                connection.execute("INSERT INTO sly VALUES (1)")
                time.sleep(0.01)

    source(thawed, "frozen")
    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.2)
        result = source(thawed, "frozen", wait_timeout=0.5)
    finally:
        over.set()
        writer.join()
    assert result["failed"]
    assert (result["state"], result["wal_position"]) == ("read_only", None)
    assert "transactions still get ids" in result["msg"]


def test_an_open_transaction_of_a_kept_session_is_named(thawed):
    sql(thawed, "CREATE TABLE IF NOT EXISTS kept (i int)")
    with session(thawed, application_name="backup") as kept:
        kept.execute("BEGIN")
        kept.execute("INSERT INTO kept VALUES (1)")
        result = source(thawed, "frozen", keep_sessions=["application_name=backup"], wait_timeout=0.3)
        kept.execute("ROLLBACK")
        pid = kept.info.backend_pid
    assert result["error"]["code"] == "not_frozen"
    assert f"pid {pid} of postgres (backup)" in result["msg"]
    assert result["changed"] is True
    assert result["sessions_ended"] == []


def test_kept_sessions_are_kept(thawed):
    with session(thawed, application_name="backup") as kept, session(thawed, application_name="app") as app:
        done = source(thawed, "frozen", keep_sessions=["application_name=backup"])
        assert kept.execute("SELECT 1").fetchall() == [(1,)]
        assert app.pgconn.status == 0
    assert [other["application_name"] for other in done["sessions_ended"]] == ["app"]


@pytest.mark.parametrize(
    ("statements", "undo", "name", "remedy"),
    [
        (
            ["CREATE ROLE app", "ALTER ROLE app SET default_transaction_read_only = off"],
            ["DROP ROLE app"],
            "read_only_overrides",
            'ALTER ROLE "app" RESET default_transaction_read_only;',
        ),
        # PostgreSQL keeps the word as it was written, and takes every beginning of one that is not ambiguous.
        (
            ["CREATE ROLE app", "ALTER ROLE app SET default_transaction_read_only = 'f'"],
            ["DROP ROLE app"],
            "read_only_overrides",
            'ALTER ROLE "app" RESET default_transaction_read_only;',
        ),
        (
            ["ALTER DATABASE template1 SET default_transaction_read_only = off"],
            ["ALTER DATABASE template1 RESET default_transaction_read_only"],
            "read_only_overrides",
            'ALTER DATABASE "template1" RESET default_transaction_read_only;',
        ),
        (
            ["BEGIN; CREATE TABLE p (i int); PREPARE TRANSACTION 'later'"],
            ["ROLLBACK PREPARED 'later'"],
            "prepared_transactions",
            "ROLLBACK PREPARED 'later';",
        ),
        (
            [
                "CREATE SUBSCRIPTION s CONNECTION 'host=nowhere' PUBLICATION p WITH (connect = false)",
                "ALTER SUBSCRIPTION s ENABLE",
            ],
            ["ALTER SUBSCRIPTION s DISABLE", "ALTER SUBSCRIPTION s SET (slot_name = NONE)", "DROP SUBSCRIPTION s"],
            "subscriptions",
            'ALTER SUBSCRIPTION "s" DISABLE;',
        ),
    ],
)
def test_what_would_write_in_spite_of_it_stops_before_anything_is_done(thawed, statements, undo, name, remedy):
    with made(thawed, *statements, undo=undo):
        result = source(thawed, "frozen")
        assert sql(thawed, "SHOW default_transaction_read_only") == [("off",)]
    assert result["error"]["code"] == "no_go"
    assert remedy in checks(result)[name]["remedy"]


def test_a_small_administrator_is_told_what_it_lacks_and_can_then_freeze(thawed):
    small = {"user": "small", "password": "smallSecret0001"}
    sql(thawed, "CREATE ROLE small LOGIN PASSWORD 'smallSecret0001'")
    try:
        refused = source(thawed, "frozen", **small)
        remedy = checks(refused)["administrative_rights"]["remedy"]
        for statement in remedy.split(": ", 1)[1].rstrip(";").split("; "):
            sql(thawed, statement)
        sql(thawed, "CREATE ROLE app LOGIN PASSWORD 'appSecret00001'")
        with session(thawed, user="app", password="appSecret00001"):
            done = source(thawed, "frozen", **small)
        assert (done["failed"], done["state"]) == (False, "frozen")
        assert [other["user"] for other in done["sessions_ended"]] == ["app"]
        assert source(thawed, "writable", **small)["state"] == "writable"
        # It may not end what belongs to a superuser, and says so before it does anything.
        with session(thawed):
            stopped = source(thawed, "frozen", **small)
        assert checks(stopped)["sessions"]["status"] == "fail"
        assert sql(thawed, "SHOW default_transaction_read_only") == [("off",)]
    finally:
        sql(thawed, "ALTER SYSTEM RESET default_transaction_read_only")
        sql(thawed, "REVOKE ALTER SYSTEM ON PARAMETER default_transaction_read_only FROM small")
        sql(thawed, "DROP OWNED BY small")
        sql(thawed, "DROP ROLE small")
        sql(thawed, "DROP ROLE IF EXISTS app")


def test_read_only_by_somebody_else_is_left_alone(thawed):
    thawed.settings["default_transaction_read_only"] = "on"
    thawed.reload()
    try:
        while sql(thawed, "SHOW default_transaction_read_only") != [("on",)]:
            time.sleep(0.02)
        frozen = source(thawed, "frozen")
        stopped = source(thawed, "writable")
    finally:
        del thawed.settings["default_transaction_read_only"]
        thawed.reload()
    assert (frozen["changed"], frozen["state"]) == (False, "frozen")
    assert checks(stopped)["read_only_setting"]["status"] == "fail"
    assert "conf.conf" in checks(stopped)["read_only_setting"]["detail"]


def test_an_approved_plan_is_enforced(thawed):
    rehearsed = source(thawed, "frozen", check=True)
    fingerprint = rehearsed["fingerprint"]
    refused = source(thawed, "frozen", approved_plan="sha256:" + "0" * 64)
    assert refused["error"]["code"] == "not_approved"
    assert source(thawed, "frozen", approved_plan=fingerprint)["state"] == "frozen"


def test_the_password_is_in_no_name_of_a_session(thawed):
    seen = []
    over = threading.Event()

    def watch():
        with session(thawed, application_name="watch") as connection:
            while not over.is_set():
                seen.extend(connection.execute("SELECT application_name, query FROM pg_stat_activity").fetchall())

    watcher = threading.Thread(target=watch)
    watcher.start()
    result = source(thawed, "frozen", keep_sessions=["application_name=watch"])
    over.set()
    watcher.join()
    assert any(name.startswith("apsaradb.migration") for name, _query in seen)
    assert PASSWORD not in json.dumps([result, [str(row) for row in seen]])
