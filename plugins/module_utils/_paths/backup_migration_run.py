# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carrying out a migration from backups: many databases at once, each in its own order, none stopped by another.

Imported when there is something to send or to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._alibaba.backup_task_texts import Trouble
from .._alibaba.errors import AnswerLost, ServiceError, Unreachable, WriteRefused, is_wrong_state
from .._alibaba.rpc import RpcClient
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Step
from .._waiting import Clock, Patience, wait_until
from .backup_migration_files import Backup
from .backup_migration_plan import DEFERRED, Standing
from .backup_migration_request import Request
from .backup_migration_seen import Chain, Latest, utc_now
from .backup_migration_sights import named, watch
from .backup_migration_steps import OF_THE_FIRST_FILE, SIGNED_AT_RUN_TIME, chain_tag
from .backup_migration_work import OUT_OF_QUOTA, Seen, Work, works_of

# Requests in flight at once: enough to outrun the latency of the service, few enough for its limit per second.
_WORKERS = 8
_QUOTA_CODES = ("UploadLimitExceeded", "ConcurrentTaskExceeded")
# The clock of the service and ours may differ by so much.
_SKEW = timedelta(minutes=15)


class BatchRun:
    """oss: gives the OssClient, for tags and signed URLs. known: ids of the tasks that were there before.

    workers: how many requests are sent at a time. deadline: on the monotonic clock.
    """

    def __init__(
        self,
        client: RpcClient,
        oss: Callable[[], Any],
        request: Request,
        clock: Clock,
        *,
        known: frozenset[str],
        listed: bool,
        deadline: float,
        workers: int = _WORKERS,
    ) -> None:
        self._client = client
        self._oss = oss
        self._request = request
        self._clock = clock
        self._known = known
        self._listed = listed
        self._deadline = deadline
        self._workers = workers
        self._started = utc_now(clock.wall())
        self._rows_told = True
        self._out_of_quota = False
        self.works: list[Work] = []
        self.latest: Latest | None = None  # unless something was sent since

    def start(self, standings: Sequence[Standing], steps: Sequence[Step], chains: Mapping[str, Chain]) -> None:
        """Sends the first step of every database. chains: the open ones, by target."""
        self.works = works_of(standings, steps, chains, self._clock.monotonic())
        self._send_ready(self.works)

    def follow(self) -> MigrationFailure | None:
        """Waits for all of them, and sends what comes next. Returns the WaitTimeout, if the deadline passed."""
        patience = Patience(max(self._deadline - self._clock.monotonic(), 0.0), self._request.patience.interval)
        what = "the restoring of " + named([w.target for w in self.works if not w.done])
        told = watch(self._request.instance_id, self.works)
        try:
            wait_until(self._round, bool, patience, self._clock, waiting_for=what, watch=told)
        except WaitTimeout as timeout:
            return timeout
        return None

    def wait_until_listed(self) -> MigrationFailure | None:
        """A run that does not wait ends when the next one would see what it started."""
        sent = {w.task_id for w in self.works if w.task_id and not w.in_chain}
        if not sent or not self._listed:
            return None
        try:
            wait_until(
                lambda: {t.id for t in self._tasks() or ()},
                lambda listed: sent <= listed,
                self._request.patience.for_a_sign(self._request.settle),
                self._clock,
                waiting_for="the listing of tasks",
            )
        except WaitTimeout:
            return MigrationFailure(
                f"The service accepted {len(sent)} tasks, but its listing does not show all of them yet.",
                code="not_seen_yet",
                action=api.CREATE,
                remedy="Wait a little before you run again: a run that does not see them sends them again.",
            )
        return None

    def failure(self) -> MigrationFailure | None:
        """What became of those that failed, each with cause and remedy."""
        bad = [w for w in self.works if w.trouble is not None]
        if not bad:
            return None
        lines = [f"- {w.target}: {w.trouble.cause} {w.trouble.remedy}".rstrip() for w in bad if w.trouble]
        count = "1 database" if len(bad) == 1 else f"{len(bad)} databases"
        return MigrationFailure(
            "\n".join([f"{count} of {len(self.works)} did not come over without trouble.", *lines]),
            code=bad[0].trouble.code if len(bad) == 1 and bad[0].trouble else "databases_failed",
            remedy="Correct the causes and run the playbook again: what is done stays done.",
        )

    def _round(self) -> bool:
        """One look at everything, and the next steps. True when all are done."""
        pending = [work for work in self.works if not work.done]
        seen = self._look(pending)
        now = self._clock.monotonic()
        for work in pending:
            if work.awaiting:
                work.look_at(seen, now, self._request.settle)
        self._send_ready(pending)
        return all(work.done for work in self.works)

    def _look(self, pending: Sequence[Work]) -> Seen:
        # Each is a call for every hundred rows, one after the other: side by side that takes half the time.
        databases, listed = self._parallel(lambda read: read(), [self._databases, self._tasks])
        self.latest = Latest(databases, listed)
        tasks = {t.id: t for t in listed or ()}
        # Chains are not listed everywhere, and some editions list nothing.
        single = [w.task_id for w in pending if w.task_id and (w.in_chain or w.task_id not in tasks)]
        chains = [w.task_id for w in pending if w.task_id and w.in_chain]
        tasks.update((t.id, t) for t in self._parallel(self._task, single) if t is not None)
        rows = dict(zip(chains, self._parallel(self._rows, chains), strict=True))
        return Seen(tasks, {name.casefold(): d.state for name, d in databases.items()}, rows)

    def _databases(self) -> dict[str, rds.Database]:
        return rds.databases(self._client, self._request.instance_id)

    def _tasks(self) -> list[api.BackupTask] | None:
        """None where the service lists none."""
        if not self._listed:
            return None
        now = utc_now(self._clock.wall())
        followed = [w.standing.task.created for w in self.works if w.adopted and w.standing.task]
        since = min([self._started, *(created for created in followed if created)])
        return api.tasks(self._client, self._request.instance_id, since - _SKEW, now + _SKEW)

    def _task(self, task_id: str) -> api.BackupTask | None:
        try:
            return api.task(self._client, self._request.instance_id, task_id)
        except ServiceError as error:
            if error.inconclusive:
                raise
            return None  # not visible yet

    def _rows(self, task_id: str) -> tuple[api.BackupFileRow, ...] | None:
        if not self._rows_told:
            return None
        try:
            return tuple(api.file_rows(self._client, self._request.instance_id, task_id))
        except ServiceError as error:
            if error.inconclusive:
                raise
            self._rows_told = False
            return None

    def _send_ready(self, works: Sequence[Work]) -> None:
        ready = [work for work in works if work.ready]
        self.latest = None if ready else self.latest
        self._parallel(self._send, ready)

    def _parallel(self, function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
        if len(items) < 2 or self._workers < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(min(self._workers, len(items))) as pool:
            return list(pool.map(function, items))

    def _send(self, work: Work) -> None:
        """The next step of one database. What goes wrong stays with it."""
        step = work.steps[0]
        if self._out_of_quota and step.action == api.CREATE:
            work.fail(OUT_OF_QUOTA, DEFERRED)
            return
        try:
            self._send_step(work, step)
        except WriteRefused:
            raise
        except ServiceError as error:
            self._refused(work, error)
        except MigrationFailure as failure:
            work.fail(Trouble(failure.code or "not_sent", failure.message, failure.remedy))

    def _send_step(self, work: Work, step: Step) -> None:
        parameters = self._filled(work, step)
        try:
            answer = self._client.call(step.action, parameters)
        except AnswerLost as lost:
            task_id = self._look_for(work, step, lost)
        else:
            task_id = str(answer.get("MigrateTaskId") or "")
        work.steps.popleft()
        work.task_id = work.task_id or task_id
        work.sent, work.sent_at, work.seen_busy = step, self._clock.monotonic(), False
        if work.steps and work.steps[0].action == api.TAG:
            self._tag(work, work.steps.popleft())

    def _filled(self, work: Work, step: Step) -> dict[str, Any]:
        """The parameters with what only now is known."""
        parameters = dict(step.parameters)
        if parameters.get("MigrateTaskId") == OF_THE_FIRST_FILE:
            parameters["MigrateTaskId"] = work.task_id
        if parameters.get("OSSUrls") == SIGNED_AT_RUN_TIME:
            parameters["OSSUrls"] = self._signed_url(work.standing.backups.base)
        if step.action == api.OPEN:
            # The same for every attempt to open this chain, so that the service opens it once.
            parameters["ClientToken"] = f"open-{self._request.instance_id}-{work.task_id}"[:64]
        return parameters

    def _signed_url(self, base: Backup | None) -> str:
        """For 2008 R2, which reads it from inside of the region; encoded as a whole. It is a secret."""
        url = self._oss().signed_url(
            self._request.bucket, base.key if base else "", self._request.url_lifetime, internal=True
        )
        return quote(url, safe="")

    def _tag(self, work: Work, step: Step) -> None:
        """Without it the next run has to be told the id; the chain itself goes on."""
        base = work.standing.backups.base
        tags = dict(base.tags) if base else {}
        tags[chain_tag(self._request.instance_id, work.target)] = work.task_id
        try:
            self._oss().tag_object(self._request.bucket, step.parameters["Key"], tags)
        except (ServiceError, Unreachable, AnswerLost) as error:
            remedy = f"Give migrate_task_id: {work.task_id} to the runs that follow."
            work.trouble = Trouble(
                "chain_not_tagged", f"The chain began, but its id was not kept. {error.message}", remedy
            )

    def _refused(self, work: Work, error: ServiceError) -> None:
        if error.code in _QUOTA_CODES:
            # The limit of the instance holds for all that are left, the one of a database for itself.
            self._out_of_quota = self._out_of_quota or error.code == "ConcurrentTaskExceeded"
            work.fail(OUT_OF_QUOTA, DEFERRED)
        elif work.task_id and is_wrong_state(error) and self._clock.monotonic() < self._deadline:
            return  # the file before is still being applied: it stays the next one
        else:
            work.fail(Trouble(error.code or "refused", error.message, error.remedy))

    def _look_for(self, work: Work, step: Step, lost: AnswerLost) -> str:
        """After a lost answer: a sign that it was carried out, never a second attempt. Returns the task's id."""
        try:
            found: str | None = wait_until(
                lambda: self._sign_of(work, step),
                lambda sign: sign is not None,
                self._request.patience.for_a_sign(self._request.settle),
                self._clock,
                waiting_for="a sign of the task",
            )
        except WaitTimeout:
            raise MigrationFailure(
                f"{lost.message} For {self._request.settle:g} seconds nothing showed that it was carried out, so it "
                "probably was not. It was not sent again.",
                code=lost.code,
                action=step.action,
                request_id=lost.request_id,
                http_status=lost.http_status,
                remedy="Look at the tasks in the console, then run the playbook again. If it shows a chain that began, "
                "give its id as migrate_task_id.",
            ) from None
        work.adopted = True
        return found or work.task_id

    def _sign_of(self, work: Work, step: Step) -> str | None:
        """The id of the task, or "" where the sign has none. None: no sign."""
        if step.action == api.OPEN:
            state = {n.casefold(): d.state for n, d in rds.databases(self._client, step.target).items()}
            task = self._task(work.task_id)
            opened = state.get(work.target.casefold()) == rds.DATABASE_RUNNING
            return work.task_id if opened or (task is not None and not task.waiting and task.unfinished) else None
        if work.task_id:
            return self._sign_in_chain(work, step)
        mine = {w.task_id for w in self.works}
        for task in self._tasks() or ():
            new = task.id not in self._known and task.id not in mine
            if new and task.database.casefold() == work.target.casefold():
                return task.id
        return None

    def _sign_in_chain(self, work: Work, step: Step) -> str | None:
        key = str(step.parameters["OssObjectPositions"]).split(":", 2)[2]
        rows = self._rows(work.task_id)
        if rows is not None:
            return work.task_id if any(row.is_of(key) and not row.failed for row in rows) else None
        task = self._task(work.task_id)
        return work.task_id if task is not None and task.unfinished and not task.waiting else None
