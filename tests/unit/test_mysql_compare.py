# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mysql_compare on real servers that hold the same, and then do not. MariaDB stands for MySQL."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pathlib
import tempfile
import threading
import time

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import (
    mysql_compare,
    mysql_compare_hash,
    mysql_connection,
    mysql_guard,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import mysql_comparison
from ansible_collections.apsaradb.migration.tests.unit.comparison_stage import (
    READER,
    WRONG,
    assert_wrong_password_is_named_and_not_told,
    comparing,
    is_equal,
    told,
)
from ansible_collections.apsaradb.migration.tests.unit.mysql_stage import address, running
from ansible_collections.apsaradb.migration.tests.unit.postgresql_stage import checks

pytestmark = pytest.mark.processes

ODD = "odd `name` with 'quotes', 100% and a dot."
SETUP = f"""
CREATE DATABASE shop;
USE shop;
CREATE TABLE shop.items (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(60) NOT NULL, price decimal(10, 2),
    at timestamp(3) NULL, on_day date, doc json, ratio double, small float, raw varbinary(16), flags bit(9),
    place point, mood enum('sad', 'ok'), tags set('x', 'y'), note longtext, half int AS (code div 2) STORED,
    twice int AS (code * 2) VIRTUAL, big bigint unsigned, code int(6) zerofill, u uuid,
    KEY name_key (name, price));
INSERT INTO shop.items (name, price, at, on_day, doc, ratio, small, raw, flags, place, mood, tags, note, big, code, u)
    SELECT concat('näme ', seq), seq * 1.25, '2026-01-01 00:00:00.5' + interval seq second, '2026-01-01', '{{"i": 1}}',
    seq / 7, seq / 3, unhex(md5(seq)), seq % 512, point(seq, 1), 'ok', 'x,y', repeat('n', if(seq = 1, 70000, 9)),
    18446744073709551615 - seq, seq, '123e4567-e89b-12d3-a456-426655440000' FROM seq_1_to_60;
CREATE TABLE shop.twins (v varchar(20), w varchar(20)) DEFAULT CHARSET latin1;
INSERT INTO shop.twins VALUES ('a', 'b'), ('a', 'b'), ('c', NULL), ('', NULL), (NULL, ''), ('x,1:y', 'z'), ('N', 'ü');
CREATE TABLE shop.{mysql_connection.identifier(ODD)} (`a ``b` int, `%s` text);
INSERT INTO shop.{mysql_connection.identifier(ODD)} VALUES (1, 'x'), (2, NULL);
CREATE TABLE shop.parent (id int PRIMARY KEY, k int NOT NULL DEFAULT 7 CHECK (k > 0), up datetime DEFAULT now()
    ON UPDATE now()) PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (100), PARTITION high VALUES LESS THAN
    MAXVALUE);
CREATE TABLE shop.child (id int PRIMARY KEY, item bigint, CONSTRAINT of_item FOREIGN KEY (item)
    REFERENCES shop.items (id) ON DELETE CASCADE);
CREATE TABLE shop.old (id int) ENGINE MyISAM;
INSERT INTO shop.old VALUES (1), (2);
CREATE VIEW shop.cheap AS SELECT id FROM shop.items WHERE price < 10;
CREATE FUNCTION shop.doubled(i int) RETURNS int DETERMINISTIC RETURN 2 * i;
CREATE PROCEDURE shop.nothing(IN a int, OUT b varchar(9)) SET b = a;
CREATE TRIGGER shop.watch BEFORE INSERT ON shop.twins FOR EACH ROW SET NEW.w = NEW.w;
CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY STARTS '2026-01-01' DISABLE DO DELETE FROM shop.twins WHERE 0;
CREATE SEQUENCE shop.numbers INCREMENT 5;
CREATE DATABASE other;
CREATE TABLE other.beat (id int PRIMARY KEY, at datetime);
CREATE USER reader IDENTIFIED BY 'readerSecret0001';
"""

# Without those that are computed.
COLUMNS = {
    "items": "id, name, price, at, on_day, doc, ratio, small, raw, flags, place, mood, tags, note, big, code, u",
    "twins": "v, w",
}


@pytest.fixture(scope="module")
def certificates():
    """An authority, another one, and what a server needs. Not among pytest's folders: servers are another user."""
    trustme = pytest.importorskip("trustme", reason="trustme is missing")
    with tempfile.TemporaryDirectory(prefix="certificates-") as folder:
        yield written_certificates(trustme, pathlib.Path(folder))


def written_certificates(trustme, folder):
    own, other = trustme.CA(), trustme.CA()
    own.cert_pem.write_to_path(str(folder / "ca.pem"))
    other.cert_pem.write_to_path(str(folder / "other.pem"))
    issued = own.issue_cert("localhost")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def pair(certificates):
    tls = {f"ssl-{name}": str(certificates / f"{name}.pem") for name in ("ca", "cert", "key")}
    ours = {**tls, "sql-mode": "ANSI_QUOTES,PAD_CHAR_TO_FULL_LENGTH"}
    with running("source", ours) as source, running("target", {"default-time-zone": "+02:00"}) as target:
        for server in (source, target):
            server.script("SET SESSION time_zone = '+00:00', sql_mode = '';" + SETUP)
        yield source, target


compare = comparing("mysql_compare", address, ["shop"])


def change(server, statement):
    server.script(f"SET SESSION time_zone = '+00:00', sql_mode = ''; USE shop; {statement}")


@contextlib.contextmanager
def changed(server, statement, undo):
    change(server, statement)
    try:
        yield
    finally:
        change(server, undo)


def position(server):
    (row,) = server.sql("SHOW MASTER STATUS")
    return f"{row['File']}:{row['Position']}"


def test_equal_with_a_quiet_source(pair):
    before = [position(server) for server in pair]
    result = compare(pair, databases=[], require="equal")
    assert [position(server) for server in pair] == before
    assert (result["failed"], result["verdict"], result["changed"]) == (False, "equal", False), result["unread"]
    assert result["binlog_position"] == {
        "source_begin": before[0],
        "source_end": before[0],
        "target_end": before[1],
    }
    assert result["gtid"]["source_begin"] == result["gtid"]["source_end"] != ""
    assert [database["name"] for database in result["databases"]] == ["other", "shop"]
    shop = result["databases"][1]
    assert shop["rows"] == 60 + 7 + 2 + 2
    assert shop["objects"] == {
        "tables": 6, "indexes": 5, "constraints": 3, "views": 1, "routines": 2, "triggers": 1, "events": 1,
        "definers": 5, "sequences": 1,
    }  # fmt: skip
    assert ODD in {table["name"] for table in result["tables"]}
    assert all(table["equal"] for table in result["tables"])
    assert {check["status"] for check in result["checks"]} == {"pass"}
    assert pair[0].admin_password not in json.dumps(result)


def test_the_hash_is_one_that_anybody_can_compute(pair):
    """Of texts and numbers as documented in mysql_compare_hash, here without any server."""
    values = [("a", "b"), ("a", "b"), ("c", None), ("", None), (None, ""), ("x,1:y", "z"), ("N", "ü")]
    texts = {
        "old": [b"R1,", b"R2,"],
        "twins": [
            b"R" + b"".join(b"N" if v is None else b"%d:%s" % (len(v), v.encode("latin1")) for v in row)
            for row in values
        ],
    }
    tables = {
        table["name"]: table["hash"]["source"] for table in compare(pair, tables=["shop.old", "shop.twins"])["tables"]
    }
    for name, rows in texts.items():
        digests = [hashlib.md5(row, usedforsecurity=False).digest() for row in rows]
        halves = (sum(int.from_bytes(digest[start : start + 8], "big") for digest in digests) for start in (0, 8))
        assert tables[name] == "".join(f"{half % 2**64:016x}" for half in halves)


# Of a copy of a table, which is called t here.
CHANGED_ITEMS = (
    "UPDATE t SET price = price + 0.01 WHERE id = 25",
    "UPDATE t SET ratio = ratio + 1e-13 WHERE id = 1",
    "UPDATE t SET small = small * 1.0000002 WHERE id = 1",
    "UPDATE t SET flags = 300 WHERE id = 9",
    "UPDATE t SET place = point(1, 2) WHERE id = 1",
    "UPDATE t SET note = concat(note, '!') WHERE id = 1",
    "UPDATE t SET big = big - 1 WHERE id = 3",
    "UPDATE t SET at = at + interval 1000 microsecond WHERE id = 60",
    "UPDATE t SET mood = NULL WHERE id = 1",
    "UPDATE t SET raw = left(raw, 15) WHERE id = 1",
    """UPDATE t SET doc = '{"i": 2}' WHERE id = 1""",
    "UPDATE t SET u = '123e4567-e89b-12d3-a456-426655440001' WHERE id = 2",
    "UPDATE t SET tags = 'x' WHERE id = 2",
    "UPDATE t SET id = 100 WHERE id = 60",
    "DELETE FROM t WHERE id = 60",
    # A value that moves to another row leaves every column with the same values.
    "UPDATE t SET name = concat('näme ', if(id = 1, 2, 1)) WHERE id < 3",
)
CHANGED_TWINS = (
    # The same number of rows, one of them twice and another gone.
    "UPDATE t SET v = 'a', w = 'b' WHERE v = 'c'",
    # Two rows that are alike become two others that are alike: XOR would lose both pairs.
    "UPDATE t SET v = 'q' WHERE v = 'a'",
    "UPDATE t SET w = '' WHERE v = ''",
    "UPDATE t SET v = NULL WHERE v = 'N'",
    "UPDATE t SET v = 'x', w = '1:y,z' WHERE w = 'z'",
    "UPDATE t SET v = 'A' WHERE v = 'a'",
    "UPDATE t SET v = 'c ' WHERE v = 'c'",
    "UPDATE t SET w = 'u' WHERE w = 'ü'",
)


def test_what_differs_in_rows_is_found(pair):
    """Each statement on a copy of its own; the others stay equal."""
    changes = [*(("items", one) for one in CHANGED_ITEMS), *(("twins", one) for one in CHANGED_TWINS)]
    copies = [(f"t{number}", table) for number, (table, _statement) in enumerate(changes)]
    copies += [("same_items", "items"), ("same_twins", "twins")]
    made = ";".join(
        f"CREATE TABLE copies.{name} LIKE shop.{table}; INSERT INTO copies.{name} ({COLUMNS[table]}) SELECT"
        f" {COLUMNS[table]} FROM shop.{table}"
        for name, table in copies
    )
    for server in pair:
        change(server, f"CREATE DATABASE copies; {made}")
    try:
        before = compare(pair, databases=["copies"])
        change(
            pair[1],
            "USE copies;" + ";".join(s.replace(" t ", f" t{n} ", 1) for n, (_table, s) in enumerate(changes)),
        )
        result = compare(pair, databases=["copies"])
    finally:
        for server in pair:
            server.script("DROP DATABASE copies")
    assert before["verdict"] == "equal", before["summary"]
    found = {name for kind, name, _difference in told(result) if kind == "contents"}
    assert [changes[int(name[1:])] for name, _table in copies[:-2] if name not in found] == []
    assert found.isdisjoint({"same_items", "same_twins"})


CHANGED_DEFINITIONS = (
    (
        "DROP INDEX name_key ON items",
        "CREATE INDEX name_key ON items (name, price)",
        ("indexes", "items name_key", "missing_on_target"),
    ),
    (
        "ALTER TABLE twins MODIFY v varchar(21)",
        "ALTER TABLE twins MODIFY v varchar(20)",
        ("tables", "twins", "different"),
    ),
    (
        "ALTER TABLE parent ALTER k SET DEFAULT 8",
        "ALTER TABLE parent ALTER k SET DEFAULT 7",
        ("tables", "parent", "different"),
    ),
    (
        "ALTER TABLE child DROP FOREIGN KEY of_item",
        "ALTER TABLE child ADD CONSTRAINT of_item FOREIGN KEY (item) REFERENCES items (id) ON DELETE CASCADE",
        ("constraints", "child of_item", "missing_on_target"),
    ),
    ("ALTER TABLE old ENGINE InnoDB", "ALTER TABLE old ENGINE MyISAM", ("tables", "old", "different")),
    (
        "CREATE OR REPLACE VIEW cheap AS SELECT id FROM shop.items WHERE price < 11",
        "CREATE OR REPLACE VIEW cheap AS SELECT id FROM shop.items WHERE price < 10",
        ("views", "cheap", "different"),
    ),
    (
        "CREATE OR REPLACE FUNCTION doubled(i int) RETURNS int DETERMINISTIC SQL SECURITY INVOKER RETURN 3 * i",
        "CREATE OR REPLACE FUNCTION doubled(i int) RETURNS int DETERMINISTIC RETURN 2 * i",
        ("routines", "function doubled", "different"),
    ),
    (
        "CREATE OR REPLACE PROCEDURE nothing(IN a int, INOUT b varchar(9)) SET b = a",
        "CREATE OR REPLACE PROCEDURE nothing(IN a int, OUT b varchar(9)) SET b = a",
        ("routines", "procedure nothing", "different"),
    ),
    (
        "CREATE OR REPLACE TRIGGER watch AFTER INSERT ON twins FOR EACH ROW SET @x = 1",
        "CREATE OR REPLACE TRIGGER watch BEFORE INSERT ON twins FOR EACH ROW SET NEW.w = NEW.w",
        ("triggers", "twins watch", "different"),
    ),
    ("ALTER EVENT nightly ENABLE", "ALTER EVENT nightly DISABLE", ("events", "nightly", "different")),
    (
        "ALTER DATABASE shop COLLATE utf8mb4_bin",
        "ALTER DATABASE shop COLLATE utf8mb4_general_ci",
        ("databases", "shop", "different"),
    ),
    ("CREATE TABLE extra (i int)", "DROP TABLE extra", ("tables", "extra", "only_on_target")),
    ("ALTER SEQUENCE numbers INCREMENT 6", "ALTER SEQUENCE numbers INCREMENT 5", ("sequences", "numbers", "different")),
)


def test_what_differs_in_definitions_is_found(pair):
    statements, undo, expected = zip(*CHANGED_DEFINITIONS, strict=True)
    with changed(pair[1], ";".join(statements), ";".join(undo)):
        result = compare(pair)
        without = compare(pair, exclude_kinds=sorted({kind for kind, _name, _difference in expected}))
    assert set(told(result)) == {*expected, ("definers", "function doubled", "different")}
    assert told(without) == [("definers", "function doubled", "different")]


def test_what_differs_in_parts_of_a_table(pair):
    with changed(
        pair[1],
        "ALTER TABLE parent DROP PARTITION high; ALTER TABLE twins ADD x int INVISIBLE",
        "ALTER TABLE parent ADD PARTITION (PARTITION high VALUES LESS THAN MAXVALUE); ALTER TABLE twins DROP x",
    ):
        result = compare(pair)
    assert told(result) == [("tables", "parent", "different"), ("tables", "twins", "different")]
    assert "columns x" in result["unread"][0]


def test_the_tests_leave_nothing_behind(pair):
    result = compare(pair)
    assert result["verdict"] == "equal", result["summary"]


def test_sequences_and_counters_of_rows(pair):
    pair[0].sql("SELECT NEXTVAL(shop.numbers)")
    pair[0].script("INSERT INTO shop.items (name) VALUES ('gone'); DELETE FROM shop.items WHERE name = 'gone'")
    behind = compare(pair)
    pair[1].sql("SELECT NEXTVAL(shop.numbers)")
    pair[1].script("INSERT INTO shop.items (name) VALUES ('gone'); DELETE FROM shop.items WHERE name = 'gone'")
    assert told(behind) == [("sequence_values", "numbers", "different")]
    assert behind["databases"][0]["auto_increments_behind"] == 1
    assert checks(behind)["auto_increments"]["status"] == "warn"
    assert compare(pair)["verdict"] == "equal"


def test_character_sets_and_order_do_not_matter_to_contents(pair):
    with changed(
        pair[1],
        "ALTER TABLE twins CONVERT TO CHARACTER SET utf8mb4; ALTER TABLE items MODIFY price decimal(10,2) FIRST",
        "ALTER TABLE twins CONVERT TO CHARACTER SET latin1; ALTER TABLE items MODIFY price decimal(10,2) AFTER name",
    ):
        result = compare(pair)
        rows = compare(pair, exclude_kinds=["tables"])
    assert {name for _kind, name, _difference in told(result)} == {"twins", "items"}
    assert (told(rows), rows["verdict"]) == ([], "equal")


def test_rows_that_cannot_be_compared_are_unknown(pair):
    undo = "ALTER TABLE twins MODIFY w varchar(20) CHARACTER SET latin1"
    with changed(pair[1], "ALTER TABLE twins MODIFY w varbinary(20)", undo):
        result = compare(pair, exclude_kinds=["tables"])
    assert result["verdict"] == "unknown"
    assert "twins" in result["unread"][0]
    assert "varbinary on the target" in result["unread"][0]


def test_one_row_in_many_parts(pair, monkeypatch):
    """Every range is read, on both sides, and each row counts, whatever its number."""
    monkeypatch.setattr(mysql_compare_hash, "BYTES_PER_PART", 200_000)
    for server in pair:
        server.script(
            "USE other; CREATE TABLE other.big (id bigint PRIMARY KEY, v varchar(40));"
            "INSERT INTO other.big SELECT CAST(seq AS signed) * 7 - 100000, md5(seq) FROM seq_1_to_20000;"
            "CREATE TABLE other.heap (id varchar(40), v varchar(40));"
            "INSERT INTO other.heap SELECT seq, md5(seq) FROM seq_1_to_4000"
        )
    options = {"databases": ["other"], "exclude_tables": ["other.beat"]}
    try:
        same = compare(pair, **options)
        slow = compare(pair, hash_function="sha256", **options)
        pair[1].sql("UPDATE other.big SET v = 'x' WHERE id = 39993")
        pair[1].sql("UPDATE other.heap SET v = 'x' WHERE id = 77")
        different = compare(pair, **options)
    finally:
        for server in pair:
            server.script("DROP TABLE other.big; DROP TABLE other.heap")
    assert (same["verdict"], slow["verdict"], same["rows"]) == ("equal", "equal", 24000)
    assert {t["hash"]["source"] for t in same["tables"]}.isdisjoint(t["hash"]["source"] for t in slow["tables"])
    assert told(different) == [("contents", "big", "different"), ("contents", "heap", "different")]


def test_rows_without_a_digest_are_unknown(pair):
    """The server makes NULL of a text that is longer than max_allowed_packet; such a row is not left out in silence."""
    (before,) = pair[1].sql("SELECT @@GLOBAL.max_allowed_packet AS size")
    for server in pair:
        server.script(
            "CREATE TABLE other.wide (v varchar(3000)); INSERT INTO other.wide VALUES (repeat('w', 2500)), ('')"
        )
    try:
        pair[1].sql("SET GLOBAL max_allowed_packet = 1024")
        result = compare(pair, databases=["other"])
    finally:
        pair[1].sql(f"SET GLOBAL max_allowed_packet = {before['size']}")
        for server in pair:
            server.script("DROP TABLE other.wide")
    assert result["differences"] == []
    assert result["verdict"] == "unknown"
    assert "made no digest of 1 rows" in result["unread"][0]


def while_comparing(monkeypatch, action):
    original = mysql_compare.compare_database

    def slower(*arguments):
        result = original(*arguments)
        action()
        return result

    monkeypatch.setattr(mysql_comparison, "compare_database", slower)


def test_a_source_that_is_written_to_is_not_equal(pair, monkeypatch):
    with monkeypatch.context() as patch:
        while_comparing(patch, lambda: change(pair[0], "UPDATE twins SET v = 'c' WHERE v = 'c' AND 0 OR w = 'ü'"))
        result = compare(pair, contents="hash")
    change(pair[0], "UPDATE twins SET v = 'N' WHERE w = 'ü'")
    assert (result["verdict"], result["differences"]) == ("consistent", [])
    assert not result["source_frozen"]
    assert any("written to: shop.twins" in reason for reason in result["not_equal_because"])
    assert checks(result)["source_frozen"]["status"] == "warn"


def test_a_definition_that_changes_is_a_write(pair, monkeypatch):
    while_comparing(monkeypatch, lambda: change(pair[0], "ALTER TABLE other.beat COMMENT 'x'"))
    result = compare(pair)
    assert result["verdict"] == "consistent"
    assert "a statement was written" in result["not_equal_because"][0]


def test_a_heartbeat_elsewhere_is_none(pair, monkeypatch):
    """Also over the end of a file of the log."""

    def beat():
        pair[0].script(
            "REPLACE INTO other.beat VALUES (1, now()); FLUSH BINARY LOGS; REPLACE INTO other.beat VALUES (1, now())"
        )

    while_comparing(monkeypatch, beat)
    result = compare(pair, databases=["shop"])
    pair[0].script("DELETE FROM other.beat")
    positions = result["binlog_position"]
    assert positions["source_begin"].split(":")[0] != positions["source_end"].split(":")[0]
    assert result["verdict"] == "equal", result["not_equal_because"]


def test_a_log_that_is_begun_anew(pair, monkeypatch):
    pair[0].script("RESET MASTER; REPLACE INTO other.beat VALUES (1, now()); DELETE FROM other.beat")
    while_comparing(monkeypatch, lambda: pair[0].script("RESET MASTER"))
    result = compare(pair)
    assert (result["verdict"], result["differences"]) == ("consistent", [])
    assert "begun anew" in result["not_equal_because"][0]


def test_an_open_transaction_is_a_doubt(pair):
    with pair[0].admin() as session:
        session.rows("BEGIN")
        session.rows("UPDATE shop.twins SET v = 'open' WHERE v = 'c'")
        # The server tells of transactions what was so a tenth of a second ago, before and after.
        time.sleep(0.2)
        result = compare(pair)
        session.rows("ROLLBACK")
    time.sleep(0.2)
    assert (result["verdict"], result["differences"]) == ("consistent", [])
    assert "1 transactions were writing" in result["not_equal_because"][0]


def test_a_target_that_is_written_to_is_not_equal(pair, monkeypatch):
    while_comparing(
        monkeypatch, lambda: pair[1].script("UPDATE shop.old SET id = id + 10; UPDATE shop.old SET id = id - 10")
    )
    result = compare(pair)
    assert result["not_equal_because"] == ["the target was written to meanwhile"]
    assert (result["verdict"], result["source_frozen"]) == ("consistent", True)


def test_what_may_not_be_seen_is_unknown(pair):
    with changed(pair[0], "GRANT SELECT ON shop.* TO reader", "REVOKE ALL ON shop.* FROM reader"):
        result = compare(pair, source=READER)
    assert told(result) == []
    assert result["verdict"] == "unknown"
    text = "\n".join(result["unread"])
    for kind, privilege in (
        ("triggers", "TRIGGER"),
        ("events", "EVENT"),
        ("views", "SHOW VIEW"),
        ("routines", "EXECUTE"),
    ):
        assert f"{kind} of shop on the source: the account lacks {privilege}" in text
    assert "REPLICATION CLIENT" in "\n".join(result["not_equal_because"])
    assert all(table["equal"] for table in result["tables"])
    # What is not seen on one side is no difference.
    assert result["differences"] == []
    assert result["gtid"]["source_begin"] is not None


def test_the_documented_privileges_are_enough(pair):
    privileges = (
        "SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE, REPLICATION CLIENT, REPLICATION SLAVE, PROCESS, SHOW DATABASES"
    )
    for server in pair:
        server.script(f"GRANT {privileges} ON *.* TO reader")
    try:
        result = compare(pair, source=READER, target=READER, databases=[])
    finally:
        for server in pair:
            server.script("REVOKE ALL, GRANT OPTION FROM reader")
    assert result["verdict"] == "equal", result["not_equal_because"]


def test_a_table_that_may_not_be_read(pair):
    pair[1].script("GRANT ALL ON *.* TO reader; GRANT SELECT ON shop.* TO reader")
    pair[1].script("REVOKE ALL, GRANT OPTION FROM reader; GRANT SELECT ON shop.twins TO reader")
    result = compare(pair, target=READER)
    pair[1].script("REVOKE ALL, GRANT OPTION FROM reader")
    assert told(result) == []
    assert result["verdict"] == "unknown"
    assert "tables of shop on the target: the account lacks SELECT there" in result["unread"]
    assert [table["name"] for table in result["tables"]] == ["twins"]


def test_a_server_without_a_log_is_never_equal(pair):
    with running("bare", {"log-bin": None}) as bare:
        for server in (bare, pair[1]):
            server.script("CREATE DATABASE plain; CREATE TABLE plain.t (i int); INSERT INTO plain.t VALUES (1)")
        result = compare((bare, pair[1]), databases=["plain"])
    pair[1].script("DROP DATABASE plain")
    assert (result["verdict"], result["binlog_position"]["source_begin"]) == ("consistent", None)
    assert "log_bin is off" in result["not_equal_because"][0]


def test_a_locked_table_is_unknown_and_the_others_are_not(pair, monkeypatch):
    original = mysql_comparison._server
    monkeypatch.setattr(mysql_comparison, "_server", lambda *arguments: original(*arguments)._replace(lock_timeout=1))
    locked, over = threading.Event(), threading.Event()

    def lock():
        with pair[0].admin() as session:
            session.rows("LOCK TABLES shop.old WRITE")
            locked.set()
            over.wait(30)

    thread = threading.Thread(target=lock)
    thread.start()
    try:
        assert locked.wait(10)
        result = compare(pair, exclude_kinds=["tables"])
    finally:
        over.set()
        thread.join()
    assert result["verdict"] == "unknown"
    assert "table old of shop" in result["unread"][0]
    assert is_equal(result, "twins") is True


def test_sessions_cannot_write(pair):
    """The server refuses what is past the check of statements, rows and definitions alike."""
    server = mysql_guard.Server(pair[0].host, pair[0].port, pair[0].admin_user, pair[0].admin_password)
    before = position(pair[0])
    with mysql_connection.connect(server) as session:
        for statement in ("INSERT INTO shop.old VALUES (9)", "CREATE TABLE shop.w (i int)", "TRUNCATE shop.twins"):
            with pytest.raises(MigrationFailure) as refused:
                session._run(statement)
            assert refused.value.code == "1792"
    assert position(pair[0]) == before


def test_encryption(pair, certificates):
    def attempt(host="localhost", **tls):
        return compare(pair, source={"host": host, **tls}, databases=["other"])

    right, wrong = str(certificates / "ca.pem"), str(certificates / "other.pem")
    assert attempt(ssl_mode="verify-full", ca_cert=right)["verdict"] == "equal"
    assert attempt("127.0.0.1", ssl_mode="verify-ca", ca_cert=right)["verdict"] == "equal"
    for result in (
        attempt("127.0.0.1", ssl_mode="verify-full", ca_cert=right),
        attempt(ssl_mode="verify-ca", ca_cert=wrong),
        attempt(ssl_mode="verify-full"),
    ):
        assert result["error"]["code"] == "ssl", result["msg"]
        assert pair[0].admin_password not in json.dumps(result)
    plain = compare(pair, target={"ssl_mode": "require"})
    assert plain["error"]["code"] == "ssl"
    server = mysql_guard.Server(
        "localhost", pair[0].port, pair[0].admin_user, pair[0].admin_password, "verify-full", right
    )
    with mysql_connection.connect(server) as session:
        assert session.named("SHOW STATUS LIKE 'Ssl_cipher'")[0]["value"]


def test_the_same_server_twice_and_wrong_options(pair):
    same = compare((pair[0], pair[0]))
    assert same["error"]["code"] == "same_server"
    wrong = compare(pair, parallel=0, most_tables=-1, statement_timeout=-1)
    assert all(word in wrong["msg"] for word in ("parallel", "most_tables", "statement_timeout"))
    useless = compare(pair, source={"ca_cert": "/ca.pem"}, target={"port": 0, "host": ""}, databases=[])
    assert all(word in useless["msg"] for word in ("source.ca_cert", "target.port", "target.host"))
    assert compare(pair, databases=["no such"])["error"]["code"] == "invalid_options"


def test_a_wrong_password_is_named_and_not_told(pair):
    assert_wrong_password_is_named_and_not_told(compare(pair, target={"password": WRONG}), "1045")


def test_a_password_is_utf8(pair):
    with contextlib.ExitStack() as stack:
        pair[1].script("CREATE USER odd IDENTIFIED BY 'pässwörd€-0001'; GRANT ALL ON *.* TO odd")
        stack.callback(pair[1].script, "DROP USER odd")
        odd = {"user": "odd", "password": "pässwörd€-0001"}
        assert compare(pair, target=odd, databases=["other"])["verdict"] == "equal"


def test_a_database_that_is_missing(pair):
    pair[0].script("CREATE DATABASE lost")
    try:
        result = compare(pair, databases=["lost", "other"])
        blind = compare(pair, databases=["lost", "other"], exclude_kinds=["databases"], require="no_difference")
    finally:
        pair[0].script("DROP DATABASE lost")
    assert ("databases", "lost", "missing_on_target") in told(result)
    assert (blind["verdict"], blind["unread"]) == ("unknown", ["database lost, which is not on the target"])
    assert (blind["failed"], blind["error"]["code"]) == (True, "not_equal")


def test_patterns_and_counting(pair):
    result = compare(pair, databases=["s*"], tables=["shop.t*", "shop.old"], exclude_tables=["*.old"], contents="count")
    assert [(t["name"], t["hash"]) for t in result["tables"]] == [("twins", None)]
    assert (result["verdict"], result["not_equal_because"]) == ("consistent", ["contents were not compared"])
