#!/usr/bin/python
# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backs up SQL Server databases to files of their server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mssql_backup
short_description: Back up databases of a self-managed SQL Server for a migration to RDS
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Makes full, differential or log backups of user databases, as files in a folder of the SQL Server, under the names
    that ApsaraDB RDS demands (C(DatabaseName_FULL_20260131235959.bak)).
  - What proves that a database is backed up is the server's own history in C(msdb), a finished backup of the wanted
    kind that is younger than O(max_age), in O(folder), under a name of that form, and whose file is still there.
  - Run it with C(--check --diff) first. The rehearsal reads everything, evaluates every check, and shows in RV(plan)
    the statements that the run will send. The connection of a rehearsal refuses every statement that is not known to
    read only.
  - A database that fails does not stop the others. The task fails at the end and names each failed database with its
    cause.
options:
  host:
    description: Name or address of the SQL Server, without or with the name of an instance behind a backslash.
    type: str
    required: true
  instance:
    description: Name of the instance, which the SQL Server Browser service translates into a port. Without it O(port)
      is used.
    type: str
  port:
    description: TCP port. Without it, and without O(instance), 1433 is used.
    type: int
  user:
    description: The SQL Server login. It has to be able to back up the databases and to read C(msdb). Making the folder
      needs a member of C(sysadmin); seeing backups that run, and writes, needs C(VIEW SERVER STATE).
    type: str
    required: true
  password:
    description: Password of O(user).
    type: str
    required: true
  encryption:
    description:
      - Whether the connection is encrypted. V(require) fails where the server cannot, V(request) encrypts where it can,
        V(off) encrypts the login at most, V(driver) leaves it to FreeTDS and its C(freetds.conf).
      - All but V(driver) need pymssql 2.2.11. The driver does not check the server's certificate unless
        C(freetds.conf) names certificate authorities.
    type: str
    choices: [require, request, "off", driver]
    default: require
  login_timeout:
    description: Seconds that connecting may take.
    type: int
    default: 30
  tds_version:
    description: Version of the TDS protocol, such as V(7.4). Without it the driver chooses.
    type: str
  databases:
    description:
      - The databases to back up, as a list of names or as a text with names parted by commas or semicolons. In a text,
        names may stand in brackets, as in V([sales],[a;b]). In a list, every item is a name as it is.
      - Without it, or when it is empty, all user databases are meant. System databases are refused.
    type: raw
  exclude:
    description: Patterns of names to leave out. V(*) stands for any characters, V(?) for one; case does not count.
      Without it nothing is left out.
    type: list
    elements: str
    default: []
  type:
    description: The kind of backup.
    type: str
    choices: [full, differential, log]
    default: full
  folder:
    description: Folder for the files, as the SQL Server sees it, such as V(D:\\backup), V(\\\\host\\share) or
      V(/var/opt/mssql/backup). It is made when it is missing.
    type: str
    required: true
  copy_only:
    description:
      - Whether the backups leave the server's own chain of backups alone. A differential backup cannot build on a full
        backup that is copy-only.
      - Without it, full backups are copy-only, and differential and log backups are not.
    type: bool
  checksum:
    description: Whether pages are checked and the backup gets checksums. It stops at the first damaged page.
    type: bool
    default: true
  compression:
    description: Whether the backups are compressed. Without it the server's own setting counts.
    type: bool
  max_age:
    description:
      - Seconds since its end for which a backup counts as done. V(0) always makes a new one.
      - Changes after a backup are not in it. The warning C(already_there) tells how old the backups are that are taken
        as they are.
      - Without it 86400 for full, 3600 for differential and 0 for log backups. The last log backup before a cut-over
        has to be made when nobody writes any more, so an older one never stands in for it unless this says so.
    type: float
  check_database:
    description: Whether C(DBCC CHECKDB) runs in front of each backup. A database that is damaged is not backed up.
    type: bool
    default: false
  verify:
    description:
      - Whether C(RESTORE VERIFYONLY) reads each file back.
      - Nothing on the server records that a verification failed. So each run with V(true) reads backups that are there
        already as well, and makes a new one where that fails. A rehearsal does not.
    type: bool
    default: false
  on_error:
    description: What happens when a database fails. V(continue) goes on with the next one, V(stop) begins no further
      one. The task fails either way, at the end.
    type: str
    choices: [continue, stop]
    default: continue
  wait:
    description: Whether to wait for backups that somebody else runs, and then to look again. This task's own backups
      are always waited for, because the server ends a backup whose connection is closed.
    type: bool
    default: true
  wait_timeout:
    description: Seconds for everything the task does. The backup that runs when they are over is ended, and those after
      it are not begun. Running it again makes only what is missing.
    type: float
    default: 21600
  poll_interval:
    description: Seconds between two looks at the server while waiting.
    type: float
    default: 15
  settle:
    description: Seconds to look for a backup in C(msdb) and among the running requests after its connection broke. It
      is never sent again by the same run.
    type: float
    default: 60
  accept:
    description: Has no effect here, because a backup is no one-way step.
    type: list
    elements: str
    default: []
  confirm:
    description: Has no effect here, because a backup is no one-way step. Without it nothing changes.
    type: str
