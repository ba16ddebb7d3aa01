#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks, prepares and freezes a PostgreSQL server that is to be migrated."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_source
short_description: Check, prepare and freeze a PostgreSQL server that is to be migrated
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Brings the source of a PostgreSQL cloud migration into the state that the next step of the migration needs.
  - Talks to the PostgreSQL server only, through an administrative account; no cloud is involved.
  - A rehearsal and O(state=checked) use sessions that the server itself keeps from writing.
options:
  state:
    description:
      - V(checked) looks at everything that would keep the server from being migrated, and at what a physical copy
        loses, and changes nothing. It fails when a check fails, unless O(preflight=warn).
      - V(prepared) makes sure that the migration account is there with the rights that the service asks for and with
        no others, and sets O(server_settings).
      - V(quiet) changes nothing and waits until it is proven that nobody writes. It is for a source that cannot be
        frozen from here, because somebody else stops the applications. Any account with C(pg_monitor) will do.
      - V(frozen) makes the server read-only for applications, ends their sessions, and proves that nobody writes.
      - V(writable) takes that back.
    type: str
    required: true
    choices: [checked, prepared, quiet, frozen, writable]
  account:
    description: The migration account, with which the service reads the source. It has to be another one than O(user).
      Required with O(state=prepared). Without it, the account is not checked.
    type: str
  account_password:
    description: Password of O(account). It is never sent; the server gets the verifier that C(libpq) makes of it, so no
      log of statements holds it. Without it, the password of an existing account stays as it is.
    type: str
  update_password:
    description:
      - V(on_mismatch) sets the password where the server's verifier shows that it is another one. Only superusers may
        read the verifier; for others it is left alone, which a check says.
      - V(always) sets it in every run, which then reports a change.
    type: str
    choices: [on_mismatch, always]
    default: on_mismatch
  target_cidr:
    description: Network from which the target connects, such as the one of its VPC. Without it, whether C(pg_hba.conf)
      lets the target in is not checked.
    type: str
  target_version:
    description: Major version of the target. Without it, and without O(target), versions are not compared.
    type: int
  target_extensions:
    description: Names of the extensions that the target has. Without it, and without O(target), extensions are not
      compared.
    type: list
    elements: str
  target:
    description: How to reach a server such as the target, which is asked for its version, its extensions and its C
      library. Without it, O(target_version) and O(target_extensions) tell.
    type: dict
    suboptions:
      host:
        description: Host name or address of the server.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      user:
        description: An account of the server.
        type: str
        required: true
      password:
        description: Password of the account. Without it, C(libpq) looks elsewhere.
        type: str
      database:
        description: Database to connect to.
        type: str
        default: postgres
      ssl_mode:
        description: As O(ssl_mode).
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
        default: prefer
      ca_cert:
        description: As O(ca_cert). Without it, C(libpq) looks at C(~/.postgresql/root.crt).
        type: path
  reserved_roles:
    description: Names of roles that the service keeps for itself. They are not published; its assessment names them.
      Without it, the check is unknown.
    type: list
    elements: str
  wal_keep_size:
    description: How much WAL the source ought to keep for a target that falls behind, in MiB. Less is a warning.
    type: int
    default: 1024
  long_transaction:
    description: Seconds after which an open transaction is a warning.
    type: float
    default: 300
  server_settings:
    description:
      - Settings to make with C(ALTER SYSTEM) with O(state=prepared), of V(listen_addresses),
        V(max_replication_slots), V(max_slot_wal_keep_size), V(max_wal_senders), V(wal_keep_segments),
        V(wal_keep_size), V(wal_level) and V(wal_sender_timeout).
      - The server is told to read its settings again. It is never restarted; RV(restart_needed) names what waits for
        that.
      - Without it no setting is touched.
    type: dict
  keep_sessions:
    description: Sessions that are not ended, as C(user=NAME), C(application_name=NAME), C(client_address=ADDRESS) or
      C(pid=NUMBER). Sessions of replication are always kept. Without it, all others are ended.
    type: list
    elements: str
    default: []
  quiet_interval:
    description: Seconds between two looks at the WAL. Nothing may happen in two such intervals in a row.
    type: float
    default: 1
  wal_proof:
    description:
      - V(still) wants a WAL that does not move at all. After the last write the server itself adds a few records, the
        last of them within 15 seconds.
      - V(transactions) is content when no transaction got an id and no session holds one. Nothing that changes data,
        definitions or sequences can be written without; what the server adds by itself changes none of them.
    type: str
    choices: [still, transactions]
    default: still
  wait_timeout:
    description: Seconds to wait at most until the proof holds. The source stays read-only when it does not.
    type: float
    default: 120
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.postgresql
  - apsaradb.migration.postgresql.approval
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - Except for O(update_password=always).
notes:
  - V(frozen) sets C(default_transaction_read_only) with C(ALTER SYSTEM), which writes a file and no WAL. The same
    setting of a database or a role would be replicated, and the target would be read-only after the switch.
  - It is a default. A session can still set itself writable (C(SET default_transaction_read_only = off),
    C(BEGIN READ WRITE)), and so can a superuser's. That is why the module ends sessions and then proves that nobody
    writes. Stop the applications first all the same.
  - The administrative account of V(frozen) and V(writable) is a superuser, or since PostgreSQL 15 an account with
    C(ALTER SYSTEM) on the parameter, C(EXECUTE) on C(pg_reload_conf), C(pg_signal_backend) and C(pg_monitor). The
    check C(administrative_rights) tells the statements. Where C(ALTER SYSTEM) is out of reach, as on a managed server,
    set the parameter there; V(frozen) then finds it set and does the rest.
  - Nothing is remembered between runs. V(writable) resets the parameter if it finds it in C(postgresql.auto.conf),
    where C(ALTER SYSTEM) put it, and fails if it is on because of something else.
  - Lines of C(pg_hba.conf) cannot be written over a connection. RV(hba_lines) has them ready.
