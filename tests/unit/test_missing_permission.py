# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who lacks a permission is told which one it is."""

from __future__ import annotations

import json

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.dts import DTS
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import ServiceError, is_forbidden
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.missing_permission import (
    permission_of,
    remedy_of,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.ram import RAM
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds import RDS
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SOURCE
from apsara_emulator import Variants
from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.permissions.table import TABLE

USER = {"access_key_id": "LTAI5tApsaraEmulatorUser", "access_key_secret": "emulatorSecretOfTheUser"}
OPTIONS = {
    **ENDPOINTS,
    **USER,
    "dts_endpoint": CREDENTIALS["rds_endpoint"],
    "sts_endpoint": CREDENTIALS["rds_endpoint"],
}


def stage_of(*statements, **variants):
    """A stage whose first account has a user with these statements as its policy."""
    stage = BackupStage(Variants(variants))
    document = json.dumps({"Version": "1", "Statement": list(statements)})
    account = {
        "users": {"me": {"access_keys": [USER], "policies": ["Custom/p"]}},
        "policies": {"p": {"document": document}},
    }
    stage.world.merge({"accounts": {ACCOUNT_ONE: account}})
    return stage


def allow(action, effect="Allow"):
    return {"Effect": effect, "Action": action, "Resource": "*"}


def client_of(stage, service):
    return stage.services(**OPTIONS).client({"rds": RDS, "dts": DTS, "ram": RAM}[service], CREDENTIALS["rds_endpoint"])


CALLS = {
    "rds": ("DescribeDatabases", {"DBInstanceId": SOURCE}),
    "dts": ("DescribeDtsJobs", {"RegionId": "cn-hangzhou"}),
    "ram": ("GetRole", {"RoleName": "AliyunRDSImportRole"}),
}


@pytest.mark.parametrize("detail", ["present", "missing"])
@pytest.mark.parametrize("service", CALLS)
def test_a_service_that_refuses(service, detail):
    action, parameters = CALLS[service]
    stage = stage_of(allow("sts:*"), access_denied_detail=detail)
    with pytest.raises(ServiceError) as refused:
        client_of(stage, service).call(action, parameters)
    assert is_forbidden(refused.value)
    assert f"Allow {service}:{action} to the RAM user or role" in refused.value.remedy
    assert f"Aliyun{service.upper()}FullAccess" in refused.value.remedy
    assert len(stage.calls()) == 1


@pytest.mark.parametrize("code", ["Forbidden.RAM 403", "DTS.Msg.RamPermissionDenied 403"])
def test_every_spelling_of_dts(code):
    stage = stage_of(allow("rds:*"), forbidden_dts=code)
    with pytest.raises(ServiceError, match=code.split(" ")[0]) as refused:
        client_of(stage, "dts").call(*CALLS["dts"])
    assert "Allow dts:DescribeDtsJobs" in refused.value.remedy


def test_a_policy_that_denies():
    stage = stage_of(allow("rds:*"), allow("rds:DescribeDatabases", effect="Deny"))
    with pytest.raises(ServiceError) as refused:
        client_of(stage, "rds").call(*CALLS["rds"])
    assert "denies rds:DescribeDatabases" in refused.value.remedy


def test_objects():
    stage = stage_of(allow("oss:GetObject"))
    client = oss_client(stage.services(**OPTIONS))
    assert client.head(BUCKET, "nowhere") is None
    with pytest.raises(ServiceError) as refused:
        client.put(BUCKET, "key", b"x", {}, replace=True)
    assert "Allow oss:PutObject to" in refused.value.remedy
    assert "belongs to the account" in refused.value.remedy


def test_names_are_those_of_the_table():
    for (service, action), needs in TABLE.items():
        # Only what these ask for does not show in their names.
        if needs and service != "oss":
            assert permission_of(service, action) == needs[0].action
    used = "CompleteMultipartUpload GetBucketInfo GetBucketTags GetObjectTagging HeadObject InitiateMultipartUpload "
    used += "AbortMultipartUpload DeleteBucket ListBuckets ListMultipartUploads ListObjects ListParts PutBucket "
    used += "PutBucketTags PutObject PutObjectTagging UploadPart GetObject"
    for action in used.split():
        assert permission_of("oss", action) == TABLE["oss", action][0].action
    assert permission_of("oss", "DeleteMultipleObjects") == "oss:DeleteObject"


def test_what_the_service_says_is_no_text_of_ours():
    for named in ("rds:Describe\n\x1b[31m", "x" * 300, {"a": 1}, None, "rds:*"):
        detail = {"AccessDeniedDetail": {"AuthAction": named, "NoPermissionType": ["ExplicitDeny"]}}
        assert remedy_of("rds", "DescribeTasks", detail).startswith("Allow rds:DescribeTasks to")
    assert remedy_of("rds", "DescribeTasks", {"AccessDeniedDetail": "no"}).startswith("Allow rds:DescribeTasks to")
    assert "trust policy" in remedy_of("sts", "AssumeRole")
