# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A job between two real servers: pg_dump, COPY, and changes from a replication slot.

It runs in a thread of its own, takes the time that it takes, and holds the world's lock only to write down what has
become of it. What the service's calls do to the job (suspend, stop, delete) it sees in the world.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

from ..documents import Instant
from ..postgresql.home import ServerError
from .apply import apply
from .change_slot import ChangeSlot
from .change_stream import Transaction
from .data_copy import Snapshot, copy_data, take_snapshot
from .ends import Pair, pairs_of
from .model import PHASES, DtsJob, DtsPhase
from .object_list import parse_object_list
from .prechecks import target_tables
from .progress import fail, note
from .reserve import is_set, parse_reserve
from .schema_copy import copy_schema
from .servers import RealEnds, connection, real_ends, tables_of

if TYPE_CHECKING:
    from ..world import World

_TICK = 0.05


class _GoneError(Exception):
    """The job was ended or deleted, or the world was reset."""


def begin(world: World, job: DtsJob) -> None:
    """Do the job from its present stage on."""
    work = RealJob(world, job)
    threading.Thread(target=work.run, name=f"dts {job.id}", daemon=True).start()


def clean_up(world: World, job: DtsJob) -> None:
    """Leave nothing of a job that has failed on its source."""
    work = RealJob(world, job)
    threading.Thread(target=work.forget, name=f"end of dts {job.id}", daemon=True).start()


