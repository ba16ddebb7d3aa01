# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items in front of an instance import. Pure functions of what was asked for and what was observed.

The preconditions are those of the vendor's pages for the two actions. What the service tells nothing about is
`unknown`. Imported when there is something left to import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .._alibaba import rds
from .._alibaba.reserved_names import RESERVED_DATABASE_NAMES
from .._plan import FAIL, PASS, UNKNOWN, Check
from .instance_import_backup_age import backup_age
from .instance_import_plan import coming, state_on

if TYPE_CHECKING:
    from .._alibaba.rds_instances import Instance
    from .instance_import_plan import Observed
    from .instance_import_request import Request

SQL_SERVER = "SQLServer"
# DBInstanceClassType: d dedicated, h dedicated host. x general purpose and s shared are not supported by the import.
_FAMILIES = {"d": "dedicated", "h": "dedicated host", "x": "general purpose", "s": "shared"}
_SUPPORTED_FAMILIES = ("d", "h")
_BY_HAND = "Check it in the console before you go on."
_COPY_INSTEAD = "Use other instances, or method: copy."
_LONGEST_NAME = 128
_GIB = 1024**3


def wrong_engine(*instances: Instance) -> list[str]:
    """The instances that are known to run something else than SQL Server."""
    return [f"{i.id} runs {i.engine}" for i in instances if i.engine is not None and i.engine != SQL_SERVER]


def checks_before_an_import(request: Request, observed: Observed, missing: Mapping[str, str]) -> list[Check]:
    """missing: {source: target} of what is still to be imported."""
    source, target = observed.source, observed.target
    items = [
        _exists("source_instance_exists", "source_instance_id", request.source, source),
        _exists("target_instance_exists", "instance_id", request.target, target),
        _target_names(observed, missing),
    ]
    if source is None or target is None:
        return items
    items.append(_engine(source, target))
    if wrong_engine(source, target):
        return items
    items += [
        _instances_running(request, observed, source, target),
        _instance_type(source, target),
        _lock_mode(source, target),
        _same("same_region", "region", source.region, target.region, "Use DTS between regions."),
        _same("same_network", "network type", source.network, target.network, "Change one instance's network type."),
        _source_databases(observed, missing),
        _database_quota(observed, missing),
        _free_storage(observed),
    ]
    if request.may_import:
        items += [_not_2017_enterprise(source, target), _family(source, target)]
    if request.may_copy:
        items += [_same_version(source, target), backup_age(request, observed)]
    return items


def _exists(name: str, option: str, instance_id: str, found: Instance | None) -> Check:
    if found is not None:
        return Check(name, PASS, f"{instance_id} exists and belongs to this account")
    return Check(
        name,
        FAIL,
        f"{instance_id} was not found in this account and region.",
        f"Correct {option}, or use the access key of the account that owns it, or set region.",
    )


def _engine(source: Instance, target: Instance) -> Check:
    wrong = wrong_engine(source, target)
    if wrong:
        return Check(
            "engine",
            FAIL,
            f"Only SQL Server instances can be imported from and to: {', '.join(wrong)}.",
            "Correct instance_id or source_instance_id; use DTS for other engines.",
        )
    return _all_told("engine", [(i.id, i.engine) for i in (source, target)], "both instances run SQL Server")


def _instances_running(request: Request, observed: Observed, source: Instance, target: Instance) -> Check:
    """Both at rest, as far as their states, the task lists and the target's databases tell."""
    going_on = [f"{i.id} is {i.state}" for i in (source, target) if i.state is not None and i.state != rds.RUNNING]
    going_on += [f"{action} runs" for action in sorted(observed.running)]
    going_on += [f"database {name} is {state_on(observed, name)}" for name in sorted(coming(request, observed))]
    ended = [f"{i.id} is {i.state}" for i in (source, target) if i.state in rds.ENDED]
    if ended:
        return Check("instances_running", FAIL, f"{', '.join(ended)} and will not run again.", "Use other instances.")
    if going_on:
        waits = "A run waits" if request.wait else "A run with wait: true waits"
        return Check(
            "instances_running",
            UNKNOWN,
            f"{', '.join(going_on)}. {waits} until that is over, and plans then.",
            "Rehearse again when both are Running.",
        )
    return _all_told("instances_running", [(i.id, i.state) for i in (source, target)], "both instances are Running")


