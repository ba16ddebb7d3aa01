# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of trouble that a call can meet, and a line to the service that has them.

What the emulator can do, it does. What keeps a request from leaving is raised here, with the exceptions of requests.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import requests
import urllib3
from apsara_emulator.oss.requests_adapter import OssAdapter, _oss_request
from apsara_emulator.oss.routing import find_target
from apsara_emulator.requests_adapter import EmulatorAdapter

ONCE, LASTING = "once", "lasting"


def _refused(request):
    reason = urllib3.exceptions.NewConnectionError(None, "[Errno 111] Connection refused")
    return requests.ConnectionError(_given_up(request, reason), request=request)


def _nameless(request):
    reason = urllib3.exceptions.NewConnectionError(None, "[Errno -2] Name or service not known")
    # urllib3 has a class for it since 2.0.
    if hasattr(urllib3.exceptions, "NameResolutionError"):
        reason = urllib3.exceptions.NameResolutionError("name.invalid", None, OSError(-2, "Name or service not known"))
    return requests.ConnectionError(_given_up(request, reason), request=request)


def _distrusted(request):
    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    return requests.exceptions.SSLError(_given_up(request, urllib3.exceptions.SSLError(wrong)), request=request)


def _given_up(request, reason):
    return urllib3.exceptions.MaxRetryError(None, request.url, reason)


class Strike(NamedTuple):
    """What happens to a call. fault: of the emulator, or unsent: the exception of a request that does not leave.

    length: ONCE, or LASTING: until the run is over. everywhere: a lasting one strikes whatever is called from then on.
    codes: beginnings of the codes with which a run may fail; empty for any. passes: a write that it strikes succeeds.
    beside: a lasting fault of other calls. only_writes: readings have another strike in its place, the last one.
    stops_readings: a run may fail for one of them.
    """

    fault: Mapping[str, Any] | None = None
    unsent: Callable[[Any], Exception] | None = None
    length: str = ONCE
    everywhere: bool = False
    codes: tuple[str, ...] = ()
    passes: bool = False
    beside: Mapping[str, Any] | None = None
    only_writes: bool = False
    stops_readings: bool = False


class FaultClass(NamedTuple):
    """head: of its column. strikes: the ways to meet it, the usual one first."""

    name: str
    head: str
    strikes: tuple[Strike, ...]


LOST = ("answer_lost", "http_", "InternalError", "ServiceUnavailable", "wait_timeout", "not_seen_yet")
THROTTLED = (
    "Throttling",
    "databases_failed",
    "SlowDown",
    "UploadTrafficRateLimitExceeded",
    "DownloadTrafficRateLimitExceeded",
    "QpsLimitExceeded",
    "ServiceUnavailable",
    "wait_timeout",
    "not_seen_yet",
)
UNREACHABLE = ("unreachable", "wait_timeout", "not_seen_yet")
# What OSS answers is a variant of the emulator.
EXPIRED = ("InvalidSecurityToken", "SecurityTokenExpired", "InvalidAccessKeyId")
SKEWED = ("InvalidTimeStamp", "IllegalTimestamp", "RequestTimeTooSkewed")
# Shorter than the time that modules look for what they began.
LAG = {"kind": "list_lag", "seconds": 20}


def _fault(kind, **how):
    codes = how.pop("codes", LOST)
    return Strike({"kind": kind, **how}, codes=codes)


