# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is judged of MySQL servers without any: text of rows, privileges, definitions, positions, impostors."""

from __future__ import annotations

import hashlib
import json
import sys
import types

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import (
    mysql_compare_definitions as definitions,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_compare_hash as hashes
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_compare_privileges as grants
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_compare_stillness as stillness
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_connection as connection
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_errors as errors
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_guard as guard
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.comparison import Sums
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.mysql_compare import of_sequences
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.mysql_compare_inventory import SequenceValue
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.mysql_stage import SERVER_SSL, Impostor

SECRET = "pässword-Secret-0001"


def table(*columns, key="id", size=0):
    return hashes.Table("d`b", "t", columns, key, size)


def column(name, type_="int", charset=None, **known):
    return hashes.Column(name, type_, charset, **known)


def test_columns_are_put_in_the_order_of_their_names():
    one, other = table(column("b"), column("a")), table(column("a"), column("b"))
    here, there = hashes.rows_as_text(one, other, "md5")
    assert here == there
    assert here.index("`a`") < here.index("`b`")


def test_text_is_converted_only_where_character_sets_differ():
    latin, utf8 = column("v", "varchar", "latin1"), column("v", "varchar", "utf8mb4")
    same = hashes.rows_as_text(table(latin), table(latin), "md5")
    other = hashes.rows_as_text(table(latin), table(utf8), "md5")
    assert "CONVERT" not in "".join(same)
    assert all("CONVERT(`v` USING utf8mb4)" in text for text in other)


def test_long_values_are_digested_on_both_sides():
    """Else one side would hold the text, the other its digest."""
    here, there = hashes.rows_as_text(
        table(column("v", "varchar", "latin1")), table(column("v", "longtext", "latin1")), "sha256"
    )
    assert here == there
    assert "SHA2(`v`, 256)" in here
    assert "MD5" not in here


def test_virtual_columns_are_left_out_of_both():
    virtual, stored = column("g", virtual=True), column("g")
    here, there = hashes.rows_as_text(table(column("a"), virtual), table(column("a"), stored), "md5")
    assert "`g`" not in here + there
    assert hashes.rows_as_text(table(virtual), table(virtual), "md5") == ("'R'", "'R'")


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (column("a"), column("a", "bigint"), ""),
        (column("a", "varchar", "latin1"), column("a", "text", "utf8mb4"), ""),
        (column("a", "json"), column("a", "longtext", "utf8mb4"), "json on the source and longtext"),
        (column("a"), column("b"), "not both sides have the columns a, b"),
        (column("a", "float"), column("a", "decimal"), "float on the source"),
        (column("a", "blob"), column("a", "text", "utf8mb4"), "blob on the source"),
        (column("a", virtual=True), column("a", "text", "utf8mb4"), ""),
    ],
)
def test_rows_that_cannot_be_compared(source, target, said):
    found = hashes.unlike(table(source), table(target))
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize(("low", "high"), [(1, 1), (1, 2), (-5, 1000), (0, 2**64 - 1), (7, 100), (-(2**63), 2**63 - 1)])
@pytest.mark.parametrize("parts", [1, 2, 3, 50])
def test_ranges_leave_no_row_out(low, high, parts):
    big = table(column("id"), size=parts * hashes.BYTES_PER_PART)
    found = hashes.ranges(big, low, high)
    assert found[0].first is None
    assert found[-1].end is None  # rows that were added meanwhile are read as well
    assert [part.end for part in found[:-1]] == [part.first for part in found[1:]]
    assert all(part.first < part.end for part in found[1:-1])
    assert len(found) <= parts + 1
    assert low == high or high - low < parts or len(found) > 1


def test_statements_quote_names():
    odd = hashes.Table("d`b", "t%s", (column("a`b"),), "a`b", 0)
    text = hashes.statement(odd, "md5", "'R'", hashes.Range(3, 9))
    assert "`d``b`.`t%s` WHERE `a``b` >= 3 AND `a``b` < 9" in text
    assert hashes.statement(odd, None, "'R'", hashes.Range(None, None)) == "SELECT COUNT(*), 0, 0 FROM `d``b`.`t%s`"


def test_large_tables_that_cannot_be_shared_out_fill_no_temporary_table():
    large = table(column("v", "varchar", "utf8mb4"), key=None, size=2 * hashes.BYTES_PER_PART)
    whole = hashes.Range(None, None)
    assert "LIMIT" not in hashes.statement(large, "md5", "'R'", whole)
    assert "LIMIT" in hashes.statement(large._replace(size=0), "md5", "'R'", whole)


