# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rehearsals of buckets and of uploads to them come true, in any world."""

from __future__ import annotations

import atexit
import functools
import pathlib
import shutil
import tempfile

from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, full
from ansible_collections.apsaradb.migration.tests.unit.stage import TARGET
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import Scene, TruthStage
from ansible_collections.apsaradb.migration.tests.unit.truth_worlds import changed, document, one_of, truth, variants
from apsara_emulator.default_world import ACCOUNT_ONE, ACCOUNT_TWO
from apsara_emulator.sqlserver import BackupDescription, backup_bytes

MADE_HERE = {"made-by": "apsaradb.migration"}
KIB = 1024
PART = 100 * KIB
ABORT = "AbortMultipartUpload"
# Small files take one request, the large one some parts.
FILES = ("crm.bak", "hr.bak", "large.bak", "broken.bak", "bad@name.bak")


@functools.cache
def content(name, edition=0):
    if name == "broken.bak":
        return b"no backup"
    size = 250 * KIB if name == "large.bak" else 0
    return backup_bytes(BackupDescription(sets=(full(name[:-4], hours=edition),), size=size))


@functools.cache
def folder(names):
    """The files on this computer; none of them is written to."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="truth"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    for name in names:
        (made / name).write_bytes(content(name))
    return made


class ObjectStage(TruthStage):
    def __init__(self, world):
        made = document(TARGET)
        usual = {"account_id": ACCOUNT_ONE, "region": "cn-hangzhou", "created": {"ago": 86400}}
        made["buckets"] = {BUCKET: {**usual, **world["bucket"]}} if world["bucket"] is not None else {}
        super().__init__(made, world["variants"], oss=True)
        for name, edition in world["objects"] if world["bucket"] is not None else ():
            self.world.oss.put(BUCKET, f"in/{name}", content(name, edition))

    def writes(self):
        return [call for call in self.world.calls.select() if call.mutating]


BUCKETS = changed(
    {},
    account_id=st.just(ACCOUNT_TWO),
    region=st.just("cn-shanghai"),
    acl=one_of("public-read", "private"),
    storage_class=one_of("IA", "Archive"),
    tags=st.just({"made-by": "somebody"}),
)
OBJECTS = st.lists(st.tuples(one_of(*FILES), one_of(0, 0, 5)), max_size=3, unique_by=lambda pair: pair[0])
BUCKET_WORLDS = changed(
    {"variants": {}, "bucket": None, "objects": []},
    most=4,
    variants=variants(),
    bucket=st.one_of(st.none(), BUCKETS, BUCKETS.map(lambda bucket: {**bucket, "tags": MADE_HERE})),
    objects=OBJECTS,
)
BUCKET_WISHES = changed(
    {"state": "present"},
    most=3,
    state=st.just("absent"),
    force=st.just(True),
    instance_id=one_of(TARGET, "rm-nowhere"),
    region=st.just("cn-shanghai"),
    preflight=st.just("warn"),
)


class BucketScene(Scene):
    module = "oss_bucket"
    beside_the_plan = frozenset(
        {"bucket", "bytes", "x-oss-acl", "uploadId", "key", "tagging", "delete", "encoding-type"}
    )

    def __init__(self, world, wish):
        self.world = world
        self._wish = {**ENDPOINTS, "name": BUCKET, **wish}

    def __repr__(self):
        return f"{type(self).__name__}({self.world!r}, {self._wish!r})"

    def stage(self):
        return ObjectStage(self.world)

    def wish(self):
        return self._wish

    def parameters_of(self, step):
        return {"bucket": step["target"]}

    def once(self, call):
        return (call.action, call.parameters.get("bucket")) if call.action == "PutBucket" else None

    def end(self, stage):
        found = stage.world.state.buckets.get(BUCKET)
        # Not its tags: a run that ends between the two requests leaves a bucket that is not marked. It is documented.
        return None if found is None else (found.account_id, found.acl, sorted(found.objects), len(found.uploads))


UPLOAD_WORLDS = changed(
    {"variants": {}, "bucket": {}, "objects": [], "files": ("crm.bak", "hr.bak", "large.bak")},
    most=4,
    variants=variants(),
    bucket=st.one_of(st.none(), BUCKETS),
    objects=OBJECTS,
    files=st.lists(st.sampled_from(FILES), max_size=4, unique=True).map(tuple),
)
UPLOAD_WISHES = changed(
    {},
    most=3,
    overwrite=st.just(True),
    verify=st.just("full"),
    abort_leftovers=st.just(True),
    invalid_backups=st.just("skip"),
    instance_id=one_of(TARGET, "rm-nowhere"),
    preflight=st.just("warn"),
    threads=st.just(2),
)


class UploadScene(BucketScene):
    module = "oss_backup_upload"
    beside_the_plan = BucketScene.beside_the_plan | {
        "x-oss-forbid-overwrite",
        "x-oss-meta-backup-database",
        "x-oss-meta-backup-set-guid",
        "x-oss-meta-backup-stripe",
        "uploads",
        "partNumber",
    }

    def __init__(self, world, wish):
        super().__init__(world, {})
        del self._wish["name"]
        path = str(folder(world["files"]))
        self._wish.update({"bucket": BUCKET, "prefix": "in/", "path": path, "part_size": PART, "threads": 1, **wish})

    def orders(self, plan):
        """Threads share the small files."""
        return [[step] for step in plan] if self._wish["threads"] > 1 else [list(plan)]

    def actions_of(self, step):
        """One request, or parts, and what an interrupted run left of those."""
        if step["action"] == ABORT:
            return (ABORT,)
        return ("PutObject", "InitiateMultipartUpload", "UploadPart", "CompleteMultipartUpload")

    def after(self, step, sent):
        """All requests for the key up to the last one of an upload, and the removal of what is left of others."""
        if step["action"] == ABORT:
            return sent[1:]
        key = step["parameters"]["Key"]
        own = [call for call in sent if call.parameters["key"] == key]
        if self._wish["threads"] == 1:
            assert sent[: len(own)] == own, "requests for another object come between"
        rest = [call for call in sent if call.parameters["key"] != key]
        if ABORT in [call.action for call in own]:
            assert step["choices"].get("abort_leftovers"), "something was removed that the plan does not tell of"
        return rest

    def end(self, stage):
        found = stage.world.state.buckets.get(BUCKET)
        # What cannot be gone on with, because nothing was sent yet, is left and told, unless it is to be removed.
        left = len(found.uploads) if found and self._wish.get("abort_leftovers") else 0
        return None if found is None else ({key: one.crc64 for key, one in found.objects.items()}, left)

    def once(self, call):
        """A part that is sent again replaces itself; so does an object that may be replaced."""
        whole = call.action in ("PutObject", "CompleteMultipartUpload") and "x-oss-forbid-overwrite" in call.parameters
        return (call.action, call.parameters["key"]) if whole else None


BUCKET_SCENES = st.builds(BucketScene, BUCKET_WORLDS, BUCKET_WISHES)
UPLOADS = st.builds(UploadScene, UPLOAD_WORLDS, UPLOAD_WISHES)

test_buckets, test_buckets_in_many_worlds = truth(0.1, BUCKET_SCENES)
test_uploads, test_uploads_in_many_worlds = truth(0.1, UPLOADS)
