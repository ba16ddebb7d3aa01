# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read of SQL Server backup files."""

from __future__ import annotations

import dataclasses
import datetime
import struct
import uuid

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import sqlserver_backup_header as header
from ansible_collections.apsaradb.migration.plugins.module_utils._databases import sqlserver_backup_records as records
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_header import (
    BackupUnreadable,
    Windows,
    read_backup,
)
from apsara_emulator.sqlserver import (
    BackupDescription,
    BackupSetDescription,
    FileDescription,
    backup_bytes,
    foreign_tape_bytes,
)

MIB = 1024 * 1024
FULL, DIFFERENTIAL, LOG = (BackupSetDescription(type=kind) for kind in ("full", "differential", "log"))


class Memory:
    """A file in memory that keeps what was asked of it."""

    def __init__(self, data):
        self.data, self.size, self.asked = data, len(data), []

    def read(self, offset, length):
        self.asked.append((offset, length))
        return self.data[offset : offset + length]


def described(**changes):
    return BackupDescription(**changes)


def one_set(**changes):
    return described(sets=(BackupSetDescription(**changes),))


def read(description):
    return read_backup(Memory(backup_bytes(description)))


def patched(data, offset, replacement):
    return data[:offset] + replacement + data[offset + len(replacement) :]


EVERYTHING = BackupSetDescription(
    database="warehouse",
    type="differential",
    start=datetime.datetime(2024, 2, 29, 23, 59, 59, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=45))),
    finish=datetime.datetime(2024, 3, 1, 0, 0, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=45))),
    software_version="12.0.4100",
    database_version=782,
    compatibility_level=110,
    recovery_model="simple",
    copy_only=True,
    checksums=True,
    damaged=True,
    read_only=True,
    single_user=True,
    password=True,
    server_name="HOST\\INSTANCE",
    user_name="somebody@example.com",
    name="nightly",
    description="before the release",
    backup_set_guid=uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
    family_guid=uuid.UUID("ffeeddcc-bbaa-9988-7766-554433221100"),
    files=(
        FileDescription("w", "D:\\data\\w.mdf", size=300 * MIB, backup_size=8192 * 3),
        FileDescription("w_log", "/var/opt/mssql/w.ldf", "log", size=100 * MIB, filegroup=0),
        FileDescription("w_fs", "\\\\?\\D:\\fs", "filestream", size=5 * MIB),
    ),
    first_lsn="34000000012300001",
    last_lsn="4294967295429496729465535",
    checkpoint_lsn="35000000000000001",
    database_backup_lsn="33000000099900037",
    backup_size=123456789012,
)


@pytest.mark.parametrize("compressed", [False, True])
def test_every_fact_of_a_set(compressed):
    found = read(described(sets=(EVERYTHING,), compressed=compressed))
    assert (found.problem, found.complete, found.truncated, found.sets_in_file) == (None, True, None, 1)
    assert (found.stripe, found.stripes, found.compressed, found.encrypted) == (1, 1, compressed, "no")
    assert (found.media_password, found.tde) == ("no", "no")
    assert len(found.sets) == 1
    assert found.sets[0].as_result() == {
        "position": 1,
        "database": "warehouse",
        "type": "differential",
        "copy_only": True,
        "start": "2024-02-29T23:59:59+05:45",
        "finish": "2024-03-01T00:00:01+05:45",
        "software_version": "12.0.4100",
        "database_version": 782,
        "compatibility_level": 110,
        "recovery_model": "simple",
        "checksums": True,
        "damaged": True,
        "read_only": True,
        "single_user": True,
        "server_name": "HOST\\INSTANCE",
        "name": "nightly",
        "description": "before the release",
        "backup_set_guid": "00112233-4455-6677-8899-AABBCCDDEEFF",
        "password": True,
        "backup_size": 123456789012,
        "files": [
            {
                "logical_name": "w",
                "physical_name": "D:\\data\\w.mdf",
                "type": "data",
                "size": 300 * MIB,
                "backup_size": 8192 * 3,
                "filegroup": "PRIMARY",
            },
            {
                "logical_name": "w_log",
                "physical_name": "/var/opt/mssql/w.ldf",
                "type": "log",
                "size": 100 * MIB,
                "backup_size": 0,
                "filegroup": None,
            },
            {
                "logical_name": "w_fs",
                "physical_name": "\\\\?\\D:\\fs",
                "type": "filestream",
                "size": 5 * MIB,
                "backup_size": 0,
                "filegroup": "PRIMARY",
            },
        ],
        "required_storage": 405 * MIB,
        "first_lsn": "34000000012300001",
        "last_lsn": "4294967295429496729465535",
        "checkpoint_lsn": "35000000000000001",
        "database_backup_lsn": "33000000099900037",
        "family_guid": "FFEEDDCC-BBAA-9988-7766-554433221100",
        "tde": "no",
        "unavailable": [],
    }