def test_rows_without_a_digest_are_noticed():
    assert hashes.sums_of((3, "36893488147419103230", "7")) == (Sums(3, 2 * (2**64 - 1), 7), 0)
    assert hashes.sums_of((3, str(10**32 + 5), "7")) == (Sums(3, 5, 7), 1)


GRANTS = [
    "GRANT SELECT, SHOW VIEW ON *.* TO `a`@`%`",
    "GRANT TRIGGER ON `shop\\_%`.* TO `a`@`%`",
    "GRANT EVENT ON `sh``op`.* TO `a`@`%` WITH GRANT OPTION",
    "GRANT EXECUTE ON `shop_1`.`t` TO `a`@`%`",
    "GRANT EXECUTE ON PROCEDURE `shop_1`.`p` TO `a`@`%`",
    "GRANT INSERT (a, b) ON `shop_1`.* TO `a`@`%`",
    "GRANT `reader`@`%` TO `a`@`%`",
    "REVOKE SELECT ON `secret`.* FROM `a`@`%`",
]


@pytest.mark.parametrize(
    ("kind", "database", "missing"),
    [
        ("tables", "shop_1", ""),
        ("tables", "secret", "SELECT"),
        ("views", "any", ""),
        ("triggers", "shop_1", ""),
        ("triggers", "shopx1", "TRIGGER"),
        ("events", "sh`op", ""),
        ("events", "shop_1", "EVENT"),
        # Whoever may read all of the server may read its routines.
        ("routines", "shop_1", ""),
        ("contents", "secret", "SELECT"),
        ("constraints", "any", ""),
        ("definers", "shop_1", "EVENT"),
    ],
)
def test_what_an_account_may_see(kind, database, missing):
    assert grants.unseen(grants.grants(GRANTS), kind, database) == missing


def test_routines_need_more_than_reading_one_database():
    account = grants.grants(["GRANT SELECT ON `shop`.* TO `a`@`%`"])
    assert grants.unseen(account, "routines", "shop") == "EXECUTE or ALTER ROUTINE or CREATE ROUTINE"
    assert grants.unseen(grants.grants(["GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`"]), "routines", "shop") == ""


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("int(11) unsigned", "int unsigned"),
        ("int(5) unsigned zerofill", "int(5) unsigned zerofill"),
        ("tinyint(1)", "tinyint(1)"),
        ("tinyint(4)", "tinyint"),
        ("year(4)", "year"),
        ("varchar(10)", "varchar(10)"),
        ("decimal(10,2)", "decimal(10,2)"),
    ],
)
def test_types_by_one_name(written, expected):
    assert definitions.type_of(written) == expected


def _column(default, extra="", type_="varchar"):
    return {"column_default": default, "extra": extra, "data_type": type_}


@pytest.mark.parametrize(
    ("mysql", "mariadb"),
    [
        (_column(None), _column("NULL")),
        (_column("it's"), _column("'it''s'")),
        (_column("0", type_="int"), _column("0", type_="int")),
        (_column("NULL"), _column("'NULL'")),
        (_column("CURRENT_TIMESTAMP(3)", "DEFAULT_GENERATED", "datetime"), _column("current_timestamp(3)")),
        (_column("CURRENT_TIMESTAMP", "", "timestamp"), _column("current_timestamp()", "", "timestamp")),
        (_column("uuid()", "DEFAULT_GENERATED"), _column("uuid()")),
        (_column("b'101'", "", "bit"), _column("b'101'", "", "bit")),
    ],
)
def test_defaults_of_both_families(mysql, mariadb):
    assert definitions.default_of(mysql, as_sql=False) == definitions.default_of(mariadb, as_sql=True)


def test_a_text_that_looks_like_a_function_is_none():
    literal = definitions.default_of(_column("uuid()"), as_sql=False)
    assert literal != definitions.default_of(_column("uuid()", "DEFAULT_GENERATED"), as_sql=False)
    assert literal == definitions.default_of(_column("'uuid()'"), as_sql=True)


def event(kind, info=""):
    return {"event_type": kind, "info": info}


