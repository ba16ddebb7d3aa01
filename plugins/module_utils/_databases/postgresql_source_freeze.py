# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Making a PostgreSQL server read-only for its applications, proving that nobody writes, and making it writable again.

Read-only is default_transaction_read_only, set for the whole server with ALTER SYSTEM. That writes a file and no WAL.
The alternatives (ALTER DATABASE, ALTER ROLE) write to the catalog, hence to the WAL, hence to the target, which would
be read-only after the switch. It is a default: a session may set itself writable, and superusers may anyhow. So it is
never taken for a proof. The proof is that twice in a row, over an interval,

* no transaction got an id. Nothing that changes data, definitions or a sequence can be written without one.
* no session holds a transaction id, and there is no prepared transaction (those are committed without a new id).
* the WAL stands still. Without any transaction the server itself still writes a little: a checkpoint, and at most 15
  seconds after it a list of running transactions; vacuum. That changes no data and ends by itself, so it is waited for.

The position that is returned is the one up to which the WAL is flushed; what is flushed is what a standby gets. The
position for inserting is compared too, because it includes what is not flushed yet; at the beginning of a page it
stands behind the page's header, so it may be ahead of the flushed one by that much when all is flushed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .._failure import BadRequest
from .postgresql_connection import Server, Session, connect, identifier
from .postgresql_source import optional

SETTING = "default_transaction_read_only"
_KEEP = ("user", "application_name", "client_address", "pid")
_LONG_PAGE_HEADER = 40
STILL, BACKGROUND, WRITTEN, NOT_SEEN = "still", "background", "written", "unknown"


class Other(NamedTuple):
    """A session of somebody else's. since_reload: it began after the settings were read last, so it began with them."""

    pid: int
    user: str
    application_name: str
    client_address: str
    database: str
    since_reload: bool
    superuser: bool


class ReadOnly(NamedTuple):
    """default_transaction_read_only as a new session of this account gets it.

    by: where the value comes from ("configuration file", "database user", …). file: the file, where it may be seen.
    overrides: (database, role) with a value of their own that is off; None stands for every one.
    """

    on: bool
    by: str
    file: str | None
    overrides: tuple[tuple[str | None, str | None], ...]

    @property
    def by_alter_system(self) -> bool | None:
        """Whether ALTER SYSTEM set it; None when the account may not see."""
        if self.by != "configuration file":
            return False
        return None if self.file is None else self.file.endswith("postgresql.auto.conf")


class Rights(NamedTuple):
    """What the account may do that freezing needs, as the statements that would grant what it lacks."""

    user: str
    missing: tuple[str, ...]
    superuser: bool


class Look(NamedTuple):
    """The server at one moment. horizon: the next transaction id that nobody has seen complete.

    writers: what holds a transaction id, in words. visible: whether all sessions could be seen.
    """

    horizon: int
    inserted: int
    flushed: int
    position: str
    writers: tuple[str, ...]
    visible: bool


class Proof(NamedTuple):
    """Two intervals. kind: still, background, written or unknown. wal_position: as PostgreSQL writes it."""

    kind: str
    wal_position: str
    intervals: tuple[str, ...]
    wal_bytes: int
    writers: tuple[str, ...] = ()

    def holds(self, accepted: Sequence[str]) -> bool:
        return len(self.intervals) >= 2 and all(interval in accepted for interval in self.intervals)


class Keep(NamedTuple):
    """Sessions that are not to be ended, by what is compared with what."""

    field: str
    value: str

    def fits(self, other: Other) -> bool:
        return str(getattr(other, self.field)) == self.value


def read_keep(entries: Iterable[str]) -> list[Keep]:
    """`user=monitor`, `application_name=…`, `client_address=…`, `pid=…`. Raises BadRequest."""
    found = [re.fullmatch(rf"({'|'.join(_KEEP)})=(.+)", entry) for entry in entries]
    if not all(found):
        raise BadRequest(
            f"keep_sessions takes entries such as user=monitor; the words before = are {', '.join(_KEEP)}.",
            code="invalid_options",
            remedy="Correct keep_sessions. Nothing was read or written.",
        )
    return [Keep(entry[1], entry[2]) for entry in found if entry]


def read_only_now(server: Server) -> ReadOnly:
    """Asked in a session of its own that sets nothing itself, because that is what an application gets."""
    with connect(server, read_only=True, observes_defaults=True) as session:
        rows = session.read("SELECT setting, source, sourcefile FROM pg_catalog.pg_settings WHERE name = %s", [SETTING])
        overrides = session.read(
            "SELECT d.datname, r.rolname FROM pg_catalog.pg_db_role_setting s"
            " LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase"
            " LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole"
            " CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) AS one(setting)"
            # A value is kept as it was written, in any of the ways to write a boolean.
            " WHERE CASE pg_catalog.split_part(one.setting, '=', 1) WHEN 'default_transaction_read_only'"
            " THEN NOT pg_catalog.split_part(one.setting, '=', 2)::boolean ELSE false END ORDER BY 1, 2"
        )
    (setting, by, file) = rows[0]
    return ReadOnly(setting == "on", by, file, tuple((d, r) for d, r in overrides))


