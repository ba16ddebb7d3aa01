# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write backup files of every kind into the folder that is named on the command line."""

from __future__ import annotations

import pathlib
import sys

from apsara_emulator.sqlserver import (
    BackupDescription,
    BackupSetDescription,
    backup_bytes,
    foreign_tape_bytes,
    write_backup,
)

GIB = 1024**3
AWKWARD = "odd 'name' [x] \U0001f4be {{ 7 * 7 }}"

folder = pathlib.Path(sys.argv[1])
full = BackupSetDescription(software_version="12.0.4100", checksums=True)
write_backup(folder / "full.bak", BackupDescription(sets=(full,), size=100 * GIB), sparse=True)
chain = tuple(BackupSetDescription(database=AWKWARD, type=kind) for kind in ("full", "differential", "log"))
write_backup(folder / "chain.bak", BackupDescription(sets=chain, compressed=True))
write_backup(folder / "stripe.bak", BackupDescription(stripe=1, stripes=2))
(folder / "cut.bak").write_bytes(backup_bytes(BackupDescription(size=500_000))[:400_000])
(folder / "archive.bak").write_bytes(b"PK\x03\x04" + bytes(1000))
(folder / "files.bak").write_bytes(foreign_tape_bytes())
(folder / "encrypted.bak").write_bytes(backup_bytes(BackupDescription(encrypted=True)))
(folder / "notes.txt").write_text("not a backup")
(folder / "below").mkdir()
write_backup(folder / "below" / "log.trn", BackupDescription(sets=(BackupSetDescription(type="log"),)))
