# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same faults through ansible-playbook, against an emulator of its own: a case for each path and class.

Ports that are closed, names that are none and certificates that nobody knows are real here.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from typing import NamedTuple

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils import _plan
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import dts_trust, trust_document
from ansible_collections.apsaradb.migration.tests.reliability.fault_classes import CLASSES
from ansible_collections.apsaradb.migration.tests.reliability.figure_tables import RIGHT, WRONG
from ansible_collections.apsaradb.migration.tests.unit import cloud_stage, dts_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, full
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

TITLE = "fault matrix through ansible-playbook"
PLAYBOOK = shutil.which("ansible-playbook", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
# Where ansible_collections is.
COLLECTIONS = pathlib.Path(_plan.__file__).parents[5]
EMULATOR = pathlib.Path(__file__).resolve().parents[1] / "emulator"
pytestmark = [pytest.mark.playbooks, pytest.mark.skipif(PLAYBOOK is None, reason="ansible-playbook is missing")]
# Real seconds: what a call is repeated for, what an answer is waited for, and a playbook's own time on a busy machine.
LONGEST = 120 + 120 + 180


class Path(NamedTuple):
    """A way to migrate. struck: the call that meets the fault. once: its effects after both runs."""

    name: str
    module: str
    struck: str
    once: dict
    state: str


PATHS = {
    path.name: path
    for path in (
        Path(
            "import",
            "rds_import_between_instances",
            "ImportDatabaseBetweenInstances",
            {"ImportDatabaseBetweenInstances": 1},
            "imported",
        ),
        Path("backup", "rds_oss_backup_migrate", "CreateMigrateTask", {"CreateMigrateTask": 1}, "restored"),
        Path(
            "cloud",
            "rds_cloud_migration",
            cloud_stage.CREATE,
            {cloud_stage.PRECHECK: 1, cloud_stage.CREATE: 1},
            "replicating",
        ),
        Path(
            "dts",
            "dts_migration",
            dts_stage.BUY,
            {dts_stage.CONFIGURE: 1, dts_stage.START: 1, dts_stage.BUY: 1},
            "running",
        ),
    )
}
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


@contextlib.contextmanager
def emulator_process(*arguments):
    command = [
        sys.executable,
        "-m",
        "apsara_emulator",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--speed",
        "60",
        *arguments,
    ]
    environment = {**os.environ, "PYTHONPATH": str(EMULATOR)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


class Control:
    """The emulator's control, with its certificate where it has one."""

    def __init__(self, emulator):
        self.emulator = emulator
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = emulator.get("ca_path", True)

    def post(self, name, document=None):
        answer = self._session.post(f"{self.emulator['control']}/{name}", json=document, timeout=120)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def effects(self):
        answer = self._session.get(f"{self.emulator['control']}/calls?mutating=true", timeout=60)
        return Counter(call["action"] for call in answer.json() if call["took_effect"])


def wish_of(path, control, folder):
    """What is put into the world, and the options of the task."""
    emulator = control.emulator
    keys = emulator["accounts"][1 if path.name == "dts" else 0]
    options = {name: keys[name] for name in ("access_key_id", "access_key_secret")}
    options |= {"rds_endpoint": emulator["rds"], "poll_interval": 0.3, "settle": 8, "wait_timeout": 120}
    if path.name == "import":
        return {
            **options,
            "source_instance_id": SOURCE,
            "instance_id": TARGET,
            "databases": ["crm"],
            "method": "import",
        }
    if path.name == "backup":
        return {**options, **backup_wish(control, folder)}
    if path.name == "cloud":
        return {**options, **cloud_wish(control)}
    return {**options, **dts_wish(control)}


def backup_wish(control, folder):
    emulator = control.emulator
    file = folder / "crm2.bak"
    file.write_bytes(backup_bytes(BackupDescription(sets=(full("crm2"),))))
    keys = emulator["accounts"][0]
    import oss2

    session = oss2.Session()
    session.session.verify = emulator.get("ca_path", True)
    auth = oss2.Auth(keys["access_key_id"], keys["access_key_secret"])
    oss2.Bucket(auth, emulator["oss"], BUCKET, session=session).put_object_from_file("in/crm2.bak", str(file))
    ends = {"oss_endpoint": emulator["oss"], "ram_endpoint": emulator["ram"], "region": "cn-hangzhou"}
    accepted = ["tasks_listed", "daily_quota", "database_quota"]
    return {**ends, "instance_id": TARGET, "bucket": BUCKET, "prefix": "in/", "confirm": TARGET, "accept": accepted}


def cloud_wish(control):
    from apsara_emulator.postgresql.binaries import MISSING, preferred_major

    if preferred_major() is None:
        pytest.skip(MISSING)
    source = cloud_stage.source_option(0)
    account = {"name": source["account"], "password": source["password"]}
    made = control.post("postgresql/source", {"accounts": [account], "databases": ["shop"]})
    source = {**source, "host": made["host"], "port": made["port"]}
    return {"instance_id": cloud_stage.TARGET, "source": source, "state": "replicating", "accept": ["assessment"]}


def dts_wish(control):
    trust = trust_document(dts_trust(ACCOUNT_TWO))
    role = {"trust_policy": trust, "policies": ["System/AliyunDTSRolePolicy"]}
    control.post("world", {"accounts": {ACCOUNT_ONE: {"roles": {dts_stage.ROLE: role}}}})
    stage = dts_stage.MigrationStage.__new__(dts_stage.MigrationStage)
    wish = {k: v for k, v in stage.wish("running").items() if k not in ("access_key_id", "access_key_secret")}
    ends = {f"{name}_endpoint": control.emulator[name] for name in ("rds", "dts", "ram", "sts")}
    return {**wish, **ends, "poll_interval": 0.3, "settle": 8, "wait_timeout": 120}


def play(path, options, folder):
    """(how it ended, what the failed task told, seconds)."""
    tasks = [{f"apsaradb.migration.{path.module}": options}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    file = folder / "play.json"
    file.write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    environment["ANSIBLE_NOCOLOR"] = "1"
    began = time.monotonic()
    done = subprocess.run(
        [PLAYBOOK, str(file)], capture_output=True, text=True, env=environment, timeout=LONGEST, check=False
    )
    found = re.search(r"FAILED! => (\{.*\})", done.stdout)
    return done, json.loads(found[1]) if found else {}, time.monotonic() - began


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
