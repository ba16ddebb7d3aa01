# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Keeps secrets out of texts. The one place that does so.

Ansible masks the values of secret options in results, but only as they were typed. The service echoes them in other
forms: passwords percent-encoded in URLs, twice encoded in the string to sign, escaped in JSON.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "********"

# IncompleteSignature tells the server's string to sign, which holds every parameter.
_STRING_TO_SIGN = r"(?is)(string to sign is\s*:?).*"
# Values of parameters that hold a secret, in a query, once or twice percent-encoded, or as JSON.
_SECRET_PARAMETER = (
    r"(?i)(?P<name>(?:Password|Secret|SecurityToken|BearerToken|Signature)(?:\"\s*:\s*\"|=|%3D|%253D))"
    r"(?P<value>[^&\s\"%]|%(?!26|2526)[0-9A-Fa-f]{2})+"
)
_USER_INFO = r"(?<=://)[^/@\s]+@"
# A shorter value occurs by chance in any text; masking it would destroy the message and reveal the value's place.
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the secrets, in any form they are known to appear in."""
    text = re.sub(_STRING_TO_SIGN, rf"\1 {MASK}", text)
    text = re.sub(_SECRET_PARAMETER, rf"\g<name>{MASK}", text)
    text = re.sub(_USER_INFO, f"{MASK}@", text)
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


# Whoever shows a list of texts redacts each of them, with the same few secrets.
@functools.lru_cache(maxsize=16)
def _forms(secret: str) -> frozenset[str]:
    """The secret as typed, percent-encoded once and twice, escaped in JSON, and in Base64."""
    if len(secret) < _SHORTEST:
        return frozenset()
    once = quote(secret, safe="")
    forms = {
        secret,
        once,
        once.lower() if "%" in once else once,
        quote_plus(secret),
        quote(once, safe=""),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }
    return frozenset(forms)