CLASSES = (
    FaultClass("throttled once", "thr1", (Strike({"kind": "throttle"}, passes=True),)),
    FaultClass("throttled for long", "thrL", (Strike({"kind": "throttle"}, length=LASTING, codes=THROTTLED),)),
    FaultClass("500", "500", (_fault("http_500", effect=True), _fault("http_500"))),
    FaultClass("503", "503", (_fault("http_503"), _fault("http_503", effect=True))),
    FaultClass(
        "connection refused",
        "refu",
        (
            Strike(unsent=_refused, codes=UNREACHABLE),
            Strike(unsent=_refused, length=LASTING, everywhere=True, codes=UNREACHABLE),
        ),
    ),
    FaultClass("reset before the write", "rstB", (_fault("close_before"),)),
    FaultClass("reset after the write", "rstA", (_fault("close_after"),)),
    FaultClass("time-out after the write", "time", (_fault("timeout_after"), _fault("stall"))),
    FaultClass("truncated JSON or XML", "trun", (_fault("truncate"), _fault("huge"))),
    FaultClass(
        "HTML body",
        "html",
        (
            _fault("html", status=200),
            _fault("html", effect=True, status=200),
            _fault("html"),
            # It is nothing that passes: the endpoint has to be corrected.
            _fault("redirect")._replace(stops_readings=True),
        ),
    ),
    FaultClass("empty body", "empt", (_fault("empty"),)),
    FaultClass(
        "slow trickle",
        "slow",
        (_fault("trickle", seconds=20)._replace(stops_readings=True), _fault("trickle", seconds=0.1)),
    ),
    FaultClass(
        "token expires half-way",
        "tokn",
        (Strike({"kind": "expired_token"}, length=LASTING, everywhere=True, codes=EXPIRED),),
    ),
    FaultClass(
        "clock skew",
        "skew",
        tuple(
            Strike({"kind": "clock_skew", "seconds": seconds}, length=LASTING, everywhere=True, codes=SKEWED)
            for seconds in (3600, -3600)
        ),
    ),
    FaultClass(
        "DNS failure",
        "dns",
        (
            Strike(unsent=_nameless, length=LASTING, everywhere=True, codes=UNREACHABLE),
            Strike(unsent=_nameless, codes=UNREACHABLE),
        ),
    ),
    FaultClass(
        "wrong TLS certificate",
        "cert",
        (Strike(unsent=_distrusted, length=LASTING, everywhere=True, codes=("certificate_not_accepted",)),),
    ),
    FaultClass(
        "listing lags behind the write",
        "lag",
        (
            Strike({"kind": "close_after"}, beside=LAG, codes=LOST, only_writes=True),
            Strike(LAG, length=LASTING),
        ),
    ),
)


class Trouble:
    """A strike that waits for the call of an action. after: how many of these calls pass."""

    def __init__(self, world, action="", strike=None, after=0):
        self._world, self.action, self.strike, self.after = world, action, strike, after
        self._seen = 0
        self._lock = threading.Lock()
        self.struck = 0

    def meet(self, action, request):
        """Raises what keeps the request from leaving, and switches the emulator's faults on when their time comes."""
        with self._lock:
            if self.strike is None or not self._is_hit(action):
                return
            self.struck += 1
            unsent, first = self.strike.unsent, self.struck == 1
            if first and self.strike.fault is not None:
                self._switch_on()
        if unsent is not None and (first or self.strike.length == LASTING):
            raise unsent(request)

    def _is_hit(self, action):
        if self.struck and self.strike.everywhere:
            return True
        if action != self.action:
            return False
        self._seen += 1
        return self._seen > self.after

    def _switch_on(self):
        lasting, everywhere = self.strike.length == LASTING, self.strike.everywhere
        limits = {} if lasting else {"times": 1}
        self._world.faults.add({**self.strike.fault, "action": "*" if everywhere else self.action, **limits})
        if self.strike.beside is not None:
            self._world.faults.add({**self.strike.beside, "action": "*"})

    def end(self):
        self.strike = None
        self._world.faults.replace([])


class TroubledLine:
    """Takes the place of requests.Session: hands requests to the emulator's adapters, and meets trouble on the way.

    What a session does besides would be most of the time of a run.
    """

    def __init__(self, stage):
        self._stage = stage
        adapters = stage.session.adapters.items()
        self._adapters = {k: one for k, one in adapters if isinstance(one, (EmulatorAdapter, OssAdapter))}

    def request(self, method, url, *, headers, data, timeout, auth=None, params=None, **_rest):
        """As requests.Session.request()."""
        request = requests.PreparedRequest()
        if auth is None:  # of oss2
            told = {name: value for name, value in headers.items() if value is not None}
            request.prepare(method=method, url=url, params=params, headers=told, data=data)
        else:
            request.method, request.url, request.body = method, url, data
            request.headers = requests.structures.CaseInsensitiveDict(headers)
            auth(request)
        self._stage.trouble.meet(action_of(request), request)
        prefix = max((prefix for prefix in self._adapters if url.startswith(prefix)), key=len)
        return self._adapters[prefix].send(request, stream=True, timeout=timeout)


def action_of(request):
    """What the request asks for, as the emulator's log calls it."""
    return request.headers.get("x-acs-action") or find_target(_oss_request(request)).action


def lay_lines(stage):
    """Put trouble into the way of all requests of a stage."""
    stage.trouble = Trouble(stage.world)
    stage.session = TroubledLine(stage)
