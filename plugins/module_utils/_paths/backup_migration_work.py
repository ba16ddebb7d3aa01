# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""One database on its way through a migration from backups: what was sent, what is awaited, how it ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._alibaba.backup_task_texts import NAME_TAKEN, Trouble, trouble_of_failure, trouble_of_success
from .._plan import Step
from .backup_migration_plan import DEFERRED, IN_FLIGHT, LOST, ONLINE, STAGED, Standing
from .backup_migration_seen import Chain


@dataclass
class Seen:
    """What one look brought. tasks by id; databases: state by name in lower case; rows by task id, None: not told."""

    tasks: dict[str, api.BackupTask]
    databases: dict[str, str]
    rows: dict[str, tuple[api.BackupFileRow, ...] | None]

    def other_task(self, database: str, task_id: str) -> str | None:
        """The id of another task that restores, or restored, the database."""
        same = (t for t in self.tasks.values() if t.database.casefold() == database.casefold())
        return next((task.id for task in same if task.id != task_id and not task.ended_badly), None)


@dataclass
class Work:
    """steps: still to be sent. in_chain: files follow one another here.

    sent: the step whose end is awaited; following: what somebody else sent is awaited. failed_before, failed_rows: the
    chain, and by key the rows of files, that had failed before anything was sent. seen_busy: the task was seen to work
    since. ended_at: when it was first seen to have ended. Times on the monotonic clock. done: nothing more is to be
    expected. trouble: what went wrong, if anything.
    """

    standing: Standing
    steps: deque[Step] = field(default_factory=deque)
    in_chain: bool = False
    task_id: str = ""
    sent: Step | None = None
    sent_at: float = 0.0
    following: bool = False
    failed_before: bool = False
    failed_rows: dict[str, int] = field(default_factory=dict)
    seen_busy: bool = False
    ended_at: float | None = None
    done: bool = False
    state: str = IN_FLIGHT
    trouble: Trouble | None = None
    adopted: bool = False

    @property
    def target(self) -> str:
        return self.standing.target

    @property
    def awaiting(self) -> bool:
        return not self.done and (self.following or self.sent is not None)

    @property
    def ready(self) -> bool:
        return not self.done and not self.awaiting and bool(self.steps)

    @property
    def key(self) -> str:
        """Of the object that the sent step is about."""
        positions = str(self.sent.parameters.get("OssObjectPositions") or "") if self.sent else ""
        return positions.split(":", 2)[2] if positions.count(":") >= 2 else ""

    def fail(self, trouble: Trouble, state: str = LOST) -> None:
        self.done, self.state, self.trouble = True, state, trouble

    def look_at(self, seen: Seen, now: float, settle: float) -> None:
        """Takes in what was seen; afterwards the work is done, ready for its next step, or still awaiting."""
        task = seen.tasks.get(self.task_id)
        if task is not None and task.unfinished and not task.waiting:
            self.seen_busy = True
        old_failure = self.failed_before and not self.seen_busy and now - self.sent_at <= settle
        if task is not None and task.ended_badly and not old_failure:
            self.fail(self._trouble_of(task, seen))
        elif self.sent is not None and self.sent.action == api.OPEN:
            self._look_at_opening(seen, task)
        elif self.in_chain:
            self._look_at_chain(seen, task, now, settle)
        else:
            self._look_at_restore(seen, task, now, settle)

    def _trouble_of(self, task: api.BackupTask, seen: Seen) -> Trouble:
        """The service may take two tasks for a database, and lets the slower one find its name taken."""
        trouble = trouble_of_failure(task.description)
        other = seen.other_task(self.target, task.id) if trouble.code == NAME_TAKEN else None
        return Trouble("another_task", _ANOTHER.format(other), _LEAVE_IT) if other else trouble

    def _look_at_restore(self, seen: Seen, task: api.BackupTask | None, now: float, settle: float) -> None:
        if task is None or task.unfinished:
            return
        trouble = trouble_of_success(task.description)
        state = seen.databases.get(self.target.casefold())
        if state == rds.DATABASE_RUNNING:
            self.done, self.state, self.trouble = True, ONLINE, trouble
            return
        # The listing of databases may lag behind the task, but not for ever.
        self.ended_at = now if self.ended_at is None else self.ended_at
        if now - self.ended_at > settle:
            if state:
                without = Trouble("database_not_running", _SUCCEEDED_BUT.format(state), _LOOK)
            else:
                without = Trouble("database_missing", _SUCCEEDED_WITHOUT, _LOOK)
            self.fail(trouble or without)

    def _look_at_chain(self, seen: Seen, task: api.BackupTask | None, now: float, settle: float) -> None:
        if task is None:
            return
        resting = task.waiting or task.ended_well
        rows = seen.rows.get(self.task_id)
        if self.sent is None:  # nothing of ours is on the way: somebody else's file is
            if resting and not any(not (row.applied or row.failed or row.removed) for row in rows or ()):
                self._arrived()
            return
        own = [row for row in rows or () if row.is_of(self.key)]
        failed = [row for row in own if row.failed]
        if any(row.applied for row in own) and resting:
            self._arrived()
        elif len(failed) > self.failed_rows.get(self.key, 0):
            self.fail(trouble_of_failure(failed[0].description or task.description), STAGED)
        elif (
            (rows is None or any(row.removed for row in own))
            and resting
            and (self.seen_busy or now - self.sent_at > settle)
        ):
            # Files are not told here: the chain left Waiting and is back, or had the time to.
            self._arrived()
        elif rows is not None and len(own) == len(failed) and resting and now - self.sent_at > settle:
            self.fail(Trouble("file_not_taken", _NOT_TAKEN, _LOOK), STAGED)

    def _look_at_opening(self, seen: Seen, task: api.BackupTask | None) -> None:
        if seen.databases.get(self.target.casefold()) != rds.DATABASE_RUNNING:
            return
        self.done, self.state = True, ONLINE
        self.trouble = trouble_of_success(task.description) if task is not None else None

    def _arrived(self) -> None:
        """The file is in the database."""
        self.sent = None
        self.following, self.seen_busy = False, False
        if not self.steps:
            self.done, self.state = True, STAGED


