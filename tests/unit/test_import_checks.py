# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks and the plan of an instance import, as a table: what was observed, and what is said about it."""

from __future__ import annotations

import itertools
import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds, rds_instances
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds_imports import Backup
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.reserved_names import RESERVED_DATABASE_NAMES
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import BadRequest
from ansible_collections.apsaradb.migration.plugins.module_utils._module import AUTH_OPTIONS
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import instance_import_plan as paths
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import instance_import_unfinished
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_import_plan import Observed
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_import_request import (
    Request,
    read_request,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._plan import FAIL, PASS, UNKNOWN, WARN
from ansible_collections.apsaradb.migration.plugins.module_utils._run_options import RUN_OPTIONS
from hypothesis import example, given, settings
from hypothesis import strategies as st

SOURCE, TARGET = "rm-source", "rm-target"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
GIB = 1024**3
IMPORT, COPY = "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"

OPTIONS = {
    "source_instance_id": SOURCE,
    "instance_id": TARGET,
    "databases": ["crm"],
    "method": "auto",
    "backup_id": None,
    "restore_time": None,
    "sync_user_privilege": False,
    "max_backup_age": 3600.0,
    "on_existing": "accept",
    "start_grace": 300.0,
    "settle": 60.0,
    "wait": True,
    "wait_timeout": 21600.0,
    "poll_interval": 15.0,
}


def instance(instance_id, **told):
    """An instance that nothing can be said against."""
    healthy = dict.fromkeys(rds_instances.Instance._fields)
    healthy |= {"engine": "SQLServer", "version": "2019_std_ha", "family": "d", "state": "Running"}
    healthy |= {"region": "cn-hangzhou", "network": "VPC", "lock_mode": "Unlock"}
    healthy |= {"storage": 500 * GIB, "most_databases": 100, "type": "Primary"}
    return rds_instances.Instance(**{**healthy, "id": instance_id, **told})


def listed(**states):
    return {name: rds.Database(name, state) for name, state in states.items()}


def backup(age, usable=True, backup_id="1"):
    return Backup(backup_id, None if age is None else NOW - timedelta(seconds=age), usable)


def asked(**wishes):
    return Request(**{"source": SOURCE, "target": TARGET, "databases": {"sales": "sales", "crm": "crm"}, **wishes})


def seen(source=None, target=None, **observed):
    """What was observed, where it differs from an import that every check lets pass."""
    healthy = {
        "now": NOW,
        "source": instance(SOURCE, **(source or {})),
        "target": instance(TARGET, **(target or {})),
        "source_databases": listed(sales="Running", crm="Running"),
        "target_databases": listed(warehouse="Running"),
        "source_used": 120 * GIB,
        "target_used": 40 * GIB,
        "backups": (backup(600),),
    }
    return Observed(**{**healthy, **observed})


def checks_of(request, observed):
    found = paths.all_checks(request, observed)
    assert len({check.name for check in found}) == len(found)
    return {check.name: check for check in found}


def objections(request, observed):
    return {name: check.status for name, check in checks_of(request, observed).items() if check.status != PASS}


# What each check looks at; without any of these the service gave no data for it.
INPUTS = {
    "engine": ["source.engine", "target.engine"],
    "instances_running": ["source.state", "target.state"],
    "primary_instances": ["source.type", "target.type"],
    "not_locked": ["source.lock_mode", "target.lock_mode"],
    "same_region": ["source.region", "target.region"],
    "same_network": ["source.network", "target.network"],
    "database_quota": ["target.most_databases"],
    "free_storage": ["target.storage", "source_used", "target_used"],
    "not_2017_enterprise": ["source.version", "target.version"],
    "family": ["source.family", "target.family"],
    "same_version": ["source.version", "target.version"],
    "backup_age": ["backups"],
}
BEFORE_AN_IMPORT = {"source_instance_exists", "target_instance_exists", "target_names", "source_databases", *INPUTS}
ALL_INPUTS = sorted({name for names in INPUTS.values() for name in names})
# Values that speak against an import, or at least do not speak for it.
ODD = {
    "engine": ["MySQL"],
    "state": ["Creating", "ImportingFromOthers"],
    "lock_mode": ["ManualLock"],
    "type": ["Readonly", "Guard"],
    "region": ["cn-shanghai"],
    "network": ["Classic"],
    "most_databases": [0],
    "storage": [0],
    "version": ["2017_ent", "2008r2", "2022_web"],
    "family": ["x", "z"],
    "source_used": [10**15],
    "target_used": [10**15],
    "backups": [(), (backup(10**6),)],
}


def scene_of(values):
    """From {"source.engine": value, "backups": value}."""
    told = {"source": {}, "target": {}}
    for name, value in values.items():
        side, _dot, field = name.partition(".")
        if field:
            told[side][field] = value
        else:
            told[name] = value
    return seen(**told)


def test_an_import_that_nothing_speaks_against_passes_every_check():
    assert set(checks_of(asked(), seen())) == BEFORE_AN_IMPORT
    assert objections(asked(), seen()) == {}


@pytest.mark.parametrize("name", ALL_INPUTS)
def test_what_the_service_does_not_tell_is_unknown(name):
    blind = {check: UNKNOWN for check, inputs in INPUTS.items() if name in inputs}
    assert objections(asked(), scene_of({name: None})) == blind


@given(st.dictionaries(st.sampled_from(ALL_INPUTS), st.integers(0, 3)))
def test_no_check_passes_without_one_of_its_inputs(drawn):
    """0: not told. Otherwise a value that may speak against the import."""
    values = {}
    for name, number in drawn.items():
        odd = [None, *ODD[name.rpartition(".")[2]]]
        values[name] = odd[number % len(odd)]
    found = checks_of(asked(), scene_of(values))
    for check, inputs in INPUTS.items():
        if check in found and any(name in values and values[name] is None for name in inputs):
            assert found[check].status != PASS, check


CASES = [
    # instances
    ("no source", {}, {"source": None}, {"source_instance_exists": FAIL}),
    ("no target", {}, {"target": None}, {"target_instance_exists": FAIL}),
    (
        "neither",
        {},
        {"source": None, "target": None},
        {"source_instance_exists": FAIL, "target_instance_exists": FAIL},
    ),
    ("MySQL source", {}, {"source.engine": "MySQL"}, {"engine": FAIL}),
    ("PostgreSQL target", {}, {"target.engine": "PostgreSQL"}, {"engine": FAIL}),
    ("MySQL here, untold there", {}, {"source.engine": "MySQL", "target.engine": None}, {"engine": FAIL}),
    ("busy source, waiting", {}, {"source.state": "Restoring"}, {"instances_running": UNKNOWN}),
    ("busy target, waiting", {}, {"target.state": "Importing"}, {"instances_running": UNKNOWN}),
    ("busy source, not waiting", {"wait": False}, {"source.state": "Restoring"}, {"instances_running": UNKNOWN}),
    ("busy target, not waiting", {"wait": False}, {"target.state": "Importing"}, {"instances_running": UNKNOWN}),
    ("a source that is gone", {}, {"source.state": "Released"}, {"instances_running": FAIL}),
    ("a target that goes", {}, {"target.state": "Deleting"}, {"instances_running": FAIL}),
    ("a read-only source", {}, {"source.type": "Readonly"}, {"primary_instances": FAIL}),
    (
        "a backup that may be newer by then",
        {},
        {"target.state": "Importing", "backups": (backup(3601),)},
        {"instances_running": UNKNOWN, "backup_age": UNKNOWN},
    ),
    ("locked by hand", {}, {"target.lock_mode": "ManualLock"}, {"not_locked": FAIL}),
    ("locked when expired", {}, {"source.lock_mode": "LockByExpiration"}, {"not_locked": FAIL}),
    ("locked when full", {}, {"target.lock_mode": "LockByDiskQuota"}, {"not_locked": FAIL}),
    ("locked here, untold there", {}, {"source.lock_mode": "X", "target.lock_mode": None}, {"not_locked": FAIL}),
    ("other region", {}, {"target.region": "cn-shanghai"}, {"same_region": FAIL}),
    ("other network", {}, {"source.network": "Classic"}, {"same_network": FAIL}),
    # source databases
    ("source database missing", {}, {"source_databases": listed(sales="Running")}, {"source_databases": FAIL}),
    (
        "source database in another case",
        {},
        {"source_databases": listed(SALES="Running", crm="Running")},
        {"source_databases": FAIL},
    ),
    (
        "source database not Running",
        {},
        {"source_databases": listed(sales="Deleting", crm="Running")},
        {"source_databases": FAIL},
    ),
    ("no source database at all", {}, {"source_databases": {}}, {"source_databases": FAIL}),
    # quota: one is there, two are wanted
    ("quota met exactly", {}, {"target.most_databases": 3}, {}),
    ("quota exceeded by one", {}, {"target.most_databases": 2}, {"database_quota": FAIL}),
    # storage: the target has 460 GiB free
    ("one byte more than needed", {}, {"source_used": 460 * GIB - 1}, {}),
    ("exactly as much as needed", {}, {"source_used": 460 * GIB}, {"free_storage": FAIL}),
    ("one byte less than needed", {}, {"source_used": 460 * GIB + 1}, {"free_storage": FAIL}),
    ("the target is full", {}, {"target_used": 500 * GIB}, {"free_storage": FAIL}),
    ("the source's own storage does not count", {}, {"source.storage": None, "source.storage_used": None}, {}),
    # version, edition, family
    (
        "2017 Enterprise source",
        {"method": "import"},
        {"source.version": "2017_ent", "target.version": "2019_std_ha"},
        {"not_2017_enterprise": FAIL},
    ),
    (
        "2017 Enterprise target",
        {"method": "import"},
        {"target.version": "2017_ent_ha"},
        {"not_2017_enterprise": FAIL},
    ),
    (
        "2017 Enterprise both, copied",
        {"method": "copy"},
        {"source.version": "2017_ent", "target.version": "2017_ent"},
        {},
    ),
    (
        "2017 Standard",
        {"method": "import"},
        {"source.version": "2017_std_ha", "target.version": "2017_std_ha"},
        {},
    ),
    ("other version, imported", {"method": "import"}, {"target.version": "2022_std_ha"}, {}),
    ("other version, copied", {"method": "copy"}, {"target.version": "2022_std_ha"}, {"same_version": FAIL}),
    ("other version, either way", {}, {"target.version": "2022_std_ha"}, {"same_version": FAIL}),
    ("other edition", {"method": "copy"}, {"target.version": "2019_ent_ha"}, {"same_version": FAIL}),
    ("2008 R2", {"method": "copy"}, {"source.version": "2008r2", "target.version": "2008r2"}, {"same_version": FAIL}),
    (
        "2008 R2, the other spelling",
        {"method": "copy"},
        {"source.version": "08r2_ent_ha", "target.version": "08r2_ent_ha"},
        {"same_version": FAIL},
    ),
    ("2012", {"method": "copy"}, {"source.version": "2012", "target.version": "2012"}, {}),
    ("dedicated host", {}, {"source.family": "h", "target.family": "h"}, {}),
    ("general purpose", {}, {"source.family": "x"}, {"family": FAIL}),
    ("shared", {}, {"target.family": "s"}, {"family": FAIL}),
    ("a family nobody knows", {}, {"target.family": "q"}, {"family": FAIL}),
    ("shared, copied", {"method": "copy"}, {"target.family": "s"}, {}),
    # the backup that a copy would take: at most an hour old
    ("imported, no backup needed", {"method": "import"}, {"backups": ()}, {}),
    ("exactly as old as allowed", {}, {"backups": (backup(3600),)}, {}),
    ("a second too old", {}, {"backups": (backup(3601),)}, {"backup_age": FAIL}),
    ("older, and that is allowed", {"max_backup_age": 7200.0}, {"backups": (backup(3601),)}, {}),
    ("no age is allowed", {"max_backup_age": 0.0}, {"backups": (backup(1),)}, {"backup_age": FAIL}),
    ("no backup", {}, {"backups": ()}, {"backup_age": FAIL}),
    ("none that is usable", {}, {"backups": (backup(60, usable=False),)}, {"backup_age": FAIL}),
    ("none with a time", {}, {"backups": (backup(None),)}, {"backup_age": FAIL}),
    ("none with an id", {}, {"backups": (backup(60, backup_id=""),)}, {"backup_age": FAIL}),
    (
        "the newest usable one counts",
        {},
        {"backups": (backup(60, usable=False), backup(None), backup(9000), backup(700, backup_id="3"))},
        {},
    ),
    ("chosen, however old", {"backup_id": "7"}, {"backups": (backup(10**6, backup_id="7"),)}, {}),
    ("chosen, not there", {"backup_id": "7"}, {"backups": (backup(60),)}, {"backup_age": FAIL}),
    ("chosen, not usable", {"backup_id": "7"}, {"backups": (backup(60, False, "7"),)}, {"backup_age": FAIL}),
    ("chosen, without a time", {"backup_id": "7"}, {"backups": (backup(None, True, "7"),)}, {"backup_age": UNKNOWN}),
    ("chosen, list not told", {"backup_id": "7"}, {"backups": None}, {"backup_age": UNKNOWN}),
    ("backups that cannot be listed", {"method": "copy"}, {"backups": None}, {"backup_age": FAIL}),
    ("a time before now", {"restore_time": "2026-01-02T03:04:04Z"}, {}, {}),
    ("now", {"restore_time": "2026-01-02T03:04:05Z"}, {}, {}),
    ("a time before all backups", {"restore_time": "2026-01-02T02:04:05Z"}, {}, {"backup_age": FAIL}),
    ("a time, list not told", {"restore_time": "2026-01-02T03:04:04Z"}, {"backups": None}, {"backup_age": UNKNOWN}),
    ("a time to come", {"restore_time": "2026-01-02T03:04:06Z"}, {"backups": None}, {"backup_age": FAIL}),
    # what is on the target already
    ("one there, one missing", {}, {"target_databases": listed(crm="Running")}, {"already_there": WARN}),
    (
        "one there, and that is refused",
        {"on_existing": "fail"},
        {"target_databases": listed(crm="Running")},
        {"already_there": FAIL},
    ),
    (
        "one there and cold",
        {},
        {"target_databases": listed(crm="Cold")},
        {"already_there": WARN, "target_databases_running": FAIL},
    ),
    ("another one cold", {}, {"target_databases": listed(warehouse="Cold")}, {}),
]


def case_scene(observed):
    whole = {name: observed[name] for name in ("source", "target") if name in observed}
    parts = {name: value for name, value in observed.items() if name not in whole}
    return scene_of(parts)._replace(**whole)


@pytest.mark.parametrize(("wish", "observed", "expected"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_what_is_objected_to(wish, observed, expected):
    assert objections(asked(**wish), case_scene(observed)) == expected


# What a remedy has to name: an option, or what to do with the instance.
REMEDIES = {
    "source_instance_exists": r"source_instance_id.*region",
    "target_instance_exists": r"\binstance_id.*region",
    "engine": r"instance_id|console",
    "instances_running": r"Use other|Rehearse again|console",
    "not_locked": r"Unlock|console",
    "primary_instances": r"Use primary|console",
    "same_region": r"Use DTS|console",
    "same_network": r"Change one instance's network|console",
    "source_databases": r"databases",
    "target_names": r"databases as \{source: target\}",
    "database_quota": r"Import fewer|console",
    "free_storage": r"Enlarge.* GiB|console",
    "not_2017_enterprise": r"method: copy|console",
    "family": r"method: copy|console",
    "same_version": r"method: import|Use DTS|Make sure|console",
    "backup_age": r"backup_id|restore_time|max_backup_age|console",
    "already_there": r"databases.*on_existing: accept",
    "target_databases_running": r"Bring them back",
}
VERBS = "Allow Bring Change Check Choose Compare Correct Enlarge Import Make Rehearse Set Take Unlock Use"


def every_objection():
    scenes = [(asked(**wish), case_scene(observed)) for _id, wish, observed, _expected in CASES]
    scenes += [(asked(), scene_of({name: None})) for name in ALL_INPUTS]
    scenes += [(asked(databases={"sales": "master"}), seen())]
    return [c for scene in scenes for c in checks_of(*scene).values() if c.status != PASS]


def test_every_objection_says_what_to_do_about_it():
    met = set()
    for check in every_objection():
        met.add(check.name)
        assert re.search(REMEDIES[check.name], check.remedy), check
        assert check.remedy.split()[0] in VERBS.split(), check
        assert check.remedy.endswith("."), check
        assert check.detail.endswith("."), check
    assert met == set(REMEDIES)


def test_remedies_name_options_that_exist():
    """Whatever is spelt like an option is one, or is a value of it."""
    options = {*OPTIONS, *AUTH_OPTIONS, *RUN_OPTIONS}
    for check in every_objection():
        spelt = set(re.findall(r"[a-z]+(?:_[a-z]+)+|\w+(?=: (?:true|false|accept|copy|import|warn))", check.remedy))
        assert spelt <= options, check


def test_every_difference_is_named_in_the_detail():
    strange = seen(source={"version": "2017_ent", "region": "cn-a"}, target={"version": "2022_web", "region": "cn-b"})
    found = checks_of(asked(), strange)
    assert "cn-a" in found["same_region"].detail
    assert "cn-b" in found["same_region"].detail
    assert SOURCE in found["not_2017_enterprise"].detail
    assert TARGET not in found["not_2017_enterprise"].detail
    assert "2017_ent" in found["same_version"].detail
    assert "2022_web" in found["same_version"].detail


def test_a_missing_source_database_is_named_beside_those_that_are_there():
    check = checks_of(asked(), seen(source_databases=listed(Sales="Running", crm="Restoring")))["source_databases"]
    assert "sales not found; crm is Restoring." in check.detail
    assert "It has Sales, crm." in check.detail
    nothing = checks_of(asked(), seen(source_databases={}))["source_databases"]
    assert "crm, sales not found. It has no database." in nothing.detail


def test_too_little_storage_says_how_much_is_missing():
    check = checks_of(asked(), seen(target={"storage": 100 * GIB}))["free_storage"]
    assert "60.0 GiB free" in check.detail
    assert "120.0 GiB" in check.detail
    assert "more than 60.0 GiB" in check.remedy


@pytest.mark.parametrize(
    ("age", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min 59 s"), (3600, "1 h"), (90061, "25 h 1 min")],
)
def test_the_age_of_the_backup_is_told_either_way(age, words):
    for wish in ({"max_backup_age": 10.0**6}, {"backup_id": "1"}):
        check = checks_of(asked(**wish), seen(backups=(backup(age),)))["backup_age"]
        assert check.status == PASS
        assert f" {words} old" in check.detail
        assert "later changes are not in a copy" in check.detail


def test_nothing_is_asked_of_a_backup_that_does_not_matter():
    found = checks_of(asked(method="import"), seen())
    assert "backup_age" not in found
    assert "same_version" not in found
    found = checks_of(asked(method="copy"), seen())
    assert "family" not in found
    assert "not_2017_enterprise" not in found


@pytest.mark.parametrize(("wait", "who"), [(True, "A run"), (False, "A run with wait: true")])
def test_a_busy_instance_is_waited_for(wait, who):
    found = checks_of(asked(wait=wait), seen(source={"state": "Migrating"}))["instances_running"]
    assert found.detail == f"{SOURCE} is Migrating. {who} waits until that is over, and plans then."


def test_without_both_instances_only_what_can_be_told_is_told():
    for gone in ("source", "target"):
        found = checks_of(asked(), seen()._replace(**{gone: None}))
        assert set(found) == {"source_instance_exists", "target_instance_exists", "target_names"}


def test_other_engines_end_the_questions():
    found = checks_of(asked(), seen(target={"engine": "MySQL"}))
    assert set(found) == {"source_instance_exists", "target_instance_exists", "target_names", "engine"}


# names


def names_check(*names, there=("warehouse",)):
    wish = asked(databases={f"s{number}": name for number, name in enumerate(names)})
    there = {name: rds.Database(name, "Running") for name in there}
    return checks_of(wish, seen(target_databases=there))["target_names"]


def test_there_are_197_reserved_words():
    assert len(RESERVED_DATABASE_NAMES) == 197
    assert {"master", "msdb", "tempdb", "model", "sa", "eagleye"} <= RESERVED_DATABASE_NAMES


@pytest.mark.parametrize("word", sorted(RESERVED_DATABASE_NAMES))
def test_reserved_words_are_no_target_names(word):
    for name in (word, word.upper(), word.title()):
        check = names_check(name)
        assert check.status == FAIL
        assert f"{name!r} is a reserved word" in check.detail


@pytest.mark.parametrize(
    "name",
    ["x", "x" * 128, "masters", "my db", "db-1.2_3", "测试 db*~+/=&", "o'brien", "]x[", "'; drop table x --"],
)
def test_names_that_are_allowed(name):
    assert names_check(name).status == PASS


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("x" * 129, "longer than 128"),
        ("测" * 129, "longer than 128"),
        *((f"a{control}b", "cannot be printed") for control in "\x00\t\n\r\x1b\x1f\x7f"),
        (" sales", "blank"),
        ("sales ", "blank"),
        (" ", "blank"),
    ],
)
def test_names_that_are_refused(name, problem):
    check = names_check(name)
    assert check.status == FAIL
    assert problem in check.detail
    assert len(check.detail) < 100
    assert not re.search(r"[\x00-\x1f\x7f]", check.detail)


@pytest.mark.parametrize(("wanted", "there"), [("sales", "Sales"), ("SALES", "sales"), ("straße", "STRASSE")])
def test_a_name_that_differs_by_case_only_is_taken(wanted, there):
    check = names_check(wanted, there=(there,))
    assert check.status == FAIL
    assert repr(wanted) in check.detail
    assert repr(there) in check.detail


def test_all_problems_of_all_names_are_told_at_once():
    detail = names_check("master", " x\n", "y" * 200, "WAREHOUSE").detail
    for words in ("'master' is a reserved", "cannot be printed", "blank", "longer than 128", "'WAREHOUSE' differs"):
        assert words in detail


def test_the_names_of_finished_databases_are_not_looked_at():
    wish = asked(databases={"sales": "master", "crm": "crm"})
    found = checks_of(wish, seen(target_databases=listed(master="Running")))
    assert found["target_names"].status == PASS


# what is left, what is coming, what is in the way


def test_nothing_but_their_presence_is_checked_for_finished_databases():
    """Whatever became of the source and the target in the meantime."""
    there = listed(sales="Running", crm="Running")
    bad = {field: values[0] for field, values in ODD.items() if field in rds_instances.Instance._fields}
    for source, target in [(instance(SOURCE, **bad), instance(TARGET, **bad)), (None, instance(TARGET, **bad))]:
        observed = seen(target_databases=there)._replace(source=source, target=target, source_databases={}, backups=())
        assert objections(asked(), observed) == {"already_there": WARN}
        assert set(checks_of(asked(), observed)) == {"already_there"}
        assert objections(asked(on_existing="fail"), observed) == {"already_there": FAIL}


def test_what_is_there_is_named_by_its_target_name():
    wish = asked(databases={"sales": "sales_2026", "crm": "crm", "hr": "staff"})
    check = checks_of(wish, seen(target_databases=listed(crm="Running", staff="Running")))["already_there"]
    assert "crm, staff" in check.detail
    assert "sales" not in check.detail
    assert SOURCE in check.detail


WISH = {"sales": "sales_2026", "crm": "crm"}


@pytest.mark.parametrize(
    ("there", "missing", "arriving"),
    [
        ({}, WISH, set()),
        (listed(sales="Running"), WISH, set()),  # the source name is no target name
        (listed(CRM="Running"), WISH, set()),  # to the service that is another name
        (listed(crm="Running"), {"sales": "sales_2026"}, set()),
        (listed(crm="Creating"), {"sales": "sales_2026"}, {"crm"}),
        (listed(crm="SomeNewState"), {"sales": "sales_2026"}, {"crm"}),
        (listed(crm="Cold"), {"sales": "sales_2026"}, set()),
        (listed(crm="Running", sales_2026="Creating"), {}, {"sales_2026"}),
        (listed(crm="Creating", sales_2026="Creating", warehouse="Creating"), {}, {"crm", "sales_2026"}),
        (listed(crm="Running", sales_2026="Running", warehouse="Creating"), {}, set()),
    ],
)
def test_what_is_left_and_what_is_coming(there, missing, arriving):
    wish, observed = asked(databases=WISH), seen(target_databases=there)
    assert paths.remaining(wish, observed) == missing
    assert paths.coming(wish, observed) == arriving


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        ({}, False),
        ({"source.state": "Restoring"}, True),
        ({"target.state": "ImportingFromOthers"}, True),
        ({"source.state": None, "target.state": None}, False),
        ({"running": frozenset({COPY})}, True),
        ({"target_databases": listed(crm="Creating")}, True),
        ({"target_databases": listed(crm="Cold")}, False),
        ({"target_databases": listed(warehouse="Creating")}, False),
        ({"source": None}, False),
        ({"source": None, "target.state": "Restarting"}, False),  # nothing to wait for: there is no source
        ({"source": None, "target_databases": listed(crm="Running", sales_2026="Creating")}, True),
    ],
    ids=str,
)
def test_what_is_in_flight(observed, expected):
    assert instance_import_unfinished.in_flight(asked(databases=WISH), case_scene(observed)) is expected


