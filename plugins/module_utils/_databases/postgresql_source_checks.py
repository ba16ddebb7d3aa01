# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a PostgreSQL server can be migrated from, as go/no-go items with the SQL to run. Pure.

What is asked for follows the service's documented prerequisites of the cloud migration (same major version, the
account's rights, two lines of pg_hba.conf, listen_addresses) and what a physical copy by streaming needs or loses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .postgresql_connection import identifier
from .postgresql_source import Account, Database, Facts
from .postgresql_source_hba import hba_checks

# pg_basebackup opens two: one for the files, one for the WAL that is written meanwhile.
_SENDERS_NEEDED = 2
_LISTED = 10
_MIB = 2**20


class Wanted(NamedTuple):
    """What the source is checked for; None or an empty value was not given.

    extensions: what the target has, by name, with its version where known. libc: version of the target's C library.
    wal_keep_size: in MiB. long_transaction: seconds.
    """

    account: str | None = None
    cidr: str | None = None
    major: int | None = None
    extensions: Mapping[str, str] | None = None
    libc: str | None = None
    source_libc: str | None = None
    reserved_roles: tuple[str, ...] | None = None
    wal_keep_size: int = 1024
    long_transaction: float = 300


def source_checks(facts: Facts, wanted: Wanted) -> list[Check]:
    """All of them; every check is in every answer."""
    return [
        _version(facts, wanted),
        primary(facts),
        _wal_level(facts),
        _senders(facts),
        _slots(facts),
        _slots_not_copied(facts),
        _wal_keep_size(facts, wanted),
        _listen_addresses(facts),
        *hba_checks(facts.hba, wanted.account or "migration_account", wanted.cidr),
        account_check(facts, wanted.account),
        _extensions(facts, wanted),
        _unlogged(facts),
        _large_objects(facts),
        _collation_versions(facts),
        _glibc_indexes(facts, wanted),
        _long_transactions(facts, wanted),
        prepared_transactions(facts, WARN),
        _tablespaces(facts),
        _reserved_roles(facts, wanted),
        _event_triggers(facts),
        _data_size(facts),
        _all_databases_read(facts),
    ]


def _listing(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _LISTED} more" if len(every) > _LISTED else ""
    return ", ".join(every[:_LISTED]) + more


def _statements(statements: Iterable[str]) -> str:
    """SQL to run, ended by semicolons; it is complete, so that it can be copied."""
    return " ".join(f"{statement};" for statement in statements)


def _number(facts: Facts, name: str) -> int | None:
    value = facts.settings.get(name)
    return int(value) if value is not None and value.lstrip("-").isdigit() else None


def _version(facts: Facts, wanted: Wanted) -> Check:
    name, version = "server_version", facts.settings.get("server_version", str(facts.version))
    if facts.major < 10:
        return Check(name, FAIL, f"PostgreSQL {version} is older than 10.", "Upgrade the source first.")
    if wanted.major is None:
        remedy = "Set target_version; source and target must be of one major version."
        return Check(name, UNKNOWN, f"The source is PostgreSQL {version}; the target's version is not given.", remedy)
    if wanted.major != facts.major:
        remedy = f"Take a target of PostgreSQL {facts.major} and upgrade it after the migration."
        return Check(name, FAIL, f"The source is PostgreSQL {version}, the target {wanted.major}.", remedy)
    return Check(name, PASS, f"both are PostgreSQL {facts.major}")


class HasRecovery(Protocol):
    """Whatever tells whether the server is a standby."""

    @property
    def in_recovery(self) -> bool:
        """Whether it replays WAL."""


class HasPrepared(Protocol):
    """Whatever tells the prepared transactions."""

    @property
    def prepared(self) -> tuple[tuple[str, str], ...]:
        """(gid, database) of each."""


def primary(facts: HasRecovery) -> Check:
    if facts.in_recovery:
        remedy = "Name the primary server: a standby cannot be made read-only or given an account."
        return Check("source_is_primary", FAIL, "The source is a standby.", remedy)
    return Check("source_is_primary", PASS, "the source is a primary server")


def _wal_level(facts: Facts) -> Check:
    level = facts.settings.get("wal_level")
    if level in ("replica", "logical"):
        return Check("wal_level", PASS, f"wal_level is {level}")
    remedy = "ALTER SYSTEM SET wal_level = 'replica'; and restart the server."
    return Check("wal_level", FAIL, f"wal_level is {level}: its WAL is not enough for a standby.", remedy)


