# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""GetRole, with the vendor's client and in process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_ram20150501 import models as m
from alibabacloud_ram20150501.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator import ApiError
from apsara_emulator.contracts import load_contracts
from apsara_emulator.default_world import ACCESS_KEY_TWO, ACCOUNT_ONE, IMPORT_ROLE

from .inprocess import Bench
from .sdk_clients import config
from .serving import Served
from .test_contracts import assert_fits

SCHEMES: dict[str, dict[str, Any]] = {"V3": {}, "V1": {"signature_algorithm": "v2"}}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_client_finds_the_role(emulator: Served, scheme: str) -> None:
    role = Client(config(emulator, **SCHEMES[scheme])).get_role(m.GetRoleRequest(role_name=IMPORT_ROLE)).body.role
    assert role.role_name == IMPORT_ROLE
    assert role.arn == f"acs:ram::{ACCOUNT_ONE}:role/aliyunrdsimportrole"
    assert json.loads(role.assume_role_policy_document)["Statement"][0]["Action"] == "sts:AssumeRole"
    record = emulator.world.calls.select()[-1]
    assert (record.service, record.action, record.mutating) == ("ram", "GetRole", False)


def test_the_client_is_told_that_there_is_none(emulator: Served) -> None:
    other = Client(config(emulator, access_key_id=ACCESS_KEY_TWO[0], access_key_secret=ACCESS_KEY_TWO[1]))
    for client, name in ((Client(config(emulator)), "nothing"), (other, IMPORT_ROLE)):
        with pytest.raises(ClientException) as caught:
            client.get_role(m.GetRoleRequest(role_name=name))
        assert (caught.value.code, caught.value.status_code) == ("EntityNotExist.Role", 404)


def test_roles_of_the_world_document() -> None:
    bench = Bench({"accounts": {ACCOUNT_ONE: {"roles": {"Other": {"description": "d"}, IMPORT_ROLE: None}}}})
    answer = bench.world.call(ACCOUNT_ONE, "GetRole", {"RoleName": "other"}, service="ram")
    assert_fits(answer, load_contracts()["ram"]["GetRole"].response, "GetRole")
    assert answer["Role"]["Description"] == "d"
    for parameters, code in (({"RoleName": IMPORT_ROLE}, "EntityNotExist.Role"), ({}, "MissingParameter")):
        with pytest.raises(ApiError, match=code):
            bench.world.call(ACCOUNT_ONE, "GetRole", parameters, service="ram")
    with pytest.raises(ApiError, match="InvalidAction"):
        bench.world.call(ACCOUNT_ONE, "CreateUser", {}, service="ram")
