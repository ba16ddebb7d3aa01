# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage with a bucket: backups in OSS, and an instance that restores them."""

from __future__ import annotations

import dataclasses
import datetime

from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET, Stage
from apsara_emulator import WallClock
from apsara_emulator.default_world import BUCKET_ONE
from apsara_emulator.oss.requests_adapter import OssAdapter
from apsara_emulator.oss.service import OssService
from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, backup_bytes

OSS_ENDPOINT = "http://127.0.0.1:2"
ENDPOINTS = {"oss_endpoint": OSS_ENDPOINT, "ram_endpoint": "http://127.0.0.1:1", "region": "cn-hangzhou"}
BUCKET = BUCKET_ONE
GIB = 1024**3
MODULE = "rds_oss_backup_migrate"
WISH = {**ENDPOINTS, "instance_id": TARGET, "bucket": BUCKET, "prefix": "in/"}

_FIRST_NIGHT = datetime.datetime(2026, 1, 1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))


class BackupStage(Stage):
    """Backups lie in the folder in/ of the bucket."""

    def __init__(self, variants=None):
        super().__init__(variants)
        # oss2 signs with the real time.
        self.session.mount(OSS_ENDPOINT, OssAdapter(OssService(self.world, WallClock())))

    def put(self, name, *sets, folder="in/", **description):
        key = f"{folder}{name}"
        content = backup_bytes(BackupDescription(sets=sets or (full("sales"),), **description))
        self.world.oss.put(BUCKET, key, content)
        return key

    def put_bytes(self, name, content):
        self.world.oss.put(BUCKET, f"in/{name}", content)

    def creates(self):
        """Of CreateMigrateTask that took effect, what each was about."""
        return [
            (c.parameters["DBName"], c.parameters["BackupMode"], c.parameters["OssObjectPositions"].split("/", 1)[1])
            for c in self.calls("CreateMigrateTask")
            if c.took_effect
        ]

    def changes(self):
        """The writing calls that took effect, those of OSS among them."""
        return [c.action for c in self.world.calls.select() if c.mutating and c.took_effect]


def at(hours):
    """A time of the source, so many hours after the first night's backup began."""
    return _FIRST_NIGHT + datetime.timedelta(hours=hours)


def full(database, hours=0, size=GIB, **changes):
    return BackupSetDescription(
        database=database,
        start=at(hours),
        finish=at(hours + 0.1),
        checksums=True,
        files=(FileDescription(database, f"D:\\{len(database)}.mdf", size=size),),
        **{"first_lsn": f"{1000 + int(hours * 100)}", "last_lsn": f"{1005 + int(hours * 100)}", **changes},
    )


def differential(database, hours, base=0.0, **changes):
    based = {"database_backup_lsn": f"{1000 + int(base * 100)}", **changes}
    return dataclasses.replace(full(database, hours), type="differential", **based)


def log(database, hours, since, **changes):
    """since: the hours at which the log before it ended."""
    lsns = {"first_lsn": f"{1000 + int(since * 100)}", "last_lsn": f"{1000 + int(hours * 100)}", **changes}
    return dataclasses.replace(full(database, hours), type="log", **lsns)