def other_sessions(session: Session, keep: Sequence[Keep]) -> list[Other]:
    """Sessions of clients that are neither this one, nor kept, nor replication."""
    rows = session.read(
        "SELECT pid, coalesce(usename, ''), coalesce(application_name, ''), coalesce(host(client_addr), 'local'),"
        " coalesce(datname, ''), coalesce(backend_start > pg_catalog.pg_conf_load_time(), false),"
        " coalesce((SELECT rolsuper FROM pg_catalog.pg_roles WHERE oid = usesysid), false)"
        " FROM pg_catalog.pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_catalog.pg_backend_pid()"
        # Those of this run, which has a name of its own, may linger.
        " AND application_name <> pg_catalog.current_setting('application_name') ORDER BY pid"
    )
    others = [Other(*row) for row in rows]
    return [other for other in others if not any(entry.fits(other) for entry in keep)]


def read_rights(session: Session) -> Rights:
    """What freezing needs: a superuser has it all; since PostgreSQL 15 an ordinary account can be given it."""
    user, superuser = session.read(
        "SELECT current_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
    )[0]
    if superuser:
        return Rights(user, (), superuser=True)
    role = identifier(user)
    missing = []
    if session.major < 15:
        missing.append(f"ALTER ROLE {role} SUPERUSER")
    else:
        if not session.value("SELECT pg_catalog.has_parameter_privilege(%s, 'ALTER SYSTEM')", [SETTING]):
            missing.append(f"GRANT ALTER SYSTEM ON PARAMETER {SETTING} TO {role}")
    if not session.value("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_reload_conf()', 'EXECUTE')"):
        missing.append(f"GRANT EXECUTE ON FUNCTION pg_catalog.pg_reload_conf() TO {role}")
    missing += [
        f"GRANT {name} TO {role}"
        for name in ("pg_signal_backend", "pg_monitor")
        if not session.value("SELECT pg_catalog.pg_has_role(%s, 'MEMBER')", [name])
    ]
    return Rights(user, tuple(missing), superuser=False)


def look(session: Session) -> Look:
    """One moment. In recovery there is no position to insert at: only primary servers are looked at."""
    rows = session.read(
        "SELECT pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()),"
        " pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint,"
        " pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_flush_lsn(), '0/0')::bigint,"
        " pg_catalog.pg_current_wal_flush_lsn()::text"
    )
    sessions = session.read(
        "SELECT pid, coalesce(usename, backend_type, 'a process of the server'), coalesce(application_name, ''),"
        " backend_xid IS NOT NULL, coalesce(query = '<insufficient privilege>', false)"
        " FROM pg_catalog.pg_stat_activity WHERE pid <> pg_catalog.pg_backend_pid()"
    )
    prepared = session.read("SELECT gid FROM pg_catalog.pg_prepared_xacts")
    writers = [
        f"pid {pid} of {user} ({name})" if name else f"pid {pid} of {user}" for pid, user, name, x, _h in sessions if x
    ]
    writers += [f"prepared transaction {gid!r}" for (gid,) in prepared]
    horizon, inserted, flushed, position = rows[0]
    visible = not any(hidden for *_others, hidden in sessions)
    return Look(horizon, inserted, flushed, position, tuple(writers), visible)


def interval(first: Look, second: Look) -> str:
    """What happened between two looks. Pure."""
    if first.horizon != second.horizon or first.writers or second.writers:
        return WRITTEN
    if not (first.visible and second.visible):
        return NOT_SEEN
    if first.inserted != second.inserted or first.flushed != second.flushed:
        return BACKGROUND
    return STILL if second.inserted - second.flushed <= _LONG_PAGE_HEADER else BACKGROUND


def prove(looks: Sequence[Look]) -> Proof:
    """The proof that the last three looks are. Pure."""
    last = looks[-3:]
    intervals = tuple(interval(a, b) for a, b in itertools.pairwise(last))
    worst = next((kind for kind in (WRITTEN, NOT_SEEN, BACKGROUND) if kind in intervals), STILL)
    return Proof(
        kind=worst,
        wal_position=last[-1].position,
        intervals=intervals,
        wal_bytes=last[-1].inserted - last[0].inserted,
        writers=last[-1].writers,
    )


def enabled_subscriptions(session: Session) -> dict[str, str] | None:
    """Subscriptions that write on their own, by database; None where the account may not see them."""
    rows = optional(
        session,
        "SELECT s.subname, d.datname FROM pg_catalog.pg_subscription s"
        " JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subenabled",
    )
    return None if rows is None else dict(rows)


def set_read_only(session: Session) -> None:
    session.write(f"ALTER SYSTEM SET {SETTING} TO 'on'")
    session.write("SELECT pg_catalog.pg_reload_conf()")


def reset_read_only(session: Session) -> None:
    session.write(f"ALTER SYSTEM RESET {SETTING}")
    session.write("SELECT pg_catalog.pg_reload_conf()")


def end_sessions(session: Session, others: Iterable[Other]) -> None:
    session.write(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.unnest(%s::int[]) AS ended(pid)",
        [[other.pid for other in others]],
    )
