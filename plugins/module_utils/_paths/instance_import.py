# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Instance import: SQL Server databases from one RDS instance to another of the same account and region.

The service keeps no list of imports, so what counts is what an import leaves behind: the target databases, Running. Two
actions do the work. ImportDatabaseBetweenInstances reads the live source and was taken offline by the vendor in 2024;
CopyDatabaseBetweenInstances, its successor, restores a backup of the source.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from .._alibaba import rds, rds_instances
from .._alibaba.errors import ServiceError, is_unknown_instance
from .._alibaba.rpc import RpcClient
from .._failure import WaitTimeout
from .._plan import Check, Plan, Step
from .._waiting import Clock, Patience, wait_until
from .instance_import_plan import Observed, all_checks, coming, hopeless, in_flight, plan, remaining, state_on
from .instance_import_request import Request

# How far back a backup is looked for. Longer windows are slow at the service.
_BACKUP_WINDOW = timedelta(days=8)

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Backup
    from .instance_import_run import ImportRun

T = TypeVar("T")


class InstanceImport:
    """The path as the door runs it: observe, check, plan, apply, wait."""

    name = "rds_import_between_instances"

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        # One deadline for all waits of the task.
        self._deadline = clock.monotonic() + request.patience.timeout
        self._run: ImportRun | None = None
        self._adopted = False

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for, and waits for what is in flight, if it may.

        A target that is occupied cannot be planned for: which databases an import in flight holds is not told.
        """
        seen = self._glance() or self._look()
        if in_flight(self._request, seen) and self._request.wait and not self._client.read_only:
            closely = self._more_closely(seen)
            if hopeless(self._request, closely):
                return closely
            self._adopted = True
            seen = wait_until(
                self._look,
                lambda now: not in_flight(self._request, now),
                self._request.patience,
                self._clock,
                waiting_for=f"the work that is in flight on {self._request.source} or {self._request.target}",
            )
            seen = self._after_the_flight(seen)
        return self._more_closely(seen)

    def _after_the_flight(self, seen: Observed) -> Observed:
        """Listings lag behind: what the flight brought may show only a little later."""
        if not remaining(self._request, seen):
            return seen
        settle = Patience(self._request.settle, min(self._request.patience.interval, self._request.settle or 1.0))
        try:
            return wait_until(
                self._look, lambda now: not remaining(self._request, now), settle, self._clock, waiting_for="listings"
            )
        except WaitTimeout:
            return self._look()

    def check(self, observed: Observed) -> list[Check]:
        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        from .instance_import_run import ImportRun

        self._run = ImportRun(self._client, self._request, self._clock, self._look, self._deadline)
        self._run.start(step)

    def wait(self, observed: Observed) -> Observed:
        seen = self._run.wait() if self._run else observed
        return seen._replace(source_databases=observed.source_databases, backups=observed.backups)

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        run = self._run
        predicted = dict(rehearsed.after.get("databases", {})) if rehearsed is not None else {}
        return {
            "instance_id": self._request.target,
            "source_instance_id": self._request.source,
            "import_id": run.import_id or None if run else None,
            "method_used": run.method_used or None if run else None,
            "adopted": self._adopted or bool(run and run.adopted),
            "backup": None if run and run.method_used == "import" else _chosen_backup_facts(self._request, observed),
            "databases": [
                _database_facts(source, target, observed, predicted.get(target))
                for source, target in sorted(self._request.databases.items(), key=lambda pair: pair[1])
            ],
        }

    def _glance(self) -> Observed | None:
        """The target's databases alone: all that a finished import has to show. None where there is more to see."""
        try:
            listed = rds.databases(self._client, self._request.target)
        except ServiceError as error:
            if error.transient or not is_unknown_instance(error):
                raise
            return None
        seen = Observed(now=self._now(), source=None, target=None, target_databases=listed)
        return None if remaining(self._request, seen) or coming(self._request, seen) else seen

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), timezone.utc)

    def _look(self) -> Observed:
        """What waiting needs: the databases of the target and, while some are missing, what goes on around them."""
        target = rds_instances.instance(self._client, self._request.target)
        listed = rds.databases(self._client, target.id) if target else {}
        seen = Observed(now=self._now(), source=None, target=target, target_databases=listed)
        if not remaining(self._request, seen):
            return seen
        seen = seen._replace(source=rds_instances.instance(self._client, self._request.source))
        if seen.source is None or target is None:
            return seen
        from .._alibaba import rds_imports

        of_source, of_target = (
            rds_imports.running_imports(self._client, i.id, self._clock.wall()) for i in (seen.source, target)
        )
        return seen._replace(running=of_source | of_target, running_on_target=of_target)

    def _more_closely(self, seen: Observed) -> Observed:
        """Adds what only the checks of a step that is still to be done need."""
        if not remaining(self._request, seen):
            return seen
        source, target = seen.source, seen.target
        seen = seen._replace(source_databases=rds.databases(self._client, source.id) if source else {})
        if source is None or target is None or source.engine != target.engine:
            return seen
        return seen._replace(
            source_used=self._used(source),
            target_used=self._used(target),
            backups=self._backups(seen.now) if self._request.may_copy else None,
        )

    def _used(self, instance: rds_instances.Instance) -> int | None:
        return self._unless_forbidden(lambda: rds_instances.storage_used(self._client, instance))

    def _backups(self, now: datetime) -> tuple[Backup, ...] | None:
        from .._alibaba import rds_imports

        request = self._request
        if request.backup_id:
            found = self._unless_forbidden(
                lambda: rds_imports.full_backup(self._client, request.source, request.backup_id)
            )
        else:
            since = now - _BACKUP_WINDOW
            found = self._unless_forbidden(lambda: rds_imports.full_backups(self._client, request.source, since, now))
        return None if found is None else tuple(found)

    def _unless_forbidden(self, read: Callable[[], T]) -> T | None:
        """None where the service refuses a reading that only informs: the check that needs it becomes unknown."""
        try:
            return read()
        except ServiceError as error:
            if error.transient:
                raise
            return None


def _database_facts(source: str, target: str, observed: Observed, predicted: str | None) -> dict[str, Any]:
    on_source, on_target = observed.source_databases.get(source), observed.target_databases.get(target)
    known = on_target or on_source
    return {
        "source": source,
        "target": target,
        "state": predicted or state_on(observed, target),
        "size": known.size if known else None,
    }


def _chosen_backup_facts(request: Request, observed: Observed) -> dict[str, Any] | None:
    """The backup a copy would take or took, as far as it was looked for."""
    if observed.backups is None:
        return None
    from .instance_import_checks import newest_usable

    found = next((b for b in observed.backups if b.id == request.backup_id), None)
    found = found or (None if request.backup_id else newest_usable(observed.backups))
    if found is None:
        return None
    age = int((observed.now - found.taken).total_seconds()) if found.taken else None
    return {"id": found.id, "taken": found.taken.strftime("%Y-%m-%dT%H:%M:%SZ") if found.taken else None, "age": age}
