# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job between two MariaDB servers: mariadb-dump, and changes from the source's binary log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..documents import Instant
from ..model import Database
from ..mysql.contents import tables_of
from ..mysql.sql import Session, quoted
from ..servers.errors import ServerError
from .ends import pairs_of
from .job_work import JobWork
from .model import DtsJob
from .mysql_copy import SchemaOptions, Selection, copy_data, copy_schema, copy_triggers
from .mysql_events import LoggedTransaction, Place, Statement, binlog, described_as_plain, row_statements
from .mysql_log import Reading, current_place, read_changes
from .mysql_servers import MysqlEnds, mysql_ends
from .mysql_statements import carried_over
from .object_list import parse_object_list
from .prechecks import target_tables
from .progress import note
from .reserve import is_set

if TYPE_CHECKING:
    from ..world import World


class MysqlJob(JobWork):
    """The work for one job."""

    def __init__(self, world: World, job: DtsJob) -> None:
        super().__init__(world, job)
        ends = mysql_ends(world, job)
        if ends is None:
            raise ServerError("there are no servers for the job")
        self._ends: MysqlEnds = ends
        self._pairs = pairs_of(job)
        self._tables = {(one.source, old): (one.target, new) for one in self._pairs for old, new in one.tables or ()}
        self._whole = {one.source: one.target for one in self._pairs if one.tables is None}
        self._conditions = _conditions(job)
        self._place = world.dts_places.get(job.id)
        self._options = SchemaOptions(
            owner=job.target.user_name,
            scratch=f"dts_scratch_{job.id}",
            keep_definer=is_set(self._settings, "definer", "true"),
            events=is_set(self._settings, "eventMove", "true"),
        )

    def structure(self) -> None:
        """By mariadb-dump; triggers too, if no data come after them."""
        for one in self._selections():
            copy_schema(self._ends, one, self._options)
        if not self._wants("full"):
            self._copy_triggers()

    def full(self) -> None:
        """By mariadb-dump, all as of one moment."""
        changes = self._wants("incremental")
        if changes and self._conditions:
            raise ServerError("conditions on the rows of changes are not done by the emulator for MySQL")
        selections = self._selections()
        tables = sum(len(one.tables) for one in selections)
        with self._locked() as (world, job):
            job.current = Instant(world.clock.now())
        place = copy_data(
            self._ends,
            selections,
            with_place=changes,
            keep_existing=is_set(self._settings, "targetTableMode", "2"),
            progress=lambda done: self._progress(done, tables),
        )
        if place is not None:
            with self._locked() as (world, _job):
                self._remember(world, place)
        if self._wants("structure"):
            self._copy_triggers()

    def prepare_changes(self) -> None:
        """Where the data were copied, else where the source's log ends now."""
        if self._conditions:
            raise ServerError("conditions on the rows of changes are not done by the emulator for MySQL")
        if self._place is None:
            place = current_place(self._ends.source)
            with self._locked() as (world, _job):
                self._remember(world, place)

    def round(self) -> bool:
        """Read some changes and apply them. Whether that was all there was."""
        assert self._place is not None
        reading = read_changes(self._ends.source, self._place, self._id)
        if reading.transactions:
            self._apply(reading)
        elif reading.drained:
            self._place = reading.place
        return reading.drained

    def answers(self) -> bool:
        """Whether both servers take connections."""
        try:
            for server in (self._ends.source, self._ends.target):
                with server.admin(connect_timeout=2, read_timeout=2) as admin:
                    admin.run("select 1")
        except ServerError:
            return False
        return True

    def forget(self) -> None:
        """Nothing of such a job is on its source; what it has made on its target stays."""
        world = self._world_reference()
        if world is not None:
            world.dts_places.pop(self._id, None)

    def _apply(self, reading: Reading) -> None:
        """As few transactions as possible: a statement that defines something ends the one before it."""
        with self._ends.target.admin() as target:
            if reading.format is not None:
                target.run(binlog([described_as_plain(reading.format)]))
            target.run("begin")
            for number, one in enumerate(reading.transactions):
                defines = any(isinstance(part, Statement) for part in one.parts)
                if defines and number and not self._commit(target, reading.transactions[number - 1].end):
                    return
                self._carry_out(target, one)
                if defines and not self._commit(target, one.end):
                    return
            self._commit(target, reading.transactions[-1].end)

    def _carry_out(self, target: Session, transaction: LoggedTransaction) -> None:
        for one in row_statements(transaction.parts, self._names):
            if isinstance(one, Statement):
                self._define(target, one)
            else:
                target.run(one)

    def _define(self, target: Session, statement: Statement) -> None:
        left_out = is_set(self._settings, "filterDDL", "true")
        told = None if left_out else carried_over(statement, self._pairs, self._names)
        if told is not None:
            target.run(f"use {quoted(told.database)}")
            target.run(told.text)
        elif statement.database in {one.source for one in self._pairs}:
            with self._locked() as (world, job):
                note(job, world.clock.now(), f"not carried over: {statement.text[:200]}")

    def _commit(self, target: Session, place: Place) -> bool:
        """A job that was ended meanwhile leaves no trace of what it was just doing. Whether to go on."""
        with self._locked() as (world, job):
            if job.status == "Suspending":
                target.run("rollback")
                return False
            target.run("commit")
            self._remember(world, place)
        target.run("begin")
        return True

    def _remember(self, world: World, place: Place) -> None:
        self._place = place
        world.dts_places[self._id] = place

    def _names(self, database: str, table: str) -> tuple[str, str] | None:
        if database in self._whole:
            return self._whole[database], table
        return self._tables.get((database, table))

    def _selections(self) -> list[Selection]:
        """The selected tables of the source with their new names."""
        result = []
        for pair in self._pairs:
            tables = target_tables(pair, Database(tables=tables_of(self._ends.source, pair.source)))
            names = {old for old, _new in tables}
            conditions = {old: text for (place, old), text in self._conditions.items() if place == pair.source}
            result.append(Selection(pair, tables, {old: text for old, text in conditions.items() if old in names}))
        return result

    def _copy_triggers(self) -> None:
        for one in self._selections():
            copy_triggers(self._ends, one, self._options)


def _conditions(job: DtsJob) -> dict[tuple[str, str], str]:
    """WHERE conditions by database and table of the source."""
    entries = parse_object_list(job.db_list, strict=False)
    return {(entry.name, table.name): table.condition for entry in entries for table in entry.tables if table.condition}
