# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read from the code, without running it, what it says when something fails or speaks against a migration.

What only a run can tell, such as a name or a number, is an ellipsis.
"""

from __future__ import annotations

import ast
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

UNTOLD = "…"
# Statuses of checks that tell a user something to do.
SERIOUS = {"FAIL", "WARN", "UNKNOWN", "status", "bad"}
# What builds a check, here and in the gate, whose checks are plain data.
CHECKS = ("Check", "_check")
# What an action or the gate ends with. It has no code, and says itself what to do.
UNCODED = ("AnsibleActionFail", "BadWindow", "StillHeld")


class Failure(NamedTuple):
    """code: the `error.code` of a failed task."""

    code: str
    message: str
    remedy: str


class Found(NamedTuple):
    """A check that does not pass. file: where it is made."""

    file: str
    name: str
    detail: str
    remedy: str


class Scope:
    """What the names of a file and of one function in it stand for."""

    def __init__(self, top: ast.AST, function: ast.AST | None = None, told: Mapping[str, str] | None = None) -> None:
        """told: texts that the function is called with, by the names of its parameters."""
        self._top, self._inside, self._told = _values(top), _values(function) if function else {}, told or {}

    def texts(self, node: ast.expr | None, depth: int = 0) -> list[str]:
        """Every text that an expression can be, as far as the code tells."""
        if node is None or depth > 6:
            return [UNTOLD]
        if isinstance(node, ast.Constant):
            return [str(node.value)] if isinstance(node.value, str) else [UNTOLD]
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, depth)
        if isinstance(node, ast.FormattedValue):
            return self._inserted(node.value, depth)
        if isinstance(node, ast.IfExp):
            return [*self.texts(node.body, depth + 1), *self.texts(node.orelse, depth + 1)]
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            return [text for value in node.values for text in self.texts(value, depth + 1)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "str" and node.args:
            return self.texts(node.args[0], depth + 1)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self._joined([node.left, node.right], depth)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return [re.sub(r"\{\w*\}", UNTOLD, text) for text in self.texts(node.func.value, depth + 1)]
        if isinstance(node, ast.Name) and node.id in self._told:
            return [self._told[node.id]]
        if isinstance(node, ast.Name):
            # The last value that is given above the use; those of the file may stand below it.
            above = [value for value in self._inside.get(node.id, []) if value.lineno < node.lineno]
            values = above or self._top.get(node.id, [])
            return self.texts(max(values, key=lambda value: value.lineno), depth + 1) if values else [UNTOLD]
        return [UNTOLD]

    def every(self, node: ast.expr | None, count: int) -> list[str]:
        """As many texts as there are codes: of the branches above, in their order, where each has one."""
        values = self._inside.get(node.id, []) if isinstance(node, ast.Name) else []
        if count > 1 and len(values) == count:
            return [self.texts(value)[0] for value in values]
        return self.texts(node)[:1] * count

    def _inserted(self, node: ast.expr, depth: int) -> list[str]:
        """What a name inside a text is: only what is a text itself says more than that there is something."""
        return self.texts(node, depth + 1) if isinstance(node, (ast.Name, ast.IfExp, ast.Constant)) else [UNTOLD]

    def _joined(self, parts: list[ast.expr], depth: int) -> list[str]:
        texts = [""]
        for part in parts:
            texts = [f"{text}{more}" for text in texts for more in self.texts(part, depth + 1)][:8]
        return texts


def failures(root: pathlib.Path) -> list[Failure]:
    """What is raised with a code of the collection's own, once for each code, message and remedy."""
    found: dict[Failure, None] = {}
    for _path, call, scope in _calls(root):
        words = _of_trouble(call) or {word.arg: word.value for word in call.keywords}
        if (
            "code" not in words
            or (isinstance(words["code"], ast.Name) and not words["code"].id.isupper())
            or not isinstance(call.func, (ast.Name, ast.Attribute))
        ):
            continue
        codes = scope.texts(words["code"])
        said = words.get("cause") or (call.args[0] if call.args else None)
        messages = scope.every(said, len(codes))
        remedy = scope.texts(words.get("remedy"))[0] if "remedy" in words else ""
        for code, message in zip(codes, messages, strict=True):
            failure = Failure(code, tidy(message), tidy(remedy))
            # What says nothing of its own passes on what another failure said.
            if re.fullmatch(rf"[a-z][a-z0-9_]+{UNTOLD}?", code) and (failure.message or failure.remedy):
                found[failure] = None
    return sorted(found)


