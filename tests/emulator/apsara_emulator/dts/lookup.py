# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding jobs."""

from __future__ import annotations

from ..errors import ApiError
from ..registry import Call
from ..transmission.model import DtsJob
from ..world import World
from .answers import refusal


def jobs_of(world: World, account_id: str) -> list[DtsJob]:
    """All jobs of an account, in the order in which they were made."""
    return [one for one in world.state.dts_jobs if one.account_id == account_id]


def find_job(world: World, call: Call) -> DtsJob:
    """The job that a call is about, by DtsJobId or by the id of its instance in either spelling."""
    job_id = call.text("DtsJobId")
    instance_id = call.text("DtsInstanceId") or call.text("DtsInstanceID")
    if not job_id and not instance_id:
        raise ApiError("MissingParameter", 400, "DtsJobId or the id of the instance is required.")
    for job in jobs_of(world, call.account_id):
        if job_id in ("", job.id) and instance_id in ("", job.instance_id):
            return job
    raise refusal(world, "job_not_found", "There is no job or instance %s.", (job_id or instance_id)[:64])


def find_jobs(world: World, call: Call, most: int | None = None) -> list[DtsJob]:
    """The jobs of a comma list; all of them, or a refusal."""
    ids = [one.strip() for one in call.text("DtsJobIds").split(",") if one.strip()]
    if not ids or (most is not None and len(ids) > most):
        raise refusal(world, "bad_dts_parameter", "DtsJobIds has %s ids.", f"1 to {most}" if most else "at least 1")
    mine = {one.id: one for one in jobs_of(world, call.account_id)}
    for one in ids:
        if one not in mine:
            raise refusal(world, "job_not_found", "There is no job or instance %s.", one[:64])
    return [mine[one] for one in dict.fromkeys(ids)]


def require_status(world: World, job: DtsJob, *allowed: str) -> None:
    """A refusal unless the job has one of these statuses."""
    if job.status not in allowed:
        raise refusal(world, "wrong_job_status", "The status of the job does not allow this: %s.", job.status)
