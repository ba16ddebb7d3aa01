# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real PostgreSQL servers through the control interface."""

from __future__ import annotations

from typing import Any

from ..servers.control import ServerControl
from .server import Server
from .source import read_source, start_source

_CUT = "select count(pg_terminate_backend(pid)) from pg_stat_replication"


def _cut(server: Server) -> dict[str, Any]:
    """End every replication connection to this server, once."""
    with server.admin() as admin:
        return {"ended": admin.value(_CUT)}


def _configure(server: Server, settings: dict[str, str] | None = None, hba: list[str] | None = None) -> None:
    """Other settings and lines of pg_hba.conf, as far as they need no restart."""
    server.settings.update(settings or {})
    server.hba = server.hba if hba is None else hba
    server.reload()


def _sql(server: Server, statement: str, database: str = "postgres") -> dict[str, Any]:
    """As the superuser. Values are texts."""
    with server.admin(database) as admin:
        rows = admin.rows(statement)
    return {"rows": [{key: None if value is None else str(value) for key, value in row.items()} for row in rows]}


_CONTROL = ServerControl(
    fleet=lambda world: world.postgresql,
    read=read_source,
    start=start_source,
    words={"configure": _configure, "cut": _cut, "sql": _sql},
    shown=("port",),
)
overview, add_source, act = _CONTROL.overview, _CONTROL.add_source, _CONTROL.act
