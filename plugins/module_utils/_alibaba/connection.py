# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How requests leave: endpoint, trust, proxy, and limits on what may come back."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .errors import Misconfigured

# Seconds. Connecting takes milliseconds or never works. A read that is late is asked again; a write is given more time,
# because an answer that comes late is better than one that has to be guessed.
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
WRITE_TIMEOUT = 90.0
# A read timeout bounds the silence between two packets, not an answer that trickles in for ever.
SLOWEST_ANSWER = 120.0
# Answers are a few kilobytes; a list page of a large instance a few megabytes. More is no answer of the service.
LARGEST_ANSWER = 32 * 1024 * 1024
# Bytes that are taken at once, if that many are there.
_PIECE = 65536


class Trust(NamedTuple):
    """ca_path: a CA file or folder that replaces the built-in one. proxy: URL of an HTTPS proxy."""

    ca_path: str = ""
    proxy: str = ""


def endpoint_url(endpoint: str, option: str) -> str:
    """`scheme://host:port` of an endpoint option, HTTPS unless it says otherwise.

    Plain HTTP is refused except to this machine: requests carry passwords in their URL.
    """
    text = endpoint.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:  # brackets that do not close, letters that are none
        parts = urlsplit("")
    host = _host(parts)
    if not host or parts.scheme not in ("http", "https") or parts.path not in ("", "/") or parts.query:
        from .redaction import redact

        raise Misconfigured(
            f"{option} is not the address of an endpoint: {redact(text)}",
            code="endpoint_invalid",
            remedy=f"Give a host name such as rds.aliyuncs.com, or https://host:port, in {option}.",
        )
    if parts.username is not None:
        raise Misconfigured(
            f"{option} holds a user name or password.",
            code="endpoint_invalid",
            remedy=f"Leave them out of {option}; credentials have options of their own.",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise Misconfigured(
            f"{option} is plain HTTP to {host}, which is not this machine: credentials would be readable on the way.",
            code="endpoint_not_encrypted",
            remedy=f"Use https:// in {option}; for a certificate of your own, give its CA file in ca_path.",
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback(host: str) -> bool:
    if host in ("localhost", "127.0.0.1", "::1"):
        return True
    if not host[:1].isdigit() and ":" not in host:  # a name
        return False
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def authorities(trust: Trust, environment: Mapping[str, str] | None = None) -> str:
    """The CA file or folder that replaces the built-in one: ca_path, else REQUESTS_CA_BUNDLE; empty for none.

    Raises Misconfigured where it does not exist.
    """
    environment = os.environ if environment is None else environment
    ca_path = trust.ca_path or environment.get("REQUESTS_CA_BUNDLE") or ""
    if ca_path and not os.path.exists(ca_path):
        raise Misconfigured(
            f"The CA file or folder {ca_path} does not exist.",
            code="ca_path_missing",
            remedy="Correct ca_path (or REQUESTS_CA_BUNDLE).",
        )
    return ca_path


def pieces_of(response: Any) -> Iterator[bytes]:
    """The body of a response as it comes in. iter_content() would wait for a whole chunk, however slowly that comes.

    Raises HTTPError of urllib3 where it breaks off.
    """
    yield from iter(_reader(response), b"")


def _reader(response: Any) -> Callable[[], bytes]:
    """Gives what has come in; nothing at the end."""
    raw: Any = getattr(response, "raw", None)
    if hasattr(raw, "stream") and hasattr(raw, "read1"):
        return functools.partial(raw.read1, _PIECE, decode_content=True)
    bare: Any = getattr(raw, "_fp", None)
    if hasattr(bare, "read1") and "content-encoding" not in response.headers:
        return functools.partial(_read_with_old_library, raw, bare)
    # The one of the class: that of the response may be ours, and come back here.
    return functools.partial(next, type(response).iter_content(response, 1024), b"")


def _read_with_old_library(raw: Any, bare: Any) -> bytes:
    """urllib3 before 2.1 has no read1(); what it reads from does. Its errors are told in its own words."""
    with raw._error_catcher():
        # requests itself reads the body of a redirection.
        piece: bytes = b"" if raw.closed else bare.read1(_PIECE)
        if not piece:
            missing = getattr(bare, "length", None)
            if missing:
                from http.client import IncompleteRead

                raise IncompleteRead(b"", missing)
            # The connection may be used again.
            bare.close()
        return piece


def proxies_for(url: str, trust: Trust, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The proxy for an HTTPS endpoint: the option's, else HTTPS_PROXY's unless NO_PROXY excludes the host.

    The tunnel through it is encrypted end to end, so a proxy cannot change what is sent. This machine needs none.
    """
    environment = os.environ if environment is None else environment
    if is_loopback(urlsplit(url).hostname or ""):
        return {}
    if trust.proxy:
        return {"https": trust.proxy}
    proxy = environment.get("HTTPS_PROXY") or environment.get("https_proxy") or ""
    no_proxy = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not proxy:
        return {}
    if no_proxy and _is_excluded(urlsplit(url), no_proxy):
        return {}
    return {"https": proxy}


def _is_excluded(parts: Any, no_proxy: str) -> bool:
    """no_proxy: hosts, domains, addresses and networks such as 10.0.0.0/8, separated by commas; * for everything."""
    # requests has this in one function, which changes the environment meanwhile, while other threads read it.
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # in no stub; requests takes it, too

    if proxy_bypass_environment(f"{parts.hostname}:{parts.port or 443}", {"no": no_proxy}):
        return True
    import ipaddress

    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return False
    for entry in no_proxy.split(","):
        with contextlib.suppress(ValueError):
            if address in ipaddress.ip_network(entry.strip(), strict=False):
                return True
    return False


def _host(parts: Any) -> str:
    try:
        parts.port  # noqa: B018  # the property raises for a port that is none
        return parts.hostname or ""
    except ValueError:
        return ""
