# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a request to OSS to its answer: who calls, what is called, and what goes wrong on purpose."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..clock import Clock, utc_text
from ..faults import Fault
from ..http_messages import ConnectionFault, Delivery
from ..operations import settle
from ..permissions.enforcement import require_for_oss
from . import buckets, listing, multipart, objects
from .call import OssCall
from .errors import BrokenBody, OssError, disk_full
from .identity import OssVerifier, expired_token, http_date
from .messages import OssRequest, OssResponse
from .routing import Target, find_target
from .xml_text import XML_TYPE, as_xml

if TYPE_CHECKING:
    from ..world import World

__all__ = ["OssService", "buckets", "listing", "multipart", "objects"]

_PROXY_PAGE = (
    b"<html><head><title>Error</title></head><body><h1>The proxy could not reach the server</h1></body></html>"
)
_REFUSING = frozenset({"throttle", "expired_token", "http_500", "http_503", "disk_full"})
# Faults that come before the call is carried out. Those with `effect` come after it.
_BEFORE = frozenset({"throttle", "expired_token", "close_before", "stall", "redirect", "huge", "disk_full"})
_DEPENDS = frozenset({"http_500", "http_503", "html"})
_DAMAGING = frozenset({"corrupt_part", "corrupt_crc"})
_SIGNING = frozenset(
    "ossaccesskeyid expires signature security-token x-oss-security-token x-oss-credential x-oss-date x-oss-expires "
    "x-oss-signature x-oss-signature-version x-oss-additional-headers x-oss-content-sha256".split()
)
_CRC = "x-oss-hash-crc64ecma"


class OssService:
    """OSS's face of a world. `handle` knows no sockets and does not wait. Safe to use from several threads."""

    def __init__(self, world: World, stamp_clock: Clock | None = None) -> None:
        """`stamp_clock` judges time stamps; it is the world's clock unless given."""
        self.world = world
        self._clock = stamp_clock or world.clock
        self.verifier = OssVerifier(self._clock)

    def handle(self, request: OssRequest) -> OssResponse | ConnectionFault:
        """Answer a request. Refusals are answers; ConnectionFault says that there is to be none.

        The answer has to be closed. A part of the request's body may be left unread.
        """
        call, refusal = _call_of(request)
        decisive, modifiers = self.world.faults.strike("oss", call.target.action, _logged(call))
        code, broken = "", False
        if decisive is not None and _strikes_before(decisive):
            response, code = self._refused(call, self._refusal(decisive))
        else:
            skew = sum(one.length for one in modifiers if one.kind == "clock_skew")
            call.damage = decisive.kind if decisive is not None and decisive.kind in _DAMAGING else ""
            try:
                if refusal is not None:
                    raise refusal
                response = self._carry_out(call, skew)
                if decisive is not None and decisive.kind in _REFUSING:
                    response.close()
                    raise self._refusal(decisive)
            except OssError as error:
                response, code = self._refused(call, error)
            except BrokenBody:
                response, code, broken = OssResponse(0), "BrokenBody", True
        self._finish(call, response)
        answer = ConnectionFault() if broken else _struck(decisive, response)
        self._log(call, answer, code, ([decisive] if decisive else []) + modifiers)
        return answer

    def _carry_out(self, call: OssCall, skew: float) -> OssResponse:
        state, variants = self.world.state, self.world.variants
        call.caller = self.verifier.identify(call.request, call.bucket, call.key, state.accounts, variants, skew)
        known = call.known
        if known is None:
            raise OssError("NotImplemented", 400, f"{call.request.method} of this is not implemented.")
        if not known.needs_bucket and not call.caller.account_id:
            raise OssError("AccessDenied", 403, "Anonymous access is forbidden for this operation.")
        require_for_oss(self.world, call)
        if known.mutating and call.target.action != "UploadPart":
            # What was under way with an object as it was until now has happened before it changes.
            with self.world.lock:
                settle(self.world)
        response = known.handler(self.world, call)
        if call.damage == "corrupt_crc" and _CRC in response.headers:
            response.headers[_CRC] = str(int(response.headers[_CRC]) ^ 0xFF)
        return response

    def _refusal(self, fault: Fault) -> OssError:
        """The service's own answer to a fault; for the network's faults it does not matter."""
        if fault.kind == "throttle":
            error = OssError.of_variant(self.world.variants["oss_throttled"], "Please reduce your request rate.")
            error.code, error.http_status = fault.code or error.code, fault.status or error.http_status
            return error
        if fault.kind == "expired_token":
            return expired_token(self.world.variants)
        if fault.kind == "disk_full":
            error = disk_full()
            error.code, error.http_status = fault.code or error.code, fault.status or error.http_status
            return error
        if fault.kind == "http_500":
            return OssError(fault.code or "InternalError", 500, "We encountered an internal error. Please try again.")
        return OssError(fault.code or "ServiceUnavailable", 503, "The service is not available for the moment.")

    def _refused(self, call: OssCall, error: OssError) -> tuple[OssResponse, str]:
        call.took_effect = call.took_effect and error.http_status >= 500
        if error.http_status == 304:
            return OssResponse(304, dict(error.headers)), error.code
        number = f"0000-{error.http_status:08d}" if self.world.variants["oss_error_number"] == "present" else ""
        body = as_xml(
            "Error",
            [
                ("Code", error.code),
                ("Message", error.message),
                ("RequestId", call.request_id),
                ("HostId", call.header("host").partition(":")[0]),
                *error.details.items(),
                *([("EC", number)] if number else []),
            ],
        )
        headers = {**error.headers, "Content-Type": XML_TYPE, **({"x-oss-ec": number} if number else {})}
        if call.request.method == "HEAD":
            return OssResponse(error.http_status, {**headers, "x-oss-err": base64.b64encode(body).decode()}), error.code
        return OssResponse(error.http_status, headers, body), error.code

    def _finish(self, call: OssCall, response: OssResponse) -> None:
        now = self._clock.now()
        response.headers.update(
            {
                "Server": "AliyunOSS",
                "Date": http_date(now),
                "x-oss-request-id": call.request_id,
                "x-oss-server-time": "1",
            }
        )
        if response.status not in (204, 304):
            response.headers.setdefault("Content-Length", str(response.size))
        response.bodiless = response.bodiless or call.request.method == "HEAD"

    def _log(self, call: OssCall, answer: OssResponse | ConnectionFault, code: str, faults: list[Fault]) -> None:
        sent = answer.size if isinstance(answer, OssResponse) else 0
        self.world.calls.add(
            time=utc_text(self.world.clock.now()),
            service="oss",
            action=call.target.action,
            account_id=call.caller.account_id,
            access_key_id=call.caller.access_key_id,
            mutating=bool(call.known and call.known.mutating),
            parameters={**_logged(call), "bytes": str(call.received or sent)},
            http_status=answer.status if isinstance(answer, OssResponse) else 0,
            code=code,
            request_id=call.request_id,
            took_effect=call.took_effect,
            fault=",".join(one.kind for one in faults),
        )


