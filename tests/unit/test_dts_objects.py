# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DbList: random selections come back as they were, and the emulator's reader of the documented format takes them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts_objects import (
    KINDS,
    db_list,
    problems_of,
    selection_of,
    targets_of,
)
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import MODULE, MigrationStage
from apsara_emulator.transmission.object_list import parse_object_list
from hypothesis import given
from hypothesis import strategies as st

# Anything that can be a name, quotes and brackets and other alphabets as well, but no half characters.
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)


def _optional(**fields):
    return st.fixed_dictionaries({}, optional=fields)


def _with(required, optional):
    return st.builds(lambda a, b: {**a, **b}, st.fixed_dictionaries(required), _optional(**optional))


def _distinct(items, key=lambda item: item["name"]):
    return st.lists(items, min_size=1, max_size=4, unique_by=key)


NEW, TEXT = {"new_name": NAMES}, st.text("abc,*", min_size=1, max_size=6)
COLUMNS = _distinct(_with({"name": NAMES}, NEW))
OPERATIONS = {"dml": TEXT, "ddl": TEXT}
TABLE = _with({"name": NAMES}, {**NEW, "schema": NAMES, "where": NAMES, "columns": COLUMNS, **OPERATIONS})
OTHER = _with({"name": NAMES, "kind": st.sampled_from(KINDS)}, {**NEW, "schema": NAMES})
DATABASE = _with(
    {"database": NAMES},
    {
        **NEW,
        **OPERATIONS,
        "tables": _distinct(TABLE),
        "others": _distinct(OTHER, lambda o: (o["kind"], o["name"])),
    },
)
SELECTION = _distinct(DATABASE, lambda entry: entry["database"])


def _plain(value):
    """Without what says nothing: new names that are the old ones. Lists of named things in the order of their names."""
    if isinstance(value, list):
        return sorted(map(_plain, value), key=lambda one: json.dumps(one, sort_keys=True))
    if not isinstance(value, dict):
        return value
    same = {"new_name": value.get("name", value.get("database")), "new_schema": value.get("schema")}
    return {key: _plain(one) for key, one in value.items() if key not in same or one != same[key]}


@given(SELECTION)
def test_a_selection_comes_back(selection):
    assert problems_of(selection) == []
    document = json.loads(json.dumps(db_list(selection), ensure_ascii=False))
    assert _plain(selection_of(document)) == _plain(selection)
    assert db_list(selection_of(document)) == document


@given(SELECTION)
def test_a_selection_has_the_documented_format(selection):
    read = {entry.name: entry for entry in parse_object_list(json.dumps(db_list(selection)))}
    assert set(read) == {entry["database"] for entry in selection}
    assert targets_of(db_list(selection)) == {name: entry.new_name for name, entry in read.items()}
    for wanted in selection:
        entry = read[wanted["database"]]
        assert entry.new_name == wanted.get("new_name", wanted["database"])
        assert entry.whole is not bool(wanted.get("tables") or wanted.get("others"))
        assert entry.others == len(wanted.get("others", []))
        tables = {table.name: table for table in entry.tables}
        for table in wanted.get("tables", []):
            found = tables.pop(table["name"])
            assert found.new_name == table.get("new_name", table["name"])
            assert found.condition == table.get("where", "")
            assert found.whole is ("columns" not in table)
            assert found.columns == {c["name"]: c.get("new_name", c["name"]) for c in table.get("columns", [])}
            assert (found.schema, found.new_schema) == (table.get("schema", ""),) * 2
        assert not tables


@given(st.lists(OTHER, min_size=1, max_size=4))
def test_no_object_is_lost_unsaid(others):
    """The format holds one of a kind and name; whatever is not refused is in it."""
    selection = [{"database": "shop", "others": others}]
    if problems_of(selection) == []:
        assert parse_object_list(json.dumps(db_list(selection)))[0].others == len(others)
        assert _plain(selection_of(db_list(selection))) == _plain(selection)
    else:
        assert len({(other["kind"], other["name"]) for other in others}) < len(others)


