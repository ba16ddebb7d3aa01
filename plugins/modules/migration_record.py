# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module's work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_record
short_description: Keep what the modules of a migration said
version_added: 1.0.0
description:
  - Writes the verdict, checks, plan and facts of other tasks to a file per inventory host, which is kept beside the
    playbook. The roles of this collection do so after each phase.
  - In check mode it writes C(rehearsal.json), which M(apsaradb.migration.migration_report) shows and the option
    O(apsaradb.migration.rds_import_between_instances#module:approved_plan) of the modules takes; otherwise C(run.json).
  - It runs where C(ansible-playbook) runs.
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
options:
  folder:
    description:
      - Folder of the files; those of a host are in a folder below it that has its name.
      - An empty string writes nothing.
    type: str
    required: true
  role:
    description: What the tasks belong to, as the report shows it.
    type: str
    required: true
  phase:
    description:
      - Part of the migration that the results are of.
      - What an earlier run recorded of this phase is replaced.
    type: str
    required: true
  entries:
    description:
      - The results to be kept, each with the name of its module.
      - Without it, only O(failed) is kept. Results of tasks that did not run are left out.
    type: list
    elements: dict
    default: []
    suboptions:
      module:
        description: Name of the module without its collection.
        type: str
        required: true
      instance:
        description: Id of the instance that the result is about. Without it, the result is about none.
        type: str
      subject:
        description: Names of the databases, jobs or roles that the result is about. Without it, the whole instance.
        type: list
        elements: str
      result:
        description: The registered result. Without it, the task did not run.
        type: dict
  failed:
    description:
      - Result of the task that ended the phase, in a rescue.
      - Without it, the phase did not fail, unless one of O(entries) did.
    type: dict
  guidance:
    description:
      - What to do next, as lists of sentences under V(cutover), V(rollback) and V(next).
      - Without it, the report gives no such advice.
    type: dict
    default: {}
  approved_plan:
    description:
      - Path of the plan that was approved, or its fingerprint. This file is never written, so that nothing is approved
        by being rehearsed.
      - Without it, the file of the host is written whatever it is used for.
    type: str
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: Writes its file in check mode too, under another name.
  diff_mode:
    description: Shows what changes.
    support: none
seealso:
  - module: apsaradb.migration.migration_report
"""

EXAMPLES = r"""
- name: Rehearse or run the import
  apsaradb.migration.rds_import_between_instances:
    instance_id: rm-bp1sqltarget00001
    source_instance_id: rm-bp1sqlsource00001
    databases: [sales]
  register: import_result

- name: Keep what it said
  apsaradb.migration.migration_record:
    folder: apsaradb-migration
    role: my_migration
    phase: import
    entries:
      - module: rds_import_between_instances
        instance: rm-bp1sqltarget00001
        subject: [sales]
        result: "{{ import_result }}"
"""

RETURN = r"""
path:
  description: The file, or V(null) if no folder is set.
  returned: success
  type: str
  sample: /home/dba/apsaradb-migration/rm-bp1sqltarget00001/rehearsal.json
"""
