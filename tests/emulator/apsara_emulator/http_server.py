# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP shell around a gateway: sockets, TLS, and the faults that need a connection to break."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
import tempfile
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import trustme
from aiohttp import web

from .control import Control
from .gateway import ConnectionFault, Gateway, HttpRequest, HttpResponse
from .oss.server import OssServer
from .oss.service import OssService
from .secret_log import SecretLog

# Long lists of databases travel in the query string.
_MAX_LINE = 1024 * 1024
_MAX_BODY = 10 * 1024 * 1024
_Handler = Callable[[HttpRequest], "HttpResponse | ConnectionFault"]


@dataclass(frozen=True)
class Urls:
    """Where the emulator answers. `ca_path` is the CA certificate with TLS, else empty."""

    api: str
    control: str
    oss: str
    ca_path: str


class HttpServer:
    """Serves a gateway, OSS and the control interface on a port each, as an async context manager."""

    def __init__(
        self,
        gateway: Gateway,
        host: str,
        port: int,
        control_port: int = 0,
        tls: bool = False,
        oss_port: int = 0,
        secrets: SecretLog | None = None,
    ) -> None:
        self._gateway = gateway
        self._oss_port = oss_port
        self._secrets = secrets
        self._oss: OssServer | None = None
        self._host = host
        self._port = port
        self._control_port = control_port
        self._tls = tls
        self._folder = tempfile.TemporaryDirectory(prefix="apsara-emulator-")
        self._runners: list[web.ServerRunner] = []

    async def __aenter__(self) -> Urls:
        context = _tls_context(self._host, Path(self._folder.name)) if self._tls else None
        api = await self._serve(self._gateway.handle, self._port, context, latency=self._latency)
        control = await self._serve(Control(self._gateway).handle, self._control_port, None)
        oss = OssService(self._gateway.world, self._gateway.stamp_clock)
        self._oss = OssServer(oss, self._host, self._oss_port, context, self._secrets)
        name = f"[{self._host}]" if ":" in self._host else self._host
        scheme = "https" if self._tls else "http"
        ca_path = os.path.join(self._folder.name, "ca.pem") if self._tls else ""
        return Urls(f"{scheme}://{name}:{api}", f"http://{name}:{control}/control", self._oss.url, ca_path)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._oss is not None:
            await asyncio.to_thread(self._oss.close)
        for runner in self._runners:
            await runner.cleanup()
        self._folder.cleanup()

    def _latency(self) -> float:
        return self._gateway.world.state.quotas.latency

    async def _serve(
        self,
        handler: _Handler,
        port: int,
        context: ssl.SSLContext | None,
        latency: Callable[[], float] = lambda: 0.0,
    ) -> int:
        """Listen; the port, which is a free one if `port` is 0."""
        if self._secrets is not None:
            handler = self._secrets.over(handler)
        server = web.Server(
            _http_handler(handler, latency), max_line_size=_MAX_LINE, max_field_size=_MAX_LINE, access_log=None
        )
        # Requests that hang on purpose must not hold up the end.
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        self._runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, self._host, port, ssl_context=context)
        await site.start()
        return int(runner.addresses[0][1])


def _http_handler(
    handler: _Handler, latency: Callable[[], float]
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(latency())
        body = await _body(request)
        if body is None:
            return web.Response(status=413, text="the body is too large")
        plain = HttpRequest.of(request.method, request.raw_path, request.headers.items(), body)
        try:
            answer = await asyncio.to_thread(handler, plain)
        except Exception:  # a fault of the emulator itself: whoever tests against it has to see it
            traceback.print_exc(file=sys.stderr)
            return web.json_response({"Code": "InternalError", "Message": "the emulator has a fault"}, status=500)
        return await _deliver(request, answer)

    return handle


async def _body(request: web.BaseRequest) -> bytes | None:
    """The body, nothing if it is larger than the service takes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.content.iter_chunked(65536):
        size += len(piece)
        if size > _MAX_BODY:
            return None
        pieces.append(piece)
    return b"".join(pieces)


async def _deliver(request: web.BaseRequest, answer: HttpResponse | ConnectionFault) -> web.StreamResponse:
    if isinstance(answer, ConnectionFault):
        await asyncio.sleep(answer.seconds)
        return _reset(request)
    if answer.delivery.kind == "whole":
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    if answer.delivery.kind != "endless":
        response.content_length = len(answer.body)
    await response.prepare(request)
    if answer.delivery.kind == "truncated":
        await response.write(answer.body[: len(answer.body) // 2])
        return _reset(request, response)
    await _write_slowly(response, answer)
    return response


async def _write_slowly(response: web.StreamResponse, answer: HttpResponse) -> None:
    """In small pieces, or without end. It stops when the caller has gone away."""
    endless = answer.delivery.kind == "endless"
    size = 65536 if endless else answer.delivery.bytes
    content = answer.body * (size // max(1, len(answer.body)) + 1) if endless else answer.body
    while True:
        for start in range(0, len(content), size):
            await response.write(content[start : start + size])
            await asyncio.sleep(0 if endless else answer.delivery.seconds)
        if not endless:
            return


def _reset(request: web.BaseRequest, response: web.StreamResponse | None = None) -> web.StreamResponse:
    """Drop the connection where it stands."""
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()


def _tls_context(host: str, folder: Path) -> ssl.SSLContext:
    """A server certificate of a new CA, whose own certificate is put into `folder`/ca.pem."""
    authority = trustme.CA()
    names = list(dict.fromkeys([host, "localhost", "127.0.0.1", "::1"]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    return context
