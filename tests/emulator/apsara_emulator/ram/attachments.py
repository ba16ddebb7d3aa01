# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which policies a role has."""

from __future__ import annotations

from ..documents import Instant
from ..errors import ApiError
from ..permissions.system import SYSTEM_POLICIES
from ..registry import Answer, Call, action
from ..world import World
from .lookup import find_policy, find_role, moment_text, required, the_account

_MOST_POLICIES = 20


@action("ram", "AttachPolicyToRole", mutating=True)
def attach_policy_to_role(world: World, call: Call) -> Answer:
    """Give a role a policy. ApiError if it has it already."""
    account = the_account(world, call)
    kind = required(call, "PolicyType")
    policy, _custom = find_policy(account, kind, required(call, "PolicyName"))
    name, role = find_role(account, required(call, "RoleName"))
    if f"{kind}/{policy}" in role.policies:
        raise ApiError("EntityAlreadyExists.Role.Policy", 409, f"The role {name} has the policy {policy} already.")
    if len(role.policies) >= _MOST_POLICIES:
        raise ApiError("LimitExceeded.Role.Policy", 409, f"A role has at most {_MOST_POLICIES} policies.")
    role.policies.append(f"{kind}/{policy}")
    role.updated = Instant(world.clock.now())
    return {}


@action("ram", "DetachPolicyFromRole", mutating=True)
def detach_policy_from_role(world: World, call: Call) -> Answer:
    """Take a policy from a role. ApiError if it does not have it."""
    account = the_account(world, call)
    kind = required(call, "PolicyType")
    policy, _custom = find_policy(account, kind, required(call, "PolicyName"))
    name, role = find_role(account, required(call, "RoleName"))
    if f"{kind}/{policy}" not in role.policies:
        raise ApiError("EntityNotExist.Role.Policy", 404, f"The role {name} does not have the policy {policy}.")
    role.policies.remove(f"{kind}/{policy}")
    return {}


@action("ram", "ListPoliciesForRole", mutating=False)
def list_policies_for_role(world: World, call: Call) -> Answer:
    """The policies of a role."""
    account = the_account(world, call)
    _name, role = find_role(account, required(call, "RoleName"))
    rows = []
    for attached in role.policies:
        kind, _slash, policy = attached.partition("/")
        custom = account.policies.get(policy)
        about = custom.description if custom else SYSTEM_POLICIES.get(policy, ("", ""))[0]
        rows.append(
            {
                "AttachDate": moment_text(role.updated or role.created),
                "DefaultVersion": "v1",
                "Description": about,
                "PolicyName": policy,
                "PolicyType": kind,
            }
        )
    return {"Policies": {"Policy": rows}}
