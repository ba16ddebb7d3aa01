# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is around a DTS migration before it begins: roles, instances, accounts, white lists, room. Pure functions.

What each account has to be allowed is seed 004's table. The service decides in its precheck; what can be told earlier
is told here, and what cannot is `unknown`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba import ram, rds
from .._alibaba.dts import is_within
from .._alibaba.dts_objects import targets_of
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .dts_migration_plan import Observed, SideFacts
from .dts_migration_request import SIDES, Endpoint, Request

_READ = frozenset({"ReadOnly", "ReadWrite", "DMLOnly", "DBOwner"})
_WRITE, _OWN = frozenset({"ReadWrite", "DBOwner"}), frozenset({"DBOwner"})
_SELF_MADE = (
    "An account that was not made in the console needs REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW and SELECT."
)


def surroundings(request: Request, observed: Observed) -> list[Check]:
    sides = observed.sides or {}
    items = [_default_role(observed)]
    foreign = [side for side in SIDES if request.side(side).role]
    items += [_role(request, observed, side) for side in foreign]
    for side in SIDES:
        items += _instance(side, request.side(side), sides.get(side, SideFacts()))
    for side in SIDES:
        facts = sides.get(side, SideFacts())
        items.append(_white_list(side, request.side(side), facts, observed.servers))
        if not facts.missing:
            items.append(_account(request, side, facts))
    items += [
        _objects(request, sides.get("source", SideFacts())),
        _names(request, sides.get("destination", SideFacts())),
    ]
    return [*items, _storage(request, sides)]


def _default_role(observed: Observed) -> Check:
    if observed.default_role:
        return Check("default_role", PASS, f"this account has {ram.DTS_ROLE}")
    status = UNKNOWN if observed.default_role is None else FAIL
    text = f"{'Whether this account has' if observed.default_role is None else 'This account has no'} {ram.DTS_ROLE}"
    text += " is not told." if observed.default_role is None else ", without which DTS works for nobody."
    return Check("default_role", status, text, "Open the DTS console once and authorise DTS.")


def _role(request: Request, observed: Observed, side: str) -> Check:
    """The role in the account that owns the side, as far as that account's credentials were given."""
    end, found, name = request.side(side), observed.role, f"{side}_role"
    make = f"Run ram_dts_role with the credentials of account {end.account_id or 'that owns it'}."
    if observed.account_id and end.account_id == observed.account_id:
        text = f"{side}.account_id is the account of the caller."
        return Check(name, FAIL, text, f"Leave {side}.account_id and role out, or use the other account's credentials.")
    if found is None or found.exists is None:
        text = f"Whether role {end.role} of account {end.account_id} lets DTS in cannot be seen from here."
        return Check(name, UNKNOWN, text, f"Give {side}.credentials to have it looked at; the precheck tells as well.")
    if end.account_id and found.account_id != end.account_id:
        text = f"{side}.credentials are of account {found.account_id}, not of {end.account_id}."
        return Check(name, FAIL, text, f"Correct {side}.account_id or credentials.")
    problem = _role_problem(end, observed)
    if not problem:
        return Check(name, PASS, f"role {end.role} of account {end.account_id} lets in DTS of this account")
    # What an earlier task of the same rehearsal would have made is not there yet.
    return Check(name, WARN if observed.rehearsal else FAIL, problem, make)


def _role_problem(end: Endpoint, observed: Observed) -> str:
    found = observed.role
    if found is None or not found.exists:
        return f"Account {end.account_id} has no role {end.role}."
    wanted = ram.dts_trust(observed.account_id)
    if observed.account_id and found.grants is not None and not wanted <= found.grants:
        trusted = ", ".join(sorted(map(str, found.grants))) or "nobody"
        return f"Role {end.role} does not trust DTS of account {observed.account_id}; it trusts {trusted}."
    if found.policies is not None and all(policy.name != ram.DTS_POLICY for policy in found.policies):
        return f"Role {end.role} has no policy {ram.DTS_POLICY}."
    return ""


