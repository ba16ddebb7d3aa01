# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program: its ready line, its options, its end."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from apsara_emulator import VARIANTS, first_steps
from apsara_emulator.default_world import BEARER_TOKEN_ONE
from apsara_emulator.variants import draw

COMMAND = [sys.executable, "-m", "apsara_emulator"]


@contextmanager
def running(*options: str, end: int = signal.SIGTERM) -> Iterator[dict[str, Any]]:
    """The program's ready line; at the end of the block it is told to stop and has to do so quietly."""
    process = subprocess.Popen(
        [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.path.sep
    )
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(end)
        output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (0, "", "")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_ready_line(end: int) -> None:
    with running(end=end) as ready:
        services = {"rds", "dts", "ram", "sts", "oss"}
        assert set(ready) == services | {"control", "accounts", "bearer_tokens", "variants"}
        assert all(ready[name].startswith("http://127.0.0.1:") for name in services | {"control"})
        assert ready["accounts"] == [
            {
                "access_key_id": "LTAI5tApsaraEmulator0001",
                "access_key_secret": "emulatorSecretOfAccountOne0001",
                "account_id": "1000000000000001",
            },
            {
                "access_key_id": "LTAI5tApsaraEmulator0002",
                "access_key_secret": "emulatorSecretOfAccountTwo0002",
                "account_id": "2000000000000002",
            },
        ]
        assert ready["variants"] == {name: one.default for name, one in VARIANTS.items()}
        assert requests.get(f"{ready['control']}/calls", timeout=5).json() == []
        # A request that hangs must not hold up the end.
        requests.post(f"{ready['control']}/faults", json={"kind": "stall"}, timeout=5)
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.get(ready["rds"], timeout=0.2)


def test_tls_world_and_variants(tmp_path: Path) -> None:
    world = tmp_path / "world.yml"
    world.write_text(
        """
        accounts:
          - {account_id: "7", bearer_tokens: [emulator-bearer-token-account-1]}
        instances:
          - {id: rm-1, account_id: "7", engine: MySQL, engine_version: "8.0", created: 2026-01-02T03:04:05Z}
        variants: {import_id: number}
        """,
        encoding="utf-8",
    )
    options = ("--tls", "--world", str(world), "--variants", "random", "--seed", "5", "--speed", "60")
    with running(*options) as ready:
        assert ready["rds"].startswith("https://")
        assert ready["control"].startswith("http://")
        assert ready["variants"] == {**draw(5), "import_id": "number"}
        requests.post(
            f"{ready['control']}/world", json={"variants": {"bearer_forms": "all", "items_shape": "array"}}, timeout=5
        )
        query = "Action=DescribeDBInstances&Version=2014-08-15&RegionId=cn-hangzhou"
        headers = {"authorization": f"Bearer {BEARER_TOKEN_ONE}"}
        answer = requests.get(f"{ready['rds']}/?{query}", headers=headers, verify=ready["ca_path"], timeout=5)
        assert [one["DBInstanceId"] for one in answer.json()["Items"]] == ["rm-1"]
        folder = Path(ready["ca_path"]).parent
    assert not folder.exists()


@pytest.mark.parametrize("of_file", ["", "quotas: {requests_per_second: 1, tasks_per_database: 7}"])
def test_limits_of_the_command_line(tmp_path: Path, of_file: str) -> None:
    world = tmp_path / "world.yml"
    world.write_text(
        f"accounts: [{{account_id: '7', bearer_tokens: [{BEARER_TOKEN_ONE}]}}]\n{of_file}", encoding="utf-8"
    )
    with running("--world", str(world), "--requests-per-second", "3", "--latency", "0.2") as ready:
        for _start in range(2):
            before = time.monotonic()
            answers = _at_the_same_time(ready["rds"], 5)
            assert time.monotonic() - before >= 0.2
            assert sorted(answers) == [200, 200, 200, 400, 400]
            calls = requests.get(f"{ready['control']}/calls", timeout=5).json()
            assert [call["code"] for call in calls].count("Throttling.User") == 2
            # Limits of the command line are there again after a reset.
            requests.post(f"{ready['control']}/world", json={"quotas": {"requests_per_second": 0}}, timeout=5)
            requests.post(f"{ready['control']}/reset", timeout=5)
        quotas = requests.get(f"{ready['control']}/world", timeout=5).json()["quotas"]
        assert quotas["tasks_per_database"] == (7 if of_file else 20)


def _at_the_same_time(url: str, count: int) -> list[int]:
    headers = {"authorization": f"Bearer {BEARER_TOKEN_ONE}"}
    query = "Action=DescribeRegions&Version=2014-08-15"
    with ThreadPoolExecutor(count) as pool:
        sent = [pool.submit(requests.get, f"{url}/?{query}", headers=headers, timeout=10) for _number in range(count)]
        return [one.result().status_code for one in sent]


@pytest.mark.parametrize(
    "options",
    [
        ["--world", "/nonexistent.yml"],
        ["--requests-per-second", "many"],
        ["--latency", "nan"],
        ["--variants", "nonsense=1"],
        ["--variants", "import_id"],
        ["--variants", "import_id=roman"],
        ["--speed", "0"],
        ["--speed", "nan"],
        ["--speed", "fast"],
    ],
)
def test_options_that_cannot_be_used(options: list[str]) -> None:
    result = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "apsara_emulator: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("content", ["[", "a: b: c", "1", "instances: 1", "{instances: [{}]}", "accounts: {7: {}}"])
def test_world_files_that_cannot_be_understood(tmp_path: Path, content: str) -> None:
    path = tmp_path / "world.yml"
    path.write_text(content, encoding="utf-8")
    result = subprocess.run([*COMMAND, "--world", str(path)], capture_output=True, text=True, timeout=20, check=False)
    assert (result.returncode, "Traceback" in result.stderr) == (2, False)
    assert result.stderr.startswith("apsara_emulator: ")


def test_the_core_needs_nothing_but_python() -> None:
    """Unit tests import it where none of the libraries of the shell are installed."""
    program = (
        "import sys\n"
        "for name in ('aiohttp', 'trustme', 'yaml', 'requests', 'urllib3'): sys.modules[name] = None\n"
        "import apsara_emulator as e\n"
        "w = e.World.default(e.ManualClock())\n"
        "e.Gateway(w).handle(e.HttpRequest('GET', '/', {}))\n"
        "print(len(w.call('1000000000000001', 'DescribeRegions')['Regions']['RDSRegion']))\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert int(result.stdout) > 3


@pytest.mark.parametrize(
    ("shell", "form"), [("/bin/bash", "export "), ("/usr/bin/fish", "set -gx "), ("tcsh", "setenv ")]
)
def test_who_sits_at_a_terminal_is_told_what_to_type(shell: str, form: str) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "SHELL": shell}
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment)
    os.close(theirs)
    assert process.stdout is not None
    ready, told = json.loads(process.stdout.readline()), b""
    while b"Ctrl-C" not in told:
        told += os.read(ours, 4096)
    process.terminate()
    assert process.communicate(timeout=10)[0] == "", "the ready line is the only one"
    os.close(ours)
    lines = [line.strip() for line in told.decode().splitlines()]
    assert f"{form}APSARADB_OSS_ENDPOINT{' ' if form != 'export ' else '='}{ready['oss']}" in lines
    assert any(line.startswith(form) and "emulatorSecretOfAccountOne0001" in line for line in lines)
    assert any("rds_instance_info -a instance_id=rm-bp1sqlsource00001" in line for line in lines)


def test_what_is_exported_are_the_addresses_of_the_services_and_the_certificate() -> None:
    with running("--tls") as ready:
        exported = first_steps.variables(ready)
    assert exported["APSARADB_CA_PATH"] == ready["ca_path"]
    assert {name.split("_")[1].lower() for name in exported if name.endswith("_ENDPOINT")} == {
        "rds", "dts", "ram", "sts", "oss"
    }  # fmt: skip
