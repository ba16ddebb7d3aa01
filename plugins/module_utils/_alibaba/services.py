# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The clients of one task, made from its options when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._waiting import Clock
from . import rds
from .connection import Trust, endpoint_url, new_session
from .credentials import CredentialSource, find_credentials
from .errors import Misconfigured
from .rpc import CallLog, RpcClient


class Services:
    """read_only: the clients refuse every write, which is what a rehearsal runs with.

    options: the shared options of a module, by name. on_secret is called with each secret found outside of them.
    session: a requests.Session to use instead of a new one.
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        *,
        read_only: bool,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
        on_secret: Callable[[str], None] = lambda secret: None,
        session: Any = None,
    ) -> None:
        self._options = options
        self._read_only = read_only
        self._environment = environment
        self._on_secret = on_secret
        self._session = session
        self._credentials: CredentialSource | None = None
        self._rds: RpcClient | None = None
        self.clock = clock or Clock()
        self.log = CallLog()

    @property
    def rds(self) -> RpcClient:
        if self._rds is None:
            self._rds = self._client(rds.RDS, rds.default_endpoint(self._region()))
        return self._rds

    def _client(self, service: Any, default_endpoint: str) -> RpcClient:
        option = f"{service.name}_endpoint"
        trust = Trust(ca_path=self._options.get("ca_path") or "", proxy=self._options.get("proxy") or "")
        endpoint = endpoint_url(self._options.get(option) or default_endpoint, option)
        if self._credentials is None:
            self._credentials = find_credentials(self._options, self._environment, self._on_secret)
        if self._session is None:
            self._session = new_session(trust, self._environment)
        return RpcClient(
            service,
            endpoint,
            self._credentials,
            self._session,
            read_only=self._read_only,
            trust=trust,
            clock=self.clock,
            log=self.log,
        )

    def _region(self) -> str:
        region = self._options.get("region") or ""
        if not region and self._options.get("profile"):
            from .vendor_credentials import profile_region

            region = profile_region(self._options, self._environment)
        if region and not rds.is_region(region):
            raise Misconfigured(
                f"{region!r} is not a region id.",
                code="region_invalid",
                remedy="Give region in the service's spelling, for example cn-hangzhou.",
            )
        return region
