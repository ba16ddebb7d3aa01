# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements to MariaDB and MySQL servers. PyMySQL is imported when the first one is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..servers.errors import ServerError

Row = dict[str, Any]


class SqlError(ServerError):
    """A server refused a connection or a statement. `number` is the server's error number, 0 without one."""

    def __init__(self, text: str, number: int = 0) -> None:
        super().__init__(text)
        self.number = number


class Session:
    """A connection. Each statement is a transaction of its own unless `begin` is sent."""

    def __init__(self, connection: Any, parameters: Mapping[str, Any]) -> None:
        self._connection = connection
        self._parameters = parameters

    def rows(self, statement: str, *values: object) -> list[Row]:
        """The rows of a statement, by column name. SqlError if the server refuses it."""
        with _told(), self._connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def row(self, statement: str, *values: object) -> Row:
        """The first row of a statement. SqlError if there is none."""
        rows = self.rows(statement, *values)
        if not rows:
            raise SqlError("the server answered without a row")
        return rows[0]

    def value(self, statement: str, *values: object) -> Any:
        """The first value of a statement's first row."""
        return next(iter(self.row(statement, *values).values()))

    def run(self, statement: str, *values: object) -> int:
        """A statement whose rows do not matter. How many rows it has changed."""
        with _told(), self._connection.cursor() as cursor:
            return int(cursor.execute(statement, values or None))

    def dump(self, command: int, request: bytes) -> Iterator[bytes]:
        """The packets that a replication command is answered with, until the server says that there are no more.

        Afterwards the connection is of no use. SqlError if the server refuses.
        """
        with _told():
            self._connection._execute_command(command, request)
        while True:
            with _told():
                packet = self._connection._read_packet()
            if packet.is_eof_packet():
                return
            yield packet.get_all_data()

    def script(self, statements: str) -> None:
        """Several statements, each ended by a semicolon. SqlError with the first one that is refused."""
        from pymysql.constants import CLIENT

        with (
            session(**{**self._parameters, "client_flag": CLIENT.MULTI_STATEMENTS}) as one,
            _told(),
            one._connection.cursor() as cursor,
        ):
            cursor.execute(statements)
            while cursor.nextset():
                pass


@contextmanager
def session(**parameters: Any) -> Iterator[Session]:
    """A connection with the parameters of PyMySQL. SqlError if it cannot be made."""
    import pymysql
    from pymysql.cursors import DictCursor

    # Even to find out that a server has no TLS, PyMySQL would read every certificate of the computer each time.
    fixed = {"connect_timeout": 5, "charset": "utf8mb4", "autocommit": True, "ssl_disabled": True}
    # As other clients send it; PyMySQL would make Latin-1 of a text.
    password = str(parameters.get("password", "")).encode()
    settings = {**fixed, **parameters, "password": password}
    with _told():
        connection = pymysql.connect(**settings, cursorclass=DictCursor)
    try:
        yield Session(connection, parameters)
    finally:
        connection.close()


def quoted(*names: str) -> str:
    """A name in a statement, with what it lies in before it."""
    return ".".join("`" + one.replace("`", "``") + "`" for one in names)


@contextmanager
def _told() -> Iterator[None]:
    import pymysql

    try:
        yield
    except (pymysql.MySQLError, OSError) as error:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        text = str(error.args[1]) if len(error.args) > 1 else str(error)
        raise SqlError(" ".join(text.split()), number) from error
