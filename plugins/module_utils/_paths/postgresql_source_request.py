# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a task of postgresql_source asks for: its options, read and judged before anything else."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._databases.postgresql_connection import SSL_MODES, Server
from .._databases.postgresql_errors import OptionNames
from .._databases.postgresql_source_freeze import BACKGROUND, STILL, Keep, read_keep
from .._databases.postgresql_source_settings import SETTINGS
from .._failure import refuse_options
from .._waiting import wrong_times

CHECKED, PREPARED, QUIET, FROZEN, WRITABLE = "checked", "prepared", "quiet", "frozen", "writable"
STATES = (CHECKED, PREPARED, QUIET, FROZEN, WRITABLE)
# Of update_password: the password is sent whether or not the server has it already.
ALWAYS = "always"
SERVER_OPTIONS: dict[str, dict[str, Any]] = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "user": {"type": "str", "required": True},
    "password": {"type": "str", "no_log": True},
    "database": {"type": "str", "default": "postgres"},
    "ssl_mode": {"type": "str", "choices": list(SSL_MODES), "default": "prefer"},
    "ca_cert": {"type": "path"},
}
_TIMES = ("connect_timeout", "statement_timeout", "long_transaction", "quiet_interval", "wait_timeout")


class Request(NamedTuple):
    """Times in seconds. accepted: the kinds of intervals that count for the proof of a frozen source."""

    state: str
    server: Server
    target: Server | None
    account: str | None
    account_password: str | None
    update_password: str
    target_cidr: str | None
    target_version: int | None
    target_extensions: dict[str, str] | None
    reserved_roles: tuple[str, ...] | None
    wal_keep_size: int
    long_transaction: float
    settings: dict[str, str]
    keep: tuple[Keep, ...]
    quiet_interval: float
    accepted: tuple[str, ...]
    wait_timeout: float


def read_server(options: Mapping[str, Any], *, label: str, prefix: str = "") -> Server:
    """The options of a connection as a Server. prefix: "target." where they are within an option."""
    return Server(
        host=options["host"],
        port=options["port"],
        user=options["user"],
        password=options["password"],
        database=options["database"],
        ssl_mode=options["ssl_mode"],
        ca_cert=options["ca_cert"],
        connect_timeout=options.get("connect_timeout") or 10,
        statement_timeout=options.get("statement_timeout") or 0,
        # One name for the sessions of one run, by which it knows its own.
        application_name=f"apsaradb.migration {os.getpid()}",
        label=label,
        names=OptionNames(prefix),
    )


def server_problems(options: Mapping[str, Any], prefix: str = "") -> list[str]:
    """What is wrong with the options of a connection."""
    problems = [f"{prefix}{name} must not be empty" for name in ("host", "user", "database") if not options[name]]
    if not 0 < options["port"] < 65536:
        problems.append(f"{prefix}port must be between 1 and 65535")
    if options["ssl_mode"] not in SSL_MODES:
        problems.append(f"{prefix}ssl_mode must be one of {', '.join(SSL_MODES)}")
    names = ("host", "user", "password", "database")
    problems += [f"{prefix}{name} holds a character with code 0" for name in names if "\0" in (options[name] or "")]
    return problems


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest that names everything that is wrong."""
    target, problems = options["target"], [*server_problems(options), *_problems(options)]
    if target:
        problems += server_problems(target, "target.")
    refuse_options(problems)
    extensions = options["target_extensions"]
    return Request(
        state=options["state"],
        server=read_server(options, label="the source"),
        target=read_server({**options, **target}, label="the target", prefix="target.") if target else None,
        account=options["account"],
        account_password=options["account_password"],
        update_password=options["update_password"],
        target_cidr=options["target_cidr"],
        target_version=options["target_version"],
        target_extensions=None if extensions is None else dict.fromkeys(extensions, ""),
        reserved_roles=None if options["reserved_roles"] is None else tuple(options["reserved_roles"]),
        wal_keep_size=options["wal_keep_size"],
        long_transaction=options["long_transaction"],
        settings={str(name): str(value) for name, value in (options["server_settings"] or {}).items()},
        keep=tuple(read_keep(options["keep_sessions"])),
        quiet_interval=options["quiet_interval"],
        accepted=(STILL,) if options["wal_proof"] == "still" else (STILL, BACKGROUND),
        wait_timeout=options["wait_timeout"],
    )


def _problems(options: Mapping[str, Any]) -> list[str]:
    problems = wrong_times(options, _TIMES)
    if options["quiet_interval"] <= 0:
        problems.append("quiet_interval must be more than 0 seconds")
    if options["target_cidr"] is not None:
        try:
            ipaddress.ip_network(options["target_cidr"], strict=False)
        except ValueError:
            problems.append(f"target_cidr is no network such as 10.0.0.0/8: {options['target_cidr']!r}")
    if options["account"] is not None and not 0 < len(options["account"].encode()) < 64:
        problems.append("account must be a name of 1 to 63 bytes")
    if options["account"] is not None and (options["account"].startswith("pg_") or "\0" in options["account"]):
        problems.append("account must not begin with pg_, which PostgreSQL keeps for itself")
    if options["account"] and options["account"] == options["user"]:
        problems.append("account is the migration account and user another one, which administers the server")
    unknown = sorted(set(options["server_settings"] or {}) - SETTINGS)
    if unknown:
        problems.append(f"server_settings may hold {', '.join(sorted(SETTINGS))}, not {', '.join(map(repr, unknown))}")
    return problems