def _senders(facts: Facts) -> Check:
    most, name = _number(facts, "max_wal_senders"), "wal_senders"
    if most is None or facts.senders is None:
        return Check(name, UNKNOWN, "How many WAL senders are free cannot be seen.", "GRANT pg_monitor to the account.")
    free, detail = most - facts.senders, f"{facts.senders} of {most} WAL senders are in use"
    if free >= _SENDERS_NEEDED:
        return Check(name, PASS, detail)
    remedy = f"ALTER SYSTEM SET max_wal_senders = {facts.senders + _SENDERS_NEEDED + 2}; and restart the server."
    return Check(name, FAIL, f"{detail}; {_SENDERS_NEEDED} have to be free.", remedy)


def _slots(facts: Facts) -> Check:
    most, name = _number(facts, "max_replication_slots"), "replication_slots"
    if most is None or facts.slots is None:
        return Check(name, UNKNOWN, "How many replication slots are free cannot be seen.")
    detail = f"{len(facts.slots)} of {most} replication slots are in use"
    if most > len(facts.slots):
        return Check(name, PASS, detail)
    remedy = f"ALTER SYSTEM SET max_replication_slots = {len(facts.slots) + 2}; and restart the server."
    return Check(name, WARN, f"{detail}. Whether the service wants one is not documented.", remedy)


def _slots_not_copied(facts: Facts) -> Check:
    name = "slots_not_copied"
    if facts.slots is None:
        return Check(name, UNKNOWN, "Replication slots cannot be seen.")
    if not facts.slots:
        return Check(name, PASS, "there are no replication slots")
    detail = f"Replication slots are not copied: {_listing(facts.slots)}."
    return Check(name, WARN, detail, "Create on the target those that are still wanted after the switch.")


def _wal_keep_size(facts: Facts, wanted: Wanted) -> Check:
    kept, setting = _number(facts, "wal_keep_size"), f"wal_keep_size = '{wanted.wal_keep_size}MB'"
    segments = _number(facts, "wal_keep_segments")
    if kept is None and segments is not None:
        # Before PostgreSQL 13; a segment is 16 MiB unless it was chosen otherwise.
        kept, setting = segments * 16, f"wal_keep_segments = {-(-wanted.wal_keep_size // 16)}"
    if kept is None:
        return Check("wal_keep_size", UNKNOWN, "How much WAL is kept cannot be seen.")
    if kept >= wanted.wal_keep_size:
        return Check("wal_keep_size", PASS, f"{kept} MiB of WAL are kept")
    detail = f"{kept} MiB of WAL are kept: a target that falls behind more than that has to start again."
    return Check("wal_keep_size", WARN, detail, f"ALTER SYSTEM SET {setting}; SELECT pg_reload_conf();")


def _listen_addresses(facts: Facts) -> Check:
    listens, name = facts.settings.get("listen_addresses"), "listen_addresses"
    if listens is None:
        return Check(name, UNKNOWN, "listen_addresses cannot be seen.", "GRANT pg_read_all_settings to the account.")
    addresses = {address.strip() for address in listens.split(",")} - {""}
    remedy = "ALTER SYSTEM SET listen_addresses = '*'; and restart the server."
    if addresses & {"*", "0.0.0.0"}:  # noqa: S104 (compared with, not bound to)
        return Check(name, PASS, f"listen_addresses is {listens}")
    if addresses <= {"localhost", "127.0.0.1", "::1"}:
        return Check(name, FAIL, f"The server listens to this machine only (listen_addresses {listens!r}).", remedy)
    return Check(name, WARN, f"The server listens on {listens} only; the service asks for '*'.", remedy)


