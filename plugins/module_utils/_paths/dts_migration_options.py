# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What may be wrong with the options of a DTS migration. All of it is told at once, before anything is read.

Ranges and rules are those of the vendor's guide to DTS between accounts and of the pages of ConfigureDtsJob and
CreateDtsInstance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._alibaba.dts_model import FULL, INCREMENTAL, SCHEMA
from .._alibaba.dts_objects import problems_of
from .._alibaba.dts_settings import limit_problems, retry_problems
from .._alibaba.ram_names import is_account_id, wrong_role_name
from .._alibaba.rds import is_region
from .._waiting import wrong_times
from .dts_migration_request import CAUGHT_UP, FORWARD, PRECHECKED, USUAL_KINDS, Endpoint

_USED_TIMES = {"Month": range(1, 10), "Year": (1, 2, 3, 5)}
_HOST = r"[A-Za-z0-9_.:%-]{1,253}"


def all_problems(options: Mapping[str, Any], source: Endpoint, destination: Endpoint) -> list[str]:
    name = options["name"].strip()
    problems = [] if 0 < len(name) <= 256 else ["name is empty or longer than 256 characters"]
    problems += _endpoint_problems("source", source, options) + _endpoint_problems("destination", destination, options)
    if not problems and str(source) == str(destination) and source.database == destination.database:
        problems.append("source and destination are the same")
    if destination.role and not (destination.is_rds and destination.engine == "MySQL"):
        problems.append("destination.role is for RDS MySQL instances only; give DTS to the destination's own account")
    problems += _object_problems(options) + retry_problems(options) + limit_problems(options)
    problems += _kind_problems(options) + _billing_problems(options) + _alarm_problems(options)
    problems += [
        f"update_password names {side}, and {side}.password is missing"
        for side, end in (("source", source), ("destination", destination))
        if options["state"] in FORWARD and side in options["update_password"] and not end.has_password
    ]
    problems += wrong_times(options, ["wait_timeout", "poll_interval", "settle", "max_lag", "caught_up_for"])
    if options["caught_up_for"] >= options["wait_timeout"] and options["state"] == CAUGHT_UP:
        problems.append("caught_up_for is not below wait_timeout, so that the wait would always end too early")
    if options["precheck"] == "after_purchase" and options["state"] == PRECHECKED:
        problems.append(
            "state prechecked cannot be had with precheck: after_purchase, because a job that was bought goes on after "
            "its precheck"
        )
    return problems


def _endpoint_problems(side: str, end: Endpoint, options: Mapping[str, Any]) -> list[str]:
    problems = []
    if end.is_rds:
        problems += [f"{side}.{n} is missing" for n in ("instance_id", "region") if not getattr(end, n)]
        problems += [f"{side}.{n} is not for access: rds" for n in ("host", "port") if getattr(end, n)]
    else:
        if not re.fullmatch(_HOST, end.host):
            problems.append(f"{side}.host is not an address without scheme, port and spaces")
        if not (end.port.isdecimal() and 1 <= int(end.port) <= 65535):
            problems.append(f"{side}.port is not a number from 1 to 65535")
        if end.access != "public" and not end.instance_id:
            problems.append(f"{side}.instance_id is missing (of the ECS instance, gateway or VPC)")
    if end.region and not is_region(end.region):
        problems.append(f"{side}.region {end.region!r} is not a region id")
    if end.engine == "PostgreSQL" and not end.database:
        problems.append(f"{side}.database is missing, which PostgreSQL needs")
    return problems + _owner_problems(side, end, options[side])


def _owner_problems(side: str, end: Endpoint, given: Mapping[str, Any]) -> list[str]:
    problems = [wrong_role_name(end.role, f"{side}.role")] if end.role else []
    credentials = {name for name, value in (given.get("credentials") or {}).items() if value}
    if credentials and not credentials & {"access_key_id", "bearer_token", "profile"}:
        problems.append(f"{side}.credentials holds no access key, no token and no profile")
    if (end.role or end.account_id) and not end.is_rds:
        problems.append(f"{side}.role and account_id are for RDS instances only")
    if end.account_id and not is_account_id(end.account_id):
        problems.append(f"{side}.account_id is not the id of an account, which is a number")
    if end.account_id and not end.role:
        problems.append(f"{side}.role is missing, which an instance of another account needs")
    if end.role and not end.account_id and not credentials:
        problems.append(f"{side}.account_id is missing; it may be left out with {side}.credentials")
    return [problem for problem in problems if problem]


def _object_problems(options: Mapping[str, Any]) -> list[str]:
    objects, raw = options.get("objects"), options.get("db_list")
    if objects is not None and raw is not None:
        return ["objects and db_list exclude each other"]
    if objects is not None and not objects:
        return ["objects is empty"]
    if raw is not None and not raw:
        return ["db_list is empty"]
    return problems_of(objects or [])


def _kind_problems(options: Mapping[str, Any]) -> list[str]:
    given = options.get("migration_types")
    if given is not None and not given:
        return ["migration_types is empty"]
    kinds, problems = frozenset(given) if given else USUAL_KINDS, []
    needs = {
        "throttle_full": {FULL},
        "throttle_incremental": {INCREMENTAL},
        "triggers": {SCHEMA, INCREMENTAL},
        "assessment": {SCHEMA},
    }
    for option, needed in needs.items():
        if options.get(option) and not needed <= kinds:
            problems.append(f"{option} needs {' and '.join(sorted(needed))} in migration_types")
    if INCREMENTAL not in kinds and _follows_changes(options.get("objects") or []):
        problems.append("dml and ddl of objects need incremental in migration_types")
    return problems


def _follows_changes(objects: Sequence[Mapping[str, Any]]) -> bool:
    items = [*objects, *(table for entry in objects for table in entry.get("tables") or [])]
    return any(item.get("dml") is not None or item.get("ddl") is not None for item in items)


def _billing_problems(options: Mapping[str, Any]) -> list[str]:
    if options["pay_type"] != "PrePaid":
        given = [name for name in ("period", "used_time", "auto_renew") if options.get(name) is not None]
        return [f"{', '.join(given)} belong to pay_type: PrePaid"] if given else []
    allowed = _USED_TIMES.get(options.get("period") or "")
    if allowed is None or options.get("used_time") is None:
        return ["pay_type PrePaid needs period and used_time"]
    if options["used_time"] not in allowed:
        told = "1 to 9" if options["period"] == "Month" else "1, 2, 3 or 5"
        return [f"used_time is {told} with period {options['period']}"]
    return []


def _alarm_problems(options: Mapping[str, Any]) -> list[str]:
    given = options.get("alarms") or {}
    delay, problems = given.get("delay_seconds"), []
    if delay is not None and delay < 0:
        problems.append("alarms.delay_seconds is a number from 0, and 10 or more is advised")
    for name, needed in (("delay_phones", "delay_seconds"), ("error_phones", "error")):
        if given.get(name) and not given.get(needed):
            problems.append(f"alarms.{name} needs alarms.{needed}")
        wrong = [text for text in given.get(name) or [] if not re.fullmatch(r"[0-9+-]{5,20}", text)]
        if wrong:
            problems.append(f"alarms.{name} holds what is no phone number: {', '.join(wrong)}")
    return problems
