# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oss_bucket: made as a migration needs it, never altered, removed only when nothing of others is lost."""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import KEY, UploadStage
from apsara_emulator.default_world import ACCOUNT_TWO
from apsara_emulator.oss_model import Bucket

NAME = "sales-migration-2026"


@pytest.fixture
def stage():
    return UploadStage()


@pytest.fixture
def bucket(run, stage):
    def run_it(name=NAME, **options):
        return run(stage, "oss_bucket", name=name, **{**ENDPOINTS, **options})

    return run_it


def statuses(result):
    return {check["name"]: check["status"] for check in result["checks"]}


def effects(stage):
    return [call.action for call in stage.world.calls.select() if call.mutating and call.took_effect]


def test_predict_make_and_again(stage, bucket):
    predicted = bucket(instance_id=TARGET, check=True)
    assert predicted["changed"]
    assert predicted["predicted"]
    assert not stage.writes()
    made = bucket(instance_id=TARGET)
    assert made["changed"]
    assert effects(stage) == ["PutBucket", "PutBucketTags"]
    there = stage.bucket(NAME)
    assert (there.region, there.storage_class, there.acl, there.encryption) == (
        "cn-hangzhou",
        "Standard",
        "private",
        "",
    )
    assert made["diff"] == predicted["diff"]
    assert made["plan"] == predicted["plan"]
    assert made["state"] == predicted["state"] == "present"
    assert made["bucket"]["made_here"]
    assert set(made["bucket"]) == set(predicted["bucket"])
    assert made["request_ids"]
    again = bucket(instance_id=TARGET)
    assert not again["changed"]
    assert again["verdict"] == "go"
    assert len(effects(stage)) == 2


@pytest.mark.parametrize(
    ("settings", "check"),
    [
        ({"storage_class": "IA"}, "bucket_storage_class"),
        ({"encryption": "AES256"}, "bucket_encryption"),
        ({"encryption": "KMS"}, "bucket_encryption"),
        ({"acl": "public-read"}, "bucket_private"),
        ({"account_id": ACCOUNT_TWO}, "bucket_access"),
    ],
)
def test_a_bucket_that_does_not_fit_is_told_and_not_altered(stage, bucket, settings, check):
    stage.world.state.buckets[NAME] = Bucket(**{"account_id": "1000000000000001", "name": NAME, **settings})
    stage.world.oss.adopt(stage.world.state)
    for mode in (True, False):
        result = bucket(check=mode)
        assert result["failed"]
        assert result["error"]["code"] == "no_go"
        assert statuses(result)[check] == "fail"
    assert not stage.writes()


def test_a_bucket_in_another_region(stage, bucket):
    stage.world.state.buckets[NAME] = Bucket("1000000000000001", name=NAME, region="cn-shanghai")
    stage.world.oss.adopt(stage.world.state)
    result = bucket(instance_id=TARGET)
    assert result["failed"]
    assert "fail" in (statuses(result).get("bucket_region"), statuses(result).get("bucket_access"))
    assert "region" in result["msg"]
    assert not stage.writes()


def test_an_instance_of_another_region_than_the_option(stage, bucket):
    result = bucket(instance_id=TARGET, region="cn-shanghai")
    assert result["failed"]
    assert "instance" in result["msg"]
    assert not stage.writes()


def test_an_instance_that_is_not_there(stage, bucket):
    result = bucket(instance_id="rm-nowhere")
    assert statuses(result)["instance_exists"] == "fail"
    assert not stage.writes()


def test_the_region_comes_from_the_instance(stage, bucket):
    made = bucket(instance_id=TARGET, region=None)
    assert made["region"] == "cn-hangzhou"
    assert stage.bucket(NAME).region == "cn-hangzhou"


def test_without_any_region(bucket):
    result = bucket(region=None)
    assert result["error"]["code"] == "region_missing"
    assert "region" in result["error"]["remedy"]


@pytest.mark.parametrize("name", ["Sales", "ab", "-sales", "sales-", "a" * 64, "sales.2026", "sales_2026", ""])
def test_names_that_cannot_be(stage, bucket, name):
    result = bucket(name=name)
    assert result["error"]["code"] == "invalid_options"
    assert not stage.calls()


def test_predict_remove_and_again(stage, bucket):
    bucket()
    predicted = bucket(state="absent", check=True)
    assert predicted["changed"]
    assert predicted["bucket"] is None
    assert stage.bucket(NAME)
    removed = bucket(state="absent")
    assert removed["changed"]
    assert removed["diff"] == predicted["diff"]
    assert stage.bucket(NAME) is None
    again = bucket(state="absent")
    assert not again["changed"]
    assert effects(stage)[2:] == ["DeleteBucket"]


def test_an_empty_bucket_of_others_may_go(stage, bucket):
    """It was asked for by its name, and nothing is lost."""
    assert bucket(name=BUCKET, state="absent")["changed"]
    assert stage.bucket() is None


@pytest.mark.parametrize("content", ["object", "upload"])
@pytest.mark.parametrize("force", [False, True])
def test_a_bucket_of_others_is_never_emptied(stage, bucket, content, force):
    if content == "object":
        stage.world.oss.put(BUCKET, KEY, b"precious")
    else:
        stage.client().begin_upload(BUCKET, KEY, {}, replace=True)
    before = len(stage.writes())
    result = bucket(name=BUCKET, state="absent", force=force)
    assert statuses(result)["bucket_empty"] == "fail"
    assert len(stage.writes()) == before
    assert stage.bucket()


def test_what_was_made_here_goes_with_everything_in_it(stage, bucket):
    bucket()
    for number in range(3):
        stage.world.oss.put(NAME, f"backups/{number}.bak", b"x")
    stage.client().begin_upload(NAME, KEY, {}, replace=True)
    refused = bucket(state="absent")
    assert statuses(refused)["bucket_empty"] == "fail"
    assert "force" in refused["msg"]
    assert len(stage.bucket(NAME).objects) == 3
    predicted = bucket(state="absent", force=True, check=True)
    removed = bucket(state="absent", force=True)
    assert [step["action"] for step in removed["plan"]] == [
        "AbortMultipartUpload",
        "DeleteMultipleObjects",
        "DeleteBucket",
    ]
    assert removed["plan"] == predicted["plan"]
    assert statuses(removed)["bucket_empty"] == "warn"
    assert stage.bucket(NAME) is None


def test_force_is_not_for_making(bucket):
    assert bucket(force=True)["error"]["code"] == "invalid_options"


def test_a_lost_answer_is_not_repeated_and_the_next_run_sees(stage, bucket):
    stage.fault("close_after", "PutBucket")
    lost = bucket()
    assert lost["failed"]
    assert lost["error"]["code"] == "answer_lost"
    assert len(stage.calls("PutBucket")) == 1
    assert not bucket()["changed"]


def test_a_bearer_token_cannot_sign(stage, bucket):
    result = bucket(access_key_id=None, access_key_secret=None, bearer_token="aLongBearerTokenOfNobody")
    assert result["error"]["code"] == "credentials_cannot_sign"
    assert "access_key_id" in result["error"]["remedy"]
    assert not stage.calls()


def test_ownership_that_is_not_told_is_unknown(stage, bucket):
    bucket()
    stage.fault("throttle", "ListBuckets", code="AccessDenied", status=403, times=None)
    assert statuses(bucket())["bucket_owner"] == "unknown"
