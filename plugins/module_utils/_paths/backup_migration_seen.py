# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What was found out about a migration from backups at one moment, and what follows from it at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, NamedTuple

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._alibaba.errors import ServiceError
from .._alibaba.rds_instances import Instance
from .backup_migration_files import Sorted

_MAJOR = {"2008": 10, "2012": 11, "2014": 12, "2016": 13, "2017": 14, "2019": 15, "2022": 16, "2025": 17}


class TargetDatabases(dict[str, rds.Database]):
    """The databases of the instance by name. There may be thousands, each of which is asked for many times."""

    def __init__(self, found: Mapping[str, rds.Database] = MappingProxyType({})) -> None:
        super().__init__(found)
        self._by_folded = {name.casefold(): database for name, database in reversed(list(found.items()))}

    def named(self, name: str) -> rds.Database | None:
        """Case does not count there."""
        return self.get(name) or self._by_folded.get(name.casefold())


class TaskList(tuple[api.BackupTask, ...]):
    """The tasks that are listed, newest first. They are asked for by database, once for each."""

    def __init__(self, _found: Sequence[api.BackupTask] = ()) -> None:
        self._by_database: dict[str, list[api.BackupTask]] = {}
        for task in self:
            self._by_database.setdefault(task.database.casefold(), []).append(task)

    def of(self, database: str) -> Sequence[api.BackupTask]:
        return self._by_database.get(database.casefold(), ())


class Chain(NamedTuple):
    """A chain of the target that is still open. rows: None where the edition does not tell what became of the files."""

    task: api.BackupTask
    rows: tuple[api.BackupFileRow, ...] | None


class Latest(NamedTuple):
    """What a look showed while tasks were followed. tasks: those that are new, or followed; None: not listed."""

    databases: Mapping[str, rds.Database]
    tasks: Sequence[api.BackupTask] | None


class Observed(NamedTuple):
    """Everything at one moment. None: the service does not tell, or refuses to.

    bucket_refused: what the service says where it may not be looked at. tasks: of the last seven days, newest first.
    chains: by target database. rehearsal: nothing is going to be written, so what an earlier step only planned may be
    planned from.
    """

    now: datetime
    instance: Instance | None
    databases: TargetDatabases = TargetDatabases()
    bucket: Any = None
    bucket_refused: ServiceError | None = None
    bucket_owned: bool | None = None
    backups: Sorted = Sorted((), (), ())
    skipped: tuple[str, ...] = ()
    tasks: TaskList | None = TaskList()
    chains: Mapping[str, Chain] = MappingProxyType({})
    storage_used: int | None = None
    privileged_account: bool | None = None
    import_role: bool | None = None
    rehearsal: bool = False

    def current_task(self, target: str) -> api.BackupTask | None:
        """Of those that are listed for a database of this name, the newest that is not finished, or else the newest.

        A newer one may have failed because an older one is at work.
        """
        listed = self.tasks.of(target) if self.tasks else ()
        return next((task for task in listed if task.unfinished), listed[0] if listed else None)

    def state_on_target(self, target: str) -> str | None:
        """The service's word for the state; None where there is no such database."""
        found = self.databases.named(target)
        return found.state if found else None


def is_2008(observed: Observed) -> bool:
    """2008 R2 has rules of its own: the database has to exist, files come as signed URLs, and there are no chains."""
    return bool(observed.instance and (observed.instance.version or "").lower().startswith(("2008", "08r2")))


def software_major(observed: Observed) -> int | None:
    """15 for an instance with 2019_std; None where the version is not told or not known here."""
    version = (observed.instance.version or "" if observed.instance else "").lower()
    return 10 if is_2008(observed) else _MAJOR.get(version[:4])


def utc_now(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
