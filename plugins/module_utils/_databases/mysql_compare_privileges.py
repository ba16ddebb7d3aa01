# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an account may see of a MySQL or MariaDB server.

The servers leave out of information_schema, without a word, what an account has no privilege for. Two servers that both
show nothing would be taken for equal, so what the account may see is read from its grants.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .mysql_connection import Session, identifier
from .mysql_errors import MySqlFailure

_GRANT = re.compile(r"(GRANT|REVOKE) (.+?) ON (?:TABLE )?((?:`(?:[^`]|``)+`|\*)\.(?:`(?:[^`]|``)+`|\*)) (?:TO|FROM) ")
# One of each group shows all of a kind. Those with a star have to be for all databases.
_READING = ("SELECT",)
# Constraints are shown to whoever may do more with a table than reading it.
_MORE_THAN_READING = tuple("TRIGGER,SHOW VIEW,INSERT,UPDATE,DELETE,REFERENCES,ALTER,INDEX,CREATE,DROP".split(","))
_ROUTINES = ("EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", "*.SELECT", "*.SHOW_ROUTINE")
NEEDED: Mapping[str, Sequence[Sequence[str]]] = {
    "tables": (_READING,),
    "indexes": (_READING,),
    "constraints": (_READING, _MORE_THAN_READING),
    "sequences": (_READING,),
    "sequence_values": (_READING,),
    "contents": (_READING,),
    "views": (("SHOW VIEW",),),
    "routines": (_ROUTINES,),
    "triggers": (("TRIGGER",),),
    "events": (("EVENT",),),
    "definers": (("SHOW VIEW",), _ROUTINES, ("TRIGGER",), ("EVENT",)),
}


class Grant(NamedTuple):
    """revoked: taken away for one database from what is granted for all. database: a pattern of LIKE, or `*`."""

    privileges: frozenset[str]
    database: str
    revoked: bool = False


def of_account(session: Session) -> list[Grant]:
    """What is granted on whole databases, by the account's roles as well."""
    return grants(text for (text, *_rest) in session.read(f"SHOW GRANTS{_with_roles(session)}"))


def _with_roles(session: Session) -> str:
    """MySQL tells what roles grant only when they are named; MariaDB tells it for the current one."""
    if session.is_mariadb or session.number < (8, 0, 0):
        return ""
    try:
        roles = str(session.value("SELECT CURRENT_ROLE()") or "NONE")
    except MySqlFailure:
        return ""
    names = re.findall(r"`((?:[^`]|``)*)`@`((?:[^`]|``)*)`", roles)
    quoted = (f"{identifier(name.replace('``', '`'))}@{identifier(host.replace('``', '`'))}" for name, host in names)
    return f" FOR CURRENT_USER() USING {', '.join(quoted)}" if names else ""


def grants(lines: Iterable[str]) -> list[Grant]:
    """Of the lines of SHOW GRANTS; those on single tables, columns and routines are left out. Pure."""
    found = []
    for line in lines:
        match = _GRANT.match(str(line))
        if match is None:
            continue
        verb, privileges, place = match.groups()
        database, _dot, rest = place.rpartition(".")
        # A column list makes it a grant on columns.
        if rest == "*" and "(" not in privileges:
            name = database if database == "*" else database[1:-1].replace("``", "`")
            words = frozenset(word.strip() for word in privileges.split(","))
            found.append(Grant(words, name, verb == "REVOKE"))
    return found


def may(account: Sequence[Grant], privilege: str, database: str) -> bool:
    """Whether the account has a privilege on all of a database; `*` stands for all of them. Pure."""
    if any(_covers(grant, privilege) and grant.revoked and _is(grant.database, database) for grant in account):
        return False
    return any(
        _covers(grant, privilege) and not grant.revoked and (grant.database == "*" or _is(grant.database, database))
        for grant in account
    )


def _covers(grant: Grant, privilege: str) -> bool:
    return privilege in grant.privileges or bool(grant.privileges & {"ALL PRIVILEGES", "ALL"})


def _is(pattern: str, database: str) -> bool:
    """Whether a pattern of LIKE is this database."""
    escaped = {"\\%": "%", "\\_": "_", "\\\\": "\\\\", "%": ".*", "_": "."}
    parts = re.split(r"(\\[%_\\]|[%_])", pattern)
    text = "".join(escaped.get(part, re.escape(part)) for part in parts)
    return re.fullmatch(text, database, re.DOTALL) is not None


def unseen(account: Sequence[Grant], kind: str, database: str) -> str:
    """Which privilege is missing to see all of a kind in a database; empty if none is. Pure."""
    for group in NEEDED.get(kind, ()):
        if not any(may(account, name.removeprefix("*."), "*" if name.startswith("*.") else database) for name in group):
            return " or ".join(name for name in group if not name.startswith("*."))
    return ""
