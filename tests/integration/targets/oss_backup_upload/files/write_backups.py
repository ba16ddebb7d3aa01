# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the backup files that the tests upload: three good ones of different kinds, and a folder with bad ones."""

from __future__ import annotations

import dataclasses
import pathlib
import sys

from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, backup_bytes

MIB = 1024**2


def main() -> None:
    folder = pathlib.Path(sys.argv[1])
    (folder / "bad").mkdir()
    full = BackupSetDescription(database="sales", data_bytes=20 * MIB)
    log = dataclasses.replace(full, type="log", data_bytes=0)
    for name, backup_set in {
        "sales_FULL_20260301020000.bak": full,
        "sales_LOG_20260301030000.trn": log,
        "crm_FULL_20260301021000.bak": BackupSetDescription(database="crm"),
    }.items():
        (folder / name).write_bytes(backup_bytes(BackupDescription(sets=(backup_set,))))
    whole = backup_bytes(BackupDescription(sets=(full,)))
    (folder / "bad" / "truncated.bak").write_bytes(whole[: len(whole) // 2])
    (folder / "bad" / "archive.bak").write_bytes(b"PK\x03\x04" + bytes(5000))
    (folder / "bad" / "good_FULL_20260301020000.bak").write_bytes(backup_bytes(BackupDescription()))
    (folder / "bad" / "colon:in_its_name.bak").write_bytes(backup_bytes(BackupDescription()))


if __name__ == "__main__":
    main()
