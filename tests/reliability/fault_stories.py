# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories that between them send every action that the modules send, each with what has to be so at its end."""

from __future__ import annotations

import functools
from collections import Counter
from typing import ClassVar

from ansible_collections.apsaradb.migration.tests.reliability.fault_stages import LARGE, PlayedStage, content, folder
from ansible_collections.apsaradb.migration.tests.unit import cloud_stage, dts_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full, log
from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, SOURCE, TARGET, Stage
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART, UploadStage
from apsara_emulator import Variants
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


class Import(Story):
    module, state = "rds_import_between_instances", "imported"

    def wish(self, stage):
        given = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm", "hr"]}
        return {**given, "method": self.name, "wait_timeout": self.longest, "poll_interval": 30}

    def end(self, stage):
        return stage.databases()


class Cancel(Story):
    module, state = "rds_cancel_import", "idle"

    def before(self, stage, do):
        stage.world.merge({"durations": {"imports": {"base": 36000}}})
        self.import_id = do(Import.module, **Import("import").wish(stage), wait=False)["import_id"]

    def wish(self, stage):
        return {"instance_id": TARGET, "import_id": self.import_id, "wait_timeout": self.longest}

    def end(self, stage):
        return stage.databases()


class Restore(Story):
    """Two databases, each from one backup."""

    module, state = "rds_oss_backup_migrate", "restored"

    def stage(self, variants):
        return BackupStage(variants)

    def before(self, stage, do):
        for name in ("crm2", "hr2"):
            stage.put(f"{name}.bak", full(name))

    def wish(self, stage):
        accepted = ["tasks_listed", "daily_quota", "database_quota"]
        given = {"instance_id": TARGET, "bucket": BUCKET, "prefix": "in/", "confirm": TARGET, "accept": accepted}
        return {**ENDPOINTS, **given, "wait_timeout": self.longest, "poll_interval": 60}

    def end(self, stage):
        tasks = stage.world.to_document().get("migrate_tasks", [])
        return stage.databases(), len(tasks)


class Chain(Restore):
    """A full backup and a log, then opened. In worlds where chains are listed."""

    def stage(self, variants):
        return BackupStage(Variants({**(variants or {}), "chain_tasks_listed": "yes"}))

    def before(self, stage, do):
        stage.put("orders_1.bak", full("orders"))
        stage.put("orders_2.trn", log("orders", 6, 0))


class Terminate(Chain):
    state = "terminated"

    def before(self, stage, do):
        stage.put("orders_1.bak", full("orders"))
        staged = do(self.module, **super().wish(stage), state="staged")
        assert not staged["failed"], staged["msg"]
        self.task = stage.calls("DescribeMigrateTaskById")[0].parameters["MigrateTaskId"]

    def wish(self, stage):
        return {**super().wish(stage), "state": "terminated", "migrate_task_id": self.task}


class Cloud(Story):
    """Assessed, replicated and switched in one run. ACCEPTED: what drawn worlds may warn of."""

    ACCEPTED = ("lag", "assessment", "instance_running", "storage", "migration_state", "source_category")
    module, state, longest = cloud_stage.MODULE, "switched", 7200

    def stage(self, variants):
        return PlayedStage(variants)

    def wish(self, stage):
        given = {"poll_interval": 30, "wait_timeout": self.longest, "accept": list(self.ACCEPTED)}
        return cloud_stage.CloudStage.wish(stage, "switched", confirm=cloud_stage.TARGET, **given)

    def end(self, stage):
        told = stage.world.to_document()
        stages = [(one["stage"], one["failed"]) for one in told.get("cloud_migrations", [])]
        return stages, len(told.get("assessments", []))


class Job(Story):
    """A DTS job in one state. earlier: the state it had before. changes: options that differ from those."""

    module, longest = dts_stage.MODULE, 7200

    def __init__(self, name, state, earlier=None, **changes):
        super().__init__(name)
        self.state, self.earlier, self.changes = state, earlier, changes

    def stage(self, variants):
        return dts_stage.MigrationStage(variants)

    def before(self, stage, do):
        if self.name == "skip an item":
            odd = {"item": "CHECK_SAME_USER", "name": "n", "problem": "it is odd", "can_skip": True}
            stage.world.merge({"dts_findings": [odd]})
        if self.earlier:
            made = do(self.module, **stage.wish(self.earlier))
            assert not made["failed"], made["msg"]

    def wish(self, stage):
        changes = dict(self.changes)
        if "source" in changes:
            changes["source"] = stage.end("source", **changes["source"])
        return stage.wish(self.state, **{"accept": ["delay", "precheck_same_user"], "poll_interval": 30, **changes})

    def end(self, stage):
        jobs = [(job["name"], job["paid"], job["db_list"], job["reserve"]) for job in stage.jobs()]
        return jobs, len(stage.purchases())


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
        for whole in (content(LARGE), b"\0" * PART):
            upload_id = client.begin_upload(BUCKET, f"in/{LARGE}", {}, replace=True)
            client.send_part(BUCKET, f"in/{LARGE}", upload_id, 1, whole[:PART])

    def wish(self, stage):
        given = {"path": str(folder()), "bucket": BUCKET, "prefix": "in/", "part_size": PART, "threads": 1}
        return {**ENDPOINTS, **given, "instance_id": TARGET, "abort_leftovers": True}

    def end(self, stage):
        return {key: one.crc64 for key, one in stage.bucket().objects.items()}, len(stage.unfinished())


class Info(Story):
    """Modules that only read. chosen: variants of their world."""

    def __init__(self, name, instance, chosen=(), **options):
        super().__init__(name)
        self.module, self.instance, self.chosen, self.options = name, instance, dict(chosen), options

    def before(self, stage, do):
        if self.options.get("dts"):
            assert not do(dts_stage.MODULE, **stage.wish("running"))["failed"]

    def stage(self, variants):
        return dts_stage.MigrationStage(Variants({**(variants or {}), **self.chosen}))

    def wish(self, stage):
        key = {**dts_stage.KEY_TWO, "dts_endpoint": ENDPOINT} if self.options.get("dts") else {}
        return {"instance_id": self.instance, "region": "cn-hangzhou", **key, **self.options}

    def end(self, stage):
        return Counter(stage.effects())


@functools.cache
def stories():
    """All of them. Where several send an action, the first one stands for it."""
    changed = functools.partial(Job, state="running", earlier="running")
    return (
        Import("import"),
        Import("copy"),
        Cancel("cancel"),
        Restore("restore"),
        Chain("chain"),
        Terminate("terminate"),
        Cloud("switch"),
        Job("run", "running"),
        Job("suspend", "suspended", "running"),
        Job("stop", "stopped", "caught_up"),
        Job("delete", "absent", "caught_up"),
        changed("change events", events=True),
        changed("limit", throttle_incremental={"rps": 5}),
        changed("alarm", alarms={"error": True}),
        changed("log in", source={"account": "second", "password": "of the second account"}),
        Job("skip an item", "running"),
        Role("make a role", "present"),
        Role("correct a role", "present", Role.OTHER),
        Role("remove a role", "absent", Role.RIGHT),
        BucketStory("make a bucket", "present"),
        BucketStory("remove a bucket", "absent"),
        Upload("upload"),
        Upload("go on with an upload", begun=True),
        Info("rds_instance_info", SOURCE),
        Info("rds_instance_info", SOURCE, {"disk_used_field": "missing"}),
        Info("rds_migration_info", TARGET),
        Info("rds_migration_info", cloud_stage.TARGET),
        Info("rds_migration_info", dts_stage.TARGET, dts=True),
    )
