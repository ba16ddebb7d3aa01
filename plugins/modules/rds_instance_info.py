#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what a migration needs to know about an RDS instance."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_instance_info
short_description: Tell what a migration needs to know about an RDS instance
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Reads engine, version, edition, family, state, region, network, storage, databases, accounts and addresses of one
    ApsaraDB RDS instance.
  - What the service does not tell is null. A part that it refuses to tell is null and named in C(unavailable) with
    the reason.
options:
  instance_id:
    description: Id of the instance. The task fails when there is no such instance in this account and region.
    type: str
    required: true
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.attributes.info_module
  - apsaradb.migration.auth
seealso:
  - module: apsaradb.migration.rds_migration_info
  - module: apsaradb.migration.rds_import_between_instances
  - module: apsaradb.migration.migration_advice
  - module: apsaradb.migration.mssql_backup_info
  - module: apsaradb.migration.rds_cloud_migration
  - module: apsaradb.migration.rds_oss_backup_migrate
"""

EXAMPLES = r"""
- name: Look at the target
  apsaradb.migration.rds_instance_info:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
  register: target

- name: Show its free storage in GiB
  ansible.builtin.debug:
    msg: "{{ (target.instance.storage.free / 1024 ** 3) | round(1) }}"
"""

RETURN = r"""
instance:
  description: The instance.
  returned: success
  type: dict
  contains:
    id:
      description: Id.
      type: str
      sample: rm-bp1sqltarget00001
    description:
      description: Description that was given to it.
      type: str
      sample: finance, production
    engine:
      description: V(SQLServer), V(PostgreSQL), V(MySQL) or V(MariaDB).
      type: str
      sample: SQLServer
    version:
      description: Version code of the service; for SQL Server it holds the edition.
      type: str
      sample: 2019_std_ha
    edition:
      description: V(Basic), V(HighAvailability), V(AlwaysOn), V(cluster) and others.
      type: str
      sample: HighAvailability
    family:
      description: V(d) dedicated, V(h) dedicated host, V(x) general purpose, V(s) shared.
      type: str
      sample: d
    instance_class:
      description: Class code.
      type: str
      sample: mssql.x4.large.s2
    state:
      description: State in the service's words.
      type: str
      sample: Running
    type:
      description: V(Primary), V(Readonly), V(Guard) or V(Temp).
      type: str
      sample: Primary
    region:
      description: Region.
      type: str
      sample: cn-hangzhou
    zone:
      description: Zone.
      type: str
      sample: cn-hangzhou-h
    network:
      description: V(VPC) or V(Classic).
      type: str
      sample: VPC
    vpc:
      description: Id of the VPC.
      type: str
      sample: vpc-bp1example0000001
    lock_mode:
      description: V(Unlock), or why it is locked.
      type: str
      sample: Unlock
    storage_type:
      description: Storage type code.
      type: str
      sample: cloud_essd
    most_databases:
      description: How many databases it can hold.
      type: int
      sample: 100
    collation:
      description: Collation of the instance.
      type: str
      sample: Chinese_PRC_CI_AS
    storage:
      description: Storage in bytes.
      type: dict
      contains:
        total:
          description: Size of the storage.
          type: int
          sample: 1073741824000
        used:
          description: Bytes in use.
          type: int
          sample: 10737418240
        free:
          description: What is left.
          type: int
          sample: 1063004405760
    databases:
      description: The databases, by name.
      type: list
      elements: dict
      contains:
        name:
          description: Name.
          type: str
          sample: warehouse
        state:
          description: State in the service's words.
          type: str
          sample: Running
        size:
          description: Bytes, or null when the service does not tell.
          type: int
          sample: 10737418240
        character_set:
          description: Character set or collation.
          type: str
          sample: Chinese_PRC_CI_AS
    accounts:
      description: The accounts of the instance.
      type: list
      elements: dict
      contains:
        name:
          description: Name.
          type: str
          sample: migrator
        kind:
          description: V(Normal), V(Super) or V(Sysadmin).
          type: str
          sample: Super
        status:
          description: V(Available) or V(Unavailable).
          type: str
          sample: Available
        privileges:
          description: Privilege by database.
          type: dict
          sample: {"warehouse": "ReadWrite"}
        details:
          description: The rights by database, as the service lists them, of databases where it does.
          type: dict
          sample: {"warehouse": "SELECT,INSERT"}
    addresses:
      description: The endpoints of the instance.
      type: list
      elements: dict
      contains:
        host:
          description: Host name.
          type: str
          sample: rm-bp1sqltarget00001.sqlserver.rds.aliyuncs.com
        port:
          description: Port.
          type: int
          sample: 1433
        kind:
          description: V(Private), V(Public) or V(Inner).
          type: str
          sample: Private
        ip:
          description: Address.
          type: str
          sample: 192.168.0.10
    unavailable:
      description: The parts that the service refused to tell, with the reason.
      type: dict
      sample: {}
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
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.instance_facts import instance_facts


def main() -> None:
    run_info(
        {"instance_id": {"type": "str", "required": True}},
        lambda services, options: instance_facts(services.rds, options["instance_id"]),
    )


if __name__ == "__main__":
    main()
