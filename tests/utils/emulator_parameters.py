# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which parameters of a call the emulator looks at, read from the code of what answers the action.

A function can only look at a parameter through the `Call` that it is given, so functions are followed as far as they
pass it on. A name that is put together at run time stands for all that it can be. What is found so is a little too much
rather than too little; the emulator's own tests fail when a handler looks at a parameter that is not found here.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from apsara_emulator.contracts import Contract, load_contracts
from apsara_emulator.registry import ACTIONS

ANYTHING = "*"
READERS = ("text", "flag")
Bindings = Mapping[str, frozenset[str]]
Function = Callable[..., Any]


class Fidelity(NamedTuple):
    """What becomes of the parameters of an action. used: looked at by what answers it; ignored: all others."""

    service: str
    action: str
    writes: bool
    retired: bool
    required: list[str]
    used: list[str]
    ignored: list[str]


def fidelity() -> list[Fidelity]:
    """Every action that is answered, by service and name."""
    contracts = load_contracts()
    return [_of_action(contracts[service][name]) for service, name in sorted(ACTIONS)]


def looked_at(service: str, action: str) -> frozenset[str]:
    """The names of the parameters that may be looked at, known to the contract or not."""
    return frozenset(_followed(ACTIONS[service, action].handler, (), set()))


def _of_action(contract: Contract) -> Fidelity:
    patterns = looked_at(contract.service, contract.action)
    used = [name for name in sorted(contract.parameters) if any(matches(name, pattern) for pattern in patterns)]
    return Fidelity(
        contract.service,
        contract.action,
        ACTIONS[contract.service, contract.action].mutating,
        contract.retired,
        sorted(name for name, parameter in contract.parameters.items() if parameter.required),
        used,
        sorted(set(contract.parameters) - set(used)),
    )


def matches(name: str, pattern: str) -> bool:
    """Whether a name, of which Tag.1.Key is one for Tag, is what a text with stars stands for."""
    base = re.sub(r"\.(\d+|\*)(\..*)?$", "", pattern)
    return bool(re.fullmatch(".+".join(map(re.escape, base.split(ANYTHING))), re.sub(r"\.\d+(\..*)?$", "", name)))


def _followed(function: Function, bound: tuple[tuple[str, frozenset[str]], ...], seen: set[Any]) -> Iterator[str]:
    """Names that a function and those that it hands its call to look at. bound: what its parameters are called with."""
    function = inspect.unwrap(function)
    if (function, bound) in seen:
        return
    seen.add((function, bound))
    body, names = _body(function), Names(function, dict(bound))
    for node in ast.walk(body):
        if isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "call.parameters":
            yield from names.of(node.left)
        if not isinstance(node, ast.Call):
            continue
        if _reads(node):
            yield from names.of(node.args[0])
        elif any(isinstance(value, ast.Name) and value.id == "call" for value in _values(node)):
            target = _target(function, node.func)
            if target is not None:
                yield from _followed(target, tuple(sorted(_handed(target, node, names).items())), seen)


def _reads(node: ast.Call) -> bool:
    """call.text("X"), call.flag("X"), call.parameters.get("X")."""
    function = node.func
    if not isinstance(function, ast.Attribute) or not node.args:
        return False
    owner = ast.unparse(function.value)
    return (owner == "call" and function.attr in READERS) or (owner == "call.parameters" and function.attr == "get")


def _values(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(word.value for word in node.keywords)]


def _target(function: Function, named: ast.expr) -> Function | None:
    """The function of the emulator that a call names."""
    try:
        found = eval(ast.unparse(named), function.__globals__)
    except (NameError, AttributeError):
        return None
    own = getattr(found, "__module__", "").startswith("apsara_emulator")
    return found if own and inspect.isfunction(inspect.unwrap(found)) else None


def _handed(target: Function, node: ast.Call, names: Names) -> dict[str, frozenset[str]]:
    """What the texts are that a function is called with, by the names of its parameters."""
    parameters = list(inspect.signature(target).parameters)
    given = [*zip(parameters, node.args, strict=False), *((word.arg, word.value) for word in node.keywords)]
    kinds = (ast.Constant, ast.JoinedStr, ast.IfExp, ast.Name)
    return {
        name: frozenset(names.of(value))
        for name, value in given
        if name and isinstance(value, kinds) and not (isinstance(value, ast.Name) and value.id in ("call", "world"))
    }


@cache
def _body(function: Function) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


class Names:
    """What an expression that names a parameter can be."""

    def __init__(self, function: Function, bound: Bindings) -> None:
        self._function, self._bound = function, bound

    def of(self, node: ast.expr) -> set[str]:
        """Every text that it can be; a star in one stands for anything."""
        if isinstance(node, ast.Constant):
            return {node.value} if isinstance(node.value, str) else set()
        if isinstance(node, ast.IfExp):
            return self.of(node.body) | self.of(node.orelse)
        if isinstance(node, ast.JoinedStr):
            parts = [self._part(part) for part in node.values]
            return {"".join(one) for one in itertools.product(*parts)}
        if isinstance(node, ast.Name) and node.id in self._bound:
            return set(self._bound[node.id])
        return self._every_text()

    def _part(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Constant):
            return [str(node.value)]
        value = node.value if isinstance(node, ast.FormattedValue) else node
        known = isinstance(value, ast.Name) and value.id in self._bound
        return sorted(self.of(value)) if known else [ANYTHING]

    def _every_text(self) -> set[str]:
        """All texts of the function and of the constants that it names: the name is one of them."""
        nodes = list(ast.walk(_body(self._function)))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        for name in {node.id for node in nodes if isinstance(node, ast.Name)}:
            value = self._function.__globals__.get(name)
            if isinstance(value, (dict, tuple, list, frozenset, set)):
                texts |= {one for one in value if isinstance(one, str)}
        return texts
