# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's clients, configured for the emulator and otherwise as they come."""

from __future__ import annotations

from typing import Any

from alibabacloud_credentials.client import Client as Credential
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_rds20140815.client import Client as RdsClient
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi import models as openapi
from alibabacloud_tea_openapi.client import Client as OpenApiClient
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.client import AcsClient
from apsara_emulator.default_world import ACCESS_KEY_ONE, BEARER_TOKEN_ONE

from .serving import Served

SOURCE, TARGET = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001"


def config(emulator: Served, **changes: Any) -> openapi.Config:
    """As a user would write it, with the emulator as endpoint."""
    settings: dict[str, Any] = {
        "access_key_id": ACCESS_KEY_ONE[0],
        "access_key_secret": ACCESS_KEY_ONE[1],
        "endpoint": emulator.endpoint,
        "protocol": emulator.urls.api.partition(":")[0],
        "region_id": "cn-hangzhou",
        **changes,
    }
    return openapi.Config(**settings)


def bearer_config(emulator: Served, **changes: Any) -> openapi.Config:
    """With a bearer token in place of a key."""
    credential = Credential(CredentialConfig(type="bearer", bearer_token=BEARER_TOKEN_ONE))
    return config(emulator, access_key_id=None, access_key_secret=None, credential=credential, **changes)


def rds(emulator: Served, **changes: Any) -> RdsClient:
    """The current RDS client: V3, or V1 with signature_algorithm="v2"."""
    return RdsClient(config(emulator, **changes))


def sts(emulator: Served, **changes: Any) -> StsClient:
    """The current STS client."""
    return StsClient(config(emulator, **changes))


def generic_call(emulator: Served, action: str, query: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An action that the client has no method for."""
    client = OpenApiClient(config(emulator, **changes))
    parameters = openapi.Params(
        action=action,
        version="2014-08-15",
        protocol=emulator.urls.api.partition(":")[0].upper(),
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    from darabonba.runtime import RuntimeOptions

    answer: dict[str, Any] = client.call_api(parameters, openapi.OpenApiRequest(query=query), RuntimeOptions())
    return answer


def core(emulator: Served, key: tuple[str, ...] = ACCESS_KEY_ONE) -> AcsClient:
    """The older client. A key of three parts is one of the token service."""
    credential = StsTokenCredential(*key) if len(key) == 3 else AccessKeyCredential(*key)
    client = AcsClient(region_id="cn-hangzhou", credential=credential, timeout=10)
    client.set_verify(False)
    return client
