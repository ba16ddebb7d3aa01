# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The role with which DTS of another account gets at the databases of this one.

It is made in the account that owns the source. DTS works for the account that owns the destination, so the role trusts
that account, and DTS when it works for it. What a trust policy says counts, not how it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._alibaba import ram, ram_names, sts
from .._alibaba.errors import AnswerLost, ServiceError
from .._failure import BadRequest
from .._plan import Check, Plan, Step
from .dts_role_plan import Observed, Request, checks, facts, plan

if TYPE_CHECKING:
    from .._alibaba.services import Services


class DtsRolePath:
    """The path as the door runs it."""

    name = "ram_dts_role"

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self._request = request
        self._accounts: tuple[str, str] | None = None
        self._has_default_role: bool | None = None

    def observe(self) -> Observed:
        if self._accounts is None:
            self._accounts = self._ask_for_accounts()
        seen = Observed(*self._accounts, has_default_role=self._has_default_role)
        try:
            client = ram.client_of(self._services)
            found = ram.role(client, self._request.name)
            attached = ram.policies(client, found.name) if found else ()
        except ServiceError as error:
            if error.inconclusive:
                raise
            return seen._replace(refused=error)
        return seen._replace(role=found, policies=attached)

    def check(self, observed: Observed) -> list[Check]:
        return checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        """Sends the step once. Where the answer is lost, what is there decides whether it was done."""
        try:
            ram.client_of(self._services).call(step.action, step.parameters)
        except AnswerLost:
            if not self._is_done(step):
                raise
        except ServiceError:
            # Somebody else, or an attempt that was throttled late, did it meanwhile.
            if not self._shows(step):
                raise

    def wait(self, observed: Observed) -> Observed:
        """Nothing takes time here; what is, is read once more."""
        return self.observe()

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        return facts(self._request, observed, rehearsed)

    def _ask_for_accounts(self) -> tuple[str, str]:
        """(source, destination)."""
        request = self._request
        source = sts.account_id(sts.client_of(self._services))
        if not request.credentials:
            return source, request.destination
        other = self._services.reading(credentials=request.credentials)
        told = sts.account_id(sts.client_of(other))
        if request.destination and told != request.destination:
            raise BadRequest(
                f"destination_credentials are of account {told}, not of {request.destination}.",
                code="invalid_options",
                remedy="Correct destination_account_id, or leave it out.",
            )
        self._has_default_role = ram.has_role(ram.client_of(other), ram_names.DTS_ROLE)
        return source, told

    def _is_done(self, step: Step) -> bool:
        """Looks for `settle` seconds; a fresh plan without the step says so."""
        clock = self._services.clock
        end = clock.monotonic() + self._request.settle
        while not self._shows(step):
            if clock.monotonic() >= end:
                return False
            clock.sleep(min(2.0, max(self._request.settle / 4, 0.1)))
        return True

    def _shows(self, step: Step) -> bool:
        """Whether the step is not to be done any more. Where nothing may be seen, nothing shows it."""
        seen = self.observe()
        return seen.refused is None and step not in plan(self._request, seen).steps
