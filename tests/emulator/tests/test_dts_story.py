# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A migration between two accounts from the role to the cut-over: in process, and with the vendor's clients."""

from __future__ import annotations

import json
from typing import Any

import pytest
from alibabacloud_dts20200101 import models as d
from alibabacloud_dts20200101.client import Client as DtsClient
from alibabacloud_ram20150501 import models as r
from alibabacloud_ram20150501.client import Client as RamClient
from apsara_emulator.default_world import ACCESS_KEY_TWO, ACCOUNT_TWO, MYSQL_TWO

from .sdk_clients import config
from .serving import Served
from .transmitting import MYSQL_ONE, ROLE, DtsBench, trust_policy, whole

SCHEMES: dict[str, dict[str, Any]] = {"V3": {}, "V1": {"signature_algorithm": "v2"}}


def test_the_story() -> None:
    bench = DtsBench(role=False)
    # Before the role exists the precheck says so, and nothing was bought.
    job = bench.configure()
    assert bench.status_of(job) == "NotStarted"
    bench.start_job(job)
    assert bench.status_of(job) == "Prechecking"
    assert bench.run(job, 30) == "PrecheckFailed"
    assert list(bench.problems(job)) == ["CHECK_ROLE_SRC"]
    assert bench.world.state.dts_orders == []
    bench.authorize()
    bench.start_job(job)
    assert bench.run(job, 30) == "PreCheckPass"
    bought = bench.buy(job)
    assert bought["JobId"] == job
    bench.start_job(job)
    seen = []
    for _second in range(120):
        row = bench.row(job, WithoutDbList=True)
        blocks = ("StructureInitializationStatus", "DataInitializationStatus", "DataSynchronizationStatus")
        seen.append((row["Status"], *(row[one]["Status"] for one in blocks)))
        bench.clock.advance(1)
    assert list(dict.fromkeys(seen)) == [
        ("Migrating", "Migrating", "NotStarted", "NotStarted"),
        ("Migrating", "Finished", "Migrating", "NotStarted"),
        ("Migrating", "Finished", "Finished", "Migrating"),
        ("Migrating", "Finished", "Finished", "Catched"),
    ]
    assert bench.row(job)["Delay"] == 0
    assert bench.world.state.instances[MYSQL_ONE].databases["orders"].size == 6 * 1024**3
    bench.dts("SuspendDtsJob", DtsJobId=job)
    assert bench.status_of(job) == "Suspending"
    bench.clock.advance(600)
    assert bench.row(job)["Delay"] == 600_000
    bench.start_job(job)
    assert bench.status_of(job) == "Migrating"
    assert bench.run(job, 60) == "Migrating"
    assert bench.row(job)["Delay"] == 0
    bench.dts("StopDtsJob", DtsJobId=job)
    assert bench.status_of(job) == "Finished"
    assert bench.dts_refused("StartDtsJob", DtsJobId=job) == "InvalidJobStatus 200"
    bench.dts("DeleteDtsJob", DtsInstanceId=bought["InstanceId"])
    assert bench.dts("DescribeDtsJobs", Region="cn-hangzhou")["DtsJobList"] == []
    (order,) = bench.world.state.dts_orders
    assert (order.kind, order.job_id, order.incremental) == ("buy", job, True)
    assert order.released is not None
    bench.ram("DetachPolicyFromRole", RoleName=ROLE, PolicyType="System", PolicyName="AliyunDTSRolePolicy")
    bench.ram("DeleteRole", RoleName=ROLE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_story_with_the_clients(emulator: Served, scheme: str) -> None:
    of_two = {"access_key_id": ACCESS_KEY_TWO[0], "access_key_secret": ACCESS_KEY_TWO[1]}
    authorize(RamClient(config(emulator, **of_two, **SCHEMES[scheme])))
    dts = DtsClient(config(emulator, **SCHEMES[scheme]))
    job = configure(dts)
    record = emulator.world.calls.select()[-1]
    assert (record.service, record.mutating, record.took_effect) == ("dts", True, True)
    assert "secret of" not in json.dumps(record.parameters)
    instance = buy(dts, job)
    emulator.world.clock.advance(200)
    tells_how_far_it_is(dts, job, instance)
    stop_and_delete(dts, job)
    orders = emulator.world.to_document()["dts_orders"]
    assert [one["job_id"] for one in orders] == [job]
    assert not emulator.world.to_document()["dts_jobs"]


def authorize(ram: RamClient) -> None:
    made = ram.create_role(r.CreateRoleRequest(role_name=ROLE, assume_role_policy_document=trust_policy())).body.role
    assert made.arn == f"acs:ram::{ACCOUNT_TWO}:role/{ROLE}"
    attach = r.AttachPolicyToRoleRequest(role_name=ROLE, policy_type="System", policy_name="AliyunDTSRolePolicy")
    ram.attach_policy_to_role(attach)
    policies = ram.list_policies_for_role(r.ListPoliciesForRoleRequest(role_name=ROLE)).body.policies.policy
    assert [one.policy_name for one in policies] == ["AliyunDTSRolePolicy"]


def configure(dts: DtsClient) -> str:
    """The id of a job between the two accounts."""
    configured = dts.configure_dts_job(
        d.ConfigureDtsJobRequest(
            region_id="cn-hangzhou",
            dts_job_name="consolidation",
            job_type="MIGRATION",
            source_endpoint_instance_type="RDS",
            source_endpoint_engine_name="MYSQL",
            source_endpoint_region="cn-hangzhou",
            source_endpoint_instance_id=MYSQL_TWO,
            source_endpoint_owner_id=ACCOUNT_TWO,
            source_endpoint_role=ROLE,
            source_endpoint_user_name="migrator",
            source_endpoint_password="secret of the source",
            destination_endpoint_instance_type="RDS",
            destination_endpoint_engine_name="MYSQL",
            destination_endpoint_region="cn-hangzhou",
            destination_endpoint_instance_id=MYSQL_ONE,
            destination_endpoint_user_name="migrator",
            destination_endpoint_password="secret of the target",
            structure_initialization=True,
            data_initialization=True,
            data_synchronization=True,
            db_list=whole("orders", "stock"),
            reserve=json.dumps({"targetTableMode": "0"}),
        )
    ).body
    assert configured.success == "true"
    return str(configured.dts_job_id)


def buy(dts: DtsClient, job: str) -> str:
    """The id of the instance."""
    asked = d.CreateDtsInstanceRequest(region_id="cn-hangzhou", job_id=job, pay_type="PostPaid", auto_start=True)
    bought = dts.create_dts_instance(asked).body
    assert (bought.success, bought.job_id) == ("true", job)
    return str(bought.instance_id)


def tells_how_far_it_is(dts: DtsClient, job: str, instance: str) -> None:
    asked = d.DescribeDtsJobsRequest(region="cn-hangzhou", dts_job_id=job, without_db_list=True)
    (row,) = dts.describe_dts_jobs(asked).body.dts_job_list
    assert (row.status, row.job_type, row.dts_instance_id) == ("Migrating", "online", instance)
    assert (row.data_synchronization_status.status, row.delay, row.db_object) == ("Catched", 0, None)
    checks = dts.describe_pre_check_status(
        d.DescribePreCheckStatusRequest(dts_job_id=job, job_code="01", page_no="1", page_size="50")
    ).body
    assert (checks.state, checks.error_item) == ("Finished", 0)
    assert {one.state for one in checks.job_progress} == {"Finished"}
    detail = dts.describe_dts_job_detail(d.DescribeDtsJobDetailRequest(dts_instance_id=instance)).body
    assert (detail.source_endpoint.aliyun_uid, detail.source_endpoint.role_name) == (ACCOUNT_TWO, ROLE)
    assert json.loads(detail.db_object)["stock"]["all"] is True


def stop_and_delete(dts: DtsClient, job: str) -> None:
    stopped = dts.stop_dts_job(d.StopDtsJobRequest(dts_job_id=job)).body
    assert (stopped.success, stopped.http_status_code) == (True, 200)
    again = dts.start_dts_job(d.StartDtsJobRequest(dts_job_id=job)).body
    assert (again.success, again.err_code) == (False, "InvalidJobStatus")
    assert "%s" in again.err_message
    assert again.dynamic_message == "Finished"
    assert dts.delete_dts_job(d.DeleteDtsJobRequest(dts_job_id=job)).body.success is True
