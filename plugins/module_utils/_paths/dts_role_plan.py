# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The role for DTS of another account: options, checks, and the steps still to be done. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._alibaba import ram, ram_names
from .._alibaba.errors import ServiceError
from .._alibaba.ram import Grant, Policy, Role
from .._alibaba.ram_names import is_account_id, is_policy_name, wrong_role_name
from .._failure import refuse_options
from .._plan import FAIL, PASS, WARN, Check, Plan, Step

PRESENT, ABSENT = "present", "absent"


class Request(NamedTuple):
    """destination: id of the account that DTS works for, or empty. credentials: of that account, to ask for its id.

    exclusive: the role trusts nobody else. settle: seconds.
    """

    name: str
    state: str
    destination: str = ""
    credentials: Mapping[str, Any] = {}
    policies: tuple[Policy, ...] = (Policy("System", ram.DTS_POLICY),)
    exclusive: bool = True
    description: str | None = None
    settle: float = 60.0

    def __repr__(self) -> str:
        return f"Request({self.name!r}, {self.state!r})"


class Observed(NamedTuple):
    """role: None if there is none. refused: the service's refusal to tell. source, destination: account ids."""

    source: str
    destination: str
    role: Role | None = None
    policies: tuple[Policy, ...] = ()
    refused: ServiceError | None = None
    has_default_role: bool | None = None

    @property
    def grants(self) -> frozenset[Grant] | None:
        """What the trust policy says; None where it cannot be understood."""
        return ram.grants_of(self.role.trust) if self.role else frozenset()


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    name, destination = options["name"].strip(), (options["destination_account_id"] or "").strip()
    credentials = {k: v for k, v in (options["destination_credentials"] or {}).items() if v}
    problems = [wrong_role_name(name, "name")]
    if destination and not is_account_id(destination):
        problems.append("destination_account_id is not the id of an account, which is a number")
    if options["state"] == PRESENT and not destination and not credentials:
        problems.append("destination_account_id is missing; it may be left out with destination_credentials")
    if credentials and not credentials.keys() & {"access_key_id", "bearer_token", "profile"}:
        problems.append("destination_credentials holds no access key, no token and no profile")
    policies = tuple(Policy(p["kind"], p["name"].strip()) for p in options["policies"])
    problems += [f"policies: {p.name!r} is not the name of a policy" for p in policies if not is_policy_name(p.name)]
    if not policies and options["state"] == PRESENT:
        problems.append("policies is empty: without permissions DTS cannot do anything with the role")
    if not 0 <= options["settle"] < 86400:
        problems.append("settle must be a number of seconds")
    problems = [problem for problem in problems if problem]
    refuse_options(problems)
    return Request(
        name, options["state"], destination, credentials, tuple(sorted(set(policies))), options["exclusive"],
        options["description"], options["settle"],
    )  # fmt: skip


def checks(request: Request, observed: Observed) -> list[Check]:
    items = []
    if request.state == PRESENT:
        items.append(_accounts_check(observed))
    if observed.refused is not None:
        return [*items, Check("role_access", FAIL, observed.refused.message, observed.refused.remedy)]
    if observed.has_default_role is not None:
        items.append(_default_role_check(observed))
    if observed.role is None:
        return items
    if observed.role.service_linked:
        text = f"{request.name} was made by a service for itself and cannot be changed."
        items.append(Check("role_service_linked", FAIL, text, "Give another name."))
    return items + _trust_checks(request, observed) + _policy_checks(request, observed)


def plan(request: Request, observed: Observed) -> Plan:
    """The steps to the wanted state. Pure."""
    before = _named(request, observed)
    if observed.refused is not None:
        return Plan("unknown", predicted_state="unknown", before=before, after=before,
                    unknown=f"whether there is a role {request.name} is not told")  # fmt: skip
    steps = _removal(request, observed) if request.state == ABSENT else _making(request, observed)
    after = _named_after(request, observed) if steps else before
    state = before["state"]
    return Plan(state, steps, request.state if steps else state, before, after)


def _accounts_check(observed: Observed) -> Check:
    if observed.source != observed.destination:
        text = f"the role is made in {observed.source}, for DTS of {observed.destination}"
        return Check("accounts_differ", PASS, text)
    return Check(
        "accounts_differ",
        FAIL,
        f"The credentials are of account {observed.source}, which is the destination's as well. A role is for DTS of "
        "another account; within one, none is needed.",
        "Use the credentials of the account that owns the source, and the id of the one that owns the destination.",
    )


def _default_role_check(observed: Observed) -> Check:
    if observed.has_default_role:
        return Check("default_role", PASS, f"account {observed.destination} has {ram_names.DTS_ROLE}")
    return Check(
        "default_role",
        WARN,
        f"Account {observed.destination} has no {ram_names.DTS_ROLE}, without which DTS does not work there.",
        "Open the DTS console of that account once and authorise DTS.",
    )


def _trust_checks(request: Request, observed: Observed) -> list[Check]:
    """Who else is trusted, and loses it."""
    wanted = ram.dts_trust(observed.destination) if observed.destination else frozenset()
    if observed.grants is None:
        return [_strange_trust(request)] if request.state == PRESENT or wanted else []
    others = sorted(str(grant) for grant in observed.grants - wanted)
    if others and ((request.state == ABSENT and wanted) or (request.state == PRESENT and request.exclusive)):
        text = f"{request.name} is trusted to others as well, who lose it: {', '.join(others)}."
        remedy = "Set exclusive: false to keep them." if request.state == PRESENT else "Give another name to keep it."
        return [Check("trusts_others", WARN, text, remedy)]
    if others and request.state == PRESENT:
        return [Check("trusts_others", PASS, f"who else is trusted stays: {', '.join(others)}")]
    return []


