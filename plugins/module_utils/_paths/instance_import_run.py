# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carrying out an instance import: sending it once, seeing it begin, waiting for its end.

Imported when there is something to import.
"""

from __future__ import annotations

from collections.abc import Callable

from .._alibaba import rds
from .._alibaba.errors import AnswerLost, ServiceError, is_unknown_action, is_wrong_state
from .._alibaba.rpc import RpcClient
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Step
from .._waiting import Clock, Patience, wait_until
from .instance_import_plan import Observed, coming, lost, remaining
from .instance_import_request import Request
from .instance_import_sights import watch
from .instance_import_unfinished import in_flight, shows_on_target


class ImportRun:
    """One import or copy. look observes both instances. deadline: on the monotonic clock.

    method_used: import or copy, once one was accepted. adopted: its start was not answered, but it was seen to run.
    """

    def __init__(
        self, client: RpcClient, request: Request, clock: Clock, look: Callable[[], Observed], deadline: float
    ) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._look = look
        self._deadline = deadline
        self._watch = watch(request)
        self.import_id = ""
        self.method_used = ""
        self.adopted = False

    def start(self, step: Step) -> None:
        """Sends the step's action once; where the service does not know it, the alternative once."""
        try:
            answer = self._client.call(step.action, step.parameters)
        except AnswerLost as lost:
            self._adopt_or_fail(step, lost)
            return
        except ServiceError as error:
            if step.or_else is not None and is_unknown_action(error):
                self.start(step.or_else)
            elif self._request.wait and is_wrong_state(error) and self._waited_for_others():
                self.start(step)
            else:
                raise
            return
        self.method_used = "import" if step.action == rds.IMPORT else "copy"
        self.import_id = str(answer.get("ImportId") or "")
        # Until it shows, a second run could not see it and would start it again.
        if not self._request.wait and not self._shows_within_settle():
            raise self._not_seen_yet()

    def wait(self) -> Observed:
        """Waits until every target database is Running. Fails when the import visibly ended, or never began."""
        seen_busy, idle_since = False, None

        def over(seen: Observed) -> bool:
            nonlocal seen_busy, idle_since
            gone = lost(self._request, seen)
            if gone:
                raise self._lost_on_the_way(gone)
            if not remaining(self._request, seen) and not coming(self._request, seen) and not seen.busy:
                return True
            if in_flight(self._request, seen):
                seen_busy, idle_since = True, None
                return False
            # Two idle looks are needed: listings lag behind, and so may a long poll_interval.
            now = self._clock.monotonic()
            idle_since = now if idle_since is None else idle_since
            if now - idle_since > (self._request.settle if seen_busy else self._request.start_grace):
                raise self._nothing_came_of_it(seen, seen_busy)
            return False

        try:
            return wait_until(
                self._look, over, self._patience(), self._clock, waiting_for="the import", watch=self._watch
            )
        except WaitTimeout:
            if seen_busy:
                raise
            raise self._not_seen_yet() from None

    def _waited_for_others(self) -> bool:
        """After a refusal because an instance is busy, by which nothing was started: waits until it is at rest.

        False where nothing is seen to run, or where something else is left to do afterwards than before.
        """
        seen = self._look()
        before = remaining(self._request, seen)
        if not in_flight(self._request, seen):
            return False
        seen = wait_until(
            self._look,
            lambda now: not in_flight(self._request, now),
            self._patience(),
            self._clock,
            waiting_for=f"what {self._request.source} or {self._request.target} is busy with",
            watch=self._watch,
        )
        return remaining(self._request, seen) == before

    def _patience(self) -> Patience:
        """What is left of the task's deadline."""
        return Patience(max(self._deadline - self._clock.monotonic(), 0.0), self._request.patience.interval)

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
        self.method_used = "import" if step.action == rds.IMPORT else "copy"
        self.adopted = True

    def _shows_within_settle(self) -> bool:
        def shows(seen: Observed) -> bool:
            return shows_on_target(self._request, seen) or not remaining(self._request, seen)

        try:
            wait_until(
                self._look,
                shows,
                self._request.patience.for_a_sign(self._request.settle),
                self._clock,
                waiting_for="a sign",
                watch=self._watch,
            )
        except WaitTimeout:
            return False
        return True

    def _not_seen_yet(self) -> MigrationFailure:
        return MigrationFailure(
            f"The service accepted the {self.method_used}, but nothing shows it on {self._request.target} yet.",
            code="not_seen_yet",
            action=self.method_used,
            remedy="Look at the target's task list in the console before you run again: a run that sees nothing sends "
            "it again. Raise settle and wait_timeout to look longer.",
        )

    def _lost_on_the_way(self, gone: list[str]) -> MigrationFailure:
        return MigrationFailure(
            f"On {self._request.target}, {', '.join(gone)} will not become Running.",
            code="import_failed",
            action=self.method_used,
            remedy="Bring the databases back or delete them in the console, then run the playbook again.",
        )

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
            action=self.method_used,
            remedy="Look at the task list of the target in the console (rds_migration_info shows it too), then run the "
            f"playbook again. Raise {'settle' if was_busy else 'start_grace'} if the service is only slow to show it.",
        )
