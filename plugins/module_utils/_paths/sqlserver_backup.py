# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The backup of SQL Server databases to files of their server: step 1 of a migration by backups.

msdb keeps a history of backups, and that is what proves one: a finished backup of the wanted kind, in the folder, under
a name of the form that RDS demands, young enough, and whose file is still there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._databases import sqlserver_queries as queries
from .._databases import sqlserver_source as source
from .._databases.sqlserver_backup_statements import DIFFERENTIAL, FULL, LOG, verify_statement
from .._databases.sqlserver_connection import Session, SqlServerError, missing_driver
from .._databases.sqlserver_source import Backup, Database
from .._failure import MigrationFailure, WaitTimeout
from .._plan import FAIL, Check, Plan, Step
from .._waiting import Clock, wait_until
from .sqlserver_backup_checks import all_checks
from .sqlserver_backup_plan import (
    MISSING,
    Expected,
    Observed,
    backup_of,
    candidates,
    is_of,
    plan,
    possible,
    running_on,
    state_of,
)
from .sqlserver_backup_request import Request, read_request
from .sqlserver_backup_result import Outcome, backup_result

if TYPE_CHECKING:
    from .sqlserver_backup_run import BackupRun


class SqlServerBackup:
    """The path as the door runs it: observe, check, plan, apply, wait."""

    name = "mssql_backup"

    def __init__(self, session: Session, request: Request, clock: Clock) -> None:
        self._session = session
        self._request = request
        self._clock = clock
        # One deadline for everything the task waits for.
        self._deadline = clock.monotonic() + request.patience.timeout
        self._run: BackupRun | None = None
        self._waited_for_others = False

    def observe(self) -> Observed:
        """Reads everything that checks and plan may ask for, and waits for backups that run, if it may."""
        seen = self._look()
        if self._busy(seen) and self._request.wait and not self._session.read_only:
            closely = self._more_closely(self._with_files(seen))
            if any(item.status == FAIL for item in all_checks(self._request, closely)):
                return closely
            self._waited_for_others = True
            from .sqlserver_backup_sights import watch_others

            seen = wait_until(
                self._look,
                lambda now: not self._busy(now),
                self._request.patience,
                self._clock,
                waiting_for=f"the backups that run on {self._request.endpoint.name}",
                watch=watch_others(self._request),
            )
        return self._more_closely(self._verified(self._with_files(seen)))

    def check(self, observed: Observed) -> list[Check]:
        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        if self._run is None:
            from .sqlserver_backup_run import BackupRun

            self._run = BackupRun(self._session, self._request, self._clock, self._deadline)
        self._run.carry_out(step)

    def apply_all(self, steps: Sequence[Step]) -> None:
        """One after the other, in the order of the plan; a database that fails does not stop the others."""
        for step in steps:
            self.apply(step)

    def wait(self, observed: Observed) -> Observed:
        """Backups end with the statements that make them; what is left is to look at what there is now."""
        try:
            seen = self._look()
        except MigrationFailure:
            # The server went away. What the run saw of each database tells more than that.
            if self.failure is None:
                raise
            seen = observed
        outcomes = self._run.outcomes.values() if self._run else ()
        made = tuple(o.backup for o in outcomes if o.backup is not None and o.failure is None)
        known = {backup.path for backup in made}
        return observed._replace(
            server=seen.server,
            history=(*(b for b in seen.history if b.path not in known), *made),
            running=seen.running,
            made=frozenset(known),
            rejected=observed.rejected
            | frozenset(o.backup.path for o in outcomes if o.backup is not None and o.failure is not None),
        )

    @property
    def failure(self) -> MigrationFailure | None:
        """What went wrong with single databases, all of it, once everything else is done."""
        if self._run is None:
            return None
        failed = {name: o.failure for name, o in self._run.outcomes.items() if o.failure is not None}
        stopped = self._run.stopped_by
        if not failed:
            return stopped
        lines = [f"- {name}: {f.message} {f.remedy}".rstrip() for name, f in sorted(failed.items())]
        first = stopped or next(iter(failed.values()))
        done = sum(o.failure is None for o in self._run.outcomes.values())
        rest = " The others were not begun." if stopped is not None else ""
        return MigrationFailure(
            "\n".join([f"{len(failed)} databases were not backed up, {done} were.{rest}", *lines]),
            code=first.code if len(failed) == 1 or stopped else "backups_failed",
            action=first.action,
            remedy="Run the playbook again when the causes are gone: finished backups are not made again.",
        )

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        server = observed.server
        return {
            "server": {
                "name": server.name,
                "version": server.version,
                "edition": server.edition,
                "collation": server.collation,
                "platform": "Windows" if server.style.windows else "Linux",
            },
            "folder": server.style.tidy(self._request.folder),
            "adopted": self._waited_for_others
            or any(o.adopted for o in (self._run.outcomes if self._run else {}).values()),
            "backups": [
                backup_result(self._request, observed, database, self._outcome(database), rehearsed is not None)
                for database in possible(self._request, observed)
            ],
        }

    def _outcome(self, database: Database) -> Outcome:
        if self._run is None:
            return Outcome()
        return self._run.outcomes.get(database.name, Outcome(begun=self._run.stopped_by is None))

    def _look(self) -> Observed:
        """What tells which backups there are: the databases, msdb, and the requests that run."""
        server, request = source.server(self._session), self._request
        # Before msdb: a backup that ends in between is seen in both rather than in neither.
        running = source.running_backups(self._session)
        ask_history = server.sees_history and request.max_age > 0
        return Observed(
            server=server,
            databases=source.databases(self._session),
            history=tuple(source.history(self._session, newer_than=int(request.max_age) + 1)) if ask_history else (),
            running=None if running is None else tuple(running),
        )

    def _busy(self, seen: Observed) -> bool:
        return any(running_on(seen, d) for d in possible(self._request, seen) if not backup_of(self._request, seen, d))

    def _with_files(self, seen: Observed) -> Observed:
        """A backup whose file was deleted or moved is none. One that cannot be asked about counts as there."""
        gone = {
            backup.path
            for database in possible(self._request, seen)
            for backup in candidates(self._request, seen, database)
            if (state := source.file_state(self._session, seen.server, backup.path)) is not None and not state.file
        }
        return seen._replace(gone=frozenset(gone))

    def _verified(self, seen: Observed) -> Observed:
        """Nothing records that a verification failed, so backups that are found are verified as new ones are."""
        if not self._request.verify or self._session.read_only:
            return seen
        rejected: set[str] = set()
        reader = self._session.another()
        for database in possible(self._request, seen):
            while backup := backup_of(self._request, seen._replace(rejected=frozenset(rejected)), database):
                left = max(self._deadline - self._clock.monotonic(), 0.0)
                try:
                    over = reader.execute_within(verify_statement(backup.path, checksum=backup.checksums), left)
                except SqlServerError:
                    rejected.add(backup.path)
                    continue
                if not over:
                    raise WaitTimeout(
                        f"After {self._request.patience.timeout:g} seconds {backup.path} is not read back yet.",
                        code="wait_timeout",
                        action="RESTORE VERIFYONLY",
                        remedy="Raise wait_timeout, or set verify: false. Nothing was written.",
                    )
                break
        reader.close()
        return seen._replace(rejected=frozenset(rejected))

    def _more_closely(self, seen: Observed) -> Observed:
        """Adds what only the checks of a backup that is still to be made need."""
        session, request, server = self._session, self._request, seen.server
        to_do = [d for d in possible(request, seen) if state_of(request, seen, d) == MISSING]
        if not to_do:
            return seen
        folder, style = server.style.tidy(request.folder), server.style
        there = source.file_state(session, server, folder) if style.is_absolute(folder) else None
        look_at_root = there is not None and not there.folder
        online = [d for d in to_do if d.state == "ONLINE"]
        build_on = request.wish.kind == DIFFERENTIAL and server.sees_history
        return seen._replace(
            folder=there,
            root=source.file_state(session, server, style.root(folder)) if look_at_root else None,
            free=source.free_bytes(session, server, folder),
            expected=self._expected(online),
            bases={d.name: self._base(d) for d in online} if build_on else {},
            secondaries=source.secondaries(session, server),
            writers=source.numbers(session, queries.WRITERS),
            sessions=source.numbers(session, queries.SESSIONS) if server.major >= source.SQL_2012 else {},
        )

    def _base(self, database: Database) -> Backup | None:
        """One of a database that had the name before is none."""
        found = source.newest_base(self._session, database.name)
        return found if found is not None and is_of(found, database) else None

    def _expected(self, databases: list[Database]) -> dict[str, Expected]:
        """Sizes before compression. A differential backup is at most as large as a full one."""
        if self._request.wish.kind == LOG:
            logs = source.numbers(self._session, queries.LOG_SIZES) or {}
            return {d.name: Expected(logs.get(d.name), exact=True) for d in databases}
        sizes = {}
        for database in databases:
            used = source.used_bytes(self._session, database.name)
            exact = used is not None and self._request.wish.kind == FULL
            sizes[database.name] = Expected(database.allocated if used is None else used, exact)
        return sizes


def new_backup(options: Mapping[str, Any], rehearsal: bool) -> SqlServerBackup:
    """The path for a task's options. Raises MigrationFailure where they or the driver are no good."""
    request, missing = read_request(options), missing_driver()
    if missing:
        raise MigrationFailure(
            f"The Python library {missing} is missing where the module runs.",
            code="missing_library",
            remedy="Install it with: pip install 'pymssql>=2.2.11'.",
        )
    return SqlServerBackup(Session(request.endpoint, read_only=rehearsal), request, Clock())
