# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real MariaDB servers through the control interface."""

from __future__ import annotations

from typing import Any

from ..servers.control import ServerControl
from .server import Server
from .source import read_source, start_source


def _sql(server: Server, statement: str, database: str = "") -> dict[str, Any]:
    """One statement as the administrator. Values are texts."""
    rows = server.sql(statement, database=database)
    return {"rows": [{key: _text(value) for key, value in row.items()} for row in rows]}


def _script(server: Server, statements: str, database: str = "") -> dict[str, Any]:
    """Several statements as the administrator, separated by semicolons."""
    server.script(statements, database)
    return {"rows": []}


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return None if value is None else str(value)


_CONTROL = ServerControl(
    fleet=lambda world: world.mysql,
    read=read_source,
    start=start_source,
    words={"script": _script, "sql": _sql},
    shown=("host", "port"),
)
overview, add_source, act = _CONTROL.overview, _CONTROL.add_source, _CONTROL.act
