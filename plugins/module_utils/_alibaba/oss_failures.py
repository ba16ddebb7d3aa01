# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What went wrong with a request to OSS, from the exceptions of oss2 and requests. Their texts hold URLs, signatures
and strings to sign; nothing of them is shown but the code and the message of the service, without secrets.

Imported when something went wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .._failure import MigrationFailure
from .advice import THROTTLED
from .errors import AnswerLost, ServiceError, is_from_between
from .missing_permission import remedy_of
from .oss_advice import CLOCK, DENIED, EXPIRED, WRONG_REGION, may_pass, oss_advice
from .redaction import redact
from .rpc_failures import no_answer


class OssRefusal(ServiceError):
    """The service answered with an error, and what it was asked for was not done."""

    @property
    def transient(self) -> bool:  # type: ignore[override]  # decided per answer
        return may_pass(self.code, self.message, self.http_status)

    @property
    def inconclusive(self) -> bool:
        return self.transient or oss_advice(self.code) in (EXPIRED, CLOCK) or is_from_between(self.http_status)

    @property
    def credentials_expired(self) -> bool:
        return oss_advice(self.code) is EXPIRED


def failure_of(action: str, endpoint: str, error: Exception, secrets: Sequence[str]) -> MigrationFailure:
    """An exception of oss2, requests or the XML parser as one of ours."""
    status = getattr(error, "status", None)
    if status is None or status == -2:  # of requests, bare or wrapped, or an answer that is no XML
        return no_answer(action, endpoint, "oss_endpoint", getattr(error, "exception", error))
    if status < 0:  # oss2 found the call itself wrong
        return MigrationFailure(
            f"{action}: {_told(getattr(error, 'body', ''), secrets)}",
            code="invalid_request",
            action=action,
            remedy="Correct bucket, prefix or oss_endpoint.",
        )
    return _refusal(action, endpoint, error, status, secrets)


def throttled(failure: MigrationFailure) -> bool:
    """Too many requests; it was not carried out and may be repeated, whatever it was."""
    return isinstance(failure, OssRefusal) and oss_advice(failure.code, "", failure.http_status) is THROTTLED


def _refusal(action: str, endpoint: str, error: Any, status: int, secrets: Sequence[str]) -> MigrationFailure:
    code = _code(error.code)
    message = _told(error.message, secrets)
    found = oss_advice(code, message, status)
    text = f"{action} failed: [{code}] {message}" if code else f"{action} failed: HTTP {status} without a code"
    remedy = found.remedy
    if found is DENIED:
        remedy = f"{remedy_of('oss', action)} {remedy}"
    if found is WRONG_REGION:
        remedy += _right_endpoint(error, endpoint)
    # A fault of the service leaves open whether a write took effect; a refusal does not.
    kind = AnswerLost if status >= 500 and may_pass(code, message, status) and found is not THROTTLED else OssRefusal
    return kind(
        f"{text} (HTTP {status}, request id {error.request_id or 'unknown'}). {found.cause}",
        code=code or f"http_{status}",
        remedy=remedy,
        action=action,
        request_id=str(error.request_id or ""),
        http_status=status,
    )


def _right_endpoint(error: Any, endpoint: str) -> str:
    """The service names the endpoint that it wants, among other things."""
    named = str((error.details or {}).get("Endpoint") or "")
    if not re.fullmatch(r"[a-z0-9.-]{4,128}", named) or named == urlsplit(endpoint).netloc:
        return ""
    return f" The service names {named}."


def _code(code: Any) -> str:
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z][\w.\-]{0,127}", code) else ""


def _told(message: Any, secrets: Sequence[str]) -> str:
    return redact(str(message or "")[:4000], secrets)[:1000]
