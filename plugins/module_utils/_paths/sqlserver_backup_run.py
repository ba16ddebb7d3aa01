# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carrying out backups: each statement once, its outcome read from msdb, whatever the connection says about it.

Imported when there is something to back up.
"""

from __future__ import annotations

from .._databases import sqlserver_source as source
from .._databases.sqlserver_connection import CannotConnect, ConnectionBroken, Session, SqlServerError
from .._databases.sqlserver_source import Backup
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Step
from .._waiting import Clock, Patience, wait_until
from .sqlserver_backup_plan import BACKUPS, CREATE_FOLDER, VERIFY
from .sqlserver_backup_request import Request
from .sqlserver_backup_result import Outcome
from .sqlserver_backup_sights import telling, watch_one


class BackupRun:
    """The steps of one plan. session reads; statements that write get sessions of their own. deadline: monotonic.

    outcomes: by database. stopped_by: why the rest of the plan is not carried out, if so.
    """

    def __init__(self, session: Session, request: Request, clock: Clock, deadline: float) -> None:
        self._session = session
        self._request = request
        self._clock = clock
        self._deadline = deadline
        self._writer = session.another()
        self.outcomes: dict[str, Outcome] = {}
        self.stopped_by: MigrationFailure | None = None

    def carry_out(self, step: Step) -> None:
        """Never raises for a database: its failure is kept, and the next one has its turn."""
        if self.stopped_by is not None:
            return
        if step.action == CREATE_FOLDER:
            self._make_folder(step)
            return
        database = step.subject[0]
        before = self.outcomes.get(database, Outcome())
        if before.failure is not None:
            return
        try:
            if step.action in BACKUPS:
                self.outcomes[database] = self._back_up(step, database)
            else:
                self._within_deadline(step)
        except MigrationFailure as failure:
            if step.action == VERIFY and isinstance(failure, SqlServerError):
                failure.remedy = "Look at the disk the file is on. The next run with verify: true makes a new backup."
            self.outcomes[database] = before._replace(failure=failure)
            if not self._request.go_on or isinstance(failure, (WaitTimeout, CannotConnect)):
                self.stopped_by = failure

    def _make_folder(self, step: Step) -> None:
        try:
            self._within_deadline(step)
        except MigrationFailure as failure:
            failure.remedy = (
                "Make the folder on the server by hand, writable for the account of the SQL Server service."
            )
            self.stopped_by = failure
            raise

    def _back_up(self, step: Step, database: str) -> Outcome:
        path = str(step.parameters["path"])
        try:
            self._within_deadline(step)
        except ConnectionBroken as lost:
            return Outcome(backup=self._adopted(lost, database, path), adopted=True)
        return Outcome(backup=self._proven(self._in_history(database, path), path))

    def _within_deadline(self, step: Step) -> None:
        left = self._deadline - self._clock.monotonic()
        if left <= 0:
            raise self._too_late(step, "was not begun")
        with telling(self._request, step, left, self._clock):
            if not self._writer.execute_within(str(step.parameters["statement"]), left):
                raise self._too_late(step, "is still not over")

    def _too_late(self, step: Step, how: str) -> WaitTimeout:
        return WaitTimeout(
            f"After {self._request.patience.timeout:g} seconds {step.action} of {step.subject[0]} {how}.",
            code="wait_timeout",
            action=step.action,
            remedy="Raise wait_timeout. The server ends a statement whose connection is closed, and leaves an "
            "incomplete file behind. Run the playbook again: backups that are finished are not made again.",
        )

    def _in_history(self, database: str, path: str) -> Backup | None:
        return source.newest(b for b in source.history_of_file(self._session, path) if b.database == database)

    def _proven(self, found: Backup | None, path: str) -> Backup:
        if found is None:
            raise MigrationFailure(
                f"The server accepted the backup, but msdb has no finished backup in {path}.",
                code="backup_unproven",
                remedy="See the server's error log. Delete the file and run the playbook again.",
            )
        if found.damaged or not found.alone:
            why = "is marked as damaged" if found.damaged else "shares its file with another"
            raise MigrationFailure(
                f"The backup in {path} {why}.",
                code="backup_unusable",
                remedy="Check the database with DBCC CHECKDB." if found.damaged else "Run the playbook again.",
            )
        return found

    def _adopted(self, lost: ConnectionBroken, database: str, path: str) -> Backup:
        """After a broken connection: what msdb and the running requests tell. Nothing is sent again."""
        # A session that broke may take its sisters along.
        self._session.close()
        settle = self._request.patience.for_a_sign(self._request.settle)
        try:
            found, running = wait_until(
                lambda: self._look(database, path),
                lambda seen: seen[0] is not None or seen[1],
                settle,
                self._clock,
                waiting_for="a sign of the backup",
            )
            if running and found is None:
                self._until_it_ends(database, path)
                found, running = wait_until(
                    lambda: self._look(database, path),
                    lambda seen: seen[0] is not None,
                    settle,
                    self._clock,
                    waiting_for="the end of the backup in msdb",
                )
        except WaitTimeout as late:
            if late.action:
                raise
            raise ConnectionBroken(
                f"{lost.message} For {self._request.settle:g} seconds neither msdb nor a running request showed a "
                "finished backup, so the server ended it with the connection. It was not sent again.",
                code="answer_lost",
                action=lost.action,
                remedy=f"Delete {path} if it is there, and run the playbook again: it looks at msdb first.",
            ) from None
        return self._proven(found, path)

    def _until_it_ends(self, database: str, path: str) -> None:
        left = Patience(max(self._deadline - self._clock.monotonic(), 0.0), self._request.patience.interval)
        try:
            wait_until(
                lambda: self._look(database, path),
                lambda seen: seen[0] is not None or not seen[1],
                left,
                self._clock,
                waiting_for=f"the backup of {database}",
                watch=watch_one(self._request, database, "BACKUP"),
            )
        except WaitTimeout as late:
            late.action = "BACKUP"
            raise

    def _look(self, database: str, path: str) -> tuple[Backup | None, bool]:
        """(the finished backup, whether one runs)."""
        # Before msdb: a backup that ends in between is seen in both rather than in neither.
        running = source.running_backups(self._session) or []
        found = self._in_history(database, path)
        return found, any(r.database in (database, None) for r in running)
