# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session that hands requests to a world in process, without HTTP, and that can end a run at any of its writes.

Signatures, XML and faults of the network have tests of their own; here thousands of worlds have to fit into a minute.
"""

from __future__ import annotations

import json
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
from apsara_emulator import ApiError
from apsara_emulator.contracts import service_versions
from apsara_emulator.oss.requests_adapter import OssAdapter
from apsara_emulator.registry import ACTIONS, Call
from apsara_emulator.shapes import identified
from apsara_emulator.world import new_request_id

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
    """As much of requests.Response as the client of the RPC services uses."""

    def __init__(self, status, body):
        self.status_code = status
        self.headers = {}
        self._body = body

    def __enter__(self):
        return self

    def __exit__(self, *_reason):
        return None

    def iter_content(self, _size):
        return [self._body]


class TruthSession:
    """Takes the place of requests.Session. oss: the service behind oss_endpoint, and where it is."""

    def __init__(self, world, oss=None, oss_endpoint=""):
        self._world = world
        self._oss = OssAdapter(oss) if oss else None
        self._oss_endpoint = oss_endpoint
        self._cut = Cut()
        self._writes = 0
        self._dead = False

    def begin(self, cut):
        """A new process begins, that meets this cut."""
        self._cut, self._writes, self._dead = cut, 0, False

    def request(self, method, url, **how):
        if self._dead:
            raise Killed
        if self._oss and url.startswith(self._oss_endpoint):
            return self._passed(method not in ("GET", "HEAD"), lambda: self._of_oss(method, url, **how))
        call = self._call(url, how["headers"], how["data"], how["auth"])
        return self._passed(ACTIONS[call.service, call.action].mutating, lambda: self._of_rpc(call))

    def _passed(self, writes, send):
        if not writes:
            return send()
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

    def _call(self, url, headers, form, proof):
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
        given = dict(query + parse_qsl(form or "", keep_blank_values=True))
        key = proof._source.current().access_key_id
        account = next(
            a.account_id for a in self._world.state.accounts.values() if key in [k.access_key_id for k in a.access_keys]
        )
        service = service_versions()[headers["x-acs-version"]]
        names = frozenset(name for name, _value in query)
        return Call(account, service, headers["x-acs-action"], given, new_request_id(), key, query_names=names)

    def _of_rpc(self, call):
        try:
            status, code, body = 200, "", self._world.execute(call)
        except ApiError as error:
            status, code = error.http_status, error.code
            body = {"Code": code, "Message": error.message, "HostId": "emulator"}
        self._world.log(call, status, code)
        return Answer(status, json.dumps(identified(body, call.request_id)).encode())

    def _of_oss(self, method, url, data=None, params=None, headers=None, **_rest):
        """Through the whole service, but past the preparation that requests does: oss2 prepares everything itself."""
        prepared = requests.PreparedRequest()
        told = {name: value for name, value in (headers or {}).items() if value is not None}
        prepared.prepare(method=method, url=url, params=params, headers=told, data=data)
        return self._oss.send(prepared, stream=True)
