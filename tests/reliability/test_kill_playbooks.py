# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that are killed when the emulator has seen so many requests, and are run again.

Either the computer is lost, with all its processes, or ansible-playbook alone: then the module goes on without it, and
the next run meets it at work.
"""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
from ansible_collections.apsaradb.migration.tests.reliability import playbook_stage as playbooks

TITLE = "killed playbooks"
pytestmark = playbooks.NEEDED
# Requests of a whole run are more than these; a few kills come too late.
MOST_REQUESTS = 12
USUAL = [("import", 1), ("import", 2), ("backup", 1), ("cloud", 1), ("dts", 1)]
MANY = [(path, number) for path in playbooks.PATHS for number in range(15)]


def descendants(process):
    """The ids of everything that a process has started, and of what that has started."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of a program, in parentheses, may hold anything.
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = [process]
    for parent in found:
        found += [child for child, its_parent in parents.items() if its_parent == parent]
    return found


def kill(process, *, alone):
    """End a playbook without warning; returns whether it was still running."""
    runs = process.poll() is None
    for one in [process.pid] if alone else descendants(process.pid):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()
    return runs


def killed_run(path, options, folder, control, choices):
    """Whether a run was killed, after as many requests as were drawn."""
    wanted, alone = choices.randint(1, MOST_REQUESTS), choices.random() < 0.5
    command, environment = playbooks.command_of(path, options, folder)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while process.poll() is None and len(control.calls()) < wanted:
            time.sleep(0.02)
        return kill(process, alone=alone)


def try_kill(path_name, number, figures, folder):
    path, choices = playbooks.PATHS[path_name], random.Random(f"{path_name} {number}")
    with playbooks.emulator_process() as emulator:
        control = playbooks.Control(emulator)
        options = playbooks.wish_of(path, control, folder)
        was_killed = killed_run(path, options, folder, control, choices)
        again, told, _seconds = playbooks.play(path, options, folder)
        assert again.returncode == 0, told.get("msg") or again.stdout
        effects = control.effects()
    assert {action: effects[action] for action in playbooks.harmful(path)} == playbooks.harmful(path)
    end = "killed" if was_killed else "over before it was killed"
    figures(TITLE, [f"{path_name} {number}: {end}, finished by running again, nothing done twice"])


@pytest.mark.parametrize(("path", "number"), USUAL)
def test_a_killed_playbook(path, number, figures, tmp_path):
    try_kill(path, number, figures, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(("path", "number"), [pair for pair in MANY if pair not in USUAL])
def test_many_killed_playbooks(path, number, figures, tmp_path):
    try_kill(path, number, figures, tmp_path)
