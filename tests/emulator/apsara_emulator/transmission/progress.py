# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs over time: what has happened by now. Events happen in the order of their moments."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

from ..clock import utc_text
from ..documents import Instant
from ..model import GIB, Database
from .ends import instance_at, pairs_of
from .model import PHASES, DtsFinding, DtsJob, DtsPhase
from .outcomes import forced, take_outcomes
from .prechecks import run_prechecks, target_tables
from .real_servers import is_done_for_real

if TYPE_CHECKING:
    from ..world import World

# Seconds by which a job is behind that stays so.
_STAYS_BEHIND = 300.0
# A real job that was current so many seconds ago is so now.
_FRESH = 2.0
_HAS_PHASES = ("Migrating", "Retrying")


def settle_jobs(world: World) -> None:
    """Let everything happen that is due by the world's clock."""
    now = world.clock.now()
    while True:
        due = [
            (moment, number)
            for number, job in enumerate(world.state.dts_jobs)
            if (moment := _next_moment(job)) is not None and moment <= now
        ]
        if not due:
            return
        moment, number = min(due)
        _happen(world, world.state.dts_jobs[number], moment)


def begin_precheck(world: World, job: DtsJob, goes_on: bool) -> None:
    """Check the job; if that passes and `goes_on`, its phases follow at once."""
    now = Instant(world.clock.now())
    if not job.forced:
        job.forced = take_outcomes(world, job)
    job.status, job.stage, job.goes_on, job.error = "Prechecking", "precheck", goes_on, ""
    job.precheck_id, job.findings = new_id(world), []
    job.precheck = DtsPhase("Checking", now)
    job.precheck.due = _due(world, job, "precheck", now, world.state.durations.dts.precheck)
    note(job, now, "the precheck begins")


def begin_phases(world: World, job: DtsJob, moment: float) -> None:
    """Begin what was asked for; between real servers that is their work, and takes its own time."""
    job.started = Instant(moment)
    job.phases, job.current = {}, None
    job.real = is_done_for_real(world, job)
    _begin(world, job, job.wanted[0], moment)


def resume(world: World, job: DtsJob) -> None:
    """Go on where the job was suspended, or where it failed."""
    now, phase = world.clock.now(), job.phase(job.stage)
    failed = job.status == "MigrationFailed"
    job.status, job.error = "Migrating", ""
    if job.real and not failed:
        phase.status = "Migrating"
    elif failed or job.stage == "incremental":
        _begin(world, job, job.stage, now)
    else:
        phase.status, phase.due, phase.left = "Migrating", Instant(now + (phase.left or 0.0)), None


def suspend(world: World, job: DtsJob) -> None:
    """Pause. A status of Suspending means: paused."""
    now, phase = world.clock.now(), job.phase(job.stage)
    job.behind_since = Instant(now - delay_seconds(world, job))
    phase.percent = percent(world, phase)
    phase.left = max(0.0, phase.due - now) if phase.due is not None else None
    phase.status, phase.due = "Suspending", None
    job.status, job.retry_until = "Suspending", None
    note(job, now, "the job is suspended")


def stop(world: World, job: DtsJob) -> None:
    """End for good. What was brought stays on the target."""
    now = Instant(world.clock.now())
    if job.real and job.status == "MigrationFailed":
        from .real_job import clean_up

        clean_up(world, job)
    for phase in [job.precheck, *job.phases.values()]:
        phase.percent, phase.due = percent(world, phase), None
        if phase.status in ("Catched", "Migrating", "Suspending", "Checking"):
            phase.stopped = phase.status != "Catched"
            phase.status, phase.ended = "Finished", now
    job.status, job.stage, job.ended, job.retry_until = "Finished", "", now, None
    note(job, now, "the job is stopped")


