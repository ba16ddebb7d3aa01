# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stories that between them send every action that the modules send, each with what has to be so at its end."""

from __future__ import annotations

import functools
from collections import Counter

from ansible_collections.apsaradb.migration.tests.reliability.fault_account_stories import (
    BucketStory,
    Role,
    Story,
    Upload,
)
from ansible_collections.apsaradb.migration.tests.reliability.fault_stages import PlayedStage
from ansible_collections.apsaradb.migration.tests.unit import cloud_stage, dts_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage, full, log
from ansible_collections.apsaradb.migration.tests.unit.stage import ENDPOINT, SOURCE, TARGET
from apsara_emulator import Variants


class Import(Story):
    module, state = "rds_import_between_instances", "imported"

    def wish(self, stage):
        given = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["crm", "hr"]}
        return {**given, "method": self.name, "wait_timeout": self.longest, "poll_interval": 60}

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
        given = {"poll_interval": 60, "wait_timeout": self.longest, "accept": list(self.ACCEPTED)}
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
        return stage.wish(self.state, **{"accept": ["delay", "precheck_same_user"], "poll_interval": 60, **changes})

    def end(self, stage):
        jobs = [(job["name"], job["paid"], job["db_list"], job["reserve"]) for job in stage.jobs()]
        return jobs, len(stage.purchases())


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
