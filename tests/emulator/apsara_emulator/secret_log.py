# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down every secret that the emulator gave out or was sent, for tests that search for them afterwards."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from .http_messages import ConnectionFault, HttpRequest, HttpResponse

T = TypeVar("T", HttpResponse, ConnectionFault, "HttpResponse | ConnectionFault")

_NAMES = re.compile(
    r"(?i)(password|passwd|(access_?key_?|client_?)secret|security-?_?token|bearer_?tokens?|(^|-)signature)$"
)
_XML = re.compile(r"<(\w*(?:Secret|Token))>([^<]+)<")


class SecretLog:
    """One secret a line, as JSON. Each is written once."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", encoding="utf-8")  # noqa: SIM115  # as long as the emulator runs
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def note(self, secrets: Iterable[str]) -> None:
        """Write down those that are not there yet."""
        with self._lock:
            for secret in secrets:
                # The call log shows stars instead of passwords.
                if secret.strip("*") and secret not in self._known:
                    self._known.add(secret)
                    self._file.write(json.dumps(secret) + "\n")
            self._file.flush()

    def request(self, target: str, headers: Mapping[str, str], form: Iterable[tuple[str, str]] = ()) -> None:
        """Note what came in a request."""
        pairs = [*parse_qsl(target.partition("?")[2]), *headers.items(), *form]
        authorization = headers.get("authorization", "")
        bearer = authorization.partition(" ")[2] if authorization.lower().startswith("bearer ") else ""
        self.note([*_in_pairs(pairs), bearer])

    def document(self, body: bytes) -> None:
        """Note what stands in the body of a request or an answer: JSON or XML, else nothing."""
        try:
            self.note(secrets_in(json.loads(body)))
        except (ValueError, RecursionError):
            self.note(value for _name, value in _XML.findall(body.decode("utf-8", "replace")))

    def over(self, handler: Callable[[HttpRequest], T]) -> Callable[[HttpRequest], T]:
        """The handler, with everything noted that passes through."""

        def handle(request: HttpRequest) -> T:
            self.request(request.target, request.headers, request.form)
            self.document(request.body)
            answer = handler(request)
            if isinstance(answer, HttpResponse):
                self.document(answer.body)
            return answer

        return handle


def secrets_in(content: Any, name: str = "") -> Iterator[str]:
    """The values of everything that is named like a secret, and of signatures within URLs."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            # A variant may be named like a secret.
            if key != "variants":
                yield from secrets_in(value, str(key))
    elif isinstance(content, list):
        for value in content:
            yield from secrets_in(value, name)
    elif isinstance(content, str):
        yield from _in_pairs([(name, content)])


def _in_pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in pairs:
        if _NAMES.search(name):
            yield value
        if "://" in value:
            yield from _in_urls(value)
        elif value[:1] in ("{", "["):
            yield from _in_json(value)


def _in_urls(text: str) -> Iterator[str]:
    for url in re.findall(r"[a-z]+://[^\s|\"]+", text):
        yield from (value for name, value in parse_qsl(urlsplit(url).query) if _NAMES.search(name))


def _in_json(text: str) -> Iterator[str]:
    try:
        yield from secrets_in(json.loads(text))
    except (ValueError, RecursionError):
        return