def _instance_type(source: Instance, target: Instance) -> Check:
    wrong = [f"{i.id} is {i.type}" for i in (source, target) if i.type not in (None, "Primary")]
    if wrong:
        remedy = "Use primary instances, not read-only, disaster recovery or temporary ones."
        return Check("primary_instances", FAIL, f"{', '.join(wrong)}.", remedy)
    return _all_told("primary_instances", [(i.id, i.type) for i in (source, target)], "both are primary instances")


def _lock_mode(source: Instance, target: Instance) -> Check:
    locked = [f"{i.id} is locked ({i.lock_mode})" for i in (source, target) if i.lock_mode not in (None, "Unlock")]
    if locked:
        return Check(
            "not_locked",
            FAIL,
            f"{', '.join(locked)}.",
            "Unlock it: renew the instance, enlarge its storage, or lift the manual lock.",
        )
    return _all_told("not_locked", [(i.id, i.lock_mode) for i in (source, target)], "neither instance is locked")


def _same(name: str, what: str, of_source: str | None, of_target: str | None, remedy: str) -> Check:
    if of_source is None or of_target is None:
        return Check(name, UNKNOWN, f"The service did not tell the {what} of both instances.", _BY_HAND)
    if of_source != of_target:
        return Check(name, FAIL, f"The {what} differs: source {of_source}, target {of_target}.", remedy)
    return Check(name, PASS, f"both instances have the {what} {of_source}")


def _source_databases(observed: Observed, missing: Mapping[str, str]) -> Check:
    listed = observed.source_databases
    absent = sorted(s for s in missing if s not in listed)
    states = [
        f"{s} is {listed[s].state}" for s in sorted(missing) if s in listed and listed[s].state != rds.DATABASE_RUNNING
    ]
    untold = sorted(s for s in missing if s in listed and listed[s].state == rds.UNTOLD)
    if untold and not absent and len(states) == len(untold):
        detail = f"The service did not tell the state of {', '.join(untold)}."
        return Check("source_databases", UNKNOWN, detail, _BY_HAND)
    if not absent and not states:
        return Check("source_databases", PASS, f"all {len(missing)} source databases exist and are Running")
    problems = [f"{', '.join(absent)} not found"] if absent else []
    known = ", ".join(sorted(listed)[:20]) or "no database"
    return Check(
        "source_databases",
        FAIL,
        f"On the source instance: {'; '.join(problems + states)}. It has {known}.",
        "Correct the source names in databases (case counts), or bring the databases to Running.",
    )


def _target_names(observed: Observed, missing: Mapping[str, str]) -> Check:
    problems = [p for name in sorted(missing.values()) for p in _name_problems(name)]
    existing = {name.casefold(): name for name in observed.target_databases}
    for name in sorted(missing.values()):
        if name.casefold() in existing:
            problems.append(f"{name!r} differs from the existing {existing[name.casefold()]!r} by case only")
    if problems:
        return Check(
            "target_names", FAIL, f"{'; '.join(problems)}.", "Choose other target names: databases as {source: target}."
        )
    return Check("target_names", PASS, f"all {len(missing)} target names are free and allowed")


def _name_problems(name: str) -> Iterable[str]:
    if name.casefold() in RESERVED_DATABASE_NAMES:
        yield f"{name!r} is a reserved word"
    if len(name.encode("utf-16-le", "surrogatepass")) // 2 > _LONGEST_NAME:
        yield f"{name[:20] + '…'!r} is longer than {_LONGEST_NAME} characters"
    if not name.isprintable():
        yield f"{name!r} holds characters that cannot be printed"
    if set(name) & set("@|"):
        yield f"{name!r} holds @ or |, which the service does not take"
    if name != name.strip():
        yield f"{name!r} begins or ends with a blank"


