# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A signer of its own for requests that no SDK would send; checked against the vectors through the verifier."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any
from urllib.parse import urlencode

import requests
from apsara_emulator.clock import utc_text
from apsara_emulator.default_world import ACCESS_KEY_ONE
from apsara_emulator.http_messages import HttpRequest
from apsara_emulator.signatures import v3_canonical_request, v3_signature, v3_string_to_sign

_NONCES = itertools.count()


class V3Auth(requests.auth.AuthBase):
    """Signs what is about to be sent."""

    def __init__(self, now: float, action: str, version: str = "2014-08-15") -> None:
        self._now = now
        self._action = action
        self._version = version

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        host, _slash, rest = (request.url or "").partition("://")[2].partition("/")
        body = request.body or b""
        content = body if isinstance(body, bytes) else body.encode()
        headers = {
            "host": host,
            "x-acs-action": self._action,
            "x-acs-version": self._version,
            "x-acs-date": utc_text(self._now),
            "x-acs-signature-nonce": f"nonce-{next(_NONCES)}",
            "x-acs-content-sha256": hashlib.sha256(content).hexdigest(),
        }
        signed = sorted(headers)
        plain = HttpRequest(request.method or "", f"/{rest}", headers, content)
        to_sign = v3_string_to_sign(v3_canonical_request(plain, signed, headers["x-acs-content-sha256"]))
        signature = v3_signature(ACCESS_KEY_ONE[1], to_sign)
        request.headers.update(headers)
        request.headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={ACCESS_KEY_ONE[0]},SignedHeaders={';'.join(signed)},Signature={signature}"
        )
        return request


def v3_call(
    session: requests.Session, url: str, now: float, action: str, parameters: dict[str, Any], **options: Any
) -> requests.Response:
    """One signed call."""
    options = {"timeout": 5, "allow_redirects": False, "method": "POST", **options}
    method = options.pop("method")
    return session.request(method, f"{url}/?{urlencode(parameters)}", auth=V3Auth(now, action), **options)
