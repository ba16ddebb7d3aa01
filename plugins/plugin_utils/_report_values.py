# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Values of a file that anybody may have written: each becomes what it should be, or what stands for nothing.

Nothing in here raises. A text that cannot be written as UTF-8 or has no end would break the report, not the file.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Collection, Mapping
from typing import Any

LONGEST_TEXT = 8000
_DEEPEST = 8
_LARGEST = 2**63


def text_of(value: Any, longest: int = LONGEST_TEXT) -> str:
    """A text that can be written; numbers are told, anything else is empty."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = value if isinstance(value, str) else _digits(value)
    # Half of a surrogate pair is fine in JSON and nowhere else. Also makes a plain text of a subclass.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _digits(value: int | float) -> str:
    # Python refuses to write out integers of thousands of digits.
    return str(value) if -_LARGEST <= value <= _LARGEST else ""


def one_of(value: Any, known: Collection[str]) -> str | None:
    return value if isinstance(value, str) and value in known else None


def number_of(value: Any) -> int | float | None:
    """A number that is not negative and not absurd."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= _LARGEST and math.isfinite(value) else None


def whole_of(value: Any) -> int | None:
    number = number_of(value)
    return None if number is None else int(number)


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def texts_of(value: Any) -> list[str]:
    return [text for text in map(text_of, list_of(value)) if text]


def mapping_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def mappings_of(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in list_of(value) if isinstance(item, dict)]


def moment_of(value: Any) -> str | None:
    """A point in time, as ISO 8601 in UTC with whole seconds."""
    moment = _parsed(value)
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(began: str | None, ended: str | None) -> int | None:
    """Seconds from one moment to another one; none when a moment is missing or they are the wrong way round."""
    first, last = _parsed(began), _parsed(ended)
    if first is None or last is None or last < first:
        return None
    return int((last - first).total_seconds())


def _parsed(value: Any) -> datetime.datetime | None:
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        # Python 3.10 does not know the Z.
        moment = datetime.datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.timezone.utc)
        moment = moment.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError):
        return None
    # strftime writes earlier years without leading zeros.
    return moment if moment.year >= 1000 else None


def nested_of(value: Any, depth: int = 0) -> Any:
    """Nested values of any kind, with texts that can be written and an end to their depth."""
    if isinstance(value, dict):
        if depth >= _DEEPEST:
            return "…"
        return {text_of(key, 200): nested_of(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return "…" if depth >= _DEEPEST else [nested_of(item, depth + 1) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if -_LARGEST <= value <= _LARGEST else None
    return text_of(value)
