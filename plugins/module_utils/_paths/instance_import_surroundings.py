# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What goes on around an instance import that is not finished: both instances, their tasks, storage and backups.

Imported when databases are missing on the target, or on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from .._alibaba import rds, rds_imports, rds_instances
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._failure import WaitTimeout
from .._waiting import Clock, Patience, wait_until
from .instance_import_plan import Observed, remaining
from .instance_import_request import Request
from .instance_import_unfinished import hopeless, in_flight

# How far back a backup is looked for. Longer windows are slow at the service.
_BACKUP_WINDOW = timedelta(days=8)

T = TypeVar("T")


class Surroundings:
    """waited: for work in flight that this run did not start."""

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self.waited = False

    def observe(self) -> Observed:
        """Everything that the checks and the plan may ask for, after what is in flight, if it may be waited for.

        A target that is occupied cannot be planned for: which databases an import in flight holds is not told.
        """
        seen = self.look()
        if in_flight(self._request, seen) and self._request.wait and not self._client.read_only:
            closely = self._more_closely(seen)
            if hopeless(self._request, closely):
                return closely
            self.waited = True
            from .instance_import_sights import watch

            seen = wait_until(
                self.look,
                lambda now: not in_flight(self._request, now),
                self._request.patience,
                self._clock,
                waiting_for=f"the work that is in flight on {self._request.source} or {self._request.target}",
                watch=watch(self._request),
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
                self.look, lambda now: not remaining(self._request, now), settle, self._clock, waiting_for="listings"
            )
        except WaitTimeout:
            return self.look()

    def look(self) -> Observed:
        """What waiting needs: the databases of the target and, while some are missing, what goes on around them."""
        target = rds_instances.instance(self._client, self._request.target)
        listed = rds.databases(self._client, target.id) if target else {}
        seen = Observed(now=self._now(), source=None, target=target, target_databases=listed)
        if not remaining(self._request, seen):
            return seen
        seen = seen._replace(source=rds_instances.instance(self._client, self._request.source))
        if seen.source is None or target is None:
            return seen
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

    def _backups(self, now: datetime) -> tuple[rds_imports.Backup, ...] | None:
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
            if error.inconclusive:
                raise
            return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall(), timezone.utc)
