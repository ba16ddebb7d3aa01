# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the pins: the versions that .venv and the environments of nox hold now, and the hashes of all their files.

pip takes nothing else, whatever the index offers: with one hash among its constraints it wants one for everything.

To move to newer versions: change requirements-dev.txt, and PIP and BUILD below, empty constraints.txt and the files of
tests/utils/pins below their headers, "make clean test docs", and run "nox -e pin".
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

import cores
import library_bounds

# Both are there before anything that a session could list.
PIP = ["pip==26.3"]
BUILD = ["setuptools==84.2.1", "wheel==0.48.0"]

PINS = cores.ROOT / "tests" / "utils" / "pins"
LICENCE_LINES = 3


def frozen(python: pathlib.Path) -> dict[str, str]:
    """The packages of an environment and their versions."""
    command = [f"{cores.VENV}/bin/python", "-m", "pip", f"--python={python}", "freeze", "--exclude-editable"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = (line.partition("==") for line in listing.splitlines())
    return {name.lower().replace("_", "-"): version for name, separator, version in pairs if separator}


def of_sessions() -> dict[str, str]:
    """The packages of all environments of nox; where these differ, the lowest version, with which all can live."""
    from packaging.version import Version

    versions: dict[str, set[str]] = {}
    for python in sorted(cores.CACHE.glob("*/bin/python")):
        for name, version in frozen(python).items():
            versions.setdefault(name, set()).add(version)
    for name, several in sorted(versions.items()):
        if len(several) > 1:
            print(f"sessions differ, the lowest is taken: {name} {' '.join(sorted(several))}")
    return {name: min(several, key=Version) for name, several in versions.items()}


def with_hashes(uv: str, pins: list[str]) -> str:
    """The same pins with hashes."""
    return compiled(uv, pins, "--no-deps", f"--python={cores.VENV}/bin/python") if pins else ""


def lowest(uv: str) -> str:
    """The lowest versions of the libraries and of ansible-core, and what these bring along, with hashes."""
    lines = (cores.ROOT / "requirements-dev.txt").read_text().splitlines()
    tools = [line for line in lines if line.lower().split("==")[0] in library_bounds.TOOLS]
    python = f"--python={cores.find_python(library_bounds.LOWEST_PYTHON)}"
    oldest = f"ansible-core=={cores.OLDER[0].release}"
    return compiled(uv, [oldest, *tools], python, "--resolution=lowest-direct", *library_bounds.LIBRARIES)


def compiled(uv: str, wanted: list[str], *rules: str) -> str:
    """What uv makes of requirements: hashes of all files of each version, and no word of the index."""
    options = ["--quiet", "--no-config", "--generate-hashes", "--no-annotate", "--no-header"]
    command = [uv, "pip", "compile", *options, *rules, "-"]
    text = "\n".join(wanted)
    return subprocess.run(command, cwd=cores.ROOT, input=text, stdout=subprocess.PIPE, text=True, check=True).stdout


def write(path: pathlib.Path, comment: str, pins: str) -> None:
    licence = pathlib.Path(__file__).read_text().splitlines(keepends=True)[:LICENCE_LINES]
    path.write_text(f"{''.join(licence)}\n# {comment} Written by tests/utils/pin.py.\n\n{pins}")
    print(f"{path.relative_to(cores.ROOT)}: {pins.count('==')} pins")


def main() -> int:
    uv = sys.argv[1]
    venv, sessions = frozen(cores.VENV / "bin" / "python"), of_sessions()
    apart = {name for name in venv.keys() & sessions.keys() if venv[name] != sessions[name]}
    both = {name: version for name, version in {**venv, **sessions}.items() if name not in apart}

    def listed(versions: dict[str, str]) -> list[str]:
        return [f"{name}=={versions[name]}" for name in sorted(versions)]

    everything = "Pins everything that the tools bring along, so that a checkout of today works tomorrow."
    write(cores.ROOT / "constraints.txt", everything, with_hashes(uv, listed(both)))
    for group, versions in (("venv", venv), ("sessions", sessions)):
        rest = listed({name: versions[name] for name in apart})
        write(
            PINS / f"{group}.txt",
            "What .venv and the sessions of nox need in different versions.",
            with_hashes(uv, rest),
        )
    first = "The pip that installs the rest: older ones do not take hashes from constraints."
    write(PINS / "pip.txt", first, with_hashes(uv, PIP))
    write(PINS / "build.txt", "What packages without a wheel are built with.", with_hashes(uv, BUILD))
    bounds = "The lowest versions that the collection is said to work with, on the oldest Python and ansible-core."
    write(PINS / "lowest.txt", bounds, lowest(uv))
    return 0


if __name__ == "__main__":
    sys.exit(main())
