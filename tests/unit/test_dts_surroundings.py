# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told before a job begins: roles of both sides, addresses of DTS, and what a job that is there knows."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts import Jobs
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import dts_trust, trust_document
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ACCOUNT_ONE,
    ACCOUNT_TWO,
    KEY_ONE,
    KEY_TWO,
    KINDS,
    MODULE,
    ROLE,
    SOURCE,
    TARGET,
    MigrationStage,
    statuses,
)

ACCOUNT_THREE = "3000000000000003"
KEY_THREE = {"access_key_id": "LTAI5tApsaraEmulator0003", "access_key_secret": "emulatorSecretOfAccountThree03"}


@pytest.fixture
def stage():
    return MigrationStage()


def look(run, stage, **options):
    told = run(stage, MODULE, check=True, **stage.wish(**{"preflight": "warn", **options}))
    assert not told["failed"], told["msg"]
    return told


def check_of(told, name):
    return next(check for check in told["checks"] if check["name"] == name)


def trust(stage, account, trusted):
    """A role for DTS in an account; trusted: the account it is for, or the text of a trust policy."""
    document = stage.account(account)
    text = trust_document(dts_trust(trusted)) if trusted.isdigit() else trusted
    document.setdefault("roles", {})[ROLE] = {"trust_policy": text, "policies": ["System/AliyunDTSRolePolicy"]}
    stage.world.merge({"accounts": {account: document}})


def hide_account(monkeypatch, account):
    """The service answers, and does not tell the account of some credentials."""
    call = RpcClient.call

    def without(client, action, parameters=None):
        answer = call(client, action, parameters)
        mine = action == "GetCallerIdentity" and answer.get("AccountId") == account
        return {"RequestId": answer["RequestId"]} if mine else answer

    monkeypatch.setattr(RpcClient, "call", without)


@pytest.mark.parametrize(("lacking", "expected"), [(None, ("pass", "pass")), ("destination", ("pass", "warn"))])
def test_each_side_is_judged_by_the_role_of_its_own_account(stage, run, lacking, expected):
    """Source and destination belong to others than the caller."""
    stage.world.merge({"accounts": {ACCOUNT_THREE: {"account_id": ACCOUNT_THREE, "access_keys": [KEY_THREE]}}})
    trust(stage, ACCOUNT_ONE, ACCOUNT_THREE)
    trust(stage, ACCOUNT_TWO, ACCOUNT_ONE if lacking else ACCOUNT_THREE)
    told = look(
        run,
        stage,
        source=stage.end("source", credentials=KEY_ONE),
        destination=stage.end("destination", account_id=ACCOUNT_TWO, role=ROLE, credentials=KEY_TWO),
        **KEY_THREE,
    )
    assert (statuses(told)["source_role"], statuses(told)["destination_role"]) == expected


NOT_PRINCIPAL = (
    '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"RAM": ["a"]}}]}'
)


@pytest.mark.parametrize("policy", ["no policy", NOT_PRINCIPAL])
def test_a_trust_policy_that_cannot_be_understood_lets_nobody_in_for_certain(stage, run, policy):
    trust(stage, ACCOUNT_ONE, policy)
    check = check_of(look(run, stage, source=stage.end("source", credentials=KEY_ONE)), "source_role")
    assert check["status"] == "unknown", check
    assert "cannot be understood" in check["detail"]


@pytest.mark.parametrize(
    ("hidden", "text"), [(ACCOUNT_TWO, "which account this is"), (ACCOUNT_ONE, "was found in is not told")]
)
def test_an_account_that_is_not_told(stage, run, monkeypatch, hidden, text):
    hide_account(monkeypatch, hidden)
    check = check_of(look(run, stage, source=stage.end("source", credentials=KEY_ONE)), "source_role")
    assert check["status"] == "unknown", check
    assert text in check["detail"]
    assert not stage.writes()


def test_a_self_managed_source_has_no_region(stage, run):
    end = stage.end("source", access="public", instance_id=None, region=None, account_id=None, role=None)
    told = look(run, stage, source={**end, "host": "203.0.113.9", "port": 3306})
    assert stage.calls("DescribeDTSIP")[0].parameters["SourceEndpointRegion"] == "cn-hangzhou"
    assert told["dts_servers"]
    assert all(network in check_of(told, "source_white_list")["remedy"] for network in told["dts_servers"])


def configured(run, stage, **options):
    """A job that was made with all options, and a wish that leaves them to it."""
    done = run(stage, MODULE, **stage.wish("configured", preflight="warn", **options))
    assert not done["failed"], done["msg"]
    return {"objects": None, "migration_types": None, "source": stage.end("source", credentials=KEY_ONE)}


