# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The database that a backup import makes on its instance: whether there is a place for it, and what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .documents import Instant
from .model import Database, Instance
from .model_migrations import MigrateTask
from .restore_rules import is_2008_r2

if TYPE_CHECKING:
    from .world import World


def database_called(instance: Instance, name: str) -> Database | None:
    """A database of the instance; names that differ in case only are the same."""
    return next((one for key, one in instance.databases.items() if key.lower() == name.lower()), None)


def find_database(task: MigrateTask, instance: Instance) -> Database | None:
    """The database that the task has made."""
    found = database_called(instance, task.database)
    return found if found is not None and found.migrate_task == task.id else None


def place_problem(task: MigrateTask, instance: Instance, size: int) -> str:
    """Why there is no place for a database of `size` bytes, or the empty text."""
    mine = find_database(task, instance)
    there = database_called(instance, task.database)
    if mine is None:
        if there is None and is_2008_r2(instance):
            return f"The database ({task.database}) does not exist on RDS."
        if there is not None and not (is_2008_r2(instance) and there.size == 0):
            return f"The database ({task.database}) is already exist on RDS."
        if there is None and len(instance.databases) >= instance.max_databases:
            return f"The database ({task.database}) migration failed due to databases count limitation."
    if instance.free < size - (mine.size if mine else 0):
        return f"Not Enough Disk Space for restoring the database ({task.database}), {size} bytes are required."
    return ""


def place_database(task: MigrateTask, instance: Instance, moment: float) -> None:
    """Take up the space, and show the database as one that is being restored."""
    facts = task.current_files[0].facts
    size = (facts.required_storage or facts.backup_size) if facts else 0
    there = database_called(instance, task.database)
    if there is None:
        there = Database(created=Instant(moment), character_set=instance.collation)
        instance.databases[task.database] = there
    elif there.migrate_task != task.id:
        task.replaced = True
    there.migrate_task = task.id
    there.status, there.ready = "Restoring", None
    there.size = max(there.size, size)


def finish_database(task: MigrateTask, instance: Instance) -> bool:
    """Open the database, and give it to the privileged accounts. False if the instance has none."""
    database = find_database(task, instance)
    if database is not None:
        database.status = "Running"
    privileged = [one for one in instance.accounts if one.type == "Super"]
    for account in privileged:
        account.privileges[task.database] = "DBOwner"
    return bool(privileged)


def remove_database(task: MigrateTask, instance: Instance) -> None:
    """Leave nothing of a half restored database. One that was there before is there again, and empty."""
    database = find_database(task, instance)
    if database is None:
        return
    if task.replaced:
        database.status, database.size, database.migrate_task = "Running", 0, ""
    else:
        name = next(key for key in instance.databases if key.lower() == task.database.lower())
        del instance.databases[name]


def is_abandoned(world: World, database: Database) -> bool:
    """Whether it was left half restored by a task that has come to its end."""
    task = next((one for one in world.state.migrate_tasks if one.id == database.migrate_task), None)
    return database.status == "Restoring" and (task is None or task.status == "Failed")


def shown_database_status(world: World, instance: Instance, database: Database) -> str | None:
    """The status that the service shows for a database; None if it does not show the database at all."""
    if database.status != "Restoring":
        return database.status
    task = next((one for one in world.state.migrate_tasks if one.id == database.migrate_task), None)
    if task is None or task.mode == "FULL":
        word = world.variants["restoring_database"]
    else:
        word = world.variants["chain_database"]
    if word == "by_edition":
        word = "Restoring" if instance.category == "Basic" else "In Recovery"
    return None if word == "hidden" else word
