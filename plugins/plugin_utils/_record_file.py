# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Record files: what the modules of a role said, kept for a report and as a plan to be approved.

A folder holds `HOST/rehearsal.json` and `HOST/run.json`, one of each per inventory host. Version 1 of their form:

    format    "apsaradb.migration/record"
    version   1
    kind      "rehearsal" (written in check mode) or "run"
    host      name in the inventory
    role      name of the role without its collection that wrote last
    updated   ISO 8601, UTC
    versions  of collection, ansible_core and python
    guidance  {"cutover": [text], "rollback": [text], "next": [text]}
    entries   one per role, phase, module, instance and subject: see entry()

An entry of an earlier run of ansible-playbook goes when its role's phase is recorded again, so that nothing stays
approved which the last rehearsal did not hold. What a run changed stays in run.json: a second run, which finds nothing
to do, does not make it undone.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pathlib
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import _whole_file as whole_file

AFTER_A_REHEARSAL = (
    "Have this rehearsal approved. Then run the same command without --check; given a copy of rehearsal.json as "
    "approved_plan, the run does nothing beyond it."
)
FORMAT, VERSION = "apsaradb.migration/record", 1
REHEARSAL, RUN = "rehearsal", "run"
# What a result holds beside the module's own facts.
_COMMON = (
    "changed", "predicted", "verdict", "state", "summary", "checks", "plan", "fingerprint", "diff", "request_ids",
    "calls", "error", "timing",
)  # fmt: skip
# What Ansible adds, which tells nothing about a migration, or too much.
_NOT_FACTS = (*_COMMON, "failed", "msg", "invocation", "exception", "ansible_facts", "warnings", "deprecations")


class Moment(NamedTuple):
    """What entries are recorded of. run: which run of ansible-playbook this is."""

    role: str
    phase: str
    run: str


def entry(told: Mapping[str, Any], moment: Moment) -> dict[str, Any] | None:
    """The entry of one result, or None where nothing was done: a task that was left out, or not reached.

    told: module, instance, subject (list of names) and result, as the role gives them.
    """
    result = told.get("result") or {}
    if not isinstance(result, Mapping) or "changed" not in result or result.get("skipped"):
        return None
    return _entry(told, result, moment)


def _entry(told: Mapping[str, Any], result: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    timing = result.get("timing") or {}
    known = {name: result.get(name) for name in _COMMON if name != "timing"}
    lists = {name: list(known[name] or []) for name in ("summary", "checks", "plan", "request_ids")}
    return {
        "module": str(told["module"]),
        "role": moment.role,
        "phase": moment.phase,
        "instance": str(told.get("instance") or ""),
        "subject": [str(name) for name in told.get("subject") or []],
        "run": moment.run,
        "began": timing.get("began"),
        "ended": timing.get("ended"),
        "failed": bool(result.get("failed")) or result.get("error") is not None,
        **known,
        **lists,
        "changed": bool(result["changed"]),
        "predicted": bool(result.get("predicted")),
        "calls": dict(known["calls"] or {}),
        "diff": known["diff"] or {"before": {}, "after": {}},
        "message": result.get("msg"),
        "facts": {k: v for k, v in result.items() if k not in _NOT_FACTS and not k.startswith("_ansible")},
    }


def failure_entry(failed: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    """The entry of a phase that ended with a failure which no module of ours told, such as a condition or a hook."""
    text = str(failed.get("msg") or "The phase failed without saying why.")
    return _entry({"module": ""}, {"changed": False, "failed": True, "msg": text}, moment)


def merged(
    before: Mapping[str, Any] | None, entries: Sequence[Mapping[str, Any]], moment: Moment, *, keep_changes: bool
) -> list[dict[str, Any]]:
    """The entries of a file after a phase was recorded: those of other phases, and of this one those of this run.

    keep_changes: whether earlier runs of this phase that changed something stay, too.
    """
    fresh = {_key(row) for row in entries}
    known = [dict(row) for row in (before or {}).get("entries") or [] if isinstance(row, Mapping)]
    kept = [row for row in known if not _is_overtaken(row, moment, keep_changes) and _key(row) not in fresh]
    return kept + [dict(row) for row in entries]


def _is_overtaken(row: Mapping[str, Any], moment: Moment, keep_changes: bool) -> bool:
    if (row.get("role"), row.get("phase")) != (moment.role, moment.phase) or row.get("run") == moment.run:
        return False
    return not (keep_changes and row.get("changed") and not row.get("predicted"))


def _key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    names = tuple(str(name) for name in row.get("subject") or [])
    return (*(row.get(part) for part in ("role", "phase", "module", "instance", "run")), names)


def document(
    host: str, role: str, kind: str, guidance: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], ansible: str
) -> dict[str, Any]:
    """A whole file. ansible: version of ansible-core."""
    told = {name: [str(text) for text in texts] for name, texts in guidance.items()}
    if kind == REHEARSAL and not told.get("next") and not any(row["failed"] for row in entries):
        told["next"] = [AFTER_A_REHEARSAL]
    return {
        "format": FORMAT,
        "version": VERSION,
        "kind": kind,
        "host": host,
        "role": role,
        "updated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "versions": {
            "collection": _collection_version(),
            "ansible_core": ansible,
            "python": platform.python_version(),
        },
        "guidance": told,
        "entries": list(entries),
    }


def path_of(folder: str, host: str, kind: str) -> pathlib.Path:
    """Where the file of a host is. A name in the inventory may hold what a path must not."""
    safe = re.sub(r"[^A-Za-z0-9._-]", "_", host).lstrip(".") or "_"
    return pathlib.Path(folder).expanduser().absolute() / safe / f"{kind}.json"


def this_run() -> str:
    """Tells runs of ansible-playbook apart: the process that started this worker, and when that one began."""
    parent = os.getppid()
    try:
        return f"{parent}-{os.stat(f'/proc/{parent}').st_ctime_ns}"
    except OSError:
        return str(parent)


def is_same(path: pathlib.Path, approved: str | None) -> bool:
    """What was approved must not grow by being rehearsed against."""
    if not approved or approved.startswith("sha256:"):
        return False
    return pathlib.Path(approved).expanduser().resolve() == path.resolve()


def read(path: pathlib.Path) -> dict[str, Any] | None:
    """The file, or None where there is none of this form. What cannot be read is replaced, not added to."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(known, dict) or (known.get("format"), known.get("version")) != (FORMAT, VERSION):
        return None
    return known


@contextlib.contextmanager
def alone(path: pathlib.Path) -> Iterator[None]:
    """Nobody else adds to the file meanwhile: two playbooks may be at work for one host. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write(path: pathlib.Path, whole: Mapping[str, Any]) -> None:
    """Raises OSError."""
    whole_file.write(path, json.dumps(whole, indent=1, ensure_ascii=False, default=str) + "\n")


def _collection_version() -> str:
    """Of the tarball's manifest, or of the checkout."""
    root = pathlib.Path(__file__).resolve().parents[2]
    try:
        return str(json.loads((root / "MANIFEST.json").read_text())["collection_info"]["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        found = re.search(r"^version: *[\"']?([^\s\"']+)", (root / "galaxy.yml").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else "unknown"
