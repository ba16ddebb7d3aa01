# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the database accounts of a DTS migration have to be allowed. Pure functions.

That is the table of the vendor's guide to DTS between accounts. The service decides in its precheck; what can be told
earlier is told here, and what cannot is `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts_objects import targets_of
from .._plan import FAIL, PASS, UNKNOWN, Check
from .dts_migration_plan import SideFacts
from .dts_migration_request import Request

# Keys of Reserve that checks ask for.
ACCOUNTS, TABLE_MODE = "privilegeMigration", "targetTableMode"
_WITH_STATEMENTS = ("MySQL", "MariaDB")
_READ = frozenset({"ReadOnly", "ReadWrite", "DMLOnly", "DBOwner"})
_WRITE, _OWN = frozenset({"ReadWrite", "DBOwner"}), frozenset({"DBOwner"})
_ROWS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
_SELF_MADE = (
    "An account that was not made in the console needs REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW and SELECT."
)
_MOVES_ACCOUNTS = "To migrate database accounts it needs more; the vendor's page on migrating them tells what."


def account_check(request: Request, side: str, facts: SideFacts) -> Check:
    end, name, remedy = request.side(side), f"{side}_account", _needed_text(request, side, facts)
    if facts.accounts is None or not end.account:
        text = f"What account {end.account or 'of the job'} of {end} may do cannot be seen from here."
        return Check(name, UNKNOWN, text, remedy)
    found = next((one for one in facts.accounts if one["name"] == end.account), None)
    if found is None:
        text = f"{end} has no account {end.account} that the service lists."
        # One that was made by a statement is good enough, as the guide says.
        status = UNKNOWN if end.engine in _WITH_STATEMENTS else FAIL
        return Check(name, status, text, f"Correct {side}.account, or make it. {remedy}")
    if found["status"] not in (None, "Available"):
        return Check(name, FAIL, f"Account {end.account} of {end} is {found['status']}.", "Unlock it.")
    check = (_privileged if found["kind"] in ("Super", "Sysadmin") else _normal)(request, side, facts, found)
    if check.status == PASS and request.settings.get(ACCOUNTS, "false") != "false":
        text = f"{check.detail}; whether it may do what the migration of accounts needs is not told."
        return Check(name, UNKNOWN, text, remedy)
    return check


def _privileged(request: Request, side: str, facts: SideFacts, found: Mapping[str, Any]) -> Check:
    end, name = request.side(side), f"{side}_account"
    text = f"{end.account} of {end} is a privileged account"
    if end.engine != "PostgreSQL" or side != "source" or not _follows(request):
        return Check(name, PASS, text)
    names = databases_of(request, side)
    if names and all(found["privileges"].get(database) in _OWN for database in names):
        return Check(name, PASS, f"{text} that owns {', '.join(names)}")
    text = f"{text}; whether it owns {', '.join(names or ['the database'])} is not told."
    return Check(name, UNKNOWN, text, _needed_text(request, side, facts))


def _normal(request: Request, side: str, facts: SideFacts, found: Mapping[str, Any]) -> Check:
    end, name, remedy = request.side(side), f"{side}_account", _needed_text(request, side, facts)
    question = _open_question(request, side, found)
    if question:
        text = f"Account {end.account} of {end} is no privileged one, and {question}."
        return Check(name, UNKNOWN, text, remedy)
    lacking: list[str] = []
    unclear: list[str] = []
    for database in databases_of(request, side) or ():
        may = _may(request, side, found, database)
        known = side == "source" if facts.databases is None else database in facts.databases
        if not may:
            shown = f"{database} ({found['privileges'].get(database) or 'nothing'})"
            (lacking if may is False and known else unclear).append(shown)
    if lacking:
        return Check(name, FAIL, f"Account {end.account} of {end} lacks rights: {', '.join(lacking)}.", remedy)
    if unclear:
        text = f"What account {end.account} of {end} may do is not told: {', '.join(unclear)}."
        return Check(name, UNKNOWN, text, remedy)
    return Check(name, PASS, f"{end.account} of {end} has the rights that the service tells about")


def _open_question(request: Request, side: str, found: Mapping[str, Any]) -> str:
    """Why the privileges that RDS tells do not decide; empty where they do."""
    engine = request.side(side).engine
    if engine == "PostgreSQL":
        return "its rights in schemas are not told"
    if not request.wanted_kinds or databases_of(request, side) is None:
        return "what the job migrates is not told"
    if engine in _WITH_STATEMENTS and not found["privileges"]:
        return "its rights are not told, as of accounts that a statement made"
    return ""


def _may(request: Request, side: str, found: Mapping[str, Any], database: str) -> bool | None:
    """Whether the account has the rights that are needed in a database. None: not told."""
    enough, has = _enough(request, side), found["privileges"].get(database)
    if has in enough:
        return True
    if has != "Custom":
        return False
    rights = {right.strip().upper() for right in (found["details"].get(database) or "").split(",")} - {""}
    if not rights or "ALL PRIVILEGES" in rights or request.side(side).engine not in _WITH_STATEMENTS:
        return None
    if enough == _READ:
        return "SELECT" in rights
    # "Read and write" is no list of rights, and a source may be followed with fewer.
    return None if side == "source" or rights >= _ROWS else False


def _enough(request: Request, side: str) -> frozenset[str]:
    """Privileges of RDS of which one is enough."""
    if side == "source" and request.side(side).engine == "SQLServer":
        return _OWN if _follows(request) else _READ
    return _WRITE if side == "destination" or _follows(request) else _READ


def _follows(request: Request) -> bool:
    """Whether changes are followed; a job that does not tell counts as if they were."""
    return not request.wanted_kinds or api.INCREMENTAL in request.wanted_kinds


def _needed_text(request: Request, side: str, facts: SideFacts) -> str:
    """The guide's table, for this engine and these kinds of migration."""
    engine, follows = request.side(side).engine, _follows(request)
    if engine == "PostgreSQL":
        text = _needed_of_postgresql(request, side, facts)
    elif engine == "SQLServer":
        text = "It needs the rights of the objects' owner." if follows else "It needs SELECT on the objects."
        if side == "destination":
            text = "It needs to be let in and to write by the instance's account permissions."
    elif side == "destination":
        text = "It needs to read and write."
    else:
        text = f"It needs {'to read and write' if follows else 'SELECT'}. {_SELF_MADE}"
    return f"{text} {_MOVES_ACCOUNTS}" if request.settings.get(ACCOUNTS) == "true" else text


def _needed_of_postgresql(request: Request, side: str, facts: SideFacts) -> str:
    kinds = request.wanted_kinds or {api.SCHEMA, api.FULL, api.INCREMENTAL}
    if side == "destination":
        needed = ["CREATE and USAGE on the objects"] if api.SCHEMA in kinds else []
        needed += ["for the rows the rights of the schema's owner"] if kinds != {api.SCHEMA} else []
        return f"It needs {', and '.join(needed)}."
    if api.INCREMENTAL in kinds:
        old = facts.instance is not None and (facts.instance.version or "").startswith("9.4")
        alone = " On PostgreSQL 9.4, REPLICATION is enough for DML alone." if old else ""
        return f"It needs to be a privileged account that owns the database.{alone}"
    needed = ["USAGE on the schema pg_catalog"] if api.SCHEMA in kinds else []
    needed += ["SELECT on the objects"] if api.FULL in kinds else []
    return f"It needs {' and '.join(needed)}."


def databases_of(request: Request, side: str) -> list[str] | None:
    """Those of a side that the migration is about. None: not told."""
    end, names = request.side(side), targets_of(request.objects or {})
    if end.database and end.engine in ("PostgreSQL", "SQLServer"):
        return [end.database]
    return sorted(names if side == "source" else set(names.values())) or None
