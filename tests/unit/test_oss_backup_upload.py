# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""oss_backup_upload: what is uploaded, what is recognised, what stops it; by what the emulator saw."""

from __future__ import annotations

import json
import os

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.crc64 import is_fast
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload_files import Local
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload_plan import (
    Observed,
    all_checks,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_upload_request import Request
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, TARGET
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import PART, UploadStage, backup, data, written
from apsara_emulator import draw
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

TB = 1000**4


@pytest.fixture
def stage():
    return UploadStage()


@pytest.fixture
def upload(run, stage, tmp_path):
    def run_it(**options):
        wish = {"path": str(tmp_path), "bucket": BUCKET, "prefix": "in", "threads": 1, **ENDPOINTS}
        return run(stage, "oss_backup_upload", **{**wish, **options})

    return run_it


def statuses(result):
    return {check["name"]: check["status"] for check in result["checks"]}


def effects(stage):
    return [call.action for call in stage.world.calls.select() if call.mutating and call.took_effect]


def test_predict_upload_and_again(stage, upload, tmp_path):
    small, large = backup(tmp_path, "crm_FULL.bak", "crm"), backup(tmp_path, data_bytes=5 * PART)
    predicted = upload(check=True, part_size=PART, instance_id=TARGET)
    assert predicted["changed"]
    assert predicted["predicted"]
    assert not stage.writes()
    done = upload(part_size=PART, instance_id=TARGET)
    assert done["changed"]
    assert not done["predicted"]
    assert done["plan"] == predicted["plan"]
    assert done["diff"] == predicted["diff"]
    assert done["state"] == predicted["state"] == "uploaded"
    assert stage.content("in/crm_FULL.bak") == small.read_bytes()
    assert stage.content("in/sales_FULL.bak") == large.read_bytes()
    assert [u["state"] for u in done["uploads"]] == [u["state"] for u in predicted["uploads"]] == ["uploaded"] * 2
    assert [list(u) for u in done["uploads"]] == [list(u) for u in predicted["uploads"]]
    assert [u["predicted"] for u in predicted["uploads"]] == [True, True]
    told = done["uploads"][1]
    assert (told["database"], told["type"], told["stripes"]) == ("sales", "full", 1)
    assert told["size"] == told["sent_bytes"] == large.stat().st_size
    assert told["crc64"] == stage.object("in/sales_FULL.bak").crc64
    assert stage.object("in/sales_FULL.bak").meta["backup-set-guid"] == told["backup_set_guid"]
    assert told["required_storage"] > 0
    before = effects(stage)
    again = upload(part_size=PART, instance_id=TARGET)
    assert not again["changed"]
    assert again["verdict"] == "go"
    assert effects(stage) == before
    assert [u["state"] for u in again["uploads"]] == ["present", "present"]
    assert [u["crc64"] for u in again["uploads"]] == [u["crc64"] for u in done["uploads"]]
    json.dumps(done)


@pytest.mark.parametrize("prefix", ["/", "", "in", "/in/", "a/b/"])
def test_prefixes(stage, upload, tmp_path, prefix):
    backup(tmp_path)
    upload(prefix=prefix)
    folder = prefix.strip("/")
    assert list(stage.bucket().objects) == [f"{folder}/sales_FULL.bak" if folder else "sales_FULL.bak"]


def test_a_single_file_and_folders_within_folders(stage, upload, tmp_path):
    file = backup(tmp_path)
    (tmp_path / "logs").mkdir()
    backup(tmp_path / "logs", "sales_LOG.TRN", type="log")
    (tmp_path / "notes.txt").write_text("no backup by its name")
    assert len(upload(path=str(file), check=True)["uploads"]) == 1
    assert len(upload(check=True)["uploads"]) == 1
    keys = [u["key"] for u in upload(recurse=True)["uploads"]]
    assert keys == ["in/logs/sales_LOG.TRN", "in/sales_FULL.bak"]


def test_an_object_that_was_uploaded_by_other_means_is_recognised(stage, upload, tmp_path):
    file = backup(tmp_path)
    stage.world.oss.put(BUCKET, "in/sales_FULL.bak", file.read_bytes())
    result = upload()
    assert not result["changed"]
    assert result["uploads"][0]["state"] == "present"


@pytest.mark.parametrize("same_size", [False, True])
def test_another_object_under_the_key(stage, upload, tmp_path, same_size):
    file = backup(tmp_path)
    other = bytes(file.stat().st_size if same_size else 10)
    stage.world.oss.put(BUCKET, "in/sales_FULL.bak", other)
    refused = upload()
    assert statuses(refused)["object_conflict"] == "fail"
    assert "overwrite" in refused["msg"]
    assert stage.content("in/sales_FULL.bak") == other
    assert not stage.writes()
    replaced = upload(overwrite=True)
    assert replaced["changed"]
    assert replaced["plan"][0]["choices"] == {"overwrite": True}
    assert stage.content("in/sales_FULL.bak") == file.read_bytes()
    assert not upload(overwrite=True)["changed"]


def test_full_verification_reads_the_file(stage, upload, tmp_path):
    """Same size, same backup set in the metadata, another content."""
    file = backup(tmp_path, data_bytes=3 * PART)
    upload()
    wrong = bytearray(file.read_bytes())
    wrong[-PART] ^= 1
    meta = dict(stage.object("in/sales_FULL.bak").meta)
    stage.world.oss.put(BUCKET, "in/sales_FULL.bak", bytes(wrong), meta=meta)
    assert not upload()["changed"]
    assert statuses(upload(verify="full"))["object_conflict"] == "fail"
    assert upload(verify="full", overwrite=True)["changed"]
    assert stage.content("in/sales_FULL.bak") == file.read_bytes()


def test_half_a_stripe_is_not_the_other_half(stage, upload, tmp_path):
    stripes = [BackupDescription(stripe=n, stripes=2) for n in (1, 2)]
    first, second = (backup_bytes(one) for one in stripes)
    written(tmp_path, first, "a.bak")
    result = upload()
    assert statuses(result)["stripes"] == "warn"
    assert "2 are missing" in " ".join(result["summary"])
    written(tmp_path, second, "a.bak")
    assert statuses(upload())["object_conflict"] == "fail"


BAD = {
    "text": b"no backup at all" * 100,
    "zip": b"PK\x03\x04" + bytes(1000),
    "empty": b"",
    "truncated": None,
}


@pytest.mark.parametrize("kind", BAD)
def test_files_that_are_no_backups(stage, upload, tmp_path, kind):
    good = backup(tmp_path, "good.bak", data_bytes=PART)
    written(tmp_path, good.read_bytes()[: -PART // 2] if BAD[kind] is None else BAD[kind], "bad.bak")
    refused = upload()
    assert refused["failed"]
    assert statuses(refused)["backup_file"] == "fail"
    assert "bad.bak" in refused["msg"]
    assert not stage.writes()
    done = upload(invalid_backups="skip")
    assert done["changed"]
    assert list(stage.bucket().objects) == ["in/good.bak"]
    assert statuses(done)["backup_file"] == "warn"
    assert [os.path.basename(s["path"]) for s in done["left_out"]] == ["bad.bak"]
    assert done["left_out"][0]["reason"]
    assert len(done["uploads"]) == 1


def test_bad_input_is_told_all_at_once(stage, upload, tmp_path):
    backup(tmp_path, "a:b.bak")
    written(tmp_path, b"x", "bad.bak")
    os.mkdir(tmp_path / "folder.bak")
    os.symlink(tmp_path / "gone", tmp_path / "dangling.bak")
    stage.bucket().encryption = "AES256"
    result = upload(check=True)
    for name in ("a:b.bak", "bad.bak", "dangling.bak", "AES256"):
        assert name in result["msg"]
    assert statuses(result)["object_keys"] == "fail"
    assert not stage.writes()


@pytest.mark.parametrize("path", ["", "nowhere", "nowhere/a.bak"])
def test_nothing_to_upload(stage, upload, tmp_path, path):
    result = upload(path=str(tmp_path / path))
    assert result["failed"]
    assert "fail" in (statuses(result).get("backups_found"), statuses(result).get("file_readable"))
    assert str(tmp_path) in result["msg"]


def test_two_files_that_would_become_one_object(stage, upload, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        backup(tmp_path / name)
    backups = [{"path": str(tmp_path / name / "sales_FULL.bak")} for name in ("a", "b")]
    result = upload(path=None, backups=backups)
    assert statuses(result)["object_keys"] == "fail"
    assert not stage.writes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"path": None}, "path and backups"),
        ({"bucket": "No Bucket"}, "bucket"),
        ({"threads": 0}, "threads"),
        ({"threads": 65}, "threads"),
        ({"part_size": 1000}, "part_size"),
        ({"part_size": 6 * 1024**3}, "part_size"),
        ({"bandwidth_limit": 0}, "bandwidth_limit"),
        ({"backups": []}, "backups"),
        ({"backups": [{"database": "sales", "state": "missing"}]}, "item 1 has no path"),
        ({"patterns": []}, "patterns"),
    ],
)
def test_options_that_cannot_be(stage, upload, options, told):
    result = upload(**options)
    assert result["error"]["code"] == "invalid_options"
    assert told in result["msg"]
    assert not stage.calls()


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"region": "cn-shanghai"}, "bucket_region"),
        ({"storage_class": "Archive"}, "bucket_storage_class"),
        ({"encryption": "KMS"}, "bucket_encryption"),
        ({"account_id": "2000000000000002"}, "bucket_access"),
    ],
)
def test_a_bucket_that_rds_does_not_read(stage, upload, tmp_path, change, check):
    backup(tmp_path)
    for name, value in change.items():
        setattr(stage.bucket(), name, value)
    result = upload(instance_id=TARGET)
    assert result["failed"]
    assert "fail" in (statuses(result).get(check), statuses(result).get("bucket_access"))
    assert not stage.writes()