STATES = st.sampled_from(["Running", "Creating", "Cold", "Deleting", "unknown"])


@given(
    st.dictionaries(st.sampled_from(["sales_2026", "crm", "warehouse", "Crm"]), STATES),
    st.sampled_from(["Running", "Restoring", None]),
    st.booleans(),
)
def test_the_plan_is_what_is_left_and_nothing_else(states, target_state, waits):
    wish = asked(databases=WISH, wait=waits)
    observed = seen(target={"state": target_state}, target_databases=listed(**states))
    planned = paths.plan(wish, observed)
    missing, arriving = paths.remaining(wish, observed), paths.coming(wish, observed)
    occupied = instance_import_unfinished.in_flight(wish, observed)
    lost = not missing and not arriving and "Cold" in {states[name] for name in WISH.values()}
    # What arrives may still fail; only who does not wait for it has nothing to know.
    deleting = any(states.get(name) == "Deleting" for name in arriving)
    open_end = bool(occupied and (missing or (arriving and (waits or deleting))))
    assert bool(planned.unknown) == (open_end or lost)
    assert bool(planned.steps) == bool(missing and not occupied)
    assert planned.before["databases"] == {name: states.get(name, "absent") for name in WISH.values()}
    assert planned == paths.plan(wish, observed)
    if planned.steps:
        (step,) = planned.steps
        assert json.loads(step.parameters["DBInfo"])["DBNames"] == missing
        cold = [name for name in WISH.values() if states.get(name) == "Cold"]
        for name, state in planned.after["databases"].items():
            reached = "Running" if waits else "in flight"
            assert state == (reached if name in missing.values() else states[name])
        assert planned.predicted_state == ("unknown" if cold else "imported" if waits else "in_flight")
    else:
        assert planned.after == planned.before


