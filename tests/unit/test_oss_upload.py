# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upload engine on an OSS in process: parts, checksums, resuming, and everything that can get in the way."""

from __future__ import annotations

import os

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import oss_upload_file
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import AnswerLost, ServiceError
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_upload import file_crc64
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import (
    KEY,
    KIB,
    PART,
    UploadStage,
    crc_of,
    data,
    written,
)
from apsara_emulator import Variants


class Killed(BaseException):
    """Stands for a signal: nothing of ours catches it."""


@pytest.fixture
def stage():
    return UploadStage()


@pytest.fixture
def file(tmp_path):
    return written(tmp_path, data(7 * PART + 77))


def killed_after(stage, file, parts, **wish):
    """An upload that ends suddenly when so many parts have arrived."""
    client = stage.client()
    send = client.send_part

    def send_part(*arguments, **named):
        if len(stage.sent_parts()) >= parts:
            raise Killed
        return send(*arguments, **named)

    def finish_upload(*arguments, **named):
        raise Killed

    client.send_part, client.finish_upload = send_part, finish_upload
    with pytest.raises(Killed):
        stage.upload(file, client=client, **wish)


def is_there(stage, file, **metadata):
    """The object is the file, by the emulator's own word."""
    content = file.read_bytes()
    return (
        stage.content() == content
        and stage.object().crc64 == str(crc_of(content))
        and stage.object().meta == metadata
        and not stage.unfinished()
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_an_upload_in_parts(stage, file, threads):
    done = stage.upload(file, threads=threads, metadata={"backup-set-guid": "A-1"})
    assert is_there(stage, file, **{"backup-set-guid": "A-1"})
    assert sorted(stage.sent_parts()) == list(range(1, 9))
    assert (done.size, done.parts, done.resumed_parts, done.verified) == (file.stat().st_size, 8, 0, True)
    assert done.crc64 == crc_of(file.read_bytes())
    assert done.sent_bytes == file.stat().st_size
    assert done.leftovers == ()


@pytest.mark.parametrize("size", [0, 1, PART])
def test_what_fits_into_one_part_is_sent_at_once(stage, tmp_path, size):
    file = written(tmp_path, data(size))
    done = stage.upload(file)
    assert is_there(stage, file)
    assert [call.action for call in stage.writes()] == ["PutObject"]
    assert (done.parts, done.verified) == (1, True)


def test_names_of_other_alphabets_survive_in_metadata(stage, file):
    stage.upload(file, metadata={"backup-database": "продажи 50%"})
    head = stage.client().head(BUCKET, KEY)
    assert head.metadata["backup-database"] == "продажи 50%"


@pytest.mark.parametrize("killed_at", [1, 3, 7, 8])
def test_a_killed_upload_sends_nothing_again(stage, file, killed_at):
    killed_after(stage, file, killed_at)
    before = stage.sent_parts()
    done = stage.upload(file)
    assert is_there(stage, file)
    assert stage.sent_parts()[len(before) :] == [n for n in range(1, 9) if n not in before]
    assert done.resumed_parts == len(before)
    assert done.verified
    assert done.sent_bytes < file.stat().st_size


def test_killed_before_the_first_part(stage, file):
    """An upload without parts tells nothing about itself; it is left alone and told."""
    killed_after(stage, file, 0)
    done = stage.upload(file)
    assert stage.content() == file.read_bytes()
    assert [u.upload_id for u in done.leftovers] == list(stage.unfinished())


def test_another_part_size_does_not_hinder(stage, file):
    killed_after(stage, file, 4)
    done = stage.upload(file, part_size=2 * PART)
    assert is_there(stage, file)
    assert (done.resumed_parts, done.parts) == (4, 8)


@pytest.mark.parametrize(
    ("etag", "crc", "resumed"),
    [("md5", "present", 5), ("md5", "missing", 5), ("opaque", "present", 5), ("opaque", "missing", 0)],
)
def test_by_what_parts_are_recognised(file, etag, crc, resumed):
    """Without a checksum of any kind nothing is believed."""
    stage = UploadStage(Variants({"oss_part_etag": etag, "oss_listed_part_crc": crc}))
    killed_after(stage, file, 5)
    done = stage.upload(file)
    assert stage.content() == file.read_bytes()
    assert done.resumed_parts == resumed


def test_the_unfinished_upload_of_another_file_is_left_alone(stage, file, tmp_path):
    killed_after(stage, written(tmp_path, data(7 * PART + 77, seed=2), "other.bak"), 3)
    done = stage.upload(file)
    assert stage.content() == file.read_bytes()
    assert (done.resumed_parts, len(done.leftovers), len(stage.unfinished())) == (0, 1, 1)


def test_a_part_that_differs_is_sent_again(stage, file):
    killed_after(stage, file, 4)
    changed = bytearray(file.read_bytes())
    changed[2 * PART + 5] ^= 1
    file.write_bytes(changed)
    before = len(stage.sent_parts())
    done = stage.upload(file)
    assert is_there(stage, file)
    assert (stage.sent_parts()[before:], done.resumed_parts) == ([3, 5, 6, 7, 8], 3)


def test_the_newest_of_several_is_gone_on_with(stage, file):
    killed_after(stage, file, 2)
    only_upload = dict(stage.unfinished())
    stage.bucket().uploads.clear()
    stage.time.sleep(60)
    killed_after(stage, file, 3)
    stage.bucket().uploads.update(only_upload)
    done = stage.upload(file)
    assert stage.content() == file.read_bytes()
    assert done.resumed_parts == 1  # of the second run, which began anew and saw three parts in all
    assert [u.upload_id for u in done.leftovers] == list(only_upload)


@pytest.mark.parametrize("action", ["UploadPart", "PutObject"])
@pytest.mark.parametrize("kind", ["corrupt_part", "corrupt_crc"])
def test_what_arrives_changed_is_sent_again(stage, file, tmp_path, action, kind):
    if action == "PutObject":
        file = written(tmp_path, data(PART), "small.bak")
    stage.fault(kind, action)
    stage.upload(file)
    assert is_there(stage, file)
    assert len(stage.calls(action)) == (9 if action == "UploadPart" else 2)


def test_a_part_that_never_arrives_right(stage, file):
    stage.fault("corrupt_part", "UploadPart", times=None)
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file)
    assert failed.value.code == "crc_mismatch"
    assert failed.value.request_id
    assert stage.object() is None


