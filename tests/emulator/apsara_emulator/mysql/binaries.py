# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which MariaDB programs this computer has."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

# Servers are kept where an ordinary user's PATH may not lead.
_MORE_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/opt/mariadb/bin")
_NEEDED = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump", "mariadb-binlog")

MISSING_SERVER = "no MariaDB server programs were found: install MariaDB (Debian and Ubuntu: mariadb-server)"
MISSING_LIBRARY = "the Python library PyMySQL is missing: pip install apsara-emulator[mysql]"


@dataclass(frozen=True)
class Binaries:
    """The programs of one MariaDB. `version` is its own word, such as 10.11.18."""

    version: str
    paths: Mapping[str, str]

    def program(self, name: str) -> str:
        """The path of a program, e.g. `mariadb-dump`."""
        return self.paths[name]


@lru_cache(maxsize=1)
def found() -> Binaries | None:
    """The programs on PATH or where distributions put servers; nothing if one of those needed is not there."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *_MORE_FOLDERS])
    paths = {name: path for name in _NEEDED if (path := shutil.which(name, path=folders))}
    if len(paths) < len(_NEEDED):
        return None
    try:
        answer = subprocess.run(
            [paths["mariadbd"], "--no-defaults", "--version"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"Ver ([0-9.]+)-MariaDB", answer.stdout)
    return Binaries(version[1], paths) if version else None


def missing() -> str:
    """Why no server can be started here; empty if one can."""
    if found() is None:
        return MISSING_SERVER
    return "" if importlib.util.find_spec("pymysql") else MISSING_LIBRARY
