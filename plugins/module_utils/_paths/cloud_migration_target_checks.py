# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the target of a cloud migration has to be, by the vendor's guide. Pure."""

from __future__ import annotations

import re

from .._alibaba import rds
from .._alibaba.rds_instances import Instance
from .._plan import FAIL, PASS, UNKNOWN, Check

# What every new instance has.
_OWN_DATABASES = frozenset({"template0", "template1", "postgres"})
_OLDEST_MAJOR = 10
_GIB = 1024**3


def checks_of_target(target: Instance) -> list[Check]:
    """What its attributes tell, of an instance that runs PostgreSQL."""
    return [
        _running(target),
        _primary(target),
        _cloud_disk(target),
        _unlocked(target),
        _version(target),
        _storage(target),
    ]


def instance_exists(instance_id: str, found: Instance | None) -> Check:
    if found is not None:
        return Check("instance_exists", PASS, f"{found.id} exists and belongs to this account")
    return Check(
        "instance_exists",
        FAIL,
        f"{instance_id} was not found in this account and region.",
        "Correct instance_id, or use the access key of the account that owns it, or set region.",
    )


def engine_fits(target: Instance) -> Check:
    if target.engine is None:
        return _untold("engine", target, "engine")
    if target.engine == "PostgreSQL":
        return Check("engine", PASS, f"{target.id} runs PostgreSQL")
    return Check(
        "engine",
        FAIL,
        f"{target.id} runs {target.engine}; only PostgreSQL has this migration.",
        "Correct instance_id; use the other modules of this collection for SQL Server, DTS for other engines.",
    )


def _running(target: Instance) -> Check:
    if target.state is None:
        return _untold("instance_running", target, "state")
    if target.state == rds.RUNNING:
        return Check("instance_running", PASS, f"{target.id} is Running")
    gone = target.state in rds.ENDED
    return Check(
        "instance_running",
        FAIL,
        f"{target.id} is {target.state}.",
        "Use another instance." if gone else "Run again when it is Running.",
    )


def _primary(target: Instance) -> Check:
    if target.type is None:
        return _untold("primary_instance", target, "type")
    if target.type == "Primary":
        return Check("primary_instance", PASS, f"{target.id} is a primary instance")
    return Check("primary_instance", FAIL, f"{target.id} is of type {target.type}.", "Migrate to the primary instance.")


def _cloud_disk(target: Instance) -> Check:
    kind = target.storage_type
    if kind is None:
        return _untold("cloud_disk", target, "storage type")
    if kind.startswith("cloud_"):
        return Check("cloud_disk", PASS, f"{target.id} has disks of type {kind}")
    if kind.startswith(("local_", "ephemeral_")):
        return Check(
            "cloud_disk", FAIL, f"{target.id} has disks of type {kind}.", "Migrate to an instance with cloud disks."
        )
    return Check(
        "cloud_disk",
        UNKNOWN,
        f"Whether disks of type {kind} are cloud disks is not documented.",
        "Look in the console whether the instance offers cloud migration.",
    )


def _unlocked(target: Instance) -> Check:
    if target.lock_mode is None:
        return _untold("lock_mode", target, "lock mode")
    if target.lock_mode == "Unlock":
        return Check("lock_mode", PASS, f"{target.id} is not locked")
    return Check(
        "lock_mode",
        FAIL,
        f"{target.id} is locked: {target.lock_mode}.",
        "Unlock it: renew it, enlarge its storage, or lift the manual lock.",
    )


def _version(target: Instance) -> Check:
    match = re.match(r"(\d{1,3})(\.|$)", target.version or "")
    if match is None:
        return _untold("version", target, "version")
    if int(match[1]) < _OLDEST_MAJOR:
        return Check(
            "version",
            FAIL,
            f"{target.id} is of version {target.version}; cloud migration needs {_OLDEST_MAJOR} or later.",
            "Use a newer instance of the source's major version.",
        )
    return Check("version", PASS, f"{target.id} is of major version {match[1]}; the source has to be, too")


def _storage(target: Instance) -> Check:
    if target.storage is None:
        return _untold("storage", target, "storage size")
    return Check(
        "storage", PASS, f"{target.id} has {target.storage / _GIB:g} GiB; the assessment compares it with the source"
    )


def target_empty(databases: frozenset[str] | None) -> Check:
    if databases is None:
        return Check(
            "target_empty",
            UNKNOWN,
            "The service did not tell which databases the target has.",
            "Look in the console; the assessment finds out, too.",
        )
    found = sorted(databases - _OWN_DATABASES)
    if not found:
        return Check("target_empty", PASS, "no database of the target is in the way, as far as the service lists them")
    return Check(
        "target_empty",
        FAIL,
        f"The target has databases: {', '.join(found[:10])}{' and more' if len(found) > 10 else ''}.",
        "A physical copy replaces everything: delete them, or migrate to an empty instance.",
    )


def _untold(name: str, target: Instance, what: str) -> Check:
    return Check(name, UNKNOWN, f"The service did not tell the {what} of {target.id}.", "Look at it in the console.")
