# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The operations of DTS that migrations use, and what there is to know about its jobs.

Traps that end here: a refusal may come with HTTP 200; the id of an instance has three spellings; a status of
`Suspending` means paused; a delay is in milliseconds; phases are told by the list call only, which lists migrations
only and may show a new job late. Facts: SDK models of DTS 2020-01-01, pages of the actions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._failure import MigrationFailure
from .dts_model import FULL, INCREMENTAL, SCHEMA, End, Item, Job, Phase, Precheck
from .rds import UNTOLD, number_of, rows_of, text_of
from .redaction import MASK, redact
from .rpc import RpcClient, Service
from .services import Services

DTS = Service(
    name="dts",
    version="2020-01-01",
    reads=frozenset(
        {
            "DescribeDTSIP",
            "DescribeDtsJobDetail",
            "DescribeDtsJobs",
            "DescribeJobMonitorRule",
            "DescribePreCheckStatus",
        }
    ),
    forms={
        "ConfigureDtsJob": frozenset({"DbList", "Reserve"}),
        "ModifyDtsJob": frozenset(
            {"DbList", "EtlOperatorColumnReference", "FilterTableName", "ModifyTypeEnum", "Reserved"}
        ),
    },
    tells_success=True,
)

# Regions that share the central endpoint; every other region has dts.<region>.aliyuncs.com (the SDK's map).
_CENTRAL = frozenset(
    "cn-qingdao cn-beijing cn-zhangjiakou cn-huhehaote cn-hangzhou cn-shanghai cn-shenzhen cn-hongkong cn-chengdu"
    " cn-fujian cn-wuhan cn-wulanchabu ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-5 ap-south-1"
    " eu-west-1 eu-central-1 us-west-1 us-east-1 me-east-1 cn-hangzhou-finance cn-shanghai-finance-1"
    " cn-shenzhen-finance-1 cn-beijing-finance-1 cn-north-2-gov-1 cn-beijing-gov-1".split()
)
_PHASES = {
    SCHEMA: ("StructureInitialization", "StructureInitializationStatus"),
    FULL: ("DataInitialization", "DataInitializationStatus"),
    INCREMENTAL: ("DataSynchronization", "DataSynchronizationStatus"),
}
_SECRETS = ("SourceEndpointPassword", "DestinationEndpointPassword", "Password")
_PAGE_SIZE = 30


def default_endpoint(region: str) -> str:
    """The SDK's rule; dts.aliyuncs.com where no region is given."""
    return "dts.aliyuncs.com" if not region or region in _CENTRAL else f"dts.{region}.aliyuncs.com"


def client_of(services: Services, region: str) -> RpcClient:
    """DTS of the region that a job is in, without one of the task's region."""
    return services.client(DTS, default_endpoint(region or services.region()))


