# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restoring hundreds of small backups: one task of ours beside a loop as the vendor's batch script makes it.

Both run against one emulator, whose every answer takes 50 ms longer, as from another place in the country. What counts
is the time between the first and the last CreateMigrateTask, as the emulator saw them.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import pathlib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from comparison import PLAYBOOK_SETTINGS

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent
TARGET, REGION, BUCKET = "rm-bp1sqltarget00001", "cn-hangzhou", "apsara-emulator-backups"
COUNT = 500
LATENCY = 0.05
MIB = 1024**2
# The world in which both find the same: room, and restores that take a minute beside the sending.
WORLD = {
    "instances": {TARGET: {"max_databases": 2 * COUNT, "storage_gb": 10000}},
    "quotas": {"latency": LATENCY, "parallel_restores": COUNT, "requests_per_second": 0},
}

# What the vendor's script does for each file it found: one call, then the next.
LOOP = """
import sys
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import RpcRequest

endpoint, key_id, secret, instance, region, bucket = sys.argv[1:]
client = AcsClient(key_id, secret, region)
for line in sys.stdin:
    database, key = line.split()
    request = RpcRequest("Rds", "2014-08-15", "CreateMigrateTask")
    request.set_endpoint(endpoint)
    request.set_protocol_type("http")
    request.add_query_param("DBInstanceId", instance)
    request.add_query_param("DBName", database)
    request.add_query_param("BackupMode", "FULL")
    request.add_query_param("IsOnlineDB", "True")
    request.add_query_param("CheckDBMode", "AsyncExecuteDBCheck")
    request.add_query_param("OssObjectPositions", f"oss-{region}.aliyuncs.com:{bucket}:{key}")
    client.do_action_with_exception(request)
"""


class Emulator:
    """The stand-in for the service, in a process of its own."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        self.key = ready["accounts"][0]

    def begin(self, backups: dict[str, bytes]) -> None:
        """A new day with these backups in the bucket; the way to it is long only afterwards."""
        import oss2

        self.control("reset", {})
        bucket = oss2.Bucket(
            oss2.Auth(self.key["access_key_id"], self.key["access_key_secret"]), self.ready["oss"], BUCKET
        )
        for key, content in backups.items():
            bucket.put_object(key, content)
        self.control("world", WORLD)

    def control(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode() if body else b""
        request = urllib.request.Request(f"{self.ready['control']}/{path}", data=data)
        if data:
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def seconds_of_creates(self) -> float:
        """Between the first and the last CreateMigrateTask; all have to have had their effect, none was refused."""
        calls = self.control("calls")
        creates = [call for call in calls if call["action"] == "CreateMigrateTask"]
        throttled = [call for call in calls if "Throttling" in (call["code"] or "")]
        if throttled or len(creates) != COUNT or not all(call["took_effect"] for call in creates):
            raise SystemExit(f"{len(creates)} calls for {COUNT} backups, {len(throttled)} throttled")
        tasks = self.control("world")["migrate_tasks"]
        times = [datetime.datetime.fromisoformat(task["created"].replace("Z", "+00:00")) for task in tasks]
        return (max(times) - min(times)).total_seconds()


def playbook(scratch: pathlib.Path) -> pathlib.Path:
    """One task for all databases."""
    task = {
        "instance_id": TARGET,
        "bucket": BUCKET,
        "prefix": "in/",
        "region": REGION,
        "poll_interval": 2,
        "wait_timeout": 600,
    }
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": [{"apsaradb.migration.rds_oss_backup_migrate": task}],
    }
    path = scratch / "restores.yml"
    path.write_text(json.dumps([play]))
    return path


def settings(emulator: Emulator) -> dict[str, str]:
    """What the playbook takes from its environment."""
    return {
        **os.environ,
        "APSARADB_RDS_ENDPOINT": emulator.ready["rds"],
        "APSARADB_OSS_ENDPOINT": emulator.ready["oss"],
        "APSARADB_RAM_ENDPOINT": emulator.ready["ram"],
        "ALIBABA_CLOUD_ACCESS_KEY_ID": emulator.key["access_key_id"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": emulator.key["access_key_secret"],
        **PLAYBOOK_SETTINGS,
        "LC_ALL": "C.UTF-8",
    }


def ours(emulator: Emulator, scratch: pathlib.Path) -> float:
    """One task of the module, from its rehearsing look to the last database online."""
    done = subprocess.run(
        [BIN / "ansible-playbook", playbook(scratch)],
        cwd=ROOT,
        env=settings(emulator),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "changed=1" not in done.stdout:
        raise SystemExit(f"The restores failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    seconds = emulator.seconds_of_creates()
    calls = [call["action"] for call in emulator.control("calls")]
    databases = emulator.control("world")["instances"][TARGET]["databases"].values()
    running = sum(database["status"] == "Running" for database in databases)
    # Full restores are followed by the listing, ⌈n/100⌉ pages at a look, and never one by one.
    if "DescribeMigrateTaskById" in calls or running < COUNT:
        alone = calls.count("DescribeMigrateTaskById")
        raise SystemExit(f"{running} databases run; {alone} tasks were looked at alone")
    return seconds


def loop(emulator: Emulator, backups: dict[str, bytes]) -> float:
    lines = "".join(f"{pathlib.PurePath(key).stem} {key}\n" for key in backups)
    endpoint = emulator.ready["rds"].removeprefix("http://")
    keys = [emulator.key["access_key_id"], emulator.key["access_key_secret"]]
    command = [sys.executable, "-c", LOOP, endpoint, *keys, TARGET, REGION, BUCKET]
    subprocess.run(command, input=lines, text=True, check=True, stdout=subprocess.DEVNULL)
    return emulator.seconds_of_creates()


def small_backups() -> dict[str, bytes]:
    """By key. Named after their databases."""
    from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, backup_bytes

    backups = {}
    for number in range(COUNT):
        name = f"shop{number:03}"
        files = (FileDescription(name, f"D:\\{name}.mdf", size=16 * MIB),)
        made = BackupSetDescription(database=name, checksums=True, files=files)
        backups[f"in/{name}.bak"] = backup_bytes(BackupDescription(sets=(made,)))
    return backups


@contextlib.contextmanager
def emulator() -> Iterator[Emulator]:
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Emulator(json.loads(process.stdout.readline()))
        finally:
            process.terminate()


def lines(scratch: pathlib.Path) -> Iterator[tuple[str, float, float, str]]:
    """(name, ours, peer, unit)."""
    backups = small_backups()
    with emulator() as served:
        served.begin(backups)
        theirs = loop(served, backups)
        served.begin(backups)
        own = ours(served, scratch)
    yield f"{COUNT} restores vs sequential loop", own, theirs, "s"
