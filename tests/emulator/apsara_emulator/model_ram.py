# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a world knows of users, roles and policies."""

from __future__ import annotations

from dataclasses import dataclass, field

from .documents import Instant


@dataclass
class AccessKey:
    """A long-term key."""

    access_key_id: str
    access_key_secret: str


@dataclass
class User:
    """A RAM user. It may do what its policies say, written as those of a role are."""

    access_keys: list[AccessKey] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)


@dataclass
class Role:
    """A RAM role. `trust_policy` is a JSON text.

    `policies` are the names of attached policies with their type: `System/AliyunDTSRolePolicy`, `Custom/mine`.
    """

    description: str = ""
    trust_policy: str = ""
    created: Instant | None = None
    updated: Instant | None = None
    max_session: int = 3600
    policies: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Policy:
    """A custom policy of an account. `document` is a JSON text."""

    document: str
    description: str = ""
    created: Instant | None = None
    tags: dict[str, str] = field(default_factory=dict)
