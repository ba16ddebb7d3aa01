# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports and copies over time: what has happened by now, and what the instances show."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .documents import Instant
from .model import Database, DatabaseAccount, Instance, Operation, Outcome
from .restores import settle_restores
from .transmission.progress import settle_jobs

if TYPE_CHECKING:
    from .world import World

_ENDS = {"running": "succeeded", "cancelling": "cancelled"}


def settle(world: World) -> None:
    """Bring the world up to its clock: end what has ended, in the order in which it did."""
    now = world.clock.now()
    due = [one for one in world.state.operations if one.under_way and one.planned_end <= now]
    for operation in sorted(due, key=lambda one: one.planned_end):
        _end(world, operation)
    for instance in world.state.instances.values():
        _settle_databases(instance, now)
    settle_restores(world)
    settle_jobs(world)


def busy_with(world: World, instance_id: str) -> Operation | None:
    """The operation that occupies the instance, from the moment it was accepted until both instances are free."""
    now = world.clock.now()
    for operation in reversed(world.state.operations):
        if instance_id in (operation.source, operation.target) and (
            operation.released is None or now < operation.released
        ):
            return operation
    return None


def shown_status(world: World, instance: Instance) -> str:
    """The status that the service shows for the instance now."""
    operation = busy_with(world, instance.id)
    if instance.status == "Running" and any(
        one.instance == instance.id and one.in_flight for one in world.state.cloud_migrations
    ):
        return world.variants["cloud_target_status"]
    if operation is None or world.clock.now() < operation.busy or instance.status != "Running":
        return instance.status
    side = "source" if operation.source == instance.id else "target"
    return world.variants[f"{operation.kind}_{side}_status"]


def start(world: World, operation: Operation, gigabytes: float) -> bool:
    """Begin an accepted operation. False if this world has it that it never starts."""
    outcome = _outcome(world, operation)
    if outcome is not None and outcome.result == "never_starts":
        return False
    duration = world.state.durations.imports if operation.kind == "import" else world.state.durations.copies
    seconds = duration.base + duration.per_gb * gigabytes
    if outcome is not None:
        seconds = min(seconds, outcome.after)
        operation.failure = outcome.failure
    operation.busy = Instant(operation.accepted + world.lasting(world.variants.seconds("busy_delay")))
    operation.planned_end = Instant(operation.accepted + world.lasting(seconds))
    world.state.operations.append(operation)
    if world.variants["target_databases"] == "creating":
        _place(world, operation, "Creating", operation.accepted)
    return True


def cancel(world: World, operation: Operation) -> None:
    """Begin to cancel: nothing of it is left a short while later."""
    operation.state = "cancelling"
    operation.planned_end = Instant(world.clock.now() + world.lasting(world.state.durations.cancel))


def next_id(world: World) -> int:
    """An id that no operation has, and no task of a backup import."""
    restores = (int(file.task_id) for task in world.state.migrate_tasks for file in task.files)
    return max([85265475200, *(one.id for one in world.state.operations), *restores]) + 35


def _outcome(world: World, operation: Operation) -> Outcome | None:
    for outcome in world.state.outcomes:
        if (
            outcome.times > 0
            and outcome.result in {"fails", "never_starts"}
            and not outcome.database
            and outcome.kind in ("", operation.kind)
            and outcome.source in ("", operation.source)
            and outcome.target in ("", operation.target)
        ):
            outcome.times -= 1
            return outcome
    return None


def _end(world: World, operation: Operation) -> None:
    state = "failed" if operation.failure and operation.state == "running" else _ENDS[operation.state]
    operation.state = state
    operation.ended = operation.planned_end
    delay = world.lasting(world.variants.seconds("release_delay"))
    operation.released = Instant(operation.planned_end + delay)
    target = world.state.instances.get(operation.target)
    if target is None:
        return
    if state == "succeeded":
        _place(world, operation, "Running", operation.planned_end)
        if operation.sync_privileges:
            _copy_privileges(world, operation, target)
    else:
        _remove(operation, target)


def _place(world: World, operation: Operation, status: str, moment: Instant) -> None:
    """Put the databases on the target. One whose name somebody else took meanwhile is skipped."""
    source, target = world.state.instances.get(operation.source), world.state.instances.get(operation.target)
    if source is None or target is None:
        return
    for name, new_name in operation.databases.items():
        there = target.databases.get(new_name)
        if there is not None and there.operation == operation.id:
            there.status = status
        elif there is None:
            original = source.databases.get(name, Database())
            target.databases[new_name] = replace(
                original, status=status, created=moment, ready=None, gone=None, operation=operation.id
            )


def _remove(operation: Operation, target: Instance) -> None:
    for name in operation.databases.values():
        there = target.databases.get(name)
        if there is not None and there.operation == operation.id:
            del target.databases[name]


def _copy_privileges(world: World, operation: Operation, target: Instance) -> None:
    """Accounts of the source come along; one of the same name gets the privileges added."""
    source = world.state.instances.get(operation.source)
    by_name = {account.name: account for account in target.accounts}
    for account in source.accounts if source else []:
        gained = {
            operation.databases[name]: right
            for name, right in account.privileges.items()
            if name in operation.databases
        }
        if not gained:
            continue
        if account.name not in by_name:
            by_name[account.name] = DatabaseAccount(account.name, account.type, description=account.description)
            target.accounts.append(by_name[account.name])
        by_name[account.name].privileges.update(gained)


def _settle_databases(instance: Instance, now: float) -> None:
    for name, database in list(instance.databases.items()):
        if database.gone is not None and database.gone <= now:
            del instance.databases[name]
        elif database.ready is not None and database.ready <= now:
            database.status, database.ready = "Running", None
