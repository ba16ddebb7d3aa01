# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy documents of RAM: what one says, and whom it trusts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_ACCOUNT = re.compile(r"acs:ram::([0-9]{1,20}):(root|role/[\w.-]{1,64}|user/[\w.@-]{1,64}|\*)", re.ASCII)
_SERVICE = re.compile(r"([0-9]{1,20}@)?[a-z0-9-]+(\.[a-z0-9-]+)*\.aliyuncs\.com", re.ASCII)
_MAX_LENGTH = 4096
_ASSUME = ("sts:AssumeRole", "sts:*", "*")


@dataclass(frozen=True)
class Trust:
    """A statement of a trust policy: whether it allows, and the principals it is about."""

    allows: bool
    accounts: tuple[str, ...]
    services: tuple[str, ...]


class PolicyError(ValueError):
    """A document that cannot be understood. The text says why."""


def parse_trust_policy(text: str) -> list[Trust]:
    """The statements of a trust policy about sts:AssumeRole. PolicyError if the document is not one."""
    statements = statements_of(text)
    result = []
    for statement in statements:
        if "Resource" in statement:
            raise PolicyError("a statement of a trust policy has no Resource")
        principal = statement.get("Principal")
        if not isinstance(principal, dict) or not principal:
            raise PolicyError("Principal is an object with RAM, Service or Federated")
        for kind in principal:
            if kind not in ("RAM", "Service", "Federated"):
                raise PolicyError(f"Principal has no {kind[:40]!r}")
        accounts = texts_of(principal.get("RAM", []), "Principal.RAM")
        services = texts_of(principal.get("Service", []), "Principal.Service")
        for one in accounts:
            if not _ACCOUNT.fullmatch(one):
                raise PolicyError(f"{one[:80]!r} is no principal of RAM")
        for one in services:
            if not _SERVICE.fullmatch(one):
                raise PolicyError(f"{one[:80]!r} is no service")
        if any(action in _ASSUME for action in texts_of(statement["Action"], "Action")):
            result.append(Trust(statement["Effect"] == "Allow", tuple(accounts), tuple(services)))
    return result


def trusts_account(statements: list[Trust], account_id: str, guise: str = "root") -> bool:
    """Whether the account, or one of its roles (guise `role/NAME`), may assume the role."""
    names = {f"acs:ram::{account_id}:root", f"acs:ram::{account_id}:*", f"acs:ram::{account_id}:{guise}"}
    return _decided(statements, lambda one: any(name in names for name in one.accounts))


def trusts_service(statements: list[Trust], service: str) -> bool:
    """Whether a service, such as 1000000000000001@dts.aliyuncs.com, may assume the role."""
    return _decided(statements, lambda one: service in one.services)


def saved(text: str, account_id: str, manner: str) -> str:
    """A trust policy as RAM keeps it for a role of the account.

    A service of this very account loses the account's id: it is the service as this account knows it.
    """
    document = json.loads(text)
    own = f"{account_id}@"
    changed = False
    for statement in _as_list(document["Statement"]):
        services = statement["Principal"].get("Service", [])
        kept = [one.removeprefix(own) for one in _as_list(services)]
        if kept != _as_list(services):
            statement["Principal"]["Service"] = kept
            changed = True
    if manner == "compact":
        return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if manner == "rewritten":
        return json.dumps(_plain(document), sort_keys=True, indent=1, ensure_ascii=False)
    return json.dumps(document, ensure_ascii=False) if changed else text


def _decided(statements: list[Trust], fits: Any) -> bool:
    fitting = [one for one in statements if fits(one)]
    return any(one.allows for one in fitting) and all(one.allows for one in fitting)


def statements_of(text: str) -> list[dict[str, Any]]:
    """The statements of a document of either kind. PolicyError if it has another form."""
    if len(text) > _MAX_LENGTH:
        raise PolicyError(f"the document is longer than {_MAX_LENGTH} characters")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PolicyError("the document is no JSON") from error
    if not isinstance(document, dict) or set(document) != {"Statement", "Version"}:
        raise PolicyError("a document has Statement and Version")
    if document["Version"] != "1":
        raise PolicyError('Version is "1"')
    statements = _as_list(document["Statement"])
    if not statements:
        raise PolicyError("there is no statement")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise PolicyError("Effect is Allow or Deny")
        unknown = set(statement) - {"Effect", "Action", "Principal", "Resource", "Condition"}
        if unknown:
            raise PolicyError(f"a statement has no {sorted(unknown)[0][:40]!r}")
        if not texts_of(statement.get("Action", []), "Action"):
            raise PolicyError("a statement has an Action")
    return statements


def texts_of(value: Any, where: str) -> list[str]:
    """A text, or a list of texts, as a list. PolicyError if it is neither."""
    values = _as_list(value)
    if not all(isinstance(one, str) and one for one in values):
        raise PolicyError(f"{where} is a text or a list of texts")
    return values


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """Lists of a single text as that text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], str):
            return value[0]
        return [_plain(one) for one in value]
    return value
