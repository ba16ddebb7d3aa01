# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start an emulator that outlives the task, and wait until it is ready."""

from __future__ import annotations

import json
import pathlib
import subprocess
import tempfile
import time

from ansible.plugins.action import ActionBase

# Seconds. A busy computer starts it slowly.
LONGEST_START = 60


class ActionModule(ActionBase):
    """python: its interpreter. arguments: of its command line. keep_secrets_in: a folder for a file with its secrets.

    Facts: emulator, the document it tells when it is ready; emulator_process, its id; emulator_folder, which holds
    ready.json and log.txt.
    """

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        folder = pathlib.Path(tempfile.mkdtemp(suffix=".emulator"))
        command = [str(self._task.args["python"]), "-m", "apsara_emulator", *map(str, self._task.args["arguments"])]
        if self._task.args.get("keep_secrets_in"):
            # Whoever searches for secrets afterwards has to know them.
            command += ["--secrets", str(pathlib.Path(self._task.args["keep_secrets_in"], f"{folder.name}.secrets"))]
        ready, log = folder / "ready.json", folder / "log.txt"
        with ready.open("wb") as output, log.open("wb") as errors:
            process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        deadline = time.monotonic() + LONGEST_START
        while not ready.read_text().endswith("}\n"):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                return {**result, "failed": True, "msg": f"the emulator did not start:\n{log.read_text()}"}
            time.sleep(0.02)
        facts = {
            "emulator": json.loads(ready.read_text()),
            "emulator_process": str(process.pid),
            "emulator_folder": str(folder),
        }
        return {**result, "changed": True, "ansible_facts": facts}
