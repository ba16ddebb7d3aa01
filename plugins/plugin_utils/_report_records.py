# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Records of what roles did, read from files that may be broken, too new or hostile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ._record_file import FORMAT, REHEARSAL, RUN, VERSION
from ._report_values import (
    list_of,
    mapping_of,
    mappings_of,
    moment_of,
    nested_of,
    one_of,
    text_of,
    texts_of,
    whole_of,
)

STATUSES = ("pass", "warn", "fail", "unknown")
VERDICTS = ("go", "review", "no_go")
GUIDANCE = ("next", "cutover", "rollback")


class Unreadable(Exception):
    """A file is no record that can be read; the message says why."""


class Entry(NamedTuple):
    """What one module said in one phase. Without a module: why the phase failed beside the modules."""

    module: str
    phase: str
    instance: str
    subject: tuple[str, ...]
    began: str | None
    ended: str | None
    failed: bool
    changed: bool
    predicted: bool
    verdict: str | None
    state: str
    checks: tuple[dict[str, str], ...]
    plan: tuple[dict[str, Any], ...]
    fingerprint: str
    request_ids: tuple[str, ...]
    calls: Mapping[str, int]
    error: dict[str, Any] | None
    message: str
    facts: Mapping[str, Any]

    @property
    def about(self) -> tuple[str, str, frozenset[str]]:
        """What a later entry has to be about as well to take the place of this one."""
        return self.module or self.phase, self.instance, frozenset(self.subject)


class Record(NamedTuple):
    """One file."""

    kind: str
    host: str
    role: str
    run: str | None
    updated: str | None
    versions: Mapping[str, str]
    entries: tuple[Entry, ...]
    guidance: Mapping[str, list[str]]
    # Entries that made no sense.
    lost: int


def read_record(content: bytes) -> Record:
    """Raises Unreadable."""
    document = _parsed(content)
    if document.get("format") != FORMAT:
        raise Unreadable(f"it is no record: its format is not {FORMAT}")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise Unreadable(
            f"its version is {text_of(version, 40) or 'not told'}, and this report reads version {VERSION}"
        )
    kind, host = one_of(document.get("kind"), (REHEARSAL, RUN)), text_of(document.get("host"), 256)
    if kind is None or not host:
        raise Unreadable("it does not say of which host it is, or whether it is a rehearsal or a run")
    given = list_of(document.get("entries"))
    entries = [_entry(item) for item in given if isinstance(item, dict) and _is_told(item)]
    guidance = mapping_of(document.get("guidance"))
    return Record(
        kind=kind,
        host=host,
        role=text_of(document.get("role"), 256),
        run=moment_of(document.get("run")) or _beginning(given),
        updated=moment_of(document.get("updated")),
        versions={text_of(k, 80): text_of(v, 80) for k, v in mapping_of(document.get("versions")).items()},
        entries=tuple(entries),
        guidance={name: texts_of(guidance.get(name)) for name in GUIDANCE},
        lost=len(given) - len(entries),
    )


def _parsed(content: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"it is not JSON (line {error.lineno}: {error.msg})") from None
    except (RecursionError, ValueError):
        raise Unreadable("it is not JSON that can be read: a number is too long, or it is nested too deeply") from None
    if not isinstance(document, dict):
        raise Unreadable("it is no record: it is not a JSON object")
    return document


def _is_told(item: Mapping[str, Any]) -> bool:
    return bool(text_of(item.get("module")) or (item.get("failed") is True and text_of(item.get("phase"))))


def _beginning(entries: Sequence[Any]) -> str | None:
    """When the last run of ansible-playbook began that wrote to the file."""
    members = [item for item in entries if isinstance(item, dict)]
    newest = members[-1].get("run") if members else None
    began = [moment_of(item.get("began")) for item in members if item.get("run") == newest]
    return min((moment for moment in began if moment), default=None)


def _entry(item: Mapping[str, Any]) -> Entry:
    error = item.get("error")
    calls = {text_of(name, 200): whole_of(count) for name, count in mapping_of(item.get("calls")).items()}
    return Entry(
        module=text_of(item.get("module"), 200),
        phase=text_of(item.get("phase"), 80),
        instance=text_of(item.get("instance"), 256),
        subject=tuple(texts_of(item.get("subject"))),
        began=moment_of(item.get("began")),
        ended=moment_of(item.get("ended")),
        failed=item.get("failed") is True,
        changed=item.get("changed") is True,
        predicted=item.get("predicted") is True,
        verdict=one_of(item.get("verdict"), VERDICTS),
        state=text_of(item.get("state"), 80),
        checks=tuple(_check(check) for check in mappings_of(item.get("checks"))),
        plan=tuple(_step(step) for step in mappings_of(item.get("plan")) if text_of(step.get("action"))),
        fingerprint=text_of(item.get("fingerprint"), 80),
        request_ids=tuple(texts_of(item.get("request_ids"))),
        calls={name: count for name, count in calls.items() if name and count},
        error=_error(error) if isinstance(error, dict) else None,
        message=text_of(item.get("message")),
        facts=mapping_of(item.get("facts")),
    )


def _check(item: Mapping[str, Any]) -> dict[str, str]:
    """A status that nobody knows is unknown, never a pass."""
    return {
        "name": text_of(item.get("name"), 200),
        "status": one_of(item.get("status"), STATUSES) or "unknown",
        "detail": text_of(item.get("detail")),
        "remedy": text_of(item.get("remedy")),
    }


def _step(item: Mapping[str, Any], *, alone: bool = False) -> dict[str, Any]:
    other = item.get("or_else")
    return {
        "action": text_of(item.get("action"), 200),
        "target": text_of(item.get("target"), 256),
        "source": text_of(item.get("source"), 256) or None,
        "subject": texts_of(item.get("subject")),
        "why": text_of(item.get("why")),
        "parameters": nested_of(mapping_of(item.get("parameters"))),
        "choices": nested_of(mapping_of(item.get("choices"))),
        # What does not say so may be one.
        "one_way": item.get("one_way") not in (False, None),
        "or_else": _step(other, alone=True) if isinstance(other, dict) and not alone else None,
    }


def _error(item: Mapping[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {
        name: text_of(item.get(name)) or None for name in ("code", "request_id", "action", "remedy")
    }
    return {**error, "http_status": whole_of(item.get("http_status"))}
