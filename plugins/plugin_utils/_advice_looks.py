# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What the modules of a way found when they looked in check mode, as findings for or against that way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ._advice_rule import CHANGE, NO, NOTE, UNKNOWN, Finding

# Failed checks that no change of settings puts right: another target, or another way, is needed.
_DECIDES = frozenset({"engine", "version", "same_version", "same_region", "backup_version", "cloud_disk"})
# Failed checks that leave open what the way is about.
_LEAVES_OPEN = frozenset(
    {
        "source_instance_exists",
        "target_instance_exists",
        "instance_exists",
        "source_instance",
        "destination_instance",
        "file_readable",
    }
)
# Failed checks of what is still to be given to the way's own role, and says nothing about source or target.
_TO_BE_GIVEN = frozenset({"job_options", "source_options"})


def ran(result: Any) -> bool:
    """Not for tasks that were left out."""
    return isinstance(result, Mapping) and "changed" in result and not result.get("skipped")


def findings_of(looks: Sequence[Mapping[str, Any]], path: str) -> list[Finding]:
    """looks: path, module and result of each."""
    own = [one for one in looks if one["path"] == path and ran(one.get("result"))]
    found = [finding for one in own for finding in _of_look(str(one["module"]), one["result"])]
    return list(dict.fromkeys(found))


def modules_of(looks: Sequence[Mapping[str, Any]], path: str) -> list[str]:
    return list(dict.fromkeys(str(one["module"]) for one in looks if one["path"] == path and ran(one.get("result"))))


def _of_look(module: str, result: Mapping[str, Any]) -> Iterator[Finding]:
    if result.get("verdict") is None:
        why = result.get("msg") or "it did not say why"
        error = result.get("error")
        yield Finding(UNKNOWN, f"{module} could not look: {why}", (error or {}).get("remedy") or "")
        return
    for check in result.get("checks") or []:
        if check.get("status") != "pass":
            yield _of_check(check)


def _of_check(check: Mapping[str, Any]) -> Finding:
    """A check without a known status is unknown, never a pass."""
    name, detail, remedy = str(check.get("name")), str(check.get("detail")), str(check.get("remedy") or "")
    status = check.get("status")
    if status != "fail":
        return Finding(NOTE, f"{'Warning' if status == 'warn' else 'Not known'} ({name}): {detail}")
    text = f"Check {name} fails: {detail}"
    if name in _TO_BE_GIVEN:
        return Finding(NOTE, f"Still to be given ({name}): {detail} {remedy}".rstrip())
    if name in _LEAVES_OPEN:
        return Finding(UNKNOWN, text, remedy)
    if name in _DECIDES or not remedy:
        return Finding(NO, text, remedy)
    return Finding(CHANGE, text, remedy)
