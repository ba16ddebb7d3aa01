# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The options that every module has that plans and applies, whatever it talks to."""

from __future__ import annotations

from typing import Any

RUN_OPTIONS: dict[str, dict[str, Any]] = {
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "float", "default": 21600},
    "poll_interval": {"type": "float", "default": 15},
    "settle": {"type": "float", "default": 60},
    "preflight": {"type": "str", "choices": ["enforce", "warn"], "default": "enforce"},
    "accept": {"type": "list", "elements": "str", "default": []},
    "confirm": {"type": "str"},
    "approved_plan": {"type": "str"},
}
