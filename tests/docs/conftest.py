# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is documented is tried: README and the guides are run on the emulator, as they stand.

ansible-test does not come here: nothing of this depends on the ansible-core.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import urllib.request
from typing import Any

import pytest
from ansible_collections.apsaradb.migration.tests.docs.pages import ROOT, Page

BIN = pathlib.Path(sys.executable).parent
# The emulator hurries, and so do the playbooks.
SPEED, LIMIT = 3600, 1800


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: runs long; make soak runs it, make test does not")


class Emulator:
    """The stand-in for the service, in a process of its own."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "apsara_emulator", "--port", "0", "--speed", str(SPEED)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready = json.loads(self.process.stdout.readline())
        self.keys = [
            {name: one[name] for name in ("access_key_id", "access_key_secret")} for one in self.ready["accounts"]
        ]

    @property
    def environment(self) -> dict[str, str]:
        endpoints = {
            f"APSARADB_{name.upper()}_ENDPOINT": self.ready[name] for name in ("rds", "dts", "ram", "sts", "oss")
        }
        return {**endpoints, **{f"ALIBABA_CLOUD_{name.upper()}": value for name, value in self.keys[0].items()}}

    def control(self, path: str, body: Any = None) -> Any:
        """Ask, or change something with a body; an empty one is none."""
        data = None if body is None else json.dumps(body).encode() if body else b""
        request = urllib.request.Request(f"{self.ready['control']}/{path}", data=data)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def effects(self) -> list[str]:
        """The writes that took effect, by their actions."""
        return [call["action"] for call in self.control("calls?mutating=true") if call["took_effect"]]


@pytest.fixture(scope="session")
def one_emulator():
    emulator = Emulator()
    yield emulator
    emulator.process.terminate()
    emulator.process.wait(timeout=20)


@pytest.fixture
def emulator(one_emulator):
    """The service as it is today: the vendor took two of the actions offline."""
    one_emulator.control("reset", "")
    one_emulator.control("world", {"switches": {"retired_actions": False}})
    return one_emulator


@dataclasses.dataclass
class Reader:
    """Somebody who types what a page says, in a folder of their own."""

    folder: pathlib.Path
    emulator: Emulator

    def has(self, name: str, text: str) -> None:
        """A file that a reader has, and no page shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def knows(self, host: str, **variables: Any) -> None:
        """Variables that are other ones on the emulator, and secrets."""
        self.has(f"host_vars/{host}.yml", json.dumps(variables))

    def types(self, page: Page, before: str = "", most: int | None = None) -> str:
        """Run a page to its end, or to the first command that fails, and return what was printed."""
        return self.runs("\n".join([before, page.script(most)]), installed=page.path.suffix == ".md")

    def runs(self, script: str, installed: bool = False) -> str:
        """Run a script of bash in the same way. installed: the collection is found only where a reader puts it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ALIBABA_CLOUD_", "ALICLOUD_", "ANSIBLE_"))}
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={
                **kept,
                **self.emulator.environment,
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(self.folder),
                "ROOT": str(ROOT),
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false" if installed else "true",
                "ANSIBLE_INJECT_FACT_VARS": "false",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout[-6000:]
        return ran.stdout


@pytest.fixture
def reader(tmp_path, emulator):
    return Reader(tmp_path, emulator)
