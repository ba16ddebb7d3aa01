# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The assessments and cloud migrations that an instance has seen, for rds_migration_info.

Imported for instances that run PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import FAILED, PASSED
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._timing import moment_text
from .cloud_migration_checks import problems
from .cloud_migration_facts import checks_facts, migration_facts

PATH = "cloud_migration"
_NAMED = ("task_id", "task_name", "source_host", "source_port")


def cloud_migrations(
    client: RpcClient, instance_id: str, since: datetime, until: datetime, options: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], str | None]:
    """(rows, why there are none).

    Of the window are tasks that began in it, and migrations that are still under way. What is named by its id, name or
    source is told whenever it began.
    """
    tasks = api.CloudMigrations(client, instance_id)
    try:
        found: list[api.Assessment | api.Migration] = [*tasks.migrations(), *tasks.assessments()]
    except ServiceError as error:
        if error.inconclusive:
            raise
        return [], error.message
    named = any(options.get(name) for name in _NAMED)
    wanted = (t for t in found if (_is_named(t, options) if named else _is_of_window(t, since, until)))
    return [_row(task) for task in wanted], None


def _is_named(task: api.Assessment | api.Migration, options: Mapping[str, Any]) -> bool:
    told = {
        "task_id": task.id,
        "task_name": task.name,
        "source_host": task.source.host,
        "source_port": task.source.port,
    }
    host = (options.get("source_host") or "").strip().casefold()
    given = {**{name: options.get(name) for name in _NAMED}, "source_host": host}
    return all(not value or told[name] == value for name, value in given.items())


def _is_of_window(task: api.Assessment | api.Migration, since: datetime, until: datetime) -> bool:
    if task.created is None or (isinstance(task, api.Migration) and task.in_flight and task.created <= until):
        return True
    return since <= task.created <= until


def _row(task: api.Assessment | api.Migration) -> dict[str, Any]:
    migration = task if isinstance(task, api.Migration) else None
    shown = migration_facts(migration) if migration else {}
    failed = migration.failed if migration else task.report.outcome == FAILED
    over = migration.stage == api.SUCCESS if migration else task.report.outcome == PASSED
    return {
        "path": PATH,
        "task_id": task.id,
        "action": api.CREATE if migration else api.PRECHECK,
        "database": None,
        "state": "failed" if failed else "finished" if over else "running",
        "status": migration.stage if migration else None,
        "progress": None,
        "begin": moment_text(task.created) if task.created else None,
        "end": migration.switch_time if migration else None,
        "error": "; ".join(problems(task.report)) if failed else None,
        "name": task.name,
        "source": {"host": task.source.host, "port": task.source.port},
        **{key: shown.get(key) for key in ("stage", "replication_state", "positions", "lag_bytes", "lag_seconds")},
        "checks": checks_facts(task.report),
    }
