# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Where each database of a migration from backups stands, and what is left to be done for it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._plan import FAIL, WARN, Plan, Step
from .backup_migration_files import Backup, DatabaseBackups
from .backup_migration_findings import Finding, findings_of_backup, findings_of_database
from .backup_migration_request import Request
from .backup_migration_seen import Chain, Observed, is_2008, software_major
from .backup_migration_steps import OF_THE_FIRST_FILE, chain_step, chain_tag, open_step, restore_step, tag_step

# States of a database, as results show them.
MISSING, IN_FLIGHT, STAGED, ONLINE = "missing", "in_flight", "staged", "online"
REFUSED, DEFERRED, LOST, UNTOLD = "refused", "deferred", "failed", "unknown"
TERMINATED = "terminated"

PER_DATABASE_AND_DAY, PER_INSTANCE_AND_DAY = 20, 500
_DAY = timedelta(hours=24)


class Standing(NamedTuple):
    """Where one database stands. steps: what is still to be sent for it, in order. task: the one that counts."""

    backups: DatabaseBackups
    state: str
    steps: tuple[Step, ...] = ()
    task: api.BackupTask | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def target(self) -> str:
        return self.backups.target

    @property
    def predicted_state(self) -> str:
        sent = [step for step in self.steps if step.action != api.TAG]
        if not sent and self.state == IN_FLIGHT and self.task is not None:
            # Of what somebody else began, the end is waited for.
            return STAGED if self.task.mode == api.CHAIN else ONLINE
        if not sent:
            return self.state
        return ONLINE if sent[-1].action == api.OPEN or _opens(sent[-1]) else STAGED


def standings(request: Request, observed: Observed) -> tuple[Standing, ...]:
    """One entry per target database, with as many steps as the daily quotas of the service leave room for."""
    found = [_standing(request, observed, one) for one in observed.backups.databases]
    targets = Counter(standing.target.casefold() for standing in found)
    # A check tells of it. Whatever preflight says: what is sent for one of them would end up in the other.
    found = [_without_steps(s) if targets[s.target.casefold()] > 1 else s for s in found]
    if not request.wait:
        found = [_without_waiting(standing) for standing in found]
    return _within_quota(request, observed, found)


def plan(request: Request, observed: Observed) -> Plan:
    """All steps of all databases, in the order of their names."""
    found = standings(request, observed)
    before = {s.target: s.state for s in found}
    reached = {s.target: reached_state(request, s) for s in found}
    in_flight = tuple(s.target for s in found if s.state == IN_FLIGHT and not s.steps)
    untold = [f"{s.target} is {observed.state_on_target(s.target)}" for s in found if s.state == UNTOLD]
    steps = tuple(step for s in found for step in s.steps)
    unknown = f"{', '.join(untold)}, and no task of it is known" if untold and not steps else ""
    return Plan(
        state=overall(before.values()),
        steps=steps,
        predicted_state=overall(reached.values()),
        before={"instance_id": request.instance_id, "databases": before},
        after={"instance_id": request.instance_id, "databases": reached},
        unknown=unknown,
        in_flight=in_flight,
    )


def reached_state(request: Request, standing: Standing) -> str:
    """Where a database stands when the run is over."""
    if request.wait:
        return standing.predicted_state
    return IN_FLIGHT if standing.steps else standing.state


def overall(states: Iterable[str]) -> str:
    """One word for many databases: restored or staged when all are, else the least that is true of one."""
    found = set(states)
    if not found:
        return UNTOLD
    if found <= {ONLINE}:
        return "restored"
    if found <= {ONLINE, STAGED}:
        return "staged"
    return next(s for s in (LOST, UNTOLD, REFUSED, MISSING, DEFERRED, IN_FLIGHT, *sorted(found)) if s in found)


def _standing(request: Request, observed: Observed, one: DatabaseBackups) -> Standing:
    on_target, task = observed.state_on_target(one.target), observed.current_task(one.target)
    chain = observed.chains.get(one.target)
    if _is_done(observed, on_target, task):
        return Standing(one, ONLINE, task=task)
    findings = _findings(request, observed, one)
    if chain is not None:
        return _of_open_chain(request, observed, one, chain, findings)
    if task is not None and task.unfinished:
        return Standing(one, IN_FLIGHT, task=task, findings=findings)
    if task is not None and task.ended_well and on_target is None and _just_ended(request, observed, task):
        # Its database is not listed yet.
        return Standing(one, IN_FLIGHT, task=task, findings=findings)
    if on_target is not None and not is_2008(observed):
        text = f"is {on_target} on the instance, and no task of it is known"
        return Standing(one, UNTOLD, findings=(*findings, Finding("chain_known", FAIL, one.target, text)))
    if any(f.status == FAIL for f in findings):
        return Standing(one, REFUSED, task=task, findings=findings)
    return Standing(one, MISSING, _from_the_start(request, observed, one), task, findings)


def _without_steps(standing: Standing) -> Standing:
    return standing._replace(steps=(), state=REFUSED if standing.steps else standing.state)


def _without_waiting(standing: Standing) -> Standing:
    """A file of a chain is sent when the one before is applied, so a run that does not wait sends one at most."""
    if standing.state == IN_FLIGHT:
        return standing._replace(steps=())
    return standing._replace(steps=tuple(s for n, s in enumerate(standing.steps) if n == 0 or s.action == api.TAG)[:2])


def _is_done(observed: Observed, on_target: str | None, task: api.BackupTask | None) -> bool:
    """The database is there, online. On 2008 R2 it always was, so there a task that succeeded has to prove it."""
    if on_target != rds.DATABASE_RUNNING:
        return False
    return not is_2008(observed) or (task is not None and task.ended_well)