def test_a_bucket_that_is_not_there(stage, upload, tmp_path):
    backup(tmp_path)
    result = upload(bucket="nowhere-at-all")
    assert statuses(result)["bucket_exists"] == "fail"
    assert "oss_bucket" in result["msg"]


def test_a_bucket_that_is_only_planned(stage, upload, tmp_path):
    """The rehearsal of a whole chain goes on; a real run needs the bucket."""
    backup(tmp_path)
    wish = {"bucket": "planned-bucket-2026", "bucket_predicted": True}
    predicted = upload(**wish, check=True)
    assert not predicted["failed"]
    assert statuses(predicted)["bucket_exists"] == "unknown"
    assert [u["predicted"] for u in predicted["uploads"]] == [True]
    real = upload(**wish)
    assert statuses(real)["bucket_exists"] == "fail"
    assert not stage.writes()


def test_predicted_backups_are_planned(stage, upload, tmp_path):
    """The step before was only rehearsed: its files do not exist."""
    planned = {
        "database": "sales",
        "type": "full",
        "path": "D:\\migration\\sales_FULL_20260131235959.bak",
        "size": 1000,
        "state": "backed_up",
        "predicted": True,
    }
    result = upload(backups=[planned], check=True)
    assert not result["failed"]
    assert statuses(result)["backup_exists"] == "unknown"
    told = result["uploads"][0]
    assert (told["key"], told["database"], told["type"]) == ("in/sales_FULL_20260131235959.bak", "sales", "full")
    assert (told["size"], told["predicted"], told["state"]) == (1000, True, "uploaded")
    assert result["plan"][0]["subject"] == ["sales full"]
    real = upload(backups=[planned])
    assert real["failed"]
    assert statuses(real)["backup_exists"] == "fail"
    assert not stage.writes()


