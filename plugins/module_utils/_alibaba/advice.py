# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The service's codes, with their cause and what to change.

The rows come from the vendor's error tables: the RDS appendix, pages of single actions, guides to migrations. Codes
decide, not the HTTP status: one code is documented with several statuses. Statuses only speak where there is no code.
Imported when there is an error to explain: most tasks never see one.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Advice(NamedTuple):
    """cause: what the code means. remedy: what to change. again: repeating the same request can succeed later."""

    cause: str
    remedy: str
    again: bool = False


STATE = Advice(
    "The instance or one of its databases is in a state that does not allow this.",
    "Wait until the instance is Running (wait: true does that), then run the playbook again.",
)
UNKNOWN_INSTANCE = Advice(
    "The instance does not exist, or belongs to another account or region.",
    "Check instance_id and source_instance_id, the account of the access key, and region.",
)
_SIGNATURE = Advice(
    "The signature does not fit: the access key secret is wrong.",
    "Correct access_key_secret (or the environment variable or profile that it comes from).",
)
CLOCK = Advice(
    "The request's time stamp is out of the allowed range.",
    "Set the clock of the host that runs the module (NTP); the service allows 15 minutes of difference.",
)
TOKEN = Advice(
    "The security token is expired or was not issued for this access key.",
    "Obtain new temporary credentials and give access_key_id, access_key_secret and security_token together.",
)
_UNKNOWN_KEY = Advice(
    "The service does not know the access key id.",
    "Correct access_key_id; a disabled or deleted key is answered in the same way.",
)
FORBIDDEN = Advice(
    "The RAM user or role may not do this, or the action is not open to RAM users.",
    "Attach a policy that allows the action to the user or role; the guide on permissions has those of each role.",
)
UNKNOWN_ACTION = Advice(
    "The service does not offer this action (any more).",
    "To import, use method: auto or method: copy. A copy cannot be cancelled: wait for its end.",
)
_NAME = Advice(
    "A database name is reserved, taken or not allowed.",
    "Choose other target names in databases; system names such as master are never allowed.",
)
_STORAGE = Advice(
    "The storage of the target instance is too small.",
    "Enlarge the storage of the instance in instance_id, or migrate fewer databases.",
)
_ENGINE = Advice(
    "The instance's engine, version, edition or type does not support this.",
    "Give instances that run SQL Server in a version and edition that the action supports.",
)
_MONEY = Advice("The account cannot pay for this.", "Settle the account's balance in the billing console.")
_BACKUP = Advice(
    "The backup does not exist or cannot be used.",
    "Correct backup_id or restore_time, or take a new full backup of the source instance.",
)
FAULT = Advice("The service has a fault of its own.", "Run the playbook again after a short while.", again=True)
THROTTLED = Advice(
    "Too many calls in a short time.",
    "Lower the number of parallel tasks (--forks, throttle), or raise poll_interval.",
    again=True,
)

