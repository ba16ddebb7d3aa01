# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A session with a PostgreSQL server: fixed settings, read-only where it has to be, failures in words.

A read-only session is read-only because the server says so (default_transaction_read_only at its start, and every
transaction begun as READ ONLY). What PostgreSQL allows even then, because it is no change of data (ALTER SYSTEM, ending
sessions, reloading, checkpoints), is refused here.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._failure import MigrationFailure
from .postgresql_errors import OptionNames, connection_failure, statement_failure

if TYPE_CHECKING:
    import psycopg

# Text of values and definitions depends on these. row_security off makes a query fail that would otherwise leave out
# rows without a word.
FIXED_SETTINGS = {
    "search_path": "",
    "DateStyle": "ISO,YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "quote_all_identifiers": "off",
    "row_security": "off",
    "idle_in_transaction_session_timeout": "0",
}
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# What a read-only transaction does not keep from happening. Names and texts are looked away from.
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_SIDE_EFFECTS = re.compile(
    r"(?:^|;)\s*(?:alter\s+system|checkpoint)\b"
    r"|\b(?:pg_(?:terminate|cancel)_backend|pg_reload_conf|pg_rotate_logfile|pg_switch_wal|pg_promote|set_config|setval"
    r"|pg_(?:create|drop|advance|copy)_\w*slot\w*|lo_import|lo_export|pg_log_standby_snapshot"
    r"|pg_wal_replay_(?:pause|resume))\s*\(",
    re.IGNORECASE,
)
Row = tuple[Any, ...]


class Server(NamedTuple):
    """A server and an account on it. Times in seconds; None stands for what libpq would take by itself.

    label: how texts call it ("the source"). names: how the module calls the options of this server.
    """

    host: str
    port: int
    user: str
    password: str | None = None
    database: str = "postgres"
    ssl_mode: str = "prefer"
    ca_cert: str | None = None
    connect_timeout: float = 10
    statement_timeout: float = 0
    lock_timeout: float = 10
    application_name: str = "apsaradb.migration"
    label: str = "the server"
    names: OptionNames = OptionNames()

    @property
    def address(self) -> str:
        return f"{self.label} {self.host}:{self.port}"


