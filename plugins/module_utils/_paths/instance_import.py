# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Instance import: SQL Server databases from one RDS instance to another of the same account and region.

The service keeps no list of imports, so what counts is what an import leaves behind: the target databases, Running. Two
actions do the work. ImportDatabaseBetweenInstances reads the live source and was taken offline by the vendor in 2024;
CopyDatabaseBetweenInstances, its successor, restores a backup of the source.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

from .._alibaba import rds
from .._alibaba.errors import AnswerLost, ServiceError, is_forbidden, is_unknown_action
from .._alibaba.rpc import RpcClient
from .._failure import BadRequest, MigrationFailure, WaitTimeout
from .._plan import Check, Plan, Step
from .._waiting import Clock, Patience, wait_until
from . import instance_import_checks as checks

# How far back a backup is looked for. Longer windows are slow at the service.
_BACKUP_WINDOW = timedelta(days=8)
_RESTORE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_PLAIN_NAME = re.compile(r"[\w$#@.-]+( [\w$#@.-]+)*")

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What the task asks for. databases: {source name: target name}. Times in seconds."""

    source: str
    target: str
    databases: Mapping[str, str]
    method: str = "auto"
    backup_id: str = ""
    restore_time: str = ""
    sync_user_privilege: bool = False
    max_backup_age: float = 3600.0
    on_existing: str = "accept"
    start_grace: float = 300.0
    settle: float = 60.0
    wait: bool = True
    patience: Patience = field(default_factory=lambda: Patience(timeout=21600.0, interval=15.0))

    @property
    def may_import(self) -> bool:
        return self.method in ("auto", "import")

    @property
    def may_copy(self) -> bool:
        return self.method in ("auto", "copy")


@dataclass(frozen=True)
class Observed:
    """Both instances at one moment. None: there is no such instance, or the service did not tell.

    running: actions of imports and copies that a task list shows as unfinished.
    """

    now: datetime
    source: rds.Instance | None
    target: rds.Instance | None
    source_databases: Mapping[str, rds.Database] = field(default_factory=dict)
    target_databases: Mapping[str, rds.Database] = field(default_factory=dict)
    source_used: int | None = None
    target_used: int | None = None
    backups: tuple[rds.Backup, ...] | None = None
    running: frozenset[str] = frozenset()

    @property
    def busy(self) -> list[str]:
        """The instances that are known to be in another state than Running."""
        return [i.id for i in (self.source, self.target) if i is not None and i.state not in (None, rds.RUNNING)]


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    problems: list[str] = []
    names = _names(options["databases"], problems)
    source, target = options["source_instance_id"].strip(), options["instance_id"].strip()
    if not source or not target:
        problems.append("instance_id and source_instance_id must not be empty")
    elif source == target:
        problems.append(f"instance_id and source_instance_id are the same instance, {source}")
    backup_id, restore_time = options.get("backup_id") or "", options.get("restore_time") or ""
    if backup_id and restore_time:
        problems.append("backup_id and restore_time exclude each other")
    if restore_time and not _RESTORE_TIME.fullmatch(restore_time):
        problems.append("restore_time is not of the form 2026-01-31T23:59:59Z (UTC)")
    if options["method"] == "import" and (backup_id or restore_time or options["sync_user_privilege"]):
        problems.append("backup_id, restore_time and sync_user_privilege belong to method copy, not import")
    for name in ("wait_timeout", "poll_interval", "settle", "start_grace", "max_backup_age"):
        if options[name] < 0 or (name == "poll_interval" and options[name] == 0):
            problems.append(f"{name} must be a number of seconds, not {options[name]:g}")
    if problems:
        raise BadRequest(
            "The task's options cannot be carried out: " + "; ".join(problems) + ".",
            code="invalid_options",
            remedy="Correct the options that are named. Nothing was read or written.",
        )
    return Request(
        source=source,
        target=target,
        databases=names,
        method=options["method"],
        backup_id=backup_id,
        restore_time=restore_time,
        sync_user_privilege=options["sync_user_privilege"],
        max_backup_age=options["max_backup_age"],
        on_existing=options["on_existing"],
        start_grace=options["start_grace"],
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
    )


class InstanceImport:
    """The path as the door runs it: observe, check, plan, apply, wait."""

    name = "rds_import_between_instances"

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._import_id = ""
        self._method_used = ""
        self._adopted = False

    # -- reading ------------------------------------------------------------------------------------------------------

    def observe(self) -> Observed:
        """Reads everything that the checks and the plan may ask for, and waits for what is in flight, if it may.

        A target that is occupied cannot be planned for: which databases an import in flight holds is not told.
        """
        seen = self._look()
        if in_flight(self._request, seen) and self._request.wait and not self._client.read_only:
            self._adopted = True
            seen = wait_until(
                self._look,
                lambda now: not in_flight(self._request, now),
                self._request.patience,
                self._clock,
                waiting_for=f"the work that is in flight on {self._request.source} or {self._request.target}",
            )
        return self._more_closely(seen)

    def check(self, observed: Observed) -> list[Check]:
        return checks.all_checks(self._request, observed, remaining(self._request, observed))

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    # -- writing ------------------------------------------------------------------------------------------------------

    def apply(self, step: Step) -> None:
        """Sends the step's action once; where the service does not know it, the alternative once."""
        try:
            answer = self._client.call(step.action, step.parameters)
        except AnswerLost as lost:
            self._adopt_or_fail(step, lost)
            return
        except ServiceError as error:
            if step.or_else is None or not is_unknown_action(error):
                raise
            self.apply(step.or_else)
            return
        self._method_used = "import" if step.action == rds.IMPORT else "copy"
        self._import_id = str(answer.get("ImportId") or "")
        if not self._request.wait:
            # Until it shows, a second run could not see it and would start it again.
            self._shows_within_settle()

    def wait(self, observed: Observed) -> Observed:
        """Waits until every target database is Running. Fails when the import visibly ended, or never began."""
        started, busy_once = self._clock.monotonic(), False

        def over(seen: Observed) -> bool:
            nonlocal started, busy_once
            if not remaining(self._request, seen) and not coming(self._request, seen) and not seen.busy:
                return True
            if in_flight(self._request, seen):
                busy_once, started = True, self._clock.monotonic()
            elif self._clock.monotonic() - started > (self._request.settle if busy_once else self._request.start_grace):
                raise self._nothing_came_of_it(seen, busy_once)
            return False

        seen = wait_until(
            self._look, over, self._request.patience, self._clock, waiting_for=f"the import to {self._request.target}"
        )
        return replace(seen, source_databases=observed.source_databases, backups=observed.backups)

    # -- telling ------------------------------------------------------------------------------------------------------

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys. rehearsed: the plan whose outcome is shown as if it had been done."""
        predicted = dict(rehearsed.after.get("databases", {})) if rehearsed is not None else {}
        return {
            "instance_id": self._request.target,
            "source_instance_id": self._request.source,
            "import_id": self._import_id or None,
            "method_used": self._method_used or None,
            "adopted": self._adopted,
            "backup": None if self._method_used == "import" else _chosen_backup_facts(self._request, observed),
            "databases": [
                _database_facts(source, target, observed, predicted.get(target))
                for source, target in sorted(self._request.databases.items(), key=lambda pair: pair[1])
            ],
        }

    # -- details ------------------------------------------------------------------------------------------------------

    def _look(self) -> Observed:
        """What waiting needs: states and databases."""
        source, target = (
            rds.instance(self._client, self._request.source),
            rds.instance(self._client, self._request.target),
        )
        now = datetime.fromtimestamp(self._clock.wall(), timezone.utc)
        listed = rds.databases(self._client, target.id) if target else {}
        seen = Observed(now=now, source=source, target=target, target_databases=listed)
        if source is None or target is None or not remaining(self._request, seen):
            return seen
        running = [rds.running_imports(self._client, i.id, self._clock.wall()) for i in (source, target)]
        return replace(seen, running=frozenset.union(*running))

    def _more_closely(self, seen: Observed) -> Observed:
        """Adds what only the checks of a step that is still to be done need."""
        if not remaining(self._request, seen):
            return seen
        source, target = seen.source, seen.target
        seen = replace(seen, source_databases=rds.databases(self._client, source.id) if source else {})
        if source is None or target is None or checks.wrong_engine(source, target):
            return seen
        return replace(
            seen,
            source_used=self._used(source),
            target_used=self._used(target),
            backups=self._backups(seen.now) if self._request.may_copy and not self._request.restore_time else None,
        )

    def _used(self, instance: rds.Instance) -> int | None:
        return self._unless_forbidden(lambda: rds.disk_used(self._client, instance.id)) or instance.storage_used

    def _backups(self, now: datetime) -> tuple[rds.Backup, ...] | None:
        request = self._request
        if request.backup_id:
            found = self._unless_forbidden(lambda: rds.full_backup(self._client, request.source, request.backup_id))
        else:
            since = now - _BACKUP_WINDOW
            found = self._unless_forbidden(lambda: rds.full_backups(self._client, request.source, since, now))
        return None if found is None else tuple(found)

    def _unless_forbidden(self, read: Callable[[], T]) -> T | None:
        """None where the service refuses a reading that only informs: the check that needs it becomes unknown."""
        try:
            return read()
        except ServiceError as error:
            if error.transient or not (is_forbidden(error) or is_unknown_action(error)):
                raise
            return None

    def _adopt_or_fail(self, step: Step, lost: AnswerLost) -> None:
        """After a lost answer: looks for a sign of the import, and never sends it again."""
        if not self._shows_within_settle():
            raise AnswerLost(
                f"{lost.message} For {self._request.settle:g} seconds nothing showed that the import began, so it "
                "probably did not. It was not sent again.",
                code=lost.code,
                action=step.action,
                request_id=lost.request_id,
                http_status=lost.http_status,
                remedy="Look at both instances in the console. Run the playbook again: it looks at their state first, "
                "takes over what runs, and starts only what is missing.",
            )
        self._method_used = "import" if step.action == rds.IMPORT else "copy"
        self._adopted = True

    def _shows_within_settle(self) -> bool:
        def shows(seen: Observed) -> bool:
            return in_flight(self._request, seen) or not remaining(self._request, seen)

        interval = min(self._request.patience.interval, max(self._request.settle / 4, 0.1))
        try:
            wait_until(self._look, shows, Patience(self._request.settle, interval), self._clock, waiting_for="a sign")
        except WaitTimeout:
            return False
        return True

    def _nothing_came_of_it(self, seen: Observed, was_busy: bool) -> MigrationFailure:
        missing = ", ".join(sorted(remaining(self._request, seen).values()))
        if was_busy:
            text = f"The import ended, but {self._request.target} does not have {missing}: it failed at the service."
        else:
            text = (
                f"The service accepted the import, but in {self._request.start_grace:g} seconds neither instance "
                f"became busy and {missing} did not appear on {self._request.target}."
            )
        return MigrationFailure(
            text,
            code="import_failed" if was_busy else "import_never_started",
            action=self._method_used,
            remedy="Look at the task list of the target in the console (rds_migration_info shows it too), then run the "
            "playbook again. Raise start_grace if the service is only slow to begin.",
        )


def plan(request: Request, observed: Observed) -> Plan:
    """The step still to be done, or none, or why that cannot be told. Pure."""
    missing, arriving = remaining(request, observed), coming(request, observed)
    wanted = sorted(request.databases.values())
    before = {"instance_id": request.target, "databases": {t: _state_on(observed, t) for t in wanted}}
    if not missing and not arriving:
        return Plan(state="imported", predicted_state="imported", before=before, after=before)
    if in_flight(request, observed):
        return _plan_in_flight(request, observed, before)
    after = {"instance_id": request.target, "databases": dict.fromkeys(wanted, rds.DATABASE_RUNNING)}
    state_after = "imported" if request.wait else "in_flight"
    step = _step(request, observed, dict(sorted(missing.items(), key=lambda pair: pair[1])))
    return Plan(state="missing", steps=(step,), predicted_state=state_after, before=before, after=after)


def _plan_in_flight(request: Request, observed: Observed, before: Mapping[str, Any]) -> Plan:
    if not remaining(request, observed):
        return Plan(state="in_flight", predicted_state="in_flight", before=before, after=before)
    states = [f"{i.id} is {i.state}" for i in (observed.source, observed.target) if i and i.id in observed.busy]
    states += [f"{action} runs" for action in sorted(observed.running)]
    states += [f"database {d} is {_state_on(observed, d)}" for d in sorted(coming(request, observed))]
    return Plan(
        state="unknown",
        predicted_state="unknown",
        before=before,
        after=before,
        unknown="; ".join(states) + ". Which databases the work in flight holds is not told by the service. A run "
        "with wait: true waits until it is over, looks again, and imports what is missing then.",
    )


def remaining(request: Request, observed: Observed) -> dict[str, str]:
    """{source: target} of the databases that are not on the target."""
    return {s: t for s, t in request.databases.items() if t not in observed.target_databases}


def coming(request: Request, observed: Observed) -> set[str]:
    """Target names that are listed and not Running yet. A state nobody documented counts as on its way."""
    settled = {rds.DATABASE_RUNNING, *rds.DATABASE_LOST}
    listed = observed.target_databases
    return {t for t in request.databases.values() if t in listed and listed[t].state not in settled}


def in_flight(request: Request, observed: Observed) -> bool:
    """Something occupies an instance, or a wanted database is on its way."""
    if observed.source is None and remaining(request, observed):
        return False
    return bool(observed.busy or coming(request, observed) or observed.running)


def _step(request: Request, observed: Observed, names: dict[str, str]) -> Step:
    """The import, with the copy behind it where the method leaves both open."""
    why = f"{len(names)} of {len(request.databases)} databases are not on {request.target}"
    subject = tuple(_subject(source, target) for source, target in names.items())
    copy = Step(
        action=rds.COPY,
        target=request.target,
        source=request.source,
        subject=subject,
        why=why,
        parameters=rds.copy_parameters(
            request.source,
            request.target,
            names,
            backup_id=request.backup_id or ("" if request.restore_time else _newest_id(observed)),
            restore_time=request.restore_time,
            sync_user_privilege=request.sync_user_privilege,
        ),
        # Without a wish the newest backup is taken, and there may be a newer one by then.
        chosen_at_run_time=frozenset() if request.backup_id or request.restore_time else frozenset({"BackupId"}),
    )
    if not request.may_import:
        return copy
    return Step(
        action=rds.IMPORT,
        target=request.target,
        source=request.source,
        subject=subject,
        why=why,
        parameters=rds.import_parameters(request.source, request.target, names),
        or_else=copy if request.may_copy else None,
    )


def _newest_id(observed: Observed) -> str:
    newest = checks.newest_usable(observed.backups or ())
    return newest.id if newest else ""


def _subject(source: str, target: str) -> str:
    return _quoted(target) if source == target else f"{_quoted(source)} -> {_quoted(target)}"


def _quoted(name: str) -> str:
    """SQL Server's own quoting where a name could be mistaken for something else."""
    return name if _PLAIN_NAME.fullmatch(name) else "[" + name.replace("]", "]]") + "]"


