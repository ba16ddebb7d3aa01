# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an instance is, and what migrations it has seen. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .._alibaba import rds
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._failure import BadRequest, MigrationFailure
from .._waiting import Clock

if TYPE_CHECKING:
    from .._alibaba.rds_imports import Task

# The service's actions that stand behind the paths, by the path's name.
ACTIONS = {
    "ImportDatabaseBetweenInstances": "instance_import",
    "CopyDatabaseBetweenInstances": "instance_import",
}


def instance_facts(client: RpcClient, instance_id: str) -> dict[str, Any]:
    """The result of rds_instance_info. A part the service refuses to tell is null and named in `unavailable`."""
    instance = _instance(client, instance_id)
    unavailable: dict[str, str] = {}
    databases = _part("databases", lambda: rds.databases(client, instance_id), unavailable)
    used = _part("storage", lambda: rds.storage_used(client, instance), unavailable)
    accounts = _part("accounts", lambda: rds.accounts(client, instance_id), unavailable)
    addresses = _part("addresses", lambda: rds.addresses(client, instance_id), unavailable)
    return {
        "instance": {
            **{k: v for k, v in instance._asdict().items() if k not in ("storage", "storage_used")},
            "storage": {
                "total": instance.storage,
                "used": used,
                "free": instance.storage - used if instance.storage is not None and used is not None else None,
            },
            "databases": None if databases is None else [d._asdict() for _name, d in sorted(databases.items())],
            "accounts": accounts,
            "addresses": addresses,
            "unavailable": unavailable,
        }
    }


def migrations(client: RpcClient, options: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
    """The result of rds_migration_info: the instance's state and its migration tasks in a window."""
    from .._alibaba import rds_imports

    until = _moment(options, "until") or datetime.fromtimestamp(clock.wall(), timezone.utc)
    since = _moment(options, "since") or until - timedelta(days=7)
    if since >= until:
        raise BadRequest("since is not before until.", code="invalid_options", remedy="Correct since or until.")
    instance = _instance(client, options["instance_id"])
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
    return {
        "instance_id": instance.id,
        "instance_state": instance.state or "unknown",
        "importing": None if instance.state is None else instance.state in rds.IMPORTING,
        "migrations": sorted(found, key=lambda m: m["begin"] or "", reverse=True),
        "unavailable": unavailable,
    }


def _instance(client: RpcClient, instance_id: str) -> rds.Instance:
    if not instance_id.strip():
        raise BadRequest("instance_id is empty.", code="invalid_options", remedy="Give the id of an instance.")
    found = rds.instance(client, instance_id)
    if found is None:
        raise MigrationFailure(
            f"{instance_id} was not found in this account and region.",
            code="instance_not_found",
            remedy="Correct instance_id, or use the access key of the account that owns it, or set region.",
        )
    return found


def _part(name: str, read: Callable[[], Any], unavailable: dict[str, str]) -> Any:
    """Some parts are not offered for some editions, or not allowed to the caller; the rest is still worth knowing."""
    try:
        return read()
    except ServiceError as error:
        if error.transient:
            raise
        unavailable[name] = error.message
        return None


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
