# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""How the report's page writes names, texts, sizes, rates, durations and moments."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

from markupsafe import Markup, escape

NOTHING = Markup("-")
# Control, format (which turn the direction of writing), lines and paragraphs, surrogates, private, not assigned.
_INVISIBLE = frozenset(("Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"))

_VERDICTS: dict[str | None, str] = {"go": "Go", "review": "Review", "no_go": "No go", None: "No verdict"}
_OUTCOMES: dict[str | None, str] = {
    "failed": "Failed",
    "stopped": "Rehearsal stopped",
    "unfinished": "Unfinished",
    "rehearsed": "Rehearsed",
    "finished": "Finished",
    None: "Nothing recorded",
}
_STATUSES: dict[str | None, str] = {
    "pass": "Passed",
    "warn": "Warning",
    "fail": "Failed",
    "unknown": "Unknown",
    "planned": "Planned",
    "done": "Done",
    "begun": "Begun",
    "open": "Not done",
    "unclear": "Not certain",
}
# What a badge looks like; it always has a word and a symbol as well.
_TONES = {
    "go": ("go", "finished", "pass", "done"),
    "review": ("review", "unfinished", "warn", "unknown", "begun", "unclear"),
    "no_go": ("no_go", "failed", "stopped", "fail"),
}


def label(value: str | None) -> str:
    for words in (_STATUSES, _OUTCOMES, _VERDICTS):
        if value in words:
            return words[value]
    return value or NOTHING


def verdict_label(value: str | None) -> str:
    return _VERDICTS.get(value, NOTHING)


def outcome_label(value: str | None) -> str:
    return _OUTCOMES.get(value, NOTHING)


def tone(value: str | None) -> str:
    return next((tone for tone, values in _TONES.items() if value in values), "plain")


def name(value: Any) -> Markup:
    """A name that cannot change what stands around it. What cannot be seen is told by its number."""
    return Markup("<bdi>{}</bdi>").format(_seen(str(value), "")) if value not in (None, "") else NOTHING


def prose(value: Any) -> Markup:
    """A text of several lines, likewise."""
    return Markup("<bdi>{}</bdi>").format(_seen(str(value or ""), "\n\t"))


def plain(value: Any) -> str:
    """Likewise, where no markup may stand."""
    return "".join(f"U+{ord(c):04X}" if _invisible(c, "") else c for c in str(value))


def as_json(value: Any) -> Markup:
    """Nested values, for reading."""
    return prose(json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True))


def _invisible(character: str, fine: str) -> bool:
    return character not in fine and unicodedata.category(character) in _INVISIBLE


def _seen(text: str, fine: str) -> Markup:
    if not any(_invisible(character, fine) for character in text):
        return escape(text)
    number = Markup('<span class="number">U+{:04X}</span>')
    return Markup("").join(number.format(ord(c)) if _invisible(c, fine) else escape(c) for c in text)


def size(value: float | None) -> str:
    if value is None:
        return NOTHING
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def rate(value: float | None) -> str:
    return NOTHING if value is None else f"{size(value)}/s"


def duration(value: float | None) -> str:
    if value is None:
        return NOTHING
    if value < 10 and value != int(value):
        return f"{value:.1f} s"
    seconds = round(value)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def tick(seconds: int) -> str:
    """A round duration, as short as it goes."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return duration(seconds)


def moment(value: str | None) -> Markup:
    """A moment as moment_of() makes it."""
    if not value:
        return NOTHING
    day, _separator, time = value.rstrip("Z").partition("T")
    return Markup('<time datetime="{}">{} {} UTC</time>').format(value, day, time)


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def count_or_no(number: int, one: str, many: str = "") -> str:
    return count(number, one, many) if number else f"no {one}"


FILTERS = {
    "as_json": as_json,
    "count": count,
    "count_or_no": count_or_no,
    "duration": duration,
    "label": label,
    "moment": moment,
    "name": name,
    "outcome": outcome_label,
    "plain": plain,
    "prose": prose,
    "rate": rate,
    "size": size,
    "tick": tick,
    "tone": tone,
    "verdict": verdict_label,
}
