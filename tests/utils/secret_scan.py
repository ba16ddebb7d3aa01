# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches what the integration tests left behind for every secret that was used in them.

Secrets are known from the emulators, which write down what they gave out and were sent, and from tests/secrets.txt for
those that never reach one. What is searched: the whole output at the highest verbosity, the folder of each target (with
the records, reports and logs in it), what Ansible left in its own temporary folder, and the arguments of processes.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
import time
from collections.abc import Iterable

import cores
from process_arguments import ArgumentWatch

sys.path.insert(0, str(cores.ROOT / "tests" / "reliability"))

_DECLARED = cores.ROOT / "tests" / "integration" / "secrets.txt"
# What tests hand in: the emulator's first words, inventories, profiles, what a writer of rows is told.
_INPUTS = re.compile(r"(^|/)(ready\.json|inventory\.(json|yml)|writer\.json|verbose\.yml|home/.*|empty/.*)$")
_SHOWN = re.compile(
    r"(Running |Run command|TASK |PLAY |RUNNING HANDLER|ok: |changed: |skipping: |included: |fatal: |failed: "
    r"|\.\.\.ignoring|ERROR|FATAL|WARNING|NOTICE|\[WARNING|\[ERROR|testhost +:)"
)
_MOST_HITS = 40


class Kept:
    """The folder in which a run of the integration tests leaves what is to be searched."""

    def __init__(self, folder: pathlib.Path, marker: str) -> None:
        self.folder = folder
        self.watch = ArgumentWatch(marker)
        self._began = time.time()
        folder.mkdir()

    @property
    def output(self) -> pathlib.Path:
        """Where everything goes that was printed."""
        return self.folder / "output.txt"

    def scan(self, temporary: Iterable[pathlib.Path]) -> tuple[str, list[str]]:
        """What was searched, in a line, and the hits. temporary: folders that should have nothing left of this run."""
        # Beside the tests that use it.
        from secret_scanner import Scanner  # type: ignore[import-not-found]

        scanner = Scanner(self._secrets())
        scanner.folder(self.folder, lambda path: path.suffix == ".secrets" or bool(_INPUTS.search(str(path))))
        for folder in temporary:
            scanner.folder(folder, lambda path: path.stat().st_mtime < self._began)
        for arguments in self.watch.seen:
            scanner.command_line(arguments)
        hits = list(dict.fromkeys(map(str, scanner.hits)))
        if not (scanner.secrets and scanner.files and scanner.arguments):
            hits.append("nothing was searched: no secrets, no files or no processes were seen")
        return scanner.summary(), hits[:_MOST_HITS]

    def _secrets(self) -> list[str]:
        told = [path.read_text() for path in self.folder.glob("*.secrets")]
        declared = [line for line in _DECLARED.read_text().splitlines() if line and not line.startswith("#")]
        return declared + [json.loads(line) for text in told for line in text.splitlines()]


class Shortened:
    """Chooses what is shown of an output at the highest verbosity: as much as without, and failures in full."""

    def __init__(self) -> None:
        self._failure = False

    def __call__(self, line: str) -> str:
        """The line as it is shown, nothing if it is not."""
        if self._failure:
            self._failure = not line.startswith("}")
            return line
        if not _SHOWN.match(line):
            return ""
        self._failure = line.startswith(("fatal: ", "failed: ")) and line.rstrip().endswith("{")
        return line if self._failure else line.replace(" => {\n", "\n")