def account_check(facts: Facts, name: str | None) -> Check:
    """Whether the migration account has the rights that the service asks for, and not more."""
    if name is None:
        return Check("account", UNKNOWN, "The migration account is not given.", "Set account.")
    role, account = identifier(name), facts.account
    if account is None:
        create = f"CREATE ROLE {role} LOGIN CREATEROLE REPLICATION PASSWORD '...'"
        remedy = _statements([create, f"GRANT pg_monitor TO {role}"])
        return Check("account", FAIL, f"There is no role {role}.", f"Set state to prepared, or: {remedy}")
    wrong = [word for word, wanted in account_words(account) if not wanted]
    missing = ["pg_monitor"] if not account.monitors else []
    statements = [f"ALTER ROLE {role} {' '.join(wrong)}"] if wrong else []
    statements += [f"GRANT pg_monitor TO {role}"] if missing else []
    statements += [f"ALTER ROLE {role} VALID UNTIL 'infinity'"] if account.expired else []
    if not statements:
        return Check("account", PASS, f"{role} may log in, create roles, replicate and monitor, and is no superuser")
    said = wrong + missing + (["a password that is still valid"] if account.expired else [])
    return Check("account", FAIL, f"{role} lacks {', '.join(said)}.", _statements(statements))


def account_words(account: Account) -> list[tuple[str, bool]]:
    """The attributes of a migration account, and whether this one has them."""
    words = (("NOSUPERUSER", "superuser"), ("LOGIN", "login"), ("CREATEROLE", "createrole"))
    found = [(word, getattr(account, field)) for word, field in (*words, ("REPLICATION", "replication"))]
    return [(word, not has if word == "NOSUPERUSER" else has) for word, has in found]


def _extensions(facts: Facts, wanted: Wanted) -> Check:
    name = "extensions"
    used: dict[str, list[str]] = {}
    for database in facts.databases:
        for extension, version in (database.extensions or {}).items():
            used.setdefault(extension, []).append(f"{database.name} {version}")
    if wanted.extensions is None:
        detail = f"In use are {_listing(sorted(used))}; what the target has is not known."
        return Check(name, UNKNOWN, detail, "Set target_extensions, or target to the address of the target.")
    missing = sorted(set(used) - set(wanted.extensions))
    if missing:
        detail = "The target does not have " + "; ".join(f"{e} (in {_listing(used[e])})" for e in missing) + "."
        drops = _statements(f"DROP EXTENSION {identifier(extension)}" for extension in missing)
        return Check(name, FAIL, detail, f"Do without them on the source, in each of these databases: {drops}")
    return Check(name, PASS, f"the target has {_listing(sorted(used))}")


def _per_database(facts: Facts, pick: Callable[[Database], tuple[str, ...] | None]) -> list[tuple[str, str]]:
    """(database, name) of every name."""
    return [(database.name, name) for database in facts.databases for name in pick(database) or ()]


def _named(found: list[tuple[str, str]]) -> str:
    return _listing(f"{name} in {database}" for database, name in found)


def _unlogged(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.unlogged)
    if not found:
        return Check("unlogged_tables", PASS, "there are no unlogged tables")
    detail = f"Unlogged tables will be empty on the target: {_named(found)}."
    return Check("unlogged_tables", WARN, detail, _statements(f"ALTER TABLE {n} SET LOGGED" for _database, n in found))


def _large_objects(facts: Facts) -> Check:
    count = sum(database.large_objects or 0 for database in facts.databases)
    return Check("large_objects", PASS, f"{count} large objects, which a physical copy takes along")


def _collation_versions(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.stale_collations)
    if not found:
        return Check("collation_versions", PASS, "no collation changed under the source")
    databases = _listing(dict.fromkeys(database for database, _statement in found))
    detail = f"Collations changed under the source in {databases}; indexes may be out of order already."
    return Check(
        "collation_versions",
        WARN,
        detail,
        "Rebuild what depends on them (check glibc_indexes), then: " + _statements(s for _database, s in found),
    )


def _glibc_indexes(facts: Facts, wanted: Wanted) -> Check:
    name, found = "glibc_indexes", _per_database(facts, lambda database: database.endangered_indexes)
    if not found:
        return Check(name, PASS, "no index takes its order from the C library")
    if wanted.libc and wanted.libc == wanted.source_libc:
        return Check(name, PASS, f"source and target have the C library's collations of version {wanted.libc}")
    versions = f" ({wanted.source_libc or 'unknown'} here, {wanted.libc or 'unknown'} there)"
    detail = (
        f"Indexes that take their order from the C library{versions}: {len(found)}. Where the target's is another, "
        f"they may give wrong answers: {_named(found)}."
    )
    rebuild = [f"REINDEX INDEX CONCURRENTLY {index}" for _database, index in found]
    refresh = [
        f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION"
        for database in dict.fromkeys(database for database, _index in found)
    ]
    remedy = "After the switch, on the target: " + _statements(rebuild + (refresh if facts.major >= 15 else []))
    return Check(name, WARN, detail, remedy)


