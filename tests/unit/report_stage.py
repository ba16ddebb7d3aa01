# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of made-up migrations, as the roles write them."""

from __future__ import annotations

import json

from ansible_collections.apsaradb.migration.plugins.plugin_utils import _record_file
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_data import File, report_of

HOST, BUCKET, MODULE = "rm-bp1sqltarget00001", "migration-2026", "rds_oss_backup_migrate"
CREATED = "2026-02-01T06:00:00Z"
VERSIONS = {"collection": "1.0.0", "ansible_core": "2.19.14", "python": "3.11.9"}
GIB = 2**30
OVERRIDE = "\u202e"
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"quotes\" and 'more' & <b>",
    f"{OVERRIDE}evil{OVERRIDE}.bak",
    "two\nlines\r\tand a tab",
    "n" * 128,
    "{{ 7 * 7 }}",
    "</style></script><!--",
    "\ud800 half a pair",
    "nothing\x00\x07 to see",
    "javascript:alert(3)",
    "قاعدة بيانات",
]


def check(name, status="pass", detail="it is as it has to be", remedy=""):
    return {"name": name, "status": status, "detail": detail, "remedy": remedy}


def step(subject, action="CreateMigrateTask", one_way=False, **more):
    return {
        "action": action,
        "target": HOST,
        "source": BUCKET,
        "subject": [subject],
        "why": f"{subject} is not on {HOST}",
        "parameters": {"DBInstanceId": HOST, "DBName": subject, "BackupMode": "FULL"},
        "choices": {"backup_mode": "FULL"},
        "one_way": one_way,
        **more,
    }


def uploading(databases):
    return [step(f"{name} full", "UploadObject", target=BUCKET, source=None) for name in databases]


def database(name, state="online", **more):
    return {"database": name, "target": name, "state": state, "size": 5 * GIB, "cause": None, "remedy": None, **more}


def upload(name, state="uploaded", **more):
    return {
        "database": name,
        "type": "full",
        "state": state,
        "size": 5 * GIB,
        "sent_bytes": 5 * GIB,
        "seconds": 50.0,
        "path": f"/srv/{name}.bak",
        **more,
    }


def entry(module=MODULE, phase="restore", subject=("sales",), **more):
    return {
        "module": module,
        "phase": phase,
        "instance": HOST,
        "subject": list(subject),
        "run": "1-1",
        "began": "2026-02-01T01:00:00Z",
        "ended": "2026-02-01T01:10:00Z",
        "failed": False,
        "changed": False,
        "predicted": False,
        "verdict": "go",
        "state": "restored",
        "summary": [],
        "checks": [],
        "plan": [],
        "fingerprint": None,
        "request_ids": [],
        "calls": {},
        "error": None,
        "message": None,
        "facts": {},
        **more,
    }


def record(*entries, kind="run", host=HOST, **more):
    return {
        "format": _record_file.FORMAT,
        "version": _record_file.VERSION,
        "kind": kind,
        "host": host,
        "role": "sqlserver_backup",
        "updated": "2026-02-01T02:00:00Z",
        "versions": VERSIONS,
        "guidance": {"cutover": [], "rollback": [], "next": []},
        "entries": list(entries),
        **more,
    }


def file(document, name=None):
    return File(name or f"{document['host']}/{document['kind']}.json", json.dumps(document).encode())


def report(*documents, title="Migration report"):
    files = [one if isinstance(one, File) else file(one) for one in documents]
    return report_of(files, title=title, created=CREATED)


def names(number):
    return [f"shop_{index:03d}" for index in range(number)]


GUIDANCE = {
    "cutover": [
        "Stop every application that writes to the source.",
        "Run the playbook with --tags cutover and sqlserver_backup_confirm set to the id of the instance.",
        "Point the applications to the new instance.",
    ],
    "rollback": ["Until the databases are opened: go on with the source, nothing of it was changed."],
    "next": ["Correct what failed, and run the playbook again: it goes on where it stopped."],
}


