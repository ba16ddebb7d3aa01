# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look up known vulnerabilities of what is pinned, with pip-audit, and say how much could be looked up.

pip-audit alone ends well when no source of advisories knows a package, or when there is no source. Here that is no
pass: it ends with 0 if every package was looked up and none is vulnerable, 1 if one is, 2 if some were not looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import cores

PINNED = [
    "constraints.txt",
    "tests/utils/pins/pip.txt",
    "tests/utils/pins/build.txt",
    "tests/utils/pins/venv.txt",
    "tests/utils/pins/sessions.txt",
    "tests/utils/pins/lowest.txt",
]
SERVICES = ("pypi", "osv")


def audit(tool: str, service: str, path: str) -> list[dict[str, Any]]:
    """What pip-audit says of each package of a file; nothing if it cannot ask."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner=off", "--format=json"]
    command = [tool, *options, f"--vulnerability-service={service}", f"--requirement={path}"]
    done = subprocess.run(command, cwd=cores.ROOT, capture_output=True, text=True, check=False)
    try:
        answered: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(f"{service}: {(done.stderr.strip().splitlines() or ['no answer'])[-1]}")
        return []
    return [package for package in answered if "skip_reason" not in package]


def pinned(path: str) -> set[str]:
    """The packages and versions of a file."""
    lines = (cores.ROOT / path).read_text().splitlines()
    return {line.split()[0] for line in lines if "==" in line and not line.startswith(("#", " "))}


def verdict(wanted: set[str], answers: list[dict[str, Any]]) -> tuple[int, list[str]]:
    """The exit code, and what to tell."""
    told = sorted(
        f"{package['name']} {package['version']}: {vulnerability['id']}, repaired in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version'}"
        for package in answers
        for vulnerability in package["vulns"]
    )
    looked_up = {f"{package['name']}=={package['version']}" for package in answers}
    missing = len(wanted - looked_up)
    told.append(
        f"{len(wanted) - missing} of {len(wanted)} packages were looked up, {len(told)} vulnerabilities are known"
    )
    if missing == len(wanted):
        told[-1] = "not checked: no source of advisories can be reached"
    found = any(package["vulns"] for package in answers)
    return (1 if found else 2 if missing else 0), told


def main() -> int:
    tool = sys.argv[1]
    wanted = {pin for path in PINNED for pin in pinned(path)}
    answers: list[dict[str, Any]] = []
    for service in SERVICES:
        answers = [package for path in PINNED for package in audit(tool, service, path)]
        if answers:
            break
    code, told = verdict(wanted, answers)
    print("\n".join(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
