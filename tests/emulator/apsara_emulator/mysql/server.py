# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One real MariaDB server on this computer. It needs nothing of the emulator but a folder and a user to run as."""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ..postgresql.home import free_port, home
from ..servers.errors import ServerError
from ..servers.server import BaseServer, removed_on_failure
from ..servers.templates import copy_template
from . import binaries, sql
from .binaries import Binaries

HOST = "127.0.0.1"
ADMIN = "root"
_START_LIMIT = 60.0
# Settings that a data directory is made with, and that every start has to repeat.
_STORAGE = {
    "aria-log-file-size": "8M",
    "innodb-autoextend-increment": "1",
    "innodb-buffer-pool-size": "32M",
    "innodb-data-file-path": "ibdata1:4M:autoextend",
    "innodb-flush-log-at-trx-commit": "0",  # what is in it lives as long as what started it
    "innodb-flush-method": "nosync",
    "innodb-log-file-size": "16M",
}
_SETTINGS = {
    "bind-address": HOST,
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    "default-time-zone": "+08:00",  # as instances of the service have it
    "gtid-strict-mode": "1",
    "log-bin": "binlog",
    "log-slave-updates": "1",
    "log-warnings": "1",
    "max-allowed-packet": "64M",
    "max-connections": "200",
    "performance-schema": "0",
    "skip-name-resolve": "1",
    # Rows that BINLOG statements bring win over those that are there, as with DTS.
    "slave-exec-mode": "IDEMPOTENT",
    "skip-slave-start": "1",
    "sync-binlog": "0",
}
_FIRST_STATEMENTS = (
    "set sql_log_bin = 0;\n"
    "delete from mysql.global_priv where User <> 'mariadb.sys';\n"
    "flush privileges;\n"
    "create user {user}@'%' identified by '{password}';\n"
    "grant all privileges on *.* to {user}@'%' with grant option;\n"
)


