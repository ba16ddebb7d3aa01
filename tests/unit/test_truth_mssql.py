# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of backups come true, on any server. The server is the stand-in that the other tests of it use."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from types import MappingProxyType, SimpleNamespace

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import sqlserver_backup
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.sqlserver_stage import OPTIONS, WRITES, SqlServerStage, driver
from ansible_collections.apsaradb.migration.tests.unit.truth_session import BEFORE, Cut, Killed
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, Sent
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, one_of, truth

FOLDER = "D:\\migration"


class InMemory:
    """As much of a path as a server is kept in."""

    def write_text(self, text):
        self.text = text

    def read_text(self):
        return self.text


class BackupTruthStage(SqlServerStage):
    """A server whose connection can end the run at any statement that writes. It is kept in memory."""

    def __init__(self, world):
        super().__init__(InMemory(), **json.loads(json.dumps(world)))
        self._server = json.loads(self.path.read_text())
        self._known = {}
        # Runs of this stage; sleeps are of the world's clock.
        self.session, self.time = self, SimpleNamespace(sleep=lambda seconds: self.later(seconds=seconds))
        self.begin(Cut())

    def _read(self, execute, cursor, statement):
        """The same question gets the same answer until something is written, unless it asks for the time."""
        if statement in self._known:
            cursor._rows, cursor.description = self._known[statement]
            self._server["statements"].append(statement)
            self.later(seconds=self._server["second_per_statement"])
            return
        execute(cursor, statement)
        if "GETDATE" not in statement:
            self._known[statement] = cursor._rows, cursor.description

    @property
    def server(self):
        return self._server

    def change(self, **changes):
        self._server.update(changes)

    def begin(self, cut):
        self._cut, self._seen, self._dead = cut, 0, False

    @contextlib.contextmanager
    def replaced(self):
        execute = driver.Cursor.execute
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "pymssql", driver)
            patch.setattr(driver, "_opened", lambda: contextlib.nullcontext(self.server))
            patch.setattr(sqlserver_backup, "Clock", lambda: self.clock)
            patch.setattr(driver.Cursor, "execute", lambda cursor, statement: self._passed(execute, cursor, statement))
            yield

    def _passed(self, execute, cursor, statement):
        if self._dead:
            raise Killed
        if not statement.lstrip().startswith(WRITES):
            return self._read(execute, cursor, statement)
        self._known.clear()
        number, self._seen = self._seen, self._seen + 1
        if number != self._cut.number:
            return execute(cursor, statement)
        self._dead = True
        if self._cut.how != BEFORE:
            execute(cursor, statement)
        raise Killed


DATABASES = st.dictionaries(
    one_of("sales", "crm", "hr", "a]b", "日本"),
    changed(
        {},
        state=one_of("OFFLINE", "RESTORING"),
        recovery=one_of("SIMPLE", "BULK_LOGGED"),
        read_only=st.just(True),
        encrypted=st.just(True),
        snapshot=st.just(True),
        secondary=st.just(True),
        may_back_up=st.just(0),
        last_check=st.none(),
        chain=st.just(False),
        pages=st.just(90_000_000),
        damaged=st.just(True),
    ),
    min_size=1,
    max_size=3,
)
SERVERS = changed(
    {"databases": {"sales": {}, "crm": {}}, "folders": ["C:\\", "D:\\", FOLDER]},
    databases=DATABASES,
    folders=st.just(["C:\\", "D:\\"]),
    sysadmin=st.just(False),
    view_state=st.just(False),
    view_history=st.just(False),
    version=one_of("10.50.6000.34", "16.0.4003.1"),
    edition=st.just("Express Edition (64-bit)"),
    compression_default=st.just(1),
    drives=st.just({"D:\\": 2**20}),
)
WISHES = changed(
    {"databases": ["sales", "crm"]},
    most=4,
    databases=one_of(["*"], ["hr"], ["nowhere"], ["sales"]),
    exclude=one_of(["crm"], ["*"]),
    type=one_of("differential", "log"),
    copy_only=st.booleans(),
    checksum=st.just(False),
    compression=st.booleans(),
    max_age=one_of(7200.0, 100000.0),
    check_database=st.just(True),
    on_error=st.just("stop"),
    preflight=st.just("warn"),
)


class BackupScene(Scene):
    module = "mssql_backup"
    credentials = MappingProxyType({})

    def __init__(self, world, wish):
        self.world = world
        self._wish = {**OPTIONS, **wish}
        # A log is backed up anew each time, unless an age is given.
        self.begins_anew = wish.get("type") == "log" and "max_age" not in wish
        if world.get("sysadmin") is False and FOLDER not in world["folders"]:
            # Who may make folders is not told.
            self.surprises |= {"229"}
        if any(database.get("damaged") for database in world["databases"].values()):
            # A damaged page shows when it is read.
            self.surprises |= {"3043"}

    def __repr__(self):
        return f"BackupScene({self.world!r}, {self._wish!r})"

    def stage(self):
        return BackupTruthStage(self.world)

    def wish(self):
        return self._wish

    def sent(self, stage, since):
        return [Sent(s.split()[0], {"statement": s}, True) for s in stage.writes()[since:]]

    def timeless(self, shown):
        return re.sub(r"\d{8,14}", "TIME", json.dumps(shown))

    def actions_of(self, step):
        return (step["parameters"]["statement"].split()[0],)

    def parameters_of(self, step):
        return {"statement": step["parameters"]["statement"]}

    def is_sent_as(self, name, planned, sent):
        return self.timeless(planned) == self.timeless(sent)

    def once(self, call):
        counts = call.action == "BACKUP" and not self.begins_anew
        return (self.timeless(call.parameters["statement"]),) if counts else None

    def end(self, stage):
        return sorted({self.timeless(path) for path in stage.server["files"]})


BACKUPS = st.builds(BackupScene, SERVERS, WISHES)

test_backups, test_backups_on_many_servers = truth(0.03, BACKUPS)
