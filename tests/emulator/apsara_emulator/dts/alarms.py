# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alarms of a job."""

from __future__ import annotations

from typing import Any

from ..registry import Answer, Call
from ..transmission.model import MonitorRule
from ..world import World
from .answers import dts_action, refusal
from .lookup import find_job

_TYPES = ("delay", "error", "full_timeout")


@dts_action("CreateJobMonitorRule", mutating=True)
def create_job_monitor_rule(world: World, call: Call) -> Answer:
    """Make or replace the alarm of a type."""
    job, kind = find_job(world, call), call.text("Type")
    if kind not in _TYPES or call.text("State") not in ("", "Y", "N"):
        raise refusal(world, "bad_dts_parameter", "Type is one of %s and State Y or N.", ", ".join(_TYPES))
    if kind == "delay" and not call.text("DelayRuleTime") and not call.text("NoticeValue"):
        raise refusal(world, "bad_dts_parameter", "%s is needed for a delay.", "DelayRuleTime")
    rule = MonitorRule(
        kind,
        call.text("State") or "Y",
        int(call.text("DelayRuleTime") or 0),
        int(call.text("NoticeValue") or 0),
        int(call.text("Period") or 1),
        int(call.text("Times") or 1),
        call.text("Phone"),
    )
    job.rules = [one for one in job.rules if one.type != kind] + [rule]
    return {"DtsJobId": job.id}


@dts_action("DescribeJobMonitorRule", mutating=False)
def describe_job_monitor_rule(world: World, call: Call) -> Answer:
    """All alarms of a job."""
    job = find_job(world, call)
    rules: list[dict[str, Any]] = [
        {
            "DelayRuleTime": one.delay_seconds,
            "JobId": job.id,
            "JobType": job.type,
            "NoticeValue": one.notice_value,
            "Period": one.period,
            "Phone": one.phone,
            "State": one.state,
            "Times": one.times,
            "Type": one.type,
        }
        for one in job.rules
    ]
    return {"DtsJobId": job.id, "MonitorRules": rules, "Topics": []}