def _call_of(request: OssRequest) -> tuple[OssCall, OssError | None]:
    """What is asked for, and why not if it cannot be understood."""
    refusal = None
    try:
        target = find_target(request)
    except OssError as error:
        target, refusal = Target("", "", "", ""), error
    return OssCall(request, target, query=dict(request.query)), refusal


def _logged(call: OssCall) -> dict[str, str]:
    """What the call log keeps: bucket, key, the query and the service's own headers, nothing of the signature."""
    given = {name: value for name, value in call.query.items() if name.lower() not in _SIGNING}
    headers = {
        name: value
        for name, value in call.request.headers.items()
        if (name.startswith("x-oss-") or name == "range") and name not in _SIGNING
    }
    names = {"bucket": call.bucket, "key": call.key}
    return {**headers, **given, **{name: value for name, value in names.items() if value}}


def _strikes_before(fault: Fault) -> bool:
    return fault.kind in _BEFORE or (fault.kind in _DEPENDS and not fault.effect)


def _struck(fault: Fault | None, response: OssResponse) -> OssResponse | ConnectionFault:
    """What becomes of an answer under a fault of the network."""
    kind = fault.kind if fault is not None else ""
    if fault is None or kind in _DAMAGING or kind in _REFUSING:
        return response
    if kind in ("close_before", "close_after", "stall", "timeout_after"):
        response.close()
        return ConnectionFault(fault.length if kind in ("stall", "timeout_after") else 0.0)
    replaced: Mapping[str, OssResponse] = {
        "html": OssResponse(fault.http_status, {"Content-Type": "text/html"}, _PROXY_PAGE),
        "redirect": OssResponse(fault.http_status, {"Location": fault.location, "Content-Type": "text/html"}),
        "empty": OssResponse(fault.http_status, dict(response.headers)),
    }
    if kind in replaced:
        response.close()
        answer = replaced[kind]
        answer.headers["Content-Length"] = str(answer.size)
        answer.bodiless = response.bodiless
        return answer
    deliveries: Mapping[str, Delivery] = {
        "truncate": Delivery("truncated"),
        "trickle": Delivery("trickled", fault.bytes, fault.length),
        "huge": Delivery("endless"),
    }
    response.delivery = deliveries.get(kind, Delivery())
    if kind == "huge":
        response.headers.pop("Content-Length", None)
    return response