def _long_transactions(facts: Facts, wanted: Wanted) -> Check:
    name = "long_transactions"
    if facts.transactions is None:
        remedy = "GRANT pg_monitor to the account."
        return Check(name, UNKNOWN, "The account may not see the sessions of others.", remedy)
    found = [(pid, user, age) for pid, user, age in facts.transactions if age >= wanted.long_transaction]
    if not found:
        return Check(name, PASS, f"no transaction is open for {wanted.long_transaction:g} seconds")
    detail = "Open for long: " + _listing(f"pid {pid} of {user}, {age} s" for pid, user, age in found) + "."
    return Check(name, WARN, detail, _statements(f"SELECT pg_terminate_backend({pid})" for pid, _user, _age in found))


def prepared_transactions(facts: HasPrepared, status: str) -> Check:
    """A prepared transaction outlives its session and can be committed by a read-only one."""
    if not facts.prepared:
        return Check("prepared_transactions", PASS, "there are no prepared transactions")
    detail = "Prepared transactions: " + _listing(f"{gid!r} in {database}" for gid, database in facts.prepared) + "."
    quoted = [gid.replace("'", "''") for gid, _database in facts.prepared]
    remedy = "In its database, either COMMIT PREPARED or: " + _statements(f"ROLLBACK PREPARED '{g}'" for g in quoted)
    return Check("prepared_transactions", status, detail, remedy)


def _tablespaces(facts: Facts) -> Check:
    if not facts.tablespaces:
        return Check("tablespaces", PASS, "there are no tablespaces of one's own")
    detail = f"Tablespaces {_listing(facts.tablespaces)}: a physical copy puts them at the same paths."
    remedy = "Move what they hold: ALTER TABLE ALL IN TABLESPACE ... SET TABLESPACE pg_default; DROP TABLESPACE ...;"
    return Check("tablespaces", WARN, detail, remedy)


def _reserved_roles(facts: Facts, wanted: Wanted) -> Check:
    name = "reserved_roles"
    if wanted.reserved_roles is None:
        detail = "Which role names the service keeps for itself is not published; its assessment tells."
        return Check(name, UNKNOWN, detail, "Set reserved_roles to what its assessment names, or to an empty list.")
    reserved = {role.casefold() for role in wanted.reserved_roles}
    found = [role for role in facts.roles if role.casefold() in reserved]
    if not found:
        return Check(name, PASS, "no role has a reserved name")
    remedy = _statements(f"ALTER ROLE {identifier(role)} RENAME TO ..." for role in found)
    return Check(name, FAIL, f"Roles with reserved names: {_listing(found)}.", remedy)


def _event_triggers(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.event_triggers)
    if not found:
        return Check("event_triggers", PASS, "there are no event triggers")
    statements = _statements(f"DROP EVENT TRIGGER {identifier(trigger)}" for _database, trigger in found)
    detail = f"Event triggers, which run with the rights of a superuser: {_named(found)}."
    return Check("event_triggers", WARN, detail, f"Do without them if the assessment objects: {statements}")


def _data_size(facts: Facts) -> Check:
    unknown = [database.name for database in facts.databases if database.size is None]
    if unknown:
        remedy = "GRANT pg_monitor to the account."
        return Check("data_size", UNKNOWN, f"The size of {_listing(unknown)} cannot be seen.", remedy)
    total = sum(database.size or 0 for database in facts.databases)
    return Check("data_size", PASS, f"{total // _MIB} MiB in {len(facts.databases)} databases, WAL not counted")


def _all_databases_read(facts: Facts) -> Check:
    unread = [f"{database.name} ({database.unread})" for database in facts.databases if database.unread]
    if not unread:
        return Check("databases_read", PASS, f"{len(facts.databases)} databases were looked at")
    detail = f"Extensions, unlogged tables, indexes and triggers of these are not known: {_listing(unread)}."
    return Check("databases_read", UNKNOWN, detail, "GRANT CONNECT ON DATABASE ... to the account, or open them.")
