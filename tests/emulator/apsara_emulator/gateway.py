# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an HTTP request to an HTTP answer: who calls, what is called, and what goes wrong on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import quote

from .clock import Clock
from .contracts import COMMON_PARAMETERS, load_contracts, service_versions
from .errors import ApiError
from .faults import Fault
from .http_messages import ConnectionFault, Delivery, HttpRequest, HttpResponse
from .registry import Call
from .serialisation import JSON_TYPE, XML_TYPE, as_json, as_xml
from .shapes import identified
from .signatures import Verifier, bearer_token
from .world import World, new_request_id

__all__ = ["ConnectionFault", "Gateway", "HttpRequest", "HttpResponse"]

_PROXY_PAGE = (
    b"<html><head><title>Error</title></head><body><h1>The proxy could not reach the server</h1></body></html>"
)
_REFUSING = frozenset({"throttle", "expired_token", "http_500", "http_503"})
# Faults that come before the call is carried out. Those with `effect` come after it.
_BEFORE = frozenset({"throttle", "expired_token", "close_before", "stall", "redirect", "huge"})
_DEPENDS = frozenset({"http_500", "http_503", "html"})


@dataclass
class _Result:
    """What the service makes of a request, before faults of the network."""

    status: int
    body: dict[str, Any]
    code: str = ""
    retry_after: str = ""


class Gateway:
    """The HTTP face of a world. `handle` is pure: no sockets, no waiting. Safe to use from several threads."""

    def __init__(self, world: World, stamp_clock: Clock | None = None) -> None:
        """`stamp_clock` judges time stamps; it is the world's clock unless given."""
        self.world = world
        self.stamp_clock = self._clock = stamp_clock or world.clock
        self.verifier = Verifier(self._clock)

    def handle(self, request: HttpRequest) -> HttpResponse | ConnectionFault:
        """Answer a request. Refusals are answers; ConnectionFault says that there is to be none."""
        call = _call_of(request)
        decisive, modifiers = self.world.faults.strike(call.service, call.action, call.parameters)
        if decisive is not None and _strikes_before(decisive):
            result = self._refusal(decisive)
        else:
            call.list_lag = sum(one.length for one in modifiers if one.kind == "list_lag")
            skew = sum(one.length for one in modifiers if one.kind == "clock_skew")
            result = self._carry_out(request, call, skew)
            if decisive is not None and decisive.kind in _REFUSING:
                result = self._refusal(decisive)
        response: HttpResponse | ConnectionFault = self._response(request, call, result)
        if decisive is not None:
            response = _struck(decisive, self._response(request, call, result))
        self._log(call, response, result, decisive, modifiers)
        return response

    def _carry_out(self, request: HttpRequest, call: Call, skew: float) -> _Result:
        try:
            if request.method not in ("GET", "POST"):
                raise ApiError("UnsupportedHTTPMethod", 403, f"The method {request.method[:16]} is not supported.")
            _require_single_values(request)
            identity = self.verifier.identify(
                request, self.world.state.accounts, self.world.variants, skew, self.world.clock.now()
            )
            call.account_id, call.access_key_id = identity.account_id, identity.access_key_id
            call.identity = identity.guise
            _require_target(call, request)
            return _Result(200, self.world.execute(call))
        except ApiError as error:
            return self._error(error)

    def _error(self, error: ApiError) -> _Result:
        body = {"Code": error.code, "Message": error.message, **error.details}
        retry_after = ""
        if error.code.startswith("Throttling") and self.world.variants["retry_after"] != "missing":
            retry_after = self.world.variants["retry_after"]
        return _Result(error.http_status, body, error.code, retry_after)

    def _refusal(self, fault: Fault) -> _Result:
        """The service's own answer to a fault; for the network's faults it does not matter."""
        if fault.kind == "throttle":
            error = self.world.variants.error("throttled", "Too many calls.")
            error.code, error.http_status = fault.code or error.code, fault.status or error.http_status
        elif fault.kind == "expired_token":
            error = self.world.variants.error("expired_security_token", "The security token has expired.")
        elif fault.kind == "http_500":
            error = ApiError(fault.code or "InternalError", 500, "The service has failed.")
        else:
            error = ApiError(fault.code or "ServiceUnavailable", 503, "The service is not available for the moment.")
        result = self._error(error)
        return replace(result, retry_after=result.retry_after if fault.retry_after is None else str(fault.retry_after))

    def _response(self, request: HttpRequest, call: Call, result: _Result) -> HttpResponse:
        body = identified(result.body, call.request_id)
        if result.code:
            body["HostId"] = request.headers.get("host", "")
            body["Recommend"] = f"https://api.alibabacloud.com/troubleshoot?q={quote(result.code)}&product=Rds"
        headers = {"Date": formatdate(self._clock.now(), usegmt=True), "x-acs-request-id": call.request_id}
        if result.retry_after:
            headers["x-acs-retry-after"] = result.retry_after
        if _wants_xml(request):
            root = "Error" if result.code else f"{call.action}Response"
            return HttpResponse(result.status, {**headers, "Content-Type": XML_TYPE}, as_xml(root, body))
        return HttpResponse(result.status, {**headers, "Content-Type": JSON_TYPE}, as_json(body))

    def _log(
        self,
        call: Call,
        response: HttpResponse | ConnectionFault,
        result: _Result,
        decisive: Fault | None,
        modifiers: list[Fault],
    ) -> None:
        """The status is what the caller got to see, 0 for none; the code is the service's."""
        faults = ([decisive] if decisive else []) + modifiers
        status = response.status if isinstance(response, HttpResponse) else 0
        self.world.log(call, status, result.code, ",".join(one.kind for one in faults))


