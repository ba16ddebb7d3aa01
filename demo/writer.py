# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes to a database server, and goes where it can write when it no longer can.

Commits one row after the other to the source. When the source refuses, it tries the target as well, if it was told of
one, in a database of its own, so that what is compared stays as it was. Every commit that was acknowledged becomes a
line of the log, written after the acknowledgement. It ends after its first write to the target, or when it is killed.

usage: writer.py LOG, with a JSON document on standard input:
  engine (PostgreSQL or MySQL), source (host, port, user, password), database, order (a statement that returns a number)
  and, where there is a target to go to: control, instance
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import time
import urllib.request
from typing import Any, TextIO

# Seconds between two commits, and between two attempts.
PAUSE = 0.01
SIGN = "insert into signs values (1) returning 0"


class Connection:
    """One session, made again when it broke."""

    def __init__(self, engine: str, server: dict[str, Any], database: str) -> None:
        self._engine = engine
        self._server, self._database = server, database
        self._session: Any = None

    def commit(self, statement: str) -> int | None:
        """The statement's number once it is committed; None where the server refuses."""
        try:
            if self._session is None:
                self._session = self._connect()
            with self._session.cursor() as cursor:
                cursor.execute(statement)
                row = cursor.fetchone()
        except self._error:
            self._close()
            return None
        return int(row[0]) if row else None

    def _connect(self) -> Any:
        if self._engine == "PostgreSQL":
            import psycopg

            return psycopg.connect(**self._server, dbname=self._database, connect_timeout=3, autocommit=True)
        import pymysql

        return pymysql.connect(**self._server, database=self._database, connect_timeout=3, autocommit=True)

    @property
    def _error(self) -> type[Exception]:
        if self._engine == "PostgreSQL":
            import psycopg

            return psycopg.Error
        import pymysql

        return pymysql.MySQLError

    def _close(self) -> None:
        if self._session is not None:
            with contextlib.suppress(self._error):
                self._session.close()
        self._session = None


def write(told: dict[str, Any], log: TextIO) -> None:
    source = Connection(told["engine"], told["source"], told["database"])
    target: Connection | None = None
    while True:
        row = source.commit(told["order"])
        if row is not None:
            note(log, "source", row)
        elif "instance" in told:
            target = target or find_target(told)
            if target is not None and target.commit(SIGN) is not None:
                note(log, "target", None)
                return
        time.sleep(PAUSE)


def note(log: TextIO, server: str, row: int | None) -> None:
    print(json.dumps({"server": server, "row": row, "time": time.time()}), file=log, flush=True)


def find_target(told: dict[str, Any]) -> Connection | None:
    """The address that an application would have been given; accounts and passwords come over with the data."""
    try:
        with urllib.request.urlopen(f"{told['control']}/postgresql", timeout=3) as answer:
            found = {server["instance"]: server for server in json.load(answer)["instances"]}
    except OSError:
        return None
    server = found.get(told["instance"])
    if server is None:
        return None
    address = {**told["source"], "host": server["host"], "port": server["port"]}
    return Connection(told["engine"], address, "signs")


if __name__ == "__main__":
    with pathlib.Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        write(json.load(sys.stdin), file)
