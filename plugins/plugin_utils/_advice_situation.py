# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What is known of source, target and wishes, in the words of the rules: what was said, and what was seen of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

RDS, SELF_MANAGED = "rds", "self_managed"
SQL_SERVER, POSTGRESQL = "SQLServer", "PostgreSQL"

# Product versions of SQL Server, as a backup header tells them.
_SQL_SERVER_YEARS = {10: 2008, 11: 2012, 12: 2014, 13: 2016, 14: 2017, 15: 2019, 16: 2022, 17: 2025}
_EDITIONS = (("ent", "Enterprise"), ("std", "Standard"), ("standard", "Standard"), ("web", "Web"))
_MIB, _GIB = 1024**2, 1024**3


class Version(NamedTuple):
    """rank: newer versions have greater ones. name: as people say it."""

    rank: tuple[int, ...]
    name: str


class Situation(NamedTuple):
    """None, or an empty text, is what is not known.

    size: bytes of the databases to be moved. free: bytes that are free on the target. local_disks: of the target.
    has_files: whether a folder with backups is given. simple: databases in the simple recovery model, of their backups.
    downtime: most minutes without writes. way_back: whether changes have to be carried back after the cut-over.
    notes: where what was seen is not what was said.
    """

    kind: str
    engine: str = ""
    target_engine: str = ""
    version: Version | None = None
    target_version: Version | None = None
    edition: str = ""
    target_edition: str = ""
    same_account: bool | None = None
    same_region: bool | None = None
    source_id: str = ""
    target_id: str = ""
    region: str = ""
    path: str = ""
    databases: tuple[str, ...] = ()
    size: int | None = None
    free: int | None = None
    local_disks: bool | None = None
    has_files: bool = False
    simple: tuple[str, ...] = ()
    downtime: float | None = None
    way_back: bool = False
    notes: tuple[str, ...] = ()

    @property
    def rate(self) -> float | None:
        """MiB per second at which everything would have to be backed up and restored to keep the wish."""
        if self.size is None or not self.downtime:
            return None
        return 2 * self.size / _MIB / (self.downtime * 60)


def version_of(engine: str, text: str) -> Version | None:
    """Of the service's codes (2019_std_ha), of a backup header (15.0.2000), or as people write it."""
    if engine == SQL_SERVER:
        return _sql_server_version(text)
    found = re.search(r"(\d+)(?:\.(\d+))?", text)
    if found is None:
        return None
    major, minor = int(found[1]), int(found[2] or 0)
    if engine == POSTGRESQL and major >= 10:
        return Version((major,), str(major))
    return Version((major, minor), f"{major}.{minor}")


def _sql_server_version(text: str) -> Version | None:
    if re.search(r"08[ _]?r2", text, re.IGNORECASE) or re.match(r"10\.50?(\.|$)", text):
        return Version((2008, 2), "2008 R2")
    year = re.search(r"20\d\d", text)
    product = re.match(r"(\d\d)(\.|$)", text)
    found = int(year[0]) if year else _SQL_SERVER_YEARS.get(int(product[1])) if product else None
    return Version((found, 0), str(found)) if found else None


def edition_of(text: str) -> str:
    """Of SQL Server; empty where the version does not hold it."""
    return next((name for part, name in _EDITIONS if part in text.lower()), "")


