# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which migrations an instance has seen. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._alibaba import rds
from .._alibaba.rpc import RpcClient
from .._failure import BadRequest
from .._waiting import Clock
from .instance_facts import existing_instance

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Task

# The service's actions that stand behind the paths, by the path's name.
ACTIONS = {
    "ImportDatabaseBetweenInstances": "instance_import",
    "CopyDatabaseBetweenInstances": "instance_import",
}


def migrations(
    client: RpcClient, options: Mapping[str, Any], clock: Clock, dts_in: Callable[[str], RpcClient] | None = None
) -> dict[str, Any]:
    """The result of rds_migration_info: the instance's state and its migration tasks in a window.

    dts_in: DTS of a region; without it, its jobs are not looked for.
    """
    from .._alibaba import rds_imports

    until = _moment(options, "until") or datetime.fromtimestamp(clock.wall(), timezone.utc)
    since = _moment(options, "since") or until - timedelta(days=7)
    if since >= until:
        raise BadRequest("since is not before until.", code="invalid_options", remedy="Correct since or until.")
    instance = existing_instance(client, options["instance_id"])
    rows = [row for row in rds_imports.tasks(client, instance.id, since, until) if row.action in ACTIONS]
    found = [_migration(row) for row in rows if options["task_id"] in (None, "", row.id)]
    unavailable: dict[str, str] = {}
    if instance.engine == "SQLServer":
        from .history_backups import PATH, backup_migrations

        restored, why = backup_migrations(client, instance.id, since, until, options["task_id"] or "")
        found += restored
        if why:
            unavailable[PATH] = why
    if any(options[name] for name in ("task_name", "source_host", "source_port")):
        found = []  # no other kind of task has these
    if instance.engine == "PostgreSQL":
        from .history_cloud import PATH as CLOUD
        from .history_cloud import cloud_migrations

        seen, why = cloud_migrations(client, instance.id, since, until, options)
        found += seen
        if why:
            unavailable[CLOUD] = why
    wanted = options.get("dts")
    if dts_in and (wanted or (wanted is None and instance.engine in ("MySQL", "MariaDB"))):
        from .history_dts import PATH as DTS
        from .history_dts import dts_migrations

        region = options.get("region") or instance.region or ""
        jobs, why = dts_migrations(dts_in(region), instance.id, region, since, until, options)
        found += jobs
        if why:
            unavailable[DTS] = why
    return {
        "instance_id": instance.id,
        "instance_state": instance.state or "unknown",
        "importing": None if instance.state is None else instance.state in rds.IMPORTING,
        "migrations": sorted(found, key=lambda m: m["begin"] or "", reverse=True),
        "unavailable": unavailable,
    }


def _migration(row: Task) -> dict[str, Any]:
    """No list of task states is published, so the service's own text is given beside what can be concluded."""
    going = "running" if row.unfinished else "finished"
    return {
        "path": ACTIONS[row.action],
        "task_id": row.id or None,
        "action": row.action,
        "database": row.database or None,
        "state": "failed" if row.error else going,
        "status": row.status or None,
        "progress": row.progress or None,
        "begin": row.begin or None,
        "end": row.end or None,
        "error": row.error or None,
    }


def _moment(options: Mapping[str, Any], name: str) -> datetime | None:
    text = options[name]
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise BadRequest(
            f"{name} is not of the form 2026-01-31T23:59:59Z (UTC): {text}.",
            code="invalid_options",
            remedy=f"Correct {name}.",
        ) from None
