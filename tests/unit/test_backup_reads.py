# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much is read of backup files, and what happens to files that are damaged or hostile."""

from __future__ import annotations

import os
import random
import re
import struct

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import sqlserver_backup_header as header
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_header import (
    BackupUnreadable,
    LocalFile,
    Windows,
    read_backup,
)
from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, backup_bytes, container, write_backup
from hypothesis import given, settings
from hypothesis import strategies as st

KIB, MIB, GIB = 1024, 1024**2, 1024**3
MOST_OF_A_READ = 320 * KIB
FULL = BackupSetDescription()


class Memory:
    """A file in memory that keeps what was asked of it. size may be larger: the rest is zeros."""

    def __init__(self, data, size=None, parts=()):
        self.data, self.size, self.parts, self.asked = data, size or len(data), parts, []

    def read(self, offset, length):
        assert 0 <= offset <= self.size
        assert length >= 0
        length = min(length, self.size - offset)
        self.asked.append((offset, length))
        found = bytearray(length)
        for at, part in ((0, self.data), *self.parts):
            start, end = max(offset, at), min(offset + length, at + len(part))
            if start < end:
                found[start - offset : end - offset] = part[start - at : end - at]
        return bytes(found)


def of(kind="full", **changes):
    return BackupDescription(sets=(BackupSetDescription(type=kind),), **changes)


def facts(found):
    return found._replace(reads=0, size=0, sets=tuple(one._replace(backup_set_guid=None) for one in found.sets))


def test_a_huge_file_takes_as_many_reads_as_a_small_one(tmp_path):
    found = {}
    for size in (MIB, 100 * GIB):
        description = of(size=size)
        assert write_backup(tmp_path / "sparse.bak", description, sparse=True) == size
        assert os.stat(tmp_path / "sparse.bak").st_size == size
        with LocalFile(tmp_path / "sparse.bak") as file:
            found[size] = read_backup(file)
            assert file.reads == found[size].reads
    assert found[MIB].complete
    assert found[MIB].reads == found[100 * GIB].reads == 2
    assert facts(found[MIB]) == facts(found[100 * GIB])


