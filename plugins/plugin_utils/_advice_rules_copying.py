# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""What decides about the ways that copy, import and backups. Each rule tells its source."""

from __future__ import annotations

from ._advice_rule import (
    BACKUPS,
    CHANGE,
    IMPORT,
    NO,
    NOTE,
    UNKNOWN,
    Rule,
    from_rds,
    is_2008,
    is_downgrade,
    lower_edition,
    other_edition,
    other_version,
    runs,
)
from ._advice_situation import RDS, SELF_MANAGED, SQL_SERVER

OF_THE_IMPORT = (
    # Page of ImportDatabaseBetweenInstances: both are RDS instances.
    Rule(
        "import_from_self_managed",
        (IMPORT,),
        NO,
        lambda s: s.kind == SELF_MANAGED,
        "It goes from one RDS instance to another, and the source is a self-managed server.",
    ),
    # The same page: "created by using the same user credentials".
    Rule(
        "import_between_accounts",
        (IMPORT,),
        NO,
        lambda s: s.kind == RDS and s.same_account is False,
        "Both instances have to belong to the same account, and the source belongs to another one.",
    ),
    Rule(
        "import_account_unknown",
        (IMPORT,),
        UNKNOWN,
        lambda s: s.kind == RDS and s.same_account is None,
        "Both instances have to belong to the same account, and the source was not found in that of the target.",
        "Correct instance_id or region in advise_source, or give its account_id or credentials.",
    ),
    # Pages of both actions: same region.
    Rule(
        "import_between_regions",
        (IMPORT,),
        NO,
        lambda s: s.kind == RDS and s.same_region is False,
        "Both instances have to be in the same region, and they are not.",
    ),
    # Page of CopyDatabaseBetweenInstances: SQL Server 2012 and later.
    Rule(
        "import_of_2008",
        (IMPORT,),
        NO,
        lambda s: from_rds(s, SQL_SERVER) and (is_2008(s) or (s.version and s.version.rank < (2012,))),
        "A copy needs SQL Server 2012 or later on both sides.",
    ),
    # The import is retired, and a copy needs the same version; the module judges the edition, too.
    Rule(
        "import_between_versions",
        (IMPORT,),
        NO,
        lambda s: from_rds(s, SQL_SERVER) and (other_version(s) or other_edition(s)),
        "A copy needs the same version and edition; the source has {version}, the target {target_version}. "
        "The import, which did not, is not offered any more.",
        "Take a target of {version}, or set instance_import_method: import at an endpoint that still offers it.",
    ),
    # The vendor took the import offline; its successor copies a backup.
    Rule(
        "import_is_retired",
        (IMPORT,),
        NOTE,
        lambda s: from_rds(s, SQL_SERVER),
        "The service does not offer the import of the live source any more. What is left is a copy that restores a "
        "backup: what is written after that backup does not come over, and a copy cannot be cancelled.",
    ),
)

OF_BACKUPS = (
    # Guide to backups of a whole instance: "The source database is a self-managed SQL Server instance."
    Rule(
        "backups_of_an_rds_instance",
        (BACKUPS,),
        NO,
        lambda s: from_rds(s, SQL_SERVER) and not s.has_files,
        "It is made for self-managed servers, from which backup files can be taken.",
        "Download full backups of the source instance, and give their folder as path in advise_source.",
    ),
    # Guide to downloading backups: what the files are called.
    Rule(
        "backups_downloaded",
        (BACKUPS,),
        CHANGE,
        lambda s: from_rds(s, SQL_SERVER) and s.has_files,
        "Backups that were downloaded from an RDS instance are packed or have other names.",
        "Unzip .zip.log files, and rename .lbak files to .bak.",
    ),
    # SQL Server restores no backup of a newer version.
    Rule(
        "backup_of_a_newer_version",
        (BACKUPS,),
        NO,
        lambda s: runs(s, SQL_SERVER) and is_downgrade(s),
        "A backup of SQL Server {version} cannot be restored on the older {target_version}.",
        "Take a target of {version} or later.",
    ),
    # Guide to backups, preparation: the target's edition has to have the features of the source's.
    Rule(
        "backup_into_a_lower_edition",
        (BACKUPS,),
        CHANGE,
        lambda s: runs(s, SQL_SERVER) and lower_edition(s),
        "A database that uses features of the source's edition ({version}) does not open on {target_version}.",
        "Make sure that sys.dm_db_persisted_sku_features is empty in every database.",
    ),
    # Guide to backups: databases of the same name that are empty.
    Rule(
        "backup_into_2008",
        (BACKUPS,),
        CHANGE,
        lambda s: runs(s, SQL_SERVER) and is_2008(s),
        "SQL Server 2008 R2 restores into databases that are there and empty.",
        "Create an empty database of the same name on {target} for each one.",
    ),
)