@pytest.mark.parametrize("compressed", [False, True])
def test_user_names_are_not_told(compressed):
    data = backup_bytes(described(sets=(EVERYTHING,), compressed=compressed))
    if not compressed:
        assert "somebody".encode("utf-16-le") in data
    assert "somebody" not in repr(read_backup(Memory(data)))


@pytest.mark.parametrize(
    "kind", ["full", "differential", "log", "file", "differential_file", "partial", "differential_partial"]
)
@pytest.mark.parametrize("compressed", [False, True])
def test_every_type(kind, compressed):
    found = read(described(sets=(BackupSetDescription(type=kind),), compressed=compressed))
    assert [one.type for one in found.sets] == [kind]
    assert found.sets[0].unavailable == ()
    assert found.tde == ("unknown" if kind == "log" else "no")


def test_an_unknown_type_is_not_guessed():
    data = backup_bytes(described())
    place = data.index(b"SCIN")
    changed = patched(data, place + 87, b"Z")
    last = data.rindex(b"SCIN")
    changed = patched(changed, last + 87, b"Z")
    assert read_backup(Memory(changed)).sets[0].type == "unknown"


@pytest.mark.parametrize("model", ["full", "bulk_logged", "simple"])
def test_every_recovery_model(model):
    assert read(one_set(recovery_model=model)).sets[0].recovery_model == model


def test_every_flag_on_its_own():
    names = ("checksums", "damaged", "read_only", "single_user", "copy_only", "password")
    for name in names:
        found = read(one_set(**{name: True})).sets[0]
        assert {other: getattr(found, other) for other in names} == {other: other == name for other in names}


@pytest.mark.parametrize(
    ("zone", "ending"),
    [
        (None, ""),
        (datetime.timezone.utc, "+00:00"),
        (datetime.timezone(datetime.timedelta(hours=-9, minutes=-30)), "-09:30"),
        (datetime.timezone(datetime.timedelta(hours=14)), "+14:00"),
    ],
)
def test_time_zones(zone, ending):
    start = datetime.datetime(2026, 12, 31, 23, 59, 59, tzinfo=zone)
    found = read(one_set(start=start, finish=start)).sets[0]
    assert found.start == found.finish == f"2026-12-31T23:59:59{ending}"


@pytest.mark.parametrize("quarters", [-128, -57, 57, 96, 126, 127])
def test_time_zones_that_nobody_lives_in(quarters):
    data = backup_bytes(described())
    found = read_backup(Memory(patched(data, data.index(b"SSET") + 95, struct.pack("b", quarters)))).sets[0]
    assert (found.start, found.finish) == ("2026-03-01T02:00:00", "2026-03-01T02:05:30")


