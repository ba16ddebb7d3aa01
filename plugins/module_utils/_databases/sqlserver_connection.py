# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The connection to a SQL Server: one statement at a time, each on its own, and none that writes in a rehearsal.

The driver is pymssql. Its errors are (number, text) pairs; numbers from 20000 on are those of the client library
(FreeTDS, sybdb.h), smaller ones those of the server.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .._failure import MigrationFailure
from .sqlserver_language import only_reads

LOWEST_DRIVER = (2, 2, 7)
# The first that knows the parameter `encryption`.
_ENCRYPTING_DRIVER = (2, 2, 11)
# FreeTDS: time-out, read and write failures, unexpected end, dead process.
_BROKEN = frozenset({20002, 20003, 20004, 20006, 20017, 20020, 20047, 20056})
_LOGIN_FAILED, _CANNOT_OPEN = 18456, 4060
_PERMISSION_DENIED = frozenset({229, 230, 262, 297, 300, 916, 15247})

Row = Mapping[str, Any]


class SqlServerError(MigrationFailure):
    """The server refused a statement; code is its error number."""

    @property
    def denied(self) -> bool:
        """A permission is missing."""
        return self.code.isdecimal() and int(self.code) in _PERMISSION_DENIED


class ConnectionBroken(MigrationFailure):
    """The connection broke while a statement ran. Whether it took effect has to be looked up."""

    transient = True


class CannotConnect(MigrationFailure):
    """No session was opened; nothing was sent."""

    transient = True


class WriteRefused(MigrationFailure):
    """A session of a rehearsal was given a statement that may write. A bug in the collection; nothing was sent."""


class Endpoint(NamedTuple):
    """Where a SQL Server listens and who calls. login_timeout: seconds. encryption: require, request, off or driver."""

    host: str
    user: str
    password: str
    port: int | None = None
    instance: str = ""
    encryption: str = "require"
    login_timeout: int = 30
    tds_version: str = ""

    def __repr__(self) -> str:
        return f"Endpoint({self.name})"

    @property
    def name(self) -> str:
        """As users write it, for messages and plans."""
        if self.instance:
            return f"{self.host}\\{self.instance}"
        return self.host if self.port in (None, 1433) else f"{self.host},{self.port}"


class Session:
    """One connection that is opened when it is needed. read_only: refuse every statement that is not known to read."""

    def __init__(
        self, endpoint: Endpoint, *, read_only: bool, connect: Callable[[Endpoint], Any] | None = None
    ) -> None:
        self.endpoint = endpoint
        self.read_only = read_only
        self._connect = connect or connect_with_pymssql
        self._connection: Any = None

    def rows(self, statement: str) -> list[Row]:
        """What a reading statement returns. Raises WriteRefused for any other, in a real run as well."""
        if not only_reads(statement):
            raise _refusal(statement)
        return self._execute(statement)

    def execute(self, statement: str) -> None:
        """Carries out a statement, to its very end: SQL Server ends a backup whose results nobody fetches.

        Raises SqlServerError, ConnectionBroken, CannotConnect, WriteRefused.
        """
        if self.read_only and not only_reads(statement):
            raise _refusal(statement)
        self._execute(statement)

    def execute_within(self, statement: str, seconds: float) -> bool:
        """The same for a statement that may take hours. False: it is not over, and ends with the process."""
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self.execute(statement)
            except BaseException as error:  # raised again below, in the thread that waits
                failed.append(error)

        worker = threading.Thread(target=run, daemon=True)
        worker.start()
        worker.join(seconds)
        if worker.is_alive():
            return False
        if failed:
            raise failed[0]
        return True

    def another(self) -> Session:
        """A second session to the same server, with the same rights to write."""
        return Session(self.endpoint, read_only=self.read_only, connect=self._connect)

    def close(self) -> None:
        """Ends the session, and with it whatever it still runs."""
        connection, self._connection = self._connection, None
        if connection is not None:
            # A driver may complain about a connection that is gone already.
            with contextlib.suppress(Exception):
                connection.close()

    def _execute(self, statement: str) -> list[Row]:
        try:
            if self._connection is None:
                self._connection = self._connect(self.endpoint)
            cursor = self._connection.cursor()
            cursor.execute(statement)
            names = [column[0] for column in cursor.description or ()]
            rows: list[Row] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()] if names else []
            while cursor.nextset():
                pass
        except MigrationFailure:
            raise
        except Exception as error:  # drivers raise what they like for a connection that breaks
            failure = _failure_of(error, statement, self.endpoint)
            if isinstance(failure, ConnectionBroken):
                self.close()
            raise failure from None
        return rows


