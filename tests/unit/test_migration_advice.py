# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The advice: what each rule decides, what a look adds, and what is recommended."""

from __future__ import annotations

import shlex

import hypothesis
import pytest
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _advice as advice
from ansible_collections.apsaradb.migration.plugins.plugin_utils._advice_rule import (
    BACKUPS,
    CLOUD,
    DTS,
    IMPORT,
    NOTE,
    PATHS,
)
from ansible_collections.apsaradb.migration.plugins.plugin_utils._advice_rules import RULES
from ansible_collections.apsaradb.migration.plugins.plugin_utils._advice_situation import version_of
from ansible_collections.apsaradb.migration.tests.unit.advice_stage import (
    CASES,
    GIB,
    LOOKS,
    MY,
    MY_RDS,
    NOT_FOUND,
    OF_ANOTHER_ACCOUNT,
    PG,
    PG_OWN,
    PG_RDS,
    SEEN,
    SIDES,
    SOURCES,
    SQL,
    SQL_OWN,
    SQL_RDS,
    WISHES,
    ask,
    backup,
    backups,
    check,
    fits,
    instance,
    look,
    of,
)
from hypothesis import strategies as st


def test_every_rule_has_a_case():
    assert sorted(CASES) == sorted(rule.name for rule in RULES)


@pytest.mark.parametrize("name", CASES)
def test_a_rule_decides(name, monkeypatch):
    *case, path = CASES[name]
    (rule,) = [one for one in RULES if one.name == name]
    with_it = of(ask(*case), path)
    monkeypatch.setattr(advice, "RULES", tuple(one for one in RULES if one is not rule))
    without_it = of(ask(*case), path)
    gone = [text for text in with_it["because"] if text not in without_it["because"]]
    assert len(gone) == 1
    assert "{" not in gone[0]
    if rule.effect == NOTE:
        assert with_it["fits"] == without_it["fits"]
        assert (with_it["next_command"] != without_it["next_command"]) == bool(rule.settings)
    elif rule.effect in ("no", "unknown"):
        assert with_it["fits"] == rule.effect
    else:
        assert with_it["fits"] == "with_changes"
        assert set(with_it["to_change"]) - set(without_it["to_change"])


