# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults of the network at the calls of DTS and RAM: what took effect is known, whatever the caller was told."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from alibabacloud_dts20200101 import models as d
from alibabacloud_dts20200101.client import Client as DtsClient
from alibabacloud_tea_openapi import models as openapi
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import ACCOUNT_TWO
from darabonba.runtime import RuntimeOptions

from .sdk_clients import config
from .serving import Served
from .transmitting import DtsBench

LOST = ("close_after", "truncate", "empty", "html", "http_500", "http_503")
NOT_CARRIED_OUT = ("close_before", "throttle", "redirect", "expired_token")


def fields(bench: DtsBench) -> d.ConfigureDtsJobRequest:
    """The parameters as the SDK's model has them."""
    names = bench.parameters()
    return d.ConfigureDtsJobRequest().from_map(
        {key: value == "true" if value in ("true", "false") else value for key, value in names.items()}
    )


def configured(emulator: Served) -> tuple[DtsClient, str]:
    client = DtsClient(config(emulator))
    return client, str(client.configure_dts_job(fields(DtsBench())).body.dts_job_id)


@pytest.mark.parametrize("kind", LOST)
def test_an_answer_that_is_lost_after_the_purchase(emulator: Served, kind: str) -> None:
    client, job = configured(emulator)
    emulator.world.faults.add({"kind": kind, "action": "CreateDtsInstance", "times": 1, "effect": True})
    request = d.CreateDtsInstanceRequest(job_id=job, pay_type="PostPaid")
    with contextlib.suppress(Exception):  # whatever the client makes of it
        client.create_dts_instance_with_options(request, RuntimeOptions(autoretry=False))
    record = emulator.world.calls.select(mutating=True)[-1]
    assert (record.action, record.took_effect, record.fault) == ("CreateDtsInstance", True, kind)
    assert [one["job_id"] for one in emulator.world.to_document()["dts_orders"]] == [job]


@pytest.mark.parametrize("kind", NOT_CARRIED_OUT)
def test_a_purchase_that_was_not_carried_out(emulator: Served, kind: str) -> None:
    client, job = configured(emulator)
    emulator.world.faults.add({"kind": kind, "action": "CreateDts*", "times": 1})
    request = d.CreateDtsInstanceRequest(job_id=job, pay_type="PostPaid")
    with contextlib.suppress(Exception):
        client.create_dts_instance_with_options(request, RuntimeOptions(autoretry=False))
    record = emulator.world.calls.select(mutating=True)[-1]
    assert (record.took_effect, record.fault) == (False, kind)
    assert emulator.world.to_document()["dts_orders"] == []


def test_faults_can_be_for_a_job_or_an_instance(emulator: Served) -> None:
    client, _job = configured(emulator)
    emulator.world.faults.add({"kind": "throttle", "instance": "rm-other"})
    client.describe_dts_jobs(d.DescribeDtsJobsRequest(region="cn-hangzhou", instance_id="rm-bp1mysql00000001"))
    with pytest.raises(ClientException):
        client.describe_dts_jobs(d.DescribeDtsJobsRequest(region="cn-hangzhou", instance_id="rm-other"))


def test_listings_can_lag(emulator: Served) -> None:
    client, job = configured(emulator)
    emulator.world.faults.add({"kind": "list_lag", "action": "DescribeDtsJobs", "seconds": 60})
    asked = d.DescribeDtsJobsRequest(region="cn-hangzhou", dts_job_id=job)
    assert client.describe_dts_jobs(asked).body.dts_job_list == []
    emulator.world.clock.advance(60)
    assert len(client.describe_dts_jobs(asked).body.dts_job_list) == 1


def configure_by_hand(emulator: Served, in_query: tuple[str, ...]) -> dict[str, Any]:
    """ConfigureDtsJob with some of its form in the query."""
    given = DtsBench().parameters()
    body = {key: given.pop(key) for key in ("DbList", "Reserve") if key not in in_query}
    parameters = openapi.Params(
        action="ConfigureDtsJob",
        version="2020-01-01",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    request = openapi.OpenApiRequest(query=given, body=body)
    answer: dict[str, Any] = OpenApiClient(config(emulator)).call_api(parameters, request, RuntimeOptions())
    return dict(answer["body"])


def test_form_parameters_belong_into_the_form(emulator: Served) -> None:
    assert configure_by_hand(emulator, ())["Success"] == "true"
    with pytest.raises(ClientException) as caught:
        configure_by_hand(emulator, ("DbList",))
    assert f"{caught.value.code} {caught.value.status_code}" == VARIANTS["body_parameter_in_query"].default
    emulator.world.merge({"variants": {"body_parameter_in_query": "accepted"}})
    assert configure_by_hand(emulator, ("DbList", "Reserve"))["Success"] == "true"


def test_a_large_list_of_objects(emulator: Served) -> None:
    """Up to 1 MB of it fits, in the form."""
    request = fields(DtsBench())
    names = {f"database_{number:06}": {"name": f"database_{number:06}", "all": True} for number in range(18_000)}
    request.db_list = json.dumps(names, separators=(",", ":"))
    assert 900_000 < len(request.db_list) < 1024 * 1024
    assert DtsClient(config(emulator)).configure_dts_job(request).body.success == "true"
    assert len(urlencode({"DbList": request.db_list})) > 1024 * 1024


def test_no_password_is_told(emulator: Served) -> None:
    client, job = configured(emulator)
    client.modify_dts_job_password(
        d.ModifyDtsJobPasswordRequest(dts_job_id=job, endpoint="src", password="secret of today")
    )
    told = json.dumps(emulator.world.calls.as_documents()) + json.dumps(emulator.world.to_document())
    told += json.dumps(client.describe_dts_job_detail(d.DescribeDtsJobDetailRequest(dts_job_id=job)).body.to_map())
    assert "secret of" not in told
    assert ACCOUNT_TWO in told
