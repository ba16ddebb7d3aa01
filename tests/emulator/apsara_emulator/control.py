# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control interface: plain HTTP, no signature, for whoever runs the tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import DocumentError
from .gateway import Gateway
from .http_messages import HttpRequest, HttpResponse
from .mysql import control as mysql
from .postgresql import control as postgresql

_SLASHES = re.compile("/+")


class Control:
    """Looks at and changes the world behind a gateway. The paths are described in the README."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._world = gateway.world
        self._routes: Mapping[tuple[str, str], Callable[[HttpRequest], Any]] = {
            ("GET", "calls"): self._calls,
            ("POST", "reset"): self._reset,
            ("GET", "faults"): lambda _request: self._world.faults.as_documents(),
            ("POST", "faults"): self._set_faults,
            ("GET", "world"): lambda _request: self._world.to_document(),
            ("POST", "world"): self._merge,
            ("POST", "clock"): self._advance,
            ("GET", "permissions"): lambda _request: self._world.permissions.as_documents(),
            ("GET", "mysql"): lambda _request: mysql.overview(self._world),
            ("POST", "mysql/source"): lambda request: mysql.add_source(self._world, _mapping(request)),
            ("POST", "mysql/server"): lambda request: mysql.act(self._world, _mapping(request)),
            ("GET", "postgresql"): lambda _request: postgresql.overview(self._world),
            ("POST", "postgresql/source"): lambda request: postgresql.add_source(self._world, _mapping(request)),
            ("POST", "postgresql/server"): lambda request: postgresql.act(self._world, _mapping(request)),
        }

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request: 200 and JSON, 400 if its content is wrong, 404 or 405 if there is no such path."""
        name = _SLASHES.sub("/", request.path).strip("/").removeprefix("control").strip("/")
        route = self._routes.get((request.method, name))
        if route is None:
            known = {path for _method, path in self._routes}
            status = 405 if name in known else 404
            return _json(status, {"error": f"{request.method} {name}: paths are {', '.join(sorted(known))}"})
        try:
            return _json(200, route(request))
        except DocumentError as error:
            return _json(400, {"error": str(error)})

    def _calls(self, request: HttpRequest) -> Any:
        asked = dict(request.query)
        mutating, since = asked.pop("mutating", ""), asked.pop("since", "0")
        if asked or mutating not in ("", "true", "false") or not re.fullmatch("[0-9]{1,15}", since):
            raise DocumentError("calls: ?mutating=true|false and ?since=NUMBER are known")
        wanted = None if not mutating else mutating == "true"
        return self._world.calls.as_documents(mutating=wanted, since=int(since))

    def _reset(self, request: HttpRequest) -> Any:
        self._world.reset(_mapping(request) if request.body.strip() else None)
        self._gateway.verifier.forget()
        return {"reset": True}

    def _set_faults(self, request: HttpRequest) -> Any:
        document = _content(request)
        if isinstance(document, list):
            self._world.faults.replace(document)
        else:
            self._world.faults.add(document)
        return self._world.faults.as_documents()

    def _merge(self, request: HttpRequest) -> Any:
        self._world.merge(_mapping(request))
        return self._world.to_document()

    def _advance(self, request: HttpRequest) -> Any:
        document = _mapping(request)
        seconds = document.get("advance")
        if set(document) != {"advance"} or isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
            raise DocumentError('clock: {"advance": SECONDS} is expected')
        if not 0 <= seconds <= 366 * 86400:
            raise DocumentError("clock: advance is from 0 seconds to a year")
        self._world.clock.advance(float(seconds))
        return {"now": self._world.clock.now()}


def _content(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"the body is not JSON: {error}") from error


def _mapping(request: HttpRequest) -> Mapping[str, Any]:
    document = _content(request)
    if not isinstance(document, Mapping):
        raise DocumentError("the body is not a JSON object")
    return document


def _json(status: int, content: Any) -> HttpResponse:
    return HttpResponse(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
