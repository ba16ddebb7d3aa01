# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which account the caller is of."""

from __future__ import annotations

from .._failure import MigrationFailure
from .rds import text_of
from .rpc import RpcClient, Service
from .services import Services

STS = Service(name="sts", version="2015-04-01", reads=frozenset({"GetCallerIdentity"}))
DEFAULT_ENDPOINT = "sts.aliyuncs.com"
UNKNOWN_ACCOUNT = "account_unknown"


def client_of(services: Services) -> RpcClient:
    return services.client(STS, DEFAULT_ENDPOINT)


def account_id(client: RpcClient) -> str:
    """The id of the Alibaba Cloud account that the credentials belong to, whatever RAM user or role they are of.

    Raises MigrationFailure with the code UNKNOWN_ACCOUNT where the answer does not tell it.
    """
    answer = client.call("GetCallerIdentity")
    found = text_of(answer, "AccountId")
    if not found:
        raise MigrationFailure(
            "The service did not tell which account the credentials belong to.",
            code=UNKNOWN_ACCOUNT,
            action="GetCallerIdentity",
            remedy="Give the account ids in the task's options.",
            request_id=text_of(answer, "RequestId") or "",
        )
    return found
