# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The report of one host: its run, with its rehearsal as what was promised, or its rehearsal alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._report_databases import databases_of, jobs_of
from ._report_records import GUIDANCE, REHEARSAL, VERDICTS, Entry, Record
from ._report_steps import LEFT, differences, not_reached, steps_of
from ._report_values import seconds_between

REHEARSED, STOPPED, FINISHED, UNFINISHED, FAILED = "rehearsed", "stopped", "finished", "unfinished", "failed"
# The worst first.
OUTCOMES = (FAILED, STOPPED, UNFINISHED, REHEARSED, FINISHED)

_OF_STATUS = {"fail": "no_go", "warn": "review", "unknown": "review", "pass": "go"}


def host_report(told: Record, promise: Record | None) -> dict[str, Any]:
    """told: the run, or the rehearsal where there is none. promise: of a run, its rehearsal."""
    steps, checks, failures = steps_of(told), _checks(told.entries), _failures(told.entries)
    promised = _promised(promise, told, steps) if promise else None
    if promised and not promised["newer"]:
        steps = steps + not_reached(promised["steps"], told, steps)
    phases = _phases(told.entries)
    calls: Counter[str] = Counter()
    for entry in told.entries:
        calls.update(entry.calls)
    return {
        "host": told.host,
        "role": told.role,
        "kind": told.kind,
        "outcome": _outcome(told, steps, failures),
        "verdict": _verdict(told, checks),
        "run": told.run,
        "updated": told.updated,
        "seconds": _duration(phases),
        "versions": dict(told.versions),
        "failures": failures,
        "checks": checks,
        "steps": steps,
        "phases": phases,
        "databases": databases_of(told),
        "jobs": jobs_of(told),
        "calls": dict(sorted(calls.items())),
        "request_ids": list(dict.fromkeys(name for entry in told.entries for name in entry.request_ids)),
        "fingerprints": _fingerprints(told.entries),
        "guidance": _guidance(told, promise),
        "promised": promised,
    }


def worst_verdict(verdicts: Iterable[str | None]) -> str | None:
    found = set(verdicts)
    return next((verdict for verdict in reversed(VERDICTS) if verdict in found), None)


def _current(entries: Sequence[Entry]) -> list[Entry]:
    """Without those that a later one about the same things has overtaken."""
    newest = {entry.about: number for number, entry in enumerate(entries)}
    return [entry for number, entry in enumerate(entries) if newest[entry.about] == number]


def _checks(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    found = []
    for entry in _current(entries):
        for check in entry.checks:
            one = {**check, "module": entry.module, "phase": entry.phase, "instance": entry.instance}
            if one not in found:
                found.append(one)
    return found


def _failures(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "module": entry.module,
            "phase": entry.phase,
            "instance": entry.instance,
            "when": entry.ended,
            "message": entry.message or "It failed and did not say why.",
            **{
                name: (entry.error or {}).get(name)
                for name in ("code", "http_status", "request_id", "action", "remedy")
            },
        }
        for entry in _current(entries)
        if entry.failed
    ]


def _outcome(record: Record, steps: Sequence[Mapping[str, Any]], failures: Sequence[Any]) -> str:
    if record.kind == REHEARSAL:
        return STOPPED if failures else REHEARSED
    if failures:
        return FAILED
    return UNFINISHED if any(step["status"] in LEFT for step in steps) or not record.entries else FINISHED


def _verdict(record: Record, checks: Sequence[Mapping[str, Any]]) -> str | None:
    said = [entry.verdict for entry in _current(record.entries)]
    return worst_verdict([*said, *(_OF_STATUS[check["status"]] for check in checks)])


def _duration(phases: Sequence[Mapping[str, Any]]) -> int | None:
    """Of the work, without the days between two runs."""
    seconds = [phase["seconds"] for phase in phases if phase["seconds"] is not None]
    return sum(seconds) if seconds else None


def _phases(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """In the order in which they were first met, each from its first moment to its last."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.phase or "other", []).append(entry)
    return [_phase(name, members) for name, members in found.items()]


def _phase(name: str, entries: Sequence[Entry]) -> dict[str, Any]:
    began = min((entry.began for entry in entries if entry.began), default=None)
    ended = max((entry.ended for entry in entries if entry.ended), default=None)
    return {
        "phase": name,
        "modules": list(dict.fromkeys(entry.module for entry in entries if entry.module)),
        "began": began,
        "ended": ended,
        "seconds": seconds_between(began, ended),
        "state": entries[-1].state,
        "changed": any(entry.changed and not entry.predicted for entry in entries),
        "predicted": all(entry.predicted for entry in entries),
        "failed": any(entry.failed for entry in _current(entries)),
    }


def _fingerprints(entries: Sequence[Entry]) -> list[dict[str, str]]:
    """Only those of plans that hold something: they are what can be approved."""
    return [
        {"module": entry.module, "phase": entry.phase, "instance": entry.instance, "fingerprint": entry.fingerprint}
        for entry in _current(entries)
        if entry.fingerprint and entry.plan
    ]


def _guidance(told: Record, promise: Record | None) -> dict[str, list[str]]:
    """A run that stopped early may not have come to say what the rehearsal said. What is next only the newest knows."""
    other = promise.guidance if promise else {}
    return {name: list(told.guidance[name] or (other.get(name, []) if name != "next" else [])) for name in GUIDANCE}


def _promised(rehearsal: Record, run: Record, steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    planned = steps_of(rehearsal)
    # A rehearsal after the run tells what is left and promised nothing of it.
    newer = (rehearsal.run or rehearsal.updated or "") > (run.updated or run.run or "")
    return {
        "run": rehearsal.run,
        "verdict": _verdict(rehearsal, _checks(rehearsal.entries)),
        "newer": newer,
        "steps": planned,
        "differences": []
        if newer
        else [{**one._asdict(), "subject": list(one.subject)} for one in differences(planned, run, steps)],
    }
