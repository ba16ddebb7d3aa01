# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which databases are meant, which of them have their backup, and the steps for the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from .._databases.sqlserver_backup_statements import (
    LOG,
    backup_statement,
    check_statement,
    create_folder_statement,
    file_name,
    is_file_name_of,
    verify_statement,
)
from .._databases.sqlserver_source import Backup, Database, FileState, Running, Server, newest
from .._plan import Plan, Step
from .sqlserver_backup_request import Request

CREATE_FOLDER, CHECK, VERIFY = "xp_create_subdir", "DBCC CHECKDB", "RESTORE VERIFYONLY"
BACKUPS = ("BACKUP DATABASE", "BACKUP LOG")
BACKED_UP, RUNNING, MISSING = "backed_up", "running", "missing"


class Observed(NamedTuple):
    """The server at one moment. databases: all it has. history: backups that may count, oldest first.

    made: paths of backups of this run, which count whatever their age. rejected: paths of backups that failed their
    verification. gone: paths of backups whose files are not there any more. None: not told.
    """

    server: Server
    databases: Mapping[str, Database]
    history: tuple[Backup, ...] = ()
    running: tuple[Running, ...] | None = ()
    folder: FileState | None = None
    root: FileState | None = None
    free: int | None = None
    expected: Mapping[str, Expected] = MappingProxyType({})
    bases: Mapping[str, Backup | None] = MappingProxyType({})
    secondaries: frozenset[str] | None = frozenset()
    writers: Mapping[str, int] | None = MappingProxyType({})
    sessions: Mapping[str, int] | None = MappingProxyType({})
    made: frozenset[str] = frozenset()
    rejected: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


class Expected(NamedTuple):
    """How large a backup will be. exact: no upper bound only."""

    size: int | None
    exact: bool


def wanted(request: Request, observed: Observed) -> tuple[list[Database], list[str]]:
    """(the databases that are meant, names that are none). All user databases where none is named."""
    if not request.databases:
        users = [d for d in observed.databases.values() if not d.system and not d.snapshot]
        return sorted((d for d in users if not request.excludes(d.name)), key=lambda d: d.name), []
    found: dict[str, Database] = {}
    unknown = []
    for name in request.databases:
        database = _called(name, observed)
        if database is None:
            unknown.append(name)
        elif not request.excludes(database.name):
            found[database.name] = database
    return list(found.values()), unknown


def _called(name: str, observed: Observed) -> Database | None:
    exact = observed.databases.get(name)
    if exact is not None or observed.server.case_matters:
        return exact
    return next((d for d in observed.databases.values() if d.name.casefold() == name.casefold()), None)


def possible(request: Request, observed: Observed) -> list[Database]:
    """Those that can have a backup at all."""
    return [d for d in wanted(request, observed)[0] if not d.system and not d.snapshot]


def backup_of(request: Request, observed: Observed, database: Database) -> Backup | None:
    """The newest backup that is what the task asks for, and whose file is there as far as is known."""
    return newest(candidates(request, observed, database, without=observed.gone | observed.rejected))


def candidates(
    request: Request, observed: Observed, database: Database, *, without: Collection[str] = frozenset()
) -> list[Backup]:
    oldest = observed.server.now - timedelta(seconds=request.max_age)
    return [
        backup
        for backup in observed.history
        if backup.database == database.name
        and backup.path not in without
        and (backup.path in observed.made or (request.max_age > 0 and backup.finish >= oldest))
        and _fits(request, observed, database, backup)
    ]


def _fits(request: Request, observed: Observed, database: Database, backup: Backup) -> bool:
    """A backup that is not copy-only is as good as one that is; the reverse would break what builds on it."""
    wish, style = request.wish, observed.server.style
    folder, name = style.split(backup.path)
    return (
        backup.kind == wish.kind
        and backup.alone
        and not backup.damaged
        and (backup.checksums or not wish.checksum)
        and (wish.copy_only or not backup.copy_only)
        and style.same(folder, request.folder)
        and is_file_name_of(name, database.name, wish.kind)
        and is_of(backup, database)
    )


def is_of(backup: Backup, database: Database) -> bool:
    """Of this database, and not of one that had its name before. msdb keeps whole seconds."""
    if database.created is None or backup.start is None:
        return True
    return backup.start >= database.created.replace(microsecond=0)


