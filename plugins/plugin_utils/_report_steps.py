# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Which steps are planned, done, begun or still to do, and how that compares with what a rehearsal promised.

A module tells the steps that were to be done when it began. Which of them are done follows from how it ended: all, or,
where it failed, those whose subject stands where the step leads to.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ._report_databases import standing
from ._report_records import REHEARSAL, Entry, Record

PLANNED, DONE, BEGUN, OPEN, UNCLEAR = "planned", "done", "begun", "open", "unclear"
LEFT = (PLANNED, BEGUN, OPEN, UNCLEAR)

_REACHED = frozenset("online running imported restored present uploaded backed_up".split())
_ON_THE_WAY = frozenset(("staged", "in_flight"))

# Action (or its alternative) with the user's choices, target, source, and one subject: what approval compares, too.
Identity = tuple[str, str, str, str]


class Difference(NamedTuple):
    """How a run is not what was promised. kind: not_done, not_reached, found_done, or not_promised."""

    kind: str
    action: str
    target: str
    subject: tuple[str, ...]
    status: str


def steps_of(record: Record) -> list[dict[str, Any]]:
    """The steps of a record in order, each with its status. What several entries tell of is told once."""
    found: dict[Identity, tuple[dict[str, Any], Entry, str]] = {}
    for number, entry in enumerate(record.entries):
        if record.kind != REHEARSAL and entry.predicted and _overtaken(entry, record.entries[number + 1 :]):
            continue
        states = standing(entry.facts)
        for step in entry.plan:
            for subject, identity in _parts(step):
                status = PLANNED if record.kind == REHEARSAL else _status(entry, step, states.get(subject, "").lower())
                if status in LEFT and identity in found and found[identity][2] == DONE and not entry.failed:
                    continue
                found[identity] = (step, entry, status)
    return list(_put_together(found))


def differences(
    promised: Sequence[Mapping[str, Any]], record: Record, steps: Sequence[Mapping[str, Any]]
) -> list[Difference]:
    """promised: the steps of the rehearsal. record, steps: the run and its steps."""
    told = {identity: (step, subject) for step in steps for subject, identity in _parts(step)}
    found = []
    for step in promised:
        for subject, identity in _parts(step):
            status = told[identity][0]["status"] if identity in told else ""
            if status == DONE:
                continue
            kind = "not_done" if status else "found_done" if _found_done(step, record.entries) else "not_reached"
            found.append(_difference(kind, step, subject, status))
    known = {identity for step in promised for _subject, identity in _parts(step)}
    found += [
        _difference("not_promised", step, subject, step["status"])
        for identity, (step, subject) in told.items()
        if identity not in known and step["status"] in (DONE, BEGUN)
    ]
    return _gathered(found)


def not_reached(
    promised: Sequence[Mapping[str, Any]], record: Record, steps: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Promised steps whose phase the run has not come to: they are still to be done."""
    known = {identity for step in steps for _subject, identity in _parts(step)}
    found = []
    for step in promised:
        parts = [(subject, identity) for subject, identity in _parts(step) if identity not in known]
        if parts and not _found_done(step, record.entries):
            found.append({**step, "subject": [subject for subject, _identity in parts if subject]})
    return found


def _difference(kind: str, step: Mapping[str, Any], subject: str, status: str) -> Difference:
    return Difference(kind, step["action"], step["target"], (subject,) if subject else (), status)


def _gathered(differences: Iterable[Difference]) -> list[Difference]:
    """One difference for all subjects that share it."""
    subjects: dict[tuple[str, str, str, str], list[str]] = {}
    for one in differences:
        subjects.setdefault((one.kind, one.action, one.target, one.status), []).extend(one.subject)
    return [Difference(k, action, target, tuple(names), s) for (k, action, target, s), names in subjects.items()]


def _parts(step: Mapping[str, Any]) -> Iterator[tuple[str, Identity]]:
    action = _with_choices(step)
    if step["or_else"]:
        action += f" or else {_with_choices(step['or_else'])}"
    for subject in step["subject"] or [""]:
        yield subject, (action, step["target"], step["source"] or "", subject)


def _with_choices(step: Mapping[str, Any]) -> str:
    return step["action"] + (f" with {json.dumps(step['choices'], sort_keys=True)}" if step["choices"] else "")


def _overtaken(entry: Entry, later: Iterable[Entry]) -> bool:
    """Whether the module came back in earnest: then its own plan counts, not what was foreseen."""
    return any(
        other.module == entry.module and other.instance == entry.instance and not other.predicted and not other.failed
        for other in later
    )


def _found_done(step: Mapping[str, Any], entries: Sequence[Entry]) -> bool:
    return any(
        entry.module == step["module"] and entry.phase == step["phase"] and not entry.predicted and not entry.failed
        for entry in entries
    )


def _status(entry: Entry, step: Mapping[str, Any], state: str) -> str:
    """state: what the module told of the step's subject in the end, if anything."""
    if entry.predicted:
        return OPEN
    if not entry.failed:
        return BEGUN if state == "in_flight" or (not state and entry.state == "in_flight") else DONE
    if state in _REACHED:
        return DONE
    if state in _ON_THE_WAY and not step["one_way"]:
        return DONE if state == "staged" else BEGUN
    sent = step["action"] in entry.calls or (step["or_else"] or {}).get("action") in entry.calls
    if state:
        return UNCLEAR if state == "unknown" and (sent or entry.changed) else OPEN
    if sent:
        return UNCLEAR
    # Where calls are counted, one that is missing was not made.
    return OPEN if entry.calls or not entry.changed else UNCLEAR


def _put_together(found: Mapping[Identity, tuple[dict[str, Any], Entry, str]]) -> Iterator[dict[str, Any]]:
    """Steps with many subjects in one piece again, as far as these stand alike."""
    pieces: dict[tuple[int, str], dict[str, Any]] = {}
    for (_action, _target, _source, subject), (step, entry, status) in found.items():
        piece = pieces.get((id(step), status))
        if piece is None:
            piece = {**step, "subject": [], "module": entry.module, "phase": entry.phase, "status": status}
            pieces[id(step), status] = piece
        if subject:
            piece["subject"].append(subject)
    yield from pieces.values()
