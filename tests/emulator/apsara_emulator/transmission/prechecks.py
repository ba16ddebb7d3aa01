# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The items of a precheck, judged by what is in the world.

Codes and meanings of the items that can be skipped are the documented ones; the other items follow from what the
documentation demands, under names of our own. The first items decide whether the others can be judged at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..model import Database, Instance
from .addresses import address_problem
from .ends import (
    CLOUD_TYPES,
    Pair,
    default_role_problem,
    engine_of,
    instance_at,
    owner_of,
    pairs_of,
    role_problem,
)
from .model import DtsEndpoint, DtsFinding, DtsJob
from .privileges import find_account, login_problem, source_problem, target_problem
from .real_servers import login_refusal, refresh, rights_problem
from .reserve import is_set, parse_reserve

if TYPE_CHECKING:
    from ..world import World


@dataclass(frozen=True)
class Ends:
    """What the items are judged by."""

    world: World
    job: DtsJob
    source: Instance
    target: Instance
    pairs: list[Pair]
    settings: dict[str, Any]


def run_prechecks(world: World, job: DtsJob) -> list[DtsFinding]:
    """All items in their order, passed ones with an empty problem."""
    refresh(world, job)
    findings = list(_access(world, job))
    source, target = instance_at(world, job, job.source), instance_at(world, job, job.target)
    # Without a way in nothing else can be looked at.
    if not any(one.problem for one in findings) and source is not None and target is not None:
        judged = Ends(
            world, job, source, target, pairs_of(job), parse_reserve(job.reserve, mode_required=False, texts_only=False)
        )
        findings += [found for item in _ITEMS if (found := _judged(judged, *item)) is not None]
    extra = [one for one in world.state.dts_findings if one.job in ("", job.name)]
    return findings + [DtsFinding(one.item, one.name, one.problem, one.repair, one.can_skip) for one in extra]


def _access(world: World, job: DtsJob) -> Iterator[DtsFinding]:
    problem = default_role_problem(world, job.account_id)
    yield DtsFinding("CHECK_DTS_ROLE", "authorization of DTS", problem, "create the default role of DTS")
    for side, endpoint in (("SRC", job.source), ("DEST", job.target)):
        word = "source" if side == "SRC" else "destination"
        problem = role_problem(world, job, endpoint)
        if endpoint.owner_id and endpoint.owner_id != job.account_id:
            repair = f"let the account {job.account_id} use the role: trust policy and {word} policy"
            yield DtsFinding(f"CHECK_ROLE_{side}", f"authorization by the account of the {word}", problem, repair)
        if not problem:
            yield from _reach(world, job, endpoint, side, word)


def _reach(world: World, job: DtsJob, endpoint: DtsEndpoint, side: str, word: str) -> Iterator[DtsFinding]:
    instance = instance_at(world, job, endpoint)
    problem = ""
    if instance is None:
        there = endpoint.instance_id or f"{endpoint.address}:{endpoint.port}"
        whose = f" in the account {owner_of(job, endpoint)}" if endpoint.type in CLOUD_TYPES else ""
        problem = f"there is no database instance {there}{whose}"
    elif endpoint.type in CLOUD_TYPES and instance.status != "Running":
        problem = f"the instance {instance.id} is not running"
    elif endpoint.type in CLOUD_TYPES and endpoint.region != instance.region:
        problem = f"the instance {instance.id} is not in the region {endpoint.region}"
    elif instance.engine != engine_of(endpoint):
        problem = f"{instance.id} is {instance.engine}, not {endpoint.engine}"
    else:
        problem = address_problem(world, instance, endpoint)
    repair = "check that the instance runs and that its white list has the addresses of DTS"
    yield DtsFinding(f"CHECK_CONN_{side}", f"connection to the {word}", problem, repair)
    if instance is not None and not problem:
        password = world.dts_passwords.get((job.id, "source" if side == "SRC" else "target"))
        yield DtsFinding(
            f"CHECK_LOGIN_{side}",
            f"account of the {word}",
            _login_problem(world, instance, endpoint, password),
            "correct the name or the password of the account",
        )


