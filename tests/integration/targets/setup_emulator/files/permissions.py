# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RAM users for the stories of roles, and whether they used exactly the policies that the roles come with.

`users` reads {"users": [{"name", "account", "policy"}...], "accounts": [ids], "open": BOOLEAN} and prints what is to
be laid over the world, and the users' keys. A policy is ROLE/NAME, a file in the role. With `open` users may do
everything. `compare` reads {"users": ..., "ledger": ..., "whole": BOOLEAN} and prints what was refused, and with
`whole` what of the policies was not used.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import Any

import apsara_emulator
from apsara_emulator.permissions.smallest import refused, unused

# Asked for when the precheck of the job of the way back fails, which has no story.
NO_STORY = {
    "dts_cross_account/source_way_back": "dts:DescribePreCheckStatus",
    "dts_cross_account/destination_way_back": "dts:DescribePreCheckStatus",
}
ROLES = pathlib.Path(apsara_emulator.__file__).resolve().parents[3] / "roles"


def text_of(policy: str) -> str:
    role, name = policy.split("/")
    return (ROLES / role / "files" / "permissions" / f"{name}.json").read_text(encoding="utf-8")


def users(given: dict[str, Any]) -> dict[str, Any]:
    world: dict[str, Any] = {}
    keys = {}
    for user in given["users"]:
        name = user["name"]
        account = world.setdefault(given["accounts"][user["account"]], {"users": {}, "policies": {}})
        keys[name] = {"access_key_id": f"LTAI5tUser-{name}", "access_key_secret": f"emulatorSecretOfTheUser-{name}"}
        attached = "System/AdministratorAccess" if given["open"] else f"Custom/{name}"
        account["users"][name] = {"access_keys": [keys[name]], "policies": [attached]}
        if not given["open"]:
            account["policies"][name] = {"document": text_of(user["policy"])}
    # Then modules ask another action for it.
    variants = {"disk_used_field": "missing"}
    return {"world": {"accounts": world, "variants": variants}, "keys": keys}


def compare(given: dict[str, Any]) -> dict[str, list[str]]:
    """By policy: users of several accounts can have the same one."""
    names: dict[str, set[str]] = {}
    for user in given["users"]:
        names.setdefault(user["policy"], set()).add(f"user/{user['name']}")
    differences = {}
    for policy, callers in names.items():
        asked = [row for row in given["ledger"] if row["caller"] in callers]
        wrong = [f"refused: {one}" for one in refused(asked)]
        if given["whole"]:
            left = unused(json.loads(text_of(policy)), asked)
            wrong += [f"unused: {one}" for one in left if one.partition(" ")[0] != NO_STORY.get(policy)]
        if wrong or not asked:
            differences[policy] = wrong or ["nobody used it"]
    return differences


if __name__ == "__main__":
    print(json.dumps({"users": users, "compare": compare}[sys.argv[1]](json.load(sys.stdin))))