@pytest.mark.parametrize("kind", ["full", "differential", "log"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("block_size", [512, 4096, 65536])
@pytest.mark.parametrize("size", [0, 3 * MIB])
def test_three_requests_are_enough_for_one_set(kind, compressed, block_size, size):
    source = Memory(backup_bytes(of(kind, compressed=compressed, block_size=block_size, size=size)))
    found = read_backup(Windows(source))
    assert (found.problem, found.complete, found.sets_in_file) == (None, True, 1)
    assert found.sets[0].type == kind
    assert found.sets[0].finish
    assert found.sets[0].unavailable == ()
    assert found.reads == len(source.asked) <= 3
    if block_size < 65536:
        assert len(source.asked) == (1 if size == 0 else 2)
    assert sum(length for _offset, length in source.asked) <= 3 * 256 * KIB


def test_an_index_that_fills_the_tail_takes_the_third_request(monkeypatch):
    monkeypatch.setattr(container, "_EVERY", 1)
    source = Memory(backup_bytes(of(compressed=True, size=40 * MIB)))
    found = read_backup(Windows(source, tail=8 * KIB, between=128 * KIB))
    assert found.sets[0].finish
    assert found.sets[0].unavailable == ()
    assert len(source.asked) == 3


def test_two_sets_take_three_requests():
    wanted = tuple(BackupSetDescription(type=kind, data_bytes=2 * MIB) for kind in ("full", "differential"))
    for compressed in (False, True):
        source = Memory(backup_bytes(BackupDescription(sets=wanted, compressed=compressed)))
        found = read_backup(Windows(source))
        assert [one.unavailable for one in found.sets] == [(), ()]
        assert [one.type for one in found.sets] == ["full", "differential"]
        assert len(source.asked) == 3


def test_what_is_beyond_the_budget_is_unavailable():
    wanted = tuple(BackupSetDescription(database=f"d{n}", data_bytes=2 * MIB) for n in range(4))
    source = Memory(backup_bytes(BackupDescription(sets=wanted)))
    found = read_backup(Windows(source))
    assert len(source.asked) == 3
    assert (found.complete, found.sets_in_file) == (True, 4)
    assert [one.database for one in found.sets] == ["d0", "d1", None, "d3"]
    assert any("more reads than are allowed" in why for why in found.sets[2].unavailable)
    for budget in (0, 1, 2):
        source = Memory(backup_bytes(BackupDescription(sets=wanted)))
        found = read_backup(Windows(source, most_reads=budget))
        assert found.reads == len(source.asked) == budget
        assert (found.complete is None) == (budget < 2)
        assert (found.problem is None) == (budget > 0)


def hostile(sets, block_size=65536, distance=MIB):
    """A file that claims many sets, each of which looks plausible."""
    data = backup_bytes(of(block_size=block_size))
    begin = data[2 * block_size : 2 * block_size + 8 * KIB]
    mark = bytearray(data[-block_size:])
    capacity = (block_size - 72) // 8
    positions = [block_size + number * distance for number in range(2 * sets)]
    newest = positions[::-1][:capacity]
    struct.pack_into("<II", mark, 52, capacity, 2 * sets)
    struct.pack_into(f"<{len(newest)}Q", mark, 72, *newest)
    words = struct.unpack_from("<25H", mark)
    total = 0
    for word in words:
        total ^= word
    struct.pack_into("<H", mark, 50, total)
    last = positions[-1] + distance
    parts = [(position + block_size, begin) for position in positions[::2][:300]]
    return Memory(data[:block_size], last + block_size, [*parts, (last, bytes(mark))])


@pytest.mark.parametrize("sets", [300, 4000])
def test_a_file_that_claims_thousands_of_sets_costs_a_bounded_number_of_reads(sets):
    source = hostile(sets)
    found = read_backup(source)
    assert found.sets_in_file == sets
    assert len(found.sets) == header.MOST_SETS
    assert len(source.asked) <= header.MOST_READS
    assert max(length for _offset, length in source.asked) <= MOST_OF_A_READ


def test_a_file_that_claims_millions_of_sets_costs_a_bounded_number_of_reads():
    source = hostile(2_000_000, distance=70000)
    found = read_backup(source)
    assert found.complete is None
    assert len(source.asked) <= header.MOST_READS
    assert max(length for _offset, length in source.asked) <= MOST_OF_A_READ


def test_a_long_chain_of_filemarks_ends():
    data = backup_bytes(BackupDescription(sets=tuple(BackupSetDescription(type="log") for _n in range(1900))))
    source = Memory(data)
    found = read_backup(source)
    assert found.complete is None
    assert "more backup sets than are counted" in found.truncated
    assert len(source.asked) < 80


BASES = [
    backup_bytes(of(size=400 * KIB)),
    backup_bytes(of("log", size=300 * KIB)),
    backup_bytes(of(size=400 * KIB, compressed=True)),
    backup_bytes(BackupDescription(sets=(FULL, BackupSetDescription(type="differential", data_bytes=300 * KIB)))),
    backup_bytes(of(size=400 * KIB, block_size=4096, stripes=2)),
]
STRUCTURES = re.compile(b"SFMB|SSET|VOLB|MSCI|MSDA|MSLS|ESET|SCIN|SFIN|SPAD")
# Where the structures are; the filler between them is of no interest.
PLACES = [
    [
        *range(1024),
        *(found.start() + offset for found in STRUCTURES.finditer(base) for offset in range(260)),
        *range(len(base) - 1024, len(base)),
    ]
    for base in BASES
]
PLACE = [st.sampled_from(places) for places in PLACES]
DAMAGE = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, bytes(8)]))
WIDTH = st.sampled_from([1, 2, 4, 8])
VALUE = {
    width: st.sampled_from([0, 1, 2, 3, 21, 51, 52, 127, 128, 255, 1 << 15, (1 << 8 * width) - 1])
    for width in (1, 2, 4, 8)
}


def check_bounds(source):
    found = read_backup(source)
    assert len(source.asked) <= 40
    assert sum(length for _offset, length in source.asked) <= 8 * MIB
    assert all(length <= MOST_OF_A_READ for _offset, length in source.asked)
    told = found.as_result()
    assert told["complete"] in (True, False, None)
    assert {told["encrypted"], told["tde"], told["media_password"]} <= {"no", "probable", "unknown"}
    assert found.problem or found.sets
    assert "operator" not in repr(told)
    for one in found.sets:
        repr(one).encode("utf-8")


ANY_BASE = st.integers(0, len(BASES) - 1)


def _damaged(number, data):
    changed = bytearray(BASES[number])
    for _time in range(data.draw(st.integers(1, 6))):
        place = min(data.draw(PLACE[number]), len(changed) - 1)
        new = data.draw(DAMAGE)
        changed[place : place + len(new)] = new
    end = data.draw(st.one_of(st.just(len(changed)), st.integers(0, len(changed))))
    check_bounds(Memory(bytes(changed[:end])))


@settings(max_examples=100, deadline=None)
@given(ANY_BASE, st.data())
def test_damaged_files_never_make_it_fail(number, data):
    _damaged(number, data)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None)
