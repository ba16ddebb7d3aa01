# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a failure of MySQL or of the way to it means, in words, with the option to change.

Server error numbers are those of the MySQL and MariaDB reference manuals; 2000 to 2999 are the client library's.
Passwords are cut out of every text, should a server send one back.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any

from .._failure import MigrationFailure

_HIDDEN = "********"
_LONGEST = 500
ACCESS_DENIED = "1045"
# The account may not do that: database, general, table, column, routine and stored-program privileges.
_DENIED = frozenset({"1044", "1142", "1143", "1227", "1370", "3879"})
_CONNECTION = {
    ACCESS_DENIED: "Correct {user} or {password}, and see that the account is admitted from this address.",
    "1698": "Correct {user} or {password}: the account does not take a password.",
    "1044": "Grant {user} what it needs.",
    "1040": "Wait, or raise max_connections.",
    "1129": "The server shut this address out after many failures; run FLUSH HOSTS there.",
    "1130": "Admit this address: the server has no account {user} for it, or a white list leaves it out.",
    "1203": "Raise max_user_connections, or run with less in parallel.",
    "2026": "Change {ssl_mode} or {ca_cert}.",
    "3159": "Set {ssl_mode} to require: the server takes encrypted connections only.",
    "ssl": "Change {ssl_mode} or {ca_cert}.",
    "insecure": "Set {ssl_mode} to require, or better to verify-full.",
    "host_not_found": "Correct {host}.",
    "unreachable": "Correct {host} or {port}, and see that the server listens there and no firewall or white list is "
    "in between.",
}
_STATEMENTS = {
    "1205": "Something holds a lock; run again later.",
    "1317": "Somebody ended the statement; run again.",
    "1792": "The session is read-only.",
    "1969": "Raise {statement_timeout}, or run when the server has less to do.",
    "3024": "Raise {statement_timeout}, or run when the server has less to do.",
}


class MySqlFailure(MigrationFailure):
    """MySQL, or the way to it, refused. code: the error number where there is one, else a word in lower case."""

    @property
    def denied(self) -> bool:
        """A privilege is missing."""
        return self.code in _DENIED


def option_names(prefix: str) -> dict[str, str]:
    """How a module calls the options of a connection, as remedies name them. prefix: "source." for source.host."""
    return {name: prefix + name for name in "host port user password ssl_mode ca_cert statement_timeout".split()}


def connection_failure(error: BaseException, where: str, secret: str, names: Mapping[str, str]) -> MySqlFailure:
    """What kept a connection from being made. where: the server in words."""
    number, text = number_and_text(error, secret)
    code = _word(error, text) if number in ("2002", "2003", "2005", "2013", "") else number
    remedy = _CONNECTION.get(code, "Correct {host}, {port}, {user}, {password} or {ssl_mode}.")
    return MySqlFailure(
        f"No connection to {where}: {text}.", code=code, action="connect", remedy=remedy.format_map(names)
    )


def _word(error: BaseException, text: str) -> str:
    """A word for what never reached the server, which has no number of its own for it."""
    inner = getattr(error, "original_exception", None) or error
    if isinstance(inner, ssl.SSLError) or "SSL" in text or "certificate" in text.lower():
        return "ssl"
    if re.search(r"Name or service not known|getaddrinfo|nodename|Temporary failure in name resolution", text):
        return "host_not_found"
    return "unreachable"


def statement_failure(error: BaseException, where: str, secret: str, names: Mapping[str, str]) -> MySqlFailure:
    """What a statement failed with."""
    number, text = number_and_text(error, secret)
    lost = not number or number in ("2006", "2013", "2055", "1053", "4031")
    code = "connection_lost" if lost else number
    remedy = "Run again when the server is there." if lost else _STATEMENTS.get(number, "")
    if code in _DENIED:
        remedy = "Grant {user} what is missing, or use an account that has it."
    return MySqlFailure(
        f"{where} refused a statement: {text}." if not lost else f"The connection to {where} broke: {text}.",
        code=code,
        remedy=remedy.format_map(names),
    )


def number_and_text(error: BaseException, secret: str) -> tuple[str, str]:
    """The error's number, empty without one, and its text on one line, without secrets and of bounded length."""
    arguments: tuple[Any, ...] = error.args
    number = str(arguments[0]) if arguments and isinstance(arguments[0], int) and arguments[0] else ""
    texts = [str(part) for part in (arguments[1:] if number else arguments) if part]
    text = "".join(c if c.isprintable() else " " for c in " ".join(texts)) or type(error).__name__
    if secret:
        text = text.replace(secret, _HIDDEN)
    return number, " ".join(text.split()).rstrip(".")[:_LONGEST]
