# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of an account."""

from __future__ import annotations

import zlib

from ..clock import utc_text
from ..errors import ApiError
from ..registry import Answer, Call, action
from ..world import World


@action("ram", "GetRole", mutating=False)
def get_role(world: World, call: Call) -> Answer:
    """One role. Names are compared without letter case."""
    wanted = call.text("RoleName")
    if not wanted:
        raise ApiError("MissingParameter", 400, "The parameter RoleName is required by GetRole.")
    account = world.account(call.account_id)
    roles = account.roles if account else {}
    name = next((one for one in roles if one.lower() == wanted.lower()), None)
    if name is None:
        raise ApiError("EntityNotExist.Role", 404, f"The role does not exist: {wanted[:64]}.")
    role = roles[name]
    created = utc_text(role.created) if role.created is not None else "2025-01-01T00:00:00Z"
    return {
        "Role": {
            "Arn": f"acs:ram::{call.account_id}:role/{name.lower()}",
            "AssumeRolePolicyDocument": role.trust_policy,
            "CreateDate": created,
            "Description": role.description,
            "IsServiceLinkedRole": False,
            "MaxSessionDuration": 3600,
            "RoleId": f"3{zlib.crc32(f'{call.account_id}/{name}'.encode()):017d}",
            "RoleName": name,
            "RolePrincipalName": f"{name.lower()}@role.{call.account_id}.onaliyunservice.com",
            "UpdateDate": created,
        }
    }
