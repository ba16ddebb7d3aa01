# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Settings of the source that the migration may need changed: how they stand, and ALTER SYSTEM for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from .._failure import MigrationFailure
from .postgresql_connection import Session
from .postgresql_source import optional

# Nothing else is set on anybody's server.
SETTINGS = frozenset(
    "listen_addresses max_replication_slots max_slot_wal_keep_size max_wal_senders wal_keep_segments wal_keep_size "
    "wal_level wal_sender_timeout".split()
)


class Setting(NamedTuple):
    """equal: it is, or will be after a restart, what is wanted. pending: only after a restart.

    normal: the wanted value as the server will write it.
    """

    name: str
    wanted: str
    normal: str
    value: str
    equal: bool
    pending: bool
    needs_restart: bool


def read_settings(session: Session, wanted: Mapping[str, str]) -> list[Setting]:
    """How the wanted settings stand. Raises MigrationFailure for one that this version does not have."""
    rows = {
        row[0]: row[1:]
        for row in session.read(
            "SELECT name, setting, unit, context, pending_restart, vartype FROM pg_catalog.pg_settings"
            " WHERE name = ANY(%s)",
            [list(wanted)],
        )
    }
    missing = sorted(set(wanted) - set(rows))
    if missing:
        raise MigrationFailure(
            f"PostgreSQL {session.major} has no setting {', '.join(missing)}.",
            code="invalid_options",
            remedy="Correct server_settings.",
        )
    coming = _coming(session)
    found = []
    for name, text in sorted(wanted.items()):
        value, unit, context, pending, kind = rows[name]
        known = _same(kind, unit, text, value)
        later = pending and name in coming and _same(kind, unit, text, coming[name])
        found.append(
            Setting(
                name,
                text,
                _normal(kind, unit, text),
                value,
                known or later,
                later and not known,
                context == "postmaster",
            )
        )
    return found


def _coming(session: Session) -> dict[str, str]:
    """What the configuration files say, whether or not the server uses it yet; empty if they may not be read."""
    rows = optional(session, "SELECT name, setting FROM pg_catalog.pg_file_settings WHERE error IS NULL OR NOT applied")
    return {name: setting for name, setting in rows or [] if setting is not None}


def _same(kind: str, unit: str | None, wanted: str, value: str) -> bool:
    """Whether two notations mean one value: 1GB is 1024 in the unit MB, 60s is 60000 in the unit ms."""
    return wanted.strip() == value or _number(kind, unit, wanted) == _number(kind, unit, value)


def _normal(kind: str, unit: str | None, wanted: str) -> str:
    number, one = _number(kind, unit, wanted), _number(kind, unit, "1")
    if not isinstance(number, (float, int)) or not isinstance(one, (float, int)):
        return wanted.strip()
    return f"{number if number < 0 else number / one:g}"


def _number(kind: str, unit: str | None, text: str) -> object:
    if kind not in ("integer", "real"):
        return text.strip()
    times = {"us": 0.001, "ms": 1, "s": 1000, "min": 60000, "h": 3600000, "d": 86400000}
    sizes = {"B": 1, "kB": 2**10, "8kB": 2**13, "MB": 2**20, "16MB": 2**24, "GB": 2**30, "TB": 2**40}
    factors = times if unit in times else sizes
    found = re.fullmatch(r"\s*(-?[0-9.]+)\s*([a-zA-Z]*)\s*", text)
    if not found or (found[2] and found[2] not in factors):
        return text.strip()
    # -1 says "no limit" whatever the unit.
    number = float(found[1])
    return number if number < 0 or not unit else number * factors.get(found[2] or unit, 1)


def set_setting(session: Session, name: str, value: str) -> None:
    """ALTER SYSTEM. A list of addresses is given as a list, or its commas would be part of one address."""
    values = [part.strip() for part in value.split(",")] if name == "listen_addresses" else [value]
    session.write(f"ALTER SYSTEM SET {name} TO {', '.join(map(session.literal, values))}")