extends_documentation_fragment:
  - apsaradb.migration.attributes
  - apsaradb.migration.run
requirements:
  - pymssql >= 2.2.7 (2.2.11 unless O(encryption=driver))
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(max_age=0), the default of log backups, each run makes new backups.
notes:
  - No SQL Server was at hand when this was made. The statements were checked for syntax, as far as a parser of
    Transact-SQL goes, and the module was tested against a stand-in for driver and server. What was never tried on a
    real server are the connection and its encryption, the permissions that each reading needs, the answers of the
    system views (above all how running backups are told apart), what the server does with a backup whose connection
    breaks, C(RESTORE VERIFYONLY), C(DBCC CHECKDB) and paths on Linux. Rehearse with C(--check) first.
  - The paths in RV(backups) are those of the SQL Server. Where the upload runs on another machine, share or mount the
    folder there and tell the upload this folder (C(path) of the upload module), where it looks for the files by their
    names.
  - A backup is never written over another one. A file of the same name would get it as a second set, which is reported
    as a failure.
  - The file name holds the time, by the server's clock, at which the run was planned.
seealso:
  - module: apsaradb.migration.rds_migration_info
  - module: apsaradb.migration.oss_backup_upload
  - module: apsaradb.migration.rds_oss_backup_migrate
"""

EXAMPLES = r"""
- name: Rehearse and run with the same task; --check shows the statements
  apsaradb.migration.mssql_backup:
    host: sql01.example.com
    user: migration
    password: "{{ vault_mssql_password }}"
    folder: D:\migration
    exclude: ["*_test"]
    verify: true
  register: backup

- name: Two databases, as the vendor's script names them
  apsaradb.migration.mssql_backup:
    host: sql01.example.com
    user: migration
    password: "{{ vault_mssql_password }}"
    databases: "[dtstestdata],[testdb]"
    folder: D:\migration

- name: The base of a chain, then its last log backup when nobody writes any more
  apsaradb.migration.mssql_backup:
    host: sql01.example.com
    user: migration
    password: "{{ vault_mssql_password }}"
    databases: [sales]
    type: "{{ item }}"
    copy_only: false
    folder: D:\migration
  loop: [full, log]
