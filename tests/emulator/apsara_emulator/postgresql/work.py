# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work behind a task: checks, copy, standby, promotion. It takes the time that it takes.

Each piece of work runs in a thread of its own and holds the world's lock only while it writes down what has become of
it. The world's speed does not hasten it; time stamps are those of the world's clock.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..calls import MASK
from ..documents import Instant
from ..servers.errors import ServerError
from . import sql
from .assessment import Rules, Target, assess
from .connectivity import Source
from .home import home
from .model import CloudMigration, CloudTask
from .observation import observe
from .report import CLOSING, FAILED_CLOSING
from .server import Server
from .stalls import is_held_up

if TYPE_CHECKING:
    from ..model import Instance
    from ..world import World

_TICK = 0.05
# The samples' texts of the stages carry the local time of China.
_CHINA = dt.timezone(dt.timedelta(hours=8))


class _GoneError(Exception):
    """The world was reset, or its document no longer has the task."""


class Work:
    """The work for one task."""

    def __init__(self, world: World, task: CloudTask, source: Source) -> None:
        # A world that nobody holds any more takes its work along.
        self._world_reference = weakref.ref(world)
        self._id = task.id
        self._kind = type(task)
        self._instance = task.instance
        self._source = source
        self._generation = world.postgresql.generation

    @property
    def _world(self) -> World:
        world = self._world_reference()
        if world is None:
            raise _GoneError
        return world

    def begin(self, steps: Callable[[], None], name: str) -> None:
        """Run steps in the background."""
        threading.Thread(target=self._guarded, args=(steps,), name=f"{name} {self._id}", daemon=True).start()

    def assess(self) -> None:
        """The steps of an assessment."""
        self._hold("assessment")
        self._check()

    def migrate(self) -> None:
        """The steps of a migration until it streams."""
        self._hold("precheck")
        if not self._check():
            self._change(failed=True)
            return
        self._enter("basebackup", "Copy data", "Copy data from source to RDS by base backup")
        self._hold("basebackup")
        standby = self._copied()
        self._enter("startup", "Start RDS instance", "Start RDS instance as slave for data replication")
        self._hold("startup")
        self._put_in_place(standby)
        while not observe(standby).connected:
            self._still_there()
            time.sleep(_TICK)
        self._enter("increment", "Synchronize data", "Synchronize data from source to RDS by streaming replication")

    def switch(self) -> None:
        """The steps of a switch-over, from the accepted call on. A migration of a world document has no server."""
        self._hold("switch")
        server = self._world.postgresql.server(self._instance)
        if server is not None:
            _resume(server)
            server.promote()
        with self._world.lock:
            now = Instant(self._world.clock.now())
            self._add_lines("[Switch to RDS]", f"{self._stamp()} --- RDS instance is promoted to master")
            self._change(stage="success", replication_state="finish", switch_time=now)

    def _guarded(self, steps: Callable[[], None]) -> None:
        try:
            try:
                steps()
            except ServerError as error:
                text = str(error).replace(self._source.password, MASK) if self._source.password else str(error)
                self._give_up(text)
        except _GoneError:
            return

    def _give_up(self, text: str) -> None:
        with self._world.lock:
            self._add_lines(f"{self._stamp()} --- error: {text}")
            task = self._task()
            task.passed = bool(task.passed)
            if isinstance(task, CloudMigration):
                task.failed = True

    def _check(self) -> bool:
        """Carry out the checks and write the report. Whether nothing stands in the way."""
        instance = self._target()
        with self._world.lock:
            variants = self._world.variants
            rules = Rules(variants["glibc_check"], int(variants["wal_keep_needed"]), variants["wal_keep_verdict"])
            form, growing = variants["report_error_form"], variants["report_progress"] == "growing"
            extra = list(self._world.state.extra_report_lines)
        server = self._world.postgresql.ensure(instance, self._generation)
        target = Target(server, instance.free, instance.extensions)
        lines: list[str] = []
        passed = True
        for section in assess(self._source, target, rules):
            lines += section.lines(form)
            passed = passed and not section.has_errors
            if growing:
                self._change(detail=list(lines))
        lines += extra
        passed = passed and not any(": error" in line for line in extra)
        if passed and self._kind is not CloudMigration:
            lines.append(CLOSING)
        elif not passed and variants["report_failed_closing"] == "present":
            lines.append(FAILED_CLOSING)
        self._change(detail=lines, passed=passed)
        return passed

    def _copied(self) -> Server:
        """A new cluster with a copy of the source, not started. ServerError with pg_basebackup's last words."""
        fleet, source = self._world.postgresql, self._source
        with sql.session(**source.login, dbname="postgres") as session:
            # The first role of a cluster is its superuser; it comes along with everything else.
            superuser = str(session.value("select rolname from pg_roles where oid = 10"))
        instance = self._target()
        old = fleet.ensure(instance, self._generation)
        server = fleet.new_server(instance, port=old.port, superuser=superuser)
        try:
            program = server.spawn_copy(source.address, source.port, source.account, source.password)
            code = fleet.run_program(program, self._generation)
            home().forget(program)
            if code:
                raise ServerError(f"base backup failed: {server.last_words('error', 'ERROR', 'FATAL')}")
            self._still_there()
        except BaseException:
            server.remove()
            raise
        server.clean_copied_settings()
        return server

    def _put_in_place(self, standby: Server) -> None:
        """Start the standby in place of what the instance was before."""
        fleet, source = self._world.postgresql, self._source
        words = {**source.login, "application_name": "rds_db_instance"}
        standby.become_standby(" ".join(f"{key}={_in_conninfo(str(value))}" for key, value in words.items()))
        old = fleet.server(self._instance)
        if old is not None:
            old.stop()
        try:
            standby.start()
            fleet.replace(self._instance, standby, self._generation)
        except BaseException:
            standby.remove()
            if old is not None and fleet.server(self._instance) is old:
                old.start()
            raise

    def _enter(self, stage: str, title: str, text: str) -> None:
        with self._world.lock:
            self._add_lines(f"[{title}]", f"{self._stamp()} --- {text}")
            self._change(stage=stage)

    def _add_lines(self, *lines: str) -> None:
        with self._world.lock:
            self._change(detail=[*self._task().detail, *lines])

    def _change(self, **values: object) -> None:
        with self._world.lock:
            task = self._task()
            for name, value in values.items():
                setattr(task, name, value)
            task.modified = Instant(self._world.clock.now())

    def _hold(self, stage: str) -> None:
        """Wait while the world has it that this stage stands still."""
        while True:
            with self._world.lock:
                if not is_held_up(self._world, stage, self._instance, self._task().modified):
                    return
            time.sleep(_TICK)

    def _target(self) -> Instance:
        """The target's entry in the world as it is now."""
        with self._world.lock:
            self._task()
            instance = self._world.state.instances.get(self._instance)
        if instance is None:
            raise _GoneError
        return instance

    def _still_there(self) -> None:
        with self._world.lock:
            self._task()

    def _task(self) -> CloudTask:
        """The entry of this task in the world as it is now. To be called with the world's lock held."""
        if self._generation == self._world.postgresql.generation:
            state = self._world.state
            entries: list[CloudTask] = [*state.cloud_migrations, *state.assessments]
            for task in entries:
                if task.id == self._id:
                    return task
        raise _GoneError

    def _stamp(self) -> str:
        return dt.datetime.fromtimestamp(self._world.clock.now(), _CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _resume(server: Server) -> None:
    """A standby that replays nothing cannot be promoted."""
    with server.admin() as admin:
        if admin.value("select pg_is_in_recovery() and pg_is_wal_replay_paused()"):
            admin.run("select pg_wal_replay_resume()")


def _in_conninfo(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
