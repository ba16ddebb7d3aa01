# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests and answers with bodies that are streams, free of any HTTP library."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from urllib.parse import parse_qsl

from ..http_messages import Delivery, Pairs
from .errors import BrokenBody, malformed_xml

if TYPE_CHECKING:
    from .reading import ObjectReader

_MAX_DOCUMENT = 4 * 1024 * 1024


class Body(Protocol):
    """What a body can do."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill a part of the buffer; 0 at the end."""


@dataclass(frozen=True)
class OssRequest:
    """A request. `target` is the raw path and query, header names are in lower case, values are text (UTF-8).

    `length` is the size of the body as announced, nothing if it is chunked.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: Body = field(default_factory=io.BytesIO)
    length: int | None = 0

    @property
    def path(self) -> str:
        """The raw path."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> Pairs:
        """The decoded query. A plus sign is a space, as in what the SDKs send."""
        return parse_qsl(self.target.partition("?")[2], keep_blank_values=True, errors="replace")

    def document(self) -> bytes:
        """The body, which has to be small."""
        content, buffer = bytearray(), memoryview(bytearray(65536))
        while count := self.body.readinto(buffer):
            content += buffer[:count]
            if len(content) > _MAX_DOCUMENT:
                raise malformed_xml()
        if self.length is not None and len(content) < self.length:
            raise BrokenBody
        return bytes(content)


@dataclass
class OssResponse:
    """An answer. Its body is `body`, or what `reader` holds from `start`, `length` bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reader: ObjectReader | None = None
    start: int = 0
    length: int = 0
    delivery: Delivery = field(default=Delivery())
    bodiless: bool = False
    """The answer to a HEAD: the header tells of a body that is not sent."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return self.length if self.reader is not None else len(self.body)

    def piece(self, start: int, count: int) -> bytes:
        """A part of the body."""
        if self.reader is None:
            return self.body[start : start + count]
        return self.reader.read_at(self.start + start, min(count, self.length - start))

    def close(self) -> None:
        """Let go of the object's data."""
        if self.reader is not None:
            self.reader.close()
