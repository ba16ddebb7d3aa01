# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write constraints.txt: the versions that .venv and the environments of nox hold now.

To move to newer versions: change requirements-dev.txt, empty constraints.txt below its header, "make clean test docs",
and run this.
"""

from __future__ import annotations

import subprocess
import sys

import cores

HEADER = """
# Pins everything that the tools bring along, so that a checkout of today works tomorrow. Written by tests/utils/pin.py.

"""


def frozen() -> dict[str, set[str]]:
    """Collect the versions of each package over all environments that run on the Python of .venv."""
    versions: dict[str, set[str]] = {}
    for python in (cores.VENV / "bin" / "python", *sorted(cores.CACHE.glob("*/bin/python"))):
        command = [f"{cores.VENV}/bin/python", "-m", "pip", f"--python={python}", "freeze", "--exclude-editable"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for line in listing.splitlines():
            name, separator, version = line.partition("==")
            if separator:
                versions.setdefault(name.lower().replace("_", "-"), set()).add(version)
    return versions


def main() -> int:
    path = cores.ROOT / "constraints.txt"
    head = "".join(path.read_text().splitlines(keepends=True)[:3])
    versions = frozen()
    agreed = [f"{name}=={versions[name].pop()}" for name in sorted(versions) if len(versions[name]) == 1]
    path.write_text(head + HEADER + "\n".join(agreed) + "\n")
    for name in sorted(versions):
        if len(versions[name]) > 1:
            print(f"not pinned, environments differ: {name} {' '.join(sorted(versions[name]))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
