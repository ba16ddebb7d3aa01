# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The items of the precheck and the objects of a phase, and SkipPreCheck."""

from __future__ import annotations

import json
from typing import Any

from ..clock import utc_text
from ..registry import Answer, Call
from ..transmission.ends import instance_at, pairs_of
from ..transmission.model import DtsFinding, DtsJob, DtsPhase
from ..transmission.prechecks import target_tables
from ..transmission.progress import begin_precheck, percent
from ..world import World
from .answers import dts_action, refusal
from .findings import codes_of, is_open, item_code
from .lookup import find_job, require_status

_CODES = {"01": ("precheck", "Precheck"), "02": ("structure", "Schema"), "03": ("full", "Full data")}
_CODES["04"] = ("incremental", "Incremental data")


@dts_action("DescribePreCheckStatus", mutating=False)
def describe_pre_check_status(world: World, call: Call) -> Answer:
    """A phase by its code: 01 the precheck with its items, 02 to 04 the others with their objects."""
    job, code = find_job(world, call), call.text("JobCode")
    if code not in _CODES:
        raise refusal(world, "bad_dts_parameter", "JobCode is one of %s.", ", ".join(_CODES))
    stage, name = _CODES[code]
    phase = job.precheck if stage == "precheck" else job.phases.get(stage, DtsPhase())
    rows = _items(world, job) if stage == "precheck" else _objects(world, job, phase, stage)
    rows = [one for one in rows if call.text("Name") in one["Names"]]
    number, size = _paging(world, call)
    page = rows[(number - 1) * size : number * size]
    return {
        "Code": code,
        "ErrorItem": sum(is_open(job, one) for one in job.findings) if stage == "precheck" else int(bool(phase.error)),
        "JobId": _phase_id(job, stage),
        "JobName": name,
        "JobProgress": page,
        "State": phase.status,
        "Total": len(rows),
        "PageNumber": number,
        "PageRecordCount": len(page),
        "TotalRecordCount": len(rows),
    }


@dts_action("SkipPreCheck", mutating=True)
def skip_pre_check(world: World, call: Call) -> Answer:
    """Ignore items of the last precheck that may be ignored, or look at them again."""
    job = find_job(world, call)
    require_status(world, job, "PrecheckFailed", "PreCheckPass", "NotStarted")
    if call.text("JobId") not in ("", job.precheck_id):
        raise refusal(world, "bad_dts_parameter", "JobId is %s.", job.precheck_id or "that of a precheck")
    names = [*_names(world, call, "SkipPreCheckItems"), *_names(world, call, "SkipPreCheckNames")]
    wanted = list(dict.fromkeys(one.removesuffix("_DETAIL") for one in names))
    if not wanted:
        raise refusal(world, "bad_dts_parameter", "%s is needed.", "SkipPreCheckItems")
    known = codes_of(world, job)
    for one in wanted:
        if one not in known or not known[one].can_skip:
            if world.variants["not_skippable"] == "ignored":
                continue
            raise refusal(world, "not_skippable", "The item %s cannot be skipped.", one[:64])
        item = known[one].item
        job.skipped = [other for other in job.skipped if other != item] + ([item] if call.flag("Skip") else [])
    if job.status == "PrecheckFailed" and not any(is_open(job, one) for one in job.findings):
        if world.variants["after_skip"] == "goes_on":
            begin_precheck(world, job, goes_on=job.goes_on)
        elif world.variants["after_skip"] == "not_started":
            job.status = "NotStarted"
    return {
        "MigrationJobId": job.precheck_id,
        "ScheduleJobId": job.precheck_id,
        "SkipItems": json.dumps(wanted),
        "SkipNames": json.dumps([f"{one}_DETAIL" for one in wanted]),
    }


def _names(world: World, call: Call, parameter: str) -> list[str]:
    text = call.text(parameter)
    if not text:
        return []
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise refusal(world, "bad_dts_parameter", "%s is a JSON array of texts.", parameter)
    return names


def _paging(world: World, call: Call) -> tuple[int, int]:
    """PageNo and PageSize are texts here."""
    number, size = call.text("PageNo") or "1", call.text("PageSize") or "20"
    if not number.isdecimal() or not size.isdecimal() or not 1 <= int(size) <= 1000 or int(number) < 1:
        raise refusal(world, "bad_dts_parameter", "%s is out of range.", "PageNo or PageSize")
    return int(number), int(size)


def _phase_id(job: DtsJob, stage: str) -> str:
    return job.precheck_id if stage == "precheck" else f"{job.id}{stage[0]}"


def _items(world: World, job: DtsJob) -> list[dict[str, Any]]:
    rows = []
    for number, one in enumerate(job.findings):
        if one.problem or world.variants["passed_items"] == "listed":
            rows.append(_item(world, job, one, number))
    return rows


def _item(world: World, job: DtsJob, finding: DtsFinding, number: int) -> dict[str, Any]:
    skipped = finding.can_skip and finding.item in job.skipped
    state = "Finished"
    if is_open(job, finding):
        state = world.variants["alert_item_state"] if finding.can_skip else "Failed"
    row: dict[str, Any] = {
        "BootTime": utc_text(job.precheck.begun or job.created),
        "CanSkip": finding.can_skip and bool(finding.problem),
        "FinishTime": utc_text(job.precheck.ended or job.created),
        "Id": str(number + 1),
        "IgnoreFlag": "Y" if skipped else "N",
        "Item": item_code(world, finding, number),
        "JobId": job.precheck_id,
        "Logs": [],
        "Names": f"{item_code(world, finding, number)}_DETAIL",
        "OrderNum": number + 1,
        "Skip": skipped,
        "State": state,
        "Sub": "[]",
    }
    if is_open(job, finding):
        row |= {"ErrMsg": finding.problem, "ErrDetail": finding.problem, "RepairMethod": finding.repair}
        row["Logs"] = [{"ErrData": "", "ErrMsg": finding.problem, "ErrType": finding.item, "LogLevel": "ERROR"}]
    return row


def _objects(world: World, job: DtsJob, phase: DtsPhase, stage: str) -> list[dict[str, Any]]:
    """One entry for each database, or table where tables are known."""
    if stage not in job.wanted or phase.status == "NotStarted":
        return []
    source = instance_at(world, job, job.source)
    rows: list[dict[str, Any]] = []
    for pair in pairs_of(job):
        tables = target_tables(pair, source.databases.get(pair.source) if source else None)
        for name, new in tables or [(pair.source, pair.target)]:
            row: dict[str, Any] = {
                "Current": str(percent(world, phase)),
                "DestSchema": pair.target,
                "ErrMsg": phase.error,
                "Id": str(len(rows) + 1),
                "JobId": _phase_id(job, stage),
                "Names": name,
                "OrderNum": len(rows) + 1,
                "SourceSchema": pair.source,
                "State": phase.status,
                "Sub": "[]",
                "TargetNames": new,
                "Total": 100,
            }
            rows.append(row)
    return rows
