# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies by name: the vendor's own (System), and those of an account (Custom)."""

from __future__ import annotations

import json

from ..errors import DocumentError
from ..model import Account, WorldState
from ..policy_documents import PolicyError
from .policy import parse_policy

# Some of the policies that the vendor keeps, by name: what they are for, and the actions that they allow.
SYSTEM_POLICIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "AdministratorAccess": ("everything", ("*",)),
    "AliyunDTSFullAccess": ("everything about DTS", ("dts:*",)),
    "AliyunDTSRolePolicy": ("what DTS needs of databases", ("rds:Describe*",)),
    "AliyunOSSFullAccess": ("everything about OSS", ("oss:*",)),
    "AliyunRDSFullAccess": ("everything about RDS", ("rds:*",)),
    "AliyunRDSReadOnlyAccess": ("reading about RDS", ("rds:Describe*",)),
    "ReadOnlyAccess": ("reading everything", ("*:Describe*", "*:Get*", "*:List*")),
}


def policy_document(account: Account, kind: str, name: str) -> str:
    """The text of a policy. Those of the vendor are not quoted: what they say here is short for what they are for."""
    if kind == "Custom":
        return account.policies[name].document
    statement = {"Action": list(SYSTEM_POLICIES[name][1]), "Effect": "Allow", "Resource": "*"}
    return json.dumps({"Statement": [statement], "Version": "1"})


def check_attached_policies(state: WorldState) -> None:
    """DocumentError if a user or role of a world has a policy that is not there or cannot be judged."""
    for account in state.accounts.values():
        holders = {f"users.{name}": user.policies for name, user in account.users.items()}
        holders |= {f"roles.{name}": role.policies for name, role in account.roles.items()}
        for holder, policies in holders.items():
            for one in policies:
                where = f"world.accounts.{account.account_id}.{holder}"
                kind, _slash, name = one.partition("/")
                known = {"System": [*SYSTEM_POLICIES], "Custom": [*account.policies]}
                if name not in known.get(kind, []):
                    raise DocumentError(f"{where}: there is no policy {one[:80]!r}")
                _check(where, policy_document(account, kind, name))


def _check(where: str, text: str) -> None:
    try:
        parse_policy(text)
    except PolicyError as error:
        raise DocumentError(f"{where}: {error}") from error
