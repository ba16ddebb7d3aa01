# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Access keys: whose one is, and in which guise its owner calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .model import Account, SecurityToken
from .model_ram import AccessKey


class KnownKey(NamedTuple):
    """`guise` is account, user/NAME, or role/NAME/SESSION for a token of the token service."""

    account: Account
    key: AccessKey | SecurityToken
    guise: str


def find_key(key_id: str, accounts: Mapping[str, Account]) -> KnownKey | None:
    """The key with this id, if there is one."""
    for account in accounts.values():
        for key in account.access_keys:
            if key.access_key_id == key_id:
                return KnownKey(account, key, "account")
        for token in account.security_tokens:
            if token.access_key_id == key_id:
                return KnownKey(account, token, f"role/{token.role}/{token.session}")
        for name, user in account.users.items():
            for key in user.access_keys:
                if key.access_key_id == key_id:
                    return KnownKey(account, key, f"user/{name}")
    return None
