# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a migrated MySQL or MariaDB server holds what its source holds: what is compared, and how."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._databases import mysql_compare_privileges as privileges
from .._databases import mysql_compare_stillness as stillness
from .._databases.comparison import Difference, Wish, of_definitions
from .._databases.mysql_compare import Side, compare_database
from .._databases.mysql_compare_hash import DIGESTS
from .._databases.mysql_compare_inventory import KINDS, databases
from .._databases.mysql_connection import Session, connect
from .._databases.mysql_errors import option_names
from .._databases.mysql_guard import PREFER, SSL_MODES, VERIFY_CA, VERIFY_FULL, Server
from .._failure import refuse_options
from .._plan import PASS, WARN, Check
from .._waiting import Clock, wrong_times
from .comparison import comparison_problems, require_databases, require_two_servers, require_verdict, wanted
from .comparison_report import Found, common_result

HASH_FUNCTIONS = DIGESTS
SERVER_OPTIONS: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 3306},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "ssl_mode": {"type": "str", "choices": list(SSL_MODES), "default": PREFER},
    "ca_cert": {"type": "path"},
}
_REMEDIES = {
    "everything_read": "Use an account that has SELECT, SHOW VIEW, TRIGGER, EVENT and EXECUTE on the databases.",
    "source_frozen": "Stop what writes to the source. To prove it the account needs REPLICATION CLIENT and PROCESS, "
    "and REPLICATION SLAVE to tell writes elsewhere from writes here.",
}
_LONGEST_TIMEOUT = 31536000


class Request(NamedTuple):
    """Patterns are those of the shell."""

    source: Server
    target: Server
    databases: tuple[str, ...]
    exclude_databases: tuple[str, ...]
    wish: Wish
    hash_function: str
    most_differences: int
    most_tables: int
    require: str


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest that names everything that is wrong."""
    problems = [problem for side in ("source", "target") for problem in _server_problems(options[side], f"{side}.")]
    problems += comparison_problems(options) + wrong_times(options, ("connect_timeout", "statement_timeout"))
    if not 0 < options["connect_timeout"] <= _LONGEST_TIMEOUT:
        problems.append("connect_timeout must be more than 0 seconds, and at most a year")
    refuse_options(problems)
    return Request(
        source=_server(options, "source"),
        target=_server(options, "target"),
        databases=tuple(options["databases"]),
        exclude_databases=tuple(options["exclude_databases"]),
        wish=Wish(
            kinds=tuple(kind for kind in KINDS if kind not in options["exclude_kinds"]),
            schema=lambda _name: True,
            table=lambda database, name: wanted(f"{database}.{name}", options["tables"], options["exclude_tables"]),
            digest=options["hash_function"] if options["contents"] == "hash" else None,
            sample=None,
            parallel=options["parallel"],
        ),
        hash_function=options["hash_function"],
        most_differences=options["most_differences"],
        most_tables=options["most_tables"],
        require=options["require"],
    )


def _server(options: Mapping[str, Any], side: str) -> Server:
    own = options[side]
    return Server(
        host=own["host"],
        port=own["port"],
        user=own["user"],
        password=own["password"],
        ssl_mode=own["ssl_mode"],
        ca_cert=own["ca_cert"],
        connect_timeout=options["connect_timeout"],
        statement_timeout=options["statement_timeout"],
        label=f"the {side}",
        names=option_names(f"{side}."),
    )


def _server_problems(options: Mapping[str, Any], prefix: str) -> list[str]:
    """What is wrong with the options of a connection."""
    problems = [f"{prefix}{name} must not be empty" for name in ("host", "user") if not options[name]]
    if not 0 < options["port"] < 65536:
        problems.append(f"{prefix}port must be between 1 and 65535")
    problems += [
        f"{prefix}{name} holds a character with code 0"
        for name in ("host", "user", "password")
        if "\0" in (options[name] or "")
    ]
    if options["ca_cert"] and options["ssl_mode"] not in (VERIFY_CA, VERIFY_FULL):
        problems.append(
            f"{prefix}ca_cert is of use with {prefix}ssl_mode {VERIFY_CA} or {VERIFY_FULL} only; with "
            f"{options['ssl_mode']} nothing would be verified"
        )
    return problems


def compare(request: Request, clock: Clock) -> dict[str, Any]:
    """The module's result. Raises MigrationFailure when a server cannot be reached, or as `require` wants it."""
    begun = clock.monotonic()
    with connect(request.source) as source, connect(request.target) as target:
        require_two_servers(_is_same(source, target))
        sides = tuple(
            Side(server, privileges.of_account(session))
            for server, session in ((request.source, source), (request.target, target))
        )
        names, differences, unread = _databases(request, source, target, sides)
        versions = {"source": source.version, "target": target.version}
    before, target_before = stillness.look(request.source, names), stillness.look(request.target, names)
    found = [compare_database(sides[0], sides[1], name, request.wish) for name in names]
    after, target_after = stillness.look(request.source, names), stillness.look(request.target, names)
    written = stillness.written_between(request.source, before, after)
    for database in found:
        differences += database.differences
        unread += database.unread
    everything = Found(
        differences,
        found,
        unread,
        stillness.doubts(before, after, written, names),
        stillness.changed_tables(before, after),
        _written_on_target(request.target, target_before, target_after, names),
    )
    result = common_result(request, everything, _REMEDIES, clock.monotonic() - begun)
    result["checks"].append(_counters([d.name for d in found if d.more["auto_increments_behind"]]).as_result())
    result |= {"versions": versions, **_places(before, after, target_after)}
    require_verdict(request.require, result)
    return result