def _database_quota(observed: Observed, missing: Mapping[str, str]) -> Check:
    limit = observed.target.most_databases if observed.target else None
    if limit is None:
        return Check(
            "database_quota", UNKNOWN, "The service did not tell how many databases the target can hold.", _BY_HAND
        )
    count = len(observed.target_databases) + len(missing)
    if count > limit:
        return Check(
            "database_quota",
            FAIL,
            f"The target can hold {limit} databases and would have {count}.",
            "Import fewer databases, or use a larger instance class.",
        )
    return Check("database_quota", PASS, f"the target would have {count} of {limit} databases")


def _free_storage(observed: Observed) -> Check:
    """The whole used storage of the source counts, as the pages say, not only that of the chosen databases."""
    storage = observed.target.storage if observed.target else None
    if storage is None or observed.target_used is None or observed.source_used is None:
        return Check("free_storage", UNKNOWN, "The service did not tell the storage of both instances.", _BY_HAND)
    free = storage - observed.target_used
    detail = f"the target has {_gib(free)} free, the source uses {_gib(observed.source_used)}"
    if free > observed.source_used:
        return Check("free_storage", PASS, detail)
    short = observed.source_used - free
    return Check(
        "free_storage",
        FAIL,
        f"Too little storage: {detail}.",
        f"Enlarge the target's storage by more than {_gib(short)} (instance_id), or free space on it.",
    )


def _not_2017_enterprise(source: Instance, target: Instance) -> Check:
    hit = [i.id for i in (source, target) if i.version is not None and i.version.startswith("2017_ent")]
    if hit:
        return Check(
            "not_2017_enterprise",
            FAIL,
            f"The import does not support SQL Server 2017 Enterprise: {', '.join(hit)}.",
            _COPY_INSTEAD,
        )
    told = [(i.id, i.version) for i in (source, target)]
    return _all_told("not_2017_enterprise", told, "neither instance runs SQL Server 2017 Enterprise")


def _family(source: Instance, target: Instance) -> Check:
    wrong = [
        f"{i.id} is {_FAMILIES.get(i.family, i.family)}"
        for i in (source, target)
        if i.family is not None and i.family not in _SUPPORTED_FAMILIES
    ]
    if wrong:
        return Check(
            "family",
            FAIL,
            f"The import needs instances of a dedicated or dedicated host family: {', '.join(wrong)}.",
            _COPY_INSTEAD,
        )
    return _all_told("family", [(i.id, i.family) for i in (source, target)], "both instances are of a dedicated family")


def _same_version(source: Instance, target: Instance) -> Check:
    name = "same_version"
    if source.version is None or target.version is None:
        return Check(name, UNKNOWN, "The service did not tell the version of both instances.", _BY_HAND)
    year = [_year(i.version or "") for i in (source, target)]
    if year[0] != year[1]:
        return Check(
            name,
            FAIL,
            f"A copy needs the same version: source {source.version}, target {target.version}.",
            "Use an instance of the same version, method: import where the service offers it, or DTS.",
        )
    if year[0].startswith(("2008", "08")):
        return Check(name, FAIL, "A copy needs SQL Server 2012 or later.", "Use DTS for SQL Server 2008 R2.")
    if source.version != target.version:
        return Check(
            name,
            FAIL,
            f"A copy needs the same version, edition included: source {source.version}, target {target.version}.",
            "Use an instance of the same version, method: import where the service offers it, or DTS.",
        )
    return Check(name, PASS, f"both instances run {source.version}")


def _all_told(name: str, values: Sequence[tuple[str, str | None]], passed: str) -> Check:
    """pass, unless the service did not tell one of the values."""
    untold = [instance_id for instance_id, value in values if value is None]
    if untold:
        return Check(name, UNKNOWN, f"The service did not tell this about {', '.join(untold)}.", _BY_HAND)
    return Check(name, PASS, passed)


def _year(version: str) -> str:
    return version.split("_")[0]


def _gib(size: int) -> str:
    return f"{size / _GIB:.1f} GiB"
