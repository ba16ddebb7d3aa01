# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""postgresql_compare on real servers that hold the same, and then do not."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import threading
import time

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import (
    postgresql_compare,
    postgresql_connection,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import postgresql_comparison
from ansible_collections.apsaradb.migration.tests.unit.comparison_stage import (
    READER,
    WRONG,
    assert_wrong_password_is_named_and_not_told,
    comparing,
    is_equal,
    told,
)
from ansible_collections.apsaradb.migration.tests.unit.postgresql_stage import (
    PASSWORD,
    address,
    make_server,
    run,
    running,
    session,
    sql,
)

pytestmark = pytest.mark.processes

LONG = "ä" * 31 + "z"  # 63 bytes
ODD = "odd \"name\" with 'quotes', 100% and a checkpoint"
SETUP = f"""
CREATE SCHEMA "My Schema";
CREATE TABLE items (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10, 2), at timestamptz, doc jsonb,
    ratio float8, raw bytea, tags text[]);
INSERT INTO items SELECT i, 'name ' || i, i * 1.25, '2026-01-01'::timestamptz + i * interval '1 s',
    jsonb_build_object('i', i), i / 7.0, decode(md5(i::text), 'hex'), ARRAY['a', i::text]
    FROM generate_series(1, 500) i;
CREATE TABLE twins (v text, w text);
INSERT INTO twins VALUES ('a', 'b'), ('a', 'b'), ('c', NULL), ('', NULL), (NULL, ''), ('x,y', 'z'), ('x', 'y,z');
CREATE TABLE "My Schema"."{ODD.replace('"', '""')}" ("{LONG}" int, "%s {{}}" text, "a ""b" date);
INSERT INTO "My Schema"."{ODD.replace('"', '""')}" VALUES (1, 'x', '2026-01-01'), (2, NULL, 'infinity');
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE parts (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts VALUES (1, 'one'), (2, 'two');
CREATE SEQUENCE counter INCREMENT 5;
CREATE SEQUENCE numbers INCREMENT 5;
SELECT nextval('counter'), nextval('numbers') FROM generate_series(1, 3);
CREATE INDEX items_name ON items (name);
CREATE INDEX items_at ON items (at);
CREATE VIEW cheap AS SELECT * FROM items WHERE price < 10;
CREATE MATERIALIZED VIEW summary AS SELECT count(*) AS n FROM items;
CREATE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 2 * i';
CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER watch BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION noticed();
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE EXTENSION hstore;
GRANT SELECT ON items, cheap TO reader;
ALTER TABLE twins ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON twins USING (true);
SELECT lo_from_bytea(4711, 'large'), lo_from_bytea(4712, '');
"""


@pytest.fixture(scope="module")
def pair():
    with running("source", "target") as servers:
        for server in servers:
            sql(server, "CREATE ROLE reader LOGIN PASSWORD 'readerSecret0001'")
            sql(server, "CREATE ROLE owner NOLOGIN")
            sql(server, 'CREATE DATABASE "shop db"')
            sql(server, SETUP, database="shop db")
        yield servers


@pytest.fixture
def fresh(pair):
    """A database of a test's own on both sides."""
    for server in pair:
        sql(server, "CREATE DATABASE fresh")
    yield pair
    for server in pair:
        sql(server, "DROP DATABASE fresh WITH (FORCE)")


@contextlib.contextmanager
def frozen(server):
    done = run("postgresql_source", state="frozen", wal_proof="transactions", quiet_interval=0.05, **address(server))
    assert done["state"] == "frozen", done
    try:
        yield
    finally:
        assert run("postgresql_source", state="writable", **address(server))["state"] == "writable"


compare = comparing("postgresql_compare", address, ["shop db"])


def write(server, statement, database="shop db"):
    """In spite of a server that is read-only by default."""
    with session(server, database=database, options="-c default_transaction_read_only=off") as connection:
        connection.execute(statement)


def test_equal_with_a_frozen_source_only(pair):
    loose = compare(pair)
    assert (loose["verdict"], loose["differences"], loose["unread"]) == ("consistent", [], [])
    assert loose["not_equal_because"] == ["the source was not frozen: it is not read-only"]
    with frozen(pair[0]):
        result = compare(pair, require="equal")
        everything = compare(pair, databases=[])
    assert (result["failed"], result["verdict"], result["changed"]) == (False, "equal", False)
    assert result["source_frozen"]
    assert everything["verdict"] == "equal", everything["summary"]
    assert [database["name"] for database in everything["databases"]] == ["postgres", "shop db"]
    (shop,) = result["databases"]
    assert shop["rows"] == 500 + 7 + 2 + 1 + 2 + 1
    assert shop["large_objects"] == 2
    names = {(table["schema"], table["name"]) for table in result["tables"]}
    assert ("My Schema", ODD) in names
    assert ("public", "summary") in names
    assert all(table["equal"] for table in result["tables"])


def test_order_of_rows_and_columns_and_place_do_not_matter(fresh):
    sql(fresh[0], "CREATE TABLE t (a int, b text)", database="fresh")
    sql(fresh[1], "CREATE TABLE t (b text, junk int, a int)", database="fresh")
    sql(fresh[1], "ALTER TABLE t DROP COLUMN junk", database="fresh")
    sql(fresh[0], "INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 5000) i", database="fresh")
    sql(fresh[1], "INSERT INTO t (a, b) SELECT i, 'x' FROM generate_series(5000, 1, -1) i", database="fresh")
    sql(fresh[1], "UPDATE t SET b = 'row ' || a", database="fresh")
    assert compare(fresh, databases=["fresh"])["verdict"] == "consistent"


# Each is for a copy of a table.
CHANGED_ROWS = (
    ("items", "UPDATE {t} SET price = price + 0.01 WHERE id = 250"),
    ("items", "DELETE FROM {t} WHERE id = 250"),
    # A value that moves to another row leaves every column with the same values.
    ("items", "UPDATE {t} SET name = CASE id WHEN 1 THEN 'name 2' ELSE 'name 1' END WHERE id IN (1, 2)"),
    # The same number of rows, one of them twice and another gone.
    ("twins", "UPDATE {t} SET v = 'a', w = 'b' WHERE v = 'c'"),
    # Two rows that are alike become two others that are alike: XOR would lose both pairs.
    ("twins", "UPDATE {t} SET v = 'q' WHERE v = 'a'"),
    ("twins", "UPDATE {t} SET w = '' WHERE v = ''"),
    ("twins", "UPDATE {t} SET v = 'x', w = 'y,z' WHERE v = 'x,y'"),
    ("nothing", "INSERT INTO {t} DEFAULT VALUES"),
)


def test_what_differs_in_rows_is_found(pair):
    """Each statement on a copy of its own; the others stay equal."""
    copies = [f"copies.t{number}" for number in range(len(CHANGED_ROWS))]
    tables = [*((table, copy) for copy, (table, _statement) in zip(copies, CHANGED_ROWS, strict=True))]
    tables += [(table, f"copies.same_{table}") for table in ("items", "twins", "nothing")]
    made = ";".join(f"CREATE TABLE {copy} AS TABLE {table}" for table, copy in tables)
    changes = [statement.format(t=copy) for copy, (_table, statement) in zip(copies, CHANGED_ROWS, strict=True)]
    for server in pair:
        sql(server, f"CREATE SCHEMA copies; {made}", database="shop db")
    try:
        sql(pair[1], ";".join(changes), database="shop db")
        result = compare(pair, schemas=["copies"])
    finally:
        for server in pair:
            sql(server, "DROP SCHEMA copies CASCADE", database="shop db")
    assert set(told(result)) == {("contents", copy, "different") for copy in copies}
    assert result["verdict"] == "different"


@contextlib.contextmanager
def changed(server, *statements):
    """In a copy of the database, which is gone afterwards."""
    sql(server, 'CREATE DATABASE kept TEMPLATE "shop db"')
    try:
        sql(server, ";".join(statements), database="shop db")
        yield
    finally:
        sql(server, 'DROP DATABASE "shop db" WITH (FORCE)')
        sql(server, 'ALTER DATABASE kept RENAME TO "shop db"')


# No two of them are about the same thing, so that none is found in place of another.
CHANGED_DEFINITIONS = {
    "UPDATE parts SET v = 'zwei' WHERE k = 2": ("contents", "public.parts_1", "different"),
    "DELETE FROM items WHERE id > 499": ("contents", "public.items", "different"),
    "REFRESH MATERIALIZED VIEW summary": ("contents", "public.summary", "different"),
    "SELECT lo_put(4711, 0, 'LARGE')": ("large_objects", "pg_catalog.pg_largeobject", "different"),
    "SELECT lo_unlink(4712)": ("large_objects", "pg_catalog.pg_largeobject_metadata", "different"),
    "SELECT setval('counter', 1000)": ("sequence_values", "public.counter", "different"),
    "SELECT setval('numbers', 6)": ("sequence_values", "public.numbers", "different"),
    "ALTER SEQUENCE counter CACHE 9": ("sequences", "public.counter", "different"),
    "DROP INDEX items_name": ("indexes", "public.items_name", "missing_on_target"),
    "CREATE INDEX added ON items (price)": ("indexes", "public.added", "only_on_target"),
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'items_at'::regclass": (
        "indexes",
        "public.items_at",
        "different",
    ),
    "ALTER TABLE items ADD CHECK (id > 0)": ("constraints", "public.items items_id_check", "only_on_target"),
    "CREATE OR REPLACE VIEW cheap AS SELECT * FROM items WHERE price < 11": ("views", "public.cheap", "different"),
    "CREATE OR REPLACE FUNCTION twice(i int) RETURNS int LANGUAGE sql AS 'SELECT 3 * i'": (
        "functions",
        "public.twice(i integer)",
        "different",
    ),
    "ALTER TABLE items DISABLE TRIGGER watch": ("triggers", "public.items watch", "different"),
    "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'": ("types", "public.mood", "different"),
    "CREATE EXTENSION citext": ("extensions", "citext", "only_on_target"),
    "ALTER POLICY mine ON twins USING (false)": ("policies", "public.twins mine", "different"),
    "GRANT INSERT ON items TO reader": ("privileges", "public.relation items", "different"),
    "REVOKE SELECT ON cheap FROM reader": ("privileges", "public.relation cheap", "different"),
    "ALTER TABLE parts OWNER TO owner": ("privileges", "public.relation parts", "different"),
    "DROP TABLE nothing": ("tables", "public.nothing", "missing_on_target"),
    "CREATE TABLE extra (i int)": ("tables", "public.extra", "only_on_target"),
    "ALTER TABLE twins ALTER v TYPE varchar(9)": ("tables", "public.twins", "different"),
    "CREATE SCHEMA added": ("schemas", "added", "only_on_target"),
}
# What comes and goes has privileges.
CHANGED_ALONG = {
    ("privileges", "public.relation nothing", "missing_on_target"),
    ("privileges", "public.relation extra", "only_on_target"),
    ("privileges", "added.schema", "only_on_target"),
}


