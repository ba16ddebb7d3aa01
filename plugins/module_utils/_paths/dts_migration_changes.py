# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Settings of a job that is there: which differ from what was asked for, which can be changed, and how.

Only what the task asked for is compared. Passwords are never told by the service, and are sent again on demand only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts_model import Job, document_of
from .._alibaba.dts_objects import db_list, selection_of
from .._alibaba.dts_settings import FULL_LIMITS, INCREMENTAL_LIMITS, RETRY_KEYS, options_of, retry_order
from .._alibaba.redaction import MASK
from .._plan import Step
from .dts_migration_plan import IDS, Observed
from .dts_migration_request import SIDES, USUAL_PAY_TYPE, Request
from .dts_migration_secrets import compact, masked, merged_settings

_SWITCHES = ("true", "false")
# Options whose values the service tells in capitals or not.
_ANY_CASE = ("instance_class", "pay_type")


def changes(request: Request, observed: Observed) -> tuple[Step, ...]:
    """The steps that bring the job's settings to what was asked for. None for a job that has ended."""
    job = observed.job
    if job is None or job.status in (api.FINISHED, api.LOCKED):
        return ()
    settings = (*_accounts(request, job), *_limits(request, job), *_objects_and_settings(request, job))
    return (*settings, *_alarms(request, observed, job))


def fixed_differences(request: Request, observed: Observed) -> list[str]:
    """What differs and cannot be changed at a job that is there. Of one that is over: what it did."""
    job = observed.job
    if job is None:
        return []
    found = []
    if request.kinds is not None and job.kinds and request.kinds != job.kinds:
        found.append(f"migration_types (the job has {', '.join(sorted(job.kinds))})")
    if job.status == api.FINISHED:
        return [*found, *([_objects_option(request)] if _objects_differ(request, job) else [])]
    for option, given, told in _fixed_options(request, job):
        if told and told != given and (option not in _ANY_CASE or told.lower() != given.lower()):
            found.append(f"{option} (the job has {told})")
    return found + _owners(request, observed)


def untold(request: Request, observed: Observed) -> list[str]:
    """Options that were given and cannot be compared, because the service does not tell what the job has."""
    job = observed.job
    if job is None:
        return []
    found = ["migration_types"] if request.kinds is not None and not job.kinds else []
    if request.objects is not None and document_of(job.objects) is None:
        found.append(_objects_option(request))
    if job.status == api.FINISHED:
        return found
    # What is usual anyway was not asked for.
    fixed = [(option, told) for option, given, told in _fixed_options(request, job) if given != USUAL_PAY_TYPE]
    found += [option for option, told in fixed if not told]
    found += [f"{s}.account" for s in SIDES if request.side(s).account and getattr(job, s).account is None]
    if document_of(job.reserved) is None:
        found += options_of(request.settings)
    if observed.alarms is None and (request.alarms.delay is not None or request.alarms.error is not None):
        found.append("alarms")
    return found


def logins_without_password(request: Request, job: Job) -> list[str]:
    """The sides where the job is to log in as another account, whose password is not given."""
    if job.status in (api.FINISHED, api.LOCKED):
        return []
    return [side for side in SIDES if _is_other_account(request, job, side) and not request.side(side).has_password]


def wrong_retries(request: Request, job: Job) -> str:
    """What the retry times that were asked for lead to together with those that the job has. Empty: nothing wrong."""
    if job.status in (api.FINISHED, api.LOCKED):
        return ""
    if not set(_different_settings(request, job)) & {key for key, _option in RETRY_KEYS}:
        return ""
    return retry_order(merged_settings(request, job.reserved))


def shown(request: Request, job: Job) -> dict[str, Any]:
    """What of the job's settings users name, for the diff."""
    told = {f"{side}_account": getattr(job, side).account for side in SIDES if request.side(side).account}
    if request.objects is not None:
        told["objects"] = document_of(job.objects)
    if request.settings:
        document = document_of(job.reserved) or {}
        told["settings"] = masked({key: document.get(key) for key in request.settings})
    return told


def shown_after(request: Request, job: Job | None) -> dict[str, Any]:
    told: dict[str, Any] = {f"{s}_account": request.side(s).account for s in SIDES if request.side(s).account}
    if request.objects is not None:
        kept = job is not None and not _objects_differ(request, job)
        told["objects"] = document_of(job.objects) if job is not None and kept else dict(request.objects)
    if request.settings:
        told["settings"] = masked(request.settings)
        if job is not None and not _different_settings(request, job):
            told["settings"] = shown(request, job)["settings"]
    return told


def _accounts(request: Request, job: Job) -> tuple[Step, ...]:
    steps = []
    for side, word in (("source", "src"), ("destination", "dest")):
        end, told = request.side(side), getattr(job, side).account
        other = _is_other_account(request, job, side)
        if end.has_password and (other or side in request.update_password):
            why = f"the job logs in at the {side} as {told}" if other else f"its password at the {side} is sent again"
            parameters = {**_ids(request, job), "Endpoint": word, "UserName": end.account or told, "Password": MASK}
            steps.append(_step(request, api.PASSWORD, why, parameters))
    return tuple(steps)


