# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items of a migration from backups. Pure.

Nothing but their presence is checked for databases that are online already: a finished migration stays finished when
its backups are deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._alibaba.backup_task_texts import trouble_of_failure, trouble_of_success
from .._alibaba.ram import IMPORT_ROLE
from .._alibaba.rds_instances import Instance
from .._alibaba.reserved_names import RESERVED_DATABASE_NAMES
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .backup_migration_findings import REMEDIES, Finding, findings_of_backup
from .backup_migration_plan import (
    DEFERRED,
    IN_FLIGHT,
    ONLINE,
    PER_DATABASE_AND_DAY,
    PER_INSTANCE_AND_DAY,
    Observed,
    Standing,
    is_2008,
    software_major,
    standings,
    used_today,
)
from .backup_migration_request import Request
from .bucket_checks import bucket_checks

_LONGEST_NAME = 128
_NAMES_SHOWN = 10
_GIB = 1024**3
_REMEDIES = {
    **REMEDIES,
    "chain_known": "Give migrate_task_id of the chain that it belongs to, or drop the database if it is a leftover.",
    "chain_alive": "Look at the task in the console if in doubt.",
    "applied_files_known": "Give applied_through, the finish time of the last backup that was applied.",
}
_SEVERITY = (PASS, WARN, UNKNOWN, FAIL)


def all_checks(request: Request, observed: Observed) -> list[Check]:
    """Every item that data is there for; what the service does not tell is unknown."""
    if observed.instance is None:
        return [instance_exists(request.instance_id, observed.instance)]
    if engine_fits(observed.instance).status == FAIL:
        return [instance_exists(request.instance_id, observed.instance), engine_fits(observed.instance)]
    found = standings(request, observed)
    to_do = [s for s in found if s.state != ONLINE]
    items = [_already_there(request, observed, found), _troubles(observed, found), _nothing_found(request, observed)]
    if to_do or observed.backups.loose:
        items += _of_the_instance(request, observed, observed.instance, to_do)
        items += _of_the_bucket(request, observed)
        items += _of_the_backups(observed, to_do)
    return [item for item in items if item is not None]


def _of_the_instance(
    request: Request, observed: Observed, instance: Instance, to_do: Sequence[Standing]
) -> list[Check | None]:
    sending = [s for s in to_do if s.steps]
    return [
        instance_exists(request.instance_id, observed.instance),
        engine_fits(instance),
        _instance_running(observed),
        _not_locked(observed),
        _primary(observed),
        _privileged_account(observed),
        None if is_2008(observed) else _import_role(observed),
        _rules_of_2008(request, observed, to_do),
        _target_names(observed, to_do),
        _database_quota(observed, to_do),
        _free_storage(observed, to_do),
        _daily_quota(request, observed, sending),
        _tasks_listed(observed),
        _in_flight(request, to_do),
    ]


def _of_the_bucket(request: Request, observed: Observed) -> list[Check]:
    region = observed.instance.region if observed.instance else None
    return bucket_checks(
        request.bucket,
        observed.bucket,
        region=region,
        owned=observed.bucket_owned,
        predicted=request.bucket_predicted and observed.rehearsal,
    )


def _of_the_backups(observed: Observed, to_do: Sequence[Standing]) -> list[Check]:
    """One check per kind of finding; without findings one that says what was looked at."""
    findings = [f for s in to_do for f in s.findings]
    major = software_major(observed)
    for backup in observed.backups.loose:
        own = findings_of_backup(backup, software_major=major)
        unnamed = Finding("backups_readable", FAIL, backup.key, "tells no database")
        findings += own if any(f.status == FAIL for f in own) else [*own, unnamed]
    for key in observed.skipped:
        findings.append(Finding("file_extensions", WARN, key, "is no backup by its extension and is left out"))
    names = list(dict.fromkeys(f.check for f in findings))
    checks = [_of_findings(name, [f for f in findings if f.check == name]) for name in names]
    if not any(c.status == FAIL for c in checks):
        files = sum(len(s.backups.used) for s in to_do)
        checks.insert(0, Check("backups_checked", PASS, f"{files} backups of {len(to_do)} databases fit"))
    return checks


