# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the world knows of backup files on their way from a bucket into a database."""

from __future__ import annotations

from dataclasses import dataclass, field

from .documents import Instant


@dataclass
class BackupFacts:
    """What the header of a backup file says. `type` is D full, I differential, L log, or another letter of msdb.

    Sizes are in bytes; a log sequence number of 0 stands for one that the file does not tell. `problem` says why the
    file cannot be restored anywhere; then the rest may be missing. `family_count` is the number of stripes.
    """

    problem: str = ""
    database: str = ""
    type: str = ""
    software_major: int = 0
    family_count: int = 1
    family_sequence: int = 1
    sets: int = 0
    required_storage: int = 0
    backup_size: int = 0
    first_lsn: int = 0
    last_lsn: int = 0
    checkpoint_lsn: int = 0
    database_backup_lsn: int = 0
    damaged: bool = False


@dataclass
class MigrateFile:
    """A backup file of a migrate task. `status` has the words of DescribeOssDownloads.

    `task_id` is the general task of the call that named the file, `migrate_task_id` the id that this call was answered
    with. `problem` is why the object cannot be fetched, found when the call was made. `available` turns False when the
    file proves useless.
    """

    bucket: str
    key: str
    task_id: str
    migrate_task_id: str
    created: Instant
    size: int = 0
    status: str = "NoStart"
    problem: str = ""
    description: str = ""
    available: bool = True
    ended: Instant | None = None
    facts: BackupFacts | None = None

    @property
    def name(self) -> str:
        """The file's name without folders."""
        return self.key.rpartition("/")[2]


@dataclass
class MigrateTask:
    """A backup import: one full backup, or a chain (`mode` UPDF) whose files came with one call each.

    `status` is NoStart, Running, Waiting, Success, Failed. `step` is what goes on now, until `due`: starting, queued,
    downloading, checking, ready, restoring, opening, checkdb, or nothing. `forced` is the result of an outcome of the
    world that applies, and what goes with it: `factor` slows it down, at `fail_at` it fails with `failure`.
    `terminate_at` is when a termination takes effect. `last_lsn` and `checkpoint_lsn` say how far a chain has come.
    A task that is `terminated` by its owner and `removed` is not shown any more, but
    counts.
    """

    id: str
    instance: str
    account_id: str
    database: str
    created: Instant
    mode: str = "FULL"
    check_db_mode: str = "AsyncExecuteDBCheck"
    status: str = "Success"
    step: str = ""
    due: Instant | None = None
    description: str = ""
    replaced: bool = False
    ended: Instant | None = None
    files: list[MigrateFile] = field(default_factory=list)
    current: int = 0
    opened: bool = False
    damaged: bool = False
    last_lsn: int = 0
    checkpoint_lsn: int = 0
    forced: str = ""
    factor: float = 1.0
    fail_at: Instant | None = None
    failure: str = ""
    terminate_at: Instant | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    terminated: bool = False
    removed: bool = False

    @property
    def under_way(self) -> bool:
        """Whether the service is at work on it, or will be."""
        return self.status in {"NoStart", "Running"}

    @property
    def holds_slot(self) -> bool:
        """Whether it takes up one of the restores that an instance does at a time."""
        return self.status == "Running" and self.step not in {"starting", "queued", ""}

    def next_moment(self) -> float | None:
        """When something happens to it next."""
        moments = [self.due]
        if self.under_way:
            moments.append(self.fail_at)
        moments.append(self.terminate_at)
        return min((one for one in moments if one is not None), default=None)

    @property
    def last_step_can_be_repeated(self) -> bool:
        """Whether the database of a chain is still there after a file that could not be applied."""
        return self.current > 0 and not self.opened and not self.terminated

    @property
    def current_files(self) -> list[MigrateFile]:
        """The files of the newest call."""
        return self.files[self.current :]
