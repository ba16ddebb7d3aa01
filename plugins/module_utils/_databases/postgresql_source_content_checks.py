# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether what the databases of a source hold survives a physical copy, as go/no-go items with the SQL to run. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .._plan import FAIL, PASS, UNKNOWN, WARN, Check, listed
from .postgresql_connection import identifier, script
from .postgresql_source import Database, Facts

_MIB = 2**20


def extensions(facts: Facts, on_target: Mapping[str, str] | None) -> Check:
    """on_target: those that the target has, with their versions where known. None: not given."""
    name = "extensions"
    used: dict[str, list[str]] = {}
    for database in facts.databases:
        for extension, version in (database.extensions or {}).items():
            used.setdefault(extension, []).append(f"{database.name} {version}")
    if on_target is None:
        detail = f"In use are {listed(sorted(used))}; what the target has is not known."
        return Check(name, UNKNOWN, detail, "Set target_extensions, or target to the address of the target.")
    missing = sorted(set(used) - set(on_target))
    if missing:
        detail = "The target does not have " + "; ".join(f"{e} (in {listed(used[e])})" for e in missing) + "."
        drops = script(f"DROP EXTENSION {identifier(extension)}" for extension in missing)
        return Check(name, FAIL, detail, f"Do without them on the source, in each of these databases: {drops}")
    return Check(name, PASS, f"the target has {listed(sorted(used))}")


def unlogged_tables(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.unlogged)
    if not found:
        return Check("unlogged_tables", PASS, "there are no unlogged tables")
    detail = f"Unlogged tables will be empty on the target: {_named(found)}."
    return Check("unlogged_tables", WARN, detail, script(f"ALTER TABLE {n} SET LOGGED" for _database, n in found))


def large_objects(facts: Facts) -> Check:
    count = sum(database.large_objects or 0 for database in facts.databases)
    return Check("large_objects", PASS, f"{count} large objects, which a physical copy takes along")


def collation_versions(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.stale_collations)
    if not found:
        return Check("collation_versions", PASS, "no collation changed under the source")
    databases = listed(dict.fromkeys(database for database, _statement in found))
    detail = f"Collations changed under the source in {databases}; indexes may be out of order already."
    return Check(
        "collation_versions",
        WARN,
        detail,
        "Rebuild what depends on them (check glibc_indexes), then: " + script(s for _database, s in found),
    )


def glibc_indexes(facts: Facts, source_libc: str | None, target_libc: str | None) -> Check:
    """The versions of the C library at both ends. None: not known."""
    name, found = "glibc_indexes", _per_database(facts, lambda database: database.endangered_indexes)
    if not found:
        return Check(name, PASS, "no index takes its order from the C library")
    if target_libc and target_libc == source_libc:
        return Check(name, PASS, f"source and target have the C library's collations of version {target_libc}")
    versions = f" ({source_libc or 'unknown'} here, {target_libc or 'unknown'} there)"
    detail = (
        f"Indexes that take their order from the C library{versions}: {len(found)}. Where the target's is another, "
        f"they may give wrong answers: {_named(found)}."
    )
    rebuild = [f"REINDEX INDEX CONCURRENTLY {index}" for _database, index in found]
    refresh = [
        f"ALTER DATABASE {identifier(database)} REFRESH COLLATION VERSION"
        for database in dict.fromkeys(database for database, _index in found)
    ]
    remedy = "After the switch, on the target: " + script(rebuild + (refresh if facts.major >= 15 else []))
    return Check(name, WARN, detail, remedy)


def event_triggers(facts: Facts) -> Check:
    found = _per_database(facts, lambda database: database.event_triggers)
    if not found:
        return Check("event_triggers", PASS, "there are no event triggers")
    statements = script(f"DROP EVENT TRIGGER {identifier(trigger)}" for _database, trigger in found)
    detail = f"Event triggers, which run with the rights of a superuser: {_named(found)}."
    return Check("event_triggers", WARN, detail, f"Do without them if the assessment objects: {statements}")


def data_size(facts: Facts) -> Check:
    unknown = [database.name for database in facts.databases if database.size is None]
    if unknown:
        remedy = "GRANT pg_monitor to the account."
        return Check("data_size", UNKNOWN, f"The size of {listed(unknown)} cannot be seen.", remedy)
    total = sum(database.size or 0 for database in facts.databases)
    return Check("data_size", PASS, f"{total // _MIB} MiB in {len(facts.databases)} databases, WAL not counted")


def all_databases_read(facts: Facts) -> Check:
    unread = [f"{database.name} ({database.unread})" for database in facts.databases if database.unread]
    if not unread:
        return Check("databases_read", PASS, f"{len(facts.databases)} databases were looked at")
    detail = f"Extensions, unlogged tables, indexes and triggers of these are not known: {listed(unread)}."
    return Check("databases_read", UNKNOWN, detail, "GRANT CONNECT ON DATABASE ... to the account, or open them.")


def _per_database(facts: Facts, pick: Callable[[Database], tuple[str, ...] | None]) -> list[tuple[str, str]]:
    """(database, name) of every name."""
    return [(database.name, name) for database in facts.databases for name in pick(database) or ()]


def _named(found: list[tuple[str, str]]) -> str:
    return listed(f"{name} in {database}" for database, name in found)
