#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two PostgreSQL servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_compare
short_description: Compare a migrated PostgreSQL server with its source
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Compares databases, schemas, tables, the contents of tables, sequences, indexes, constraints, views, functions,
    triggers, extensions, roles, privileges, settings, large objects and versions of collations of two servers.
  - The contents of a table are compared by the number of its rows and by a hash that each server computes. A single
    changed row shows, and so do rows that are there twice and values that are in each other's place. Neither the order
    of rows and columns nor where rows lie matters.
  - Every session is read-only by the servers' own means, and shares one snapshot of its database with the others of
    its side.
  - Passwords, comments, casts, operators, foreign servers, subscriptions and replication slots are not compared.
options:
  source:
    description: How to reach the source.
    type: dict
    required: true
    suboptions: &server
      host:
        description: Host name or address of the server, or the folder of its Unix socket.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 5432
      user:
        description: An account that may read everything, such as a superuser or a member of C(pg_read_all_data) and
          C(pg_monitor). What it may not read is in RV(unread).
        type: str
        required: true
      password:
        description: Password of the account. Without it, C(libpq) looks at E(PGPASSWORD), then at C(~/.pgpass).
        type: str
      database:
        description: Database to connect to first.
        type: str
        default: postgres
      ssl_mode:
        description: Whether to encrypt, and what to verify, as C(sslmode) of C(libpq). Without it, the connection is
          encrypted where the server can, and nothing is verified.
        type: str
        choices: [disable, allow, prefer, require, verify-ca, verify-full]
        default: prefer
      ca_cert:
        description: File with the certificate authorities to trust. Without it, C(libpq) looks at
          C(~/.postgresql/root.crt).
        type: path
  target:
    description: How to reach the target.
    type: dict
    required: true
    suboptions: *server
  schemas:
    description: Names or patterns of schemas to compare. Without it, all.
    type: list
    elements: str
    default: []
  exclude_schemas:
    description: Names or patterns of schemas to leave out. Without it, none.
    type: list
    elements: str
    default: []
  tables:
    description: Names or patterns, as C(schema.table), of tables and materialized views whose contents to compare.
      Without it, all.
    type: list
    elements: str
    default: []
  exclude_tables:
    description: Names or patterns, as C(schema.table), whose contents to leave out. Without it, none.
    type: list
    elements: str
    default: []
  exclude_roles:
    description: Names or patterns of roles to leave out, such as those that the service makes on the target. Without
      it, none.
    type: list
    elements: str
    default: []
  exclude_kinds:
    description: What not to compare at all. Without it, everything is compared.
    type: list
    elements: str
    choices: [databases, roles, settings, database_privileges, schemas, extensions, tables, views, indexes, constraints,
              triggers, rules, policies, functions, types, sequences, statistics, event_triggers, publications,
              privileges, collations, sequence_values, large_objects, contents]
    default: []
  hash_function:
    description:
      - V(md5) gives 128 bits, and is the same in all versions of PostgreSQL.
      - V(server) is the server's own, of 64 bits; it takes less than half the time and needs servers of one major
        version.
    type: str
    choices: [md5, server]
    default: md5
  sample_percent:
    description:
      - Reads only so many percent of the blocks of tables that have 1024 blocks (8 MiB) or more. The verdict is never
        V(equal) then.
      - The same blocks are read on both sides, so it is of use for physical copies only; in others, equal rows lie in
        different blocks.
      - Without it, everything is read.
    type: float
  parallel:
    description: Connections that read contents, on each side. Large tables are shared out to several (since PostgreSQL
      14).
    type: int
    default: 2
requirements:
  - psycopg >= 3.1
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.info_module
  - apsaradb.migration.comparison
notes:
  - The verdict V(equal) needs a source that stood still. It has to be read-only, and from the beginning to the end no
    transaction may have got an id except for those of autovacuum.
  - A promoted standby goes on with a sequence up to 32 values after the last one that the source gave, because that is
    how PostgreSQL writes sequences to the WAL. Such a gap is no difference; it is counted in C(sequences_ahead).
  - Rows of tables with row-level security are read by owners of the table, superusers and accounts with C(BYPASSRLS);
    for others such a table could not be read, rather than being taken for an emptier one.
  - MD5 finds accidents, not forgeries. A server in FIPS mode has no MD5; use O(hash_function=server) there.
seealso:
  - module: apsaradb.migration.mysql_compare
  - module: apsaradb.migration.postgresql_source
"""

EXAMPLES = r"""
- name: Prove that nothing was lost
  apsaradb.migration.postgresql_compare:
    source:
      host: 10.0.0.5
      user: postgres
      password: "{{ source_password }}"
    target:
      host: pgm-bp1example.pg.rds.aliyuncs.com
      user: migration_check
      password: "{{ target_password }}"
      ssl_mode: require
    parallel: 4
    require: equal

- name: Have a quick look while the copy still runs
  apsaradb.migration.postgresql_compare:
    source: "{{ source }}"
    target: "{{ target }}"
    sample_percent: 1
    exclude_kinds: [roles, privileges]
