# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a PostgreSQL server is asked before it is migrated from. Only reads; what an account may not see is None.

A physical copy takes the whole server, so most is asked of the server and the rest of each of its databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .._failure import MigrationFailure
from .postgresql_connection import Row, Server, Session, connect, identifier

_SETTINGS = (
    "wal_level max_wal_senders max_replication_slots wal_keep_size wal_keep_segments listen_addresses "
    "shared_preload_libraries max_connections server_version password_encryption"
).split()
# Privileges are missing, or this version knows no such thing.
_CANNOT_BE_READ = ("42501", "42883", "42P01", "42703", "42704")


class Account(NamedTuple):
    """A role. monitors: member of pg_monitor. expired: its password is valid no longer."""

    name: str
    superuser: bool
    login: bool
    createrole: bool
    replication: bool
    monitors: bool
    expired: bool


class HbaRule(NamedTuple):
    """A line of pg_hba.conf as pg_hba_file_rules shows it. error: why the server cannot use it."""

    line: int
    type: str | None
    databases: tuple[str, ...]
    users: tuple[str, ...]
    address: str | None
    netmask: str | None
    method: str | None
    error: str | None


class Database(NamedTuple):
    """size: bytes. Lists hold names as SQL takes them. unread: why the rest is not known, if so."""

    name: str
    size: int | None = None
    collation: tuple[str, str] = ("", "")
    extensions: Mapping[str, str] | None = None
    unlogged: tuple[str, ...] | None = None
    large_objects: int | None = None
    endangered_indexes: tuple[str, ...] | None = None
    stale_collations: tuple[str, ...] | None = None
    event_triggers: tuple[str, ...] | None = None
    unread: str = ""


class Facts(NamedTuple):
    """senders, slots: in use now. transactions: (pid, user, seconds) of the open ones. prepared: (gid, database)."""

    version: int
    in_recovery: bool
    settings: Mapping[str, str]
    senders: int | None
    slots: tuple[str, ...] | None
    hba: tuple[HbaRule, ...] | None
    account: Account | None
    transactions: tuple[tuple[int, str, int], ...] | None
    prepared: tuple[tuple[str, str], ...]
    tablespaces: tuple[str, ...]
    roles: tuple[str, ...]
    databases: tuple[Database, ...]

    @property
    def major(self) -> int:
        return self.version // 10000


def optional(session: Session, statement: str, parameters: Sequence[Any] | None = None) -> list[Row] | None:
    """The rows, or None where this account or this version cannot read them."""
    try:
        return session.read(statement, parameters)
    except MigrationFailure as failure:
        if failure.code in _CANNOT_BE_READ:
            return None
        raise


def read_facts(session: Session, account: str | None) -> Facts:
    """Everything that the checks may ask for. account: the migration account, if it is named."""
    settings = session.read("SELECT name, setting FROM pg_catalog.pg_settings WHERE name = ANY(%s)", [_SETTINGS])
    senders = optional(session, "SELECT count(*) FROM pg_catalog.pg_stat_replication")
    return Facts(
        version=session.version,
        in_recovery=session.value("SELECT pg_catalog.pg_is_in_recovery()"),
        settings=dict(settings),
        senders=senders[0][0] if senders else None,
        slots=_names(session, "SELECT slot_name FROM pg_catalog.pg_replication_slots ORDER BY 1"),
        hba=read_hba(session),
        account=read_account(session, account) if account else None,
        transactions=_transactions(session),
        prepared=prepared_transactions(session),
        tablespaces=_names(
            session, r"SELECT spcname FROM pg_catalog.pg_tablespace WHERE spcname NOT LIKE 'pg\_%' ORDER BY 1"
        )
        or (),
        roles=_names(session, r"SELECT rolname FROM pg_catalog.pg_roles WHERE rolname NOT LIKE 'pg\_%' ORDER BY 1")
        or (),
        databases=tuple(_databases(session)),
    )


def read_account(session: Session, name: str) -> Account | None:
    rows = session.read(
        "SELECT rolname, rolsuper, rolcanlogin, rolcreaterole, rolreplication,"
        " pg_catalog.pg_has_role(oid, 'pg_monitor', 'MEMBER'), coalesce(rolvaliduntil < now(), false)"
        " FROM pg_catalog.pg_roles WHERE rolname = %s",
        [name],
    )
    return Account(*rows[0]) if rows else None


def prepared_transactions(session: Session) -> tuple[tuple[str, str], ...]:
    """(gid, database) of the transactions that outlived their sessions."""
    return tuple((g, d) for g, d in session.read("SELECT gid, database FROM pg_catalog.pg_prepared_xacts ORDER BY 1"))


def available_extensions(session: Session) -> dict[str, str]:
    """Extensions that a server could install, with the version it would."""
    return dict(session.read("SELECT name, default_version FROM pg_catalog.pg_available_extensions"))


def libc_version(session: Session) -> str | None:
    """The version of the C library's collations; None where none of them has one."""
    rows = optional(
        session,
        "SELECT min(v) FROM (SELECT pg_catalog.pg_collation_actual_version(oid) AS v FROM pg_catalog.pg_collation"
        " WHERE collprovider = 'c' AND collname NOT IN ('C', 'POSIX')) AS versions",
    )
    return rows[0][0] if rows else None


