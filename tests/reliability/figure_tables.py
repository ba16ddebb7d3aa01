# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables of cells that are right, wrong or not tested, put together from rows that any worker told."""

from __future__ import annotations

from collections import Counter

RIGHT, WRONG, NOT_TESTED = "+", "X", "-"
USUAL = (f"{RIGHT} right", f"{WRONG} wrong", f"{NOT_TESTED} not tested")


def table(rows, legend):
    """The lines of a table. rows: (name, {head of the column: mark}); legend: lines under it. The last line counts."""
    heads = list(dict.fromkeys(head for _name, marks in rows for head in marks))
    first = max(len(name) for name, _marks in rows)
    lines = [" " * first + "".join(f" {head:>4}" for head in heads)]
    for name, marks in rows:
        lines.append(f"{name:<{first}}" + "".join(f" {marks.get(head, ''):>4}" for head in heads))
    count = Counter(mark for _name, marks in rows for mark in marks.values())
    told = f"{count[RIGHT]} right, {count[WRONG]} wrong, {count[NOT_TESTED]} not tested"
    return [*lines, ", ".join(USUAL), *legend, f"{count.total()} cells, {told}"]
