# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A self-managed server to migrate from: what its document has whatever the engine, and how it is shown."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeVar

from .. import documents
from ..errors import DocumentError


@dataclass
class BaseAccount:
    """A login. Which `rights` there are, and which it has by default, is the engine's."""

    name: str
    password: str
    rights: list[str]


@dataclass
class BaseDocument:
    """What every source has. `statements` are SQL to be run in a database, by its name."""

    name: str = "source"
    port: int = 0
    password: str = ""
    accounts: Sequence[BaseAccount] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    statements: dict[str, str] = field(default_factory=dict)


DocumentType = TypeVar("DocumentType", bound=BaseDocument)


class Source(Protocol):
    """A running source, of whatever engine."""

    def as_document(self) -> dict[str, Any]:
        """What a caller needs to use it."""

    def remove(self) -> None:
        """Stop and forget everything."""


def read_document(kind: type[DocumentType], document: Mapping[str, Any], rights: Collection[str]) -> DocumentType:
    """The document of a source whose accounts can have these rights. DocumentError if it cannot be understood."""
    source = documents.read(kind, document, 0.0, "source")
    for account in source.accounts:
        for right in account.rights:
            if right not in rights:
                raise DocumentError(f"source.accounts: {right!r} is none of {', '.join(rights)}")
    return source


def shown(document: BaseDocument, server: Mapping[str, Any]) -> dict[str, Any]:
    """A source as plain data. `server` is what its engine tells: where it is, and how its administrator gets in."""
    return {
        "name": document.name,
        **server,
        "accounts": [asdict(one) for one in document.accounts],
        "databases": document.databases,
    }
