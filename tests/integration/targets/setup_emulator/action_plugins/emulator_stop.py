# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End an emulator, and put its folder away."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import time

from ansible.plugins.action import ActionBase

# Seconds in which it ends the servers behind its instances.
LONGEST_END = 30


class ActionModule(ActionBase):
    """process: its id. folder: where it ran. keep_in: move the folder there, where that is not empty; else it goes."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        process, folder = int(self._task.args["process"]), self._task.args["folder"]
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
            deadline = time.monotonic() + LONGEST_END
            while _runs(process) and time.monotonic() < deadline:
                time.sleep(0.02)
        if self._task.args.get("keep_in"):
            shutil.move(folder, self._task.args["keep_in"])
        else:
            shutil.rmtree(folder, ignore_errors=True)
        return {**result, "changed": True}


def _runs(process):
    """Whether it does anything; raises ProcessLookupError where it is gone altogether."""
    os.kill(process, 0)
    try:
        # In a container nobody may ask how it ended. Its name, in parentheses, may hold anything.
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return True
