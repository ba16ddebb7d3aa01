# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Roles of an account, their trust policies and the policies attached to them.

Facts: SDK models of RAM 2015-05-01; the vendor's page on roles for DTS across accounts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import ServiceError
from .rds import rows_of, text_of
from .rpc import RpcClient, Service
from .services import Services

RAM = Service(name="ram", version="2015-05-01", reads=frozenset({"GetRole", "ListPoliciesForRole"}))
DEFAULT_ENDPOINT = "ram.aliyuncs.com"

DTS_POLICY = "AliyunDTSRolePolicy"

CREATE, UPDATE, DELETE = "CreateRole", "UpdateRole", "DeleteRole"
ATTACH, DETACH = "AttachPolicyToRole", "DetachPolicyFromRole"


def client_of(services: Services) -> RpcClient:
    return services.client(RAM, DEFAULT_ENDPOINT)


class Policy(NamedTuple):
    """kind: System or Custom."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Role(NamedTuple):
    """trust: the trust policy as text. service_linked: made by a service for itself; None if not told."""

    name: str
    arn: str | None
    id: str | None
    description: str | None
    trust: str
    service_linked: bool | None


class Grant(NamedTuple):
    """One thing that a trust policy says. kind: RAM, Service or Federated. condition: as JSON."""

    effect: str
    action: str
    kind: str
    principal: str
    condition: str = ""

    def __str__(self) -> str:
        told = "" if self.effect == "Allow" and self.action == "sts:assumerole" else f" ({self.effect} {self.action})"
        return f"{self.kind} {self.principal}{told}" + (f" if {self.condition}" if self.condition else "")


def has_role(client: RpcClient, name: str) -> bool | None:
    """Whether the account has the role; None where the caller may not see that. Raises on faults."""
    try:
        return role(client, name) is not None
    except ServiceError as error:
        if error.inconclusive:
            raise
        return None


def role(client: RpcClient, name: str) -> Role | None:
    """None: the account has no such role. Raises ServiceError where the caller may not see that."""
    try:
        answer = client.call("GetRole", {"RoleName": name})
    except ServiceError as error:
        if error.code.startswith("EntityNotExist"):
            return None
        raise
    row = answer.get("Role")
    row = row if isinstance(row, Mapping) else {}
    linked = row.get("IsServiceLinkedRole")
    return Role(
        name=text_of(row, "RoleName") or name,
        arn=text_of(row, "Arn"),
        id=text_of(row, "RoleId"),
        description=text_of(row, "Description"),
        trust=text_of(row, "AssumeRolePolicyDocument") or "",
        service_linked=linked if isinstance(linked, bool) else None,
    )


def policies(client: RpcClient, name: str) -> tuple[Policy, ...]:
    """The policies attached to a role, sorted."""
    answer = client.call("ListPoliciesForRole", {"RoleName": name})
    rows = rows_of(answer, "Policies", "Policy")
    return tuple(sorted(Policy(text_of(r, "PolicyType") or "", text_of(r, "PolicyName") or "") for r in rows))


def dts_trust(account_id: str) -> frozenset[Grant]:
    """What lets DTS of another account in: that account, and DTS when it works for it."""
    return frozenset(
        {
            Grant("Allow", "sts:assumerole", "RAM", f"acs:ram::{account_id}:root"),
            Grant("Allow", "sts:assumerole", "Service", f"{account_id}@dts.aliyuncs.com"),
        }
    )


def grants_of(text: str) -> frozenset[Grant] | None:
    """What a trust policy says, whatever its spelling. None for what is no policy, or has NotPrincipal or NotAction.

    A list of one is its element, statements may be split or joined, keys come in any order, actions in any case.
    """
    try:
        document = json.loads(text)
        statements = _as_list(document["Statement"])
        return frozenset(grant for statement in statements for grant in _grants(statement))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def trust_document(grants: frozenset[Grant]) -> str:
    """A trust policy that says just this: one statement for what has effect, action and condition in common."""
    together: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for grant in sorted(grants):
        principals = together.setdefault((grant.effect, grant.action, grant.condition), {})
        principals.setdefault(grant.kind, []).append(grant.principal)
    statements = [_statement(*key, principals) for key, principals in together.items()]
    return json.dumps({"Statement": statements, "Version": "1"}, separators=(",", ":"))


def _statement(effect: str, action: str, condition: str, principals: Mapping[str, list[str]]) -> dict[str, Any]:
    statement: dict[str, Any] = {"Action": _SPELLING.get(action, action), "Effect": effect, "Principal": principals}
    return {**statement, "Condition": json.loads(condition)} if condition else statement


_SPELLING = {"sts:assumerole": "sts:AssumeRole"}


def _grants(statement: Mapping[str, Any]) -> list[Grant]:
    condition = statement.get("Condition")
    told = json.dumps(condition, sort_keys=True, separators=(",", ":")) if condition else ""
    principals = statement["Principal"]
    # "*" alone stands for everybody.
    kinds = principals if isinstance(principals, Mapping) else {"RAM": principals}
    return [
        Grant(str(statement["Effect"]), str(action).lower(), str(kind), str(principal), told)
        for action in _as_list(statement["Action"])
        for kind, names in kinds.items()
        for principal in _as_list(names)
    ]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