"""

RETURN = r"""
backups:
  description:
    - The user databases that are meant, with their backups. A rehearsal shows what the run will lead to, in the same
      shape, with RV(backups[].predicted).
    - The keys that the next steps use are RV(backups[].database), RV(backups[].type), RV(backups[].path) and
      RV(backups[].state).
  returned: when the server could be read
  type: list
  elements: dict
  contains:
    database:
      description: Name of the database.
      type: str
      sample: sales
    type:
      description: V(full), V(differential) or V(log).
      type: str
      sample: full
    path:
      description: The file as the SQL Server sees it, or null while there is none.
      type: str
      sample: D:\migration\sales_FULL_20260131235959.bak
    start:
      description: When it began, by the server's clock, without offset, as msdb and the header of the file have it.
      type: str
      sample: "2026-01-31T23:59:59"
    finish:
      description: When it ended, likewise.
      type: str
      sample: "2026-02-01T00:04:10"
    size:
      description: Bytes in the file; when predicted, before compression, and for differential backups at most.
      type: int
      sample: 64424509440
    backup_set_guid:
      description: The backup set's GUID, upper case with hyphens.
      type: str
      sample: 5A77D650-27A1-4E08-AD9E-59008EDB6927
    copy_only:
      description: Whether it is copy-only.
      type: bool
      sample: true
    checksums:
      description: Whether it has checksums.
      type: bool
      sample: true
    compressed:
      description: Whether it is compressed; null when predicted and the server does not tell its setting.
      type: bool
      sample: true
    state:
      description: V(backed_up), V(missing), V(running) (somebody else's backup), V(failed), or V(not_started) where the
        run ended before its turn.
      type: str
      sample: backed_up
    progress:
      description: Percent of a backup that runs.
      type: float
      sample: 41.5
    created:
      description: Whether this run made it, or will.
      type: bool
      sample: true
    predicted:
      description: Whether it is a prediction.
      type: bool
      sample: false
    statement:
      description: The statement that will be sent, when predicted.
      type: str
      sample: BACKUP DATABASE [sales] TO DISK = N'D:\migration\sales_FULL_20260131235959.bak' WITH NOFORMAT, NOINIT
    error:
      description: What went wrong with this database, as C(code), C(message) and C(remedy).
      type: dict
      sample: null
folder:
  description: The folder, in the server's way of writing.
  returned: when the server could be read
  type: str
  sample: D:\migration
server:
  description: What the server says about itself.
  returned: when the server could be read
  type: dict
  contains:
    name:
      description: Its own name.
      type: str
      sample: SQL01
    version:
      description: Version of the product.
      type: str
      sample: 13.0.6300.2
    edition:
      description: Edition.
      type: str
      sample: Standard Edition (64-bit)
    collation:
      description: Collation of the server.
      type: str
      sample: SQL_Latin1_General_CP1_CI_AS
    platform:
      description: V(Windows) or V(Linux).
      type: str
      sample: Windows
  sample: {"name": "SQL01", "version": "13.0.6300.2", "platform": "Windows"}
adopted:
  description: Whether backups were waited for that this run did not start, or whose end was not answered.
  returned: when the server could be read
  type: bool
  sample: false
state:
  description: V(missing), V(in_flight), V(backed_up) or V(unknown), of all databases together. In a rehearsal, what the
    run will lead to.
  returned: always
  type: str
  sample: backed_up
predicted:
  description: Whether the result tells what a run would do, rather than what is.
  returned: always
  type: bool
  sample: false
plan:
  description: The steps that were still to be done when the run began, with their statements in RV(plan[].parameters).
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: V(xp_create_subdir), V(DBCC CHECKDB), V(BACKUP DATABASE), V(BACKUP LOG) or V(RESTORE VERIFYONLY).
      type: str
      sample: BACKUP DATABASE
    target:
      description: The server.
      type: str
      sample: sql01.example.com
    source:
      description: Always null here.
      type: str
      sample: null
    subject:
      description: The database or folder that the step is about.
      type: list
      elements: str
      sample: [sales]
    why:
      description: Why it is still to be done.
      type: str
      sample: no full backup in the folder is at most 86400 s old
    parameters:
      description: The C(statement), without secrets, and what it is made of.
      type: dict
      sample: {"statement": "DBCC CHECKDB (N'sales') WITH NO_INFOMSGS, ALL_ERRORMSGS"}
    choices:
      description: What the task chose beyond the database, by option.
      type: dict
      sample: {"type": "full", "copy_only": true}
    one_way:
      description: Whether it cannot be taken back. Never here.
      type: bool
      sample: false
checks:
  description: The go/no-go items.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the check.
      type: str
      sample: recovery_model
    status:
      description: V(pass), V(warn), V(fail), or V(unknown) when the server gave no data for it.
      type: str
      sample: pass
    detail:
      description: What was found.
      type: str
      sample: none of them is in the SIMPLE recovery model
    remedy:
      description: What to change.
      type: str
      sample: ""
summary:
  description: The plan, and every check that did not pass, in plain sentences.
  returned: when the server could be read
  type: list
  elements: str
  sample: ["Verdict go: 15 of 15 checks passed, 1 step to do."]
verdict:
  description: V(no_go) with any failed check, V(review) with a warning or unknown, else V(go).
  returned: when the server could be read
  type: str
  sample: go
fingerprint:
  description: Fingerprint of the plan, for O(approved_plan). Times and file names do not enter it.
  returned: when the server could be read
  type: str
  sample: sha256:0f343b0931126a20f133d67c2b018a3b5f8a4b2f9ac3b4e2f0c5d6a7b8c9d0e1
timing:
  description: When the task began and ended, in UTC, and how many seconds it took.
  returned: always
  type: dict
  sample: {began: "2026-11-20T21:00:00Z", ended: "2026-11-20T21:04:10Z", seconds: 250.3}
error:
  description: What a failure was.
  returned: on failure
  type: dict
  contains:
    code:
      description: Number of SQL Server's or the driver's message, or a code of this collection in lower case.
      type: str
      sample: "3201"
    http_status:
      description: Always null here.
      type: int
      sample: null
    request_id:
      description: Always null here.
      type: str
      sample: null
    action:
      description: Statement that failed.
      type: str
      sample: BACKUP DATABASE
    remedy:
      description: What to change.
      type: str
      sample: See the server's error log for more.
  sample: {"code": "no_go", "http_status": null, "request_id": null, "action": null, "remedy": "Correct it."}
"""

from ansible_collections.apsaradb.migration.plugins.module_utils._local_module import run_local_migration
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.sqlserver_backup import new_backup
from ansible_collections.apsaradb.migration.plugins.module_utils._run_options import RUN_OPTIONS


def main() -> None:
    run_local_migration(
        {
            **RUN_OPTIONS,
            "host": {"type": "str", "required": True},
            "instance": {"type": "str"},
            "port": {"type": "int"},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "encryption": {"type": "str", "choices": ["require", "request", "off", "driver"], "default": "require"},
            "login_timeout": {"type": "int", "default": 30},
            "tds_version": {"type": "str"},
            "databases": {"type": "raw"},
            "exclude": {"type": "list", "elements": "str", "default": []},
            "type": {"type": "str", "choices": ["full", "differential", "log"], "default": "full"},
            "folder": {"type": "str", "required": True},
            "copy_only": {"type": "bool"},
            "checksum": {"type": "bool", "default": True},
            "compression": {"type": "bool"},
            "max_age": {"type": "float"},
            "check_database": {"type": "bool", "default": False},
            "verify": {"type": "bool", "default": False},
            "on_error": {"type": "str", "choices": ["continue", "stop"], "default": "continue"},
        },
        new_backup,
        secrets=("password",),
    )


if __name__ == "__main__":
    main()
