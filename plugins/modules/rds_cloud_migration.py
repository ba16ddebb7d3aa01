#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Migrates a self-managed PostgreSQL to an RDS instance: assessment, physical replication, switch."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rds_cloud_migration
short_description: Migrate a self-managed PostgreSQL to an RDS instance
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Brings a whole PostgreSQL server to an empty ApsaraDB RDS for PostgreSQL instance of the same major version, by the
    cloud migration of the service. An assessment comes first, then a physical copy that follows the source by
    streaming, then the switch.
  - The source stays in use until the switch. What it costs is the time from the last write to the switch's end.
  - A migration is known by the address and port of its source on the target instance. One that was started in the
    console is taken over, and nothing is started twice. A later state satisfies an earlier wish.
  - B(There is no call that ends a cloud migration.) One that cannot go on is ended in the console, or by releasing the
    target instance and using another one. The source is not touched by either.
  - Run it with C(--check --diff) first. The rehearsal reads everything, evaluates every check and shows the plan
    that the real run carries out.
options:
  instance_id:
    description: Id of the target instance. It has to be a primary PostgreSQL instance with cloud disks and without
      databases of its own.
    type: str
    required: true
  source:
    description: The server to migrate from.
    type: dict
    required: true
    suboptions:
      host:
        description: Address of the server, as the target's VPC reaches it.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      account:
        description: The migration account on the source, with LOGIN, CREATEROLE, REPLICATION and membership in
          C(pg_monitor). Without it nothing can be started; a migration that runs can be waited for and switched.
        type: str
      password:
        description: Password of O(source.account). Without it nothing can be started either. The service sends it back
          in its answers; it is taken out of them.
        type: str
      category:
        description: Where the source runs, V(ecsOnVpc) or V(idcOnVpc). The pages of the service disagree about further
          values, such as V(internet), so every value is passed on. Without it nothing can be started.
        type: str
  task_name:
    description: Name of the tasks in the console. Without it, C(migrate) and ten characters that are always the same
      for the same source and target.
    type: str
  state:
    description:
      - V(assessed) has an assessment that passed. One is made unless there is one younger than
        O(assessment_max_age); every failed item fails the task. One that failed is made again.
      - V(replicating) has a migration in the stage C(increment), C(streaming). It is started only after an assessment
        that passed. Warnings stop it, unless they are named in O(accept).
      - V(switched) has the target as a primary of its own. It needs a small lag twice in a row and O(confirm), and
        there is no way back. Once the switch was sent nothing is sent again or taken back by this module, whatever
        the answer.
    type: str
    choices: [assessed, replicating, switched]
    required: true
  assessment_max_age:
    description: Age in seconds up to which an assessment that passed is good enough. With V(0) another one is always
      made. It also has to be younger than the last migration of this source that failed.
    type: float
    default: 86400
  max_lag:
    description:
      - Bytes of WAL that the target may have received and not replayed, in two looks in a row that are
        O(poll_interval) apart, for the switch to be sent.
      - As many bytes may arrive between the two looks. A target keeps up with a source that is written to, so that a
        small lag alone does not tell that the writes have stopped; with V(0) a source that is written to is never
        switched.
    type: int
    default: 0
  max_lag_seconds:
    description: Seconds that the last replayed transaction may be older than the source's last message, in the same
      looks. Without it only bytes count.
    type: float
  reach_lsn:
    description: A WAL position, such as C(1/5E2A0B8), that the target has to have replayed before the switch is
      sent. Give the last position of a source that was frozen by M(apsaradb.migration.postgresql_source). Without
      it only what the target tells of itself counts.
    type: str
  switch_time_mode:
    description: The service's C(SwitchTimeMode). Only V("0"), to switch at once, is documented.
    type: str
    default: "0"
  force_switch:
    description: The service's C(ForceSwitch). Only V("1"), to force the switch, is documented.
    type: str
    default: "1"
  switch_time:
    description: The service's C(SwitchTime), which it documents as reserved. Without it none is sent.
    type: str
  stall_timeout:
    description: Seconds that an assessment, a stage or a broken replication may show nothing new before waiting for it
      fails. Base backups, which show no progress, and undocumented stages are bounded by O(wait_timeout) alone.
    type: float
    default: 1800
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.actiongroup_apsaradb
  - apsaradb.migration.auth
  - apsaradb.migration.run
