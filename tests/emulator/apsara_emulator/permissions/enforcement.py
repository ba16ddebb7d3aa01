# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a caller may do what it asks for. An account itself may do everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from ..model import Account
from ..registry import Call
from .ledger import Asked
from .policy import ALLOWED, IMPLICIT_DENY, decision
from .system import policy_document
from .table import OBJECT, TABLE, Need

if TYPE_CHECKING:
    from ..oss.call import OssCall
    from ..world import World

_VARIANTS = {"rds": "forbidden_rds", "dts": "forbidden_dts", "ram": "forbidden_ram", "sts": "forbidden_ram"}


def require_for_call(world: World, call: Call) -> None:
    """ApiError unless the caller of RDS, DTS, RAM or STS may do this."""
    if call.identity == "account":
        return
    names = _names_of_call(world, call)
    for need in TABLE[call.service, call.action]:
        resource = need.resource.format_map(names)
        found = _judged(world, call.account_id, call.identity, call.access_key_id, call, need.action, resource)
        if found != ALLOWED:
            error = world.variants.error(_VARIANTS[call.service], "The caller is not allowed to do this.")
            if world.variants["access_denied_detail"] == "present":
                error.details = {"AccessDeniedDetail": _detail(call, need.action, found)}
            raise error


def require_for_oss(world: World, call: OssCall, needs: Iterable[Need] | None = None) -> None:
    """OssError unless the caller of OSS may do this. Who is anonymous is not judged here."""
    from ..oss.errors import OssError

    caller = call.caller
    if caller.guise == "account" or not caller.account_id:
        return
    names = {
        "account": caller.account_id,
        "bucket": call.bucket,
        "key": call.key,
        "source": unquote(call.header("x-oss-copy-source")).lstrip("/").partition("?")[0],
    }
    for need in TABLE["oss", call.target.action] if needs is None else needs:
        if need.header and need.header not in call.request.headers:
            continue
        resource = need.resource.format_map(names)
        found = _judged(world, caller.account_id, caller.guise, caller.access_key_id, call, need.action, resource)
        if found != ALLOWED:
            raise OssError("AccessDenied", 403, "The policies of the caller do not allow this.", BucketName=call.bucket)


def require_for_keys(world: World, call: OssCall, action: str, keys: Iterable[str]) -> None:
    """OssError unless the caller may do this with each of the objects."""
    needs = [Need(action, OBJECT.replace("{key}", key.replace("{", "{{").replace("}", "}}"))) for key in keys]
    require_for_oss(world, call, needs)


def policies_in_force(account: Account, identity: str, access_key_id: str) -> list[list[str]] | None:
    """Texts of policies, by sets that have to allow each; nothing for who may do everything.

    A token whose role the world does not know is the account's own.
    """
    kind, _slash, name = identity.partition("/")
    if kind == "user":
        return [_texts(account, account.users[name].policies)]
    role = account.roles.get(name.partition("/")[0])
    if role is None:
        return None
    session = [one.policy for one in account.security_tokens if one.access_key_id == access_key_id and one.policy]
    return [_texts(account, role.policies), *([session] if session else [])]


def _texts(account: Account, names: Iterable[str]) -> list[str]:
    pairs = (one.partition("/") for one in names)
    return [policy_document(account, kind, name) for kind, _slash, name in pairs]


def _judged(
    world: World, account_id: str, identity: str, key_id: str, call: Call | OssCall, action: str, resource: str
) -> str:
    account = world.account(account_id)
    sets = policies_in_force(account, identity, key_id) if account else [[]]
    answers = [decision(texts, action, resource) for texts in sets] if sets is not None else [ALLOWED]
    answer = next((one for one in answers if one != ALLOWED), ALLOWED)
    service, api = (call.service, call.action) if isinstance(call, Call) else ("oss", call.target.action)
    caller = "/".join(identity.split("/")[:2])
    world.permissions.add(Asked(account_id, caller, service, api, action, resource, answer))
    return answer


class _Names(dict[str, str]):
    """A parameter that a call does not have stands for everything."""

    def __missing__(self, _name: str) -> str:
        return "*"


def _names_of_call(world: World, call: Call) -> Mapping[str, str]:
    names = _Names({name: value for name, value in call.parameters.items() if value})
    instance = world.state.instances.get(names["DBInstanceId"]) or world.state.instances.get(names["DBInstanceName"])
    names["region"] = instance.region if instance else call.text("RegionId") or "*"
    names["account"] = call.account_id
    names["owner"] = "system" if call.text("PolicyType") == "System" else call.account_id
    names["role"] = call.text("RoleArn").replace("acs:ram::", "acs:ram:*:", 1) or "*"
    job_id, instance_id = call.text("DtsJobId"), call.text("DtsInstanceId") or call.text("DtsInstanceID")
    known = (one.instance_id for one in world.state.dts_jobs if one.id == job_id)
    names["job"] = instance_id or next(known, "") or "*"
    return names


def _detail(call: Call, action: str, answer: str) -> dict[str, Any]:
    return {
        "AuthAction": action,
        "AuthPrincipalType": "SubUser" if call.identity.startswith("user/") else "AssumedRoleUser",
        "AuthPrincipalDisplayName": call.identity.partition("/")[2],
        "AuthPrincipalOwnerId": call.account_id,
        "NoPermissionType": answer,
        "PolicyType": "AccountLevelIdentityBasedPolicy" if answer == IMPLICIT_DENY else "IdentityBasedPolicy",
    }
