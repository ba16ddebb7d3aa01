# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Assessments and cloud migrations as results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._alibaba import rds
from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import Report, accept_names
from .._plan import Plan
from .._timing import moment_text
from .cloud_migration_plan import Observed, current, failed_before, newest_assessment
from .cloud_migration_request import Request


def facts(request: Request, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
    """The module's result keys about this migration; of a rehearsal, as they will be after the plan."""
    actions = {step.action for step in rehearsed.steps} if rehearsed else set()
    found = current(request, observed) or failed_before(request, observed)
    assessed = newest_assessment(request, observed)
    migration = migration_facts(found) if found else None
    if rehearsed is not None and (api.CREATE in actions or api.ACTIVATE in actions):
        migration = _predicted_migration(request, None if api.CREATE in actions else migration, rehearsed.after)
    new = api.PRECHECK in actions
    return {
        "instance_id": request.instance_id,
        "source": {"host": request.source.host, "port": request.source.port},
        "assessment": _predicted_assessment(request) if new else _assessment_facts(assessed, observed.now),
        "migration": migration,
        "address": dict(observed.address) if observed.address else None,
    }


def checks_facts(report: Report) -> list[dict[str, Any]]:
    """The lines of a report, each with its name among the module's checks."""
    names = accept_names(report.checks)
    return [{**check._asdict(), "check": name} for check, name in zip(report.checks, names, strict=True)]


def migration_facts(found: api.Migration) -> dict[str, Any]:
    told = found.replication
    return {
        "task_id": found.id,
        "name": found.name,
        "stage": found.stage,
        "replication_state": found.state,
        "positions": {"received": told.received, "replayed": told.replayed},
        "lag_bytes": told.lag_bytes,
        "lag_seconds": told.lag_seconds,
        "created": moment_text(found.created) if found.created else None,
        "switch_time": found.switch_time,
        "checks": checks_facts(found.report),
        "detail": list(found.report.events),
    }


def _predicted_migration(request: Request, now: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    nothing: dict[str, Any] = {
        "task_id": None,
        "name": request.task_name,
        "positions": {"received": None, "replayed": None},
        "lag_bytes": None,
        "lag_seconds": None,
        "created": None,
        "switch_time": None,
        "checks": [],
        "detail": [],
    }
    return {**(now or nothing), "stage": after["stage"], "replication_state": after["replication"]}


def _assessment_facts(found: api.Assessment | None, now: datetime) -> dict[str, Any] | None:
    if found is None:
        return None
    age = None if found.created is None else max(int((now - found.created).total_seconds()), 0)
    return {
        "task_id": found.id,
        "name": found.name,
        "outcome": found.report.outcome,
        "created": moment_text(found.created) if found.created else None,
        "age": age,
        "checks": checks_facts(found.report),
    }


def _predicted_assessment(request: Request) -> dict[str, Any]:
    nothing: dict[str, Any] = {"created": None, "age": None, "checks": []}
    return {"task_id": None, "name": request.task_name, "outcome": rds.UNTOLD, **nothing}
