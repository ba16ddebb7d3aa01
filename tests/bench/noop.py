# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs that finds its work done: the price of running a playbook again.

Modules that only call actions are compared with ansible.builtin.ping; those that need a large library with a module
that imports it and does nothing else.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from comparison import Comparison, Goal, at_most, compared, medians, version_of
from emulated import SECRET, Stage, Task, stage

ROUNDS = 3
TASKS = 20
SOURCE, TARGET = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001"
BUCKET = "apsara-emulator-backups"

BARE = """
from ansible.module_utils.basic import AnsibleModule

import {library}


def main():
    AnsibleModule(argument_spec={{}}).exit_json()


if __name__ == "__main__":
    main()
"""


def module(module_name: str, /, **options: Any) -> Task:
    return {f"apsaradb.migration.{module_name}": options}


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
    ping: Task = {"ansible.builtin.ping": {}}
    with stage(scratch) as there:
        yield from _family(there, action_tasks(there), ping, "ping", at_most(1.25), version_of("ansible-core"))
        for library, tasks in (("oss2", bucket_tasks(there)), ("psycopg", database_tasks(there))):
            peer = bare(library, scratch)
            yield from _family(there, tasks, peer, f"import {library}", at_most(1.1), version_of(library))


def _family(
    there: Stage, tasks: Mapping[str, Task], peer: Task, peer_name: str, goal: Goal, version: str
) -> Iterable[Comparison]:
    """Modules that have the same peer. It runs beside each of them: a machine's speed changes within minutes."""
    everybody = {peer_name: peer, **tasks}
    # Once, so that the work is done and nothing is cold.
    there.play(list(everybody.values()), "prepare")
    play = {name: functools.partial(there.do_nothing, name, task, TASKS) for name, task in everybody.items()}
    for name in tasks:
        taken = medians({one: play[one] for one in (peer_name, name)}, ROUNDS)
        line = f"no-op {name} vs {peer_name}"
        yield compared(line, taken[name], taken[peer_name], f"s per {TASKS} tasks", goal, version)
