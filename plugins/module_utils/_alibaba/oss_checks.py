# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a bucket is one that RDS restores backups from. Pure.

The rules are those of seed 003 and the vendor's guides: same account, same region, Standard storage, no encryption on
the server's side. Nobody asks for more than a private ACL.
"""

from __future__ import annotations

from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .oss_model import Bucket, default_endpoint

STANDARD, PRIVATE = "Standard", "private"


def bucket_checks(
    found: Bucket | None,
    region: str | None,
    *,
    name: str = "",
    owned: bool | None = None,
    refused: str = "",
) -> list[Check]:
    """The go/no-go items of a bucket.

    region: that of the instance, or where the bucket is wanted; None where it is not known. owned: whether it is one of
    the caller's account, None where that cannot be told. refused: why the service did not tell anything.
    """
    if refused:
        return [Check("bucket_exists", FAIL, refused, "Correct bucket, region and the permissions of access_key_id.")]
    if found is None:
        return [
            Check(
                "bucket_exists",
                FAIL,
                f"There is no bucket {name}".rstrip() + ".",
                "Correct bucket, or make it with apsaradb.migration.oss_bucket.",
            )
        ]
    return [
        Check("bucket_exists", PASS, f"{found.name} exists"),
        _owner(found, owned),
        _region(found, region),
        _storage_class(found),
        _encryption(found),
        _acl(found),
    ]


def internal_endpoint_check(region: str, *, reachable: bool | None) -> Check | None:
    """A suggestion where the internal endpoint answers. reachable: None where it was not tried."""
    if not reachable:
        return None
    return Check(
        "internal_endpoint",
        WARN,
        f"This host is in {region}: the internal endpoint answers here, costs no traffic and is faster.",
        f"Set oss_endpoint: {default_endpoint(region, internal=True)}.",
    )


def _owner(found: Bucket, owned: bool | None) -> Check:
    if owned:
        return Check("bucket_owner", PASS, f"{found.name} belongs to the account of the access key")
    if owned is None:
        return Check(
            "bucket_owner",
            UNKNOWN,
            f"Whether {found.name} belongs to the account of the access key is not told"
            + (f"; its owner is {found.owner}." if found.owner else "."),
            "RDS reads from buckets of the instance's own account only. Allow oss:ListBuckets to have it checked.",
        )
    return Check(
        "bucket_owner",
        FAIL,
        f"{found.name} belongs to another account" + (f" ({found.owner})." if found.owner else "."),
        "Use a bucket of the account that owns the RDS instance.",
    )


def _region(found: Bucket, region: str | None) -> Check:
    if found.region is None:
        return _untold("bucket_region", found, "region")
    if region is None:
        return Check(
            "bucket_region",
            UNKNOWN,
            f"{found.name} is in {found.region}; the region of the instance is not known.",
            "Set instance_id to have both compared.",
        )
    if found.region == region:
        return Check("bucket_region", PASS, f"{found.name} is in {region}")
    return Check(
        "bucket_region",
        FAIL,
        f"{found.name} is in {found.region}, not in {region}.",
        f"Use a bucket in {region}: RDS restores from its own region.",
    )


def _storage_class(found: Bucket) -> Check:
    if found.storage_class is None:
        return _untold("bucket_storage_class", found, "storage class")
    if found.storage_class == STANDARD:
        return Check("bucket_storage_class", PASS, f"{found.name} is of class Standard")
    return Check(
        "bucket_storage_class",
        FAIL,
        f"{found.name} is of class {found.storage_class}; RDS restores from Standard only.",
        "Use a bucket of class Standard; the class of a bucket cannot be changed to it.",
    )


def _encryption(found: Bucket) -> Check:
    if not found.encryption:
        return Check("bucket_encryption", PASS, f"{found.name} is not encrypted")
    return Check(
        "bucket_encryption",
        FAIL,
        f"{found.name} encrypts what is written to it ({found.encryption}); RDS cannot restore that.",
        "Switch server-side encryption of the bucket off in the console before anything is uploaded, or use another.",
    )


def _acl(found: Bucket) -> Check:
    if found.acl is None:
        return _untold("bucket_acl", found, "ACL")
    if found.acl == PRIVATE:
        return Check("bucket_acl", PASS, f"{found.name} is private")
    return Check(
        "bucket_acl",
        FAIL,
        f"{found.name} is {found.acl}: everybody could read the backups.",
        "Make the bucket private in the console; RDS needs nothing more.",
    )


def _untold(check: str, found: Bucket, what: str) -> Check:
    return Check(check, UNKNOWN, f"The service did not tell the {what} of {found.name}.", "Look in the console.")