# First match wins. Patterns are matched against the whole code, without regard to case.
_ADVICE: tuple[tuple[str, Advice], ...] = (
    (r"throttling(\..*)?|http_429", THROTTLED),
    (r"internalerror|serviceunavailable|internalfailure|unknownerror", FAULT),
    (r"invalidaction|invalidaction\.notfound|unsupportedoperation|invalidapi\.notfound", UNKNOWN_ACTION),
    (r"invalidaccesskeyid\..*|invalidaccesskeyid", _UNKNOWN_KEY),
    (r"incompletesignature|signaturedoesnotmatch|invalidaccesskeysecret", _SIGNATURE),
    (r"illegaltimestamp|invalidtimestamp\..*", CLOCK),
    (r"(invalid|missing)?securitytoken(\..*)?|invalidsecuritytoken.*", TOKEN),
    (r"signaturenonceused", Advice("The request was repeated word for word.", "Run the playbook again.", again=True)),
    (r"forbidden\.instancenotfound|invaliddbinstance(id|name)?\.notfound", UNKNOWN_INSTANCE),
    (
        r"forb[ie]dden\.(ram|notsupportram).*|actionunauthorized|nopermission|forbidden|dts\.msg\.rampermissiondenied",
        FORBIDDEN,
    ),
    (
        r"forbidden\.(riskcontrol|authentication)",
        Advice("The account is blocked, or its owner is not verified.", "Clear this in the account's console."),
    ),
    (
        r"operationdenied\.region",
        Advice("The instances are in different regions.", "Use instances of one region, or DTS between regions."),
    ),
    (r"operationdenied\.(engine|dbinstanceengine|dbinstancetype)", _ENGINE),
    (
        r"operationdenied\.dbinstanceid",
        Advice("Source and target are the same instance.", "Give different ids in instance_id and source_instance_id."),
    ),
    (
        r"operationdenied\.incorrecttaskstatus",
        Advice("The import is not running any more.", "Nothing needs to be cancelled; check the instance's databases."),
    ),
    (
        r"invalidtaskid\.notfound",
        Advice(
            "No import with this id belongs to the instance. Copies have no import id and cannot be cancelled.",
            "Correct import_id; it is a result of rds_import_between_instances.",
        ),
    ),
    (r"incorrectdbinstancestate|incorrectdbstate|operationdenied\.(dbinstancestatus|dbstatus)", STATE),
    (
        r"incorrectdbinstancelockmode|operationdenied\.lockmode",
        Advice("The instance is locked.", "Unlock it: renew it, enlarge its storage, or lift the manual lock."),
    ),
    (r"incorrectdbinstance(type|engine)|incorrectdbtype|engine(version)?notsupported", _ENGINE),
    (r"invaliddbname\.notfound", Advice("A database does not exist.", "Correct the source names in databases.")),
    (r"invaliddbname(\..*)?|invalidparameter\.keyword", _NAME),
    (r"invaliddbinfo\.malformed", Advice("The list of databases was not understood.", "Correct databases.")),
    (
        r"quotaexceeded\.dbname|dblimitexceeded",
        Advice("The instance holds as many databases as it can.", "Migrate fewer databases, or use a larger class."),
    ),
    (r"quotaexceeded\.dbinstancestorage|storagelimitexceeded", _STORAGE),
    (r"invalidbackup(id|setid)?\.notfound|incorrectbackupsetstate|operationdenied\.backupjobexists", _BACKUP),
    (r"insufficientbalance", _MONEY),
    (
        r"missingparameter|invalidparameter|unsupportedparameter|paramnotsupportedforcurrentversion"
        r"|invalid.*\.(valuenotsupported|malformed|format|invalid)",
        Advice("A parameter is missing or was not understood.", "Correct the option that the message names."),
    ),
    (
        r"invalidregionid\.notfound",
        Advice("The region does not exist.", "Correct region, for example cn-hangzhou."),
    ),
)

# The vendor's table of causes by status, for answers that carry no code we know.
_BY_STATUS: dict[int, Advice] = {
    400: Advice("The request is invalid.", "Check that all options are given and well-formed."),
    401: Advice("The service did not accept the credentials.", "Check the access key, token or profile."),
    403: Advice(
        "Forbidden: the permission is missing, or the instance's type or state does not allow this.",
        "Check the RAM permissions, and that the instance is Running and of a supported engine.",
    ),
    404: Advice("Not found.", "Check the ids, and that they belong to this account and region."),
    407: Advice("The proxy wants credentials.", "Correct the proxy option or HTTPS_PROXY."),
    429: THROTTLED,
    500: FAULT,
    502: FAULT,
    503: Advice("The service is not available.", "Wait and run the playbook again; see the status page.", again=True),
    504: FAULT,
}
_REDIRECTED = Advice(
    "The endpoint points to another address. Redirects are not followed: they could carry secrets elsewhere.",
    "Correct the endpoint option, or the region.",
)
_NO_ADVICE = Advice("The service refused the request.", "Look the code up in the vendor's error centre.")


def advice(code: str, http_status: int | None = None, action: str = "") -> Advice:
    """Cause and remedy for a service code; the HTTP status decides where the code says nothing.

    action: of the service; a few codes mean something else in the answer of some.
    """
    for pattern, found in (*_rows_of(action), *_ADVICE):
        if code and re.fullmatch(pattern, code, re.IGNORECASE):
            return found
    if code and http_status is not None and http_status < 500:
        # A code nobody documented says more than a status that is shared by a hundred causes.
        return Advice(_BY_STATUS.get(http_status, _NO_ADVICE).cause, _NO_ADVICE.remedy)
    if http_status in range(300, 400):
        return _REDIRECTED
    return _BY_STATUS.get(http_status or 0, _NO_ADVICE)


def is_documented(code: str) -> bool:
    """Whether one of the patterns knows the code."""
    from .advice_backups import ROWS

    return any(re.fullmatch(pattern, code, re.IGNORECASE) for pattern, _advice in (*_ADVICE, *ROWS))


def _rows_of(action: str) -> tuple[tuple[str, Advice], ...]:
    if "Dts" in action or "DTS" in action or action in ("SkipPreCheck", "DescribePreCheckStatus"):
        from .advice_dts import ROWS as DTS_ROWS

        return DTS_ROWS
    from .advice_backups import ACTIONS, ROWS

    return ROWS if action in ACTIONS else ()