def test_a_plan_that_cannot_be_made_says_why():
    observed = seen(source={"state": "Restoring"}, running=frozenset({COPY}), target_databases=listed(crm="Creating"))
    planned = paths.plan(asked(databases=WISH), observed)
    for words in (f"{SOURCE} is Restoring", f"{COPY} runs", "database crm is Creating", "wait: true"):
        assert words in planned.unknown
    assert f"{TARGET} is" not in planned.unknown


def test_databases_that_are_all_coming_need_no_step():
    observed = seen(target_databases=listed(crm="Running", sales_2026="Creating"))
    waiting, not_waiting = (paths.plan(asked(databases=WISH, wait=wait), observed) for wait in (True, False))
    assert waiting.steps == not_waiting.steps == ()
    # They may still fail on the way, and then there is something to do.
    assert waiting.state == "unknown"
    assert "sales_2026 is Creating" in waiting.unknown
    assert (not_waiting.state, not_waiting.unknown) == ("in_flight", "")


def test_a_database_that_is_being_deleted_is_not_coming():
    observed = seen(target_databases=listed(crm="Running", sales_2026="Deleting"))
    assert paths.plan(asked(databases=WISH, wait=False), observed).state == "unknown"


def test_a_database_that_is_lost_is_not_said_to_be_imported():
    planned = paths.plan(asked(databases=WISH), seen(target_databases=listed(crm="Running", sales_2026="Cold")))
    assert planned.state == planned.predicted_state == "unknown"
    assert "sales_2026 is Cold" in planned.unknown
    assert "crm" not in planned.unknown
    assert planned.steps == ()


