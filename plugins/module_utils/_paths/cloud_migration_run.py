# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carrying out a cloud migration: sending each action once, seeing it begin, waiting, and the gate before the switch.

Imported when there is something to do.
"""

from __future__ import annotations

from collections.abc import Callable

from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import FAILED, PASSED
from .._alibaba.errors import AnswerLost, ServiceError, is_wrong_state
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Step
from .._waiting import Clock, Patience, wait_until
from . import cloud_migration_failures as failures
from .cloud_migration_plan import Observed, current, failed_before, newest_assessment
from .cloud_migration_request import Request
from .cloud_migration_sights import watch
from .cloud_migration_stillness import Stillness, progress

# How often in a row the lag has to be small.
_LOOKS = 2


class CloudMigrationRun:
    """One run. look: reads the tasks. deadline: on the monotonic clock.

    assessment_id, migration_id: of what this run began, once known. began: something was sent and accepted. adopted:
    something was waited for that this run did not start, or whose start was not answered.
    """

    def __init__(
        self,
        tasks: api.CloudMigrations,
        request: Request,
        clock: Clock,
        look: Callable[[], Observed],
        deadline: float,
    ) -> None:
        self._tasks = tasks
        self._request = request
        self._clock = clock
        self._look = look
        self._deadline = deadline
        self._watch = watch(request, self._migration, self._assessment)
        self.assessment_id = ""
        self.migration_id = ""
        self.began = False
        self.adopted = False

    def start_assessment(self, step: Step, before: Observed) -> None:
        known = {a.id for a in before.assessments}

        def new(seen: Observed) -> str:
            return next((a.id for a in seen.assessments if a.source == self._request.source and a.id not in known), "")

        self.assessment_id = self._start(step, new)

    def start_migration(self, step: Step, before: Observed) -> None:
        known = {m.id for m in before.migrations}

        def new(seen: Observed) -> str:
            return next((m.id for m in seen.migrations if m.source == self._request.source and m.id not in known), "")

        self.migration_id = self._start(step, new)

    def finish_assessment(self) -> api.Assessment | None:
        """Waits for the outcome of the assessment that this run began or found under way. Raises when it failed.

        None: a migration began meanwhile, by somebody else or by a run that was interrupted, and is all that counts.
        """
        still = Stillness(self._clock, self._request.stall_timeout)
        before: object = None

        def over(seen: Observed) -> bool:
            nonlocal before
            if current(self._request, seen) is not None:
                return True
            found = self._assessment(seen)
            outcome, before_that, before = found and found.report.outcome, before, found and found.report
            if found is not None and outcome == PASSED:
                return True
            if found is not None and outcome == FAILED:
                # It may still grow: every failed item is to be told, not only the first.
                return bool(found.report.closing) or found.report == before_that
            if still.too_long(before):
                raise failures.assessment_stands_still(self._request, found)
            return False

        seen = self._wait(over, self._named("assessment"))
        if current(self._request, seen) is not None:
            self.adopted = True
            return None
        found = self._assessment(seen)
        if found is None or found.report.outcome == FAILED:
            raise failures.assessment_failed(self._request, found)
        return found

    def finish_copy(self) -> None:
        """Waits until the target streams. Raises when the migration failed, or stands still."""
        still = Stillness(self._clock, self._request.stall_timeout)
        before: object = None

        def over(seen: Observed) -> bool:
            nonlocal before
            found = self._migration(seen)
            failed, before_that = found is not None and found.failed, before
            before = found and found.report
            if failed:
                return before == before_that
            if found is not None and (found.streams or found.stage in (api.SWITCH, api.SUCCESS)):
                return True
            self._refuse_to_stand_still(found, still)
            return False

        seen = self._wait(over, self._named("migration"))
        self._refuse_failed(self._migration(seen))

    def switch(self, step: Step) -> None:
        """Waits for the gate and sends the activation once. Whatever is answered, nothing is taken back."""
        if not self._gate_opens():
            self.adopted = True  # somebody else switched meanwhile
            return
        try:
            self._tasks.activate(step.parameters)
        except AnswerLost as lost:
            if not self._switches_after_all():
                raise failures.activation_lost(self._request, lost) from None
            self.adopted = True
        except ServiceError:
            if not self._switches_after_all(settle=False):
                raise
            self.adopted = True
        self.began = True
        # Until it shows, a second run would send it again.
        if not self._request.wait and not self._shows(self._switches):
            raise failures.switch_not_seen_yet(self._request)

    def _switches_after_all(self, *, settle: bool = True) -> bool:
        """A reading that fails tells nothing, and may not hide that the switch was sent."""
        try:
            return self._shows(self._switches) if settle else self._switches(self._look())
        except MigrationFailure:
            return False

    def finish_switch(self) -> None:
        still = Stillness(self._clock, self._request.stall_timeout)

        def over(seen: Observed) -> bool:
            found = self._migration(seen)
            if found is not None and found.stage == api.SUCCESS:
                return True
            if still.too_long(progress(found)):
                raise failures.switch_stands_still(self._request, found)
            return False

        self._wait(over, self._named("switch"))

    def _start(self, step: Step, new: Callable[[Observed], str]) -> str:
        """Sends a creating action once. The id of the task, or nothing where another one was found instead."""
        try:
            task_id = self._tasks.start(step.action, step.parameters)
        except AnswerLost as lost:
            found = self._adopted(new)
            if not found:
                raise failures.start_lost(self._request, lost) from None
            return found
        except ServiceError as error:
            # A task that was begun a moment ago, and is not listed yet, is answered in this way.
            if is_wrong_state(error) and self._shows(lambda seen: current(self._request, seen) is not None):
                self.adopted = True
                return ""
            raise
        self.began = True
        if task_id and self._request.wait:
            return task_id
        # Until it shows, a second run could not see it and would start another one.
        if not self._shows(lambda seen: bool(new(seen))):
            raise failures.not_seen_yet(self._request, step.action)
        return task_id or new(self._look())

    def _adopted(self, new: Callable[[Observed], str]) -> str:
        if not self._shows(lambda seen: bool(new(seen))):
            return ""
        self.began = self.adopted = True
        return new(self._look())

    def _gate_opens(self) -> bool:
        """Waits until the target streams and is close enough behind, in several looks in a row.

        False: it is switched, or being switched, already. Nothing was sent when this raises.
        """
        still = Stillness(self._clock, self._request.stall_timeout)
        in_a_row, last, before = 0, None, None

        def over(seen: Observed) -> bool:
            nonlocal in_a_row, last, before
            last, before = self._migration(seen), last
            if self._switches(seen):
                return True
            if last is not None and last.failed:
                if before is not None and before.report == last.report:
                    self._refuse_failed(last)
                return False
            if last is None or not last.streams:
                in_a_row = 0
                self._refuse_to_stand_still(last, still)
                return False
            if not self._is_close(last.replication):
                in_a_row = 0
            elif in_a_row and self._goes_on_being_written(before, last):
                in_a_row = 1
            else:
                in_a_row += 1
            return in_a_row >= _LOOKS

        try:
            seen = self._wait(over, "a small lag")
        except WaitTimeout as late:
            if late.blind:
                # What was seen long ago is no reason.
                raise
            raise failures.gate_stayed_shut(self._request, last, _written_between(before, last)) from None
        return not self._switches(seen)

    def _is_close(self, told: api.Replication) -> bool:
        """What is not told is not close, unless somebody accepted just that."""
        request = self._request
        if request.reach_lsn and not (told.replayed and api.position(told.replayed) >= api.position(request.reach_lsn)):
            return False
        untold = "lag" in request.accept or not request.enforce
        limit = request.max_lag_seconds
        in_time = limit is None or (untold if told.lag_seconds is None else told.lag_seconds <= limit)
        return in_time and (untold if told.lag_bytes is None else told.lag_bytes <= request.max_lag)

    def _goes_on_being_written(self, before: api.Migration | None, now: api.Migration) -> bool:
        """A target keeps up with a source that is written to: it is close in every look, and each switch loses rows."""
        return (_written_between(before, now) or 0) > self._request.max_lag

    def _switches(self, seen: Observed) -> bool:
        found = self._migration(seen)
        return found is not None and found.stage in (api.SWITCH, api.SUCCESS)

    def _assessment(self, seen: Observed) -> api.Assessment | None:
        if self.assessment_id:
            return next((a for a in seen.assessments if a.id == self.assessment_id), None)
        return newest_assessment(self._request, seen)

    def _migration(self, seen: Observed) -> api.Migration | None:
        if self.migration_id:
            return next((m for m in seen.migrations if m.id == self.migration_id), None)
        return current(self._request, seen) or failed_before(self._request, seen)

    def _refuse_failed(self, found: api.Migration | None) -> None:
        if found is not None and found.failed:
            raise failures.migration_failed(self._request, found)

    def _refuse_to_stand_still(self, found: api.Migration | None, still: Stillness) -> None:
        """A base backup shows no progress however well it goes, and an undocumented stage means nothing."""
        may_be_still = found is not None and (
            (found.stage == "basebackup" and found.state != api.DISCONNECTED) or found.stage not in api.STAGES
        )
        if still.too_long(progress(found)) and not may_be_still:
            raise failures.migration_stands_still(self._request, found)

    def _shows(self, sign: Callable[[Observed], bool]) -> bool:
        try:
            patience = self._request.patience.for_a_sign(self._request.settle)
            wait_until(self._look, sign, patience, self._clock, waiting_for="a sign", watch=self._watch)
        except WaitTimeout:
            return False
        return True

    def _wait(self, over: Callable[[Observed], bool], what: str) -> Observed:
        return wait_until(self._look, over, self._patience(), self._clock, waiting_for=what, watch=self._watch)

    def _named(self, what: str) -> str:
        task = self.assessment_id if what == "assessment" else self.migration_id
        return f"the {what} {task + ' ' if task else ''}of {self._request.source} to {self._request.instance_id}"

    def _patience(self) -> Patience:
        """What is left of the task's deadline."""
        return Patience(max(self._deadline - self._clock.monotonic(), 0.0), self._request.patience.interval)


def _written_between(before: api.Migration | None, now: api.Migration | None) -> int | None:
    """Bytes of WAL that arrived between two looks; None where the positions are not told."""
    first, second = (m.replication.received if m else None for m in (before, now))
    return api.position(second) - api.position(first) if first and second else None
