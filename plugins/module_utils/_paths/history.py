# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which migrations an instance has seen. Reads only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._alibaba import rds
from .._alibaba.rpc import RpcClient
from .._failure import BadRequest
from .._waiting import Clock
from .instance_facts import existing_instance

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Task
    from .._alibaba.rds_instances import Instance
    from .._alibaba.services import Services

_IMPORT_PATH = "instance_import"


def migrations(services: Services, options: Mapping[str, Any]) -> dict[str, Any]:
    """The result of rds_migration_info: the instance's state and its migration tasks in a window."""
    since, until = _window(options, services.clock)
    instance = existing_instance(services.rds, options["instance_id"])
    found: list[dict[str, Any]] = []
    unavailable: dict[str, str] = {}
    for path, (rows, refusal) in _by_path(services, options, instance, since, until):
        found += rows
        if refusal:
            unavailable[path] = refusal
    return {
        "instance_id": instance.id,
        "instance_state": instance.state or "unknown",
        "importing": None if instance.state is None else instance.state in rds.IMPORTING,
        "migrations": sorted(found, key=lambda m: m["begin"] or "", reverse=True),
        "unavailable": unavailable,
    }


def _by_path(
    services: Services, options: Mapping[str, Any], instance: Instance, since: datetime, until: datetime
) -> Iterator[tuple[str, tuple[list[dict[str, Any]], str | None]]]:
    """(path, (rows, why the service refused them)) of each path that the instance's engine can have."""
    # Only the other kinds of task have these.
    bare = not any(options[name] for name in ("task_name", "source_host", "source_port"))
    imported = _imports(services.rds, options, instance, since, until)
    yield _IMPORT_PATH, (imported if bare else [], None)
    if instance.engine == "SQLServer":
        from . import history_backups

        restored, refusal = history_backups.backup_migrations(
            services.rds, instance.id, since, until, options["task_id"] or ""
        )
        yield history_backups.PATH, (restored if bare else [], refusal)
    if instance.engine == "PostgreSQL":
        from . import history_cloud

        yield history_cloud.PATH, history_cloud.cloud_migrations(services.rds, instance.id, since, until, options)
    if options["dts"] or (options["dts"] is None and instance.engine in ("MySQL", "MariaDB")):
        from .._alibaba import dts
        from . import history_dts

        region = options.get("region") or instance.region or ""
        client = dts.client_of(services, region)
        yield history_dts.PATH, history_dts.dts_migrations(client, instance.id, region, since, until, options)


def _window(options: Mapping[str, Any], clock: Clock) -> tuple[datetime, datetime]:
    """(since, until), the last seven days where the task does not say."""
    until = _moment(options, "until") or datetime.fromtimestamp(clock.wall(), timezone.utc)
    since = _moment(options, "since") or until - timedelta(days=7)
    if since >= until:
        raise BadRequest("since is not before until.", code="invalid_options", remedy="Correct since or until.")
    return since, until


def _imports(
    client: RpcClient, options: Mapping[str, Any], instance: Instance, since: datetime, until: datetime
) -> list[dict[str, Any]]:
    from .._alibaba import rds_imports

    rows = [row for row in rds_imports.tasks(client, instance.id, since, until) if row.action in (rds.IMPORT, rds.COPY)]
    return [_migration(row) for row in rows if options["task_id"] in (None, "", row.id)]


def _migration(row: Task) -> dict[str, Any]:
    """No list of task states is published, so the service's own text is given beside what can be concluded."""
    going = "running" if row.unfinished else "finished"
    return {
        "path": _IMPORT_PATH,
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
