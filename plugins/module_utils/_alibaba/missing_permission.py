# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which permission of RAM a refused call lacks, and how to give it.

Most actions have the same name in RAM. The others are in the vendor's table for OSS. Imported when a call was refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_OF_OSS = {
    "CompleteMultipartUpload": "PutObject",
    "DeleteMultipleObjects": "DeleteObject",
    "GetBucketTags": "GetBucketTagging",
    "HeadObject": "GetObject",
    "InitiateMultipartUpload": "PutObject",
    "PutBucketTags": "PutBucketTagging",
    "UploadPart": "PutObject",
}
# Policies of the vendor that hold everything of a service.
_WHOLE = {"sts": "AliyunSTSAssumeRoleAccess"}
_WHERE = "the RAM user or role of the access key"


def permission_of(service: str, action: str) -> str:
    """The action of RAM that allows an action of a service (`rds`, `oss`)."""
    return f"{service}:{_OF_OSS.get(action, action) if service == 'oss' else action}"


def remedy_of(service: str, action: str, document: Mapping[str, Any] | None = None) -> str:
    """What to do about a refusal. document: the answer, which may tell what RAM looked for and why it said no."""
    detail = (document or {}).get("AccessDeniedDetail")
    told = detail if isinstance(detail, Mapping) else {}
    named = str(told.get("AuthAction") or "")
    # It is shown as a name to copy, so nothing else is taken for one.
    permission = named if re.fullmatch(r"[a-z]{2,20}:[A-Za-z]{2,80}", named) else permission_of(service, action)
    if told.get("NoPermissionType") == "ExplicitDeny":
        return f"A policy of {_WHERE} denies {permission}: change the policy, or use another key."
    trust = " The trust policy of the role has to name the caller, too." if permission == "sts:AssumeRole" else ""
    whole = _WHOLE.get(service, f"Aliyun{service.upper()}FullAccess")
    return (
        f"Allow {permission} to {_WHERE}. The smallest policy of each role is in the collection's guide on "
        f"permissions; {whole} allows it, too.{trust}"
    )
