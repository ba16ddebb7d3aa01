# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of imports and of their cancellation come true, in any world."""

from __future__ import annotations

import contextlib
import json

from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, TruthStage, failed_checks
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, document, one_of, truth, variants
from apsara_emulator import ApiError

OWNER = "1000000000000001"
IMPORT, COPY = "ImportDatabaseBetweenInstances", "CopyDatabaseBetweenInstances"
NAMES = ("sales", "crm", "hr", "archive", "nowhere")
BACKUP = "321020569"
# What the emulator calls the first one of a world.
FIRST_IMPORT = "85265475235"
GIB = 1024**3


class ImportStage(TruthStage):
    """Two instances of SQL Server."""

    def __init__(self, world):
        super().__init__(new_document(world), world["variants"])
        self.time.advance(world["later"])
        if world["in_flight"]:
            self._begin(world["in_flight"])
            self.time.advance(world["since"])

    def _begin(self, kind):
        """Work that somebody else begins in the console, where the service lets them."""
        names = json.dumps({"hr": "hr"})
        ends = {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE}
        if kind == COPY:
            ends = {"DBInstanceId": SOURCE, "TargetDBInstanceId": TARGET, "BackupId": BACKUP}
        wish = {"DBInfo": f'{{"DBNames":{names}}}'} if kind == IMPORT else {"DbNames": names}
        with contextlib.suppress(ApiError):
            self.world.call(OWNER, kind, {**ends, **wish})


def new_document(world):
    made = document(SOURCE, TARGET)
    source, target = made["instances"][SOURCE], made["instances"][TARGET]
    source.update(world["source"])
    target.update(world["target"])
    for name, status in world["source_states"].items():
        source["databases"][name]["status"] = status
    for name, status in world["there"].items():
        target["databases"][name] = {"status": status, "size": 5 * GIB}
    for backup in source["backups"]:
        backup["available"] = world["backups_usable"]
    seconds = {"base": world["seconds"]}
    return {
        **made,
        "switches": {"retired_actions": world["retired_actions"]},
        "durations": {"imports": seconds, "copies": seconds},
        "outcomes": world["outcomes"],
    }


USUAL = {
    "variants": {},
    "source": {},
    "target": {},
    "source_states": {},
    "there": {},
    "backups_usable": True,
    "seconds": 90,
    "retired_actions": True,
    "outcomes": [],
    "later": 0,
    "in_flight": None,
    "since": 0,
}
STATUSES = one_of("Restarting", "Released", "Creating")
WORLDS = changed(
    USUAL,
    most=5,
    variants=variants(),
    source=changed({}, 1, status=STATUSES, class_type=one_of("x", "s"), engine_version=one_of("2012_ent_ha", "2008r2")),
    target=changed(
        {},
        status=STATUSES,
        class_type=one_of("x", "s", "h"),
        lock_mode=st.just("ManualLock"),
        storage_gb=one_of(20, 100),
        engine_version=one_of("2012_ent_ha", "2008r2", "2017_ent"),
        max_databases=one_of(1, 2, 3),
        region=st.just("cn-shanghai"),
    ),
    source_states=changed({}, sales=one_of("Creating", ""), hr=one_of("Creating", "")),
    there=st.dictionaries(st.sampled_from(NAMES), one_of("Running", "Running", "Cold"), max_size=2),
    backups_usable=st.just(False),
    seconds=one_of(5, 600),
    retired_actions=st.just(False),
    outcomes=one_of([{"result": "fails"}], [{"result": "never_starts"}]),
    later=one_of(4000, 90000),
    in_flight=one_of(IMPORT, COPY),
    since=one_of(1, 30, 60),
)
PAIRS = st.tuples(st.sampled_from(NAMES), st.sampled_from([*NAMES, *NAMES, "other", "warehouse", "master"]))
WISHES = changed(
    {"databases": {"sales": "sales", "crm": "customers"}},
    most=4,
    databases=st.lists(PAIRS, min_size=1, max_size=3, unique_by=(lambda p: p[0], lambda p: p[1])).map(dict),
    method=one_of("import", "copy"),
    max_backup_age=st.just(10**6),
    on_existing=st.just("fail"),
    sync_user_privilege=st.just(True),
    wait=st.just(False),
    preflight=st.just("warn"),
    poll_interval=one_of(20, 120),
)


class ImportScene(Scene):
    module = "rds_import_between_instances"

    def __init__(self, world, wish):
        self.world = world
        self._wish = {
            "source_instance_id": SOURCE,
            "instance_id": TARGET,
            "poll_interval": 60,
            "wait_timeout": 3600,
            **wish,
        }
        if world["outcomes"]:
            self.surprises |= {"import_failed", "import_never_started", "not_seen_yet"}
        if not world["retired_actions"] and wish.get("method") == "import":
            # Whether the service still offers the action shows when it is sent.
            self.surprises |= {"InvalidAction", "InvalidParameter"}

    def may_refuse_to_repeat(self, again):
        """That is what was wished."""
        return self._wish.get("on_existing") == "fail" and failed_checks(again) == ["already_there"]

    def __repr__(self):
        return f"ImportScene({self.world!r}, {self._wish!r})"

    def stage(self):
        return ImportStage(self.world)

    def wish(self):
        return self._wish

    def end(self, stage):
        return stage.databases()


class CancelScene(ImportScene):
    """An import or a copy runs, or not, and is to be cancelled."""

    module = "rds_cancel_import"
    # The import is not over by then.
    moment = 30.0
    # That it is being cancelled does not show until it is.
    goes_on_without_waiting = True

    def __init__(self, world, wish):
        super().__init__(world, {})
        self._wish = {"instance_id": TARGET, "wait_timeout": 1200, "poll_interval": 30, **wish}
        self.surprises = frozenset()
        if world["in_flight"] == COPY or self._wish["import_id"] != FIRST_IMPORT:
            # Whether it is this import that runs, or an import at all, shows when it is sent.
            self.surprises |= {"InvalidTaskId.NotFound", "OperationDenied.IncorrectTaskStatus"}

    def wish(self):
        return self._wish

    def end(self, stage):
        return stage.databases(), [one.state for one in stage.settled().operations]


CANCEL_WISHES = changed(
    {"import_id": FIRST_IMPORT},
    import_id=one_of("77", "x"),
    wait=st.just(False),
    preflight=st.just("warn"),
    instance_id=one_of(SOURCE, "rm-nowhere"),
)
IMPORTS = st.builds(ImportScene, WORLDS, WISHES)

CANCELLATIONS = st.builds(
    CancelScene,
    WORLDS.map(lambda world: {**world, "in_flight": world["in_flight"] or IMPORT, "seconds": 600, "outcomes": []}),
    CANCEL_WISHES,
)

test_imports, test_imports_in_many_worlds = truth(0.2, IMPORTS)
test_cancellations, test_cancellations_in_many_worlds = truth(0.1, CANCELLATIONS)
