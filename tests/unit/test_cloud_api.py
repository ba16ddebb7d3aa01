# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answers of the cloud migration's actions, in every shape that samples have; and the password, nowhere."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds_cloud_migration as api
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import PASSWORD, TARGET

ROW = {
    "TaskId": 440437220,
    "TaskName": "a",
    "SourceIpAddress": "172.16.0.10",
    "SourcePort": 5432,
    "SourceAccount": "migrator",
    "SourcePassword": PASSWORD,
    "GmtCreated": "2026-01-31T22:10:00Z",
    "TargetInstanceName": TARGET,
    "MigrateStage": "increment",
    "ReplicationState": "streaming",
    "Detail": "",
}
INFO = {
    "Status": "streaming",
    "ReceiveStartLsn": "0/3000000",
    "LatestEndLsn": "1/10",
    "ReceivedLsn": "0/FFFFFFF0",
    "ReplayLsn": "0/FFFFFF00",
    "ReplayTimestamp": "2026-01-31 22:10:00.000000+08",
    "LastMsgSendTime": "2026-01-31 22:10:02.500000+08",
}


class Client:
    """Answers with given rows, or fails."""

    def __init__(self, items=None, failure=None):
        self.items, self.failure, self.calls = items, failure, []

    def call(self, action, parameters):
        self.calls.append((action, parameters))
        if self.failure:
            raise self.failure
        return {"Items": self.items, "TaskId": 7}

    def pages(self, action, parameters, rows_of, *, page_size, total_of):
        answer = self.call(action, {**parameters, "PageSize": page_size})
        assert total_of(answer, ()) is None
        return rows_of(answer)


def migrations(items):
    return api.CloudMigrations(Client(items), TARGET, PASSWORD).migrations()


@pytest.mark.parametrize("items", [[ROW], ROW, {"Item": [ROW]}, {"Item": ROW}, [ROW, ROW]])
def test_items_in_every_shape(items):
    (found,) = migrations(items)
    assert (found.id, found.source, found.stage, found.state) == (
        "440437220",
        api.Source("172.16.0.10", 5432),
        "increment",
        "streaming",
    )
    assert found.streams


@pytest.mark.parametrize("items", [None, [], {}, "none", [None, 3], [{}], [{**ROW, "TargetInstanceName": "pgm-other"}]])
def test_nothing_in_every_shape(items):
    assert migrations(items) == []


@pytest.mark.parametrize("field", sorted(set(ROW) - {"TaskId"}))
def test_any_field_may_be_missing(field):
    (found,) = migrations([{k: v for k, v in ROW.items() if k != field}])
    assert found.id == "440437220"
    if field == "MigrateStage":
        assert found.stage == "unknown"
        assert found.in_flight


def test_newest_first():
    rows = [
        {**ROW, "TaskId": n, "GmtCreated": t} for n, t in ((5, "2026-01-01T00:00:00Z"), (9, "2026-01-01T00:00:00Z"))
    ]
    rows += [{**ROW, "TaskId": 2, "GmtCreated": "2026-02-01T00:00:00Z"}, {**ROW, "TaskId": 11, "GmtCreated": None}]
    assert [m.id for m in migrations(rows)] == ["2", "9", "5", "11"]


def test_the_lists_are_asked_for_pages_of_thirty():
    client = Client([])
    tasks = api.CloudMigrations(client, TARGET)
    tasks.assessments()
    tasks.migrations()
    assert client.calls == [
        ("DescribeCloudMigrationPrecheckResult", {"DBInstanceName": TARGET, "PageSize": 30}),
        ("DescribeCloudMigrationResult", {"DBInstanceName": TARGET, "PageSize": 30}),
    ]


@pytest.mark.parametrize("form", [PASSWORD, quote(PASSWORD, safe=""), quote(quote(PASSWORD, safe=""), safe="")])
def test_the_password_is_in_no_row(form):
    detail = f"Check database connectable: error:login with {form} failed\n[{form}]\nCheck {form}: success\n--- {form}"
    row = {**ROW, "Detail": detail, "SourcePassword": form}
    for found in (migrations([row]), api.CloudMigrations(Client([row]), TARGET, PASSWORD).assessments()):
        assert form not in repr(found)
        assert found[0].report.failures[0].detail == "login with ******** failed"


