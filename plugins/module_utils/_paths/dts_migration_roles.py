# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The roles a DTS migration needs: DTS's own, and those that let it into other accounts. Pure functions."""

from __future__ import annotations

from .._alibaba import ram, ram_names
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .dts_migration_plan import Observed, RoleFacts
from .dts_migration_request import SIDES, Endpoint, Request


def role_checks(request: Request, observed: Observed) -> list[Check]:
    foreign = [side for side in SIDES if request.side(side).role]
    return [_default_role(observed), *(_role(request, observed, side) for side in foreign)]


def _default_role(observed: Observed) -> Check:
    if observed.default_role:
        return Check("default_role", PASS, f"this account has {ram_names.DTS_ROLE}")
    status = UNKNOWN if observed.default_role is None else FAIL
    text = (
        f"{'Whether this account has' if observed.default_role is None else 'This account has no'} {ram_names.DTS_ROLE}"
    )
    text += " is not told." if observed.default_role is None else ", without which DTS works for nobody."
    return Check("default_role", status, text, "Open the DTS console once and authorise DTS.")


def _role(request: Request, observed: Observed, side: str) -> Check:
    """The role in the account that owns the side, as far as that account's credentials were given."""
    end, found, name = request.side(side), (observed.roles or {}).get(side), f"{side}_role"
    make = f"Run ram_dts_role with the credentials of account {end.account_id or 'that owns it'}."
    if observed.account_id and end.account_id == observed.account_id:
        text = f"{side}.account_id is the account of the caller."
        return Check(name, FAIL, text, f"Leave {side}.account_id and role out, or use the other account's credentials.")
    if found is None or found.exists is None:
        text = f"Whether role {end.role} of account {end.account_id} lets DTS in cannot be seen from here."
        return Check(name, UNKNOWN, text, f"Give {side}.credentials to have it looked at; the precheck tells as well.")
    if end.account_id and found.account_id and found.account_id != end.account_id:
        text = f"{side}.credentials are of account {found.account_id}, not of {end.account_id}."
        return Check(name, FAIL, text, f"Correct {side}.account_id or credentials.")
    problem = _problem(end, observed.account_id, found)
    if problem:
        # What an earlier task of the same rehearsal would have made is not there yet.
        return Check(name, WARN if observed.rehearsal else FAIL, problem, make)
    unclear = _unclear(end, observed.account_id, found)
    if unclear:
        return Check(name, UNKNOWN, unclear, "Look at the role in the RAM console; the precheck tells as well.")
    return Check(name, PASS, f"role {end.role} of account {end.account_id} lets in DTS of this account")


def _problem(end: Endpoint, caller: str, found: RoleFacts) -> str:
    """What is wrong with the role for certain; empty if nothing is."""
    if not found.exists:
        return f"Account {end.account_id} has no role {end.role}."
    if caller and found.grants is not None and not ram.dts_trust(caller) <= found.grants:
        trusted = ", ".join(sorted(map(str, found.grants))) or "nobody"
        return f"Role {end.role} does not trust DTS of account {caller}; it trusts {trusted}."
    if found.policies is not None and all(policy.name != ram.DTS_POLICY for policy in found.policies):
        return f"Role {end.role} has no policy {ram.DTS_POLICY}."
    return ""


def _unclear(end: Endpoint, caller: str, found: RoleFacts) -> str:
    """What keeps the role from being known to be right; empty if nothing does."""
    if not caller:
        return f"Whether role {end.role} trusts DTS of this account is not known: which account this is, is not told."
    if found.grants is None:
        return f"The trust policy of role {end.role} cannot be understood."
    if found.policies is None:
        return f"The policies of role {end.role} are not told."
    if not found.account_id:
        return f"Which account role {end.role} was found in is not told."
    return ""