_ANOTHER = "Task {}, which another run or somebody else began at the same time, restores or restored this database."
_LEAVE_IT = "Drop nothing. Run again when that task has ended: what is there is left alone."
_SUCCEEDED_WITHOUT = "The task succeeded, but its database does not show on the instance."
_SUCCEEDED_BUT = "The task succeeded, but its database is {}."
_NOT_TAKEN = "The service accepted the file, but the chain shows no sign of it."
_LOOK = "Look at the task in the console (Backup Data Upload History), then run again."
OUT_OF_QUOTA = Trouble(
    "over_quota",
    "The daily quota of tasks is used up.",
    "Run the playbook again tomorrow: it goes on where it stopped.",
)


def works_of(
    standings: Sequence[Standing], steps: Sequence[Step], chains: Mapping[str, Chain], now: float
) -> list[Work]:
    """One for every database with something to send or to wait for. chains: the open ones, by target."""
    works = []
    by_subject: dict[tuple[str, ...], list[Step]] = {}
    for step in steps:
        by_subject.setdefault(step.subject, []).append(step)
    for standing in standings:
        own = deque(by_subject.get((standing.target,), ()))
        going = standing.state == IN_FLIGHT
        if not own and not going:
            continue
        work = Work(standing, own, sent_at=now, following=going, adopted=going)
        work.in_chain = any(step.parameters.get("BackupMode") == api.CHAIN for step in own)
        if standing.task and standing.state in (IN_FLIGHT, STAGED):
            work.task_id = standing.task.id
        if standing.target in chains:
            _take_up(work, chains[standing.target])
        works.append(work)
    return works


def _take_up(work: Work, chain: Chain) -> None:
    work.in_chain, work.failed_before = True, chain.task.ended_badly
    for row in chain.rows or ():
        for backup in work.standing.backups.later:
            if row.failed and row.is_of(backup.key):
                work.failed_rows[backup.key] = work.failed_rows.get(backup.key, 0) + 1


__all__ = ["DEFERRED", "OUT_OF_QUOTA", "Seen", "Work", "works_of"]