def missing_driver() -> str:
    """Why the driver cannot be used, or nothing. The word is for Ansible's message about missing libraries."""
    try:
        import pymssql
    except ImportError:
        return "pymssql"
    return "pymssql >= 2.2.7" if _version(pymssql) < LOWEST_DRIVER else ""


def _version(driver: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", str(driver.__version__))[:3])


def connect_with_pymssql(endpoint: Endpoint) -> Any:
    """A connection that commits each statement by itself: BACKUP cannot run in a transaction. Raises CannotConnect."""
    import pymssql

    parameters: dict[str, Any] = {
        "server": f"{endpoint.host}\\{endpoint.instance}" if endpoint.instance else endpoint.host,
        "user": endpoint.user,
        "password": endpoint.password,
        "database": "master",
        "login_timeout": endpoint.login_timeout,
        "appname": "apsaradb.migration",
        "autocommit": True,
    }
    if not endpoint.instance:
        parameters["port"] = str(endpoint.port or 1433)
    if endpoint.tds_version:
        parameters["tds_version"] = endpoint.tds_version
    if endpoint.encryption != "driver":
        if _version(pymssql) < _ENCRYPTING_DRIVER:
            raise MigrationFailure(
                "The pymssql that is installed cannot be told whether to encrypt.",
                code="old_driver",
                remedy="Install pymssql 2.2.11 or later, or set encryption: driver to leave it to freetds.conf.",
            )
        parameters["encryption"] = endpoint.encryption
    try:
        return pymssql.connect(**parameters)
    except pymssql.Error as error:
        number, text = _number_and_text(error)
        raise CannotConnect(
            f"No connection to {endpoint.name}: {_clean(text, endpoint)}",
            code=str(number) if number else "cannot_connect",
            remedy=_connection_remedy(number),
        ) from None


def _connection_remedy(number: int) -> str:
    if number == _LOGIN_FAILED:
        return "Correct user and password, and see whether the server allows SQL Server logins."
    if number == _CANNOT_OPEN:
        return "The login may not open master; give it a user there."
    return (
        "Correct host, port or instance; see whether TCP/IP is enabled, a firewall is in between, or encryption fits."
    )


def _refusal(statement: str) -> WriteRefused:
    return WriteRefused(
        f"{' '.join(statement.split()[:2])} may write where only reading is allowed. Nothing was sent.",
        code="write_in_check_mode",
        action=statement.split()[0] if statement.split() else "",
        remedy="This is a bug in the collection; please report it.",
    )


def _failure_of(error: Exception, statement: str, endpoint: Endpoint) -> MigrationFailure:
    number, text = _number_and_text(error)
    action = " ".join(statement.split()[:2])
    if number in _BROKEN or (not number and type(error).__name__ in ("InterfaceError", "OSError", "ConnectionError")):
        return ConnectionBroken(
            f"The connection to {endpoint.name} broke while {action} ran: {_clean(text, endpoint)}",
            code=str(number or "connection_broken"),
            action=action,
            remedy="Run the playbook again: it looks at what the server did first.",
        )
    return SqlServerError(
        f"{action} failed on {endpoint.name}: {_clean(text, endpoint)}",
        code=str(number or type(error).__name__),
        action=action,
        remedy="See the server's error log for more.",
    )


def _number_and_text(error: Exception) -> tuple[int, str]:
    """pymssql raises with (number, text), with one pair of them, or with a text alone; texts may be bytes."""
    arguments = error.args
    if len(arguments) == 1 and isinstance(arguments[0], tuple):
        arguments = arguments[0]
    number = next((a for a in arguments if isinstance(a, int)), 0)
    texts = [a.decode("utf-8", "replace") if isinstance(a, bytes) else a for a in arguments]
    return number, " ".join(text for text in texts if isinstance(text, str)) or type(error).__name__


def _clean(text: str, endpoint: Endpoint) -> str:
    """On one line, without the driver's own repetitions, and without the password, should it ever turn up."""
    text = re.sub(r"DB-Lib error message \d+, severity \d+:\s*", "", text)
    text = re.sub(r"General SQL Server error: Check messages from the SQL Server\s*", "", text)
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.strip())
    joined = " ".join(lines)
    return (joined.replace(endpoint.password, "********") if endpoint.password else joined)[:1000]