def delay_seconds(world: World, job: DtsJob) -> float:
    """How far the target is behind, in seconds of the world's clock."""
    now, phase = world.clock.now(), job.phases.get("incremental")
    if job.real and phase is not None and job.status != "Finished":
        return _real_delay(world, job)
    if job.status in ("Suspending", "MigrationFailed"):
        return now - job.behind_since if job.behind_since is not None and phase is not None else 0.0
    if phase is None or phase.begun is None or job.status == "Finished":
        return 0.0
    if phase.status == "Catched":
        return world.variants.seconds("caught_up_delay") / 1000
    if any(one.result == "stays_behind" for one in job.forced) or phase.due is None:
        return _STAYS_BEHIND
    length = max(phase.due - phase.begun, 0.001)
    behind = phase.begun - (job.behind_since if job.behind_since is not None else phase.begun)
    return max(0.0, behind * (phase.due - now) / length)


def _real_delay(world: World, job: DtsJob) -> float:
    """Since when the target does not have all that the source has. A job that runs looks many times a second."""
    age = world.clock.now() - (job.current if job.current is not None else world.clock.now())
    running = job.status in _HAS_PHASES
    return world.variants.seconds("caught_up_delay") / 1000 if running and age < _FRESH else age


def percent(world: World, phase: DtsPhase) -> int:
    """How far a phase is, 0 to 100; 100 only at its end. One that was stopped stays where it was."""
    if phase.status in ("Finished", "Catched") and not phase.stopped:
        return 100
    if phase.status not in ("Migrating", "Checking") or phase.begun is None or phase.due is None:
        return phase.percent
    share = (world.clock.now() - phase.begun) / max(phase.due - phase.begun, 0.001)
    return max(0, min(99, int(share * 100)))


def fail(job: DtsJob, stage: str, moment: float, text: str) -> None:
    """The job cannot go on by itself."""
    phase = job.phase(stage)
    phase.status, phase.error, phase.due, phase.ended = "Failed", text, None, Instant(moment)
    job.status, job.error, job.stage, job.retry_until = "MigrationFailed", text, stage, None
    if job.behind_since is None:
        job.behind_since = Instant(moment)
    note(job, moment, f"failed: {text}")


def new_id(world: World) -> str:
    """An id that no job has."""
    taken = {one.id for one in world.state.dts_jobs} | {one.precheck_id for one in world.state.dts_jobs}
    while True:
        made = "".join(random.choices(string.ascii_lowercase + string.digits, k=15))  # nothing secret
        if made not in taken:
            return made


def note(job: DtsJob, moment: float, text: str) -> None:
    """A line of the job's log: time, level, text."""
    level = "ERROR" if text.startswith("failed") else "NORMAL"
    job.log.append(f"{utc_text(moment)} {level} {text}")


def _next_moment(job: DtsJob) -> float | None:
    if job.status == "Prechecking":
        return job.precheck.due
    if job.status not in _HAS_PHASES:
        return None
    moments = (job.retry_until, job.phase(job.stage).due)
    return min((one for one in moments if one is not None), default=None)


def _happen(world: World, job: DtsJob, moment: float) -> None:
    if job.status == "Prechecking":
        _end_precheck(world, job, moment)
    elif job.retry_until is not None and job.retry_until <= moment:
        job.status, job.retry_until = "Migrating", None
        note(job, moment, "connected again")
    else:
        _end(world, job, moment)


def _end_precheck(world: World, job: DtsJob, moment: float) -> None:
    job.findings = run_prechecks(world, job)
    failure = forced(job, "precheck", "fails")
    if failure is not None:
        job.findings.append(DtsFinding("CHECK_OTHER", "other", failure.failure, "ask the support"))
        job.forced.remove(failure)
    open_ones = [one for one in job.findings if one.problem and not (one.can_skip and one.item in job.skipped)]
    job.precheck.due, job.precheck.ended = None, Instant(moment)
    job.precheck.percent = 100 * (len(job.findings) - len(open_ones)) // max(1, len(job.findings))
    if open_ones:
        job.precheck.status, job.status, job.stage = "Failed", "PrecheckFailed", ""
        job.precheck.error = "; ".join(one.problem for one in open_ones)
        note(job, moment, f"failed: {job.precheck.error}")
        return
    job.precheck.status = "Finished"
    note(job, moment, "the precheck has passed")
    if job.goes_on:
        begin_phases(world, job, moment)
    else:
        job.status, job.stage = "PreCheckPass", ""


