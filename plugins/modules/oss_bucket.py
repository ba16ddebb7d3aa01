#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a bucket that a migration can use, or removes it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oss_bucket
short_description: Make a bucket for the backups of a migration, or remove it
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Makes sure that there is a bucket from which ApsaraDB RDS restores backups. It has to be in the account and region
    of the instance, of class Standard, unencrypted, and it should be private.
  - A bucket that is made here gets the tag C(made-by) with the value C(apsaradb.migration).
  - A bucket that is there already is never altered. What does not fit is reported as failed checks, with what to
    change, because other data may depend on its settings.
options:
  name:
    description: Name of the bucket. 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at both
      ends. Names are shared by all accounts of the world.
    type: str
    required: true
  state:
    description:
      - V(present) makes the bucket if there is none.
      - V(absent) removes it if it is empty, which includes unfinished uploads. With O(force) a bucket that was made
        here is emptied first.
    type: str
    choices: [present, absent]
    default: present
  instance_id:
    description: Id of the RDS instance that will restore from the bucket. Its region is where the bucket is made, and
      is compared with that of a bucket that is there. Without it O(region) decides alone.
    type: str
  force:
    description: Whether V(absent) deletes the objects and aborts the unfinished uploads in a bucket that carries the
      tag. Buckets without the tag are never emptied. With V(false) nothing in a bucket is deleted.
    type: bool
    default: false
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
notes:
  - OSS takes signed requests only. A bearer token cannot be used.
  - Buckets that keep versions of objects are not emptied.
  - A run that ends between making the bucket and tagging it leaves a bucket without the tag. It is used like any other,
    and removed only while it is empty.
seealso:
  - module: apsaradb.migration.oss_backup_upload
  - module: apsaradb.migration.rds_oss_backup_migrate
"""

EXAMPLES = r"""
- name: Make a bucket where the instance is
  apsaradb.migration.oss_bucket:
    name: sales-migration-2026
    instance_id: rm-bp1sqltarget00001
    region: cn-hangzhou

- name: Remove it with the backups in it, after the migration
  apsaradb.migration.oss_bucket:
    name: sales-migration-2026
    region: cn-hangzhou
    state: absent
    force: true
"""

RETURN = r"""
name:
  description: Name of the bucket.
  returned: when the service could be read
  type: str
  sample: sales-migration-2026
region:
  description: Region of the bucket, or where it is wanted.
  returned: when the service could be read
  type: str
  sample: cn-hangzhou
instance_id:
  description: The instance whose region decided, if one was given.
  returned: when the service could be read
  type: str
  sample: rm-bp1sqltarget00001
bucket:
  description: The bucket. In a rehearsal, as it will be. Null where there is none. What the service did not tell is
    null.
  returned: when the service could be read
  type: dict
  contains:
    name:
      description: Name.
      type: str
      sample: sales-migration-2026
    owner:
      description: Id of the account that owns it.
      type: str
      sample: "1000000000000001"
    region:
      description: Region.
      type: str
      sample: cn-hangzhou
    storage_class:
      description: Storage class.
      type: str
      sample: Standard
    acl:
      description: Who may read and write.
      type: str
      sample: private
    encryption:
      description: Algorithm with which the service encrypts, or null.
      type: str
      sample: null
    versioning:
      description: Whether versions of objects are kept.
      type: str
      sample: null
    created:
      description: When it was made.
      type: str
      sample: "2026-01-02T03:04:05.000Z"
    extranet_endpoint:
      description: Host name of its public endpoint.
      type: str
      sample: oss-cn-hangzhou.aliyuncs.com
    intranet_endpoint:
      description: Host name of its endpoint inside the region.
      type: str
      sample: oss-cn-hangzhou-internal.aliyuncs.com
    made_here:
      description: Whether it carries the tag of this collection.
      type: bool
      sample: true
  sample: {"name": "sales-migration-2026", "region": "cn-hangzhou", "storage_class": "Standard", "acl": "private"}
state:
  description: V(present), V(absent), V(in_flight) when O(wait=false), or V(unknown) when the service refused to tell.
  returned: always
  type: str
  sample: present
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
  sample: [{"action": "PutBucket", "target": "sales-migration-2026", "subject": ["sales-migration-2026"]}]
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
  sample: {"code": "BucketNotEmpty", "http_status": 409, "request_id": "5C3D9175B6FC201293AD4890"}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.bucket import BucketPath, read_request


def main() -> None:
    run_migration(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "instance_id": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        lambda services, options: BucketPath(services, read_request(options)),
    )


if __name__ == "__main__":
    main()
