# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of migrations from backups in a bucket come true, in any world."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
from collections import Counter

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_seen import Observed
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import (
    BUCKET,
    ENDPOINTS,
    GIB,
    MODULE,
    differential,
    full,
    log,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from ansible_collections.apsaradb.migration.tests.unit.truth_properties import assert_truth
from ansible_collections.apsaradb.migration.tests.unit.truth_session import AFTER, Cut
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, TruthStage, failed_checks, one_process
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, document, one_of, truth, variants
from apsara_emulator import ApiError
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

OWNER = "1000000000000001"
CREATE, OPEN, TERMINATE = "CreateMigrateTask", "CreateOnlineDatabaseTask", "TerminateMigrateTask"
# Names of objects, each with what is in it.
FILES = {
    "crm.bak": lambda: full("crm"),
    "hr.bak": lambda: full("hr"),
    "large.bak": lambda: full("large", size=900 * GIB),
    "master.bak": lambda: full("master"),
    "newer.bak": lambda: full("newer", software_version="16.0.4100"),
    "unsure.bak": lambda: dataclasses.replace(full("unsure"), checksums=False),
    "orders_1.bak": lambda: full("orders", checkpoint_lsn="1000"),
    "orders_2.bak": lambda: differential("orders", 4),
    "orders_3.trn": lambda: log("orders", 6, 4),
    "orders_4.trn": lambda: log("orders", 8, 6),
}
WHOLE_CHAIN = ["orders_1.bak", "orders_2.bak", "orders_3.trn", "orders_4.trn"]


@functools.cache
def content(name):
    return backup_bytes(BackupDescription(sets=(FILES[name](),))) if name in FILES else b"no backup"


class BackupTruthStage(TruthStage):
    def __init__(self, world):
        super().__init__(new_document(world), world["variants"], oss=True)
        for name in world["files"]:
            self.world.oss.put(BUCKET, f"in/{name}", content(name))
        if world["begun"]:
            self._begin(world["begun"])
            self.time.advance(world["since"])

    def _begin(self, database):
        """What somebody else began in the console, where the service lets them."""
        name = "orders_1.bak" if database == "orders" else f"{database}.bak"
        chain = database == "orders"
        wish = {
            "DBInstanceId": TARGET,
            "DBName": database,
            "BackupMode": "UPDF" if chain else "FULL",
            "IsOnlineDB": "False" if chain else "True",
            "OssObjectPositions": f"oss-cn-hangzhou.aliyuncs.com:{BUCKET}:in/{name}",
        }
        with contextlib.suppress(ApiError):
            self.world.call(OWNER, CREATE, wish)


def new_document(world):
    made = document(TARGET)
    target = made["instances"][TARGET]
    target.update(world["target"])
    for name, status in world["there"].items():
        target["databases"][name] = {"status": status, "size": 5 * GIB}
    if not world["import_role"]:
        made["accounts"][OWNER]["roles"] = {}
    return {**made, "outcomes": world["outcomes"], "quotas": {"parallel_restores": world["parallel"]}}


OUTCOMES = st.builds(
    lambda result, database: [{"kind": "migrate", "result": result, **({"database": database} if database else {})}],
    one_of("fails", "slow", "checkdb_fails", "cannot_open", "never_starts"),
    one_of("", "crm", "orders"),
)
USUAL_WORLD = {
    "variants": {},
    "files": ["crm.bak", *WHOLE_CHAIN],
    "target": {},
    "there": {},
    "import_role": True,
    "outcomes": [],
    "parallel": 10,
    "begun": "",
    "since": 0,
}
WORLDS = changed(
    USUAL_WORLD,
    most=4,
    variants=variants(),
    files=st.lists(st.sampled_from([*FILES, "notes.txt", "broken.bak"]), max_size=6, unique=True),
    target=changed(
        {},
        status=one_of("Restarting", "Creating"),
        storage_gb=one_of(20, 200),
        engine_version=one_of("2012_ent_ha", "2008r2", "2019_ent", "2017_ent"),
        lock_mode=st.just("ManualLock"),
        max_databases=one_of(1, 2),
        accounts=st.just([]),
    ),
    there=st.dictionaries(one_of("crm", "orders", "hr"), one_of("Running", "Running", "Creating"), max_size=2),
    import_role=st.just(False),
    outcomes=OUTCOMES,
    parallel=one_of(1, 2),
    begun=one_of("crm", "orders", "hr"),
    since=one_of(1, 30, 400),
)
ACCEPTED = ["chain_alive", "already_there", "earlier_tasks", "checksums", "instance_running", "free_storage"]
USUAL_WISH = {"prefix": "in/", "state": "restored", "confirm": TARGET, "accept": ACCEPTED}
WISHES = changed(
    USUAL_WISH,
    most=4,
    state=one_of("staged", "staged", "terminated"),
    confirm=one_of(None, "rm-another"),
    accept=st.just([]),
    include=one_of(["crm"], ["orders"], ["*"], ["nothing"]),
    exclude=one_of(["crm"], ["o*"]),
    new_names=one_of({"crm": "customers"}, {"crm": "orders"}, {"orders": "sales"}),
    wait=st.just(False),
    preflight=st.just("warn"),
    check_db_mode=st.just("SyncExecuteDBCheck"),
    keep_cdc=st.booleans(),
    over_quota=st.just("today"),
    on_existing=st.just("fail"),
    applied_through=one_of("2026-01-01T06:06:00", "2026-01-01T12:00:00"),
)


class BackupScene(Scene):
    module = MODULE
    # A file of a chain is sent when the one before is applied.
    goes_on_without_waiting = True
    fatal_warnings = frozenset({"chain_complete"})
    beside_the_plan = frozenset({"ClientToken", "bucket", "bytes", "tagging"})

    def __init__(self, world, wish):
        self.world = world
        patience = {"wait_timeout": 7200, "poll_interval": 300}
        self._wish = {**ENDPOINTS, "instance_id": TARGET, "bucket": BUCKET, **patience, **wish}
        if self._wish["state"] == "terminated":
            self._wish.setdefault("include", ["*"])
            self._wish["prefix"] = None
        if world["outcomes"]:
            self.surprises |= {"databases_failed", "not_opened", "wait_timeout", "restore_failed", "not_seen_yet"}
            self.surprises |= {"damaged_database", "damaged_database_online"}
        if world["variants"].get("chain_tasks_listed") != "yes":
            # The id of a chain is told once. Who did not hear it cannot go on with it, and is refused a second one.
            self.surprises_after_a_cut = frozenset(
                {"databases_failed", "name_taken", "IncorrectDBState", "plan_unknown"}
            )
        if world["begun"] and self._wish["state"] == "terminated":
            # Later there is nothing to end: the restore is over.
            self.moment = 1.0
        if world["begun"] == "orders":
            # A chain that was begun in the console is listed by few editions, and its database shows late.
            self.surprises |= {"databases_failed", "name_taken", "IncorrectDBState"}
        if world["begun"] and "migrate_list_lag" in world["variants"]:
            # What somebody else began a moment ago is in no list yet; the service refuses it a second time.
            self.surprises |= {"databases_failed", "name_taken"}

    def __repr__(self):
        return f"BackupScene({self.world!r}, {self._wish!r})"

    def stage(self):
        return BackupTruthStage(self.world)

    def wish(self):
        return {name: value for name, value in self._wish.items() if value is not None}

    def may_refuse_to_repeat(self, again):
        code = again.get("error", {}).get("code")
        if self.surprises_after_a_cut and self.surprises_after_a_cut <= self.surprises and code in self.surprises:
            # A run that had other things to do ended well; what was lost shows when nothing else is left to do.
            return again["plan"] == []
        if "Creating" in self.world["there"].values() and code == "plan_unknown":
            # Somebody else makes a database of that name, and nobody knows how that will end.
            return again["plan"] == []
        unlisted = self.world["begun"] == "orders" and self.world["variants"].get("chain_tasks_listed") != "yes"
        if unlisted and code == "plan_unknown" and failed_checks(again) == ["chain_known"]:
            # A run that had other things to do passed over a chain of somebody else's, of which no listing tells.
            return again["plan"] == [] and self._wish.get("preflight") == "warn"
        return self._wish.get("on_existing") == "fail" and failed_checks(again) == ["already_there"]

    def orders(self, plan):
        """Databases go on side by side."""
        return [
            [s for s in plan if s["subject"] == subject]
            for subject in {tuple(s["subject"]): s["subject"] for s in plan}.values()
        ]

    def parameters_of(self, step):
        planned = dict(step["parameters"])
        if step["action"] == "PutObjectTagging":
            return {"key": planned["Key"]}
        return planned

    def is_sent_as(self, name, planned, sent):
        if planned == "told by CreateMigrateTask" or name in ("MigrateTaskId", "OSSUrls"):
            return bool(sent)
        return super().is_sent_as(name, planned, sent)

    def once(self, call):
        if call.action == "PutObjectTagging":
            return None  # the same tag again does no harm
        told = call.parameters
        return (call.action, told.get("DBName"), told.get("BackupMode"), told.get("OssObjectPositions"))

    def learn_after_a_cut(self, stage):
        """These editions do not tell the files of a chain, so the person who goes on with it has to."""
        instance = stage.settled().instances[TARGET]
        chains = [task for task in stage.settled().migrate_tasks if task.mode == "UPDF" and task.status != "Failed"]
        if instance.engine_version not in ("2017_ent", "2019_ent") or not chains or self._wish["state"] == "terminated":
            return
        last = FILES[chains[-1].files[-1].name]().finish.replace(tzinfo=None)
        # Headers show fractions of a second in their own way; between two files there are hours.
        self._wish["applied_through"] = (last + datetime.timedelta(minutes=1)).isoformat(timespec="seconds")
        self.parsed = None

    def begun_in_vain(self, stage):
        # Each of these calls made a task; the others add files to one.
        calls = [c for c in self.sent(stage, 0) if c.took_effect and c.action == CREATE]
        keys = [self.once(call) for call in calls if not call.parameters.get("MigrateTaskId")]
        vain, before = Counter(), {}
        for key, task in zip(keys, stage.settled().migrate_tasks, strict=True):
            last = before.get(key)
            if last and last.status == "Failed" and not last.terminated and last.ended <= task.created:
                vain[key] += 1
            before[key] = task
        return vain

    def end(self, stage):
        tasks = stage.settled().migrate_tasks
        return stage.databases(), sorted((t.database, t.mode, t.status, t.opened) for t in tasks)


RESTORES = st.builds(BackupScene, WORLDS, WISHES)

test_restores, test_restores_in_many_worlds = truth(0.15, RESTORES)


def forced_into_a_full_instance(**variants):
    """It holds as many databases as it may, which a check tells; whoever goes on does not wait to see it come true."""
    world = {**USUAL_WORLD, "files": ["crm.bak"], "target": {"max_databases": 1}, "variants": variants}
    return BackupScene(world, {**USUAL_WISH, "wait": False, "preflight": "warn"})


def test_what_failed_after_a_failed_check_is_begun_again():
    with one_process():
        sent = assert_truth(forced_into_a_full_instance(), Cut(0, AFTER))
    assert [call.action for call in sent] == [CREATE]


def test_what_is_still_at_work_is_not_begun_again(monkeypatch):
    """A module that does not know of earlier tasks is caught, although in the end all of its tasks have failed."""
    monkeypatch.setattr(Observed, "current_task", lambda _seen, _target: None)
    # Runs end when the listing shows their tasks. Until then the tasks fail.
    scene = forced_into_a_full_instance(migrate_list_lag="25")
    scene.moment = 1.0
    with one_process(), pytest.raises(AssertionError, match="this was done twice"):
        assert_truth(scene, Cut(0, AFTER))


def test_a_chain_that_nobody_knows_is_passed_over_once():
    scene = BackupScene({**USUAL_WORLD, "begun": "orders", "since": 30}, {**USUAL_WISH, "preflight": "warn"})
    with one_process():
        sent = assert_truth(scene, Cut(0, AFTER))
    assert [call.parameters["DBName"] for call in sent] == ["crm"]


def test_a_chain_whose_files_are_not_told_goes_on_after_a_cut():
    """What was true of the files when the wish was made is not what a person tells after a run that was cut short."""
    for number in range(6):
        world = {**USUAL_WORLD, "target": {"engine_version": "2019_ent"}, "files": WHOLE_CHAIN}
        scene = BackupScene(world, {**USUAL_WISH, "applied_through": "2026-01-01T06:06:00"})
        with one_process():
            sent = assert_truth(scene, Cut(number, AFTER))
        assert len(sent) == 6