def _login_problem(world: World, instance: Instance, endpoint: DtsEndpoint, password: str | None) -> str:
    """By the world; where there is a real server that knows the password, by a connection too."""
    problem = login_problem(instance, endpoint, password)
    account = find_account(instance, endpoint.user_name)
    if problem or password is None:
        return problem
    made_here = account is not None and account.console
    if endpoint.type in CLOUD_TYPES and (account is None or (made_here and account.password is None)):
        return ""  # whoever made this account has left open what its password is
    return login_refusal(world, instance, endpoint, password)


def _versions(ends: Ends) -> str | None:
    if ends.source.engine != ends.target.engine:
        return f"from {ends.source.engine} to {ends.target.engine} is not supported"
    return ""


def _older_target(ends: Ends) -> str | None:
    source, target = _numbers(ends.source), _numbers(ends.target)
    if target < source:
        return f"the target is of an older version ({ends.target.engine_version}) than the source"
    return ""


def _rights_source(ends: Ends) -> str | None:
    problem = source_problem(ends.source, ends.job, ends.pairs)
    return problem or rights_problem(ends.world, ends.job, ends.pairs, "source")


def _rights_target(ends: Ends) -> str | None:
    problem = target_problem(ends.target, ends.job, ends.pairs)
    return problem or rights_problem(ends.world, ends.job, ends.pairs, "target")


def _objects_exist(ends: Ends) -> str | None:
    missing: list[str] = []
    for pair in ends.pairs:
        database = ends.source.databases.get(pair.source)
        if database is None or database.status != "Running":
            missing.append(pair.source)
        elif database.tables is not None:
            missing += [f"{pair.source}.{name}" for name, _new in pair.tables or () if name not in database.tables]
            schemas = {name.partition(".")[0] for name in database.tables}
            missing += [f"{pair.source}.{name}" for name, _new in pair.schemas if name not in schemas]
    return f"not on the source: {', '.join(missing)}" if missing else ""


def _target_exists(ends: Ends) -> str | None:
    """Without schema migration everything has to be there. A PostgreSQL database has to be there always."""
    missing: list[str] = []
    for pair in ends.pairs:
        database = ends.target.databases.get(pair.target)
        if database is None:
            if not ends.job.structure or ends.target.engine == "PostgreSQL":
                missing.append(pair.target)
        elif not ends.job.structure and database.tables is not None:
            wanted = [new for _old, new in target_tables(pair, ends.source.databases.get(pair.source))]
            missing += [f"{pair.target}.{name}" for name in wanted if name not in database.tables]
    return f"not on the target: {', '.join(missing)}" if missing else ""


def _same_objects(ends: Ends) -> str | None:
    if not ends.job.structure or is_set(ends.settings, "targetTableMode", "2"):
        return None
    clashes: list[str] = []
    for pair in ends.pairs:
        source, target = ends.source.databases.get(pair.source), ends.target.databases.get(pair.target)
        if target is None:
            continue
        wanted = target_tables(pair, source)
        if target.tables is None or (source is not None and source.tables is None and pair.tables is None):
            clashes += [pair.target] if target.size or target.tables else []
        else:
            clashes += [f"{pair.target}.{new}" for _old, new in wanted if new in target.tables]
    return f"the target has already: {', '.join(clashes)}" if clashes else ""


def _target_not_empty(ends: Ends) -> str | None:
    if ends.job.structure or not ends.job.full:
        return None
    full = [one.target for one in ends.pairs if (database := ends.target.databases.get(one.target)) and database.size]
    return f"there are data on the target already: {', '.join(full)}" if full else ""


def _same_users(ends: Ends) -> str | None:
    if not is_set(ends.settings, "privilegeMigration", "true"):
        return None
    ours = {ends.job.source.user_name, ends.job.target.user_name}
    names = {one.name for one in ends.source.accounts} & {one.name for one in ends.target.accounts} - ours
    return f"accounts of the same name: {', '.join(sorted(names))}" if names else ""


def _super_target(ends: Ends) -> str | None:
    if not is_set(ends.settings, "privilegeMigration", "true") and not is_set(ends.settings, "definer", "true"):
        return None
    account = find_account(ends.target, ends.job.target.user_name)
    if account is None or account.type == "Super":
        return ""
    return f"the account {account.name} of the target is not a privileged one"


