# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module's work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_advice
short_description: Say which way to migrate fits, which do not, and why
version_added: 1.0.0
description:
  - Judges the four ways to migrate that this collection has, from what is known of source, target and wishes, and from
    what other modules found when they looked in check mode.
  - Facts decide first, such as engines, accounts, regions, versions, and how long nobody may write. What the modules of
    a way found is added to what is left open.
  - The role P(apsaradb.migration.advise#role) makes these looks and calls this module; the playbook
    C(apsaradb.migration.advise) runs it.
  - It reads nothing and writes nothing, and runs where C(ansible-playbook) runs.
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
options:
  source:
    description: What is known of the source. Passwords and credentials do not belong here.
    type: dict
    required: true
    suboptions:
      kind:
        description: V(rds) for an ApsaraDB RDS instance, V(self_managed) for any other server.
        type: str
        required: true
        choices: [rds, self_managed]
      engine:
        description: Its engine. Without it, and without O(source_seen), no way can be judged.
        type: str
        choices: [MySQL, MariaDB, PostgreSQL, SQLServer]
      version:
        description: Its version, as V(2019_std_ha), V(15) or V(8.0). Without it that of O(source_seen) or
          O(backups_seen) counts, else versions are not compared.
        type: str
      region:
        description: Its region. Without it that of O(source_seen) counts, else regions are not compared.
        type: str
      instance_id:
        description: Id of the RDS instance. Without it, no command names it.
        type: str
      account_id:
        description: Id of the Alibaba Cloud account that owns it, if that is another one than the target's. Without it,
          O(source.has_credentials) and O(source_seen) tell.
        type: str
      has_credentials:
        description: Whether O(source_seen) was read with credentials of another account.
        type: bool
        default: false
      databases:
        description: Names of the databases that are to be migrated. Without it, all that O(source_seen) shows.
        type: list
        elements: str
      size_gb:
        description: Their size together in GiB. Without it O(source_seen) or O(backups_seen) tells, else it is unknown.
        type: float
      path:
        description: Folder with backup files of a SQL Server. Without it, there are none.
        type: str
  target:
    description: What is known of the target. Without it, O(target_seen) tells all.
    type: dict
    default: {}
    suboptions:
      engine:
        description: Its engine. Without it that of O(target_seen) counts, else engines are not compared.
        type: str
        choices: [MySQL, MariaDB, PostgreSQL, SQLServer]
      version:
        description: Its version. Without it that of O(target_seen) counts, else versions are not compared.
        type: str
      region:
        description: Its region. Without it that of O(target_seen) counts, else regions are not compared.
        type: str
      instance_id:
        description: Its id. Without it, no command names it.
        type: str
      account_id:
        description: Id of the account that owns it. Without it, O(source.account_id) is taken for another account's.
        type: str
  wishes:
    description: What the migration has to keep to. Without it, writes may be stopped for as long as it takes.
    type: dict
    default: {}
    suboptions:
      downtime:
        description: For how many minutes nobody may be able to write at most. Without it, for as long as it takes.
        type: float
      way_back:
        description: Whether what is written to the target after the cut-over has to be carried back to the source.
        type: bool
        default: false
  source_seen:
    description: Result of M(apsaradb.migration.rds_instance_info) for the source. Without it, what is said counts.
    type: dict
    default: {}
  target_seen:
    description: Result of M(apsaradb.migration.rds_instance_info) for the target. Without it, what is said counts.
    type: dict
    default: {}
  backups_seen:
    description: Result of M(apsaradb.migration.mssql_backup_info). Without it, backups tell neither version nor size.
    type: dict
    default: {}
  looks:
    description: What the modules of each way found in check mode. Without it, facts alone decide.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The way that the look is of.
        type: str
        required: true
        choices: [instance_import, cloud_migration, backup_migration, dts_migration]
      module:
        description: Name of the module without its collection.
        type: str
        required: true
      result:
        description: The registered result. Without it, or if the task was skipped, it is left out. One without a
          verdict makes the way V(unknown).
        type: dict
        default: {}
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: It changes nothing.
  diff_mode:
    description: Shows what changes.
    support: none
seealso:
  - module: apsaradb.migration.rds_instance_info
  - module: apsaradb.migration.mssql_backup_info
"""

EXAMPLES = r"""
- name: Look at the target
  apsaradb.migration.rds_instance_info:
    region: cn-hangzhou
    instance_id: pgm-bp1target0000001
  register: target

- name: Ask which way fits
  apsaradb.migration.migration_advice:
    source: {kind: self_managed, engine: PostgreSQL, version: "15"}
    target: {instance_id: pgm-bp1target0000001}
    target_seen: "{{ target }}"
    wishes: {downtime: 10}
  register: advice

- name: Show the answer
  ansible.builtin.debug:
    msg: "{{ advice.summary }}"
"""

RETURN = r"""
recommended:
  description: The way that fits best, or V(null) where none is sure to fit.
  returned: success
  type: str
  sample: cloud_migration
may_be_better:
  description: Ways that could not be judged, and would be preferred if they fit.
  returned: success
  type: list
  elements: str
  sample: []
paths:
  description: Every way, those that fit best first.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: V(instance_import), V(cloud_migration), V(backup_migration) or V(dts_migration).
      type: str
      sample: cloud_migration
    fits:
      description: V(yes); V(with_changes) if what RV(paths[].to_change) says is changed first; V(unknown) if it could
        not be found out; V(no).
      type: str
      sample: "yes"
    because:
      description: Why, in sentences.
      type: list
      elements: str
      sample: ["It is made for PostgreSQL servers: a physical copy follows the source until it takes over."]
    to_change:
      description: What has to be changed first. Of a way that does not fit, what would have to be otherwise; nothing,
        where nothing would help.
      type: list
      elements: str
      sample: []
    downtime:
      description: For how long nobody can write, and why.
      type: str
      sample: "A minute or two: the proof that nobody writes, the last WAL position, and the switch."
    playbook:
      description: The playbook, or V(null) where a play of one's own is needed.
      type: str
      sample: apsaradb.migration.postgresql_cloud
    next_command:
      description: The rehearsal of this way, or V(null) if it does not fit. Accounts and passwords belong to the
        inventory.
      type: str
      sample: ansible-playbook apsaradb.migration.postgresql_cloud -i inventory.yml --check --diff
    looked:
      description: The modules that looked.
      type: list
      elements: str
      sample: [rds_cloud_migration, postgresql_source]
open:
  description: The ways that are not out.
  returned: success
  type: list
  elements: str
  sample: [cloud_migration, dts_migration]
low_downtime:
  description: Whether backups have to follow each other to keep the downtime, as with
    O(apsaradb.migration.sqlserver_backup#role:main:sqlserver_backup_low_downtime).
  returned: success
  type: bool
  sample: false
incremental:
  description: Whether a job of DTS has to carry changes to keep the wishes.
  returned: success
  type: bool
  sample: true
databases:
  description: The databases that come over, as far as they are known.
  returned: success
  type: list
  elements: str
  sample: [shop]
objects:
  description: The same, as the option O(apsaradb.migration.dts_migration#module:objects) takes it.
  returned: success
  type: list
  elements: dict
  sample: [{database: shop}]
notes:
  description: Where what was seen is not what was said, and what could not be looked at.
  returned: success
  type: list
  elements: str
  sample: []
summary:
  description: All of it as text, a paragraph for each way.
  returned: success
  type: list
  elements: str
  sample: ["Recommended: cloud migration."]
verdict:
  description: V(go) if the best way fits, V(review) if it fits after changes or is not known to fit, V(no_go) if none
    does.
  returned: success
  type: str
  sample: go
checks:
  description: The way that is recommended as a check, for the report; every way where none is.
  returned: success
  type: list
  elements: dict
  sample: [{name: cloud_migration, status: pass, detail: It is made for PostgreSQL servers., remedy: ""}]
predicted:
  description: Always, because nothing is done.
  returned: success
  type: bool
  sample: true
"""
