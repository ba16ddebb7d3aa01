# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Keeps secrets out of texts. The one place that does so.

Ansible masks the values of secret options in results, but only as they were typed. The service echoes them in other
forms: passwords percent-encoded in URLs, in part or twice, escaped in JSON or XML.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Iterable
from typing import Any

MASK = "********"

# IncompleteSignature tells the server's string to sign, which holds every parameter.
_STRING_TO_SIGN = r"(?is)(string to sign is\s*:?).*"
# Values of parameters that hold a secret, in a query, once or twice percent-encoded, or as JSON.
_SECRET_PARAMETER = (
    r"(?i)(?P<name>(?:Password|Secret|SecurityToken|BearerToken|Signature)(?:\"\s*:\s*\"|=|%3D|%253D))"
    r"(?P<value>[^&\s\"%]|%(?!26|2526)[0-9A-Fa-f]{2})+"
)
_USER_INFO = r"(?<=://)[^/@\s]+@"
_NAMED = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_SHORT = {" ": "[+]", "\n": r"\\{1,4}n", "\r": r"\\{1,4}r", "\t": r"\\{1,4}t"}
# A shorter value occurs by chance in any text; masking it would destroy the message and reveal the value's place.
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the secrets, in any form they are known to appear in."""
    # Most texts are names and states. Their characters tell that a pattern cannot fit.
    if " " in text:
        text = re.sub(_STRING_TO_SIGN, rf"\1 {MASK}", text)
    if "=" in text or '"' in text or "%" in text:
        text = re.sub(_SECRET_PARAMETER, rf"\g<name>{MASK}", text)
    if "@" in text:
        text = re.sub(_USER_INFO, f"{MASK}@", text)
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = _spelled(secret).sub(MASK, text)
    return text


def redact_all(value: Any, secrets: Iterable[str] = ()) -> Any:
    """A result without the secrets, in none of the texts that it holds."""
    if isinstance(value, dict):
        return {key: redact_all(inner, secrets) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_all(inner, secrets) for inner in value]
    return redact(value, secrets) if isinstance(value, str) else value


# Whoever shows a list of texts redacts each of them, with the same few secrets.
@functools.lru_cache(maxsize=16)
def _spelled(secret: str) -> re.Pattern[str]:
    """Finds the secret, each of its characters as typed, percent-encoded or escaped, and all of it in Base64."""
    data = secret.encode("utf-8", "surrogatepass")
    coded = []
    for shift in range(3):
        # What comes before moves the bits; characters that share some with a neighbour are left out.
        whole = base64.b64encode(bytes(shift) + data).decode()
        inner = whole[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        coded += [inner, inner.translate(str.maketrans("+/", "-_"))] if len(inner) >= _SHORTEST else []
    # A run of backslashes is one token: how long it is after escaping is not tried for each of them.
    tokens = re.findall(r"(?s)\\+|[^\\]", secret)
    ways = ["".join(map(_spellings, tokens)), *map(re.escape, dict.fromkeys(coded))]
    return re.compile("|".join(ways))


@functools.lru_cache(maxsize=256)
def _spellings(token: str) -> str:
    """A pattern for a character, in a URL (encoded once or more often), JSON, HTML, or as Python shows it."""
    letter, many = token[0], len(token)
    octets = letter.encode("utf-8", "surrogatepass")
    wide = letter.encode("utf-16-be", "surrogatepass")
    units = [wide[n : n + 2].hex() for n in range(0, len(wide), 2)]
    ways = [
        "".join(f"%(?:25){{0,3}}{octet:02x}" for octet in octets),
        "".join(rf"\\{{1,4}}u{unit}" for unit in units),
        "".join(rf"\\{{1,4}}x{octet:02x}" for octet in octets),
        rf"&(?:amp;)?#(?:0{{0,3}}{ord(letter)}|x0{{0,3}}{ord(letter):x});",
    ]
    if letter in _NAMED:
        ways.append(rf"&(?:amp;)?{_NAMED[letter]};")
    if letter in _SHORT:
        ways.append(_SHORT[letter])
    typed = rf"\\{{{many},{4 * many}}}" if letter == "\\" else rf"\\{{0,3}}{re.escape(letter)}"
    return f"(?:{typed}|(?i:{'|'.join(ways)}){{{many}}})"
