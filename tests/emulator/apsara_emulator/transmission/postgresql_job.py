# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job between two PostgreSQL servers: pg_dump, COPY, and changes from a replication slot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..documents import Instant
from ..servers.errors import ServerError
from .apply import apply
from .change_slot import ChangeSlot
from .change_stream import Transaction
from .data_copy import Snapshot, copy_data, take_snapshot
from .ends import Pair, pairs_of
from .job_work import JobWork
from .model import DtsJob
from .object_list import parse_object_list
from .prechecks import target_tables
from .reserve import is_set
from .schema_copy import copy_schema
from .servers import RealEnds, connection, real_ends, tables_of

if TYPE_CHECKING:
    from ..world import World

_TICK = 0.05


class PostgresqlJob(JobWork):
    """The work for one job."""

    def __init__(self, world: World, job: DtsJob) -> None:
        super().__init__(world, job)
        ends = real_ends(world, job)
        if ends is None:
            raise ServerError("there are no servers for the job")
        self._ends: RealEnds = ends
        (self._pair,) = pairs_of(job)
        self._slot = ChangeSlot(ends.source, self._pair.source, f"dts_{job.id}")
        self._snapshot = world.dts_snapshots.get(job.id)
        self._conditions = _conditions(job, self._pair)
        self._names: dict[str, str] = {}

    def structure(self) -> None:
        """By pg_dump and pg_restore."""
        existing = set(tables_of(self._ends.target, self._pair.target))
        copy_schema(self._ends, self._pair, self._tables(), existing, self._owner)

    def full(self) -> None:
        """By COPY."""
        if self._wants("incremental"):
            self._prepare_stream()
        tables = self._tables()
        with self._locked() as (world, job):
            job.current = Instant(world.clock.now())
        snapshot = copy_data(
            self._ends,
            self._pair,
            tables,
            conditions=self._conditions,
            keep_existing=is_set(self._settings, "targetTableMode", "2"),
            progress=lambda done: self._progress(done, len(tables)),
        )
        self._remember(snapshot)

    def prepare_changes(self) -> None:
        """A slot, and what was committed before it."""
        if self._snapshot is None:
            self._prepare_stream()
            self._remember(take_snapshot(self._ends, self._pair))
        self._names = dict(self._tables())

    def round(self) -> bool:
        """Read some changes and apply them. Whether that was all there was."""
        transactions, drained = self._slot.read()
        if transactions:
            self._apply(transactions)
        return drained

    def _apply(self, transactions: list[Transaction]) -> None:
        with connection(self._ends.target, self._pair.target) as target:
            target.execute("set session_replication_role = replica")
            for one in transactions:
                if self._snapshot is None or not self._snapshot.has_seen(one.number):
                    apply(target, one, self._names)
            # A job that was ended meanwhile leaves no trace of what it was just doing.
            with self._locked() as (_world, job):
                if job.status == "Suspending":
                    target.rollback()
                    return
                target.commit()
        self._slot.advance(transactions[-1].end)

    def _prepare_stream(self) -> None:
        self._slot.create([old for old, _new in self._tables()], self._conditions)

    def _tables(self) -> list[tuple[str, str]]:
        """The selected tables of the source with their new names."""
        from ..model import Database

        return target_tables(self._pair, Database(tables=tables_of(self._ends.source, self._pair.source)))

    def _remember(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        with self._locked() as (world, _job):
            world.dts_snapshots[self._id] = snapshot

    def answers(self) -> bool:
        """Whether both servers take connections."""
        return self._ends.source.answers() and self._ends.target.answers()

    def forget(self) -> None:
        """Nothing of the job stays on the source: a slot that nobody reads would keep its log for ever."""
        world = self._world_reference()
        if world is not None:
            world.dts_snapshots.pop(self._id, None)
        for _attempt in range(20):
            try:
                self._slot.drop()
            except ServerError:
                if not self._ends.source.is_running:
                    return
                time.sleep(_TICK)
            else:
                return


def _conditions(job: DtsJob, pair: Pair) -> dict[str, str]:
    """WHERE conditions by table of the source."""
    by_name = {}
    for entry in parse_object_list(job.db_list, strict=False):
        for table in entry.tables:
            if table.condition:
                by_name[table.name] = table.condition
    return {old: by_name[name] for old, _new in pair.tables or () for name in _names(old) if name in by_name}


def _names(table: str) -> tuple[str, str]:
    return table, table.partition(".")[2]
