# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs that finds its work done: the price of running a playbook again.

Modules that only call actions are compared with ansible.builtin.ping; those that need a large library with a module
that imports it and does nothing else.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from comparison import Comparison, Goal, Taken, at_most, compared, medians, taken_by

BIN = pathlib.Path(sys.executable).parent
ROUNDS = 3
TASKS = 20
SOURCE, TARGET = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001"
BUCKET = "apsara-emulator-backups"
SECRET = "benchmarkSecret0001"

Task = dict[str, Any]

BARE = """
from ansible.module_utils.basic import AnsibleModule

import {library}


def main():
    AnsibleModule(argument_spec={{}}).exit_json()


if __name__ == "__main__":
    main()
"""


class Stage:
    """The emulator, and the servers that it started. environment: in which modules find it."""

    def __init__(self, ready: dict[str, Any], scratch: pathlib.Path) -> None:
        self._control = ready["control"]
        self.keys = ready["accounts"]
        self.scratch = scratch
        services = ("rds", "dts", "ram", "sts", "oss")
        self.environment = {
            **{f"APSARADB_{service.upper()}_ENDPOINT": ready[service] for service in services},
            "ALIBABA_CLOUD_REGION": "cn-hangzhou",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": self.keys[0]["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": self.keys[0]["access_key_secret"],
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "ANSIBLE_LIBRARY": str(scratch / "library"),
        }

    def server(self, name: str) -> dict[str, Any]:
        """Start a PostgreSQL server with a database in it."""
        document = {
            "name": name,
            "accounts": [{"name": "migrator", "password": SECRET}],
            "databases": ["shop"],
            "statements": {"shop": "create table orders (id int primary key)"},
        }
        request = urllib.request.Request(
            f"{self._control}/postgresql/source",
            data=json.dumps(document).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            made = json.load(answer)
        return {"host": made["host"], "port": made["port"], "user": "postgres", "password": made["password"]}

    def play(self, tasks: list[Task], name: str) -> tuple[Taken, str]:
        """Run the tasks, every one of which has to succeed. What they took, and what was printed."""
        path = self.scratch / f"{name}.yml"
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": tasks,
        }
        path.write_text(json.dumps([play]))
        return taken_by([BIN / "ansible-playbook", path], self.environment)

    def do_nothing(self, name: str, task: Task, times: int = TASKS) -> Taken:
        """The same task many times over, which has to find its work done each time."""
        taken, told = self.play([task] * times, name)
        if not re.search(rf"\bok={times}\s+changed=0\s", told):
            raise SystemExit(f"{name} is no benchmark of doing nothing:\n{told}")
        return taken


@contextlib.contextmanager
def stage(scratch: pathlib.Path) -> Iterator[Stage]:
    """Run the emulator."""
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Stage(json.loads(process.stdout.readline()), scratch)
        finally:
            process.terminate()


def module(name: str, /, **options: Any) -> Task:
    return {f"apsaradb.migration.{name}": options}


def action_tasks(stage: Stage) -> dict[str, Task]:
    """Of the modules that only call actions, by module."""
    migrator = {"account": "migrator", "password": SECRET, "region": "cn-hangzhou"}
    server = stage.server("source")
    return {
        "rds_instance_info": module("rds_instance_info", instance_id=TARGET),
        "rds_migration_info": module("rds_migration_info", instance_id=TARGET),
        "rds_import_between_instances": module(
            "rds_import_between_instances",
            source_instance_id=SOURCE,
            instance_id=TARGET,
            databases={"hr": "warehouse"},
        ),
        "rds_cancel_import": module("rds_cancel_import", instance_id=TARGET, import_id="4711"),
        "rds_cloud_migration": module(
            "rds_cloud_migration",
            instance_id="pgm-bp1target0000001",
            source={
                "host": server["host"],
                "port": server["port"],
                "account": "migrator",
                "password": SECRET,
                "category": "ecsOnVpc",
            },
            state="assessed",
            poll_interval=0.2,
        ),
        "ram_dts_role": module("ram_dts_role", name="ram-for-dts", destination_account_id=stage.keys[1]["account_id"]),
        "dts_migration": module(
            "dts_migration",
            **{name: stage.keys[1][name] for name in ("access_key_id", "access_key_secret")},
            name="orders",
            # Not caught_up: that one looks twice, with a pause between, also when nothing is to be done.
            state="prechecked",
            migration_types=["schema", "full", "incremental"],
            objects=[{"database": "shop"}],
            source={
                **migrator,
                "instance_id": "rm-bp1mysql00000001",
                "role": "ram-for-dts",
                "credentials": {name: stage.keys[0][name] for name in ("access_key_id", "access_key_secret")},
            },
            destination={**migrator, "instance_id": "rm-bp1othermysql0001"},
            poll_interval=0.2,
            wait_timeout=120,
        ),
    }


def bucket_tasks(stage: Stage) -> dict[str, Task]:
    """Of the modules that need oss2."""
    from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, backup_bytes

    file = stage.scratch / "sales_FULL_20260301020000.bak"
    file.write_bytes(backup_bytes(BackupDescription(sets=(BackupSetDescription(database="sales"),))))
    return {
        "oss_bucket": module("oss_bucket", name="benchmark-of-nothing", instance_id=TARGET),
        "oss_backup_upload": module("oss_backup_upload", path=str(file), bucket=BUCKET, prefix="bench/"),
        "rds_oss_backup_migrate": module(
            "rds_oss_backup_migrate",
            instance_id=TARGET,
            bucket=BUCKET,
            backups=[{"key": "in/warehouse.bak", "database": "warehouse", "type": "full"}],
        ),
    }


def database_tasks(stage: Stage) -> dict[str, Task]:
    """Of the modules that need psycopg."""
    source = stage.server("one")
    return {
        "postgresql_source": module(
            "postgresql_source",
            **source,
            state="prepared",
            account="migration",
            account_password=SECRET,
            target_cidr="172.16.0.0/12",
        ),
        "postgresql_compare": module("postgresql_compare", source=source, target=stage.server("two")),
    }


def bare(library: str, scratch: pathlib.Path) -> Task:
    """A module that imports the library and does nothing."""
    (scratch / "library").mkdir(exist_ok=True)
    (scratch / "library" / f"only_{library}.py").write_text(BARE.format(library=library))
    return {f"only_{library}": {}}


def lines(scratch: pathlib.Path) -> Iterable[Comparison]:
    ping = {"ansible.builtin.ping": {}}
    with stage(scratch) as there:
        yield from _family(
            there, action_tasks(there), ping, "ping", at_most(1.25), f"ansible-core {_version('ansible-core')}"
        )
        for library, tasks in (("oss2", bucket_tasks(there)), ("psycopg", database_tasks(there))):
            peer = bare(library, scratch)
            version = f"{library} {_version(library)}"
            yield from _family(there, tasks, peer, f"import {library}", at_most(1.1), version)


def _family(
    there: Stage, tasks: Mapping[str, Task], peer: Task, peer_name: str, goal: Goal, version: str
) -> Iterable[Comparison]:
    """Modules that have the same peer."""
    everybody = {peer_name: peer, **tasks}
    # Once, so that the work is done and nothing is cold.
    there.play(list(everybody.values()), "prepare")
    taken = medians({name: functools.partial(there.do_nothing, name, task) for name, task in everybody.items()}, ROUNDS)
    for name in tasks:
        line = f"no-op {name} vs {peer_name}"
        yield compared(line, taken[name], taken[peer_name], f"s per {TASKS} tasks", goal, version)


def _version(distribution: str) -> str:
    return importlib.metadata.version(distribution)
