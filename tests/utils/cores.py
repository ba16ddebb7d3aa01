# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ansible-core versions that the collection supports, and a virtual environment for each of them."""

from __future__ import annotations

import dataclasses
import functools
import glob
import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / ".nox"
VENV = ROOT / ".venv"

# What unit and integration tests import, in the versions that requirements-dev.txt pins.
TEST_PACKAGES = (
    "alibabacloud-credentials",
    "hypothesis",
    "mock",
    "pytest",
    "pytest-mock",
    "pytest-xdist",
    "requests",
)

# Tells what a Python is, when it can hold a virtual environment. A shim of a version that is not active fails instead.
PROBE = "import ssl, sys, venv; print('%d.%d' % sys.version_info[:2], sys.executable)"


@dataclasses.dataclass(frozen=True)
class Core:
    """One ansible-core, and the Python versions its controller runs on, most wanted first."""

    version: str
    release: str
    pythons: tuple[str, ...]


MAIN = Core("2.19", "2.19.14", ("3.11", "3.12", "3.13"))
OLDER = (
    Core("2.17", "2.17.14", ("3.10", "3.11", "3.12")),
    Core("2.18", "2.18.19", ("3.11", "3.12", "3.13")),
)
NEWER = (
    Core("2.20", "2.20.10", ("3.12", "3.13", "3.14")),
    Core("2.21", "2.21.5", ("3.12", "3.13", "3.14")),
)


@dataclasses.dataclass(frozen=True)
class Installed:
    """An ansible-core in a virtual environment."""

    core: Core
    venv: pathlib.Path
    python_version: str

    @property
    def label(self) -> str:
        return f"ansible-core {self.core.release} on Python {self.python_version}"


@functools.cache
def find_python(version: str) -> pathlib.Path | None:
    """Find a working Python of this version on PATH or among the versions that pyenv installed."""
    name = f"python{version}"
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for home in (os.environ.get("PYENV_ROOT"), os.path.expanduser("~/.pyenv")):
        pattern = os.path.join(home or "", "versions", f"{version}.*", "bin")
        folders.extend(sorted(glob.glob(pattern), key=_natural_order, reverse=True))
    for folder in folders:
        candidate = pathlib.Path(folder, name)
        if VENV in candidate.parents or not os.access(candidate, os.X_OK):
            continue
        probe = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
        found, _separator, executable = probe.stdout.strip().partition(" ")
        if found == version:
            return pathlib.Path(executable)
    return None


def _natural_order(path: str) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", path)]


def python_for(core: Core) -> tuple[str, pathlib.Path] | None:
    """Return version and path of the first of a core's Python versions that is on this machine."""
    for version in core.pythons:
        path = find_python(version)
        if path:
            return version, path
    return None


def by_name(name: str) -> Core | None:
    """Look up a core by version; "oldest" and "newest" mean those this machine has a Python for."""
    if name == "oldest":
        return next(filter(python_for, OLDER), None)
    if name == "newest":
        return next(filter(python_for, reversed(NEWER)), None)
    return next(core for core in (*OLDER, MAIN, *NEWER) if core.version == name)


def install(core: Core) -> Installed | None:
    """Return the virtual environment of a core, after making it if there is none or its pins have changed."""
    if core == MAIN:
        return Installed(core, VENV, f"{sys.version_info.major}.{sys.version_info.minor}")
    python = python_for(core)
    if python is None:
        return None
    python_version, path = python
    venv = CACHE / "cores" / core.version
    requirements = [
        f"ansible-core=={core.release}",
        *_pins(TEST_PACKAGES),
        "--requirement=tests/unit/requirements.txt",
        "--requirement=tests/integration/requirements.txt",
        "--editable=tests/emulator",
    ]
    stamp = venv / "stamp"
    wanted = _fingerprint(str(path), *requirements)
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"Installing ansible-core {core.release} for Python {python_version}", flush=True)
        subprocess.run([path, "-m", "venv", "--clear", "--without-pip", venv], check=True)
        # The pip of .venv serves all: not every Python brings its own.
        pip = [f"{VENV}/bin/python", "-m", "pip", f"--python={venv}/bin/python"]
        # Each core wants dependencies of its own, not those that constraints.txt settles for the main one.
        free = {name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"}
        subprocess.run([*pip, "install", "-qq", "pip"], check=True, cwd=ROOT, env=free)
        own_pip = [f"{venv}/bin/python", "-m", "pip"]
        subprocess.run([*own_pip, "install", "-qq", *requirements], check=True, cwd=ROOT, env=free)
        stamp.write_text(wanted)
    return Installed(core, venv, python_version)


def _pins(names: tuple[str, ...]) -> list[str]:
    lines = (ROOT / "requirements-dev.txt").read_text().splitlines()
    return [line for line in lines if line.split("==")[0] in names]


def _fingerprint(*parts: str) -> str:
    files = ("tests/unit/requirements.txt", "tests/integration/requirements.txt", "tests/emulator/pyproject.toml")
    content = [(ROOT / name).read_bytes() for name in files]
    return hashlib.sha256(b"\0".join([os.fsencode(part) for part in parts] + content)).hexdigest()
