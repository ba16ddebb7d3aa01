# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A transport adapter for `requests` that calls an `OssService` in process: no sockets, no waiting."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from ..http_messages import ConnectionFault
from ..requests_adapter import Trickle, WorldAdapter
from .errors import BrokenBody
from .messages import Body, OssRequest, OssResponse
from .service import OssService

_CHUNK = 256 * 1024


class OssAdapter(WorldAdapter):
    """Mount it on a session for the endpoints that the service is to answer."""

    def __init__(self, service: OssService) -> None:
        super().__init__(service.world)
        self.service = service

    def _answer(
        self, request: requests.PreparedRequest, stream: bool, limit: float | None
    ) -> requests.Response | ConnectionFault:
        sent = _oss_request(request)
        answer = self.service.handle(sent)
        if isinstance(answer, ConnectionFault):
            return answer
        _drain(sent.body)
        content: Any = _Content(answer)
        if answer.delivery.kind == "trickled":
            content = Trickle(content, answer.delivery, self.service.world.clock, limit)
        return _response(request, answer, content, stream)


def _oss_request(request: requests.PreparedRequest) -> OssRequest:
    address = urlsplit(request.url or "")
    headers = {_text(name).lower(): _text(value).strip() for name, value in request.headers.items()}
    # urllib3 adds it when it sends.
    headers.setdefault("host", address.netloc)
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    length = int(headers["content-length"]) if "content-length" in headers else None
    body = _body_of(request.body, length)
    if not request.body and length is None:
        length = 0
    return OssRequest(request.method or "GET", target, headers, body, length)


def _body_of(body: Any, length: int | None) -> Body:
    if isinstance(body, str):
        body = body.encode()
    if not body or isinstance(body, (bytes, bytearray)):
        return io.BytesIO(body or b"")
    return _Reader(iter(lambda: body.read(_CHUNK), b"") if hasattr(body, "read") else iter(body))


class _Reader:
    """The body of a request that is a file, or something to iterate over."""

    def __init__(self, pieces: Iterator[Any]) -> None:
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readinto(self, buffer: memoryview, /) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece.encode() if isinstance(piece, str) else piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _drain(body: Body) -> None:
    buffer = memoryview(bytearray(_CHUNK))
    try:
        while body.readinto(buffer):
            pass
    except BrokenBody:
        pass


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _response(request: requests.PreparedRequest, answer: OssResponse, content: Any, stream: bool) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    # On the wire they are UTF-8, which HTTP clients read as Latin-1.
    headers = {name: value.encode("utf-8", "replace").decode("latin-1") for name, value in answer.headers.items()}
    response.headers = CaseInsensitiveDict(headers)
    response.raw = HTTPResponse(
        body=content,
        headers=headers,
        status=answer.status,
        preload_content=False,
        enforce_content_length=True,
        request_method=request.method,
    )
    response.url = request.url or ""
    response.request = request
    if not stream:
        response.content  # noqa: B018 - reads the body, as a session would
    return response


class _Content(io.RawIOBase):
    """The body of an answer, broken off or endless if so wanted; urllib3 notices what is missing."""

    def __init__(self, answer: OssResponse) -> None:
        super().__init__()
        self._answer = answer
        self._endless = answer.delivery.kind == "endless" and bool(answer.size)
        half = answer.delivery.kind == "truncated"
        self._end = 0 if answer.bodiless else answer.size // 2 if half else answer.size
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._endless and self._position >= self._end:
            self._position = 0
        data = self._answer.piece(self._position, min(len(buffer), self._end - self._position))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def read1(self, size: int = -1) -> bytes:
        return self.read(_CHUNK if size < 0 else size) or b""

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._answer.close()
