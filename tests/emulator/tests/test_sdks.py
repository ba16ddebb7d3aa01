# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's SDKs work against the emulator as they come."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from alibabacloud_rds20140815 import models as m
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from aliyunsdkcore.acs_exception.exceptions import ServerException as CoreServerException
from aliyunsdkcore.request import CommonRequest
from aliyunsdkrds.request.v20140815.DescribeDatabasesRequest import DescribeDatabasesRequest
from aliyunsdkrds.request.v20140815.DescribeDBInstancesRequest import DescribeDBInstancesRequest
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import ACCESS_KEY_ONE, ACCESS_KEY_TWO, STS_EXPIRED, STS_ONE
from darabonba.exceptions import UnretryableException

from .sdk_clients import SOURCE, TARGET, bearer_config, core, generic_call, rds, sts
from .serving import Served

SCHEMES: dict[str, dict[str, Any]] = {"V3": {}, "V1": {"signature_algorithm": "v2"}}


@pytest.fixture(params=SCHEMES)
def scheme(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SCHEMES[request.param]


def test_reading_actions(emulator: Served, scheme: dict[str, Any]) -> None:
    client = rds(emulator, **scheme)
    listed = client.describe_dbinstances(m.DescribeDBInstancesRequest(region_id="cn-hangzhou")).body
    assert listed.total_record_count == 6
    assert SOURCE in {one.dbinstance_id for one in listed.items.dbinstance}
    attribute = client.describe_dbinstance_attribute(m.DescribeDBInstanceAttributeRequest(dbinstance_id=SOURCE)).body
    found = attribute.items.dbinstance_attribute[0]
    assert (found.engine, found.engine_version, found.dbinstance_storage) == ("SQLServer", "2019_std_ha", 500)
    databases = client.describe_databases(m.DescribeDatabasesRequest(dbinstance_id=SOURCE)).body.databases.database
    assert [one.dbname for one in databases] == ["sales", "crm", "hr", "archive"]
    backups = client.describe_backups(m.DescribeBackupsRequest(dbinstance_id=SOURCE)).body
    assert backups.total_record_count == "7"
    usage = client.describe_resource_usage(m.DescribeResourceUsageRequest(dbinstance_id=SOURCE)).body
    assert usage.disk_used == 120 * 1024**3
    accounts = client.describe_accounts(m.DescribeAccountsRequest(dbinstance_id=SOURCE)).body.accounts
    assert {one.account_name for one in accounts.dbinstance_account} == {"migrator", "app"}
    net = client.describe_dbinstance_net_info(m.DescribeDBInstanceNetInfoRequest(dbinstance_id=SOURCE)).body
    assert net.dbinstance_net_infos.dbinstance_net_info[0].port == "1433"
    groups = client.describe_dbinstance_iparray_list(m.DescribeDBInstanceIPArrayListRequest(dbinstance_id=SOURCE)).body
    assert groups.items.dbinstance_iparray[0].security_iplist == "10.0.0.0/8"
    regions = client.describe_regions(m.DescribeRegionsRequest()).body.regions.rdsregion
    assert "cn-shanghai" in {one.region_id for one in regions}


def test_copy(emulator: Served, scheme: dict[str, Any]) -> None:
    client = rds(emulator, **scheme)
    backup = client.describe_backups(m.DescribeBackupsRequest(dbinstance_id=SOURCE)).body.items.backup[0]
    client.copy_database_between_instances(
        m.CopyDatabaseBetweenInstancesRequest(
            dbinstance_id=SOURCE,
            target_dbinstance_id=TARGET,
            db_names=json.dumps({"sales": "sales copy ü*~+"}),
            backup_id=backup.backup_id,
        )
    )
    wanted = m.DescribeDatabasesRequest(dbinstance_id=TARGET, dbname="sales copy ü*~+")
    assert client.describe_databases(wanted).body.databases.database[0].dbstatus == "Creating"
    tasks = client.describe_tasks(m.DescribeTasksRequest(dbinstance_id=TARGET)).body.items.task_progress_info
    assert tasks[0].task_action == "CopyDatabaseBetweenInstances"
    emulator.world.clock.advance(151)
    assert client.describe_databases(wanted).body.databases.database[0].dbstatus == "Running"
    history = client.describe_history_tasks(
        m.DescribeHistoryTasksRequest(
            from_start_time="2026-01-01T00:00:00Z", to_start_time="2036-01-01T00:00:00Z", instance_id=TARGET
        )
    ).body
    assert [one.status for one in history.items] == ["Succeed"]
    assert [one.action for one in emulator.world.calls.select(mutating=True)] == ["CopyDatabaseBetweenInstances"]


def test_databases_are_made_and_removed(emulator: Served, scheme: dict[str, Any]) -> None:
    client = rds(emulator, **scheme)
    client.check_dbname_available(m.CheckDBNameAvailableRequest(dbinstance_id=TARGET, dbname="new"))
    client.create_database(
        m.CreateDatabaseRequest(dbinstance_id=TARGET, dbname="new", character_set_name="Chinese_PRC_CI_AS")
    )
    with pytest.raises(ClientException) as caught:
        client.check_dbname_available(m.CheckDBNameAvailableRequest(dbinstance_id=TARGET, dbname="new"))
    assert caught.value.code == "InvalidDBName.Duplicate"
    emulator.world.clock.advance(60)
    client.delete_database(m.DeleteDatabaseRequest(dbinstance_id=TARGET, dbname="new"))
    client.check_dbname_available(m.CheckDBNameAvailableRequest(dbinstance_id=TARGET, dbname="new"))


def test_retired_import_and_cancel(emulator: Served, scheme: dict[str, Any]) -> None:
    query = {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":{"hr":"hr"}}'}
    answer = generic_call(emulator, "ImportDatabaseBetweenInstances", query, **scheme)
    assert isinstance(answer["body"]["ImportId"], str)
    generic_call(emulator, "CancelImport", {"DBInstanceId": TARGET, "ImportId": answer["body"]["ImportId"]}, **scheme)
    emulator.world.clock.advance(11)
    assert set(emulator.world.state.instances[TARGET].databases) == {"warehouse", "hr"}
    generic_call(emulator, "DescribeDatabases", {"DBInstanceId": TARGET}, **scheme)
    assert set(emulator.world.state.instances[TARGET].databases) == {"warehouse"}


@pytest.mark.parametrize("code", VARIANTS["unknown_action"].values)
def test_retired_actions_can_be_gone(emulator: Served, code: str) -> None:
    emulator.world.merge({"switches": {"retired_actions": False}, "variants": {"unknown_action": code}})
    query = {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":{"hr":"hr"}}'}
    for action in ("ImportDatabaseBetweenInstances", "NoSuchAction"):
        with pytest.raises(ClientException) as caught:
            generic_call(emulator, action, query)
        assert f"{caught.value.code} {caught.value.status_code}" == code
    assert emulator.world.calls.select(mutating=True)[-1].took_effect is False


def test_who_is_calling(emulator: Served, scheme: dict[str, Any]) -> None:
    body = sts(emulator, **scheme).get_caller_identity().body
    assert (body.account_id, body.identity_type) == ("1000000000000001", "Account")
    key = {"access_key_id": STS_ONE[0], "access_key_secret": STS_ONE[1], "security_token": STS_ONE[2]}
    body = sts(emulator, **scheme, **key).get_caller_identity().body
    assert (body.account_id, body.identity_type) == ("1000000000000001", "AssumedRoleUser")


def test_an_account_sees_only_its_own(emulator: Served, scheme: dict[str, Any]) -> None:
    client = rds(emulator, access_key_id=ACCESS_KEY_TWO[0], access_key_secret=ACCESS_KEY_TWO[1], **scheme)
    listed = client.describe_dbinstances(m.DescribeDBInstancesRequest(region_id="cn-hangzhou")).body
    assert {one.dbinstance_id for one in listed.items.dbinstance} == {
        "rm-bp1othermysql0001",
        "pgm-bp1other00000001",
        "rm-bp1othersql000001",
    }
    with pytest.raises(ClientException) as caught:
        client.describe_databases(m.DescribeDatabasesRequest(dbinstance_id=SOURCE))
    assert (caught.value.code, caught.value.status_code) == ("InvalidDBInstanceId.NotFound", 404)


def test_wrong_credentials(emulator: Served, scheme: dict[str, Any]) -> None:
    expired = {
        "access_key_id": STS_EXPIRED[0],
        "access_key_secret": STS_EXPIRED[1],
        "security_token": STS_EXPIRED[2],
    }
    cases: list[tuple[dict[str, Any], str]] = [
        ({"access_key_secret": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_key_id": "nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"security_token": "unasked"}, "InvalidSecurityToken.Malformed"),
        (expired, "InvalidSecurityToken.Expired"),
    ]
    for changes, code in cases:
        with pytest.raises(ClientException) as caught:
            rds(emulator, **{**scheme, **changes}).describe_regions(m.DescribeRegionsRequest())
        assert caught.value.code == code
        assert "emulatorSecret" not in str(caught.value)
    assert {one.account_id for one in emulator.world.calls.select()} == {""}


def test_bearer_token(emulator: Served, scheme: dict[str, Any]) -> None:
    from alibabacloud_rds20140815.client import Client

    client = Client(bearer_config(emulator, **scheme))
    listed = client.describe_dbinstances(m.DescribeDBInstancesRequest(region_id="cn-hangzhou")).body
    assert listed.total_record_count == 6
    emulator.world.merge({"variants": {"bearer_forms": "none"}})
    with pytest.raises(ClientException) as caught:
        client.describe_regions(m.DescribeRegionsRequest())
    assert caught.value.code == "InvalidBearerToken"


def test_errors_arrive_as_the_sdk_s_exceptions(emulator: Served) -> None:
    client, request = rds(emulator), m.DescribeRegionsRequest()
    emulator.world.faults.add({"kind": "throttle", "retry_after": 1500, "times": 1})
    with pytest.raises(ThrottlingException) as throttled:
        client.describe_regions(request)
    assert throttled.value.retry_after == 1500
    emulator.world.faults.add({"kind": "throttle", "times": 1})
    with pytest.raises(ClientException) as refused:
        client.describe_regions(request)
    assert refused.value.code == "Throttling.User"
    for kind, code in (("http_500", "InternalError"), ("http_503", "ServiceUnavailable")):
        emulator.world.faults.add({"kind": kind, "times": 1})
        with pytest.raises(ServerException) as failed:
            client.describe_regions(request)
        assert failed.value.code == code
    for kind in ("html", "close_before", "close_after", "empty", "truncate"):
        emulator.world.faults.replace([{"kind": kind, "times": 1}])
        with pytest.raises(UnretryableException):
            client.describe_regions(request)
    assert client.describe_regions(request).body.request_id


def test_older_client(emulator: Served) -> None:
    client = core(emulator)
    request = DescribeDBInstancesRequest()
    for key in ("json", "JSON"):
        request.set_accept_format(key)
        answer = json.loads(_do(client, emulator, request))
        assert answer["TotalRecordCount"] == 6
    request.set_accept_format("xml")
    # Its other methods ask for JSON whatever was set.
    with pytest.warns(DeprecationWarning, match="deprecated"):
        text = client.implementation_of_do_action(request)[2]
    assert text.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeDBInstancesResponse>')
    assert text.count(b"<DBInstance>") == 6


def test_older_client_with_security_token(emulator: Served) -> None:
    request = DescribeDatabasesRequest()
    request.set_DBInstanceId(SOURCE)
    request.set_accept_format("json")
    assert len(json.loads(_do(core(emulator, STS_ONE), emulator, request))["Databases"]["Database"]) == 4
    with pytest.raises(CoreServerException) as caught:
        _do(core(emulator, STS_EXPIRED), emulator, request)
    assert caught.value.error_code == "InvalidSecurityToken.Expired"


def test_older_client_recognises_a_wrong_secret(emulator: Served) -> None:
    request = DescribeDBInstancesRequest()
    with pytest.raises(CoreServerException) as caught:
        _do(core(emulator, (ACCESS_KEY_ONE[0], "wrong")), emulator, request)
    # It compares the string to sign in the message with its own.
    assert caught.value.error_code == "InvalidAccessKeySecret"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_older_client_with_a_retired_action(emulator: Served, method: str) -> None:
    request = CommonRequest(
        version="2014-08-15", action_name="ImportDatabaseBetweenInstances", domain=emulator.endpoint
    )
    request.set_method(method)
    request.set_protocol_type("http")
    parameters = {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":["hr","crm"]}'}
    for name, value in parameters.items():
        if method == "POST":
            request.add_body_params(name, value)
        else:
            request.add_query_param(name, value)
    answer = json.loads(core(emulator).do_action_with_exception(request))
    assert answer["ImportId"].isdecimal()


def test_tls(tls_server: Served) -> None:
    request = m.DescribeRegionsRequest()
    assert tls_server.urls.api.startswith("https://127.0.0.1:")
    client = rds(tls_server, ca=tls_server.urls.ca_path)
    assert client.describe_regions(request).body.request_id
    assert requests.get(tls_server.urls.api, verify=tls_server.urls.ca_path, timeout=10).status_code == 400
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(tls_server.urls.api, timeout=10)


def _do(client: Any, emulator: Served, request: Any) -> bytes:
    request.set_endpoint(emulator.endpoint)
    request.set_protocol_type("http")
    answer: bytes = client.do_action_with_exception(request)
    return answer