def _names(session: Session, statement: str) -> tuple[str, ...] | None:
    rows = optional(session, statement)
    return None if rows is None else tuple(row[0] for row in rows)


def read_hba(session: Session) -> tuple[HbaRule, ...] | None:
    """The lines of pg_hba.conf, in their order; superusers only, unless it was granted."""
    rows = optional(
        session,
        "SELECT line_number, type, database, user_name, address, netmask, auth_method, error"
        " FROM pg_catalog.pg_hba_file_rules ORDER BY line_number",
    )
    if rows is None:
        return None
    return tuple(HbaRule(n, t, tuple(d or ()), tuple(u or ()), a, m, how, e) for n, t, d, u, a, m, how, e in rows)


def _transactions(session: Session) -> tuple[tuple[int, str, int], ...] | None:
    rows = session.read(
        "SELECT pid, usename, extract(epoch FROM now() - xact_start)::int, query = '<insufficient privilege>'"
        " FROM pg_catalog.pg_stat_activity"
        " WHERE coalesce(backend_type, 'client backend') = 'client backend' AND pid <> pg_catalog.pg_backend_pid()"
    )
    # Of a hidden session not even the type is shown.
    if any(hidden for *_others, hidden in rows):
        return None
    return tuple((pid, user or "", age) for pid, user, age, _hidden in rows if age is not None)


def _databases(session: Session) -> Iterable[Database]:
    may_size = (
        "CASE WHEN pg_catalog.has_database_privilege(oid, 'CONNECT')"
        " OR pg_catalog.pg_has_role('pg_read_all_stats', 'MEMBER') THEN pg_catalog.pg_database_size(oid) END"
    )
    databases = session.read(
        f"SELECT datname, {may_size}, datcollate, datctype, datallowconn,"  # noqa: S608  # text of this file
        " pg_catalog.has_database_privilege(oid, 'CONNECT') FROM pg_catalog.pg_database ORDER BY datname"
    )
    for name, size, collate, ctype, open_, allowed in databases:
        known = Database(name, size, (collate, ctype))
        if name == "template0":
            continue
        if not open_ or not allowed:
            why = "it takes no connections" if not open_ else "the account has no CONNECT on it"
            yield known._replace(unread=why)
        elif name == session.server.database:
            yield _database(session, known)
        else:
            yield _other_database(session.server._replace(database=name), known)


def _other_database(server: Server, known: Database) -> Database:
    try:
        with connect(server, read_only=True) as session:
            return _database(session, known)
    except MigrationFailure as failure:
        return known._replace(unread=failure.message)


def _database(session: Session, known: Database) -> Database:
    unlogged = session.read(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid ="
        " c.relnamespace WHERE c.relpersistence = 'u' AND c.relkind IN ('r', 'm') ORDER BY 1, 2"
    )
    return known._replace(
        extensions=dict(session.read("SELECT extname, extversion FROM pg_catalog.pg_extension")),
        unlogged=tuple(identifier(*row) for row in unlogged),
        large_objects=session.value("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata"),
        endangered_indexes=endangered_indexes(session),
        stale_collations=stale_collations(session, known.name),
        event_triggers=_names(session, "SELECT evtname FROM pg_catalog.pg_event_trigger ORDER BY 1"),
    )


def endangered_indexes(session: Session) -> tuple[str, ...]:
    """Indexes whose order comes from the C library: of a libc collation that is neither C nor POSIX.

    The order of such a collation changes with the C library's version; copied bytes then stand in the wrong order.
    The default collation (oid 100) is that of the database.
    """
    provider = "d.datlocprovider" if session.major >= 15 else "'c'"
    rows = session.read(
        f"""
        SELECT DISTINCT n.nspname, i.relname
        FROM pg_catalog.pg_index x
        JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = i.relnamespace
        CROSS JOIN LATERAL pg_catalog.unnest(x.indcollation::oid[]) AS used(collation_id)
        JOIN pg_catalog.pg_collation c ON c.oid = used.collation_id
        JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
        WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
          AND i.relkind = 'i'
          AND CASE WHEN c.collprovider = 'd'
              THEN {provider} = 'c' AND d.datcollate !~ '^(C|POSIX)([.]|$)'
              ELSE c.collprovider = 'c' AND c.collcollate !~ '^(C|POSIX)([.]|$)' END
        ORDER BY 1, 2
        """  # noqa: S608  # text of this file
    )
    return tuple(identifier(*row) for row in rows)


def stale_collations(session: Session, database: str) -> tuple[str, ...]:
    """The statements that say a collation's new version is known, for those that changed under the server."""
    rows = session.read(
        "SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid ="
        " c.collnamespace WHERE c.collversion <> pg_catalog.pg_collation_actual_version(c.oid) ORDER BY 1, 2"
    )
    stale = [f"ALTER COLLATION {identifier(*row)} REFRESH VERSION" for row in rows]
    if session.major >= 15 and session.read(
        "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s"
        " AND datcollversion <> pg_catalog.pg_database_collation_actual_version(oid)",
        [database],
    ):
        stale.append(f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION")
    return tuple(stale)
