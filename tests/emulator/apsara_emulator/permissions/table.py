# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which permission a call needs: the one table from actions of the API to actions and resources of RAM.

In a resource, {account} and {region} are the caller's account and the region that is meant; other names in braces are
parameters of the call, `*` where it has none. `acs:rds:...:dbinstance/*` is asked for by what lists or makes instances,
so that a policy about a single instance does not allow it.

Sources: the vendor's tables of authorisation for RDS (help.aliyun.com, api-rds-2014-08-15-ram), RAM and OSS
(authorization-syntax-and-elements), and the pages of single actions. For DTS one page says that RAM knows resources
only, while another one and the vendor's own policies name actions (dts:ConfigureDtsJob); the actions are enforced here.
The two retired actions of RDS, and which side a copy is judged by, are not in the tables: here both sides count.
"""

from __future__ import annotations

from typing import NamedTuple

INSTANCE = "acs:rds:{region}:{account}:dbinstance/"
JOB = "acs:dts:{region}:{account}:instance/"
ROLE, POLICY = "acs:ram:*:{account}:role/", "acs:ram:*:{owner}:policy/"
BUCKET, OBJECT = "acs:oss:*:{account}:{bucket}", "acs:oss:*:{account}:{bucket}/{key}"


class Need(NamedTuple):
    """A permission: an action of RAM on a resource. `header`: it is needed only if the request has this one."""

    action: str
    resource: str
    header: str = ""


def _same_name(service: str, resource: str, names: str) -> dict[tuple[str, str], tuple[Need, ...]]:
    """Actions that RAM knows by the name that they have in the API."""
    return {(service, name): (Need(f"{service}:{name}", resource),) for name in names.split()}


def _oss(names: str, *needs: Need) -> dict[tuple[str, str], tuple[Need, ...]]:
    return {("oss", name): needs for name in names.split()}


_TAGGED = Need("oss:PutObjectTagging", OBJECT, header="x-oss-tagging")
_SOURCE = Need("oss:GetObject", "acs:oss:*:{account}:{source}")

_RDS = {
    **_same_name(
        "rds",
        INSTANCE + "{DBInstanceId}",
        "CancelImport CheckDBNameAvailable CreateDatabase CreateMigrateTask CreateOnlineDatabaseTask DeleteDatabase "
        "DescribeAccounts DescribeBackups DescribeDBInstanceAttribute DescribeDBInstanceIPArrayList "
        "DescribeDBInstanceNetInfo DescribeDatabases DescribeMigrateTaskById DescribeMigrateTasks DescribeOssDownloads "
        "DescribeResourceUsage DescribeTasks TerminateMigrateTask",
    ),
    **_same_name(
        "rds",
        INSTANCE + "{DBInstanceName}",
        "ActivateMigrationTargetInstance CreateCloudMigrationPrecheckTask CreateCloudMigrationTask "
        "DescribeCloudMigrationPrecheckResult DescribeCloudMigrationResult",
    ),
    **_same_name("rds", INSTANCE + "{InstanceId}", "DescribeHistoryTasks"),
    **_same_name("rds", INSTANCE + "*", "DescribeDBInstances"),
    **_same_name("rds", "*", "DescribeRegions"),
    ("rds", "CopyDatabaseBetweenInstances"): (
        Need("rds:CopyDatabaseBetweenInstances", INSTANCE + "{DBInstanceId}"),
        Need("rds:CopyDatabaseBetweenInstances", INSTANCE + "{TargetDBInstanceId}"),
    ),
    ("rds", "ImportDatabaseBetweenInstances"): (
        Need("rds:ImportDatabaseBetweenInstances", INSTANCE + "{DBInstanceId}"),
        Need("rds:ImportDatabaseBetweenInstances", INSTANCE + "{SourceDBInstanceId}"),
    ),
}

_DTS = {
    **_same_name(
        "dts",
        JOB + "{job}",
        "CreateJobMonitorRule DeleteDtsJob DescribeDtsJobDetail DescribeDtsServiceLog DescribeJobMonitorRule "
        "DescribePreCheckStatus ModifyDtsJob ModifyDtsJobEndpoint ModifyDtsJobName ModifyDtsJobPassword "
        "ModifyDynamicConfig RenewInstance ResetDtsJob SkipPreCheck StartDtsJob StopDtsJob SuspendDtsJob "
        "TransferInstanceClass TransferPayType",
    ),
    **_same_name(
        "dts",
        JOB + "*",
        "ConfigureDtsJob CreateDtsInstance DeleteDtsJobs DescribeConnectionStatus DescribeDTSIP DescribeDtsJobs "
        "ListTagResources StartDtsJobs StopDtsJobs SuspendDtsJobs TagResources UntagResources WhiteIpList",
    ),
}

_RAM = {
    **_same_name("ram", ROLE + "{RoleName}", "DeleteRole GetRole ListPoliciesForRole UpdateRole"),
    **_same_name("ram", ROLE + "*", "CreateRole ListRoles"),
    **_same_name("ram", POLICY + "{PolicyName}", "DeletePolicy GetPolicy"),
    **_same_name("ram", "acs:ram:*:{account}:policy/*", "CreatePolicy ListPolicies"),
    ("ram", "AttachPolicyToRole"): (
        Need("ram:AttachPolicyToRole", ROLE + "{RoleName}"),
        Need("ram:AttachPolicyToRole", POLICY + "{PolicyName}"),
    ),
    ("ram", "DetachPolicyFromRole"): (
        Need("ram:DetachPolicyFromRole", ROLE + "{RoleName}"),
        Need("ram:DetachPolicyFromRole", POLICY + "{PolicyName}"),
    ),
}

_STS = {
    ("sts", "AssumeRole"): (Need("sts:AssumeRole", "{role}"),),
    ("sts", "GetCallerIdentity"): (),
}

_OSS = {
    **_oss("ListBuckets", Need("oss:ListBuckets", "acs:oss:*:{account}:*")),
    **_oss("PutBucket", Need("oss:PutBucket", BUCKET)),
    **_oss("DeleteBucket", Need("oss:DeleteBucket", BUCKET)),
    **_oss("GetBucketInfo", Need("oss:GetBucketInfo", BUCKET)),
    **_oss("GetBucketLocation", Need("oss:GetBucketLocation", BUCKET)),
    **_oss("GetBucketStat", Need("oss:GetBucketStat", BUCKET)),
    **_oss("GetBucketAcl", Need("oss:GetBucketAcl", BUCKET)),
    **_oss("PutBucketAcl", Need("oss:PutBucketAcl", BUCKET)),
    **_oss("GetBucketEncryption", Need("oss:GetBucketEncryption", BUCKET)),
    **_oss("PutBucketEncryption", Need("oss:PutBucketEncryption", BUCKET)),
    **_oss("DeleteBucketEncryption", Need("oss:DeleteBucketEncryption", BUCKET)),
    **_oss("GetBucketTags", Need("oss:GetBucketTagging", BUCKET)),
    **_oss("PutBucketTags", Need("oss:PutBucketTagging", BUCKET)),
    **_oss("DeleteBucketTags", Need("oss:DeleteBucketTagging", BUCKET)),
    **_oss("ListObjects ListObjectsV2", Need("oss:ListObjects", BUCKET)),
    **_oss("ListMultipartUploads", Need("oss:ListMultipartUploads", BUCKET)),
    **_oss("ListParts", Need("oss:ListParts", OBJECT)),
    **_oss("GetObject HeadObject GetObjectMeta", Need("oss:GetObject", OBJECT)),
    **_oss("PutObject InitiateMultipartUpload", Need("oss:PutObject", OBJECT), _TAGGED),
    **_oss("UploadPart CompleteMultipartUpload", Need("oss:PutObject", OBJECT)),
    **_oss("CopyObject", _SOURCE, Need("oss:PutObject", OBJECT), _TAGGED),
    **_oss("UploadPartCopy", _SOURCE, Need("oss:PutObject", OBJECT)),
    **_oss("AbortMultipartUpload", Need("oss:AbortMultipartUpload", OBJECT)),
    **_oss("DeleteObject", Need("oss:DeleteObject", OBJECT)),
    # Of each object that it names, asked for by the handler, which reads them.
    **_oss("DeleteMultipleObjects"),
    **_oss("GetObjectTagging", Need("oss:GetObjectTagging", OBJECT)),
    **_oss("PutObjectTagging", Need("oss:PutObjectTagging", OBJECT)),
    **_oss("DeleteObjectTagging", Need("oss:DeleteObjectTagging", OBJECT)),
}

TABLE: dict[tuple[str, str], tuple[Need, ...]] = {**_RDS, **_DTS, **_RAM, **_STS, **_OSS}
