#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports SQL Server databases from one RDS instance to another."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_import_between_instances
short_description: Import SQL Server databases from one RDS instance to another
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Brings databases from one ApsaraDB RDS for SQL Server instance to another one of the same account and region, and
    waits until they are running there.
  - What proves that an import is done is that every target database exists on the target instance and is C(Running).
    A database that is there already is not imported again.
  - An import that is in flight, also one that was started in the console, is waited for and not started a second
    time.
  - Run it with C(--check --diff) first. The rehearsal reads everything, evaluates every check and shows the plan
    that the real run carries out.
options:
  source_instance_id:
    description: Id of the instance that has the databases.
    type: str
    required: true
  instance_id:
    description: Id of the instance that the databases are brought to.
    type: str
    required: true
  databases:
    description:
      - The databases to import. A list of names, or a mapping of source names to target names.
      - Every source and every target name may occur once; case does not count. Names that look like numbers must be
        quoted.
    type: raw
    required: true
  method:
    description:
      - V(import) uses C(ImportDatabaseBetweenInstances), which reads the live source. The vendor took it offline in
        2024; some private endpoints may still offer it.
      - V(copy) uses its successor C(CopyDatabaseBetweenInstances), which restores a backup of the source. Changes
        after that backup are not in the copy.
      - V(auto) tries the import and, where the service does not know it, makes the copy. The checks of both are
        evaluated and both stand in the plan.
    type: str
    choices: [auto, import, copy]
    default: auto
  backup_id:
    description: The backup set of the source that a copy restores. Without it, and without O(restore_time), the
      newest usable full backup is taken and check C(backup_age) tells its age.
    type: str
  restore_time:
    description: The point in time, as C(2026-01-31T23:59:59Z) in UTC, that a copy restores instead of a backup set.
      It must lie in the retention period of the source's backups. Without it a backup set is restored.
    type: str
  sync_user_privilege:
    description: Whether a copy brings over users and their privileges as well. With V(false) only the databases are
      copied.
    type: bool
    default: false
  max_backup_age:
    description: Age in seconds up to which an automatically chosen backup is good enough for a copy. Check
      C(backup_age) fails above it.
    type: float
    default: 3600
  on_existing:
    description:
      - What to say about target databases that exist before this run. V(accept) takes them as imported, with the
        warning C(already_there); V(fail) fails that check.
      - Nothing in the service proves where a database came from.
    type: str
    choices: [accept, fail]
    default: accept
  start_grace:
    description: Seconds that an accepted import may take until an instance turns busy or a database appears. After
      that it is reported as failed.
    type: float
    default: 300
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.auth
  - apsaradb.migration.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - With O(on_existing=fail) a second run fails, because the databases are there.
notes:
  - All databases of one run are sent in one request; the service imports all of them or none.
  - A copy cannot be cancelled, and its progress is not told by the service.
seealso:
  - module: apsaradb.migration.rds_cancel_import
  - module: apsaradb.migration.rds_instance_info
  - module: apsaradb.migration.rds_migration_info
"""

EXAMPLES = r"""
- name: Rehearse, and keep the rehearsal for whoever approves it
  apsaradb.migration.rds_import_between_instances:
    region: cn-hangzhou
    source_instance_id: rm-bp1sqlsource00001
    instance_id: rm-bp1sqltarget00001
    databases: [sales, crm]
  check_mode: true
  register: rehearsal

- name: Save it, in check mode as well
  ansible.builtin.copy:
    content: "{{ rehearsal | to_json }}"
    dest: rehearsal.json
    mode: "0600"
  check_mode: false

- name: Rehearse and run with the same task; --check makes it a rehearsal
  apsaradb.migration.rds_import_between_instances:
    region: cn-hangzhou
    source_instance_id: rm-bp1sqlsource00001
    instance_id: rm-bp1sqltarget00001
    databases:
      - sales
      - crm

- name: Import under other names, from a backup that was taken on purpose
  apsaradb.migration.rds_import_between_instances:
    region: cn-hangzhou
    source_instance_id: rm-bp1sqlsource00001
    instance_id: rm-bp1sqltarget00001
    databases:
      sales: sales_2026
    method: copy
    backup_id: "1234567890"
    approved_plan: rehearsal.json
"""

RETURN = r"""
instance_id:
  description: The target instance.
  returned: when the service could be read
  type: str
  sample: rm-bp1sqltarget00001
source_instance_id:
  description: The source instance.
  returned: when the service could be read
  type: str
  sample: rm-bp1sqlsource00001
databases:
  description: The databases the task is about, in the order of their target names.
  returned: when the service could be read
  type: list
  elements: dict
  contains:
    source:
      description: Name on the source instance.
      type: str
      sample: sales
    target:
      description: Name on the target instance.
      type: str
      sample: sales_2026
    state:
      description: State on the target, C(absent) if it is not there. In a rehearsal, the state that the run will
        lead to.
      type: str
      sample: Running
    size:
      description: Size in bytes, or null when the service does not tell it.
      type: int
      sample: 64424509440
