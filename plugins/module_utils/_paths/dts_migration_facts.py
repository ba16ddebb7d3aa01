# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The result keys of a DTS migration."""

from __future__ import annotations

from typing import Any

from .._alibaba import dts_model as api
from .._alibaba.dts_model import Job
from .._plan import Plan
from .dts_migration_plan import Observed
from .dts_migration_request import ABSENT, Endpoint, Request


def facts(request: Request, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
    """rehearsed: the plan whose outcome is shown as if it had been done."""
    steps = rehearsed.steps if rehearsed else ()
    job = job_facts(observed.job) if observed.job else None
    if steps:
        job = None if request.state == ABSENT else _predicted(request, job, any(s.action == api.BUY for s in steps))
    return {
        "name": request.name,
        "source": _end(request.source),
        "destination": _end(request.destination),
        "job": job,
        "precheck": _precheck(observed),
        "dts_servers": list(observed.servers) if observed.servers else None,
    }


def job_facts(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "instance_id": job.instance_id,
        "status": job.status,
        "migration_types": sorted(job.kinds),
        "phases": {kind: phase._asdict() for kind, phase in job.phases.items()},
        "delay_ms": job.delay,
        "bought": job.paid,
        "pay_type": job.pay_type,
        "instance_class": job.instance_class,
        "created": job.created,
        "error": job.error or None,
    }


def _predicted(request: Request, job: dict[str, Any] | None, buys: bool) -> dict[str, Any]:
    """As it will be, where that is known."""
    if job is not None:
        return {**job, "status": "unknown", "bought": job["bought"] or buys}
    empty: dict[str, Any] = dict.fromkeys(("id", "instance_id", "delay_ms", "created", "error"))
    return {
        **empty,
        "status": "unknown",
        "migration_types": sorted(request.wanted_kinds),
        "phases": {},
        "bought": buys,
        "pay_type": request.purchase.get("PayType") if buys else None,
        "instance_class": request.purchase.get("InstanceClass") if buys else None,
    }


def _end(end: Endpoint) -> dict[str, Any]:
    return {
        "engine": end.engine,
        "instance_id": end.instance_id or None,
        "region": end.region or None,
        "host": end.host or None,
        "port": int(end.port) if end.port else None,
        "database": end.database or None,
        "account": end.account or None,
        "account_id": end.account_id or None,
        "role": end.role or None,
    }


def _precheck(observed: Observed) -> dict[str, Any] | None:
    found = observed.precheck
    if found is None:
        return None
    checks = [{"check": item.check, **item._asdict()} for item in found.items]
    return {"state": found.state, "checks": checks}
