# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that speaks OSS's dialect, throws the data away, and still answers with the right checksums.

It knows the file: one pattern over and over, so that checksums follow from lengths. It must not be what is measured:
raw sockets, a thread for each connection, and data that is discarded in the kernel. Run as a process of its own; it
prints its port. Requests to the bucket `unsummed` get no CRC-64, for measuring what comparing it costs. With the name
of a file as argument it speaks TLS, and writes the certificate of its authority there.
"""

from __future__ import annotations

import functools
import hashlib
import os
import random
import re
import socket
import ssl
import sys
import threading

import fastcrc

MIB = 1024**2
PATTERN = random.Random(7).randbytes(MIB)
_DISCARD = bytearray(4 * MIB)
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'


def content(length: int) -> list[bytes]:
    """The file's first `length` bytes, in pieces."""
    return [PATTERN] * (length // MIB) + [PATTERN[: length % MIB]]


@functools.cache
def crc64_of(length: int) -> int:
    crc = 0
    for piece in content(length):
        crc = fastcrc.crc64.xz(piece, crc)
    return crc


@functools.cache
def etag_of(length: int) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in content(length):
        digest.update(piece)
    return digest.hexdigest().upper()


class Connection:
    """One client's connection; requests come one after the other."""

    def __init__(self, client: socket.socket, uploads: dict[str, dict[int, int]]) -> None:
        self._client = client
        self._uploads = uploads
        self._received = b""

    def serve(self) -> None:
        try:
            while self._one_request():
                pass
        except OSError:
            pass
        finally:
            self._client.close()

    def _one_request(self) -> bool:
        while b"\r\n\r\n" not in self._received:
            more = self._client.recv(65536)
            if not more:
                return False
            self._received += more
        head, _blank, self._received = self._received.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, _version = lines[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
        if headers.get("expect", "").lower() == "100-continue":
            self._client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length", "0"))
        self._discard(length)
        self._client.sendall(self._answer(method, target, length))
        return True

    def _discard(self, length: int) -> None:
        left = length - len(self._received)
        self._received = self._received[length:] if left < 0 else b""
        while left > 0:
            # What is encrypted has to be read; all else stays in the kernel.
            encrypted = isinstance(self._client, ssl.SSLSocket)
            got = self._client.recv_into(_DISCARD, min(left, len(_DISCARD)), 0 if encrypted else socket.MSG_TRUNC)
            if not got:
                raise ConnectionError
            left -= got

    def _answer(self, method: str, target: str, length: int) -> bytes:
        path, _mark, query = target.partition("?")
        upload = re.search(r"uploadId=([0-9A-F]+)", query)
        part = re.search(r"partNumber=(\d+)", query)
        if method == "PUT" and upload and part:
            self._uploads[upload[1]][int(part[1])] = length
            return self._data_answer(path, length)
        if method == "PUT":
            return self._data_answer(path, length)
        if method == "POST" and upload:
            return self._data_answer(path, sum(self._uploads.pop(upload[1]).values()), self._complete(path))
        if method == "POST" and re.search(r"\buploads\b", query):
            upload_id = f"{random.getrandbits(128):032X}"
            self._uploads[upload_id] = {}
            return _http(200, self._begun(path, upload_id))
        if method == "GET" and re.search(r"\buploads\b", query):
            return _http(
                200,
                f"{_XML}<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
                "<NextKeyMarker></NextKeyMarker><NextUploadIdMarker></NextUploadIdMarker>"
                "</ListMultipartUploadsResult>",
            )
        if method == "GET" and upload:
            return _http(
                200,
                f"{_XML}<ListPartsResult><IsTruncated>false</IsTruncated><NextPartNumberMarker>0"
                "</NextPartNumberMarker></ListPartsResult>",
            )
        return _http(404, "" if method == "HEAD" else f"{_XML}<Error><Code>NoSuchKey</Code></Error>")

    def _begun(self, path: str, upload_id: str) -> str:
        bucket, _slash, key = path.strip("/").partition("/")
        return (
            f"{_XML}<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key>"
            f"<UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>"
        )

    def _complete(self, path: str) -> str:
        bucket, _slash, key = path.strip("/").partition("/")
        return (
            f'{_XML}<CompleteMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>"0"</ETag>'
            "<Location>here</Location></CompleteMultipartUploadResult>"
        )

    def _data_answer(self, path: str, length: int, body: str = "") -> bytes:
        headers = {"ETag": f'"{etag_of(length)}"'}
        if not path.startswith("/unsummed/"):
            headers["x-oss-hash-crc64ecma"] = str(crc64_of(length))
        return _http(200, body, headers)


def _http(status: int, body: str, headers: dict[str, str] | None = None) -> bytes:
    lines = [
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not Found'}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/xml",
        "x-oss-request-id: 5C3D9175B6FC201293AD4890",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


def _tls(authority_file: str) -> ssl.SSLContext:
    import trustme

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(authority_file)
    return context


def _serve(client: socket.socket, tls: ssl.SSLContext | None, uploads: dict[str, dict[int, int]]) -> None:
    try:
        Connection(tls.wrap_socket(client, server_side=True) if tls else client, uploads).serve()
    except OSError:
        client.close()


def main() -> None:
    tls = _tls(sys.argv[1]) if sys.argv[1:] else None
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    uploads: dict[str, dict[int, int]] = {}
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        client, _address = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(client, tls, uploads), daemon=True).start()


if __name__ == "__main__":
    main()