class Session:
    """One connection. Use as a context manager, or close it.

    read and write raise DatabaseFailure. One statement is one transaction, except within transaction().
    """

    def __init__(self, server: Server, connection: psycopg.Connection[Row], *, read_only: bool) -> None:
        self.server = server
        self.read_only = read_only
        self._connection = connection

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def version(self) -> int:
        """150004 for 15.4."""
        return self._connection.info.server_version

    @property
    def major(self) -> int:
        return self.version // 10000

    @property
    def pid(self) -> int:
        return self._connection.info.backend_pid

    def read(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        """The rows of a statement that changes nothing."""
        if _SIDE_EFFECTS.search(_QUOTED.sub("", statement)):
            raise MigrationFailure(f"This is no reading statement: {statement[:200]}", code="read_only")
        return self._run(statement, parameters)

    def value(self, statement: str, parameters: Sequence[Any] | None = None) -> Any:
        """The first column of the first row."""
        return self.read(statement, parameters)[0][0]

    def write(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        """Runs a statement that changes something. A read-only session refuses before anything is sent."""
        if self.read_only:
            raise MigrationFailure(
                f"{statement.split(' PASSWORD ')[0][:200]} writes, and this is a rehearsal. Nothing was sent.",
                code="read_only",
            )
        return self._run(statement, parameters)

    def literal(self, value: Any) -> str:
        """A value as text of SQL, for statements that take no parameters."""
        from psycopg import sql

        return sql.Literal(value).as_string(self._connection)

    def verifier(self, user: str, password: str) -> str:
        """What the server keeps instead of a password, made here by libpq as this server wants it."""
        try:
            return self._connection.pgconn.encrypt_password(password.encode(), user.encode()).decode()
        except Exception as error:  # whatever it is, it may quote the password
            server = self.server
            secrets = [server.password or "", password]
            raise statement_failure(error, server.address, secrets, server.names) from None

    @contextlib.contextmanager
    def transaction(self, begin: str) -> Iterator[None]:
        """Statements of the block run in one transaction, which is rolled back: it only reads."""
        self._run(begin)
        try:
            yield
        finally:
            with contextlib.suppress(MigrationFailure):
                self._run("ROLLBACK")

    def cancel(self) -> None:
        """Ends the statement that runs, called from another thread."""
        with contextlib.suppress(Exception):
            self._connection.cancel()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._connection.close()

    def _run(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Row]:
        import psycopg

        try:
            # Without parameters a percent sign in a name is no placeholder.
            cursor = self._connection.execute(statement.encode(), parameters or None)
            rows = cursor.fetchall() if cursor.description else []
            if not self._connection.autocommit:
                self._connection.rollback()
            return rows
        except (psycopg.Error, UnicodeError) as error:
            server = self.server
            raise statement_failure(error, server.address, [server.password or ""], server.names) from None


def connect(server: Server, *, read_only: bool, observes_defaults: bool = False) -> Session:
    """A session. Raises DatabaseFailure.

    observes_defaults: the session does not set default_transaction_read_only itself, so that it sees what a session of
    this account gets by itself. It is read-only all the same, because each of its transactions is begun so.
    """
    psycopg = _library()
    settings = _time_limits(server)
    if not observes_defaults:
        settings["default_transaction_read_only"] = "on" if read_only else "off"
    try:
        connection = psycopg.connect(
            host=server.host,
            port=server.port,
            user=server.user,
            # An empty string would keep libpq from looking elsewhere.
            password=server.password or None,
            dbname=server.database,
            sslmode=server.ssl_mode,
            sslrootcert=server.ca_cert,
            connect_timeout=max(2, round(server.connect_timeout)),
            application_name=server.application_name,
            client_encoding="UTF8",
            options=" ".join(f"-c {name}={_escaped(value)}" for name, value in {**FIXED_SETTINGS, **settings}.items()),
            keepalives_idle=60,
            # A pooler in between may give every statement another session.
            prepare_threshold=None,
            autocommit=not observes_defaults,
        )
    except (psycopg.Error, UnicodeError) as error:
        raise connection_failure(
            error,
            f"{server.address}, database {server.database}, user {server.user}",
            [server.password or ""],
            server.names,
        ) from None
    if observes_defaults:
        connection.read_only = read_only
    return Session(server, connection, read_only=read_only)


def _time_limits(server: Server) -> dict[str, str]:
    """In milliseconds, as the server takes numbers without a unit."""
    return {
        "statement_timeout": f"{server.statement_timeout * 1000:.0f}",
        "lock_timeout": f"{server.lock_timeout * 1000:.0f}",
    }


def identifier(*parts: str) -> str:
    """A name, or a qualified name, quoted."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def version_text(number: int) -> str:
    """15.4 for 150004."""
    return f"{number // 10000}.{number % 10000}"


def script(statements: Iterable[str]) -> str:
    """SQL to run, each statement ended by a semicolon; it is complete, so that it can be copied."""
    return " ".join(f"{statement};" for statement in statements)


def _escaped(value: str) -> str:
    """A value within libpq's options: spaces and backslashes are escaped."""
    return re.sub(r"([\\\s])", r"\\\1", value)


def _library() -> Any:
    try:
        import psycopg
    except ImportError as error:
        # psycopg without libpq and without its binary part fails to import as well.
        raise MigrationFailure(
            "The Python library psycopg (3.1 or later) is missing where the module runs"
            + (f": {' '.join(str(error).split())[:300]}" if "psycopg" not in str(error)[:32] else "."),
            code="missing_library",
            remedy="Install it for the Python that runs the module: pip install 'psycopg[binary]>=3.1'.",
        ) from None
    if tuple(int(part) for part in re.findall(r"\d+", psycopg.__version__)[:2]) < (3, 1):
        raise MigrationFailure(
            f"psycopg {psycopg.__version__} is too old.",
            code="missing_library",
            remedy="Install a newer one: pip install 'psycopg[binary]>=3.1'.",
        )
    return psycopg
