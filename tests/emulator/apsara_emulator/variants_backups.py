# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubts about the import of backup files: CreateMigrateTask and what belongs to it."""

from __future__ import annotations

from .variant import UNDOCUMENTED, Variant, variant

_GUIDES = "the guides of the import and the action pages, which disagree"
_CODES = "error table of the batch script's page, appendix of client error codes and action pages, which disagree"

_LISTINGS = (
    variant(
        "migrate_list_lag",
        "0 | 4 | 25",
        "Seconds by which DescribeMigrateTasks lags behind: a new task is listed that much later.",
        UNDOCUMENTED,
    ),
    variant(
        "chain_tasks_listed",
        "no | yes",
        "Whether DescribeMigrateTasks lists tasks with BackupMode UPDF too.",
        "action text: full backup files only",
    ),
    variant(
        "migrate_task_order",
        "newest_first | oldest_first | by_name",
        "The order of the rows of DescribeMigrateTasks.",
        UNDOCUMENTED,
    ),
    variant(
        "migrate_items_shape",
        "wrapped | bare",
        "Items of DescribeMigrateTasks and DescribeOssDownloads: wrapped in a list, or, if there is one row, the row.",
        "SDK models against the sample answers of 2020",
    ),
    variant(
        "migrate_end_time",
        "missing | empty | creation",
        "EndTime of a task or file that has not ended: left out, empty, or the time of creation.",
        UNDOCUMENTED,
    ),
    variant(
        "migrate_page_sizes",
        "range | three",
        "Page sizes of DescribeMigrateTasks: any from 30 to 100, or 30, 50 and 100.",
        "SDK models against the page of 2020",
    ),
    variant(
        "migrate_week",
        "clipped | refused",
        "A window that begins more than a week ago: only the last week counts, or it is refused.",
        "parameter text: within the last week",
    ),
    variant(
        "migrate_time_format",
        "minutes | both",
        "Whether DescribeMigrateTasks takes times with seconds, besides those without.",
        "the page of 2020 has seconds in its text and none in its example",
    ),
    variant(
        "file_size_text",
        "number | suffix",
        "FileSize of DescribeOssDownloads, in MB: the number alone, or with MB behind it.",
        "samples show both",
    ),
    variant(
        "backup_mode_words",
        "long | short",
        "BackupMode of DescribeOssDownloads: Database, Differential_Database, Transaction_Log, or FULL, DIFF, LOG.",
        "older pages have the short words",
    ),
    variant(
        "migrate_task_not_found",
        "InvalidMigrateTaskId.NotFound 404 | InvalidMigrateTaskId.NotFound 400 | InvalidParameter 400",
        "A MigrateTaskId that does not exist.",
        UNDOCUMENTED,
    ),
)