def test_a_small_object_that_never_arrives_right_is_removed(stage, tmp_path):
    stage.fault("corrupt_part", "PutObject", times=None)
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(written(tmp_path, data(PART)))
    assert failed.value.code == "crc_mismatch"
    assert stage.object() is None


def test_an_object_that_is_put_together_wrong_is_removed(stage, file):
    """By its size and metadata it would pass for the right one."""
    stage.fault("corrupt_crc", "CompleteMultipartUpload")
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file)
    assert failed.value.code == "crc_mismatch"
    assert stage.object() is None


def test_wrong_after_a_resume(stage, file):
    """The whole is compared although half of the parts were sent by another run."""
    killed_after(stage, file, 4)
    stage.fault("corrupt_crc", "CompleteMultipartUpload")
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file)
    assert failed.value.code == "crc_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        lambda path: os.truncate(path, 5 * PART),
        lambda path: os.utime(path, ns=(1, 1)),
        lambda path: path.write_bytes(b"!" * path.stat().st_size),
        lambda path: os.replace(written(path.parent, data(7 * PART + 77), "new.bak"), path),
        lambda path: path.unlink(),
    ],
    ids=["truncated", "touched", "rewritten", "replaced", "deleted"],
)
@pytest.mark.parametrize("when", [1, 8])
def test_a_file_that_changes_is_not_completed(stage, file, change, when):
    client = stage.client()
    send = client.send_part

    def send_part(*arguments, **named):
        sent = send(*arguments, **named)
        if len(stage.sent_parts()) == when:
            change(file)
        return sent

    client.send_part = send_part
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file, client=client)
    assert failed.value.code in ("file_changed", "file_unreadable")
    assert stage.object() is None
    assert len(stage.sent_parts()) == when


