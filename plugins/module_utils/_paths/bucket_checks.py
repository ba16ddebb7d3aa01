# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether a bucket is one that RDS can restore backups from, and in the region of the instance that does. Pure.

Rules: the vendor's guides.
"""

from __future__ import annotations

from typing import Protocol

from .._alibaba.oss_model import Bucket
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check


class ObservedRegion(Protocol):
    """What an Observed tells of an instance's region."""

    @property
    def region(self) -> str | None:
        """The region that requests go to."""

    @property
    def instance_region(self) -> str | None:
        """The instance's."""

    @property
    def instance_missing(self) -> bool:
        """Whether an instance was named that is not there."""


def instance_checks(instance_id: str, observed: ObservedRegion) -> list[Check]:
    """Whether the instance is there, and in the region that requests go to. None without an instance."""
    if not instance_id:
        return []
    if observed.instance_missing:
        return [
            Check(
                "instance_exists",
                FAIL,
                f"{instance_id} was not found in this account and region.",
                "Correct instance_id, or use the access key of the account that owns it, or set region.",
            )
        ]
    items = [Check("instance_exists", PASS, f"{instance_id} exists")]
    if observed.instance_region and observed.region != observed.instance_region:
        items.append(
            Check(
                "instance_region",
                FAIL,
                f"{instance_id} is in {observed.instance_region}, and region is {observed.region}.",
                "Leave region out: the instance's is taken.",
            )
        )
    return items


def bucket_checks(
    name: str, bucket: Bucket | None, *, region: str | None, owned: bool | None, predicted: bool = False
) -> list[Check]:
    """bucket: None, if there is none. region: the instance's. owned: whether the caller's own listing has it.

    predicted: an earlier step of the same rehearsal would make it.
    """
    if bucket is None and predicted:
        return [
            Check("bucket_exists", UNKNOWN, f"The bucket {name} is only planned.", "Rehearse again when it exists.")
        ]
    if bucket is None:
        return [
            Check("bucket_exists", FAIL, f"There is no bucket {name}.", "Create it (oss_bucket), or correct bucket.")
        ]
    return [
        Check("bucket_exists", PASS, f"the bucket {name} exists"),
        _owner(name, owned),
        _region(bucket, region),
        _storage_class(bucket),
        _encryption(bucket),
        _acl(bucket),
    ]


def _owner(name: str, owned: bool | None) -> Check:
    remedy = "RDS reads buckets of its own account only: copy the backups to one of this account."
    if owned is None:
        return Check("bucket_owner", UNKNOWN, f"Whether {name} belongs to this account could not be seen.", remedy)
    if owned:
        return Check("bucket_owner", PASS, f"{name} belongs to this account")
    return Check("bucket_owner", FAIL, f"{name} does not belong to this account.", remedy)


def _region(bucket: Bucket, region: str | None) -> Check:
    remedy = "Use a bucket in the region of the instance."
    if bucket.region is None or region is None:
        return Check("bucket_region", UNKNOWN, "The region of the bucket or of the instance is not told.", remedy)
    if bucket.region == region:
        return Check("bucket_region", PASS, f"the bucket is in {region}, as the instance is")
    return Check("bucket_region", FAIL, f"The bucket is in {bucket.region}, the instance in {region}.", remedy)


def _storage_class(bucket: Bucket) -> Check:
    remedy = "Use a bucket of class Standard; RDS restores from no other."
    if bucket.storage_class is None:
        return Check("bucket_storage_class", UNKNOWN, "The storage class of the bucket is not told.", remedy)
    if bucket.storage_class == "Standard":
        return Check("bucket_storage_class", PASS, "the storage class is Standard")
    return Check("bucket_storage_class", FAIL, f"The storage class is {bucket.storage_class}.", remedy)


def _encryption(bucket: Bucket) -> Check:
    remedy = "Use a bucket without server-side encryption; RDS does not restore from others."
    if bucket.encryption is None:
        return Check("bucket_encryption", UNKNOWN, "Whether the bucket is encrypted is not told.", remedy)
    if not bucket.encryption:
        return Check("bucket_encryption", PASS, "the bucket is not encrypted")
    return Check("bucket_encryption", FAIL, f"The bucket is encrypted ({bucket.encryption}).", remedy)


def _acl(bucket: Bucket) -> Check:
    if bucket.acl == "private":
        return Check("bucket_private", PASS, "only this account reads the bucket")
    shown = f"The bucket's access is {bucket.acl}: others can read the backups." if bucket.acl else "It is not told."
    return Check("bucket_private", WARN if bucket.acl else UNKNOWN, shown, "Set the ACL of the bucket to private.")
