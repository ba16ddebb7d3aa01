# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The smallest policy for what somebody asked for, and what of a policy nobody used."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

from .policy import ALLOWED, decision

_ARN = re.compile(r"acs:(?P<service>[^:]+):[^:]*:(?P<owner>[^:]*):(?P<path>.+)", re.DOTALL)
# Names that the vendor gives to its own roles and policies. They are the same everywhere, so they stay.
_FIXED = re.compile(r"(role|policy)/Aliyun[A-Za-z]+", re.ASCII)


def smallest_policy(asked: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """From rows of the ledger. What can be narrowed down to single things stands apart from what is about all."""
    named: dict[str, set[str]] = defaultdict(set)
    general: dict[str, set[str]] = defaultdict(set)
    for row in asked:
        pattern = _generalised(row["resource"])
        (general if _is_about_all(row["resource"]) else named)[pattern].add(row["action"])
    for pattern, actions in named.items():
        actions -= general.get(pattern, set())
    return {"Version": "1", "Statement": [*_statements(named), *_statements(general)]}


def _statements(actions_of: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """One for each set of actions, with all patterns that they go with."""
    patterns: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for pattern, actions in sorted(actions_of.items()):
        if actions:
            patterns[tuple(sorted(actions))].append(pattern)
    return [{"Effect": "Allow", "Action": list(key), "Resource": found} for key, found in patterns.items()]


def refused(asked: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was asked for and not allowed, as `ACTION on RESOURCE`."""
    return sorted({f"{row['action']} on {row['resource']}" for row in asked if row["answer"] != ALLOWED})


def unused(policy: Mapping[str, Any], asked: Iterable[Mapping[str, Any]]) -> list[str]:
    """What a policy allows and nobody asked for, as `ACTION on PATTERN`."""
    pairs = {(row["action"], row["resource"]) for row in asked}
    left = []
    for statement in policy["Statement"]:
        for action, pattern in product(statement["Action"], statement["Resource"]):
            alone = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": action, "Resource": pattern}]}
            if not any(decision([json.dumps(alone)], *pair) == ALLOWED for pair in pairs):
                left.append(f"{action} on {pattern}")
    return left


def _is_about_all(resource: str) -> bool:
    return resource == "*" or resource.endswith(("/*", ":*"))


def _generalised(resource: str) -> str:
    found = _ARN.fullmatch(resource)
    if found is None:
        return resource
    service, path = found["service"], found["path"]
    owner = found["owner"] if found["owner"] == "system" else "*"
    if _FIXED.fullmatch(path):
        kept = path
    elif service == "oss":
        kept = "*/*" if "/" in path else "*"
    else:
        kept = f"{path.partition('/')[0]}/*"
    return f"acs:{service}:*:{owner}:{kept}"
