# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A session with a MySQL or MariaDB server: fixed settings, read-only, failures in words.

A session is read-only because the server says so (SET SESSION TRANSACTION READ ONLY, since MySQL 5.6.5 and MariaDB
10.0, refuses rows and definitions alike); what that does not cover, such as SET GLOBAL, is refused here.

The server's word is not taken for who it is. PyMySQL would send a password in clear to whoever asks for it
(mysql_clear_password, dialog), would encrypt it with whatever key the other side sends (sha256_password,
caching_sha2_password without TLS), and before version 1.2 would go on without TLS where the other side says that it has
none. GuardedConnection refuses all of that, before anything of the password is sent.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._failure import MigrationFailure
from .mysql_errors import MySqlFailure, connection_failure, option_names, statement_failure

DISABLE, PREFER, REQUIRE, VERIFY_CA, VERIFY_FULL = "disable", "prefer", "require", "verify-ca", "verify-full"
SSL_MODES = (DISABLE, PREFER, REQUIRE, VERIFY_CA, VERIFY_FULL)
LOWEST_DRIVER = (1, 1, 1)
# Text of values and definitions depends on these.
_SETTINGS = ("SET SESSION sql_mode = ''", "SET SESSION time_zone = '+00:00'", "SET SESSION sql_quote_show_create = 1")
_READ_ONLY = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
_READING = re.compile(r"\s*(SELECT|SHOW)\b", re.IGNORECASE)
_SIDE_EFFECTS = re.compile(r"\bINTO\s+(OUTFILE|DUMPFILE)\b|\bFOR\s+UPDATE\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^'\\]|''|\\.)*'|`(?:[^`]|``)*`", re.DOTALL)
# Plugins by which the client hands over the password itself.
_CLEAR = (b"mysql_clear_password", b"dialog", b"mysql_old_password")
_SLACK = 30.0
_A_DAY = 86400
Row = tuple[Any, ...]


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


class Session:
    """One connection. Use as a context manager, or close it. read raises MySqlFailure."""

    def __init__(self, server: Server, connection: Any) -> None:
        self.server = server
        self._connection = connection
        # MariaDB puts this before its version for clients that know no other.
        self.version = str(connection.server_version).removeprefix("5.5.5-")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    @property
    def number(self) -> tuple[int, int, int]:
        """Of the version: (10, 11, 18)."""
        found = re.match(r"(\d+)\.(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """The rows of a statement that changes nothing."""
        bare = _QUOTED.sub("", statement)
        if not _READING.match(bare) or _SIDE_EFFECTS.search(bare):
            raise MigrationFailure(f"This is no reading statement: {statement[:200]}", code="read_only")
        return self._run(statement, parameters)

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """The first column of the first row."""
        return self.read(statement, parameters)[0][0]

    def named(self, statement: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Rows by the names of columns in lower case, for what has other columns in other versions."""
        rows, names = self._rows_and_names(statement, parameters)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Statements of the block see one state of all tables that have transactions."""
        self._run(SNAPSHOT)
        try:
            yield
        finally:
            with contextlib.suppress(MigrationFailure):
                self._run("ROLLBACK")

    def begin(self) -> None:
        """The same until the session is closed."""
        self._run(SNAPSHOT)

    def set(self, statements: Sequence[str], *, optional: Sequence[str] = ()) -> None:
        """Settings of this session; the optional ones where the server knows them."""
        for statement in statements:
            self._run(statement)
        for statement in optional:
            with contextlib.suppress(MySqlFailure):
                self._run(statement)

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
        return self._rows_and_names(statement, parameters)[0]

    def _rows_and_names(self, statement: str, parameters: Sequence[Any]) -> tuple[list[Row], list[str]]:
        server = self.server
        try:
            with self._connection.cursor() as cursor:
                # Without parameters a percent sign in a name is no placeholder.
                cursor.execute(statement, tuple(parameters) or None)
                names = [str(column[0]).lower() for column in cursor.description or ()]
                return list(cursor.fetchall()), names
        except Exception as error:
            # Also what the driver trips over, when answers are none of MySQL's.
            raise statement_failure(error, server.address, server.password or "", server.names) from None


def connect(server: Server) -> Session:
    """A read-only session. Raises MySqlFailure."""
    _library()
    limit = server.statement_timeout
    try:
        connection = _guarded()(
            server,
            host=None if server.is_socket else server.host,
            port=server.port,
            unix_socket=server.host if server.is_socket else None,
            user=server.user,
            # As text the driver would take it for Latin-1.
            password=(server.password or "").encode(),
            charset="utf8mb4",
            ssl=tls_context(server),
            ssl_disabled=server.ssl_mode == DISABLE or server.is_socket,
            connect_timeout=server.connect_timeout,
            # The server ends a statement itself; this is for one that does not, or is gone.
            read_timeout=limit + _SLACK if limit else None,
            autocommit=True,
            local_infile=False,
            program_name="apsaradb.migration",
        )
    except MigrationFailure:
        raise
    except Exception as error:
        where = f"{server.address}, user {server.user}"
        raise connection_failure(error, where, server.password or "", server.names) from None
    session = Session(server, connection)
    try:
        session.set([_READ_ONLY, *_SETTINGS], optional=_limits(session))
    except MigrationFailure:
        session.close()
        raise
    return session


def _limits(session: Session) -> list[str]:
    limit = session.server.statement_timeout
    return [
        f"SET SESSION lock_wait_timeout = {max(1, round(session.server.lock_timeout))}",
        f"SET SESSION wait_timeout = {_A_DAY}",
        # Sizes and times of change are to be those of now.
        "SET SESSION information_schema_stats_expiry = 0",
        f"SET SESSION max_statement_time = {limit:g}"
        if session.is_mariadb
        else f"SET SESSION max_execution_time = {round(limit * 1000)}",
    ]


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


def identifier(*parts: str) -> str:
    """A name, or a qualified name, quoted."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


@functools.cache
def _guarded() -> Any:
    """The driver's connection, made careful. A class of its own only where the driver is there."""
    from pymysql import connections
    from pymysql.constants import CLIENT

    driver: Any = connections.Connection

    class GuardedConnection(driver):  # type: ignore[misc]
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


def _library() -> Any:
    try:
        import pymysql
    except ImportError:
        raise MigrationFailure(
            "The Python library PyMySQL (1.1.1 or later) is missing where the module runs.",
            code="missing_library",
            remedy="Install it for the Python that runs the module: pip install 'PyMySQL[rsa]>=1.1.1'.",
        ) from None
    if tuple(pymysql.VERSION[:3]) < LOWEST_DRIVER:
        raise MigrationFailure(
            f"PyMySQL {'.'.join(map(str, pymysql.VERSION[:3]))} is too old.",
            code="missing_library",
            remedy="Install a newer one: pip install 'PyMySQL[rsa]>=1.1.1'.",
        )
    return pymysql