def test_a_file_that_is_truncated_within_a_part(stage, file, monkeypatch):
    """No signal, no part of zeros: pread gives nothing, and that is told."""
    monkeypatch.setattr(oss_upload_file.UploadFile, "require_unchanged", lambda self: None)
    stage.fault("close_before", "UploadPart")
    client = stage.client()
    send = client.send_part

    def send_part(*arguments, **named):
        os.truncate(file, 10 * KIB)
        return send(*arguments, **named)

    client.send_part = send_part
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file, client=client)
    assert failed.value.code == "file_changed"


FAULTS = ["throttle", "http_500", "http_503", "close_before", "close_after", "html"]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        *((action, kind) for action in ("UploadPart", "ListMultipartUploads", "PutObject") for kind in FAULTS),
        ("ListMultipartUploads", "truncate"),
    ],
)
def test_what_can_be_repeated_is_repeated(stage, file, tmp_path, kind, action):
    if action == "PutObject":
        file = written(tmp_path, data(PART), "small.bak")
    stage.fault(kind, action, times=2)
    start = stage.time.now()
    stage.upload(file)
    assert is_there(stage, file)
    assert 0.7 < stage.time.now() - start < 5  # two pauses, the second twice as long


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("kind", ["http_500", "close"])
def test_a_lost_answer_to_the_completion(stage, file, kind, effect):
    """It is not sent again; what is there decides."""
    how = {"effect": effect} if kind == "http_500" else {}
    stage.fault(kind if how else f"close_{'after' if effect else 'before'}", "CompleteMultipartUpload", **how)
    if effect:
        assert stage.upload(file).verified
    else:
        with pytest.raises(AnswerLost):
            stage.upload(file)
        assert stage.object() is None
        before = len(stage.sent_parts())
        assert stage.upload(file).resumed_parts == 8
        assert len(stage.sent_parts()) == before
    assert is_there(stage, file)
    assert sum(call.took_effect for call in stage.calls("CompleteMultipartUpload")) == 1


@pytest.mark.parametrize("effect", [False, True])
def test_a_lost_answer_to_the_begin(stage, file, effect):
    stage.fault("http_500", "InitiateMultipartUpload", effect=effect)
    if effect:
        stage.upload(file)
        assert is_there(stage, file)
    else:
        with pytest.raises(AnswerLost):
            stage.upload(file)
    assert len(stage.calls("InitiateMultipartUpload")) == 1


def test_a_token_that_expires_on_the_way(stage, file):
    stage.fault("expired_token", "UploadPart", after=3)
    with pytest.raises(ServiceError) as failed:
        stage.upload(file)
    assert failed.value.http_status == 403
    assert "access_key_id" in failed.value.remedy
    assert stage.upload(file).resumed_parts == 3
    assert is_there(stage, file)


def test_a_full_disk_over_there(stage, file):
    """Not a fault that passes: it is told at once, and the next run goes on."""
    stage.fault("disk_full", "UploadPart", after=5)
    start = stage.time.now()
    with pytest.raises(ServiceError) as failed:
        stage.upload(file)
    assert failed.value.http_status == 507
    assert stage.time.now() == start
    assert stage.upload(file).resumed_parts == 5


def test_throttled_for_too_long(stage, file):
    stage.fault("throttle", "UploadPart", times=None)
    with pytest.raises(ServiceError) as failed:
        stage.upload(file)
    assert failed.value.code == "SlowDown"
    assert len(stage.calls("UploadPart")) < 20


@pytest.mark.parametrize("size", [PART, 3 * PART])
def test_an_object_that_appears_meanwhile_is_not_replaced(stage, tmp_path, size):
    file = written(tmp_path, data(size))
    stage.world.oss.put(BUCKET, KEY, b"somebody else's")
    with pytest.raises(ServiceError) as failed:
        stage.upload(file)
    assert failed.value.code == "FileAlreadyExists"
    assert "overwrite" in failed.value.remedy
    assert stage.content() == b"somebody else's"
    stage.upload(file, replace=True)
    assert stage.content() == file.read_bytes()