def _of_findings(name: str, findings: Iterable[Finding]) -> Check:
    unique = list(dict.fromkeys(findings))
    status = max((f.status for f in unique), key=_SEVERITY.index)
    texts = list(dict.fromkeys(f.text for f in unique))
    if len(texts) == 1 and len(unique) > 1:
        told = f"{len(unique)} times, {texts[0]}: {_listed([f.subject for f in unique], ', ')}"
    else:
        told = _listed([f"{f.subject} {f.text}" for f in unique])
    return Check(name, status, f"{told}.", _REMEDIES[name])


def _listed(texts: Sequence[str], separator: str = "; ") -> str:
    shown = separator.join(texts[:_NAMES_SHOWN])
    more = len(texts) - _NAMES_SHOWN
    return f"{shown}{separator}and {more} more" if more > 0 else shown


def instance_exists(instance_id: str, instance: Instance | None) -> Check:
    if instance is not None:
        return Check("instance_exists", PASS, f"{instance_id} exists and belongs to this account")
    return Check(
        "instance_exists",
        FAIL,
        f"{instance_id} was not found in this account and region.",
        "Correct instance_id, or use the access key of the account that owns it, or set region.",
    )


def _told(name: str, value: str | None, good: Callable[[str], bool], passed: str, failed: str, remedy: str) -> Check:
    if value is None:
        return Check(name, UNKNOWN, f"The service does not tell it: {passed}?", remedy)
    return Check(name, PASS, passed) if good(value) else Check(name, FAIL, failed.format(value=value), remedy)


def engine_fits(instance: Instance) -> Check:
    return _told(
        "engine",
        instance.engine,
        lambda engine: engine == "SQLServer",
        "the instance runs SQL Server",
        "The instance runs {value}; only SQL Server can restore these backups.",
        "Correct instance_id.",
    )


def _instance_running(observed: Observed) -> Check:
    return _told(
        "instance_running",
        observed.instance.state if observed.instance else None,
        lambda state: state == rds.RUNNING,
        "the instance is Running",
        "The instance is {value}.",
        "Wait until it is Running, and run again.",
    )


def _not_locked(observed: Observed) -> Check:
    return _told(
        "not_locked",
        observed.instance.lock_mode if observed.instance else None,
        lambda mode: mode == "Unlock",
        "the instance is not locked",
        "The instance is locked ({value}).",
        "Unlock it: renew the instance, enlarge its storage, or lift the manual lock.",
    )


def _primary(observed: Observed) -> Check:
    return _told(
        "primary_instance",
        observed.instance.type if observed.instance else None,
        lambda kind: kind == "Primary",
        "the instance is a primary instance",
        "The instance is {value}.",
        "Use a primary instance, not a read-only, disaster recovery or temporary one.",
    )


def _privileged_account(observed: Observed) -> Check:
    remedy = "Create a privileged account on the instance; without one nobody has rights on the databases."
    if observed.privileged_account is None:
        return Check("privileged_account", UNKNOWN, "The service does not show the instance's accounts.", remedy)
    if observed.privileged_account:
        return Check("privileged_account", PASS, "the instance has a privileged account")
    return Check("privileged_account", FAIL, "The instance has no privileged account.", remedy)


def _import_role(observed: Observed) -> Check:
    remedy = f"Authorise RDS to read OSS once in the console; that creates the role {IMPORT_ROLE}."
    if observed.import_role is None:
        allow = f"Allow ram:GetRole on {IMPORT_ROLE}. {remedy}"
        return Check("import_role", UNKNOWN, f"Whether the role {IMPORT_ROLE} exists could not be seen.", allow)
    if observed.import_role:
        return Check("import_role", PASS, f"the role {IMPORT_ROLE} exists")
    return Check("import_role", FAIL, f"The role {IMPORT_ROLE} does not exist, so RDS cannot read the bucket.", remedy)


