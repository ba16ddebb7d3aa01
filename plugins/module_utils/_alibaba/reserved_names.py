# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Words that ApsaraDB RDS for SQL Server does not take as a database name (197, from the vendor's appendix)."""

from __future__ import annotations

RESERVED_DATABASE_NAMES = frozenset(
    """
    add admin administrator all alter and any as asc aurora authorization backup begin between break browse bulk
    bulkadmin by cascade case check checkpoint close clustered coalesce collate column commit compute constraint
    contains containstable continue convert create cross current current_date current_time current_timestamp
    current_user cursor database dbcc dbcreator deallocate declare default delete deny desc disk diskadmin
    distinct distributed distribution double drop dummy dump eagleye else end errlvl escape except exec execute
    exists exit fetch file fillfactor for foreign freetext freetexttable from full function galaxy goto grant
    group guest having holdlock identity identity_insert identitycol if in index inner insert intersect into is
    join key kill left like lineno load master model msdb mssqld mssqlsystemresource national nocheck
    nonclustered not null nullif of off offsets on open opendatasource openquery openrowset openxml option or
    order outer over percent plan precision primary print proc procedure processadmin public raiserror read
    readtext reconfigure references replication restore restrict return revoke right rollback root rowcount
    rowguidcol rule sa save schema securityadmin select serveradmin session_user set setupadmin setuser shutdown
    some statistics sysadmin system_user table tempdb textsize then to top tran transaction trigger truncate
    tsequal union unique update updatetext use user values varying view waitfor when where while with writetext
    """.split()
)
