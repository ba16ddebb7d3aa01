# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Puts the caller's proof on a request: ACS3-HMAC-SHA256 (V3), or a bearer token.

Algorithm and signed headers are those of the vendor's SDK (alibabacloud_tea_openapi 0.4.6), so that equal inputs give
equal signatures.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from .credentials import AccessKey, BearerToken, CredentialSource

ALGORITHM = "ACS3-HMAC-SHA256"
_SIGNED_BESIDE_X_ACS = {"host", "accept", "user-agent", "content-type"}


def percent_encode(text: str) -> str:
    """UTF-8, unreserved characters A-Za-z0-9-_.~ stay, a space becomes %20."""
    return quote(text, safe="-_.~")


def query_string(parameters: Mapping[str, str]) -> str:
    """The canonical query, which is also the one that is sent: sorted by name, encoded once."""
    return "&".join(f"{percent_encode(k)}={percent_encode(v)}" for k, v in sorted(parameters.items()))


def signature_v3(method: str, path: str, query: str, headers: Mapping[str, str], secret: str) -> tuple[str, str]:
    """(names of the signed headers joined by semicolons, signature in hex).

    `query` is the canonical query string; `headers` are all headers to sign, x-acs-content-sha256 among them.
    """
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    names = ";".join(sorted(lowered))
    canonical_headers = "".join(f"{name}:{lowered[name]}\n" for name in sorted(lowered))
    canonical = "\n".join([method, path, query, canonical_headers, names, lowered["x-acs-content-sha256"]])
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return names, hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


class ProofOfCaller:
    """Signs each request, or attaches the token, with a fresh time stamp and nonce per attempt.

    The source is asked each time: temporary credentials are renewed during a wait of hours.
    """

    def __init__(
        self,
        source: CredentialSource,
        *,
        wall_clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = lambda: os.urandom(16).hex(),
    ) -> None:
        self._source = source
        self._wall_clock = wall_clock
        self._nonce = nonce

    def __call__(self, request: Any) -> Any:
        """Puts the proof on a request: what has method, url, body and headers, as requests.PreparedRequest has."""
        body = request.body or b""
        url = urlsplit(request.url)
        headers = request.headers
        headers["host"] = url.netloc
        headers["x-acs-date"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._wall_clock()))
        headers["x-acs-signature-nonce"] = self._nonce()
        payload = body.encode() if isinstance(body, str) else body
        headers["x-acs-content-sha256"] = hashlib.sha256(payload).hexdigest()
        credentials = self._source.current()
        if isinstance(credentials, BearerToken):
            _attach_token(request, credentials)
        else:
            _sign(request, url.path or "/", url.query, credentials)
        return request


def _attach_token(request: Any, credentials: BearerToken) -> None:
    """Both forms at once: the vendor's examples have Authorization, the SDKs x-acs-bearer-token and SignatureType."""
    request.headers["Authorization"] = f"Bearer {credentials.token}"
    request.headers["x-acs-bearer-token"] = credentials.token
    request.url += ("&" if urlsplit(request.url).query else "?") + "SignatureType=BEARERTOKEN"


def _sign(request: Any, path: str, query: str, key: AccessKey) -> None:
    headers = request.headers
    headers["x-acs-credentials-provider"] = key.provider
    if key.security_token:
        headers["x-acs-accesskey-id"] = key.access_key_id
        headers["x-acs-security-token"] = key.security_token
    signed = {
        name: value
        for name, value in headers.items()
        if name.lower() in _SIGNED_BESIDE_X_ACS or name.lower().startswith("x-acs-")
    }
    # By name alone: the equals sign sorts behind the full stop of names such as Tag.1.Key.
    canonical_query = "&".join(sorted(query.split("&"), key=lambda pair: pair.partition("=")[0])) if query else ""
    names, signature = signature_v3(request.method, path, canonical_query, signed, key.access_key_secret)
    headers["Authorization"] = f"{ALGORITHM} Credential={key.access_key_id},SignedHeaders={names},Signature={signature}"
