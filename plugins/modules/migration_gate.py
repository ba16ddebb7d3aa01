# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The module's work is done by the action plugin of the same name.

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_gate
short_description: Hold a cut-over until everything speaks for it
version_added: 1.0.0
description:
  - Lets a play go on to a step that cannot be taken back only if somebody confirmed it and the verdict is go, or every
    exception is accepted. Where that is asked for, a plan has to be approved and the hour has to be right.
  - Everything that is missing is told at once, before anything is written.
  - Can hold the play at this point, ready, until a file is deleted.
  - The role P(apsaradb.migration.gate#role) wraps it, and the cut-overs of this collection use it.
  - It runs where C(ansible-playbook) runs.
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
options:
  instance_id:
    description: Id of the instance that the step is about.
    type: str
    required: true
  what:
    description: What the step is, as the beginning of a sentence.
    type: str
    required: true
  confirm:
    description:
      - The id of O(instance_id) again, typed by somebody who means it.
      - Without it the gate stays shut; in check mode it warns.
    type: str
  confirm_variable:
    description: Name of the variable that a message asks for.
    type: str
    default: confirm
  checks:
    description:
      - Checks of a module that looked at the migration just before.
      - Without it, nothing speaks against the step but the other options.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the check.
        type: str
        required: true
      status:
        description: How it ended.
        type: str
        required: true
        choices: [pass, warn, fail, unknown]
      detail:
        description: What was found.
        type: str
        required: true
      remedy:
        description: What to change. Without it, nothing is recommended.
        type: str
        default: ''
  accept:
    description:
      - Names of checks that may be V(warn) or V(unknown). A V(fail) cannot be accepted.
      - Without it, every check has to pass.
    type: list
    elements: str
    default: []
  require_approval:
    description: Whether O(approved_plan) has to be given.
    type: bool
    default: false
  approved_plan:
    description:
      - The approved plan that the modules behind the gate are given. The gate looks only whether there is one; the
        modules compare it.
      - Without it, the gate stays shut if O(require_approval=true).
    type: str
  window:
    description:
      - When the step may be taken. In check mode, another time is a warning.
      - Without it, at any time.
    type: dict
    suboptions:
      from:
        description: Begin, as V(hh:mm) in the time zone of the machine, for each day, or in ISO 8601 with an offset.
        type: str
        required: true
      to:
        description: End, in the form of O(window.from). A daily window may lie across midnight.
        type: str
        required: true
  postpone:
    description: Whether to make O(postpone_file) when everything is ready, so that somebody has to delete it.
    type: bool
    default: false
  postpone_file:
    description:
      - As long as this file is there the play waits here. Deleting it lets the step go on.
      - Without it, the play does not wait.
    type: path
  postpone_timeout:
    description: After how many seconds of waiting the task fails.
    type: float
    default: 3600
attributes:
  check_mode:
    description: Can run in check mode.
    support: full
    details: Does not wait in check mode, and takes a missing O(confirm) for a warning.
  diff_mode:
    description: Shows what changes.
    support: none
seealso:
  - module: apsaradb.migration.rds_cloud_migration
  - module: apsaradb.migration.dts_migration
"""

EXAMPLES = r"""
- name: Go on only at night, when somebody said yes
  apsaradb.migration.migration_gate:
    instance_id: pgm-bp1target000000001
    what: The switch of pgm-bp1target000000001
    confirm: "{{ confirm | default('') }}"
    checks: "{{ look.checks }}"
    accept: [long_transactions]
    window:
      from: "22:00"
      to: "04:00"
    postpone_file: /var/lib/migrations/hold
"""

RETURN = r"""
checks:
  description: What the gate looked at.
  returned: always
  type: list
  elements: dict
  sample: [{name: confirm, status: pass, detail: The one-way step on rm-1 is confirmed., remedy: ""}]
verdict:
  description: V(no_go) if the gate stayed shut, V(review) if a rehearsal found it shut for now, else V(go).
  returned: always
  type: str
  sample: go
predicted:
  description: Whether this was a rehearsal.
  returned: always
  type: bool
  sample: false
held_seconds:
  description: For how long O(postpone_file) was there.
  returned: always
  type: float
  sample: 312.4
"""