def _rules_of_2008(request: Request, observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    """The database has to be there and empty, and there are no chains."""
    if not is_2008(observed):
        return None
    problems = [f"{s.target} does not exist" for s in to_do if observed.state_on_target(s.target) is None]
    problems += [f"{s.target} has a chain" for s in to_do if s.backups.later or request.state == "staged"]
    problems += [f"{s.backups.database} cannot become {s.target}" for s in to_do if s.target != s.backups.database]
    if problems:
        return Check(
            "rules_of_2008",
            FAIL,
            f"{_listed(problems)}. SQL Server 2008 R2 restores full backups into empty databases of the same name.",
            "Create the databases on the instance, and use state: restored with full backups only.",
        )
    return Check(
        "rules_of_2008", UNKNOWN, "The service does not tell whether the databases are empty.", "Make sure they are."
    )


def _target_names(observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    if not to_do:
        return None
    targets = [s.target.casefold() for s in to_do]
    problems = [
        f"{s.target} is the target of several databases" for s in to_do if targets.count(s.target.casefold()) > 1
    ]
    problems += [f"{s.target} is reserved" for s in to_do if s.target.casefold() in RESERVED_DATABASE_NAMES]
    problems += [f"{s.target!r} is no name" for s in to_do if not _is_legal(s.target)]
    problems += [f"{s.target} holds @ or |, which RDS refuses" for s in to_do if set(s.target) & set("@|")]
    if not problems:
        return Check("target_names", PASS, "the target names are legal and unique")
    remedy = "Give other names with new_name or new_names."
    return Check("target_names", FAIL, _listed(list(dict.fromkeys(problems))) + ".", remedy)


def _is_legal(name: str) -> bool:
    return bool(name.strip()) and len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()


def _database_quota(observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    new = [s.target for s in to_do if observed.state_on_target(s.target) is None]
    if not new:
        return None
    most = observed.instance.most_databases if observed.instance else None
    remedy = "Migrate fewer databases, or use a larger class."
    if most is None:
        return Check(
            "database_quota", UNKNOWN, "The service does not tell how many databases the instance holds.", remedy
        )
    total = len(observed.databases) + len(new)
    text = f"{len(observed.databases)} there and {len(new)} to come, of at most {most}"
    return Check("database_quota", PASS, text) if total <= most else Check("database_quota", FAIL, f"{text}.", remedy)


def _free_storage(observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    new = [s for s in to_do if s.steps and s.backups.base and observed.state_on_target(s.target) is None]
    if not new:
        return None
    remedy = "Enlarge the storage of the instance, or migrate fewer databases at a time."
    sizes = [s.backups.base.required_storage for s in new if s.backups.base]
    storage = observed.instance.storage if observed.instance else None
    if storage is None or observed.storage_used is None:
        return Check("free_storage", UNKNOWN, "The service does not tell the free storage of the instance.", remedy)
    free, wanted = storage - observed.storage_used, sum(size for size in sizes if size is not None)
    text = f"{free / _GIB:.1f} GiB are free, the databases need {wanted / _GIB:.1f} GiB"
    if wanted > free:
        return Check("free_storage", FAIL, f"{text}.", remedy)
    untold = [s.target for s in new if s.backups.base and s.backups.base.required_storage is None]
    if untold:
        return Check("free_storage", UNKNOWN, f"{text}, without {_listed(untold, ', ')}, which do not tell.", remedy)
    return Check("free_storage", PASS, text)


def _daily_quota(request: Request, observed: Observed, sending: Sequence[Standing]) -> Check | None:
    wanted = [s for s in sending if s.steps]
    deferred = [s.target for s in standings(request, observed) if s.state == DEFERRED]
    if not wanted and not deferred:
        return None
    remedy = "Use over_quota: today to do what fits, and run again tomorrow; or migrate fewer databases."
    today = used_today(observed)
    creates = {s.target: sum(step.action == api.CREATE for step in s.steps) for s in wanted}
    if observed.tasks is None:
        return Check("daily_quota", UNKNOWN, "The service does not list the tasks of today.", remedy)
    if deferred:
        text = f"{len(deferred)} databases have to wait for tomorrow's quota: {_listed(deferred, ', ')}."
        return Check("daily_quota", WARN, text, "Run the playbook again tomorrow.")
    too_many = [name for name, count in creates.items() if _of(today, name) + count > PER_DATABASE_AND_DAY]
    total = len(today) + sum(creates.values())
    text = f"{len(today)} tasks in the last 24 hours and {sum(creates.values())} to come, of {PER_INSTANCE_AND_DAY}"
    if too_many:
        text += f"; {_listed(too_many, ', ')} would get more than {PER_DATABASE_AND_DAY}"
    over = total > PER_INSTANCE_AND_DAY or too_many
    return Check("daily_quota", FAIL, f"{text}.", remedy) if over else Check("daily_quota", PASS, text)


def _of(tasks: Iterable[api.BackupTask], database: str) -> int:
    return sum(t.database.casefold() == database.casefold() for t in tasks)


def _tasks_listed(observed: Observed) -> Check | None:
    if observed.tasks is not None:
        return None
    return Check(
        "tasks_listed",
        UNKNOWN,
        "The service does not list migration tasks for this instance, so work in flight cannot be seen.",
        "Look at the console before running; nothing else may restore the same databases.",
    )


def _in_flight(request: Request, to_do: Sequence[Standing]) -> Check | None:
    going = [f"{s.target} (task {s.task.id})" for s in to_do if s.state == IN_FLIGHT and s.task]
    if not going:
        return None
    text = f"{_listed(going, ', ')} on the way already"
    if request.wait:
        # What depends on them is sent after their end, and not at all if they fail.
        return Check("in_flight", PASS, f"{text}; a run waits for the end")
    return Check("in_flight", UNKNOWN, f"{text}. A run with wait: true waits for the end.", "Rehearse again later.")


def _already_there(request: Request, observed: Observed, found: Sequence[Standing]) -> Check | None:
    """A task that succeeded in the last week says where an online database comes from; nothing else does."""
    there = [s.target for s in found if s.state == ONLINE and not (s.task and s.task.ended_well)]
    if not there:
        return None
    return Check(
        "already_there",
        FAIL if request.on_existing == "fail" else WARN,
        f"{request.instance_id} already has {_listed(there, ', ')}. Nothing proves that they come from these backups.",
        "Compare them with the source; give other names with new_name or new_names, or set on_existing: accept.",
    )


def _troubles(observed: Observed, found: Sequence[Standing]) -> Check | None:
    """What earlier tasks of these databases said, also those that ended with Success."""
    texts = []
    for standing in found:
        task = standing.task
        if task is None or task.unfinished:
            continue
        trouble = trouble_of_success(task.description) if task.ended_well else trouble_of_failure(task.description)
        if trouble is not None:
            texts.append(f"{standing.target}: {trouble.cause} {trouble.remedy}")
    if not texts:
        return None
    return Check("earlier_tasks", WARN, _listed(texts, " "), "Correct the causes that are named.")


def _nothing_found(request: Request, observed: Observed) -> Check | None:
    if observed.backups.databases or observed.backups.loose:
        return None
    where = f"under {request.prefix}" if request.prefix else "in the root"
    text = f"The bucket {request.bucket} has no backups {where}"
    if observed.backups.left_out:
        hidden = f"include and exclude leave {len(observed.backups.left_out)} out"
        text = f"No backup is left to restore: {hidden}" if request.given is not None else f"{text}; {hidden}"
    return Check(
        "backups_found",
        FAIL,
        f"{text}.",
        "Upload them (oss_backup_upload), or correct prefix, recurse, include or exclude.",
    )
