#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what is in SQL Server backup files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mssql_backup_info
short_description: Tell what is in SQL Server backup files
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Reads from the files themselves what C(RESTORE HEADERONLY) and C(RESTORE FILELISTONLY) would say. No SQL Server,
    no credentials and no network are needed.
  - A few small parts of each file are read, whatever its size.
  - What cannot be read is null or V(unknown), and never guessed. Names of users are not read.
  - Backups of SQL Server 2005 to 2025 can be read, compressed ones of SQL Server 2016 and later (MS_XPRESS).
    Encrypted ones, those compressed with ZSTD and compressed ones of older versions are recognised, but what is in
    them is not told.
options:
  path:
    description:
      - A backup file, or a folder with backup files, on the host that the task runs on. A file is read whatever its
        name; in a folder those with the extensions C(bak), C(diff), C(trn) and C(log) are read.
      - The task fails when it is not there or cannot be opened. A file in a folder that cannot be opened does not stop
        the others; it is named in RV(problems).
    type: path
    required: true
  recurse:
    description: Whether to look into folders within the folder as well. Without it only the folder itself is read.
    type: bool
    default: false
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.attributes.info_module
seealso:
  - module: apsaradb.migration.rds_instance_info
  - module: apsaradb.migration.migration_advice
  - module: apsaradb.migration.oss_backup_upload
  - module: apsaradb.migration.rds_oss_backup_migrate
"""

EXAMPLES = r"""
- name: Look into the backups that are to be uploaded
  apsaradb.migration.mssql_backup_info:
    path: /srv/backup
  register: backups

- name: Show databases, types and what they need when they are restored
  ansible.builtin.debug:
    msg: "{{ item.database }} ({{ item.type }}, {{ item.finish }}): {{ (item.required_storage or 0) | human_readable }}"
  loop: "{{ backups.backup_sets }}"
  loop_control:
    label: "{{ item.path }}"

- name: Stop when a file cannot be restored
  ansible.builtin.assert:
    that: backups.problems == []
    fail_msg: "{{ backups.problems | join('\n') }}"
"""

RETURN = r"""
backup_sets:
  description: The backup sets of all files, by path and position. Null stands for what cannot be read.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file that the set is in.
      type: str
      sample: /srv/backup/sales_FULL_20260301020000.bak
    file:
      description: Facts of this file, as in RV(files).
      type: dict
      sample: {"path": "/srv/backup/sales_FULL_20260301020000.bak", "complete": true, "compressed": false}
    position:
      description: Number of the set in its file, from 1.
      type: int
      sample: 1
    database:
      description: Name of the database.
      type: str
      sample: sales
    type:
      description: V(full), V(differential), V(log), V(file), V(differential_file), V(partial),
        V(differential_partial) or V(unknown).
      type: str
      sample: full
    copy_only:
      description: Whether it was made with COPY_ONLY.
      type: bool
      sample: false
    start:
      description: When it was begun, with the UTC offset of the server if the backup tells it.
      type: str
      sample: "2026-03-01T02:00:00+08:00"
    finish:
      description: When it was finished. Null when the end of the set cannot be read.
      type: str
      sample: "2026-03-01T02:05:30+08:00"
    software_version:
      description: Version of the SQL Server that wrote it.
      type: str
      sample: 12.0.4100
    database_version:
      description: Internal version of the database.
      type: int
      sample: 782
    compatibility_level:
      description: Compatibility level of the database.
      type: int
      sample: 120
    recovery_model:
      description: V(full), V(bulk_logged) or V(simple). A hint.
      type: str
      sample: full
    checksums:
      description: Whether it was made with CHECKSUM.
      type: bool
      sample: true
    damaged:
      description: Whether the database was damaged when it was made (CONTINUE_AFTER_ERROR).
      type: bool
      sample: false
    read_only:
      description: Whether the database was read-only.
      type: bool
      sample: false
    single_user:
      description: Whether the database was in single-user mode.
      type: bool
      sample: false
    server_name:
      description: Name of the server that wrote it.
      type: str
      sample: WIN-SQL01
    name:
      description: Name of the backup set.
      type: str
      sample: sales-Full Database Backup
    description:
      description: Description of the backup set.
      type: str
      sample: before the release
    backup_set_guid:
      description: What tells this backup set from any other.
      type: str
      sample: BBACA0D1-4C57-5468-AA0C-0CA4BDB1770C
    password:
      description: Whether a password is needed to restore it.
      type: bool
      sample: false
    backup_size:
      description: Bytes of the backup before compression, all stripes together.
      type: int
      sample: 5242880
    files:
      description: The files of the database. Null when the list is not complete.
      type: list
      elements: dict
      contains:
        logical_name:
          description: Logical name.
          type: str
          sample: sales
        physical_name:
          description: Path on the server.
          type: str
          sample: D:\data\sales.mdf
        type:
          description: V(data), V(log), V(filestream) or V(unknown).
          type: str
          sample: data
        size:
          description: Bytes that it takes when it is restored.
          type: int
          sample: 67108864
        backup_size:
          description: Bytes of it that are in the backup.
          type: int
          sample: 4194304
        filegroup:
          description: Filegroup. Null for logs, and where the database has several.
          type: str
          sample: PRIMARY
    required_storage:
      description: Bytes that a restore takes, which is the sizes of all files.
      type: int
      sample: 83886080
    first_lsn:
      description: First log sequence number. A hint, like the other three.
      type: str
      sample: "34000000012300001"
    last_lsn:
      description: Last log sequence number.
      type: str
      sample: "34000000014800001"
    checkpoint_lsn:
      description: Log sequence number of the checkpoint.
      type: str
      sample: "34000000012300001"
    database_backup_lsn:
      description: Log sequence number of the full backup that this one is based on.
      type: str
      sample: "0"
    family_guid:
      description: Family of the database. A hint.
      type: str
      sample: F0BB35FD-F21C-5D66-BD98-687DF048C990
    tde:
      description: Whether the database is encrypted (TDE), as V(no), V(probable) or V(unknown). Of log backups it is
        not known as a rule.
      type: str
      sample: "no"
    unavailable:
      description: Sentences on what could not be read, and why.
      type: list
      elements: str
      sample: []