def _objects_and_settings(request: Request, job: Job) -> tuple[Step, ...]:
    """One call for both. Settings are sent as a whole: whether the service adds or replaces is told in two ways."""
    parameters, what = dict(_ids(request, job)), []
    if _objects_differ(request, job):
        parameters["DbList"] = compact(request.objects or {})
        what.append("objects")
    different = _different_settings(request, job)
    if different:
        parameters["Reserved"] = compact(masked(merged_settings(request, job.reserved)))
        what.append(", ".join(different))
    return (_step(request, api.MODIFY, f"these differ: {', '.join(what)}", parameters),) if what else ()


def _limits(request: Request, job: Job) -> tuple[Step, ...]:
    """Limits of phases that run take effect by a call of their own; the job's settings remember them."""
    if job.status not in (api.MIGRATING, api.RETRYING):
        return ()
    steps = []
    for key, code, kind in ((FULL_LIMITS, "03", api.FULL), (INCREMENTAL_LIMITS, "04", api.INCREMENTAL)):
        if key not in _different_settings(request, job) or kind not in job.kinds:
            continue
        parameters: dict[str, Any] = {"DtsJobId": job.id, "RegionId": request.region, "JobCode": code}
        parameters.update({"EnableLimit": True, "ConfigList": compact(request.settings[key])})
        steps.append(_step(request, api.LIMIT, f"the limits of the {kind} migration differ", parameters))
    return tuple(steps)


def _alarms(request: Request, observed: Observed, job: Job) -> tuple[Step, ...]:
    wanted, there = request.alarms, observed.alarms
    if there is None:
        return ()
    steps = []
    for kind, given, phones in (
        ("delay", wanted.delay, wanted.delay_phones),
        ("error", wanted.error, wanted.error_phones),
    ):
        if given is None:
            continue
        told = there.get(kind, {})
        on = told.get("state") == "Y"
        same_delay = kind != "delay" or not given or told.get("delay") == given
        if on == bool(given) and (not on or (same_delay and (not phones or told.get("phone") == phones))):
            continue
        parameters: dict[str, Any] = {"DtsJobId": job.id, "RegionId": request.region, "Type": kind}
        parameters["State"] = "Y" if given else "N"
        if kind == "delay":
            parameters["DelayRuleTime"] = given or told.get("delay") or 60
        if phones:
            parameters["Phone"] = phones
        steps.append(_step(request, api.ALARM, f"the alarm for {kind} differs", parameters))
    return tuple(steps)


def _owners(request: Request, observed: Observed) -> list[str]:
    found = []
    for side in SIDES:
        end = request.side(side)
        account_id, role = (observed.owners or {}).get(side, (None, None))
        if end.role and role is not None and role.lower() != end.role.lower():
            found.append(f"{side}.role (the job has {role})")
        if end.account_id and account_id is not None and account_id != end.account_id:
            found.append(f"{side}.account_id (the job has {account_id})")
    return found


def _objects_differ(request: Request, job: Job) -> bool:
    """By what they mean: the service may write them in another order, or add what is usual anyway."""
    told = document_of(job.objects)
    if request.objects is None or told is None or told == request.objects:
        return False
    return request.raw_objects or _canonical(told) != _canonical(request.objects)


def _different_settings(request: Request, job: Job) -> list[str]:
    told = document_of(job.reserved)
    if told is None:
        return []
    return sorted(key for key, value in request.settings.items() if _plain(told.get(key)) != _plain(value))


def _plain(value: Any) -> Any:
    """Numbers and switches may be told as texts or not, structures as JSON in a text."""
    if isinstance(value, str):
        inside = document_of(value)
        # Any other text may mean something by its capitals, as scripts do.
        return _plain(inside) if inside is not None else value.lower() if value.lower() in _SWITCHES else value
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return str(value).lower() if isinstance(value, (bool, int, float)) else value


def _is_other_account(request: Request, job: Job, side: str) -> bool:
    wanted, told = request.side(side).account, getattr(job, side).account
    return bool(wanted) and told is not None and told != wanted


def _fixed_options(request: Request, job: Job) -> Iterator[tuple[str, str, str | None]]:
    """(option, what was asked for, what the job has), of what was asked for and cannot be changed."""
    made = (
        ("environment_tag", "DtsBisLabel", job.label),
        ("dedicated_cluster_id", "DedicatedClusterId", job.cluster),
        ("resource_group_id", "ResourceGroupId", job.resource_group),
    )
    yield from ((option, request.job[key], told) for option, key, told in made if key in request.job)
    if job.paid:
        bought = (("instance_class", "InstanceClass", job.instance_class), ("pay_type", "PayType", job.pay_type))
        yield from ((option, request.purchase[key], told) for option, key, told in bought if key in request.purchase)


def _objects_option(request: Request) -> str:
    return "db_list" if request.raw_objects else "objects"


def _canonical(document: Mapping[str, Any]) -> str:
    return json.dumps(db_list(selection_of(document)), sort_keys=True)


def _ids(request: Request, job: Job) -> dict[str, Any]:
    return {"DtsInstanceId": job.instance_id, "DtsJobId": job.id, "RegionId": request.region}


def _step(request: Request, action: str, why: str, parameters: Mapping[str, Any]) -> Step:
    return Step(action, request.target, (request.name,), why, parameters, str(request.source), IDS)