def test_what_differs_in_definitions_is_found(pair):
    with changed(pair[1], *CHANGED_DEFINITIONS):
        result = compare(pair)
    assert set(told(result)) == {*CHANGED_DEFINITIONS.values(), *CHANGED_ALONG}
    assert result["verdict"] == "different"


def test_a_sequence_that_is_a_little_further_on_is_no_difference(pair):
    """A standby goes on a little later; see there."""
    with changed(pair[1], "SELECT nextval('counter')"):
        result = compare(pair)
    assert (result["verdict"], result["databases"][0]["sequences_ahead"]) == ("consistent", 1)


CHANGED_BESIDE = (
    ("ALTER ROLE reader CREATEDB", "ALTER ROLE reader NOCREATEDB", ("roles", "reader", "different")),
    ("GRANT pg_monitor TO owner", "REVOKE pg_monitor FROM owner", ("roles", "owner", "different")),
    ("CREATE ROLE extra", "DROP ROLE extra", ("roles", "extra", "only_on_target")),
    (
        "ALTER ROLE reader SET work_mem = '1MB'",
        "ALTER ROLE reader RESET work_mem",
        ("settings", "role reader database work_mem", "only_on_target"),
    ),
    (
        'ALTER DATABASE "shop db" CONNECTION LIMIT 5',
        'ALTER DATABASE "shop db" CONNECTION LIMIT -1',
        ("databases", "shop db", "different"),
    ),
    (
        'REVOKE CONNECT ON DATABASE "shop db" FROM PUBLIC',
        'GRANT CONNECT ON DATABASE "shop db" TO PUBLIC',
        ("database_privileges", "shop db", "different"),
    ),
)


