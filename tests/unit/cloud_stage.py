# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cloud migrations for tests: with real servers, or with tasks that stand in the world as somebody wrote them."""

from __future__ import annotations

import contextlib
import time

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.stage import Stage
from apsara_emulator import Variants

MODULE = "rds_cloud_migration"
TARGET = "pgm-bp1target0000001"
OWNER = "1000000000000001"
# Every form of it differs from the others: quoted, percent-encoded, escaped in JSON.
PASSWORD = "pa'ss \\w%rd+of\"the/source"
HOST = "127.0.0.1"
PRECHECK, CREATE, ACTIVATE = (
    "CreateCloudMigrationPrecheckTask",
    "CreateCloudMigrationTask",
    "ActivateMigrationTargetInstance",
)
GOOD_REPORT = ["[Check rds empty]", "Check rds databases: success", "*Migrate check success*"]
GLIBC = "assessment_source_glibc_version_compatible"


def source_option(port, **changes):
    given = {"host": HOST, "port": port, "account": "migrator", "password": PASSWORD, "category": "ecsOnVpc"}
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


class CloudStage(Stage):
    """A stage whose sleeps let real servers work for a moment."""

    # Real seconds of a sleep; the world's clock moves on by all that was asked for.
    BREATH = 0.04

    def __init__(self, variants=None):
        super().__init__(Variants(variants) if isinstance(variants, dict) else variants)
        self.clock = Clock(monotonic=self.time.now, wall=self.time.now, sleep=self._sleep)
        self.on_sleep = lambda: None

    def _sleep(self, seconds):
        self.on_sleep()
        time.sleep(self.BREATH)
        self.time.sleep(seconds)

    def wish(self, state, port=5432, **changes):
        # Real work takes no longer because a clock runs fast: nothing here stands still for a world's hour.
        patience = {"wait_timeout": 36000, "poll_interval": 5, "stall_timeout": 3600}
        return {"instance_id": TARGET, "source": source_option(port), "state": state, **patience, **changes}

    def add_assessment(self, ago=600.0, lines=None, **fields):
        self._add("assessments", ago, {"detail": GOOD_REPORT if lines is None else lines, **fields})

    def add_migration(self, stage="increment", state="streaming", ago=300.0, lines=(), **fields):
        self._add("cloud_migrations", ago, {"stage": stage, "replication_state": state, "detail": lines, **fields})

    def _add(self, kind, ago, fields):
        entries = self.world.to_document().get(kind, [])
        entry = {
            "id": 440_000_000 + len(entries) + (1000 if kind == "assessments" else 0),
            "name": "from the console",
            "account_id": OWNER,
            "instance": TARGET,
            "source_address": HOST,
            "source_port": 5432,
            "source_account": "migrator",
            "source_category": "ecsOnVpc",
            "created": {"ago": ago},
            "modified": {"ago": ago},
            **fields,
            "detail": list(fields["detail"]),
        }
        self.world.merge({kind: [*entries, entry]})

    def migrations(self):
        return self.world.to_document().get("cloud_migrations", [])


@contextlib.contextmanager
def real_source(**changes):
    """A running server with an account that may migrate; skips where there are no server programs."""
    psycopg = pytest.importorskip("psycopg", reason="psycopg is missing: these tests talk to PostgreSQL")
    assert psycopg
    from apsara_emulator.postgresql.binaries import MISSING, preferred_major
    from apsara_emulator.postgresql.source import read_source, start_source

    if preferred_major() is None:
        pytest.skip(MISSING)
    rows = "create table orders (id int primary key); insert into orders select generate_series(1, 2000)"
    document = {
        "accounts": [{"name": "migrator", "password": PASSWORD}],
        "databases": ["shop"],
        "statements": {"shop": rows},
        **changes,
    }
    server = start_source(read_source(document))
    try:
        yield server
    finally:
        server.remove()
