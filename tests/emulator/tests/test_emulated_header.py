# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator's own reader of backup headers."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from apsara_emulator.sqlserver import (
    BackupDescription,
    BackupSetDescription,
    FileDescription,
    backup_bytes,
    foreign_tape_bytes,
)
from apsara_emulator.sqlserver.backup_header import BackupHeader, UnreadableBackup, read_header
from apsara_emulator.sqlserver.xpress import BadCompression, decompress
from hypothesis import given, settings
from hypothesis import strategies as st

from .migrating import DIFF, FULL, LOG_1


class Recorded:
    """Bytes that remember what was read of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[int] = []

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, offset: int, length: int) -> bytes:
        assert offset >= 0
        self.reads.append(length)
        return self.data[offset : offset + length]


def header_of(*sets: BackupSetDescription, **file: object) -> BackupHeader:
    description = BackupDescription(sets=sets or (FULL,), **file)  # type: ignore[arg-type]  # its fields
    return read_header(Recorded(backup_bytes(description)))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("block_size", [512, 4096, 65536])
def test_what_a_header_says(compressed: bool, block_size: int) -> None:
    header = header_of(compressed=compressed, block_size=block_size)
    assert header == BackupHeader(
        database="sales",
        type="D",
        software=(15, 0, 4430),
        sets=1,
        complete=True,
        family_count=1,
        family_sequence=1,
        compressed=compressed,
        first_lsn=100,
        last_lsn=120,
        checkpoint_lsn=100,
        database_backup_lsn=0,
        backup_size=1024**3,
        required_storage=2 * 1024**3,
        damaged=False,
        has_password=False,
        encrypted_database=False,
    )


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("kind", "letter"), [("full", "D"), ("differential", "I"), ("log", "L"), ("file", "F")])
def test_types(kind: str, letter: str, compressed: bool) -> None:
    assert header_of(replace(FULL, type=kind), compressed=compressed).type == letter


def test_large_numbers_and_names() -> None:
    found = header_of(replace(FULL, database="Ä]'; ~ 測試", last_lsn="34000000014800001"))
    assert (found.database, found.last_lsn) == ("Ä]'; ~ 測試", 34000000014800001)


@pytest.mark.parametrize("compressed", [False, True])
def test_the_first_of_several_sets_counts(compressed: bool) -> None:
    found = header_of(FULL, DIFF, LOG_1, compressed=compressed)
    assert (found.sets, found.type, found.complete, found.last_lsn) == (3, "D", True, 120)


def test_stripes_passwords_keys_and_damage() -> None:
    found = header_of(stripe=2, stripes=3)
    assert (found.family_count, found.family_sequence) == (3, 2)
    assert header_of(media_password=True).has_password
    assert header_of(replace(FULL, password=True)).has_password
    assert header_of(replace(FULL, tde=True)).encrypted_database
    assert header_of(replace(FULL, encryption_key=True)).encrypted_database
    assert header_of(replace(FULL, damaged=True)).damaged


def test_many_files_are_added_up() -> None:
    files = tuple(FileDescription(f"f{number}", f"D:\\f{number}.ndf", size=1000) for number in range(200))
    assert header_of(replace(FULL, files=files)).required_storage == 200_000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"TAPE",
        b"PK\x03\x04" + bytes(2000),
        bytes(4096),
        foreign_tape_bytes(),
        backup_bytes(BackupDescription(encrypted=True)),
        backup_bytes(BackupDescription(compressed=True, algorithm=131)),
        backup_bytes(BackupDescription(compressed=True, container_version=1)),
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableBackup):
        read_header(Recorded(data))


WHOLE = backup_bytes(BackupDescription(sets=(FULL, LOG_1)))
PACKED = backup_bytes(BackupDescription(sets=(FULL,), compressed=True))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), original=st.sampled_from([WHOLE, PACKED]))
def test_a_cut_file_is_not_complete(data: st.DataObject, original: bytes) -> None:
    length = data.draw(st.integers(0, len(original) - 1))
    try:
        header = read_header(Recorded(original[:length]))
    except UnreadableBackup:
        return
    # A file of several sets that ends exactly behind one of them is a shorter file, and whole.
    assert not header.complete or header.sets == 1


@settings(max_examples=300, deadline=None)
@given(data=st.data(), original=st.sampled_from([WHOLE, PACKED]))
def test_damaged_files_are_refused_or_read_within_bounds(data: st.DataObject, original: bytes) -> None:
    changed = bytearray(original)
    for _number in range(data.draw(st.integers(1, 20))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    source = Recorded(bytes(changed))
    with contextlib.suppress(UnreadableBackup):
        read_header(source)
    assert sum(source.reads) < 5_000_000
    assert len(source.reads) < 300


def test_a_huge_file_costs_no_more() -> None:
    small, large = Recorded(content(0)), Recorded(content(20_000_000))
    assert read_header(small).sets == read_header(large).sets
    assert sum(large.reads) < 1_000_000
    assert len(small.reads) == len(large.reads)


def content(data_bytes: int) -> bytes:
    return backup_bytes(BackupDescription(sets=(replace(FULL, data_bytes=data_bytes),)))


def test_references_are_followed() -> None:
    """Three letters and one long match, as in the second example of MS-XCA."""
    table = bytearray(256)
    table[0x30:0x32] = b"\x30\x23"
    table[0x80], table[0x8F] = 0x02, 0x20
    data = bytes(table) + bytes.fromhex("a8dc0000ff2601")
    assert decompress(data, 300) == b"abc" * 100
    # A match that points before the beginning.
    with pytest.raises(BadCompression):
        decompress(bytes(table) + bytes.fromhex("00a00000ff2601"), 300)


@pytest.mark.parametrize("table", [bytes(256), b"\x11" * 256, b"\x88" * 100])
def test_codes_that_do_not_fit_are_refused(table: bytes) -> None:
    with pytest.raises(BadCompression):
        decompress(table + bytes(20), 10)
