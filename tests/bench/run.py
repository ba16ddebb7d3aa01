# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what the collection costs beside something a user knows, both in the same run.

Each benchmark is a function that yields comparisons. Contestants take turns, so that a machine that gets slower or
faster meanwhile does so for all of them, and medians are compared.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "build" / "bench"
BIN = pathlib.Path(sys.executable).parent

ROUNDS = 5
TASKS = 20

Task = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One line of the result: what ours and the peer took, in the same unit."""

    name: str
    ours: float
    peer: float
    unit: str
    extra: dict[str, float] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        ratio = round(self.ours / self.peer, 3)
        line = {"name": self.name, "ours": round(self.ours, 3), "peer": round(self.peer, 3), "ratio": ratio}
        return {**line, "unit": self.unit, **{name: round(value, 4) for name, value in self.extra.items()}}


@contextlib.contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """Run the emulator; gives the environment in which modules find it."""
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield {
                "APSARADB_RDS_ENDPOINT": ready["rds"],
                "APSARADB_OSS_ENDPOINT": ready["oss"],
                "APSARADB_RAM_ENDPOINT": ready["ram"],
                "ALIBABA_CLOUD_REGION": "cn-hangzhou",
                "ALIBABA_CLOUD_ACCESS_KEY_ID": ready["accounts"][0]["access_key_id"],
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ready["accounts"][0]["access_key_secret"],
            }
        finally:
            process.terminate()


def write_play(name: str, task: Task) -> pathlib.Path:
    """Write a playbook that does the same task many times over."""
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [task] * TASKS,
    }
    path = SCRATCH / f"{name}.yml"
    path.write_text(json.dumps([play]))
    return path


def seconds_of(play: pathlib.Path, environment: dict[str, str]) -> float:
    """Run a play whose every task has to find its work done, and time it."""
    own = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", "LC_ALL": "C.UTF-8"}
    start = time.perf_counter()
    done = subprocess.run(
        [BIN / "ansible-playbook", play],
        cwd=ROOT,
        env={**os.environ, **own, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode or not re.search(rf"\bok={TASKS}\s+changed=0\s", done.stdout):
        raise SystemExit(f"{play.name} is no benchmark of doing nothing:\n{done.stdout}{done.stderr}")
    return seconds


def medians(contestants: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """Let the contestants take turns; the first turn only warms up."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(ROUNDS + 1):
        for name, contestant in contestants.items():
            seconds = contestant()
            if turn:
                taken[name].append(seconds)
    return {name: statistics.median(values) for name, values in taken.items()}


def no_op_modules() -> Iterable[Comparison]:
    """What a task costs that finds its work done: the price of running a playbook again."""
    tasks: dict[str, Task] = {
        "ping": {"ansible.builtin.ping": {}},
        "rds_instance_info": {"apsaradb.migration.rds_instance_info": {"instance_id": "rm-bp1sqltarget00001"}},
        "rds_import_between_instances": {
            "apsaradb.migration.rds_import_between_instances": {
                "source_instance_id": "rm-bp1sqlsource00001",
                "instance_id": "rm-bp1sqltarget00001",
                "databases": {"hr": "warehouse"},
            }
        },
        "rds_oss_backup_migrate": {
            "apsaradb.migration.rds_oss_backup_migrate": {
                "instance_id": "rm-bp1sqltarget00001",
                "bucket": "apsara-emulator-backups",
                "backups": [{"key": "in/warehouse.bak", "database": "warehouse", "type": "full"}],
            }
        },
    }
    plays = {name: write_play(name, task) for name, task in tasks.items()}
    with emulator() as environment:
        taken = medians({name: functools.partial(seconds_of, play, environment) for name, play in plays.items()})
    ping = taken.pop("ping")
    for name, seconds in taken.items():
        extra = {"difference_per_task": (seconds - ping) / TASKS}
        yield Comparison(f"no-op {name} vs ping", seconds, ping, f"s per {TASKS} tasks", extra)


def uploads() -> Iterable[Comparison]:
    """What a backup's way into a bucket costs, beside the vendor's SDKs."""
    import upload

    for line in upload.lines(SCRATCH):
        yield Comparison(*line)


def restores() -> Iterable[Comparison]:
    """How fast hundreds of small backups are handed to the service, beside a loop over them."""
    import restores as measured

    for line in measured.lines(SCRATCH):
        yield Comparison(*line)


BENCHMARKS: dict[str, Callable[[], Iterable[Comparison]]] = {
    "no-op": no_op_modules,
    "upload": uploads,
    "restores": restores,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("names", nargs="*", help=f"which to run, of: {', '.join(BENCHMARKS)}")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")

    SCRATCH.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in arguments.names or BENCHMARKS:
        for comparison in BENCHMARKS[name]():
            line = comparison.as_dict()
            lines.append(line)
            print(f"{line['name']}: {line['ours']} against {line['peer']} {line['unit']}, ratio {line['ratio']}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(lines, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
