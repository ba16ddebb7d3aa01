# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a migrated PostgreSQL server is what its source was: what is compared, and how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._databases import postgresql_compare_stillness as stillness
from .._databases.comparison import Definitions, Difference, Wish, of_definitions
from .._databases.postgresql_compare import compare_database
from .._databases.postgresql_compare_hash import MD5, SERVER
from .._databases.postgresql_compare_inventory import KINDS, of_server
from .._databases.postgresql_connection import Session, connect, version_text
from .._failure import BadRequest, refuse_options
from .._waiting import Clock
from .comparison import comparison_problems, require_databases, require_two_servers, require_verdict, wanted
from .comparison_report import EQUAL, Found
from .postgresql_comparison_report import Request, as_result
from .postgresql_source_request import read_server, server_problems

# What the server counts is told within this many seconds.
_COUNTS_ARE_LATE = 2.0


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest that names everything that is wrong."""
    source, target = ({**options, **options[side]} for side in ("source", "target"))
    problems = server_problems(source, "source.") + server_problems(target, "target.")
    sample = options["sample_percent"]
    if sample is not None and not 0 < sample < 100:
        problems.append("sample_percent must be more than 0 and less than 100; leave it out to read everything")
    problems += comparison_problems(options)
    if sample is not None and options["require"] == EQUAL:
        problems.append("require: equal excludes sample_percent, because a sample never proves equality")
    refuse_options(problems)
    return Request(
        source=read_server(source, label="the source", prefix="source."),
        target=read_server(target, label="the target", prefix="target."),
        databases=tuple(options["databases"]),
        exclude_databases=tuple(options["exclude_databases"]),
        exclude_roles=tuple(options["exclude_roles"]),
        wish=Wish(
            kinds=tuple(kind for kind in KINDS if kind not in options["exclude_kinds"]),
            schema=lambda name: wanted(name, options["schemas"], options["exclude_schemas"]),
            table=lambda schema, name: (
                schema == "pg_catalog" or wanted(f"{schema}.{name}", options["tables"], options["exclude_tables"])
            ),
            digest=options["hash_function"] if options["contents"] == "hash" else None,
            sample=sample,
            parallel=options["parallel"],
        ),
        hash_function=options["hash_function"],
        most_differences=options["most_differences"],
        most_tables=options["most_tables"],
        require=options["require"],
    )


def compare(request: Request, clock: Clock) -> dict[str, Any]:
    """The module's result. Raises MigrationFailure when a server cannot be reached, or as `require` wants it."""
    begun = clock.monotonic()
    with connect(request.source, read_only=True) as source, connect(request.target, read_only=True) as target:
        _different_servers(source, target)
        if request.wish.digest == SERVER and source.major != target.major:
            raise BadRequest(
                f"hash_function server needs one major version; the source is {source.major}, the target "
                f"{target.major}.",
                code="invalid_options",
                remedy=f"Set hash_function: {MD5}.",
            )
        differences, unread = _of_server(request, source, target)
        names, missing = _databases(request, source, target)
        versions = {"source": version_text(source.version), "target": version_text(target.version)}
    unread += missing
    before = stillness.beginning(request.source, names)
    target_before = stillness.beginning(request.target, names)
    databases = [
        compare_database(request.source._replace(database=name), request.target._replace(database=name), request.wish)
        for name in names
    ]
    after, target_after = _afterwards(request, names, before, clock), stillness.end(request.target, names)
    for database in databases:
        differences += database.differences
        unread += database.unread
    found = Found(
        differences,
        databases,
        unread,
        stillness.doubts(before, after),
        stillness.changed_tables(before, after),
        stillness.changed_tables(target_before, target_after),
    )
    result = as_result(request, found, before, after, target_after, clock.monotonic() - begun)
    result["versions"] = versions
    require_verdict(request.require, result)
    return result


def _different_servers(source: Session, target: Session) -> None:
    statement = (
        "SELECT pg_catalog.pg_postmaster_start_time()::text, system_identifier FROM pg_catalog.pg_control_system()"
    )
    require_two_servers(source.read(statement) == target.read(statement))


def _afterwards(request: Request, names: list[str], before: stillness.Moment, clock: Clock) -> stillness.Moment:
    after = stillness.end(request.source, names)
    if stillness.may_be_maintenance(before, after) and stillness.doubts(before, after):
        clock.sleep(_COUNTS_ARE_LATE)
        after = after._replace(counts=stillness.counts(request.source, names))
    return after


def _of_server(request: Request, source: Session, target: Session) -> tuple[list[Difference], list[str]]:
    (here, unread), (there, unread_there) = of_server(source, request.wish.kinds), of_server(target, request.wish.kinds)
    differences: list[Difference] = []
    for kind in here.keys() & there.keys():
        first, second = (_chosen(request, kind, found[kind]) for found in (here, there))
        differences += of_definitions("", kind, first, second)
    return sorted(differences), [
        *(f"{kind} of the source" for kind in unread),
        *(f"{kind} of the target" for kind in unread_there),
    ]


def _chosen(request: Request, kind: str, found: Definitions) -> Definitions:
    """Without the roles and databases that are left out."""
    if kind == "roles":
        return {key: text for key, text in found.items() if wanted(key[1], (), request.exclude_roles)}
    if kind in ("databases", "database_privileges"):
        return {k: t for k, t in found.items() if wanted(k[1], request.databases, request.exclude_databases)}
    return found


def _databases(request: Request, source: Session, target: Session) -> tuple[list[str], list[str]]:
    """The names to compare, and what of the chosen ones cannot be, in words. Templates are compared when named."""
    statement = "SELECT datname, datistemplate, datallowconn FROM pg_catalog.pg_database ORDER BY datname"
    here, there = ({name: rest for name, *rest in session.read(statement)} for session in (source, target))
    chosen = [
        name
        for name, (template, _open) in here.items()
        if (name in request.databases or not template) and wanted(name, request.databases, request.exclude_databases)
    ]
    require_databases(request.databases, chosen, list(here))
    common = [name for name in chosen if name in there]
    # Otherwise that is a difference.
    absent = [] if "databases" in request.wish.kinds else [name for name in chosen if name not in there]
    closed = [name for name in common if not (here[name][1] and there[name][1])]
    return [name for name in common if name not in closed], [
        *(f"database {name}, which takes no connections" for name in closed),
        *(f"database {name}, which is not on the target" for name in absent),
    ]
