# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The RDS service, API version 2014-08-15. Importing the rooms registers their actions."""

from . import (
    backups,
    cancel_import,
    cloud_migration,
    cloud_migration_results,
    copy_between_instances,
    databases,
    describe,
    import_between_instances,
    migrate_create,
    migrate_ends,
    migrate_listings,
    network,
    tasks,
)

__all__ = [
    "backups",
    "cancel_import",
    "cloud_migration",
    "cloud_migration_results",
    "copy_between_instances",
    "databases",
    "describe",
    "import_between_instances",
    "migrate_create",
    "migrate_ends",
    "migrate_listings",
    "network",
    "tasks",
]