class Server(BaseServer):
    """A data directory and its process. Every method that has to wait does so; ServerError if something fails.

    `host`, `port`, `admin_user` and `admin_password` are how to get in; the port stays the same over restarts.
    `settings` are those of mariadbd, by the names of its options (`binlog-format`); None leaves an option out, which
    for `log-bin` means that no binary log is written.
    """

    host = HOST
    admin_user = ADMIN

    def __init__(
        self,
        programs: Binaries,
        name: str,
        settings: Mapping[str, str | None] | None = None,
        port: int = 0,
        admin_password: str = "",
    ) -> None:
        self._home = home()
        self.binaries = programs
        self.folder = self._home.new_folder(name)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = port or free_port()
        self.admin_password = admin_password or secrets.token_hex(12)
        self.settings = dict(settings or {})

    @property
    def version(self) -> str:
        """MariaDB's version, such as 10.11.18."""
        return self.binaries.version

    def described(self) -> dict[str, object]:
        """`host` `port` `version` `running` `process` `log`."""
        return {
            "host": self.host,
            "port": self.port,
            "version": self.version,
            "running": self.is_running,
            "process": self.process,
            "log": str(self.log),
        }

    def initialise(self) -> None:
        """A new data directory with the administrator as its only account, who may come from anywhere."""
        make = functools.partial(_make_template, self.binaries)
        copy_template(self._home, f"mariadb-{self.binaries.version}", make, self.data)
        statements = self.folder / "first.sql"
        password = self.admin_password.replace("\\", "\\\\").replace("'", "''")
        text = _FIRST_STATEMENTS.format(user=self.admin_user, password=password)
        statements.write_text(text, encoding="utf-8")
        statements.chmod(0o600)
        self._home.give(statements)
        self.start(first=statements)
        statements.unlink()

    def start(self, limit: float = _START_LIMIT, first: Path | None = None) -> None:
        """Start, and wait until it takes connections. A running server is left alone. `first`: statements before."""
        if self.is_running:
            return
        command = [self.binaries.program("mariadbd"), "--no-defaults", *self._options()]
        command += [f"--init-file={first}"] if first else []
        self._process = self._home.spawn(command, self.log)
        deadline = time.monotonic() + limit
        while True:
            try:
                self.sql("select 1")
                return
            except ServerError as error:
                if not self.is_running:
                    raise ServerError(f"the server {self.folder.name} did not start: {self.last_words()}") from error
                if time.monotonic() > deadline:
                    raise ServerError(f"the server {self.folder.name} takes no connections: {error}") from error
            time.sleep(0.03)

    def admin(self, database: str = "", **parameters: Any) -> AbstractContextManager[sql.Session]:
        """A session as the administrator. SqlError if the server does not take it."""
        login = {"host": self.host, "port": self.port, "user": self.admin_user, "password": self.admin_password}
        return sql.session(**{**login, "database": database or None, **parameters})

    def sql(self, statement: str, *values: object, database: str = "") -> list[sql.Row]:
        """The rows of one statement as the administrator, by column name. SqlError if it is refused."""
        with self.admin(database) as admin:
            return admin.rows(statement, *values)

    def script(self, statements: str, database: str = "") -> None:
        """Several statements as the administrator, separated by semicolons. SqlError with the first that is refused."""
        with self.admin(database) as admin:
            admin.script(statements)

    def login_file(self) -> Path:
        """A file for `--defaults-file` of client programs, so that the password is on no command line."""
        path = self.folder / "client.cnf"
        if not path.exists():
            password = self.admin_password.replace("\\", "\\\\").replace('"', '\\"')
            lines = ["[client]", "protocol=tcp", f"host={self.host}", f"port={self.port}", f"user={self.admin_user}"]
            new = self.folder / f"client.{threading.get_ident()}"
            new.touch(mode=0o600)
            new.write_text("\n".join([*lines, f'password="{password}"', ""]), encoding="utf-8")
            self._home.give(new)
            new.rename(path)
        return path

    def stop(self, how: signal.Signals = signal.SIGTERM, limit: float = 20.0) -> None:
        """Stop in an orderly way, or at once with SIGKILL."""
        if self._process is None:
            return
        self.signal_all(how)
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(limit)
        self._home.forget(self._process)
        self._process = None

    def remove(self) -> None:
        """Stop and forget everything."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to the process, of which there is one; SIGSTOP and SIGCONT stand for a network that hangs."""
        if self.is_running and self._process:
            os.kill(self._process.pid, number)

    def last_words(self) -> str:
        """The last error in the log, else its last line."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "no log"
        errors = [line for line in lines if "[ERROR]" in line and "Aborting" not in line]
        return (errors or lines or ["nothing was logged"])[-1].split("] ", 1)[-1].strip()

    def _options(self) -> list[str]:
        own = {
            "datadir": str(self.data),
            "pid-file": str(self.folder / "pid"),
            "port": str(self.port),
            "server-id": str(self.port),
            "socket": str(self.folder / "socket"),
            "tmpdir": str(self.folder),
        }
        given = {key.replace("_", "-"): value for key, value in self.settings.items()}
        options = {**_STORAGE, **_SETTINGS, **given, **own}
        return [f"--{key}={value}" for key, value in options.items() if value is not None]


@contextmanager
def running(
    name: str = "mysql",
    settings: Mapping[str, str | None] | None = None,
    *,
    port: int = 0,
    admin_password: str = "",
    statements: str = "",
) -> Iterator[Server]:
    """A new server until the end of the block; `statements` are run first. ServerError if there is no MariaDB here."""
    server = start_new(name, settings, port=port, admin_password=admin_password)
    try:
        if statements:
            server.script(statements)
        yield server
    finally:
        server.remove()


def start_new(
    name: str, settings: Mapping[str, str | None] | None = None, *, port: int = 0, admin_password: str = ""
) -> Server:
    """A new server that runs. ServerError if that cannot be done here; then nothing is left of it."""
    programs = binaries.found()
    if programs is None or binaries.missing():
        raise ServerError(binaries.missing())
    server = Server(programs, name, settings, port, admin_password)
    with removed_on_failure(server):
        server.initialise()
    return server


def _make_template(programs: Binaries, template: Path) -> None:
    command = [programs.program("mariadb-install-db"), "--no-defaults", f"--datadir={template / 'data'}"]
    # Other servers that start have their temporary tables in the machine's own folder.
    command += [f"--tmpdir={template}"]
    command += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
    answer = home().run([*command, *(f"--{key}={value}" for key, value in _STORAGE.items())])
    if answer.returncode:
        raise ServerError(f"mariadb-install-db: {' '.join(answer.stderr.split())[-300:]}")
