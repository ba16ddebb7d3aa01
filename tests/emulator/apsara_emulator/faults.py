# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that can be switched on: what a network and a busy service do to a caller."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from . import documents
from .errors import DocumentError

KINDS: dict[str, str] = {
    "throttle": "refused as a call too many; `code` and `status` override the variant, `retry_after` is milliseconds",
    "http_500": "InternalError 500; with `effect` the write happened all the same",
    "http_503": "ServiceUnavailable 503; with `effect` the write happened all the same",
    "close_before": "the connection is reset before the call is carried out",
    "close_after": "the call is carried out, then the connection is reset without an answer",
    "timeout_after": "the call is carried out, then no answer comes for `seconds` (default an hour)",
    "stall": "the call is not carried out and no answer comes for `seconds` (default an hour)",
    "truncate": "the call is carried out, the answer breaks off after half of its body",
    "html": "an error page of a proxy with `status` (default 502); with `effect` the call is carried out before",
    "empty": "the call is carried out, the answer has `status` (default 200) and no body",
    "trickle": "the answer comes in pieces of `bytes` (default 16) every `seconds` (default 0.1)",
    "redirect": "a redirection (`status`, default 307) to `location`",
    "expired_token": "refused because of an expired token",
    "clock_skew": "the service's clock is `seconds` ahead (below 0: behind) when it judges time stamps",
    "huge": "an answer without end",
    "disk_full": "OSS: no space left for the data, InsufficientStorage 507; `code` and `status` override that",
    "corrupt_part": "OSS: a byte of the data is damaged on its way; uploads keep it so, with its checksums",
    "corrupt_crc": "OSS: the data is right, the CRC-64 in the answer is that of damaged data",
    "list_lag": "listings of databases lag `seconds` (default a minute) more",
}
# Nothing but OSS has data to damage.
OSS_ONLY = frozenset({"disk_full", "corrupt_part", "corrupt_crc"})
# These change how a call is judged; all others decide what is answered.
MODIFIERS = frozenset({"clock_skew", "list_lag"})
_DEFAULT_SECONDS = {"trickle": 0.1, "list_lag": 60.0}
_DEFAULT_STATUS = {"html": 502, "empty": 200, "redirect": 307}


@dataclass
class Fault:
    """One fault and the calls it strikes.

    `service`, `action` (with `*`), `instance` (any of the call's instance parameters), and for OSS `bucket` and `key`
    (with `*`) narrow it down. The first `after` matching calls pass; then it strikes `times` times, or for ever.
    """

    kind: str
    service: str = ""
    action: str = ""
    instance: str = ""
    bucket: str = ""
    key: str = ""
    after: int = 0
    times: int | None = None
    seconds: float | None = None
    status: int | None = None
    code: str = ""
    retry_after: int | None = None
    effect: bool = False
    location: str = "https://elsewhere.invalid/"
    bytes: int = 16
    seen: int = field(default=0)

    def matches(self, service: str, action: str, parameters: Mapping[str, str]) -> bool:
        """Whether the fault is about such a call."""
        instances = {value for name, value in parameters.items() if "instance" in name.lower()}
        return (
            self.service in ("", service)
            and (self.kind not in OSS_ONLY or service == "oss")
            and (not self.action or fnmatchcase(action, self.action))
            and (not self.instance or self.instance in instances)
            and (not self.bucket or self.bucket == parameters.get("bucket"))
            and (not self.key or fnmatchcase(parameters.get("key", ""), self.key))
        )

    def strikes(self) -> bool:
        """Count a matching call; whether it is struck."""
        self.seen += 1
        turn = self.seen - self.after
        return turn > 0 and (self.times is None or turn <= self.times)

    @property
    def length(self) -> float:
        """`seconds`, or the default of the kind."""
        return _DEFAULT_SECONDS.get(self.kind, 3600.0) if self.seconds is None else self.seconds

    @property
    def http_status(self) -> int:
        """`status`, or the default of the kind."""
        return _DEFAULT_STATUS.get(self.kind, 400) if self.status is None else self.status


class FaultBook:
    """The faults that are switched on."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def replace(self, entries: Iterable[Mapping[str, Any] | Fault]) -> None:
        """Switch on exactly these. DocumentError if one cannot be understood; then nothing changes."""
        faults = [read_fault(entry) for entry in entries]
        with self._lock:
            self._faults = faults

    def add(self, *entries: Mapping[str, Any] | Fault) -> None:
        """Switch on more."""
        faults = [read_fault(entry) for entry in entries]
        with self._lock:
            self._faults += faults

    def strike(self, service: str, action: str, parameters: Mapping[str, str]) -> tuple[Fault | None, list[Fault]]:
        """What strikes this call: at most one fault that decides the answer, and any number of modifiers."""
        with self._lock:
            decisive: Fault | None = None
            modifiers: list[Fault] = []
            for fault in self._faults:
                if not fault.matches(service, action, parameters):
                    continue
                if fault.kind in MODIFIERS:
                    modifiers += [fault] if fault.strikes() else []
                elif decisive is None and fault.strikes():
                    decisive = fault
            return decisive, modifiers

    def as_documents(self) -> list[dict[str, Any]]:
        """The faults as plain data; `seen` is how many calls each has matched."""
        with self._lock:
            return [documents.write(fault) for fault in self._faults]


def read_fault(entry: Mapping[str, Any] | Fault) -> Fault:
    """A fault from its document. DocumentError if it cannot be understood."""
    fault = entry if isinstance(entry, Fault) else documents.read(Fault, entry, 0.0, "fault")
    if fault.kind not in KINDS:
        raise DocumentError(f"fault.kind: {fault.kind!r} is none of {', '.join(sorted(KINDS))}")
    if fault.kind != "clock_skew" and fault.length < 0:
        raise DocumentError("fault.seconds: from 0, except for clock_skew")
    if fault.bytes < 1 or fault.after < 0 or (fault.times is not None and fault.times < 1):
        raise DocumentError("fault: bytes and times begin at 1, after at 0")
    if not 200 <= fault.http_status <= 599:
        raise DocumentError("fault.status: from 200 to 599")
    return fault
