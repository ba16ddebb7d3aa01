# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook is killed at any moment and run again: switched exactly once, and every committed row is there."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import threading
import time

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils import _plan
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import ACTIVATE, CREATE, TARGET, source_option

pytestmark = pytest.mark.processes

HERE = pathlib.Path(__file__).resolve()
# Where ansible_collections is.
COLLECTIONS = pathlib.Path(_plan.__file__).parents[5]
EMULATOR = HERE.parents[1] / "emulator"
PLAYBOOK = shutil.which("ansible-playbook", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
# A run that nobody kills takes a few seconds.
LONGEST = 9.0
ROWS = 5000


@pytest.fixture(scope="module")
def emulator():
    pytest.importorskip("psycopg", reason="psycopg is missing: these tests talk to PostgreSQL")
    from apsara_emulator.postgresql.binaries import MISSING, preferred_major

    if preferred_major() is None:
        pytest.skip(MISSING)
    if PLAYBOOK is None:
        pytest.skip("ansible-playbook is missing")
    arguments = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "60"]
    environment = {**os.environ, "PYTHONPATH": str(EMULATOR)}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.fixture(scope="module")
def source(emulator):
    source = source_option(0)
    rows = f"create table orders (id int primary key); insert into orders select generate_series(1, {ROWS})"
    document = {
        "accounts": [{"name": source["account"], "password": source["password"]}],
        "databases": ["shop"],
        "statements": {"shop": rows},
    }
    made = requests.post(f"{emulator['control']}/postgresql/source", json=document, timeout=120).json()
    return {**source, "host": made["host"], "port": made["port"]}, made["password"]


@contextlib.contextmanager
def writer(source, password, folder):
    """Commits one row after the other, until there is a file `frozen`; then there is a file `stopped`."""
    import psycopg

    login = {"host": source["host"], "port": source["port"], "user": "postgres", "password": password}

    def write():
        with psycopg.connect(**login, dbname="shop", autocommit=True) as session:
            while not (folder / "frozen").exists():
                session.execute("insert into orders select max(id) + 1 from orders")
                time.sleep(0.01)
        (folder / "stopped").touch()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        (folder / "frozen").touch()
        thread.join()


def play(emulator, source, folder):
    """ansible-playbook, started."""
    account = emulator["accounts"][0]
    task = {
        "rds_endpoint": emulator["rds"],
        "access_key_id": account["access_key_id"],
        "access_key_secret": account["access_key_secret"],
        "instance_id": TARGET,
        "source": source,
        "poll_interval": 0.2,
        "settle": 5,
        "wait_timeout": 60,
    }
    tasks = [
        {"apsaradb.migration.rds_cloud_migration": {**task, "state": "replicating"}},
        {"ansible.builtin.file": {"path": f"{folder}/frozen", "state": "touch", "mode": "0600"}},
        {"ansible.builtin.wait_for": {"path": f"{folder}/stopped", "timeout": 20}},
        {"apsaradb.migration.rds_cloud_migration": {**task, "state": "switched", "confirm": TARGET}},
    ]
    file = folder / "play.json"
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    play["vars"] = {"ansible_python_interpreter": sys.executable}
    file.write_text(json.dumps([play]))
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen([PLAYBOOK, str(file)], stdout=output, stderr=output, env=environment)


def rows_of(emulator, **server):
    body = {**server, "do": "sql", "database": "shop", "statement": "select count(*) as rows from orders"}
    answer = requests.post(f"{emulator['control']}/postgresql/server", json=body, timeout=20).json()
    return int(answer["rows"][0]["rows"])


def kill_and_run_again(emulator, source, folder, moment):
    address, password = source
    requests.post(f"{emulator['control']}/reset", timeout=30).raise_for_status()
    with writer(address, password, folder):
        killed = play(emulator, address, folder)
        time.sleep(moment)
        killed.kill()
        killed.wait()
        # What the killed one had begun on the host may still go on beside this one.
        again = play(emulator, address, folder)
        assert again.wait(timeout=120) == 0, (folder / "output.txt").read_text()
    calls = requests.get(f"{emulator['control']}/calls?mutating=true", timeout=20).json()
    effects = [call["action"] for call in calls if call["took_effect"]]
    assert [effects.count(action) for action in (CREATE, ACTIVATE)] == [1, 1]
    assert rows_of(emulator, instance=TARGET) == rows_of(emulator, source="source")


@pytest.mark.parametrize("moment", [2.5, pytest.param(5.0, marks=pytest.mark.soak)])
def test_killed_and_run_again(emulator, source, tmp_path, moment):
    kill_and_run_again(emulator, source, tmp_path, moment)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_killed_anywhere_and_run_again(emulator, source, tmp_path, seed):
    kill_and_run_again(emulator, source, tmp_path, random.Random(seed).uniform(0.5, LONGEST))
