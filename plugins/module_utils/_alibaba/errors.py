# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""How a call can fail, and what an answer that is an error says about it. The codes themselves: advice.py."""

from __future__ import annotations

import re

from .._failure import MigrationFailure


class ServiceError(MigrationFailure):
    """The service answered with an error, and what it was asked for was not done."""

    def __init__(self, message: str, *, retry_after: float | None = None, **facts: str | int | None) -> None:
        super().__init__(message, **facts)  # type: ignore[arg-type]  # the facts are MigrationFailure's own
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:  # type: ignore[override]  # a class attribute there, decided per answer here
        return is_throttling(self.code) or is_fault(self.code, self.http_status)

    @property
    def inconclusive(self) -> bool:
        """It says nothing about what was asked for.

        It may pass, what proves the caller has run out meanwhile, or it is no answer of the service at all.
        """
        return self.transient or has_run_out(self.code) or is_from_between(self.http_status)


class Unreachable(MigrationFailure):
    """The request never left: name, connection, certificate or proxy. Nothing was done."""

    transient = True


class Misconfigured(MigrationFailure):
    """The request was not sent because the endpoint or the trust settings are wrong."""


class AnswerLost(MigrationFailure):
    """The request was sent and no clear answer came back. Whether it took effect has to be looked up."""

    transient = True


class WriteRefused(MigrationFailure):
    """A read-only client was asked to write. This is a bug in the collection, and nothing was sent."""


def has_run_out(code: str) -> bool:
    """The token has expired or the clock is wrong, and every other call would be refused as well."""
    from . import advice

    return advice.advice(code) in (advice.TOKEN, advice.CLOCK)


def is_from_between(http_status: int | None) -> bool:
    """The service redirects nobody, and asks nobody to log in at a proxy."""
    return http_status is not None and (300 <= http_status < 400 or http_status == 407)


def is_throttling(code: str) -> bool:
    """Too many calls; the request was not carried out and may be repeated."""
    from . import advice

    return advice.advice(code) is advice.THROTTLED


def is_fault(code: str, http_status: int | None) -> bool:
    """The service failed, rather than refused: whether a write took effect is open.

    A documented refusal stays one with status 500 (IncorrectDBInstanceState is seen with 400, 403 and 500).
    """
    from . import advice

    if advice.is_documented(code):
        return advice.advice(code) is advice.FAULT
    return http_status is None or http_status >= 500


def is_unknown_action(error: MigrationFailure) -> bool:
    """The service does not offer the action: InvalidAction, or InvalidParameter that names Action."""
    from . import advice

    if advice.advice(error.code) is advice.UNKNOWN_ACTION:
        return True
    names_action = re.search(r"\bAction\b", error.message) is not None
    return error.code.lower() == "invalidparameter" and names_action


def is_wrong_state(error: MigrationFailure) -> bool:
    """An instance or database is busy or not Running. Nothing was done, and the same may work later."""
    from . import advice

    return advice.advice(error.code) is advice.STATE


def is_unknown_instance(error: MigrationFailure) -> bool:
    """No such instance in this account and region; the service does not tell which of the two."""
    from . import advice

    return advice.advice(error.code) is advice.UNKNOWN_INSTANCE


def is_forbidden(error: MigrationFailure) -> bool:
    """The caller lacks a permission for this action."""
    from . import advice

    return advice.advice(error.code) is advice.FORBIDDEN