@given(ANY_BASE, st.data())
def test_many_damaged_files_never_make_it_fail(number, data):
    _damaged(number, data)


def repaired(data):
    """With the checksums of all blocks and streams made right again, so that damage in them is believed."""
    for kind, words in ((b"TAPE", 25), (b"SFMB", 25), (b"SSET", 25), (b"MSCI", 25), (b"MSLS", 25), (b"MQCI", 10)):
        at = data.find(kind)
        while at >= 0 and at + 52 <= len(data):
            total = 0
            for (word,) in struct.iter_unpack("<H", data[at : at + 2 * words]):
                total ^= word
            struct.pack_into("<H", data, at + 2 * words, total)
            at = data.find(kind, at + 1)
    return data


@pytest.mark.parametrize("units", [0, 129, 0xFFFF])
def test_filemarks_of_no_legal_size_are_not_read(units):
    data = bytearray(backup_bytes(of(size=40 * MIB)))
    struct.pack_into("<H", data, 64, units)
    source = Memory(bytes(data))
    found = read_backup(source)
    assert (found.complete, found.problem.code) == (None, "metadata_unavailable")
    assert "size of its filemarks" in found.problem.text
    assert max(length for _offset, length in source.asked) <= MOST_OF_A_READ


def test_records_that_claim_to_be_long_are_not_read():
    data = bytearray(backup_bytes(of(size=2 * MIB)))
    struct.pack_into("<Q", data, data.index(b"MQCI") + 8, MIB)
    source = Memory(bytes(repaired(data)))
    one = read_backup(source).sets[0]
    assert any("more files than are read" in why for why in one.unavailable)
    assert (one.database, one.finish) == ("sales", "2026-03-01T02:05:30+08:00")
    assert max(length for _offset, length in source.asked) <= MOST_OF_A_READ


def _nonsense(number, data):
    changed = bytearray(BASES[number])
    for _time in range(data.draw(st.integers(1, 4))):
        place = min(data.draw(PLACE[number]), len(changed) - 8)
        width = data.draw(WIDTH)
        value = data.draw(VALUE[width])
        changed[place : place + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
    check_bounds(Memory(bytes(repaired(changed))))


@settings(max_examples=100, deadline=None)
@given(ANY_BASE, st.data())
def test_believable_nonsense_never_makes_it_fail(number, data):
    _nonsense(number, data)


@pytest.mark.soak
@settings(max_examples=5000, deadline=None)
@given(ANY_BASE, st.data())
def test_much_believable_nonsense_never_makes_it_fail(number, data):
    _nonsense(number, data)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"TAPE", b"MSSQLBAK", b"MSSQLBAK\x02\0\0\0\x03\0\0\0"]), st.binary(max_size=4000))
def test_random_bytes_never_make_it_fail(begin, rest):
    source = Memory(begin + rest)
    assert read_backup(source).sets == ()
    assert len(source.asked) <= 2


def test_a_file_that_gets_shorter_while_it_is_read():
    data = BASES[0]

    class Shrinking(Memory):
        def read(self, offset, length):
            return super().read(offset, length)[: random.Random(offset).randrange(length + 1)]

    for size in (len(data), len(data) * 2):
        assert read_backup(Shrinking(data, size)).complete in (False, None)


def test_a_local_file_reads_what_is_there(tmp_path):
    (tmp_path / "file").write_bytes(bytes(range(100)))
    with LocalFile(tmp_path / "file") as file:
        assert file.size == 100
        assert file.read(10, 5) == bytes(range(10, 15))
        assert file.read(95, 50) == bytes(range(95, 100))
        assert file.read(100, 1) == b""
        assert file.reads >= 3
        file.close()


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    wanted = {
        tmp_path: ("not_a_file", "is a folder"),
        tmp_path / "pipe": ("not_a_file", "is a pipe"),
        "/dev/null": ("not_a_file", "is a device"),
        tmp_path / "missing": ("backup_unreadable", "No such file"),
        tmp_path / "gone": ("backup_unreadable", "No such file"),
        "a\0b": ("backup_unreadable", "null"),
        tmp_path / ("x" * 300): ("backup_unreadable", "too long"),
    }
    for path, (code, says) in wanted.items():
        with pytest.raises(BackupUnreadable) as refused:
            LocalFile(path)
        assert refused.value.code == code
        assert says in refused.value.message
        assert refused.value.remedy


def test_an_error_of_the_device_is_told(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"TAPE")

    def fails(*arguments):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", fails)
    with LocalFile(tmp_path / "file") as file, pytest.raises(BackupUnreadable) as refused:
        read_backup(file)
    assert "Input/output error" in refused.value.message
