# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a SQL Server tells about itself, its databases and their backups. Reads only.

Views, columns and functions: Microsoft's reference (SQL Server 2008 R2 and later; what came later is asked for by
version). None: the server did not tell, or the login may not see it. Moments are of the server's own clock, without
offset, as msdb keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from . import sqlserver_queries as queries
from .sqlserver_backup_statements import FULL, LETTERS, LOG, PathStyle
from .sqlserver_connection import Row, Session, SqlServerError
from .sqlserver_language import quoted_name, quoted_text

_PAGE = 8192
_KINDS = {letter: kind for kind, letter in LETTERS.items()}
_LAST_SYSTEM_DATABASE = 4
# What has no user databases of this name, and is a system database on every server.
SYSTEM_DATABASES = frozenset({"master", "model", "msdb", "tempdb"})
SQL_2012, SQL_2017 = 11, 14


class Server(NamedTuple):
    """now: the server's clock. compresses: whether backups are compressed where nothing is said about it."""

    name: str
    version: str
    edition: str
    engine_edition: int | None
    collation: str
    hadr: bool
    now: datetime
    sysadmin: bool
    sees_state: bool
    sees_history: bool
    compresses: bool | None
    style: PathStyle

    @property
    def major(self) -> int:
        return int(self.version.split(".", maxsplit=1)[0] or 0)

    @property
    def case_matters(self) -> bool:
        """In names of databases, which follow the server's collation."""
        return any(mark in f"{self.collation}_" for mark in ("_CS_", "_BIN_", "_BIN2_"))


class Database(NamedTuple):
    """allocated: bytes of its data files. log_chain: whether a log backup can be taken; None if not told."""

    name: str
    system: bool
    state: str
    recovery_model: str
    read_only: bool
    auto_close: bool
    encrypted: bool
    snapshot: bool
    created: datetime | None
    may_back_up: bool | None
    may_back_up_log: bool | None
    last_check: datetime | None
    log_chain: bool | None
    allocated: int | None


class Backup(NamedTuple):
    """A backup that msdb has as finished. size: bytes in the file."""

    database: str
    kind: str
    path: str
    start: datetime | None
    finish: datetime
    size: int | None
    guid: str
    copy_only: bool
    checksums: bool
    compressed: bool
    damaged: bool
    alone: bool  # one set in one file on a disk


class Running(NamedTuple):
    """A backup that runs now. database: None where the server does not tell which. progress: percent."""

    database: str | None
    kind: str | None
    session: int
    progress: float | None


class FileState(NamedTuple):
    file: bool
    folder: bool


def server(session: Session) -> Server:
    row = session.rows(queries.SERVER)[0]
    version = str(row["version"] or "")
    platform = "Windows"
    if version and int(version.split(".", maxsplit=1)[0]) >= SQL_2017:
        told = _unless_refused(session, queries.PLATFORM)
        platform = str(told[0]["platform"]) if told else platform
    return Server(
        name=str(row["name"] or session.endpoint.name),
        version=version,
        edition=str(row["edition"] or ""),
        engine_edition=row["engine_edition"],
        collation=str(row["collation_name"] or ""),
        hadr=bool(row["hadr"]),
        now=datetime.fromisoformat(row["now"]),
        sysadmin=bool(row["sysadmin"]),
        sees_state=bool(row["view_state"]),
        sees_history=bool(row["view_history"]),
        compresses=None if row["compression"] is None else bool(row["compression"]),
        style=PathStyle(windows=platform != "Linux"),
    )


def databases(session: Session) -> dict[str, Database]:
    return {row["name"]: _database(row) for row in session.rows(queries.DATABASES)}


def _database(row: Row) -> Database:
    simple = row["recovery_model"] == "SIMPLE"
    return Database(
        name=row["name"],
        system=row["id"] <= _LAST_SYSTEM_DATABASE or bool(row["distributor"]),
        state="STANDBY" if row["standby"] else row["state"],
        recovery_model=row["recovery_model"],
        read_only=bool(row["is_read_only"]),
        auto_close=bool(row["auto_close"]),
        encrypted=bool(row["encrypted"]),
        snapshot=row["snapshot_of"] is not None,
        created=_moment(row["created"]),
        may_back_up=_yes_or_no(row["may_back_up"]),
        may_back_up_log=_yes_or_no(row["may_back_up_log"]),
        last_check=_moment(row["last_check"]),
        log_chain=not simple and row["last_log_lsn"] is not None,
        allocated=None if row["allocated_pages"] is None else int(row["allocated_pages"]) * _PAGE,
    )


def secondaries(session: Session, on: Server) -> frozenset[str] | None:
    """Databases of which this server holds a secondary replica."""
    if on.major < SQL_2012 or not on.hadr:
        return frozenset()
    rows = _unless_refused(session, queries.SECONDARIES)
    return None if rows is None else frozenset(row["name"] for row in rows)


