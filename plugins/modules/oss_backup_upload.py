#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Uploads backups of SQL Server to a bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oss_backup_upload
short_description: Upload SQL Server backups to a bucket
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Brings backup files of the host that runs the module into a bucket, from which
    M(apsaradb.migration.rds_oss_backup_migrate) restores them.
  - The header of every file is read first. Files that are no backups, or are truncated, are not uploaded.
  - Files are uploaded in parts, several at a time. A run that was stopped is gone on with by the next one; parts that
    the service holds are compared with the file and not sent again. No file on the host keeps track of that.
  - The CRC-64 of every part and of the whole object is compared with the service's, also after an interruption.
  - What proves that a backup is there is an object of the same size with the same backup set in its metadata. An object
    without these metadata, uploaded by other means, is compared by its CRC-64, for which the file is read.
options:
  path:
    description:
      - A backup file, or a folder with backup files.
      - Together with O(backups), the folder in which its files are seen from the host that runs the module, such
        as a mounted share. Without O(path), the paths of O(backups) are used as they are.
    type: path
  patterns:
    description: Names of the files to take from a folder. Case does not count.
    type: list
    elements: str
    default: ["*.bak", "*.diff", "*.trn", "*.log"]
  recurse:
    description: Whether to look into the folders of a folder as well. Their names become part of the keys. With
      V(false) only the files of the folder itself are taken.
    type: bool
    default: false
  backups:
    description:
      - The result RV(apsaradb.migration.mssql_backup#module:backups) of M(apsaradb.migration.mssql_backup), or any list
        of dictionaries with C(path).
      - Items that are only predicted are planned, and reported with C(predicted).
      - Without it O(path) decides.
    type: list
    elements: dict
  bucket:
    description: Name of the bucket.
    type: str
    required: true
  bucket_predicted:
    description: Whether the bucket is only planned, as RV(apsaradb.migration.oss_bucket#module:predicted) says in a
      rehearsal of the whole chain. Its check is unknown then. With V(false) the bucket has to be there.
    type: bool
    default: false
  prefix:
    description: Folder in the bucket. V(/) is its root.
    type: str
    default: /
  instance_id:
    description: Id of the RDS instance that will restore the backups. The bucket has to be in its region. Without
      it the bucket's region is compared with O(region).
    type: str
  part_size:
    description: Bytes of a part, 102400 to 5368709120. Without it a size that fits is chosen, 16 MiB or more.
    type: int
  threads:
    description: How many parts are sent at the same time, 1 to 64.
    type: int
    default: 4
  bandwidth_limit:
    description: Bytes per second that are sent at most, over all threads. Without it there is no limit.
    type: int
  verify:
    description: How an object that is there is compared with the file. V(size) compares size and backup set. V(full)
      reads the file and compares the CRC-64.
    type: str
    choices: [size, full]
    default: size
  overwrite:
    description: Whether another object under a key is replaced. With V(false) that is a failed check.
    type: bool
    default: false
  abort_leftovers:
    description: Whether unfinished uploads of the same keys that are of no use are aborted. With V(false) they are
      reported, and cost storage.
    type: bool
    default: false
  invalid_backups:
    description: What to do with files that cannot be read, are no backups, or are truncated. V(fail) stops before the
      first upload. V(skip) warns and uploads the others.
    type: str
    choices: [fail, skip]
    default: fail
  progress_file:
    description:
      - File of the host that runs the module to which a line of JSON is appended once a second for each upload that
        goes on, with C(time), C(module), C(subject) (the key), C(done) and C(total) in bytes, C(rate) in bytes per
        second, and C(eta) in seconds. Follow it with C(tail -f).
      - Without it, E(APSARADB_PROGRESS_FILE) is used, else nothing is told before the task has ended.
    type: path
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
requirements:
  - oss2 >= 2.18.0
  - fastcrc >= 0.4.0 (recommended; without it checksums take most of the time)
notes:
  - OSS takes signed requests only. A bearer token cannot be used. Credentials that expire during an upload are renewed
    if they come from a profile or a role.
  - The module ends when the uploads have ended, whatever O(wait) and O(wait_timeout) say. With O(wait=false) the
    objects are not looked at once more.
  - A file must not change while it is uploaded. When it does, the task fails and no object is made of it.
  - Keys must not hold a colon, because RDS takes the place of a backup as C(endpoint:bucket:key).
seealso:
  - module: apsaradb.migration.mssql_backup
  - module: apsaradb.migration.mssql_backup_info
  - module: apsaradb.migration.oss_bucket
  - module: apsaradb.migration.rds_oss_backup_migrate
"""

EXAMPLES = r"""
- name: Upload a folder; --check makes it a rehearsal
  apsaradb.migration.oss_backup_upload:
    region: cn-hangzhou
    path: /mnt/backups
    bucket: sales-migration-2026
    prefix: backups/
  register: upload

- name: Restore what was uploaded
  apsaradb.migration.rds_oss_backup_migrate:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    bucket: sales-migration-2026
    backups: "{{ upload.uploads }}"

- name: Upload what the backup step wrote to a share, at 20 MB per second
  apsaradb.migration.oss_backup_upload:
    region: cn-hangzhou
    backups: "{{ backup.backups }}"
    path: /mnt/share
    bucket: sales-migration-2026
    bandwidth_limit: 20000000

- name: Leave out what is no backup, and remove what earlier runs left behind
  apsaradb.migration.oss_backup_upload:
    region: cn-hangzhou
    path: /mnt/backups
    bucket: sales-migration-2026
    invalid_backups: skip
    abort_leftovers: true
"""

RETURN = r"""
bucket:
  description: Name of the bucket.
  returned: when the service could be read
  type: str
  sample: sales-migration-2026
region:
  description: Region that requests went to.
  returned: when the service could be read
  type: str
  sample: cn-hangzhou
uploads:
  description: The backups and their objects. In a rehearsal, as they will be, in the same shape. What is not known is
    null. This list is what O(apsaradb.migration.rds_oss_backup_migrate#module:backups) takes.
  returned: when the service could be read
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /mnt/backups/sales_FULL_20260131235959.bak
    bucket:
      description: Name of the bucket.
      type: str
      sample: sales-migration-2026
    key:
      description: Name of the object.
      type: str
      sample: backups/sales_FULL_20260131235959.bak
    size:
      description: Bytes.
      type: int
      sample: 64424509440
    database:
      description: Name of the database, from the header.
      type: str
      sample: sales
    type:
      description: V(full), V(differential), V(log), or another kind of backup.
      type: str
      sample: full
    start:
      description: When the backup began (ISO 8601).
      type: str
      sample: "2026-01-31T23:59:59+08:00"
    finish:
      description: When it ended.
      type: str
      sample: "2026-02-01T00:04:10+08:00"
    backup_set_guid:
      description: GUID of the first backup set.
      type: str
      sample: 5A77D650-27A1-4E08-AD9E-59008EDB6927
    stripe:
      description: Which file of the backup this is.
      type: int
      sample: 1
    stripes:
      description: How many files the backup was written to.
      type: int
      sample: 1
    required_storage:
      description: Bytes that the restored database takes.
      type: int
      sample: 107374182400
    crc64:
      description: CRC-64 of the object, as the service writes it.
      type: str
      sample: "11051210869376104954"
    state:
      description: V(present) was there, V(uploaded) by this run (or will be), V(missing), or V(different) when another
        object is under the key.
      type: str
      sample: uploaded
    resumed_parts:
      description: Parts that an earlier run had sent.
      type: int
      sample: 12
    sent_bytes:
      description: Bytes that this run sent, repetitions included.
      type: int
      sample: 64223182848
    seconds:
      description: Duration of the upload.
      type: float
      sample: 612.4
    rate:
      description: Bytes per second.
      type: int
      sample: 104870000
    predicted:
      description: Whether it is a prediction.
      type: bool
      sample: false
  sample:
    - path: /mnt/backups/sales_FULL_20260131235959.bak
      bucket: sales-migration-2026
      key: backups/sales_FULL_20260131235959.bak
      size: 64424509440
      database: sales
      type: full
      state: uploaded
      predicted: false
left_out:
  description: Files that are not uploaded, with the C(reason).
  returned: when the service could be read
  type: list
  elements: dict
  sample: [{"path": "/mnt/backups/notes.bak", "reason": "It is not a backup file that SQL Server wrote."}]
leftovers:
  description: Unfinished uploads of the same keys that were of no use, with C(key), C(upload_id) and C(state), which is
    V(aborted) or V(left).
  returned: when the service could be read
  type: list
  elements: dict
  sample: []
state:
  description: V(uploaded) when all are there, V(partial), V(missing), V(in_flight) when O(wait=false) and something was
    uploaded, or V(unknown).
  returned: always
  type: str
  sample: uploaded
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, as in
    RV(apsaradb.migration.rds_import_between_instances#module:plan).
  returned: always
  type: list
  elements: dict
  sample: [{"action": "UploadObject", "target": "sales-migration-2026", "subject": ["sales full"]}]
checks:
  description: The go/no-go items, as in RV(apsaradb.migration.rds_import_between_instances#module:checks).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "bucket_region", "status": "pass", "detail": "it is in cn-hangzhou", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 7 of 7 checks passed, 1 step to do."]
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
  description: Ids of the requests that changed something (of the parts of an upload only the first), and of the one
    that failed.
  returned: always
  type: list
  elements: str
  sample: [5C3D9175B6FC201293AD4890]
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
  sample: {DescribeDBInstanceAttribute: 1}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error).
  returned: on failure
  type: dict
  sample: {"code": "file_changed", "http_status": null, "request_id": null, "action": "read"}
"""

from ansible.module_utils.basic import env_fallback
from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload import BackupUpload
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload_request import (
    PATTERNS,
    read_request,
)


def main() -> None:
    run_migration(
        {
            "path": {"type": "path"},
            "patterns": {"type": "list", "elements": "str", "default": list(PATTERNS)},
            "recurse": {"type": "bool", "default": False},
            "backups": {"type": "list", "elements": "dict"},
            "bucket": {"type": "str", "required": True},
            "bucket_predicted": {"type": "bool", "default": False},
            "prefix": {"type": "str", "default": "/"},
            "instance_id": {"type": "str"},
            "part_size": {"type": "int"},
            "threads": {"type": "int", "default": 4},
            "bandwidth_limit": {"type": "int"},
            "verify": {"type": "str", "choices": ["size", "full"], "default": "size"},
            "overwrite": {"type": "bool", "default": False},
            "abort_leftovers": {"type": "bool", "default": False},
            "invalid_backups": {"type": "str", "choices": ["fail", "skip"], "default": "fail"},
            "progress_file": {"type": "path", "fallback": (env_fallback, ["APSARADB_PROGRESS_FILE"])},
        },
        lambda services, options: BackupUpload(services, read_request(options)),
    )


if __name__ == "__main__":
    main()
