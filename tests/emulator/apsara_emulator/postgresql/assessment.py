# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of an assessment, carried out: against the source over a real connection, and against the real target.

Names and order of sections and checks: samples and help pages of the service. What lets a check fail is partly
documented only by its name; then it is what PostgreSQL itself would stumble over.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from ..servers.errors import ServerError
from . import sql
from .connectivity import Source, connectivity, databases
from .report import Check, Section, first_names
from .server import Server
from .sql import Session

# Accounts that the service itself has on every instance.
RESERVED_ROLES = ("aurora", "aurora_proxy", "replicator")
# Roles of PostgreSQL that reach beyond the database, which no account of the service has.
_FILE_ROLES = ("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
# A standby has to have at least what its source has.
_SPEC_PARAMETERS = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
_USER_OBJECTS = 16384
_NO_EXTENSION = "not exists (select from pg_depend d where d.objid = o.oid and d.deptype = 'e')"


@dataclass(frozen=True)
class Target:
    """What the checks need to know of the target. `extensions` narrows down what its server has; nothing: all."""

    server: Server
    free: int
    extensions: list[str] | None = None


@dataclass(frozen=True)
class Rules:
    """Doubts: when the glibc warning comes, how many MB of WAL have to be kept, and what follows if they are not."""

    glibc: str = "compared"
    wal_keep_mb: int = 0
    wal_keep_verdict: str = "error"


def assess(source: Source, target: Target, rules: Rules) -> Iterator[Section]:
    """The sections, one after the other. Without a connection to the source the report ends early."""
    yield _section("rds empty", lambda: _empty(target.server), "rds databases")
    reached = connectivity(source)
    yield reached
    if any(check.verdict == "error" and "connectable" in check.name for check in reached.checks):
        return
    with ExitStack() as stack:
        admin = stack.enter_context(target.server.admin())
        there = {name: stack.enter_context(sql.session(**source.login, dbname=name)) for name in databases(source)}
        first = there["postgres"]
        checks: tuple[tuple[str, str, Callable[[], Check]], ...] = (
            ("source version", "major version consistent", lambda: _version(first, admin)),
            ("source glibc version", "source glibc version compatible", lambda: _glibc(first, admin, rules)),
            ("disk size", "disk size enough", lambda: _size(first, target)),
            ("wal keep size", "wal keep size large enough", lambda: _wal_keep(first, rules)),
            ("spec params", "if spec params too large", lambda: _spec(first, admin)),
            ("rds user", "rds user conflict", lambda: _roles(first)),
            ("extensions", "extensions compatible", lambda: _extensions(there, admin, target)),
            ("triggers", "triggers compatible", lambda: _triggers(there)),
            ("user functions", "user functions compatible", lambda: _functions(there)),
            ("Postgres system catalogs", "system catalogs compatible", lambda: _catalogs(there)),
            ("reserved role permission", "reserved role permission compatible", lambda: _file_roles(first)),
        )
        for title, name, check in checks:
            yield _section(title, check, name)


def _section(title: str, check: Callable[[], Check], name: str) -> Section:
    """A section of one check. What cannot be asked is an error of the check."""
    try:
        return Section(title, (check(),))
    except ServerError as error:
        return Section(title, (Check(name, "error", str(error)),))


def _empty(server: Server) -> Check:
    """Only the template databases and an empty postgres may be there."""
    name = "rds databases"
    with server.admin() as admin:
        others = admin.rows("select datname from pg_database where datname not in ('template0','template1','postgres')")
        if others:
            return Check(name, "error", f"databases exist: {first_names(one['datname'] for one in others)}")
        tables = admin.value(
            "select count(*) from pg_class where relkind in ('r', 'p', 'm') and oid >= %s"
            " and relname <> 'ha_health_check'",
            _USER_OBJECTS,
        )
    return Check(name, "error", "postgres not empty, check if any table exists") if tables else Check(name)


def _version(source: Session, target: Session) -> Check:
    ask = "select current_setting('server_version_num')::int / 10000"
    theirs, ours = source.value(ask), target.value(ask)
    if theirs == ours:
        return Check("major version consistent")
    return Check("major version consistent", "error", f"source version is {theirs}, rds version is {ours}")


def _glibc(source: Session, target: Session, rules: Rules) -> Check:
    name = "source glibc version compatible"
    if rules.glibc == "compared" and _library(source) == _library(target):
        return Check(name)
    return Check(name, "warning", "source glibc version is not compatible with rds pg")


def _library(session: Session) -> str:
    """The version of the C library's collations; where there is none to ask, for whom the server was built."""
    if session.value("select current_setting('server_version_num')::int") >= 130000:
        version = session.value(
            "select max(pg_collation_actual_version(oid)) from pg_collation where collprovider = 'c'"
        )
        if version:
            return str(version)
    return re.sub(r"^PostgreSQL \S+( \(.*?\))? on ", "", str(session.value("select version()")))


def _size(source: Session, target: Target) -> Check:
    size = int(source.value("select coalesce(sum(pg_database_size(oid)), 0) from pg_database"))
    if size <= target.free:
        return Check("disk size enough")
    return Check("disk size enough", "error", f"source data size {size} is larger than rds disk size {target.free}")


def _wal_keep(source: Session, rules: Rules) -> Check:
    name = "wal keep size large enough"
    row = source.row(
        "select name, setting::bigint from pg_settings where name in ('wal_keep_size','wal_keep_segments')"
    )
    kept = row["setting"] * (1 if row["name"] == "wal_keep_size" else 16)
    if kept >= rules.wal_keep_mb:
        return Check(name)
    return Check(
        name, rules.wal_keep_verdict, f"{row['name']} keeps {kept} MB, at least {rules.wal_keep_mb} MB is needed"
    )


def _spec(source: Session, target: Session) -> Check:
    ask = "select name, setting::bigint from pg_settings where name = any(%s)"
    limits = {row["name"]: row["setting"] for row in target.rows(ask, list(_SPEC_PARAMETERS))}
    large = [
        f"{row['name']} {row['setting']} is larger than {limits[row['name']]}"
        for row in source.rows(ask, list(_SPEC_PARAMETERS))
        if row["setting"] > limits[row["name"]]
    ]
    return Check("if spec params too large", "error", ", ".join(large)) if large else Check("if spec params too large")


def _roles(source: Session) -> Check:
    found = source.rows("select rolname from pg_roles where rolname = any(%s)", list(RESERVED_ROLES))
    if found:
        names = first_names(row["rolname"] for row in found)
        return Check("rds user conflict", "error", f"reserved users exist on source: {names}")
    return Check("rds user conflict")


def _extensions(there: dict[str, Session], target: Session, limits: Target) -> Check:
    available = {row["name"] for row in target.rows("select name from pg_available_extensions")}
    if limits.extensions is not None:
        available &= {"plpgsql", *limits.extensions}
    used = {row["extname"] for one in there.values() for row in one.rows("select extname from pg_extension")}
    if used <= available:
        return Check("extensions compatible")
    return Check("extensions compatible", "error", f"rds does not support: {first_names(used - available)}")


def _triggers(there: dict[str, Session]) -> Check:
    """Only a superuser may have event triggers, and no account of the service is one."""
    found = _everywhere(there, "select evtname as name from pg_event_trigger o where " + _NO_EXTENSION)
    name = "triggers compatible"
    return Check(name, "warning", f"event triggers exist: {first_names(found)}") if found else Check(name)


def _functions(there: dict[str, Session]) -> Check:
    """A function in C needs its library, which is not part of the data."""
    found = _everywhere(
        there,
        "select o.proname as name from pg_proc o join pg_language l on l.oid = o.prolang"
        f" where l.lanname = 'c' and o.oid >= {_USER_OBJECTS} and {_NO_EXTENSION}",
    )
    name = "user functions compatible"
    return Check(name, "error", f"functions in C exist: {first_names(found)}") if found else Check(name)


def _catalogs(there: dict[str, Session]) -> Check:
    found = _everywhere(
        there,
        "select o.relname as name from pg_class o"
        f" where o.relnamespace = 'pg_catalog'::regnamespace and o.oid >= {_USER_OBJECTS} and {_NO_EXTENSION}",
    )
    name = "system catalogs compatible"
    return Check(name, "error", f"user objects in pg_catalog: {first_names(found)}") if found else Check(name)


def _file_roles(source: Session) -> Check:
    found = source.rows(
        "select u.rolname from pg_auth_members m"
        " join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member"
        " where r.rolname = any(%s) and not u.rolsuper and u.rolname !~ '^pg_'",
        list(_FILE_ROLES),
    )
    name = "reserved role permission compatible"
    users = first_names(row["rolname"] for row in found)
    return Check(name, "warning", f"users with roles that rds does not grant: {users}") if found else Check(name)


def _everywhere(there: dict[str, Session], statement: str) -> list[str]:
    return [f"{database}.{row['name']}" for database, one in there.items() for row in one.rows(statement)]
