# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What database accounts may do, as far as RDS tells it, and what they need by the vendor's table."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    KEY_ONE,
    KINDS,
    MODULE,
    SOURCE,
    TARGET,
    MigrationStage,
)

COPY = ("schema", "full")
PG_SOURCE, PG_TARGET, SQL_SOURCE = "pgm-bp1source0000001", "pgm-bp1other00000001", "rm-bp1sqlsource00001"
REPLICATION = "REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW and SELECT"


@pytest.fixture
def stage():
    return MigrationStage()


@pytest.fixture
def judge(run, stage):
    """The check of a side's account. Engines come with the instance."""

    def look(side="source", ends=(SOURCE, TARGET), engine="MySQL", kinds=COPY, **options):
        given = {"engine": engine, **({"database": "shop"} if engine == "PostgreSQL" else {})}
        wish = stage.wish(
            source=stage.end("source", instance_id=ends[0], credentials=KEY_ONE, **given),
            destination=stage.end("destination", instance_id=ends[1], **given),
            migration_types=list(kinds),
            preflight="warn",
            **options,
        )
        told = run(stage, MODULE, check=True, **wish)
        assert not told["failed"], told["msg"]
        return next(check for check in told["checks"] if check["name"] == f"{side}_account")

    return look


def with_account(stage, instance, privileges=None, *, name="migrator", kind="Normal", **fields):
    account = {"name": name, "type": kind, "privileges": privileges or {}}
    stage.change(instance, accounts=[account], **fields)


@pytest.mark.parametrize("side", ["source", "destination"])
def test_an_account_that_rds_does_not_list_may_be_right(stage, judge, side):
    with_account(stage, SOURCE if side == "source" else TARGET, name="somebody")
    check = judge(side)
    assert check["status"] == "unknown", check
    assert (REPLICATION in check["remedy"]) == (side == "source")


def test_accounts_of_sql_server_are_all_listed(stage, judge):
    with_account(stage, SQL_SOURCE, name="somebody")
    assert judge(ends=(SQL_SOURCE, "rm-bp1othersql000001"), engine="SQLServer")["status"] == "fail"


def test_rights_in_other_databases_are_none_in_this_one(stage, judge):
    with_account(stage, SOURCE, {"other": "ReadWrite"})
    assert judge()["status"] == "fail"


def test_rights_in_a_database_that_is_yet_to_be_made_are_not_told(stage, judge):
    with_account(stage, TARGET, {"orders": "ReadWrite"})
    assert judge("destination")["status"] == "unknown"


@pytest.mark.parametrize(
    ("side", "kinds", "rights", "status"),
    [
        ("source", COPY, "Custom: INSERT,SELECT", "pass"),
        ("source", COPY, "Custom: insert, select", "pass"),
        ("source", COPY, "Custom: INSERT,SHOW VIEW", "fail"),
        ("source", COPY, "Custom", "unknown"),
        ("source", KINDS, "Custom: SELECT,SHOW VIEW", "unknown"),
        ("destination", COPY, "Custom: SELECT,INSERT", "fail"),
        ("destination", COPY, "Custom: SELECT,INSERT,UPDATE,DELETE", "unknown"),
        ("destination", COPY, "Custom: ALL PRIVILEGES", "unknown"),
    ],
)
def test_rights_that_were_picked_one_by_one(stage, judge, side, kinds, rights, status):
    instance = SOURCE if side == "source" else TARGET
    with_account(stage, instance, {"shop": rights}, databases={"shop": {"status": "Running", "size": 1}})
    check = judge(side, kinds=kinds)
    assert check["status"] == status, check


@pytest.mark.parametrize(
    ("privileges", "kinds", "status"),
    [
        ({}, COPY, "pass"),
        ({}, KINDS, "unknown"),
        ({"other": "DBOwner"}, KINDS, "unknown"),
        ({"shop": "DBOwner"}, KINDS, "pass"),
    ],
)
def test_a_privileged_account_of_postgresql_owns_the_database_or_not(stage, judge, privileges, kinds, status):
    with_account(stage, PG_SOURCE, privileges, kind="Super")
    check = judge(ends=(PG_SOURCE, PG_TARGET), engine="PostgreSQL", kinds=kinds)
    assert check["status"] == status, check


@pytest.mark.parametrize(("version", "told"), [("9.4", True), ("15.0", False), ("19.4", False)])
def test_postgresql_9_4_is_spoken_of_where_it_runs(stage, judge, version, told):
    with_account(stage, PG_SOURCE, engine_version=version)
    check = judge(ends=(PG_SOURCE, PG_TARGET), engine="PostgreSQL", kinds=KINDS)
    assert check["status"] == "unknown"
    assert "privileged account that owns the database" in check["remedy"]
    assert ("9.4" in check["remedy"]) == told


@pytest.mark.parametrize(
    ("side", "kinds", "needed"),
    [
        ("source", ["schema"], "It needs USAGE on the schema pg_catalog."),
        ("source", ["full"], "It needs SELECT on the objects."),
        ("source", COPY, "It needs USAGE on the schema pg_catalog and SELECT on the objects."),
        ("destination", ["schema"], "It needs CREATE and USAGE on the objects."),
        ("destination", ["full"], "It needs for the rows the rights of the schema's owner."),
        (
            "destination",
            COPY,
            "It needs CREATE and USAGE on the objects, and for the rows the rights of the schema's owner.",
        ),
    ],
)
def test_what_accounts_of_postgresql_need(stage, judge, side, kinds, needed):
    with_account(stage, PG_SOURCE if side == "source" else PG_TARGET)
    check = judge(side, ends=(PG_SOURCE, PG_TARGET), engine="PostgreSQL", kinds=kinds)
    assert (check["status"], check["remedy"]) == ("unknown", needed)


@pytest.mark.parametrize(("wish", "status"), [(True, "unknown"), (False, "pass"), (None, "pass")])
@pytest.mark.parametrize("kind", ["Super", "Normal"])
@pytest.mark.parametrize("side", ["source", "destination"])
def test_migrating_accounts_needs_more_rights(stage, judge, side, kind, wish, status):
    instance = SOURCE if side == "source" else TARGET
    with_account(
        stage, instance, {"shop": "ReadWrite"}, kind=kind, databases={"shop": {"status": "Running", "size": 1}}
    )
    check = judge(side, accounts=wish)
    assert check["status"] == status, check
    assert ("migrate database accounts" in check["remedy"]) == bool(wish)