"""

RETURN = r"""
verdict:
  description:
    - V(equal) when everything was read, nothing differs, and the source stood still.
    - V(consistent) when nothing differs, but the source may have been written to, or contents were not compared.
    - V(consistent_sample) when nothing differs in a sample.
    - V(different) when something differs.
    - V(unknown) when nothing differs in what could be read, and not everything could.
  returned: when the comparison came to its end
  type: str
  sample: equal
not_equal_because:
  description: Why the verdict is not V(equal).
  returned: when the comparison came to its end
  type: list
  elements: str
  sample: ["the source was not frozen: it is not read-only"]
differences:
  description: The first O(most_differences) differences. C(difference) is V(missing_on_target), V(only_on_target) or
    V(different); C(source) and C(target) are definitions, or numbers of rows and hashes.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"database": "shop", "kind": "contents", "name": "public.orders", "difference": "different",
            "source": "10 rows, hash 5f0c", "target": "9 rows, hash 88ab"}]
differences_count:
  description: Number of all differences.
  returned: when the comparison came to its end
  type: int
  sample: 1
unread:
  description: What could not be read, with the reason.
  returned: when the comparison came to its end
  type: list
  elements: str
  sample: ["table public.secrets of shop: the target 10.0.0.9:5432 refused a statement: permission denied"]
databases:
  description: The databases that were compared.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"name": "shop", "tables": 12, "rows": 1000000, "size": 81920000, "objects": {"tables": 12, "indexes": 15},
            "large_objects": 0, "sequences_ahead": 1, "differences": 0}]
tables:
  description: The first O(most_tables) tables. C(equal) is V(null) where one side could not be read.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"database": "shop", "schema": "public", "name": "orders", "equal": true,
            "rows": {"source": 10, "target": 10}, "hash": {"source": "5f0c", "target": "5f0c"},
            "size": 8192, "sampled": false}]
tables_count:
  description: Number of tables whose contents were compared.
  returned: when the comparison came to its end
  type: int
  sample: 12
rows:
  description: Number of rows of the source that were compared.
  returned: when the comparison came to its end
  type: int
  sample: 1000000
changed_tables:
  description: Tables of the source whose rows were written while they were compared.
  returned: when the comparison came to its end
  type: list
  elements: str
  sample: ["shop.public.orders"]
source_frozen:
  description: Whether it is proven that the source stood still.
  returned: when the comparison came to its end
  type: bool
  sample: true
wal_position:
  description: Positions of the WAL of the source at the beginning and the end, and of the target at the end.
  returned: when the comparison came to its end
  type: dict
  sample: {"source_begin": "0/3000148", "source_end": "0/3000148", "target_end": "0/3000220"}
target_in_recovery:
  description: Whether the target is a standby still.
  returned: when the comparison came to its end
  type: bool
  sample: false
versions:
  description: Versions of the servers.
  returned: when the comparison came to its end
  type: dict
  sample: {"source": "15.18", "target": "15.18"}
hash_function:
  description: What rows were compared by; V(null) when they were counted.
  returned: when the comparison came to its end
  type: str
  sample: md5
seconds:
  description: How long the comparison took.
  returned: when the comparison came to its end
  type: float
  sample: 3.2
checks:
  description: What the verdict rests on, with C(name), C(status) (V(pass), V(warn), V(fail) or V(unknown)), C(detail)
    and C(remedy).
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"name": "no_differences", "status": "pass", "detail": "no difference was found", "remedy": ""}]
summary:
  description: The verdict, a table of the databases, and the first differences, as lines of text.
  returned: when the comparison came to its end
  type: list
  elements: str
  sample: ["Verdict equal."]
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
error:
  description: What a failure was. C(code) is the SQLSTATE of the server where there is one, or V(not_equal) because of
    O(require).
  returned: on failure
  type: dict
  sample: {"code": "28P01", "http_status": null, "request_id": null, "action": "connect",
           "remedy": "Correct source.user or source.password."}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils import (  # pylint: disable=unused-import
    _compile_once,  # noqa: F401  # it works by being imported
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_inventory import KINDS
from ansible_collections.apsaradb.migration.plugins.module_utils._local_module import run_local_info
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.comparison import COMPARISON_OPTIONS, NAMES
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.postgresql_comparison import (
    compare,
    read_request,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.postgresql_source_request import SERVER_OPTIONS
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock


def main() -> None:
    run_local_info(
        {
            **COMPARISON_OPTIONS,
            "source": {"type": "dict", "required": True, "options": SERVER_OPTIONS},
            "target": {"type": "dict", "required": True, "options": SERVER_OPTIONS},
            "schemas": NAMES,
            "exclude_schemas": NAMES,
            "exclude_roles": NAMES,
            "exclude_kinds": {**NAMES, "choices": list(KINDS)},
            "hash_function": {"type": "str", "choices": ["md5", "server"], "default": "md5"},
            "sample_percent": {"type": "float"},
        },
        lambda options: compare(read_request(options), Clock()),
        secrets=("source.password", "target.password"),
    )


if __name__ == "__main__":
    main()
