# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of every call, so that a test can say: the second run wrote nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SECRET_WORDS = ("password", "secret", "securitytoken", "bearertoken", "signature")
MASK = "********"


@dataclass(frozen=True)
class CallRecord:
    """One call.

    `took_effect` says whether the call really changed the world, whatever the caller was told: a create whose answer
    was lost took effect, a create that was answered with success but never starts did not. `fault` is the fault that
    was applied, or empty.
    """

    seq: int
    time: str
    service: str
    action: str
    account_id: str
    access_key_id: str
    mutating: bool
    parameters: dict[str, str]
    http_status: int
    code: str
    request_id: str
    took_effect: bool
    fault: str


def masked(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters with every secret value hidden. Paging and idempotency tokens are no secrets."""
    return {
        name: MASK if any(word in name.lower() for word in _SECRET_WORDS) else value
        for name, value in parameters.items()
    }


class CallLog:
    """All calls since the start or the last reset, oldest first. Safe to use from several threads."""

    def __init__(self) -> None:
        self._records: list[CallRecord] = []
        self._next = 1
        self._lock = threading.Lock()

    def add(self, **fields: Any) -> CallRecord:
        """Append a record; `seq` is given here, everything else by the caller. Parameters are masked."""
        with self._lock:
            fields["parameters"] = masked(fields["parameters"])
            record = CallRecord(seq=self._next, **fields)
            self._next += 1
            self._records.append(record)
            return record

    def select(self, *, mutating: bool | None = None, since: int = 0) -> list[CallRecord]:
        """The records after number `since`; with `mutating`, only those (not) of writing actions."""
        with self._lock:
            return [
                record
                for record in self._records
                if record.seq > since and (mutating is None or record.mutating == mutating)
            ]

    def as_documents(self, *, mutating: bool | None = None, since: int = 0) -> list[dict[str, Any]]:
        """`select` as plain data."""
        return [asdict(record) for record in self.select(mutating=mutating, since=since)]

    def clear(self) -> None:
        """Forget everything and count from 1 again."""
        with self._lock:
            self._records.clear()
            self._next = 1
