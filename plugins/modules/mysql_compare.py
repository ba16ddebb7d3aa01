#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares two MySQL or MariaDB servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_compare
short_description: Compare a migrated MySQL or MariaDB server with its source
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Compares databases, tables, the contents of tables, indexes, constraints, views, routines, triggers, events, whom
    they run as, sequences (MariaDB), character sets and collations of two servers.
  - The contents of a table are compared by the number of its rows and by a hash that each server computes. A single
    changed row shows, and so do rows that are there twice and values that are in each other's place. Neither the order
    of rows nor where they lie matters. No rows leave the servers.
  - Every session is read-only by the servers' own means.
  - Options and results are those of M(apsaradb.migration.postgresql_compare) where the engines are alike. There are no
    options for schemas, because a database of MySQL has none within it; none for roles, because accounts are not
    compared; none for samples, because MySQL cannot read the same blocks on both sides.
  - Accounts, privileges, comments, row formats, statistics, the history of system-versioned tables and system databases
    (C(mysql), C(information_schema), C(performance_schema), C(sys)) are not compared.
options:
  source:
    description: How to reach the source.
    type: dict
    required: true
    suboptions: &server
      host:
        description: Host name or address of the server, or the path of its Unix socket, which begins with a slash.
        type: str
        required: true
      port:
        description: Port of the server.
        type: int
        default: 3306
      user:
        description: An account with C(SELECT), C(SHOW VIEW), C(TRIGGER), C(EVENT), C(EXECUTE), C(REPLICATION CLIENT),
          C(REPLICATION SLAVE) and C(PROCESS), such as a privileged account of RDS. What it may not see is in
          RV(unread), and what cannot be proven without a privilege is not taken for proven.
        type: str
        required: true
      password:
        description: Password of the account. Without it, the account is taken for one without a password.
        type: str
      ssl_mode:
        description:
          - Whether to encrypt, and what to verify. V(disable) does not encrypt, V(prefer) does where the server can,
            V(require) always. None of them verifies who the server is. V(verify-ca) verifies that its certificate is
            one of O(source.ca_cert) or O(target.ca_cert), V(verify-full) also that it is for this host.
          - Whatever the mode, a password is never sent readable, or encrypted with a key that the other side sent
            without TLS, to a server that is neither verified nor on this computer. Within TLS, servers of MySQL 8 may
            be given it.
        type: str
        choices: [disable, prefer, require, verify-ca, verify-full]
        default: prefer
      ca_cert:
        description: File with the certificate authorities to trust, for V(verify-ca) and V(verify-full). Without it,
          those that Python trusts.
        type: path
  target:
    description: How to reach the target.
    type: dict
    required: true
    suboptions: *server
  tables:
    description: Names or patterns, as C(database.table), of tables whose contents to compare. Without it, all.
    type: list
    elements: str
    default: []
  exclude_tables:
    description: Names or patterns, as C(database.table), whose contents to leave out. Without it, none.
    type: list
    elements: str
    default: []
  exclude_kinds:
    description:
      - What not to compare at all. Without it, everything is compared.
      - V(definers) stands for the accounts that views, routines, triggers and events run as, and their C(SQL SECURITY).
        A migration by DTS may change them.
      - V(events) covers whether they are enabled, which they usually are not on a target before the cut-over.
    type: list
    elements: str
    choices: [databases, tables, indexes, constraints, views, routines, triggers, events, definers, sequences,
              sequence_values, contents]
    default: []
  hash_function:
    description: Rows are compared by 128 bits of it. V(sha256) is for servers that have no MD5 (FIPS).
    type: str
    choices: [md5, sha256]
    default: md5
  parallel:
    description: Connections that read contents, on each side. Large tables whose primary key begins with an integer are
      shared out to several.
    type: int
    default: 2
requirements:
  - PyMySQL >= 1.1.1 (with its extra C(rsa) for accounts that use C(sha256_password) or C(caching_sha2_password))
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.info_module
  - apsaradb.migration.comparison
notes:
  - The verdict V(equal) needs a source that stood still, which its binary log proves. Position and GTIDs at the end
    have to be those of the beginning, or what was written in between has to be in no database that is compared, such as
    heartbeats in C(mysql); and no transaction may have had changes open. The source need not be read-only.
  - A source without a binary log, or whose log the account may not see, is never V(equal). What is written past the
    binary log (C(sql_log_bin=0)) is noticed by the times of change of tables, to the second, where the server keeps
    them.
  - C(FLOAT) is compared with all its digits. Dumps write six of them, so a table that was dumped may differ for good.
  - Virtual generated columns hold nothing, and are left out of the hash; stored ones are in it.
  - Rows cannot be compared where columns differ in more than length, sign or character set. Such a table is in
    RV(unread). C(JSON) of MySQL and the C(LONGTEXT) that MariaDB has for it are such a pair.
  - Servers of different families or versions may write the same expression of a view, a check or a generated column in
    different ways, which is told as a difference. Names are compared as they are; where C(lower_case_table_names) is
    different on both sides, so are names.
  - Tables without transactions (MyISAM) are locked by MySQL while they are read, one statement after another.
  - Written by the documentation for MySQL 5.6 to 8.4 and MariaDB 10 and 11, and tried on MariaDB 10.11 only.