def test_the_shape_of_predicted_and_real_is_the_same(stage, upload, tmp_path):
    planned = upload(backups=[{"path": "gone.bak", "predicted": True}], check=True)["uploads"][0]
    backup(tmp_path)
    assert list(planned) == list(upload()["uploads"][0])


def test_files_of_a_list_are_found_in_the_folder_that_is_given(stage, upload, tmp_path):
    backup(tmp_path)
    done = upload(backups=[{"path": "D:\\migration\\sales_FULL.bak"}])
    assert done["uploads"][0]["path"] == str(tmp_path / "sales_FULL.bak")
    assert list(stage.bucket().objects) == ["in/sales_FULL.bak"]


def test_the_header_is_believed_before_the_list(upload, tmp_path):
    backup(tmp_path)
    told = upload(backups=[{"path": "sales_FULL.bak", "database": "crm", "type": "log"}], check=True)["uploads"][0]
    assert (told["database"], told["type"]) == ("sales", "full")


def test_an_upload_that_was_stopped_is_gone_on_with(stage, upload, tmp_path):
    file = backup(tmp_path, data_bytes=8 * PART)
    stage.fault("disk_full", "UploadPart", after=4)
    stopped = upload(part_size=PART)
    assert stopped["failed"]
    assert stopped["error"]["http_status"] == 507
    assert stopped["changed"]
    done = upload(part_size=PART)
    assert done["uploads"][0]["resumed_parts"] == 4
    assert done["uploads"][0]["sent_bytes"] < file.stat().st_size
    assert stage.content("in/sales_FULL.bak") == file.read_bytes()
    assert not stage.unfinished()


