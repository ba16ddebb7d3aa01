# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Regular expressions of the tables of codes, written out for people: what they match, with an ellipsis for anything.

Only what these tables use is understood: alternatives, groups, sets of letters, optional parts and any text.
"""

from __future__ import annotations

from collections.abc import Callable

ANY = "…"


def written_out(pattern: str, *, both: bool = True) -> list[str]:
    """Every text that a pattern stands for.

    both: with optional parts and without them. Else with them only, and without what stands for any text at the ends.
    """
    reader = _Reader(pattern, both)
    texts = reader.alternatives()
    if reader.rest:
        raise ValueError(f"{pattern}: not understood from {reader.rest!r} on")
    return list(dict.fromkeys(text if both else " ".join(text.split()).strip(f" {ANY}") for text in texts))


class _Reader:
    def __init__(self, pattern: str, both: bool) -> None:
        self._pattern, self._at, self._both = pattern, 0, both

    @property
    def rest(self) -> str:
        return self._pattern[self._at :]

    def alternatives(self) -> list[str]:
        """Up to a closing bracket, or the end."""
        texts = self._sequence()
        while self.rest.startswith("|"):
            self._at += 1
            texts += self._sequence()
        return texts

    def _sequence(self) -> list[str]:
        texts = [""]
        while self.rest and self.rest[0] not in "|)":
            found = self._quantified(self._one())
            texts = [text + more for text in texts for more in found]
        return texts

    def _one(self) -> list[str]:
        kinds: dict[str, Callable[[], list[str]]] = {"(": self._group, "[": self._set, "\\": self._escaped}
        return kinds.get(self.rest[0], self._plain)()

    def _plain(self) -> list[str]:
        self._at += 1
        letter = self._pattern[self._at - 1]
        return [ANY if letter == "." else letter]

    def _escaped(self) -> list[str]:
        self._at += 2
        letter = self._pattern[self._at - 1]
        return [{"b": "", "S": ANY, "w": ANY, "d": ANY}.get(letter, letter)]

    def _set(self) -> list[str]:
        end = self._pattern.index("]", self._at)
        letters = self._pattern[self._at + 1 : end]
        self._at = end + 1
        return list(letters)

    def _group(self) -> list[str]:
        self._at += 3 if self.rest.startswith("(?:") else 1
        texts = self.alternatives()
        self._at += 1
        return texts

    def _quantified(self, found: list[str]) -> list[str]:
        sign = self.rest[:1]
        if sign and sign in "?*+":
            self._at += 1
        if sign == "?":
            return ["", *found] if self._both else found
        return [ANY] if sign in ("*", "+") and sign else found
