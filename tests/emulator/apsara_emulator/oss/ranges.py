# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part of an object a Range header asks for."""

from __future__ import annotations

import re

from ..variants import Variants
from .call import OssCall
from .errors import OssError

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def wanted_range(call: OssCall, size: int, variants: Variants) -> tuple[int, int] | None:
    """Start and length, or nothing for the whole object.

    What is no single range of bytes is ignored. Where a range reaches out of the object, OSS's own way is to give the
    whole; the header `x-oss-range-behavior: standard` asks for the way of HTTP.
    """
    found = _RANGE.fullmatch(call.header("range").replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    standard = call.header("x-oss-range-behavior") == "standard"
    if not found[1]:
        return _checked(max(0, size - int(found[2])), size, int(found[2]) > 0 and size > 0, standard, size, variants)
    start = int(found[1])
    end = int(found[2]) + 1 if found[2] else size
    if found[2] and end <= start:
        return None
    if start < size < end and not standard and variants["oss_range_beyond_end"] == "whole":
        return None
    return _checked(start, min(end, size), start < size, standard, size, variants)


def _checked(
    start: int, end: int, within: bool, standard: bool, size: int, variants: Variants
) -> tuple[int, int] | None:
    if within:
        return start, end - start
    if not standard and variants["oss_range_outside"] == "whole":
        return None
    error = OssError("InvalidRange", 416, "The range is not in the object.", ActualObjectSize=str(size))
    error.headers["Content-Range"] = f"bytes */{size}"
    raise error