@pytest.mark.parametrize("abort", [False, True])
@pytest.mark.parametrize("present", [False, True])
def test_leftovers(stage, upload, tmp_path, abort, present):
    backup(tmp_path, data_bytes=3 * PART)
    if present:
        upload()
    client = stage.client()
    for _number in range(2):
        upload_id = client.begin_upload(BUCKET, "in/sales_FULL.bak", {}, replace=True)
        client.send_part(BUCKET, "in/sales_FULL.bak", upload_id, 1, data(PART, seed=9))
    client.begin_upload(BUCKET, "in/somebody_elses.bak", {}, replace=True)
    predicted = upload(part_size=PART, abort_leftovers=abort, check=True)
    result = upload(part_size=PART, abort_leftovers=abort)
    assert result["plan"] == predicted["plan"]
    # What is removed stands in the plan.
    assert all(step["choices"].get("abort_leftovers", False) == abort for step in predicted["plan"])
    assert result["changed"] == (abort or not present)
    keys = sorted(u.key for u in stage.unfinished().values())
    assert keys == ["in/somebody_elses.bak"] if abort else keys.count("in/sales_FULL.bak") == 2
    assert ("unfinished_uploads" in statuses(result)) == (not abort)
    if abort or not present:
        assert [left["state"] for left in result["leftovers"]] == ["aborted" if abort else "left"] * 2


def test_a_file_that_changes(stage, upload, tmp_path):
    file = backup(tmp_path, data_bytes=4 * PART)
    stage.fault("close_before", "UploadPart", times=1)
    adapter = stage.session.get_adapter(ENDPOINTS["oss_endpoint"])
    send = adapter.send

    def touch_and_send(request, **named):
        if request.method == "PUT":
            os.utime(file, ns=(1, 1))
        return send(request, **named)

    adapter.send = touch_and_send
    result = upload(part_size=PART)
    assert result["error"]["code"] == "file_changed"
    assert str(file) in result["msg"]
    assert not stage.bucket().objects


def test_what_was_uploaded_before_a_failure_stays(stage, upload, tmp_path):
    for name in ("a", "b", "c"):
        backup(tmp_path, f"{name}.bak", name)
    stage.fault("disk_full", "PutObject", after=1)
    result = upload()
    assert result["failed"]
    assert result["changed"]
    assert [u["state"] for u in result["uploads"]] == ["uploaded", "missing", "missing"]
    assert upload()["changed"]
    assert len(stage.bucket().objects) == 3


def test_hundreds_of_small_backups_are_looked_at_in_few_requests(stage, upload, tmp_path):
    for number in range(40):
        backup(tmp_path, f"db{number:02d}_FULL.bak", f"db{number:02d}")
    done = upload()
    assert len(done["uploads"]) == 40
    before = len(stage.calls())
    assert not upload()["changed"]
    reading = [call.action for call in stage.calls()][before:]
    assert reading.count("ListObjects") == 1
    assert reading.count("HeadObject") == 40
    assert len(reading) < 50


@pytest.mark.parametrize("limit", [None, 200 * 1024])
def test_small_backups_share_the_threads(stage, upload, tmp_path, limit):
    """Each is one request and they go side by side; the limit is for all of them together."""
    for number in range(12):
        backup(tmp_path, f"db{number:02d}_FULL.bak", f"db{number:02d}", data_bytes=50 * 1024)
    start = stage.time.now()
    done = upload(threads=4, bandwidth_limit=limit)
    assert [u["state"] for u in done["uploads"]] == ["uploaded"] * 12
    assert len(stage.calls("PutObject")) == 12
    assert len(stage.calls("ListMultipartUploads")) == 1
    if limit:
        total = sum(u["size"] for u in done["uploads"])
        assert stage.time.now() - start >= 0.9 * total / limit
    assert not upload()["changed"]


def test_progress_can_be_watched(upload, tmp_path):
    file = backup(tmp_path, data_bytes=8 * PART)
    watched = tmp_path / "progress.jsonl"
    assert upload(progress_file=str(watched), check=True)["changed"]
    assert not watched.exists()
    upload(progress_file=str(watched), part_size=PART, bandwidth_limit=PART)
    events = [json.loads(line) for line in watched.read_text().splitlines()]
    assert len(events) >= 7
    assert {event["subject"] for event in events} == {"in/sales_FULL.bak"}
    assert [event["done"] for event in events] == sorted(event["done"] for event in events)
    assert events[-1]["done"] == events[-1]["total"] == file.stat().st_size
    assert (events[-1]["eta"], events[0]["module"]) == (0.0, "oss_backup_upload")
    assert events[0]["eta"] > events[-2]["eta"]


