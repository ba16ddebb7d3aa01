# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A self-managed server to migrate from: no part of the service, but what a test or a rehearsal needs beside it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..servers.errors import ServerError
from ..servers.server import removed_on_failure
from ..servers.source import BaseAccount, BaseDocument, read_document, shown
from . import binaries
from .fleet import require_psycopg
from .server import DEFAULT_HBA, SUPERUSER, Server
from .sql import literal, quoted

_RIGHTS = {
    "createdb": "alter role {} createdb",
    "createrole": "alter role {} createrole",
    "monitor": "grant pg_monitor to {}",
    "replication": "alter role {} replication",
    "superuser": "alter role {} superuser",
}
MIGRATION_RIGHTS = ("replication", "createrole", "monitor")
# A source that is ready to be migrated; `settings` of a document go on top.
READY_SETTINGS = {"wal_level": "replica", "wal_keep_size": "1024MB", "max_wal_senders": "10"}


@dataclass
class SourceAccount(BaseAccount):
    """A login. `rights` are createdb, createrole, monitor, replication, superuser; by default those of a migration."""

    rights: list[str] = field(default_factory=lambda: list(MIGRATION_RIGHTS))


@dataclass
class SourceDocument(BaseDocument):
    """A source. `major` is the version (default: the one of new instances), `password` that of the superuser postgres.

    `hba` are lines of pg_hba.conf (default: every account with its password from this computer, also for
    replication).
    """

    major: int | None = None
    settings: dict[str, str] = field(default_factory=dict)
    hba: list[str] = field(default_factory=lambda: list(DEFAULT_HBA))
    accounts: list[SourceAccount] = field(default_factory=list)


class SourceServer(Server):
    """A running source and what it was made from."""

    document: SourceDocument

    def as_document(self) -> dict[str, Any]:
        """What a caller needs to use it: address, superuser and accounts with their passwords, where the log is."""
        login = {"superuser": self.superuser, "password": self.document.password}
        return shown(self.document, {**self.described(), **login})


def read_source(document: Mapping[str, Any]) -> SourceDocument:
    """DocumentError if it cannot be understood."""
    return read_document(SourceDocument, document, _RIGHTS)


def start_source(document: SourceDocument) -> SourceServer:
    """Make and start it. ServerError if that cannot be done here; then nothing is left."""
    require_psycopg()
    found = binaries.found()
    major = document.major or binaries.preferred_major()
    if major not in found:
        raise ServerError(f"no programs of PostgreSQL {major}: {binaries.MISSING}")
    document.password = document.password or secrets.token_hex(12)
    settings = {**READY_SETTINGS, **document.settings}
    if major < 13 and "wal_keep_size" not in document.settings:
        settings["wal_keep_segments"] = str(int(settings.pop("wal_keep_size").removesuffix("MB")) // 16)
    server = SourceServer(found[major], document.name, settings, document.hba, document.port)
    server.document = document
    with removed_on_failure(server):
        server.initialise(document.password)
        server.start()
        _fill(server, document)
    return server


def _fill(server: Server, document: SourceDocument) -> None:
    with server.admin() as admin:
        for account in document.accounts:
            name = quoted(account.name)
            if account.name != SUPERUSER:
                admin.run(f"create role {name} login")
            admin.run(f"alter role {name} password {literal(account.password)}")
            for right in account.rights:
                admin.run(_RIGHTS[right].format(name))
        for database in document.databases:
            admin.run(f"create database {quoted(database)}")
    for database, statements in document.statements.items():
        with server.admin(database) as session:
            session.run(statements)
