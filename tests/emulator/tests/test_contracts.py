# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's idea of the actions agrees with the SDK's model classes, and its answers fit them."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from alibabacloud_dts20200101 import models as dts_models
from alibabacloud_ram20150501 import models as ram_models
from alibabacloud_rds20140815 import models as rds_models
from alibabacloud_sts20150401 import models as sts_models
from apsara_emulator import VARIANTS, ApiError, Variants
from apsara_emulator.contracts import load_contracts, service_versions
from apsara_emulator.registry import ACTIONS

from .inprocess import SOURCE, TARGET, Bench

MODELS = {"dts": dts_models, "ram": ram_models, "rds": rds_models, "sts": sts_models}
CONTRACTS = [one for actions in load_contracts().values() for one in actions.values()]
CURRENT = [one for one in CONTRACTS if not one.retired]


def model(service: str, name: str) -> Any:
    """A model class by the wire name of its action (the SDK writes DB as DB here and Db there)."""
    found = {key.lower(): value for key, value in vars(MODELS[service]).items() if inspect.isclass(value)}
    return found.get(name.lower())


def wire_names(kind: Any) -> set[str]:
    """The wire names a model writes. Each of its `to_map` has one line for each."""
    return set(re.findall(r"result\['([^']+)'\]", inspect.getsource(kind.to_map)))


def test_every_contract_has_an_action_and_the_other_way_round() -> None:
    assert {(one.service, one.action) for one in CONTRACTS} == set(ACTIONS)
    assert service_versions()["2014-08-15"] == "rds"


def test_which_actions_write() -> None:
    writing = {name for (service, name), one in ACTIONS.items() if one.mutating and service == "rds"}
    assert writing == {
        "ActivateMigrationTargetInstance",
        "CancelImport",
        "CopyDatabaseBetweenInstances",
        "CreateCloudMigrationPrecheckTask",
        "CreateCloudMigrationTask",
        "CreateDatabase",
        "CreateMigrateTask",
        "CreateOnlineDatabaseTask",
        "DeleteDatabase",
        "ImportDatabaseBetweenInstances",
        "TerminateMigrateTask",
    }


def test_which_actions_of_the_other_services_write() -> None:
    """Those whose names do not say that they read."""
    for (service, name), one in ACTIONS.items():
        if service != "rds":
            assert one.mutating is not name.startswith(("Describe", "Get", "List", "WhiteIp")), name


@pytest.mark.parametrize("contract", CURRENT, ids=lambda one: one.action)
def test_parameters_are_those_of_the_sdk(contract: Any) -> None:
    request = model(contract.service, f"{contract.action}Request")
    assert set(contract.parameters) == (wire_names(request) if request else set())


@pytest.mark.parametrize("contract", CURRENT, ids=lambda one: one.action)
def test_answer_fields_are_those_of_the_sdk(contract: Any) -> None:
    assert set(contract.response) == wire_names(model(contract.service, f"{contract.action}ResponseBody"))


@pytest.mark.parametrize("action", ["ImportDatabaseBetweenInstances", "CancelImport"])
def test_retired_actions_are_gone_from_the_sdk(action: str) -> None:
    assert model("rds", f"{action}Request") is None
    assert load_contracts()["rds"][action].retired


POSTGRESQL = "pgm-bp1target0000001"
CALLS: dict[str, dict[str, Any]] = {
    "DescribeCloudMigrationPrecheckResult": {"DBInstanceName": POSTGRESQL, "PageNumber": 1, "PageSize": 30},
    "DescribeCloudMigrationResult": {"DBInstanceName": POSTGRESQL, "PageNumber": 1, "PageSize": 30},
    "DescribeDBInstanceAttribute": {"DBInstanceId": SOURCE},
    "DescribeDBInstances": {"RegionId": "cn-hangzhou", "InstanceLevel": 1, "MaxResults": 2},
    "DescribeDatabases": {"DBInstanceId": SOURCE},
    "DescribeResourceUsage": {"DBInstanceId": SOURCE},
    "DescribeAccounts": {"DBInstanceId": SOURCE},
    "DescribeDBInstanceNetInfo": {"DBInstanceId": SOURCE},
    "DescribeDBInstanceIPArrayList": {"DBInstanceId": SOURCE},
    "DescribeBackups": {"DBInstanceId": SOURCE},
    "DescribeRegions": {},
    "DescribeTasks": {"DBInstanceId": TARGET},
    "DescribeHistoryTasks": {"FromStartTime": "2026-01-01T00:00:00Z", "ToStartTime": "2026-01-03T00:00:00Z"},
    "CheckDBNameAvailable": {"DBInstanceId": TARGET, "DBName": "free"},
    "CreateDatabase": {"DBInstanceId": SOURCE, "DBName": "made", "CharacterSetName": "x"},
    "DeleteDatabase": {"DBInstanceId": SOURCE, "DBName": "hr"},
}