# the step


def step_of(**wishes):
    observed = seen(backups=(backup(9000, backup_id="old"), backup(60, backup_id="new")))
    (step,) = paths.plan(asked(databases=WISH, **wishes), observed).steps
    return step


@pytest.mark.parametrize(
    ("method", "action", "behind"), [("auto", IMPORT, COPY), ("import", IMPORT, None), ("copy", COPY, None)]
)
def test_the_method_decides_the_action(method, action, behind):
    step = step_of(method=method)
    assert step.action == action
    assert (step.or_else.action if step.or_else else None) == behind
    assert (step.target, step.source, step.one_way) == (TARGET, SOURCE, False)
    assert step.subject == ("crm", "sales -> sales_2026")
    assert "2 of 2" in step.why


def test_the_two_actions_name_the_instances_the_other_way_round():
    step = step_of(method="auto")
    assert step.parameters == {
        "DBInstanceId": TARGET,
        "SourceDBInstanceId": SOURCE,
        "DBInfo": '{"DBNames":{"crm":"crm","sales":"sales_2026"}}',
    }
    assert step.or_else.parameters == {
        "DBInstanceId": SOURCE,
        "TargetDBInstanceId": TARGET,
        "DbNames": '{"crm":"crm","sales":"sales_2026"}',
        "SyncUserPrivilege": "NO",
        "BackupId": "new",
    }


