# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What carries calls to a service: connections that are kept, trust in certificates, the way through a proxy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .connection import Trust, authorities
from .errors import Misconfigured
from .http_library import urllib3

# Threads of one task that call at the same time keep their connections.
_MOST_CONNECTIONS = 10


class Outgoing:
    """A request that the caller's proof is put on."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        self.method = method
        self.url = url
        self.headers = dict(headers)
        self.body = body


class Answer:
    """An answer whose body is yet to be read. Its names are those of requests.Response. raw: of urllib3."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.status_code: int = raw.status
        self.headers: Mapping[str, str] = raw.headers

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_raised: object) -> None:
        # What was read to its end went back to its pool before; a connection with the rest on it is of no use.
        self.raw.close()
        self.raw.release_conn()

    def iter_content(self, size: int) -> Iterator[bytes]:
        stream: Iterator[bytes] = self.raw.stream(size, decode_content=True)
        return stream


class RpcSession:
    """As much of requests.Session as an RpcClient uses, so that one of those can take its place.

    What is sent depends on our options alone: no ~/.netrc, no cookies, no redirect that is followed, nothing that is
    sent a second time from here. Proxies are those of each request. Raises Misconfigured for a CA file that is missing.
    """

    def __init__(self, trust: Trust, environment: Mapping[str, str] | None = None) -> None:
        # urllib3 logs request lines with their query, where the service wants passwords.
        logging.getLogger("urllib3.connectionpool").disabled = True
        self._authorities = authorities(trust, environment)
        self._pools: dict[tuple[str, bool], Any] = {}

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        data: str | None,
        auth: Callable[[Any], Any],
        proxies: Mapping[str, str],
        timeout: tuple[float, float],
        allow_redirects: bool,
        stream: bool,
    ) -> Answer:
        """timeout: seconds to connect, and of silence. Raises the exceptions of urllib3, and ValueError."""
        sent = Outgoing(method, url, headers, data.encode() if data is not None else None)
        auth(sent)
        pool = self._pool(proxies.get(urlsplit(sent.url).scheme, ""), encrypted=sent.url.startswith("https:"))
        raw = pool.request(
            method,
            sent.url,
            body=sent.body,
            headers=sent.headers,
            timeout=urllib3.Timeout(connect=timeout[0], read=timeout[1]),
            retries=False,
            redirect=allow_redirects,
            preload_content=not stream,
        )
        return Answer(raw)

    def _pool(self, proxy: str, *, encrypted: bool) -> Any:
        """All connections that go the same way; only those that are encrypted pay for the list of authorities."""
        way = (proxy, encrypted)
        if way not in self._pools:
            trusted = _trusted(self._authorities) if encrypted else {}
            how: dict[str, Any] = {"maxsize": _MOST_CONNECTIONS, **trusted}
            self._pools[way] = _proxy_pool(proxy, how) if proxy else urllib3.PoolManager(**how)
        return self._pools[way]


def _trusted(authorities_path: str) -> dict[str, str]:
    """Options of urllib3: who may have signed a certificate. A file, a folder; empty for those that certifi knows."""
    import os

    if not authorities_path:
        try:
            import certifi
        except ImportError:
            return {"cert_reqs": "CERT_REQUIRED"}  # those of the system
        authorities_path = certifi.where()
    kind = "ca_cert_dir" if os.path.isdir(authorities_path) else "ca_certs"
    return {"cert_reqs": "CERT_REQUIRED", kind: authorities_path}


def _proxy_pool(proxy: str, how: Mapping[str, Any]) -> Any:
    """proxy: its URL, perhaps with a user name and a password. Raises ValueError for one that cannot be used."""
    url = proxy if "://" in proxy else f"http://{proxy}"
    parts = urlsplit(url)
    bare = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    username, password = (None if one is None else unquote(one) for one in (parts.username, parts.password))
    if parts.scheme.startswith("socks"):
        return _socks_pool(bare, username, password, how)
    headers = {}
    if username is not None:
        headers = urllib3.util.make_headers(proxy_basic_auth=f"{username}:{password or ''}")
    return urllib3.ProxyManager(bare, proxy_headers=headers, **how)


def _socks_pool(url: str, username: str | None, password: str | None, how: Mapping[str, Any]) -> Any:
    """Raises Misconfigured where its library is missing."""
    try:
        # urllib3 imports it, too, but prints a warning of its own where it is missing.
        import socks  # type: ignore[import-untyped]  # noqa: F401  # asked is only whether it can be imported; no stubs
    except ImportError:
        raise Misconfigured(
            "A SOCKS proxy needs the Python package PySocks on the host that runs the module. Nothing was sent.",
            code="missing_library",
            remedy="Install it there: pip install PySocks; or give an HTTP proxy in proxy (or HTTPS_PROXY).",
        ) from None
    from urllib3.contrib.socks import SOCKSProxyManager

    return SOCKSProxyManager(url, username=username, password=password, **how)