def untold(monkeypatch, *fields):
    """The service leaves something out of what it tells about jobs."""
    make = Jobs._job
    monkeypatch.setattr(Jobs, "_job", lambda jobs, row: make(jobs, {k: v for k, v in row.items() if k not in fields}))


def test_what_is_left_to_a_job_is_taken_from_it(stage, run):
    stage.change(TARGET, databases={"shop": {"status": "Running", "size": 10**6}})
    wish = configured(run, stage, existing_tables="ignore", migration_types=KINDS, accounts=True)
    stage.change(SOURCE, accounts=[{"name": "migrator", "type": "Normal", "privileges": {"shop": "ReadOnly"}}])
    wish["source"].pop("account")
    told = look(run, stage, **wish)
    assert statuses(told)["source_account"] == "fail"
    assert "shop (ReadOnly)" in check_of(told, "source_account")["detail"]
    assert "migrate database accounts" in check_of(told, "source_account")["remedy"]
    assert (statuses(told)["source_objects"], statuses(told)["storage"]) == ("pass", "pass")
    assert statuses(told)["destination_objects"] == "pass"
    asked = look(run, stage, **wish, existing_tables="stop")
    assert statuses(asked)["destination_objects"] == "warn"


def test_databases_that_a_job_cannot_find(stage, run):
    wish = configured(run, stage, objects=[{"database": "elsewhere"}])
    told = look(run, stage, **wish)
    assert statuses(told)["source_objects"] == "fail"
    assert "elsewhere" in check_of(told, "source_objects")["detail"]


def test_without_schema_a_job_needs_its_databases(stage, run):
    wish = configured(run, stage, migration_types=["full"])
    assert statuses(look(run, stage, **wish))["destination_objects"] == "fail"


@pytest.mark.parametrize(("kinds", "status"), [(["incremental"], "pass"), (["full", "incremental"], "warn")])
def test_only_a_copy_of_rows_needs_room_at_once(stage, run, kinds, status):
    """A job that carries changes back finds the rows already there."""
    stage.change(TARGET, storage_gb=20, other_used=20 * 2**30 - 1)
    told = look(run, stage, source=stage.end("source", credentials=KEY_ONE), migration_types=kinds)
    assert statuses(told)["storage"] == status, check_of(told, "storage")


def test_a_job_that_does_not_tell_its_objects(stage, run, monkeypatch):
    wish = configured(run, stage)
    stage.change(SOURCE, accounts=[{"name": "migrator", "type": "Normal", "privileges": {"shop": "ReadOnly"}}])
    untold(monkeypatch, "DbObject")
    found = statuses(look(run, stage, **wish))
    assert (found["source_objects"], found["destination_objects"], found["source_account"]) == ("unknown",) * 3
    # The whole source is too large, what the job takes of it may not be.
    stage.change(TARGET, storage_gb=20, other_used=20 * 2**30 - 10**6)
    assert statuses(look(run, stage, **wish))["storage"] == "warn"


def test_a_job_that_does_not_tell_its_kinds(stage, run, monkeypatch):
    wish = configured(run, stage)
    stage.change(SOURCE, accounts=[{"name": "migrator", "type": "Normal", "privileges": {"shop": "ReadWrite"}}])
    untold(monkeypatch, "MigrationMode")
    found = statuses(look(run, stage, **wish))
    assert (found["destination_objects"], found["source_account"]) == ("unknown", "unknown")


def test_a_job_that_does_not_tell_its_settings(stage, run, monkeypatch):
    stage.change(TARGET, databases={"shop": {"status": "Running", "size": 10**6}})
    wish = configured(run, stage)
    untold(monkeypatch, "Reserved")
    found = statuses(look(run, stage, **wish))
    assert (found["destination_objects"], found["source_account"]) == ("unknown", "unknown")


def test_the_database_of_the_connection_is_taken_from_the_job(stage, run):
    ends = {"source": "rm-bp1sqlsource00001", "destination": "rm-bp1othersql000001"}
    given = {side: {"engine": "SQLServer", "instance_id": instance} for side, instance in ends.items()}
    made = {side: stage.end(side, database="hr", **given[side]) for side in ends}
    done = run(stage, MODULE, **stage.wish("configured", preflight="warn", **made))
    assert not done["failed"], done["msg"]
    wish = {side: stage.end(side, **given[side]) for side in ends}
    wish["source"]["credentials"] = KEY_ONE
    assert statuses(look(run, stage, **wish))["source_objects"] == "pass"
