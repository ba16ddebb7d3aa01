# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a source stood still while it was compared.

Read-only is the setting; that nothing was written is proven as for a frozen source (postgresql_source_freeze): no
transaction got an id between the beginning and the end, and none was open at either. Autovacuum needs an id for each
table that it analyses or shortens. Where ids were given, no row was written in any table, and autovacuum ran at least
as often, those ids were its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .postgresql_connection import Server, Session, connect
from .postgresql_source_freeze import Look, look, read_only_now


class Counts(NamedTuple):
    """Of one database. written: rows inserted, updated and deleted by table, ever. maintained: runs on tables."""

    written: Mapping[tuple[str, str], int]
    maintained: int


class Moment(NamedTuple):
    """look: None on a standby. position: of the WAL, as PostgreSQL writes it."""

    read_only: bool
    in_recovery: bool
    position: str
    look: Look | None
    counts: Mapping[str, Counts]


def beginning(server: Server, databases: list[str]) -> Moment:
    """Counts first: what runs while this looks is to be in the ids and in the counts of the end."""
    counted = counts(server, databases)
    return _moment(server)._replace(counts=counted)


def end(server: Server, databases: list[str]) -> Moment:
    seen = _moment(server)
    return seen._replace(counts=counts(server, databases))


def _moment(server: Server) -> Moment:
    read_only = read_only_now(server).on
    with connect(server, read_only=True) as session:
        in_recovery = bool(session.value("SELECT pg_catalog.pg_is_in_recovery()"))
        function = "pg_last_wal_replay_lsn" if in_recovery else "pg_current_wal_flush_lsn"
        position = str(session.value(f"SELECT pg_catalog.{function}()::text"))
        seen = None if in_recovery else look(session)
    return Moment(read_only, in_recovery, position, seen, {})


def counts(server: Server, databases: list[str]) -> dict[str, Counts]:
    found = {}
    for name in databases:
        with connect(server._replace(database=name), read_only=True) as session:
            found[name] = _counts(session)
    return found


def _counts(session: Session) -> Counts:
    written = session.read(
        "SELECT schemaname, relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_catalog.pg_stat_user_tables"
    )
    runs = session.value(
        "SELECT coalesce(sum(vacuum_count + autovacuum_count + analyze_count + autoanalyze_count), 0)::bigint"
        " FROM pg_catalog.pg_stat_all_tables"
    )
    return Counts({(schema, name): count for schema, name, count in written}, runs)


def changed_tables(before: Moment, after: Moment) -> list[tuple[str, str, str]]:
    """(database, schema, table) of tables whose rows were written in between."""
    return sorted(
        (database, *key)
        for database, counted in after.counts.items()
        for key, count in counted.written.items()
        if database in before.counts and count != before.counts[database].written.get(key, 0)
    )


def doubts(before: Moment, after: Moment) -> list[str]:
    """Why it is not proven that the server stood still; empty if it is. Pure."""
    if before.look is None or after.look is None:
        return ["it is a standby, of which that cannot be told"]
    found = []
    if not (before.read_only and after.read_only):
        found.append("it is not read-only")
    if not (before.look.visible and after.look.visible):
        found.append("the account may not see the sessions of others (GRANT pg_monitor)")
    writers = [*before.look.writers, *after.look.writers]
    if writers:
        found.append(f"these were writing: {', '.join(dict.fromkeys(writers[:5]))}")
    given = after.look.horizon - before.look.horizon
    if given and not (given <= _maintained(after) - _maintained(before) and not changed_tables(before, after)):
        found.append(f"{given} transactions got an id while it was compared")
    return found


def _maintained(seen: Moment) -> int:
    return sum(counted.maintained for counted in seen.counts.values())


def may_be_maintenance(before: Moment, after: Moment) -> bool:
    """Whether counting again in a moment may explain ids: what was counted is told with a delay."""
    return before.look is not None and after.look is not None and before.look.horizon != after.look.horizon
