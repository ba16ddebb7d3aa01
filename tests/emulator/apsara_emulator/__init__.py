# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for ApsaraDB RDS and its neighbours, for tests and rehearsals without an account.

The core (everything but `http_server`, `__main__` and `requests_adapter`) needs nothing but Python.
"""

from . import dts, ram, rds, sts
from .clock import Clock, ManualClock, WallClock
from .errors import ApiError, DocumentError
from .gateway import ConnectionFault, Gateway, HttpRequest, HttpResponse
from .variant import Variant
from .variants import VARIANTS, Variants, draw
from .world import World

__all__ = [
    "VARIANTS",
    "ApiError",
    "Clock",
    "ConnectionFault",
    "DocumentError",
    "Gateway",
    "HttpRequest",
    "HttpResponse",
    "ManualClock",
    "Variant",
    "Variants",
    "WallClock",
    "World",
    "draw",
    "dts",
    "ram",
    "rds",
    "sts",
]
