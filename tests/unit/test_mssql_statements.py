# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said to SQL Server, in its own grammar: quoting, statements, names of files, and what only reads."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import sqlserver_queries as queries
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_statements import (
    PathStyle,
    Wish,
    backup_statement,
    check_statement,
    create_folder_statement,
    file_name,
    is_file_name_of,
    safe_stem,
    verify_statement,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_connection import (
    Endpoint,
    Session,
    WriteRefused,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_language import (
    only_reads,
    quoted_name,
    quoted_text,
    split_names,
    tokens,
)
from hypothesis import given
from hypothesis import strategies as st

MOMENT = datetime.datetime(2026, 1, 31, 23, 59, 59)
# Every character but 0 and halves of pairs may be in a name; SQL Server takes up to 128.
NAMES = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=128)
HOSTILE = st.sampled_from(
    ["a]b", "a'b", "'; DROP DATABASE x --", "]] TO DISK", "a\nb", "--", "/*", '"', "N'", "ü日本", "a b ", ".x", "a/b:c"]
)
ANY_NAME = NAMES | HOSTILE
KINDS = ("full", "differential", "log")
ALL_QUERIES = {
    name: text + ("s.position = 1" if name == "HISTORY" else "")
    for name, text in vars(queries).items()
    if name.isupper() and name != "NEWEST_BASE"
}
ALL_QUERIES["NEWEST_BASE"] = queries.HISTORY + queries.NEWEST_BASE.format("N'x'")


def parsed(statement):
    """The kinds and texts that sqlglot's own reader of Transact-SQL makes of a statement."""
    sqlglot = pytest.importorskip("sqlglot")
    return [(t.token_type.name, t.text) for t in sqlglot.tokenize(statement, read="tsql")]


@pytest.mark.parametrize("name", [name for name in ALL_QUERIES if name != "OLD_DRIVES"])
def test_every_query_is_one_select_in_transact_sql(name):
    sqlglot = pytest.importorskip("sqlglot")
    (tree,) = sqlglot.parse(ALL_QUERIES[name], read="tsql")
    assert tree.key == "select"
    assert not list(tree.find_all(sqlglot.exp.Command, sqlglot.exp.Into))
    assert only_reads(ALL_QUERIES[name])


@given(ANY_NAME, ANY_NAME, st.sampled_from(KINDS), st.booleans(), st.sampled_from([True, False, None]))
def test_names_and_paths_survive_every_statement(database, path, kind, checksum, compression):
    """sqlglot has no grammar for BACKUP, RESTORE and DBCC, so tokens are compared: that is where quoting counts."""
    wish = Wish(kind, kind == "full", checksum, compression)
    found = parsed(backup_statement(database, path, wish, name="x"))
    # sqlglot keeps the doubled bracket in an identifier's text.
    names = [text for kind_of, text in found if kind_of == "IDENTIFIER"]
    assert [name.replace("]]", "]") for name in names] == [database.replace("]]", "]")]
    assert [text for kind_of, text in found if kind_of == "NATIONAL_STRING"] == [path, "x"]
    assert [kind_of for kind_of, _text in found].count("SEMICOLON") == 0
    for statement in (verify_statement(path, checksum=checksum), check_statement(path), create_folder_statement(path)):
        assert [text for kind_of, text in parsed(statement) if kind_of == "NATIONAL_STRING"] == [path]


@given(ANY_NAME, ANY_NAME)
def test_our_own_reader_sees_the_same(database, path):
    found = tokens(backup_statement(database, path, Wish(), name="x"))
    assert [text for kind, text in found if kind == "name"] == [quoted_name(database)]
    assert [text for kind, text in found if kind == "string"] == [quoted_text(path), "N'x'"]
    assert [text for kind, text in found if kind == "word"][:4] == ["BACKUP", "DATABASE", "TO", "DISK"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_backup_is_asked_for(kind):
    statement = backup_statement("a", "p", Wish(kind, kind == "full", True, True), name="n")
    words = [text for _kind, text in tokens(statement)]
    assert words[:2] == ["BACKUP", "LOG" if kind == "log" else "DATABASE"]
    assert ("DIFFERENTIAL" in words) == (kind == "differential")
    assert ("COPY_ONLY" in words) == (kind == "full")
    assert {"CHECKSUM", "STOP_ON_ERROR", "COMPRESSION", "NOINIT", "NOFORMAT"} <= set(words)
    # Nothing that could write over another backup.
    assert not {"INIT", "FORMAT", "SKIP"} & set(words)


def test_what_is_left_out():
    words = [text for _kind, text in tokens(backup_statement("a", "p", Wish("full", False, False, None), name="n"))]
    assert "NO_CHECKSUM" in words
    assert not {"COMPRESSION", "NO_COMPRESSION", "COPY_ONLY", "CHECKSUM", "STOP_ON_ERROR"} & set(words)
    assert "CHECKSUM" not in verify_statement("p", checksum=False)


@pytest.mark.parametrize(
    "statement",
    [
        "BACKUP DATABASE [a] TO DISK = N'x'",
        "EXEC master.dbo.xp_create_subdir N'x'",
        "EXEC master.dbo.xp_fileexist N'x' EXEC sp_who",
        "EXEC master.dbo.xp_fileexist N'x'; DROP TABLE t",
        "EXEC master.dbo.xp_fileexist N'x', 1 OUTPUT",
        "SELECT 1 DROP TABLE t",
        "SELECT 1; SELECT 2",
        "SELECT * INTO t FROM u",
        "SELECT * FROM OPENROWSET('a', 'b', 'c')",
        "SELECT NEXT VALUE FOR s",
        "select 1 exec sp_x",
        "SELECT 'a",
        "SELECT [a",
        "WITH x AS (SELECT 1 AS a) DELETE FROM x",
        "DBCC CHECKDB (N'x')",
        "RESTORE VERIFYONLY FROM DISK = N'x'",
        "SELECT 1 --\nDROP TABLE t",
        "SELECT 1 /* ' */ DROP TABLE t /* ' */",
        "USE x",
        "",
    ],
)
def test_what_may_write_is_not_sent_in_a_rehearsal(statement):
    assert not only_reads(statement)
    sent = []
    session = Session(Endpoint("h", "u", "p"), read_only=True, connect=sent.append)
    for way in (session.execute, session.rows):
        with pytest.raises(WriteRefused):
            way(statement)
    assert sent == []


def test_reading_never_writes_in_a_real_run_either():
    session = Session(Endpoint("h", "u", "p"), read_only=False, connect=lambda endpoint: pytest.fail("connected"))
    with pytest.raises(WriteRefused):
        session.rows("BACKUP DATABASE [a] TO DISK = N'x'")


@given(ANY_NAME)
def test_texts_that_look_like_statements_are_texts(name):
    assert only_reads(f"SELECT {quoted_text(name)} AS a FROM {quoted_name(name)}.sys.allocation_units")
    assert only_reads(f"EXEC master.dbo.xp_fileexist {quoted_text(name)}")


@given(ANY_NAME, st.sampled_from(KINDS))
def test_names_of_files(database, kind):
    name = file_name(database, kind, MOMENT)
    assert is_file_name_of(name, database, kind)
    assert name.endswith(f"_{ {'full': 'FULL', 'differential': 'DIFF', 'log': 'LOG'}[kind] }_20260131235959.bak")
    assert not set(name) & set('\\/:*?"<>|@')
    assert not any(ord(character) < 32 for character in name)
    assert len(name.encode()) <= 255


@given(ANY_NAME, ANY_NAME)
def test_two_databases_never_share_a_file(one, other):
    if one != other:
        assert safe_stem(one) != safe_stem(other)


def test_the_form_that_is_documented():
    assert file_name("Testdb", "full", datetime.datetime(2018, 5, 18, 15, 35, 44)) == "Testdb_FULL_20180518153544.bak"
    assert safe_stem("Größe 日本") == "Größe 日本"


@pytest.mark.parametrize(
    ("windows", "folder", "tidy", "root", "path"),
    [
        (True, "D:\\b\\", "D:\\b", "D:\\", "D:\\b\\x"),
        (True, "D:/b//c", "D:\\b\\c", "D:\\", "D:\\b\\c\\x"),
        (True, "D:\\", "D:\\", "D:\\", "D:\\x"),
        (True, "\\\\host\\share\\b\\", "\\\\host\\share\\b", "\\\\host\\share", "\\\\host\\share\\b\\x"),
        (False, "/var//opt/b/", "/var/opt/b", "/", "/var/opt/b/x"),
        (False, "/", "/", "/", "/x"),
    ],
)
def test_paths_are_the_server_s(windows, folder, tidy, root, path):
    style = PathStyle(windows)
    assert style.is_absolute(folder)
    assert (style.tidy(folder), style.root(folder), style.join(folder, "x")) == (tidy, root, path)
    assert style.split(path) == (tidy, "x")
    assert style.same(tidy.upper(), tidy) is (windows or folder == "/")


@pytest.mark.parametrize(
    ("windows", "folder"), [(True, "b"), (True, "/b"), (True, "D:b"), (False, "b"), (False, "D:\\b")]
)
def test_paths_that_are_none(windows, folder):
    assert not PathStyle(windows).is_absolute(folder)


@given(st.text(st.characters(exclude_characters="\x00/\\:", exclude_categories=("Cs",)), min_size=1, max_size=60))
def test_a_joined_path_comes_apart_again(folder):
    for style, root in ((PathStyle(True), "D:\\"), (PathStyle(False), "/")):
        joined = style.join(root + folder, "sales_FULL_20260131235959.bak")
        assert style.split(joined) == (style.tidy(root + folder), "sales_FULL_20260131235959.bak")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[a],[b]", ["a", "b"]),
        ("a; b ,c", ["a", "b", "c"]),
        ("[a;b],[c]]d]", ["a;b", "c]d"]),
        ("", []),
        (" ; , ", []),
        ("[ a ]", [" a "]),
        ("TestDR, Test, readonly;", ["TestDR", "Test", "readonly"]),
    ],
)
def test_names_in_a_text(text, names):
    assert split_names(text) == names


@given(st.lists(ANY_NAME, max_size=5), st.sampled_from([",", ";", " ,\n"]))
def test_bracketed_names_come_back(names, separator):
    assert split_names(separator.join(map(quoted_name, names))) == names


@pytest.mark.parametrize("text", ["[a", "[a]b", "[a] b, c"])
def test_texts_that_hold_no_names(text):
    with pytest.raises(ValueError, match="bracketed"):
        split_names(text)