def test_a_backup_that_is_stored_in_the_database_is_not_taken_for_its_own():
    other = backup_bytes(one_set(database="other"))
    decoy = other[other.index(b"MSLS") :][:2048]
    data = backup_bytes(described(size=300_000))
    place = data.index(b"MSLS") - 40 * 1024
    found = read_backup(Memory(patched(data, place // 512 * 512, decoy))).sets[0]
    assert (found.database, found.finish, found.unavailable) == ("sales", "2026-03-01T02:05:30+08:00", ())


NAMES = {
    "quotes": "a'b\"c`d",
    "brackets": "a]b[c]]d",
    "path": "a:b/c\\d|e?f*g<h>i",
    "percent": "100% {{ not_a_template }} $HOME",
    "emoji": "\U0001f4be of \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "longest": "\U0001f4be" * 64,
    "128": "x" * 128,
    "spaces": "  leading and trailing  ",
    "right to left": "\u0642\u0627\u0639\u062f\u0629 \u202e\u0628\u064a\u0627\u0646",
    "controls": "tab\tnewline\nreturn\rbell\x07delete\x7f",
    "combining": "ä vs ä",
    "cjk": "数据库",
    "dots": "..",
    "tape": "TAPE SFMB MSLS SPAD",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("compressed", [False, True])
def test_database_names_of_every_kind(name, compressed):
    files = (FileDescription(name, f"D:\\{name}.mdf"), FileDescription(f"{name}_log", "D:\\x.ldf", "log"))
    wanted = BackupSetDescription(database=name, name=name, description=name, server_name=name, files=files)
    found = read(described(sets=(wanted,), compressed=compressed)).sets[0]
    assert (found.database, found.name, found.description, found.server_name) == (name, name, name, name)
    assert [file.logical_name for file in found.files] == [name, f"{name}_log"]
    assert found.unavailable == ()


def test_a_name_that_is_no_text_is_unavailable_and_takes_nothing_with_it():
    found = read(one_set(database="half \ud83d pair", name="half \ud83d pair")).sets[0]
    assert (found.database, found.name) == (None, None)
    assert any("not valid UTF-16" in why for why in found.unavailable)
    assert (found.type, found.finish, found.server_name) == ("full", "2026-03-01T02:05:30+08:00", "WIN-SQL01")


def test_names_that_contradict_each_other_are_not_told():
    data = backup_bytes(one_set(database="sales"))
    place = data.rindex("sales".encode("utf-16-le"))
    found = read_backup(Memory(patched(data, place, "dales".encode("utf-16-le")))).sets[0]
    assert found.database is None
    assert any("another one at the end" in why for why in found.unavailable)


def test_filegroups_are_told_only_where_there_is_one():
    several = BackupSetDescription(filegroups=("PRIMARY", "ARCHIVE"))
    assert {file.filegroup for file in read(described(sets=(several,))).sets[0].files} == {None}


@pytest.mark.parametrize("compressed", [False, True])
def test_several_sets(compressed):
    wanted = tuple(
        BackupSetDescription(database=name, type=kind, data_bytes=size)
        for name, kind, size in (("a", "full", 400_000), ("b", "differential", 0), ("a", "log", 70_000))
    )
    found = read(described(sets=wanted, compressed=compressed))
    assert (found.complete, found.sets_in_file) == (True, 3)
    assert [(one.position, one.database, one.type) for one in found.sets] == [
        (1, "a", "full"),
        (2, "b", "differential"),
        (3, "a", "log"),
    ]
    assert len({one.backup_set_guid for one in found.sets}) == 3
    assert all(one.finish for one in found.sets)


@pytest.mark.parametrize("count", [27, 28, 55, 56, 90])
def test_more_sets_than_one_filemark_lists(count):
    wanted = tuple(BackupSetDescription(database=f"d{number}", type="log") for number in range(count))
    found = read(described(sets=wanted))
    assert (found.complete, found.sets_in_file) == (True, count)
    assert [one.database for one in found.sets] == [f"d{number}" for number in range(count)]


@pytest.mark.parametrize("stripe", [1, 2])
@pytest.mark.parametrize("compressed", [False, True])
def test_stripes(stripe, compressed):
    found = read(described(stripe=stripe, stripes=2, compressed=compressed))
    assert (found.stripe, found.stripes, found.problem, found.complete) == (stripe, 2, None, True)
    assert found.tde == ("no" if stripe == 1 else "unknown")
    assert found.media_set_id == read(described(stripe=3 - stripe, stripes=2)).media_set_id


def test_pages_of_a_later_stripe_are_not_judged():
    """Where its first page lies in the database is not known."""
    data = backup_bytes(described(stripes=2))
    place = data.index(b"RAID") + 22 + 24
    assert data[place : place + 2] == b"\x01\x00"
    assert read_backup(Memory(data)).tde == "no"
    found = read_backup(Memory(patched(data, place, b"\x02\x00")))
    assert (found.stripe, found.tde) == (2, "unknown")


@pytest.mark.parametrize("compressed", [False, True])
def test_protection_is_probable(compressed):
    assert read(described(media_password=True, compressed=compressed)).media_password == "probable"
    assert read(described(sets=(dataclasses.replace(FULL, tde=True),), compressed=compressed)).tde == "probable"
    assert read(described(sets=(dataclasses.replace(LOG, encryption_key=True),))).tde == "probable"
    mixed = read(described(sets=(FULL, dataclasses.replace(FULL, tde=True))))
    assert [one.tde for one in mixed.sets] == ["no", "probable"]
    assert mixed.tde == "probable"


def test_a_page_that_is_unlike_any_is_unknown():
    data = backup_bytes(described())
    place = data.index(b"\x00\x00\x9c\x1f")
    assert read_backup(Memory(patched(data, place, b"\x01\x00\x9c\x1f"))).tde == "unknown"


@pytest.mark.parametrize(
    ("description", "says", "encrypted", "compressed"),
    [
        (described(encrypted=True), "encrypted", "probable", None),
        (described(algorithm=131), "ZSTD", "unknown", True),
        (described(container_version=1), "version 1", "unknown", True),
    ],
)
def test_containers_that_cannot_be_read(description, says, encrypted, compressed):
    found = read(description)
    assert found.problem.code == "metadata_unavailable"
    assert says in found.problem.text
    assert (found.encrypted, found.compressed, found.complete, found.sets) == (encrypted, compressed, None, ())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"x", "not_a_backup"),
        (b"-- PostgreSQL database dump", "not_a_backup"),
        (bytes(100_000), "not_a_backup"),
        (b"PK\x03\x04" + bytes(1000), "archive"),
        (b"\x1f\x8b\x08" + bytes(1000), "archive"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(1000), "archive"),
        (b"Rar!\x1a\x07" + bytes(1000), "archive"),
        (foreign_tape_bytes(), "other_tape_format"),
        (foreign_tape_bytes(""), "other_tape_format"),
        (foreign_tape_bytes("Backup Exec"), "other_tape_format"),
        (b"TAPE", "metadata_unavailable"),
        (b"TAPE" + bytes(100_000), "metadata_unavailable"),
        (b"MSSQLBAK", "metadata_unavailable"),
    ],
)
def test_files_that_are_something_else(data, code):
    source = Memory(data)
    found = read_backup(source)
    assert found.problem.code == code
    assert found.sets == ()
    assert len(source.asked) <= 2
    if code != "metadata_unavailable":
        assert (found.compressed, found.encrypted, found.complete) == (None, "unknown", None)


def test_an_archive_is_named_and_to_be_unpacked():
    assert "(zip)" in read_backup(Memory(b"PK\x03\x04" + bytes(100))).problem.text
    assert "Unpack" in read_backup(Memory(b"PK\x03\x04" + bytes(100))).problem.text
    assert "NTBACKUP" in read_backup(Memory(foreign_tape_bytes())).problem.text


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("block_size", [512, 4096, 65536])
def test_a_truncated_file_is_never_taken_for_complete(compressed, block_size):
    data = backup_bytes(described(size=300_000, compressed=compressed, block_size=block_size))
    lengths = {
        *range(0, len(data), 20011),
        *range(0, 2048, 97),
        *range(len(data) - 3000, len(data), 127),
        len(data) - 1,
    }
    whole = read_backup(Memory(data)).sets[0]
    for length in sorted(lengths):
        found = read_backup(Memory(data[:length]))
        assert not found.complete, length
        assert found.sets_in_file is None
        assert found.problem or found.truncated
        for one in found.sets:
            assert one.database in (None, whole.database)
            assert one.finish in (None, whole.finish)


def test_what_is_read_of_a_truncated_file():
    for compressed in (False, True):
        data = backup_bytes(described(size=3_000_000, compressed=compressed))
        found = read_backup(Memory(data[:2_000_000]))
        assert (found.problem, found.complete) == (None, False)
        assert "cut off" in found.truncated
        one = found.sets[0]
        assert (one.database, one.type, one.start) == ("sales", "full", "2026-03-01T02:00:00+08:00")
        assert (one.finish, one.backup_size) == (None, None)
        assert any("where it ends is not known" in why for why in one.unavailable)


def test_a_file_that_is_cut_behind_the_data_of_its_set():
    data = backup_bytes(described(sets=(FULL, LOG)))
    for mark in range(1, 5):
        places = [at for at in range(0, len(data), 512) if data[at : at + 4] == b"SFMB"]
        found = read_backup(Memory(data[: places[mark] + 512]))
        # Behind a whole set nothing tells that there was another one.
        assert found.complete is (mark in (2, 4))
        assert len(found.sets) == {1: 1, 2: 1, 3: 2, 4: 2}[mark]
        assert found.sets_in_file == {1: None, 2: 1, 3: None, 4: 2}[mark]


def test_a_compressed_file_that_is_cut_early_is_not_taken_for_encrypted():
    data = backup_bytes(described(compressed=True, block_size=4096))
    found = read_backup(Memory(data[:3000]))
    assert (found.complete, found.encrypted, found.problem.code) == (False, "unknown", "metadata_unavailable")
    assert "cut off" in found.truncated


def test_an_index_whose_two_ends_differ_is_not_believed():
    data = backup_bytes(described(compressed=True))
    place = data.index(struct.pack("<HHI", 1, 1, 2))
    assert place != data.rindex(struct.pack("<HHI", 1, 1, 2))
    one = read_backup(Memory(patched(data, place + 8, b"\xff"))).sets[0]
    assert one.finish is None
    assert any("index" in why for why in one.unavailable)


def test_bytes_behind_the_end():
    found = read_backup(Memory(backup_bytes(described()) + bytes(512)))
    assert found.complete is False
    assert "appended" in found.truncated
    assert found.sets[0].database == "sales"


def test_a_damaged_list_of_filemarks_is_no_truncation():
    data = backup_bytes(described())
    found = read_backup(Memory(patched(data, len(data) - 512 + 72, struct.pack("<Q", 1 << 60))))
    assert found.complete is None
    assert "not known" in found.truncated
    assert found.sets[0].database == "sales"


def test_damaged_files_of_a_set_do_not_take_the_rest_with_them():
    data = backup_bytes(described())
    for place in (data.index(b"SFIN"), data.rindex(b"SFIN")):
        data = patched(data, place, b"XXXX")
    found = read_backup(Memory(data)).sets[0]
    assert (found.database, found.files, found.required_storage) == ("sales", None, None)
    assert any("list of files" in why for why in found.unavailable)


def test_a_damaged_begin_leaves_what_the_end_tells():
    data = backup_bytes(described())
    found = read_backup(Memory(patched(data, data.index(b"SSET") + 20, b"\xff"))).sets[0]
    assert (found.database, found.position) == ("sales", 1)
    assert (found.name, found.copy_only, found.backup_set_guid) == (None, None, None)
    # Without the first block the time zone is not known.
    assert found.finish == "2026-03-01T02:05:30"
    assert any("begin of the backup set" in why for why in found.unavailable)


def test_a_damaged_end_leaves_what_the_begin_tells():
    for compressed in (False, True):
        data = backup_bytes(described(compressed=compressed))
        index_at = struct.pack("<HHI", 1, 1, 2)
        place = data.rindex(index_at) + 8 if compressed else data.index(b"MSLS") + 12
        found = read_backup(Memory(patched(data, place, b"\xff\xff")))
        assert found.complete
        one = found.sets[0]
        assert (one.database, one.start, one.finish, one.backup_size) == (
            "sales",
            "2026-03-01T02:00:00+08:00",
            None,
            None,
        )
        assert any("end of the backup set" in why for why in one.unavailable)


def test_files_of_sql_server_2005_list_filemarks_elsewhere():
    data = bytearray(backup_bytes(described()))
    for at in range(0, len(data), 512):
        if data[at : at + 4] == b"SFMB":
            _capacity, used = struct.unpack_from("<II", data, at + 52)
            marks = data[at + 72 : at + 72 + 8 * used]
            data[at + 4 : at + 8] = bytes(4)
            data[at + 60 : at + 512] = marks.ljust(452, b"\0")
            words = struct.unpack_from("<25H", data, at)
            total = 0
            for word in words:
                total ^= word
            struct.pack_into("<H", data, at + 50, total)
    found = read_backup(Memory(bytes(data)))
    assert (found.complete, found.sets_in_file, found.sets[0].database) == (True, 1, "sales")


def test_many_files_of_a_database():
    files = tuple(FileDescription(f"f{n}", f"D:\\data\\file number {n}.ndf", size=MIB) for n in range(400))
    files += (FileDescription("l", "D:\\l.ldf", "log", size=MIB),)
    found = read(described(sets=(BackupSetDescription(files=files, data_bytes=MIB),))).sets[0]
    assert found.required_storage == 401 * MIB
    assert [file.logical_name for file in found.files][-2:] == ["f399", "l"]
    assert found.unavailable == ()
    assert found.finish


def test_an_lsn_that_is_all_zero():
    assert read(one_set(database_backup_lsn="0")).sets[0].database_backup_lsn == "0"


def test_reading_may_fail_only_with_the_source():
    class Broken:
        size = 100_000

        def read(self, offset, length):
            raise BackupUnreadable("the disk is gone", code="backup_unreadable")

    with pytest.raises(BackupUnreadable):
        read_backup(Broken())


def test_records_without_the_one_of_the_set():
    with pytest.raises(records.Malformed):
        records.parse_information(b"SFGI\x08\x00\x00\x00")


def test_windows_give_the_same_answer_as_the_whole_file():
    for description in (described(size=3 * MIB), described(size=3 * MIB, compressed=True), described(sets=(FULL, LOG))):
        data = backup_bytes(description)
        assert read_backup(Windows(Memory(data)))._replace(reads=0) == read_backup(Memory(data))._replace(reads=0)


def test_as_result_is_plain():
    told = read(described()).as_result()
    assert isinstance(told, dict)
    assert isinstance(told["sets"][0]["files"][0], dict)
    assert read(described(encrypted=True)).as_result()["problem"]["code"] == "metadata_unavailable"
    assert header.MOST_SETS == 256
