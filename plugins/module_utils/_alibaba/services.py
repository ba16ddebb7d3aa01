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
from .connection import Trust, endpoint_url
from .credentials import CredentialSource, find_credentials
from .errors import Misconfigured
from .rpc import CallLog, RpcClient, Service, Traffic
from .rpc_session import RpcSession


class Services:
    """read_only: the clients refuse every write, which is what a rehearsal runs with.

    options: the shared options of a module, by name. on_secret is called with each secret found outside of them.
    session: a requests.Session to use instead of new sessions, for all services.
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
        self.options = options
        self.read_only = read_only
        self._environment = environment
        self._on_secret = on_secret
        self._given_session = session
        self._session = session
        self._credentials: CredentialSource | None = None
        self._clients: dict[str, RpcClient] = {}
        self.clock = clock or Clock()
        self.log = CallLog()
        self._traffic: dict[tuple[Any, ...], Traffic] = {}

    @property
    def rds(self) -> RpcClient:
        return self.client(rds.RDS, rds.default_endpoint(self.region()))

    def client(self, service: Service, default_endpoint: str) -> RpcClient:
        """The task's client of a service, whose own file knows the two arguments.

        What a file imports travels with every task, so this one names no service that only few of them use.
        """
        if service.name not in self._clients:
            self._clients[service.name] = self._client(service, default_endpoint)
        return self._clients[service.name]

    def reading(self, region: str = "", credentials: Mapping[str, Any] | None = None) -> Services:
        """Clients that only read: in another region, and with the credentials of somebody else.

        credentials: by the names of the shared options; without them the same ones are used.
        """
        options = {**self.options, "region": region or self.options.get("region")}
        if credentials is not None:
            own = ("access_key_id", "access_key_secret", "security_token", "bearer_token", "profile")
            options.update({name: credentials.get(name) for name in own})
        others = Services(
            options,
            read_only=True,
            clock=self.clock,
            environment=self._environment,
            on_secret=self._on_secret,
            session=self._given_session,
        )
        others._session = self._session
        others.log = self.log
        others._traffic = self._traffic
        return others

    @property
    def credentials(self) -> CredentialSource:
        if self._credentials is None:
            self._credentials = find_credentials(self.options, self._environment, self._on_secret)
        return self._credentials

    @property
    def trust(self) -> Trust:
        return Trust(ca_path=self.options.get("ca_path") or "", proxy=self.options.get("proxy") or "")

    def session(self, make: Callable[[Trust, Mapping[str, str] | None], Any] = RpcSession) -> Any:
        """The session that was given; without one, a new one."""
        return self._given_session if self._given_session is not None else make(self.trust, self._environment)

    def _client(self, service: Service, default_endpoint: str) -> RpcClient:
        option = f"{service.name}_endpoint"
        endpoint = endpoint_url(self.options.get(option) or default_endpoint, option)
        credentials = self.credentials
        if self._session is None:
            self._session = self.session()
        return RpcClient(
            service,
            endpoint,
            credentials,
            self._session,
            read_only=self.read_only,
            trust=self.trust,
            clock=self.clock,
            log=self.log,
            traffic=self._traffic_to(endpoint),
        )

    def _traffic_to(self, endpoint: str) -> Traffic:
        """The service counts the calls of an account."""
        caller = (self.options.get(name) for name in ("access_key_id", "bearer_token", "profile"))
        return self._traffic.setdefault((endpoint, *caller), Traffic())

    def region(self) -> str:
        """Of the options or of the profile; empty where neither tells it."""
        region = self.options.get("region") or ""
        if not region and self.options.get("profile"):
            from .vendor_credentials import profile_region

            region = profile_region(self.options, self._environment)
        if region and not rds.is_region(region):
            raise Misconfigured(
                f"{region!r} is not a region id.",
                code="region_invalid",
                remedy="Give region in the service's spelling, for example cn-hangzhou.",
            )
        return region