@pytest.mark.parametrize(
    ("case", "recommended"),
    [
        ((SQL_RDS, SQL), IMPORT),
        ((SQL_RDS, {**SQL, "version": "2022_std_ha"}), DTS),
        (({**SQL_RDS, "region": "cn-beijing"}, {**SQL, "region": "cn-hangzhou"}), DTS),
        (({**SQL_RDS, **OF_ANOTHER_ACCOUNT}, SQL), DTS),
        ((SQL_RDS, SQL, {"way_back": True}), DTS),
        ((SQL_OWN, SQL), BACKUPS),
        (({**SQL_OWN, "version": "2016"}, SQL), BACKUPS),
        (({**SQL_OWN, "size_gb": 2000}, SQL, {"downtime": 10}), BACKUPS),
        (({**SQL_OWN, "version": "2022"}, SQL), None),
        ((PG_OWN, PG), CLOUD),
        ((PG_OWN, PG, {"downtime": 5}), CLOUD),
        ((PG_OWN, {**PG, "version": "17.0"}), DTS),
        (({**PG_RDS, **OF_ANOTHER_ACCOUNT}, PG), DTS),
        ((MY_RDS, MY), DTS),
        (({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY), DTS),
        (({**MY_RDS, **OF_ANOTHER_ACCOUNT}, PG), None),
        ((MY_RDS, MY, {"downtime": 0}), None),
        (({"kind": "self_managed"}, MY), None),
    ],
)
def test_what_is_recommended(case, recommended):
    told = ask(*case)
    assert told["recommended"] == recommended
    assert told["summary"][0].startswith("Recommended:" if recommended else "No way is sure to fit.")


def test_accounts_are_compared_where_both_are_told():
    same = {**SQL_RDS, **OF_ANOTHER_ACCOUNT, "has_credentials": True}
    assert fits(ask(same, {**SQL, **OF_ANOTHER_ACCOUNT}))[IMPORT] == "yes"
    assert fits(ask(same, SQL))[IMPORT] == "no"
    assert fits(ask({**SQL_RDS, "has_credentials": True}, SQL))[IMPORT] == "no"


def test_what_the_service_tells_counts_more_than_what_was_said():
    seen = {"target": instance(engine="SQLServer", version="2017_std_ha", region="cn-hangzhou")}
    told = ask(SQL_RDS, SQL, seen=seen)
    assert fits(told)[IMPORT] == "no"
    assert told["notes"] == ["The target's version is 2017_std_ha, and not 2019_std_ha as advise_target says."]
    # Another spelling of the same version is no contradiction.
    assert ask({**PG_OWN, "version": "15.4"}, {**PG, "version": "15"}, seen={"target": instance(**PG)})["notes"] == []


def test_a_side_that_cannot_be_looked_at_is_said():
    told = ask(SQL_RDS, SQL, seen={"target": NOT_FOUND})
    assert told["notes"][0].endswith("There is no such instance.")
    assert told["summary"][1] == told["notes"][0]


def test_backups_tell_version_and_size():
    told = ask(
        {"kind": "self_managed", "engine": "SQLServer", "path": "/b"},
        SQL,
        seen=backups(backup(software_version="16.0.1")),
    )
    assert of(told, BACKUPS)["because"] == [
        "A backup of SQL Server 2022 cannot be restored on the older 2019 Standard."
    ]
    told = ask({**SQL_OWN, "path": "/b"}, SQL, {"downtime": 10}, backups(backup(), backup(database="hr")))
    assert "2.0 GiB are backed up" in of(told, BACKUPS)["downtime"]
    assert not told["low_downtime"]
    told = ask({**SQL_OWN, "path": "/b"}, SQL, {"downtime": 10}, backups(backup(required_storage=100 * GIB)))
    assert told["low_downtime"]
    assert "sqlserver_backup_low_downtime" in of(told, BACKUPS)["next_command"]


@pytest.mark.parametrize(
    ("found", "fit", "told"),
    [
        (check("wal_level"), "with_changes", "Check wal_level fails: wal_level was found."),
        (check("wal_level", remedy=""), "no", "Check wal_level fails: wal_level was found."),
        (check("version"), "no", "Check version fails: version was found."),
        (check("instance_exists"), "unknown", "Check instance_exists fails: instance_exists was found."),
        (check("source_options"), "yes", "Still to be given (source_options): source_options was found. Put it right."),
        (check("replicas", "warn"), "yes", "Warning (replicas): replicas was found."),
        (check("replicas", "unknown"), "yes", "Not known (replicas): replicas was found."),
        (check("replicas", "something new"), "yes", "Not known (replicas): replicas was found."),
    ],
)
def test_what_a_look_found(found, fit, told):
    way = of(ask(PG_OWN, PG, looks=[look(CLOUD, check("engine", "pass"), found)]), CLOUD)
    assert way["fits"] == fit
    assert told in way["because"]
    assert way["looked"] == ["a_module"]
    assert way["to_change"] == (
        ["Put it right."] if fit in ("with_changes", "unknown") or found["name"] == "version" else []
    )


def test_a_look_that_failed_leaves_its_way_open_and_no_other():
    failed = {"changed": False, "failed": False, "msg": "No module named psycopg.", "error": {"remedy": "Install it."}}
    told = ask(PG_OWN, PG, looks=[{"path": CLOUD, "module": "postgresql_source", "result": failed}])
    assert fits(told) == {CLOUD: "unknown", DTS: "with_changes", IMPORT: "no", BACKUPS: "no"}
    assert "postgresql_source could not look: No module named psycopg." in of(told, CLOUD)["because"]
    assert of(told, CLOUD)["to_change"] == ["Install it."]
    assert told["recommended"] == DTS
    assert told["may_be_better"] == [CLOUD]
    assert told["summary"][1] == "Find out about cloud migration first, which may fit better."


def test_nothing_is_to_be_changed_where_that_would_not_help():
    assert of(ask(SQL_OWN, PG), BACKUPS)["to_change"] == ["Take a target that runs SQL Server."]
    assert of(ask(MY_RDS, MY, {"way_back": True}), BACKUPS)["to_change"] == []


def test_what_decides_is_told_before_what_is_only_to_be_known():
    looks = [look(CLOUD, check("replicas", "warn"), check("wal_level"), check("instance_exists"))]
    why = of(ask({**PG_OWN, "databases": ["shop"]}, PG, looks=looks), CLOUD)["because"]
    told = [
        next(n for n, text in enumerate(why) if word in text)
        for word in ("instance_exists", "wal_level", "named", "replicas")
    ]
    assert told == [1, 2, 3, 4]


@pytest.mark.parametrize("result", [{}, {"changed": False, "skipped": True}])
def test_a_look_that_was_left_out_counts_for_nothing(result):
    told = ask(PG_OWN, PG, looks=[{"path": CLOUD, "module": "postgresql_source", "result": result}])
    assert (of(told, CLOUD)["fits"], of(told, CLOUD)["looked"]) == ("yes", [])


def test_only_the_recommended_way_is_a_check_of_the_report():
    told = ask(PG_OWN, PG, looks=[look(CLOUD, check("wal_level"))])
    assert told["verdict"] == "review"
    assert [(one["name"], one["status"], one["remedy"]) for one in told["checks"]] == [(CLOUD, "warn", "Put it right.")]
    told = ask(PG_OWN, PG, {"downtime": 0})
    assert told["verdict"] == "no_go"
    assert [one["status"] for one in told["checks"]] == ["fail"] * 4


def test_the_command_holds_what_is_known_and_nothing_that_could_be_a_template():
    told = ask({**SQL_RDS, "databases": ["sales", "it's"], "region": "cn-hangzhou"}, {**SQL, "region": "cn-hangzhou"})
    command = of(told, IMPORT)["next_command"]
    assert shlex.split(command)[:4] == ["ansible-playbook", "apsaradb.migration.instance_import", "-i", "inventory.yml"]
    assert '"instance_import_source_instance_id": "rm-1"' in command
    assert "databases" not in command
    hostile = ask({**SQL_RDS, "databases": ["{{ lookup('pipe', 'id') }}"]}, {**SQL, "instance_id": "rm-$(id)"})
    assert "lookup" not in of(hostile, IMPORT)["next_command"]
    assert "$" not in of(hostile, IMPORT)["next_command"]
    # The playbook is for instances of another account.
    assert of(ask(MY_RDS, MY), DTS)["playbook"] is None
    assert of(ask({**MY_RDS, **OF_ANOTHER_ACCOUNT}, MY), DTS)["playbook"] == "apsaradb.migration.dts_cross_account"


def test_texts_of_others_stay_on_their_line():
    odd = {"changed": False, "msg": "one\ntwo\x1b[31m \u202eabc"}
    told = ask(PG_OWN, PG, seen={"target": odd}, looks=[{"path": CLOUD, "module": "m", "result": odd}])
    assert told["notes"][0].endswith("one two?[31m ?abc")
    assert all(line.isprintable() for line in told["summary"])


@pytest.mark.parametrize(
    ("engine", "text", "name"),
    [
        ("SQLServer", "2019_std_ha", "2019"),
        ("SQLServer", "08r2_ent_ha", "2008 R2"),
        ("SQLServer", "10.50.1600.1", "2008 R2"),
        ("SQLServer", "10.0.1600", "2008"),
        ("SQLServer", "15.0.4100", "2019"),
        ("SQLServer", "SQL Server 2016 Enterprise", "2016"),
        ("SQLServer", "99.0", None),
        ("PostgreSQL", "15.4", "15"),
        ("PostgreSQL", "9.6.24", "9.6"),
        ("MySQL", "8.0", "8.0"),
        ("MySQL", "", None),
    ],
)
def test_versions_are_read_in_every_spelling(engine, text, name):
    found = version_of(engine, text)
    assert (found.name if found else None) == name


def test_versions_have_an_order():
    for engine, *older in [("SQLServer", "2008", "08r2", "2012", "2022"), ("PostgreSQL", "9.6", "10.3", "15", "17.0")]:
        ranks = [version_of(engine, text).rank for text in older]
        assert ranks == sorted(ranks)


@hypothesis.given(SOURCES, st.fixed_dictionaries(SIDES), WISHES, SEEN, LOOKS)
@hypothesis.settings(max_examples=150)
def test_whatever_is_asked(source, target, wishes, seen, looks):
    told = ask(source, target, wishes, seen, looks)
    assert sorted(fits(told)) == sorted(PATHS)
    for one in told["paths"]:
        assert one["because"]
        assert all(one["because"])
        assert one["downtime"]
        assert (one["next_command"] is None) == (one["fits"] == "no")
        assert one["to_change"] or one["fits"] != "with_changes"
        # A look only ever takes away.
        if one["fits"] == "yes":
            assert fits(ask(source, target, wishes, seen))[one["path"]] == "yes"
    if told["recommended"]:
        assert of(told, told["recommended"])["fits"] in ("yes", "with_changes")
        assert told["paths"][0]["path"] == told["recommended"]
    else:
        assert set(fits(told).values()) <= {"unknown", "no"}
    assert set(told["open"]) == {path for path, fit in fits(told).items() if fit != "no"}