@pytest.mark.parametrize(
    ("wish", "sent", "chosen_at_run_time"),
    [
        ({}, {"BackupId": "new"}, {"BackupId"}),
        ({"backup_id": "old"}, {"BackupId": "old"}, set()),
        ({"restore_time": "2026-01-01T00:00:00Z"}, {"RestoreTime": "2026-01-01T00:00:00Z"}, set()),
        ({"sync_user_privilege": True}, {"BackupId": "new", "SyncUserPrivilege": "YES"}, {"BackupId"}),
    ],
)
def test_what_a_copy_restores(wish, sent, chosen_at_run_time):
    step = step_of(method="copy", **wish)
    fixed = {"DBInstanceId", "TargetDBInstanceId", "DbNames"}
    assert {k: v for k, v in step.parameters.items() if k not in fixed} == {"SyncUserPrivilege": "NO", **sent}
    assert step.chosen_at_run_time == chosen_at_run_time


def subject(source, target):
    (step,) = paths.plan(asked(databases={source: target}), seen()).steps
    (told,) = step.subject
    return told


def test_subjects_are_easy_to_read_where_they_can_be():
    assert subject("sales", "sales") == "sales"
    assert subject("my db-1", "测试_2") == "my db-1 -> 测试_2"
    assert subject("a -> b", "a -> b") == "[a -> b]"
    assert subject("a]", "b\n") == "[a]]] -> [b\n]"