@pytest.mark.parametrize(
    ("row", "touched", "doubtful"),
    [
        (event("Gtid", "BEGIN GTID 0-1-2"), "", False),
        (event("Query", "BEGIN"), "", False),
        (event("Query", "use `shop`; TRUNCATE t"), "", True),
        (event("Table_map", "table_id: 20 (mysql.ha_health_check)"), "mysql.ha_health_check", False),
        (event("Table_map", "table_id: 20 (a.b.c)"), "a.b.c", False),
        (event("Table_map", "?"), "", True),
        (event("Write_rows_v1", "table_id: 20 flags: STMT_END_F"), "", False),
        (event("Delete_rows_compressed_v1"), "", False),
        (event("Xid", "COMMIT /* xid=9 */"), "", False),
        (event("Rotate", "binlog.000002;pos=4"), "", False),
        # What only later versions know may hold anything.
        (event("Transaction_payload", "compression='ZSTD'"), "", True),
        (event("Incident"), "", True),
    ],
)
def test_what_an_event_of_the_log_touches(row, touched, doubtful):
    table_, doubt = stillness.of_event(row)
    assert (table_, bool(doubt)) == (touched, doubtful)


STILL = stillness.Moment("log.1", 100, gtid="0-1-5", read_only=False, writers=0, updated={("shop", "t"): "noon"})
NOTHING = stillness.Written()


@pytest.mark.parametrize(
    ("after", "written", "expected"),
    [
        (STILL, NOTHING, []),
        (STILL._replace(trouble="no log"), NOTHING, ["no log"]),
        (STILL._replace(server="b 2"), NOTHING, ["another server answered at the end than at the beginning"]),
        (STILL._replace(writers=None), NOTHING, ["the account may not see the transactions of others (GRANT PROCESS)"]),
        (STILL._replace(writers=2), NOTHING, ["2 transactions were writing"]),
        (STILL._replace(gtid="0-1-6"), NOTHING, ["its GTIDs changed"]),
        (STILL._replace(offset=200), stillness.Written(doubt="unknown"), ["unknown"]),
        (STILL._replace(offset=200), stillness.Written(frozenset({"mysql.ha_health_check"})), []),
        (STILL._replace(offset=200), stillness.Written(frozenset({"shop.t"})), ["it was written to: shop.t"]),
        (STILL._replace(offset=200), stillness.Written(frozenset({"shopping.t"})), []),
        (STILL._replace(updated={("shop", "t"): "one"}), NOTHING, ["tables were written to: shop.t"]),
    ],
)
def test_whether_a_source_stood_still(after, written, expected):
    assert stillness.doubts(STILL, after, written, ["shop"]) == expected


def test_sequences_of_the_target_may_be_ahead():
    def told(source, target, increment=1):
        here, there = ({("", "s"): SequenceValue(value, increment)} for value in (source, target))
        return list(of_sequences("d", here, there))

    assert not told(5, 5)
    assert not told(5, 9)
    assert told(5, 4)
    assert told(-5, -4, -1)
    assert not told(-5, -9, -1)


def server(port, **other):
    known = {"ssl_mode": "prefer", "connect_timeout": 3, "names": errors.option_names("source."), **other}
    return guard.Server("127.0.0.1", port, "app", SECRET, **known)


@pytest.fixture
def elsewhere(monkeypatch):
    """The server is on another computer."""
    pytest.importorskip("pymysql", reason="PyMySQL is missing")
    monkeypatch.setattr(guard.Server, "is_here", property(lambda _server: False))


def refused(impostor, **other):
    with pytest.raises(MigrationFailure) as failure:
        connection.connect(server(impostor.port, **other))
    told = json.dumps([failure.value.message, failure.value.as_result()], ensure_ascii=False)
    assert SECRET not in told
    return failure.value


@pytest.mark.parametrize(
    "then",
    [
        b"\xfemysql_clear_password\x00",
        b"\xfedialog\x00\x04Password: ",
        b"\xfemysql_old_password\x0012345678",
        b"\xfesha256_password\x0012345678901234567890\x00",
        b"\xfecaching_sha2_password\x0012345678901234567890\x00",
    ],
)
def test_the_password_is_not_sent_to_whoever_asks(elsewhere, then):
    with Impostor(then=then) as impostor:
        failure = refused(impostor)
    assert SECRET.encode() not in impostor.received
    if b"sha2" not in then:
        assert failure.code == "insecure"
        assert "source.ssl_mode" in failure.remedy