class RealJob:
    """The work for one job."""

    def __init__(self, world: World, job: DtsJob) -> None:
        ends = real_ends(world, job)
        if ends is None:
            raise ServerError("there are no servers for the job")
        # A world that nobody holds any more takes its work along.
        self._world_reference = weakref.ref(world)
        self._generation = world.postgresql.generation
        self._ends: RealEnds = ends
        self._id = job.id
        (self._pair,) = pairs_of(job)
        self._settings = parse_reserve(job.reserve, mode_required=False, texts_only=False)
        self._slot = ChangeSlot(ends.source, self._pair.source, f"dts_{job.id}")
        self._trying_since = 0.0
        self._owner = job.target.user_name
        self._snapshot = world.dts_snapshots.get(job.id)
        self._conditions = _conditions(job, self._pair)

    def run(self) -> None:
        """All stages that are left."""
        try:
            with self._locked() as (_world, job):
                stages = [one for one in job.wanted if PHASES.index(one) >= PHASES.index(job.stage)]
                columns = _column_choice(job)
            if columns:
                raise ServerError("a choice of columns, or new names for them, is not done by the emulator")
            for stage in stages:
                self._enter(stage)
                {"structure": self._structure, "full": self._full, "incremental": self._incremental}[stage]()
            self._end()
        except _GoneError:
            self.forget()
        except ServerError as error:
            self._fail(str(error))
        except Exception as error:  # whatever it is, whoever watches the job has to see it
            self._fail(f"{type(error).__name__}: {error}")

    def _structure(self) -> None:
        existing = set(tables_of(self._ends.target, self._pair.target))
        copy_schema(self._ends, self._pair, self._tables(), existing, self._owner)

    def _full(self) -> None:
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

    def _incremental(self) -> None:
        if self._snapshot is None:
            self._prepare_stream()
            self._remember(take_snapshot(self._ends, self._pair))
        names = dict(self._tables())
        while True:
            self._wait_while_suspended()
            try:
                drained = self._round(names)
            except ServerError as error:
                self._retry(str(error))
                continue
            self._trying_since = 0.0
            if drained:
                time.sleep(_TICK)

    def _round(self, names: dict[str, str]) -> bool:
        """Read some changes and apply them. Whether that was all there was."""
        with self._locked() as (world, _job):
            begun = world.clock.now()
        transactions, drained = self._slot.read()
        if transactions:
            self._apply(transactions, names)
        if drained:
            self._caught_up(begun)
        return drained

    def _apply(self, transactions: list[Transaction], names: dict[str, str]) -> None:
        with connection(self._ends.target, self._pair.target) as target:
            target.execute("set session_replication_role = replica")
            for one in transactions:
                if self._snapshot is None or not self._snapshot.has_seen(one.number):
                    apply(target, one, names)
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

    def _wants(self, stage: str) -> bool:
        with self._locked() as (_world, job):
            return stage in job.wanted

    def _enter(self, stage: str) -> None:
        with self._locked() as (world, job):
            job.stage = stage
            if job.phases.get(stage, DtsPhase()).status not in ("Migrating", "Suspending"):
                job.phases[stage] = DtsPhase("Migrating", Instant(world.clock.now()))
                note(job, world.clock.now(), f"{stage} begins")
            if stage == "incremental" and job.current is None:
                job.current = Instant(world.clock.now())
        self._hold(stage)

    def _hold(self, stage: str) -> None:
        """Stay while the world has it that this stage does not go on; fail if it has that."""
        while True:
            self._wait_while_suspended()
            with self._locked() as (_world, job):
                results = {one.result: one for one in job.forced if one.stage == stage}
                if "fails" in results:
                    job.forced.remove(results["fails"])
                    raise ServerError(results["fails"].failure)
                if not {"stalls", "stays_behind"} & set(results):
                    break
            time.sleep(_TICK)
        with self._locked() as (world, job):
            now = Instant(world.clock.now())
            for one in job.wanted[: job.wanted.index(stage)]:
                if job.phases[one].status != "Finished":
                    job.phases[one].status, job.phases[one].ended = "Finished", now

    def _progress(self, done: int, tables: int) -> None:
        self._wait_while_suspended()
        with self._locked() as (_world, job):
            job.phase("full").percent = 100 * done // max(1, tables)

    def _remember(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        with self._locked() as (world, _job):
            world.dts_snapshots[self._id] = snapshot

    def _caught_up(self, moment: float) -> None:
        with self._locked() as (world, job):
            job.current = Instant(moment)
            if job.status == "Retrying":
                job.status = "Migrating"
                note(job, world.clock.now(), "connected again")
            if job.status == "Migrating" and job.phase("incremental").status != "Catched":
                job.phase("incremental").status = "Catched"
                note(job, world.clock.now(), "caught up")

    def _retry(self, problem: str) -> None:
        """What goes wrong is tried again for as long as the settings say for connections, or for anything else."""
        connected = self._ends.source.answers() and self._ends.target.answers()
        limit = float(self._settings.get(*(("retry.blind.seconds", 600) if connected else ("maxRetryTime", 43200))))
        with self._locked() as (world, job):
            if job.status == "Migrating":
                job.status = "Retrying"
                job.phase("incremental").status = "Migrating"
                note(job, world.clock.now(), f"retrying: {problem}")
            self._trying_since = self._trying_since or world.clock.now()
            if world.clock.now() - self._trying_since > world.lasting(limit):
                raise ServerError(problem)
        time.sleep(4 * _TICK)

    def _wait_while_suspended(self) -> None:
        while True:
            with self._locked() as (_world, job):
                if job.status != "Suspending":
                    return
            time.sleep(_TICK)

    def _end(self) -> None:
        with self._locked() as (world, job):
            now = Instant(world.clock.now())
            for phase in job.phases.values():
                phase.status, phase.ended = "Finished", now
            job.status, job.stage, job.ended = "Finished", "", now
            note(job, now, "finished")

    def _fail(self, text: str) -> None:
        try:
            with self._locked() as (world, job):
                fail(job, job.stage, world.clock.now(), text)
        except _GoneError:
            self.forget()

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

    def _locked(self) -> _Locked:
        return _Locked(self._world_reference(), self._id, self._generation)


class _Locked:
    """The world and the job, with the world's lock. _GoneError if there is nothing to work for any more."""

    def __init__(self, world: World | None, job_id: str, generation: int) -> None:
        if world is None:
            raise _GoneError
        self._world = world
        self._job_id = job_id
        self._generation = generation

    def __enter__(self) -> tuple[World, DtsJob]:
        self._world.lock.acquire()
        found = [one for one in self._world.state.dts_jobs if one.id == self._job_id]
        same = self._generation == self._world.postgresql.generation
        if not same or not found or found[0].status in ("Finished", "MigrationFailed"):
            self._world.lock.release()
            raise _GoneError
        return self._world, found[0]

    def __exit__(self, *_error: object) -> None:
        self._world.lock.release()


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


def _column_choice(job: DtsJob) -> bool:
    entries = parse_object_list(job.db_list, strict=False)
    return any(table.columns for entry in entries for table in entry.tables)