def _call_of(request: HttpRequest) -> Call:
    """What the request asks for; action and service may be empty."""
    given = dict(request.query + request.form)
    action = request.headers.get("x-acs-action") or given.get("Action", "")
    version = request.headers.get("x-acs-version") or given.get("Version", "")
    service = service_versions().get(version, "")
    if not version and bearer_token(request)[1] == "authorization":
        # A public how-to leaves out the common parameters together with the signature.
        service = next((name for name, actions in load_contracts().items() if action in actions), "")
    parameters = {name: value for name, value in given.items() if name not in COMMON_PARAMETERS or name == "RegionId"}
    query_names = frozenset(name for name, _value in request.query)
    return Call("", service, action, parameters, new_request_id(), query_names=query_names)


def _require_target(call: Call, request: HttpRequest) -> None:
    """ApiError unless the request says what it wants, of a version that exists."""
    if not call.action:
        raise ApiError("MissingParameter", 400, "The parameter Action is missing.")
    if not call.service:
        given = request.headers.get("x-acs-version") or dict(request.query).get("Version")
        code = "InvalidParameter" if given else "MissingParameter"
        raise ApiError(code, 400, "The parameter Version is missing or wrong.")


def _require_single_values(request: HttpRequest) -> None:
    names = [name for name, _value in request.query + request.form]
    if len(set(names)) != len(names):
        raise ApiError("InvalidParameter", 400, "A parameter comes more than once.")


def _wants_xml(request: HttpRequest) -> bool:
    asked = dict(request.query + request.form).get("Format") or request.headers.get("accept", "")
    return "xml" in asked.lower() and "json" not in asked.lower()


def _strikes_before(fault: Fault) -> bool:
    return fault.kind in _BEFORE or (fault.kind in _DEPENDS and not fault.effect)


def _struck(fault: Fault, response: HttpResponse) -> HttpResponse | ConnectionFault:
    """What becomes of an answer under a fault of the network."""
    if fault.kind in ("close_before", "close_after"):
        return ConnectionFault()
    if fault.kind in ("stall", "timeout_after"):
        return ConnectionFault(fault.length)
    if fault.kind == "html":
        return HttpResponse(fault.http_status, {"Content-Type": "text/html"}, _PROXY_PAGE)
    if fault.kind == "redirect":
        return HttpResponse(fault.http_status, {"Location": fault.location, "Content-Type": "text/html"}, b"")
    if fault.kind == "empty":
        return replace(response, status=fault.http_status, body=b"")
    deliveries: Mapping[str, Delivery] = {
        "truncate": Delivery("truncated"),
        "trickle": Delivery("trickled", fault.bytes, fault.length),
        "huge": Delivery("endless"),
    }
    return replace(response, delivery=deliveries.get(fault.kind, Delivery()))
