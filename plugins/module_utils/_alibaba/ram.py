# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The RAM operations used (API version 2015-05-01)."""

from __future__ import annotations

from .errors import ServiceError
from .rpc import RpcClient, Service

RAM = Service(name="ram", version="2015-05-01", reads=frozenset({"GetRole"}))
DEFAULT_ENDPOINT = "ram.aliyuncs.com"

# What RDS reads backups in OSS with. The console creates it when access to OSS is authorised there.
IMPORT_ROLE = "AliyunRDSImportRole"


def has_role(client: RpcClient, name: str) -> bool | None:
    """Whether the account has the role; None where the caller may not see that. Raises on faults."""
    try:
        client.call("GetRole", {"RoleName": name})
    except ServiceError as error:
        if error.transient:
            raise
        return False if error.code.startswith("EntityNotExist") else None
    return True
