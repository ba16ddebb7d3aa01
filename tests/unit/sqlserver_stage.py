# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage for backups: the stand-in for driver and server of the integration tests, in process."""

from __future__ import annotations

import importlib.util
import json
import pathlib

from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock

_FILE = "integration/targets/mssql_backup/files/driver/pymssql.py"
_SPEC = importlib.util.spec_from_file_location("pymssql", pathlib.Path(__file__).resolve().parents[1] / _FILE)
driver = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(driver)

PASSWORD = "correct horse battery staple"
OPTIONS = {"host": "sql01", "user": "migration", "password": PASSWORD, "folder": "D:\\migration"}
WRITES = ("BACKUP", "DBCC", "RESTORE", "EXEC master.dbo.xp_create_subdir")


class SqlServerStage:
    """A server, what it was told, and a clock that sleeps move."""

    def __init__(self, path, **changes):
        self.path = path
        databases = {name: {**driver.DATABASE, **d} for name, d in changes.pop("databases", {"sales": {}}).items()}
        folders = ["C:\\", "D:\\", "D:\\migration"]
        path.write_text(json.dumps(driver.new_server(**{"databases": databases, "folders": folders, **changes})))
        self.seconds = 0.0
        self.clock = Clock(monotonic=lambda: self.seconds, wall=lambda: self.seconds, sleep=self._sleep)

    def _sleep(self, seconds):
        self.seconds += seconds

    @property
    def server(self):
        return json.loads(self.path.read_text())

    def change(self, **changes):
        self.path.write_text(json.dumps({**self.server, **changes}))

    def change_database(self, name, **changes):
        databases = self.server["databases"]
        databases[name].update(changes)
        self.change(databases=databases)

    def later(self, **time):
        import datetime

        moment = datetime.datetime.fromisoformat(self.server["now"]) + datetime.timedelta(**time)
        self.change(now=moment.isoformat(timespec="seconds"))

    def writes(self):
        """Every statement that reached the server and was no reading."""
        return [s for s in self.server["statements"] if s.lstrip().startswith(WRITES)]

    def backups(self):
        return [s for s in self.writes() if s.startswith("BACKUP")]
