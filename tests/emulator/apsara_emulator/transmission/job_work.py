# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work for a job between two real servers, as far as it is the same for every engine.

It runs in a thread of its own, takes the time that it takes, and holds the world's lock only to write down what has
become of it. What the service's calls do to the job (suspend, stop, delete) it sees in the world.
"""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING

from ..documents import Instant
from ..servers.errors import ServerError
from .model import PHASES, DtsJob, DtsPhase
from .object_list import parse_object_list
from .progress import fail, note
from .reserve import parse_reserve

if TYPE_CHECKING:
    from ..world import World

_TICK = 0.05


class _GoneError(Exception):
    """The job was ended or deleted, or the world was reset."""


class JobWork:
    """The work for one job. What an engine does is in `structure`, `full`, `prepare_changes`, `round` and `forget`."""

    def __init__(self, world: World, job: DtsJob) -> None:
        # A world that nobody holds any more takes its work along.
        self._world_reference = weakref.ref(world)
        self._generation = world.postgresql.generation
        self._id = job.id
        self._settings = parse_reserve(job.reserve, mode_required=False, texts_only=False)
        self._trying_since = 0.0
        self._owner = job.target.user_name

    def structure(self) -> None:
        """Make what is selected on the target. ServerError if a server refuses."""
        raise NotImplementedError

    def full(self) -> None:
        """Copy the data as of one moment. ServerError if a server refuses."""
        raise NotImplementedError

    def prepare_changes(self) -> None:
        """See to it that `round` knows where to begin, also where no data were copied. ServerError if that fails."""
        raise NotImplementedError

    def round(self) -> bool:
        """Read some changes and apply them. Whether that was all there was. ServerError if a server refuses."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether both servers take connections."""
        raise NotImplementedError

    def forget(self) -> None:
        """Nothing of the job stays on the source."""
        raise NotImplementedError

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
                {"structure": self.structure, "full": self.full, "incremental": self._incremental}[stage]()
            self._end()
        except _GoneError:
            self.forget()
        except ServerError as error:
            self._fail(str(error))
        except Exception as error:  # whatever it is, whoever watches the job has to see it
            self._fail(f"{type(error).__name__}: {error}")

    def _incremental(self) -> None:
        self.prepare_changes()
        while True:
            self._wait_while_suspended()
            with self._locked() as (world, _job):
                begun = world.clock.now()
            try:
                drained = self.round()
            except ServerError as error:
                self._retry(str(error))
                continue
            self._trying_since = 0.0
            if drained:
                self._caught_up(begun)
                time.sleep(_TICK)

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
        connected = self.answers()
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


def _column_choice(job: DtsJob) -> bool:
    entries = parse_object_list(job.db_list, strict=False)
    return any(table.columns for entry in entries for table in entry.tables)