def test_what_differs_beside_the_databases(pair):
    statements, undo, expected = zip(*CHANGED_BESIDE, strict=True)
    sql(pair[1], ";".join(statements))
    try:
        result = compare(pair)
        without = compare(pair, exclude_kinds=sorted({kind for kind, _name, _difference in expected}))
    finally:
        sql(pair[1], ";".join(undo))
    assert set(told(result)) == set(expected)
    assert without["verdict"] == "consistent"


def test_a_database_that_is_missing(fresh):
    sql(fresh[0], "CREATE DATABASE lost")
    try:
        result = compare(fresh, databases=["lost", "fresh"])
        blind = compare(fresh, databases=["lost", "fresh"], exclude_kinds=["databases", "database_privileges"])
    finally:
        sql(fresh[0], "DROP DATABASE lost")
    assert ("databases", "lost", "missing_on_target") in told(result)
    assert (blind["verdict"], blind["unread"]) == ("unknown", ["database lost, which is not on the target"])
    assert compare(fresh, databases=["no such"])["error"]["code"] == "invalid_options"


def md5_of(row):
    """The halves of a row's digest, as numbers."""
    digest = hashlib.md5(row.encode(), usedforsecurity=False).digest()
    return [int.from_bytes(half, "big") for half in (digest[:8], digest[8:])]


