# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A session with a MySQL or MariaDB server: fixed settings, read-only, failures in words.

A session is read-only because the server says so (SET SESSION TRANSACTION READ ONLY, since MySQL 5.6.5 and MariaDB
10.0, refuses rows and definitions alike); what that does not cover, such as SET GLOBAL, is refused here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

from .._failure import MigrationFailure
from .mysql_errors import MySqlFailure, connection_failure, statement_failure
from .mysql_guard import DISABLE, Server, guarded_connection, tls_context

LOWEST_DRIVER = (1, 1, 1)
# Text of values and definitions depends on these.
_SETTINGS = ("SET SESSION sql_mode = ''", "SET SESSION time_zone = '+00:00'")
_READ_ONLY = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_READING = re.compile(r"\s*(SELECT|SHOW)\b", re.IGNORECASE)
_SIDE_EFFECTS = re.compile(r"\bINTO\s+(OUTFILE|DUMPFILE)\b|\bFOR\s+UPDATE\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`", re.DOTALL)
_SLACK = 30.0
_A_DAY = 86400
Row = tuple[Any, ...]


class Session:
    """One connection. Use as a context manager, or close it. read raises MySqlFailure."""

    def __init__(self, server: Server, connection: Any) -> None:
        self.server = server
        self._connection = connection
        # MariaDB puts this before its version for clients that know no other.
        self.version = str(connection.server_version).removeprefix("5.5.5-")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    @property
    def number(self) -> tuple[int, int, int]:
        """Of the version: (10, 11, 18)."""
        found = re.match(r"(\d+)\.(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a statement that changes nothing."""
        _require_reading(statement)
        return self._run(statement, parameters)

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row."""
        return self.read(statement, parameters)[0][0]

    def named(self, statement: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows by the names of columns in lower case, for what has other columns in other versions."""
        _require_reading(statement)
        rows, names = self._rows_and_names(statement, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def begin(self) -> None:
        """What is read from now on is one state of all tables that have transactions, until the session is closed."""
        self._run(_SNAPSHOT)

    def set(self, statements: Sequence[str], *, optional: Sequence[str] = ()) -> None:
        """Settings of this session; the optional ones where the server knows them."""
        for statement in statements:
            self._run(statement)
        for statement in optional:
            with contextlib.suppress(MySqlFailure):
                self._run(statement)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._rows_and_names(statement, parameters)[0]

    def _rows_and_names(self, statement: str, parameters: Sequence[Any]) -> tuple[list[Row], list[str]]:
        server = self.server
        try:
            with self._connection.cursor() as cursor:
                # Without parameters a percent sign in a name is no placeholder.
                cursor.execute(statement, tuple(parameters) or None)
                names = [str(column[0]).lower() for column in cursor.description or ()]
                return list(cursor.fetchall()), names
        except Exception as error:
            # Also what the driver trips over, when answers are none of MySQL's.
            raise statement_failure(error, server.address, server.password or "", server.names) from None


def _require_reading(statement: str) -> None:
    bare = _QUOTED.sub("", statement)
    if not _READING.match(bare) or _SIDE_EFFECTS.search(bare):
        raise MigrationFailure(f"This is no reading statement: {statement[:200]}", code="read_only")


def connect(server: Server) -> Session:
    """A read-only session. Raises MySqlFailure."""
    _library()
    limit = server.statement_timeout
    try:
        connection = guarded_connection()(
            server,
            host=None if server.is_socket else server.host,
            port=server.port,
            unix_socket=server.host if server.is_socket else None,
            user=server.user,
            # As text the driver would take it for Latin-1.
            password=(server.password or "").encode(),
            charset="utf8mb4",
            ssl=tls_context(server),
            ssl_disabled=server.ssl_mode == DISABLE or server.is_socket,
            connect_timeout=server.connect_timeout,
            # The server ends a statement itself; this is for one that does not, or is gone.
            read_timeout=limit + _SLACK if limit else None,
            autocommit=True,
            local_infile=False,
            program_name="apsaradb.migration",
        )
    except MigrationFailure:
        raise
    except Exception as error:  # also what the driver trips over, when the greeting is none of MySQL's
        where = f"{server.address}, user {server.user}"
        raise connection_failure(error, where, server.password or "", server.names) from None
    session = Session(server, connection)
    try:
        session.set([_READ_ONLY, *_SETTINGS], optional=_limits(session))
    except MigrationFailure:
        session.close()
        raise
    return session


def _limits(session: Session) -> list[str]:
    limit = session.server.statement_timeout
    return [
        f"SET SESSION lock_wait_timeout = {max(1, round(session.server.lock_timeout))}",
        f"SET SESSION wait_timeout = {_A_DAY}",
        # Sizes and times of change are to be those of now.
        "SET SESSION information_schema_stats_expiry = 0",
        f"SET SESSION max_statement_time = {limit:g}"
        if session.is_mariadb
        else f"SET SESSION max_execution_time = {round(limit * 1000)}",
    ]


def identifier(*parts: str) -> str:
    """A name, or a qualified name, quoted."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def _library() -> Any:
    try:
        import pymysql
    except ImportError:
        raise MigrationFailure(
            "The Python library PyMySQL (1.1.1 or later) is missing where the module runs.",
            code="missing_library",
            remedy="Install it for the Python that runs the module: pip install 'PyMySQL[rsa]>=1.1.1'.",
        ) from None
    if tuple(pymysql.VERSION[:3]) < LOWEST_DRIVER:
        raise MigrationFailure(
            f"PyMySQL {'.'.join(map(str, pymysql.VERSION[:3]))} is too old.",
            code="missing_library",
            remedy="Install a newer one: pip install 'PyMySQL[rsa]>=1.1.1'.",
        )
    return pymysql
