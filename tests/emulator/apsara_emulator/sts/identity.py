# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is calling."""

from __future__ import annotations

from ..ram.roles import role_id, user_id
from ..registry import Answer, Call, action
from ..world import World


@action("sts", "GetCallerIdentity", mutating=False)
def get_caller_identity(world: World, call: Call) -> Answer:
    """The account, and in which guise: itself, a user, or a role that was assumed (`identity`: role/NAME/SESSION)."""
    if call.identity.startswith("role/"):
        _word, role, session = call.identity.split("/", 2)
        identifier = role_id(call.account_id, role)
        return {
            "IdentityType": "AssumedRoleUser",
            "AccountId": call.account_id,
            "Arn": f"acs:ram::{call.account_id}:assumed-role/{role.lower()}/{session}",
            "RoleId": identifier,
            "PrincipalId": f"{identifier}:{session}",
        }
    if call.identity.startswith("user/"):
        name = call.identity.partition("/")[2]
        return {
            "IdentityType": "RAMUser",
            "AccountId": call.account_id,
            "Arn": f"acs:ram::{call.account_id}:{call.identity}",
            "UserId": user_id(call.account_id, name),
            "PrincipalId": user_id(call.account_id, name),
        }
    return {
        "IdentityType": "Account",
        "AccountId": call.account_id,
        "Arn": f"acs:ram::{call.account_id}:root",
        "UserId": call.account_id,
        "PrincipalId": call.account_id,
    }
