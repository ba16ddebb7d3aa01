# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a source stood still while it was compared, by the positions of its binary log.

What changes rows or definitions is written there. Nothing was written where the position (and the GTIDs) at the end are
those of the beginning, and no transaction with changes was open at either. Where the position moved, what was written
in between is read: transactions that touch only databases that are not compared, such as a heartbeat of the service in
`mysql`, do not matter. A server without a binary log, or one that does not show it to the account, is never believed.

Written past the binary log (sql_log_bin = 0, a replica without log_slave_updates) shows in the times of change of
tables, where the server keeps them (InnoDB: MySQL 5.7, MariaDB 10.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from .mysql_compare_definitions import text
from .mysql_connection import Session, connect
from .mysql_errors import MySqlFailure
from .mysql_guard import Server

_PAGE = 2000
_MOST_EVENTS = 200_000
_TABLE = re.compile(r"table_id: \d+ \((.+)\)\s*$", re.DOTALL)
# Events that change nothing, or what a Table_map before them has named.
_HARMLESS = re.compile(
    r"Format_desc|Previous_gtids|Gtid|Gtid_list|Anonymous_Gtid|Binlog_checkpoint|Start_encryption|Rotate|Stop|Xid"
    r"|XA_prepare|Annotate_rows|Rows_query|Heartbeat|Ignorable|Transaction_context|View_change"
    r"|(Write|Update|Delete)_rows\w*",
    re.IGNORECASE,
)


class Moment(NamedTuple):
    """file, offset: the position; None without. trouble: why there is none. gtid: GTIDs that were executed. server:
    which one answered.

    writers: open transactions that changed something; None where the account may not see them. replica: whether it
    applies changes of another server; None if that may not be seen. updated: times of change by database and table.
    """

    file: str | None = None
    offset: int = 0
    trouble: str = ""
    gtid: str | None = None
    read_only: bool | None = None
    writers: int | None = None
    replica: bool | None = None
    updated: Mapping[tuple[str, str], str] = {}
    server: str = ""

    @property
    def position(self) -> str | None:
        return None if self.file is None else f"{self.file}:{self.offset}"


class Written(NamedTuple):
    """What the binary log says of the time between. tables: that were touched, as `database.table`. doubt: why that is
    not known.
    """

    tables: frozenset[str] = frozenset()
    doubt: str = ""


def look(server: Server, databases: Collection[str]) -> Moment:
    """One moment. Only what the account may not see is missing from it; other failures are raised."""
    with connect(server) as session:
        seen = _position(session)
        return seen._replace(
            gtid=_gtid(session),
            read_only=text(session.value("SELECT @@GLOBAL.read_only")).upper() not in ("0", "OFF"),
            writers=_writers(session),
            replica=_replica(session),
            updated=_updated(session, databases),
            server=" ".join(text(value) for value in session.read("SELECT @@GLOBAL.hostname, @@GLOBAL.server_id")[0]),
        )


def _position(session: Session) -> Moment:
    if not int(session.value("SELECT @@GLOBAL.log_bin")):
        return Moment(trouble="it keeps no binary log (log_bin is off), so that cannot be told")
    newer = not session.is_mariadb and session.number >= (8, 2, 0)
    try:
        rows = session.named("SHOW BINARY LOG STATUS" if newer else "SHOW MASTER STATUS")
    except MySqlFailure as failure:
        if not failure.denied:
            raise
        return Moment(
            trouble="the account may not see the binary log's position (GRANT REPLICATION CLIENT, on MariaDB since "
            "10.5 BINLOG MONITOR)"
        )
    if not rows:
        return Moment(trouble="it tells no position of its binary log")
    filters = [name for name in ("binlog_do_db", "binlog_ignore_db") if text(rows[0].get(name))]
    if filters:
        return Moment(trouble=f"its binary log leaves databases out ({', '.join(filters)}), so that cannot be told")
    return Moment(text(rows[0]["file"]), int(rows[0]["position"]))


def _gtid(session: Session) -> str | None:
    """Of a server that has GTIDs; None where it has none, or does not tell."""
    name = "gtid_current_pos" if session.is_mariadb else "gtid_executed"
    try:
        return "".join(text(session.value(f"SELECT @@GLOBAL.{name}")).split())
    except MySqlFailure:
        return None


def _writers(session: Session) -> int | None:
    try:
        return int(session.value("SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_rows_modified > 0") or 0)
    except MySqlFailure as failure:
        if not failure.denied:
            raise
        return None


def _replica(session: Session) -> bool | None:
    newer = not session.is_mariadb and session.number >= (8, 0, 22)
    try:
        return bool(session.named("SHOW REPLICA STATUS" if newer else "SHOW SLAVE STATUS"))
    except MySqlFailure as failure:
        if not failure.denied:
            raise
        return None


def _updated(session: Session, databases: Collection[str]) -> dict[tuple[str, str], str]:
    found = {}
    for database in databases:
        rows = session.read(
            "SELECT TABLE_NAME, UPDATE_TIME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", (database,)
        )
        found.update({(database, text(name)): text(when) for name, when in rows})
    return found


def changed_tables(before: Moment, after: Moment) -> list[tuple[str, ...]]:
    """(database, table) of tables whose time of change is another one. Pure."""
    return sorted(key for key, when in after.updated.items() if when != before.updated.get(key, ""))


def written_between(server: Server, before: Moment, after: Moment) -> Written:
    """Which tables were written to, read from the binary log where its position moved."""
    if before.file is None or after.file is None or before.position == after.position:
        return Written()
    try:
        with connect(server) as session:
            return _read_log(session, before, after)
    except MySqlFailure as failure:
        return Written(doubt=f"the binary log moved on, and what was written there could not be read: {failure}")


def _read_log(session: Session, before: Moment, after: Moment) -> Written:
    names = [text(row["log_name"]) for row in session.named("SHOW BINARY LOGS")]
    if before.file not in names or after.file not in names:
        return Written(doubt="the binary log moved on, and its files are gone")
    if (names.index(before.file), before.offset) > (names.index(after.file), after.offset):
        return Written(doubt="the binary log was begun anew")
    touched: set[str] = set()
    left = _MOST_EVENTS
    for name in names[names.index(before.file) : names.index(after.file) + 1]:
        start = before.offset if name == before.file else 4
        end = after.offset if name == after.file else None
        while left > 0:
            rows = session.named(f"SHOW BINLOG EVENTS IN '{_literal(name)}' FROM {start} LIMIT {min(_PAGE, left)}")
            page = [row for row in rows if end is None or int(row["pos"]) < end]
            left -= len(page)
            for row in page:
                table, doubt = of_event(row)
                if doubt:
                    return Written(frozenset(touched), doubt)
                touched |= {table} if table else set()
            if len(page) < _PAGE:
                break
            start = int(page[-1]["end_log_pos"])
    if left <= 0:
        return Written(frozenset(touched), f"more than {_MOST_EVENTS} events were written to the binary log")
    return Written(frozenset(touched))


def _literal(name: str) -> str:
    return name.replace("\\", "\\\\").replace("'", "''")


def of_event(row: Mapping[str, Any]) -> tuple[str, str]:
    """The `database.table` that an event touches, if any, and why that cannot be told. Pure."""
    kind, info = text(row["event_type"]), text(row["info"])
    if kind.lower() == "table_map":
        match = _TABLE.search(info)
        if match is None:
            return "", "an event of the binary log names no table"
        return match[1], ""
    if kind.lower() == "query" and info.strip().upper().rstrip(";") in ("BEGIN", "COMMIT", "ROLLBACK"):
        return "", ""
    if _HARMLESS.fullmatch(kind):
        return "", ""
    return "", f"a statement was written to the binary log ({kind})"


def doubts(before: Moment, after: Moment, written: Written, databases: Collection[str]) -> list[str]:
    """Why it is not proven that the server stood still; empty if it is. Pure."""
    trouble = before.trouble or after.trouble
    if trouble:
        return [trouble]
    if before.server != after.server:
        return ["another server answered at the end than at the beginning"]
    found = []
    if before.writers is None or after.writers is None:
        found.append("the account may not see the transactions of others (GRANT PROCESS)")
    elif before.writers or after.writers:
        found.append(f"{max(before.writers, after.writers)} transactions were writing")
    if before.position != after.position or before.gtid != after.gtid:
        found += _moved(before, after, written, databases)
    changed = changed_tables(before, after)
    if changed:
        found.append(f"tables were written to: {', '.join('.'.join(key) for key in changed[:5])}")
    return found


def _moved(before: Moment, after: Moment, written: Written, databases: Collection[str]) -> list[str]:
    if written.doubt:
        return [written.doubt]
    # Nobody quotes the names here; one that may be meant is taken for it.
    compared = sorted(table for table in written.tables if any(table.startswith(f"{name}.") for name in databases))
    if compared:
        return [f"it was written to: {', '.join(compared[:5])}"]
    # GTIDs that came while the log did not move are those of changes that were not logged here.
    return ["its GTIDs changed"] if before.position == after.position else []
