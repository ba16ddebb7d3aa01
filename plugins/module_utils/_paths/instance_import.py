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

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .._alibaba import rds
from .._alibaba.errors import ServiceError, is_unknown_instance
from .._alibaba.rpc import RpcClient
from .._plan import Check, Plan, Step
from .._waiting import Clock
from .instance_import_plan import Observed, all_checks, coming, plan, remaining, state_on
from .instance_import_request import Request

if TYPE_CHECKING:
    from .instance_import_run import ImportRun
    from .instance_import_surroundings import Surroundings


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
        self._around: Surroundings | None = None

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for, and waits for what is in flight, if it may."""
        return self._glance() or self._surroundings().observe()

    def check(self, observed: Observed) -> list[Check]:
        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        from .instance_import_run import ImportRun

        self._run = ImportRun(self._client, self._request, self._clock, self._surroundings().look, self._deadline)
        self._run.start(step)

    def wait(self, observed: Observed) -> Observed:
        seen = self._run.wait() if self._run else observed
        return seen._replace(source_databases=observed.source_databases, backups=observed.backups)

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        run, around = self._run, self._around
        predicted = dict(rehearsed.after.get("databases", {})) if rehearsed is not None else {}
        return {
            "instance_id": self._request.target,
            "source_instance_id": self._request.source,
            "import_id": run.import_id or None if run else None,
            "method_used": run.method_used or None if run else None,
            "adopted": bool((around and around.waited) or (run and run.adopted)),
            "backup": None if run and run.method_used == "import" else _backup_facts(self._request, observed),
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
            if error.inconclusive or not is_unknown_instance(error):
                raise
            return None
        now = datetime.fromtimestamp(self._clock.wall(), timezone.utc)
        seen = Observed(now=now, source=None, target=None, target_databases=listed)
        return None if remaining(self._request, seen) or coming(self._request, seen) else seen

    def _surroundings(self) -> Surroundings:
        """Of the wanted databases: the instances, and what goes on there."""
        if self._around is None:
            from .instance_import_surroundings import Surroundings

            self._around = Surroundings(self._client, self._request, self._clock)
        return self._around


def _database_facts(source: str, target: str, observed: Observed, predicted: str | None) -> dict[str, Any]:
    on_source, on_target = observed.source_databases.get(source), observed.target_databases.get(target)
    known = on_target or on_source
    return {
        "source": source,
        "target": target,
        "state": predicted or state_on(observed, target),
        "size": known.size if known else None,
    }


def _backup_facts(request: Request, observed: Observed) -> dict[str, Any] | None:
    """The backup a copy would take or took, as far as it was looked for."""
    if observed.backups is None:
        return None
    from .instance_import_step import chosen_backup_facts

    return chosen_backup_facts(request, observed.backups, observed.now)
