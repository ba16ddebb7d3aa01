# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many databases in one task of rds_oss_backup_migrate: how close it comes to the service's limit of calls per second,
and what one database costs when there are ten times as many.

The world has a raised quota of tasks and room for all databases. Restores take seconds in it, so that what is measured
is the work of the module. `python scaling.py COUNT …` prints the figures of runs with so many databases.
"""

from __future__ import annotations

import collections
import contextlib
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from typing import Any, NamedTuple

from comparison import PLAYBOOK_SETTINGS, ROOT, Comparison, at_most, taken_by

BIN = pathlib.Path(sys.executable).parent
TARGET, REGION, BUCKET = "rm-bp1sqltarget00001", "cn-hangzhou", "apsara-emulator-backups"
FEW, MANY = 1000, 10000
LATENCY, LIMIT = 0.05, 20
MIB = 1024**2
WRITE = "CreateMigrateTask"
# The one call of the module's task, without Ansible around it. Told at its end: the largest memory it held, in KiB.
MODULE = """
import importlib, json, resource, sys
folder, options = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode()
basic._ANSIBLE_PROFILE = "legacy"
module = importlib.import_module("ansible_collections.apsaradb.migration.plugins.modules.rds_oss_backup_migrate")
try:
    module.main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


class Run(NamedTuple):
    """seconds: of the task. cpu: of the process that ran it. sending: seconds from the first to the last write.

    memory: MiB, 0 if not told. calls: by action. polls: calls by action between the last write and the end. throttled:
    answers that refused a call.
    """

    databases: int
    seconds: float
    cpu: float
    sending: float
    memory: float
    calls: dict[str, int]
    polls: dict[str, int]
    throttled: int


class Emulator:
    """The stand-in for the service, with backups of so many databases in its bucket."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self._control = ready["control"]
        self.environment = {
            **{f"APSARADB_{name.upper()}_ENDPOINT": ready[name] for name in ("rds", "oss", "ram")},
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["accounts"][0]["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["accounts"][0]["access_key_secret"],
            **PLAYBOOK_SETTINGS,
        }

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._control}/{path}", timeout=120) as answer:
            return json.load(answer)

    def run(self, count: int, seconds: float, cpu: float, memory: float = 0.0) -> Run:
        """What the service saw of a run that is over; all databases have to be online."""
        calls = [call for call in self.get("calls") if call["service"] == "rds"]
        writes = [n for n, call in enumerate(calls) if call["action"] == WRITE and call["took_effect"]]
        world = self.get("world")
        online = sum(d["status"] == "Running" for d in world["instances"][TARGET]["databases"].values())
        if len(writes) != count or online < count:
            raise SystemExit(f"{len(writes)} writes for {count} databases, {online} of them online")
        moments = sorted(_seconds(task["created"]) for task in world["migrate_tasks"])
        return Run(
            count,
            seconds,
            cpu,
            moments[-1] - moments[0],
            memory,
            dict(collections.Counter(call["action"] for call in calls)),
            dict(collections.Counter(call["action"] for call in calls[writes[-1] + 1 :])),
            sum("Throttling" in (call["code"] or "") for call in calls),
        )


def lines(scratch: pathlib.Path) -> Iterator[Comparison]:
    limited = by_playbook(scratch, FEW)
    extra = {"sending": limited.sending, "cpu": limited.cpu, "throttled": limited.throttled}
    extra["polls_per_database"] = sum(limited.polls.values()) / FEW
    floor = FEW / LIMIT
    yield Comparison(f"{FEW} databases vs floor", limited.seconds, floor, "s", extra, at_most(1.15))
    few, many = (by_module(scratch, count) for count in (FEW, MANY))
    extra = {"few_mib": few.memory, "many_mib": many.memory}
    extra |= {"few_calls": sum(few.calls.values()) / FEW, "many_calls": sum(many.calls.values()) / MANY}
    name = f"{MANY} databases vs {FEW}, cost per database"
    yield Comparison(name, 1000 * many.cpu / MANY, 1000 * few.cpu / FEW, "CPU ms", extra, at_most(1.1))


def by_playbook(scratch: pathlib.Path, count: int, latency: float = LATENCY, limit: int = LIMIT) -> Run:
    """As users run it, from a distance, at the service's limit. seconds: of the task, by its own result."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [
            {"apsaradb.migration.rds_oss_backup_migrate": options(), "register": "done"},
            {"ansible.builtin.copy": {"content": "{{ done.timing }}", "dest": str(scratch / "timing.json")}},
        ],
    }
    path = scratch / "scaling.yml"
    path.write_text(json.dumps([play]))
    with emulator(scratch, count, latency, limit) as served:
        taken, told = taken_by([BIN / "ansible-playbook", path], served.environment)
        if "changed=" not in told:
            raise SystemExit(f"Nothing was restored:\n{told[-4000:]}")
        own = json.loads((scratch / "timing.json").read_text())
        return served.run(count, own["seconds"], taken.cpu)


