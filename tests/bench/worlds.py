# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many random worlds the property suite tries per second of a core.

A world is one drawn world with a wish and a cut, and all its stories: rehearse, run and run again in it, and in the
same world once more a run that is cut short, then rehearse, run and run again. Making the worlds and drawing them
counts; importing does not. The peer is the goal.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from xml.etree import ElementTree

from comparison import ROOT, Comparison, at_least

GOAL = 300.0
# Of all modules together.
WORLDS = 3000


def lines(scratch: pathlib.Path) -> Iterator[Comparison]:
    """The line of the suite; beside it stand the worlds per second of each scene."""
    report = scratch / "worlds.xml"
    tests = sorted(str(path) for path in (ROOT / "tests/unit").glob("test_truth_*.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-m", "soak"]
    told = {**os.environ, "PYTHONPATH": str(_collection_tree(scratch)), "APSARADB_TRUTH_WORLDS": str(WORLDS)}
    subprocess.run([*command, f"--junitxml={report}", *tests], env=told, cwd=ROOT, check=True)
    found = _by_scene(report)
    worlds, seconds = (sum(column) for column in zip(*found.values(), strict=True))
    extra = {scene: tried / spent for scene, (tried, spent) in found.items()}
    name = "property suite worlds per second"
    yield Comparison(name, worlds / seconds, GOAL, "worlds/s/core", extra, at_least(1.0))


def _by_scene(report: pathlib.Path) -> dict[str, tuple[float, float]]:
    """(worlds, CPU seconds) by the name of the test."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        told = {one.get("name"): float(one.get("value", "0")) for one in case.iter("property")}
        scene = case.get("name", "").removeprefix("test_").partition("_in_many")[0].partition("_on_many")[0]
        found[scene] = (told["worlds tried"] - 1, told["worlds cpu seconds"])
    return found


def _collection_tree(scratch: pathlib.Path) -> pathlib.Path:
    """A folder in which Python finds the collection by its name."""
    place = scratch / "tree" / "ansible_collections" / "apsaradb"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "migration").is_symlink():
        (place / "migration").symlink_to(ROOT)
    return scratch / "tree"
