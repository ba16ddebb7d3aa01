# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""One way in for RDS, DTS, RAM and STS: signed RPC calls with retries, paging and answers that are understood.

No create call of a migration is idempotent at the service, so a write whose answer is lost is reported as AnswerLost
and never sent again from here. What is: rpc_retries.py.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from .._waiting import Clock
from .connection import (
    CONNECT_TIMEOUT,
    LARGEST_ANSWER,
    READ_TIMEOUT,
    SLOWEST_ANSWER,
    WRITE_TIMEOUT,
    Trust,
    pieces_of,
    proxies_for,
)
from .credentials import CredentialSource, secrets_of
from .errors import AnswerLost, ServiceError, Unreachable
from .http_library import HTTPError
from .signing import ProofOfCaller, query_string

if TYPE_CHECKING:
    from .pacing import Pace
    from .rpc_retries import Retrying

FORM = "application/x-www-form-urlencoded"
USER_AGENT = "apsaradb.migration (Ansible)"


class Service(NamedTuple):
    """name: as in option names (`rds_endpoint`). reads: the actions that change nothing at the service.

    forms: by action, the parameters that go into a form in the body; all others are in the query. tells_success: an
    answer with HTTP 200 may say `Success: false`, as a boolean or a text, which is a refusal.
    """

    name: str
    version: str
    reads: frozenset[str]
    forms: Mapping[str, frozenset[str]] = MappingProxyType({})
    tells_success: bool = False


