# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reserve: further settings of a job. Keys that are not known here are kept and not looked at."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

LIMITS = ("dts.datamove.blaster.qps.max", "dts.datamove.source.rps.max", "dts.datamove.source.bps.max")
_NUMBER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_CHOICES = {
    "targetTableMode": ("0", "2"),
    "autoStartModulesAfterConfig": ("none", "auto"),
    "srcSSL": ("0", "1"),
    "destSSL": ("0", "1"),
    "conflict": ("overwrite", "interrupt", "ignore"),
    "etlOperatorCtl": ("Y", "N"),
}
_SWITCHES = (
    "filterDDL",
    "whitelist.dms.online.ddl.enable",
    "sqlparser.dms.original.ddl",
    "whitelist.ghost.online.ddl.enable",
    "sqlparser.ghost.original.ddl",
    "privilegeMigration",
    "definer",
    "eventMove",
    "tableAnalyze",
    "isAnalyzer",
)
# Seconds; the console offers 10 to 1440 and 1 to 1440 minutes.
_TIMES = {"maxRetryTime": (600, 86400, 43200), "retry.blind.seconds": (60, 86400, 600)}


class ReserveError(ValueError):
    """Settings that cannot be understood. The text says where and why."""


def parse_reserve(text: str, *, mode_required: bool = True, texts_only: bool = True) -> dict[str, Any]:
    """The settings. ReserveError if they are no JSON object, or one has a value that it cannot have.

    `mode_required`: targetTableMode has to be there. `texts_only`: numbers are written as texts.
    """
    try:
        settings = json.loads(text or "{}", object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ReserveError("it is no JSON object, or a key comes twice") from error
    if not isinstance(settings, dict):
        raise ReserveError("a JSON object is expected")
    if mode_required and "targetTableMode" not in settings:
        raise ReserveError("targetTableMode is missing")
    for key, choices in _CHOICES.items():
        if key in settings and _text(settings, key, texts_only) not in choices:
            raise ReserveError(f"{key} is one of {', '.join(choices)}")
    for key in _SWITCHES:
        if key in settings and str(settings[key]).lower() not in ("true", "false"):
            raise ReserveError(f"{key} is true or false")
    _check_times(settings, texts_only)
    for key in ("fullDynamicConfig", "incDynamicConfig"):
        if key in settings:
            check_limits(settings[key], full=key.startswith("full"), texts_only=texts_only)
    return settings


def check_limits(limits: Any, *, full: bool, texts_only: bool = False) -> dict[str, str]:
    """Limits of speed, an object or its JSON text. ReserveError if one is not known for the phase, or no number."""
    if isinstance(limits, str):
        try:
            limits = json.loads(limits)
        except ValueError as error:
            raise ReserveError("limits are a JSON object") from error
    if not isinstance(limits, dict):
        raise ReserveError("limits are a JSON object")
    allowed = LIMITS if full else LIMITS[1:]
    for key in limits:
        if key not in allowed:
            raise ReserveError(f"there is no limit {key[:60]!r} for this phase")
    values = {key: _text(limits, key, texts_only) for key in limits}
    for key, value in values.items():
        if not _NUMBER.fullmatch(value) or int(value) < -1:
            raise ReserveError(f"{key} is a number, -1 for no limit")
    return values


def is_set(settings: Mapping[str, Any], key: str, value: str) -> bool:
    """Whether a setting has a value, whichever type it was written with."""
    return str(settings.get(key, "")).lower() == value


def _check_times(settings: Mapping[str, Any], texts_only: bool) -> None:
    seconds = {}
    for key, (low, high, usual) in _TIMES.items():
        value = _text(settings, key, texts_only) if key in settings else str(usual)
        if not _NUMBER.fullmatch(value) or not low <= int(value) <= high:
            raise ReserveError(f"{key} is from {low} to {high} seconds")
        seconds[key] = int(value)
    if seconds["retry.blind.seconds"] >= seconds["maxRetryTime"]:
        raise ReserveError("retry.blind.seconds has to be below maxRetryTime")


def _text(settings: Mapping[str, Any], key: str, texts_only: bool) -> str:
    value = settings[key]
    if isinstance(value, bool) or not isinstance(value, (str, int)) or (texts_only and not isinstance(value, str)):
        raise ReserveError(f"{key} is to be written as a text")
    return str(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key comes twice")
    return result