def _strange_trust(request: Request) -> Check:
    """A policy that is no policy, or says something that is not understood, such as NotPrincipal."""
    text = f"The trust policy of {request.name} cannot be understood"
    look = "Look at it in the RAM console"
    if request.state == ABSENT:
        return Check("trusts_others", WARN, f"{text}; whom it lets in loses the role.", f"{look} before it is deleted.")
    if request.exclusive:
        return Check("trusts_others", WARN, f"{text} and is replaced.", f"{look}; give another name to keep it.")
    text += ", so that whom it lets in cannot be kept."
    return Check("trusts_others", FAIL, text, f"{look}; give another name, or set exclusive: true to replace it.")


def _policy_checks(request: Request, observed: Observed) -> list[Check]:
    others = [str(p) for p in observed.policies if p not in request.policies]
    if not others:
        return []
    if request.state == PRESENT:
        text = f"{request.name} has more policies than asked for, which stay: {', '.join(others)}."
        return [Check("other_policies", WARN, text, "Detach them, or name them in policies, if this is meant.")]
    text = f"{request.name} has policies that were not asked for: {', '.join(others)}."
    return [Check("other_policies", FAIL, text, "Name them in policies to have them detached, or give another name.")]


def _making(request: Request, observed: Observed) -> tuple[Step, ...]:
    wanted, found = _wanted_grants(request, observed), observed.role
    document, steps = ram.trust_document(wanted), []
    if found is None:
        parameters = {"RoleName": request.name, "AssumeRolePolicyDocument": document}
        parameters["Description"] = request.description or _usual_description(observed)
        steps.append(_step(request, ram.CREATE, request.name, f"there is no role {request.name}", parameters))
    else:
        changed: dict[str, str] = {}
        if observed.grants != wanted:
            changed["NewAssumeRolePolicyDocument"] = document
        if request.description is not None and (found.description or "") != request.description:
            changed["NewDescription"] = request.description
        if changed:
            why = "its description differs" if len(changed) == 1 and "NewDescription" in changed else "it trusts others"
            steps.append(_step(request, ram.UPDATE, request.name, why, {"RoleName": request.name, **changed}))
    missing = [policy for policy in request.policies if policy not in observed.policies]
    return (*steps, *(_policy_step(request, ram.ATTACH, p, "the role lacks it") for p in missing))


def _usual_description(observed: Observed) -> str:
    return f"DTS of {observed.destination} reads databases of here"


def _removal(request: Request, observed: Observed) -> tuple[Step, ...]:
    if observed.role is None:
        return ()
    attached = [policy for policy in observed.policies if policy in request.policies]
    why = f"the role {request.name} is there"
    return (
        *(_policy_step(request, ram.DETACH, p, "a role with policies cannot be deleted") for p in attached),
        _step(request, ram.DELETE, request.name, why, {"RoleName": request.name}),
    )


def _policy_step(request: Request, action: str, policy: Policy, why: str) -> Step:
    parameters = {"PolicyType": policy.kind, "PolicyName": policy.name, "RoleName": request.name}
    return _step(request, action, str(policy), why, parameters)


def _step(request: Request, action: str, subject: str, why: str, parameters: Mapping[str, Any]) -> Step:
    return Step(action, request.name, (subject,), why, parameters)


def _wanted_grants(request: Request, observed: Observed) -> frozenset[Grant]:
    wanted = ram.dts_trust(observed.destination)
    return wanted if request.exclusive else wanted | (observed.grants or frozenset())


def _named(request: Request, observed: Observed) -> dict[str, Any]:
    if observed.refused is not None:
        return {"name": request.name, "state": "unknown"}
    if observed.role is None:
        return {"name": request.name, "state": ABSENT}
    return {
        "name": request.name,
        "state": PRESENT,
        "trusts": _trusted(observed),
        "policies": [str(policy) for policy in observed.policies],
    }


def _trusted(observed: Observed) -> list[str] | None:
    return None if observed.grants is None else sorted(map(str, observed.grants))


def _named_after(request: Request, observed: Observed) -> dict[str, Any]:
    if request.state == ABSENT:
        return {"name": request.name, "state": ABSENT}
    return {
        "name": request.name,
        "state": PRESENT,
        "trusts": sorted(map(str, _wanted_grants(request, observed))),
        "policies": [str(policy) for policy in sorted({*observed.policies, *request.policies})],
    }


def facts(request: Request, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
    """The module's own result keys."""
    predicted = rehearsed is not None and bool(rehearsed.steps)
    return {
        "name": request.name,
        "account_id": observed.source,
        "destination_account_id": observed.destination or None,
        "role": _predicted(request, observed) if predicted else _shown(observed),
    }


def _shown(observed: Observed) -> dict[str, Any] | None:
    found = observed.role
    if found is None:
        return None
    return {
        "name": found.name,
        "arn": found.arn,
        "id": found.id,
        "description": found.description,
        "trusts": _trusted(observed),
        "policies": [str(policy) for policy in observed.policies],
    }


def _predicted(request: Request, observed: Observed) -> dict[str, Any] | None:
    if request.state == ABSENT:
        return None
    found, after = observed.role, _named_after(request, observed)
    told = request.description if request.description is not None else found and found.description
    return {
        "name": found.name if found else request.name,
        "arn": found.arn if found else f"acs:ram::{observed.source}:role/{request.name.lower()}",
        "id": found.id if found else None,
        "description": told or (None if found else _usual_description(observed)),
        "trusts": after["trusts"],
        "policies": after["policies"],
    }
