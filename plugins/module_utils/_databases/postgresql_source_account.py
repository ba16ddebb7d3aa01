# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The migration account on the source: what it has to be, whether it is, and the statements that make it so.

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

from .._plan import FAIL, PASS, UNKNOWN, Check
from .postgresql_connection import Session, identifier, script
from .postgresql_source import Account, optional


def account_check(account: Account | None, name: str | None) -> Check:
    """Whether the migration account has the rights that the service asks for, and not more."""
    if name is None:
        return Check("account", UNKNOWN, "The migration account is not given.", "Set account.")
    role = identifier(name)
    statements = account_statements(account, name)
    if account is None:
        create, *grants = statements
        remedy = script([f"{create} PASSWORD '...'", *grants])
        return Check("account", FAIL, f"There is no role {role}.", f"Set state to prepared, or: {remedy}")
    if not statements:
        return Check("account", PASS, f"{role} may log in, create roles, replicate and monitor, and is no superuser")
    lacks = _missing_attributes(account)
    lacks += [] if account.monitors else ["pg_monitor"]
    lacks += ["a password that is still valid"] if account.expired else []
    return Check("account", FAIL, f"{role} lacks {', '.join(lacks)}.", script(statements))


def account_statements(account: Account | None, name: str) -> list[str]:
    """The statements that make the account what it has to be, without its password. Pure."""
    role = identifier(name)
    if account is None:
        return [f"CREATE ROLE {role} LOGIN CREATEROLE REPLICATION", f"GRANT pg_monitor TO {role}"]
    missing = _missing_attributes(account)
    statements = [f"ALTER ROLE {role} {' '.join(missing)}"] if missing else []
    statements += [] if account.monitors else [f"GRANT pg_monitor TO {role}"]
    return statements + ([f"ALTER ROLE {role} VALID UNTIL 'infinity'"] if account.expired else [])


def _missing_attributes(account: Account) -> list[str]:
    wanted = (
        ("NOSUPERUSER", not account.superuser),
        ("LOGIN", account.login),
        ("CREATEROLE", account.createrole),
        ("REPLICATION", account.replication),
    )
    return [attribute for attribute, is_set in wanted if not is_set]


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