def rehearsal(databases, host=HOST, **more):
    """A rehearsal of a backup migration with one warning."""
    plan = [step(name) for name in databases]
    opening = [step(name, "CreateOnlineDatabaseTask", one_way=True) for name in databases]
    checks = [check("privileged_account"), check("bucket_region"), check("target_version")]
    doubtful = check(
        "free_storage", "warn", "the instance has 120.0 GiB free, the databases need 118.4 GiB", "Add room."
    )
    assess = entry(
        phase="assess", subject=databases, predicted=True, checks=[*checks, doubtful], plan=plan, verdict="review",
        facts={"databases": [database(name) for name in databases]}, calls={"DescribeDBInstanceAttribute": 1},
        began="2026-01-31T12:00:00Z", ended="2026-01-31T12:00:04Z", fingerprint="sha256:" + "0f" * 32,
    )  # fmt: skip
    sending = entry(
        "oss_backup_upload", "upload", [], predicted=True, plan=uploading(databases), state="uploaded",
        began="2026-01-31T12:00:04Z", ended="2026-01-31T12:00:04Z",
    )  # fmt: skip
    restore = entry(phase="restore", subject=databases, predicted=True, plan=plan, verdict="review",
                    checks=[*checks, doubtful], began="2026-01-31T12:00:04Z", ended="2026-01-31T12:00:05Z")  # fmt: skip
    cutover = entry(
        phase="cutover", subject=databases, predicted=True, plan=opening, checks=[*checks, doubtful], verdict="review",
        began="2026-01-31T12:00:05Z", ended="2026-01-31T12:00:06Z", fingerprint="sha256:" + "1e" * 32,
    )  # fmt: skip
    return record(
        assess, sending, restore, cutover, kind="rehearsal", host=host,
        guidance={**GUIDANCE, "next": ["Have this approved."]},
        updated="2026-01-31T12:00:06Z", **more,
    )  # fmt: skip


def run(databases, failing=(), host=HOST, **more):
    """The run of the same, in which the tasks of some databases fail."""
    good = [name for name in databases if name not in failing]
    plan = [step(name) for name in databases]
    checks = [
        check("privileged_account"),
        check("bucket_region"),
        check("free_storage", "warn", "little room", "Add room."),
    ]
    states = [database(name) for name in good] + [
        database(
            name, "failed", cause="The backup is damaged: RESTORE stopped at page 4711.", remedy="Take a new backup."
        )
        for name in failing
    ]
    uploads = [upload(name, seconds=40.0 + 7 * (index % 17)) for index, name in enumerate(databases)]
    error = {
        "code": "databases_failed",
        "http_status": None,
        "request_id": None,
        "action": "CreateMigrateTask",
        "remedy": "Take new backups of the databases that are named, and run the playbook again.",
    }
    failure = {"error": error, "message": f"{len(failing)} of {len(databases)} databases failed."} if failing else {}
    return record(
        entry(phase="assess", subject=databases, predicted=True, plan=plan, checks=checks,
              began="2026-02-01T01:00:00Z", ended="2026-02-01T01:00:07Z", calls={"DescribeDBInstanceAttribute": 1}),
        entry("oss_backup_upload", "upload", [], state="uploaded", changed=True, plan=uploading(databases),
              facts={"uploads": uploads}, began="2026-02-01T01:00:07Z", ended="2026-02-01T01:42:30Z",
              calls={"PutObject": len(databases)}),
        entry(subject=databases, plan=plan, checks=checks, changed=True, failed=bool(failing),
              verdict="review", state="failed" if failing else "restored", facts={"databases": states},
              began="2026-02-01T01:42:30Z", ended="2026-02-01T02:55:11Z",
              request_ids=[f"5A77D650-27A1-4E08-AD9E-{number:012d}" for number in range(min(40, len(databases)))],
              calls={"CreateMigrateTask": len(databases), "DescribeMigrateTasks": 290}, **failure),
        host=host, guidance=GUIDANCE if failing else {**GUIDANCE, "next": []}, **more,
    )  # fmt: skip
