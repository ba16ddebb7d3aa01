# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules that only read."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET, Stage
from apsara_emulator import draw

GIB = 1024**3


@pytest.mark.parametrize("seed", range(30))
def test_instance_info_in_every_world(run, seed):
    stage = Stage(draw(seed))
    told = run(stage, "rds_instance_info", instance_id=SOURCE)
    assert not told["failed"], told["msg"]
    assert not told["changed"]
    assert told["instance"]["id"] == SOURCE
    assert told["instance"]["state"] == "Running"
    assert [d["name"] for d in told["instance"]["databases"]] == ["archive", "crm", "hr", "sales"]
    storage = told["instance"]["storage"]
    assert storage["total"] == 500 * GIB
    assert storage["used"] in (None, 120 * GIB)
    assert (storage["free"] is None) == (storage["used"] is None)
    assert stage.writes() == []


def test_a_part_that_is_refused_is_named(stage, run):
    stage.world.faults.add({"kind": "throttle", "action": "DescribeAccounts", "code": "Forbidden.RAM", "status": 403})
    told = run(stage, "rds_instance_info", instance_id=SOURCE)["instance"]
    assert told["accounts"] is None
    assert list(told["unavailable"]) == ["accounts"]
    assert "Forbidden.RAM" in told["unavailable"]["accounts"]
    assert told["databases"]


def test_an_instance_that_is_refused_fails_the_task(stage, run):
    stage.world.faults.add({"kind": "throttle", "code": "Forbidden.RAM", "status": 403})
    refused = run(stage, "rds_instance_info", instance_id=SOURCE)
    assert refused["failed"]
    assert refused["error"]["code"] == "Forbidden.RAM"
    assert refused["error"]["http_status"] == 403
    assert refused["request_ids"] == [refused["error"]["request_id"]]


def test_all_accounts_of_a_large_instance(stage, run):
    many = [{"name": f"user{number:03}"} for number in range(321)]
    stage.world.merge({"instances": {TARGET: {"accounts": many}}})
    told = run(stage, "rds_instance_info", instance_id=TARGET)["instance"]
    assert [a["name"] for a in told["accounts"]] == [a["name"] for a in many]


@pytest.mark.parametrize("name", ["rds_instance_info", "rds_migration_info"])
def test_an_unknown_instance(stage, run, name):
    refused = run(stage, name, instance_id="rm-bp1nowhere0000001")
    assert refused["failed"]
    assert refused["error"]["code"] == "instance_not_found"


@pytest.mark.parametrize(
    ("row", "size"),
    [
        ({}, None),
        ({"PropertyName": "size", "PropertyValue": "12"}, None),  # without a unit it could be anything
        ({"PropertyName": "DBSize", "PropertyValue": "12 MB"}, 12 * 1024**2),
        ({"PropertyName": "size", "PropertyValue": "1.5 GB"}, int(1.5 * GIB)),
        ({"PropertyName": "owner", "PropertyValue": "12 MB"}, None),
        ({"PropertyName": ["size"], "PropertyValue": {"MB": 1}}, None),
    ],
)
def test_a_size_is_believed_only_with_its_unit(row, size):
    assert rds._database({"DBName": "a", "RuntimeInfo": {"RuntimeDbProperty": [row]}}).size == size


@pytest.mark.parametrize("seed", range(30))
def test_migration_info_in_every_world(run, seed):
    stage = Stage(draw(seed))
    before = run(stage, "rds_migration_info", instance_id=TARGET)
    assert before["migrations"] == []
    assert before["importing"] is False
    wish = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm"]}
    run(stage, "rds_import_between_instances", **wish, method="import", wait=False, settle=300)
    during = run(stage, "rds_migration_info", instance_id=TARGET)
    run(stage, "rds_import_between_instances", **wish)
    after = run(stage, "rds_migration_info", instance_id=TARGET)
    listed = stage.world.to_document()["variants"]["tasks_listed"] in ("both", "target")
    assert [m["state"] for m in during["migrations"]] == (["running"] if listed else [])
    assert [m["state"] for m in after["migrations"]] == (["finished"] if listed else [])
    assert after["importing"] is False


def test_a_failed_import_is_told_as_failed(stage, run):
    stage.world.merge({"outcomes": [{"result": "fails", "after": 60, "failure": "DiskFull: no space left"}]})
    wish = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm"], "method": "import"}
    run(stage, "rds_import_between_instances", **wish)
    told = run(stage, "rds_migration_info", instance_id=TARGET)["migrations"]
    assert [m["state"] for m in told] == ["failed"]
    assert told[0]["error"]
    assert run(stage, "rds_migration_info", instance_id=TARGET, task_id="none")["migrations"] == []


@pytest.mark.parametrize("option", ["since", "until"])
@pytest.mark.parametrize("text", ["yesterday", "2026-01-02", "2026-01-02T03:04Z", "2026-13-02T03:04:05Z"])
def test_a_time_that_is_none(stage, run, option, text):
    refused = run(stage, "rds_migration_info", instance_id=TARGET, **{option: text})
    assert refused["failed"]
    assert option in refused["msg"]
