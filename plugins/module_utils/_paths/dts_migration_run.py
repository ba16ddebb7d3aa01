# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carries out the steps of a DTS migration, each sent once, and waits for what they lead to.

Imported when there is something to do. An answer that is lost is looked for: what took effect is taken over, and what
shows no sign fails saying so.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts import Jobs
from .._alibaba.dts_model import Job
from .._alibaba.errors import AnswerLost, ServiceError
from .._alibaba.rds import text_of
from .._failure import WaitTimeout
from .._plan import Step
from .._progress import Sight, Watch
from .._waiting import Clock, Patience, wait_until
from . import dts_migration_failures as failures
from .dts_migration_plan import TO_COME, Observed, is_caught_up, is_complete, reached, skip_step
from .dts_migration_request import ABSENT, CAUGHT_UP, CONFIGURED, FORWARD, PRECHECKED, Request
from .dts_migration_secrets import with_secrets

# How often in a row the delay has to be small.
_LOOKS = 2
# How often alerts that were accepted are passed over: a new precheck may find others.
_SKIPS = 3
# Seconds within which a job is made, and bought, at a moment of its own. Nothing at the service makes two of them one.
_APART = 2.0
Done = Callable[["Job | None"], bool]


class DtsMigrationRun:
    """One run. look: reads the job. deadline: on the monotonic clock.

    job_id: of the job, once known. reserved: its settings when the steps were planned. began: something was sent and
    accepted. adopted: something was found done whose answer was lost, or that somebody else did.
    """

    def __init__(
        self, jobs: Jobs, request: Request, clock: Clock, look: Callable[[], Job | None], deadline: float
    ) -> None:
        self._jobs = jobs
        self._request = request
        self._clock = clock
        self._look = look
        self._deadline = deadline
        self._skips = 0
        self._skipped = False
        self._watch = Watch("dts_migration", request.target, self._sights)
        self.job_id = ""
        self.reserved: str | None = None
        self.began = False
        self.adopted = False

    def apply(self, step: Step, is_still_needed: Callable[[Step], bool]) -> None:
        if step.action == api.CONFIGURE:
            self._configure(step)
        elif step.action == api.BUY:
            self._buy(step)
        elif step.action == api.START:
            self._start(step)
        elif step.action == api.SKIP:
            self._skip(step)
        elif step.action == api.SUSPEND:
            self._send(step, lambda job: job is not None and job.status in (api.SUSPENDED, api.FINISHED))
        elif step.action == api.STOP:
            self._send(step, lambda job: job is not None and job.status == api.FINISHED)
        elif step.action == api.DELETE:
            self._send(step, lambda job: job is None)
        else:
            # What a password is now cannot be seen.
            seen = step.action != api.PASSWORD
            self._send(step, lambda _job: seen and not is_still_needed(step), look_first=False)

    def finish(self) -> None:
        """Waits for the wanted state. Raises when it cannot be had."""
        state = self._request.state
        if state == CONFIGURED:
            return
        if state == PRECHECKED:
            self._finish_precheck()
        elif state in FORWARD:
            self._finish_start()
            if state == CAUGHT_UP:
                self._finish_catching_up()
        else:
            self._wait(self._is_over, "the end of it")

    def _is_over(self, job: Job | None) -> bool:
        if job is None:
            return self._request.state == ABSENT
        return reached(self._request, Observed(job=job))

    def _configure(self, step: Step) -> None:
        self._step_aside()
        if self._look() is not None:
            self.adopted = True  # it shows late, or somebody else made it
            return
        try:
            answer = self._jobs.call(step.action, self._filled(step))
        except AnswerLost as lost:
            self._adopt(lambda job: job is not None, step, lost)
        else:
            self.began = True
            self.job_id = text_of(answer, "DtsJobId") or ""
            # Until it shows, a second run could not see it and would make another one.
            if not self._shows(lambda job: job is not None):
                raise failures.not_seen_yet(self._request, step.action, self.job_id or "no id was told")
        found = self._look()
        self.job_id = found.id if found else self.job_id

    def _buy(self, step: Step) -> None:
        """Once for a job: it is looked at just before, and an answer that is lost is never made up for."""
        if self._request.precheck_first:
            self._finish_precheck()
        self._step_aside()
        self._send(step, lambda job: job is not None and job.paid, must_show=True)

    def _step_aside(self) -> None:
        """Two controllers that begin, or wait for the same precheck, are there at the same moment."""
        self._clock.sleep(random.uniform(0, _APART))  # noqa: S311  # nothing secret

    def _start(self, step: Step) -> None:
        before = self._look()
        skipped, self._skipped = self._skipped, False
        if before is not None and self._went_on(before, skipped):
            return
        mark = self._mark(before)
        try:
            self._send(step, lambda job: self._mark(job) != mark, look_first=False)
        except ServiceError as error:
            unpaid = before is not None and not before.paid
            if unpaid and before is not None and before.status == api.NOT_STARTED and not error.inconclusive:
                raise failures.precheck_needs_purchase(error) from None
            raise

    def _went_on(self, job: Job, skipped: bool) -> bool:
        """Passing over an alert may make the precheck go on, or leave it to be started again."""
        if job.status == api.PRECHECKING:
            return True
        if not skipped or job.status in (api.PRECHECK_FAILED, api.NOT_STARTED):
            return False
        # It is over by now. What was bought is started with the same call.
        return not (job.status == api.PRECHECKED and job.paid and self._request.state != PRECHECKED)

    def _skip(self, step: Step) -> None:
        wanted = set(json.loads(step.parameters["SkipPreCheckItems"]))

        def done(job: Job | None) -> bool:
            if job is None or job.status != api.PRECHECK_FAILED:
                return True
            return not wanted & {item.code for item in self._jobs.precheck(job.id).open}

        self._send(step, done, look_first=False)
        self._skipped = True

    def _finish_precheck(self) -> None:
        """Until it passed. Alerts that were accepted are passed over; anything else fails at once."""
        while True:
            job = self._wait(lambda seen: seen is not None and not self._is_before_precheck(seen), "the precheck")
            if job is None or job.status != api.PRECHECK_FAILED:
                return
            self._pass_over(job)

    def _pass_over(self, job: Job) -> None:
        found = self._jobs.precheck(job.id)
        codes = [item.code for item in found.open if item.state == "alert" and item.check in self._request.accept]
        if not codes or len(codes) < len(found.open) or self._skips >= _SKIPS:
            raise failures.precheck_failed(self._request, job, found)
        self._skips += 1
        self._skip(skip_step(self._request, job, found, codes))
        again = skip_step(self._request, job, found, codes)
        self._start(again._replace(action=api.START, parameters={"DtsJobId": job.id, "RegionId": self._request.region}))

    def _is_before_precheck(self, job: Job) -> bool:
        return job.status in (api.PRECHECKING, api.NOT_STARTED, api.NOT_CONFIGURED)

    def _finish_start(self) -> None:
        """Until it runs. A job that rests after its precheck is started once more."""
        rested, started = 0, False
        while True:
            job = self._wait(self._runs_or_rests, "the start of it")
            if job is None or job.status not in (api.PRECHECK_FAILED, api.PRECHECKED):
                break
            if job.status == api.PRECHECK_FAILED:
                self._pass_over(job)
                continue
            rested += 1
            if rested >= _LOOKS and not started:
                started = True
                parameters = {"DtsJobId": job.id, "RegionId": self._request.region}
                why = "it rests after its precheck"
                self._start(Step(api.START, self._request.target, (self._request.name,), why, parameters))
            elif self._clock.monotonic() >= self._deadline:
                self._wait(lambda _seen: False, "the start of it")
            else:
                self._clock.sleep(min(self._request.patience.interval, 5.0))
        self._refuse_ended(job)

    def _runs_or_rests(self, job: Job | None) -> bool:
        return job is not None and not self._is_before_precheck(job)

    def _finish_catching_up(self) -> None:
        in_a_row, since = 0, 0.0

        def over(job: Job | None) -> bool:
            nonlocal in_a_row, since
            if job is None:
                return False
            self._refuse_ended(job)
            if job.status == api.FINISHED:
                return True
            in_a_row = in_a_row + 1 if is_caught_up(self._request, job) else 0
            if in_a_row <= 1:
                since = self._clock.monotonic()
            return in_a_row >= _LOOKS and self._clock.monotonic() - since >= self._request.caught_up_for

        self._wait(over, "catching up")

    def _refuse_ended(self, job: Job | None) -> None:
        if job is None:
            return
        if job.status == api.FAILED:
            raise failures.migration_failed(self._request, job)
        if job.status == api.SUSPENDED:
            raise failures.suspended_meanwhile(self._request, job)
        if job.status == api.FINISHED:
            complete = is_complete(self._request, job)
            if complete is None:
                raise failures.completion_untold(self._request, job)
            if not complete:
                raise failures.stopped_meanwhile(self._request, job)

    def _send(self, step: Step, done: Done, *, look_first: bool = True, must_show: bool = False) -> None:
        """Sends the step once, unless it is done already."""
        if look_first and done(self._look()):
            self.adopted = True
            return
        try:
            self._jobs.call(step.action, self._filled(step))
        except AnswerLost as lost:
            self._adopt(done, step, lost)
            return
        except ServiceError:
            # Somebody else did it a moment ago, or the job went on by itself.
            if not done(self._look()):
                raise
            self.adopted = True
        self.began = True
        if not self._shows(done) and must_show:
            raise failures.not_seen_yet(self._request, step.action, self.job_id)

    def _adopt(self, done: Done, step: Step, lost: AnswerLost) -> None:
        if not self._shows(done):
            raise failures.lost(self._request, step.action, lost) from None
        self.began = self.adopted = True

    def _filled(self, step: Step) -> dict[str, Any]:
        """With the id of the job where the plan could not know it, and with what the plan masks."""
        if TO_COME in step.parameters.values() and not self.job_id:
            found = self._look()
            self.job_id = found.id if found else ""
        known = {key: self.job_id if value == TO_COME else value for key, value in step.parameters.items()}
        return with_secrets(self._request, self.reserved, known)

    def _mark(self, job: Job | None) -> object:
        """Changes when a job was started, also where its precheck ended as before at once."""
        if job is None:
            return None
        checked = job.status in (api.PRECHECK_FAILED, api.PRECHECKED)
        return job.status, self._jobs.precheck(job.id).id if checked else ""

    def _shows(self, sign: Done) -> bool:
        interval = min(self._request.patience.interval, max(self._request.settle / 4, 0.1))
        patience = Patience(self._request.settle, interval)
        try:
            wait_until(self._look, sign, patience, self._clock, waiting_for="a sign", watch=self._watch)
        except WaitTimeout:
            return False
        return True

    def _wait(self, finished: Done, what: str) -> Job | None:
        patience = Patience(max(self._deadline - self._clock.monotonic(), 0.0), self._request.patience.interval)
        name = f"{what} ({self._request.name} {self.job_id})".replace(" )", ")")
        return wait_until(self._look, finished, patience, self._clock, waiting_for=name, watch=self._watch)

    def _sights(self, job: Job | None) -> list[Sight]:
        if job is None:
            return [Sight(self._request.name, "not listed")]
        lag = None if job.delay is None else job.delay / 1000
        going = [kind for kind in (api.SCHEMA, api.FULL, api.INCREMENTAL) if kind in job.phases and _goes_on(job, kind)]
        if not going:
            return [Sight(self._request.name, job.status, lag_seconds=lag)]
        phase = job.phases[going[0]]
        stage = f"{job.status}, {going[0]} {phase.status}"
        if phase.percent is None:
            return [Sight(self._request.name, stage, lag_seconds=lag)]
        return [Sight(self._request.name, stage, phase.percent, 100, "percent", lag_seconds=lag)]


def _goes_on(job: Job, kind: str) -> bool:
    """The changes go on for ever, so that they are the last to be told of."""
    return kind == api.INCREMENTAL or job.phases[kind].status != api.FINISHED