attributes:
  check_mode:
    support: full
    details:
      - What an assessment will find cannot be predicted. A rehearsal without one shows all steps, and check
        C(assessment) is C(unknown).
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Each line of the assessment's report is a check of its own. Its name is C(assessment_) and the line's name in lower
    case with underscores, such as C(assessment_source_glibc_version_compatible); where two lines have the same name,
    the section's name stands between.
  - The other checks are C(instance_exists), C(engine), and before a start C(instance_running), C(primary_instance),
    C(cloud_disk), C(lock_mode), C(version), C(storage), C(target_empty), C(no_other_migration), C(source_options),
    C(source_category), C(earlier_migration) and C(assessment); while a migration runs C(migration_state),
    C(replication) and C(lag), and before the switch C(no_other_migration) again; and C(weak_secret) and C(confirm). A
    run that does everything from the assessment to the switch needs C(assessment) in O(accept), because its result is
    not known when the run begins.
  - A failed assessment never becomes a migration, not even with O(preflight=warn). With O(preflight=warn) warnings go
    through.
  - With O(wait=false) the last step is not waited for; what a step needs of the one before it always is.
  - Failure has no state of its own at the service. A report with an error before the target streams counts as failed;
    a stage that stands still fails the wait after O(stall_timeout). Stages and states that are not documented count
    as running, with the warning C(migration_state).
  - Physical copies hold indexes on texts in the order of the source's C library. When the assessment warns about glibc,
    M(apsaradb.migration.postgresql_source) tells which of them are to be rebuilt.
seealso:
  - module: apsaradb.migration.postgresql_source
  - module: apsaradb.migration.rds_migration_info
  - module: apsaradb.migration.rds_instance_info
  - module: apsaradb.migration.migration_gate
"""

EXAMPLES = r"""
- name: Assess
  apsaradb.migration.rds_cloud_migration:
    region: cn-hangzhou
    instance_id: pgm-bp1target0000001
    source: &source
      host: 172.16.0.10
      port: 5432
      account: migrator
      password: "{{ vault_migrator_password }}"
      category: ecsOnVpc
    state: assessed

- name: Copy, and follow the source
  apsaradb.migration.rds_cloud_migration:
    region: cn-hangzhou
    instance_id: pgm-bp1target0000001
    source: *source
    state: replicating
    accept: [assessment_source_glibc_version_compatible]

- name: Switch, after the writes on the source were stopped
  apsaradb.migration.rds_cloud_migration:
    region: cn-hangzhou
    instance_id: pgm-bp1target0000001
    source:
      host: 172.16.0.10
    state: switched
    reach_lsn: 1/5E2A0B8
    confirm: pgm-bp1target0000001
    accept: [assessment_source_glibc_version_compatible]
"""

RETURN = r"""
instance_id:
  description: The target instance.
  returned: when the service could be read
  type: str
  sample: pgm-bp1target0000001
source:
  description: The source.
  returned: when the service could be read
  type: dict
  contains:
    host:
      description: Its address.
      type: str
      sample: 172.16.0.10
    port:
      description: Its port.
      type: int
      sample: 5432
  sample: {"host": "172.16.0.10", "port": 5432}
assessment:
  description: The newest assessment of this source for this instance, or null.
  returned: when the service could be read
  type: dict
  contains:
    task_id:
      description: Its id, or null in a rehearsal that predicts it.
      type: str
      sample: "440420798"
    name:
      description: Its name.
      type: str
      sample: migrate4f2a9c01d3
    outcome:
      description: V(passed), V(failed), V(pending), or V(unknown) in a rehearsal.
      type: str
      sample: passed
    created:
      description: When it was begun, in UTC.
      type: str
      sample: "2026-01-31T22:10:00Z"
    age:
      description: Its age in seconds.
      type: int
      sample: 1140
    checks:
      description: The lines of its report.
      type: list
      elements: dict
      contains:
        group:
          description: Section of the report.
          type: str
          sample: source glibc version
        name:
          description: Name in the report.
          type: str
          sample: source glibc version compatible
        status:
          description: V(pass), V(warn), V(fail), or V(unknown) for a word that is not documented.
          type: str
          sample: warn
        detail:
          description: The report's words.
          type: str
          sample: source glibc version is not compatible with rds pg
        remedy:
          description: What to do.
          type: str
          sample: REINDEX the indexes on texts on the target after the switch.
        check:
          description: Its name among RV(checks), and for O(accept).
          type: str
          sample: assessment_source_glibc_version_compatible
  sample: {"task_id": "440420798", "name": "m", "outcome": "passed", "created": null, "age": null, "checks": []}
