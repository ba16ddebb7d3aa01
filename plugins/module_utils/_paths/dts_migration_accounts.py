# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the database accounts of a DTS migration have to be allowed. Pure functions.

That is seed 004's table. The service decides in its precheck; what can be told earlier is told here, and what cannot is
`unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts_objects import targets_of
from .._plan import FAIL, PASS, UNKNOWN, Check
from .dts_migration_plan import SideFacts
from .dts_migration_request import Request

_READ = frozenset({"ReadOnly", "ReadWrite", "DMLOnly", "DBOwner"})
_WRITE, _OWN = frozenset({"ReadWrite", "DBOwner"}), frozenset({"DBOwner"})
_SELF_MADE = (
    "An account that was not made in the console needs REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW and SELECT."
)


def account(request: Request, side: str, facts: SideFacts) -> Check:
    end, name = request.side(side), f"{side}_account"
    if facts.accounts is None or not end.account:
        text = f"What account {end.account or 'of the job'} of {end} may do cannot be seen from here."
        return Check(name, UNKNOWN, text, _needed_text(request, side))
    found = next((one for one in facts.accounts if one["name"] == end.account), None)
    if found is None:
        text = f"{end} has no account {end.account} that the service lists."
        return Check(name, FAIL, text, f"Correct {side}.account, or make it. {_needed_text(request, side)}")
    if found["status"] not in (None, "Available"):
        return Check(name, FAIL, f"Account {end.account} of {end} is {found['status']}.", "Unlock it.")
    if found["kind"] in ("Super", "Sysadmin"):
        return Check(name, PASS, f"{end.account} of {end} is a privileged account")
    return _privileges(request, side, facts, found["privileges"])


def _privileges(request: Request, side: str, facts: SideFacts, granted: Mapping[str, Any]) -> Check:
    end, name, remedy = request.side(side), f"{side}_account", _needed_text(request, side)
    enough = _enough(request, side, facts)
    if enough is None:
        text = f"Account {end.account} of {end} is no privileged one, and its rights in schemas are not told."
        return Check(name, UNKNOWN, text, remedy)
    lacking: list[str] = []
    unclear: list[str] = []
    for database in databases_of(request, side):
        has = granted.get(database)
        if has in enough:
            continue
        known = facts.databases is None or database in facts.databases
        (lacking if has != "Custom" and known else unclear).append(f"{database} ({has or 'nothing'})")
    if lacking:
        return Check(name, FAIL, f"Account {end.account} of {end} lacks rights: {', '.join(lacking)}.", remedy)
    if unclear:
        text = f"What account {end.account} of {end} may do is not told: {', '.join(unclear)}."
        return Check(name, UNKNOWN, text, remedy)
    return Check(name, PASS, f"{end.account} of {end} has the rights that the service tells about")


def _enough(request: Request, side: str, facts: SideFacts) -> frozenset[str] | None:
    """Privileges of which one is enough; None where what is needed is not among those that RDS tells."""
    engine, follows = request.side(side).engine, api.INCREMENTAL in request.wanted_kinds
    if engine == "PostgreSQL":
        return None
    if side == "destination":
        return _WRITE
    if engine == "SQLServer":
        return _OWN if follows else _READ
    return _WRITE if follows else _READ


def _needed_text(request: Request, side: str) -> str:
    """Seed 004's table, for this engine and these kinds of migration."""
    engine, follows = request.side(side).engine, api.INCREMENTAL in request.wanted_kinds
    full = api.FULL in request.wanted_kinds
    if engine == "PostgreSQL":
        if side == "destination":
            return "It needs CREATE and USAGE on the objects, and for incremental migration the rights of their owner."
        if follows:
            return (
                "It needs to be a privileged account that owns the database; on PostgreSQL 9.4, and for DML alone, "
                "REPLICATION is enough."
            )
        return f"It needs {'SELECT on the objects' if full else 'USAGE on the schema pg_catalog'}."
    if engine == "SQLServer":
        if side == "destination":
            return "It needs to be let in and to write by the instance's account permissions."
        return "It needs the rights of the objects' owner." if follows else "It needs SELECT on the objects."
    if side == "destination" or follows:
        return "It needs to read and write." + (f" {_SELF_MADE}" if side == "source" else "")
    return f"It needs SELECT. {_SELF_MADE}"


def databases_of(request: Request, side: str) -> list[str]:
    end, names = request.side(side), targets_of(request.objects or {})
    if end.database and end.engine in ("PostgreSQL", "SQLServer"):
        return [end.database]
    return sorted(names if side == "source" else set(names.values()))