@pytest.mark.parametrize("form", [PASSWORD, quote(PASSWORD, safe=""), json.dumps(PASSWORD)[1:-1]])
def test_the_password_is_in_no_failure(form):
    failure = MigrationFailure(f"refused: cannot log in with {form}", code="x")
    tasks = api.CloudMigrations(Client(failure=failure), TARGET, PASSWORD)
    for call in (
        lambda: tasks.start(api.CREATE, {}),
        lambda: tasks.activate({}),
        tasks.migrations,
        tasks.assessments,
    ):
        with pytest.raises(MigrationFailure) as caught:
            call()
        assert form not in f"{caught.value} {caught.value!r} {caught.value.message}"


def test_the_password_goes_to_the_service_and_not_into_the_plan():
    client = Client()
    parameters = api.source_parameters(TARGET, api.Source("h", 1), "migrator", "ecsOnVpc", "name")
    assert PASSWORD not in str(parameters)
    assert api.CloudMigrations(client, TARGET, PASSWORD).start(api.PRECHECK, parameters) == "7"
    ((action, sent),) = client.calls
    assert action == api.PRECHECK
    assert sent == {**parameters, "SourcePassword": PASSWORD}


@pytest.mark.parametrize(
    "value",
    [
        json.dumps(INFO),
        json.dumps(INFO).replace('"', '\\"'),
        INFO,
        json.dumps({k.lower(): v for k, v in INFO.items()}),
        json.dumps({"latest_end_lsn": "1/10", **{k: v for k, v in INFO.items() if k != "LatestEndLsn"}}),
    ],
)
def test_positions_and_lag(value):
    told = api.read_replication(value)
    assert told == api.Replication("1/10", "0/FFFFFF00", 0x110, 2.5)


def test_nothing_left_to_replay_is_no_lag_however_long_ago_it_was():
    info = {**INFO, "ReplayLsn": "1/10", "ReplayTimestamp": "2025-01-31 22:10:00+08"}
    told = api.read_replication(json.dumps(info))
    assert (told.lag_bytes, told.lag_seconds) == (0, 0.0)


@pytest.mark.parametrize(
    "value", [None, "", "None", "{}", "null", "[]", "[1]", '{"ReplayLsn": "null"}', "x" * 9, '"{"', 5, "[" * 100_000]
)
def test_what_is_not_told_is_not_known(value):
    assert api.read_replication(value) == api.Replication(None, None, None, None)


def test_the_lag_without_a_unit_is_not_used():
    info = {"ReplayLag": "0", "ReceivedLsn": "0/10"}
    assert api.read_replication(json.dumps(info)) == api.Replication("0/10", None, None, None)


@pytest.mark.parametrize(
    ("lsn", "number"),
    [("0/0", 0), ("0/10", 16), ("1/0", 1 << 32), ("FFFFFFFF/FFFFFFFF", (1 << 64) - 1), ("a/b", 0xA0000000B)],
)
def test_an_lsn(lsn, number):
    assert api.is_lsn(lsn)
    assert api.position(lsn) == number


@pytest.mark.parametrize("text", ["", "1", "1/", "/1", "1/2/3", "x/1", "123456789/0", "1/2 ", "1/2\n", "-1/2"])
def test_no_lsn(text):
    assert not api.is_lsn(text)
    with pytest.raises(ValueError, match="LSN"):
        api.position(text)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-01-31T22:10:00Z", "2026-01-31T22:10:00+00:00"),
        ("2026-01-31 22:10:00.5+08", "2026-01-31T14:10:00.500000+00:00"),
        ("2026-01-31 22:10:00.1234567-0330", "2026-02-01T01:40:00.123456+00:00"),
        ("2026-01-31 22:10:00+05:30", "2026-01-31T16:40:00+00:00"),
        ("2026-01-31 22:10:00", None),
        ("2026-02-31 22:10:00Z", None),
        ("0001-01-01 00:00:00+08", None),
        ("null", None),
        (None, None),
    ],
)
def test_a_moment(text, utc):
    found = api.moment(text)
    assert (found and found.isoformat()) == utc


@pytest.mark.parametrize(
    ("stage", "detail", "failed"),
    [
        ("precheck", "Check x: error:y", True),
        ("basebackup", "2026-01-31 10:00:00 --- error: base backup failed", True),
        ("startup", "--- FATAL: no", True),
        ("increment", "--- error: replication broke", False),
        ("precheck", "Check x: warning(y)", False),
        ("something new", "Check x: error:y", False),
    ],
)
def test_a_migration_failed_when_its_report_says_so_before_it_streams(stage, detail, failed):
    (found,) = migrations([{**ROW, "MigrateStage": stage, "Detail": detail}])
    assert found.failed is failed
    assert found.in_flight is not failed