def _begin(world: World, job: DtsJob, stage: str, moment: float) -> None:
    job.status, job.stage = "Migrating", stage
    phase = job.phases[stage] = DtsPhase("Migrating", Instant(moment))
    if job.real:
        from .real_job import begin

        begin(world, job)
        return
    durations = world.state.durations.dts
    if stage == "incremental":
        if job.behind_since is None:
            full = job.phases.get("full")
            begun = full.begun if full and full.begun is not None else moment - world.lasting(durations.catch_up)
            job.behind_since = Instant(begun)
        seconds = durations.catch_up
    elif stage == "full":
        seconds = durations.full.base + durations.full.per_gb * _selected_bytes(world, job) / GIB
    else:
        seconds = durations.structure
    phase.due = _due(world, job, stage, moment, seconds)
    retry = forced(job, stage, "retries")
    if retry is not None and phase.due is not None:
        job.status, job.retry_until = "Retrying", Instant(moment + world.lasting(retry.after))
        phase.due = Instant(phase.due + world.lasting(retry.after))
        job.forced.remove(retry)
    note(job, moment, f"{stage} begins")


def _due(world: World, job: DtsJob, stage: str, moment: float, seconds: float) -> Instant | None:
    """When a stage ends, as the world has it."""
    if forced(job, stage, "stalls") or (stage == "incremental" and forced(job, stage, "stays_behind")):
        return None
    slow, fails = forced(job, stage, "slow"), forced(job, stage, "fails")
    seconds *= slow.factor if slow else 1.0
    if fails is not None and stage != "precheck":
        seconds = min(seconds, fails.after)
    return Instant(moment + world.lasting(seconds))


def _end(world: World, job: DtsJob, moment: float) -> None:
    stage = job.stage
    phase, failure = job.phase(stage), forced(job, stage, "fails")
    if failure is not None:
        job.forced.remove(failure)
        fail(job, stage, moment, failure.failure)
        return
    problem = _lost_end(world, job)
    if problem:
        fail(job, stage, moment, problem)
        return
    phase.due = None
    if stage == "incremental":
        phase.status = "Catched"
        job.behind_since = None
        note(job, moment, "caught up")
        return
    phase.status, phase.ended = "Finished", Instant(moment)
    _place(world, job, stage, moment)
    later = [one for one in job.wanted if PHASES.index(one) > PHASES.index(stage)]
    if later:
        _begin(world, job, later[0], moment)
    else:
        job.status, job.stage, job.ended = "Finished", "", Instant(moment)
        note(job, moment, "finished")


def _lost_end(world: World, job: DtsJob) -> str:
    """Why the ends of a running job cannot be used any more."""
    for word, endpoint in (("source", job.source), ("destination", job.target)):
        instance = instance_at(world, job, endpoint)
        if instance is None:
            return f"the {word} is gone"
        if instance.status != "Running":
            return f"the {word} {instance.id} is {instance.status}"
    return ""


def _place(world: World, job: DtsJob, stage: str, moment: float) -> None:
    """What a finished phase leaves on the target: databases and tables, then their contents."""
    source, target = instance_at(world, job, job.source), instance_at(world, job, job.target)
    if source is None or target is None:
        return
    for pair in pairs_of(job):
        original = source.databases.get(pair.source) or Database()
        there = target.databases.get(pair.target)
        if there is None:
            there = target.databases[pair.target] = Database(
                character_set=original.character_set, created=Instant(moment), dts_job=job.id
            )
        if stage == "structure":
            names = [new for _old, new in target_tables(pair, original)]
            known = original.tables is not None or pair.tables is not None
            there.tables = sorted({*(there.tables or []), *names}) if known else there.tables
        else:
            there.size += original.size


def _selected_bytes(world: World, job: DtsJob) -> int:
    source = instance_at(world, job, job.source)
    if source is None:
        return 0
    return sum(database.size for one in pairs_of(job) if (database := source.databases.get(one.source)))
