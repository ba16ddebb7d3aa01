# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DescribeDtsJobs: the call to watch a migration with."""

from __future__ import annotations

import json

from ..registry import Answer, Call
from ..transmission.model import DtsJob
from ..world import World
from .answers import dts_action, refusal
from .lookup import jobs_of
from .rows import listed, status_word

_SIZES = (10, 20, 30)
_TYPES = ("MIGRATION", "SYNC", "SUBSCRIBE")
_MEANINGS = ("", "instance", "name", "srcRds", "rds")


@dts_action("DescribeDtsJobs", mutating=False)
def describe_dts_jobs(world: World, call: Call) -> Answer:
    """Jobs of a kind (migration unless SYNC is asked for), by filters and pages."""
    _throttle(world, call)
    kind = call.text("JobType") or "MIGRATION"
    if kind not in _TYPES:
        raise refusal(world, "bad_dts_parameter", "JobType is one of %s.", ", ".join(_TYPES))
    if call.text("Type") not in _MEANINGS:
        raise refusal(world, "bad_dts_parameter", "Type is one of %s.", ", ".join(_MEANINGS[1:]))
    number, size = int(call.text("PageNumber") or 1), int(call.text("PageSize") or 20)
    if size not in _SIZES and world.variants["page_size_out_of_range"] == "default":
        size = 20
    if number < 1 or size not in _SIZES:
        raise refusal(world, "bad_dts_parameter", "%s is out of range.", "PageNumber or PageSize")
    jobs = [one for one in jobs_of(world, call.account_id) if one.type == kind and _is_wanted(world, call, one)]
    jobs = _ordered(call, jobs)
    rows = jobs[(number - 1) * size : number * size]
    with_objects = not call.flag("WithoutDbList")
    return {
        "DtsJobList": [listed(world, one, with_objects) for one in rows],
        "PageNumber": number,
        "PageRecordCount": len(rows),
        "TotalRecordCount": len(jobs),
    }


def _is_wanted(world: World, call: Call, job: DtsJob) -> bool:
    if job.listed is not None and world.clock.now() < job.listed + call.list_lag:
        return False
    region = call.text("Region")
    if not region and world.variants["missing_region"] != "everywhere":
        region = world.variants["missing_region"]
    exact = {
        "DtsBisLabel": job.bis_label,
        "DedicatedClusterId": job.cluster,
        "ResourceGroupId": job.resource_group,
        "Status": status_word(job),
    }
    return (
        region in ("", job.region)
        and all(call.text(name) in ("", value) for name, value in exact.items())
        and _among(call.text("DtsJobId"), job.id)
        and _among(call.text("DtsInstanceId"), job.instance_id)
        and call.text("InstanceId") in ("", job.source.instance_id, job.target.instance_id)
        and _means(call, job)
        and _has_tags(call, job)
    )


def _among(ids: str, wanted: str) -> bool:
    return not ids or wanted in [one.strip() for one in ids.split(",")]


def _means(call: Call, job: DtsJob) -> bool:
    value = call.text("Params")
    if not value or not call.text("Type"):
        return True
    return {
        "instance": value == job.instance_id,
        "name": value in job.name,
        "srcRds": value == job.source.instance_id,
        "rds": value == job.target.instance_id,
    }[call.text("Type")]


def _has_tags(call: Call, job: DtsJob) -> bool:
    """Tags is a JSON text: a list of objects with key and value, or an object."""
    if not call.text("Tags"):
        return True
    try:
        wanted = json.loads(call.text("Tags"))
    except ValueError:
        return False
    if isinstance(wanted, list):
        wanted = {one.get("key"): one.get("value") for one in wanted if isinstance(one, dict)}
    return isinstance(wanted, dict) and all(job.tags.get(key) == value for key, value in wanted.items())


def _ordered(call: Call, jobs: list[DtsJob]) -> list[DtsJob]:
    column, descending = call.text("OrderColumn"), call.text("OrderDirection").upper() == "DESC"
    if column == "FinishTime":
        return sorted(jobs, key=lambda one: one.ended or 0.0, reverse=descending)
    return sorted(jobs, key=lambda one: one.created, reverse=descending)


def _throttle(world: World, call: Call) -> None:
    """So many calls a second for each account and region."""
    limit, now = world.state.quotas.dts_lists_per_second, world.clock.now()
    recent = world.dts_lists[call.account_id, call.text("Region")]
    while recent and recent[0] <= now - 1.0:
        recent.popleft()
    if limit and len(recent) >= limit:
        raise world.variants.error("throttled", "Too many calls of DescribeDtsJobs in this second.")
    recent.append(now)
