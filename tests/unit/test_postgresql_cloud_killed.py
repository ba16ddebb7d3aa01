# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook postgresql_cloud, killed anywhere and run again while a writer never pauses. It takes minutes."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import threading
import time

import pytest
import requests
from ansible_collections.apsaradb.migration.tests.unit import test_cloud_killed
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import ACTIVATE, CREATE, TARGET, source_option
from ansible_collections.apsaradb.migration.tests.unit.test_cloud_killed import COLLECTIONS, PLAYBOOK

emulator = test_cloud_killed.emulator

# A run that nobody kills takes about this many seconds.
LONGEST = 15.0
TABLES = (
    "create table orders (id bigserial primary key); insert into orders select nextval('orders_id_seq') "
    "from generate_series(1, 5000)"
)


def post(emulator, path, body):
    answer = requests.post(f"{emulator['control']}/{path}", json=body, timeout=120)
    answer.raise_for_status()
    return answer.json()


@contextlib.contextmanager
def writer(login):
    """Commits rows, whatever the server does meanwhile; yields the ids whose commits were acknowledged."""
    import psycopg

    acknowledged, over = [], threading.Event()

    def write():
        while not over.wait(0.02):
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(**login, dbname="shop", autocommit=True) as session,
            ):
                while not over.wait(0.01):
                    row = session.execute("insert into orders default values returning id").fetchone()
                    acknowledged.append(row[0])

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield acknowledged
    finally:
        over.set()
        thread.join()


def play(emulator, login, folder):
    administrator = {"user": "postgres", "password": login["password"]}
    variables = {
        "source": source_option(login["port"]),
        "administrator": administrator,
        "target": administrator,
        "confirm": TARGET,
        "quiet_interval": 0.2,
        "wal_proof": "transactions",
        "poll_interval": 0.2,
        "settle": 5,
        "rds_endpoint": emulator["rds"],
        **{key: emulator["accounts"][0][key] for key in ("access_key_id", "access_key_secret")},
    }
    inventory = folder / "inventory.json"
    variables = {f"postgresql_cloud_{name}": value for name, value in variables.items()}
    inventory.write_text(json.dumps({"all": {"hosts": {TARGET: None}, "vars": variables}}))
    command = [PLAYBOOK, "apsaradb.migration.postgresql_cloud", "-i", str(inventory)]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    with (folder / "output.txt").open("w") as output:
        return subprocess.Popen(
            [*command, "--tags", "assess,replicate,cutover"], stdout=output, stderr=output, env=environment
        )


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_killed_anywhere_and_run_again(emulator, tmp_path, seed):
    requests.post(f"{emulator['control']}/reset", timeout=30).raise_for_status()
    wanted = {"settings": {"listen_addresses": "*"}, "databases": ["shop"], "statements": {"shop": TABLES}}
    made = post(emulator, "postgresql/source", wanted)
    login = {**{key: made[key] for key in ("host", "port", "password")}, "user": "postgres"}
    with writer(login) as acknowledged:
        killed = play(emulator, login, tmp_path)
        time.sleep(random.Random(seed).uniform(0.5, LONGEST))
        killed.kill()
        killed.wait()
        again = play(emulator, login, tmp_path)
        assert again.wait(timeout=180) == 0, (tmp_path / "output.txt").read_text()
    assert "Verdict equal" in (tmp_path / "output.txt").read_text()
    calls = requests.get(f"{emulator['control']}/calls?mutating=true", timeout=20).json()
    effects = [call["action"] for call in calls if call["took_effect"]]
    assert [effects.count(action) for action in (CREATE, ACTIVATE)] == [1, 1]
    question = {"instance": TARGET, "do": "sql", "database": "shop", "statement": "select id from orders"}
    there = {int(row["id"]) for row in post(emulator, "postgresql/server", question)["rows"]}
    assert acknowledged
    assert set(acknowledged) | set(range(1, 5001)) <= there