files:
  description: The backup files, by path.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Path.
      type: str
      sample: /srv/backup/sales_FULL_20260301020000.bak
    size:
      description: Bytes of the file. Null when it cannot be opened.
      type: int
      sample: 5251072
    problem:
      description: Why nothing or not everything is told, or null. C(code) is V(empty), V(not_a_backup), V(archive),
        V(other_tape_format), V(metadata_unavailable), V(backup_unreadable) or V(not_a_file); C(text) is a sentence.
      type: dict
      sample: {"code": "archive", "text": "It is an archive (zip) and not a backup file. Unpack it; a restore cannot do
          that."}
    complete:
      description: Whether the file ends as a finished backup does. Null when that is not known. A file with several
        sets that was cut exactly behind one of them cannot be told from a shorter one.
      type: bool
      sample: true
    truncated:
      description: Why it is not complete, or why that is not known.
      type: str
      sample: null
    sets:
      description: How many backup sets it holds. Null when that is not known.
      type: int
      sample: 1
    stripe:
      description: Number of this file among the files of a striped backup.
      type: int
      sample: 1
    stripes:
      description: How many files the backup is in.
      type: int
      sample: 1
    media_set_id:
      description: The same in all files of a striped backup.
      type: str
      sample: D46182A1-315E-522C-BE17-A452C1746189
    compressed:
      description: Whether it is compressed.
      type: bool
      sample: false
    media_password:
      description: Whether a media password is needed, as V(no), V(probable) or V(unknown).
      type: str
      sample: "no"
    encrypted:
      description: Whether it was made WITH ENCRYPTION, as V(no), V(probable) or V(unknown).
      type: str
      sample: "no"
    tde:
      description: Whether a database in it is encrypted (TDE), as V(no), V(probable) or V(unknown).
      type: str
      sample: "no"
    reads:
      description: How many parts of the file were read.
      type: int
      sample: 2
other_files:
  description: Files of the folder with other extensions, which were not read.
  returned: success
  type: list
  elements: str
  sample: [/srv/backup/readme.txt]
problems:
  description: What is wrong with files, in sentences that name them.
  returned: success
  type: list
  elements: str
  sample: ["/srv/backup/crm.bak: The file ends in the middle of a backup set: it is cut off or still being written."]
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
error:
  description: What a failure was, as in RV(apsaradb.migration.rds_import_between_instances#module:error).
  returned: on failure
  type: dict
  sample: {"code": "backup_unreadable", "http_status": null, "request_id": null, "action": null}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils import (  # pylint: disable=unused-import
    _compile_once,  # noqa: F401  # it works by being imported
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_folder import read_backups
from ansible_collections.apsaradb.migration.plugins.module_utils._local_module import run_local_info


def main() -> None:
    run_local_info(
        {"path": {"type": "path", "required": True}, "recurse": {"type": "bool", "default": False}},
        lambda options: read_backups(options["path"], recurse=options["recurse"]),
    )


if __name__ == "__main__":
    main()
