# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What records tell of each database and of each continuous job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ._report_records import REHEARSAL, Entry, Record
from ._report_values import mapping_of, mappings_of, moment_of, number_of, seconds_between, text_of, whole_of

_GOOD = frozenset("online running imported restored present uploaded backed_up equal".split())
_BAD = frozenset("failed refused terminated different".split())
# Each upload sends bytes of its own: the full backup first, the last logs on the night.
_ADD_UP = ("sent_bytes", "seconds")


def databases_of(record: Record) -> list[dict[str, Any]]:
    """One row per database, by name. A later entry overrides what an earlier one told."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in record.entries:
        for told in (*_restores(entry), *_backups(entry), *_uploads(entry)):
            row = rows.setdefault(told["database"], _new_row(told["database"], record))
            if entry.predicted and row["state"] is not None and not row["predicted"]:
                # What will be takes no place of what is.
                continue
            row.update({name: value for name, value in told.items() if value is not None and name not in _ADD_UP})
            for name in _ADD_UP:
                row[name] = _added(row[name], told.get(name))
            row["predicted"] = told["state"] is not None and (entry.predicted or told.get("predicted") is True)
            row["stage"] = entry.phase
            if told["state"] is not None:
                # A later look clears what an earlier one complained about.
                row.update(problem=told["problem"], remedy=told["remedy"])
    for row in rows.values():
        row["rate"] = int(row["sent_bytes"] / row["seconds"]) if row["sent_bytes"] and row["seconds"] else None
        row["verdict"] = _verdict(row)
    return [rows[name] for name in sorted(rows)]


def standing(facts: Mapping[str, Any]) -> dict[str, str]:
    """The state of each subject that steps may name, as the module told it in the end."""
    states: dict[str, str] = {}
    for item in mappings_of(facts.get("uploads")):
        label = f"{text_of(item.get('database'))} {text_of(item.get('type')) or 'backup'}"
        stripes = whole_of(item.get("stripes")) or 1
        stripe = f" (stripe {text_of(item.get('stripe'))} of {stripes})" if stripes > 1 else ""
        states[label + stripe] = text_of(item.get("state"))
    for item in (*mappings_of(facts.get("backups")), *mappings_of(facts.get("databases"))):
        name, source, state = _name(item), text_of(item.get("source")), text_of(item.get("state"))
        if state:
            target = text_of(item.get("target")) or name
            states.update({f"{_quoted(source)} -> {_quoted(target)}": state, _quoted(target): state, target: state})
    return states


def _quoted(name: str) -> str:
    """As steps write names that could be mistaken for something else."""
    plain = name.replace(" ", "").replace("$", "").replace("#", "").replace("@", "").replace(".", "").replace("-", "")
    odd = name != name.strip() or "  " in name or not plain.replace("_", "a").isalnum()
    return "[" + name.replace("]", "]]") + "]" if odd else name


def jobs_of(record: Record) -> list[dict[str, Any]]:
    """What replicates continuously: DTS jobs and cloud migrations, as the last entry of each tells."""
    jobs: dict[tuple[str, str], dict[str, Any]] = {}
    for entry in record.entries:
        for job in _jobs(entry):
            known = jobs.get((job["kind"], job["name"] or job["id"]))
            if entry.predicted and known and not known["predicted"]:
                continue
            jobs[job["kind"], job["name"] or job["id"]] = {
                **job,
                "predicted": entry.predicted,
                "instance": entry.instance,
            }
    return list(jobs.values())


def _name(item: Mapping[str, Any]) -> str:
    return next((text for key in ("database", "source", "name") if (text := text_of(item.get(key)))), "")


def _new_row(name: str, record: Record) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(
        "target instance state stage size sent_bytes seconds rate problem remedy".split()
    )
    return {"host": record.host, "database": name, **empty, "predicted": record.kind == REHEARSAL}


def _told(entry: Entry, item: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "database": _name(item),
        "instance": entry.instance or None,
        "state": text_of(item.get("state"), 80) or None,
        "size": whole_of(item.get("size")),
        "problem": None,
        "remedy": None,
        **more,
    }


def _restores(entry: Entry) -> Iterator[dict[str, Any]]:
    for item in mappings_of(entry.facts.get("databases")):
        if not _name(item):
            continue
        told = _told(
            entry, item, problem=text_of(item.get("cause")) or None, remedy=text_of(item.get("remedy")) or None
        )
        told["target"] = text_of(item.get("target"), 256) or None
        differences = whole_of(item.get("differences"))
        if differences is not None and told["state"] is None:
            told["state"] = "different" if differences else "equal"
            told["problem"] = f"{differences} differences between source and target" if differences else None
        yield told


def _backups(entry: Entry) -> Iterator[dict[str, Any]]:
    for item in mappings_of(entry.facts.get("backups")):
        if _name(item):
            error = mapping_of(item.get("error"))
            problem, remedy = text_of(error.get("message")) or None, text_of(error.get("remedy")) or None
            # The server a backup is taken of is not the instance that the database goes to.
            told = _told(entry, item, instance=None, problem=problem, remedy=remedy)
            yield {**told, "predicted": item.get("predicted")}


def _uploads(entry: Entry) -> Iterator[dict[str, Any]]:
    """A database has as many uploads as files: their bytes and seconds are summed up."""
    files: dict[str, list[Mapping[str, Any]]] = {}
    for item in mappings_of(entry.facts.get("uploads")):
        if _name(item):
            files.setdefault(_name(item), []).append(item)
    for name, items in files.items():
        states = [text_of(item.get("state"), 80) for item in items]
        # The one that is least far speaks for all.
        state = next((state for state in states if state.lower() not in _GOOD), states[0])
        yield {
            "database": name,
            "state": state or None,
            "size": _sum(items, "size"),
            "sent_bytes": _sum(items, "sent_bytes"),
            "seconds": _sum(items, "seconds"),
            "problem": None,
            "remedy": None,
            "predicted": any(item.get("predicted") is True for item in items),
        }


def _sum(items: list[Mapping[str, Any]], key: str) -> int | float | None:
    numbers = [number for item in items if (number := number_of(item.get(key))) is not None]
    return sum(numbers) if numbers else None


def _added(one: int | float | None, other: int | float | None) -> int | float | None:
    return other if one is None else one if other is None else one + other


def _verdict(row: Mapping[str, Any]) -> str | None:
    if row["state"] is None:
        return None
    state = row["state"].lower()
    if state in _BAD:
        return "no_go"
    return "go" if state in _GOOD and not row["problem"] else "review"


def _jobs(entry: Entry) -> Iterator[dict[str, Any]]:
    job, migration = mapping_of(entry.facts.get("job")), mapping_of(entry.facts.get("migration"))
    if job:
        delay = number_of(job.get("delay_ms"))
        phases = mapping_of(job.get("phases"))
        yield {
            "kind": "DTS job",
            "name": text_of(entry.facts.get("name")) or ", ".join(entry.subject),
            "id": text_of(job.get("id")),
            "state": entry.state or text_of(job.get("status")),
            "stage": "; ".join(_phase(name, mapping_of(phase)) for name, phase in phases.items()),
            "lag_seconds": None if delay is None else delay / 1000,
            "lag_bytes": None,
            "problem": text_of(job.get("error")) or None,
            "age": None,
        }
    if migration:
        created, switched = moment_of(migration.get("created")), moment_of(migration.get("switch_time"))
        yield {
            "kind": "cloud migration",
            "name": text_of(migration.get("name")),
            "id": text_of(migration.get("task_id")),
            "state": entry.state,
            "stage": " ".join(
                filter(None, (text_of(migration.get("stage")), text_of(migration.get("replication_state"))))
            ),
            "lag_seconds": number_of(migration.get("lag_seconds")),
            "lag_bytes": whole_of(migration.get("lag_bytes")),
            "problem": None,
            "age": seconds_between(created, switched or entry.ended),
        }


def _phase(name: str, phase: Mapping[str, Any]) -> str:
    percent = number_of(phase.get("percent"))
    status = text_of(phase.get("status"), 80)
    return f"{text_of(name, 80)} {status}" + (f" {percent:g} %" if percent is not None else "")
