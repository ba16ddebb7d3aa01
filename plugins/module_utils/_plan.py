# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is checked, what is still to be done, and whether it may be done. Pure data and pure functions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

PASS, WARN, FAIL, UNKNOWN = "pass", "warn", "fail", "unknown"
GO, REVIEW, NO_GO = "go", "review", "no_go"


class Check(NamedTuple):
    """One go/no-go item. `unknown` means that the service gave no data for it; it is never a pass."""

    name: str
    status: str
    detail: str
    remedy: str = ""

    def as_result(self) -> dict[str, str]:
        return {"name": self.name, "status": self.status, "detail": self.detail, "remedy": self.remedy}


class Step(NamedTuple):
    """One write that is still to be done.

    action: the service's action. target: the instance it acts on. subject: the logical things it is about, one entry
    per database, job or role. source: where they come from, if anywhere. parameters: the request as it will be sent,
    free of secrets. chosen_at_run_time: names of parameters that a later run may fill differently (the newest backup)
    without being another plan. choices: what the user chose beyond the subject, by option; approval covers these.
    or_else: the step to take when the service does not know the action.
    """

    action: str
    target: str
    subject: tuple[str, ...]
    why: str
    parameters: Mapping[str, Any]
    source: str = ""
    chosen_at_run_time: frozenset[str] = frozenset()
    choices: Mapping[str, Any] = MappingProxyType({})
    one_way: bool = False
    or_else: Step | None = None

    def as_result(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "action": self.action,
            "target": self.target,
            "source": self.source or None,
            "subject": list(self.subject),
            "why": self.why,
            "parameters": dict(self.parameters),
            "choices": dict(self.choices),
            "one_way": self.one_way,
        }
        if self.or_else is not None:
            result["or_else"] = self.or_else.as_result()
        return result


class Plan(NamedTuple):
    """The ordered steps still to be done, with the state of the things users name before and after them.

    state: where the migration stands now, before any step. predicted_state: where it stands after the steps.
    unknown: why no plan can be made, if so; then there are no steps and nothing is promised. in_flight: the
    subjects that are on their way without a step of this plan; a run that may wait waits for them.
    """

    state: str
    steps: tuple[Step, ...] = ()
    predicted_state: str = ""
    before: Mapping[str, Any] = MappingProxyType({})
    after: Mapping[str, Any] = MappingProxyType({})
    unknown: str = ""
    in_flight: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        return bool(self.steps)


def verdict(checks: Iterable[Check]) -> str:
    """no_go with any fail; review with a warn or unknown; else go."""
    statuses = {check.status for check in checks}
    if FAIL in statuses:
        return NO_GO
    return REVIEW if statuses & {WARN, UNKNOWN} else GO


def stopping(
    checks: Iterable[Check], *, enforce: bool, one_way: bool = False, accept: Collection[str] = ()
) -> list[Check]:
    """The checks that forbid the first write.

    A fail stops whenever preflight is enforced. In front of a one-way step every warn and unknown stops as well, unless
    its name is in `accept`; nobody can accept a fail.
    """
    if not enforce:
        return []
    serious = {FAIL} | ({WARN, UNKNOWN} if one_way else set())
    return [c for c in checks if c.status in serious and (c.status == FAIL or c.name not in accept)]


def listed(names: Iterable[str], most: int = 10) -> str:
    """For a check's detail: the first names, and how many more there are."""
    every = list(names)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")


def fingerprint(plan: Plan) -> str:
    """`sha256:` and 64 hex digits over everything that makes a plan this plan and no other.

    Parameters that a later run may fill differently (Step.chosen_at_run_time) and explanations (why) do not enter it.
    """
    text = json.dumps([_essence(step) for step in plan.steps], sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _essence(step: Step) -> dict[str, Any]:
    essence: dict[str, Any] = {
        "action": step.action,
        "target": step.target,
        "source": step.source,
        "subject": list(step.subject),
        "parameters": {k: v for k, v in step.parameters.items() if k not in step.chosen_at_run_time},
    }
    if step.or_else is not None:
        essence["or_else"] = _essence(step.or_else)
    return essence
