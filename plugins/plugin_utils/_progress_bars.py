# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Progress as bars for a terminal. Only here is `rich` imported."""

from __future__ import annotations

import io
from typing import Any

from . import _progress_words as words
from ._progress_works import Work

_MOST = 12
_NAME, _SHORT_NAME, _BAR = 48, 16, 20
# Two columns behind each of the three.
_PADDING = 6


class _Sheet(io.StringIO):
    """What is drawn on. Its encoding tells rich which characters the terminal has."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute there
        return self._encoding


class Bars:
    """Raises ImportError without rich. Everything that it needs is imported here, in the main thread."""

    def __init__(self, *, encoding: str, color: bool) -> None:
        from rich.console import Console
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        self._encoding = encoding
        self._color = color
        self._new_console, self._new_bar, self._new_table, self._new_text = Console, ProgressBar, Table.grid, Text
        self.rows([Work(kind="upload", subject="-", done=1, total=2)], 0.0, 80, 24)

    def rows(self, works: list[Work], now: float, width: int, height: int) -> list[str]:
        """One line of the terminal for each, no longer than `width`; at most half of its height."""
        most = max(min(_MOST, height // 2), 1)
        shown, more = (works, 0) if len(works) <= most else (works[: most - 1], len(works) - most + 1)
        one_task = len({(work.host, work.module) for work in works}) == 1
        named = [(_name(work, with_host=not one_task), work, words.facts(work, now)) for work in shown]
        table = self._new_table(padding=(0, 2, 0, 0), expand=False)
        for wide in _widths(named, width):
            table.add_column(no_wrap=True, overflow="ellipsis", width=wide)
        for name, work, facts in named:
            table.add_row(self._new_text(name), self._bar(work), self._new_text(facts))
        sheet = _Sheet(self._encoding)
        console = self._new_console(
            file=sheet,
            width=width,
            height=height,
            force_terminal=True,
            color_system="auto" if self._color else None,
            highlight=False,
        )
        if one_task and shown:
            console.print(self._new_text(words.worker(shown[0]), style="bold", no_wrap=True, overflow="ellipsis"))
        console.print(table)
        if more:
            console.print(self._new_text(f"and {more} more"))
        return [row.rstrip() for row in sheet.getvalue().splitlines()]

    def _bar(self, work: Work) -> Any:
        share = words.percent(work)
        return "" if share is None else self._new_bar(total=100, completed=share)


def _widths(named: list[tuple[str, Work, str]], width: int) -> tuple[int, int, int]:
    """Of name, bar and facts. In a narrow terminal figures are worth more than the end of a name or a long bar."""
    drawn = any(words.percent(work) is not None for _shown, work, _facts in named)
    strip = 1 if not drawn else _BAR if width > 110 else _BAR // 2
    room = max(width - strip - _PADDING, 4)
    name = min(max((len(name) for name, _work, _facts in named), default=1), _NAME)
    facts = min(max((len(facts) for _name, _work, facts in named), default=1), max(room - min(name, _SHORT_NAME), 2))
    return max(min(name, room - facts), 2), strip, max(facts, 1)


def _name(work: Work, *, with_host: bool) -> str:
    name = "all together" if work.summed else work.name
    return f"{work.host or work.instance} {name}" if with_host else f"  {name}"
