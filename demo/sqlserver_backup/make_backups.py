# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes what a SQL Server would have left in its backup folder: twelve backups, three of them bad, and one chain.

The files are real in structure, with filler for data. Usage: make_backups.py FOLDER
"""

from __future__ import annotations

import dataclasses
import datetime
import pathlib
import random
import sys
from typing import Any

from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, write_backup

MIB, GIB = 1024**2, 1024**3
FIRST_NIGHT = datetime.datetime(2026, 1, 31, 22, tzinfo=datetime.timezone(datetime.timedelta(hours=8)))
GOOD = ("billing", "catalog", "contacts", "forum", "hr_2025", "inventory", "payroll", "shop", "tickets")


def backup_of(database: str, hours: float = 0, kind: str = "full", **numbers: str) -> BackupSetDescription:
    start = FIRST_NIGHT + datetime.timedelta(hours=hours)
    files = (
        FileDescription(database, f"D:\\data\\{database}.mdf", size=GIB),
        FileDescription(f"{database}_log", f"E:\\log\\{database}.ldf", "log", size=256 * MIB, filegroup=0),
    )
    made = BackupSetDescription(
        database=database,
        type=kind,
        start=start,
        finish=start + datetime.timedelta(minutes=4),
        checksums=True,
        files=files,
    )
    changes: dict[str, Any] = dict(numbers)
    return dataclasses.replace(made, **changes)


def name_of(database: str, word: str, hours: float = 0) -> str:
    return f"{database}_{word}_{FIRST_NIGHT + datetime.timedelta(hours=hours):%Y%m%d%H%M%S}.bak"


def write_night(folder: pathlib.Path) -> None:
    """Nine good backups of different sizes, and three that a glance at their names takes for good."""
    sizes = random.Random(12)  # the same sizes each time
    for database in GOOD:
        size = sizes.randrange(1, 24) * MIB
        write_backup(folder / name_of(database, "FULL"), BackupDescription(sets=(backup_of(database),), size=size))
    cut = folder / name_of("archive", "FULL")
    whole = write_backup(cut, BackupDescription(sets=(backup_of("archive"),), size=6 * MIB))
    with cut.open("r+b") as file:
        file.truncate(whole // 2)
    (folder / name_of("intranet", "FULL")).write_bytes(b"PK\x03\x04" + bytes(2 * MIB))
    late = backup_of("wiki", kind="differential", database_backup_lsn="34000000012300001")
    write_backup(folder / name_of("wiki", "FULL"), BackupDescription(sets=(late,), size=MIB))


def write_chain(folder: pathlib.Path) -> None:
    """A full backup, a differential one and two logs of one database."""
    steps = [
        ("FULL", "full", 0, {"first_lsn": "1000", "last_lsn": "1010", "checkpoint_lsn": "1000"}),
        ("DIFF", "differential", 20, {"first_lsn": "1400", "last_lsn": "1410", "database_backup_lsn": "1000"}),
        ("LOG", "log", 21, {"first_lsn": "1390", "last_lsn": "1500", "database_backup_lsn": "1000"}),
        ("LOG", "log", 22, {"first_lsn": "1500", "last_lsn": "1600", "database_backup_lsn": "1000"}),
    ]
    for word, kind, hours, numbers in steps:
        made = backup_of("orders", hours, kind, **numbers)
        write_backup(folder / name_of("orders", word, hours), BackupDescription(sets=(made,), size=4 * MIB))


def main() -> int:
    for name, write in (("night", write_night), ("orders", write_chain)):
        folder = pathlib.Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        write(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
