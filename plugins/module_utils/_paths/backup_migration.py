# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Backup migration: SQL Server databases from backups in OSS to an RDS instance.

What counts is what a restore leaves behind: the target database, online, or waiting in a chain that is still open. The
service lists the tasks of the last week; the id of a chain, which it may not list, is a tag of its full backup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .._alibaba import rds, rds_instances
from .._alibaba import rds_backup_tasks as api
from .._alibaba.oss_access import oss_client
from .._alibaba.services import Services
from .._failure import MigrationFailure
from .._plan import Check, Plan, Step
from .backup_migration_files import Backup
from .backup_migration_plan import IN_FLIGHT, ONLINE, Standing, plan, reached_state, standings
from .backup_migration_reading import BackupReading, unless_refused
from .backup_migration_request import Request, read_request
from .backup_migration_seen import Observed, TargetDatabases, TaskList, utc_now

if TYPE_CHECKING:
    from .._alibaba.oss import OssClient
    from .backup_migration_run import BatchRun
    from .backup_migration_work import Work

# Requests in flight at once while headers and tags are read.
_WORKERS = 8


def new_path(services: Services, options: Mapping[str, Any]) -> Any:
    """The path that the task's state asks for."""
    request = read_request(options)
    if request.state == "terminated":
        from .backup_termination import BackupTermination

        return BackupTermination(services.rds, request, services.clock)
    return BackupMigration(services, request)


