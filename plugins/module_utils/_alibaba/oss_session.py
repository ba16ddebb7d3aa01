# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What oss2 is given to send with: our session, our credentials, our rules.

oss2 brings a session of its own, which follows redirects, reads ~/.netrc and writes. Ours does none of that.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._failure import BadRequest, MigrationFailure
from .._waiting import Clock
from .connection import LARGEST_ANSWER, SLOWEST_ANSWER, Trust, authorities, pieces_of, proxies_for
from .credentials import AccessKey, CredentialSource, require_sendable
from .errors import WriteRefused
from .http_library import HTTPError
from .requests_library import requests

MOST_CONNECTIONS = 64
_READS = frozenset({"GET", "HEAD"})
# Every answer of the service has it.
_REQUEST_ID = "x-oss-request-id"
# Bytes per second of the slowest line that is used.
_SLOWEST_RATE = 10_000
# Seconds to connect, and of silence. The first bounds each piece of a body that is sent, too: with pieces of 256 KiB
# it is enough for a line of 10 KB/s.
TIMEOUTS = {True: (10.0, 30.0), False: (30.0, 120.0)}


def library() -> Any:
    """The oss2 package. Raises MigrationFailure where it is missing."""
    try:
        import oss2
    except ImportError:
        raise MigrationFailure(
            "The Python package oss2 is missing on the host that runs the module. Nothing was sent.",
            code="missing_library",
            remedy="Install it there: pip install 'oss2>=2.18.0' fastcrc.",
        ) from None
    # Its debug messages quote headers and strings to sign.
    logging.getLogger("oss2").setLevel(logging.CRITICAL)
    return oss2


def new_pool(trust: Trust, environment: Mapping[str, str] | None = None) -> Any:
    """A requests.Session whose behaviour depends on our options alone, with room for an upload's threads.

    trust_env is off: ~/.netrc could replace our proof, and a proxy would see the loopback traffic of the emulator.
    Raises MigrationFailure where oss2 is missing, which brings requests.
    """
    library()
    from requests.adapters import HTTPAdapter

    logging.getLogger("urllib3.connectionpool").disabled = True  # quotes signed URLs
    session = requests.Session()
    session.trust_env = False
    session.verify = authorities(trust, environment) or True
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=4, pool_maxsize=MOST_CONNECTIONS))
    return session


@functools.cache
def bucket_class() -> Any:
    """oss2.Bucket, whose parsed answers keep their body: oss2 leaves out the checksums of listed parts."""
    oss2 = library()

    class Bucket(oss2.Bucket):  # type: ignore[misc,name-defined]  # known at run time only
        @staticmethod
        def _parse_result(resp: Any, parse: Any, kind: Any) -> Any:
            result, body = kind(resp), require_plain(resp.read())
            parse(result, body)
            result.body = body
            return result

    return Bucket


def require_plain(answer: bytes) -> bytes:
    """The XML of an answer. Raises ValueError where it declares a type: entities grow without bound, or read files."""
    # Of a wide encoding every other byte is zero.
    if re.search(rb"<!\s*(DOCTYPE|ENTITY)", answer.replace(b"\0", b""), re.IGNORECASE):
        raise ValueError("the answer declares a document type")
    return answer


class OssSession:
    """Takes the place of oss2.Session. In a rehearsal it refuses everything but GET and HEAD."""

    def __init__(self, session: Any, trust: Trust, *, read_only: bool, clock: Clock | None = None) -> None:
        self._session = session
        self._trust = trust
        self._clock = clock or Clock()
        self.read_only = read_only

    def do_request(self, req: Any, timeout: Any) -> Any:
        """Sends an oss2.http.Request. `timeout` is oss2's, and ours is used instead."""
        if self.read_only and req.method not in _READS:
            raise WriteRefused(
                f"{req.method} writes, and this is a rehearsal. Nothing was sent.",
                code="write_in_check_mode",
                action=req.method,
                remedy="This is a bug in the collection; please report it.",
            )
        from oss2.http import Response

        response = self._session.request(
            req.method,
            req.url,
            data=req.data,
            params=req.params,
            headers=req.headers,
            stream=True,
            timeout=TIMEOUTS[req.method in _READS],
            proxies=proxies_for(req.url, self._trust),
            allow_redirects=False,
        )
        if response.status_code < 300 and _REQUEST_ID not in response.headers:
            # A page of a proxy: oss2 would take it for a success, or fail to parse it.
            response.close()
            raise requests.ConnectionError("the answer is no answer of the service")
        response.iter_content = functools.partial(
            self._whole if response.status_code >= 300 else self._in_time, response
        )
        return Response(response)

    def _whole(self, response: Any, _size: int = 0, **_how: Any) -> Iterator[bytes]:
        """What is said of a failure. oss2 takes the first piece for all of it."""
        yield require_plain(b"".join(self._in_time(response)))

    def _in_time(self, response: Any, _size: int = 0, **_how: Any) -> Iterator[bytes]:
        """The body, unless it comes more slowly than any answer of the service."""
        length = response.headers.get("content-length", "")
        allowed = SLOWEST_ANSWER + (int(length) / _SLOWEST_RATE if length.isdecimal() else 0)
        late = self._clock.monotonic() + allowed
        size = 0
        try:
            for piece in pieces_of(response):
                yield piece
                size += len(piece)
                if size > LARGEST_ANSWER or self._clock.monotonic() > late:
                    raise requests.ConnectionError("the answer is larger or slower than any answer of the service")
        except HTTPError as error:
            raise requests.ConnectionError(error) from None


class RenewedCredentials:
    """oss2's credentials provider over ours: asked at each request, because temporary ones change."""

    def __init__(self, source: CredentialSource) -> None:
        self._source = source

    def get_credentials(self) -> Any:
        from oss2.credentials import Credentials

        key = access_key_of(self._source)
        return Credentials(key.access_key_id, key.access_key_secret, key.security_token)


def access_key_of(source: CredentialSource) -> AccessKey:
    """The access key of the moment. Raises BadRequest for a bearer token: OSS takes signatures and nothing else."""
    credentials = source.current()
    if not isinstance(credentials, AccessKey):
        raise BadRequest(
            f"OSS takes signed requests only, and {source.origin} holds a bearer token, which cannot sign.",
            code="credentials_cannot_sign",
            remedy="Give access_key_id and access_key_secret (with security_token for temporary ones), or a profile.",
        )
    require_sendable(credentials, source.origin)
    return credentials