class Jobs:
    """The migration jobs of a region. passwords: by side, source and destination; they are masked everywhere."""

    def __init__(self, client: RpcClient, region: str, passwords: Mapping[str, str] | None = None) -> None:
        self._client = client
        self._region = region
        self._passwords = passwords or {}

    def named(self, name: str) -> list[Job]:
        """The jobs of just this name, oldest first; the service looks for it anywhere in their names."""
        return [job for job in self._listed({"Type": "name", "Params": name}) if job.name == name]

    def of_instance(self, instance_id: str) -> list[Job]:
        """The jobs that an instance is the source or the destination of."""
        return self._listed({"InstanceId": instance_id})

    def by_id(self, job_id: str) -> Job | None:
        """None: there is no such job, or it is not listed yet."""
        return next((job for job in self._listed({"DtsJobId": job_id}) if job.id == job_id), None)

    def owners(self, job_id: str) -> dict[str, tuple[str | None, str | None]]:
        """(account id, role) of each side, which only the details tell."""
        answer = self.call("DescribeDtsJobDetail", {"DtsJobId": job_id, "RegionId": self._region})
        sides = {"source": "SourceEndpoint", "destination": "DestinationEndpoint"}
        blocks = {side: _block(answer, key) for side, key in sides.items()}
        return {side: (text_of(b, "AliyunUid"), text_of(b, "RoleName")) for side, b in blocks.items()}

    def precheck(self, job_id: str) -> Precheck:
        """The last precheck with all its items. Here pages are counted in texts."""
        items: list[Item] = []
        page, answer = 1, {}
        while True:
            wanted = {"DtsJobId": job_id, "JobCode": "01", "PageNo": str(page), "PageSize": "100"}
            answer = self.call("DescribePreCheckStatus", {**wanted, "RegionId": self._region})
            rows = rows_of(answer, "JobProgress", "JobProgress")
            items += [self._item(row) for row in rows]
            if len(rows) < 100 or page > 50:
                break
            page += 1
        return Precheck(text_of(answer, "JobId") or "", text_of(answer, "State") or UNTOLD, tuple(items))

    def alarms(self, job_id: str) -> dict[str, dict[str, Any]]:
        """By type: state (Y, N), delay in seconds, phone."""
        answer = self.call("DescribeJobMonitorRule", {"DtsJobId": job_id, "RegionId": self._region})
        return {
            text_of(row, "Type") or "": {
                "state": text_of(row, "State"),
                "delay": number_of(row, "DelayRuleTime"),
                "phone": text_of(row, "Phone") or "",
            }
            for row in rows_of(answer, "MonitorRules", "MonitorRule")
        }

    def servers(self, source_region: str, destination_region: str) -> list[str]:
        """The networks that DTS connects from. They come as a text, in a field that elsewhere is part of a message."""
        from .networks import is_network

        regions = {"SourceEndpointRegion": source_region, "DestinationEndpointRegion": destination_region or None}
        answer = self.call("DescribeDTSIP", {**regions, "RegionId": self._region})
        found = re.split(r"[\s,;]+", text_of(answer, "DynamicMessage") or "")
        return [text for text in found if is_network(text)]

    def call(self, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """One action, with the passwords in place of their masks."""
        sent = dict(parameters)
        for name in _SECRETS:
            if sent.get(name) == MASK:
                sent[name] = self._passwords.get(_side(name, sent), "")
        try:
            return self._client.call(action, sent)
        except MigrationFailure as failure:
            failure.reword(self._masked(failure.message))
            raise

    def _listed(self, wanted: Mapping[str, Any]) -> list[Job]:
        try:
            rows = self._client.pages(
                "DescribeDtsJobs",
                {"JobType": "MIGRATION", "Region": self._region, "OrderColumn": "CreateTime", **wanted},
                lambda answer: rows_of(answer, "DtsJobList", "DtsJobStatus"),
                page_size=_PAGE_SIZE,
                total_of=lambda answer, _rows: number_of(answer, "TotalRecordCount"),
            )
            # A page that is read twice while rows move shows a job twice.
            found = {text_of(row, "DtsJobId") or "": row for row in rows}
        except MigrationFailure as failure:
            failure.reword(self._masked(failure.message))
            raise
        return [self._job(row) for job_id, row in found.items() if job_id]

    def _job(self, row: Mapping[str, Any]) -> Job:
        mode = _block(row, "MigrationMode")
        kinds = frozenset(kind for kind, (flag, _key) in _PHASES.items() if str(mode.get(flag)).lower() == "true")
        delay = number_of(row, "Delay")
        told = [text_of(row, "ErrorMessage"), text_of(row, "MigrationErrMsg")]
        told += [self._phase(_block(row, key)).error for _flag, key in _PHASES.values()]
        return Job(
            id=text_of(row, "DtsJobId") or "",
            instance_id=text_of(row, "DtsInstanceID") or text_of(row, "DtsInstanceId"),
            name=text_of(row, "DtsJobName") or "",
            status=text_of(row, "Status") or UNTOLD,
            source=_end(_block(row, "SourceEndpoint")),
            destination=_end(_block(row, "DestinationEndpoint")),
            phases={kind: self._phase(_block(row, _PHASES[kind][1])) for kind in _PHASES if kind in kinds},
            kinds=kinds,
            delay=delay if delay is not None and delay >= 0 else None,
            pay_type=text_of(row, "PayType"),
            instance_class=text_of(row, "DtsJobClass"),
            objects=text_of(row, "DbObject"),
            reserved=text_of(row, "Reserved"),
            label=text_of(row, "DtsBisLabel"),
            cluster=text_of(row, "DedicatedClusterId"),
            resource_group=text_of(row, "ResourceGroupId"),
            created=text_of(row, "CreateTime"),
            error="; ".join(dict.fromkeys(self._masked(text) for text in told if text)),
            remedy=self._masked(text_of(row, "MigrationErrWorkaround") or ""),
        )

    def _phase(self, block: Mapping[str, Any]) -> Phase:
        error = self._masked(text_of(block, "ErrorMessage") or "")
        return Phase(text_of(block, "Status") or UNTOLD, number_of(block, "Percent"), error)

    def _item(self, row: Mapping[str, Any]) -> Item:
        skip, state = row.get("CanSkip") is True, (text_of(row, "State") or "").lower()
        skipped = row.get("Skip") is True or text_of(row, "IgnoreFlag") == "Y"
        if state in ("finished", "success", "catched"):
            shown = "pass"
        elif state in ("failed", "warning", "alert"):
            shown = "alert" if skip else "fail"
        else:
            shown = "pending"
        reason = text_of(row, "ErrDetail") or text_of(row, "ErrMsg") or ""
        remedy = text_of(row, "RepairMethod") or ""
        return Item(text_of(row, "Item") or UNTOLD, shown, skipped, self._masked(reason), self._masked(remedy))

    def _masked(self, text: str) -> str:
        return redact(text, [value for value in self._passwords.values() if value])


def _side(name: str, parameters: Mapping[str, Any]) -> str:
    if name == "Password":
        return "source" if parameters.get("Endpoint") == "src" else "destination"
    return "source" if name.startswith("Source") else "destination"


def _block(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def _end(block: Mapping[str, Any]) -> End:
    return End(
        type=text_of(block, "InstanceType"),
        engine=text_of(block, "EngineName"),
        region=text_of(block, "Region"),
        instance_id=text_of(block, "InstanceID"),
        host=text_of(block, "Ip"),
        port=text_of(block, "Port"),
        database=text_of(block, "DatabaseName"),
        account=text_of(block, "UserName"),
    )
