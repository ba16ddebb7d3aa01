# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a PostgreSQL server can be migrated from, as go/no-go items with the SQL to run. Pure.

What is asked for follows the service's documented prerequisites of the cloud migration (same major version, the
account's rights, two lines of pg_hba.conf, listen_addresses) and what a physical copy by streaming needs or loses.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from .._plan import FAIL, PASS, UNKNOWN, WARN, Check, listed
from . import postgresql_source_content_checks as content
from .postgresql_connection import identifier, script
from .postgresql_source import Facts
from .postgresql_source_account import account_check
from .postgresql_source_hba import hba_checks

# pg_basebackup opens two: one for the files, one for the WAL that is written meanwhile.
_SENDERS_NEEDED = 2


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
        account_check(facts.account, wanted.account),
        content.extensions(facts, wanted.extensions),
        content.unlogged_tables(facts),
        content.large_objects(facts),
        content.collation_versions(facts),
        content.glibc_indexes(facts, wanted.source_libc, wanted.libc),
        _long_transactions(facts, wanted),
        prepared_transactions(facts, WARN),
        _tablespaces(facts),
        _reserved_roles(facts, wanted),
        content.event_triggers(facts),
        content.data_size(facts),
        content.all_databases_read(facts),
    ]


def _number(facts: Facts, name: str) -> int | None:
    value = facts.settings.get(name)
    return int(value) if value is not None and value.lstrip("-").isdecimal() else None


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
    detail = f"Replication slots are not copied: {listed(facts.slots)}."
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


def _long_transactions(facts: Facts, wanted: Wanted) -> Check:
    name = "long_transactions"
    if facts.transactions is None:
        remedy = "GRANT pg_monitor to the account."
        return Check(name, UNKNOWN, "The account may not see the sessions of others.", remedy)
    found = [(pid, user, age) for pid, user, age in facts.transactions if age >= wanted.long_transaction]
    if not found:
        return Check(name, PASS, f"no transaction is open for {wanted.long_transaction:g} seconds")
    detail = "Open for long: " + listed(f"pid {pid} of {user}, {age} s" for pid, user, age in found) + "."
    return Check(name, WARN, detail, script(f"SELECT pg_terminate_backend({pid})" for pid, _user, _age in found))


def prepared_transactions(facts: HasPrepared, status: str) -> Check:
    """A prepared transaction outlives its session and can be committed by a read-only one."""
    if not facts.prepared:
        return Check("prepared_transactions", PASS, "there are no prepared transactions")
    detail = "Prepared transactions: " + listed(f"{gid!r} in {database}" for gid, database in facts.prepared) + "."
    quoted = [gid.replace("'", "''") for gid, _database in facts.prepared]
    remedy = "In its database, either COMMIT PREPARED or: " + script(f"ROLLBACK PREPARED '{g}'" for g in quoted)
    return Check("prepared_transactions", status, detail, remedy)


def _tablespaces(facts: Facts) -> Check:
    if not facts.tablespaces:
        return Check("tablespaces", PASS, "there are no tablespaces of one's own")
    detail = f"Tablespaces {listed(facts.tablespaces)}: a physical copy puts them at the same paths."
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
    remedy = script(f"ALTER ROLE {identifier(role)} RENAME TO ..." for role in found)
    return Check(name, FAIL, f"Roles with reserved names: {listed(found)}.", remedy)
