# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""From records to the report's data, which is what report.json holds (version 1):

  format, version  "apsaradb.migration/report", 1
  title, created   the report's title, and when it was made (ISO 8601, UTC)
  outcome          the worst of all hosts: failed, stopped (a rehearsal that failed), unfinished, rehearsed, finished,
                   or null without hosts
  verdict          the worst of all hosts: no_go, review, go, or null where none was told
  counts           hosts; outcomes {outcome: hosts}; checks {status: number}; steps {status: number of subjects};
                   one_way_left; databases; differences; unreadable
  totals           size, sent_bytes, seconds (of uploads), rate; began, ended
  calls            {action: number}, of all hosts
  unreadable       [{file, reason}] what could not be read, or only in part
  hosts            by name:
    host, role, kind (rehearsal or run), outcome, verdict, run, updated, seconds, versions, calls, request_ids
    failures       [{module, phase, instance, when, message, code, http_status, request_id, action, remedy}]
    checks         [{name, status, detail, remedy, module, phase, instance}]
    steps          [{action, target, source, subject, why, parameters, choices, one_way, or_else, module, phase,
                   status}]; status is planned (only rehearsed so far), done, begun, open, or unclear
    phases         [{phase, modules, began, ended, seconds, state, changed, predicted, failed}]
    databases      [{host, database, target, instance, state, stage, size, sent_bytes, seconds, rate, predicted,
                   verdict, problem, remedy}]
    jobs           [{kind, name, id, instance, state, stage, lag_seconds, lag_bytes, age, problem, predicted}]
    fingerprints   [{module, phase, instance, fingerprint}]
    guidance       {next, cutover, rollback}: lists of sentences
    promised       null, or of a run that was rehearsed: {run, verdict, newer, steps, differences: [{kind, action,
                   target, subject, status}]}; kind is not_done,
                   not_reached, found_done, or not_promised

Other facts of modules stay in the records. Pure functions: nothing is read and no clock is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ._report_host import OUTCOMES, host_report, worst_verdict
from ._report_records import REHEARSAL, RUN, Record, Unreadable, read_record
from ._report_steps import LEFT
from ._report_values import text_of

FORMAT, VERSION = "apsaradb.migration/report", 1


class File(NamedTuple):
    """A file of the folder. content: its bytes, or why it could not be read."""

    name: str
    content: bytes | str


def report_of(files: Iterable[File], *, title: str, created: str) -> dict[str, Any]:
    """Merge the records of all hosts."""
    records, unreadable = _read(files)
    hosts = [_of_host(by_kind) for _host, by_kind in sorted(records.items())]
    return {
        "format": FORMAT,
        "version": VERSION,
        "title": title,
        "created": created,
        "outcome": next((outcome for outcome in OUTCOMES if any(host["outcome"] == outcome for host in hosts)), None),
        "verdict": worst_verdict(host["verdict"] for host in hosts),
        "counts": _counts(hosts, unreadable),
        "totals": _totals(hosts),
        "calls": dict(sorted(sum((Counter(host["calls"]) for host in hosts), Counter()).items())),
        "unreadable": unreadable,
        "hosts": hosts,
    }


def _of_host(by_kind: Mapping[str, Record]) -> dict[str, Any]:
    run, rehearsal = by_kind.get(RUN), by_kind.get(REHEARSAL)
    return host_report(run, rehearsal) if run else host_report(by_kind[REHEARSAL], None)


def _read(files: Iterable[File]) -> tuple[dict[str, dict[str, Record]], list[dict[str, str]]]:
    records: dict[str, dict[str, Record]] = {}
    unreadable = []
    for file in sorted(files, key=lambda one: one.name):
        name = text_of(file.name)
        try:
            if isinstance(file.content, str):
                raise Unreadable(file.content)
            record = read_record(file.content)
        except Unreadable as error:
            unreadable.append({"file": name, "reason": f"{error}."})
            continue
        if record.lost:
            unreadable.append({"file": name, "reason": f"{record.lost} of its entries cannot be understood."})
        known = records.setdefault(record.host, {})
        other = known.get(record.kind)
        if other is not None:
            reason = f"there are two records of the {record.kind} of {record.host}; the newer one is shown."
            unreadable.append({"file": name, "reason": reason})
        if other is None or (record.updated or "") > (other.updated or ""):
            known[record.kind] = record
    return records, unreadable


def _counts(hosts: Sequence[Mapping[str, Any]], unreadable: Sequence[Any]) -> dict[str, Any]:
    steps = [step for host in hosts for step in host["steps"]]
    subjects: Counter[str] = Counter()
    for step in steps:
        subjects[step["status"]] += max(1, len(step["subject"]))
    return {
        "hosts": len(hosts),
        "outcomes": dict(Counter(host["outcome"] for host in hosts)),
        "checks": dict(Counter(check["status"] for host in hosts for check in host["checks"])),
        "steps": dict(subjects),
        "one_way_left": sum(step["one_way"] and step["status"] in LEFT for step in steps),
        "databases": sum(len(host["databases"]) for host in hosts),
        "differences": sum(
            one["kind"] in ("not_done", "not_promised")
            for host in hosts
            if host["promised"]
            for one in host["promised"]["differences"]
        ),
        "unreadable": len(unreadable),
    }


def _totals(hosts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    rows = [row for host in hosts for row in host["databases"]]
    phases = [phase for host in hosts for phase in host["phases"]]
    totals: dict[str, Any] = {}
    for name in ("size", "sent_bytes", "seconds"):
        numbers = [row[name] for row in rows if row[name] is not None]
        totals[name] = sum(numbers) if numbers else None
    measured = totals["sent_bytes"] and totals["seconds"]
    totals["rate"] = int(totals["sent_bytes"] / totals["seconds"]) if measured else None
    totals["began"] = min((phase["began"] for phase in phases if phase["began"]), default=None)
    totals["ended"] = max((phase["ended"] for phase in phases if phase["ended"]), default=None)
    return totals
