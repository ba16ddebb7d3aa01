# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SQL Server's side of a migration: files as its BACKUP writes them."""

from .backup_description import BackupDescription, BackupSetDescription, FileDescription
from .backup_file import backup_bytes, foreign_tape_bytes, write_backup

__all__ = [
    "BackupDescription",
    "BackupSetDescription",
    "FileDescription",
    "backup_bytes",
    "foreign_tape_bytes",
    "write_backup",
]
