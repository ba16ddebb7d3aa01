# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is around a DTS migration before it begins: roles, instances, accounts, white lists, room. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from .._alibaba import dts_model as api
from .._alibaba import rds
from .._alibaba.dts_model import Job
from .._alibaba.dts_settings import EXISTING
from .._alibaba.networks import is_within
from .._alibaba.rds import UNTOLD
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .dts_migration_accounts import ACCOUNTS, TABLE_MODE, account_check, databases_of
from .dts_migration_plan import Observed, SideFacts
from .dts_migration_request import SIDES, Endpoint, Request
from .dts_migration_roles import role_checks


def checks_of_surroundings(request: Request, observed: Observed) -> list[Check]:
    sides, request = observed.sides or {}, as_of_job(request, observed.job)
    items = role_checks(request, observed)
    for side in SIDES:
        items += _instance(side, request.side(side), sides.get(side, SideFacts()))
    for side in SIDES:
        facts = sides.get(side, SideFacts())
        items.append(_white_list(side, request.side(side), facts, observed.servers))
        if not facts.missing:
            items.append(account_check(request, side, facts))
    items += [
        _objects(request, sides.get("source", SideFacts())),
        _names(request, sides.get("destination", SideFacts())),
    ]
    return [*items, _storage(request, sides)]


def as_of_job(request: Request, job: Job | None) -> Request:
    """With what the request leaves to a job that is there. What that does not tell is empty, as a setting `unknown`."""
    if job is None:
        return request
    for side, told in (("source", job.source), ("destination", job.destination)):
        end = request.side(side)
        account, database = end.account or told.account or "", end.database or told.database or ""
        request = request.with_side(side, end._replace(account=account, database=database))
    settings = api.document_of(job.reserved)
    known = dict.fromkeys((ACCOUNTS, TABLE_MODE), UNTOLD) if settings is None else settings
    return request._replace(
        objects=api.document_of(job.objects) if request.objects is None else request.objects,
        kinds=job.kinds if request.kinds is None else request.kinds,
        settings={**known, **request.settings},
    )


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


def _objects(request: Request, facts: SideFacts) -> Check:
    wanted = databases_of(request, "source")
    if wanted is None:
        return Check("source_objects", UNKNOWN, "Which databases are migrated is not told.", "")
    if facts.databases is None:
        return Check("source_objects", UNKNOWN, "The databases of the source cannot be seen from here.", "")
    missing = [name for name in wanted if name not in facts.databases]
    if not missing:
        return Check("source_objects", PASS, "the source has the databases; its tables are for the precheck")
    text = f"{request.source} has no database {', '.join(missing)}."
    return Check("source_objects", FAIL, text, "Correct objects, or source.database.")


def _names(request: Request, facts: SideFacts) -> Check:
    name, wanted = "destination_objects", databases_of(request, "destination")
    if wanted is None or not request.wanted_kinds:
        return Check(name, UNKNOWN, "What is migrated is not told.", "")
    if facts.databases is None:
        return Check(name, UNKNOWN, "The databases of the destination cannot be seen from here.", "")
    there = [database for database in wanted if database in facts.databases]
    if api.SCHEMA not in request.wanted_kinds or request.destination.engine == "PostgreSQL":
        missing = [database for database in wanted if database not in facts.databases]
        if missing:
            text = f"{request.destination} has no database {', '.join(missing)}, and none is made by this migration."
            return Check(name, FAIL, text, "Create databases and tables there, or add schema to migration_types.")
        return Check(name, PASS, "the destination has the databases; its tables are for the precheck")
    mode = str(request.settings.get(TABLE_MODE, EXISTING["stop"]))
    if there and mode == UNTOLD:
        text = f"{request.destination} has {', '.join(there)} already. What the job does then is not told."
        return Check(name, UNKNOWN, text, "Set existing_tables.")
    if there and mode != EXISTING["ignore"]:
        text = f"{request.destination} has {', '.join(there)} already. Tables of equal names fail the precheck."
        return Check(
            name, WARN, text, "Rename them with new_name, or set existing_tables: ignore, which keeps their rows."
        )
    return Check(name, PASS, "no database of these names is in the way")


def _storage(request: Request, sides: Mapping[str, SideFacts]) -> Check:
    if request.wanted_kinds and api.FULL not in request.wanted_kinds:
        return Check("storage", PASS, "no rows are copied that would need room at once")
    source, target = sides.get("source", SideFacts()), sides.get("destination", SideFacts())
    room = target.instance.storage if target.instance else None
    free = room - target.used if room is not None and target.used is not None else None
    sizes = [(source.databases or {}).get(name) for name in databases_of(request, "source") or ()]
    known = [size for size in sizes if size is not None]
    each = bool(known) and len(known) == len(sizes)
    needed = sum(known) if each else source.used
    if free is None or needed is None:
        return Check("storage", UNKNOWN, "Free storage of the destination or size of the source is not told.", "")
    text = f"{free} bytes are free at the destination, and the source has {needed} or less"
    if free > needed:
        return Check("storage", PASS, text)
    of_all = "" if each else ", with databases that are not migrated"
    status = FAIL if not of_all else WARN
    return Check("storage", status, f"{text}{of_all}.", "Enlarge the storage of the destination, or migrate less.")
