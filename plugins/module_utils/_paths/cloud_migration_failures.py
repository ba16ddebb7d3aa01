# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What to say when a cloud migration does not go on. Imported when something went wrong."""

from __future__ import annotations

from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import Report
from .._alibaba.errors import AnswerLost
from .._failure import MigrationFailure
from .._plan import FAIL, Check
from .cloud_migration_checks import NO_CANCEL, problems, report_checks
from .cloud_migration_request import Request


def assessment_failed(request: Request, found: api.Assessment | None) -> MigrationFailure:
    """found: None when it vanished from the service's list."""
    report = found.report if found else Report()
    return MigrationFailure(
        f"Assessment {found.id if found else ''} of {request.source} failed. No migration was started.\n"
        + "\n".join(_lines(report)),
        code="assessment_failed",
        action=api.PRECHECK,
        remedy="Correct all of this and run again: the next run assesses again.",
    )


def assessment_stands_still(request: Request, found: api.Assessment | None) -> MigrationFailure:
    told = f"Assessment {found.id} shows" if found else "The assessment that was started shows"
    return MigrationFailure(
        f"{told} nothing new for {request.stall_timeout:g} seconds. No migration was started.",
        code="assessment_stands_still",
        action=api.PRECHECK,
        remedy="Look at it in the console. Raise stall_timeout if the service is only slow.",
    )


def warnings_not_accepted(found: api.Assessment | None, doubtful: list[Check]) -> MigrationFailure:
    names = ", ".join(check.name for check in doubtful)
    lines = [f"- {c.name}: {c.detail} {c.remedy}".rstrip() for c in doubtful]
    about = f"Assessment {found.id}" if found else "The assessment"
    return MigrationFailure(
        "\n".join([f"{about} passed with warnings that nobody accepted. No migration was started.", *lines]),
        code="warnings_not_accepted",
        action=api.PRECHECK,
        remedy=f"Correct them, and set assessment_max_age: 0 to have it assessed again; or set accept: [{names}].",
    )


def migration_failed(request: Request, found: api.Migration) -> MigrationFailure:
    return MigrationFailure(
        f"Migration {found.id} of {request.source} failed in stage {found.stage}.\n" + "\n".join(_lines(found.report)),
        code="migration_failed",
        action=api.CREATE,
        remedy="Correct all of this and run again: the next run assesses again and then starts another migration. "
        f"If the service refuses that because this one occupies the target: {NO_CANCEL}",
    )


def migration_stands_still(request: Request, found: api.Migration | None) -> MigrationFailure:
    if found is None:
        text = "The migration that was started does not show in the service's list"
    else:
        said = "; ".join(found.report.events[-1:])
        text = f"Migration {found.id} stands still in stage {found.stage}, replication state {found.state}"
        text += f" ({said})" if said else ""
    return MigrationFailure(
        f"{text} for {request.stall_timeout:g} seconds. The service goes on by itself, if it can.",
        code="migration_stands_still",
        action=api.CREATE,
        remedy="Check that the source runs, can be reached, accepts the account, and still has the WAL that the target "
        f"needs; then run again, which waits on. {NO_CANCEL}",
    )


def gate_stayed_shut(request: Request, found: api.Migration | None, written: int | None) -> MigrationFailure:
    """written: bytes that arrived between the last two looks."""
    if found is None or not found.streams:
        shown = f"is in stage {found.stage}, replication state {found.state}" if found else "is not listed"
        return MigrationFailure(
            f"The migration of {request.source} {shown}, and not streaming, after {request.patience.timeout:g} "
            "seconds. The switch was not sent.",
            code="not_streaming",
            action=api.ACTIVATE,
            remedy="Run state: replicating until it streams, then switch.",
        )
    told, limits = found.replication, [f"max_lag {request.max_lag} bytes"]
    if request.max_lag_seconds is not None:
        limits.append(f"max_lag_seconds {request.max_lag_seconds:g}")
    if request.reach_lsn:
        limits.append(f"reach_lsn {request.reach_lsn}")
    seconds = "unknown" if told.lag_seconds is None else f"{told.lag_seconds:g}"
    lag = "an unknown number of" if told.lag_bytes is None else told.lag_bytes
    return MigrationFailure(
        f"After {request.patience.timeout:g} seconds the target was not twice in a row within {' and '.join(limits)}: "
        f"it is {lag} bytes ({seconds} seconds) behind, replayed up to {told.replayed or 'an unknown position'}"
        + (f", and the source wrote {written} bytes between the last two looks" if written else "")
        + ". The switch was not sent.",
        code="lag_too_large",
        action=api.ACTIVATE,
        remedy=_remedy_of_lag(request, told, written or 0),
    )


