#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells which migrations an RDS instance has seen."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_migration_info
short_description: Tell which migrations an RDS instance has seen
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Reads the state of one ApsaraDB RDS instance and the migration tasks that the service lists for it, however they
    were started.
  - Tasks that restore backups from OSS are listed with their files. The service tells those of the last week; chains
    of differential and log backups it may only tell when O(task_id) names them.
  - Assessments and cloud migrations of PostgreSQL are listed with their checks, stages and lag.
  - Whether an import between instances shows in the service's task list is not documented. The instance's state is
    the reliable sign that one runs.
options:
  instance_id:
    description: Id of the instance that data is migrated to. The task fails when there is no such instance in this
      account and region.
    type: str
    required: true
  task_id:
    description: Only the task with this id. Without it all tasks of the window are returned.
    type: str
  task_name:
    description: Only the assessments and cloud migrations of this name, whenever they began. Without it all of the
      window are returned, and those that are under way.
    type: str
  source_host:
    description: Only the assessments and cloud migrations from this address, as with O(task_name). Without it,
      those from every address.
    type: str
  source_port:
    description: Only the assessments and cloud migrations from this port, as with O(task_name). Without it, those
      from every port.
    type: int
  since:
    description: Begin of the window, as C(2026-01-31T23:59:59Z) in UTC. Without it, seven days before O(until).
    type: str
  until:
    description: End of the window, in the form of O(since). Without it, now.
    type: str
  dts:
    description: Whether jobs of DTS that have the instance at either end are listed as well. They are looked for by
      O(task_id) and O(task_name) too. Without it they are listed for MySQL and MariaDB instances only, which have no
      other path.
    type: bool
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.attributes.info_module
  - apsaradb.migration.auth
seealso:
  - module: apsaradb.migration.rds_instance_info
  - module: apsaradb.migration.rds_import_between_instances
  - module: apsaradb.migration.rds_cancel_import
  - module: apsaradb.migration.rds_oss_backup_migrate
  - module: apsaradb.migration.rds_cloud_migration
  - module: apsaradb.migration.dts_migration
  - module: apsaradb.migration.mssql_backup
"""

EXAMPLES = r"""
- name: What happened on the target in the last week
  apsaradb.migration.rds_migration_info:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
  register: history

- name: How far a cloud migration is
  apsaradb.migration.rds_migration_info:
    region: cn-hangzhou
    instance_id: pgm-bp1target0000001
    source_host: 172.16.0.10
    source_port: 5432
  register: replication

- name: Stop when an import runs
  ansible.builtin.assert:
    that: history.importing is false
"""

RETURN = r"""
instance_id:
  description: The instance.
  returned: success
  type: str
  sample: rm-bp1sqltarget00001
instance_state:
  description: Its state in the service's words, or V(unknown).
  returned: success
  type: str
  sample: Running
importing:
  description: Whether the state says that an import runs; null when the service does not tell the state.
  returned: success
  type: bool
  sample: false
