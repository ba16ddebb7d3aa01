# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The core, called in process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from apsara_emulator import ApiError, ManualClock, Variants, World
from apsara_emulator.default_world import ACCOUNT_ONE

SOURCE, TARGET, SMALL = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001", "rm-bp1sqlsmall000001"
GIB = 1024**3


class Bench:
    """A world with a clock by hand, and short ways to call it as its first account."""

    def __init__(self, change: Any = None, **variants: str) -> None:
        self.clock = ManualClock()
        self.world = World.default(self.clock, variants=Variants(variants))
        if change:
            self.world.merge(change)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        return self.world.call(ACCOUNT_ONE, action, parameters)

    def refused(self, action: str, **parameters: Any) -> str:
        """The refusal as CODE STATUS."""
        with pytest.raises(ApiError) as caught:
            self.call(action, **parameters)
        assert caught.value.request_id
        assert caught.value.message
        return f"{caught.value.code} {caught.value.http_status}"

    def import_parameters(self, names: Any = None, **changes: Any) -> dict[str, Any]:
        info = json.dumps({"DBNames": {"hr": "hr", "crm": "crm2"} if names is None else names})
        return {"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": info, **changes}

    def start_import(self, names: Any = None, **changes: Any) -> dict[str, Any]:
        return self.call("ImportDatabaseBetweenInstances", **self.import_parameters(names, **changes))

    def newest_backup(self) -> str:
        return max(self.world.state.instances[SOURCE].backups, key=lambda one: one.end).id

    def copy_parameters(self, names: Any = None, **changes: Any) -> dict[str, Any]:
        parameters = {
            "DBInstanceId": SOURCE,
            "TargetDBInstanceId": TARGET,
            "DbNames": json.dumps({"hr": "hr", "crm": "crm2"} if names is None else names),
            "BackupId": self.newest_backup(),
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def start_copy(self, names: Any = None, **changes: Any) -> dict[str, Any]:
        return self.call("CopyDatabaseBetweenInstances", **self.copy_parameters(names, **changes))

    def start(self, kind: str) -> dict[str, Any]:
        return self.start_import() if kind == "import" else self.start_copy()

    def refused_start(self, kind: str) -> str:
        if kind == "import":
            return self.refused("ImportDatabaseBetweenInstances", **self.import_parameters())
        return self.refused("CopyDatabaseBetweenInstances", **self.copy_parameters())

    def status(self, instance: str) -> str:
        answer = self.call("DescribeDBInstanceAttribute", DBInstanceId=instance)
        return str(answer["Items"]["DBInstanceAttribute"][0]["DBInstanceStatus"])

    def databases(self, instance: str = TARGET) -> dict[str, str]:
        """Name to status, as listed."""
        rows = self.call("DescribeDatabases", DBInstanceId=instance, PageSize=100)["Databases"]["Database"]
        return {row["DBName"]: row["DBStatus"] for row in rows}
