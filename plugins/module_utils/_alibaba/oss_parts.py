# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How a file is cut into the parts of a multipart upload. Pure functions.

The service's limits: 1 to 10,000 parts, 100 KB to 5 GB each (the last one may be smaller), 48.8 TB in all.
"""

from __future__ import annotations

from typing import NamedTuple

MIB = 1024**2
MOST_PARTS = 10_000
SMALLEST_PART = 100 * 1024
LARGEST_PART = 5 * 1024**3
# What 10,000 parts of the largest size hold: the 48.8 TB that the service names.
LARGEST_OBJECT = MOST_PARTS * LARGEST_PART
# Small enough that a kill costs seconds, large enough that a request's fixed cost does not count.
_COMFORTABLE_PART = 16 * MIB
# Room for a file that is cut again with the same part size after it grew.
_WANTED_PARTS = 9_000
# Bytes read, summed and sent at a time; a part is never held whole.
WINDOW = MIB


class Span(NamedTuple):
    """A part of a file. number: from 1. offset and size in bytes."""

    number: int
    offset: int
    size: int


def part_size_for(size: int) -> int:
    """Bytes of a part for a file of `size` bytes, a multiple of the window. ValueError above 48.8 TB."""
    if size > LARGEST_OBJECT:
        raise ValueError(f"{size} bytes are more than the {LARGEST_OBJECT} that an object can have")
    wanted = -(-size // _WANTED_PARTS)
    return min(max(_COMFORTABLE_PART, -(-wanted // WINDOW) * WINDOW), LARGEST_PART)


def wrong_part_size(part_size: int, size: int) -> str:
    """What is wrong with a part size that somebody chose, empty if nothing."""
    if not SMALLEST_PART <= part_size <= LARGEST_PART:
        return f"part_size must be {SMALLEST_PART} to {LARGEST_PART} bytes, not {part_size}"
    if size > part_size * MOST_PARTS:
        least = part_size_for(size)
        return (
            f"parts of {part_size} bytes are too small for {size} bytes: {MOST_PARTS} parts at most, {least} would do"
        )
    return ""


def spans(size: int, part_size: int) -> list[Span]:
    """All parts in order. An empty file has one empty part."""
    starts = range(0, max(size, 1), part_size)
    return [Span(number, start, min(part_size, size - start)) for number, start in enumerate(starts, 1)]
