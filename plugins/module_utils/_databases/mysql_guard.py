# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Where a MySQL or MariaDB server is, how to encrypt the way to it, and to whom a password is given.

The server's word is not taken for who it is. PyMySQL would send a password in clear to whoever asks for it
(mysql_clear_password, dialog), would encrypt it with whatever key the other side sends (sha256_password,
caching_sha2_password without TLS), and before version 1.2 would go on without TLS where the other side says that it has
none. GuardedConnection refuses all of that, before anything of the password is sent.
"""

from __future__ import annotations

import functools
import ipaddress
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple

from .mysql_errors import MySqlFailure, option_names

DISABLE, PREFER, REQUIRE, VERIFY_CA, VERIFY_FULL = "disable", "prefer", "require", "verify-ca", "verify-full"
SSL_MODES = (DISABLE, PREFER, REQUIRE, VERIFY_CA, VERIFY_FULL)
# Plugins by which the client hands over the password itself.
_CLEAR = (b"mysql_clear_password", b"dialog", b"mysql_old_password")


class Server(NamedTuple):
    """A server and an account on it. host: or the path of a Unix socket. Times in seconds; 0 is no limit.

    label: how texts call it ("the source"). names: how the module calls the options of this server.
    """

    host: str
    port: int
    user: str
    password: str | None = None
    ssl_mode: str = PREFER
    ca_cert: str | None = None
    connect_timeout: float = 10
    statement_timeout: float = 0
    lock_timeout: float = 10
    label: str = "the server"
    names: Mapping[str, str] = option_names("")

    def __repr__(self) -> str:
        return f"Server({self.address})"

    @property
    def address(self) -> str:
        return f"{self.label} {self.host}" + ("" if self.is_socket else f":{self.port}")

    @property
    def is_socket(self) -> bool:
        return self.host.startswith("/")

    @property
    def is_here(self) -> bool:
        """Whether nobody but this computer sees what is sent."""
        if self.is_socket or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def tls_context(server: Server) -> ssl.SSLContext | None:
    """How to encrypt, and what to verify; None where there is no encryption. Raises MySqlFailure for a bad file."""
    if server.ssl_mode == DISABLE or server.is_socket:
        return None
    try:
        return _context(server.ssl_mode, server.ca_cert)
    except (OSError, ssl.SSLError) as error:
        raise MySqlFailure(
            f"{server.names['ca_cert']} cannot be used: {error.strerror or type(error).__name__}.",
            code="invalid_options",
            remedy=f"Name a readable file of certificates in {server.names['ca_cert']}.",
        ) from None


@functools.cache
def _context(mode: str, ca_cert: str | None) -> ssl.SSLContext:
    """One for all connections: reading the system's authorities takes longer than connecting."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = mode == VERIFY_FULL
    context.verify_mode = ssl.CERT_REQUIRED if mode in (VERIFY_CA, VERIFY_FULL) else ssl.CERT_NONE
    if ca_cert:
        context.load_verify_locations(ca_cert)
    elif context.verify_mode == ssl.CERT_REQUIRED:
        context.load_default_certs()
    return context


@functools.cache
def guarded_connection() -> Any:
    """The driver's connection, made careful. A class of its own only where the driver is there."""
    from pymysql import connections
    from pymysql.constants import CLIENT

    driver: Any = connections.Connection

    class GuardedConnection(driver):  # type: ignore[misc]  # imported when used
        """Keeps the password from whoever should not have it. The driver's own steps are overridden by their names,
        which are the same from 1.0 to 1.2."""

        def __init__(self, server: Server, **settings: Any) -> None:
            self._asked = server
            super().__init__(**settings)

        def _request_authentication(self) -> None:
            """What follows the greeting: up to here nothing was sent."""
            offered = bool(self.server_capabilities & CLIENT.SSL)
            if not offered and self._asked.ssl_mode not in (DISABLE, PREFER) and not self._asked.is_socket:
                raise _insecure(self._asked, "does not encrypt", code="ssl")
            if not offered or self._asked.is_socket:
                # Drivers before 1.2 would, too, once told to encrypt.
                self.ssl = False
            super()._request_authentication()

        def _process_auth(self, plugin_name: bytes, *arguments: Any) -> Any:
            if plugin_name in _CLEAR and not self._is_safe():
                name = plugin_name.decode("ascii", "replace")
                raise _insecure(self._asked, f"asks for the password itself ({name}) and is not verified")
            return super()._process_auth(plugin_name, *arguments)

        def _is_safe(self) -> bool:
            verified = bool(self.ssl) and self._asked.ssl_mode in (VERIFY_CA, VERIFY_FULL)
            return verified or self._asked.is_here

        @property
        def server_public_key(self) -> Any:
            return self.__dict__.get("_known_key")

        @server_public_key.setter
        def server_public_key(self, key: Any) -> None:
            """The driver keeps here what the other side sent to encrypt the password with."""
            if key is not None and not self._asked.is_here:
                raise _insecure(self._asked, "asks for the password with a key of its own, and without TLS")
            self.__dict__["_known_key"] = key

    return GuardedConnection


def _insecure(server: Server, what: str, code: str = "insecure") -> MySqlFailure:
    return MySqlFailure(
        f"No connection to {server.address}: it {what}. The password was not sent.",
        code=code,
        action="connect",
        remedy="Set {ssl_mode} to verify-full with {ca_cert}, and see that the server has a certificate.".format_map(
            server.names
        ),
    )
