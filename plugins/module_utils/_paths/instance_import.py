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

from .._alibaba import rds
from .._alibaba.errors import AnswerLost, ServiceError, is_forbidden, is_unknown_action
from .._alibaba.rpc import RpcClient
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Check, Plan, Step
from .._waiting import Clock, Patience, wait_until
from .instance_import_plan import Observed, all_checks, coming, in_flight, plan, remaining, state_on
from .instance_import_request import Request

# How far back a backup is looked for. Longer windows are slow at the service.
_BACKUP_WINDOW = timedelta(days=8)

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Backup

T = TypeVar("T")


class InstanceImport:
    """The path as the door runs it: observe, check, plan, apply, wait."""

    name = "rds_import_between_instances"

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._import_id = ""
        self._method_used = ""
        self._adopted = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for, and waits for what is in flight, if it may.

        A target that is occupied cannot be planned for: which databases an import in flight holds is not told.
        """
        seen = self._look()
        if in_flight(self._request, seen) and self._request.wait and not self._client.read_only:
            self._adopted = True
            seen = wait_until(
                self._look,
                lambda now: not in_flight(self._request, now),
                self._request.patience,
                self._clock,
                waiting_for=f"the work that is in flight on {self._request.source} or {self._request.target}",
            )
        return self._more_closely(seen)

    def check(self, observed: Observed) -> list[Check]:
        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    # -- writing ------------------------------------------------------------------------------------------------------

    def apply(self, step: Step) -> None:
        """Sends the step's action once; where the service does not know it, the alternative once."""
        try:
            answer = self._client.call(step.action, step.parameters)
        except AnswerLost as lost:
            self._adopt_or_fail(step, lost)
            return
        except ServiceError as error:
            if step.or_else is None or not is_unknown_action(error):
                raise
            self.apply(step.or_else)
            return
        self._method_used = "import" if step.action == rds.IMPORT else "copy"
        self._import_id = str(answer.get("ImportId") or "")
        if not self._request.wait:
            # Until it shows, a second run could not see it and would start it again.
            self._shows_within_settle()

    def wait(self, observed: Observed) -> Observed:
        """Waits until every target database is Running. Fails when the import visibly ended, or never began."""
        started, busy_once = self._clock.monotonic(), False

        def over(seen: Observed) -> bool:
            nonlocal started, busy_once
            if not remaining(self._request, seen) and not coming(self._request, seen) and not seen.busy:
                return True
            if in_flight(self._request, seen):
                busy_once, started = True, self._clock.monotonic()
            elif self._clock.monotonic() - started > (self._request.settle if busy_once else self._request.start_grace):
                raise self._nothing_came_of_it(seen, busy_once)
            return False

        seen = wait_until(
            self._look, over, self._request.patience, self._clock, waiting_for=f"the import to {self._request.target}"
        )
        return seen._replace(source_databases=observed.source_databases, backups=observed.backups)

    # -- telling ------------------------------------------------------------------------------------------------------

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        predicted = dict(rehearsed.after.get("databases", {})) if rehearsed is not None else {}
        return {
            "instance_id": self._request.target,
            "source_instance_id": self._request.source,
            "import_id": self._import_id or None,
            "method_used": self._method_used or None,
            "adopted": self._adopted,
            "backup": None if self._method_used == "import" else _chosen_backup_facts(self._request, observed),
            "databases": [
                _database_facts(source, target, observed, predicted.get(target))
                for source, target in sorted(self._request.databases.items(), key=lambda pair: pair[1])
            ],
        }

    # -- details ------------------------------------------------------------------------------------------------------

    def _look(self) -> Observed:
        """What waiting needs: states and databases."""
        source, target = (
            rds.instance(self._client, self._request.source),
            rds.instance(self._client, self._request.target),
        )
        now = datetime.fromtimestamp(self._clock.wall(), timezone.utc)
        listed = rds.databases(self._client, target.id) if target else {}
        seen = Observed(now=now, source=source, target=target, target_databases=listed)
        if source is None or target is None or not remaining(self._request, seen):
            return seen
        from .._alibaba import rds_imports

        running = [rds_imports.running_imports(self._client, i.id, self._clock.wall()) for i in (source, target)]
        return seen._replace(running=frozenset.union(*running))

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
            backups=self._backups(seen.now) if self._request.may_copy and not self._request.restore_time else None,
        )

    def _used(self, instance: rds.Instance) -> int | None:
        return self._unless_forbidden(lambda: rds.storage_used(self._client, instance))

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
            if error.transient or not (is_forbidden(error) or is_unknown_action(error)):
                raise
            return None

    def _adopt_or_fail(self, step: Step, lost: AnswerLost) -> None:
        """After a lost answer: looks for a sign of the import, and never sends it again."""
        if not self._shows_within_settle():
            raise AnswerLost(
                f"{lost.message} For {self._request.settle:g} seconds nothing showed that the import began, so it "
                "probably did not. It was not sent again.",
                code=lost.code,
                action=step.action,
                request_id=lost.request_id,
                http_status=lost.http_status,
                remedy="Look at both instances in the console. Run the playbook again: it looks at their state first, "
                "takes over what runs, and starts only what is missing.",
            )
        self._method_used = "import" if step.action == rds.IMPORT else "copy"
        self._adopted = True

    def _shows_within_settle(self) -> bool:
        def shows(seen: Observed) -> bool:
            return in_flight(self._request, seen) or not remaining(self._request, seen)

        interval = min(self._request.patience.interval, max(self._request.settle / 4, 0.1))
        try:
            wait_until(self._look, shows, Patience(self._request.settle, interval), self._clock, waiting_for="a sign")
        except WaitTimeout:
            return False
        return True

    def _nothing_came_of_it(self, seen: Observed, was_busy: bool) -> MigrationFailure:
        missing = ", ".join(sorted(remaining(self._request, seen).values()))
        if was_busy:
            text = f"The import ended, but {self._request.target} does not have {missing}: it failed at the service."
        else:
            text = (
                f"The service accepted the import, but in {self._request.start_grace:g} seconds neither instance "
                f"became busy and {missing} did not appear on {self._request.target}."
            )
        return MigrationFailure(
            text,
            code="import_failed" if was_busy else "import_never_started",
            action=self._method_used,
            remedy="Look at the task list of the target in the console (rds_migration_info shows it too), then run the "
            "playbook again. Raise start_grace if the service is only slow to begin.",
        )


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
