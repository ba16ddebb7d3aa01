# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup files that somebody made to do harm: any bytes are read to a result or a problem, in bounded time and memory.

The texts of assessments are here too: they come from a service that quotes names of databases.
"""

from __future__ import annotations

import functools
import json
import pathlib
import struct
import sys

import hypothesis
import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import assessment
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_folder import read_backups
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_header import (
    BackupUnreadable,
    read_backup,
)
from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, backup_bytes
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import Bounded

DIFFERENTIAL, LOG = (BackupSetDescription(type=kind) for kind in ("differential", "log"))
SAMPLES = [
    BackupDescription(),
    BackupDescription(compressed=True),
    BackupDescription(sets=(BackupSetDescription(), DIFFERENTIAL, LOG)),
    BackupDescription(encrypted=True),
    BackupDescription(encrypted=True, compressed=True),
]
MAGIC = [b"TAPE", b"SSET", b"VOLB", b"ESET", b"EOTM", b"SFMB", b"MSCI", b"MSDA", b"SFGI", b"MSSQLBAK", b"SPAD", b"MQCI"]
NUMBERS = [0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
MOST_READ = 64 * 2**20


@functools.cache
def sample(number):
    return backup_bytes(SAMPLES[number])


class Counted:
    """A file in memory that counts how much of it is asked for, and how often."""

    def __init__(self, data, size=None):
        self._data, self.size, self.read_bytes, self.reads = data, size or len(data), 0, 0

    def read(self, offset, length):
        assert offset >= 0
        assert length >= 0
        self.reads += 1
        self.read_bytes += min(length, max(self.size - offset, 0))
        return self._data[offset : offset + length].ljust(min(length, max(self.size - offset, 0)), b"\0")


# Files of each kind; at length: in the long run.
EXAMPLES, AT_LENGTH = 60, 10_000
# Where headers are: at both ends. Positions are shares, so that each sample is hit everywhere.
PLACE = st.tuples(st.booleans(), st.integers(0, 16 * 1024))
NUMBER = st.tuples(st.sampled_from(NUMBERS), st.sampled_from(["<H", "<I", "<Q", ">I"])).map(
    lambda pair: struct.pack(pair[1], pair[0] & (2 ** (8 * struct.calcsize(pair[1])) - 1))
)
PATCH = st.one_of(st.binary(min_size=1, max_size=64), NUMBER, st.sampled_from(MAGIC))
EDIT = st.one_of(
    st.tuples(st.just("patch"), PLACE, PATCH),
    st.tuples(st.just("near"), st.tuples(st.sampled_from(MAGIC), st.integers(0, 96)), PATCH),
    st.tuples(st.just("cut"), PLACE, st.just(b"")),
    st.tuples(st.just("insert"), PLACE, st.binary(min_size=1, max_size=1024)),
    st.tuples(st.just("repeat"), PLACE, st.just(b"")),
)


def edited(data, edit):
    kind, (first, second), new = edit
    if kind == "near":
        at = data.find(first)
        at = at + second if at >= 0 else second
    else:
        at = second if first else max(len(data) - second, 0)
    if kind == "cut":
        return data[:at]
    if kind == "insert":
        return data[:at] + new + data[at:]
    if kind == "repeat":
        return data[:at] + data[max(at - 4096, 0) : at] * 8 + data[at:]
    return data[:at] + new + data[at + len(new) :]


def read(data, size=None):
    source = Counted(data, size)
    try:
        told = read_backup(source).as_result()
    except BackupUnreadable as problem:
        told = {"problem": str(problem)}
    json.dumps(told, allow_nan=False, ensure_ascii=False).encode()
    assert source.read_bytes < MOST_READ
    assert source.reads < 5000
    return told


def settings(examples, *, same):
    return hypothesis.settings(
        max_examples=examples,
        derandomize=same,
        database=None,
        deadline=None,
        phases=set(hypothesis.Phase) - {hypothesis.Phase.explain},
        suppress_health_check=list(hypothesis.HealthCheck),
    )


def edited_samples(examples, *, same):
    @settings(examples, same=same)
    @hypothesis.given(st.integers(0, len(SAMPLES) - 1), st.lists(EDIT, min_size=1, max_size=5))
    def any_edit(number, edits):
        data = sample(number)
        for edit in edits:
            data = edited(data, edit)
        read(data)

    return any_edit


def random_blocks(examples, *, same):
    block = st.tuples(st.sampled_from(MAGIC), st.lists(st.one_of(NUMBER, st.binary(max_size=64)), max_size=40))

    @settings(examples, same=same)
    @hypothesis.given(st.lists(block, max_size=12), st.sampled_from([512, 1024, 4096]))
    def any_blocks(blocks, size):
        data = b"".join((magic + b"".join(rest)).ljust(size, b"\0")[:size] for magic, rest in blocks)
        read(data)
        read(data, size=2**50)

    return any_blocks


@pytest.mark.parametrize("make", [edited_samples, random_blocks], ids=lambda make: make.__name__)
def test_any_bytes_are_read_to_an_end(make, figures):
    with Bounded():
        make(EXAMPLES, same=True)()
    figures("hostile backup files", [f"{make.__name__}: {EXAMPLES} files, no traceback"])


@pytest.mark.soak
@pytest.mark.parametrize("make", [edited_samples, random_blocks], ids=lambda make: make.__name__)
def test_any_bytes_are_read_to_an_end_at_length(make, figures):
    make(AT_LENGTH, same=False)()
    figures("hostile backup files", [f"{make.__name__}: {AT_LENGTH} random files, no traceback"])


@pytest.mark.parametrize("size", [0, 1, 3, 511, 512, 4095, 2**60])
@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"T"])
def test_files_of_one_byte_over_and_over(size, byte):
    with Bounded(seconds=10):
        read(byte * min(size, 2**20), size)


def test_names_of_files_and_folders(tmp_path):
    """What lies in a folder has any name; only the folder that was named is looked into."""
    (tmp_path / "secret.bak").write_bytes(sample(0))
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "outside.bak").symlink_to(tmp_path)
    for name in (
        "a\nb.bak",
        "\x1b[31m.bak",
        "{{ 7 * 7 }}.bak",
        "-rf.bak",
        "\udcff.bak",
        "n" * 250 + ".bak",
        "#'\";.bak",
    ):
        (folder / name).write_bytes(sample(0))
    told = read_backups(str(folder), recurse=True)
    json.dumps(told)
    paths = {file["path"] for file in told["files"]}
    assert len(paths) >= 6
    assert not [path for path in paths if path.endswith("secret.bak")]


REPORT_LINES = [
    "[Check rds empty]", "Check rds databases: success", "*Migrate check success*", "Error: ", "FATAL", "\x00",
    "\u202e",
    "password=hunter2secret", "\ud800", "\r", "\n", "[", "]", ":", "*", "{{ x }}", "<script>", "a" * 5000,
    "assessment_", "success", "failed", "warning", "\x1b[2J",
]  # fmt: skip


def texts(examples, *, same):
    words = st.one_of(st.sampled_from(REPORT_LINES), st.text(max_size=30))

    @settings(examples, same=same)
    @hypothesis.given(st.lists(words, max_size=60), st.sampled_from(["\n", "\r\n", " ", ""]))
    def any_text(parts, glue):
        told = assessment.read_report(glue.join(parts))
        assert told is not None

    return any_text


def test_any_report_of_an_assessment():
    with Bounded():
        texts(EXAMPLES // 2, same=True)()


@pytest.mark.parametrize("text", ["[" * 500_000, "*" * 500_000, "a: " * 200_000, "\n" * 100_000, "Error " * 100_000])
def test_long_reports_take_time_that_grows_with_their_length(text):
    with Bounded(seconds=5):
        assessment.read_report(text)
