# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same faults through ansible-playbook, against an emulator of its own: a case for each path and class.

Ports that are closed, names that are none and certificates that nobody knows are real here.
"""

from __future__ import annotations

import resource

import pytest
from ansible_collections.apsaradb.migration.tests.reliability.fault_classes import CLASSES
from ansible_collections.apsaradb.migration.tests.reliability.figure_tables import RIGHT, WRONG
from ansible_collections.apsaradb.migration.tests.reliability.playbook_stage import (
    NEEDED,
    PATHS,
    Control,
    emulator_process,
    play,
    wish_of,
)

TITLE = "fault matrix through ansible-playbook"
pytestmark = NEEDED
# The usual ones of each class, with times that fit a real clock.
FAULTS = {
    "throttled once": [{"kind": "throttle", "times": 1}],
    "throttled for long": [{"kind": "throttle"}],
    "500": [{"kind": "http_500", "effect": True, "times": 1}],
    "503": [{"kind": "http_503", "times": 1}],
    "reset before the write": [{"kind": "close_before", "times": 1}],
    "reset after the write": [{"kind": "close_after", "times": 1}],
    "time-out after the write": [{"kind": "timeout_after", "times": 1}],
    "truncated JSON or XML": [{"kind": "truncate", "times": 1}],
    "HTML body": [{"kind": "html", "effect": True, "status": 200, "times": 1}],
    "empty body": [{"kind": "empty", "times": 1}],
    "slow trickle": [{"kind": "trickle", "seconds": 20, "times": 1}],
    "token expires half-way": [{"kind": "expired_token"}],
    "clock skew": [{"kind": "clock_skew", "seconds": 3600}],
    "listing lags behind the write": [
        {"kind": "close_after", "times": 1},
        {"kind": "list_lag", "seconds": 2, "action": "*"},
    ],
}
# Changed options of the first run.
WRONG_PLACES = {"connection refused": "http://127.0.0.1:1", "DNS failure": "https://name.invalid"}
USUAL = [
    ("import", "reset after the write"),
    ("import", "wrong TLS certificate"),
    ("backup", "connection refused"),
    ("cloud", "HTML body"),
    ("dts", "500"),
]
MANY = [(path, one.name) for path in PATHS for one in CLASSES]


def case(path, name, control, folder):
    """What is wrong with it."""
    options = wish_of(path, control, folder)
    first = dict(options)
    if name in WRONG_PLACES:
        first |= {option: WRONG_PLACES[name] for option in options if option.endswith("_endpoint")}
    elif name != "wrong TLS certificate":
        control.post("faults", [{"action": path.struck, **fault} for fault in FAULTS[name]])
    if "ca_path" in control.emulator:
        options["ca_path"] = control.emulator["ca_path"]
    met, told, _seconds = play(path, first, folder)
    wrong = []
    if met.returncode:
        error = told.get("error") or {}
        wrong += [f"the failure has no {key}: {met.stdout}" for key in ("code", "remedy") if not error.get(key)]
    elif name in WRONG_PLACES or name == "wrong TLS certificate":
        wrong.append("it did not fail")
    control.post("faults", [])
    again, told, _seconds = play(path, options, folder)
    wrong += [f"the second run failed: {told.get('msg') or again.stdout}"] if again.returncode else []
    done = control.effects()
    wrong += [f"{action}: {done[action]} times" for action, times in path.once.items() if done[action] != times]
    return wrong


def try_case(path_name, name, cells, figures, folder):
    path = PATHS[path_name]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = ["--tls"] if name == "wrong TLS certificate" else []
    with emulator_process(*arguments) as emulator:
        wrong = case(path, name, Control(emulator), folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    head = next(one.head for one in CLASSES if one.name == name)
    cells(TITLE, path_name, {head: WRONG if wrong else RIGHT}, [f"{one.head}: {one.name}" for one in CLASSES])
    assert not wrong, "\n".join([f"{path_name} x {name}", *wrong])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("path", "name"), USUAL)
def test_a_fault(path, name, cells, figures, tmp_path):
    try_case(path, name, cells, figures, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(("path", "name"), [pair for pair in MANY if pair not in USUAL])
def test_any_fault(path, name, cells, figures, tmp_path):
    try_case(path, name, cells, figures, tmp_path)
