# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup imports over time. A task goes from event to event; events happen in the order of their moments.

A file is downloaded (Downloading, Finished), checked (CheckSuccess) and restored (Restoring, Restored). An instance
works on so many tasks at a time, the others are queued.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING

from .documents import Instant
from .model import GIB, Outcome
from .model_durations import Duration
from .model_migrations import MigrateTask
from .restore_places import find_database, finish_database, place_database, place_problem, remove_database
from .restore_rules import content_problem, facts_of, order_problem

if TYPE_CHECKING:
    from .world import World

RESULTS = frozenset({"fails", "never_starts", "slow", "checkdb_fails", "cannot_open"})


def settle_restores(world: World) -> None:
    """Let everything happen that is due by the world's clock."""
    now = world.clock.now()
    due = _due(world, now)
    limited = bool(world.state.quotas.parallel_restores) or any(t.step == "queued" for t in world.state.migrate_tasks)
    while due:
        moment, number = heapq.heappop(due)
        task = world.state.migrate_tasks[number]
        made_room = _happen(world, task, moment)
        if made_room and limited:
            _start_queued(world, task.instance, moment)
            due = _due(world, now)
            continue
        later = task.next_moment()
        if later is not None and later <= now:
            heapq.heappush(due, (later, number))


def begin_call(world: World, task: MigrateTask) -> None:
    """The task's newest call was accepted: its files will be worked on."""
    task.status, task.step, task.ended, task.description = "NoStart", "starting", None, ""
    task.forced, task.factor, task.fail_at = "", 1.0, None
    outcome = take_outcome(world, task)
    if outcome is not None:
        _force(world, task, outcome)
    if task.forced == "never_starts":
        task.step, task.due = "", None
    else:
        task.due = Instant(world.clock.now() + _lasting(world, task, world.state.durations.restores.start))


def begin_opening(world: World, task: MigrateTask) -> None:
    """Open the database of a chain that waits."""
    task.status, task.description = "Running", ""
    _enter(world, task, "opening", world.clock.now(), _opening_time(world, task))


def begin_termination(world: World, task: MigrateTask) -> None:
    """End the task a little later."""
    task.terminate_at = Instant(world.clock.now() + world.lasting(world.state.durations.restores.terminate))


def take_outcome(world: World, task: MigrateTask) -> Outcome | None:
    """The outcome of the world document that applies to this call, used up by one."""
    for outcome in world.state.outcomes:
        if (
            outcome.times > 0
            and outcome.result in RESULTS
            and outcome.kind in ("", "migrate")
            and outcome.source == ""
            and outcome.target in ("", task.instance)
            and outcome.database in ("", task.database)
        ):
            outcome.times -= 1
            return outcome
    return None


def _force(world: World, task: MigrateTask, outcome: Outcome) -> None:
    task.forced = outcome.result
    if outcome.result == "slow":
        task.factor = outcome.factor
    elif outcome.result == "fails":
        task.failure = outcome.failure
        task.fail_at = Instant(world.clock.now() + world.lasting(outcome.after))


def _due(world: World, now: float) -> list[tuple[float, int]]:
    """What has happened to tasks by now, as a heap: moment and number of the task."""
    found = []
    for number, task in enumerate(world.state.migrate_tasks):
        moment = task.next_moment()
        if moment is not None and moment <= now:
            found.append((moment, number))
    heapq.heapify(found)
    return found


def _happen(world: World, task: MigrateTask, moment: float) -> bool:
    """Whether it made room for another one."""
    held = task.holds_slot
    if task.instance not in world.state.instances:
        _end(task, "The instance is gone.", moment)
    elif task.terminate_at is not None and task.terminate_at <= moment:
        _terminate(world, task, moment)
    elif task.under_way and task.fail_at is not None and task.fail_at <= moment:
        _fail(world, task, task.failure, moment)
    else:
        task.due = None
        _STEPS[task.step](world, task, moment)
    return held and not task.holds_slot


def _start(world: World, task: MigrateTask, moment: float) -> None:
    limit = world.state.quotas.parallel_restores
    task.status = "Running"
    if limit and sum(one.instance == task.instance and one.holds_slot for one in world.state.migrate_tasks) >= limit:
        task.status, task.step = "NoStart", "queued"
        return
    size = sum(one.size for one in task.current_files)
    for file in task.current_files:
        file.status = "Downloading"
    _enter(world, task, "downloading", moment, _length(world.state.durations.restores.download, size))
    if world.state.instances[task.instance].free < size:
        _fail(world, task, "Not Enough Disk Space to hold the backup file on RDS.", moment)


def _start_queued(world: World, instance_id: str, moment: float) -> None:
    queued = [one for one in world.state.migrate_tasks if one.instance == instance_id and one.step == "queued"]
    for task in sorted(queued, key=lambda one: one.current_files[0].created):
        _start(world, task, moment)
        if task.step != "":
            return


def _downloaded(world: World, task: MigrateTask, moment: float) -> None:
    for file in task.current_files:
        found = world.objects.object(file.bucket, file.key)
        if file.problem or found is None:
            _fail(world, task, f"Failed to download {file.name}: {file.problem or 'there is no such object'}.", moment)
            return
        file.size, file.status = found.size, "Finished"
        file.facts = facts_of(found)
    _enter(world, task, "checking", moment, world.state.durations.restores.check)