def test_somebody_aborts_it(stage, file):
    client = stage.client()
    send = client.send_part

    def send_part(*arguments, **named):
        if len(stage.sent_parts()) == 3:
            stage.bucket().uploads.clear()
        return send(*arguments, **named)

    client.send_part = send_part
    with pytest.raises(ServiceError) as failed:
        stage.upload(file, client=client)
    assert failed.value.code == "NoSuchUpload"
    assert "again" in failed.value.remedy


def test_the_first_failure_stops_all_threads(stage, tmp_path):
    file = written(tmp_path, data(60 * PART))
    stage.fault("disk_full", "UploadPart", after=4, times=None)
    with pytest.raises(ServiceError):
        stage.upload(file, threads=4)
    assert len(stage.sent_parts()) <= 4 + 4


def test_an_interrupted_task_leaves_no_thread_behind(stage, file):
    import threading

    before = threading.active_count()
    killed_after(stage, file, 3, threads=3)
    assert threading.active_count() == before


@pytest.mark.parametrize("threads", [1, 3])
def test_a_limit_is_kept(stage, tmp_path, threads):
    """By the clock that is given: ten seconds for what takes ten seconds."""
    file = written(tmp_path, data(10 * PART))
    start = stage.time.now()
    done = stage.upload(file, threads=threads, limit=PART)
    taken = stage.time.now() - start
    # Each piece waits for its turn and the last need not wait for its end.
    assert taken >= 9.0
    assert done.sent_bytes / taken <= PART * 10 / 9
    assert threads > 1 or taken < 11.0


def test_progress_is_told_once_a_second(stage, tmp_path):
    file = written(tmp_path, data(10 * PART))
    told = []
    stage.upload(file, tell=told.append, limit=PART)
    assert 8 <= len(told) <= 11
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert all(p.total == 10 * PART for p in told)
    last = told[-1]
    assert last.rate == pytest.approx(PART, rel=0.3)
    assert last.eta == pytest.approx((last.total - last.done) / last.rate)


def test_progress_counts_what_an_earlier_run_sent(stage, file):
    killed_after(stage, file, 4)
    told = []
    stage.upload(file, tell=told.append, limit=PART // 2)
    assert told[0].done >= 4 * PART
    assert told[0].eta < 4 * PART / (PART // 2) + 2


def test_nothing_is_sent_in_a_rehearsal(stage, file):
    client = oss_client(stage.services(read_only=True, oss_endpoint="http://127.0.0.1:2", region="cn-hangzhou"))
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(file, client=client)
    assert failed.value.code == "write_in_check_mode"
    assert not stage.writes()


def test_a_file_that_cannot_be_read(stage, tmp_path):
    with pytest.raises(MigrationFailure) as failed:
        stage.upload(tmp_path / "nowhere.bak")
    assert failed.value.code == "file_unreadable"


def test_an_upload_holds_windows_and_not_parts(stage, tmp_path, monkeypatch):
    """What the transport gets at a time stays the same however large a part is."""
    pieces = []
    send = requests.Session.request

    def request(session, method, url, data=None, **named):
        if method == "PUT" and data is not None:
            pieces.extend(len(piece) for piece in data)
        return send(session, method, url, data=data, **named)

    monkeypatch.setattr(requests.Session, "request", request)
    stage.upload(written(tmp_path, data(3 * 1024 * KIB)), part_size=2 * 1024 * KIB)
    assert max(pieces) <= 256 * KIB


@pytest.mark.parametrize("size", [0, 5, 40 * 1024 * KIB + 3])
def test_the_checksum_of_a_file(tmp_path, size):
    content = data(size)
    assert file_crc64(str(written(tmp_path, content))) == crc_of(content)
