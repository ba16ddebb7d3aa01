# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in front of a cut-over: a yes, a verdict, an approved plan, a time window. Pure functions.

Every check has the form that the modules return: name, status (pass, warn, fail, unknown), detail, remedy.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from typing import Any

Check = dict[str, str]
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class BadWindow(ValueError):
    """A window that cannot be understood. Its text says why, and which form is wanted."""


def checks_of(options: Mapping[str, Any], now: datetime.datetime, *, rehearsal: bool) -> list[Check]:
    """All checks of the gate, so that everything that is missing is told at once.

    options: those of the module migration_gate. now: with a time zone. rehearsal: what only the night itself can bring,
    such as a yes and the right hour, is then a warning.
    """
    return [
        _confirmed(options, rehearsal),
        *_verdict(options, rehearsal),
        *_approved(options),
        *_in_window(options.get("window"), now, rehearsal),
    ]


def _check(name: str, status: str, detail: str, remedy: str = "") -> Check:
    return {"name": name, "status": status, "detail": detail, "remedy": remedy}


def _confirmed(options: Mapping[str, Any], rehearsal: bool) -> Check:
    wanted, said = options["instance_id"], options.get("confirm") or ""
    if said == wanted:
        return _check("confirm", "pass", f"The one-way step on {wanted} is confirmed.")
    status = "warn" if rehearsal and not said else "fail"
    instead = f", and {said} was named instead" if said else ""
    remedy = f"Set {options['confirm_variable']}: {wanted} when you mean it."
    return _check("confirm", status, f"{options['what']} cannot be taken back and is not confirmed{instead}.", remedy)


def _verdict(options: Mapping[str, Any], rehearsal: bool) -> list[Check]:
    """A fail cannot be accepted; a warn or unknown can, by its name, and a rehearsal goes on without that."""
    accepted = set(options.get("accept") or [])
    open_checks = [
        check
        for check in options.get("checks") or []
        if check["status"] != "pass" and (check["status"] == "fail" or check["name"] not in accepted)
    ]
    if not open_checks:
        return [_check("verdict", "pass", "The verdict is go, or every exception is accepted.")]
    return [
        _check(
            check["name"],
            "warn" if rehearsal and check["status"] != "fail" else "fail",
            f"{check['status']}: {check['detail']}",
            check.get("remedy") or ("" if check["status"] == "fail" else f"Name {check['name']} in accept to go on."),
        )
        for check in open_checks
    ]


def _approved(options: Mapping[str, Any]) -> list[Check]:
    if not options.get("require_approval"):
        return []
    if options.get("approved_plan"):
        return [_check("approval", "pass", "The run is held to an approved plan.")]
    return [
        _check(
            "approval",
            "fail",
            "An approved rehearsal is required, and none is given.",
            "Rehearse with --check, have rehearsal.json approved, and give a copy of it as approved_plan.",
        )
    ]


def _in_window(window: Mapping[str, Any] | None, now: datetime.datetime, rehearsal: bool) -> list[Check]:
    if not window:
        return []
    told = f"{window['from']} to {window['to']}"
    if is_within(window["from"], window["to"], now):
        return [_check("window", "pass", f"It is {now:%Y-%m-%d %H:%M %z}, within the window {told}.")]
    return [
        _check(
            "window",
            "warn" if rehearsal else "fail",
            f"It is {now:%Y-%m-%d %H:%M %z}, outside of the window {told}.",
            "Wait for the window, or have it changed.",
        )
    ]


def is_within(begin: str, end: str, now: datetime.datetime) -> bool:
    """begin, end: both hh:mm in the time zone of `now`, each day; or both ISO 8601 with an offset. Raises BadWindow."""
    daily = [_TIME_OF_DAY.fullmatch(text) for text in (begin, end)]
    if all(daily):
        hour = f"{now:%H:%M}"
        # A window may lie across midnight.
        return begin <= hour < end if begin <= end else hour >= begin or hour < end
    first, last = _moment(begin), _moment(end)
    if first >= last:
        raise BadWindow(f"The window ends before it begins: {begin} to {end}.")
    return first <= now < last


def _moment(text: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise BadWindow(
            f"{text!r} is no time of a window. Give both ends as hh:mm, or both as 2026-11-20T22:00:00+01:00."
        )
    return moment


def refusal(what: str, checks: Sequence[Check]) -> str:
    """The text of a gate that stays shut; empty when it opens."""
    against = [check for check in checks if check["status"] == "fail"]
    lines = [f"- {check['name']}: {check['detail']} {check['remedy']}".rstrip() for check in against]
    return "\n".join([f"{what} is not let through. Nothing was written.", *lines]) if lines else ""