def test_no_two_imports_have_the_same_subject():
    parts = ["a", " -> ", "[", "]", " ", "-"]
    names = ["".join(p) for count in (1, 2) for p in itertools.product(parts, repeat=count)]
    pairs = list(itertools.product(names, names))
    assert len({subject(*pair) for pair in pairs}) == len(set(pairs))


NAMES = st.one_of(
    st.text(min_size=1, max_size=8),
    st.lists(st.sampled_from(["a", "b", " -> ", "[", "]", "]]", "] -> [", " "]), min_size=1, max_size=5).map("".join),
)


@settings(max_examples=300)
@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
@example(("a", "b -> c"), ("a -> b", "c"))
@example(("a] -> [b", "c"), ("a", "b] -> [c"))
@example(("a -> b", "a -> b"), ("a", "b"))
def test_different_imports_have_different_subjects(one, other):
    assert (subject(*one) == subject(*other)) == (one == other)


# the request


def problem(**options):
    with pytest.raises(BadRequest) as caught:
        read_request({**OPTIONS, **options})
    assert caught.value.code == "invalid_options"
    assert caught.value.remedy
    return caught.value.message


def test_options_become_a_request():
    assert read_request(OPTIONS) == asked(databases={"crm": "crm"})
    assert read_request({**OPTIONS, "backup_id": "7"}) == asked(databases={"crm": "crm"}, backup_id="7")
    moment = "2024-02-29T23:59:59Z"
    assert read_request({**OPTIONS, "restore_time": moment}) == asked(databases={"crm": "crm"}, restore_time=moment)
    assert read_request({**OPTIONS, "databases": {"a": "b"}}).databases == {"a": "b"}
    stripped = read_request({**OPTIONS, "instance_id": f" {TARGET}\n", "source_instance_id": f"{SOURCE} "})
    assert (stripped.source, stripped.target) == (SOURCE, TARGET)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"databases": []}, "databases is empty"),
        ({"databases": {}}, "databases is empty"),
        ({"databases": "crm"}, "databases must be a list"),
        ({"databases": None}, "databases must be a list"),
        ({"databases": 7}, "databases must be a list"),
        ({"databases": [2026]}, "quote it: 2026"),
        ({"databases": {"a": 2026}}, "quote it: 2026"),
        ({"databases": {2026: "a"}}, "quote it: 2026"),
        ({"databases": ["a", ""]}, "quote it: ''"),
        ({"databases": [True]}, "quote it: True"),
        ({"databases": {"a": None}}, "quote it: None"),
        ({"databases": ["a", "A"]}, "more than once (case does not count): A, a"),
        ({"databases": {"a": "x", "b": "X"}}, "a target more than once (case does not count): X, x"),
        ({"databases": {"a": "x", "A": "y"}}, "a source more than once (case does not count): A, a"),
        ({"instance_id": " "}, "must not be empty"),
        ({"source_instance_id": ""}, "must not be empty"),
        ({"instance_id": SOURCE}, "are the same instance"),
        ({"instance_id": f" {SOURCE} "}, "are the same instance"),
        ({"backup_id": "1", "restore_time": "2026-01-01T00:00:00Z"}, "exclude each other"),
        ({"restore_time": "2026-01-01 00:00:00"}, "restore_time is not of the form"),
        ({"restore_time": "2026-01-01T00:00Z"}, "restore_time is not of the form"),
        ({"restore_time": "2026-01-01T00:00:00Z\n"}, "restore_time is not of the form"),
        ({"method": "import", "backup_id": "1"}, "belong to method copy"),
        ({"method": "import", "restore_time": "2026-01-01T00:00:00Z"}, "belong to method copy"),
        ({"method": "import", "sync_user_privilege": True}, "belong to method copy"),
        ({"poll_interval": 0.0}, "poll_interval must be"),
        *(
            ({name: -1.0}, f"{name} must be a number of seconds, not -1")
            for name in ("wait_timeout", "poll_interval", "settle", "start_grace", "max_backup_age")
        ),
    ],
    ids=str,
)
def test_options_that_cannot_be_carried_out(options, words):
    assert words in problem(**options)


