# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a backup of SQL Server databases is asked for, and whether that can be meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._databases.sqlserver_backup_statements import DIFFERENTIAL, FULL, LOG, Wish
from .._databases.sqlserver_connection import Endpoint
from .._databases.sqlserver_language import split_names
from .._failure import refuse_options
from .._waiting import Patience, wrong_times

# Seconds for which a backup counts as done. What a log backup misses is lost at the cut-over: it is always made anew.
_MAX_AGES = {FULL: 86400.0, DIFFERENTIAL: 3600.0, LOG: 0.0}


class Request(NamedTuple):
    """What the task asks for. databases: () for all user databases. Times in seconds."""

    endpoint: Endpoint
    databases: tuple[str, ...]
    exclude: tuple[str, ...]
    folder: str
    wish: Wish = Wish()  # frozen
    max_age: float = 86400.0
    check_database: bool = False
    verify: bool = False
    go_on: bool = True
    settle: float = 60.0
    wait: bool = True
    patience: Patience = Patience(timeout=21600.0, interval=15.0)

    def excludes(self, database: str) -> bool:
        """Patterns know * and ? only: brackets are ordinary characters of names. Case does not count."""
        return any(re.fullmatch(_as_expression(p), database, re.IGNORECASE | re.DOTALL) for p in self.exclude)


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    problems: list[str] = []
    kind = options["type"]
    names = _names(options["databases"], problems)
    endpoint = _endpoint(options, problems)
    problems += _wrong_backups(options, names)
    times = {**options, "max_age": _MAX_AGES[kind] if options["max_age"] is None else options["max_age"]}
    problems += wrong_times(times, ("wait_timeout", "poll_interval", "settle", "max_age"))
    refuse_options(problems)
    return Request(
        endpoint=endpoint,
        databases=tuple(names),
        exclude=tuple(options["exclude"]),
        folder=options["folder"].strip(),
        wish=_wish(options),
        max_age=times["max_age"],
        check_database=options["check_database"],
        verify=options["verify"],
        go_on=options["on_error"] == "continue",
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
    )


def _endpoint(options: Mapping[str, Any], problems: list[str]) -> Endpoint:
    """The server; `host\\instance` in host is taken apart."""
    host, instance = (options["host"] or "").strip(), (options["instance"] or "").strip()
    if "\\" in host and not instance:
        host, instance = host.split("\\", 1)
    if not host:
        problems.append("host must not be empty")
    if instance and options["port"]:
        problems.append("port and instance exclude each other")
    if options["port"] is not None and not 0 < options["port"] < 65536:
        problems.append("port must be a number from 1 to 65535")
    if options["login_timeout"] < 1:
        problems.append("login_timeout must be at least 1 second")
    return Endpoint(
        host=host,
        instance=instance,
        port=options["port"],
        user=options["user"],
        password=options["password"],
        encryption=options["encryption"],
        login_timeout=options["login_timeout"],
        tds_version=options["tds_version"] or "",
    )


def _wrong_backups(options: Mapping[str, Any], names: list[str]) -> list[str]:
    """What is wrong with what is to be backed up, how, and to where."""
    problems = []
    if not options["folder"].strip():
        problems.append("folder must not be empty")
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", options["folder"]):
        problems.append("folder is a URL; backups go to a folder that the server can write to")
    if options["copy_only"] and options["type"] == DIFFERENTIAL:
        problems.append("copy_only does not go with type differential: SQL Server ignores it")
    if any("\x00" in text for text in (*names, options["folder"], *options["exclude"])):
        problems.append("databases, exclude and folder must not hold the character 0")
    return problems


def _wish(options: Mapping[str, Any]) -> Wish:
    """A full backup takes no part in the chain of others unless the task says so."""
    kind, copy_only = options["type"], options["copy_only"]
    return Wish(
        kind=kind,
        copy_only=kind == FULL if copy_only is None else copy_only,
        checksum=options["checksum"],
        compression=options["compression"],
    )


def _names(value: Any, problems: list[str]) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        try:
            return _once(split_names(value), problems)
        except ValueError as error:
            problems.append(f"databases cannot be read: {error}")
            return []
    if not isinstance(value, list):
        problems.append("databases must be a list of names, or a text with names parted by commas or semicolons")
        return []
    wrong = [repr(name) for name in value if not isinstance(name, str) or not name]
    if wrong:
        problems.append(f"databases holds what is no name, quote it: {', '.join(dict.fromkeys(wrong))}")
        return []
    return _once(value, problems)


def _once(names: list[str], problems: list[str]) -> list[str]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"databases names more than once: {', '.join(twice)}")
    return names


def _as_expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in pattern)
