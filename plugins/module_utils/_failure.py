# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The one exception family of the collection.

Everything that may go wrong on the way to the service, in a plan or in a wait is a MigrationFailure. It knows what a
user needs to act on it; the door (_module.py) turns it into the task's failure. Anything else that is raised is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class MigrationFailure(Exception):
    """Something a user can understand and act on.

    message: what happened, free of secrets. code: the service's error code, or one of ours in lower case.
    remedy: what to change, naming the parameter. transient: asking again later may well succeed.
    """

    transient = False

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        remedy: str = "",
        action: str = "",
        request_id: str = "",
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy
        self.action = action
        self.request_id = request_id
        self.http_status = http_status

    def reword(self, message: str) -> None:
        """Says it in other words, whoever shows it."""
        self.message = message
        self.args = (message,)

    @property
    def text(self) -> str:
        """What happened and what to do about it. Below a list the latter has a line of its own."""
        between = "\n" if "\n" in self.message else " "
        return f"{self.message}{between}{self.remedy}".strip()

    def as_result(self) -> dict[str, Any]:
        """The documented `error` value of a failed task."""
        return {
            "code": self.code or None,
            "http_status": self.http_status,
            "request_id": self.request_id or None,
            "action": self.action or None,
            "remedy": self.remedy or None,
        }


class BadRequest(MigrationFailure):
    """The task's options cannot be carried out. Raised before anything is read or written."""


def refuse_options(problems: Sequence[str]) -> None:
    """Raises BadRequest with everything that is wrong with the task's options; nothing, where nothing is."""
    if problems:
        raise BadRequest(
            "The task's options cannot be carried out: " + "; ".join(problems) + ".",
            code="invalid_options",
            remedy="Correct the options that are named. Nothing was read or written.",
        )


def broken_texts(options: Any, where: str = "") -> list[str]:
    """What is wrong with options that hold half of a surrogate pair: it can be neither sent nor shown.

    where: the name of the option that `options` is the value of.
    """
    if isinstance(options, Mapping):
        inner = [(f"{where}.{name}".lstrip("."), (name, value)) for name, value in options.items()]
    elif isinstance(options, (list, tuple)):
        inner = [(where, value) for value in options]
    else:
        try:
            str(options).encode()
        except UnicodeEncodeError:
            return [f"{where} holds a character that is none (half of a surrogate pair)"]
        return []
    found = [problem for name, value in inner for problem in broken_texts(value, name)]
    # The name itself may be what is broken.
    return list(dict.fromkeys(text.encode("utf-8", "replace").decode() for text in found))


class WaitTimeout(MigrationFailure):
    """The deadline passed while the work goes on at the service. blind: the last look failed."""

    blind = False
