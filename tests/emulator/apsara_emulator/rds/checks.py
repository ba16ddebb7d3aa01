# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks and figures that several actions share."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from ..clock import parse_utc
from ..errors import ApiError
from ..model import Instance
from ..operations import busy_with, shown_status
from ..registry import Call
from ..world import World
from .names import is_reserved

T = TypeVar("T")
MINUTES = "%Y-%m-%dT%H:%MZ"
SECONDS = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Page:
    """A page of a list: its number (from 1) and how many rows fit on it."""

    number: int
    size: int

    def of(self, rows: list[T]) -> list[T]:
        """The rows on this page."""
        return rows[(self.number - 1) * self.size : self.number * self.size]


def page_asked_for(world: World, call: Call, sizes: Collection[int], default: int) -> Page:
    """The page a call asks for. ApiError if its number is below 1, or its size is none of `sizes`."""
    number = int(call.text("PageNumber") or 1)
    size = int(call.text("PageSize") or default)
    if number < 1:
        raise ApiError("InvalidPageNumber.Malformed", 400, "PageNumber begins at 1.")
    if size not in sizes:
        if world.variants["page_size_out_of_range"] == "refused":
            raise ApiError("InvalidPageSize.Malformed", 400, "PageSize is out of range.")
        size = default
    return Page(number, size)


def moment_asked_for(call: Call, name: str, layout: str) -> float | None:
    """A time parameter, nothing if it is absent. ApiError if it is not of the layout."""
    text = call.text(name)
    if not text:
        return None
    try:
        return parse_utc(text, layout)
    except ValueError:
        raise ApiError(f"Invalid{name}.Format", 400, f"The parameter {name} is not a time of the right form.") from None


def window_asked_for(call: Call, start: str, end: str, layout: str) -> tuple[float, float]:
    """A time window; an absent side is open. ApiError if a side is no time, or the end lies before the start."""
    begin, finish = moment_asked_for(call, start, layout), moment_asked_for(call, end, layout)
    low = float("-inf") if begin is None else begin
    high = float("inf") if finish is None else finish
    if high < low:
        raise ApiError("InvalidStartTimeAndEndTime.Malformed", 400, "The end lies before the start.")
    return low, high


def require_idle(world: World, instance: Instance) -> None:
    """ApiError unless the instance is Running, unlocked, and taken up by no import or copy."""
    status = shown_status(world, instance)
    if status != "Running" or busy_with(world, instance.id):
        raise world.variants.error(
            "wrong_state", f"The instance {instance.id} is not in the state for this ({status})."
        )
    if instance.lock_mode != "Unlock":
        raise world.variants.error("wrong_lock_mode", f"The instance {instance.id} is locked ({instance.lock_mode}).")


def require_free_name(world: World, instance: Instance, name: str) -> None:
    """ApiError unless a database of the instance may be called `name`."""
    if not name or len(name) > 128 or any(sign in "@|" or not sign.isprintable() for sign in name):
        raise world.variants.error("bad_database_name", f"The database name {name[:64]!r} is not allowed.")
    if is_reserved(instance.engine, name):
        raise ApiError("InvalidParameter.Keyword", 400, f"The database name {name} is reserved.")
    # Names that differ in case only are the same name under SQL Server's usual collations.
    taken = {one.lower() for one in instance.databases} if instance.engine == "SQLServer" else set(instance.databases)
    if (name.lower() if instance.engine == "SQLServer" else name) in taken:
        raise ApiError("InvalidDBName.Duplicate", 400, f"The database {name} exists already on {instance.id}.")


def json_parameter(call: Call, name: str) -> dict[str, Any]:
    """A parameter that holds a JSON object. ApiError `Invalid<name>.Malformed` if it does not, or a key comes twice."""
    try:
        value = json.loads(call.text(name), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise malformed(name)
    return value


def malformed(name: str) -> ApiError:
    """The refusal of a parameter whose text has the wrong form."""
    return ApiError(f"Invalid{name}.Malformed", 400, f"The parameter {name} does not have the right form.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key comes twice")
    return result
