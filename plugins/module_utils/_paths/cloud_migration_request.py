# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a task wants of a cloud migration, read from its options."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .._alibaba.rds_cloud_migration import Source, is_lsn
from .._failure import broken_texts, refuse_options
from .._waiting import Patience, wrong_times

ASSESSED, REPLICATING, SWITCHED = "assessed", "replicating", "switched"


class Request(NamedTuple):
    """Times in seconds, max_lag in bytes. The password of the source is kept elsewhere: this may be shown.

    account, category: empty where they are not given; only what creates something needs them. reach_lsn: the position
    that the target has to have replayed before the switch, or empty. switch: parameters of the activation.
    switch_choices: those options of it that were not left as they are. weak_secret: the password would blank other
    values when it is masked.
    """

    instance_id: str
    source: Source
    state: str
    task_name: str
    account: str = ""
    category: str = ""
    has_password: bool = True
    assessment_max_age: float = 86400.0
    max_lag: int = 0
    max_lag_seconds: float | None = None
    reach_lsn: str = ""
    switch: Mapping[str, str] = MappingProxyType({})
    switch_choices: Mapping[str, str] = MappingProxyType({})
    accept: frozenset[str] = frozenset()
    enforce: bool = True
    stall_timeout: float = 1800.0
    settle: float = 60.0
    wait: bool = True
    patience: Patience = Patience(timeout=21600.0, interval=15.0)
    weak_secret: bool = False


_SWITCH = (
    ("switch_time_mode", "SwitchTimeMode", "0"),
    ("force_switch", "ForceSwitch", "1"),
    ("switch_time", "SwitchTime", None),
)


def password_of(options: Mapping[str, Any]) -> str:
    return options["source"].get("password") or ""


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    refuse_options(broken_texts(options))
    problems: list[str] = []
    source = _source(options["source"], problems)
    instance_id = options["instance_id"].strip()
    if not instance_id:
        problems.append("instance_id is empty")
    times = ["wait_timeout", "poll_interval", "settle", "stall_timeout", "assessment_max_age"]
    problems += wrong_times(options, times + ["max_lag_seconds"] * (options.get("max_lag_seconds") is not None))
    if options["max_lag"] < 0:
        problems.append("max_lag is a number of bytes from 0")
    reach = (options.get("reach_lsn") or "").strip()
    if reach and not is_lsn(reach):
        problems.append("reach_lsn is not a WAL position such as 1/5E2A0B8")
    refuse_options(problems)
    switch = {key: options.get(name) or default for name, key, default in _SWITCH}
    return Request(
        instance_id=instance_id,
        source=source,
        state=options["state"],
        task_name=(options.get("task_name") or "").strip() or default_task_name(instance_id, source),
        account=(options["source"].get("account") or "").strip(),
        category=(options["source"].get("category") or "").strip(),
        has_password=bool(password_of(options)),
        assessment_max_age=options["assessment_max_age"],
        max_lag=options["max_lag"],
        max_lag_seconds=options.get("max_lag_seconds"),
        reach_lsn=reach,
        switch={key: value for key, value in switch.items() if value is not None},
        switch_choices={
            name: options[name] for name, _k, default in _SWITCH if options.get(name) not in (None, default)
        },
        accept=frozenset(options["accept"]),
        enforce=options["preflight"] == "enforce",
        stall_timeout=options["stall_timeout"],
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
        weak_secret=_is_weak(options),
    )


def default_task_name(instance_id: str, source: Source) -> str:
    """The same for the same source and target. Of the characters that names have in the service's samples."""
    return "migrate" + hashlib.sha256(f"{instance_id} {source}".encode()).hexdigest()[:10]


def _source(given: Mapping[str, Any], problems: list[str]) -> Source:
    host, port = (given.get("host") or "").strip().casefold(), given.get("port")
    if not re.fullmatch(r"[a-z0-9_.:%-]{1,253}", host):
        problems.append("source.host is not an address without scheme, port and spaces")
    if not isinstance(port, int) or not 1 <= port <= 65535:
        problems.append("source.port is not a number from 1 to 65535")
        port = 0
    return Source(host, port)


def _is_weak(options: Mapping[str, Any]) -> bool:
    """Ansible masks the password wherever it occurs, also in names and ids that it is a part of."""
    password, source = password_of(options), options["source"]
    shown = [options["instance_id"], options.get("task_name"), source.get("host"), source.get("account")]
    return bool(password) and (len(password) < 8 or any(password in text for text in shown if text))