def test_one_row_in_a_million(fresh):
    """Every range of blocks is read, on both sides, and each row counts, once."""
    for server in fresh:
        # As cheap as a million rows can be, and half of each block empty, so that they are more than one range.
        sql(server, "CREATE UNLOGGED TABLE big (id int, v int) WITH (fillfactor = 50)", database="fresh")
        sql(server, "INSERT INTO big SELECT i, i FROM generate_series(1, 1000000) i", database="fresh")
    blocks = sql(fresh[0], "SELECT pg_relation_size('big') / 8192", database="fresh")[0][0]
    assert blocks > 8192, "more than one range is wanted"
    options = {"databases": ["fresh"], "parallel": 2}
    with frozen(fresh[0]):
        same = compare(fresh, hash_function="server", **options)
        write(fresh[1], "UPDATE big SET v = 0 WHERE id = 777777", "fresh")
        different = compare(fresh, **options)
    assert (same["verdict"], same["rows"]) == ("equal", 1000000)
    assert told(different) == [("contents", "public.big", "different")]
    assert different["tables"][0]["rows"] == {"source": 1000000, "target": 1000000}
    # Between the two sums is that row, and nothing else.
    here, there = ([int(text[:16], 16), int(text[16:], 16)] for text in different["tables"][0]["hash"].values())
    for mine, other, before, after in zip(here, there, md5_of("(777777,777777)"), md5_of("(777777,0)"), strict=True):
        assert (mine - other) % 2**64 == (before - after) % 2**64


def test_what_a_task_may_require(fresh):
    for server in fresh:
        sql(server, "CREATE TABLE t (i int); INSERT INTO t VALUES (1)", database="fresh")
    options = {"databases": ["fresh"]}
    with frozen(fresh[0]):
        assert compare(fresh, require="equal", **options)["verdict"] == "equal"
        write(fresh[1], "UPDATE t SET i = 2", "fresh")
        counted = compare(fresh, contents="count", require="no_difference", **options)
        failed = compare(fresh, require="no_difference", **options)
        quick = compare(fresh, hash_function="server", **options)
    assert (counted["failed"], counted["verdict"]) == (False, "consistent")
    assert counted["not_equal_because"] == ["contents were not compared"]
    assert failed["failed"]
    assert failed["error"]["code"] == "not_equal"
    assert "contents public.t: different" in failed["msg"]
    assert told(failed) == told(quick) == [("contents", "public.t", "different")]


def test_a_sample_is_never_equal(fresh):
    for server in fresh:
        sql(server, "CREATE TABLE big (id int, v text)", database="fresh")
        sql(server, "INSERT INTO big SELECT i, repeat('x', 1000) FROM generate_series(1, 12000) i", database="fresh")
    with frozen(fresh[0]):
        sample = compare(fresh, databases=["fresh"], sample_percent=10)
        write(fresh[1], "UPDATE big SET v = 'y'", "fresh")
        different = compare(fresh, databases=["fresh"], sample_percent=10)
    assert sample["verdict"] == "consistent_sample"
    (table,) = sample["tables"]
    assert table["sampled"]
    assert 0 < table["rows"]["source"] < 6000
    assert different["verdict"] == "different"
    assert compare(fresh, databases=["fresh"], sample_percent=10, require="equal")["error"]["code"] == "invalid_options"


