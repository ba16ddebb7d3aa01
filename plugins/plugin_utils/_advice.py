# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Which way to migrate fits, which do not, and why. Pure functions of what is known and of what modules saw.

The rules decide from facts (_advice_rules). What the modules of a way found when they looked (_advice_looks) is added:
a failed check speaks against the way, together with its remedy; what could not be looked at leaves it open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ._advice_looks import findings_of, modules_of
from ._advice_rule import BACKUPS, CHANGE, CLOUD, DTS, IMPORT, NO, NOTE, PATHS, UNKNOWN, Finding, words_of
from ._advice_rules import RULES
from ._advice_rules_downtime import downtime_of
from ._advice_situation import Situation, situation_of
from ._advice_words import command_of, lines_of, on_one_line, playbook_of

YES, WITH_CHANGES = "yes", "with_changes"
# In the order of how well a way fits. Only the first two are ever recommended.
_FITS = (YES, WITH_CHANGES, UNKNOWN, NO)
_EFFECTS = (NO, UNKNOWN, CHANGE, NOTE)

# Who each way is for; the first reason where nothing decides against it.
_PURPOSE = {
    IMPORT: "It is made for SQL Server databases that go from one RDS instance to another of the account.",
    BACKUPS: "It is made for self-managed SQL Servers: backup files of one database or hundreds, through a bucket.",
    CLOUD: "It is made for PostgreSQL servers: a physical copy follows the source until it takes over.",
    DTS: "It carries rows between instances of any account, region and version, while the source is in use.",
}
_VERDICTS = {YES: "go", WITH_CHANGES: "review", UNKNOWN: "review", NO: "no_go"}
_STATUSES = {YES: "pass", WITH_CHANGES: "warn", UNKNOWN: "unknown", NO: "fail"}


def advice_of(
    source: Mapping[str, Any],
    target: Mapping[str, Any],
    wishes: Mapping[str, Any],
    seen: Mapping[str, Any],
    looks: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """seen: results by what they are about (source, target, backups). looks: path, module and result of each."""
    situation = situation_of(source, target, wishes, seen)
    judged = [_judged(path, situation, looks) for path in PATHS]
    paths = sorted(judged, key=lambda one: _FITS.index(one["fits"]))
    best = paths[0]
    recommended = best["path"] if best["fits"] in (YES, WITH_CHANGES) else None
    # Of those that could not be judged, the ones that would have been preferred.
    known = {one["path"]: one["fits"] for one in paths}
    better = [path for path in PATHS[: PATHS.index(recommended)] if known[path] == UNKNOWN] if recommended else []
    notes = [on_one_line(text) for text in situation.notes]
    return {
        "paths": paths,
        "recommended": recommended,
        "may_be_better": better,
        "open": [one["path"] for one in paths if one["fits"] != NO],
        "low_downtime": "low_downtime" in _settings(BACKUPS, situation),
        "incremental": "migration_types" in _settings(DTS, situation),
        "databases": list(situation.databases),
        "objects": [{"database": name} for name in situation.databases],
        "notes": notes,
        "verdict": _VERDICTS[best["fits"]],
        "checks": _checks(paths, recommended),
        "summary": lines_of(paths, recommended, better, notes),
    }


def _findings(path: str, situation: Situation) -> list[Finding]:
    words = words_of(situation)
    return [rule.finding(words) for rule in RULES if path in rule.paths and rule.when(situation)]


def _settings(path: str, situation: Situation) -> dict[str, Any]:
    return {name: value for finding in _findings(path, situation) for name, value in finding.settings}


def _judged(path: str, situation: Situation, looks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = _findings(path, situation)
    # Where facts decide, what a look adds is of no use.
    if not any(finding.effect == NO for finding in found):
        found += findings_of(looks, path)
    fits = _fits(found)
    # What decides comes first, and what speaks for a way that is out is left out.
    order = sorted(found, key=lambda finding: _EFFECTS.index(finding.effect))
    told = [finding for finding in order if finding.effect == NO] if fits == NO else order
    because = [finding.because for finding in told]
    settings = _settings(path, situation)
    return {
        "path": path,
        "fits": fits,
        "because": [on_one_line(text) for text in (because if fits == NO else [_PURPOSE[path], *because])],
        "to_change": _to_change(told),
        "downtime": on_one_line(downtime_of(path, situation)),
        "playbook": playbook_of(path, situation),
        "next_command": None if fits == NO else command_of(path, situation, settings),
        "looked": modules_of(looks, path),
    }


def _to_change(told: Sequence[Finding]) -> list[str]:
    """Nothing, where something speaks against the way that nothing changes."""
    if any(finding.effect == NO and not finding.to_change for finding in told):
        return []
    return list(dict.fromkeys(on_one_line(finding.to_change) for finding in told if finding.to_change))


def _fits(found: Sequence[Finding]) -> str:
    effects = {finding.effect for finding in found}
    if NO in effects:
        return NO
    if UNKNOWN in effects:
        return UNKNOWN
    return WITH_CHANGES if CHANGE in effects else YES


def _checks(paths: Sequence[Mapping[str, Any]], recommended: str | None) -> list[dict[str, str]]:
    """For the report: the way that is recommended, else every way. That another one is out is no failure."""
    return [
        {
            "name": one["path"],
            "status": _STATUSES[one["fits"]],
            "detail": " ".join(one["because"]),
            "remedy": " ".join(one["to_change"]),
        }
        for one in paths
        if recommended in (None, one["path"])
    ]
