# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage for playbooks: an emulator of their own, a task for each path, and what the emulator saw."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
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
from ansible_collections.apsaradb.migration.tests.unit import cloud_stage, dts_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, full
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

PLAYBOOK = shutil.which("ansible-playbook", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
# Where ansible_collections is.
COLLECTIONS = pathlib.Path(_plan.__file__).parents[5]
EMULATOR = pathlib.Path(__file__).resolve().parents[1] / "emulator"
NEEDED = [pytest.mark.playbooks, pytest.mark.skipif(PLAYBOOK is None, reason="ansible-playbook is missing")]
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


def harmful(path):
    """What of its effects must not happen twice where two runs meet.

    An assessment begins nothing, nor does the precheck of a job, which is what starting it means before it is paid for.
    """
    return {action: n for action, n in path.once.items() if action not in (cloud_stage.PRECHECK, dts_stage.START)}


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

    def calls(self, query=""):
        """Oldest first, each as apsara_emulator.calls.CallRecord says."""
        return self._session.get(f"{self.emulator['control']}/calls{query}", timeout=60).json()

    def effects(self):
        return Counter(call["action"] for call in self.calls("?mutating=true") if call["took_effect"])


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
    # Else a bundle of the environment takes the place of the certificate.
    session.session.trust_env = False
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


def environment_of(folder):
    """Of an ansible-playbook that finds the collection, and nothing of whoever runs the tests."""
    own = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    return {**os.environ, **own, "ANSIBLE_NOCOLOR": "1"}


def command_of(path, options, folder):
    """An ansible-playbook of one task, and its environment."""
    tasks = [{f"apsaradb.migration.{path.module}": options}]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    file = folder / "play.json"
    file.write_text(json.dumps([play]))
    return [PLAYBOOK, str(file)], environment_of(folder)


def told_in(output):
    """What the task that failed told; empty if none did."""
    found = re.search(r"FAILED! => (\{.*\})", output)
    return json.loads(found[1]) if found else {}


def play(path, options, folder):
    """(how it ended, what the failed task told, seconds)."""
    command, environment = command_of(path, options, folder)
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LONGEST, check=False)
    return done, told_in(done.stdout), time.monotonic() - began
