# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the archive in which Ansible sends a module are compiled once; everything else of an import stays the same.

Each test imports in a process of its own, from an archive as Ansible makes it: sources, no bytecode.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import zipfile

import pytest
from ansible_collections.apsaradb.migration.plugins import module_utils

UTILS = pathlib.Path(next(iter(module_utils.__path__)))
MODULES = UTILS.parent / "modules"
PACKAGE = "ansible_collections.apsaradb.migration.plugins"
PLUGINS = PACKAGE.replace(".", "/")
# Ansible sends each with an empty __init__.py.
FOLDERS = ("modules", "module_utils", *(f"module_utils/{path.name}" for path in UTILS.glob("_[a-z]*/")))
PACKAGES = (
    "ansible_collections",
    "ansible_collections/apsaradb",
    "ansible_collections/apsaradb/migration",
    PLUGINS,
    *(f"{PLUGINS}/{name}" for name in FOLDERS),
)
DOORS = {"_module", "_migration_module", "_local_module"}

COUNTING = """
import collections, json, sys
compiled = collections.Counter()
sys.addaudithook(lambda event, told: compiled.update([str(told[1])]) if event == "compile" and told[1] else None)
sys.path[:] = [{archive!r}, *{path!r}]
"""


def run(code, archive):
    """What the code prints, as JSON. It finds the archive first, and knows `compiled`: how often each file was."""
    code = COUNTING.format(archive=str(archive), path=sys.path) + code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def box(tmp_path):
    """A package with a door, a module and a package in it."""
    with zipfile.ZipFile(tmp_path / "box.zip", "w") as archive:
        archive.write(UTILS / "_compile_once.py", "box/_compile_once.py")
        archive.writestr("box/__init__.py", "")
        archive.writestr("box/door.py", "from . import _compile_once, beside\nfrom .inner import deep\n")
        archive.writestr("box/beside.py", "def broken():\n    return 1 / 0  # here\n")
        archive.writestr("box/inner/__init__.py", "")
        archive.writestr("box/inner/deep.py", "WHERE = __file__\n")
    return tmp_path / "box.zip"


def test_what_is_imported_after_it_is_compiled_once(box):
    found = run("import box.door; print(json.dumps(compiled))", box)
    assert found[f"{box}/box/beside.py"] == 1
    assert found[f"{box}/box/inner/__init__.py"] == 1
    assert found[f"{box}/box/inner/deep.py"] == 1


def test_modules_know_where_they_are(box):
    code = """
import box.door, traceback
from box import beside, inner
try:
    beside.broken()
except ZeroDivisionError:
    told = traceback.format_exc()
print(json.dumps([inner.__file__, inner.deep.WHERE, beside.__spec__.origin, told]))
"""
    package, deep, beside, told = run(code, box)
    assert package == f"{box}/box/inner/__init__.py"
    assert deep == f"{box}/box/inner/deep.py"
    assert beside == f"{box}/box/beside.py"
    assert f'File "{beside}", line 2, in broken' in told
    assert "return 1 / 0  # here" in told


def test_what_is_not_there_is_missed_as_ever(box):
    code = """
import box.door, zipimport
missed = []
for name in ("box.nothing", "box.inner.nothing"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        missed.append(error.name)
try:
    box.door._compile_once.Importer({archive!r}).get_filename("nothing")
except zipimport.ZipImportError as error:
    missed.append(error.name)
print(json.dumps(missed))
"""
    assert run(code.format(archive=str(box)), box) == ["box.nothing", "box.inner.nothing", "nothing"]


def test_other_archives_are_imported_as_ever(box, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("other.py", "")
    code = """
import box.door
sys.path.append({other!r})
import other
print(json.dumps(type(other.__loader__).__name__))
"""
    assert run(code.format(other=str(tmp_path / "other.zip")), box) == "zipimporter"


def test_from_a_folder_nothing_changes(box):
    code = """
hooks = list(sys.path_hooks)
from {package}.module_utils import _compile_once
print(json.dumps([hooks == sys.path_hooks, type(_compile_once.__loader__).__name__]))
"""
    same, loader = run(code.format(package=PACKAGE), box)
    assert same
    assert "zip" not in loader


@pytest.mark.parametrize("module", sorted(path.stem for path in MODULES.glob("*.py")))
def test_each_module_imports_it_first(tmp_path, module):
    with zipfile.ZipFile(tmp_path / "sent.zip", "w") as archive:
        for folder in PACKAGES:
            archive.writestr(f"{folder}/__init__.py", "")
        for path in (*UTILS.rglob("*.py"), MODULES / f"{module}.py"):
            archive.write(path, f"{PLUGINS}/{path.relative_to(UTILS.parent)}")
    found = run(f"import {PACKAGE}.modules.{module}; print(json.dumps(compiled))", tmp_path / "sent.zip")
    own = {name.partition(f"{PLUGINS}/")[2]: times for name, times in found.items() if PLUGINS in name}
    assert own[f"modules/{module}.py"] > 0
    twice = {pathlib.Path(name).stem for name, times in own.items() if times > 1}
    # The module itself and the door by which it enters come before it.
    assert twice - {"__init__"} <= {module, "_compile_once", *DOORS}
