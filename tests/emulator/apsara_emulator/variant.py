# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one doubt is. The doubts themselves are in `variants` and, by room, in `variants_<room>`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """One doubt. `default` is one of `values`."""

    name: str
    values: tuple[str, ...]
    default: str
    about: str
    source: str


def variant(name: str, values: str, about: str, source: str) -> Variant:
    """`values` are separated by `|`; the first one is the default."""
    choices = tuple(value.strip() for value in values.split("|"))
    return Variant(name, choices, choices[0], about, source)


UNDOCUMENTED = "documented nowhere"
