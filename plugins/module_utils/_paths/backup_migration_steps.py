# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The writes of a migration from backups, as steps of a plan. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from .._alibaba import rds_backup_tasks as api
from .._plan import Step
from .backup_migration_files import Backup, DatabaseBackups
from .backup_migration_request import Request
from .backup_migration_seen import Observed, is_2008

# What stands in a step's parameters for what only a run knows.
OF_THE_FIRST_FILE, SIGNED_AT_RUN_TIME = "(id of the chain's first task)", "(signed when the task is sent)"


def restore_step(request: Request, observed: Observed, one: DatabaseBackups, base: Backup) -> Step:
    where = {"urls": SIGNED_AT_RUN_TIME} if is_2008(observed) else {"positions": _position(request, observed, base)}
    return Step(
        action=api.CREATE,
        target=request.instance_id,
        source=request.bucket,
        subject=(one.target,),
        why=f"{one.target} is not on {request.instance_id}; {base.name} holds it",
        parameters=api.restore_parameters(
            request.instance_id,
            one.target,
            check_db_mode=request.check_db_mode,
            keep_cdc=request.keep_cdc,
            **where,
        ),
        choices=_choices(request, api.FULL),
        chosen_at_run_time=frozenset({"OSSUrls"}),
    )


def chain_step(request: Request, observed: Observed, one: DatabaseBackups, backup: Backup, task_id: str) -> Step:
    first = "begins the chain" if not task_id else "follows in the chain"
    return Step(
        action=api.CREATE,
        target=request.instance_id,
        source=request.bucket,
        subject=(one.target,),
        why=f"{backup.name} ({backup.type}) {first} of {one.target}",
        parameters=api.chain_parameters(request.instance_id, one.target, _position(request, observed, backup), task_id),
        choices=_choices(request, api.CHAIN),
        chosen_at_run_time=frozenset({"MigrateTaskId"}),
    )


def tag_step(request: Request, one: DatabaseBackups, base: Backup) -> Step:
    """The service does not list chains, so their id is kept where the next run finds it: on the full backup."""
    return Step(
        action=api.TAG,
        target=request.bucket,
        subject=(one.target,),
        why=f"keeps the id of {one.target}'s chain at {base.name}",
        parameters={"Key": base.key, "Tag": {chain_tag(request.instance_id, one.target): OF_THE_FIRST_FILE}},
        chosen_at_run_time=frozenset({"Tag"}),
    )


def chain_tag(instance_id: str, target: str) -> str:
    """The tag's name. One backup may be restored under several names, and names hold what tags must not."""
    digest = hashlib.sha256(target.casefold().encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"apsaradb.migration/{instance_id}/{digest}"


def open_step(request: Request, one: DatabaseBackups, task_id: str) -> Step:
    return Step(
        action=api.OPEN,
        target=request.instance_id,
        source=request.bucket,
        subject=(one.target,),
        why=f"opens {one.target}; no further backup can be applied afterwards",
        parameters=api.open_parameters(
            request.instance_id, one.target, task_id, request.check_db_mode, request.keep_cdc
        ),
        choices=_choices(request, ""),
        chosen_at_run_time=frozenset({"MigrateTaskId"}),
        one_way=True,
    )


def _choices(request: Request, mode: str) -> dict[str, Any]:
    """What an approval covers beside the database. Nobody approves a chain and gets the database opened at once."""
    chosen: dict[str, Any] = {"backup_mode": mode, "keep_cdc": request.keep_cdc}
    return {name: value for name, value in chosen.items() if value not in ("", None)}


def _position(request: Request, observed: Observed, backup: Backup) -> str:
    region = (observed.bucket.region if observed.bucket else None) or (
        observed.instance.region if observed.instance else None
    )
    return api.position(region or "(region)", request.bucket, backup.key)