def test_progress_that_cannot_be_written_stops_nothing(upload, tmp_path):
    backup(tmp_path)
    assert upload(progress_file="/nowhere/at/all")["state"] == "uploaded"


def test_one_of_many_small_backups_fails(stage, upload, tmp_path):
    for number in range(12):
        backup(tmp_path, f"db{number:02d}_FULL.bak", f"db{number:02d}")
    stage.world.faults.add(
        {"kind": "disk_full", "service": "oss", "key": "in/db05*", "action": "PutObject", "times": 1}
    )
    failed = upload(threads=4)
    assert failed["failed"]
    assert failed["changed"]
    told = {u["key"] for u in failed["uploads"] if u["state"] == "uploaded"}
    assert told == set(stage.bucket().objects)
    assert "in/db05_FULL.bak" not in told
    assert f"{len(told)} of 12" in failed["msg"]
    assert upload(threads=4)["state"] == "uploaded"
    assert len([c for c in stage.calls("PutObject") if c.took_effect]) == 12


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_doubtful_about_the_service(run, tmp_path, seed):
    """Uploaded once, gone on with after a stop, recognised afterwards: in every form that the service may have."""
    stage = UploadStage(draw(seed))
    file = backup(tmp_path, data_bytes=6 * PART)
    wish = {"path": str(tmp_path), "bucket": BUCKET, "part_size": PART, "threads": 2, **ENDPOINTS}
    stage.fault("disk_full", "UploadPart", after=3)
    assert run(stage, "oss_backup_upload", **wish)["failed"]
    done = run(stage, "oss_backup_upload", **wish)
    assert not done["failed"], done["msg"]
    assert stage.content("sales_FULL.bak") == file.read_bytes()
    before = len(stage.writes())
    assert not run(stage, "oss_backup_upload", **wish)["changed"]
    assert len(stage.writes()) == before


def test_an_approved_plan_of_yesterdays_backup_admits_todays(upload, tmp_path):
    backup(tmp_path, "sales_FULL_20260131.bak")
    rehearsal = upload(check=True)
    (tmp_path / "sales_FULL_20260131.bak").rename(tmp_path / "sales_FULL_20260201.bak")
    approved = tmp_path / "approved.json"
    approved.write_text(json.dumps({"plan": rehearsal["plan"]}))
    assert upload(approved_plan=str(approved))["changed"]
    backup(tmp_path, "crm_FULL.bak", "crm")
    refused = upload(approved_plan=str(approved))
    assert refused["error"]["code"] == "not_approved"


def test_no_secret_is_in_any_result(stage, upload, tmp_path):
    backup(tmp_path, data_bytes=3 * PART)
    stage.fault("throttle", "UploadPart", code="SignatureDoesNotMatch", status=403, after=1)
    text = json.dumps([upload(part_size=PART), upload(part_size=PART)], default=str)
    assert CREDENTIALS["access_key_secret"] not in text
    assert "OSS4-HMAC" not in text


def checked(*files, **observed):
    request = Request(bucket=BUCKET, prefix="")
    return {c.name: c.status for c in all_checks(request, Observed(region=None, files=files, **observed))}


def test_what_rds_cannot_restore_by_its_size(tmp_path):
    from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_facts import (
        BackupFile,
        BackupSet,
    )

    def file(name, size):
        header = BackupFile(size=size, complete=True, sets=(BackupSet(1, database="sales", type="full"),))
        return Local(f"/b/{name}", name, size=size, header=header)

    assert checked(file("a", 4 * TB))["backup_size"] == "fail"
    assert checked(file("a", 2 * TB), file("b", 2 * TB))["backup_size"] == "warn"
    assert "backup_size" not in checked(file("a", 2 * TB))


@pytest.mark.parametrize("internal", [None, False, True])
def test_the_internal_endpoint_is_suggested_where_it_answers(tmp_path, internal):
    planned = Local("/b/a.bak", "a.bak", planned=True)
    assert ("internal_endpoint" in checked(planned, internal=internal)) == bool(internal)


def test_a_slow_checksum_is_told():
    planned = Local("/b/a.bak", "a.bak", planned=True)
    assert checked(planned, fast_checksums=False)["checksum_library"] == "warn"
    assert is_fast()