migration:
  description: The migration of this source to this instance, or null. In a rehearsal, as it will be.
  returned: when the service could be read
  type: dict
  contains:
    task_id:
      description: Its id, or null in a rehearsal that predicts it.
      type: str
      sample: "440437220"
    name:
      description: Its name.
      type: str
      sample: migrate4f2a9c01d3
    stage:
      description: The service's stage, C(precheck), C(basebackup), C(startup), C(increment), C(switch) or C(success).
      type: str
      sample: increment
    replication_state:
      description: The service's state of the replication, C(unstarted), C(catchup), C(streaming), C(disconnect) or
        C(finish).
      type: str
      sample: streaming
    positions:
      description: WAL positions of the target, null where they are not told.
      type: dict
      contains:
        received:
          description: The last that arrived, or that the source reported as its end.
          type: str
          sample: 1/5E2A0B8
        replayed:
          description: The last that is in effect.
          type: str
          sample: 1/5E2A0B8
      sample: {"received": "1/5E2A0B8", "replayed": "1/5E2A0B8"}
    lag_bytes:
      description: Bytes between the two positions, null where it cannot be told.
      type: int
      sample: 0
    lag_seconds:
      description: Seconds that the last replayed transaction is older than the source's last message; 0 when nothing is
        left to replay, null where it cannot be told.
      type: float
      sample: 0.0
    created:
      description: When it was begun, in UTC.
      type: str
      sample: "2026-01-31T22:30:00Z"
    switch_time:
      description: When it was switched, in UTC, or null.
      type: str
      sample: null
    checks:
      description: Its own checks, like RV(assessment.checks).
      type: list
      elements: dict
      sample: []
    detail:
      description: What the service wrote about its stages.
      type: list
      elements: str
      sample: [Copy data from source to RDS by base backup]
  sample: {"task_id": "440437220", "name": "m", "stage": "increment", "replication_state": "streaming"}
address:
  description: Where applications reach the target, or null where the service does not tell it.
  returned: when the service could be read
  type: dict
  contains:
    host:
      description: Host name.
      type: str
      sample: pgm-bp1target0000001.pg.rds.aliyuncs.com
    port:
      description: Port.
      type: int
      sample: 5432
    kind:
      description: Kind of the address, such as C(Private).
      type: str
      sample: Private
    ip:
      description: IP address.
      type: str
      sample: 10.0.0.10
  sample: {"host": "pgm-bp1target0000001.pg.rds.aliyuncs.com", "port": 5432, "kind": "Private", "ip": "10.0.0.10"}
adopted:
  description: Whether work was waited for that this run did not start, or whose start was not answered.
  returned: when the service could be read
  type: bool
  sample: false
state:
  description: V(none), V(in_flight), V(assessed), V(replicating), V(switched) or V(unknown). In a rehearsal, what the
    run will lead to.
  returned: always
  type: str
  sample: replicating
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, as in
    RV(apsaradb.migration.rds_import_between_instances#module:plan). Passwords are masked.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "CreateCloudMigrationTask", "target": "pgm-bp1target0000001", "subject": ["172.16.0.10:5432"]}]
checks:
  description: The go/no-go items, as in RV(apsaradb.migration.rds_import_between_instances#module:checks).
  returned: always
  type: list
  elements: dict
  sample: [{"name": "target_empty", "status": "pass", "detail": "no database is in the way", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the service could be read
  type: list
  elements: str
  sample: ["Verdict go: 15 of 15 checks passed, 1 step to do."]
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
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error). Codes of this
    module are C(assessment_failed), C(assessment_stands_still), C(warnings_not_accepted), C(migration_failed),
    C(migration_stands_still), C(not_streaming), C(lag_too_large), C(switch_stands_still) and C(not_seen_yet).
  returned: on failure
  type: dict
  sample: {"code": "assessment_failed", "http_status": null, "request_id": null, "action": null}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._migration_module import run_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.cloud_migration import CloudMigration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.cloud_migration_request import (
    password_of,
    read_request,
)

SOURCE = {
    "host": {"type": "str", "required": True},
    "port": {"type": "int", "default": 5432},
    "account": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "category": {"type": "str"},
}


def main() -> None:
    run_migration(
        {
            "instance_id": {"type": "str", "required": True},
            "source": {"type": "dict", "required": True, "options": SOURCE},
            "task_name": {"type": "str"},
            "state": {"type": "str", "choices": ["assessed", "replicating", "switched"], "required": True},
            "assessment_max_age": {"type": "float", "default": 86400},
            "max_lag": {"type": "int", "default": 0},
            "max_lag_seconds": {"type": "float"},
            "reach_lsn": {"type": "str"},
            "switch_time_mode": {"type": "str", "default": "0"},
            "force_switch": {"type": "str", "default": "1"},
            "switch_time": {"type": "str"},
            "stall_timeout": {"type": "float", "default": 1800},
        },
        lambda services, options: CloudMigration(
            services.rds, read_request(options), password_of(options), services.clock
        ),
    )


if __name__ == "__main__":
    main()
