# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a story is, and those of what an account has: roles, buckets, objects."""

from __future__ import annotations

from typing import ClassVar

from ansible_collections.apsaradb.migration.tests.reliability.fault_stages import LARGE, content, folder
from ansible_collections.apsaradb.migration.tests.unit import dts_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET, Stage
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART, UploadStage
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO


class Story:
    """A wish in a world. state: what the module returns when it is fulfilled.

    do(module, **options) runs a module. longest: seconds that a run may wait for work to be done.
    """

    module = ""
    state = ""
    longest = 3600

    def __init__(self, name):
        self.name = name

    def stage(self, variants):
        return Stage(variants)

    def before(self, stage, do):
        """What was done before there was any trouble."""

    def wish(self, stage):
        raise NotImplementedError

    def end(self, stage):
        """What the world looks like, free of ids and times."""
        raise NotImplementedError


class Role(Story):
    """The role for DTS. there: how the account has it before; None for not at all."""

    module = "ram_dts_role"
    OTHER: ClassVar = {
        "trust_policy": '{"Statement": [], "Version": "1"}',
        "policies": ["System/AliyunRDSReadOnlyAccess"],
    }
    RIGHT = "right"

    def __init__(self, name, state, there=None):
        super().__init__(name)
        self.state, self.there = state, there

    def stage(self, variants):
        return dts_stage.MigrationStage(variants, role=self.there == self.RIGHT)

    def before(self, stage, do):
        if isinstance(self.there, dict):
            document = stage.account(ACCOUNT_ONE)
            document.setdefault("roles", {})[dts_stage.ROLE] = self.there
            stage.world.merge({"accounts": {ACCOUNT_ONE: document}})

    def wish(self, stage):
        given = {"name": dts_stage.ROLE, "destination_account_id": ACCOUNT_TWO, "state": self.state}
        return {**given, **dts_stage.ENDPOINTS, **dts_stage.KEY_ONE}

    def end(self, stage):
        found = stage.roles().get(dts_stage.ROLE)
        return found and (found["trust_policy"], sorted(found["policies"]))


class BucketStory(Story):
    module = "oss_bucket"
    BUCKET_NAME = "sales-migration-2026"

    def __init__(self, name, state):
        super().__init__(name)
        self.state = state

    def stage(self, variants):
        return UploadStage(variants)

    def before(self, stage, do):
        if self.state == "absent":
            assert do(self.module, **ENDPOINTS, name=self.BUCKET_NAME)["changed"]
            stage.world.oss.put(self.BUCKET_NAME, "backups/1.bak", b"x")
            stage.client().begin_upload(self.BUCKET_NAME, "backups/2.bak", {}, replace=True)

    def wish(self, stage):
        force = {"force": True} if self.state == "absent" else {"instance_id": TARGET}
        return {**ENDPOINTS, "name": self.BUCKET_NAME, "state": self.state, **force}

    def end(self, stage):
        found = stage.bucket(self.BUCKET_NAME)
        return found and (found.acl, sorted(found.objects), len(found.uploads))


class Upload(Story):
    """A small file and a large one. begun: an interrupted run left a part of the large one, and something else."""

    module, state = "oss_backup_upload", "uploaded"

    def __init__(self, name, begun=False):
        super().__init__(name)
        self.begun = begun

    def stage(self, variants):
        return UploadStage(variants)

    def before(self, stage, do):
        if not self.begun:
            return
        client = stage.client()
        begun = [client.begin_upload(BUCKET, f"in/{LARGE}", {}, replace=True) for _number in range(2)]
        # Their ids are drawn, and looked at in this order; that of somebody else is always the first.
        for upload_id, whole in zip(sorted(begun), (b"\0" * PART, content(LARGE)), strict=True):
            client.send_part(BUCKET, f"in/{LARGE}", upload_id, 1, whole[:PART])

    def wish(self, stage):
        given = {"path": str(folder()), "bucket": BUCKET, "prefix": "in/", "part_size": PART, "threads": 1}
        return {**ENDPOINTS, **given, "instance_id": TARGET, "abort_leftovers": True}

    def end(self, stage):
        return {key: one.crc64 for key, one in stage.bucket().objects.items()}, len(stage.unfinished())
