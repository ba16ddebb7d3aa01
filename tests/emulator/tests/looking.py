# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parameters handlers really look at, noted while tests run, against what the documentation says of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apsara_emulator.contracts import load_contracts
from apsara_emulator.registry import ACTIONS, Action, Answer, Call, Handler

TOOLS = Path(__file__).parents[2] / "utils"
Looks = set[tuple[str, str, str]]


class Watched(dict[str, str]):
    """Parameters that note which of them are asked for."""

    def __init__(self, call: Call, looks: Looks) -> None:
        super().__init__(call.parameters)
        self._call, self._looks = (call.service, call.action), looks

    def _note(self, name: object) -> None:
        self._looks.add((*self._call, re.sub(r"\.\d+(\..*)?$", "", str(name))))

    def get(self, name: str, *default: Any) -> Any:
        self._note(name)
        return super().get(name, *default)

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a handler looks at all parameters, which the documentation cannot tell")

    items = keys = values = __iter__  # type: ignore[assignment]  # refused alike


@contextmanager
def watched() -> Iterator[Looks]:
    """Every look of every handler, as service, action and parameter."""
    looks: Looks = set()
    before = dict(ACTIONS)
    for key, known in before.items():
        ACTIONS[key] = Action(_watched(known.handler, looks), known.mutating)
    try:
        yield looks
    finally:
        ACTIONS.update(before)


def _watched(handler: Handler, looks: Looks) -> Handler:
    def watching(world: Any, call: Call) -> Answer:
        given = call.parameters
        call.parameters = Watched(call, looks)
        try:
            return handler(world, call)
        finally:
            call.parameters = given

    return watching


def undocumented(looks: Looks) -> list[str]:
    """Parameters that were looked at although the documentation has them among the ignored ones."""
    sys.path.insert(0, str(TOOLS))
    try:
        import emulator_parameters  # type: ignore[import-not-found]  # among the tools
    finally:
        sys.path.remove(str(TOOLS))
    contracts = load_contracts()
    ignored = {(row.service, row.action): set(row.ignored) for row in emulator_parameters.fidelity()}
    return sorted(
        f"{action} {name}"
        for service, action, name in looks
        if name in contracts[service][action].parameters and name in ignored[service, action]
    )
