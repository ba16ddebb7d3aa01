# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Reserve and the other settings of a DTS job, from the options of a module.

Numbers are written as texts, which is what the vendor's page about Reserve asks for. Facts: that page (273111), the
page about DataCheckConfigure, and for ranges the vendor's guide to DTS between accounts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

# (option, key of Reserve)
_SWITCHES = (
    ("events", "eventMove"),
    ("accounts", "privilegeMigration"),
    ("definer", "definer"),
    ("assessment", "isAnalyzer"),
)
_TEXTS = (("triggers", "triggerMode"), ("capitalization", "dbListCaseChangeMode"))
_DMS_TABLES, _DMS_DDL = "whitelist.dms.online.ddl.enable", "sqlparser.dms.original.ddl"
_GHOST_TABLES, _GHOST_DDL = "whitelist.ghost.online.ddl.enable", "sqlparser.ghost.original.ddl"
# Whether the temporary tables of a tool are migrated, or its original statement instead.
_ONLINE_DDL = {
    "migrate": {_DMS_TABLES: "true", _DMS_DDL: "false", _GHOST_TABLES: "true", _GHOST_DDL: "false"},
    "dms": {_DMS_TABLES: "false", _DMS_DDL: "true", _GHOST_TABLES: "false", _GHOST_DDL: "false"},
    "gh_ost": {_DMS_TABLES: "false", _DMS_DDL: "false", _GHOST_TABLES: "false", _GHOST_DDL: "true"},
}
EXISTING = {"stop": "0", "ignore": "2"}
_QPS, _RPS, _BPS = "dts.datamove.blaster.qps.max", "dts.datamove.source.rps.max", "dts.datamove.source.bps.max"
FULL_LIMITS, INCREMENTAL_LIMITS = "fullDynamicConfig", "incDynamicConfig"

# Minutes: least, most, default, least that is advised.
CONNECTION_MINUTES, OTHER_MINUTES = (10, 1440, 720, 30), (1, 1440, 10, 10)
# (key of Reserve, option), the connection first.
RETRY_KEYS = (("maxRetryTime", "retry_connection_minutes"), ("retry.blind.seconds", "retry_other_minutes"))
_MB = 1024 * 1024


def reserve(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that the options ask for; `reserve` itself comes last and wins."""
    made: dict[str, Any] = {}
    if options.get("existing_tables"):
        made["targetTableMode"] = EXISTING[options["existing_tables"]]
    for option, key in _SWITCHES:
        if options.get(option) is not None:
            made[key] = "true" if options[option] else "false"
    for option, key in _TEXTS:
        if options.get(option):
            made[key] = options[option]
    made.update(_ONLINE_DDL.get(options.get("online_ddl") or "", {}))
    if options.get("etl"):
        made.update({"etlOperatorCtl": "Y", "etlOperatorSetting": options["etl"]})
    made.update(_encryption(options))
    for key, option in RETRY_KEYS:
        if options.get(option) is not None:
            made[key] = str(options[option] * 60)
    for option, key in (("throttle_full", FULL_LIMITS), ("throttle_incremental", INCREMENTAL_LIMITS)):
        if options.get(option):
            made[key] = _limits(options[option])
    return {**made, **{key: _as_text(value) for key, value in (options.get("reserve") or {}).items()}}


def retry_problems(options: Mapping[str, Any]) -> list[str]:
    """Of both retry times: the ranges, and that the one for other faults is the shorter one."""
    problems, minutes = [], []
    for name, (least, most, usual, _advised) in (
        ("retry_connection_minutes", CONNECTION_MINUTES),
        ("retry_other_minutes", OTHER_MINUTES),
    ):
        given = options.get(name)
        if given is not None and not least <= given <= most:
            problems.append(f"{name} is from {least} to {most} minutes, not {given}")
        minutes.append(usual if given is None else given)
    in_reserve = (options.get("reserve") or {}).keys() & {key for key, _option in RETRY_KEYS}
    if in_reserve and not problems:
        told = retry_order(reserve(options))
        return [f"reserve: {told}"] if told else []
    if not problems and minutes[1] >= minutes[0]:
        problems.append(
            f"retry_other_minutes ({minutes[1]}) has to be below retry_connection_minutes ({minutes[0]}); without the "
            f"options they are {OTHER_MINUTES[2]} and {CONNECTION_MINUTES[2]}"
        )
    return problems


def retry_order(document: Mapping[str, Any]) -> str:
    """Why the retry times of a Reserve, in seconds, do not go together; empty where they do, or one is no number."""
    seconds = []
    for (key, _option), rule in zip(RETRY_KEYS, (CONNECTION_MINUTES, OTHER_MINUTES), strict=True):
        given = str(document.get(key, rule[2] * 60)).strip()
        if not given.isdecimal():
            return ""
        seconds.append(int(given))
    if seconds[1] < seconds[0]:
        return ""
    (connection, _minutes), (other, _other_minutes) = RETRY_KEYS
    return f"{other} ({seconds[1]} seconds) has to be below {connection} ({seconds[0]} seconds)"


def options_of(keys: Iterable[str]) -> list[str]:
    """The options that make these keys of Reserve; `reserve` for those that none does."""
    known = {
        "targetTableMode": "existing_tables",
        FULL_LIMITS: "throttle_full",
        INCREMENTAL_LIMITS: "throttle_incremental",
    }
    known |= {key: option for option, key in (*_SWITCHES, *_TEXTS)} | dict(RETRY_KEYS)
    known |= dict.fromkeys((_DMS_TABLES, _DMS_DDL, _GHOST_TABLES, _GHOST_DDL), "online_ddl")
    known |= dict.fromkeys(("etlOperatorCtl", "etlOperatorSetting"), "etl")
    known |= {"srcSSL": "source.ssl", "destSSL": "destination.ssl"}
    return sorted({known.get(key, "reserve") for key in keys})


def short_retries(options: Mapping[str, Any]) -> list[str]:
    """Retry times that are allowed and shorter than advised."""
    rules = (("retry_connection_minutes", CONNECTION_MINUTES), ("retry_other_minutes", OTHER_MINUTES))
    return [
        f"{name} is {options[name]}, and at least {rule[3]} minutes are advised"
        for name, rule in rules
        if options.get(name) is not None and rule[0] <= options[name] < rule[3]
    ]


def limit_problems(options: Mapping[str, Any]) -> list[str]:
    return [
        f"{option}.{name} is a number from 1, or -1 for no limit"
        for option in ("throttle_full", "throttle_incremental")
        for name, value in (options.get(option) or {}).items()
        if value is not None and value != -1 and value < 1
    ]


def _encryption(options: Mapping[str, Any]) -> dict[str, str]:
    keys = (("source", "srcSSL"), ("destination", "destSSL"))
    given = ((key, options[side].get("ssl")) for side, key in keys)
    return {key: "1" if wanted else "0" for key, wanted in given if wanted is not None}


def _limits(given: Mapping[str, Any]) -> dict[str, str]:
    """The service takes bytes per second; its console speaks of megabytes."""
    megabytes = given.get("mb_per_second")
    most = megabytes * _MB if megabytes not in (None, -1) else megabytes
    made = {_QPS: given.get("qps"), _RPS: given.get("rps"), _BPS: most}
    return {key: str(value) for key, value in made.items() if value is not None}


def _as_text(value: Any) -> Any:
    """Booleans and numbers as texts; structures as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value
