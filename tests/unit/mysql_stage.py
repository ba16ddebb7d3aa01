# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real MariaDB servers, which stand for MySQL, and one that is none and means ill."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import struct
import sys
import threading

import pytest

# The emulator lives beside these tests; it knows how to run servers.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

SERVER_SSL = 0x800


@contextlib.contextmanager
def running(name, settings=None):
    """A server that is gone afterwards; skips where there are no server programs."""
    from apsara_emulator.mysql import binaries, server

    if binaries.missing():
        pytest.skip(binaries.missing())
    with server.running(name, settings) as started:
        yield started


def address(server, **other):
    """The options of a module that reach a server."""
    found = {"host": server.host, "port": server.port, "user": server.admin_user, "password": server.admin_password}
    return {**found, **other}


class Impostor:
    """Greets like a server without TLS, asks for the password in a way of its choice, and keeps what it was sent."""

    def __init__(self, plugin=b"mysql_native_password", then=b"", capabilities=0):
        self.received = b""
        self._plugin, self._then, self._capabilities = plugin, then, capabilities
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_exception):
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        with contextlib.suppress(OSError):
            connection, _address = self._listener.accept()
            with connection:
                connection.settimeout(0.3)
                connection.sendall(self._packet(0, self._greeting()))
                self.received += connection.recv(65536)
                if self._then:
                    connection.sendall(self._packet(2, self._then))
                while data := connection.recv(65536):
                    self.received += data

    def _greeting(self):
        # CLIENT_PROTOCOL_41, SECURE_CONNECTION, PLUGIN_AUTH and a few more that every server has.
        low, high = 0xF7DF & ~SERVER_SSL | self._capabilities, 0x0008
        salt = b"12345678"
        return (
            b"\x0a8.0.36\x00" + struct.pack("<I", 7) + salt + b"\x00" + struct.pack("<HBHHB", low, 45, 2, high, 21)
            + b"\x00" * 10 + b"123456789012\x00" + self._plugin + b"\x00"
        )  # fmt: skip

    @staticmethod
    def _packet(number, payload):
        return struct.pack("<I", len(payload))[:3] + bytes([number]) + payload
