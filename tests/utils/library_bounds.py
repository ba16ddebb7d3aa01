# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the unit tests that use libraries, with the lowest or the newest versions that the collection should work with.

The lowest: on the oldest ansible-core and its oldest Python, exactly as tests/utils/pins/lowest.txt says. The newest:
on the newest of both that this machine has, without pins.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import cores

LOWEST_PYTHON = "3.10"
LOWEST_PINS = "tests/utils/pins/lowest.txt"
# What tests import beside the libraries; their versions are not what is tested. "nox -e pin" reads this too.
TOOLS = ["aiohttp", "hypothesis", "mock", "pytest", "pytest-mock", "pytest-xdist", "pyyaml", "sqlglot", "trustme"]
LIBRARIES = ["meta/ee-requirements.txt", "tests/unit/requirements.txt"]
TELL = """
import sys
from importlib.metadata import version
print(*(f"{name} {version(name)}" for name in sys.argv[1:]), sep=", ", flush=True)
"""
# Each library in use: what is sent, what is read, what goes wrong.
TESTS = [
    "test_credentials",
    "test_door",
    "test_mssql_backup",
    "test_mysql_compare",
    "test_oss_client",
    "test_oss_parts",
    "test_oss_upload",
    "test_postgresql_compare",
    "test_postgresql_source",
    "test_progress_shown",
    "test_progress_terminal",
    "test_rpc",
    "test_signing",
]


def lowest() -> tuple[pathlib.Path, list[str]] | None:
    """The Python, and what pip is to install."""
    python = cores.find_python(LOWEST_PYTHON)
    return (python, ["--require-hashes", "--no-deps", f"--requirement={LOWEST_PINS}"]) if python else None


def newest() -> tuple[pathlib.Path, list[str]] | None:
    """The Python, and what pip is to install."""
    for core in (*reversed(cores.NEWER), cores.MAIN):
        python = cores.python_for(core)
        if python:
            files = [f"--requirement={path}" for path in LIBRARIES]
            return python[1], ["--upgrade", f"ansible-core=={core.release}", *TOOLS, *files]
    return None


WAYS = {"lowest": lowest, "newest": newest}


def install(name: str, python: pathlib.Path, wanted: list[str]) -> pathlib.Path:
    """An environment with what is wanted; the lowest stays as it is, what is newest is asked anew each time."""
    environment = cores.CACHE / "bounds" / name
    if not (environment / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", environment], check=True)
    pip = [f"{cores.VENV}/bin/python", "-m", "pip", f"--python={environment}/bin/python"]
    free = {key: value for key, value in os.environ.items() if key != "PIP_CONSTRAINT"}
    subprocess.run([*pip, "install", "-qq", *wanted], check=True, cwd=cores.ROOT, env=free)
    return environment / "bin" / "python"


def tell_versions(python: pathlib.Path) -> None:
    """Say what is tested."""
    lines = [line for path in LIBRARIES for line in (cores.ROOT / path).read_text().splitlines()]
    names = sorted({line.split(">=")[0].split("[")[0].lower() for line in lines if ">=" in line and line[0] != "#"})
    subprocess.run([python, "-c", TELL, "ansible-core", *names], check=True)


def main() -> int:
    name, tree, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    found = WAYS[name]()
    if not found:
        print(f"not run: there is no Python for the {name} versions on this machine", file=sys.stderr)
        return 1
    python = install(name, *found)
    tell_versions(python)
    command = [str(python), "-m", "pytest", *options, *(f"tests/unit/{test}.py" for test in TESTS)]
    paths = os.pathsep.join([tree, str(cores.ROOT / "tests" / "emulator")])
    return subprocess.run(command, cwd=cores.ROOT, env={**os.environ, "PYTHONPATH": paths}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
