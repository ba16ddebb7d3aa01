# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The report's data as one HTML file that needs nothing else: no network, no other file.

A strict content security policy lets in the page's own style and script by their hashes, and nothing else; so no
attribute may hold style or script.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import _report_words as words
from ._report_chart import Axis, bars
from ._report_host import OUTCOMES
from ._report_steps import LEFT

TEMPLATES = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "report", "templates")
# Of more hosts than this, the timeline has one line each.
_FEW_HOSTS = 6
_WORST_FIRST = ("no_go", "review", "go")


def page_of(report: Mapping[str, Any], translations: str | None = None) -> str:
    """report: as report_of() makes it. translations: a folder of this playbook, in which templates are kept translated.

    Nobody else may be able to write to it: what lies there is run.
    """
    style, script = (_without_comments(_source(name)) for name in ("report.css", "report.js"))
    policy = {"default-src": "'none'", "style-src": _hash(style), "script-src": _hash(script), "base-uri": "'none'"}
    return (
        _environment(translations)
        .get_template("report.html.j2")
        .render(
            report=report,
            style=Markup(style),  # noqa: S704 - our own
            script=Markup(script),  # noqa: S704 - our own
            policy="; ".join(f"{name} {value}" for name, value in {**policy, "form-action": "'none'"}.items()),
            **_view(report["hosts"]),
        )
    )


@functools.cache
def _environment(translations: str | None) -> Environment:
    """Templates are translated once, however many pages are made. Each task of a playbook is a process of its own."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=FileSystemBytecodeCache(translations) if translations else None,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(words.FILTERS)
    return environment


def _source(name: str) -> str:
    with open(os.path.join(TEMPLATES, name), encoding="utf-8") as file:
        return file.read()


def _without_comments(source: str) -> str:
    return re.sub(r"/\*.*?\*/\s*", "", source, flags=re.DOTALL)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _view(hosts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the template shows that is not in the data as it is."""
    checks = _checks(hosts)
    steps = _steps(hosts)
    return {
        "single": hosts[0] if len(hosts) == 1 else None,
        "failed_checks": [check for check in checks if check["status"] == "fail"],
        "doubtful_checks": [check for check in checks if check["status"] in ("warn", "unknown")],
        "passed_checks": [check for check in checks if check["status"] == "pass"],
        "steps_left": [step for step in steps if step["status"] in LEFT],
        "steps_done": [step for step in steps if step["status"] not in LEFT],
        "failures": _failures(hosts),
        "worst_first": sorted(hosts, key=_rank),
        "databases": [row for host in hosts for row in host["databases"]],
        "jobs": [{**job, "host": host["host"]} for host in hosts for job in host["jobs"]],
        "guidance": {name: _shared(hosts, name) for name in ("next", "cutover", "rollback")},
        "promises": [host for host in hosts if host["promised"]],
        "timeline": _timeline(hosts),
        "versions": _versions(hosts),
        "states": sorted({row["state"] for host in hosts for row in host["databases"] if row["state"]}),
    }


def _rank(host: Mapping[str, Any]) -> tuple[int, int, str]:
    verdict = host["verdict"]
    return OUTCOMES.index(host["outcome"]), _WORST_FIRST.index(verdict) if verdict else len(_WORST_FIRST), host["host"]


def _failures(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What went wrong on several hosts in the same way is told once."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for host in hosts:
        for failure in host["failures"]:
            key = tuple(
                failure[name] for name in ("phase", "module", "action", "code", "http_status", "message", "remedy")
            )
            group = groups.setdefault(key, {**failure, "hosts": [], "instances": [], "request_ids": []})
            group["hosts"].append(host["host"])
            for values, value in ((group["instances"], "instance"), (group["request_ids"], "request_id")):
                if failure[value] and failure[value] not in values:
                    values.append(failure[value])
    return list(groups.values())


def _checks(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A check that says the same of several hosts is shown once. The order is that of the hosts."""
    groups: dict[tuple[str, ...], dict[str, Any]] = {}
    for host in hosts:
        for check in host["checks"]:
            key = (check["status"], check["name"], check["detail"], check["remedy"])
            group = groups.setdefault(key, {**check, "hosts": [], "phases": []})
            for values, value in ((group["hosts"], host["host"]), (group["phases"], check["phase"])):
                if value and value not in values:
                    values.append(value)
    return list(groups.values())


def _steps(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The same step for many subjects is one line with many pieces."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for host in hosts:
        for step in host["steps"]:
            other = (step["or_else"] or {}).get("action")
            same = ("action", "target", "source", "one_way", "status", "phase", "module")
            key = (host["host"], other, *(step[name] for name in same))
            shown = {name: step[name] for name in same}
            group = groups.setdefault(key, {**shown, "other": other, "host": host["host"], "subject": [], "pieces": []})
            group["subject"] += step["subject"]
            group["pieces"].append(step)
    return list(groups.values())


def _shared(hosts: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """The same advice for several hosts is given once."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for host in hosts:
        if host["guidance"][name]:
            groups.setdefault(tuple(host["guidance"][name]), []).append(host["host"])
    return [{"texts": texts, "hosts": names} for texts, names in groups.items()]


def _versions(hosts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for host in hosts:
        groups.setdefault(tuple(sorted(host["versions"].items())), []).append(host["host"])
    return [{"versions": versions, "hosts": names} for versions, names in groups.items() if versions]


def _timeline(hosts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    axis = Axis(phase for host in hosts for phase in host["phases"])
    rows = []
    for host in hosts:
        if len(hosts) > _FEW_HOSTS:
            rows.append(_host_row(axis, host))
        else:
            rows += [_phase_row(axis, host, phase) for phase in host["phases"]]
    return {"rows": rows, "ticks": axis.ticks, "cuts": axis.cuts, "by_host": len(hosts) > _FEW_HOSTS}


def _phase_row(axis: Axis, host: Mapping[str, Any], phase: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": host["host"],
        "what": phase["phase"],
        "modules": phase["modules"],
        "began": phase["began"],
        "seconds": phase["seconds"],
        "bars": bars(axis, [phase]),
        "failed": phase["failed"],
        "predicted": phase["predicted"],
    }


def _host_row(axis: Axis, host: Mapping[str, Any]) -> dict[str, Any]:
    longest = max(host["phases"], key=lambda phase: phase["seconds"] or 0, default=None)
    return {
        "host": host["host"],
        "what": f"longest: {longest['phase']}" if longest else "",
        "modules": [],
        "began": min((phase["began"] for phase in host["phases"] if phase["began"]), default=None),
        "seconds": host["seconds"],
        "bars": bars(axis, host["phases"]),
        "failed": any(phase["failed"] for phase in host["phases"]),
        "predicted": all(phase["predicted"] for phase in host["phases"]),
    }
