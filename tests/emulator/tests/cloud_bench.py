# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Short ways to migrate a real server in a world called in process."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from apsara_emulator import ApiError, Variants, World
from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.postgresql.home import FOLDER_VARIABLE
from apsara_emulator.postgresql.source import READY_SETTINGS, SourceServer, read_source, start_source

# Dozens of clusters are made; in memory that takes half the time.
if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 4 * 1024**3:
    os.environ.setdefault(FOLDER_VARIABLE, "/dev/shm")

TARGET = "pgm-bp1target0000001"
PASSWORD = "pa'ss \\word-of-the-source"
PAGE = {"PageNumber": 1, "PageSize": 30}
ROWS = 2000


@contextmanager
def source_server(**changes: Any) -> Iterator[SourceServer]:
    """A source with an account that may migrate and a table of ROWS rows, until the block ends."""
    document = {
        "accounts": [{"name": "migrator", "password": PASSWORD}],
        "databases": ["shop"],
        "statements": {
            "shop": f"create table orders (id int primary key, note text);"
            f"insert into orders select i, 'order ' || i from generate_series(1, {ROWS}) i"
        },
        **changes,
    }
    server = start_source(read_source(document))
    try:
        yield server
    finally:
        server.remove()


def until(condition: Callable[[], Any], limit: float = 15.0) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    pytest.fail(f"nothing came of it within {limit} seconds")


def position(lsn: str) -> int:
    """A position in the WAL as a number of bytes."""
    high, _slash, low = lsn.partition("/")
    return int(high, 16) << 32 | int(low, 16)


class CloudBench:
    """A default world, changed, and calls of its first account about the empty PostgreSQL instance."""

    def __init__(self, source: SourceServer, change: Any = None, **variants: str) -> None:
        self.world = World.default(variants=Variants(variants))
        if change:
            self.world.merge(change)
        self.source = source

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call(ACCOUNT_ONE, action, parameters)

    def refused(self, action: str, **parameters: Any) -> str:
        """The refusal as CODE STATUS."""
        with pytest.raises(ApiError) as caught:
            self.call(action, **parameters)
        return f"{caught.value.code} {caught.value.http_status}"

    def parameters(self, **changes: Any) -> dict[str, Any]:
        return {
            "DBInstanceName": TARGET,
            "SourceIpAddress": "127.0.0.1",
            "SourcePort": self.source.port,
            "SourceAccount": "migrator",
            "SourcePassword": PASSWORD,
            "SourceCategory": "idcOnVpc",
            **changes,
        }

    def assess(self, **changes: Any) -> list[str]:
        """The lines of a complete report."""
        task = self.call("CreateCloudMigrationPrecheckTask", **self.parameters(**changes))["TaskId"]
        until(lambda: next(one for one in self.world.state.assessments if one.id == task).passed is not None)
        return list(next(one for one in self.world.state.assessments if one.id == task).detail)

    def problems(self, **changes: Any) -> dict[str, str]:
        """What a report has beside successes: name of the check to the rest of the line."""
        lines = self.assess(**changes)
        checks = [line.removeprefix("Check ").partition(": ") for line in lines if line.startswith("Check ")]
        found = {name: rest for name, _colon, rest in checks if rest != "success"}
        has_errors = any(rest.startswith("error") for rest in found.values())
        assert ("*Migrate check success*" in lines) is not has_errors
        return found

    def migrate(self, **changes: Any) -> int:
        """The id of an accepted migration."""
        return int(self.call("CreateCloudMigrationTask", **self.parameters(**changes))["TaskId"])

    def stream(self) -> int:
        """The id of a migration that streams."""
        task = self.migrate()
        self.wait_for("increment", "streaming")
        return task

    def row(self, **filters: Any) -> dict[str, Any]:
        """The newest migration."""
        items = self.call("DescribeCloudMigrationResult", DBInstanceName=TARGET, **PAGE, **filters)["Items"]
        return dict(items[0]) if items else {}

    def shown(self) -> tuple[str, str]:
        row = self.row()
        return row["MigrateStage"], row["ReplicationState"]

    def wait_for(self, stage: str, state: str) -> None:
        until(lambda: self.shown() == (stage, state))

    def info(self) -> dict[str, str]:
        info: dict[str, str] = json.loads(self.row()["ReplicationInfo"])
        return info

    def activate(self) -> dict[str, Any]:
        return self.call("ActivateMigrationTargetInstance", DBInstanceName=TARGET, ForceSwitch="1", SwitchTimeMode="0")

    def refused_switch(self) -> str:
        return self.refused("ActivateMigrationTargetInstance", DBInstanceName=TARGET)

    def address(self) -> tuple[str, int]:
        """Where the target really is."""
        infos = self.call("DescribeDBInstanceNetInfo", DBInstanceId=TARGET)["DBInstanceNetInfos"]
        info = infos["DBInstanceNetInfo"][0]
        return info["ConnectionString"], int(info["Port"])

    def end(self) -> None:
        self.world.reset()


SMALL_SETTINGS = {**READY_SETTINGS, "max_wal_size": "32MB", "min_wal_size": "32MB", "wal_keep_size": "64MB"}