def _storage(ends: Ends) -> str | None:
    if not ends.job.full:
        return None
    needed = sum(database.size for one in ends.pairs if (database := ends.source.databases.get(one.source)))
    if ends.target.free > needed:
        return ""
    return f"the target has {max(0, ends.target.free)} bytes left, the source has {needed}"


def _log_of_changes(ends: Ends) -> str | None:
    if not ends.job.incremental:
        return None
    settings = {key.lower(): value.lower() for key, value in ends.source.parameters.items()}
    needed = {
        "MySQL": {"binlog_row_image": "full", "binlog_format": "row", "log_bin": "on"},
        "MariaDB": {"binlog_row_image": "full", "binlog_format": "row", "log_bin": "on"},
        "PostgreSQL": {"wal_level": "logical"},
    }.get(ends.source.engine, {})
    wrong = [f"{key} is {settings[key]}" for key, value in needed.items() if settings.get(key, value) != value]
    return f"changes cannot be read: {', '.join(wrong)}" if wrong else ""


def _server_id(ends: Ends) -> str | None:
    if not ends.job.incremental or ends.source.engine not in ("MySQL", "MariaDB"):
        return None
    return "server_id of the source is 0" if ends.source.parameters.get("server_id") == "0" else ""


def _encryption(ends: Ends) -> str | None:
    sides = ((ends.job.source, ends.source), (ends.job.target, ends.target))
    without = [instance.id for endpoint, instance in sides if endpoint.ssl and not instance.ssl]
    return f"no encrypted connections: {', '.join(without)}" if without else ""


# What is judged, code, name, remedy, whether SkipPreCheck may ignore it.
_Judge = Callable[[Ends], "str | None"]
_Item = tuple[_Judge, str, str, str, bool]
_ITEMS: tuple[_Item, ...] = (
    (_versions, "CHECK_ENGINES", "engines", "choose a target of the same engine", False),
    (_older_target, "CHECK_SRC", "version of the source", "choose a target of the same version or a newer one", True),
    (_rights_source, "CHECK_AUTH_SRC", "rights on the source", "grant the rights", False),
    (_rights_target, "CHECK_AUTH_DEST", "rights on the destination", "grant the rights", False),
    (_encryption, "CHECK_SSL", "encryption", "switch on SSL on the instance", False),
    (_objects_exist, "CHECK_OBJECTS_SRC", "objects on the source", "correct the selected objects", False),
    (_target_exists, "CHECK_OBJECTS_DEST", "objects on the destination", "create them, or migrate the schema", False),
    (_same_objects, "CHECK_SAME_OBJ", "objects of the same name", "rename or remove the objects", True),
    (_target_not_empty, "CHECK_DEST_TABLE_EMPTY", "empty tables on the destination", "empty the tables", True),
    (_same_users, "CHECK_SAME_USER", "accounts of the same name", "rename the accounts", True),
    (_super_target, "CHECK_SUPER_AUTH_DEST", "privileged account on the destination", "use such an account", True),
    (_storage, "CHECK_STORAGE_DEST", "storage of the destination", "make the storage of the target larger", False),
    (_log_of_changes, "CHECK_CHANGE_LOG", "log of changes", "set the parameters of the source", False),
    (_server_id, "CHECK_SERVER_ID", "server id of the source", "set another server_id", True),
)


def target_tables(pair: Pair, source: Database | None) -> list[tuple[str, str]]:
    """The wanted tables of a database that are known by name: what they are called on both sides."""
    known = (source.tables if source else None) or []
    if pair.tables is None:
        return [(name, name) for name in known]
    renamed = dict(pair.schemas)
    of_schemas = [
        (name, f"{renamed[schema]}.{rest}")
        for name in known
        for schema, _dot, rest in [name.partition(".")]
        if schema in renamed
    ]
    return [*pair.tables, *of_schemas]


def _judged(ends: Ends, judge: _Judge, code: str, name: str, repair: str, skip: bool) -> DtsFinding | None:
    """An item, nothing if it is not looked at for this job."""
    problem = judge(ends)
    return None if problem is None else DtsFinding(code, name, problem, repair, skip)


def _numbers(instance: Instance) -> tuple[int, ...]:
    parts = instance.engine_version.partition("_")[0].split(".")
    return tuple(int(one) for one in parts[:2] if one.isdecimal())
