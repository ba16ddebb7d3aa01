# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are larger than memory should have to hold: what the emulator itself needs stays small."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import oss2
import pytest
import requests
from apsara_emulator.default_world import BUCKET_ONE
from fastcrc import crc64

from .oss_clients import MIB, auth_of
from .test_main import running

SIZE = 300 * MIB


def peak_memory(pid: int) -> int:
    """Bytes, of a running process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def child_of(parent: int) -> int:
    """The emulator that `running` has started."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        words = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        if int(words[1]) == parent and b"apsara_emulator" in (path.parent / "cmdline").read_bytes():
            return int(path.parent.name)
    raise AssertionError("the emulator does not run")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_large_file_does_not_need_memory(tmp_path: Path) -> None:
    source = tmp_path / "sparse.bak"
    with source.open("wb") as file:
        file.truncate(SIZE)
        file.seek(SIZE // 2)
        file.write(b"in the middle")
    data = tmp_path / "data"
    data.mkdir()
    with running("--data", str(data)) as ready:
        emulator = child_of(os.getpid())
        idle = peak_memory(emulator)
        bucket: Any = oss2.Bucket(auth_of(1), ready["oss"], BUCKET_ONE, enable_crc=False)
        store = oss2.ResumableStore(root=str(tmp_path))
        oss2.resumable_upload(bucket, "big", str(source), store=store, part_size=32 * MIB, num_threads=2)
        with source.open("rb") as file:
            bucket.put_object("whole", file)
        checksum = 0
        with source.open("rb") as file:
            while piece := file.read(MIB):
                checksum = crc64.xz(piece, checksum)
        for key in ("big", "whole"):
            assert bucket.head_object(key).server_crc == checksum
            received = 0
            answer = requests.get(bucket.sign_url("GET", key, 60), stream=True, timeout=60)
            for piece in answer.iter_content(MIB):
                received = crc64.xz(piece, received)
            assert received == checksum
        assert peak_memory(emulator) - idle < 30 * MIB
        assert sum(one.stat().st_size for one in data.rglob("*")) > 2 * SIZE
        calls = requests.get(f"{ready['control']}/calls?mutating=true", timeout=5).json()
        assert (
            sum(int(one["parameters"]["bytes"]) for one in calls if one["action"] != "CompleteMultipartUpload") > SIZE
        )
        world = requests.get(f"{ready['control']}/world", timeout=5).json()
        assert world["buckets"][BUCKET_ONE]["objects"]["big"]["size"] == SIZE
    assert not list(data.iterdir()), "nothing is left behind"
