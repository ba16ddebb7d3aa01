# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks of an instance: what runs and what ran."""

from __future__ import annotations

import json
from typing import Any

from ..clock import utc_text
from ..documents import Instant
from ..errors import ApiError
from ..model import Operation
from ..model_migrations import MigrateTask
from ..registry import Answer, Call, action
from ..world import World
from .checks import MINUTES, SECONDS, page_asked_for, window_asked_for

_DAY = 86400
# No list of the values of Status is published for DescribeTasks, only that they are numbers as text.
_STATUS_TEXTS = {
    "numbers": {"running": "1", "succeeded": "2", "failed": "3", "cancelled": "4", "cancelling": "1"},
    "other_numbers": {"running": "0", "succeeded": "1", "failed": "-1", "cancelled": "-2", "cancelling": "0"},
    "words": {
        "running": "Running",
        "succeeded": "Success",
        "failed": "Failed",
        "cancelled": "Canceled",
        "cancelling": "Canceling",
    },
}
_HISTORY_STATUS = {
    "running": "Running",
    "succeeded": "Succeed",
    "failed": "Failed",
    "cancelled": "Canceled",
    "cancelling": "Cancelling",
}
_SIDES = {"both": ("source", "target"), "target": ("target",), "source": ("source",), "nowhere": ()}


@action("rds", "DescribeTasks", mutating=False)
def describe_tasks(world: World, call: Call) -> Answer:
    """Tasks of one instance. The parameter Status has no effect (its own text says so)."""
    instance = world.instance(call.account_id, call.text("DBInstanceId"))
    page = page_asked_for(world, call, range(30, 101), 30)
    low, high = window_asked_for(call, "StartTime", "EndTime", MINUTES)
    listed = [
        one
        for one in _operations(world)
        if instance.id in _shown_on(one, world.variants["tasks_listed"])
        and low <= one.accepted <= high
        and call.text("TaskAction") in ("", one.action)
    ]
    rows = [_task_row(world, one) for one in page.of(listed)]
    return {
        "Items": {"TaskProgressInfo": rows},
        "PageNumber": page.number,
        "PageRecordCount": len(rows),
        "TotalRecordCount": len(listed),
    }


@action("rds", "DescribeHistoryTasks", mutating=False)
def describe_history_tasks(world: World, call: Call) -> Answer:
    """Tasks of the account, in a window of which at most the last 30 days count."""
    page = page_asked_for(world, call, range(10, 101), 10)
    low, high = window_asked_for(call, "FromStartTime", "ToStartTime", SECONDS)
    low = max(low, world.clock.now() - 30 * _DAY)
    rows = [
        _history_row(world, one, instance_id)
        for one in _operations(world)
        if one.account_id == call.account_id and low <= one.accepted <= high
        for instance_id in _shown_on(one, world.variants["history_listed"])
    ]
    rows = [row for row in rows if _is_wanted(call, row)]
    return {"Items": page.of(rows), "PageNumber": page.number, "PageSize": page.size, "TotalCount": len(rows)}


def _shown_on(operation: Operation, where: str) -> list[str]:
    """A backup import has a target only."""
    return [getattr(operation, side) for side in _SIDES[where] if getattr(operation, side)]


def _operations(world: World) -> list[Operation]:
    """Imports and copies, and the general tasks that go with each call of CreateMigrateTask."""
    restores = [
        _as_operation(world, task, number)
        for task in world.state.migrate_tasks
        for number, file in enumerate(task.files)
        if number == 0 or file.task_id != task.files[number - 1].task_id
    ]
    return [*world.state.operations, *restores]


def _as_operation(world: World, task: MigrateTask, number: int) -> Operation:
    file = task.files[number]
    newest = number == task.current
    state = "succeeded"
    if newest and task.under_way:
        state = "running"
    elif file.status != "Restored":
        state = "cancelled" if newest and task.terminated else "failed"
    ended = file.ended if not newest or task.mode == "UPDF" else task.ended
    failure = f"{file.status}: {file.description or task.description}" if state == "failed" else ""
    return Operation(
        id=int(file.task_id),
        kind="migrate",
        action="CreateMigrateTask",
        account_id=task.account_id,
        source="",
        target=task.instance,
        databases={task.database: task.database},
        accepted=file.created,
        busy=file.created,
        planned_end=task.due or Instant(world.clock.now()),
        failure=failure,
        state=state,
        ended=None if state == "running" else ended or task.ended,
    )


def _progress(world: World, operation: Operation) -> int:
    """Percent."""
    if not operation.under_way:
        return 100 if operation.state == "succeeded" else 0
    length = operation.planned_end - operation.accepted
    return min(99, int(100 * (world.clock.now() - operation.accepted) / length)) if length > 0 else 99


def _task_row(world: World, operation: Operation) -> dict[str, Any]:
    names = _STATUS_TEXTS[world.variants["task_status"]]
    row = {
        "BeginTime": utc_text(operation.accepted),
        "DBName": ",".join(operation.databases.values()),
        "ExpectedFinishTime": "",
        "FinishTime": "" if operation.ended is None else utc_text(operation.ended),
        "Progress": str(_progress(world, operation)),
        "ProgressInfo": "",
        "Remain": max(0, int(operation.planned_end - world.clock.now())) if operation.under_way else 0,
        "Status": names[operation.state],
        "TaskAction": operation.action,
        "TaskId": str(operation.id),
    }
    if operation.state == "failed":
        code, _colon, text = operation.failure.partition(": ")
        row |= {"TaskErrorCode": code, "TaskErrorMessage": text}
    return row


def _history_row(world: World, operation: Operation, instance_id: str) -> dict[str, Any]:
    instance = world.state.instances.get(instance_id)
    return {
        "ActionInfo": "{}",
        "CallerSource": "User",
        "CallerUid": operation.account_id,
        "CurrentStepName": "",
        "DbType": "mssql",
        "EndTime": "" if operation.ended is None else utc_text(operation.ended),
        "InstanceId": instance_id,
        "InstanceName": instance.description if instance else "",
        "InstanceType": "Instance",
        "Product": "rds",
        "Progress": float(_progress(world, operation)),
        "ReasonCode": operation.failure.partition(": ")[0] if operation.state == "failed" else "",
        "RegionId": instance.region if instance else "",
        "RemainTime": max(0, int(operation.planned_end - world.clock.now())) if operation.under_way else 0,
        "StartTime": utc_text(operation.accepted),
        "Status": _HISTORY_STATUS[operation.state],
        "TaskDetail": json.dumps({"DBNames": operation.databases}),
        "TaskId": f"t-{operation.id}",
        "TaskType": operation.action,
        "Uid": operation.account_id,
    }


_COMMA_LISTS = {"InstanceId": "InstanceId", "Status": "Status", "TaskId": "TaskId", "TaskType": "TaskType"}


def _is_wanted(call: Call, row: dict[str, Any]) -> bool:
    for parameter, field in _COMMA_LISTS.items():
        wanted = [text for text in call.text(parameter).split(",") if text]
        if len(wanted) > 30:
            raise ApiError("InvalidParameter", 400, f"The parameter {parameter} takes up to 30 values.")
        if wanted and row[field] not in wanted:
            return False
    return call.text("RegionId") in ("", row["RegionId"]) and call.text("InstanceType") in ("", row["InstanceType"])
