# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One real PostgreSQL server on this computer."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from ..servers.errors import ServerError
from ..servers.server import BaseServer
from ..servers.templates import copy_template
from . import sql
from .binaries import Binaries
from .home import free_port, home

HOST = "127.0.0.1"
SUPERUSER = "postgres"
_START_LIMIT = 60.0
_BASE_SETTINGS = {
    "fsync": "off",  # what is in it lives as long as the emulator
    "listen_addresses": HOST,
    "logging_collector": "off",
    "max_connections": "100",
    "shared_buffers": "16MB",
    "password_encryption": "scram-sha-256",
    # A stream that was cut is taken up again at once instead of after seconds.
    "wal_retrieve_retry_interval": "200ms",
    "wal_receiver_status_interval": "1s",
    "wal_receiver_timeout": "10s",
    "wal_sender_timeout": "10s",
}
DEFAULT_HBA = ("host all all 127.0.0.1/32 scram-sha-256", "host replication all 127.0.0.1/32 scram-sha-256")


class Server(BaseServer):
    """A cluster and its process. Every method that has to wait does so; ServerError if something fails.

    `port` stays the same over restarts. `superuser` is who `admin` connects as, through a socket that only the user of
    the servers (and root) can reach.
    """

    def __init__(
        self,
        binaries: Binaries,
        name: str,
        settings: Mapping[str, str] | None = None,
        hba: Sequence[str] = DEFAULT_HBA,
        port: int = 0,
        superuser: str = SUPERUSER,
    ) -> None:
        self._home = home()
        self.binaries = self._home.reachable(binaries)
        self.folder = self._home.new_folder(name)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = port or free_port()
        self.superuser = superuser
        self.settings = dict(settings or {})
        self.hba = list(hba)
        self._first_password = ""

    @property
    def major(self) -> int:
        """Major version."""
        return self.binaries.major

    @property
    def is_standby(self) -> bool:
        """Whether it follows, or did until it was stopped, another server."""
        return "primary_conninfo" in self.settings

    def described(self) -> dict[str, object]:
        """`host` `port` `major` `running` `process` `log`."""
        return {
            "host": HOST,
            "port": self.port,
            "major": self.major,
            "running": self.is_running,
            "process": self.process,
            "log": str(self.log),
        }

    def initialise(self, password: str = "") -> None:
        """Make a new, empty cluster whose superuser has `password`, once it runs, for connections over TCP.

        All that a process makes have the same system identifier, as servers from one image have.
        """
        copy_template(self._home, f"postgresql-{self.major}-{self.superuser}", self._make_template, self.data)
        self._first_password = password

    def _make_template(self, template: Path) -> None:
        command = [self.binaries.program("initdb"), "-D", str(template / "data"), "-U", self.superuser, "--no-sync"]
        command += ["-E", "UTF8", "--no-locale", "--auth-local=trust", "--auth-host=scram-sha-256"]
        answer = self._home.run(command)
        if answer.returncode:
            raise ServerError(f"initdb: {sql.one_line(answer.stderr)}")

    def start(self, limit: float = _START_LIMIT) -> None:
        """Start, and wait until it takes connections. A running server is left alone."""
        if self.is_running:
            return
        self.configure()
        command = [self.binaries.program("postgres"), "-D", str(self.data), "-c", f"config_file={self._file('conf')}"]
        self._process = self._home.spawn(command, self.log)
        deadline = time.monotonic() + limit
        while not self.answers():
            if not self.is_running:
                raise ServerError(f"the server {self.folder.name} did not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise ServerError(f"the server {self.folder.name} takes no connections: {self.last_words()}")
            time.sleep(0.02)
        if self._first_password:
            # Whatever the settings say: it is written, as SCRAM, and not logged.
            options = "-c default_transaction_read_only=off -c password_encryption=scram-sha-256 -c log_statement=none"
            with self.admin(options=options) as admin:
                admin.run(f"alter role {sql.quoted(self.superuser)} password {sql.literal(self._first_password)}")
            self._first_password = ""

    def configure(self) -> None:
        """Write the configuration. It lies beside the data, so that a copy of the data does not bring its own."""
        fixed = {
            "data_directory": str(self.data),
            "hba_file": str(self._file("hba")),
            "ident_file": str(self._file("ident")),
            "port": str(self.port),
            "unix_socket_directories": str(self.folder),
        }
        lines = [
            f"{key} = {_quoted(str(value))}" for key, value in {**_BASE_SETTINGS, **self.settings, **fixed}.items()
        ]
        self._write("conf", lines)
        self._write("hba", ["local all all trust", "local replication all trust", *self.hba])
        self._write("ident", [])

    def reload(self) -> None:
        """Write the configuration and have the running server read it."""
        self.configure()
        self._signal(signal.SIGHUP)

    def answers(self) -> bool:
        """Whether it takes connections."""
        try:
            with self.admin(connect_timeout=2) as admin:
                return bool(admin.value("select 1"))
        except ServerError:
            return False

    def admin(self, dbname: str = "postgres", **parameters: object) -> AbstractContextManager[sql.Session]:
        """A session as the superuser, without a password. SqlError if the server does not take it."""
        return sql.session(host=str(self.folder), port=self.port, user=self.superuser, dbname=dbname, **parameters)

    def stop(self, how: signal.Signals = signal.SIGINT, limit: float = 20.0) -> None:
        """Stop: SIGINT ends sessions in an orderly way, SIGQUIT like a crash, SIGKILL with every process of it."""
        if self._process is None:
            return
        if how == signal.SIGKILL:
            self.signal_all(signal.SIGKILL)
        else:
            self._signal(how)
        try:
            self._process.wait(limit)
        except subprocess.TimeoutExpired:
            self.signal_all(signal.SIGKILL)
            self._process.wait(limit)
        self._home.forget(self._process)
        self._process = None

    def remove(self) -> None:
        """Stop and forget everything."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def spawn_copy(self, host: str, port: int, user: str, password: str) -> subprocess.Popen[bytes]:
        """Begin to fill this cluster with a copy of a running one. What goes wrong is in the log.

        With a checkpoint at once: a spread one takes minutes on an idle source.
        """
        command = [
            self.binaries.program("pg_basebackup"),
            f"--pgdata={self.data}",
            f"--host={host}",
            f"--port={port}",
            f"--username={user}",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-slot",
            "--no-sync",
            "--no-password",
        ]
        secrets = {"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10", "PGAPPNAME": "rds_db_instance"}
        return self._home.spawn(command, self.log, secrets)

    def clean_copied_settings(self) -> None:
        """Settings that were made on the source by ALTER SYSTEM are the source's."""
        self._write_file(self.data / "postgresql.auto.conf", [])

    def become_standby(self, conninfo: str) -> None:
        """From the next start on: follow another server."""
        self.settings["primary_conninfo"] = conninfo
        self.settings["hot_standby"] = "on"
        self._write_file(self.data / "standby.signal", [])

    def promote(self) -> None:
        """End being a standby, and wait until that is so."""
        answer = self._home.run([self.binaries.program("pg_ctl"), "promote", "-w", "-t", "60", "-D", str(self.data)])
        if answer.returncode:
            raise ServerError(f"promote: {sql.one_line(answer.stderr + answer.stdout)}")
        self.settings.pop("primary_conninfo", None)
        self.reload()

    def last_words(self, *wanted: str) -> str:
        """The last error in the log, or the last one that has one of `wanted` in it."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return "no log"
        for line in reversed(lines[-400:]):
            if any(word in line for word in wanted or ("FATAL:", "ERROR:", "PANIC:")):
                return line.split("]", 1)[-1].strip()
        return "" if wanted else (lines[-1] if lines else "nothing was logged")

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.conf"

    def _write(self, name: str, lines: list[str]) -> None:
        self._write_file(self._file(name), lines)

    def _write_file(self, path: Path, lines: list[str]) -> None:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        path.chmod(0o600)
        self._home.give(path)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running and self._process:
            self._process.send_signal(number)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to every process of the server; SIGSTOP and SIGCONT stand for a network that hangs."""
        if self._process:
            for process in [self._process.pid, *_children(self._process.pid)]:
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    continue


def _quoted(value: str) -> str:
    """A value in a configuration file."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _children(process: int) -> list[int]:
    try:
        text = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(one) for one in text.split()]
