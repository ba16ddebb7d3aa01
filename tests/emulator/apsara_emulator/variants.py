# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody outside the vendor knows for certain, as switches.

Each doubt is a `Variant`: the values it may take, the one taken unless told otherwise, a sentence saying what it is
about, and where the doubt comes from. A test-suite that passes with `draw(seed)` for many seeds has shown that it does
not depend on a guess.

Values are texts. Where a value names an error it has the form `CODE STATUS`; where it names a time it is in seconds
(of the service: they are divided by the world's speed).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from .errors import ApiError, DocumentError
from .variant import UNDOCUMENTED, Variant, variant
from .variants_backups import BACKUPS
from .variants_dts import DTS
from .variants_oss import OSS
from .variants_permissions import PERMISSIONS
from .variants_postgresql import POSTGRESQL

_STATE_SOURCE = "appendix table of instance states against the console words of the retired action's page"
_APPENDIX = "appendix of client error codes and pages of single actions, which disagree"

_STATES = (
    variant(
        "import_source_status",
        "TransingToOthers | TRANSING | Migrating",
        "What the source instance shows while an import runs.",
        _STATE_SOURCE,
    ),
    variant(
        "import_target_status",
        "ImportingFromOthers | Importing",
        "What the target instance shows while an import runs.",
        _STATE_SOURCE,
    ),
    variant(
        "copy_source_status",
        "TransingToOthers | TRANSING | Migrating | Running",
        "What the source instance shows while a copy runs. A copy reads a backup, so the source may stay as it is.",
        _STATE_SOURCE,
    ),
    variant(
        "copy_target_status",
        "ImportingFromOthers | Importing | Running",
        "What the target instance shows while a copy runs.",
        _STATE_SOURCE,
    ),
    variant(
        "busy_delay",
        "0 | 3 | 20",
        "Seconds between the accepted create call and the busy state showing.",
        UNDOCUMENTED,
    ),
    variant(
        "release_delay",
        "0 | 15",
        "Seconds between the databases being Running and the instances showing Running again.",
        UNDOCUMENTED,
    ),
    variant(
        "target_databases",
        "creating | when_finished",
        "Whether databases on the target are listed as Creating during the transfer, or only when it is finished.",
        "state list of DescribeDatabases; which one applies is not said",
    ),
    variant(
        "list_lag",
        "0 | 4 | 25",
        "Seconds by which DescribeDatabases lags behind: a new database is listed that much later.",
        UNDOCUMENTED,
    ),
    variant(
        "delete_lag",
        "0 | 10",
        "Seconds for which a deleted database is still listed as Deleting.",
        "state list of DescribeDatabases; no duration is given",
    ),
)

_ANSWERS = (
    variant(
        "items_shape",
        "documented | array | bare_object",
        "Lists in an answer: in their wrapper; the wrapper left out; a single entry as an object instead of a list.",
        "SDK models against sample answers, which show objects where the models have lists",
    ),
    variant("class_type_field", "present | missing", "DBInstanceClassType in the instance's attributes.", UNDOCUMENTED),
    variant("collation_field", "present | missing", "Collation in the instance's attributes.", UNDOCUMENTED),
    variant(
        "disk_used_field",
        "present | missing",
        "DBInstanceDiskUsed in the instance's attributes.",
        UNDOCUMENTED,
    ),
    variant(
        "max_quantity_field",
        "present | missing",
        "DBMaxQuantity in the instance's attributes.",
        UNDOCUMENTED,
    ),
    variant(
        "resource_usage",
        "known | unknown",
        "DescribeResourceUsage has figures, or -1 where it has none.",
        "parameter text: -1 means that there is no figure",
    ),
    variant(
        "total_count_in_rows",
        "present | missing",
        "TotalCount inside each row of DescribeDatabases for SQL Server.",
        "field text: SQL Server only",
    ),
    variant(
        "total_record_count",
        "documented | text | number",
        "TotalRecordCount, PageNumber and PageRecordCount as the models have them, as text, or as numbers.",
        "models of different SDK releases disagree",
    ),
    variant(
        "import_id",
        "text | number",
        "ImportId of the retired import in JSON.",
        "the last model has a string, the samples an integer",
    ),
    variant(
        "page_size_out_of_range",
        "refused | default",
        "A page size outside the documented range is refused, or the documented default is used.",
        UNDOCUMENTED,
    ),
)

_TASKS = (
    variant(
        "tasks_listed",
        "both | target | source | nowhere",
        "On which instances DescribeTasks lists a running import or copy.",
        UNDOCUMENTED,
    ),
    variant(
        "task_status",
        "numbers | other_numbers | words",
        "Status texts of DescribeTasks (running, done, failed, cancelled): 1 2 3 4, 0 1 -1 -2, or words.",
        "field text: no list of values is published",
    ),
    variant(
        "history_listed",
        "both | target | nowhere",
        "On which instances DescribeHistoryTasks lists an import or copy.",
        UNDOCUMENTED,
    ),
)

_REFUSALS = (
    variant(
        "unknown_action",
        "InvalidAction 403 | InvalidAction.NotFound 404 | InvalidParameter 400",
        "How an action that does not exist is refused; this is also how the retired actions are refused.",
        "appendix: 403 InvalidAction, and 400 InvalidParameter for a bad action; the gateway's own code is the third",
    ),
    variant(
        "unknown_parameter",
        "InvalidParameter 400 | UnsupportedParameter 400 | ignored",
        "A parameter that the action does not have. Refusing it finds typing errors.",
        UNDOCUMENTED,
    ),
    variant(
        "instance_not_found",
        "InvalidDBInstanceId.NotFound 404 | InvalidDBInstance.NotFound 404 | InvalidDBInstanceId.NotFound 400"
        " | InvalidDBInstance.NotFound 400 | InvalidDBInstanceName.NotFound 403 | Forbidden.InstanceNotFound 404",
        "An instance that does not exist, or belongs to another account.",
        _APPENDIX,
    ),
    variant(
        "wrong_state",
        "IncorrectDBInstanceState 403 | IncorrectDBInstanceState 400 | IncorrectDBInstanceState 500"
        " | OperationDenied.DBInstanceStatus 403",
        "An instance that is not Running.",
        _APPENDIX,
    ),
    variant(
        "wrong_database_state",
        "OperationDenied.DBStatus 403 | IncorrectDBState 403",
        "A source database that is not Running.",
        _APPENDIX,
    ),
    variant(
        "wrong_family",
        "IncorrectDBInstanceType 403 | IncorrectDBInstanceType 400 | OperationDenied.DBInstanceType 403",
        "An import between instances that are not of a dedicated family.",
        _APPENDIX,
    ),
    variant(
        "wrong_engine",
        "OperationDenied.DBInstanceEngine 403 | EngineNotSupported 404 | EngineNotSupported 400"
        " | IncorrectDBInstanceEngine 400",
        "An action that does not exist for the engine of the instance.",
        _APPENDIX,
    ),
    variant(
        "wrong_version",
        "EngineVersionNotSupported 400 | EngineVersionNotSupported 404",
        "Engine versions that do not fit.",
        _APPENDIX,
    ),
    variant(
        "wrong_lock_mode",
        "OperationDenied.LockMode 403 | IncorrectDBInstanceLockMode 403 | IncorrectDBInstanceLockMode 400",
        "An instance that is locked.",
        _APPENDIX,
    ),
    variant(
        "wrong_network_type",
        "OperationDenied.NetworkType 403 | InvalidParameter 400",
        "A copy between instances of different network types; the condition is documented, the code is not.",
        UNDOCUMENTED,
    ),
    variant(
        "database_not_found",
        "InvalidDBName.NotFound 404 | InvalidDBName.NotFound 400",
        "A database that does not exist.",
        _APPENDIX,
    ),
    variant(
        "bad_database_name",
        "InvalidDBName 400 | InvalidDBName 403",
        "A database name that breaks the rules.",
        _APPENDIX,
    ),
    variant(
        "import_space",
        "used | free | databases",
        "What the target's free space must exceed: used space of the source, its free space, or the databases.",
        "two editions of the action's page differ in their wording",
    ),
    variant(
        "import_array",
        "accepted | refused",
        "The array form of DBNames (same names on both sides) for SQL Server.",
        "the samples show it, the parameter's note describes the map",
    ),
    variant(
        "copy_with_both",
        "refused | backup",
        "A copy with BackupId and RestoreTime: refused, or the backup wins.",
        UNDOCUMENTED,
    ),
)

_GATEWAY = (
    variant(
        "wrong_secret",
        "SignatureDoesNotMatch 400 | SignatureDoesNotMatch 403 | IncompleteSignature 400",
        "A signature that does not match. The message shows the string that the service signed.",
        "appendix: IncompleteSignature; the older SDK handles SignatureDoesNotMatch",
    ),
    variant(
        "stale_time_stamp",
        "IllegalTimestamp 400 | InvalidTimeStamp.Expired 400",
        "A time stamp more than 15 minutes off.",
        "appendix: IllegalTimestamp; the gateway's own code is the second",
    ),
    variant("reused_nonce", "SignatureNonceUsed 400 | SignatureNonceUsed 403", "A nonce seen before.", UNDOCUMENTED),
    variant(
        "unknown_key",
        "InvalidAccessKeyId.NotFound 404 | InvalidAccessKeyId.NotFound 400",
        "An access key id that does not exist.",
        _APPENDIX,
    ),
    variant(
        "expired_security_token",
        "InvalidSecurityToken.Expired 400 | SecurityTokenExpired 403 | InvalidSecurityToken.Expired 403",
        "An STS token that has expired.",
        UNDOCUMENTED,
    ),
    variant(
        "wrong_security_token",
        "InvalidSecurityToken.Malformed 400 | InvalidSecurityToken.MismatchWithAccessKey 400",
        "An STS token that is not the one that belongs to the key, or is not there at all.",
        UNDOCUMENTED,
    ),
    variant(
        "bearer_forms",
        "all | header | authorization | none",
        "Accepted bearer forms: both, only x-acs-bearer-token and BearerToken with SignatureType, only Authorization.",
        "SDKs know the first kind, a public how-to the second; neither is documented for RDS",
    ),
    variant(
        "refused_bearer",
        "InvalidBearerToken 403 | InvalidAccessKeyId.NotFound 404 | Forbidden.Authentication 403",
        "A bearer token that is unknown, or bearer tokens not being accepted.",
        UNDOCUMENTED,
    ),
    variant(
        "throttled",
        "Throttling.User 400 | Throttling 400 | Throttling.Api 403 | Throttling.User 429 | Throttling 503",
        "A call too many.",
        "appendix and API pages; statuses 429 and 503 are documented for other products",
    ),
    variant(
        "retry_after",
        "missing | 400 | 3000",
        "Header x-acs-retry-after of a throttled answer: absent, or so many milliseconds.",
        "read by the SDK; not documented for RDS",
    ),
)

_ALL = (*_STATES, *_ANSWERS, *_TASKS, *_REFUSALS, *_GATEWAY, *BACKUPS, *DTS, *OSS, *POSTGRESQL, *PERMISSIONS)
VARIANTS: dict[str, Variant] = {one.name: one for one in _ALL}


class Variants(Mapping[str, str]):
    """The values taken. Every variant always has one."""

    def __init__(self, chosen: Mapping[str, str] | None = None) -> None:
        self._values = {name: one.default for name, one in VARIANTS.items()}
        self.update(chosen or {})

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def update(self, chosen: Mapping[str, str]) -> None:
        """Take other values. DocumentError for an unknown name or value; then nothing is changed."""
        for name, value in chosen.items():
            known = VARIANTS.get(name)
            if known is None:
                raise DocumentError(f"variants: there is no variant {name!r}")
            if value not in known.values:
                raise DocumentError(f"variants: {name} is one of {', '.join(known.values)}, not {value!r}")
        self._values.update(chosen)

    def seconds(self, name: str) -> float:
        """The value of a variant that is a time."""
        return float(self._values[name])

    def error(self, name: str, message: str) -> ApiError:
        """The error that a variant of the form `CODE STATUS` names."""
        return ApiError.spelled(self._values[name], message)


def draw(seed: int) -> Variants:
    """Every variant at random. The same seed draws the same values."""
    dice = random.Random(seed)  # nothing secret is drawn
    return Variants({name: dice.choice(one.values) for name, one in VARIANTS.items()})


def parse_variants(text: str, seed: int) -> Variants:
    """From a command line: `default`, `random`, or `name=value,name=value` (rest default). DocumentError if wrong."""
    if text == "random":
        return draw(seed)
    if text == "default":
        return Variants()
    chosen: dict[str, str] = {}
    for part in text.split(","):
        name, separator, value = part.partition("=")
        if not separator:
            raise DocumentError(f"variants: {part!r} is not of the form name=value")
        chosen[name.strip()] = value.strip()
    return Variants(chosen)
