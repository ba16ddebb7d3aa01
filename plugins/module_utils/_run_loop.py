# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The run loop that all paths share: observe, check, plan, and then either stop (a rehearsal) or apply and wait.

Most runs find their work done. What stands in front of a step, and doing it, are imported when there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._plan import FAIL, PASS, Check, Plan, fingerprint, stopping, verdict

if TYPE_CHECKING:
    from ._run_steps import Path


def rehearse_and_run(path: Path, options: Mapping[str, Any], result: dict[str, Any], *, check_mode: bool) -> None:
    """Fills `result` as it goes, so that a failure shows how far it came."""
    observed = path.observe()
    plan = path.plan(observed)
    found = path.check(observed)
    confirmation = _confirmation(plan, options, check_mode=check_mode)
    result.update(_what_is(plan, [*found, *confirmation]), **path.facts(observed, None))
    _stop_where_it_must(plan, found, confirmation, options)
    if options["approved_plan"]:
        from ._approval import require_approval

        require_approval(plan, options["approved_plan"], module=path.name)
    if check_mode:
        result.update(path.facts(observed, plan), changed=plan.changes, state=plan.predicted_state)
        result.update(predicted=bool(plan.steps or plan.unknown or plan.in_flight))
        result["diff"]["after"] = dict(plan.after)
        return
    if plan.steps or (plan.in_flight and options["wait"]):
        from ._run_steps import carry_out

        carry_out(path, plan, observed, result, wait=options["wait"])
    elif plan.unknown and options["wait"]:
        from ._run_gate import unknown_plan

        # Without waiting it is no error: nothing is known to be left to do, and the next run will see.
        raise unknown_plan(plan)


def _confirmation(plan: Plan, options: Mapping[str, Any], *, check_mode: bool) -> list[Check]:
    one_way = [step for step in plan.steps if step.one_way]
    if not one_way:
        return []
    from ._run_gate import confirmation_of

    return confirmation_of(one_way, options["confirm"], check_mode)


def _what_is(plan: Plan, checks: list[Check]) -> dict[str, Any]:
    """What a result tells until nothing stands in the way of what will be."""
    return {
        "plan": [step.as_result() for step in plan.steps],
        "checks": [check.as_result() for check in checks],
        "verdict": verdict(checks),
        "summary": _summary(plan, checks),
        "fingerprint": fingerprint(plan),
        "state": plan.state,
        "diff": {"before": dict(plan.before), "after": dict(plan.before)},
    }


def _stop_where_it_must(plan: Plan, found: list[Check], confirmation: list[Check], options: Mapping[str, Any]) -> None:
    """A yes is wanted whatever preflight says, and only from a real run: a rehearsal goes without it."""
    enforce, one_way = options["preflight"] == "enforce", any(step.one_way for step in plan.steps)
    stops = stopping(found, enforce=enforce, one_way=one_way, accept=options["accept"])
    stops += [check for check in confirmation if check.status == FAIL]
    if stops:
        from ._run_gate import stopped_by

        raise stopped_by(stops)


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