class CallLog:
    """What the door returns of the calls. writes: request ids, in order. actions: of every call, repeated or not."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.actions: list[str] = []


class Traffic:
    """The calls of one account to one endpoint, which all threads and clients of a task share.

    let_through: when the last ones were answered, on the monotonic clock. pace: how fast calls are sent; None until the
    service says for the first time that they are too many.
    """

    def __init__(self) -> None:
        self.let_through: deque[float] = deque(maxlen=1000)
        self.pace: Pace | None = None

    def went_through(self, now: float) -> None:
        self.let_through.append(now)
        if self.pace is not None:
            self.pace.let_through()


class RpcClient:
    """Calls actions of one service at one endpoint. A read-only client refuses everything that is not a read."""

    def __init__(
        self,
        service: Service,
        endpoint: str,
        credentials: CredentialSource,
        session: Any,
        *,
        read_only: bool,
        trust: Trust | None = None,
        clock: Clock | None = None,
        retrying: Retrying | None = None,
        jitter: Callable[[], float] | None = None,
        log: CallLog | None = None,
        traffic: Traffic | None = None,
        proof: Any = None,
    ) -> None:
        self._service = service
        self._endpoint = endpoint
        self._credentials = credentials
        self._session = session
        self.read_only = read_only
        self._trust = trust or Trust()
        self._clock = clock or Clock()
        self._retrying = retrying
        self._jitter = jitter
        self._log = log if log is not None else CallLog()
        self._traffic = traffic or Traffic()
        self._proof = proof or ProofOfCaller(credentials, wall_clock=self._clock.wall)

    def call(self, action: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of one action as a dict. None values are left out.

        Raises ServiceError (refused), Unreachable (never sent), AnswerLost (sent, outcome open), WriteRefused.
        """
        reading = action in self._service.reads
        if self.read_only and not reading:
            from .rpc_failures import refused_write

            raise refused_write(action)
        try:
            query, form = self._encoded(action, parameters or {})
        except UnicodeEncodeError:
            from .rpc_failures import broken_characters

            raise broken_characters(action) from None
        self._log.actions.append(action)
        answer = self._answer(action, query, form, reading)
        if not reading:
            self._log.writes.append(str(answer.get("RequestId") or ""))
        return answer

    def pages(
        self,
        action: str,
        parameters: Mapping[str, Any],
        rows_of: Callable[[dict[str, Any]], Sequence[Any]],
        *,
        page_size: int,
        total_of: Callable[[dict[str, Any], Sequence[Any]], int | None],
    ) -> Iterator[Any]:
        """All rows of a paged reading action. Ends at the total the service tells, else at a page that is not full."""
        seen, number = 0, 1
        before: Sequence[Any] | None = None
        while True:
            answer = self.call(action, {**parameters, "PageNumber": number, "PageSize": page_size})
            rows = rows_of(answer)
            if not rows or rows == before:  # the same page again: the page number is not looked at over there
                return
            yield from rows
            seen += len(rows)
            total = total_of(answer, rows)
            if seen >= total if total is not None else len(rows) < page_size:
                return
            number, before = number + 1, rows

    def _encoded(self, action: str, parameters: Mapping[str, Any]) -> tuple[str, str]:
        """(query, form), each as it is sent."""
        told = {k: _as_text(v) for k, v in parameters.items() if v is not None}
        in_form = self._service.forms.get(action, frozenset())
        query = {k: v for k, v in told.items() if k not in in_form}
        return query_string(query), query_string({k: v for k, v in told.items() if k in in_form})

    def _answer(self, action: str, query: str, form: str, reading: bool) -> dict[str, Any]:
        """Of the first attempt, or of a later one where the call may be repeated."""
        attempt = partial(self._attempt, action, query, form, READ_TIMEOUT if reading else WRITE_TIMEOUT)
        traffic, clock = self._traffic, self._clock
        if traffic.pace is not None:
            traffic.pace.wait_for_turn()
        started = clock.monotonic()
        try:
            answer = attempt()
        except (ServiceError, Unreachable, AnswerLost) as failure:
            failed = failure
        else:
            traffic.went_through(clock.monotonic())
            return answer
        from .rpc_retries import answer_of_repeated

        return answer_of_repeated(
            attempt,
            failed,
            self._retrying,
            started=started,
            reading=reading,
            clock=clock,
            jitter=self._jitter,
            traffic=traffic,
        )

    def _attempt(self, action: str, query: str, form: str, silence: float) -> dict[str, Any]:
        response, body = self._exchange(action, query, form, silence)
        document = _as_document(body)
        if document is not None and self._service.tells_success and str(document.get("Success")).lower() == "false":
            from .rpc_failures import told_refusal

            document = told_refusal(document)
        if response.status_code in range(200, 300) and document is not None and not error_code(document):
            return document
        from .rpc_failures import refusal

        raise refusal(action, response, document, secrets_of(self._credentials.current()), service=self._service.name)

    def _exchange(self, action: str, query: str, form: str, silence: float) -> tuple[Any, bytes]:
        """One request, one answer, or the failure to get one."""
        url = f"{self._endpoint}/?{query}" if query else f"{self._endpoint}/"
        outcome = self._send(action, url, form, silence)
        if isinstance(outcome, Exception):
            from .rpc_failures import no_answer

            raise no_answer(action, url, f"{self._service.name}_endpoint", outcome)
        return outcome

    def _send(self, action: str, url: str, form: str, silence: float) -> tuple[Any, bytes] | Exception:
        """Exceptions of the library quote the URL. They are handed back: a raised one would be chained and shown."""
        late = self._clock.monotonic() + SLOWEST_ANSWER
        headers = {
            "accept": "application/json",
            "user-agent": USER_AGENT,
            "x-acs-action": action,
            "x-acs-version": self._service.version,
            # Signed like the others, with a digest of the form.
            **({"content-type": FORM} if form else {}),
        }
        try:
            response = self._session.request(
                "POST",
                url,
                headers=headers,
                data=form or None,
                auth=self._proof,
                proxies=proxies_for(url, self._trust),
                timeout=(CONNECT_TIMEOUT, silence),
                allow_redirects=False,
                stream=True,
            )
            with response:
                return response, self._body(response, late)
        except (HTTPError, OSError, ValueError) as error:
            # ValueError: urllib3 and http.client refuse host names and headers in this way, and quote them.
            # Its frames hold what was read so far.
            return error.with_traceback(None)

    def _body(self, response: Any, late: float) -> bytes:
        parts, size = [], 0
        for part in pieces_of(response):
            parts.append(part)
            size += len(part)
            if size > LARGEST_ANSWER or self._clock.monotonic() > late:
                raise ConnectionError("the answer is larger or slower than any answer of the service")
        return b"".join(parts)


def _as_text(value: Any) -> str:
    """The SDK's serialisation: True/False, decimal integers, JSON for structures."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _as_document(body: bytes) -> dict[str, Any] | None:
    """None for what is no JSON, whatever a lenient parser makes of it: NaN, numbers beyond all numbers."""
    try:
        document = json.loads(body, parse_constant=_no_number, parse_float=_finite)
        if b"\\ud" in body or b"\\uD" in body:
            # Half of a surrogate pair can be neither sent nor shown.
            text = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
            document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _finite(text: str) -> float:
    number = float(text)
    return number if number - number == 0 else _no_number(text)


def _no_number(text: str) -> float:
    raise ValueError(f"{text[:20]} is no number")


def error_code(document: Mapping[str, Any]) -> str:
    """The code of an error body; both spellings of the key are in use. A success has none."""
    code = document.get("Code", document.get("code"))
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z][\w.\-]{0,127}", code) else ""