def _findings(request: Request, observed: Observed, one: DatabaseBackups) -> tuple[Finding, ...]:
    major = software_major(observed)
    found = [f for backup in one.used for f in findings_of_backup(backup, software_major=major)]
    return (*found, *findings_of_database(one, chain=needs_chain(request, one)))


def needs_chain(request: Request, one: DatabaseBackups) -> bool:
    return request.state == "staged" or bool(one.later)


def _just_ended(request: Request, observed: Observed, task: api.BackupTask) -> bool:
    return task.ended is not None and observed.now - task.ended < timedelta(seconds=request.settle)


def _of_open_chain(
    request: Request, observed: Observed, one: DatabaseBackups, chain: Chain, findings: tuple[Finding, ...]
) -> Standing:
    if chain.task.ended_badly:
        text = (
            f"the last file of chain {chain.task.id} failed: {chain.task.description or 'no reason is told'}. What is "
            "left is sent; if the service takes no more, end the chain with state: terminated and begin anew"
        )
        findings = (*findings, Finding("chain_alive", WARN, one.target, text))
    if chain.task.ended_well and observed.state_on_target(one.target) is None:
        tag = chain_tag(request.instance_id, one.target)
        text = (
            f"the chain {chain.task.id} shows Success and its database is not listed. It waits for its next file; or, "
            f"if the database was dropped, remove the tag {tag} from its full backup to begin anew"
        )
        findings = (*findings, Finding("chain_alive", WARN, one.target, text))
    left = left_of_chain(request, one, chain)
    if left is None:
        text = f"does not tell which files of chain {chain.task.id} were applied"
        findings = (*findings, Finding("applied_files_known", FAIL, one.target, text))
        return Standing(one, STAGED, task=chain.task, findings=findings)
    of_the_rest = {b.key for b in left}
    # What was applied is past being judged.
    findings = tuple(f for f in findings if f.subject in of_the_rest or f.subject == one.target)
    running = chain.task.unfinished and not chain.task.waiting
    if any(f.status == FAIL for f in findings):
        return Standing(one, IN_FLIGHT if running else STAGED, task=chain.task, findings=findings)
    steps = tuple(chain_step(request, observed, one, backup, chain.task.id) for backup in left)
    if request.state == "restored":
        steps += (open_step(request, one, chain.task.id),)
    return Standing(one, IN_FLIGHT if running else STAGED, steps, chain.task, findings)


def left_of_chain(request: Request, one: DatabaseBackups, chain: Chain) -> list[Backup] | None:
    """The files that the chain does not hold yet. None: that cannot be told, and sending one twice would break it."""
    if chain.rows is not None:
        known = [row for row in chain.rows if not row.failed]
        return [b for b in one.later if not any(row.is_of(b.key) for row in known)]
    if not one.later:
        return []
    if request.applied_through is None:
        return None
    return [b for b in one.later if not _applied_by_then(b, request.applied_through)]


def _applied_by_then(backup: Backup, through: datetime) -> bool:
    """Without an offset both are taken as the clock of the source shows them."""
    try:
        finish = datetime.fromisoformat((backup.finish or "").replace("Z", "+00:00"))
    except ValueError:
        return False
    if finish.tzinfo is None or through.tzinfo is None:
        finish, through = finish.replace(tzinfo=None), through.replace(tzinfo=None)
    return finish <= through


def _from_the_start(request: Request, observed: Observed, one: DatabaseBackups) -> tuple[Step, ...]:
    if one.base is None:
        return ()
    if not needs_chain(request, one) or is_2008(observed):
        return (restore_step(request, observed, one, one.base),)
    steps = [chain_step(request, observed, one, one.base, ""), tag_step(request, one, one.base)]
    steps += [chain_step(request, observed, one, b, OF_THE_FIRST_FILE) for b in one.later]
    if request.state == "restored":
        steps.append(open_step(request, one, OF_THE_FIRST_FILE))
    return tuple(steps)


def _opens(step: Step) -> bool:
    return step.parameters.get("IsOnlineDB") == "True"


def used_today(observed: Observed) -> Sequence[api.BackupTask]:
    """Tasks of the last 24 hours: whatever day the service counts by, its tasks are among them."""
    return [t for t in observed.tasks or () if t.created is None or observed.now - t.created < _DAY]


def _within_quota(request: Request, observed: Observed, found: Sequence[Standing]) -> tuple[Standing, ...]:
    """over_quota: today leaves steps for tomorrow, last ones first; fail plans them all, and a check fails."""
    if request.over_quota != "today":
        return tuple(found)
    today = used_today(observed)
    room, of_database = PER_INSTANCE_AND_DAY - len(today), Counter(t.database.casefold() for t in today)
    within: list[Standing] = []
    for standing in found:
        fit = min(room, PER_DATABASE_AND_DAY - of_database[standing.target.casefold()])
        kept = _first_creates(standing.steps, max(fit, 0))
        room -= sum(step.action == api.CREATE for step in kept)
        state = DEFERRED if standing.steps and not kept else standing.state
        within.append(standing._replace(steps=kept, state=state))
    return tuple(within)


def _first_creates(steps: tuple[Step, ...], most: int) -> tuple[Step, ...]:
    """As many steps as do not create more than `most` tasks. A database is only opened after all of its files."""
    creates = 0
    for number, step in enumerate(steps):
        creates += step.action == api.CREATE
        if creates > most:
            return steps[:number]
    return steps
