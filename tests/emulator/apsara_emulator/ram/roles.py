# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles of an account."""

from __future__ import annotations

import zlib
from typing import Any

from ..documents import Instant
from ..errors import ApiError
from ..model_ram import Role
from ..policy_documents import PolicyError, parse_trust_policy, saved
from ..registry import Answer, Call, action
from ..world import World
from .lookup import find_role, moment_text, new_name, paged, required, tags_given, tags_shown, the_account

_SESSION = range(3600, 43201)
_MOST_ROLES = 1000
_CHANGES = ("NewAllowConsoleLogin", "NewAssumeRolePolicyDocument", "NewDescription", "NewMaxSessionDuration")


@action("ram", "GetRole", mutating=False)
def get_role(world: World, call: Call) -> Answer:
    """One role. Names are compared without letter case."""
    name, role = find_role(the_account(world, call), required(call, "RoleName"))
    extra = {
        "IsServiceLinkedRole": False,
        "RolePrincipalName": f"{name.lower()}@role.{call.account_id}.onaliyunservice.com",
        "UpdateDate": moment_text(role.updated or role.created),
    }
    return {"Role": {**_shown(call, name, role), "AssumeRolePolicyDocument": role.trust_policy, **extra}}


@action("ram", "CreateRole", mutating=True)
def create_role(world: World, call: Call) -> Answer:
    """A new role without rights."""
    account, name = the_account(world, call), new_name(call, "RoleName", 64)
    policy = _trust_policy(world, call, "AssumeRolePolicyDocument")
    if any(one.lower() == name.lower() for one in account.roles):
        raise ApiError("EntityAlreadyExists.Role", 409, f"The role exists already: {name}.")
    if len(account.roles) >= _MOST_ROLES:
        raise ApiError("LimitExceeded.Role", 409, f"An account has at most {_MOST_ROLES} roles.")
    now = Instant(world.clock.now())
    role = Role(_description(call, "Description"), policy, now, now, _session(call, "MaxSessionDuration"))
    role.tags = tags_given(call)
    account.roles[name] = role
    return {"Role": {**_shown(call, name, role), "AssumeRolePolicyDocument": role.trust_policy}}


@action("ram", "UpdateRole", mutating=True)
def update_role(world: World, call: Call) -> Answer:
    """Another trust policy, description or longest session. What is not named stays."""
    name, role = find_role(the_account(world, call), required(call, "RoleName"))
    if not any(one in call.parameters for one in _CHANGES):
        raise ApiError("MissingParameter", 400, "Nothing is to be changed.")
    if call.text("NewAssumeRolePolicyDocument"):
        role.trust_policy = _trust_policy(world, call, "NewAssumeRolePolicyDocument")
    if "NewDescription" in call.parameters:
        role.description = _description(call, "NewDescription")
    if call.text("NewMaxSessionDuration"):
        role.max_session = _session(call, "NewMaxSessionDuration")
    role.updated = Instant(world.clock.now())
    extra = {"AssumeRolePolicyDocument": role.trust_policy, "UpdateDate": moment_text(role.updated)}
    return {"Role": {**_shown(call, name, role), **extra}}


@action("ram", "DeleteRole", mutating=True)
def delete_role(world: World, call: Call) -> Answer:
    """ApiError while policies are attached."""
    account = the_account(world, call)
    name, role = find_role(account, required(call, "RoleName"))
    if role.policies:
        raise ApiError("DeleteConflict.Role.Policy", 409, f"Policies are attached to the role {name}.")
    del account.roles[name]
    return {}


@action("ram", "ListRoles", mutating=False)
def list_roles(world: World, call: Call) -> Answer:
    """All roles, by pages; without trust policies."""
    wanted = tags_given(call)
    roles = sorted(the_account(world, call).roles.items())
    rows, more = paged(call, [one for one in roles if wanted.items() <= one[1].tags.items()])
    shown = [
        {**_shown(call, name, role), "UpdateDate": moment_text(role.updated or role.created)}
        | ({"Tags": tags_shown(role.tags)} if role.tags else {})
        for name, role in rows
    ]
    return {"Roles": {"Role": shown}, **more}


def role_id(account_id: str, name: str) -> str:
    """The id of a role: a number that begins with 3."""
    return f"3{zlib.crc32(f'{account_id}/{name}'.encode()):017d}"


def user_id(account_id: str, name: str) -> str:
    """The id of a user: a number that begins with 2."""
    return f"2{zlib.crc32(f'{account_id}/{name}'.encode()):017d}"


def _shown(call: Call, name: str, role: Role) -> dict[str, Any]:
    return {
        "Arn": f"acs:ram::{call.account_id}:role/{name.lower()}",
        "CreateDate": moment_text(role.created),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
        "RoleId": role_id(call.account_id, name),
        "RoleName": name,
    }


def _trust_policy(world: World, call: Call, name: str) -> str:
    text = required(call, name)
    try:
        parse_trust_policy(text)
    except PolicyError as error:
        raise world.variants.error("bad_policy_document", f"{name}: {error}.") from error
    return saved(text, call.account_id, world.variants["policy_text"])


def _description(call: Call, name: str) -> str:
    if len(call.text(name)) > 1024:
        raise ApiError(f"InvalidParameter.{name}.Length", 400, "A description has at most 1024 characters.")
    return call.text(name)


def _session(call: Call, name: str) -> int:
    seconds = int(call.text(name) or 3600)
    if seconds not in _SESSION:
        raise ApiError(f"InvalidParameter.{name}", 400, f"{name} is from {_SESSION[0]} to {_SESSION[-1]} seconds.")
    return seconds
