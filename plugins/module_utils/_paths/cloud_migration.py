# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Cloud migration: a self-managed PostgreSQL to an RDS instance, by physical streaming replication.

The service keeps lists of assessments and of migrations; they are the only state there is. A migration is known by its
source's address and port on the target instance, so that one that somebody started in the console is taken over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from .._alibaba import rds, rds_instances
from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import PENDING
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._failure import MigrationFailure
from .._plan import Check, Plan, Step
from .._waiting import Clock
from .cloud_migration_plan import Observed, current, good_assessment, newest_assessment, plan
from .cloud_migration_request import ASSESSED, REPLICATING, Request

if TYPE_CHECKING:
    from .cloud_migration_run import CloudMigrationRun

T = TypeVar("T")


class CloudMigration:
    """The path as the door runs it. password: of the source.

    failure: what went wrong after something was sent; the result is completed before it is raised.
    """

    name = "rds_cloud_migration"

    def __init__(self, client: RpcClient, request: Request, password: str, clock: Clock) -> None:
        self._client = client
        self._tasks = api.CloudMigrations(client, request.instance_id, password)
        self._request = request
        self._clock = clock
        # One deadline for all waits of the task.
        self._deadline = clock.monotonic() + request.patience.timeout
        self._latest = Observed(self._now(), None)
        self._run: CloudMigrationRun | None = None
        self._waited = False
        self.failure: MigrationFailure | None = None

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for."""
        found = rds_instances.instance(self._client, self._request.instance_id)
        self._latest = Observed(self._now(), found)
        if not self._latest.may_have_migrations:
            return self._latest
        seen = self._look()
        if found is not None and self._may_start(seen):
            seen = seen._replace(databases=self._unless_forbidden(lambda: self._database_names(found)))
        self._latest = seen._replace(address=self._address())
        return self._latest

    def check(self, observed: Observed) -> list[Check]:
        from .cloud_migration_checks import all_checks

        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply_all(self, steps: Sequence[Step]) -> None:
        """One after the other; each waits for what it needs of the one before, whatever `wait` says."""
        run = self._new_run()
        try:
            for step in steps:
                self._apply(run, step)
        except MigrationFailure as failure:
            if not run.began:
                raise
            self.failure = failure

    def apply(self, step: Step) -> None:
        self.apply_all((step,))

    def wait(self, observed: Observed) -> Observed:
        """Waits for the wanted state. What goes wrong stands in `failure`."""
        if self.failure is not None:
            return self._latest
        run = self._new_run()
        self._waited = True
        try:
            if self._request.state == ASSESSED:
                finished = run.finish_assessment()
                self._keep(finished.id if finished else "")
            elif self._request.state == REPLICATING:
                run.finish_copy()
            else:
                run.finish_switch()
                self._latest = self._latest._replace(address=self._address())
        except MigrationFailure as failure:
            self.failure = failure
        return self._latest

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        from .cloud_migration_facts import facts

        run = self._run
        began = bool(run and (run.assessment_id or run.migration_id or run.began))
        adopted = bool(run and run.adopted) or (self._waited and not began)
        return {**facts(self._request, self._latest, rehearsed), "adopted": adopted}

    def _apply(self, run: CloudMigrationRun, step: Step) -> None:
        if step.action == api.ACTIVATE:
            run.switch(step)
        elif self._is_migrated():
            return  # it was begun by somebody else, or by a run that was interrupted, and showed late
        elif step.action == api.PRECHECK:
            run.start_assessment(step, self._latest)
            self._keep(run.assessment_id)
        elif self._has_good_assessment(run):
            run.start_migration(step, self._latest)

    def _has_good_assessment(self, run: CloudMigrationRun) -> bool:
        """No migration without an assessment that passed, whatever preflight says: raises when it did not.

        False: while it was waited for, a migration was begun elsewhere.
        """
        from .cloud_migration_checks import unaccepted
        from .cloud_migration_failures import warnings_not_accepted

        found = good_assessment(self._request, self._latest)
        if found is None or run.assessment_id:
            run.adopted = run.adopted or not run.assessment_id
            found = run.finish_assessment()
            if found is None:
                return False
            self._keep(found.id)
        doubtful = unaccepted(self._request, found.report)
        if doubtful and self._request.enforce:
            raise warnings_not_accepted(found, doubtful)
        return True

    def _new_run(self) -> CloudMigrationRun:
        from .cloud_migration_run import CloudMigrationRun

        if self._run is None:
            self._run = CloudMigrationRun(self._tasks, self._request, self._clock, self._look, self._deadline)
        return self._run

    def _may_start(self, seen: Observed) -> bool:
        request = self._request
        is_assessed = request.state == ASSESSED and good_assessment(request, seen) is not None
        return current(request, seen) is None and not is_assessed

    def _is_migrated(self) -> bool:
        return current(self._request, self._latest) is not None

    def _keep(self, assessment_id: str) -> None:
        """What this run saw passing is good enough for it, whatever its age."""
        self._latest = self._latest._replace(own=self._latest.own | {assessment_id})

    def _look(self) -> Observed:
        """What changes while a migration goes on. Assessments that are over change nothing any more once one runs."""
        seen = self._latest._replace(now=self._now(), migrations=tuple(self._tasks.migrations()))
        assessed = newest_assessment(self._request, seen)
        if current(self._request, seen) is None or assessed is None or assessed.report.outcome == PENDING:
            seen = seen._replace(assessments=tuple(self._tasks.assessments()))
        self._latest = seen
        return seen

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), timezone.utc)

    def _database_names(self, found: rds_instances.Instance) -> frozenset[str]:
        return frozenset(rds.databases(self._client, found.id))

    def _address(self) -> Mapping[str, Any] | None:
        """Where applications reach the target: inside of its network, if it has such an address."""
        found = self._unless_forbidden(lambda: rds_instances.addresses(self._client, self._request.instance_id)) or []
        inside = [a for a in found if (a["kind"] or "").lower() != "public"]
        return next(iter(inside or found), None)

    def _unless_forbidden(self, read: Callable[[], T]) -> T | None:
        """None where the service refuses a reading that only informs."""
        try:
            return read()
        except ServiceError as error:
            if error.inconclusive:
                raise
            return None
