# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup imports with the vendor's clients as they come, and with answers that get lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from alibabacloud_rds20140815 import models as m
from alibabacloud_tea_openapi.exceptions import ClientException
from aliyunsdkrds.request.v20140815.CreateMigrateTaskRequest import CreateMigrateTaskRequest
from aliyunsdkrds.request.v20140815.DescribeMigrateTasksRequest import DescribeMigrateTasksRequest
from aliyunsdkrds.request.v20140815.DescribeOssDownloadsRequest import DescribeOssDownloadsRequest
from apsara_emulator import Gateway
from apsara_emulator.requests_adapter import EmulatorAdapter

from .inprocess import TARGET
from .migrating import BUCKET, ENDPOINT, FULL, LOG_1, LONG, MigrationBench, content_of
from .sdk_clients import core, rds
from .serving import Served
from .signing import v3_call

SCHEMES: dict[str, dict[str, Any]] = {"V3": {}, "V1": {"signature_algorithm": "v2"}}
FIRST = f"{ENDPOINT}:{BUCKET}:dir/sales_FULL_20260301020000.bak"
SECOND = f"{ENDPOINT}:{BUCKET}:dir/sales_LOG_20260301030000.bak"


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SCHEMES[request.param]


@pytest.fixture
def filled(emulator: Served) -> Served:
    """The default world with a full and a log backup in its bucket."""
    emulator.world.oss.put(BUCKET, FIRST.split(":")[2], content_of(FULL))
    emulator.world.oss.put(BUCKET, SECOND.split(":")[2], content_of(LOG_1))
    return emulator


def test_a_chain_with_the_current_client(filled: Served, scheme: dict[str, Any]) -> None:
    client = rds(filled, **scheme)

    def add(position: str, task: str | None) -> Any:
        return client.create_migrate_task(
            m.CreateMigrateTaskRequest(
                dbinstance_id=TARGET,
                dbname="sales",
                backup_mode="UPDF",
                is_online_db="False",
                oss_object_positions=position,
                migrate_task_id=task,
            )
        ).body

    def status() -> Any:
        request = m.DescribeMigrateTaskByIdRequest(dbinstance_id=TARGET, migrate_task_id=task)
        return client.describe_migrate_task_by_id(request).body.status

    task = add(FIRST, None).migrate_task_id
    filled.world.clock.advance(LONG)
    assert status() == "Waiting"
    assert add(SECOND, task).migrate_task_id == task
    filled.world.clock.advance(LONG)
    files = client.describe_oss_downloads(
        m.DescribeOssDownloadsRequest(dbinstance_id=TARGET, migrate_task_id=task)
    ).body.items.oss_download
    assert [one.backup_mode for one in files] == ["Database", "Transaction_Log"]
    client.create_online_database_task(
        m.CreateOnlineDatabaseTaskRequest(
            dbinstance_id=TARGET, dbname="sales", migrate_task_id=task, check_dbmode="SyncExecuteDBCheck"
        )
    )
    filled.world.clock.advance(LONG)
    assert status() == "Success"
    with pytest.raises(ClientException) as caught:
        client.terminate_migrate_task(m.TerminateMigrateTaskRequest(dbinstance_id=TARGET, migrate_task_id=task))
    assert caught.value.code == "InvalideStatus"


def test_the_older_client(filled: Served) -> None:
    client = core(filled)

    def do(request: Any) -> Any:
        request.set_endpoint(filled.endpoint)
        request.set_protocol_type("http")
        request.set_DBInstanceId(TARGET)
        return json.loads(client.do_action_with_exception(request))

    create = CreateMigrateTaskRequest()
    create.set_DBName("sales")
    create.set_BackupMode("FULL")
    create.set_IsOnlineDB("True")
    create.set_OssObjectPositions(FIRST)
    task = do(create)["MigrateTaskId"]
    filled.world.clock.advance(LONG)
    listing = DescribeMigrateTasksRequest()
    listing.set_StartTime("2026-01-01T00:00Z")
    listing.set_EndTime("2036-01-09T00:00Z")
    # The world's clock has run on, however often the tests before have used it.
    (row,) = do(listing)["Items"]["MigrateTask"]
    assert (row["MigrateTaskId"], row["Status"]) == (task, "Success")
    files = DescribeOssDownloadsRequest()
    files.set_MigrateTaskId(task)
    assert do(files)["Items"]["OssDownload"][0]["Status"] == "Restored"


@pytest.mark.parametrize(
    ("fault", "created"),
    [
        ({"kind": "close_before"}, 0),
        ({"kind": "close_after"}, 1),
        ({"kind": "timeout_after", "seconds": 0.01}, 1),
        ({"kind": "http_500", "effect": True}, 1),
        ({"kind": "http_500"}, 0),
        ({"kind": "throttle"}, 0),
    ],
)
def test_what_a_lost_answer_leaves_behind(fault: dict[str, Any], created: int) -> None:
    bench = MigrationBench()
    parameters = bench.parameters()
    bench.world.faults.add({**fault, "action": "CreateMigrateTask", "times": 1})
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(bench.world)))
        try:
            answer = v3_call(session, "http://rds.test", bench.clock.now(), "CreateMigrateTask", parameters)
            assert answer.status_code >= 400
        except requests.exceptions.RequestException:
            pass
    assert len(bench.listed()) == created
    assert bench.world.calls.select(mutating=True)[-1].took_effect is bool(created)
    bench.run()
    assert ("sales" in bench.databases()) is bool(created)


def test_the_envelope_of_opening_travels_whole() -> None:
    bench = MigrationBench(online_answer="wrapped")
    task = bench.chain(FULL)
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(bench.world)))
        parameters = bench.open_parameters(task)
        answer = v3_call(session, "http://rds.test", bench.clock.now(), "CreateOnlineDatabaseTask", parameters)
    assert set(answer.json()) == {"code", "data", "requestId", "successResponse"}
    assert answer.json()["requestId"] == answer.headers["x-acs-request-id"]


def test_the_list_lags_behind_on_purpose() -> None:
    bench = MigrationBench()
    bench.world.faults.add({"kind": "list_lag", "seconds": 30})
    bench.create()
    with requests.Session() as session:
        session.mount("http://rds.test", EmulatorAdapter(Gateway(bench.world)))

        def listed() -> int:
            now = bench.clock.now()
            answer = v3_call(session, "http://rds.test", now, "DescribeMigrateTasks", bench.window())
            return int(answer.json()["TotalRecordCount"])

        assert listed() == 0
        bench.clock.advance(30)
        assert listed() == 1


def test_objects_that_go_through_the_front_door(filled: Served) -> None:
    """What the service has fetched may be deleted, even if nobody looked in between."""
    client = rds(filled)
    request = m.CreateMigrateTaskRequest(
        dbinstance_id=TARGET, dbname="sales", backup_mode="FULL", is_online_db="True", oss_object_positions=FIRST
    )
    task = client.create_migrate_task(request).body.migrate_task_id
    filled.world.clock.advance(LONG)
    import oss2
    from apsara_emulator.default_world import ACCESS_KEY_ONE

    bucket = oss2.Bucket(oss2.Auth(*ACCESS_KEY_ONE), filled.urls.oss, BUCKET)
    bucket.delete_object(FIRST.split(":")[2])
    wanted = m.DescribeMigrateTaskByIdRequest(dbinstance_id=TARGET, migrate_task_id=task)
    assert client.describe_migrate_task_by_id(wanted).body.status == "Success"
