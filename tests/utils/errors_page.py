# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the page of errors and remedies from the tables and texts of the code. --check: only say whether it is so."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterable, Sequence

from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import (
    advice,
    advice_backups,
    advice_dts,
    assessment,
    backup_task_texts,
    oss_advice,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import mysql_errors, postgresql_errors
from code_patterns import written_out
from generated_page import write_or_check
from texts_in_code import UNTOLD, checks, failures, uncoded

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "errors.rst"
FRAME = pathlib.Path(__file__).with_name("errors_page.rst")
# Parts of codes as the service writes them; the tables do not care for upper and lower case.
SPELLINGS = """
AccessDenied ActionUnauthorized Arrearage Authentication BackupJobExists BakFileSizeExceeded BucketAlreadyExists
BucketNotEmpty ConcurrentTaskExceeded CrcCheckFailed DBInstanceEngine DBInstanceId DBInstanceStatus
DBInstanceStorage DBInstanceType DBLimitExceeded DBName DBStatus DownloadTrafficRateLimitExceeded DTS Duplicate
Engine EngineNotSupported EngineVersionNotSupported EntityTooLarge EntityTooSmall FileAlreadyExists
FileImmutable FilePart FileSizeExceeded Forbedden Forbidden Format http_429 IllegalTimestamp InactiveAccessKeyId
IncompleteSignature IncorrectBackupSetState IncorrectDBInstanceEngine IncorrectDBInstanceLockMode
IncorrectDBInstanceState IncorrectDBInstanceType IncorrectDBState IncorrectDBType IncorrectFileExtension
IncorrectTaskStatus InstanceNotFound InsufficientBalance InsufficientStorage InternalError InternalFailure
Invalid InvalidAccessKeyId InvalidAccessKeySecret InvalidAction InvalidApi InvalidArgument InvalidAuthorization
InvalidBackup InvalidBackupId InvalidBackupSetId InvalidBucketName InvalidDBInfo InvalidDBInstance
InvalidDBInstanceId InvalidDBInstanceName InvalidDBName InvalidDigest InvalideStatus InvalidJobId
InvalidJobStatus InvalidLocationConstraint InvalidMigrateTaskId InvalidObjectName InvalidObjectState
InvalidOssUrl InvalidParameter InvalidPart InvalidPartOrder InvalidRegionId InvalidRequest InvalidSecurityToken
InvalidSignature InvalidTag InvalidTaskId InvalidTaskStatus InvalidTimestamp Keyword KMS LockMode Malformed
MalformedXML MissingContentLength MissingParameter MissingSecurityToken ModifyDenied Msg NoPermission NoSpace
NoSuchBucket NoSuchKey NoSuchUpload NotFound NotSupportRAM ObjectAlreadyExists ObjectNotAppendable
OperationAborted OperationDenied ParamNotSupportedForCurrentVersion QpsLimitExceeded QuotaExceeded RAM
RamPermissionDenied Region RequestHasExpired RequestIsNotValidYet RequestTimeout RequestTimeTooSkewed
RiskControl RoleNotAuthorized SecondLevelDomainForbidden SecurityToken SecurityTokenExpired ServerBusy
ServiceUnavailable SignatureDoesNotMatch SignatureNonceUsed SlowDown StorageCapacity StorageLimitExceeded
SymlinkTargetNotExist Throttling TooManyBuckets UnknownError UnsupportedOperation UnsupportedParameter
UploadLimitExceeded UploadTrafficRateLimitExceeded UserDisable ValueNotSupported
""".split()
Row = tuple[Sequence[str], str, str]


def spelled(code: str) -> str:
    """A code as the service writes it, with a star for any text."""
    known = {word.lower(): word for word in SPELLINGS}
    parts = [part.strip(UNTOLD) for part in code.split(".")]
    stars = code.replace(UNTOLD, "*").split(".")
    return ".".join(
        star.replace(part, known.get(part, part)) if part else star for part, star in zip(parts, stars, strict=True)
    )


def of_codes(rows: Iterable[tuple[str, advice.Advice]]) -> list[Row]:
    return [([spelled(code) for code in written_out(pattern)], one.cause, one.remedy) for pattern, one in rows]


def of_texts(rows: Iterable[tuple[str, str, str]]) -> list[Row]:
    return [(written_out(pattern, both=False), cause, remedy) for pattern, cause, remedy in rows]


def of_statuses() -> list[Row]:
    by_status = [("3xx", advice._REDIRECTED), *((str(status), one) for status, one in advice._BY_STATUS.items())]
    return [([f"HTTP {status}"], one.cause, one.remedy) for status, one in by_status]


def of_postgresql() -> list[Row]:
    names = postgresql_errors.OptionNames()
    rows: list[Row] = [
        (
            [code],
            ", ".join(f'"{text}"' for text in written_out(pattern, both=False)),
            remedy.format_map(names),
        )
        for pattern, code, remedy in postgresql_errors._NO_CONNECTION
    ]
    return rows + [([code], "", remedy.format_map(names)) for code, remedy in postgresql_errors._STATEMENTS.items()]


def of_mysql() -> list[Row]:
    names = mysql_errors.option_names("")
    table = {**mysql_errors._CONNECTION, **mysql_errors._STATEMENTS}
    return [([code], "", remedy.format_map(names)) for code, remedy in table.items()]


def of_assessment() -> list[Row]:
    return of_texts([(pattern, "", remedy) for pattern, remedy in assessment._REMEDIES])


def of_tasks() -> list[Row]:
    return of_texts([(pattern, trouble.cause, trouble.remedy) for pattern, trouble in backup_task_texts._TROUBLES])


def of_failures() -> list[Row]:
    return [([one.code], one.message, one.remedy) for one in failures(ROOT / "plugins")]


def of_uncoded() -> list[Row]:
    return [([action], message, "") for action, message in uncoded(ROOT / "plugins")]


def of_checks() -> list[Row]:
    return [([one.name], one.detail, one.remedy) for one in checks(ROOT / "plugins")]


def table(first: str, second: str, rows: Iterable[Row]) -> str:
    """A list table, with rows that say the same thing once."""
    lines = [".. list-table::", "   :header-rows: 1", "   :class: remedies", "   :widths: 25 40 35", ""]
    lines += [f"   * - {first}", f"     - {second}".rstrip(), "     - What to do"]
    for names, cause, remedy in dict.fromkeys((tuple(row[0]), *row[1:]) for row in rows):
        shown = ", ".join(f"``{name}``" for name in names)
        lines += [f"   * - {shown}", f"     - {plain(cause)}".rstrip(), f"     - {plain(remedy)}".rstrip()]
    return "\n".join(lines)


def plain(text: str) -> str:
    """Text in which no character means anything to Sphinx."""
    return re.sub(r"([\\`*|_]|-(?=-)|(?<=-)-)", r"\\\1", text)


def page() -> str:
    """The whole page: the frame, with a table where it has the name of one."""
    tables = {
        "BACKUP_CODES": table("Code", "What it means", of_codes(advice_backups.ROWS)),
        "RDS_CODES": table("Code", "What it means", of_codes(advice._ADVICE)),
        "DTS_CODES": table("Code", "What it means", of_codes(advice_dts.ROWS)),
        "OSS_CODES": table("Code", "What it means", of_codes(oss_advice._ROWS)),
        "STATUSES": table("Status", "What it means", of_statuses()),
        "TASK_TEXTS": table("Text of the task", "What it means", of_tasks()),
        "ASSESSMENT": table("Item", "", of_assessment()),
        "POSTGRESQL": table("Code", "What the server or the way to it says", of_postgresql()),
        "MYSQL": table("Code", "", of_mysql()),
        "FAILURES": table("Code", "What it says", of_failures()),
        "UNCODED": table("Module", "What it says", of_uncoded()),
        "CHECKS": table("Check", "What it says", of_checks()),
    }
    return re.sub(r"^@(\w+)@$", lambda name: tables[name[1]], FRAME.read_text(), flags=re.MULTILINE)


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page(), how="errors-page", description=__doc__))