def test_one_name_in_two_schemas_is_refused():
    views = [{"kind": "View", "name": "v", "schema": schema} for schema in ("a", "b")]
    (problem,) = problems_of([{"database": "shop", "others": views}])
    assert "View 'v' is there twice" in problem
    assert "whatever schema" in problem
    assert problems_of([{"database": "shop", "others": [views[0], {**views[1], "kind": "Rule"}]}]) == []


@pytest.mark.parametrize("where", ["tables", "others"])
@pytest.mark.parametrize(
    ("item", "text"),
    [
        ({"name": " "}, "has no name"),
        ({"name": ""}, "has no name"),
        ({"name": "a", "new_name": " "}, "'a': new_name is empty"),
        ({"name": "a", "schema": ""}, "'a': schema is empty"),
        ({"name": "a", "schema": "s", "new_schema": " "}, "'a': new_schema is empty"),
        ({"name": "a", "new_schema": "s"}, "'a' has new_schema without schema"),
    ],
)
def test_names_that_are_none(where, item, text):
    (problem,) = problems_of([{"database": "shop", where: [{"kind": "View", **item}]}])
    assert text in problem


@pytest.mark.parametrize(("column", "text"), [({"name": " "}, "no name"), ({"name": "c", "new_name": ""}, "new_name")])
def test_columns_need_names(column, text):
    (problem,) = problems_of([{"database": "shop", "tables": [{"name": "a", "columns": [column]}]}])
    assert text in problem
    assert "'a'" in problem


@pytest.mark.parametrize(
    ("objects", "text"),
    [
        ([{"database": "db1"}], '{"db1":{"name":"db1","all":true}}'),
        ([{"database": "db1", "new_name": "db1_new"}], '{"db1":{"name":"db1_new","all":true}}'),
        (
            [{"database": "db1", "tables": [{"name": "t1"}, {"name": "t2", "new_name": "t2_new"}]}],
            '{"db1":{"name":"db1","all":false,"Table":{"t1":{"name":"t1","all":true},"t2":{"name":"t2_new","all":true}}}}',
        ),
        (
            [
                {
                    "database": "db1",
                    "tables": [
                        {
                            "name": "t1",
                            "where": "id>10",
                            "columns": [{"name": "id"}, {"name": "c1", "new_name": "c1_new"}],
                        }
                    ],
                }
            ],
            '{"db1":{"name":"db1","all":false,"Table":{"t1":{"name":"t1","all":false,"filter":"id>10",'
            '"column":{"id":{"name":"id"},"c1":{"name":"c1_new"}}}}}}',
        ),
    ],
)
def test_the_cases_of_the_documentation(objects, text):
    assert db_list(objects) == json.loads(text)
    assert _plain(selection_of(json.loads(text))) == _plain(objects)


def test_more_than_a_megabyte_is_refused():
    tables = [{"name": f"a table with a long name and the number {n:08d}"} for n in range(12000)]
    assert "1 MB" in problems_of([{"database": "big", "tables": tables}])[0]


def test_another_spelling_of_the_same_selection_is_no_change(run):
    stage = MigrationStage()
    objects = [{"database": "shop", "tables": [{"name": "a", "where": "id > 1"}, {"name": "b", "new_name": "c"}]}]
    assert not run(stage, MODULE, **stage.wish("configured", objects=objects))["failed"]
    again = stage.wish("configured", objects=[{"database": "shop", "tables": objects[0]["tables"][::-1]}])
    assert run(stage, MODULE, **again)["plan"] == []
    other = stage.wish("configured", objects=[{"database": "shop", "tables": objects[0]["tables"][:1]}])
    assert [step["action"] for step in run(stage, MODULE, check=True, **other)["plan"]] == ["ModifyDtsJob"]


def test_the_service_s_own_form(run):
    stage = MigrationStage()
    raw = {"shop": {"name": "shop", "all": True, "case_sen": "1"}}
    wish = stage.wish("configured", objects=None, db_list=raw)
    assert not run(stage, MODULE, **wish)["failed"]
    assert json.loads(stage.jobs()[0]["db_list"]) == raw
    assert run(stage, MODULE, **wish)["plan"] == []
