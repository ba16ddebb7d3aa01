# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever backups are imported in whatever order, under whatever variants: some things hold."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from apsara_emulator import ApiError, ManualClock, World, draw
from apsara_emulator.default_world import ACCOUNT_ONE
from hypothesis import given, settings
from hypothesis import strategies as st

from .inprocess import TARGET
from .migrating import BUCKET, DIFF, ENDPOINT, FULL, LOG_1, LOG_2, content_of

OBJECTS = {
    "full": content_of(FULL),
    "diff": content_of(DIFF),
    "log1": content_of(LOG_1),
    "log2": content_of(LOG_2),
    "damaged": content_of(replace(FULL, damaged=True)),
    "nothing": b"nothing",
}
NAMES = st.sampled_from(["a", "b"])
STEP = st.one_of(
    st.tuples(st.just("full"), NAMES, st.sampled_from(["full", "diff", "damaged", "nothing", "absent"])),
    st.tuples(st.just("begin"), NAMES, st.sampled_from(["full", "log1"])),
    st.tuples(st.just("add"), NAMES, st.sampled_from(["diff", "log1", "log2", "full", "nothing"])),
    st.tuples(st.just("open"), NAMES, st.sampled_from(["AsyncExecuteDBCheck", "SyncExecuteDBCheck"])),
    st.tuples(st.just("terminate"), NAMES, st.just("")),
    st.tuples(st.just("delete"), NAMES, st.just("")),
    st.tuples(st.just("create"), NAMES, st.just("")),
    st.tuples(st.just("remove"), NAMES, st.sampled_from(["full", "log1"])),
    st.tuples(st.just("wait"), NAMES, st.sampled_from(["1", "7", "30", "200"])),
)
RESULTS = st.lists(st.sampled_from(["fails", "never_starts", "slow", "checkdb_fails", "cannot_open"]), max_size=2)


def action_of(world: World, kind: str, name: str, value: str) -> tuple[str, dict[str, Any]]:
    tasks = [one for one in world.state.migrate_tasks if one.database == name]
    newest = tasks[-1].id if tasks else "1"
    here: dict[str, Any] = {"DBInstanceId": TARGET, "DBName": name}
    position = {"OssObjectPositions": f"{ENDPOINT}:{BUCKET}:{value}.bak"}
    chained = {"BackupMode": "UPDF", "IsOnlineDB": "False"}
    return {
        "full": ("CreateMigrateTask", {**here, **position, "BackupMode": "FULL", "IsOnlineDB": "True"}),
        "begin": ("CreateMigrateTask", {**here, **position, **chained}),
        "add": ("CreateMigrateTask", {**here, **position, **chained, "MigrateTaskId": newest}),
        "open": ("CreateOnlineDatabaseTask", {**here, "MigrateTaskId": newest, "CheckDBMode": value}),
        "terminate": ("TerminateMigrateTask", {"DBInstanceId": TARGET, "MigrateTaskId": newest}),
        "delete": ("DeleteDatabase", here),
        "create": ("CreateDatabase", {**here, "CharacterSetName": "x"}),
    }[kind]


def take(world: World, kind: str, name: str, value: str) -> None:
    """One step; a refusal is fine."""
    bucket = world.oss.bucket(BUCKET)
    assert bucket is not None
    if kind == "wait":
        world.clock.advance(float(value))
    elif kind == "remove":
        bucket.objects.pop(f"{value}.bak", None)
    else:
        with contextlib.suppress(ApiError):
            world.call(ACCOUNT_ONE, *action_of(world, kind, name, value))


def look(world: World) -> None:
    """Every reading action answers, for every task."""
    window = {"DBInstanceId": TARGET, "StartTime": "2026-01-01T00:00Z", "EndTime": "2026-02-01T00:00Z"}
    world.call(ACCOUNT_ONE, "DescribeMigrateTasks", window)
    world.call(ACCOUNT_ONE, "DescribeDatabases", {"DBInstanceId": TARGET})
    world.call(ACCOUNT_ONE, "DescribeTasks", {"DBInstanceId": TARGET})
    for task in world.state.migrate_tasks:
        for task_id in {task.id, *(file.migrate_task_id for file in task.files)}:
            if not task.removed:
                parameters = {"DBInstanceId": TARGET, "MigrateTaskId": task_id}
                world.call(ACCOUNT_ONE, "DescribeMigrateTaskById", parameters)
                world.call(ACCOUNT_ONE, "DescribeOssDownloads", parameters)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.lists(STEP, max_size=14), results=RESULTS)
def test_any_history(seed: int, steps: list[tuple[str, str, str]], results: list[str]) -> None:
    world = World.default(ManualClock(), variants=draw(seed))
    for key, data in OBJECTS.items():
        world.oss.put(BUCKET, f"{key}.bak", data)
    world.merge({"outcomes": [{"result": one, "kind": "migrate"} for one in results]})
    world.merge({"quotas": {"parallel_restores": 1 + seed % 2}, "instances": {TARGET: {"max_databases": 2 + seed % 2}}})
    for kind, name, value in steps:
        take(world, kind, name, value)
        instance = world.state.instances[TARGET]
        limit = world.state.quotas.parallel_restores
        assert sum(one.holds_slot for one in world.state.migrate_tasks) <= limit
        assert instance.used <= instance.storage_gb * 1024**3
        assert len(instance.databases) <= instance.max_databases
    look(world)
    document = world.to_document()
    assert World(document, world.clock).to_document() == document
    world.clock.advance(100_000)
    look(world)
    ids = [file.task_id for task in world.state.migrate_tasks for file in task.files]
    assert len(set(ids)) == len(ids)
    for task in world.state.migrate_tasks:
        if task.status == "NoStart":
            assert task.forced == "never_starts"
            continue
        # Nothing goes on for ever, and what is said to be done is there.
        assert task.status in {"Success", "Failed", "Waiting"}
        assert (task.ended is None) == (task.status == "Waiting")
        newest = {file.status for file in task.current_files}
        assert task.status == "Failed" or newest == {"Restored"}
        assert task.status != "Success" or task.opened
    for name, database in world.state.instances[TARGET].databases.items():
        if database.status == "Restoring":
            owner = next(one for one in world.state.migrate_tasks if one.id == database.migrate_task)
            assert owner.status in {"Waiting", "Failed", "NoStart"}, name