def test_a_source_that_is_written_to_is_not_equal(fresh):
    for server in fresh:
        sql(server, "CREATE TABLE busy (i int); CREATE TABLE log (i int)", database="fresh")
        sql(server, "INSERT INTO busy SELECT generate_series(1, 200000)", database="fresh")
    over = threading.Event()

    def write_on():
        with session(fresh[0], database="fresh", options="-c default_transaction_read_only=off") as connection:
            while not over.is_set():
                connection.execute("INSERT INTO log VALUES (1); DELETE FROM log")
                time.sleep(0.01)

    writer = threading.Thread(target=write_on)
    with frozen(fresh[0]):
        writer.start()
        try:
            time.sleep(1.2)  # what a session wrote is counted once a second
            result = compare(fresh, databases=["fresh"], tables=["public.busy"])
        finally:
            over.set()
            writer.join()
    assert result["verdict"] == "consistent"
    assert not result["source_frozen"]
    assert "transactions got an id" in result["not_equal_because"][0]


def test_tables_of_one_side_fit_together(fresh, monkeypatch):
    """What is written after the snapshot was taken is in no table that any connection reads."""
    for server in fresh:
        sql(server, "CREATE TABLE a (i int); CREATE TABLE b (i int)", database="fresh")
        sql(server, "INSERT INTO a SELECT generate_series(1, 1000)", database="fresh")
    original = postgresql_compare.Work.run

    def run_later(work, pairs):
        moved = "WITH gone AS (DELETE FROM a RETURNING i) INSERT INTO b SELECT i FROM gone"
        sql(fresh[0], moved, database="fresh")
        return original(work, pairs)

    monkeypatch.setattr(postgresql_compare.Work, "run", run_later)
    result = compare(fresh, databases=["fresh"])
    assert {t["name"]: t["rows"]["source"] for t in result["tables"]} == {"a": 1000, "b": 0}
    assert sql(fresh[0], "SELECT count(*) FROM b", database="fresh") == [(1000,)]
    assert result["verdict"] == "consistent"


def test_maintenance_is_no_write(fresh):
    """Autovacuum gets ids for what it analyses; a manual ANALYZE stands for it here."""
    for server in fresh:
        sql(server, "CREATE TABLE t AS SELECT generate_series(1, 300000) AS i", database="fresh")
    analysed = threading.Event()

    def analyse():
        time.sleep(0.1)
        write(fresh[0], "ANALYZE t", "fresh")
        analysed.set()

    with frozen(fresh[0]):
        thread = threading.Thread(target=analyse)
        thread.start()
        result = compare(fresh, databases=["fresh"])
        assert analysed.is_set(), "the comparison was too quick for this test"
        thread.join()
    assert result["verdict"] == "equal", result["not_equal_because"]


def test_what_may_not_be_read_is_unknown(pair):
    result = compare(pair, source=READER)
    assert result["verdict"] == "unknown"
    text = "\n".join(result["unread"])
    assert "table public.twins" in text
    assert "permission denied" in text
    assert "sequence public.counter" in text
    assert "pg_largeobject" in text
    assert is_equal(result, "items") is True


def test_row_security_is_no_smaller_table(fresh):
    for server in fresh:
        sql(server, "CREATE TABLE t (i int); ALTER TABLE t ENABLE ROW LEVEL SECURITY", database="fresh")
        sql(server, "INSERT INTO t VALUES (1); GRANT SELECT ON t TO reader", database="fresh")
    result = compare(fresh, source=READER, databases=["fresh"])
    assert "row-level security" in "\n".join(result["unread"])


def test_a_locked_table_is_unknown_and_the_others_are_not(fresh, monkeypatch):
    original = postgresql_comparison.read_server

    def impatient(options, *, label, prefix=""):
        return original(options, label=label, prefix=prefix)._replace(lock_timeout=0.2)

    monkeypatch.setattr(postgresql_comparison, "read_server", impatient)
    for server in fresh:
        sql(server, "CREATE TABLE locked (i int); CREATE TABLE open (i int)", database="fresh")
    with session(fresh[0], database="fresh") as locker:
        locker.execute("BEGIN; LOCK TABLE locked")
        result = compare(fresh, databases=["fresh"])
        locker.execute("ROLLBACK")
    assert result["verdict"] == "unknown"
    assert "table public.locked" in result["unread"][0]
    assert is_equal(result, "open") is True