@pytest.mark.parametrize("name", ["wait_timeout", "settle", "start_grace", "max_backup_age"])
def test_no_time_at_all_is_a_time(name):
    assert read_request({**OPTIONS, name: 0.0})


def test_everything_that_is_wrong_is_told_at_once():
    message = problem(
        databases={"a": "x", "b": "X", "A": "y"},
        instance_id="",
        backup_id="1",
        restore_time="tomorrow",
        method="import",
        settle=-1.0,
        poll_interval=0.0,
    )
    for words in (
        "a target more than once",
        "a source more than once",
        "must not be empty",
        "exclude each other",
        "not of the form",
        "belong to method copy",
        "settle must be",
        "poll_interval must be",
    ):
        assert words in message


@pytest.mark.parametrize("name", ["wait_timeout", "poll_interval", "settle", "start_grace", "max_backup_age"])
def test_a_time_that_is_no_number_is_refused(name):
    assert name in problem(**{name: float("nan")})


@pytest.mark.parametrize(
    "text", ["2025-1-1T0:0:0Z", "2025-02-30T00:00:00Z", "2025-13-01T00:00:00Z", "2025-01-01T24:61:00Z"]
)
def test_a_restore_time_that_never_was_is_refused(text):
    assert "restore_time" in problem(restore_time=text)


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(JSON_LIKE)
@example([{"sales": "sales_2026"}])
@example([["sales", "sales_2026"]])
@example({"sales": ["sales_2026"]})
@example([{}, "a", "A", 1])
def test_whatever_databases_holds_it_is_read_or_refused(value):
    try:
        read = read_request({**OPTIONS, "databases": value})
    except BadRequest as refused:
        assert "databases" in refused.message  # noqa: PT017  # either outcome is fine, but nothing else is
    else:
        assert read.databases == (value if isinstance(value, dict) else {name: name for name in value})
        assert all(isinstance(name, str) and name for pair in read.databases.items() for name in pair)
