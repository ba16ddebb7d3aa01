# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator with real servers behind it, for benchmarks, and plays that run against it."""

from __future__ import annotations

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from comparison import PLAYBOOK_SETTINGS, Taken, taken_by

BIN = pathlib.Path(sys.executable).parent
SECRET = "benchmarkSecret0001"

Task = dict[str, Any]


class Stage:
    """The emulator, and the servers that it started. environment: in which modules find it."""

    def __init__(self, ready: dict[str, Any], scratch: pathlib.Path) -> None:
        self._control = ready["control"]
        self.keys = ready["accounts"]
        self.scratch = scratch
        services = ("rds", "dts", "ram", "sts", "oss")
        self.environment = {
            **{f"APSARADB_{service.upper()}_ENDPOINT": ready[service] for service in services},
            "ALIBABA_CLOUD_REGION": "cn-hangzhou",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.keys[0]["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.keys[0]["access_key_secret"],
            **PLAYBOOK_SETTINGS,
            "ANSIBLE_LIBRARY": str(scratch / "library"),
        }

    def server(self, name: str) -> dict[str, Any]:
        """Start a PostgreSQL server with a database in it."""
        document = {
            "name": name,
            "accounts": [{"name": "migrator", "password": SECRET}],
            "databases": ["shop"],
            "statements": {"shop": "create table orders (id int primary key)"},
        }
        request = urllib.request.Request(
            f"{self._control}/postgresql/source",
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            made = json.load(answer)
        return {"host": made["host"], "port": made["port"], "user": "postgres", "password": made["password"]}

    def play(self, tasks: list[Task], name: str) -> tuple[Taken, str]:
        """Run the tasks, every one of which has to succeed. What they took, and what was printed."""
        path = self.scratch / f"{name}.yml"
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": tasks,
        }
        path.write_text(json.dumps([play]))
        return taken_by([BIN / "ansible-playbook", path], self.environment)

    def do_nothing(self, name: str, task: Task, times: int) -> Taken:
        """The same task many times over, which has to find its work done each time."""
        taken, told = self.play([task] * times, name)
        if not re.search(rf"\bok={times}\s+changed=0\s", told):
            raise SystemExit(f"{name} is no benchmark of doing nothing:\n{told}")
        return taken


@contextlib.contextmanager
def stage(scratch: pathlib.Path) -> Iterator[Stage]:
    """Run the emulator."""
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Stage(json.loads(process.stdout.readline()), scratch)
        finally:
            process.terminate()
