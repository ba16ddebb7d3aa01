# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items of a migration from backups. Pure.

Nothing but their presence is checked for databases that are online already: a finished migration stays finished when
its backups are deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .._alibaba.backup_task_texts import trouble_of_failure, trouble_of_success
from .._alibaba.rds_instances import Instance
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .backup_migration_findings import REMEDIES, Finding, findings_of_backup, listed
from .backup_migration_instance_checks import (
    engine_fits,
    import_role,
    instance_exists,
    instance_running,
    not_locked,
    primary_instance,
    privileged_account,
    rules_of_2008,
)
from .backup_migration_plan import IN_FLIGHT, ONLINE, Standing, standings
from .backup_migration_request import Request
from .backup_migration_seen import Observed, is_2008, software_major

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
    items = [_already_there(request, found), _troubles(found), *_nothing_found(request, observed)]
    if to_do or observed.backups.loose:
        items += _of_the_instance(request, observed, observed.instance, to_do)
        items += _of_the_bucket(request, observed)
        items += _of_the_backups(observed, to_do)
    return [item for item in items if item is not None]


def _of_the_instance(
    request: Request, observed: Observed, instance: Instance, to_do: Sequence[Standing]
) -> list[Check | None]:
    from .backup_migration_room_checks import daily_quota, database_quota, free_storage, target_names

    sending = [s for s in to_do if s.steps]
    return [
        instance_exists(request.instance_id, observed.instance),
        engine_fits(instance),
        instance_running(observed),
        not_locked(observed),
        primary_instance(observed),
        privileged_account(observed),
        None if is_2008(observed) else import_role(observed),
        rules_of_2008(request, observed, to_do),
        target_names(to_do),
        database_quota(observed, to_do),
        free_storage(observed, to_do),
        daily_quota(request, observed, sending),
        _tasks_listed(observed),
        _migrate_task(request, observed),
        _in_flight(request, to_do),
    ]


def _of_the_bucket(request: Request, observed: Observed) -> list[Check]:
    if observed.bucket_refused is not None:
        text = f"The bucket {request.bucket} may not be looked at. {observed.bucket_refused.message}"
        return [Check("bucket_access", FAIL, text, observed.bucket_refused.remedy)]
    from .bucket_checks import bucket_checks

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
        findings += own if backup.unreadable or any(f.status == FAIL for f in own) else [*own, unnamed]
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
        told = f"{len(unique)} times, {texts[0]}: {listed([f.subject for f in unique], ', ')}"
    else:
        told = listed([f"{f.subject} {f.text}" for f in unique])
    return Check(name, status, f"{told}.", _REMEDIES[name])


def _tasks_listed(observed: Observed) -> Check | None:
    if observed.tasks is not None:
        return None
    return Check(
        "tasks_listed",
        UNKNOWN,
        "The service does not list migration tasks for this instance, so work in flight cannot be seen.",
        "Look at the console before running; nothing else may restore the same databases.",
    )


def _migrate_task(request: Request, observed: Observed) -> Check | None:
    """An id that was given is not passed over in silence: another chain may be what the task means."""
    wanted = request.migrate_task_id
    if not wanted:
        return None
    targets = {one.target.casefold() for one in observed.backups.databases}
    known = {chain.task.id for chain in observed.chains.values()}
    known |= {task.id for task in observed.tasks or () if task.database.casefold() in targets}
    if wanted in known:
        return Check("migrate_task", PASS, f"{wanted} is a task of one of these databases")
    # Editions that list no tasks may not tell about one either.
    status = UNKNOWN if observed.tasks is None else FAIL
    text = f"The service shows no task {wanted} of any of these databases."
    return Check("migrate_task", status, text, "Correct migrate_task_id, or leave it out.")


def _in_flight(request: Request, to_do: Sequence[Standing]) -> Check | None:
    going = [f"{s.target} (task {s.task.id})" for s in to_do if s.state == IN_FLIGHT and s.task]
    if not going:
        return None
    text = f"{listed(going, ', ')} on the way already"
    if request.wait:
        # What depends on them is sent after their end, and not at all if they fail.
        return Check("in_flight", PASS, f"{text}; a run waits for the end")
    return Check("in_flight", UNKNOWN, f"{text}. A run with wait: true waits for the end.", "Rehearse again later.")


def _already_there(request: Request, found: Sequence[Standing]) -> Check | None:
    """A task that succeeded in the last week says where an online database comes from; nothing else does."""
    there = [s.target for s in found if s.state == ONLINE and not (s.task and s.task.ended_well)]
    if not there:
        return None
    return Check(
        "already_there",
        FAIL if request.on_existing == "fail" else WARN,
        f"{request.instance_id} already has {listed(there, ', ')}. Nothing proves that they come from these backups.",
        "Compare them with the source; give other names with new_name or new_names, or set on_existing: accept.",
    )


def _troubles(found: Sequence[Standing]) -> Check | None:
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
    return Check("earlier_tasks", WARN, listed(texts, " "), "Correct the causes that are named.")


def _nothing_found(request: Request, observed: Observed) -> list[Check]:
    """Where there is nothing to restore: what is the matter with the bucket, or that it holds no backups."""
    if observed.backups.databases or observed.backups.loose:
        return []
    if observed.bucket is None:
        return _of_the_bucket(request, observed)
    where = f"under {request.prefix}" if request.prefix else "in the root"
    text = f"The bucket {request.bucket} has no backups {where}"
    if observed.backups.left_out:
        hidden = f"include and exclude leave {len(observed.backups.left_out)} out"
        text = f"No backup is left to restore: {hidden}" if request.given is not None else f"{text}; {hidden}"
    remedy = "Upload them (oss_backup_upload), or correct prefix, recurse, include or exclude."
    return [Check("backups_found", FAIL, f"{text}.", remedy)]
