# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stories need beside a world: servers whose work is played by the world's clock, and files of backups."""

from __future__ import annotations

import atexit
import functools
import pathlib
import shutil
import tempfile

from ansible_collections.apsaradb.migration.tests.unit.backup_stage import full
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import GOOD_REPORT, CloudStage
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART
from apsara_emulator.documents import Instant
from apsara_emulator.postgresql.work import Work
from apsara_emulator.rds import cloud_migration
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

SMALL, LARGE = "crm.bak", "large.bak"


class PlayedStage(CloudStage):
    """What servers do for a task is done at once when its time has come."""

    BREATH = 0.0
    SECONDS = 90

    def __init__(self, variants=None):
        super().__init__(variants)
        self._due = []
        self.on_sleep = self._finish_due

    def prepare(self, patch):
        """Let no task begin the work of real servers."""
        patch.setattr(Work, "begin", lambda work, steps, _name: self._begin(work, steps))
        patch.setattr(self.world.postgresql, "require_binaries", lambda _instance: None)
        patch.setattr(cloud_migration, "require_psycopg", lambda: None)

    def _begin(self, work, steps):
        fields = {
            "assess": {"detail": GOOD_REPORT, "passed": True},
            "migrate": {
                "stage": "increment",
                "replication_state": "streaming",
                "replication_info": {},
                "passed": True,
            },
            "switch": {"stage": "success", "replication_state": "finish"},
        }[steps.__name__]
        self._due.append((self.time.now() + self.SECONDS, work._task().id, fields))

    def _finish_due(self):
        for one in list(self._due):
            moment, task_id, fields = one
            if moment <= self.time.now():
                self._due.remove(one)
                self._tell(task_id, fields)

    def _tell(self, task_id, fields):
        now = Instant(self.time.now())
        for task in (*self.world.state.assessments, *self.world.state.cloud_migrations):
            if task.id == task_id:
                for name, value in fields.items():
                    setattr(task, name, value)
                task.modified = now
                if fields.get("stage") == "success":
                    task.switch_time = now


@functools.cache
def content(name):
    size = 0 if name == SMALL else 5 * PART // 2
    return backup_bytes(BackupDescription(sets=(full(name.removesuffix(".bak")),), size=size))


@functools.cache
def folder():
    """A small file and one of three parts; neither is written to."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="faults"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name in (SMALL, LARGE):
        (made / name).write_bytes(content(name))
    return made
