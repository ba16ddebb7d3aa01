# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An upload that is killed with SIGKILL at a random point, in a process of its own, against a server of its own."""

from __future__ import annotations

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter

import ansible_collections
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload import Wish, upload
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import crc_of, data, written

# A fork of ansible-test would leave the emulator behind.
pytestmark = pytest.mark.processes

MIB = 1024**2
SIZE, PART, THREADS, RATE = 24 * MIB + 77, MIB, 3, 24 * MIB
KEY = "in/sales.bak"
EMULATOR = pathlib.Path(__file__).resolve().parents[1] / "emulator"
UPLOAD = """
import json, sys
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload import Wish, upload
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload_pace import Pace
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
options, wish = json.loads(sys.argv[1]), json.loads(sys.argv[2])
client = oss_client(Services(options, read_only=False))
print("ready", flush=True)
upload(client, Wish(**wish), pace=Pace(float(sys.argv[3]), client.clock))
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def emulator():
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(EMULATOR)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def calls(emulator, action):
    with urllib.request.urlopen(f"{emulator['control']}/calls?mutating=true") as answer:
        return [call for call in json.load(answer) if call["action"] == action and call["took_effect"]]


def reset(emulator):
    urllib.request.urlopen(urllib.request.Request(f"{emulator['control']}/reset", method="POST")).close()


def options_of(emulator):
    account = emulator["accounts"][0]
    names = ("access_key_id", "access_key_secret")
    return {"oss_endpoint": emulator["oss"], "region": "cn-hangzhou", **{name: account[name] for name in names}}


def killed(options, wish, moment):
    """An upload that is killed so many seconds after it began; whether it had ended before."""
    paths = [str(pathlib.Path(place).parent) for place in ansible_collections.__path__]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-c", UPLOAD, json.dumps(options), json.dumps(wish), str(RATE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        return "done" in process.stdout.read()


def kill_and_go_on(emulator, folder, seed, kills):
    """Kills as often as is asked for, then goes on to the end."""
    reset(emulator)
    chance = random.Random(seed)
    content = data(SIZE, seed)
    file = written(folder, content)
    options = options_of(emulator)
    wish = {"path": str(file), "bucket": BUCKET, "key": KEY, "part_size": PART, "threads": THREADS}
    for _kill in range(kills):
        # A whole upload takes a second at this rate.
        if killed(options, wish, chance.uniform(0.02, 0.5)):
            break
    client = oss_client(Services(options, read_only=False))
    if client.head(BUCKET, KEY) is None:
        done = upload(client, Wish(**wish))
        assert (done.crc64, done.verified) == (crc_of(content), True)
    head = client.head(BUCKET, KEY)
    assert (head.size, head.crc64) == (SIZE, crc_of(content))
    sent = Counter(call["parameters"]["partNumber"] for call in calls(emulator, "UploadPart"))
    assert len(sent) == 25
    # What was on its way when the signal came may have arrived, unseen by whoever sent it.
    assert sum(sent.values()) - len(sent) <= THREADS * kills
    for unfinished in client.uploads(BUCKET):
        client.abort_upload(BUCKET, unfinished.key, unfinished.upload_id)
    assert client.uploads(BUCKET) == []
    assert [listed.key for listed in client.objects(BUCKET)] == [KEY]


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_upload_goes_on(emulator, tmp_path, seed):
    kill_and_go_on(emulator, tmp_path, seed, kills=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 120))
def test_killed_again_and_again(emulator, tmp_path, seed):
    kill_and_go_on(emulator, tmp_path, seed, kills=1 + seed % 3)