def _places(before: stillness.Moment, after: stillness.Moment, target_after: stillness.Moment) -> dict[str, Any]:
    """Where in their logs the servers were, and whether they take writes."""
    return {
        "binlog_position": {
            "source_begin": before.position,
            "source_end": after.position,
            "target_end": target_after.position,
        },
        "gtid": {"source_begin": before.gtid, "source_end": after.gtid, "target_end": target_after.gtid},
        "source_read_only": after.read_only,
        "target_is_replica": target_after.replica,
    }


def _is_same(source: Session, target: Session) -> bool:
    """A lock that one session takes is seen by the other where both are on one server. It ends with the session."""
    name = f"apsaradb.migration {secrets.token_hex(8)}"
    source.read("SELECT GET_LOCK(%s, 0)", (name,))
    same = target.value("SELECT IS_USED_LOCK(%s)", (name,)) is not None
    source.read("SELECT RELEASE_LOCK(%s)", (name,))
    return same


def _databases(
    request: Request, source: Session, target: Session, sides: tuple[Side, ...]
) -> tuple[list[str], list[Difference], list[str]]:
    """The names to compare, in what databases differ themselves, and what of the chosen ones cannot be compared."""
    here, there = (
        {
            key: text
            for key, text in databases(s).items()
            if wanted(key[1], request.databases, request.exclude_databases)
        }
        for s in (source, target)
    )
    chosen = sorted(key[1] for key in here)
    require_databases(request.databases, chosen, chosen)
    unread = [
        f"databases of {side.server.label}: the account may not see all of them (SHOW DATABASES)"
        for side in sides
        if not _names_all(request)
        and not any(privileges.may(side.account, p, "*") for p in ("SHOW DATABASES", "SELECT"))
    ]
    if "databases" in request.wish.kinds:
        differences = list(of_definitions("", "databases", here, there))
    else:
        differences = []
        unread += [f"database {name}, which is not on the target" for name in chosen if ("", name) not in there]
    return [name for name in chosen if ("", name) in there], differences, unread


def _names_all(request: Request) -> bool:
    return bool(request.databases) and not any(set(name) & set("*?[") for name in request.databases)


def _written_on_target(
    target: Server, before: stillness.Moment, after: stillness.Moment, names: list[str]
) -> list[tuple[str, ...]]:
    """What is known to have been written there meanwhile; that it cannot be told is no reason to doubt the source."""
    found = stillness.changed_tables(before, after)
    written = stillness.written_between(target, before, after)
    logged = sorted(table for table in written.tables if any(table.startswith(f"{name}.") for name in names))
    return found or [(table,) for table in logged] or ([("its binary log",)] if written.doubt else [])


def _counters(databases_behind: list[str]) -> Check:
    name = "auto_increments"
    if not databases_behind:
        return Check(name, PASS, "no table of the target will number a row as one that was deleted on the source")
    return Check(
        name,
        WARN,
        f"tables of {', '.join(databases_behind[:10])} have a lower next AUTO_INCREMENT on the target, so numbers of "
        "rows that were deleted on the source are given again",
        "Set it with ALTER TABLE … AUTO_INCREMENT on the target, where that matters.",
    )
