# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""An approved plan: is what is left to do no more than, and nothing else than, what somebody agreed to?

Steps are compared by identity: action (or its alternative), target, source, logical subject, and what the user chose on
purpose (a backup, a time, privileges); never by what a run chooses by itself: ids, times, sizes. A run may start when
its remaining steps are a subset of the approved ones, in their order; everything that is missing from them must have
been observed as done, which is how a step falls out of a plan in the first place. A fingerprint admits only the exact
plan.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._failure import BadRequest, MigrationFailure
from ._plan import Plan, fingerprint

FINGERPRINT = r"sha256:[0-9a-f]{64}"
# One thing to be done: (action, target, source, subject).
Identity = tuple[str, str, str, str]


class NotApproved(MigrationFailure):
    """The plan holds something that the approved plan does not."""


def require_approval(plan: Plan, approved: str, *, module: str) -> None:
    """Raises NotApproved when `plan` goes beyond `approved`, a path or a fingerprint, and shows what is too much."""
    if approved.startswith("sha256:"):
        _require_fingerprint(plan, approved)
        return
    allowed = _read(approved, module=module)
    beyond = _beyond([identity for step in plan.steps for identity in identities(step.as_result())], allowed)
    if beyond:
        raise NotApproved(
            "The plan holds what the approved plan does not, or in another order: " + "; ".join(map(_said, beyond)),
            code="not_approved",
            remedy="Rehearse again with --check and have the new plan approved, or correct the task's options.",
        )


def identities(step: Mapping[str, Any]) -> list[Identity]:
    """A step's result form, taken apart into one identity per subject."""
    try:
        action, other = _with_choices(step), step.get("or_else")
        if other:
            # Whoever agreed to an action alone did not agree to its alternative.
            action += f" or else {_with_choices(other)}"
        return [(action, str(step["target"]), str(step.get("source") or ""), str(name)) for name in step["subject"]]
    except (KeyError, TypeError, AttributeError):
        raise BadRequest(
            "The approved plan holds a step without action, target or subject.",
            code="approved_plan_unreadable",
            remedy="approved_plan takes the saved result of a rehearsal, or a rehearsal file.",
        ) from None


def _with_choices(step: Mapping[str, Any]) -> str:
    choices = dict(step.get("choices") or {})
    return str(step["action"]) + (f" with {json.dumps(choices, sort_keys=True)}" if choices else "")


def _require_fingerprint(plan: Plan, approved: str) -> None:
    if not re.fullmatch(FINGERPRINT, approved):
        raise BadRequest(
            "approved_plan begins with sha256: but is not followed by 64 lower-case hex digits.",
            code="approved_plan_unreadable",
            remedy="Copy the fingerprint from the rehearsal's result, or give the path of its file.",
        )
    # A plan without steps writes nothing, so it needs nobody's approval: that is what makes a second run possible.
    if plan.steps and fingerprint(plan) != approved:
        raise NotApproved(
            f"The plan is not the approved one: its fingerprint is {fingerprint(plan)}.",
            code="not_approved",
            remedy="Compare the plan with the rehearsal's; rehearse again and have the new fingerprint approved.",
        )


def _read(path: str, *, module: str) -> list[Identity]:
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError) as error:
        raise BadRequest(
            f"The approved plan {path} cannot be read: {type(error).__name__}.",
            code="approved_plan_unreadable",
            remedy="approved_plan is the full path of a JSON file where the module runs, or a sha256: fingerprint.",
        ) from None
    steps = _steps_of(document, module)
    if steps is None:
        raise BadRequest(
            f"The approved plan {path} holds no plan of {module}.",
            code="approved_plan_unreadable",
            remedy="approved_plan takes the saved result of a rehearsal, or a rehearsal file.",
        )
    return [identity for step in steps for identity in identities(step)]


def _steps_of(document: Any, module: str) -> Sequence[Mapping[str, Any]] | None:
    """The steps in a module's result, a list of steps, or a rehearsal file's entries for this module."""
    if isinstance(document, Mapping) and isinstance(document.get("entries"), list):
        return _steps_of_entries(
            [entry for entry in document["entries"] if isinstance(entry, Mapping) and entry.get("module") == module]
        )
    if isinstance(document, Mapping):
        document = document.get("plan")
    return document if isinstance(document, list) else None


def _steps_of_entries(entries: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]] | None:
    """The steps of what was rehearsed well. What a later phase planned once more counts once, where it stood first."""
    if not entries:
        return None
    good = [entry for entry in entries if not entry.get("failed")]
    if not good:
        raise BadRequest(
            "The approved plan is of a rehearsal that failed.",
            code="approved_plan_unreadable",
            remedy="Correct what the rehearsal found, rehearse again, and have that approved.",
        )
    steps: list[Mapping[str, Any]] = []
    known: set[Identity] = set()
    for entry in good:
        fresh = [step for step in entry.get("plan") or [] if not known.issuperset(identities(step))]
        steps += fresh
        known.update(identity for step in fresh for identity in identities(step))
    return steps


def _beyond(wanted: Iterable[Identity], allowed: Sequence[Identity]) -> list[Identity]:
    """The identities that are not allowed, or are allowed only earlier than where they stand.

    The same thing done once more right away is the same thing: on the night a chain has more logs than before.
    """
    position, beyond = 0, []
    for identity in wanted:
        if position and allowed[position - 1] == identity and identity not in allowed[position:]:
            continue
        try:
            position = allowed.index(identity, position) + 1
        except ValueError:
            beyond.append(identity)
    return beyond


def _said(identity: Identity) -> str:
    action, target, source, subject = identity
    return f"{action} {subject} " + (f"from {source} " if source else "") + f"on {target}"
