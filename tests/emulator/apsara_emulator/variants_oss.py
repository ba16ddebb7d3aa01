# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doubts about oss."""

from __future__ import annotations

from .variant import UNDOCUMENTED, Variant, variant

_CODE_ONLY = "the SDKs know the situation, not its code"

OSS: tuple[Variant, ...] = (
    variant(
        "oss_part_etag",
        "md5 | opaque",
        "The ETag of parts and of objects put at once: the MD5 of the data, or something that only looks the same.",
        "the SDKs hand it back without looking at it",
    ),
    variant(
        "oss_multipart_etag",
        "counted | plain",
        "The ETag of an object made of parts: a hash and the number of parts, or only a hash.",
        "the SDKs do not look at it",
    ),
    variant(
        "oss_listed_part_crc",
        "present | missing",
        "Whether ListParts tells the CRC-64 of each part.",
        "read by the newer SDK, unknown to oss2",
    ),
    variant(
        "oss_throttled",
        "SlowDown 503 | DownloadTrafficRateLimitExceeded 503 | UploadTrafficRateLimitExceeded 503 | "
        "TotalQpsLimitExceeded 503 | QpsLimitExceeded 503",
        "A call too many, or too much data.",
        UNDOCUMENTED,
    ),
    variant(
        "oss_range_outside",
        "whole | refused",
        "A Range that lies wholly behind the end of the object: the whole object (200), or InvalidRange (416).",
        "header x-oss-range-behavior in the SDKs: the way of HTTP has to be asked for",
    ),
    variant(
        "oss_range_beyond_end",
        "whole | cut",
        "A Range that ends behind the end of the object: the whole object (200), or what there is of it (206).",
        "header x-oss-range-behavior in the SDKs: the way of HTTP has to be asked for",
    ),
    variant(
        "oss_wrong_security_token",
        "InvalidSecurityToken 403 | InvalidAccessKeyId 403 | SecurityTokenInvalid 400",
        "A security token that is not the one of the key, or none for a key that needs one.",
        _CODE_ONLY,
    ),
    variant(
        "oss_expired_security_token",
        "SecurityTokenExpired 403 | InvalidAccessKeyId 403 | InvalidSecurityToken 403",
        "A security token that has expired.",
        _CODE_ONLY,
    ),
    variant(
        "oss_longest_url",
        "604800 | unlimited",
        "How many seconds a signed URL of version 4 may last.",
        UNDOCUMENTED,
    ),
    variant(
        "oss_payload_mismatch",
        "InvalidDigest 400 | InvalidArgument 400",
        "The hash in x-oss-content-sha256 is not that of the data. The SDKs always send UNSIGNED-PAYLOAD.",
        UNDOCUMENTED,
    ),
    variant(
        "oss_own_bucket_again",
        "accepted | refused",
        "Creating a bucket that the account has already: accepted without effect, or BucketAlreadyExists (409).",
        UNDOCUMENTED,
    ),
    variant(
        "oss_wrong_location",
        "InvalidLocationConstraint 400 | IllegalLocationConstraintException 400 | InvalidArgument 400",
        "Creating a bucket in another region than the one of the endpoint.",
        _CODE_ONLY,
    ),
    variant(
        "oss_elsewhere",
        "refused | location | location_and_info",
        "What the endpoint of another region tells of a bucket: nothing but the right endpoint, its location, or more.",
        UNDOCUMENTED,
    ),
    variant(
        "oss_error_number",
        "present | missing",
        "Whether errors carry the element EC and the header x-oss-ec. The emulator's numbers are not the service's.",
        "older copies of the documentation have none",
    ),
)