import_id:
  description: Id of the import that this run started, for M(apsaradb.migration.rds_cancel_import). Copies have none.
  returned: when the service could be read
  type: str
  sample: "2122321"
method_used:
  description: V(import) or V(copy), whichever this run started, or null.
  returned: when the service could be read
  type: str
  sample: copy
adopted:
  description: Whether work was waited for that this run did not start, or whose start was not answered.
  returned: when the service could be read
  type: bool
  sample: false
backup:
  description: The backup that a copy takes, or null where none was looked for.
  returned: when the service could be read
  type: dict
  contains:
    id:
      description: Id of the backup set.
      type: str
      sample: "1234567890"
    taken:
      description: Point in time it holds, in UTC.
      type: str
      sample: "2026-01-31T23:41:00Z"
    age:
      description: Its age in seconds.
      type: int
      sample: 1140
  sample: {"id": "1234567890", "taken": "2026-01-31T23:41:00Z", "age": 1140}
state:
  description: V(missing), V(in_flight), V(imported) or V(unknown). In a rehearsal, what the run will lead to.
  returned: always
  type: str
  sample: imported
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: Action of the service.
      type: str
      sample: ImportDatabaseBetweenInstances
    target:
      description: Instance that is changed.
      type: str
      sample: rm-bp1sqltarget00001
    source:
      description: Instance that the databases come from.
      type: str
      sample: rm-bp1sqlsource00001
    subject:
      description: What the step is about.
      type: list
      elements: str
      sample: [sales -> sales_2026]
    why:
      description: Why it is still to be done.
      type: str
      sample: 1 of 1 databases are not on rm-bp1sqltarget00001
    parameters:
      description: The request, without secrets.
      type: dict
      sample: {"DBInstanceId": "rm-bp1sqltarget00001", "SourceDBInstanceId": "rm-bp1sqlsource00001"}
    choices:
      description: What the task chose beyond the databases, by option, such as O(backup_id).
      type: dict
      sample: {"sync_user_privilege": true}
    one_way:
      description: Whether it cannot be taken back.
      type: bool
      sample: false
    or_else:
      description: The step that is taken instead when the service does not know the action.
      type: dict
      sample: {"action": "CopyDatabaseBetweenInstances", "target": "rm-bp1sqltarget00001"}
checks:
  description: The go/no-go items.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
      sample: free_storage
    status:
      description: V(pass), V(warn), V(fail), or V(unknown) when the service gave no data for it.
      type: str
      sample: pass
    detail:
      description: What was found.
      type: str
      sample: the target has 990.0 GiB free, the source uses 120.0 GiB
    remedy:
      description: What to change.
      type: str
      sample: ""
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 15 of 15 checks passed, 1 step to do."]
verdict:
  description: V(no_go) with any failed check, V(review) with a warning or unknown, else V(go).
  returned: when the service could be read
  type: str
  sample: go
fingerprint:
  description: Fingerprint of the plan, for O(approved_plan).
  returned: when the service could be read
  type: str
  sample: sha256:0f343b0931126a20f133d67c2b018a3b5f8a4b2f9ac3b4e2f0c5d6a7b8c9d0e1
request_ids:
  description: Ids of the requests that changed something, and of the one that failed.
  returned: always
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
  description: What a failure was.
  returned: on failure
  type: dict
  contains:
    code:
      description: Code of the service, or one of this collection in lower case.
      type: str
      sample: IncorrectDBInstanceState
    http_status:
      description: Status of the answer.
      type: int
      sample: 403
    request_id:
      description: Id of the request.
      type: str
      sample: 5A77D650-27A1-4E08-AD9E-59008EDB6927
    action:
      description: Action that failed.
      type: str
      sample: CopyDatabaseBetweenInstances
    remedy:
      description: What to change.
      type: str
      sample: Wait until the instance is Running, then run the playbook again.
  sample: {"code": "no_go", "http_status": null, "request_id": null, "action": null, "remedy": "Correct it."}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_import import InstanceImport
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_import_request import read_request


def main() -> None:
    run_migration(
        {
            "source_instance_id": {"type": "str", "required": True},
            "instance_id": {"type": "str", "required": True},
            "databases": {"type": "raw", "required": True},
            "method": {"type": "str", "choices": ["auto", "import", "copy"], "default": "auto"},
            "backup_id": {"type": "str"},
            "restore_time": {"type": "str"},
            "sync_user_privilege": {"type": "bool", "default": False},
            "max_backup_age": {"type": "float", "default": 3600},
            "on_existing": {"type": "str", "choices": ["accept", "fail"], "default": "accept"},
            "start_grace": {"type": "float", "default": 300},
        },
        lambda services, options: InstanceImport(services.rds, read_request(options), services.clock),
    )


if __name__ == "__main__":
    main()