def _remedy_of_lag(request: Request, told: api.Replication, written: int) -> str:
    """No limit can be kept that the service tells no figure for. written: bytes between the last two looks."""
    untold = []
    accepted = "lag" in request.accept or not request.enforce
    if request.reach_lsn and not told.replayed:
        untold.append("leave out reach_lsn, because the service does not tell what the target has replayed")
    if request.max_lag_seconds is not None and told.lag_seconds is None and not accepted:
        untold.append("leave out max_lag_seconds, because the service does not tell the lag in seconds")
    if told.lag_bytes is None and not accepted:
        untold.append(
            "freeze the source, compare both sides (postgresql_compare), and if they are equal give accept: [lag], "
            "because the service does not tell how far the target is behind"
        )
    if untold:
        return f"Run again after this: {'; '.join(untold)}."
    if request.reach_lsn and told.replayed and api.position(told.replayed) < api.position(request.reach_lsn):
        return (
            "The target has not replayed up to reach_lsn. Check that it is a position of this source, then run again, "
            "perhaps with a longer wait_timeout."
        )
    if written > request.max_lag:
        return "The source is written to. Stop that (postgresql_source with state: frozen), then run again."
    return (
        "Stop the writes on the source (postgresql_source with state: frozen), then run again; or raise max_lag or "
        "wait_timeout."
    )


def activation_lost(request: Request, lost: AnswerLost) -> AnswerLost:
    return AnswerLost(
        f"{lost.message} The switch was sent, and for {request.settle:g} seconds the migration showed no sign of it. "
        "It was not sent again, and nothing was taken back.",
        code=lost.code,
        action=api.ACTIVATE,
        request_id=lost.request_id,
        http_status=lost.http_status,
        remedy="Keep the source frozen. Read the stage with rds_migration_info: while it is increment, the switch did "
        "not happen, and running this again sends it; switch or success means that the target takes over.",
    )


def switch_stands_still(request: Request, found: api.Migration | None) -> MigrationFailure:
    shown = f"stage {found.stage}, replication state {found.state}" if found else "nothing"
    return MigrationFailure(
        f"The switch was sent, and for {request.stall_timeout:g} seconds the migration shows {shown}. It was not sent "
        "again, and nothing was taken back.",
        code="switch_stands_still",
        action=api.ACTIVATE,
        remedy="Keep the source frozen and look at the instance in the console. While the stage is switch, running "
        "this again waits on; while it is increment, running this again sends the switch again.",
    )


def switch_not_seen_yet(request: Request) -> MigrationFailure:
    return MigrationFailure(
        f"The service accepted the switch, but for {request.settle:g} seconds the migration showed no sign of it. It "
        "was not sent again, and nothing was taken back.",
        code="not_seen_yet",
        action=api.ACTIVATE,
        remedy="Keep the source frozen. Read the stage with rds_migration_info before you run again: while it is "
        "increment, running this again sends the switch again. Raise settle to look longer.",
    )


def start_lost(request: Request, lost: AnswerLost) -> AnswerLost:
    return AnswerLost(
        f"{lost.message} For {request.settle:g} seconds no new task of {request.source} was listed, so it probably was "
        "not started. It was not sent again.",
        code=lost.code,
        action=lost.action,
        request_id=lost.request_id,
        http_status=lost.http_status,
        remedy="Run the playbook again: it looks at the service's lists first, takes over what runs, and starts only "
        "what is missing. Raise settle if the service is slow to list tasks.",
    )


def not_seen_yet(request: Request, action: str) -> MigrationFailure:
    return MigrationFailure(
        f"The service accepted {action}, but did not list the task within {request.settle:g} seconds.",
        code="not_seen_yet",
        action=action,
        remedy="Look at the target's cloud migrations in the console before you run again: a run that sees nothing "
        "starts another one. Raise settle to look longer.",
    )


def _lines(report: Report) -> list[str]:
    lines = [f"- {c.detail} {c.remedy}".rstrip() for c in report_checks(report.checks) if c.status == FAIL]
    return lines + [f"- {event}" for event in report.error_events] or [f"- {text}" for text in problems(report)]
