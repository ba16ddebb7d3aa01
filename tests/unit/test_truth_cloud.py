# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of cloud migrations come true, in any world. The work of the servers is played here, by the world's clock.

Real servers are in test_cloud_story.py; they are too slow for thousands of worlds.
"""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import (
    GOOD_REPORT,
    MODULE,
    TARGET,
    CloudStage,
    source_option,
)
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, TruthStage
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, document, one_of, truth, variants
from apsara_emulator.documents import Instant
from apsara_emulator.postgresql.work import Work
from apsara_emulator.rds import cloud_migration

BAD_REPORT = [
    "[Check rds empty]",
    "Check rds databases: error:rds databases is not empty:app",
    "*Migrate check failed!*",
]
COPIED = {"stage": "increment", "replication_state": "streaming"}


class PlayedStage(TruthStage):
    """What servers do for a task is done at once when its time has come."""

    def __init__(self, world):
        made = document(TARGET, "pgm-bp1source0000001")
        made["instances"][TARGET].update(world["target"])
        super().__init__(made, world["variants"])
        self._world_of = world
        self._due = []
        self.world.postgresql.require_binaries = lambda _instance: None
        self.clock = Clock(monotonic=self.time.now, wall=self.time.now, sleep=self._sleep)
        for kind, ago, fields in world["before"]:
            CloudStage._add(self, kind, ago, fields)

    def _sleep(self, seconds):
        self.time.sleep(seconds)
        for moment, finish in list(self._due):
            if moment <= self.time.now():
                self._due.remove((moment, finish))
                finish()

    @contextlib.contextmanager
    def replaced(self):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Work, "begin", lambda work, steps, _name: self._begin(work, steps))
            patch.setattr(cloud_migration, "require_psycopg", lambda: None)
            yield

    def _begin(self, work, steps):
        task, name = work._task(), steps.__name__
        finish = {"assess": self._assessed, "migrate": self._copied, "switch": self._switched}[name]
        self._due.append((self.time.now() + self._world_of["seconds"], lambda: finish(task)))

    def _assessed(self, task):
        good = self._world_of["assessment_passes"]
        self._tell(task, detail=GOOD_REPORT if good else BAD_REPORT, passed=good)

    def _copied(self, task):
        if self._world_of["copy_fails"]:
            self._tell(task, failed=True, replication_state="disconnect", detail=["--- error: base backup failed"])
        else:
            self._tell(task, **COPIED, replication_info={}, passed=True)

    def _switched(self, task):
        self._tell(task, stage="success", replication_state="finish", switch_time=Instant(self.time.now()))

    def _tell(self, task, **fields):
        """The world may have been written anew since."""
        state = self.world.state
        for one in (*state.assessments, *state.cloud_migrations):
            if one.id == task.id:
                for name, value in fields.items():
                    setattr(one, name, value)
                one.modified = Instant(self.time.now())


AGES = one_of(10.0, 600.0, 90000.0)
BEFORE = st.lists(
    st.one_of(
        st.tuples(
            st.just("assessments"),
            AGES,
            one_of({"detail": GOOD_REPORT, "passed": True}, {"detail": BAD_REPORT, "passed": False}, {"detail": []}),
        ),
        st.tuples(
            st.just("cloud_migrations"),
            AGES,
            one_of(
                {"detail": [], **COPIED},
                {"detail": [], "stage": "basebackup"},
                {"detail": [], "stage": "success", "replication_state": "finish"},
                {"detail": ["--- error: it failed"], "stage": "basebackup", "failed": True},
                {"detail": [], **COPIED, "source_port": 5433},
            ),
        ),
    ),
    min_size=1,
    max_size=2,
)
WORLDS = changed(
    {"variants": {}, "target": {}, "before": [], "seconds": 90, "assessment_passes": True, "copy_fails": False},
    most=3,
    variants=variants(),
    target=changed(
        {},
        status=one_of("Restarting", "Creating"),
        databases=st.just({"app": {"size": 1}}),
        storage_type=st.just("local_ssd"),
        type=st.just("Readonly"),
        engine=st.just("MySQL"),
        lock_mode=st.just("ManualLock"),
    ),
    before=BEFORE,
    seconds=one_of(1, 30, 600),
    assessment_passes=st.just(False),
    copy_fails=st.just(True),
)
ACCEPTED = ["lag", "assessment", "instance_running", "storage", "migration_state", "source_category"]
WISHES = changed(
    {"state": "replicating", "accept": ACCEPTED, "confirm": TARGET},
    most=3,
    state=one_of("assessed", "switched", "switched"),
    accept=st.just([]),
    confirm=one_of(None, "rm-another"),
    wait=st.just(False),
    preflight=st.just("warn"),
    assessment_max_age=one_of(10.0**4, 10.0**6),
    source=one_of(
        source_option(5432, category="idcOnVpc"), source_option(5432, account=None), source_option(5432, category="x")
    ),
)


# The codes of the variant `migration_refused`.
REFUSALS = ("IncorrectDBInstanceState", "OperationDenied.DBInstanceStatus")


def _is_in_flight(kind, fields):
    return kind == "cloud_migrations" and not fields.get("failed") and fields.get("stage") != "success"


class CloudScene(Scene):
    module = MODULE
    fatal_warnings = frozenset({"source_category"})
    beside_the_plan = frozenset({"SourcePassword"})

    def __init__(self, world, wish):
        self.world, self.drawn = world, wish
        if not world["assessment_passes"]:
            self.surprises |= {"assessment_failed"}
        if world["copy_fails"]:
            self.surprises |= {"migration_failed"}
        if any(not fields["detail"] for _kind, _ago, fields in world["before"]):
            # Nobody goes on with what the world began with.
            self.surprises |= {"wait_timeout", "assessment_stands_still", "migration_stands_still", "not_streaming"}
            if wish.get("source", {}).get("category") == "x":
                # Behind an assessment that stands still the next run meets what the check warned of.
                self.surprises |= {"InvalidSourceCategory.ValueNotSupported"}
        if wish["state"] == "switched" and "lag" not in wish["accept"] and wish.get("preflight") != "warn":
            # The servers that are played here tell no lag, which shows when the target streams.
            self.surprises |= {"lag_too_large"}
        if sum(_is_in_flight(kind, fields) for kind, _ago, fields in world["before"]) > 1 and wish.get("preflight"):
            # Whoever passes over the warning about that may switch the other one, and find it being switched.
            self.surprises |= {"switch_stands_still", "not_seen_yet", *REFUSALS}

    def __repr__(self):
        return f"CloudScene({self.world!r}, {self.drawn!r})"

    def stage(self):
        return PlayedStage(self.world)

    def wish(self):
        wish = CloudStage.wish(None, **{"poll_interval": 120, "wait_timeout": 7200, **self.drawn})
        return {name: value for name, value in wish.items() if value is not None}

    def once(self, call):
        return (call.action,)

    def end(self, stage):
        stage.clock.sleep(3600)
        state = stage.settled()
        return [(m.stage, m.failed) for m in state.cloud_migrations], state.instances[TARGET].status


MIGRATIONS = st.builds(CloudScene, WORLDS, WISHES)

test_cloud_migrations, test_cloud_migrations_in_many_worlds = truth(0.1, MIGRATIONS)
