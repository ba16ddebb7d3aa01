# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies: those of the vendor (System) and an account's own (Custom)."""

from __future__ import annotations

from typing import Any

from ..documents import Instant
from ..errors import ApiError
from ..model import Account
from ..model_ram import Policy
from ..permissions.policy import parse_policy
from ..permissions.system import SYSTEM_POLICIES, policy_document
from ..policy_documents import PolicyError
from ..registry import Answer, Call, action
from ..world import World
from .lookup import (
    LONG_AGO,
    find_policy,
    moment_text,
    new_name,
    paged,
    required,
    tags_given,
    tags_shown,
    the_account,
)


@action("ram", "CreatePolicy", mutating=True)
def create_policy(world: World, call: Call) -> Answer:
    """A new custom policy."""
    account, name = the_account(world, call), new_name(call, "PolicyName", 128)
    text = required(call, "PolicyDocument")
    try:
        parse_policy(text)
    except PolicyError as error:
        raise world.variants.error("bad_policy_document", f"PolicyDocument: {error}.") from error
    if any(one.lower() == name.lower() for one in [*account.policies, *SYSTEM_POLICIES]):
        raise ApiError("EntityAlreadyExists.Policy", 409, f"The policy exists already: {name}.")
    policy = Policy(text, call.text("Description"), Instant(world.clock.now()), tags_given(call))
    account.policies[name] = policy
    kept = ("CreateDate", "DefaultVersion", "Description", "PolicyName", "PolicyType")
    shown = _shown(account, "Custom", name)
    return {"Policy": {one: shown[one] for one in kept}}


@action("ram", "GetPolicy", mutating=False)
def get_policy(world: World, call: Call) -> Answer:
    """One policy with its document."""
    account = the_account(world, call)
    kind = required(call, "PolicyType")
    name, _policy = find_policy(account, kind, required(call, "PolicyName"))
    shown, text = _shown(account, kind, name), policy_document(account, kind, name)
    version = {
        "CreateDate": shown["CreateDate"],
        "IsDefaultVersion": True,
        "PolicyDocument": text,
        "VersionId": shown["DefaultVersion"],
    }
    return {"Policy": {**shown, "PolicyDocument": text}, "DefaultPolicyVersion": version}


@action("ram", "ListPolicies", mutating=False)
def list_policies(world: World, call: Call) -> Answer:
    """All policies (of a type), by pages."""
    account, wanted = the_account(world, call), call.text("PolicyType")
    if wanted not in ("", "System", "Custom"):
        raise ApiError("InvalidParameter.PolicyType", 400, "PolicyType is System or Custom.")
    names = [("Custom", name) for name in sorted(account.policies)] + [("System", name) for name in SYSTEM_POLICIES]
    tags = tags_given(call)
    rows, more = paged(
        call,
        [
            (kind, name)
            for kind, name in names
            if wanted in ("", kind) and tags.items() <= _tags(account, kind, name).items()
        ],
    )
    shown = [
        _shown(account, kind, name)
        | ({"Tags": tags_shown(_tags(account, kind, name))} if _tags(account, kind, name) else {})
        for kind, name in rows
    ]
    return {"Policies": {"Policy": shown}, **more}


@action("ram", "DeletePolicy", mutating=True)
def delete_policy(world: World, call: Call) -> Answer:
    """ApiError while it is attached, unless it is to be detached on the way."""
    account = the_account(world, call)
    name, _policy = find_policy(account, "Custom", required(call, "PolicyName"))
    attached = [role for role in account.roles.values() if f"Custom/{name}" in role.policies]
    if attached and not call.flag("CascadingDelete"):
        raise ApiError("DeleteConflict.Policy.Role", 409, f"The policy {name} is attached to roles.")
    for role in attached:
        role.policies.remove(f"Custom/{name}")
    del account.policies[name]
    return {}


def _tags(account: Account, kind: str, name: str) -> dict[str, str]:
    return account.policies[name].tags if kind == "Custom" else {}


def _shown(account: Account, kind: str, name: str) -> dict[str, Any]:
    custom = account.policies.get(name) if kind == "Custom" else None
    return {
        "AttachmentCount": sum(f"{kind}/{name}" in role.policies for role in account.roles.values()),
        "CreateDate": moment_text(custom.created) if custom else LONG_AGO,
        "DefaultVersion": "v1",
        "Description": custom.description if custom else SYSTEM_POLICIES[name][0],
        "PolicyName": name,
        "PolicyType": kind,
        "UpdateDate": moment_text(custom.created) if custom else LONG_AGO,
    }
