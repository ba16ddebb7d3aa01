# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Progress as bars for a terminal. Only here is `rich` imported."""

from __future__ import annotations

import io

from . import _progress_words as words
from ._progress_works import Work

_MOST = 12
_NAME, _STAGE, _BAR = 32, 30, 20


class _Sheet(io.StringIO):
    """What is drawn on. Its encoding tells rich which characters the terminal has."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
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
        table = self._new_table(padding=(0, 2, 0, 0), expand=False)
        for wide in (_NAME, _STAGE, _BAR, None, None, None, None):
            table.add_column(no_wrap=True, overflow="ellipsis", max_width=wide)
        one_host = len({(work.host, work.module) for work in works}) == 1
        for work in shown:
            table.add_row(*self._cells(work, now, named=not one_host))
        sheet = _Sheet(self._encoding)
        console = self._new_console(
            file=sheet, width=width, height=height, force_terminal=True, no_color=not self._color, highlight=False
        )
        if one_host and shown:
            console.print(self._new_text(_who(shown[0]), style="bold", no_wrap=True, overflow="ellipsis"))
        console.print(table)
        if more:
            console.print(self._new_text(f"and {more} more"))
        return [row.rstrip() for row in sheet.getvalue().splitlines()]

    def _cells(self, work: Work, now: float, *, named: bool) -> list[object]:
        name = "all together" if work.summed else work.name
        share = words.percent(work)
        bar = "" if share is None else self._new_bar(total=100, completed=share, width=_BAR)
        rest = (words.lag(work), words.waited(work, now), words.trouble(work, now))
        facts = (words.amount(work), words.rate(work, now), words.time_left(work, now), ", ".join(filter(None, rest)))
        subject = f"{work.host or work.instance} {name}" if named else f"  {name}"
        return [
            self._new_text(subject),
            self._new_text(work.stage),
            bar,
            self._new_text(", ".join(filter(None, facts))),
        ]


def _who(work: Work) -> str:
    return " ".join(part for part in (work.host, work.module) if part) or work.instance or "a task"
