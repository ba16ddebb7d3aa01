# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an account of a real server may do, by the server's own word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .server import Server

# What MariaDB calls a right that MySQL, and the service's documentation, call otherwise.
_OTHER_NAMES = {"REPLICATION CLIENT": {"REPLICATION CLIENT", "BINLOG MONITOR"}}
_GRANTEE = "substring_index(grantee, '@', 1) = concat('''', %s, '''')"
_OF_SERVER = f"select privilege_type as kind from information_schema.user_privileges where {_GRANTEE}"


def missing_rights(
    server: Server, account: str, everywhere: Iterable[str], inside: Iterable[str], databases: Sequence[str]
) -> list[str]:
    """The rights that an account lacks, such as `REPLICATION SLAVE` or `SELECT on orders`; roles are not looked at.

    `everywhere` are rights on the whole server, `inside` those on each of `databases` (or on some of its tables: which
    ones is the caller's business). ServerError if the server cannot be asked.
    """
    with server.admin(read_timeout=5) as admin:
        of_server = {row["kind"] for row in admin.rows(_OF_SERVER, account)}
        of_databases = admin.rows(
            "select table_schema as place, privilege_type as kind from information_schema.schema_privileges"
            f" where {_GRANTEE} union select table_schema, privilege_type from information_schema.table_privileges"
            f" where {_GRANTEE}",
            account,
            account,
        )
    held = {(_plain(row["place"]), row["kind"]) for row in of_databases}
    missing = [right for right in everywhere if not _names(right) & of_server]
    for right in inside:
        if not _names(right) & of_server:
            missing += [f"{right} on {name}" for name in databases if (name, right) not in held]
    return missing


def _names(right: str) -> set[str]:
    return _OTHER_NAMES.get(right, {right})


def _plain(pattern: str) -> str:
    """The name of a database that a right was granted on; one with real wildcards stands for itself only."""
    return pattern.replace("\\_", "_").replace("\\%", "%").replace("\\\\", "\\")
