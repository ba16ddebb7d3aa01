# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AssumeRole: credentials for a while."""

from __future__ import annotations

import re
import secrets

from ..clock import utc_text
from ..documents import Instant
from ..errors import ApiError
from ..model import SecurityToken
from ..permissions.policy import parse_policy
from ..policy_documents import PolicyError, parse_trust_policy, trusts_account
from ..ram.roles import role_id
from ..registry import Answer, Call, action
from ..world import World

_ARN = re.compile(r"acs:ram::([0-9]{1,20}):role/([\w.-]{1,64})", re.ASCII)
_SESSION = re.compile(r"[\w.@-]{2,64}", re.ASCII)
_SHORTEST = 900


@action("sts", "AssumeRole", mutating=True)
def assume_role(world: World, call: Call) -> Answer:
    """Temporary credentials of a role that trusts the caller. They may do what the role's policies say."""
    arn, session = _ARN.fullmatch(call.text("RoleArn")), call.text("RoleSessionName")
    if arn is None:
        raise ApiError("InvalidParameter.RoleArn", 400, "RoleArn is acs:ram::ACCOUNT:role/NAME.")
    if not _SESSION.fullmatch(session):
        raise ApiError("InvalidParameter.RoleSessionName", 400, "RoleSessionName has 2 to 64 letters, digits or .@-_.")
    owner = world.account(arn[1])
    roles = owner.roles if owner else {}
    name = next((one for one in roles if one.lower() == arn[2].lower()), None)
    if owner is None or name is None:
        raise ApiError("EntityNotExist.Role", 404, f"The role does not exist: {arn[0]}.")
    _require_trust(world, call, roles[name].trust_policy)
    _require_policy(world, call)
    seconds = int(call.text("DurationSeconds") or 3600)
    if not _SHORTEST <= seconds <= roles[name].max_session:
        limit = roles[name].max_session
        raise ApiError("InvalidParameter.DurationSeconds", 400, f"DurationSeconds is from {_SHORTEST} to {limit}.")
    ends = Instant(world.clock.now() + seconds)
    token = SecurityToken(
        f"STS.{secrets.token_hex(12)}", secrets.token_hex(22), secrets.token_urlsafe(60), ends, name, session
    )
    token.policy = call.text("Policy")
    owner.security_tokens.append(token)
    answer: Answer = {
        "AssumedRoleUser": {
            "Arn": f"acs:ram::{owner.account_id}:role/{name.lower()}/{session}",
            "AssumedRoleId": f"{role_id(owner.account_id, name)}:{session}",
        },
        "Credentials": {
            "AccessKeyId": token.access_key_id,
            "AccessKeySecret": token.access_key_secret,
            "SecurityToken": token.security_token,
            "Expiration": utc_text(ends),
        },
    }
    return answer | ({"SourceIdentity": call.text("SourceIdentity")} if call.text("SourceIdentity") else {})


def _require_trust(world: World, call: Call, policy: str) -> None:
    guise = "root" if call.identity == "account" else "/".join(call.identity.split("/")[:2])
    try:
        trusted = trusts_account(parse_trust_policy(policy), call.account_id, guise)
    except PolicyError:
        trusted = False
    if not trusted:
        raise world.variants.error("assume_refused", "The role does not trust the caller.")


def _require_policy(world: World, call: Call) -> None:
    """The session's own policy has to be one."""
    if call.text("Policy"):
        try:
            parse_policy(call.text("Policy"))
        except PolicyError as error:
            raise world.variants.error("bad_policy_document", f"Policy: {error}.") from error
