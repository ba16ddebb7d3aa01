# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Moments as results tell them, and when a task began and ended. Reports draw their timeline from it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

_FORM = "%Y-%m-%dT%H:%M:%SZ"


def timing(began: float, ended: float) -> dict[str, Any]:
    """began, ended: seconds since 1970. Returns both in ISO 8601, UTC, and the seconds between them."""
    return {"began": _iso(began), "ended": _iso(ended), "seconds": round(ended - began, 1)}


def moment_text(moment: datetime) -> str:
    """A moment of UTC, to the second."""
    return moment.strftime(_FORM)


def _iso(moment: float) -> str:
    return time.strftime(_FORM, time.gmtime(moment))
