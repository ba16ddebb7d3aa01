# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an instance is, as far as a migration needs to know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._alibaba import rds, rds_instances
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .._failure import BadRequest, MigrationFailure


def instance_facts(client: RpcClient, instance_id: str) -> dict[str, Any]:
    """The result of rds_instance_info. A part the service refuses to tell is null and named in `unavailable`."""
    instance = existing_instance(client, instance_id)
    unavailable: dict[str, str] = {}
    databases = _part("databases", lambda: rds.databases(client, instance_id), unavailable)
    used = _part("storage", lambda: rds_instances.storage_used(client, instance), unavailable)
    accounts = _part("accounts", lambda: rds_instances.accounts(client, instance_id), unavailable)
    addresses = _part("addresses", lambda: rds_instances.addresses(client, instance_id), unavailable)
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


def existing_instance(client: RpcClient, instance_id: str) -> rds_instances.Instance:
    if not instance_id.strip():
        raise BadRequest("instance_id is empty.", code="invalid_options", remedy="Give the id of an instance.")
    found = rds_instances.instance(client, instance_id)
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
        if error.inconclusive:
            raise
        unavailable[name] = error.message
        return None
