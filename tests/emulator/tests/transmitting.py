# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two accounts, and short ways to migrate from the second to the first by DTS."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apsara_emulator import ApiError
from apsara_emulator.contracts import load_contracts
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO, MYSQL_TWO

from .inprocess import Bench
from .test_contracts import assert_fits

MYSQL_ONE = "rm-bp1mysql00000001"
ROLE = "ram-for-dts"
RESERVE = json.dumps({"targetTableMode": "0"})


def trust_policy(task_account: str = ACCOUNT_ONE) -> str:
    """What lets the DTS of an account in."""
    principal = {"RAM": [f"acs:ram::{task_account}:root"], "Service": [f"{task_account}@dts.aliyuncs.com"]}
    statement = {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": principal}
    return json.dumps({"Statement": [statement], "Version": "1"})


def whole(*names: str) -> str:
    """A DbList of whole databases."""
    return json.dumps({name: {"name": name, "all": True} for name in names})


def self_managed(address: str, port: int, **changes: Any) -> dict[str, Any]:
    """The source of a job that is no instance, but a server of one's own."""
    return {
        "SourceEndpointInstanceType": "OTHER",
        "SourceEndpointInstanceID": None,
        "SourceEndpointRegion": None,
        "SourceEndpointOwnerID": None,
        "SourceEndpointRole": None,
        "SourceEndpointIP": address,
        "SourceEndpointPort": str(port),
        **changes,
    }


class DtsBench(Bench):
    """The first account owns the target and the jobs, the second one the source."""

    def __init__(self, change: Any = None, *, role: bool = True, **variants: str) -> None:
        super().__init__(change, **variants)
        if role:
            self.authorize()

    def authorize(self, policy: str | None = None) -> None:
        """The role in the second account, with the policy that DTS needs."""
        self.ram("CreateRole", RoleName=ROLE, AssumeRolePolicyDocument=policy or trust_policy())
        self.ram("AttachPolicyToRole", RoleName=ROLE, PolicyType="System", PolicyName="AliyunDTSRolePolicy")
        self.clock.advance(10)

    def ram(self, action: str, account: str = ACCOUNT_TWO, **parameters: Any) -> dict[str, Any]:
        answer = self.world.call(account, action, parameters, service="ram")
        self.fits("ram", action, answer)
        return answer

    def dts(self, action: str, account: str = ACCOUNT_ONE, **parameters: Any) -> dict[str, Any]:
        """An answer; it has succeeded."""
        answer = self.world.call(account, action, parameters, service="dts")
        self.fits("dts", action, answer)
        assert str(answer["Success"]).lower() == "true", answer
        return answer

    def fits(self, service: str, action: str, answer: dict[str, Any]) -> None:
        shapes = {"items_shape", "total_record_count", "success_type"}
        if all(self.world.variants[one] == "documented" for one in shapes):
            assert_fits(answer, load_contracts()[service][action].response, action)

    def dts_refused(self, action: str, account: str = ACCOUNT_ONE, **parameters: Any) -> str:
        """The refusal as CODE STATUS, in either of the two ways."""
        try:
            answer = self.world.call(account, action, parameters, service="dts")
        except ApiError as error:
            return f"{error.code} {error.http_status}"
        assert str(answer["Success"]).lower() == "false", answer
        assert not self.world.calls.select()[-1].took_effect
        return f"{answer['ErrCode']} 200"

    def ram_refused(self, action: str, account: str = ACCOUNT_TWO, **parameters: Any) -> str:
        with pytest.raises(ApiError) as caught:
            self.ram(action, account, **parameters)
        return f"{caught.value.code} {caught.value.http_status}"

    def parameters(self, **changes: Any) -> dict[str, Any]:
        """Those of a job from the MySQL instance of the second account to that of the first."""
        parameters = {
            "RegionId": "cn-hangzhou",
            "DtsJobName": "consolidation",
            "JobType": "MIGRATION",
            "SourceEndpointInstanceType": "RDS",
            "SourceEndpointEngineName": "MYSQL",
            "SourceEndpointRegion": "cn-hangzhou",
            "SourceEndpointInstanceID": MYSQL_TWO,
            "SourceEndpointOwnerID": ACCOUNT_TWO,
            "SourceEndpointRole": ROLE,
            "SourceEndpointUserName": "migrator",
            "SourceEndpointPassword": "secret of the source",
            "DestinationEndpointInstanceType": "RDS",
            "DestinationEndpointEngineName": "MYSQL",
            "DestinationEndpointRegion": "cn-hangzhou",
            "DestinationEndpointInstanceID": MYSQL_ONE,
            "DestinationEndpointUserName": "migrator",
            "DestinationEndpointPassword": "secret of the target",
            "StructureInitialization": "true",
            "DataInitialization": "true",
            "DataSynchronization": "true",
            "DbList": whole("orders"),
            "Reserve": RESERVE,
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def configure(self, **changes: Any) -> str:
        """The id of a new job."""
        return str(self.dts("ConfigureDtsJob", **self.parameters(**changes))["DtsJobId"])

    def refused_configure(self, **changes: Any) -> str:
        return self.dts_refused("ConfigureDtsJob", **self.parameters(**changes))

    def buy(self, job: str, **changes: Any) -> dict[str, Any]:
        given = {"JobId": job, "PayType": "PostPaid", "InstanceClass": "small", **changes}
        return self.dts("CreateDtsInstance", **given)

    def start_job(self, job: str) -> None:
        self.dts("StartDtsJob", DtsJobId=job)

    def row(self, job: str, **changes: Any) -> dict[str, Any]:
        """The job as listed."""
        rows = self.dts("DescribeDtsJobs", Region="cn-hangzhou", DtsJobId=job, **changes)["DtsJobList"]
        return dict(rows[0] if isinstance(rows, list) else rows)

    def status_of(self, job: str) -> str:
        return str(self.row(job)["Status"])

    def run(self, job: str, seconds: float = 3600.0) -> str:
        """The status a while later."""
        self.clock.advance(seconds)
        return self.status_of(job)

    def running(self, **changes: Any) -> str:
        """A job that was bought and started."""
        job = self.configure(**changes)
        self.buy(job)
        self.start_job(job)
        return job

    def problems(self, job: str) -> dict[str, str]:
        """What the precheck has found: code to text."""
        rows = self.dts("DescribePreCheckStatus", DtsJobId=job, JobCode="01", PageSize="100")["JobProgress"]
        return {row["Item"]: row["ErrMsg"] for row in rows if row["State"] == "Failed"}

    def prechecked(self, **changes: Any) -> dict[str, str]:
        """What the precheck of a new job finds."""
        job = self.configure(**changes)
        self.start_job(job)
        assert self.run(job, 60) == ("PrecheckFailed" if self.problems(job) else "PreCheckPass")
        return self.problems(job)
