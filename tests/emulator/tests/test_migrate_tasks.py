# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup imports over time: states, files, databases, chains."""

from __future__ import annotations

from .backup_files import DIFF, FULL, GIB, LOG_1, LOG_2, LOG_3
from .inprocess import TARGET
from .migrating import MigrationBench


def test_a_full_backup_over_time() -> None:
    bench = MigrationBench()
    answer = bench.call("CreateMigrateTask", **bench.parameters())
    assert set(answer) == {"BackupMode", "DBInstanceId", "DBName", "MigrateTaskId", "TaskId", "RequestId"}
    task = answer["MigrateTaskId"]
    seen = []
    for _second in range(120):
        file = bench.files(task)[0]
        now = (bench.task(task)["Status"], file["Status"], bench.databases().get("sales", ""))
        if not seen or seen[-1] != now:
            seen.append(now)
        bench.clock.advance(1)
    assert seen == [
        ("NoStart", "NoStart", ""),
        ("Running", "Downloading", ""),
        ("Running", "Finished", ""),
        ("Running", "CheckSuccess", ""),
        ("Running", "Restoring", "Restoring"),
        ("Running", "Restored", "Restoring"),
        ("Success", "Restored", "Running"),
    ]
    assert bench.outcome(task) == ("Success", "asynchronously DBCC checkdb success.")
    assert bench.world.state.instances[TARGET].databases["sales"].size == 2 * GIB


def test_a_chain() -> None:
    bench = MigrationBench()
    task = bench.add(None, FULL)
    bench.run()
    for backup in (DIFF, LOG_1, LOG_2, LOG_3):
        assert bench.outcome(task) == ("Waiting", "")
        assert bench.databases()["sales"] == "In Recovery"
        assert bench.add(task, backup) == task
        assert bench.task(task)["Status"] == "NoStart"
        bench.run()
    assert [one["BackupMode"] for one in bench.files(task)] == [
        "Database",
        "Differential_Database",
        "Transaction_Log",
        "Transaction_Log",
        "Transaction_Log",
    ]
    bench.call(
        "CreateOnlineDatabaseTask",
        DBInstanceId=TARGET,
        DBName="sales",
        MigrateTaskId=task,
        CheckDBMode="AsyncExecuteDBCheck",
    )
    assert bench.task(task)["Status"] == "Running"
    bench.run()
    assert bench.outcome(task) == ("Success", "asynchronously DBCC checkdb success.")
    assert bench.databases()["sales"] == "Running"
