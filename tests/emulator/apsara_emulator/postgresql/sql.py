# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to servers. psycopg is imported when the first one is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..servers.errors import ServerError

Row = dict[str, Any]


class SqlError(ServerError):
    """A server refused a connection or a statement. `sqlstate` is PostgreSQL's code, empty without one."""

    def __init__(self, text: str, sqlstate: str = "") -> None:
        super().__init__(text)
        self.sqlstate = sqlstate


class Session:
    """A connection; each statement is a transaction of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """The rows of a query, by column name. SqlError if the server refuses it."""
        import psycopg

        try:
            cursor = self._connection.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []
        except psycopg.Error as error:
            raise _told(error) from error

    def row(self, statement: str, *values: Any) -> Row:
        """The only row of a query. SqlError if there is none."""
        rows = self.rows(statement, *values)
        if not rows:
            raise SqlError("the server answered without a row")
        return rows[0]

    def value(self, statement: str, *values: Any) -> Any:
        """The only value of a query."""
        return next(iter(self.row(statement, *values).values()))

    def run(self, statement: str, *values: Any) -> None:
        """A statement whose answer does not matter."""
        self.rows(statement, *values)


@contextmanager
def session(**parameters: Any) -> Iterator[Session]:
    """A connection with the parameters of libpq. SqlError if it cannot be made."""
    import psycopg
    from psycopg.rows import dict_row

    settings = {"connect_timeout": 5, "application_name": "apsara_emulator", **parameters}
    try:
        connection = psycopg.connect(**settings, autocommit=True, row_factory=dict_row)
    except psycopg.Error as error:
        raise _told(error) from error
    with connection:
        yield Session(connection)


def replication_refusal(**parameters: Any) -> str:
    """Why the server refuses a replication connection; empty if it accepts one."""
    from psycopg import conninfo, pq

    settings = {"connect_timeout": 5, **parameters, "replication": "true"}
    settings.pop("dbname", None)
    connection = pq.PGconn.connect(conninfo.make_conninfo(**settings).encode())
    try:
        if connection.status != pq.ConnStatus.OK:
            return one_line(connection.error_message.decode(errors="replace"))
        answer = connection.exec_(b"IDENTIFY_SYSTEM")
        if answer.status != pq.ExecStatus.TUPLES_OK:
            return one_line(answer.error_message.decode(errors="replace"))
        return ""
    finally:
        connection.finish()


def quoted(name: str) -> str:
    """A name in a statement."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in a statement."""
    return "'" + text.replace("'", "''") + "'"


def one_line(text: str) -> str:
    """A message of libpq as one line."""
    return " ".join(text.split())


def _told(error: Any) -> SqlError:
    return SqlError(one_line(str(error)), error.sqlstate or "")
