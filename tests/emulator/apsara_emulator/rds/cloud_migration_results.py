# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has become of assessments and cloud migrations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from ..clock import utc_text
from ..postgresql.model import CloudMigration, CloudTask
from ..postgresql.observation import Observation, observe
from ..postgresql.stalls import is_held_up
from ..registry import Answer, Call, action
from ..servers.errors import ServerError
from ..world import World
from .checks import page_asked_for

T = TypeVar("T", bound=CloudTask)
_ABSENT = {"empty": "", "none": "None", "braces": "{}"}


@action("rds", "DescribeCloudMigrationPrecheckResult", mutating=False)
def describe_cloud_migration_precheck_result(world: World, call: Call) -> Answer:
    """The assessments of an instance. Each result is in the text of Detail; there is no status."""
    return _answer(world, call, world.state.assessments, _row)


@action("rds", "DescribeCloudMigrationResult", mutating=False)
def describe_cloud_migration_result(world: World, call: Call) -> Answer:
    """The migrations to an instance, with what its server says about the replication at this moment."""
    return _answer(world, call, world.state.cloud_migrations, _migration_row)


def _answer(world: World, call: Call, tasks: Sequence[T], row: Any) -> Answer:
    instance = world.instance(call.account_id, call.text("DBInstanceName"))
    if instance.engine != "PostgreSQL":
        raise world.variants.error("wrong_engine", f"This is not available for {instance.engine}.")
    sizes = range(1, 101) if world.variants["cloud_page_sizes"] == "any" else range(30, 101)
    page = page_asked_for(world, call, sizes, 30)
    listed = [one for one in tasks if one.instance == instance.id and _is_listed(world, call, one)]
    if world.variants["cloud_task_order"] == "newest":
        listed.reverse()
    return {
        "Items": [row(world, one) for one in page.of(listed)],
        "PageNumber": page.number,
        "PageSize": page.size,
        "TotalSize": len(listed),
    }


def _is_listed(world: World, call: Call, task: CloudTask) -> bool:
    lag = world.lasting(world.variants.seconds("cloud_task_list_lag")) + call.list_lag
    found = {
        "SourceIpAddress": task.source_address,
        "SourcePort": str(task.source_port),
        "TaskId": str(task.id),
        "TaskName": task.name,
    }
    return task.created + lag <= world.clock.now() and all(
        call.text(name) in ("", value) for name, value in found.items()
    )


def _row(world: World, task: CloudTask, more_lines: Sequence[str] = ()) -> dict[str, Any]:
    lines = [*task.detail, *more_lines]
    row = {
        "Detail": ("\\n" if world.variants["report_line_breaks"] == "backslash_n" else "\n").join(lines),
        "GmtCreated": utc_text(task.created),
        "GmtModified": utc_text(task.modified),
        "SourceAccount": task.source_account,
        "SourceCategory": task.source_category.lower(),
        "SourceIpAddress": task.source_address,
        "SourcePort": task.source_port,
        "TargetEip": "",
        "TargetInstanceName": task.instance,
        "TaskId": task.id,
        "TaskName": task.name,
    }
    if world.variants["source_password_echo"] == "plain":
        row["SourcePassword"] = world.postgresql.passwords.get(task.id, "")
    return row


def _migration_row(world: World, task: CloudMigration) -> dict[str, Any]:
    seen = _observed(world, task)
    words = [f"--- replication is interrupted: {seen.words}"] if seen.words else []
    row = {
        **_row(world, task, words),
        "MigrateStage": task.stage,
        "ReplicationState": seen.state,
        **_replication_info(world, seen),
    }
    if task.switch_time is not None:
        row["SwitchTime"] = utc_text(task.switch_time)
    elif world.variants["switch_time_absent"] == "empty":
        row["SwitchTime"] = ""
    return row


def _observed(world: World, task: CloudMigration) -> Observation:
    """What the server behind the target says. Without one, what the world document says."""
    server = world.postgresql.server(task.instance)
    if task.failed and task.stage in ("precheck", "basebackup", "startup"):
        return Observation(world.variants["failed_copy_state"])
    if task.stage not in ("startup", "increment", "switch") or server is None or not server.is_standby:
        return Observation(task.replication_state, task.replication_info)
    _pause_or_resume(world, task)
    seen = observe(server)
    if task.stage == "startup":
        return Observation("catchup", seen.info) if seen.connected else Observation("unstarted", words=seen.words)
    if task.stage == "switch" and not seen.connected:
        return Observation("finish", seen.info)
    return seen


def _pause_or_resume(world: World, task: CloudMigration) -> None:
    """A stalled increment receives, but does not replay."""
    server = world.postgresql.server(task.instance)
    wanted = is_held_up(world, "increment", task.instance, task.modified)
    if server is None or task.stage != "increment":
        return
    try:
        with server.admin(connect_timeout=2) as admin:
            if wanted != admin.value("select pg_is_wal_replay_paused()"):
                admin.run(f"select pg_wal_replay_{'pause' if wanted else 'resume'}()")
    except ServerError:
        return  # a server that does not answer replays nothing


def _replication_info(world: World, seen: Observation) -> dict[str, str]:
    if not seen.info:
        absent = world.variants["replication_info_absent"]
        return {} if absent == "missing" else {"ReplicationInfo": _ABSENT[absent]}
    info = dict(seen.info)
    unit = world.variants["replay_lag"]
    if unit != "missing":
        info["ReplayLag"] = str(seen.behind if unit == "bytes" else round(seen.seconds))
    text = json.dumps(info, separators=(",", ":"))
    return {
        "ReplicationInfo": text.replace('"', '\\"') if world.variants["replication_info_form"] == "escaped" else text
    }
