# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What went wrong with a call: it may not be sent, was never sent, its answer was lost, or the service refused it.

Imported when something went wrong.
"""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from .._failure import BadRequest, MigrationFailure
from .advice import FORBIDDEN, advice
from .errors import AnswerLost, Misconfigured, ServiceError, Unreachable, WriteRefused, is_fault
from .http_library import HTTPError
from .missing_permission import remedy_of
from .redaction import redact
from .rpc import error_code

_REFUSED_BY_HTTP = range(300, 500)


def refused_write(action: str) -> WriteRefused:
    return WriteRefused(
        f"{action} writes, and this is a rehearsal. Nothing was sent.",
        code="write_in_check_mode",
        action=action,
        remedy="This is a bug in the collection; please report it.",
    )


def broken_characters(action: str) -> BadRequest:
    return BadRequest(
        f"{action}: an option holds a character that is none (half of a surrogate pair).",
        code="invalid_options",
        action=action,
        remedy="Look for broken characters in the ids and names of the task.",
    )


def no_answer(action: str, url: str, option: str, error: Exception) -> MigrationFailure:
    """Unreachable, Misconfigured or AnswerLost, from what the session raised. Its text quotes the URL and is not used.

    option: the name of the option that sets the endpoint.
    """
    host = urlsplit(url).netloc
    kind = _kind_of(error)
    if kind == "certificate":
        return Misconfigured(
            f"{action}: the certificate of {host} was not accepted. Nothing was sent.",
            code="certificate_not_accepted",
            action=action,
            remedy=f"Check {option}; for a certificate of your own, give its CA file in ca_path.",
        )
    if kind == "authorities":
        return Misconfigured(
            f"{action}: no certificates can be read from the file or folder of authorities. Nothing was sent.",
            code="ca_path_invalid",
            action=action,
            remedy="Give in ca_path (or REQUESTS_CA_BUNDLE) a file in PEM form, with lines BEGIN CERTIFICATE; "
            "openssl x509 -inform der makes one of a file in DER form.",
        )
    if kind == "unsent":
        return Unreachable(
            f"{action}: {host} cannot be reached ({type(error).__name__}). Nothing was sent.",
            code="unreachable",
            action=action,
            remedy=f"Check {option}, region, name resolution, firewall and proxy.",
        )
    return AnswerLost(
        f"{action}: the connection to {host} ended without a whole answer ({type(error).__name__}).",
        code="answer_lost",
        action=action,
        remedy="Run the playbook again: it looks at the service's state first and starts nothing twice.",
    )


def refusal(
    action: str, response: Any, document: Mapping[str, Any] | None, secrets: Sequence[str], *, service: str = "rds"
) -> ServiceError | AnswerLost:
    """From an answer that is no success: refused for good, or a fault after which the outcome is open.

    service: as in option names.
    """
    status = response.status_code
    code = error_code(document) if document else ""
    request_id = str((document or {}).get("RequestId") or response.headers.get("x-acs-request-id") or "")
    if code:
        # The service quotes what it was sent, secrets included.
        told = redact(str((document or {}).get("Message") or "")[:4000], secrets)[:1000]
        text = f"{action} failed: [{code}] {told}"
    else:
        text = f"{action} failed: HTTP {status} with a body that is no answer of the service"
    text += f" (HTTP {status}, request id {request_id or 'unknown'})"
    found = advice(code, status, action)
    if (code and not is_fault(code, status)) or (not code and status in _REFUSED_BY_HTTP):
        kind: type[ServiceError] | type[AnswerLost] = ServiceError
    else:
        kind = AnswerLost
    failure = kind(
        f"{text}. {found.cause}",
        code=code or f"http_{status}",
        remedy=remedy_of(service, action, document) if found is FORBIDDEN else found.remedy,
        action=action,
        request_id=request_id,
        http_status=status,
    )
    if isinstance(failure, ServiceError):
        failure.retry_after = _retry_after(response.headers)
    return failure


def told_refusal(document: Mapping[str, Any]) -> dict[str, Any]:
    """An answer that says that it is no success, as an error body.

    What stands for %s in the message is told apart from it.
    """
    told = {key: document.get(key) for key in ("ErrCode", "ErrMessage", "DynamicMessage")}
    text, meant = (str(told[key] or "") for key in ("ErrMessage", "DynamicMessage"))
    text = text.replace("%s", meant) if "%s" in text else " ".join(filter(None, (text, meant)))
    code = error_code({"Code": told["ErrCode"]}) or error_code(document) or "Refused"
    return {"Code": code, "Message": text, "RequestId": document.get("RequestId")}


def _kind_of(error: Exception) -> str:
    """certificate, authorities, unsent (the request cannot have arrived) or lost."""
    causes = _causes(error)
    names = {type(cause).__name__ for cause in causes}
    if names & {"SSLCertVerificationError", "CertificateError"}:
        return "certificate"
    if isinstance(error, ValueError) and not any(_is_of_an_answer(cause) for cause in causes):
        return "unsent"  # refused while the request was put together
    # urllib3's words for: refused, no route, no such name, no time to connect.
    if names & {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout"}:
        return "unsent"
    for cause in causes:
        passed = {frame.f_code.co_name for frame, _line in traceback.walk_tb(cause.__traceback__)}
        shook_hands = "do_handshake" in passed
        if isinstance(cause, ssl.SSLError) and "ssl_wrap_socket" in passed and not shook_hands:
            return "authorities"  # what was to be trusted could not be loaded
        # An endpoint that does not speak TLS. Where one does and the connection breaks off, a request was on it.
        if "WRONG_VERSION_NUMBER" in str(cause) and shook_hands:
            return "unsent"
        if isinstance(cause, OSError) and str(cause).startswith("Tunnel connection failed"):
            return "unsent"  # what http.client says of a proxy that opened no tunnel
    return "lost"


def _is_of_an_answer(cause: BaseException) -> bool:
    """An error of urllib3 that is no ValueError: of an answer whose headers contradict each other, for example."""
    return isinstance(cause, HTTPError) and not isinstance(cause, ValueError)


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and everything that is wrapped in it."""
    # By object: requests and urllib3 have classes of the same name, one wrapped in the other.
    seen: list[BaseException] = []
    pending: list[Any] = [error]
    while pending and len(seen) < 20:
        current = pending.pop()
        if not isinstance(current, BaseException) or any(current is known for known in seen):
            continue
        seen.append(current)
        pending += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
    return seen


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds the service asks to wait: x-acs-retry-after is in milliseconds, Retry-After in seconds."""
    for name, unit in (("x-acs-retry-after", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        if value.isdecimal() and len(value) < 9:
            return int(value) / unit
    return None
