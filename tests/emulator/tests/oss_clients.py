# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""OSS by the vendor's two SDKs: over a real socket, or in process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import alibabacloud_oss_v2 as oss_v2
import oss2
import pytest
from apsara_emulator import ManualClock, Variants, WallClock, World
from apsara_emulator.default_world import ACCESS_KEY_ONE, ACCESS_KEY_TWO, BUCKET_ONE
from apsara_emulator.oss.requests_adapter import OssAdapter
from apsara_emulator.oss.service import OssService

ENDPOINT = "http://oss.test"
KIB, MIB = 1024, 1024**2


def auth_of(version: int, key: tuple[str, ...] = ACCESS_KEY_ONE) -> Any:
    """A key of three parts is one of the token service."""
    if len(key) == 3:
        from oss2.credentials import StaticCredentialsProvider

        provider = StaticCredentialsProvider(*key)
        return oss2.ProviderAuthV4(provider) if version == 4 else oss2.ProviderAuth(provider)
    return oss2.AuthV4(*key) if version == 4 else oss2.Auth(*key)


class InProcess:
    """A world with a clock by hand, behind an adapter; signed with the real time."""

    def __init__(self, change: Any = None, **variants: str) -> None:
        self.clock = ManualClock()
        self.world = World.default(self.clock, variants=Variants(variants))
        if change:
            self.world.merge(change)
        self.service = OssService(self.world, WallClock())
        self.adapter = OssAdapter(self.service)

    def bucket(
        self,
        name: str = BUCKET_ONE,
        version: int = 1,
        key: tuple[str, ...] = ACCESS_KEY_ONE,
        endpoint: str = ENDPOINT,
        **options: Any,
    ) -> Any:
        options = {"region": "cn-hangzhou", "is_path_style": endpoint == ENDPOINT, **options}
        session = oss2.Session(adapter=self.adapter)
        return oss2.Bucket(auth_of(version, key), endpoint, name, session=session, **options)

    def raw(
        self,
        method: str,
        bucket: str,
        key: str = "",
        params: dict[str, str] | None = None,
        data: bytes = b"",
        version: int = 1,
    ) -> tuple[int, bytes]:
        """Status and body of a signed request that no SDK would send."""
        request = oss2.http.Request(
            method, f"{ENDPOINT}/{bucket}/{key}", data=data, params=params, region="cn-hangzhou", product="oss"
        )
        auth_of(version)._sign_request(request, bucket, key)
        answer = oss2.Session(adapter=self.adapter).do_request(request, timeout=5)
        return answer.status, answer.read()

    def anonymous(self, name: str = BUCKET_ONE) -> Any:
        session = oss2.Session(adapter=self.adapter)
        return oss2.Bucket(oss2.AnonymousAuth(), ENDPOINT, name, session=session, is_path_style=True)

    def other(self, name: str = BUCKET_ONE, **options: Any) -> Any:
        return self.bucket(name, key=ACCESS_KEY_TWO, **options)

    def objects(self, name: str = BUCKET_ONE) -> dict[str, bytes]:
        """What is really there, read past OSS's own door."""
        found = {}
        for key in self.world.state.buckets[name].objects:
            with self.world.oss.open(name, key) as reader:
                found[key] = reader.read()
        return found

    def actions(self) -> list[str]:
        return [one.action for one in self.world.calls.select()]


def refused(call: Callable[[], Any]) -> str:
    """The refusal of oss2 as CODE STATUS."""
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    assert caught.value.request_id
    return f"{caught.value.code} {caught.value.status}"


def v2_client(url: str, key: tuple[str, ...] = ACCESS_KEY_ONE, **options: Any) -> Any:
    """The newer client, as a user would set it up for an endpoint of its own."""
    config = oss_v2.config.load_default()
    config.credentials_provider = oss_v2.credentials.StaticCredentialsProvider(*key)
    settings = {"region": "cn-hangzhou", "endpoint": url, "use_path_style": True, "retry_max_attempts": 1, **options}
    for name, value in settings.items():
        setattr(config, name, value)
    return oss_v2.Client(config)