def situation_of(
    source: Mapping[str, Any], target: Mapping[str, Any], wishes: Mapping[str, Any], seen: Mapping[str, Any]
) -> Situation:
    """seen: results of looks, by what they were about: source and target (rds_instance_info), backups."""
    there, here = _instance(seen.get("source")), _instance(seen.get("target"))
    backups = _full_backups(seen.get("backups"))
    engine = _known(source, there, "engine")
    target_engine = _known(target, here, "engine")
    version = _known(source, there, "version") or next((str(b.get("software_version") or "") for b in backups), "")
    target_version = _known(target, here, "version")
    regions = _known(source, there, "region"), _known(target, here, "region")
    listed = [one["name"] for one in there.get("databases") or []]
    wanted = tuple(str(name) for name in source.get("databases") or listed)
    return Situation(
        kind=str(source.get("kind") or RDS),
        engine=engine,
        target_engine=target_engine,
        version=version_of(engine, version),
        target_version=version_of(target_engine, target_version),
        edition=edition_of(version),
        target_edition=edition_of(target_version),
        same_account=_same_account(source, target, seen.get("source")),
        same_region=regions[0] == regions[1] if all(regions) else None,
        source_id=str(source.get("instance_id") or ""),
        target_id=str(target.get("instance_id") or ""),
        region=regions[1],
        path=str(source.get("path") or ""),
        databases=wanted,
        size=_size(source, there, wanted, backups),
        free=(here.get("storage") or {}).get("free"),
        local_disks=str(here["storage_type"]).startswith("local") if here.get("storage_type") else None,
        has_files=bool(source.get("path")),
        simple=tuple(str(b["database"]) for b in backups if b.get("recovery_model") == "simple"),
        downtime=wishes.get("downtime"),
        way_back=bool(wishes.get("way_back")),
        notes=tuple(_notes(source, target, seen)),
    )


def _instance(result: Any) -> Mapping[str, Any]:
    """What rds_instance_info told, if it did."""
    return (result.get("instance") if isinstance(result, Mapping) else None) or {}


def _full_backups(result: Any) -> list[Mapping[str, Any]]:
    told = result.get("backup_sets") if isinstance(result, Mapping) else None
    return [one for one in told or [] if one.get("type") == "full" and one.get("database")]


def _known(said: Mapping[str, Any], instance: Mapping[str, Any], name: str) -> str:
    """What the service tells counts more than what somebody remembers."""
    return str(instance.get(name) or said.get(name) or "")


def _same_account(source: Mapping[str, Any], target: Mapping[str, Any], seen: Any) -> bool | None:
    """None where the instance is not to be found with the credentials of the target's account."""
    if source.get("account_id") and target.get("account_id"):
        return str(source["account_id"]) == str(target["account_id"])
    if source.get("account_id") or source.get("has_credentials"):
        return False
    return True if _instance(seen) or not seen else None


def _size(
    source: Mapping[str, Any],
    instance: Mapping[str, Any],
    wanted: tuple[str, ...],
    backups: list[Mapping[str, Any]],
) -> int | None:
    if source.get("size_gb"):
        return int(float(source["size_gb"]) * _GIB)
    sizes = {str(one["name"]): one.get("size") for one in instance.get("databases") or []}
    parts = [one.get("required_storage") for one in backups] or [sizes.get(name) for name in wanted]
    known = [int(part) for part in parts if part is not None]
    if parts and len(known) == len(parts):
        return sum(known)
    # Not every edition tells the size of each database.
    return None if source.get("databases") else (instance.get("storage") or {}).get("used")


def _notes(source: Mapping[str, Any], target: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[str]:
    for side, said in (("source", source), ("target", target)):
        result = seen.get(side)
        found = _instance(result)
        if result and not found:
            why = result.get("msg") or "no reason is told"
            yield f"The {side} could not be looked at, so that only what was said of it counts: {why}"
        engine = str(found.get("engine") or "")
        for name in ("engine", "version", "region"):
            if _contradict(engine, name, str(said.get(name) or ""), str(found.get(name) or "")):
                yield f"The {side}'s {name} is {found[name]}, and not {said[name]} as advise_{side} says."
    backups = seen.get("backups")
    if backups and "backup_sets" not in backups:
        yield f"The backups could not be looked into: {backups.get('msg') or 'no reason is told'}"


def _contradict(engine: str, name: str, said: str, found: str) -> bool:
    if not said or not found:
        return False
    if name == "version":
        return version_of(engine, said) != version_of(engine, found)
    return said != found