def history(session: Session, *, newer_than: int) -> list[Backup]:
    """Backups that finished in the last `newer_than` seconds, oldest first."""
    return _backups(session, f"s.backup_finish_date >= DATEADD(second, -{int(newer_than)}, GETDATE())")


def history_of_file(session: Session, path: str) -> list[Backup]:
    return _backups(session, f"f.physical_device_name = {quoted_text(path)}")


def newest_base(session: Session, database: str) -> Backup | None:
    """The full backup that a differential backup would build on."""
    return next(iter(_backups(session, queries.NEWEST_BASE.format(quoted_text(database)))), None)


def _backups(session: Session, condition: str) -> list[Backup]:
    return [_backup(row) for row in session.rows(queries.HISTORY + condition + " ORDER BY s.backup_set_id")]


def _backup(row: Row) -> Backup:
    plain, stored = row["backup_size"], row["compressed_size"]
    return Backup(
        database=row["name"],
        kind=_KINDS[row["letter"]],
        path=str(row["path"] or ""),
        start=_moment(row["start"]),
        finish=datetime.fromisoformat(row["finish"]),
        size=None if stored is None and plain is None else int(plain if stored is None else stored),
        guid=str(row["guid"] or ""),
        copy_only=bool(row["copy_only"]),
        checksums=bool(row["checksums"]),
        compressed=stored is not None and plain is not None and int(stored) < int(plain),
        damaged=bool(row["damaged"]),
        alone=row["position"] == 1 and row["families"] == 1 and row["device"] in (2, 102),
    )


def running_backups(session: Session) -> list[Running] | None:
    rows = _unless_refused(session, queries.RUNNING)
    if rows is None:
        return None
    return [
        Running(
            row["name"],
            LOG if row["command"] == "BACKUP LOG" else FULL if row["command"] == "BACKUP DATABASE" else None,
            row["session"],
            row["progress"],
        )
        for row in rows
    ]


def numbers(session: Session, statement: str) -> dict[str, int] | None:
    """{database: number} of WRITERS, SESSIONS or LOG_SIZES."""
    rows = _unless_refused(session, statement)
    return None if rows is None else {row["name"]: int(row["number"]) for row in rows if row["name"] is not None}


def used_bytes(session: Session, database: str) -> int | None:
    """What the pages in use take, which is what an uncompressed full backup holds."""
    units = f"{quoted_name(database)}.sys.allocation_units"
    statement = f"SELECT SUM(CONVERT(bigint, a.total_pages)) AS pages FROM {units} AS a"  # noqa: S608  # a quoted name
    rows = _unless_refused(session, statement)
    return int(rows[0]["pages"]) * _PAGE if rows and rows[0]["pages"] is not None else None


def file_state(session: Session, on: Server, path: str) -> FileState | None:
    """Whether there is a file, or a folder, as the server's own account sees it."""
    if on.major >= SQL_2017:
        ask = "SELECT e.file_exists AS is_file, e.file_is_a_directory AS is_folder FROM sys.dm_os_file_exists"
        rows = _unless_refused(session, f"{ask}({quoted_text(path)}) AS e")
        return FileState(bool(rows[0]["is_file"]), bool(rows[0]["is_folder"])) if rows else None
    rows = _unless_refused(session, f"EXEC master.dbo.xp_fileexist {quoted_text(path)}")
    return FileState(bool(rows[0]["File Exists"]), bool(rows[0]["File is a Directory"])) if rows else None


def free_bytes(session: Session, on: Server, folder: str) -> int | None:
    """Free space of the volume that a folder is on; None for shares and for volumes the server does not list."""
    found: dict[str, int] = {}
    for row in _unless_refused(session, queries.VOLUMES) or []:
        if row["mount"] is not None and row["free"] is not None:
            found[row["mount"]] = int(row["free"])
    for row in _unless_refused(session, queries.DRIVES if on.major >= SQL_2017 else queries.OLD_DRIVES) or []:
        mount, free = _drive(row)
        found.setdefault(mount, free)
    fitting = [mount for mount in found if on.style.lies_on(folder, mount)]
    return found[max(fitting, key=len)] if fitting else None


def _drive(row: Row) -> tuple[str, int]:
    if "drive" in row:
        return f"{row['drive']}:\\", int(row["MB free"]) * 1024**2
    return str(row["mount"]), int(row["free"])


def _unless_refused(session: Session, statement: str) -> list[Row] | None:
    """None where the login may not ask, or this version does not know the view."""
    try:
        return session.rows(statement)
    except SqlServerError:
        return None


def _moment(text: Any) -> datetime | None:
    """1900-01-01 is how some properties say never."""
    return datetime.fromisoformat(text) if text else None


def _yes_or_no(value: Any) -> bool | None:
    return None if value is None else bool(value)


def newest(backups: Iterable[Backup]) -> Backup | None:
    return max(backups, key=lambda backup: backup.finish, default=None)