def assert_fits(value: Any, shape: Any, path: str) -> None:
    if isinstance(shape, list):
        assert isinstance(value, list), path
        for one in value:
            assert_fits(one, shape[0], f"{path}[]")
    elif isinstance(shape, dict) and "*" in shape:
        assert isinstance(value, dict), path
    elif isinstance(shape, dict):
        assert isinstance(value, dict), path
        for name, one in value.items():
            assert name in shape, f"{path}.{name} is not documented"
            assert_fits(one, shape[name], f"{path}.{name}")
    else:
        kind = {"string": str, "integer": int, "number": float, "boolean": bool}[shape]
        # A boolean is an integer to Python, but not to a client.
        assert isinstance(value, kind), f"{path} is {type(value).__name__}, not {shape}"
        assert isinstance(value, bool) is (kind is bool), f"{path} is {type(value).__name__}, not {shape}"


@pytest.mark.parametrize("action", [*CALLS, "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"])
def test_answers_fit_the_contract(action: str) -> None:
    bench = Bench({"variants": {"copy_source_status": "Running"}})
    if action == "ImportDatabaseBetweenInstances":
        answer = bench.start_import()
    elif action == "CopyDatabaseBetweenInstances":
        answer = bench.start_copy()
    else:
        bench.start_copy()
        answer = bench.call(action, **CALLS[action])
    assert re.fullmatch("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", answer["RequestId"])
    assert_fits(answer, load_contracts()["rds"][action].response, action)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda one: one.action)
def test_a_missing_parameter_is_named(contract: Any) -> None:
    required = {name for name, one in contract.parameters.items() if one.required}
    for left_out in required:
        given = dict.fromkeys(required - {left_out}, "1")
        for other in (given, {**given, left_out: ""}):
            with pytest.raises(ApiError) as caught:
                contract.check(other, Variants())
            assert (caught.value.code, caught.value.http_status) == ("MissingParameter", 400)
            assert left_out in caught.value.message


@pytest.mark.parametrize("value", VARIANTS["unknown_parameter"].values)
def test_an_unknown_parameter(value: str) -> None:
    bench = Bench(unknown_parameter=value)
    if value == "ignored":
        bench.call("DescribeRegions", DBInstanceID=SOURCE)
    else:
        assert bench.refused("DescribeRegions", DBInstanceID=SOURCE) == value


@pytest.mark.parametrize("value", ["", "x", "1.5", "1e3", "0x1", "\u0661", "9" * 5000])
def test_integers(value: str) -> None:
    contract = load_contracts()["rds"]["DescribeDatabases"]
    if value == "":
        contract.check({"DBInstanceId": SOURCE, "PageNumber": value}, Variants())
    else:
        with pytest.raises(ApiError, match="InvalidParameter"):
            contract.check({"DBInstanceId": SOURCE, "PageNumber": value}, Variants())


@pytest.mark.parametrize(("value", "right"), [("True", True), ("false", True), ("yes", False), ("1", False)])
def test_booleans(value: str, right: bool) -> None:
    contract = load_contracts()["rds"]["DescribeDBInstances"]
    given = {"RegionId": "cn-hangzhou", "QueryAutoRenewal": value}
    if right:
        contract.check(given, Variants())
    else:
        with pytest.raises(ApiError, match="InvalidParameter"):
            contract.check(given, Variants())