seealso:
  - module: apsaradb.migration.postgresql_compare
  - module: apsaradb.migration.dts_migration
"""

EXAMPLES = r"""
- name: Prove that nothing was lost
  apsaradb.migration.mysql_compare:
    source:
      host: rm-bp1source.mysql.rds.aliyuncs.com
      user: migration_check
      password: "{{ source_password }}"
      ssl_mode: verify-full
      ca_cert: /etc/ssl/ApsaraDB-CA-Chain.pem
    target:
      host: rm-bp1target.mysql.rds.aliyuncs.com
      user: migration_check
      password: "{{ target_password }}"
      ssl_mode: verify-full
      ca_cert: /etc/ssl/ApsaraDB-CA-Chain.pem
    databases: [shop, "crm_*"]
    parallel: 4
    require: equal

- name: Have a quick look while the copy still runs
  apsaradb.migration.mysql_compare:
    source: "{{ source }}"
    target: "{{ target }}"
    contents: count
    exclude_kinds: [definers, events]
"""

RETURN = r"""
verdict:
  description:
    - V(equal) when everything was read, nothing differs, and the source stood still.
    - V(consistent) when nothing differs, but the source may have been written to, or contents were not compared.
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
  sample: ["the source was not frozen: it was written to: shop.orders"]
differences:
  description: The first O(most_differences) differences. C(difference) is V(missing_on_target), V(only_on_target) or
    V(different); C(source) and C(target) are definitions, or numbers of rows and hashes.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"database": "shop", "kind": "contents", "name": "orders", "difference": "different",
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
  sample: ["table secrets of shop: the target 10.0.0.9:3306 refused a statement: SELECT command denied"]
databases:
  description: The databases that were compared. C(auto_increments_behind) counts tables whose next C(AUTO_INCREMENT) is
    lower on the target, where numbers of deleted rows would be given again. That is no difference.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"name": "shop", "tables": 12, "rows": 1000000, "size": 81920000, "objects": {"tables": 12, "indexes": 15},
            "auto_increments_behind": 0, "differences": 0}]
tables:
  description: The first O(most_tables) tables. C(equal) is V(null) where one side could not be read.
  returned: when the comparison came to its end
  type: list
  elements: dict
  sample: [{"database": "shop", "name": "orders", "equal": true,
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
  description: Tables of the source whose time of change moved while they were compared.
  returned: when the comparison came to its end
  type: list
  elements: str
  sample: ["shop.orders"]
source_frozen:
  description: Whether it is proven that the source stood still.
  returned: when the comparison came to its end
  type: bool
  sample: true
binlog_position:
  description: Positions of the binary log of the source at the beginning and the end, and of the target at the end;
    V(null) where there is none to be seen.
  returned: when the comparison came to its end
  type: dict
  sample: {"source_begin": "binlog.000003:1834", "source_end": "binlog.000003:1834", "target_end": "binlog.000002:977"}
gtid:
  description: The GTIDs that were executed, at the same moments; V(null) where the server does not tell.
  returned: when the comparison came to its end
  type: dict
  sample: {"source_begin": "0-1-76", "source_end": "0-1-76", "target_end": "0-2-81"}
source_read_only:
  description: Whether the source was read-only (C(read_only)) at the end.
  returned: when the comparison came to its end
  type: bool
  sample: false
target_is_replica:
  description: Whether the target is a replica of another server; V(null) where the account may not see that.
  returned: when the comparison came to its end
  type: bool
  sample: false
versions:
  description: Versions of the servers.
  returned: when the comparison came to its end
  type: dict
  sample: {"source": "8.0.36", "target": "8.0.36"}
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
  description: What a failure was. C(code) is the error number of the server where there is one, or V(not_equal) because
    of O(require).
  returned: on failure
  type: dict
  sample: {"code": "1045", "http_status": null, "request_id": null, "action": "connect",
           "remedy": "Correct source.user or source.password."}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils import (  # pylint: disable=unused-import
    _compile_once,  # noqa: F401  # it works by being imported
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.mysql_compare_inventory import KINDS
from ansible_collections.apsaradb.migration.plugins.module_utils._local_module import run_local_info
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.comparison import COMPARISON_OPTIONS, NAMES
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.mysql_comparison import (
    HASH_FUNCTIONS,
    SERVER_OPTIONS,
    compare,
    read_request,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock


def main() -> None:
    run_local_info(
        {
            **COMPARISON_OPTIONS,
            "source": {"type": "dict", "required": True, "options": SERVER_OPTIONS},
            "target": {"type": "dict", "required": True, "options": SERVER_OPTIONS},
            "exclude_kinds": {**NAMES, "choices": list(KINDS)},
            "hash_function": {"type": "str", "choices": list(HASH_FUNCTIONS), "default": "md5"},
        },
        lambda options: compare(read_request(options), Clock()),
        secrets=("source.password", "target.password"),
    )


if __name__ == "__main__":
    main()