migrations:
  description: The migration tasks, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The way to migrate, V(instance_import), V(backup_migration), V(cloud_migration) or
        V(dts_migration).
      type: str
      sample: instance_import
    task_id:
      description: Id in the service's task list.
      type: str
      sample: "440437220"
    action:
      description: Action that started it.
      type: str
      sample: CopyDatabaseBetweenInstances
    database:
      description: Database, where the service names one.
      type: str
      sample: sales
    state:
      description: V(running), V(finished) or V(failed), concluded from the times and the error of the task. Of backup
        migrations also V(waiting), for the next file of a chain or to be opened.
      type: str
      sample: finished
    status:
      description: The service's own status text, of which no list is published.
      type: str
      sample: "2"
    progress:
      description: Percent, as the service writes it.
      type: str
      sample: "100.0"
    begin:
      description: Begin in UTC.
      type: str
      sample: "2026-01-31T22:10:00Z"
    end:
      description: End in UTC.
      type: str
      sample: "2026-01-31T22:58:00Z"
    error:
      description: Error code or text of the service. Of backup migrations the cause and what to do about it, also where
        the task ended with success and yet not all is well.
      type: str
      sample: null
    description:
      description: The service's own text about the task. Backup migrations only.
      type: str
      sample: asynchronously DBCC checkdb success.
    backup_mode:
      description: V(FULL), or V(UPDF) for a chain. Backup migrations only.
      type: str
      sample: FULL
    files:
      description: The files of the task, each with C(name), C(status) and C(description); null where the edition does
        not tell them. Backup migrations only.
      type: list
      elements: dict
      sample: [{"name": "sales_FULL_20260131220000.bak", "status": "Restored", "description": null}]
    name:
      description: Name of the task. Cloud migrations, their assessments and jobs of DTS only.
      type: str
      sample: migrate4f2a9c01d3
    source:
      description: Address and port of the source; of jobs of DTS also its C(instance_id).
      type: dict
      sample: {"host": "172.16.0.10", "port": 5432}
    destination:
      description: The destination's instance, address and port. Jobs of DTS only.
      type: dict
      sample: {"instance_id": "rm-bp1othermysql0001", "host": null, "port": null}
    role:
      description: V(source) or V(destination), what the instance is. Jobs of DTS only.
      type: str
      sample: destination
    phases:
      description: As in RV(apsaradb.migration.dts_migration#module:job.phases). Jobs of DTS only.
      type: dict
      sample: {"schema": {"status": "Finished", "percent": 100, "error": ""}}
    delay_ms:
      description: Milliseconds that the destination is behind, null where it is not told. Jobs of DTS only.
      type: int
      sample: 350
    bought:
      description: Whether the job was bought. Jobs of DTS only.
      type: bool
      sample: true
    migration_types:
      description: What the job does. Jobs of DTS only.
      type: list
      elements: str
      sample: [full, incremental, schema]
    stage:
      description: The service's stage, null for an assessment. Cloud migrations only, like all that follows.
      type: str
      sample: increment
    replication_state:
      description: The service's state of the replication, null for an assessment.
      type: str
      sample: streaming
    positions:
      description: WAL positions of the target, null for an assessment.
      type: dict
      sample: {"received": "1/5E2A0B8", "replayed": "1/5E2A0B8"}
    lag_bytes:
      description: Bytes between the positions, null where it cannot be told.
      type: int
      sample: 0
    lag_seconds:
      description: Seconds that the target is behind, null where it cannot be told.
      type: float
      sample: 0.0
    checks:
      description: The lines of the report, as in RV(apsaradb.migration.rds_cloud_migration#module:assessment.checks).
      type: list
      elements: dict
      sample: []
unavailable:
  description: Kinds of migrations that the service does not list for this instance, with its reason.
  returned: success
  type: dict
  sample: {"backup_migration": "DescribeMigrateTasks failed. This engine version does not have the action."}
request_ids:
  description: Id of the request that failed.
  returned: on failure
  type: list
  elements: str
  sample: [5A77D650-27A1-4E08-AD9E-59008EDB6927]
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
calls:
  description: How often each action of the service was called. An action that was sent again counts once.
  returned: always
  type: dict
  sample: {DescribeDBInstanceAttribute: 1, DescribeDatabases: 2}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error).
  returned: on failure
  type: dict
  sample: {"code": "instance_not_found", "http_status": null, "request_id": null, "action": null}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._module import run_info
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.history import migrations


def main() -> None:
    run_info(
        {
            "instance_id": {"type": "str", "required": True},
            "task_id": {"type": "str"},
            "task_name": {"type": "str"},
            "source_host": {"type": "str"},
            "source_port": {"type": "int"},
            "since": {"type": "str"},
            "until": {"type": "str"},
            "dts": {"type": "bool"},
        },
        migrations,
    )


if __name__ == "__main__":
    main()
