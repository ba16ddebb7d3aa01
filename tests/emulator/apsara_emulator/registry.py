# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which function answers which action. Rooms such as `rds.describe` register theirs when they are imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .world import World

Answer = dict[str, Any]
Handler = Callable[["World", "Call"], Answer]


@dataclass
class Call:
    """One call on its way. `parameters` are texts, as they came.

    `took_effect` becomes True when a writing action succeeds; a handler that answers with success without changing
    anything takes that back. `list_lag` is what a fault adds to the lag of listings, in seconds.
    """

    account_id: str
    service: str
    action: str
    parameters: dict[str, str]
    request_id: str
    access_key_id: str = ""
    identity: str = "account"
    list_lag: float = 0.0
    took_effect: bool = False
    query_names: frozenset[str] = frozenset()
    """Which parameters came in the query and not in the form; nothing when called in process."""

    def text(self, name: str) -> str:
        """A parameter, or the empty text."""
        return self.parameters.get(name, "")

    def flag(self, name: str) -> bool:
        """Whether a boolean parameter is true."""
        return self.text(name).lower() == "true"


@dataclass(frozen=True)
class Action:
    """An action that is answered here."""

    handler: Handler
    mutating: bool


ACTIONS: dict[tuple[str, str], Action] = {}


def action(service: str, name: str, *, mutating: bool) -> Callable[[Handler], Handler]:
    """Decorator: the function answers `name` of `service`."""

    def register(handler: Handler) -> Handler:
        ACTIONS[service, name] = Action(handler, mutating)
        return handler

    return register
