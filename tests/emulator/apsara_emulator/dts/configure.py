# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ConfigureDtsJob: what is to be migrated from where to where. It runs nothing, and costs nothing."""

from __future__ import annotations

import json

from ..documents import Instant
from ..registry import Answer, Call
from ..transmission.ends import default_role_problem, role_problem
from ..transmission.model import DtsEndpoint, DtsJob, DtsPhase, MonitorRule
from ..transmission.object_list import ObjectListError, parse_object_list
from ..transmission.progress import begin_precheck, new_id, note
from ..transmission.reserve import ReserveError, is_set, parse_reserve
from ..world import World
from .answers import dts_action, refusal
from .configure_ends import checked_end, require_distinct
from .lookup import find_job, require_status

JOB_TYPES = ("MIGRATION", "SYNC", "CHECK")
_LABELS = ("", "normal", "online")


@dts_action("ConfigureDtsJob", mutating=True)
def configure_dts_job(world: World, call: Call) -> Answer:
    """Fill a job that was bought before, or make a new one that is not paid for."""
    _require_known_values(world, call)
    job = _job_to_fill(world, call)
    source, target = checked_end(world, call, source=True), checked_end(world, call, source=False)
    require_distinct(world, source, target)
    _require_object_list(world, call.text("DbList"))
    settings = parse_settings(world, call.text("Reserve"))
    source.ssl, target.ssl = is_set(settings, "srcSSL", "1"), is_set(settings, "destSSL", "1")
    if job is None:
        now = Instant(world.clock.now())
        job = DtsJob(new_id(world), f"dts{new_id(world)}", call.account_id, now, name=call.text("DtsJobName"))
        job.listed = Instant(now + world.lasting(world.variants.seconds("dts_list_lag")))
        job.region = call.text("RegionId") or target.region or source.region or job.region
        _fill(job, call, source, target)
        _require_roles(world, job)
        world.state.dts_jobs.append(job)
    else:
        _require_roles(world, _tried(job, source, target))
        _fill(job, call, source, target)
    world.dts_passwords[job.id, "source"] = call.text("SourceEndpointPassword")
    world.dts_passwords[job.id, "target"] = call.text("DestinationEndpointPassword")
    note(job, world.clock.now(), "configured")
    for order in world.state.dts_orders:
        if order.job_id == job.id and order.incremental is None:
            order.incremental = job.incremental
    # Only for instances that were bought before, as the page about Reserve says.
    if job.paid and is_set(settings, "autoStartModulesAfterConfig", "auto"):
        begin_precheck(world, job, goes_on=True)
    return {"DtsInstanceId": job.instance_id, "DtsJobId": job.id}


def parse_settings(world: World, text: str) -> dict[str, object]:
    """Reserve, understood. A refusal if it cannot be."""
    try:
        return parse_reserve(
            text,
            mode_required=world.variants["conflict_mode"] == "required",
            texts_only=world.variants["reserve_numbers"] == "text",
        )
    except ReserveError as error:
        raise refusal(world, "bad_dts_parameter", "Reserve: %s.", str(error)) from error


def _require_object_list(world: World, text: str) -> None:
    try:
        parse_object_list(text)
    except ObjectListError as error:
        raise refusal(world, "bad_dts_parameter", "DbList: %s.", str(error)) from error


def _require_known_values(world: World, call: Call) -> None:
    problem = ""
    if call.text("JobType") not in JOB_TYPES:
        problem = f"JobType is one of {', '.join(JOB_TYPES)}"
    elif call.text("JobType") == "CHECK":
        problem = "jobs of the type CHECK are not emulated"
    elif not any(call.flag(one) for one in ("StructureInitialization", "DataInitialization", "DataSynchronization")):
        problem = "nothing is to be done"
    elif len(call.text("DtsJobName")) > 256:
        problem = "DtsJobName is too long"
    elif call.text("DtsBisLabel") not in _LABELS:
        problem = "DtsBisLabel is normal or online"
    elif call.flag("DelayNotice") and not call.text("DelayRuleTime"):
        problem = "DelayNotice needs DelayRuleTime"
    elif call.text("Checkpoint") and not call.text("Checkpoint").isdecimal():
        problem = "Checkpoint is a number of seconds"
    elif not _is_json_object(call.text("DataCheckConfigure") or "{}"):
        problem = "DataCheckConfigure is a JSON object"
    if problem:
        raise refusal(world, "bad_dts_parameter", "%s.", problem)


def _job_to_fill(world: World, call: Call) -> DtsJob | None:
    """The job that is named, if one is."""
    if not call.text("DtsInstanceId") and not call.text("DtsJobId"):
        return None
    job = find_job(world, call)
    again = ("NotStarted", "PrecheckFailed", "PreCheckPass") if world.variants["configured_again"] == "accepted" else ()
    require_status(world, job, "NotConfigured", *again)
    if job.type != call.text("JobType"):
        raise refusal(world, "bad_dts_parameter", "The instance was bought for %s.", job.type)
    return job


def _tried(job: DtsJob, source: DtsEndpoint, target: DtsEndpoint) -> DtsJob:
    return DtsJob(job.id, job.instance_id, job.account_id, job.created, source=source, target=target)


def _require_roles(world: World, job: DtsJob) -> None:
    """Roles, where this world looks at them that early."""
    if world.variants["role_checked"] != "configure":
        return
    problems = [default_role_problem(world, job.account_id)]
    problems += [role_problem(world, job, one) for one in (job.source, job.target)]
    for problem in problems:
        if problem:
            raise refusal(world, "role_refused", "DTS has no access: %s.", problem)


def _fill(job: DtsJob, call: Call, source: DtsEndpoint, target: DtsEndpoint) -> None:
    job.name, job.type, job.source, job.target = call.text("DtsJobName"), call.text("JobType"), source, target
    job.structure, job.full = call.flag("StructureInitialization"), call.flag("DataInitialization")
    job.incremental = call.flag("DataSynchronization")
    job.db_list, job.reserve = call.text("DbList"), call.text("Reserve")
    job.data_check, job.checkpoint = call.text("DataCheckConfigure"), call.text("Checkpoint")
    job.bis_label = call.text("DtsBisLabel") or job.bis_label
    job.cluster = call.text("DedicatedClusterId") or job.cluster
    job.resource_group = call.text("ResourceGroupId") or job.resource_group
    job.rules = []
    if call.flag("DelayNotice"):
        seconds = int(call.text("DelayRuleTime"))
        job.rules.append(MonitorRule("delay", "Y", seconds, phone=call.text("DelayPhone")))
    if call.flag("ErrorNotice"):
        job.rules.append(MonitorRule("error", "Y", phone=call.text("ErrorPhone")))
    job.status, job.stage, job.precheck, job.findings, job.phases = "NotStarted", "", DtsPhase(), [], {}
    job.skipped, job.error = [], ""


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
