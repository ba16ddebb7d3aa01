# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an instance import is asked for, and whether that can be meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._failure import refuse_options
from .._waiting import Patience, wrong_times

_RESTORE_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z"


class Request(NamedTuple):
    """What the task asks for. databases: {source name: target name}. Times in seconds."""

    source: str
    target: str
    databases: Mapping[str, str]
    method: str = "auto"
    backup_id: str = ""
    restore_time: str = ""
    sync_user_privilege: bool = False
    max_backup_age: float = 3600.0
    on_existing: str = "accept"
    start_grace: float = 300.0
    settle: float = 60.0
    wait: bool = True
    patience: Patience = Patience(timeout=21600.0, interval=15.0)

    @property
    def may_import(self) -> bool:
        return self.method in ("auto", "import")

    @property
    def may_copy(self) -> bool:
        return self.method in ("auto", "copy")


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    problems: list[str] = []
    names = _names(options["databases"], problems)
    source, target = options["source_instance_id"].strip(), options["instance_id"].strip()
    if not source or not target:
        problems.append("instance_id and source_instance_id must not be empty")
    elif source == target:
        problems.append(f"instance_id and source_instance_id are the same instance, {source}")
    backup_id, restore_time = options.get("backup_id") or "", options.get("restore_time") or ""
    if backup_id and restore_time:
        problems.append("backup_id and restore_time exclude each other")
    if restore_time and not _is_moment(restore_time):
        problems.append("restore_time is not of the form 2026-01-31T23:59:59Z (UTC)")
    if options["method"] == "import" and (backup_id or restore_time or options["sync_user_privilege"]):
        problems.append("backup_id, restore_time and sync_user_privilege belong to method copy, not import")
    problems += wrong_times(options, ("wait_timeout", "poll_interval", "settle", "start_grace", "max_backup_age"))
    refuse_options(problems)
    return Request(
        source=source,
        target=target,
        databases=names,
        method=options["method"],
        backup_id=backup_id,
        restore_time=restore_time,
        sync_user_privilege=options["sync_user_privilege"],
        max_backup_age=options["max_backup_age"],
        on_existing=options["on_existing"],
        start_grace=options["start_grace"],
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
    )


def _names(value: Any, problems: list[str]) -> dict[str, str]:
    """{source: target} from a list of names or a mapping. YAML makes numbers of names that are not quoted."""
    if isinstance(value, list):
        pairs = [(name, name) for name in value]
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        problems.append("databases must be a list of names or a mapping of source to target names")
        return {}
    if not pairs:
        problems.append("databases is empty")
    wrong = [repr(n) for pair in pairs for n in pair if not isinstance(n, str) or not n]
    if wrong:
        problems.append(f"databases holds what is no name, quote it: {', '.join(dict.fromkeys(wrong))}")
        return {}
    for side, chosen in (("source", [s for s, _t in pairs]), ("target", [t for _s, t in pairs])):
        twice = sorted({name for name in chosen if [n.casefold() for n in chosen].count(name.casefold()) > 1})
        if twice:
            problems.append(f"databases names a {side} more than once (case does not count): {', '.join(twice)}")
    return dict(pairs)


def _is_moment(text: str) -> bool:
    """Of the one form that the service takes, and a day and time that exist."""
    from datetime import datetime

    try:
        datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return False
    return re.fullmatch(_RESTORE_TIME, text) is not None