def running_on(observed: Observed, database: Database) -> Running | None:
    return next((r for r in observed.running or () if r.database == database.name), None)


def state_of(request: Request, observed: Observed, database: Database) -> str:
    if backup_of(request, observed, database):
        return BACKED_UP
    return RUNNING if running_on(observed, database) else MISSING


def plan(request: Request, observed: Observed) -> Plan:
    """A step for the folder, and up to three for each database without a backup."""
    states = {d.name: state_of(request, observed, d) for d in possible(request, observed)}
    # Nothing is done where a name is none, or none is left.
    all_there = bool(states) and not wanted(request, observed)[1]
    missing = [d for d in possible(request, observed) if states[d.name] == MISSING]
    running = [name for name, state in states.items() if state == RUNNING]
    steps: list[Step] = []
    if missing and observed.folder is not None and not observed.folder.folder:
        steps.append(_folder_step(request, observed))
    for database in missing:
        steps += _steps_of(request, observed, database)
    after = {name: BACKED_UP if state == MISSING else state for name, state in states.items()}
    unknown = (
        f"a backup of {', '.join(running)} runs; whether it is what is asked for can be told when it is over"
        if running
        else ""
    )
    return Plan(
        state=_overall(states.values()) if all_there else MISSING,
        steps=tuple(steps),
        predicted_state=_overall(after.values()) if all_there else MISSING,
        before=_shown(request, states),
        after=_shown(request, after),
        unknown=unknown,
    )


def _overall(states: Collection[str]) -> str:
    return MISSING if MISSING in states else "in_flight" if RUNNING in states else BACKED_UP


def _shown(request: Request, states: Mapping[str, str]) -> dict[str, Any]:
    return {"server": request.endpoint.name, "type": request.wish.kind, "databases": dict(sorted(states.items()))}


def path_of(request: Request, observed: Observed, database: Database) -> str:
    """Where the backup of this plan goes: the file carries the moment of the plan, by the server's clock."""
    return observed.server.style.join(request.folder, file_name(database.name, request.wish.kind, observed.server.now))


def statement_of(request: Request, observed: Observed, database: Database) -> str:
    moment: datetime = observed.server.now
    return backup_statement(
        database.name,
        path_of(request, observed, database),
        request.wish,
        name=f"apsaradb.migration {request.wish.kind} {moment:%Y%m%d%H%M%S}",
    )


def _folder_step(request: Request, observed: Observed) -> Step:
    folder = observed.server.style.tidy(request.folder)
    return Step(
        action=CREATE_FOLDER,
        target=request.endpoint.name,
        subject=(folder,),
        why="the folder does not exist",
        parameters={"statement": create_folder_statement(folder), "folder": folder},
    )


def _steps_of(request: Request, observed: Observed, database: Database) -> list[Step]:
    wish, path = request.wish, path_of(request, observed, database)
    chosen: dict[str, Any] = {"type": wish.kind, "copy_only": wish.copy_only, "checksum": wish.checksum}
    if wish.compression is not None:
        chosen["compression"] = wish.compression
    chosen["folder"] = observed.server.style.tidy(request.folder)

    def step(action: str, why: str, statement: str, **parameters: Any) -> Step:
        return Step(
            action=action,
            target=request.endpoint.name,
            subject=(database.name,),
            why=why,
            parameters={"statement": statement, **parameters},
            # Both hold the time, where there is a file.
            chosen_at_run_time=frozenset({"statement", "path"} if "path" in parameters else ()),
            choices={} if action == CHECK else chosen,
        )

    steps = []
    if request.check_database:
        steps.append(step(CHECK, "a damaged database is not worth a backup", check_statement(database.name)))
    why = f"no {wish.kind} backup in the folder" + (f" is at most {request.max_age:g} s old" if request.max_age else "")
    backup = BACKUPS[1] if wish.kind == LOG else BACKUPS[0]
    steps.append(step(backup, why, statement_of(request, observed, database), path=path, **chosen))
    if request.verify:
        statement = verify_statement(path, checksum=wish.checksum)
        steps.append(step(VERIFY, "the file is read back", statement, path=path))
    return steps
