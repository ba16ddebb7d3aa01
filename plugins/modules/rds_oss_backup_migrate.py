#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores SQL Server backups from OSS on an RDS instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_oss_backup_migrate
short_description: Restore SQL Server backups from OSS on an RDS instance
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Takes databases of a self-managed SQL Server from their backups in an OSS bucket to an ApsaraDB RDS for SQL Server
    instance, one or hundreds in one task, and waits until they are there.
  - Every backup is looked into before anything is sent. Its header decides what it is, not its name. A differential
    backup that is called full, one half of a striped backup, a file of a newer SQL Server, an encrypted or a truncated
    file stop the rehearsal.
  - A database that is online on the instance already is not restored again. Tasks that are on their way, also those
    that were started in the console, are waited for and not started a second time.
  - One database that fails does not stop the others. The result names the state, cause and remedy of each, and the
    task fails at the end.
  - Run it with C(--check --diff) first. The rehearsal reads everything, evaluates every check and shows each call that
    the real run makes.
options:
  instance_id:
    description: Id of the instance that the databases are restored on.
    type: str
    required: true
  bucket:
    description: Name of the bucket that holds the backups. Needed unless O(state=terminated).
    type: str
  bucket_predicted:
    description: Whether the bucket is only planned, as RV(apsaradb.migration.oss_bucket#module:predicted) says in a
      rehearsal of the whole chain. Its check is unknown then. With V(false), and in a real run, the bucket has to be
      there.
    type: bool
    default: false
  prefix:
    description:
      - Folder of the bucket whose backups are restored; V(/) is the root of the bucket. Objects that are no backups by
        their extension (C(.bak), C(.diff), C(.trn), C(.log)) are left out and shown.
      - One of O(prefix) and O(backups) is needed, unless O(state=terminated).
    type: str
  recurse:
    description: Whether backups in folders below O(prefix) are taken as well. With V(false) only those directly in it.
    type: bool
    default: false
  backups:
    description:
      - The backups to restore, as RV(apsaradb.migration.oss_backup_upload#module:uploads) returns them, or written by
        hand. Keys of an item that are not named here are ignored.
      - C(key) is the name of the object; or C(keys) names several objects of one database, a full backup and what
        follows it. One of the two is needed.
      - C(database) and C(type) (V(full), V(differential) or V(log)) are compared with the header; without them the
        header alone tells.
      - C(new_name) is the name that the database gets on the instance. Without it O(new_names) is looked at, then the
        name stays.
      - C(predicted) says that in a rehearsal the object needs not be in the bucket yet. The item is planned from, with
        its C(size), C(start) and C(required_storage), and its header counts as unknown. Without it, and in a real run,
        the object has to be there.
    type: list
    elements: dict
  new_names:
    description: New names of databases, as a mapping from the name in the backup to the name on the instance. Without
      it names stay.
    type: dict
  include:
    description:
      - Patterns of the databases to restore, such as C(sales*); case does not count. A pattern may also name a file,
        for files that tell no database. Empty means all.
      - With O(state=terminated), the databases whose tasks are ended; V(["*"]) means all of the instance.
    type: list
    elements: str
    default: []
  exclude:
    description: Patterns of databases or files to leave out. Empty leaves out none.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(restored) restores full backups and opens the databases. Where differential and log backups are given too, or
        a chain waits on the instance, these are applied first, and opening is a one-way step that needs O(confirm).
      - V(staged) restores full backups, then the newest differential and the log backups after it, in their order,
        and leaves the databases waiting for more. A later run with more backups goes on; V(restored) opens them.
      - V(terminated) ends unfinished tasks. What they restored is lost, so O(confirm) is needed.
      - A database that is online satisfies V(staged).
    type: str
    choices: [restored, staged, terminated]
    default: restored
  check_db_mode:
    description: Whether DBCC CHECKDB runs after the database was opened (V(AsyncExecuteDBCheck), shorter downtime) or
      before (V(SyncExecuteDBCheck)).
    type: str
    choices: [AsyncExecuteDBCheck, SyncExecuteDBCheck]
    default: AsyncExecuteDBCheck
  keep_cdc:
    description: Whether Change Data Capture is kept when a database is opened. Without it the service's default holds.
      Older endpoints do not know the parameter.
    type: bool
  over_quota:
    description:
      - What to do when the plan is larger than the service's daily quota of 20 tasks per database and 500 per
        instance. V(fail) fails check C(daily_quota); V(today) plans what fits, and another run tomorrow goes on.
      - The tasks of the last 24 hours count, whatever day the service counts by.
    type: str
    choices: [fail, today]
    default: fail
  on_existing:
    description: What to say about databases that are online before this run without a task of the last week that
      succeeded. V(accept) takes them as restored, with the warning C(already_there); V(fail) fails that check.
    type: str
    choices: [accept, fail]
    default: accept
  migrate_task_id:
    description: Id of the task that began a chain, where it cannot be found; or of the task to end with
      O(state=terminated). Without it, the id is read from a tag of the full backup's object, where this module keeps
      it. One that the service does not show for these databases fails the check C(migrate_task).
    type: str
  applied_through:
    description: Finish time of the last backup that a chain holds, as a header shows it (C(2026-01-31T23:59:59)).
      Needed only where the edition does not tell which files were applied (2017 and 2019 Enterprise); there no file is
      sent again without it.
    type: str
  url_lifetime:
    description: Seconds for which a signed URL is valid, for SQL Server 2008 R2, which reads backups by URL. It has to
      outlive the download.
    type: int
    default: 28800
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
requirements:
  - oss2 >= 2.18.0
notes:
  - The bucket has to be in the account and the region of the instance, of class Standard and without encryption, and
    RDS has to be allowed to read OSS (role C(AliyunRDSImportRole)).
  - Databases are not usable while a chain is open.
  - Of several new databases the service restores as many at a time as it likes; their order is not told.
seealso:
  - module: apsaradb.migration.mssql_backup
  - module: apsaradb.migration.mssql_backup_info
  - module: apsaradb.migration.oss_bucket
  - module: apsaradb.migration.oss_backup_upload
  - module: apsaradb.migration.rds_migration_info
  - module: apsaradb.migration.rds_instance_info
"""

EXAMPLES = r"""
- name: Rehearse and restore all backups of a folder; --check makes it a rehearsal
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: migration-2026
    prefix: backups/

- name: Restore what was uploaded by an earlier task
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: migration-2026
    backups: "{{ upload.uploads }}"

- name: Restore two databases, one of them under a new name
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: migration-2026
    backups:
      - key: backups/sales_FULL_20260131220000.bak
      - key: backups/crm_FULL_20260131221500.bak
        new_name: crm_2026

- name: Restore the full backup and what there is of logs, and wait for the last log
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: migration-2026
    prefix: backups/
    include: [sales]
    state: staged

- name: Cut over, with the last log uploaded and nobody writing any more
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: migration-2026
    prefix: backups/
    include: [sales]
    state: restored
    confirm: rm-bp1sqltarget00001

- name: End everything that is not finished
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    include: ["*"]
    state: terminated
    confirm: rm-bp1sqltarget00001
"""

RETURN = r"""
instance_id:
  description: The instance.
  returned: always
  type: str
  sample: rm-bp1sqltarget00001
bucket:
  description: The bucket.
  returned: when O(state) is not V(terminated)
  type: str
  sample: migration-2026
state:
  description:
    - Where the databases stand together, V(restored), V(staged), V(terminated), V(in_flight) or what is true of the
      one that is least far, V(missing), V(refused), V(deferred), V(failed) or V(unknown).
    - Of a rehearsal, where they would stand.
  returned: always
  type: str
  sample: restored
databases:
  description: The databases, by their names on the instance.
  returned: always
  type: list
  elements: dict
  contains:
    database:
      description: Name in the backup.
      type: str
      sample: sales
    target:
      description: Name on the instance.
      type: str
      sample: sales
    state:
      description:
        - V(online); V(staged), which waits for more backups; V(in_flight); V(missing), not begun.
        - V(refused), a backup of it fails a check; V(deferred), left for tomorrow's quota; V(failed); V(terminated);
          V(unknown), it is on the instance in another state and no task of it is known.
      type: str
      sample: online
    migrate_task_id:
      description: Id of its task, or of the task that began its chain.
      type: str
      sample: "107081"
    backups:
      description: The backups that lead to it, in the order in which they are applied, each with C(key), C(type),
        C(start), C(finish), C(size) and C(predicted).
      type: list
      elements: dict
      sample:
        - key: backups/sales_FULL_20260131220000.bak
          type: full
          start: "2026-01-31T22:00:00+08:00"
          finish: "2026-01-31T22:04:10+08:00"
          size: 5368709120
          predicted: false
    size:
      description: Bytes of all its backups.
      type: int
      sample: 5368709120
    required_storage:
      description: Bytes that it needs on the instance, as the backup's header tells.
      type: int
      sample: 21474836480
    adopted:
      description: Whether its task was not started by this run, or its start was not answered and it was found.
      type: bool
      sample: false
    cause:
      description: What went wrong with it, or what a check says against it.
      type: str
      sample: null
    remedy:
      description: What to do about it.
      type: str
      sample: null
    description:
      description: The service's own text about its task.
      type: str
      sample: null
left_out:
  description: Keys that O(include), O(exclude) or their extension leave out.
  returned: when O(state) is not V(terminated)
  type: list
  elements: str
  sample: [backups/readme.txt]
plan:
  description: The calls that are still to be made, or were made, in order. The parameters are those of the service.
  returned: always
  type: list
  elements: dict
  sample:
    - action: CreateMigrateTask
      target: rm-bp1sqltarget00001
      source: migration-2026
      subject: [sales]
      why: sales is not on rm-bp1sqltarget00001; sales_FULL_20260131220000.bak holds it
      parameters:
        DBInstanceId: rm-bp1sqltarget00001
        DBName: sales
        BackupMode: FULL
        IsOnlineDB: "True"
        CheckDBMode: AsyncExecuteDBCheck
        OssObjectPositions: oss-cn-hangzhou.aliyuncs.com:migration-2026:backups/sales_FULL_20260131220000.bak
      choices: {"backup_mode": "FULL"}
      one_way: false
checks:
  description: The go/no-go items, each with C(name), C(status), C(detail) and C(remedy).
  returned: always
  type: list
  elements: dict
  sample:
    - name: privileged_account
      status: pass
      detail: the instance has a privileged account
      remedy: ""
verdict:
  description: V(go); V(review) with a warning or an unknown; V(no_go) with a failed check.
  returned: always
  type: str
  sample: go
summary:
  description: Verdict, plan and doubtful checks in sentences.
  returned: always
  type: list
  elements: str
  sample: ["Verdict go: 19 of 19 checks passed, 1 step to do."]
fingerprint:
  description: Identifies exactly this plan, for O(approved_plan).
  returned: always
  type: str
  sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
predicted:
  description: Whether this is what a run would do, and not what one did.
  returned: always
  type: bool
  sample: false
request_ids:
  description: Ids of the requests that wrote, and of one that failed.
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
  description:
    - How often each action of the service was called. An action that was sent again counts once.
    - Requests to OSS are not counted.
  returned: always
  type: dict
  sample: {DescribeDBInstanceAttribute: 1, DescribeDatabases: 2}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error). C(code) is
    V(databases_failed) when several databases failed; their own causes are in RV(databases).
  returned: on failure
  type: dict
  sample: {"code": "name_taken", "http_status": null, "request_id": null, "action": null}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration import new_path


def main() -> None:
    run_migration(
        {
            "instance_id": {"type": "str", "required": True},
            "bucket": {"type": "str"},
            "bucket_predicted": {"type": "bool", "default": False},
            "prefix": {"type": "str"},
            "recurse": {"type": "bool", "default": False},
            "backups": {
                "type": "list",
                "elements": "dict",
            },
            "new_names": {"type": "dict"},
            "include": {"type": "list", "elements": "str", "default": []},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "state": {"type": "str", "choices": ["restored", "staged", "terminated"], "default": "restored"},
            "check_db_mode": {
                "type": "str",
                "choices": ["AsyncExecuteDBCheck", "SyncExecuteDBCheck"],
                "default": "AsyncExecuteDBCheck",
            },
            "keep_cdc": {"type": "bool"},
            "over_quota": {"type": "str", "choices": ["fail", "today"], "default": "fail"},
            "on_existing": {"type": "str", "choices": ["accept", "fail"], "default": "accept"},
            "migrate_task_id": {"type": "str"},
            "applied_through": {"type": "str"},
            "url_lifetime": {"type": "int", "default": 28800},
        },
        new_path,
    )


if __name__ == "__main__":
    main()