def _instance(side: str, end: Endpoint, facts: SideFacts) -> list[Check]:
    if not facts.readable:
        return []
    name, found = f"{side}_instance", facts.instance
    if found is None:
        text = f"{end.instance_id} was not found in region {end.region}."
        return [
            Check(
                name, FAIL, text, f"Correct {side}.instance_id and region; an instance of another account needs a role."
            )
        ]
    wrong = []
    if found.engine is not None and found.engine != end.engine:
        wrong.append(f"it runs {found.engine}, and {side}.engine is {end.engine}")
    if found.region is not None and found.region != end.region:
        wrong.append(f"it is in {found.region}, and {side}.region is {end.region}")
    if found.state is not None and found.state != rds.RUNNING:
        wrong.append(f"it is {found.state}")
    if wrong:
        return [Check(name, FAIL, f"{found.id}: {'; '.join(wrong)}.", f"Correct {side}, or wait until it is Running.")]
    return [Check(name, PASS, f"{found.id} is there, runs {found.engine} {found.version or ''}".rstrip())]


def _white_list(side: str, end: Endpoint, facts: SideFacts, servers: tuple[str, ...] | None) -> Check:
    name = f"{side}_white_list"
    if not servers:
        return Check(name, UNKNOWN, "The service did not tell where DTS connects from.", "The precheck tells.")
    told = ", ".join(servers)
    if facts.white_list is None:
        remedy = f"Let these in at {end}: {told}." + (" For RDS instances DTS does so itself." if end.is_rds else "")
        return Check(name, UNKNOWN, f"Whether {end} lets DTS in cannot be seen from here.", remedy)
    missing = [network for network in servers if not is_within(network, facts.white_list)]
    if not missing:
        return Check(name, PASS, f"the white list of {end} has the addresses of DTS")
    text = f"The white list of {end} lacks addresses of DTS. By its documentation DTS adds them itself."
    return Check(name, WARN, text, f"If the precheck says that {end} cannot be reached, add {', '.join(missing)}.")


def _account(request: Request, side: str, facts: SideFacts) -> Check:
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
    for database in _databases(request, side):
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


def _databases(request: Request, side: str) -> list[str]:
    end, names = request.side(side), targets_of(request.objects or {})
    if end.database and end.engine in ("PostgreSQL", "SQLServer"):
        return [end.database]
    return sorted(names if side == "source" else set(names.values()))


def _objects(request: Request, facts: SideFacts) -> Check:
    wanted = _databases(request, "source")
    if facts.databases is None:
        return Check("source_objects", UNKNOWN, "The databases of the source cannot be seen from here.", "")
    missing = [name for name in wanted if name not in facts.databases]
    if not missing:
        return Check("source_objects", PASS, "the source has the databases; its tables are for the precheck")
    text = f"{request.source} has no database {', '.join(missing)}."
    return Check("source_objects", FAIL, text, "Correct objects, or source.database.")


def _names(request: Request, facts: SideFacts) -> Check:
    name, wanted = "destination_objects", _databases(request, "destination")
    if facts.databases is None:
        return Check(name, UNKNOWN, "The databases of the destination cannot be seen from here.", "")
    there = [database for database in wanted if database in facts.databases]
    if api.SCHEMA not in request.wanted_kinds or request.destination.engine == "PostgreSQL":
        missing = [database for database in wanted if database not in facts.databases]
        if missing:
            text = f"{request.destination} has no database {', '.join(missing)}, and none is made by this migration."
            return Check(name, FAIL, text, "Create databases and tables there, or add schema to migration_types.")
        return Check(name, PASS, "the destination has the databases; its tables are for the precheck")
    if there and request.settings.get("targetTableMode") != "2":
        text = f"{request.destination} has {', '.join(there)} already. Tables of equal names fail the precheck."
        return Check(
            name, WARN, text, "Rename them with new_name, or set existing_tables: ignore, which keeps their rows."
        )
    return Check(name, PASS, "no database of these names is in the way")


def _storage(request: Request, sides: Mapping[str, SideFacts]) -> Check:
    source, target = sides.get("source", SideFacts()), sides.get("destination", SideFacts())
    room = target.instance.storage if target.instance else None
    free = room - target.used if room is not None and target.used is not None else None
    sizes = [(source.databases or {}).get(name) for name in _databases(request, "source")]
    known = [size for size in sizes if size is not None]
    needed = sum(known) if known and len(known) == len(sizes) else source.used
    if free is None or needed is None:
        return Check("storage", UNKNOWN, "Free storage of the destination or size of the source is not told.", "")
    text = f"{free} bytes are free at the destination, and the source has {needed} or less"
    if free > needed:
        return Check("storage", PASS, text)
    of_all = "" if len(known) == len(sizes) else ", with databases that are not migrated"
    status = FAIL if not of_all else WARN
    return Check("storage", status, f"{text}{of_all}.", "Enlarge the storage of the destination, or migrate less.")
