# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What the codes of the CreateMigrateTask family mean: rows of advice.py that hold for these actions only.

From the error codes of the vendor's guide to backups, the pages of the actions and the appendix of client error codes.
"""

from __future__ import annotations

from .advice import STATE, Advice

ACTIONS = frozenset(
    {
        "CreateMigrateTask",
        "CreateOnlineDatabaseTask",
        "DescribeMigrateTaskById",
        "DescribeMigrateTasks",
        "DescribeOssDownloads",
        "TerminateMigrateTask",
    }
)
_ENGINE = Advice(
    "The instance does not run SQL Server, or its version or edition does not have this action.",
    "Correct instance_id; for editions that do not tell their tasks give migrate_task_id and applied_through.",
)
# First match wins. Patterns are matched against the whole code, without regard to case.
ROWS: tuple[tuple[str, Advice], ...] = (
    (
        r"uploadlimitexceeded",
        Advice(
            "The database has had its 20 migration tasks of today on this instance.",
            "Run the playbook again tomorrow; over_quota: today plans only what fits.",
        ),
    ),
    (
        r"concurrenttaskexceeded",
        Advice(
            "The instance has had its 500 migration tasks of today.",
            "Run the playbook again tomorrow; over_quota: today plans only what fits.",
        ),
    ),
    (
        r"incorrectfileextension",
        Advice(
            "The extension of the backup's name is not one that RDS takes.",
            "Rename the object: .bak for full backups, .diff for differential ones, .trn or .log for logs.",
        ),
    ),
    (
        r"invalidossurl",
        Advice(
            "RDS cannot use the object: it is missing, or its bucket is in another account or region, encrypted, or "
            "not of class Standard.",
            "Correct bucket and the backup's key; authorise RDS to read OSS in the console.",
        ),
    ),
    (
        r"bakfilesizeexceeded",
        Advice("The backup is larger than 3 TB.", "Back up with compression, or migrate this database with DTS."),
    ),
    (
        r"filesizeexceeded",
        Advice(
            "The restored database would not fit into the storage of the instance.",
            "Enlarge the storage of instance_id, or migrate fewer databases.",
        ),
    ),
    (
        r"invaliddbname\.(notfound|duplicate)",
        Advice(
            "On SQL Server 2012 and later: a database of this name is on the instance already. On 2008 R2, and in a "
            "chain: there is none.",
            "Give another new_name, or drop the leftover; on 2008 R2 create an empty database of the same name.",
        ),
    ),
    (
        r"invaliddbname(\..*)?",
        Advice(
            "The name of the database is not allowed (system, reserved), or on 2008 R2 it does not exist.",
            "Give another new_name, or leave the database out with exclude.",
        ),
    ),
    (
        r"incorrectdbstate",
        Advice(
            "The database is being created, or another backup is being restored into it.",
            "Wait for the end of that task (wait: true does), then run the playbook again.",
        ),
    ),
    (r"incorrectdbinstancestate", STATE),
    (r"incorrectdbinstancetype|incorrectdbtype|engine(version)?notsupported", _ENGINE),
    (
        r"invalidestatus(\..*)?",
        Advice(
            "The task is not in a state for this: a chain that waits can be opened, an unfinished task ended.",
            "Look at the task with rds_migration_info, then run the playbook again.",
        ),
    ),
    (
        r"invalidmigratetaskid\.notfound",
        Advice("There is no such task on this instance.", "Correct migrate_task_id."),
    ),
)
