# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real server holds, in the form of the world's entries."""

from __future__ import annotations

from collections.abc import Collection

from ..model import Database, DatabaseAccount, Instance
from .server import Server

SYSTEM_DATABASES = ("information_schema", "mysql", "performance_schema", "sys")
_DATABASES = """
select s.schema_name as name, s.default_character_set_name as character_set,
       coalesce((select sum(t.data_length + t.index_length) from information_schema.tables t
                  where t.table_schema = s.schema_name and t.table_rows > 0), 0) as size
  from information_schema.schemata s where s.schema_name not in %s order by 1
"""
_ACCOUNTS = """
select user as name, max(super_priv = 'Y') as super from mysql.user
 where user not in ('', 'mariadb.sys', %s) and is_role = 'N' group by user order by user
"""
_TABLES = """
select table_name as name from information_schema.tables
 where table_schema = %s and table_type in ('BASE TABLE', 'SYSTEM VERSIONED') order by 1
"""
# Settings that a precheck looks at.
_PARAMETERS = ("binlog_format", "binlog_row_image", "log_bin", "server_id")


def tables_of(server: Server, database: str) -> list[str]:
    """The tables of a database by name, views left out. ServerError if the server cannot be asked."""
    return [str(row["name"]) for row in server.sql(_TABLES, database)]


def refresh_instance(instance: Instance, server: Server, with_tables: Collection[str] = ()) -> None:
    """Bring an instance's entry up to what its server says. ServerError if it does not answer.

    `with_tables` are the databases whose tables are wanted by name too. A database without rows has size 0.
    """
    with server.admin(connect_timeout=2, read_timeout=5) as admin:
        databases = admin.rows(_DATABASES, SYSTEM_DATABASES)
        accounts = admin.rows(_ACCOUNTS, server.admin_user)
        parameters = admin.rows("show global variables where variable_name in %s", _PARAMETERS)
    instance.parameters.update({row["Variable_name"]: row["Value"] for row in parameters})
    known = instance.databases
    instance.databases = {
        row["name"]: known.get(row["name"], Database(character_set=row["character_set"])) for row in databases
    }
    for row in databases:
        entry = instance.databases[row["name"]]
        entry.size = int(row["size"])
        if row["name"] in with_tables:
            entry.tables = tables_of(server, row["name"])
    described = {one.name: one for one in instance.accounts}
    instance.accounts = [
        described.get(row["name"], DatabaseAccount(row["name"], "Super" if row["super"] else "Normal", console=False))
        for row in accounts
    ]
