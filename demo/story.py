# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the demo is made of: parts, their chapters, and what became of each."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Callable
from typing import Any, Protocol

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
OUTPUT = ROOT / "build" / "demo"


class Service(Protocol):
    """The emulator, as a part sees it."""

    @property
    def control_url(self) -> str:
        """Where its control interface is."""

    @property
    def credentials(self) -> list[dict[str, str]]:
        """Access keys, as options of modules, of its accounts."""

    def control(self, path: str, body: Any = None) -> Any:
        """Asks the emulator's control interface; with a body, tells it something."""


class CannotRun(Exception):
    """A part needs what this computer has not. excused: nobody could have expected it to be there."""

    def __init__(self, message: str, *, excused: bool) -> None:
        super().__init__(message)
        self.excused = excused


@dataclasses.dataclass
class Outcome:
    """What a chapter did: the end of its command, what it printed, and the writes the service saw meanwhile.

    measured: what was seen past the collection, for the report.
    """

    code: int
    text: str
    writes: list[dict[str, Any]]
    seconds: float
    measured: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def effects(self) -> list[str]:
        return [call["action"] for call in self.writes if call["took_effect"]]

    @property
    def changed(self) -> int:
        """Changed tasks of all hosts, as the recap says."""
        return sum(map(int, re.findall(r"changed=(\d+)", self.text)))


@dataclasses.dataclass
class Chapter:
    """A command, what it is for, how to see that it did that, and what is measured after it."""

    title: str
    words: str
    command: list[str]
    right: Callable[[Outcome], bool]
    world: dict[str, Any] = dataclasses.field(default_factory=dict)
    measure: Callable[[], dict[str, Any]] = dict


@dataclasses.dataclass
class Part:
    """Chapters that belong together.

    prepare: what has to be there before the first; it may raise CannotRun. words: what is there then. finish: ends what
    was begun there.
    """

    title: str
    chapters: list[Chapter]
    prepare: Callable[[Service], None] = lambda _service: None
    words: str = ""
    finish: Callable[[], None] = lambda: None
