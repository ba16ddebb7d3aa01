# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a failure of PostgreSQL or of the way to it means, in words, with the option to change.

Nothing of a password or of a connection string is ever part of it: messages are made of the server's own primary
message, and the password is cut out of that, should a server quote it.
"""

from __future__ import annotations

import re
from typing import Any

from .._failure import MigrationFailure

_HIDDEN = "********"
# Texts of libpq and of the server in English, as both say them whatever the locale of this process: libpq knows no
# SQLSTATE of a connection that never was. (pattern, code, remedy)
_NO_CONNECTION = (
    (
        r"password authentication failed|no password supplied|SCRAM|authentication failed for user",
        "28P01",
        "Correct {user} or {password}.",
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "28000",
        "Add a line for this address, {user} and {database} to pg_hba.conf of the server and reload it, or change "
        "{ssl_mode}: a line may admit encrypted connections only.",
    ),
    (r"role \".*\" does not exist|role \".*\" is not permitted to log in", "28000", "Correct {user}."),
    (r"database \".*\" does not exist", "3D000", "Correct {database}."),
    (r"permission denied for database", "42501", "Grant CONNECT on {database} to {user}, or name another."),
    (r"not currently accepting connections", "55000", "Name another {database}: this one is closed."),
    (r"too many (clients|connections)|remaining connection slots", "53300", "Wait, or raise max_connections."),
    (r"the database system is (starting|shutting|in recovery|not (yet )?accepting)", "57P03", "Wait and run again."),
    (r"invalid sslmode|sslmode value", "invalid_options", "Correct {ssl_mode}."),
    (
        r"does not support SSL|SSL negotiation|certificate|SSL error|root\.crt|SSL connection|server name mismatch",
        "ssl",
        "Change {ssl_mode} or {ca_cert}.",
    ),
    (
        r"failed to resolve|could not translate host name|Name or service not known",
        "host_not_found",
        "Correct {host}.",
    ),
    (
        r"refused|timeout expired|timed out|No route|unreachable|Is the server running",
        "unreachable",
        "Correct {host} or {port}, and see that the server listens there and no firewall is in between.",
    ),
)
# By SQLSTATE, of statements. (code, remedy)
_STATEMENTS = {
    "42501": "Grant {user} what is missing, or use an account that has it.",
    "57014": "Raise {statement_timeout}, or run when the server has less to do.",
    "55P03": "Something holds a lock; run again later.",
    "53300": "Raise max_connections, or run with less in parallel.",
    "25006": "The session is read-only.",
}
_TRANSIENT = ("08", "53300", "57P03", "55P03", "40001", "40P01")


class DatabaseFailure(MigrationFailure):
    """PostgreSQL, or the way to it, refused. code: the SQLSTATE where there is one, else a word in lower case."""

    def __init__(self, message: str, *, transient: bool = False, **known: Any) -> None:
        super().__init__(message, **known)
        self.transient = transient


class OptionNames(dict[str, str]):
    """How a module calls the options of a connection, as remedies name them. prefix: "source." for source.host."""

    def __init__(self, prefix: str = "") -> None:
        names = "host port user password database ssl_mode ca_cert statement_timeout".split()
        super().__init__({name: prefix + name for name in names})


def connection_failure(error: Exception, where: str, secrets: list[str], names: OptionNames) -> DatabaseFailure:
    """What kept a connection from being made. where: the server in words."""
    said = hidden(_plain(str(error)), secrets)
    unknown = ("", "connection_failed", "Correct {host}, {port}, {user}, {password} or {ssl_mode}.")
    fitting = (case for case in _NO_CONNECTION if re.search(case[0], said, re.IGNORECASE))
    _pattern, code, remedy = next(fitting, unknown)
    transient = code in ("unreachable", "57P03", "53300")
    return DatabaseFailure(
        f"No connection to {where}: {said}.",
        code=code,
        action="connect",
        remedy=remedy.format_map(names),
        transient=transient,
    )


def statement_failure(error: Exception, where: str, secrets: list[str], names: OptionNames) -> DatabaseFailure:
    """What a statement failed with: the server's primary message only, because details may quote data."""
    state = str(getattr(error, "sqlstate", None) or "")
    diagnosis = getattr(error, "diag", None)
    said = hidden(str(getattr(diagnosis, "message_primary", None) or _plain(str(error))), secrets)
    return DatabaseFailure(
        f"{where} refused a statement: {said}.",
        code=state or "connection_lost",
        remedy=_STATEMENTS.get(state, "" if state else "Run again when the server is there.").format_map(names),
        transient=not state or state.startswith(_TRANSIENT),
    )


def hidden(text: str, secrets: list[str]) -> str:
    """The text without secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return text


def _plain(text: str) -> str:
    """One line, without the parts that every message of libpq has."""
    line = " ".join(text.split())
    line = re.sub(r"^connection (failed|is bad): ", "", line)
    line = re.sub(r"^connection to server (at|on socket) \S+(?: \(\S+\))?,?(?: port \d+)? failed: ", "", line)
    return line.removeprefix("FATAL: ").strip().rstrip(".")[:500]
