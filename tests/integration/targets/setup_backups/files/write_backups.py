# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes backup files as SQL Server would, into a folder or a bucket.

Usage: write_backups.py PLACE, where PLACE is a folder or oss://BUCKET/PREFIX. Standard input is JSON: `endpoint`,
`access_key_id` and `access_key_secret` for a bucket, and `backups`, each with the `name` of the file; `set`, fields of
BackupSetDescription, times in ISO 8601; `file`, fields of BackupDescription; `keep`, the share of the bytes that is
written, 1.0 where it is left out.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import sys
import uuid
from typing import Any

from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, FileDescription, backup_bytes

GIB = 1024**3


def content_of(backup: dict[str, Any]) -> bytes:
    fields: dict[str, Any] = {"checksums": True, **backup.get("set", {})}
    for name in ("start", "finish"):
        if name in fields:
            fields[name] = datetime.datetime.fromisoformat(fields[name])
    if "backup_set_guid" in fields:
        fields["backup_set_guid"] = uuid.UUID(fields["backup_set_guid"])
    fields.setdefault("files", (FileDescription(fields.get("database", "sales"), "D:\\data\\a.mdf", size=GIB),))
    whole = backup_bytes(BackupDescription(sets=(BackupSetDescription(**fields),), **backup.get("file", {})))
    return whole[: int(len(whole) * backup.get("keep", 1.0))]


def main() -> None:
    place, given = sys.argv[1], json.load(sys.stdin)
    backups = given["backups"]
    if not place.startswith("oss://"):
        for backup in backups:
            pathlib.Path(place, backup["name"]).write_bytes(content_of(backup))
        return
    import oss2

    name, _slash, prefix = place.removeprefix("oss://").partition("/")
    keys = oss2.Auth(given["access_key_id"], given["access_key_secret"])
    bucket = oss2.Bucket(keys, given["endpoint"], name)
    for backup in backups:
        bucket.put_object(prefix + backup["name"], content_of(backup))


if __name__ == "__main__":
    main()