def _of_trouble(call: ast.Call) -> dict[str | None, ast.expr]:
    """What went wrong with one database of many has code, cause and remedy in this order."""
    is_one = isinstance(call.func, ast.Name) and call.func.id == "Trouble" and len(call.args) == 3
    if not is_one:
        return {}
    names: tuple[str | None, ...] = ("code", "cause", "remedy")
    return dict(zip(names, call.args, strict=True))


def checks(root: pathlib.Path) -> list[Found]:
    """The checks that can be made not to pass, with what they say."""
    found: dict[Found, None] = {}
    for path, call, scope in _calls(root):
        if not isinstance(call.func, ast.Name) or call.func.id not in CHECKS or len(call.args) < 3:
            continue
        if not _words(call.args[1]) & SERIOUS:
            continue
        detail = scope.texts(call.args[2])[0]
        remedy = scope.texts(call.args[3])[0] if len(call.args) > 3 else ""
        for name in scope.texts(call.args[0]):
            if re.fullmatch(r"[a-z][a-z0-9_]+", name):
                found[Found(path.stem, name, tidy(detail), tidy(remedy))] = None
    found.update(dict.fromkeys(remedies(root)))
    return sorted((one for one in found if one.detail or one.remedy), key=lambda one: (one.name, one.file))


def uncoded(root: pathlib.Path) -> list[tuple[str, str]]:
    """The action a message belongs to, and the message, of failures without a code."""
    found = set()
    for path, call, scope in _calls(root):
        if isinstance(call.func, ast.Name) and call.func.id in UNCODED and call.args:
            action = path.stem if path.parent.name == "action" else "migration_gate"
            found |= {(action, tidy(text)) for text in scope.texts(call.args[0])}
    # What only adds a word to another message is told there.
    return sorted((action, text) for action, text in found if not text.startswith(f"{UNTOLD} Nothing"))


def _words(status: ast.expr) -> set[str]:
    """Names and texts that a status is chosen from, as names."""
    nodes = list(ast.walk(status))
    texts = {node.value.upper() for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts | {node.id for node in nodes if isinstance(node, ast.Name)}


def remedies(root: pathlib.Path) -> list[Found]:
    """What tables named REMEDIES say about checks."""
    found = []
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text())
        for name, value in (pair for node in tree.body for pair in _assigned(node)):
            if not name.endswith("REMEDIES") or not isinstance(value, ast.Dict):
                continue
            scope = Scope(tree)
            rows = zip(value.keys, value.values, strict=True)
            found += [
                Found(path.stem, str(key.value), "", tidy(scope.texts(text)[0]))
                for key, text in rows
                if isinstance(key, ast.Constant)
            ]
    return found


def tidy(text: str) -> str:
    """One line, with one ellipsis where several things are left out. A text that says nothing is empty."""
    line = " ".join(text.split())
    line = re.sub(rf"{UNTOLD}(?:[\s,:;]*{UNTOLD})+", UNTOLD, line)
    return line if re.search(r"[A-Za-z]{3}", line) else ""


def _calls(root: pathlib.Path) -> Iterator[tuple[pathlib.Path, ast.Call, Scope]]:
    """Every call in a function, with what names stand for there; in helpers that take a name, once for each use."""
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text())
        constants = [node for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign))]
        top = ast.Module(body=list(constants), type_ignores=[])
        inside: set[ast.AST] = set()
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for scope in (Scope(top, function, told) for told in _uses(tree, top, function) or [{}]):
                found = [node for node in ast.walk(function) if isinstance(node, ast.Call) and node not in inside]
                yield from ((path, node, scope) for node in found)
            inside |= set(ast.walk(function))


def _uses(tree: ast.Module, top: ast.Module, helper: ast.FunctionDef) -> list[dict[str, str]]:
    """What a function whose first parameter is a name is called with in its file."""
    parameters = [parameter.arg for parameter in helper.args.args]
    if parameters[:1] != ["name"]:
        return []
    uses = []
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node is not helper):
        scope = Scope(top, function)
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id == helper.name:
                given = [*zip(parameters, call.args, strict=False), *((word.arg, word.value) for word in call.keywords)]
                uses.append({name: scope.texts(value)[0] for name, value in given if name})
    return uses


def _values(body: ast.AST) -> dict[str, list[ast.expr]]:
    values: dict[str, list[ast.expr]] = {}
    for node in ast.walk(body):
        for name, value in _assigned(node):
            values.setdefault(name, []).append(value)
    return values


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names that a statement gives a value, those of tuples included."""
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for name, value in zip(target.elts, node.value.elts, strict=False):
                if isinstance(name, ast.Name):
                    yield name.id, value
