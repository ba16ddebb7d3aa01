# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a source can be reached, and what the given account may do there."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from . import sql
from .report import Check, Section
from .sql import SqlError


@dataclass(frozen=True)
class Source:
    """A server to migrate from, as the caller describes it."""

    address: str
    port: int
    account: str
    password: str

    @property
    def login(self) -> dict[str, Any]:
        """Parameters of libpq."""
        return {"host": self.address, "port": self.port, "user": self.account, "password": self.password}


def connectivity(source: Source) -> Section:
    """The checks in order. After the first that cannot connect there is no more to find out."""
    checks: list[Check] = []
    for check in (_address, _port, _login, _replication_right, _createrole_right, _monitor_right):
        checks.append(check(source))
        if checks[-1].verdict == "error" and "connectable" in checks[-1].name:
            break
    return Section("source connectivity", tuple(checks))


def _address(source: Source) -> Check:
    """A host that refuses a connection is there; one that cannot be resolved or does not answer is not."""
    try:
        socket.create_connection((source.address, source.port), timeout=3).close()
    except (ConnectionRefusedError, ConnectionResetError):
        pass
    except OSError:
        return Check("ip connectable", "error", f"{source.address} is unapproachable")
    return Check("ip connectable")


def _port(source: Source) -> Check:
    try:
        socket.create_connection((source.address, source.port), timeout=3).close()
    except OSError:
        return Check("port connectable", "error", f"{source.port} is unapproachable")
    return Check("port connectable")


def _login(source: Source) -> Check:
    """To every database: a copy needs none of them, the checks do."""
    try:
        for name in databases(source):
            with sql.session(**source.login, dbname=name):
                pass
    except SqlError as error:
        return Check("database connectable", "error", str(error))
    return Check("database connectable")


def databases(source: Source) -> list[str]:
    """The databases that take connections, postgres first. SqlError if the source does not answer."""
    with sql.session(**source.login, dbname="postgres") as session:
        rows = session.rows(
            "select datname from pg_database where datallowconn order by datname <> 'postgres', datname"
        )
        return [row["datname"] for row in rows]


def _has_right(source: Source, condition: str) -> bool:
    with sql.session(**source.login, dbname="postgres") as session:
        return bool(session.value(f"select rolsuper or {condition} from pg_roles where rolname = current_user"))


def _replication_right(source: Source) -> Check:
    """The right, and a line for it in pg_hba.conf: only an attempt shows both."""
    name = "account replication privilege"
    if not _has_right(source, "rolreplication"):
        return Check(name, "error", f"{source.account} has no replication privilege")
    refusal = sql.replication_refusal(**source.login)
    return Check(name, "error", refusal) if refusal else Check(name)


def _createrole_right(source: Source) -> Check:
    if _has_right(source, "rolcreaterole"):
        return Check("account createrole privilege")
    return Check("account createrole privilege", "error", f"{source.account} has no createrole privilege")


def _monitor_right(source: Source) -> Check:
    if _has_right(source, "pg_has_role(current_user, 'pg_monitor', 'member')"):
        return Check("account monitor privilege")
    return Check("account monitor privilege", "error", f"{source.account} is not a member of pg_monitor")
