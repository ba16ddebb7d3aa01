# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How requests to OSS leave: through oss2, with one place for retries, failures and the log of writes.

What is retried: requests that are throttled, whatever they are; broken connections and faults of the service for reads
and for writes that have the same outcome however often they are sent (a part, a whole object, a deletion, tags).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError

from .._failure import MigrationFailure
from .._waiting import Clock
from .connection import Trust
from .credentials import CredentialSource, secrets_of
from .errors import Unreachable
from .oss_session import OssSession, RenewedCredentials, access_key_of, bucket_class, library
from .requests_library import requests
from .rpc import CallLog
from .rpc_retries import Retrying

T = TypeVar("T")


class OssRequests:
    """Sends requests to OSS at one endpoint. A read-only one refuses every request but GET and HEAD.

    endpoint: `scheme://host`. region: what requests are signed for. All methods raise ServiceError (refused),
    Unreachable (never sent), AnswerLost (sent, outcome open), Misconfigured (certificate) or WriteRefused.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: CredentialSource,
        session: Any,
        *,
        read_only: bool,
        trust: Trust | None = None,
        clock: Clock | None = None,
        retrying: Retrying | None = None,
        jitter: Callable[[], float] = random.random,
        log: CallLog | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.region = region
        self.read_only = read_only
        self.clock = clock or Clock()
        self.log = log if log is not None else CallLog()
        self._oss2 = library()
        self._credentials = credentials
        access_key_of(credentials)  # a bearer token is refused before anything is read
        self._auth = self._oss2.ProviderAuthV4(RenewedCredentials(credentials))
        self._session = OssSession(session, trust or Trust(), read_only=read_only, clock=self.clock)
        self._retrying = retrying or Retrying()
        self._jitter = jitter
        self._buckets: dict[str, Any] = {}

    def _of(self, name: str) -> Any:
        if name not in self._buckets:
            # oss2's own CRC would be the slowest part of an upload; whoever sends data compares it.
            made = self._attempt(
                "Bucket",
                lambda: bucket_class()(
                    self._auth, self.endpoint, name, session=self._session, enable_crc=False, region=self.region
                ),
            )
            self._buckets[name] = made
        return self._buckets[name]

    def _call(self, function: Callable[..., T], *arguments: Any) -> Callable[[], T]:
        return lambda: function(*arguments)

    def _read(self, action: str, call: Callable[[], T]) -> T:
        return self._with_retries(action, call, repeatable=True, patience=None)

    def _write(self, action: str, call: Callable[[], T], *, repeatable: bool = False, log: bool = True) -> T:
        answer = self._with_retries(action, call, repeatable=repeatable, patience=self._retrying.patience)
        if log:
            self.log.writes.append(str(getattr(answer, "request_id", "") or ""))
        return answer

    def _with_retries(self, action: str, call: Callable[[], T], *, repeatable: bool, patience: float | None) -> T:
        """patience: seconds to try where nothing answers; a wrong endpoint should be told soon, an upload of hours
        should outlive a break of the line."""
        started, attempt = self.clock.monotonic(), 0
        while True:
            used = self._credentials.current()
            try:
                return self._attempt(action, call)
            except MigrationFailure as failure:
                if self._was_renewed(failure, used) and attempt == 0:
                    attempt += 1
                    continue
                pause = self._pause(attempt)
                unreachable = isinstance(failure, Unreachable)
                limit = patience or (self._retrying.unreachable if unreachable else self._retrying.patience)
                if not self._may_repeat(failure, repeatable) or self.clock.monotonic() + pause > started + limit:
                    raise
            self.clock.sleep(pause)
            attempt += 1

    def _may_repeat(self, failure: MigrationFailure, repeatable: bool) -> bool:
        from .oss_failures import throttled

        # What was never sent can be sent again, whatever it is.
        return throttled(failure) or (failure.transient and (repeatable or isinstance(failure, Unreachable)))

    def _was_renewed(self, failure: MigrationFailure, used: Any) -> bool:
        """The token ran out on the way, and its source has another one by now."""
        return bool(getattr(failure, "credentials_expired", False)) and self._credentials.current() != used

    def _pause(self, attempt: int) -> float:
        doubling: float = min(self._retrying.most, self._retrying.first * 2**attempt)
        return doubling * (0.5 + self._jitter() / 2)

    def _attempt(self, action: str, call: Callable[[], T]) -> T:
        outcome = self._outcome(call)
        if not isinstance(outcome, Exception):
            return outcome
        from .oss_failures import failure_of

        raise failure_of(action, self.endpoint, outcome, secrets_of(self._credentials.current()))

    def _outcome(self, call: Callable[[], T]) -> T | Exception:
        """Exceptions of the libraries quote URLs. They are handed back: a raised one would be chained and shown."""
        try:
            return call()
        except (self._oss2.exceptions.OssError, requests.RequestException) as error:
            # Its frames hold what was read so far.
            return error.with_traceback(None)
        except (ParseError, ValueError, RuntimeError):  # the last is what oss2 raises for XML that lacks something
            return requests.ConnectionError("the answer is no answer of the service")
