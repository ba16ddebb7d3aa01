# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""DTS migration: databases from one instance to another, of another account, region or version.

DTS keeps the job, which is the only state there is. A job is known by its name between its two endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._alibaba.dts import Jobs, client_of
from .._alibaba.dts_model import Job
from .._failure import MigrationFailure
from .._plan import Check, Plan, Step
from .dts_migration_plan import Observed, plan, reached
from .dts_migration_reading import begins, find_job, observe_job
from .dts_migration_request import CAUGHT_UP, SIDES, Request

if TYPE_CHECKING:
    from .._alibaba.services import Services
    from .dts_migration_run import DtsMigrationRun


class DtsMigration:
    """The path as the door runs it. passwords: of the databases, by side. credentials: of other accounts, by side.

    failure: what went wrong after something was sent; the result is completed before it is raised.
    """

    name = "dts_migration"

    def __init__(
        self,
        services: Services,
        request: Request,
        passwords: Mapping[str, str],
        credentials: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._services = services
        self._request = request
        self._credentials = credentials
        self._clock = services.clock
        self._jobs = Jobs(client_of(services, request.region), request.region, passwords)
        # One deadline for all waits of the task.
        self._deadline = self._clock.monotonic() + request.patience.timeout
        self._latest = Observed()
        self._run: DtsMigrationRun | None = None
        self.failure: MigrationFailure | None = None

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for."""
        self._complete_accounts()
        seen = observe_job(self._jobs, self._request, Observed(rehearsal=self._services.read_only))
        if self._request.state == CAUGHT_UP and reached(self._request, seen) and not self._services.read_only:
            # Twice in a row, whoever waited for it; for longer than that, the wait looks.
            if self._request.caught_up_for:
                seen = seen._replace(settled=False)
            else:
                self._clock.sleep(self._request.patience.interval)
                seen = observe_job(self._jobs, self._request, seen)
        if begins(self._request, seen):
            from .dts_migration_surroundings_reading import observe_surroundings

            seen = observe_surroundings(self._services, self._jobs, self._request, self._credentials, seen)
        self._latest = seen
        return seen

    def check(self, observed: Observed) -> list[Check]:
        from .dts_migration_checks import all_checks

        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply_all(self, steps: Sequence[Step]) -> None:
        """One after the other. What a step needs of the one before is waited for, whatever `wait` says."""
        run = self._new_run()
        try:
            for step in steps:
                run.apply(step, self._is_still_needed)
        except MigrationFailure as failure:
            if not run.began:
                raise
            self.failure = failure

    def apply(self, step: Step) -> None:
        self.apply_all((step,))

    def wait(self, observed: Observed) -> Observed:
        """Waits for the wanted state. What goes wrong stands in `failure`."""
        if self.failure is None:
            try:
                self._new_run().finish()
                self._latest = self._latest._replace(settled=True)
            except MigrationFailure as failure:
                self.failure = failure
        try:
            self._latest = observe_job(self._jobs, self._request, self._latest)
        except MigrationFailure as failure:
            self.failure = self.failure or failure
        return self._latest

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        from .dts_migration_facts import facts

        adopted = bool(self._run and self._run.adopted)
        return {**facts(self._request, self._latest, rehearsed), "adopted": adopted}

    def _complete_accounts(self) -> None:
        """Account ids that were left out are asked for, with the credentials of those accounts."""
        from .._alibaba import sts

        for side in SIDES:
            end = self._request.side(side)
            if not self._credentials.get(side) or end.account_id or not end.role:
                continue
            theirs = self._services.reading(end.region, self._credentials[side])
            told = sts.account_id(sts.client_of(theirs))
            self._request = self._request.with_side(side, end._replace(account_id=told))

    def _new_run(self) -> DtsMigrationRun:
        from .dts_migration_run import DtsMigrationRun

        if self._run is None:
            self._run = DtsMigrationRun(self._jobs, self._request, self._clock, self._look, self._deadline)
            if self._latest.job:
                self._run.job_id, self._run.reserved = self._latest.job.id, self._latest.job.reserved
        return self._run

    def _look(self) -> Job | None:
        """The job by its id, once that is known; by name and endpoints before."""
        known = self._run.job_id if self._run else ""
        job = self._jobs.by_id(known) if known else find_job(self._jobs, self._request)
        self._latest = self._latest._replace(job=job)
        return job

    def _is_still_needed(self, step: Step) -> bool:
        """Whether a change that was sent is not to be seen."""
        from .dts_migration_changes import changes

        seen = observe_job(self._jobs, self._request, self._latest)
        return any(s.action == step.action and s.parameters == step.parameters for s in changes(self._request, seen))


def credentials_of(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Of other accounts, by side; only what was given."""
    found = {}
    for side in SIDES:
        given = {k: v for k, v in (options[side].get("credentials") or {}).items() if v}
        if given:
            found[side] = given
    return found