seealso:
  - module: apsaradb.migration.postgresql_compare
  - module: apsaradb.migration.rds_cloud_migration
"""

EXAMPLES = r"""
- name: See what would keep the server from being migrated
  apsaradb.migration.postgresql_source:
    host: 10.0.0.5
    user: postgres
    password: "{{ administrator_password }}"
    account: migration
    target_cidr: 172.16.0.0/12
    target_version: 15
    target_extensions: [plpgsql, pg_stat_statements]
    state: checked

- name: Make the migration account and keep more WAL
  apsaradb.migration.postgresql_source:
    host: 10.0.0.5
    user: postgres
    password: "{{ administrator_password }}"
    account: migration
    account_password: "{{ migration_password }}"
    target_cidr: 172.16.0.0/12
    server_settings:
      wal_keep_size: 4GB
    state: prepared

- name: Stop writes
  apsaradb.migration.postgresql_source:
    host: 10.0.0.5
    user: postgres
    password: "{{ administrator_password }}"
    keep_sessions: [user=monitoring]
    state: frozen
  register: frozen

- name: Allow writes again
  apsaradb.migration.postgresql_source:
    host: 10.0.0.5
    user: postgres
    password: "{{ administrator_password }}"
    state: writable
"""

RETURN = r"""
state:
  description: V(checked), V(unprepared), V(prepared), V(writable), V(read_only) when the source is read-only but that
    nobody writes is not proven, V(quiet), V(frozen), or V(unknown). In a rehearsal, the state that the run will lead
    to.
  returned: always
  type: str
  sample: frozen
server_version:
  description: Version of the source.
  returned: when the server could be read
  type: str
  sample: "15.18"
wal_position:
  description: Position up to which the WAL of the frozen source reaches. What has replayed it has everything.
  returned: with O(state=quiet) and O(state=frozen), V(null) unless it is proven that nobody writes
  type: str
  sample: 0/3000148
wal_intervals:
  description: What happened in the two intervals of the proof, V(still), or V(background) for records that the server
    writes by itself.
  returned: with O(state=quiet) and O(state=frozen)
  type: list
  elements: str
  sample: [still, still]
sessions_ended:
  description: The sessions that were ended. In a rehearsal, those that would be.
  returned: with O(state=frozen)
  type: list
  elements: dict
  sample: [{"user": "app", "database": "shop", "application_name": "web", "client_address": "10.0.0.9"}]
