# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Ending migration tasks that are not finished. Pure. Imported for state: terminated."""

from __future__ import annotations

from .._alibaba import rds_backup_tasks as api
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check, Plan, Step
from .backup_migration_plan import IN_FLIGHT, MISSING, ONLINE, STAGED, TERMINATED, Observed
from .backup_migration_request import Request


def unfinished(request: Request, observed: Observed) -> list[api.BackupTask]:
    """The tasks that are to be ended: those of the wanted databases, or the one with the id that was given."""
    listed = {t.id: t for t in observed.tasks or ()}
    listed.update({chain.task.id: chain.task for chain in observed.chains.values()})
    wanted = [t for t in listed.values() if _is_wanted(request, observed, t) and t.unfinished]
    return sorted(wanted, key=lambda t: (t.database, t.id))


def _is_wanted(request: Request, observed: Observed, task: api.BackupTask) -> bool:
    if request.migrate_task_id:
        return task.id == request.migrate_task_id
    if request.given is not None:
        targets = {one.target.casefold() for one in observed.backups.databases}
        return task.database.casefold() in targets and request.wants(task.database)
    return request.wants(task.database)


def plan_termination(request: Request, observed: Observed) -> Plan:
    tasks = unfinished(request, observed)
    before = {t.database: STAGED if t.waiting else IN_FLIGHT for t in tasks}
    steps = tuple(
        Step(
            action=api.TERMINATE,
            target=request.instance_id,
            subject=(task.database,),
            why=f"task {task.id} of {task.database} is {task.status}",
            parameters={"DBInstanceId": request.instance_id, "MigrateTaskId": task.id},
            one_way=True,
        )
        for task in tasks
    )
    return Plan(
        state=TERMINATED if not steps else IN_FLIGHT,
        steps=steps,
        predicted_state=TERMINATED,
        before={"instance_id": request.instance_id, "databases": before},
        after={"instance_id": request.instance_id, "databases": dict.fromkeys(before, TERMINATED)},
    )


def checks_of_termination(request: Request, observed: Observed) -> list[Check]:
    if observed.tasks is None and not observed.chains:
        return [
            Check(
                "tasks_listed",
                UNKNOWN,
                "The service does not list migration tasks for this instance.",
                "Give migrate_task_id.",
            )
        ]
    ended = [t for t in observed.tasks or () if t.id == request.migrate_task_id and not t.unfinished]
    if request.migrate_task_id and not unfinished(request, observed):
        known = f"{request.migrate_task_id} ended with {ended[0].status}" if ended else "it is not listed as unfinished"
        status = PASS if ended else WARN
        return [Check("task_unfinished", status, f"nothing is to be terminated: {known}", "Check migrate_task_id.")]
    names = [t.database for t in unfinished(request, observed)]
    text = f"to be terminated: {', '.join(names)}" if names else "no unfinished task of a wanted database"
    return [Check("task_unfinished", PASS, text)]


def state_after(request: Request, observed: Observed, task: api.BackupTask) -> str:
    """What a task that was to be ended has become."""
    now = observed.newest_task(task.database) if observed.tasks is not None else None
    if now is None or now.id != task.id or not now.unfinished:
        return TERMINATED if observed.state_on_target(task.database) is None else ONLINE
    return IN_FLIGHT


__all__ = ["FAIL", "MISSING", "checks_of_termination", "plan_termination", "state_after", "unfinished"]
