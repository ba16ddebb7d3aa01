# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A self-managed server to migrate from: no part of the service, but what a test or a rehearsal needs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import DocumentError
from ..servers.server import removed_on_failure
from ..servers.source import BaseAccount, BaseDocument, read_document, shown
from . import binaries
from .fleet import ENGINES, create_account, create_database, require_possible
from .server import Server

_RIGHTS = {
    "all": "all privileges",
    "lock tables": "lock tables",
    "reload": "reload",
    "replication client": "replication client",
    "replication slave": "replication slave",
    "select": "select",
    "show view": "show view",
    "write": "insert, update, delete, create, drop, index, alter, references",
}
MIGRATION_RIGHTS = ("replication client", "replication slave", "show view", "select")


@dataclass
class SourceAccount(BaseAccount):
    """A login from anywhere. `rights` hold for the whole server; by default they are those that a migration needs."""

    rights: list[str] = field(default_factory=lambda: list(MIGRATION_RIGHTS))


@dataclass
class SourceDocument(BaseDocument):
    """A source. `engine` is MySQL or MariaDB: what it stands for. `password` is that of the administrator root.

    `settings` are options of mariadbd (`binlog_format: ROW`; `log_bin: null` for no binary log).
    """

    engine: str = "MySQL"
    settings: dict[str, str | None] = field(default_factory=dict)
    accounts: list[SourceAccount] = field(default_factory=list)


class SourceServer(Server):
    """A running source and what it was made from."""

    document: SourceDocument

    def as_document(self) -> dict[str, Any]:
        """What a caller needs to use it: address, administrator and accounts with their passwords, where the log is."""
        login = {"administrator": self.admin_user, "password": self.admin_password}
        return shown(self.document, {"engine": self.document.engine, **self.described(), **login})


def read_source(document: Mapping[str, Any]) -> SourceDocument:
    """DocumentError if it cannot be understood."""
    source = read_document(SourceDocument, document, _RIGHTS)
    if source.engine not in ENGINES:
        raise DocumentError(f"source.engine: {source.engine!r} is none of {', '.join(ENGINES)}")
    return source


def start_source(document: SourceDocument) -> SourceServer:
    """Make and start it. ServerError if that cannot be done here; then nothing is left."""
    require_possible()
    programs = binaries.found()
    assert programs is not None
    server = SourceServer(programs, document.name, document.settings, document.port, document.password)
    server.document = document
    with removed_on_failure(server):
        server.initialise()
        _fill(server, document)
    return server


def _fill(server: Server, document: SourceDocument) -> None:
    with server.admin() as admin:
        for account in document.accounts:
            create_account(admin, account.name, account.password)
            for right in account.rights:
                admin.run(f"grant {_RIGHTS[right]} on *.* to %s@'%%'", account.name)
        for database in document.databases:
            create_database(admin, database)
    for database, statements in document.statements.items():
        server.script(statements, database)