def _state_on(observed: Observed, target: str) -> str:
    found = observed.target_databases.get(target)
    return found.state if found else "absent"


def _database_facts(source: str, target: str, observed: Observed, predicted: str | None) -> dict[str, Any]:
    on_source, on_target = observed.source_databases.get(source), observed.target_databases.get(target)
    known = on_target or on_source
    return {
        "source": source,
        "target": target,
        "state": predicted or _state_on(observed, target),
        "size": known.size if known else None,
    }


def _chosen_backup_facts(request: Request, observed: Observed) -> dict[str, Any] | None:
    """The backup a copy would take or took, as far as it was looked for."""
    found = next((b for b in observed.backups or () if b.id == request.backup_id), None)
    found = found or (None if request.backup_id else checks.newest_usable(observed.backups or ()))
    if found is None:
        return None
    age = int((observed.now - found.taken).total_seconds()) if found.taken else None
    return {"id": found.id, "taken": found.taken.strftime("%Y-%m-%dT%H:%M:%SZ") if found.taken else None, "age": age}


def _names(value: Any, problems: list[str]) -> dict[str, str]:
    """{source: target} from a list of names or a mapping. YAML makes numbers of names that are not quoted."""
    if isinstance(value, list):
        pairs = [(name, name) for name in value]
    elif isinstance(value, Mapping):
        pairs = list(value.items())
    else:
        problems.append("databases must be a list of names or a mapping of source to target names")
        return {}
    if not pairs:
        problems.append("databases is empty")
    wrong = [repr(n) for pair in pairs for n in dict.fromkeys(pair) if not isinstance(n, str) or not n]
    if wrong:
        problems.append(f"databases holds what is no name, quote it: {', '.join(wrong)}")
        return {}
    for side, chosen in (("source", [s for s, _t in pairs]), ("target", [t for _s, t in pairs])):
        twice = sorted({name for name in chosen if [n.casefold() for n in chosen].count(name.casefold()) > 1})
        if twice:
            problems.append(f"databases names a {side} more than once (case does not count): {', '.join(twice)}")
    return dict(pairs)
