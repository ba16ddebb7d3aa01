# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who asked for which permission, and what was said: kept from the start of the emulator on, over every reset."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Asked:
    """`caller` is user/NAME or role/NAME; `answer` is Allow, ImplicitDeny or ExplicitDeny."""

    account_id: str
    caller: str
    service: str
    api: str
    action: str
    resource: str
    answer: str


class PermissionLedger:
    """What was asked for, each with how often. Safe to use from several threads."""

    def __init__(self) -> None:
        self._times: Counter[Asked] = Counter()
        self._lock = threading.Lock()

    def add(self, asked: Asked) -> None:
        """Note a question with its answer."""
        with self._lock:
            self._times[asked] += 1

    def as_documents(self) -> list[dict[str, Any]]:
        """All of it as plain data."""
        with self._lock:
            return [{**asdict(asked), "times": times} for asked, times in self._times.items()]
