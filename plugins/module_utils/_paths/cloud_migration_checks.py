# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items in front of a cloud migration. Pure functions of what was asked for and what was observed.

The preconditions are those of the vendor's guide to the cloud migration of PostgreSQL. What the service tells nothing
about is `unknown`; what only the source's server can tell is the assessment's to find.
"""

from __future__ import annotations

from collections.abc import Sequence

from .._alibaba import rds_cloud_migration as api
from .._alibaba.assessment import FAILED, Report, ReportCheck, accept_names
from .._alibaba.rds_instances import Instance
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .cloud_migration_plan import (
    Observed,
    current,
    failed_before,
    good_assessment,
    newest_assessment,
    others_in_flight,
    pending_assessment,
)
from .cloud_migration_request import ASSESSED, SWITCHED, Request
from .cloud_migration_target_checks import checks_of_target, engine_fits, instance_exists, target_empty

NO_CANCEL = (
    "The service has no call that ends a cloud migration: wait, end it in the console, or release the target instance "
    "and use another one."
)
_CATEGORIES = ("ecsonvpc", "idconvpc")


def all_checks(request: Request, observed: Observed) -> list[Check]:
    """For a finished migration its instance is all that is checked: it stays good when instances change later."""
    target = observed.instance
    items = [instance_exists(request.instance_id, target)]
    if request.weak_secret:
        items.append(_weak_secret())
    if target is None:
        return items
    engine = engine_fits(target)
    items.append(engine)
    if engine.status == FAIL:
        return items
    found = current(request, observed)
    if found is None:
        already = request.state == ASSESSED and good_assessment(request, observed) is not None
        return items if already else [*items, *_before_a_start(request, observed, target)]
    if found.stage == api.SUCCESS:
        return items
    items.append(_words_are_known(found))
    if found.stage == api.INCREMENT:
        items.append(_replication(found))
    if request.state == SWITCHED and found.stage != api.SWITCH:
        items.append(_no_other_to_switch(found, observed))
        items += [*_lag_can_be_told(found), *report_checks(found.report.checks or _assessed_checks(request, observed))]
    return items


def report_checks(found: Sequence[ReportCheck]) -> list[Check]:
    """The lines of a report as go/no-go items, under the names that `accept` takes."""
    names = accept_names(found)
    return [Check(n, c.status, _said(c), c.remedy) for n, c in zip(names, found, strict=True)]


def unaccepted(request: Request, report: Report) -> list[Check]:
    """What a report warns of, or says in words nobody documented, and nobody accepted."""
    doubtful = [c for c in report_checks(report.checks) if c.status in (WARN, UNKNOWN)]
    return [c for c in doubtful if c.name not in request.accept]


def _assessed_checks(request: Request, observed: Observed) -> tuple[ReportCheck, ...]:
    found = newest_assessment(request, observed)
    return found.report.checks if found else ()


def _before_a_start(request: Request, observed: Observed, target: Instance) -> list[Check]:
    return [
        *checks_of_target(target),
        target_empty(observed.databases),
        _no_other(request, observed),
        _source_told(request),
        _category(request),
        *_assessment(request, observed),
    ]


def _weak_secret() -> Check:
    return Check(
        "weak_secret",
        WARN,
        "The source's password is so short or so common that masking it blanks other values in the output.",
        "Give the migration account a password of at least 8 characters that is no part of a name or address.",
    )


def _no_other(request: Request, observed: Observed) -> Check:
    others = others_in_flight(request, observed)
    if not others:
        return Check("no_other_migration", PASS, "no migration of another source occupies the target")
    return Check("no_other_migration", FAIL, f"The target is occupied by migration {_named(others)}.", NO_CANCEL)


def _no_other_to_switch(found: api.Migration, observed: Observed) -> Check:
    """The switch names only the instance. By the vendor's guide it has one migration at a time."""
    others = [m for m in observed.migrations if m.in_flight and m.id != found.id]
    if not others:
        return Check("no_other_migration", PASS, f"migration {found.id} is the only one that the switch can act on")
    return Check(
        "no_other_migration",
        WARN,
        f"The target also shows migration {_named(others)}. The switch names no migration: whether it acts on "
        f"{found.id} cannot be told.",
        f"Find out in the console which of them the target follows. {NO_CANCEL}",
    )


