# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several actions of RAM share: finding things, names, pages and times."""

from __future__ import annotations

import json
import re
from typing import Any, TypeVar

from ..clock import utc_text
from ..errors import ApiError
from ..model import Account
from ..model_ram import Policy, Role
from ..permissions.system import SYSTEM_POLICIES
from ..registry import Call
from ..world import World

T = TypeVar("T")
LONG_AGO = "2025-01-01T00:00:00Z"
_NAME = re.compile(r"[A-Za-z0-9.-]+", re.ASCII)


def moment_text(moment: float | None) -> str:
    """A time, or a day long ago for what was always there."""
    return LONG_AGO if moment is None else utc_text(moment)


def the_account(world: World, call: Call) -> Account:
    """The caller's account."""
    account = world.account(call.account_id)
    if account is None:
        raise ApiError("EntityNotExist.Account", 404, "The account does not exist.")
    return account


def required(call: Call, name: str) -> str:
    """A parameter that has to be there, though the models do not say so."""
    value = call.text(name)
    if not value:
        raise ApiError("MissingParameter", 400, f"The parameter {name} is required by {call.action}.")
    return value


def new_name(call: Call, name: str, limit: int) -> str:
    """The name of something new. ApiError if it is too long or has other characters than letters, digits, . and -."""
    value = required(call, name)
    if len(value) > limit:
        raise ApiError(f"InvalidParameter.{name}.Length", 400, f"{name} is longer than {limit} characters.")
    if not _NAME.fullmatch(value):
        raise ApiError(f"InvalidParameter.{name}.InvalidChars", 400, f"{name} consists of letters, digits, . and -.")
    return value


def find_role(account: Account, wanted: str) -> tuple[str, Role]:
    """A role with its name as it was made; names are compared without letter case. ApiError if there is none."""
    for name, role in account.roles.items():
        if name.lower() == wanted.lower():
            return name, role
    raise ApiError("EntityNotExist.Role", 404, f"The role does not exist: {wanted[:64]}.")


def find_policy(account: Account, kind: str, wanted: str) -> tuple[str, Policy | None]:
    """The name of a policy, and the policy itself if it is a custom one. ApiError if there is none."""
    if kind not in ("System", "Custom"):
        raise ApiError("InvalidParameter.PolicyType", 400, "PolicyType is System or Custom.")
    names = SYSTEM_POLICIES if kind == "System" else account.policies
    for name in names:
        if name.lower() == wanted.lower():
            return name, account.policies.get(name) if kind == "Custom" else None
    raise ApiError("EntityNotExist.Policy", 404, f"There is no policy {wanted[:64]}.")


def paged(call: Call, rows: list[T]) -> tuple[list[T], dict[str, Any]]:
    """The rows asked for with Marker and MaxItems, and the fields about what is left."""
    size = int(call.text("MaxItems") or 100)
    if not 1 <= size <= 1000:
        raise ApiError("InvalidParameter.MaxItems", 400, "MaxItems is from 1 to 1000.")
    marker = call.text("Marker") or "0"
    if not marker.isdecimal() or int(marker) > len(rows):
        raise ApiError("InvalidParameter.Marker", 400, "Marker is what an answer had.")
    end = int(marker) + size
    more = {"IsTruncated": True, "Marker": str(end)} if end < len(rows) else {"IsTruncated": False}
    return rows[int(marker) : end], more


def tags_given(call: Call) -> dict[str, str]:
    """Tags, as the SDK sends them (a JSON text) or one by one (Tag.1.Key, Tag.1.Value). ApiError if they are none."""
    numbers = range(1, 21)
    listed = [{"Key": call.text(f"Tag.{one}.Key"), "Value": call.text(f"Tag.{one}.Value")} for one in numbers]
    if call.text("Tag"):
        try:
            listed = json.loads(call.text("Tag"))
        except ValueError:
            listed = [None]  # type: ignore[list-item]  # refused below
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ApiError("InvalidParameter.Tag", 400, "Tag is a list of keys and values.")
    return {str(one["Key"]): str(one.get("Value", "")) for one in listed if one.get("Key")}


def tags_shown(tags: dict[str, str]) -> dict[str, Any]:
    """Tags as the answers have them."""
    return {"Tag": [{"TagKey": key, "TagValue": value} for key, value in tags.items()]}