def _checked(world: World, task: MigrateTask, moment: float) -> None:
    instance = world.state.instances[task.instance]
    problem = content_problem(task, task.current_files, instance)
    if problem:
        _fail(world, task, problem, moment)
        return
    for file in task.current_files:
        file.status = "CheckSuccess"
    _enter(world, task, "ready", moment, world.state.durations.restores.prepare)


def _begin_restore(world: World, task: MigrateTask, moment: float) -> None:
    instance = world.state.instances[task.instance]
    facts = task.current_files[0].facts
    problem = place_problem(task, instance, facts.required_storage or facts.backup_size if facts else 0)
    if problem:
        _fail(world, task, problem, moment)
        return
    for file in task.current_files:
        file.status = "Restoring"
    place_database(task, instance, moment)
    size = facts.backup_size if facts else 0
    _enter(world, task, "restoring", moment, _length(world.state.durations.restores.restore, size))


def _restored(world: World, task: MigrateTask, moment: float) -> None:
    problem = order_problem(task, task.current_files[0], world.variants["repeated_log"])
    if problem:
        _fail(world, task, problem, moment)
        return
    for file in task.current_files:
        file.status, file.ended = "Restored", Instant(moment)
        facts = file.facts
        if facts is not None:
            task.last_lsn = max(task.last_lsn, facts.last_lsn)
            task.checkpoint_lsn = facts.checkpoint_lsn if facts.type == "D" else task.checkpoint_lsn
            task.damaged = task.damaged or facts.damaged
    if task.mode == "UPDF":
        task.status, task.step = "Waiting", ""
    else:
        _enter(world, task, "opening", moment, _opening_time(world, task))


def _opened(world: World, task: MigrateTask, moment: float) -> None:
    if task.forced == "cannot_open":
        _fail(world, task, f"Failed to open database ({task.database}).", moment)
        return
    instance = world.state.instances[task.instance]
    has_account = finish_database(task, instance)
    texts = [] if has_account else ["Your RDS doesn't have any init account yet."]
    task.opened = True
    if task.check_db_mode == "SyncExecuteDBCheck":
        texts.append("DBCC checkdb failed." if _finds_damage(task) else "DBCC checkdb success.")
    task.description = " ".join(texts)
    failed = _finds_damage(task) and task.check_db_mode == "SyncExecuteDBCheck"
    task.status = world.variants["failed_check_status"] if failed else "Success"
    task.step, task.ended = "", Instant(moment)
    if task.check_db_mode != "SyncExecuteDBCheck":
        _enter(world, task, "checkdb", moment, _check_time(world, task))


def _check_reported(_world: World, task: MigrateTask, _moment: float) -> None:
    found = "failed" if _finds_damage(task) else "success"
    task.description = f"{task.description} asynchronously DBCC checkdb {found}.".strip()
    task.step = ""


def _fail(world: World, task: MigrateTask, text: str, moment: float) -> None:
    stage = {"downloading": "DownloadFailed", "restoring": "RestoreFailed", "opening": "Restored"}
    word = stage.get(task.step, world.variants["check_failed_word"])
    for file in task.current_files:
        if task.step not in ("starting", "queued", ""):
            file.status = "RestoreFailed" if task.step == "ready" else word
        file.ended, file.available, file.description = Instant(moment), False, text
    _end(task, text, moment)
    instance = world.state.instances[task.instance]
    if not (task.mode == "UPDF" and task.current):
        remove_database(task, instance)


def _terminate(world: World, task: MigrateTask, moment: float) -> None:
    if not task.under_way and task.status != "Waiting":
        task.terminate_at = None
        return
    for file in task.current_files:
        if file.status not in ("Restored", "NoStart"):
            file.status, file.available, file.ended = "RestoreFailed", False, Instant(moment)
    _end(task, "The task was terminated.", moment)
    task.terminated = True
    task.removed = world.variants["terminated_task"] == "removed"
    instance = world.state.instances[task.instance]
    if world.variants["terminated_database"] == "removed":
        remove_database(task, instance)


def _end(task: MigrateTask, text: str, moment: float) -> None:
    task.status, task.step, task.due, task.terminate_at = "Failed", "", None, None
    task.description, task.ended = text, Instant(moment)


def _enter(world: World, task: MigrateTask, step: str, moment: float, seconds: float) -> None:
    task.step, task.due = step, Instant(moment + _lasting(world, task, seconds))


def _lasting(world: World, task: MigrateTask, seconds: float) -> float:
    return world.lasting(seconds * task.factor)


def _length(duration: Duration, size: int) -> float:
    return duration.base + duration.per_gb * size / GIB


def _opening_time(world: World, task: MigrateTask) -> float:
    times = world.state.durations.restores
    return times.open + (_check_time(world, task) if task.check_db_mode == "SyncExecuteDBCheck" else 0.0)


def _check_time(world: World, task: MigrateTask) -> float:
    database = find_database(task, world.state.instances[task.instance])
    return _length(world.state.durations.restores.check_db, database.size if database else 0)


def _finds_damage(task: MigrateTask) -> bool:
    return task.damaged or task.forced == "checkdb_fails"


_STEPS: dict[str, Callable[[World, MigrateTask, float], None]] = {
    "starting": _start,
    "downloading": _downloaded,
    "checking": _checked,
    "ready": _begin_restore,
    "restoring": _restored,
    "opening": _opened,
    "checkdb": _check_reported,
}
