# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real servers: what is the same whatever the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from apsara_emulator import Variants, World

from . import cloud_bench
from .transmitting import DtsBench

# Longer than it ever takes, also on a computer with much else to do.
until = partial(cloud_bench.until, limit=60.0)
QUICK = {"durations": {"dts": {"precheck": 0.05}}, "quotas": {"dts_lists_per_second": 0}}


class Writer:
    """Writes to a source without a pause until told to stop. `write` gets a session and each time another number."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Any]], write: Callable[[Any, int], None]) -> None:
        self._connect = connect
        self._write = write
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.written = 0

    def _run(self) -> None:
        with self._connect() as session:
            while not self._stop.wait(0.002):
                self._write(session, 10_000 + self.written)
                self.written += 1

    def go_on(self) -> None:
        """Let some more be written."""
        before = self.written
        until(lambda: self.written > before + 50)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


class RealBench(DtsBench):
    """Real servers and the real clock, until the end of the block. An engine's bench says how servers are filled."""

    def __init__(self, *changes: Any, **variants: str) -> None:
        self.world = World.default(variants=Variants(variants))
        self.clock = self.world.clock  # type: ignore[assignment]  # one that nobody sets
        for change in (QUICK, *changes):
            self.world.merge(change)
        self.fill()
        self.authorize()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_error: object) -> None:
        self.world.reset()

    def fill(self) -> None:
        """Start the servers, with something to migrate."""
        raise NotImplementedError

    def authorize(self, policy: str | None = None) -> None:
        super().authorize(policy)
        self.clock.advance(10)

    def until_caught_up(self, job: str) -> None:
        def caught_up() -> bool:
            row = self.row(job)
            assert row["Status"] in ("Prechecking", "Migrating", "Retrying"), (row["ErrorMessage"], self.problems(job))
            return bool(row["DataSynchronizationStatus"]["Status"] == "Catched")

        until(caught_up)

    def until_status(self, job: str, *wanted: str) -> None:
        def reached() -> bool:
            row = self.row(job)
            is_there = row["Status"] in wanted
            assert is_there or row["Status"] not in ("MigrationFailed", "PrecheckFailed"), (
                row["ErrorMessage"],
                self.problems(job),
            )
            return is_there

        until(reached)

    def prechecked(self, **changes: Any) -> dict[str, str]:
        """What the precheck of a new job finds."""
        job = self.configure(**changes)
        self.start_job(job)
        self.until_status(job, "PrecheckFailed", "PreCheckPass")
        return self.problems(job)

    def pause(self, job: str, writer: Writer, rows: Callable[[], Any]) -> None:
        """Suspend a job for a while: `rows` of the target stay behind, and catch up afterwards."""
        self.dts("SuspendDtsJob", DtsJobId=job)
        assert self.status_of(job) == "Suspending"
        before = rows()
        writer.go_on()
        assert rows() == before
        assert self.row(job)["Delay"] > 0
        self.start_job(job)
        self.until_caught_up(job)

    def cut_power(self, job: str, source: Any) -> None:
        """The source of a job goes away and comes back."""
        source.kill()
        self.until_status(job, "Retrying")
        until(lambda: self.row(job)["Delay"] > 1500)
        source.start()
        self.until_caught_up(job)

    def at_second_try(self) -> str:
        """A job that has failed while it copied rows, and was started again."""
        failure = {"result": "fails", "kind": "dts", "stage": "full", "failure": "disk on fire"}
        self.world.merge({"outcomes": [failure]})
        job = self.running()
        self.until_status(job, "MigrationFailed")
        assert self.row(job)["DataInitializationStatus"]["ErrorMessage"] == "disk on fire"
        self.start_job(job)
        self.until_caught_up(job)
        return job
