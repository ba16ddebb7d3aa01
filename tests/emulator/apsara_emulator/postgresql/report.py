# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report in the form of the service: sections in brackets, a line for each check, a closing line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

CLOSING = "*Migrate check success*"
FAILED_CLOSING = "*Migrate check failed*"


@dataclass(frozen=True)
class Check:
    """One check. `verdict` is success, warning or error; the text says why it is not success."""

    name: str
    verdict: str = "success"
    text: str = ""

    def line(self, error_form: str) -> str:
        """As the service writes it. How errors are put is a doubt."""
        if self.verdict == "success":
            return f"Check {self.name}: success"
        text = f"{self.verdict}:{self.text}"
        if self.verdict == "warning" or error_form == "parenthesised":
            text = f"{self.verdict}({text})"
        return f"Check {self.name}: {text}"


@dataclass(frozen=True)
class Section:
    """A heading and its checks."""

    title: str
    checks: tuple[Check, ...]

    @property
    def has_errors(self) -> bool:
        """Whether a check of it stands in the way."""
        return any(check.verdict == "error" for check in self.checks)

    def lines(self, error_form: str) -> list[str]:
        """As the service writes it."""
        return [f"[Check {self.title}]", *(check.line(error_form) for check in self.checks)]


def first_names(names: Iterable[str]) -> str:
    """Some of many names, for a line of a report."""
    listed = sorted(set(names))
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
