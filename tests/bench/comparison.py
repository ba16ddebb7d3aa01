# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a benchmark yields, and how its contestants are measured.

Contestants take turns, so that a machine that gets slower or faster meanwhile does so for all of them, and medians are
compared. Beside the seconds on the clock stand the seconds of the processors, which other work on the machine changes
less.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import pathlib
import resource
import statistics
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
# For playbooks. A collection that is installed for the user would come before the one that is measured.
PLAYBOOK_SETTINGS = {
    "ANSIBLE_COLLECTIONS_PATH": sysconfig.get_path("purelib"),
    "ANSIBLE_LOCALHOST_WARNING": "0",
    "ANSIBLE_NOCOLOR": "1",
}


class Goal(NamedTuple):
    """of: ratio, or ours. bound: at most or at least."""

    of: str
    bound: str
    value: float

    def met_by(self, line: Mapping[str, object]) -> bool:
        told = float(str(line[self.of]))
        return told <= self.value if self.bound == "at most" else told >= self.value

    def __str__(self) -> str:
        return f"{self.of} {self.bound} {self.value:g}"


def at_most(value: float, of: str = "ratio") -> Goal:
    return Goal(of, "at most", value)


def at_least(value: float, of: str = "ratio") -> Goal:
    return Goal(of, "at least", value)


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One line of the result: what ours and the peer took, in the same unit. peer_version: the peer and its version."""

    name: str
    ours: float
    peer: float
    unit: str
    extra: Mapping[str, float] = dataclasses.field(default_factory=dict)
    goal: Goal | None = None
    peer_version: str = ""

    def as_dict(self) -> dict[str, object]:
        line: dict[str, object] = {
            "name": self.name,
            "ours": round(self.ours, 3),
            "peer": round(self.peer, 3),
            "ratio": round(self.ours / self.peer, 3),
            "unit": self.unit,
            **{name: round(value, 4) for name, value in self.extra.items()},
        }
        if self.peer_version:
            line["peer_version"] = self.peer_version
        if self.goal:
            line.update(goal=str(self.goal), met=self.goal.met_by(line))
        return line


class Taken(NamedTuple):
    """Seconds on the clock, and of the processors (user and system, children included)."""

    seconds: float
    cpu: float

    def __sub__(self, other: tuple[float, ...]) -> Taken:
        return Taken(self.seconds - other[0], self.cpu - other[1])


def taken_by(
    command: Sequence[str | pathlib.Path],
    environment: Mapping[str, str] | None = None,
    *,
    given: str = "",
    folder: pathlib.Path = ROOT,
) -> tuple[Taken, str]:
    """Run a command that has to succeed; what it took, and what it printed. Others must not be waited for meanwhile."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})},
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout[-8000:]}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Taken(seconds, cpu), done.stdout


def medians(contestants: Mapping[str, Callable[[], Taken]], rounds: int) -> dict[str, Taken]:
    """Let the contestants take turns."""
    taken: dict[str, list[Taken]] = {name: [] for name in contestants}
    for _round in range(rounds):
        for name, contestant in contestants.items():
            taken[name].append(contestant())
    return {name: Taken(*map(statistics.median, zip(*rows, strict=True))) for name, rows in taken.items()}


def compared(name: str, ours: Taken, peer: Taken, unit: str, goal: Goal | None = None, version: str = "") -> Comparison:
    """By the clock, with the processors' seconds beside it."""
    cpu = {"ours_cpu": ours.cpu, "peer_cpu": peer.cpu, "ratio_cpu": ours.cpu / peer.cpu}
    return Comparison(name, ours.seconds, peer.seconds, unit, cpu, goal, version)


def version_of(distribution: str) -> str:
    """Name and version of an installed package."""
    return f"{distribution} {importlib.metadata.version(distribution)}"
