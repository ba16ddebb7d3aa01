# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be changed of a job."""

from __future__ import annotations

from dataclasses import replace

from ..registry import Answer, Call
from ..transmission.ends import CLOUD_TYPES, SELF_MANAGED_TYPES, instance_at, role_problem
from ..transmission.model import DtsJob
from ..transmission.object_list import ObjectListError, parse_object_list
from ..transmission.reserve import ReserveError, check_limits
from ..world import World
from .answers import dts_action, refusal
from .configure import parse_settings
from .lookup import find_job

_SIDES = {"src": "source", "dest": "target"}
_LIMITED = {"03": "full", "04": "incremental", "07": "incremental"}
# Endpoint types are written in lower case by this action.
_TYPES = {one.lower(): one for one in (*CLOUD_TYPES, *SELF_MANAGED_TYPES)}


@dts_action("ModifyDtsJobName", mutating=True)
def modify_dts_job_name(world: World, call: Call) -> Answer:
    """Another name."""
    job = find_job(world, call)
    if len(call.text("DtsJobName")) > 256:
        raise refusal(world, "bad_dts_parameter", "%s is too long.", "DtsJobName")
    job.name = call.text("DtsJobName")
    return {}


@dts_action("ModifyDtsJobPassword", mutating=True)
def modify_dts_job_password(world: World, call: Call) -> Answer:
    """What DTS logs in with; the database is not touched. It has to differ from what it was."""
    job = _changeable(world, call)
    side = _side(world, call)
    if not call.text("Password"):
        raise refusal(world, "bad_dts_parameter", "%s is missing.", "Password")
    if world.dts_passwords.get((job.id, side)) == call.text("Password"):
        raise refusal(world, "bad_dts_parameter", "The %s is the same as before.", "password")
    world.dts_passwords[job.id, side] = call.text("Password")
    if call.text("UserName"):
        (job.source if side == "source" else job.target).user_name = call.text("UserName")
    return {}


@dts_action("ModifyDtsJobEndpoint", mutating=True)
def modify_dts_job_endpoint(world: World, call: Call) -> Answer:
    """Another database instance on one side. With DryRun it is only looked at."""
    job = _changeable(world, call)
    side = _side(world, call)
    if call.text("EndpointInstanceType") not in _TYPES:
        raise refusal(world, "bad_dts_parameter", "EndpointInstanceType is one of %s.", ", ".join(_TYPES))
    old = job.source if side == "source" else job.target
    new = replace(
        old,
        type=_TYPES[call.text("EndpointInstanceType")],
        instance_id=call.text("EndpointInstanceId"),
        address=call.text("EndpointIp"),
        port=call.text("EndpointPort"),
        region=call.text("EndpointRegionId") or old.region,
        database=call.text("Database") or old.database,
        owner_id=call.text("AliyunUid"),
        role=call.text("RoleName"),
    )
    if call.flag("ModifyAccount"):
        new.user_name = call.text("Username")
    problem = role_problem(world, job, new)
    if not problem and instance_at(world, job, new) is None:
        problem = "there is no such database instance"
    if problem:
        raise refusal(world, "bad_dts_parameter", "The endpoint cannot be used: %s.", problem)
    if call.flag("DryRun"):
        call.took_effect = False
        return {}
    if call.flag("ModifyAccount"):
        world.dts_passwords[job.id, side] = call.text("Password")
    if side == "source":
        job.source = new
    else:
        job.target = new
    return {}


@dts_action("ModifyDtsJob", mutating=True)
def modify_dts_job(world: World, call: Call) -> Answer:
    """Other objects, or other settings."""
    job = _changeable(world, call)
    if call.text("DbList"):
        try:
            parse_object_list(call.text("DbList"))
        except ObjectListError as error:
            raise refusal(world, "bad_dts_parameter", "DbList: %s.", str(error)) from error
        job.db_list = call.text("DbList")
    if call.text("Reserved"):
        parse_settings(world, call.text("Reserved"))
        job.reserve = call.text("Reserved")
    return {"DtsJobId": job.id, "Status": job.status}


@dts_action("ModifyDynamicConfig", mutating=True)
def modify_dynamic_config(world: World, call: Call) -> Answer:
    """Limits of speed of a phase."""
    job = _changeable(world, call)
    stage = _LIMITED.get(call.text("JobCode"))
    if stage is None:
        raise refusal(world, "bad_dts_parameter", "JobCode is one of %s.", ", ".join(_LIMITED))
    if stage == "full" and not call.flag("EnableLimit"):
        raise refusal(world, "bad_dts_parameter", "%s has to be true with JobCode 03.", "EnableLimit")
    try:
        limits = check_limits(call.text("ConfigList") or "{}", full=stage == "full")
    except ReserveError as error:
        raise refusal(world, "bad_dts_parameter", "ConfigList: %s.", str(error)) from error
    job.limits |= {f"{stage}.{key}": value for key, value in limits.items()}
    return {}


def _changeable(world: World, call: Call) -> DtsJob:
    job = find_job(world, call)
    if job.status in ("NotConfigured", "Finished"):
        raise refusal(world, "not_modifiable", "The status of the job does not allow this: %s.", job.status)
    return job


def _side(world: World, call: Call) -> str:
    if call.text("Endpoint") not in _SIDES:
        raise refusal(world, "bad_dts_parameter", "Endpoint is one of %s.", ", ".join(_SIDES))
    return _SIDES[call.text("Endpoint")]
