# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Carrying out a plan: what a path is to the run loop, sending its steps, waiting for their end.

Imported when there is a step to take or to wait for.
"""

from __future__ import annotations

from typing import Any, Protocol

from ._failure import MigrationFailure
from ._plan import Check, Plan, Step


class Path(Protocol):
    """A way to migrate. observe reads, check and plan are pure, apply writes, wait polls.

    A path whose steps are for many subjects has apply_all(steps) instead of apply: it sends what does not depend on
    each other together, and one that fails does not stop the others. Its attribute `failure` is what became of
    those that failed, as one MigrationFailure, or None; it is raised after the result is complete.
    """

    name: str

    def observe(self) -> Any:
        """Everything that check and plan may ask for. Waits for what is in flight, if it may."""

    def check(self, observed: Any) -> list[Check]:
        """The go/no-go items."""

    def plan(self, observed: Any) -> Plan:
        """The steps still to be done."""

    def apply(self, step: Step) -> None:
        """Writes."""

    def wait(self, observed: Any) -> Any:
        """Polls until the wanted state; returns what was observed last."""

    def facts(self, observed: Any, rehearsed: Plan | None) -> dict[str, Any]:
        """The module's own result keys; of a rehearsal, as they will be after the plan."""


def carry_out(path: Path, plan: Plan, observed: Any, result: dict[str, Any], *, wait: bool) -> None:
    """Fills `result` as it goes. What failed on the way is raised after that."""
    try:
        _send(path, plan, observed, result)
    except MigrationFailure:
        # How far it came is part of the failure.
        result.update(path.facts(observed, None))
        raise
    result["state"] = "in_flight"
    if wait:
        # Told is what is seen now, not what was promised.
        observed = path.wait(observed)
        reached = path.plan(observed)
        result["state"] = reached.state
        result["diff"]["after"] = dict(reached.before)
    else:
        result["diff"]["after"] = dict(plan.after)
    result.update(path.facts(observed, None))
    failure: MigrationFailure | None = getattr(path, "failure", None)
    if failure is not None:
        raise failure


def _send(path: Path, plan: Plan, observed: Any, result: dict[str, Any]) -> None:
    if hasattr(path, "apply_all"):
        path.apply_all(plan.steps)
        result["changed"] = bool(plan.steps)
        return
    for step in plan.steps:
        path.apply(step)
        result["changed"] = True
        result.update(path.facts(observed, None))
