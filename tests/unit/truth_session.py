# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session that hands requests to a world in process, without HTTP, and that can end a run at any of its writes.

Signatures, encodings and faults of the network have tests of their own; here thousands of worlds have to fit into a
minute. So the client of the RPC services hands over its parameters as they are, and gets the answer as plain data.
"""

from __future__ import annotations

import io
import itertools
import marshal
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc import RpcClient, _as_text, error_code
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rpc_failures import (
    no_answer,
    refusal,
    told_refusal,
)
from apsara_emulator import ApiError
from apsara_emulator.contracts import service_versions
from apsara_emulator.oss.messages import OssRequest
from apsara_emulator.registry import ACTIONS, Call
from requests.structures import CaseInsensitiveDict

NEVER = 10**9
BEFORE, AFTER, UNANSWERED = "before", "after", "unanswered"


class Killed(BaseException):
    """The end of the process. No code that expects a failure may catch it."""


class Cut(NamedTuple):
    """What happens at the write with this number, counted from 0.

    how: the process ends before it reaches the service, or after it took effect; or only its answer is lost.
    """

    number: int = NEVER
    how: str = AFTER


class Answer:
    """As much of requests.Response as the reasons of a refusal are taken from."""

    def __init__(self, status):
        self.status_code = status
        self.headers = {}


class OssAnswer:
    """As much of requests.Response as is left of it under oss2."""

    def __init__(self, answer):
        self.status_code = answer.status
        self.headers = CaseInsensitiveDict(answer.headers)
        self._body = b"" if answer.bodiless else answer.piece(0, answer.size)
        answer.close()

    def iter_content(self, _size):
        body, self._body = self._body, b""
        if body:
            yield body

    def close(self):
        pass


class TruthClient(RpcClient):
    """The client without its encodings. What it makes of answers, failures and repeated calls stays."""

    def _encoded(self, _action, parameters):
        """The parameters as they are sent, and which of them go into a form."""
        told = {k: v if isinstance(v, str) else _as_text(v) for k, v in parameters.items() if v is not None}
        return told, self._service.forms.get(_action, frozenset())

    def _attempt(self, action, query, form, silence):
        known = service_versions()[self._service.version]
        key = self._credentials.current()
        try:
            status, document = self._session.rpc(known, action, query, query.keys() - form, key.access_key_id)
        except requests.ConnectionError as error:
            raise no_answer(action, self._endpoint, f"{self._service.name}_endpoint", error) from None
        if self._service.tells_success and str(document.get("Success")).lower() == "false":
            document = told_refusal(document)
        if status == 200 and not error_code(document):
            return document
        raise refusal(action, Answer(status), document, [key.access_key_secret])


class TruthSession:
    """Takes the place of requests.Session. oss: the service behind oss_endpoint, and where it is."""

    def __init__(self, world, oss=None, oss_endpoint=""):
        self._world = world
        self._oss = oss
        self._oss_endpoint = oss_endpoint
        self._accounts = {
            key.access_key_id: account.account_id
            for account in world.state.accounts.values()
            for key in account.access_keys
        }
        self._request_ids = itertools.count(1)
        self._answers = {}
        self._moment = None
        self._objects = {}
        self._cut = Cut()
        self._writes = 0
        self._dead = False

    def begin(self, cut):
        """A new process begins, that meets this cut."""
        self._cut, self._writes, self._dead = cut, 0, False

    def request(self, method, url, **how):
        """Of the client of OSS, which makes requests of its own."""
        if self._dead:
            raise Killed
        assert url.startswith(self._oss_endpoint)
        return self._passed(method not in ("GET", "HEAD"), lambda: self._of_oss(method, url, **how))

    def known_objects(self):
        """Answers of OSS, which hold until something is written; the time does not matter to it."""
        if self._dead:
            raise Killed
        return self._objects

    def rpc(self, service, action, parameters, query_names, key):
        """(status, document) of a call."""
        if self._dead:
            raise Killed
        call = Call(self._accounts[key], service, action, parameters, "", key, query_names=query_names)
        call.request_id = f"{next(self._request_ids):036d}"
        if ACTIONS[service, action].mutating:
            return self._passed(True, lambda: self._written(call))
        return self._read(call)

    def _passed(self, writes, send):
        if not writes:
            return send()
        self._answers.clear()
        self._objects.clear()
        number, self._writes = self._writes, self._writes + 1
        if number != self._cut.number:
            return send()
        self._dead = self._cut.how != UNANSWERED
        if self._cut.how == BEFORE:
            raise Killed
        send()
        if self._dead:
            raise Killed
        raise requests.ConnectionError("the answer is lost")

    def _written(self, call):
        status, code, body = self._answered(call)
        self._world.log(call, status, code)
        return status, body

    def _read(self, call):
        """What reads ask for shows in what they lead to; so they are not logged.

        The same question gets the same answer, until something is written or time passes.
        """
        question = (call.service, call.action, call.access_key_id, *sorted(call.parameters.items()))
        answers = self._known()
        if question not in answers:
            status, _code, body = self._answered(call)
            answers[question] = status, body
        return answers[question]

    def _known(self):
        """The answers of this moment."""
        now = self._world.clock.now()
        if now != self._moment:
            self._moment = now
            self._answers.clear()
        return self._answers

    def _answered(self, call):
        try:
            # Plain data, and none of it is the world's own.
            return 200, "", marshal.loads(marshal.dumps(self._world.execute(call)))
        except ApiError as error:
            body = {"Code": error.code, "Message": error.message, "HostId": "emulator", "RequestId": call.request_id}
            return error.http_status, error.code, body

    def _of_oss(self, method, url, data=None, params=None, headers=None, **_rest):
        """Through the whole service, but past requests: oss2 prepares everything itself."""
        address = urlsplit(url)
        query = urlencode({name: value for name, value in (params or {}).items() if value is not None})
        told = {name.lower(): str(value) for name, value in (headers or {}).items() if value is not None}
        told.setdefault("host", address.netloc)
        body = data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else b"".join(data or ())
        target = f"{address.path or '/'}?{query}" if query else address.path or "/"
        return OssAnswer(self._oss.handle(OssRequest(method, target, told, io.BytesIO(body), len(body))))
