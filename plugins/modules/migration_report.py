# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module's work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_report
short_description: Make one report of the rehearsals and runs of all hosts
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Reads the records that the roles of this collection keep of each host, and writes one HTML file and the same as
    JSON beside them.
  - The HTML file needs nothing else and no network. It shows the verdict, failed checks with what to change, the steps
    that are to do or done, a timeline, all databases, the calls that were made, and the cut-over and the way back.
  - Where a host has both a rehearsal and a run, the run is shown, and how it differs from what was promised.
  - It runs where C(ansible-playbook) runs, once for all hosts. The report is written in check mode as well, because the
    report of a rehearsal is what it is for.
  - A record that cannot be read is named in the report, and does not stop it.
  - C(changed) tells whether the report says something else than before, apart from when it was made.
attributes:
  action:
    description: Runs on the controller.
    support: full
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - The files of the report are written in check mode, too.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff
      mode.
    support: none
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates
      no change.
    support: full
options:
  folder:
    description:
      - Folder of the records, C(HOST/rehearsal.json) and C(HOST/run.json). C(report.html) and C(report.json) are
        written there.
      - A relative path begins in the folder that C(ansible-playbook) was started in. Without it,
        C(apsaradb-migration).
    type: str
    default: apsaradb-migration
  title:
    description: Title of the report. Without it, C(Migration report).
    type: str
    default: Migration report
seealso:
  - module: apsaradb.migration.migration_record
"""

EXAMPLES = r"""
- name: Make the report
  apsaradb.migration.migration_report:
    folder: /srv/migration/records
    title: Sales databases to RDS
  run_once: true
  register: report

- name: Say where it is
  ansible.builtin.debug:
    msg: "{{ report.verdict }}: {{ report.path }}"
  run_once: true
"""

RETURN = r"""
path:
  description: The HTML file.
  returned: success
  type: str
  sample: /srv/migration/records/report.html
data_path:
  description: The JSON file. Its form has a version, and is described in the README of the role
    P(apsaradb.migration.report#role).
  returned: success
  type: str
  sample: /srv/migration/records/report.json
verdict:
  description: The worst of all hosts, V(no_go), V(review), V(go), or null where none was told.
  returned: success
  type: str
  sample: review
outcome:
  description: The worst of all hosts, V(failed), V(stopped) for a rehearsal that failed, V(unfinished), V(rehearsed),
    V(finished), or null without hosts.
  returned: success
  type: str
  sample: rehearsed
counts:
  description: What there is how many of.
  returned: success
  type: dict
  contains:
    hosts:
      description: Hosts.
      type: int
      sample: 2
    outcomes:
      description: Hosts by outcome.
      type: dict
      sample: {"rehearsed": 2}
    checks:
      description: Checks by status.
      type: dict
      sample: {"pass": 37, "warn": 1}
    steps:
      description: Steps by status, V(planned), V(done), V(begun), V(open) or V(unclear); a step counts once for each
        thing that it is about.
      type: dict
      sample: {"planned": 12}
    one_way_left:
      description: Steps to do that cannot be taken back.
      type: int
      sample: 1
    databases:
      description: Databases.
      type: int
      sample: 12
    differences:
      description: Differences between what was promised and what was done.
      type: int
      sample: 0
    unreadable:
      description: Files that could not be read, or only in part.
      type: int
      sample: 0
  sample: {"hosts": 2, "databases": 12}
unreadable:
  description: The files that could not be read, or only in part, with C(file) and C(reason).
  returned: success
  type: list
  elements: dict
  sample: [{"file": "rm-bp1sqltarget00001/run.json", "reason": "it is not JSON (line 1: Expecting value)."}]
"""
