# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A writer that goes on while a database is migrated, and what its log says."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

from story import BIN, OUTPUT, ROOT

PATIENCE = 5.0


class LiveWrites:
    """The writer in a process of its own. told: its document, see writer.py. name: of its log."""

    def __init__(self, told: dict[str, Any], name: str) -> None:
        self._log = OUTPUT / name
        self._log.unlink(missing_ok=True)
        command = [BIN / "python", ROOT / "demo" / "writer.py", self._log]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
        assert self._process.stdin is not None
        json.dump(told, self._process.stdin)
        self._process.stdin.close()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait(self) -> None:
        """Until it has gone to the target."""
        self._process.wait(timeout=30)

    def goes_on(self) -> bool:
        """Whether it commits to the source as before."""
        before, end = len(self._lines()), time.monotonic() + PATIENCE
        while len(self._lines()) <= before:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def commits(self, server: str) -> list[dict[str, Any]]:
        """The commits to the source or the target that were acknowledged, with row and time (seconds since 1970)."""
        return [line for line in map(json.loads, self._lines()) if line["server"] == server]

    def _lines(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []
