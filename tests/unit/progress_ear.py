# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What listens to progress in a test of this process."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import tempfile

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils import _progress
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import SOCKET_VARIABLE

FIELDS = (
    "version kind module instance host task subject stage done total unit rate eta lag_bytes lag_seconds waiting_for "
    "attempt missed elapsed timeout next ended"
).split()


class Ear:
    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        # Everything that came in, for looking for secrets.
        self.raw = b""

    def events(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                datagram = self.socket.recv(65536)
                self.raw += datagram
                assert len(datagram) < 2048
                found.append(json.loads(datagram))
        for event in found:
            assert event.pop("version") == 1
            assert set(event) <= set(FIELDS)
            assert event["kind"] in ("upload", "wait")
        return found


@pytest.fixture
def ear(monkeypatch):
    # The path of a socket is short; that of a test's folder is not.
    folder = tempfile.mkdtemp(prefix="ear-")
    ear = Ear(os.path.join(folder, "socket"))
    monkeypatch.setenv(SOCKET_VARIABLE, ear.path)
    yield ear
    ear.socket.close()
    shutil.rmtree(folder)


@pytest.fixture
def draining(ear, monkeypatch):
    """Events as they come: a queue of the system holds only so many. draining.all: in order."""
    told, real = [], _progress.send

    def send_and_take(address, event):
        real(address, event)
        told.extend(ear.events())

    monkeypatch.setattr(_progress, "send", send_and_take)
    ear.all = told
    return ear
