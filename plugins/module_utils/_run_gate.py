# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What stands in front of the first write: a missing yes, checks that stop, a plan that cannot be told.

Imported when something does.
"""

from __future__ import annotations

from ._failure import MigrationFailure
from ._plan import FAIL, PASS, WARN, Check, Plan, Step


def confirmation_of(one_way: list[Step], confirm: str | None, check_mode: bool) -> list[Check]:
    """Steps that cannot be taken back want the id of the instance, typed by somebody."""
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


def stopped_by(stopping_checks: list[Check]) -> MigrationFailure:
    """The failure of a run that checks forbid; each of them is told."""
    names = [c.name for c in stopping_checks]
    lines = [f"- {c.name}: {c.detail}" + (f" {c.remedy}" if c.remedy else "") for c in stopping_checks]
    count = "1 check stops" if len(lines) == 1 else f"{len(lines)} checks stop"
    return MigrationFailure(
        "\n".join([f"{count} the migration. Nothing was written.", *lines]),
        code="no_go",
        remedy="Correct what the checks name and run again."
        + ("" if "confirm" in names else " To go on in spite of them, set preflight: warn."),
    )


def unknown_plan(plan: Plan) -> MigrationFailure:
    return MigrationFailure(
        f"What is to be done cannot be told: {plan.unknown}",
        code="plan_unknown",
        remedy="Look at the instances in the console, then run the playbook again.",
    )
