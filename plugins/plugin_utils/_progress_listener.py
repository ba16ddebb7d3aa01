# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The socket that modules tell their progress to. What comes in is described in module_utils/_progress.py."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile

from ansible_collections.apsaradb.migration.plugins.module_utils._progress import HOST_VARIABLE, TASK_VARIABLE
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import SOCKET_VARIABLE

# The shortest limit of a socket's path is 104 bytes with the closing zero (macOS).
_LONGEST_PATH = 100
# Every datagram that is waiting is read; but a sender that never stops may not keep the thread from drawing.
_AT_A_TIME = 2000
_LARGEST = 65536


class Listener:
    """A datagram socket in a folder that only this user may enter. Named in the environment, which workers inherit."""

    def __init__(self) -> None:
        self._folder = _private_folder()
        path = os.path.join(self._folder, "socket")
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(path)
        except OSError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        os.environ[SOCKET_VARIABLE] = path
        self.path = path

    def introduce(self, host: str, task: str) -> None:
        """Which host and task the next worker belongs to: it takes the environment along when it is forked."""
        os.environ[HOST_VARIABLE] = host
        os.environ[TASK_VARIABLE] = task

    def receive(self, seconds: float) -> list[bytes]:
        """What came in; waits for the first one."""
        datagrams: list[bytes] = []
        try:
            self._socket.settimeout(seconds)
            datagrams.append(self._socket.recv(_LARGEST))
            self._socket.settimeout(0)
            while len(datagrams) < _AT_A_TIME:
                datagrams.append(self._socket.recv(_LARGEST))
        except OSError:
            # Nothing (more) there, or closed meanwhile.
            pass
        return [datagram for datagram in datagrams if datagram]

    def wake(self) -> None:
        """Ends a receive that waits."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(b"", self.path)

    def close(self) -> None:
        for name in (SOCKET_VARIABLE, HOST_VARIABLE, TASK_VARIABLE):
            os.environ.pop(name, None)
        self._socket.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _private_folder() -> str:
    folder = tempfile.mkdtemp(prefix="apsaradb-")
    if len(os.fsencode(folder)) + len("/socket") <= _LONGEST_PATH:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    return tempfile.mkdtemp(prefix="apsaradb-", dir="/tmp")
