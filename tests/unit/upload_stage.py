# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage with an OSS in process, and files to upload to it."""

from __future__ import annotations

import random

import fastcrc
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload import Wish, upload
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload_pace import Pace
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

KIB = 1024
# The smallest that the service takes.
PART = 100 * KIB
KEY = "in/sales.bak"


class UploadStage(BackupStage):
    """Uploads go to the bucket of the default world."""

    def client(self, **options):
        return oss_client(self.services(**{**ENDPOINTS, **options}))

    def upload(self, path, *, client=None, tell=None, limit=None, **wish):
        """With one thread, so that the order of the requests is known."""
        wish = {"part_size": PART, "threads": 1, **wish}
        pace = Pace(limit, self.clock)
        return upload(client or self.client(), Wish(str(path), BUCKET, KEY, **wish), tell, pace)

    def fault(self, kind, action="*", **how):
        self.world.faults.add({"kind": kind, "service": "oss", "action": action, "times": 1, **how})

    def bucket(self, name=BUCKET):
        return self.world.state.buckets.get(name)

    def object(self, key=KEY):
        return self.bucket().objects.get(key)

    def content(self, key=KEY):
        with self.world.oss.open(BUCKET, key) as found:
            return found.read()

    def unfinished(self):
        return self.bucket().uploads

    def sent_parts(self):
        """Numbers of the parts that were sent, in order, repetitions included."""
        return [int(call.parameters["partNumber"]) for call in self.calls("UploadPart")]


def data(size, seed=1):
    return random.Random(seed).randbytes(size)


def written(folder, content, name="sales.bak"):
    path = folder / name
    path.write_bytes(content)
    return path


def backup(folder, name="sales_FULL.bak", database="sales", **changes):
    """A real backup file."""
    return written(folder, backup_bytes(BackupDescription(sets=(full(database, **changes),))), name)


def crc_of(content):
    return fastcrc.crc64.xz(content)