def test_a_key_that_the_other_side_sends_is_not_used(elsewhere):
    """It would be the impostor's own, who could read what is encrypted with it."""
    cryptography = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.rsa", reason="cryptography is missing"
    )
    from cryptography.hazmat.primitives import serialization

    own = cryptography.generate_private_key(public_exponent=65537, key_size=1024 * 2)
    public = own.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    with Impostor(b"sha256_password", then=b"\x01" + public) as impostor:
        failure = refused(impostor)
    assert failure.code == "insecure"
    # The greeting's answer, and nothing of the size of an RSA message.
    assert len(impostor.received) < 256 + 128


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
def test_encryption_that_was_asked_for_is_not_given_up(mode):
    pytest.importorskip("pymysql", reason="PyMySQL is missing")
    with Impostor() as impostor:
        failure = refused(impostor, ssl_mode=mode)
    assert failure.code == "ssl"
    assert impostor.received == b""


def test_a_server_without_tls_that_says_it_has_it():
    pytest.importorskip("pymysql", reason="PyMySQL is missing")
    with Impostor(then=b"\xfemysql_clear_password\x00", capabilities=SERVER_SSL) as impostor:
        failure = refused(impostor)
    assert failure.code == "ssl"
    assert b"app" not in impostor.received


def test_a_certificate_file_that_is_none(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    for path in (file, tmp_path / "missing.pem"):
        with pytest.raises(MigrationFailure) as failure:
            guard.tls_context(server(1, ssl_mode="verify-ca", ca_cert=str(path)))
        assert failure.value.code == "invalid_options"
        assert "source.ca_cert" in failure.value.remedy


@pytest.mark.parametrize(
    ("error", "code", "named"),
    [
        (Exception(1045, f"Access denied for user 'a' with {SECRET}"), "1045", "source.password"),
        (
            Exception(2003, "Can't connect to MySQL server on 'h' ([Errno 111] Connection refused)"),
            "unreachable",
            "port",
        ),
        (Exception(2003, "Can't connect ([Errno -2] Name or service not known)"), "host_not_found", "source.host"),
        (Exception(2003, "Can't connect (timed out)"), "unreachable", "source.host"),
        (Exception(2013, "Lost connection: certificate verify failed: unable to get"), "ssl", "source.ca_cert"),
    ],
)
def test_failures_of_connections_in_words(error, code, named):
    failure = errors.connection_failure(error, "the source", SECRET, errors.option_names("source."))
    assert failure.code == code
    assert named in failure.remedy
    assert SECRET not in failure.message


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(MigrationFailure) as failure:
        connection.connect(server(1))
    assert failure.value.code == "missing_library"
    assert "pip install" in failure.value.remedy


def test_an_old_library_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymysql", types.SimpleNamespace(VERSION=(1, 1, 0, "final", 1)))
    with pytest.raises(MigrationFailure) as failure:
        connection.connect(server(1))
    assert (failure.value.code, "1.1.0 is too old" in failure.value.message) == ("missing_library", True)


def test_what_a_server_says_is_bounded():
    failure = errors.statement_failure(Exception(1146, "x\n\x1b[31m" * 10000), "s", "", errors.option_names(""))
    assert len(failure.message) < 600
    assert failure.message.isprintable()


def test_names_are_quoted():
    assert connection.identifier("a`b", "c") == "`a``b`.`c`"
    assert SECRET not in repr(server(1))


def test_only_reading_statements_are_sent():
    class Silent:
        server_version = "5.5.5-10.11.18-MariaDB"

        def cursor(self):
            raise AssertionError("something was sent")

    session = connection.Session(server(1), Silent())
    assert (session.is_mariadb, session.number) == (True, (10, 11, 18))
    for statement in ("SET GLOBAL x = 1", "KILL 3", "SELECT 1 INTO OUTFILE '/x'", "/* SELECT */ DROP TABLE t", "FLUSH"):
        for send in (session.read, session.named):
            with pytest.raises(MigrationFailure) as failure:
                send(statement)
            assert failure.value.code == "read_only"


def test_the_sum_of_a_row_is_what_the_expression_says():
    """Two pieces of 64 bits of the digest, as anybody can compute them."""
    digest = hashlib.md5(b"R1,", usedforsecurity=False).hexdigest()
    assert hashes.sums_of((1, int(digest[:16], 16), int(digest[16:], 16)))[0].text == digest
