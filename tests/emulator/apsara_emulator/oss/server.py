# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The HTTP shell around an `OssService`: a thread for each connection.

Receiving, hashing and writing data all release the interpreter lock, so threads use every processor; an event loop
with its many small pieces would be several times slower.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import sys
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..http_messages import ConnectionFault
from ..secret_log import SecretLog
from .messages import Body, OssRequest, OssResponse
from .service import OssService

_SEND = 256 * 1024
# A body that nobody wants is read all the same, or the caller would not see the answer.
_MAX_IGNORED = 1024**3
_MAX_LINE = 64 * 1024


class OssServer:
    """Serves until closed. `url` is where."""

    def __init__(
        self,
        service: OssService,
        host: str,
        port: int = 0,
        context: ssl.SSLContext | None = None,
        secrets: SecretLog | None = None,
    ) -> None:
        """Listen. OSError if that cannot be."""
        self._server = _Server(service, host, port, context, secrets)
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if context else 'http'}://{name}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and drop every connection."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.drop_connections()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, service: OssService, host: str, port: int, context: ssl.SSLContext | None, secrets: SecretLog | None
    ) -> None:
        self.secrets = secrets
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.service = service
        self.context = context
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # The base class looks its own name up, which may take seconds.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    def finish_request(self, request: Any, client_address: Any) -> None:
        connection = request if self.context is None else self.context.wrap_socket(request, server_side=True)
        with self._lock:
            self._connections.add(connection)
        try:
            _Handler(connection, client_address, self)
        finally:
            with self._lock:
                self._connections.discard(connection)
            if connection is not request:
                _shut(connection)
                connection.close()

    def drop_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that go away are no news; anything else is a fault of the emulator."""
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            traceback.print_exc(file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    server: _Server

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        # Whatever the method is: the service answers it.
        setattr(self, f"do_{self.command}", self._serve)
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Calls are in the call log."""

    def _serve(self) -> None:
        self.server.stopping.wait(self.server.service.world.state.quotas.latency)
        headers = {name.lower(): _text(value) for name, value in self.headers.items()}
        body, length = self._body(headers)
        request = OssRequest(self.command, _text(self.path), headers, body, length)
        if self.server.secrets is not None:
            self.server.secrets.request(request.target, headers)
        try:
            answer = self.server.service.handle(request)
        except OSError:
            self._reset()
            return
        except Exception:  # a fault of the emulator itself: whoever tests against it has to see it
            traceback.print_exc(file=sys.stderr)
            answer = OssResponse(500, {"Content-Length": "0", "Connection": "close"})
        if isinstance(answer, ConnectionFault):
            self.server.stopping.wait(answer.seconds)
            self._reset()
            return
        try:
            if not self._drain(body):
                self.close_connection = True
                answer.headers["Connection"] = "close"
            self._answer(answer)
        finally:
            answer.close()

    def _body(self, headers: dict[str, str]) -> tuple[Body, int | None]:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return _Chunked(self.rfile), None
        length = headers.get("content-length", "0")
        size = int(length) if length.isascii() and length.isdigit() else 0
        return _Sized(self.rfile, size), size

    def _drain(self, body: Body) -> bool:
        """Read what is left of the body. Whether it came to its end."""
        buffer, left = memoryview(bytearray(65536)), _MAX_IGNORED
        while left > 0:
            count = body.readinto(buffer)
            if not count:
                return not isinstance(body, _Sized) or body.left == 0
            left -= count
        return False

    def _answer(self, answer: OssResponse) -> None:
        whole = answer.delivery.kind == "whole"
        if whole and answer.reader is None and not answer.bodiless:
            self.wfile.write(_head(answer) + answer.body)
            return
        self.wfile.write(_head(answer))
        if answer.bodiless:
            return
        if whole:
            self._send(answer, 0, answer.size)
        elif answer.delivery.kind == "truncated":
            self._send(answer, 0, answer.size // 2)
            self._reset()
        else:
            self._send_slowly(answer)

    def _send(self, answer: OssResponse, start: int, end: int) -> None:
        plain = self.server.context is None and answer.reader is not None and answer.reader.damaged_at is None
        if plain and answer.reader is not None:
            for blob, offset, length in answer.reader.pieces(answer.start + start, end - start):
                if blob.path:
                    self._send_file(blob.path, offset, length)
                else:
                    self._send_zeros(length)
            return
        while start < end:
            piece = answer.piece(start, min(_SEND, end - start))
            self.wfile.write(piece)
            start += len(piece)

    def _send_file(self, path: str, offset: int, length: int) -> None:
        with open(path, "rb", buffering=0) as file:
            while length:
                sent = os.sendfile(self.connection.fileno(), file.fileno(), offset, length)
                if not sent:
                    raise OSError(f"{path} is shorter than it was")
                offset += sent
                length -= sent

    def _send_zeros(self, length: int) -> None:
        zeros = memoryview(bytes(min(_SEND, length)))
        while length:
            length -= self.wfile.write(zeros[: min(_SEND, length)])

    def _send_slowly(self, answer: OssResponse) -> None:
        """In small pieces, or without end, until the caller goes away."""
        endless = answer.delivery.kind == "endless"
        while not self.server.stopping.is_set():
            for start in range(0, answer.size, _SEND if endless else answer.delivery.bytes):
                self._send(answer, start, min(answer.size, start + (_SEND if endless else answer.delivery.bytes)))
                if self.server.stopping.wait(answer.delivery.seconds):
                    break
            if not endless or not answer.size:
                break
        self.close_connection = self.close_connection or endless

    def _reset(self) -> None:
        """Drop the connection where it stands."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The socket is really closed only when its file objects are.
        _shut_read(self.connection)
        self.connection.close()
        for file in (self.rfile, self.wfile):
            with contextlib.suppress(OSError):
                file.close()

    def finish(self) -> None:
        if not self.wfile.closed:
            super().finish()


class _Sized:
    """So many bytes from a connection."""

    def __init__(self, source: Any, size: int) -> None:
        self._source = source
        self.left = size

    def readinto(self, buffer: memoryview, /) -> int:
        if not self.left:
            return 0
        count = int(self._source.readinto1(buffer[: self.left]))
        self.left -= count
        return count


class _Chunked:
    """A body in chunks, each with its size before it."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._left = 0
        self._ended = False

    def readinto(self, buffer: memoryview, /) -> int:
        if self._ended:
            return 0
        if not self._left:
            self._left = int(self._source.readline(_MAX_LINE).partition(b";")[0], 16)
            if not self._left:
                self._ended = True
                while self._source.readline(_MAX_LINE).strip():
                    pass
                return 0
        count = int(self._source.readinto1(buffer[: self._left]))
        if not count:
            raise ConnectionError("the body breaks off")
        self._left -= count
        if not self._left:
            self._source.readline(_MAX_LINE)
        return count


def _text(value: str) -> str:
    """What the standard library read as Latin-1 is UTF-8."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def _head(answer: OssResponse) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {' '.join(value.splitlines())}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")


def _reason(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _shut_read(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RD)