def by_module(scratch: pathlib.Path, count: int) -> Run:
    """The module alone, beside the service and without a limit: what is left is its own work."""
    with emulator(scratch, count) as served:
        command: list[str | pathlib.Path] = [
            sys.executable,
            "-c",
            MODULE,
            collections_folder(scratch),
            json.dumps(options()),
        ]
        taken, told = taken_by(command, served.environment)
        return served.run(count, *taken, memory=int(told.split()[-1]) / 1024)


def options() -> dict[str, Any]:
    """The quota that the module knows is that of a day; here the service has another one."""
    return {
        "instance_id": TARGET,
        "bucket": BUCKET,
        "prefix": "in/",
        "region": REGION,
        "poll_interval": 2,
        "wait_timeout": 3600,
        "preflight": "warn",
    }


def collections_folder(scratch: pathlib.Path) -> pathlib.Path:
    """Where Python finds the collection under its name."""
    folder = scratch / "collections"
    place = folder / "ansible_collections" / "apsaradb"
    place.mkdir(parents=True, exist_ok=True)
    if not (place / "migration").exists():
        (place / "migration").symlink_to(ROOT)
    return folder


@contextlib.contextmanager
def emulator(scratch: pathlib.Path, count: int, latency: float = 0.0, limit: int = 0) -> Iterator[Emulator]:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        world = pathlib.Path(folder) / "world.json"
        world.write_text(json.dumps(world_of(pathlib.Path(folder), count, latency, limit)))
        command = [sys.executable, "-m", "apsara_emulator", "--port", "0", "--speed", "3600", "--world", str(world)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
            try:
                assert process.stdout is not None
                yield Emulator(json.loads(process.stdout.readline()))
            finally:
                process.terminate()


def world_of(folder: pathlib.Path, count: int, latency: float, limit: int) -> dict[str, Any]:
    """The default world with room for all of them, and their backups."""
    from apsara_emulator.default_world import default_document
    from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, backup_bytes

    objects = {}
    for number in range(count):
        name = f"shop{number:05}"
        files = (FileDescription(name, f"D:\\{name}.mdf", size=16 * MIB),)
        made = BackupSetDescription(database=name, checksums=True, files=files)
        path = folder / f"{name}.bak"
        path.write_bytes(backup_bytes(BackupDescription(sets=(made,))))
        objects[f"in/{name}.bak"] = {"file": str(path)}
    world = dict(default_document())
    world["instances"][TARGET] |= {"max_databases": 2 * count, "storage_gb": 100000}
    world["buckets"][BUCKET]["objects"] = objects
    world["quotas"] = {
        "latency": latency,
        "requests_per_second": limit,
        "parallel_restores": 0,
        "tasks_per_instance": 2 * count,
    }
    return world


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as made:
            print(by_module(pathlib.Path(made), int(argument)))