def test_a_promoted_standby_is_equal(pair):
    """A physical copy: its sequences go on after what the WAL holds, and that is no difference."""
    source = pair[0]
    # The WAL knows a sequence as further on than it is.
    sql(source, "SELECT nextval('counter')", database="shop db")
    copy = make_server("copy")
    try:
        copy.stop()
        shutil.rmtree(copy.data)
        assert copy.spawn_copy("127.0.0.1", source.port, "postgres", PASSWORD).wait(60) == 0, copy.last_words()
        copy.clean_copied_settings()
        copy.become_standby(f"host=127.0.0.1 port={source.port} user=postgres password={PASSWORD}")
        copy.start()
        sql(source, "SELECT nextval('counter')", database="shop db")
        with frozen(source):
            wal = sql(source, "SELECT pg_current_wal_flush_lsn()::text")[0][0]
            deadline = time.monotonic() + 20
            while sql(copy, "SELECT pg_last_wal_replay_lsn() < %s::pg_lsn", [wal])[0][0]:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            standby = compare((source, copy), databases=[])
            copy.promote()
            promoted = compare((source, copy), databases=[])
            assert sql(copy, "SHOW default_transaction_read_only") == [("off",)]
            write(copy, "SELECT nextval('counter')")
            write(copy, "UPDATE items SET ratio = ratio + 1 WHERE id = 3")
            planted = compare((source, copy), databases=[])
    finally:
        copy.remove()
        # Both sides of the other tests are to be alike.
        sql(pair[1], "SELECT nextval('counter') FROM generate_series(1, 2)", database="shop db")
    assert (standby["verdict"], standby["target_in_recovery"]) == ("equal", True), standby["summary"]
    assert (promoted["verdict"], promoted["target_in_recovery"]) == ("equal", False), promoted["summary"]
    assert next(d for d in promoted["databases"] if d["name"] == "shop db")["sequences_ahead"] == 1
    assert ("contents", "public.items", "different") in told(planted)
    assert ("sequence_values", "public.counter", "different") in told(planted)


def test_sessions_cannot_write(pair):
    """The server refuses, whatever the statement is called; what it allows in spite of that is refused here."""
    server = postgresql_connection.Server("127.0.0.1", pair[0].port, "postgres", PASSWORD)
    with postgresql_connection.connect(server, read_only=True) as reader:
        for statement in (
            "CREATE TABLE w (i int)",
            "SELECT nextval('x')",
            "INSERT INTO pg_class SELECT * FROM pg_class",
        ):
            with pytest.raises(MigrationFailure) as refused:
                reader.read(statement)
            assert refused.value.code in ("25006", "42P01")
        before = pair[0].log.read_text()
        for statement in ("ALTER SYSTEM SET work_mem = 1", "CHECKPOINT", "SELECT pg_terminate_backend(1)"):
            with pytest.raises(MigrationFailure) as refused:
                reader.read(statement)
            assert refused.value.code == "read_only"
            with pytest.raises(MigrationFailure):
                reader.write(statement)
        assert pair[0].log.read_text() == before
    with postgresql_connection.connect(server, read_only=True, observes_defaults=True) as reader:
        with pytest.raises(MigrationFailure) as refused:
            reader.read("CREATE TABLE w (i int)")
        assert refused.value.code == "25006"


def test_the_same_server_twice_and_wrong_options(pair):
    assert compare((pair[0], pair[0]))["error"]["code"] == "same_server"
    wrong = compare(pair, sample_percent=100, parallel=0, most_tables=-1)
    assert all(word in wrong["msg"] for word in ("sample_percent", "parallel", "most_tables"))
    assert_wrong_password_is_named_and_not_told(compare(pair, target={"password": WRONG}), "28P01")


def test_differences_are_bounded(fresh):
    many = "; ".join(f"CREATE TABLE t{i} (i int)" for i in range(30))
    sql(fresh[0], many, database="fresh")
    result = compare(fresh, databases=["fresh"], most_differences=5)
    assert len(result["differences"]) == 5
    assert result["differences_count"] == 60  # the tables and their privileges
    assert any("55 more" in line for line in result["summary"])


def test_patterns_choose(pair):
    result = compare(pair, schemas=["public"], exclude_tables=["public.parts*", "public.t*"])
    assert {t["name"] for t in result["tables"]} == {"items", "nothing", "summary"}


def test_the_password_is_nowhere(pair):
    assert PASSWORD not in json.dumps(compare(pair))
