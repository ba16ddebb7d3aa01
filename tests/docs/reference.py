# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ansible-doc shows of the collection, and what the code of the collection raises."""

from __future__ import annotations

import ast
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ansible_collections.apsaradb.migration.tests.docs.pages import ROOT

COLLECTION = "apsaradb.migration"
ANSIBLE_DOC = pathlib.Path(sys.executable).with_name("ansible-doc")
KINDS = {"module": "plugins/modules/*.py", "callback": "plugins/callback/*.py", "role": "roles/*"}


def names(kind: str) -> list[str]:
    return sorted(f"{COLLECTION}.{path.stem}" for path in ROOT.glob(KINDS[kind]))


@cache
def documents(kind: str) -> Mapping[str, Any]:
    """Every document of a kind, as ansible-doc understands it."""
    # Of a role ansible-doc says only what is asked for by name.
    command = [str(ANSIBLE_DOC), "--type", kind, "--json", *names(kind)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": os.environ["PYTHONPATH"].split(os.pathsep)[0]}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: Mapping[str, Any] = json.loads(ran.stdout)
    return found


def within(options: Mapping[str, Any] | None, inner: str, above: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Options or return values with those inside of them, which have their path as a name."""
    for name, one in (options or {}).items():
        yield f"{above}{name}", one
        yield from within(one.get(inner) or one.get("options"), inner, f"{above}{name}.")


def text(description: str | list[str]) -> str:
    return description if isinstance(description, str) else " ".join(description)


class Raised(NamedTuple):
    """codes: texts that its code may be; nothing where the code is that of the service or server."""

    place: str
    name: str
    told: bool
    codes: list[str]


@cache
def trees() -> dict[pathlib.Path, ast.Module]:
    return {path: ast.parse(path.read_text()) for path in sorted((ROOT / "plugins").rglob("*.py"))}


@cache
def failures() -> frozenset[str]:
    """MigrationFailure and what is made from it: what users are told."""
    classes = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    family = {"MigrationFailure"}
    while True:
        more = {one.name for one in classes if family & {ast.unparse(base) for base in one.bases}}
        if more <= family:
            return frozenset(family)
        family |= more


def made() -> Iterator[Raised]:
    """Every failure that the code makes, raised there or elsewhere, and everything else that it raises."""
    for path, tree in trees().items():
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        raised = {node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise)}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func).rpartition(".")[2]
            if name not in failures() and not (call in raised and name[:1].isupper()):
                continue
            code = next((word.value for word in call.keywords if word.arg == "code"), None)
            code = constants.get(code.id, code) if isinstance(code, ast.Name) else code
            yield Raised(f"{path.relative_to(ROOT)}:{call.lineno}", name, code is not None, list(_texts(code)))


def _texts(code: ast.expr | None) -> Iterator[str]:
    """The words of an expression, whichever of them it is; put together ones as the page writes them."""
    if isinstance(code, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in code.values)
    elif isinstance(code, ast.Constant):
        yield str(code.value)
    elif code is not None:
        for inner in ast.iter_child_nodes(code):
            if isinstance(inner, ast.expr):
                yield from _texts(inner)
