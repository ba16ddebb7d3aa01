#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cancels an import between RDS instances."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_cancel_import
short_description: Cancel an import of SQL Server databases between RDS instances
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Makes sure that no import runs on an instance. When none runs, nothing is sent and nothing changes.
  - Cancelling refunds nothing.
options:
  instance_id:
    description: Id of the instance that the databases are imported to.
    type: str
    required: true
  import_id:
    description: Id of the import, from RV(apsaradb.migration.rds_import_between_instances#module:import_id). The
      service does not tell which import runs, so whether this is the one is found out by the service.
    type: str
    required: true
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
notes:
  - Copies (C(CopyDatabaseBetweenInstances), the successor of the import) have no import id and cannot be cancelled.
    The vendor took C(CancelImport) offline in 2024, together with the import.
  - A PostgreSQL cloud migration cannot be cancelled with it.
seealso:
  - module: apsaradb.migration.rds_import_between_instances
  - module: apsaradb.migration.rds_migration_info
"""

EXAMPLES = r"""
- name: Stop the import that was started by mistake
  apsaradb.migration.rds_cancel_import:
    region: cn-hangzhou
    instance_id: rm-bp1sqltarget00001
    import_id: "2122321"
"""

RETURN = r"""
instance_id:
  description: The target instance of the import.
  returned: when the service could be read
  type: str
  sample: rm-bp1sqltarget00001
import_id:
  description: The import.
  returned: when the service could be read
  type: str
  sample: "2122321"
instance_state:
  description: State of the instance. In a rehearsal, the state that the run will lead to.
  returned: when the service could be read
  type: str
  sample: Running
state:
  description: V(importing), V(idle), V(in_flight) when the cancellation was not waited for, or V(unknown).
  returned: always
  type: str
  sample: idle
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
  sample: [{"action": "CancelImport", "target": "rm-bp1sqltarget00001", "subject": ["2122321"]}]
checks:
  description: The go/no-go items, as in RV(apsaradb.migration.rds_import_between_instances#module:checks).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "import_running", "status": "pass", "detail": "no import runs", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 1 of 1 checks passed, 1 step to do."]
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
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error).
  returned: on failure
  type: dict
  sample: {"code": "InvalidTaskId.NotFound", "http_status": 400, "request_id": "5A77D650-27A1-4E08-AD9E-59008EDB6927"}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.import_cancellation import (
    ImportCancellation,
    read_request,
)


def main() -> None:
    run_migration(
        {
            "instance_id": {"type": "str", "required": True},
            "import_id": {"type": "str", "required": True},
        },
        lambda services, options: ImportCancellation(services.rds, read_request(options), services.clock),
    )


if __name__ == "__main__":
    main()