def _named(migrations: Sequence[api.Migration]) -> str:
    return ", ".join(f"{m.id} from {m.source} ({m.stage})" for m in migrations)


def _source_told(request: Request) -> Check:
    given = {"account": request.account, "password": request.has_password, "category": request.category}
    missing = [f"source.{name}" for name, value in given.items() if not value]
    if not missing:
        return Check("source_options", PASS, f"account, password and category of {request.source} are given")
    return Check("source_options", FAIL, "A migration cannot be started without them.", f"Set {', '.join(missing)}.")


def _category(request: Request) -> Check:
    if request.category.lower() in _CATEGORIES:
        return Check("source_category", PASS, f"{request.category} is documented")
    return Check(
        "source_category",
        WARN,
        f"source.category {request.category or 'is empty'}: the service's pages disagree about values beyond ecsOnVpc "
        "and idcOnVpc. It is passed on as it is.",
        "Use ecsOnVpc for an ECS instance in a VPC, idcOnVpc for what is connected to one.",
    )


def _assessment(request: Request, observed: Observed) -> list[Check]:
    good, failed = good_assessment(request, observed), failed_before(request, observed)
    items = []
    if failed is not None:
        told = "; ".join(problems(failed.report))
        items.append(Check("earlier_migration", WARN, f"Migration {failed.id} of this source failed: {told}.", ""))
    if good is not None:
        items.append(Check("assessment", PASS, f"assessment {good.id} passed{_age(observed, good)}"))
        return items + report_checks(good.report.checks)
    pending, last = pending_assessment(request, observed), newest_assessment(request, observed)
    if pending is not None:
        text = f"Assessment {pending.id} is under way; its result is not known yet."
    elif last is not None and last.report.outcome == FAILED:
        text = f"Assessment {last.id} failed: {'; '.join(problems(last.report))}. The run assesses again."
    else:
        text = "There is no assessment that passed lately. The run makes one, and goes on only if it passes."
    return [*items, Check("assessment", UNKNOWN, text, "")]


def problems(report: Report) -> list[str]:
    """Everything that a report calls an error."""
    found = [f"{c.name}: {c.detail}" if c.detail else c.name for c in report.failures] + report.error_events
    return found or ["its report says that it failed, and not why"]


def _age(observed: Observed, found: api.Assessment) -> str:
    if found.created is None:
        return ""
    return f" {max(int((observed.now - found.created).total_seconds()), 0)} seconds ago"


def _said(check: ReportCheck) -> str:
    return f"{check.group}: {check.name}" + (f": {check.detail}" if check.detail else "")


def _words_are_known(found: api.Migration) -> Check:
    unknown = [w for w, known in ((found.stage, api.STAGES), (found.state, api.STATES)) if w not in known]
    if not unknown:
        return Check("migration_state", PASS, f"migration {found.id} is in stage {found.stage}, {found.state}")
    return Check(
        "migration_state",
        WARN,
        f"Migration {found.id} shows what is not documented: {', '.join(unknown)}. It is taken as running.",
        "Look at it in the console.",
    )


def _replication(found: api.Migration) -> Check:
    if found.state != api.DISCONNECTED:
        return Check("replication", PASS, f"migration {found.id} is in replication state {found.state}")
    why = "; ".join(found.report.events[-1:])
    return Check(
        "replication",
        WARN,
        f"Migration {found.id} is disconnected from its source{': ' + why if why else ''}.",
        "Check that the source runs and can be reached, that it still has the WAL that the target needs, and the "
        f"migration account. {NO_CANCEL}",
    )


def _lag_can_be_told(found: api.Migration) -> list[Check]:
    """Before the increment there is nothing to tell; the run itself waits for a small lag."""
    if not found.streams:
        return []
    lag = found.replication.lag_bytes
    if lag is None:
        return [
            Check(
                "lag",
                UNKNOWN,
                "The service does not tell how far the target is behind.",
                "Compare the positions on both servers yourself before you accept this.",
            )
        ]
    return [Check("lag", PASS, f"the target is {lag} bytes behind; the run waits until that is small enough")]
