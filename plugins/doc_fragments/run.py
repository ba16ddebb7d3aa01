# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a module that changes something plans, stops, waits and reports."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  wait:
    description:
      - Whether to wait until the work that was started is over.
      - With V(false) the module returns once the service accepted the request and the work shows, for which it looks
        O(settle) seconds at most. Running it again later picks the work up.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait at most. When they are over the task fails, while the service goes on; running it
      again waits on.
    type: float
    default: 21600
  poll_interval:
    description: Seconds between two looks at the service while waiting.
    type: float
    default: 15
  settle:
    description: Seconds to look for a sign of the work after an answer was lost (time-out, broken connection, fault
      of the service). Nothing is ever sent twice.
    type: float
    default: 60
  preflight:
    description:
      - V(enforce) stops before the first write when a check fails, and in front of a one-way step at every warning
        that is not in O(accept).
      - V(warn) goes on in spite of failed checks and leaves the decision to the service.
    type: str
    choices: [enforce, warn]
    default: enforce
  accept:
    description: Names of checks whose warnings and unknowns are accepted in front of a one-way step. A failed check
      cannot be accepted. Without it nothing is accepted.
    type: list
    elements: str
    default: []
  confirm:
    description: The id of the target instance, typed by whoever means it. Needed for steps that cannot be taken
      back; an import and its cancellation are none, and ignore it. Without it such a run fails before it writes
      anything, and a rehearsal warns.
    type: str
  approved_plan:
    description:
      - Path of a JSON file with the saved result of a rehearsal, or a V(sha256:) fingerprint from its
        RV(fingerprint).
      - The run stops before the first write when its plan holds more than, or anything else than, the approved one.
        With a file, a run that was interrupted may go on with what is left. A fingerprint admits only the exact plan.
      - Compared are action, instances, names and what the task chose on purpose (a backup, a time, privileges); not
        ids of backups that were chosen automatically, times or sizes.
      - The roles of this collection keep their rehearsals as C(rehearsal.json), with
        M(apsaradb.migration.migration_record). A copy of that file is an approved plan; what failed in it approves
        nothing. A single task's rehearsal is saved with M(ansible.builtin.copy) from its registered result, by a task
        that runs in check mode as well.
      - Without it every plan may run.
    type: str
"""