hba_lines:
  description: The two lines that C(pg_hba.conf) needs.
  returned: with O(state=checked) and O(state=prepared), when O(account) and O(target_cidr) are given
  type: list
  elements: str
  sample:
    - host all "migration" 172.16.0.0/12 scram-sha-256
    - host replication "migration" 172.16.0.0/12 scram-sha-256
restart_needed:
  description: Settings that take effect after a restart, which is left to the user.
  returned: with O(state=prepared)
  type: list
  elements: str
  sample: [max_wal_senders]
databases:
  description: The databases, with size in bytes and what a migration has to know of each. What could not be read is
    V(null).
  returned: with O(state=checked)
  type: list
  elements: dict
  sample: [{"name": "shop", "size": 8192000, "extensions": {"plpgsql": "1.0"}, "unlogged_tables": [],
            "large_objects": 0, "glibc_indexes": ["\"public\".\"customers_name\""], "event_triggers": []}]
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, with C(action), C(target), C(subject), C(why)
    and C(parameters).
  returned: always
  type: list
  elements: dict
  sample: [{"action": "pg_terminate_backend", "target": "10.0.0.5:5432", "subject": ["other sessions"]}]
checks:
  description: The go/no-go items with C(name), C(status) (V(pass), V(warn), V(fail) or V(unknown)), C(detail), and
    C(remedy) with the SQL to run.
  returned: always
  type: list
  elements: dict
  sample: [{"name": "wal_level", "status": "pass", "detail": "wal_level is replica", "remedy": ""}]
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the server could be read
  type: list
  elements: str
  sample: ["Verdict go: 6 of 6 checks passed, 2 steps to do."]
verdict:
  description: V(no_go) with any failed check, V(review) with a warning or unknown, else V(go).
  returned: when the server could be read
  type: str
  sample: go
fingerprint:
  description: Fingerprint of the plan, for O(approved_plan).
  returned: when the server could be read
  type: str
  sample: sha256:0f343b0931126a20f133d67c2b018a3b5f8a4b2f9ac3b4e2f0c5d6a7b8c9d0e1
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
error:
  description: What a failure was. C(code) is the SQLSTATE of the server where there is one, C(remedy) names the option
    to change.
  returned: on failure
  type: dict
  sample: {"code": "28P01", "http_status": null, "request_id": null, "action": "connect",
           "remedy": "Correct user or password."}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._local_module import run_local_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.postgresql_source import PostgresqlSource
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.postgresql_source_request import (
    SERVER_OPTIONS,
    STATES,
    read_request,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock


def main() -> None:
    run_local_migration(
        {
            **SERVER_OPTIONS,
            "connect_timeout": {"type": "float", "default": 10},
            "statement_timeout": {"type": "float", "default": 0},
            "state": {"type": "str", "required": True, "choices": list(STATES)},
            "account": {"type": "str"},
            "account_password": {"type": "str", "no_log": True},
            "update_password": {
                "type": "str",
                "choices": ["on_mismatch", "always"],
                "default": "on_mismatch",
                "no_log": False,
            },
            "target_cidr": {"type": "str"},
            "target_version": {"type": "int"},
            "target_extensions": {"type": "list", "elements": "str"},
            "target": {"type": "dict", "options": SERVER_OPTIONS},
            "reserved_roles": {"type": "list", "elements": "str"},
            "wal_keep_size": {"type": "int", "default": 1024},
            "long_transaction": {"type": "float", "default": 300},
            "server_settings": {"type": "dict"},
            "keep_sessions": {"type": "list", "elements": "str", "default": []},
            "quiet_interval": {"type": "float", "default": 1},
            "wal_proof": {"type": "str", "choices": ["still", "transactions"], "default": "still"},
            "wait_timeout": {"type": "float", "default": 120},
        },
        lambda options, rehearsal: PostgresqlSource(read_request(options), Clock(), rehearsal=rehearsal),
        secrets=("password", "account_password", "target.password"),
        required_if=[("state", "prepared", ("account",))],
    )


if __name__ == "__main__":
    main()
