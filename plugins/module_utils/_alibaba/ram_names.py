# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.
"""How roles, policies and accounts are named. Also for those who only refer to a role."""

from __future__ import annotations

import re

# What RDS reads backups in OSS with. The console creates it when access to OSS is authorised there.
IMPORT_ROLE = "AliyunRDSImportRole"
# What DTS works with in its own account. It trusts DTS of that account only, and cannot be used across accounts.
DTS_ROLE = "AliyunDTSDefaultRole"


def wrong_role_name(name: str, option: str) -> str:
    """Why this cannot be the name of a role that works across accounts; empty if it can."""
    if name.lower().startswith("acs:"):
        return f"{option} is an ARN; the name alone is wanted: {name.rpartition('/')[2] or 'its part behind role/'}"
    if name.lower() == DTS_ROLE.lower():
        return f"{option} must not be {DTS_ROLE}, which lets in DTS of its own account only"
    if not re.fullmatch(r"[A-Za-z0-9.-]{1,64}", name):
        return f"{option} is not the name of a role: 1 to 64 letters, digits, full stops and hyphens"
    return ""


def is_policy_name(name: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9-]{1,128}", name) is not None


def is_account_id(text: str) -> bool:
    return re.fullmatch(r"[0-9]{5,20}", text) is not None
