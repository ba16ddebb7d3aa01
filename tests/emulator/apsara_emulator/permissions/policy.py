# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies that give or deny rights, and what they say of an action on a resource."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ..policy_documents import PolicyError, statements_of, texts_of

ALLOWED, IMPLICIT_DENY, EXPLICIT_DENY = "Allow", "ImplicitDeny", "ExplicitDeny"
_RESOURCE = re.compile(r"\*|acs:[^:]+:[^:]*:[^:]*:.+")
_ACTION = re.compile(r"\*|[a-z*?-]+:[A-Za-z*?]+", re.ASCII)


@dataclass(frozen=True)
class Statement:
    """One statement. Its actions and resources are patterns, in which * is any text and ? any character."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def is_about(self, action: str, resource: str) -> bool:
        return any(_fits(one, action) for one in self.actions) and any(_fits(one, resource) for one in self.resources)


@lru_cache(maxsize=512)
def parse_policy(text: str) -> tuple[Statement, ...]:
    """The statements of a policy. PolicyError if the document is none, or has what cannot be judged here."""
    result = []
    for statement in statements_of(text):
        resources = texts_of(statement.get("Resource", []), "Resource")
        actions = texts_of(statement["Action"], "Action")
        if "Principal" in statement or not resources:
            raise PolicyError("a statement of a policy has a Resource and no Principal")
        if statement.get("Condition"):
            raise PolicyError("a Condition cannot be judged by the emulator")
        for one in actions:
            if not _ACTION.fullmatch(one):
                raise PolicyError(f"{one[:80]!r} is no action")
        for one in resources:
            if not _RESOURCE.fullmatch(one):
                raise PolicyError(f"{one[:80]!r} is no resource")
        result.append(Statement(statement["Effect"] == "Allow", tuple(actions), tuple(resources)))
    return tuple(result)


def decision(texts: Iterable[str], action: str, resource: str) -> str:
    """What policies together say: a denial decides, then a permission, and nothing said is a denial too."""
    about = [one for text in texts for one in parse_policy(text) if one.is_about(action, resource)]
    if not all(one.allows for one in about):
        return EXPLICIT_DENY
    return ALLOWED if about else IMPLICIT_DENY


def _fits(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    """RAM compares the names of roles and policies without letter case."""
    parts = {"*": ".*", "?": "."}
    expression = "".join(parts.get(one, re.escape(one)) for one in pattern)
    flags = re.IGNORECASE if pattern.startswith("acs:ram:") else re.RegexFlag(0)
    return re.compile(expression, flags | re.DOTALL)
