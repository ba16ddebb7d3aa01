# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The run loop that all paths share: observe, check, plan, and then either stop (a rehearsal) or apply and wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from ._failure import MigrationFailure
from ._plan import FAIL, PASS, WARN, Check, Plan, Step, fingerprint, stopping, verdict

if TYPE_CHECKING:

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


def rehearse_and_run(path: Path, options: Mapping[str, Any], result: dict[str, Any], *, check_mode: bool) -> None:
    """Fills `result` as it goes, so that a failure shows how far it came."""
    observed = path.observe()
    plan = path.plan(observed)
    one_way = [step for step in plan.steps if step.one_way]
    found, confirmation = path.check(observed), _confirmation(one_way, options["confirm"], check_mode)
    checks = [*found, *confirmation]
    # What is, until nothing stands in the way of what will be.
    result.update(
        plan=[step.as_result() for step in plan.steps],
        checks=[check.as_result() for check in checks],
        verdict=verdict(checks),
        summary=_summary(plan, checks),
        fingerprint=fingerprint(plan),
        state=plan.state,
        diff={"before": dict(plan.before), "after": dict(plan.before)},
        **path.facts(observed, None),
    )
    # A yes is wanted whatever preflight says, and only from a real run: a rehearsal goes without it.
    enforce, yes_is_missing = options["preflight"] == "enforce", [c for c in confirmation if c.status == FAIL]
    _stop_at(stopping(found, enforce=enforce, one_way=bool(one_way), accept=options["accept"]) + yes_is_missing)
    if options["approved_plan"]:
        from ._approval import require_approval

        require_approval(plan, options["approved_plan"], module=path.name)
    if check_mode:
        result.update(path.facts(observed, plan), changed=plan.changes, state=plan.predicted_state)
        result.update(predicted=bool(plan.steps or plan.unknown or plan.in_flight))
        result["diff"]["after"] = dict(plan.after)
        return
    if plan.steps or (plan.in_flight and options["wait"]):
        _apply(path, plan, observed, result, wait=options["wait"])
    elif plan.unknown and options["wait"]:
        # Without waiting it is no error: nothing is known to be left to do, and the next run will see.
        raise MigrationFailure(
            f"What is to be done cannot be told: {plan.unknown}",
            code="plan_unknown",
            remedy="Look at the instances in the console, then run the playbook again.",
        )


def _summary(plan: Plan, checks: list[Check]) -> list[str]:
    """The plan and what is doubtful about it, in plain sentences."""
    passed = sum(check.status == PASS for check in checks)
    to_do = (
        "nothing to do"
        if not plan.steps
        else "1 step to do"
        if len(plan.steps) == 1
        else f"{len(plan.steps)} steps to do"
    )
    lines = [f"Verdict {verdict(checks)}: {passed} of {len(checks)} checks passed, {plan.unknown or to_do}."]
    for step in plan.steps:
        action = step.action if step.or_else is None else f"{step.action} (or else {step.or_else.action})"
        lines.append(f"{action} on {step.target}: {', '.join(step.subject)}.")
    return lines + [f"{c.status} {c.name}: {c.detail} {c.remedy}".rstrip() for c in checks if c.status != PASS]


def _apply(path: Path, plan: Plan, observed: Any, result: dict[str, Any], *, wait: bool) -> None:
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


def _confirmation(one_way: list[Step], confirm: str | None, check_mode: bool) -> list[Check]:
    """A step that cannot be taken back wants the id of the instance, typed by somebody."""
    if not one_way:
        return []
    targets = sorted({step.target for step in one_way})
    target = ", ".join(targets)
    if [confirm] == targets:
        return [Check("confirm", PASS, f"the one-way step on {target} is confirmed")]
    return [
        Check(
            "confirm",
            WARN if check_mode and not confirm else FAIL,
            f"{one_way[0].action} on {target} cannot be taken back and is not confirmed.",
            f"Set confirm: {target} when you mean it.",
        )
    ]


def _stop_at(stopping_checks: list[Check]) -> None:
    if not stopping_checks:
        return
    names = [c.name for c in stopping_checks]
    lines = [f"- {c.name}: {c.detail}" + (f" {c.remedy}" if c.remedy else "") for c in stopping_checks]
    count = "1 check stops" if len(lines) == 1 else f"{len(lines)} checks stop"
    raise MigrationFailure(
        "\n".join([f"{count} the migration. Nothing was written.", *lines]),
        code="no_go",
        remedy="Correct what the checks name and run again."
        + ("" if "confirm" in names else " To go on in spite of them, set preflight: warn."),
    )
