# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP requests and answers, free of any HTTP library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

Pairs = list[tuple[str, str]]


def _clean(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@dataclass(frozen=True)
class HttpRequest:
    """A request. `target` is the raw path and query as on the wire; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> HttpRequest:
        """From the wire. Bytes that are no UTF-8 (kept by HTTP libraries as lone surrogates) are replaced."""
        cleaned = {_clean(name).lower(): _clean(value) for name, value in headers}
        return cls(method, _clean(target), cleaned, body)

    @property
    def path(self) -> str:
        """The raw path."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> Pairs:
        """The decoded query. A plus sign is a space, as in what the SDKs send."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True)

    @property
    def form(self) -> Pairs:
        """The decoded form in the body; empty if the body is none."""
        if not self.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)


@dataclass(frozen=True)
class Delivery:
    """How the body of an answer is sent.

    `kind`: whole; truncated (half of it, then the connection breaks); trickled (`bytes` at a time, every `seconds`);
    endless (over and over again).
    """

    kind: str = "whole"
    bytes: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class HttpResponse:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    delivery: Delivery = field(default=Delivery())


@dataclass(frozen=True)
class ConnectionFault:
    """No answer: the connection is reset at once, or nothing comes for `seconds` and then it is reset."""

    seconds: float = 0.0
