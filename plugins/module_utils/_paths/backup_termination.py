# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Ending tasks of a migration from backups that are not finished. Imported for state: terminated."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from .._alibaba import rds_backup_tasks as api
from .._alibaba import rds_instances
from .._alibaba.errors import AnswerLost, ServiceError, is_forbidden
from .._alibaba.rpc import RpcClient
from .._failure import MigrationFailure
from .._plan import PASS, UNKNOWN, WARN, Check, Plan, Step
from .._waiting import Clock, wait_until
from .backup_migration_request import Request

RUNNING, STAGED, TERMINATED = "in_flight", "staged", "terminated"


class Observed(NamedTuple):
    """tasks: of the last seven days, and the one whose id was given. None: the service does not list them."""

    now: datetime
    instance: rds_instances.Instance | None
    tasks: tuple[api.BackupTask, ...] | None = ()


class BackupTermination:
    """The path as the door runs it."""

    name = "rds_oss_backup_migrate"

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._ended: list[api.BackupTask] = []

    def observe(self) -> Observed:
        from .backup_migration_seen import utc_now

        now, request = utc_now(self._clock.wall()), self._request
        found = rds_instances.instance(self._client, request.instance_id)
        if found is None:
            return Observed(now, None)
        if request.migrate_task_id:
            return Observed(now, found, self._one(request.migrate_task_id))
        try:
            return Observed(now, found, tuple(api.tasks(self._client, found.id, now - api.LIST_WINDOW, now)))
        except ServiceError as error:
            if error.inconclusive:
                raise
            return Observed(now, found, None)

    def _one(self, task_id: str) -> tuple[api.BackupTask, ...]:
        try:
            return (api.task(self._client, self._request.instance_id, task_id),)
        except ServiceError as error:
            # Who may not look does not learn that there is no task.
            if error.inconclusive or is_forbidden(error):
                raise
            return ()

    def check(self, observed: Observed) -> list[Check]:
        from .backup_migration_instance_checks import engine_fits, instance_exists

        found = [instance_exists(self._request.instance_id, observed.instance)]
        if observed.instance is None:
            return found
        return [*found, engine_fits(observed.instance), _tasks_known(self._request, observed)]

    def plan(self, observed: Observed) -> Plan:
        made = plan(self._request, observed)
        # After the wait, what this run ended is still told.
        ended = {t.database: TERMINATED for t in self._ended}
        return made._replace(before={**made.before, "databases": {**ended, **made.before["databases"]}})

    def apply(self, step: Step) -> None:
        try:
            self._client.call(step.action, step.parameters)
        except AnswerLost as lost:
            self._look_after(str(step.parameters["MigrateTaskId"]), lost)
        except ServiceError:
            # It may have ended by itself between the look and the call.
            if any(t.unfinished for t in self._one(str(step.parameters["MigrateTaskId"]))):
                raise

    def wait(self, observed: Observed) -> Observed:
        from .._progress import Sight, Watch

        def sights(seen: Observed) -> list[Sight]:
            return [Sight(task.database, task.status) for task in unfinished(self._request, seen)]

        self._ended = list(unfinished(self._request, observed))
        return wait_until(
            self.observe,
            lambda seen: not unfinished(self._request, seen),
            self._request.patience,
            self._clock,
            waiting_for="the end of the tasks",
            watch=Watch(self.name, self._request.instance_id, sights),
        )

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        shown = {t.id: t for t in (*self._ended, *unfinished(self._request, observed))}
        now = {t.id: t for t in observed.tasks or ()}
        promised = rehearsed is not None and self._request.wait
        return {
            "instance_id": self._request.instance_id,
            "databases": [
                {
                    "target": task.database,
                    "state": TERMINATED if promised or not now.get(task.id, task).unfinished else _state(task),
                    "migrate_task_id": task.id,
                    "description": now.get(task.id, task).description or None,
                }
                for task in shown.values()
            ],
        }

    def _look_after(self, task_id: str, lost: AnswerLost) -> None:
        """TerminateMigrateTask is not sent twice: what became of the task tells."""
        try:
            wait_until(
                lambda: self._one(task_id),
                lambda seen: not any(t.unfinished for t in seen),
                self._request.patience.for_a_sign(self._request.settle),
                self._clock,
                waiting_for="the task",
            )
        except MigrationFailure:
            raise lost from None


def unfinished(request: Request, observed: Observed) -> list[api.BackupTask]:
    """The tasks that are to be ended: the one whose id was given, or those of the wanted databases."""
    wanted = [t for t in observed.tasks or () if t.unfinished and _is_wanted(request, t)]
    return sorted(wanted, key=lambda t: (t.database, t.id))


def plan(request: Request, observed: Observed) -> Plan:
    """One step per unfinished task. What was restored of a chain is lost with it, so these are one-way."""
    tasks = unfinished(request, observed)
    before = {t.database: _state(t) for t in tasks}
    reached = TERMINATED if request.wait or not tasks else RUNNING
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
        state=RUNNING if steps else TERMINATED,
        steps=steps,
        predicted_state=reached,
        before={"instance_id": request.instance_id, "databases": before},
        after={"instance_id": request.instance_id, "databases": dict.fromkeys(before, reached)},
    )


def _is_wanted(request: Request, task: api.BackupTask) -> bool:
    return task.id == request.migrate_task_id if request.migrate_task_id else request.wants(task.database)


def _state(task: api.BackupTask) -> str:
    return STAGED if task.waiting else RUNNING


def _tasks_known(request: Request, observed: Observed) -> Check:
    if observed.tasks is None:
        text = "The service does not list migration tasks for this instance."
        return Check("tasks_listed", UNKNOWN, text, "Give migrate_task_id.")
    names = [t.database for t in unfinished(request, observed)]
    if names:
        return Check("task_unfinished", PASS, f"to be terminated: {', '.join(names)}")
    if not request.migrate_task_id:
        return Check("task_unfinished", PASS, "no unfinished task of a wanted database is listed")
    if not observed.tasks:
        text = f"The service knows no task {request.migrate_task_id} of {request.instance_id}."
        return Check("task_unfinished", WARN, text, "Correct migrate_task_id.")
    return Check("task_unfinished", PASS, f"{request.migrate_task_id} ended already with {observed.tasks[0].status}")
