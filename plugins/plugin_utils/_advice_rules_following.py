# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What decides about the ways that follow the source, cloud migration and DTS. Each rule tells its source."""

from __future__ import annotations

from ._advice_rule import CHANGE, CLOUD, DTS, NO, NOTE, UNKNOWN, Rule, from_rds, is_downgrade, other_version, runs
from ._advice_situation import POSTGRESQL, RDS, SELF_MANAGED, SQL_SERVER

OF_CLOUD_MIGRATION = (
    # Prerequisites of cloud migration: 10 or later.
    Rule(
        "cloud_before_10",
        (CLOUD,),
        NO,
        lambda s: runs(s, POSTGRESQL) and s.version and s.version.rank < (10,),
        "It needs PostgreSQL 10 or later; the source has {version}.",
    ),
    # Prerequisites of cloud migration: whoever wants to upgrade migrates to the same major version first.
    Rule(
        "cloud_between_versions",
        (CLOUD,),
        NO,
        lambda s: runs(s, POSTGRESQL) and s.target_engine == POSTGRESQL and other_version(s),
        "The copy is physical and needs the same major version; the source has {version}, the target {target_version}.",
        "Take a target of {version}, and upgrade that instance afterwards if a newer version is wanted.",
    ),
    # Prerequisites of cloud migration: a primary instance with cloud disks.
    Rule(
        "cloud_onto_local_disks",
        (CLOUD,),
        NO,
        lambda s: runs(s, POSTGRESQL) and s.local_disks,
        "The target has to have cloud disks, and has local ones.",
        "Take a target with cloud disks.",
    ),
    # Prerequisites of cloud migration between RDS instances: networks of both VPCs, and CEN between accounts.
    Rule(
        "cloud_from_rds",
        (CLOUD,),
        CHANGE,
        lambda s: from_rds(s, POSTGRESQL),
        "Between RDS instances the target has to reach the source in another VPC.",
        "Make sure that the address ranges of both VPCs differ and that the target's VPC reaches the source.",
    ),
    Rule(
        "cloud_over_cen",
        (CLOUD,),
        CHANGE,
        lambda s: from_rds(s, POSTGRESQL) and (s.same_account is False or s.same_region is False),
        "The instances are in different accounts or regions.",
        "Connect their VPCs by Cloud Enterprise Network (CEN).",
    ),
    # A physical copy knows no single databases.
    Rule(
        "cloud_takes_everything",
        (CLOUD,),
        NOTE,
        lambda s: s.kind == SELF_MANAGED and runs(s, POSTGRESQL) and s.databases,
        "The whole server comes over, and not only the databases that are named.",
    ),
)

OF_DTS = (
    # The role is for RDS instances; the module reaches others, too.
    Rule(
        "dts_from_self_managed",
        (DTS,),
        CHANGE,
        lambda s: s.kind == SELF_MANAGED,
        "The playbook is for sources on RDS. DTS reaches self-managed servers, too.",
        "Write a play with dts_migration, and say in source.access how DTS reaches the server.",
    ),
    Rule(
        "dts_within_an_account",
        (DTS,),
        CHANGE,
        lambda s: s.kind == RDS and s.same_account,
        "The playbook is for sources of another account. Within an account DTS needs no role.",
        "Write a play with dts_migration, without source.role.",
    ),
    Rule(
        "dts_account_unknown",
        (DTS,),
        UNKNOWN,
        lambda s: s.kind == RDS and s.same_account is None,
        "Whose instance the source is, is not known.",
        "Correct instance_id or region in advise_source, or give its account_id or credentials.",
    ),
    # Guide to DTS between accounts: "For the database versions supported as sources and destinations, see Overview".
    Rule(
        "dts_to_an_older_version",
        (DTS,),
        UNKNOWN,
        lambda s: s.engine == s.target_engine and is_downgrade(s),
        "The target's version {target_version} is older than the source's {version}; whether DTS takes that is told by "
        "its overview of scenarios only.",
        "Take a target of {version} or later, or have the job prechecked, which is free.",
    ),
    # The role's README: what was tried.
    Rule(
        "dts_of_sql_server",
        (DTS,),
        NOTE,
        lambda s: runs(s, SQL_SERVER),
        "For SQL Server only the control plane of this way was ever tried, and nothing is compared afterwards.",
    ),
    Rule(
        "dts_sequences",
        (DTS,),
        NOTE,
        lambda s: runs(s, POSTGRESQL),
        "Sequences do not follow the source; their values have to be set after the cut-over.",
    ),
)