class BackupMigration:
    """The path as the door runs it. workers: how many requests are sent at a time."""

    name = "rds_oss_backup_migrate"

    def __init__(self, services: Services, request: Request, *, workers: int = _WORKERS) -> None:
        self._services = services
        self._client = services.rds
        self._request = request
        self._clock = services.clock
        self._workers = workers
        self._deadline = services.clock.monotonic() + request.patience.timeout
        self._observed: Observed | None = None
        self._run: BatchRun | None = None
        self._oss_client: OssClient | None = None
        self.failure: MigrationFailure | None = None

    def observe(self) -> Observed:
        """Everything that the checks and the plan may ask for."""
        request, now = self._request, utc_now(self._clock.wall())
        instance = rds_instances.instance(self._client, request.instance_id)
        if instance is None or instance.engine not in (None, "SQLServer"):
            return Observed(now, instance)
        seen = Observed(
            now,
            instance,
            rehearsal=self._client.read_only,
            databases=self._databases(),
            tasks=self._tasks(now),
        )
        self._observed = self._more_closely(self._reading(instance).with_backups(seen))
        return self._observed

    def check(self, observed: Observed) -> list[Check]:
        from .backup_migration_checks import all_checks

        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply_all(self, steps: Sequence[Step]) -> None:
        from .backup_migration_run import BatchRun

        seen = self._observed
        tasks = seen.tasks if seen else None
        self._run = BatchRun(
            self._client,
            lambda: self._oss(seen.instance if seen else None),
            self._request,
            self._clock,
            known=frozenset(task.id for task in tasks or ()),
            listed=tasks is not None,
            deadline=self._deadline,
            workers=self._workers,
        )
        self._run.start(standings(self._request, seen) if seen else (), steps, seen.chains if seen else {})
        if not self._request.wait:
            self.failure = self._run.failure() or self._run.wait_until_listed()

    def wait(self, observed: Observed) -> Observed:
        """Follows all databases to their end. What went wrong is in `failure`, so that the rest is still told."""
        if self._run is None:
            return observed
        late = self._run.follow()
        self.failure = self._run.failure() or late
        seen = self._seen_last(observed, self._run)
        ours = {work.target: work.task_id for work in self._run.works if work.in_chain}
        reading = self._reading(observed.instance)
        return seen._replace(chains=reading.chains(seen, seen.backups.databases, ours))

    def _seen_last(self, observed: Observed, run: BatchRun) -> Observed:
        """A listing takes a call for every hundred databases, so that of the last look is not asked for again."""
        now, latest = utc_now(self._clock.wall()), run.latest
        if latest is None:
            return observed._replace(now=now, databases=self._databases(), tasks=self._tasks(now))
        seen = observed._replace(now=now, databases=TargetDatabases(latest.databases))
        if latest.tasks is None or observed.tasks is None:
            return seen
        tasks = {task.id: task for task in (*observed.tasks, *latest.tasks)}
        return seen._replace(tasks=TaskList(api.newest_first(tasks.values())))

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        works = {work.target: work for work in self._run.works} if self._run else {}
        found = standings(self._request, observed) if observed.instance else ()
        return {
            "instance_id": self._request.instance_id,
            "bucket": self._request.bucket,
            "databases": [
                _database_facts(
                    s, works.get(s.target), s.state if rehearsed is None else reached_state(self._request, s)
                )
                for s in found
            ],
            "left_out": sorted({b.key for b in observed.backups.left_out} | set(observed.skipped)),
        }

    def _reading(self, instance: rds_instances.Instance | None) -> BackupReading:
        return BackupReading(self._client, self._oss(instance), self._request, self._workers)

    def _oss(self, instance: rds_instances.Instance | None) -> OssClient:
        if self._oss_client is None:
            self._oss_client = oss_client(self._services, (instance.region if instance else None) or "")
        return self._oss_client

    def _databases(self) -> TargetDatabases:
        return TargetDatabases(rds.databases(self._client, self._request.instance_id))

    def _tasks(self, now: datetime) -> TaskList | None:
        """Of the last week, where the edition lists them."""
        instance_id = self._request.instance_id
        found = unless_refused(lambda: api.tasks(self._client, instance_id, now - api.LIST_WINDOW, now))
        return None if found is None else TaskList(found)

    def _more_closely(self, seen: Observed) -> Observed:
        """Nothing more is asked for when everything is there already."""
        found = standings(self._request, seen)
        if all(s.state == ONLINE for s in found) and not seen.backups.loose:
            return seen
        return seen._replace(
            storage_used=self._storage_used(seen.instance),
            privileged_account=unless_refused(self._has_privileged_account),
            import_role=self._has_import_role(),
        )

    def _storage_used(self, instance: rds_instances.Instance | None) -> int | None:
        return unless_refused(lambda: rds_instances.storage_used(self._client, instance)) if instance else None

    def _has_privileged_account(self) -> bool:
        found = rds_instances.accounts(self._client, self._request.instance_id)
        return any(account["kind"] in ("Super", "Sysadmin") for account in found)

    def _has_import_role(self) -> bool | None:
        """RAM is another service, which may not be reachable from where RDS is."""
        from .._alibaba import ram, ram_names

        try:
            return ram.has_role(ram.client_of(self._services), ram_names.IMPORT_ROLE)
        except MigrationFailure:
            return None


def _database_facts(standing: Standing, work: Work | None, state: str) -> dict[str, Any]:
    """state: of the database, unless the run's work tells another one."""
    one, task = standing.backups, standing.task
    trouble = work.trouble if work else None
    if work is not None and (trouble is not None or not work.done):
        state = work.state if work.done else IN_FLIGHT
    problems = [f"{f.subject} {f.text}" for f in standing.findings if f.status == "fail"]
    return {
        "database": one.database or None,
        "target": one.target,
        "state": state,
        "migrate_task_id": (work.task_id if work else "") or (task.id if task else None),
        "backups": [_backup_facts(b) for b in one.used],
        "size": sum(b.size for b in one.used) if all(b.size is not None for b in one.used) else None,
        "required_storage": one.base.required_storage if one.base else None,
        "adopted": bool(work and work.adopted),
        "cause": trouble.cause if trouble else "; ".join(problems) or None,
        "remedy": trouble.remedy if trouble else None,
        "description": task.description or None if task else None,
    }


def _backup_facts(backup: Backup) -> dict[str, Any]:
    return {
        "key": backup.key,
        "type": backup.type or None,
        "start": backup.start,
        "finish": backup.finish,
        "size": backup.size,
        "predicted": backup.given.predicted and backup.found is not True,
    }
