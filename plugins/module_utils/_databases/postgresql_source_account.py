# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The migration account and the settings of the source: what is there, and the statements that make it so.

A password is never sent: the server gets the verifier that libpq makes of it, as psql's \\password does, so that no
statement log ever holds it. Whether a password is the one the server knows is told by its verifier, where it may be
read (pg_authid, superusers only).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from .._failure import MigrationFailure
from .postgresql_connection import Session, identifier
from .postgresql_source import Account, optional
from .postgresql_source_checks import account_words

# What the migration may need changed: nothing else is set on anybody's server.
SETTINGS = frozenset(
    "listen_addresses max_replication_slots max_slot_wal_keep_size max_wal_senders wal_keep_segments wal_keep_size "
    "wal_level wal_sender_timeout".split()
)


class Setting(NamedTuple):
    """equal: it is, or will be after a restart, what is wanted. pending: only after a restart.

    normal: the wanted value as the server will write it.
    """

    name: str
    wanted: str
    normal: str
    value: str
    equal: bool
    pending: bool
    needs_restart: bool


def account_statements(account: Account | None, name: str) -> list[str]:
    """The statements that make the account what it has to be, without its password. Pure."""
    role = identifier(name)
    if account is None:
        return [f"CREATE ROLE {role} LOGIN CREATEROLE REPLICATION", f"GRANT pg_monitor TO {role}"]
    wrong = [word for word, has in account_words(account) if not has]
    statements = [f"ALTER ROLE {role} {' '.join(wrong)}"] if wrong else []
    statements += [] if account.monitors else [f"GRANT pg_monitor TO {role}"]
    return statements + ([f"ALTER ROLE {role} VALID UNTIL 'infinity'"] if account.expired else [])


def password_is_known(session: Session, account: str, password: str) -> bool | None:
    """Whether the server knows this password for the account; None when the verifier may not be read."""
    rows = optional(session, "SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = %s", [account])
    if rows is None:
        return None
    return bool(rows and rows[0][0]) and matches(rows[0][0], account, password)


def matches(verifier: str, account: str, password: str) -> bool:
    """Whether a password fits a verifier of PostgreSQL: SCRAM-SHA-256 (RFC 5803), or md5 and its digest."""
    if re.fullmatch(r"md5[0-9a-f]{32}", verifier):
        digest = hashlib.md5((password + account).encode()).hexdigest()  # noqa: S324  # the server's own format
        return hmac.compare_digest(verifier[3:], digest)
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)", verifier)
    if not found:
        return False
    try:
        salt, stored = base64.b64decode(found[2]), base64.b64decode(found[3])
    except binascii.Error:
        return False
    prepared = unicodedata.normalize("NFKC", password)
    salted = hashlib.pbkdf2_hmac("sha256", prepared.encode(), salt, int(found[1]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    return hmac.compare_digest(hashlib.sha256(key).digest(), stored)


def set_password(session: Session, account: str, password: str) -> None:
    """Gives the account a password, as a verifier of the kind that the server wants. Raises DatabaseFailure."""
    verifier = session.verifier(account, password)
    session.write(f"ALTER ROLE {identifier(account)} PASSWORD {session.literal(verifier)}")


def read_settings(session: Session, wanted: Mapping[str, str]) -> list[Setting]:
    """How the wanted settings stand. Raises MigrationFailure for one that this version does not have."""
    rows = {
        row[0]: row[1:]
        for row in session.read(
            "SELECT name, setting, unit, context, pending_restart, vartype FROM pg_catalog.pg_settings"
            " WHERE name = ANY(%s)",
            [list(wanted)],
        )
    }
    missing = sorted(set(wanted) - set(rows))
    if missing:
        raise MigrationFailure(
            f"PostgreSQL {session.major} has no setting {', '.join(missing)}.",
            code="invalid_options",
            remedy="Correct server_settings.",
        )
    coming = _coming(session)
    found = []
    for name, text in sorted(wanted.items()):
        value, unit, context, pending, kind = rows[name]
        known = _same(kind, unit, text, value)
        later = pending and name in coming and _same(kind, unit, text, coming[name])
        found.append(
            Setting(
                name,
                text,
                _normal(kind, unit, text),
                value,
                known or later,
                later and not known,
                context == "postmaster",
            )
        )
    return found


def _coming(session: Session) -> dict[str, str]:
    """What the configuration files say, whether or not the server uses it yet; empty if they may not be read."""
    rows = optional(session, "SELECT name, setting FROM pg_catalog.pg_file_settings WHERE error IS NULL OR NOT applied")
    return {name: setting for name, setting in rows or [] if setting is not None}


def _same(kind: str, unit: str | None, wanted: str, value: str) -> bool:
    """Whether two notations mean one value: 1GB is 1024 in the unit MB, 60s is 60000 in the unit ms."""
    return wanted.strip() == value or _number(kind, unit, wanted) == _number(kind, unit, value)


def _normal(kind: str, unit: str | None, wanted: str) -> str:
    number, one = _number(kind, unit, wanted), _number(kind, unit, "1")
    if not isinstance(number, (float, int)) or not isinstance(one, (float, int)):
        return wanted.strip()
    return f"{number if number < 0 else number / one:g}"


def _number(kind: str, unit: str | None, text: str) -> object:
    if kind not in ("integer", "real"):
        return text.strip()
    times = {"us": 0.001, "ms": 1, "s": 1000, "min": 60000, "h": 3600000, "d": 86400000}
    sizes = {"B": 1, "kB": 2**10, "8kB": 2**13, "MB": 2**20, "16MB": 2**24, "GB": 2**30, "TB": 2**40}
    factors = times if unit in times else sizes
    found = re.fullmatch(r"\s*(-?[0-9.]+)\s*([a-zA-Z]*)\s*", text)
    if not found or (found[2] and found[2] not in factors):
        return text.strip()
    # -1 says "no limit" whatever the unit.
    number = float(found[1])
    return number if number < 0 or not unit else number * factors.get(found[2] or unit, 1)


def set_setting(session: Session, name: str, value: str) -> None:
    """ALTER SYSTEM. A list of addresses is given as a list, or its commas would be part of one address."""
    values = [part.strip() for part in value.split(",")] if name == "listen_addresses" else [value]
    session.write(f"ALTER SYSTEM SET {name} TO {', '.join(map(session.literal, values))}")
