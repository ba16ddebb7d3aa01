# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any sequence of calls leaves the bucket as a plain dictionary would be."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import oss2
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import BUCKET_ONE
from fastcrc import crc64
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from .oss_clients import KIB, InProcess, refused

KEYS = st.sampled_from(["a", "dir/a", "dir/b ü", "dir/sub/c", "z&<+>"])
SMALLEST = 100 * KIB
VARIANT_VALUES = {name: st.sampled_from(one.values) for name, one in VARIANTS.items() if name.startswith("oss_")}


class BucketMachine(RuleBasedStateMachine):
    """Puts, copies, deletes and multipart uploads in any order, against a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = InProcess()
        self.bucket = self.bench.bucket(version=4)
        self.expected: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}

    @rule(values=st.fixed_dictionaries(VARIANT_VALUES))
    def doubt(self, values: dict[str, str]) -> None:
        self.bench.world.merge({"variants": values})

    @rule(key=KEYS, data=st.binary(max_size=50))
    def put(self, key: str, data: bytes) -> None:
        assert self.bucket.put_object(key, data).crc == crc64.xz(data)
        self.expected[key] = data

    @rule(key=KEYS, data=st.binary(max_size=50))
    def put_once(self, key: str, data: bytes) -> None:
        attempt = partial(self.bucket.put_object, key, data, headers={"x-oss-forbid-overwrite": "true"})
        if key in self.expected:
            assert refused(attempt) == "FileAlreadyExists 409"
        else:
            attempt()
            self.expected[key] = data

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.bucket.delete_object(key)
        self.expected.pop(key, None)

    @rule(source=KEYS, copied=KEYS)
    def copy(self, source: str, copied: str) -> None:
        attempt = partial(self.bucket.copy_object, BUCKET_ONE, source, copied)
        if source in self.expected:
            attempt()
            self.expected[copied] = self.expected[source]
        else:
            assert refused(attempt) == "NoSuchKey 404"

    @rule(key=KEYS)
    def initiate(self, key: str) -> None:
        self.uploads[self.bucket.init_multipart_upload(key).upload_id] = (key, {})

    @rule(data=st.data(), number=st.integers(1, 4), size=st.sampled_from([0, 1, SMALLEST - 1, SMALLEST, SMALLEST + 7]))
    def part(self, data: Any, number: int, size: int) -> None:
        if self.uploads:
            upload_id = data.draw(st.sampled_from(list(self.uploads)))
            key, parts = self.uploads[upload_id]
            parts[number] = os.urandom(size)
            self.bucket.upload_part(key, upload_id, number, parts[number])

    @rule(data=st.data(), everything=st.booleans())
    def complete(self, data: Any, everything: bool) -> None:
        if not self.uploads:
            return
        upload_id = data.draw(st.sampled_from(list(self.uploads)))
        key, parts = self.uploads[upload_id]
        listed = self.bucket.list_parts(key, upload_id).parts
        assert {one.part_number: one.size for one in listed} == {number: len(one) for number, one in parts.items()}
        headers = {"x-oss-complete-all": "yes"} if everything else {}
        sizes = [len(parts[number]) for number in sorted(parts)]
        fits = bool(sizes) and min(sizes[:-1], default=SMALLEST) >= SMALLEST
        attempt = partial(
            self.bucket.complete_multipart_upload, key, upload_id, None if everything else listed, headers
        )
        if not fits:
            assert refused(attempt) in ("EntityTooSmall 400", "InvalidPart 400", "MalformedXML 400")
            return
        result = attempt()
        whole = b"".join(parts[number] for number in sorted(parts))
        assert result.crc == crc64.xz(whole)
        self.expected[key] = whole
        del self.uploads[upload_id]

    @rule(data=st.data())
    def abort(self, data: Any) -> None:
        if self.uploads:
            upload_id = data.draw(st.sampled_from(list(self.uploads)))
            self.bucket.abort_multipart_upload(self.uploads.pop(upload_id)[0], upload_id)

    @rule(key=KEYS, start=st.integers(0, 60), length=st.integers(1, 60))
    def read(self, key: str, start: int, length: int) -> None:
        data = self.expected.get(key, b"")
        if start + length <= len(data):
            got = self.bucket.get_object(key, byte_range=(start, start + length - 1))
            assert (got.status, got.read()) == (206, data[start : start + length])

    @invariant()
    def the_bucket_is_what_it_should_be(self) -> None:
        if self.bench.objects() != self.expected:
            raise AssertionError((sorted(self.bench.objects()), sorted(self.expected)))
        listed = {one.key: one.size for one in oss2.ObjectIterator(self.bucket, max_keys=2)}
        assert listed == {key: len(data) for key, data in self.expected.items()}
        uploads = {one.upload_id: one.key for one in oss2.MultipartUploadIterator(self.bucket, max_uploads=2)}
        assert uploads == {upload_id: key for upload_id, (key, _parts) in self.uploads.items()}
        store = self.bench.world.oss.store
        kept = sum(len(parts) for _key, parts in self.uploads.values())
        empty = sum(not data for _key, parts in self.uploads.values() for data in parts.values())
        assert len(os.listdir(store.folder)) >= kept - empty, "no data is lost"

    def teardown(self) -> None:
        self.bench.world.reset()
        assert not os.listdir(self.bench.world.oss.store.folder), "no data is left behind"
        self.bench.world.oss.store.close()


TestBucket = BucketMachine.TestCase
TestBucket.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
