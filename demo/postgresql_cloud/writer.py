# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An application that writes to a PostgreSQL server, and goes where it can write when it no longer can.

Commits one row after the other to the source. When the source refuses, it tries the target as well, in a database of
its own, so that what is compared stays as it was. Every commit that was acknowledged becomes a line of the log, written
after the acknowledgement. It ends after its first write to the target, or when it is killed.

usage: writer.py LOG    with a JSON document on standard input: source (host, port, user, password), control, instance
"""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import time
import urllib.request
from typing import Any, TextIO

import psycopg

# Seconds between two commits, and between two attempts.
PAUSE = 0.01
ORDER = "insert into orders (customer, amount) values (1, 9.99) returning id"
SIGN = "insert into signs values (1) returning 0"


class Connection:
    """One session, made again when it broke."""

    def __init__(self, server: dict[str, Any], database: str) -> None:
        self._login = {**server, "dbname": database, "connect_timeout": 3}
        self._session: psycopg.Connection[Any] | None = None

    def commit(self, statement: str) -> int | None:
        """The statement's number once it is committed; None where the server refuses."""
        try:
            if self._session is None:
                self._session = psycopg.connect(**self._login, autocommit=True)
            row = self._session.execute(statement).fetchone()
        except psycopg.Error:
            self._close()
            return None
        return int(row[0]) if row else None

    def _close(self) -> None:
        if self._session is not None:
            with contextlib.suppress(psycopg.Error):
                self._session.close()
        self._session = None


def write(told: dict[str, Any], log: TextIO) -> None:
    source = Connection(told["source"], "shop")
    target: Connection | None = None
    while True:
        row = source.commit(ORDER)
        if row is not None:
            note(log, "source", row)
        else:
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
    return Connection({**told["source"], "host": server["host"], "port": server["port"]}, "signs")


if __name__ == "__main__":
    with pathlib.Path(sys.argv[1]).open("a", encoding="utf-8") as file:
        write(json.load(sys.stdin), file)
