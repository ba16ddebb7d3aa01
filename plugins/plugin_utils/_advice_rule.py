# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What a rule of the advice is, and what rules ask of a situation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ._advice_situation import RDS, SQL_SERVER, Situation, Version

IMPORT, BACKUPS, CLOUD, DTS = "instance_import", "backup_migration", "cloud_migration", "dts_migration"
# In the order in which they are preferred where several fit: the fewer parts and costs, the earlier.
PATHS = (IMPORT, CLOUD, BACKUPS, DTS)

# What a rule or a look means for a way.
NO, UNKNOWN, CHANGE, NOTE = "no", "unknown", "change", "note"

_GIB = 1024**3


class Finding(NamedTuple):
    """to_change: what would have to be otherwise. settings: variables of the way's role."""

    effect: str
    because: str
    to_change: str = ""
    settings: tuple[tuple[str, Any], ...] = ()


class Rule(NamedTuple):
    """because and to_change are filled with the words of words_of()."""

    name: str
    paths: tuple[str, ...]
    effect: str
    when: Callable[[Situation], Any]
    because: str
    to_change: str = ""
    settings: tuple[tuple[str, Any], ...] = ()

    def finding(self, words: Mapping[str, str]) -> Finding:
        because, to_change = self.because.format_map(words), self.to_change.format_map(words)
        return Finding(self.effect, because, to_change, self.settings)


def words_of(situation: Situation) -> dict[str, str]:
    version, target_version = situation.version, situation.target_version
    return {
        "engine": situation.engine,
        "target_engine": situation.target_engine,
        "version": f"{version.name if version else ''} {situation.edition}".strip(),
        "target_version": f"{target_version.name if target_version else ''} {situation.target_edition}".strip(),
        "target": situation.target_id or "the target",
        "size": gib(situation.size),
        "free": gib(situation.free),
        "short": gib((situation.size or 0) - (situation.free or 0)),
        "downtime": f"{situation.downtime or 0:g}",
        "rate": f"{situation.rate or 0:.0f}",
        "simple": ", ".join(situation.simple[:20]),
    }


def gib(size: int | None) -> str:
    return "an unknown size" if size is None else f"{size / _GIB:.1f} GiB"


def runs(situation: Situation, engine: str) -> bool:
    return situation.engine == engine


def from_rds(situation: Situation, engine: str) -> bool:
    return situation.engine == engine and situation.kind == RDS


def is_downgrade(situation: Situation) -> bool:
    """The target is of an older version than the source."""
    pair = _versions(situation)
    return pair is not None and pair[1].rank < pair[0].rank


def is_2008(situation: Situation) -> bool:
    version = situation.target_version if situation.target_engine == SQL_SERVER else None
    return version is not None and version.rank < (2012,)


def other_version(situation: Situation) -> bool:
    pair = _versions(situation)
    return pair is not None and pair[0] != pair[1]


def _versions(situation: Situation) -> tuple[Version, Version] | None:
    """Of source and target. Those of different engines have nothing to do with each other."""
    if situation.engine != situation.target_engine or not situation.version or not situation.target_version:
        return None
    return situation.version, situation.target_version


def other_edition(situation: Situation) -> bool:
    editions = situation.edition, situation.target_edition
    return all(editions) and editions[0] != editions[1]


def lower_edition(situation: Situation) -> bool:
    order = ("Web", "Standard", "Enterprise")
    return other_edition(situation) and order.index(situation.edition) > order.index(situation.target_edition)
