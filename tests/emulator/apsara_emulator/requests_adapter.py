# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transport adapter for `requests` that calls a gateway in process: no sockets, no waiting."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from .clock import Clock
from .gateway import ConnectionFault, Gateway, HttpRequest, HttpResponse
from .http_messages import Delivery
from .world import World


class WorldAdapter(BaseAdapter, ABC):
    """What stands between a session and a service in this process.

    Faults become what `requests` raises over a real connection. Time that would be spent waiting passes on the world's
    clock: up to the read time-out of the request, which is then raised.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """As in the base class. Raises ConnectionError and ReadTimeout of requests."""
        limit = timeout[1] if isinstance(timeout, tuple) else timeout
        answer = self._answer(request, stream, limit)
        if isinstance(answer, ConnectionFault):
            self._wait(answer.seconds, limit, request)
            raise requests.exceptions.ConnectionError("Connection aborted: reset by the emulator", request=request)
        return answer

    def close(self) -> None:
        """Nothing to close."""

    @abstractmethod
    def _answer(
        self, request: requests.PreparedRequest, stream: bool, limit: float | None
    ) -> requests.Response | ConnectionFault:
        """What the service says. limit: the longest silence that the reader bears."""

    def _wait(self, seconds: float, limit: float | None, request: requests.PreparedRequest) -> None:
        self._world.clock.sleep(seconds if limit is None else min(seconds, limit))
        if limit is not None and seconds >= limit:
            raise requests.exceptions.ReadTimeout("Read timed out: the emulator keeps silent", request=request)


class EmulatorAdapter(WorldAdapter):
    """Mount it on a session for the endpoints that the gateway is to answer."""

    def __init__(self, gateway: Gateway) -> None:
        super().__init__(gateway.world)
        self.gateway = gateway

    def _answer(
        self, request: requests.PreparedRequest, stream: bool, limit: float | None
    ) -> requests.Response | ConnectionFault:
        answer = self.gateway.handle(_http_request(request))
        return answer if isinstance(answer, ConnectionFault) else self._response(request, answer, limit)

    def _response(
        self, request: requests.PreparedRequest, answer: HttpResponse, limit: float | None
    ) -> requests.Response:
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.headers["Content-Length"] = str(len(answer.body))
        response.encoding = "utf-8"
        response.raw = _raw(answer, self.gateway.world.clock, limit)
        response.url = request.url or ""
        response.request = request
        return response


def _http_request(request: requests.PreparedRequest) -> HttpRequest:
    address = urlsplit(request.url or "")
    headers = {name: _text(value) for name, value in request.headers.items()}
    # urllib3 adds it when it sends.
    if "host" not in {name.lower() for name in headers}:
        headers["host"] = address.netloc
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    body = request.body or b""
    return HttpRequest.of(
        request.method or "GET", target, headers.items(), body if isinstance(body, bytes) else _text(body).encode()
    )


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _raw(answer: HttpResponse, clock: Clock, limit: float | None) -> HTTPResponse:
    """The body as a stream, broken off or endless if so wanted; urllib3 notices what is missing."""
    headers = {"Content-Length": str(len(answer.body))}
    body: Any = io.BytesIO(answer.body)
    if answer.delivery.kind == "truncated":
        body = io.BytesIO(answer.body[: len(answer.body) // 2])
    elif answer.delivery.kind == "trickled":
        body = Trickle(body, answer.delivery, clock, limit)
    elif answer.delivery.kind == "endless":
        headers, body = {}, _Endless(answer.body)
    return HTTPResponse(
        body=body,
        headers=headers,
        status=answer.status,
        preload_content=False,
        enforce_content_length=True,
        request_method="POST",
    )


class Trickle(io.RawIOBase):
    """A body that comes in pieces, with silence before each. limit: the longest silence that the reader bears."""

    def __init__(self, body: Any, delivery: Delivery, clock: Clock, limit: float | None) -> None:
        super().__init__()
        self._body, self._delivery, self._clock, self._limit = body, delivery, clock, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        piece = self._body.read(min(len(buffer), self._delivery.bytes))
        if piece:
            self._be_silent()
        buffer[: len(piece)] = piece
        return len(piece)

    def read1(self, size: int = -1) -> bytes:
        """What is there, as from a socket."""
        return self.read(self._delivery.bytes if size < 0 else min(size, self._delivery.bytes)) or b""

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._body.close()

    def _be_silent(self) -> None:
        seconds = self._delivery.seconds
        if self._limit is not None and seconds >= self._limit:
            self._clock.sleep(self._limit)
            raise TimeoutError("Read timed out: the emulator keeps silent")
        self._clock.sleep(seconds)


class _Endless(io.RawIOBase):
    """The same bytes over and over again."""

    def __init__(self, piece: bytes) -> None:
        super().__init__()
        self._piece = piece or b" "

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        return self.read(size)

    def read(self, size: int = -1) -> bytes:
        wanted = len(self._piece) if size is None or size < 0 else size
        return (self._piece * (wanted // len(self._piece) + 1))[:wanted]
