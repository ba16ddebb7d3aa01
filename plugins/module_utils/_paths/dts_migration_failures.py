# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How a DTS migration may fail, in words that say what to do."""

from __future__ import annotations

from collections.abc import Sequence

from .._alibaba.dts_model import Item, Job, Precheck
from .._alibaba.errors import AnswerLost
from .._failure import MigrationFailure
from .dts_migration_request import Request

_AGAIN = "Run the playbook again: it looks at the job first and starts and buys nothing twice."


def several_jobs(request: Request, found: Sequence[Job]) -> MigrationFailure:
    told = ", ".join(f"{job.id} ({job.status}, made {job.created or 'at an unknown time'})" for job in found)
    return MigrationFailure(
        f"{len(found)} jobs are called {request.name} and go from {request.source} to {request.destination}: {told}. "
        "Nothing was written.",
        code="several_jobs",
        remedy="Delete all but one of them in the DTS console, or rename them.",
    )


def name_taken(request: Request, found: Sequence[Job]) -> MigrationFailure:
    told = ", ".join(f"{job.id} from {job.source} to {job.destination} ({job.status})" for job in found)
    return MigrationFailure(
        f"A job called {request.name} has other endpoints: {told}. Nothing was written.",
        code="name_taken",
        remedy="Correct source and destination, or give another name.",
    )


def precheck_failed(request: Request, job: Job, found: Precheck) -> MigrationFailure:
    """With every item that stands in the way, its cause and its remedy."""
    items = [item for item in found.open if item.state == "fail" or item.check not in request.accept]
    lines = [_item_line(item) for item in items] or [f"- {job.error or 'the service does not tell which items'}"]
    alerts = [item.check for item in items if item.state == "alert"]
    remedy = "Correct what the items name and run again."
    if alerts:
        remedy += f" What is an alert may be passed over by naming it in accept: {', '.join(alerts)}."
    remedy += " A password that was corrected is sent to the job by naming its side in update_password."
    bought = "It was bought before." if job.paid else "Nothing was bought and nothing was started."
    return MigrationFailure(
        "\n".join([f"The precheck of {request.name} ({job.id}) failed. {bought}", *lines]),
        code="precheck_failed",
        action="StartDtsJob",
        remedy=remedy,
    )


def _item_line(item: Item) -> str:
    kind = " (alert)" if item.state == "alert" else ""
    return f"- {item.check}{kind}: {item.reason or 'no reason is told'}." + (f" {item.remedy}." if item.remedy else "")


def migration_failed(request: Request, job: Job) -> MigrationFailure:
    phases = ", ".join(f"{kind} {phase.status}" for kind, phase in job.phases.items())
    return MigrationFailure(
        f"The migration {request.name} ({job.id}) failed: {job.error or 'the service does not tell why'} ({phases}).",
        code="migration_failed",
        remedy=f"{job.remedy} Correct the cause and run the playbook again, which resumes it.".strip(),
    )


def suspended_meanwhile(request: Request, job: Job) -> MigrationFailure:
    return MigrationFailure(
        f"The migration {request.name} ({job.id}) was paused while it was waited for.",
        code="migration_suspended",
        remedy="Run the playbook again to resume it, if nobody wants it paused.",
    )


def stopped_meanwhile(request: Request, job: Job) -> MigrationFailure:
    return MigrationFailure(
        f"The migration {request.name} ({job.id}) was stopped before it was complete, and cannot be started again.",
        code="migration_stopped",
        remedy="Delete it with state: absent and run again to begin anew, or give another name.",
    )


def completion_untold(request: Request, job: Job) -> MigrationFailure:
    return MigrationFailure(
        f"The migration {request.name} ({job.id}) is over, and the service does not tell whether it was complete or "
        "stopped on the way.",
        code="completion_unknown",
        remedy="Compare source and destination. If they are equal, name job_complete in accept and run again.",
    )


def not_seen_yet(request: Request, action: str, job_id: str) -> MigrationFailure:
    return MigrationFailure(
        f"{action} was accepted ({job_id}), and its effect did not show within {request.settle:g} seconds.",
        code="not_seen_yet",
        action=action,
        remedy=f"Wait until the job {request.name} shows it in the DTS console. {_AGAIN} Raise settle to look longer.",
    )


def precheck_needs_purchase(error: MigrationFailure) -> MigrationFailure:
    return MigrationFailure(
        f"{error.message} The service did not run the precheck of a job that is not bought. Nothing was bought.",
        code="precheck_needs_purchase",
        action=error.action,
        request_id=error.request_id,
        http_status=error.http_status,
        remedy="If nothing else is wrong with the job, set precheck: after_purchase to buy it before its precheck.",
    )


def lost(request: Request, action: str, failure: AnswerLost) -> AnswerLost:
    failure.reword(
        f"{failure.message} For {request.settle:g} seconds no sign of {action} was seen. It was not sent again, "
        "because it may have taken effect."
    )
    failure.code, failure.remedy = "answer_lost", f"Look at the job {request.name} in the DTS console. {_AGAIN}"
    return failure
