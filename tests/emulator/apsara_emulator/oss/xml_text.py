# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML bodies: built from nested pairs, and read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union
from xml.etree import ElementTree

from .errors import malformed_xml

Content = Union[str, int, bool, Iterable["Node"]]  # noqa: UP007 - evaluated at run time
Node = tuple[str, Content]

XML_TYPE = "application/xml"


def as_xml(root: str, content: Content) -> bytes:
    """A document. Content is text, a number, a truth value, or pairs of a name and content."""
    body: bytes = ElementTree.tostring(_element(root, content), encoding="unicode").encode("utf-8", "replace")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def parse_xml(body: bytes, root: str) -> ElementTree.Element:
    """The root element. OssError MalformedXML if it is another one, or no XML."""
    try:
        element = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise malformed_xml() from None
    for one in element.iter():
        one.tag = one.tag.rpartition("}")[2]
    if element.tag != root:
        raise malformed_xml()
    return element


def text_of(element: ElementTree.Element, path: str) -> str:
    """The text of a child, empty if there is none."""
    return (element.findtext(path) or "").strip()


def _element(name: str, content: Content) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, bool):
        element.text = "true" if content else "false"
    elif isinstance(content, (str, int)):
        element.text = str(content)
    else:
        element.extend(_element(child, inner) for child, inner in content)
    return element
