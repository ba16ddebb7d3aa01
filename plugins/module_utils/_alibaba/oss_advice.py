# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""OSS's codes, with their cause and what to change.

Codes and statuses are those that oss2 and the vendor's guide to backups know. Imported when there is an error to
explain.
"""

from __future__ import annotations

import re

from .advice import FAULT, THROTTLED, Advice

NO_BUCKET = Advice(
    "There is no such bucket.",
    "Correct bucket, or make it with apsaradb.migration.oss_bucket. A bucket of another region is not found either: "
    "check region and oss_endpoint.",
)
NO_OBJECT = Advice("There is no such object.", "Correct the key: bucket, prefix and the file's name.")
NO_UPLOAD = Advice(
    "The unfinished upload is gone: completed, aborted, or removed by a lifecycle rule.",
    "Run the playbook again: it looks at the object first and uploads what is missing.",
)
WRONG_REGION = Advice(
    "The bucket is in another region than the endpoint.",
    "Set region to the bucket's region, and leave oss_endpoint out or set it to that region's endpoint.",
)
NOT_YOURS = Advice(
    "The bucket belongs to another account.",
    "Use a bucket of the account that owns the RDS instance: RDS does not read from others. Bucket names are global, "
    "so choose another name in bucket.",
)
DENIED = Advice(
    "The RAM user or role may not do this, or the bucket belongs to another account.",
    "Check that bucket belongs to the account of the access key.",
)
EXPIRED = Advice(
    "The security token is expired or was not issued for this access key.",
    "Obtain new temporary credentials and give access_key_id, access_key_secret and security_token together. Run the "
    "playbook again: an upload goes on where it stopped.",
)
_UNKNOWN_KEY = Advice(
    "The service does not know the access key id.",
    "Correct access_key_id; a disabled or deleted key is answered in the same way.",
)
_SIGNATURE = Advice(
    "The signature does not fit: the access key secret is wrong, or the region that was signed for is.",
    "Correct access_key_secret (or where it comes from) and region.",
)
CLOCK = Advice(
    "The request's time stamp is out of the allowed range.",
    "Set the clock of the host that runs the module (NTP); the service allows 15 minutes of difference.",
)
EXISTS = Advice(
    "An object of this name is there already.",
    "Set overwrite: true to replace it, or choose another prefix.",
)
_NOT_EMPTY = Advice(
    "The bucket holds objects, versions of objects, or unfinished uploads.",
    "Empty it first; what this collection made is removed with force: true.",
)
_NAME_TAKEN = Advice("Bucket names are global, and somebody else has this one.", "Choose another name in bucket.")
_FULL = Advice("The service has no room for this.", "Free or buy storage, then run the playbook again: it resumes.")
_PARTS = Advice(
    "The parts of the upload do not fit together.",
    "Run the playbook again. With part_size set, choose 100 KB to 5 GB; abort_leftovers removes what is left.",
)
_ARGUMENT = Advice("A value was not accepted.", "Correct the option that the message names.")
_WORM = Advice(
    "A retention policy, or the way the bucket is set up, forbids this.",
    "Use a bucket without retention policy; a new one from apsaradb.migration.oss_bucket has none.",
)
_CRC = Advice(
    "The data changed on the way.",
    "Run the playbook again; if it happens again, look for a proxy or faulty memory on the way.",
    again=True,
)

_ROWS: tuple[tuple[str, Advice], ...] = (
    (r"nosuchbucket", NO_BUCKET),
    (r"nosuchkey|symlinktargetnotexist", NO_OBJECT),
    (r"nosuchupload", NO_UPLOAD),
    (r"bucketalreadyexists", _NAME_TAKEN),
    (r"toomanybuckets", Advice("The account has as many buckets as it may have.", "Use an existing bucket.")),
    (r"bucketnotempty", _NOT_EMPTY),
    (r"filealreadyexists|objectalreadyexists", EXISTS),
    (r"securitytokenexpired|invalidsecuritytoken|(invalid|missing)?securitytoken(\..*)?", EXPIRED),
    (r"invalidaccesskeyid(\..*)?|inactiveaccesskeyid", _UNKNOWN_KEY),
    (r"signaturedoesnotmatch|invalidsignature|invalidauthorization", _SIGNATURE),
    (r"requesttimetooskewed|requestisnotvalidyet|requesthasexpired", CLOCK),
    (r"userdisable|arrearage", Advice("The account is locked or in arrears.", "Settle it in the billing console.")),
    (r"accessdenied|forbidden", DENIED),
    (r"slowdown|.*qpslimitexceeded|downloadtrafficratelimitexceeded|uploadtrafficratelimitexceeded", THROTTLED),
    (r"requesttimeout|operationaborted|crccheckfailed", FAULT),
    (r"internalerror|serviceunavailable|serverbusy", FAULT),
    (r"entitytoosmall|invalidpart|invalidpartorder|entitytoolarge|filepart.*", _PARTS),
    (r"invaliddigest", _CRC),
    (r"quotaexceeded|.*storagecapacity.*|nospace.*|insufficientstorage", _FULL),
    (r"fileimmutable|invalidobjectstate|objectnotappendable", _WORM),
    (
        r"invalidbucketname",
        Advice("The bucket's name is not allowed.", "3 to 63 lower-case letters, digits and hyphens in bucket."),
    ),
    (r"invalidobjectname", Advice("The key is not allowed.", "Correct prefix, or rename the file.")),
    (r"invalidlocationconstraint", WRONG_REGION),
    (r"secondleveldomainforbidden", Advice("The endpoint lacks the bucket's name.", "Correct oss_endpoint.")),
    (r"invalidargument|invalidrequest|malformedxml|missingcontentlength|invalidtag.*", _ARGUMENT),
    (r"kms.*", Advice("The bucket is encrypted with a key of KMS.", "Use an unencrypted bucket; RDS needs one.")),
)
_OTHER_ENDPOINT = r"specified endpoint|must be addressed using"
_OTHER_OWNER = r"(does )?not belong to you"


def oss_advice(code: str, message: str = "", http_status: int | None = None) -> Advice:
    """Cause and remedy. AccessDenied says three different things, which only its message tells apart."""
    found = _row(code, message)
    if found is not None:
        return found
    from .advice import advice

    if http_status in (403, 404) and not code:
        return DENIED if http_status == 403 else NO_OBJECT
    return advice(code, http_status)


def may_pass(code: str, message: str, http_status: int | None) -> bool:
    """Whether the same request can succeed later. A known code decides, whatever its status is (507: full)."""
    found = _row(code, message)
    return found.again if found is not None else http_status is None or http_status >= 500 or http_status == 429


def _row(code: str, message: str) -> Advice | None:
    if re.search(_OTHER_ENDPOINT, message, re.IGNORECASE):
        return WRONG_REGION
    if re.search(_OTHER_OWNER, message, re.IGNORECASE):
        return NOT_YOURS
    return next((found for pattern, found in _ROWS if code and re.fullmatch(pattern, code, re.IGNORECASE)), None)