_COURSE = (
    variant(
        "second_task",
        "accepted | refused",
        "A task for a database whose earlier task has not begun to load: a second task, or IncorrectDBState.",
        "error text: while the database is being created or receives another import",
    ),
    variant(
        "chain_task_id",
        "same | new",
        "What a call that adds a file to a chain is answered with: the chain's id, or one of its own.",
        "the guide adds files to a record, the answer has an id",
    ),
    variant(
        "chain_wait_status",
        "Waiting | Success",
        "Status of a chain that waits for its next file.",
        _GUIDES,
    ),
    variant(
        "chain_after_failure",
        "open | closed",
        "Whether a chain takes another file after one that could not be applied.",
        UNDOCUMENTED,
    ),
    variant(
        "repeated_log",
        "accepted | refused",
        "A log backup that ends exactly where the chain has come to, such as one that is applied again.",
        "SQL Server has nothing to do then; what the service makes of that is not said",
    ),
    variant(
        "restoring_database",
        "Restoring | Creating | hidden",
        "What a database shows in DescribeDatabases while a full backup is restored into it.",
        "state list of DescribeDatabases, which has neither",
    ),
    variant(
        "chain_database",
        "by_edition | Restoring | In Recovery | hidden",
        "What a database shows while its chain is open: by edition that is Restoring (Basic) or In Recovery (others).",
        "incremental guide; the state list of DescribeDatabases has neither",
    ),
    variant(
        "check_failed_word",
        "CheckFailed | VerifyFailed",
        "Status of a file whose content is refused.",
        "state list of DescribeOssDownloads, which has both",
    ),
    variant(
        "failed_check_status",
        "Success | Failed",
        "Status of a task whose synchronous DBCC CHECKDB found damage; the database is open all the same.",
        _GUIDES,
    ),
    variant(
        "terminated_task",
        "Failed | removed",
        "What is left of a terminated task: a failed one, or nothing.",
        UNDOCUMENTED,
    ),
    variant(
        "terminated_database",
        "removed | left",
        "What becomes of the half restored database of a terminated task.",
        UNDOCUMENTED,
    ),
    variant(
        "online_answer",
        "documented | wrapped",
        "The answer of CreateOnlineDatabaseTask: RequestId, or an envelope with code, data and requestId.",
        "SDK models against an old sample",
    ),
    variant(
        "quota_day",
        "utc | china | rolling",
        "The day of the daily quotas: a UTC day, a day in China, or the last 24 hours.",
        UNDOCUMENTED,
    ),
)

_REFUSALS = (
    variant(
        "migrate_engine",
        "IncorrectDBType 400 | IncorrectDBInstanceType 400 | EngineNotSupported 400",
        "CreateMigrateTask on an instance that is no SQL Server.",
        _CODES,
    ),
    variant(
        "migrate_state",
        "IncorrectDBInstanceState 403 | IncorrectDBInstanceState 400 | IncorrectDBInstanceState 500",
        "CreateMigrateTask on an instance that is not Running.",
        _CODES,
    ),
    variant(
        "migrate_name",
        "InvalidDBName 403 | InvalidDBName 400",
        "A database name that is not allowed.",
        _CODES,
    ),
    variant(
        "taken_name",
        "InvalidDBName.NotFound 400 | InvalidDBName.NotFound 404 | InvalidDBName.Duplicate 400 | task",
        "A database name that is taken (2012 and later): refused, or the task fails.",
        _CODES,
    ),
    variant(
        "missing_database",
        "InvalidDBName.NotFound 400 | InvalidDBName 400 | InvalidDBName.NotFound 404",
        "A database that does not exist where it must (2008 R2, chains).",
        _CODES,
    ),
    variant(
        "filled_database",
        "IncorrectDBState 400 | InvalidDBName.NotFound 400 | task",
        "A database of 2008 R2 that is not empty: refused, or the task fails.",
        UNDOCUMENTED,
    ),
    variant(
        "unusable_object",
        "InvalidOssUrl 400 | task",
        "A bucket or an object that cannot be used (missing, other account or region, class, encryption, no role): "
        "refused, or the task fails.",
        UNDOCUMENTED,
    ),
    variant(
        "restored_size",
        "storage | free | task",
        "FileSizeExceeded is for a restored size above the storage of the instance, above what is free of it, or "
        "never: then the task fails.",
        _CODES,
    ),
    variant(
        "mode_mismatch",
        "InvalidParameter 400 | InvalidIsOnlineDB.ValueNotSupported 400",
        "BackupMode and IsOnlineDB or MigrateTaskId that do not go together.",
        UNDOCUMENTED,
    ),
    variant(
        "online_status",
        "InvalideStatus 400 | InvalideStatus.Format 400",
        "CreateOnlineDatabaseTask on a task that does not wait.",
        "appendix and action page, both misspelled",
    ),
    variant(
        "terminate_status",
        "InvalideStatus 400 | IncorrectDBState 400 | InvalidParameter 400",
        "TerminateMigrateTask on a task that has ended.",
        UNDOCUMENTED,
    ),
)

BACKUPS: tuple[Variant, ...] = (*_LISTINGS, *_COURSE, *_REFUSALS)
