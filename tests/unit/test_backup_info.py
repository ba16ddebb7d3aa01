# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module mssql_backup_info: files, folders, and what is wrong with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_folder import read_backups
from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_source import (
    BackupUnreadable,
    LocalFile,
)
from ansible_collections.apsaradb.migration.plugins.modules import mssql_backup_info
from ansible_collections.apsaradb.migration.tests.unit.stage import End, arguments
from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, backup_bytes, write_backup


@pytest.fixture
def info(run):
    """info(path, check=…, **options) → what the module returned. `run` makes its end catchable."""

    def run_module(path, *, check=False, **options):
        parameters = {"path": str(path), "_ansible_check_mode": check, **options}
        with arguments(parameters), pytest.raises(End) as end:
            mssql_backup_info.main()
        json.dumps(end.value.result).encode("utf-8")
        return end.value.result

    return run_module


@pytest.fixture
def folder(tmp_path):
    """Good and bad files next to each other, and some below."""
    write_backup(tmp_path / "a.bak", BackupDescription(size=300_000))
    write_backup(tmp_path / "b.DIFF", BackupDescription(sets=(BackupSetDescription(type="differential"),)))
    logs = tuple(BackupSetDescription(type="log", database=f"log{number}") for number in range(2))
    write_backup(tmp_path / "c.trn", BackupDescription(sets=logs, compressed=True))
    (tmp_path / "d.bak").write_bytes(backup_bytes(BackupDescription(size=300_000))[:200_000])
    (tmp_path / "e.bak").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "f.bak").write_bytes(b"")
    (tmp_path / "g.log").write_bytes(b"2026-03-01 a log of something else\n" * 100)
    (tmp_path / "h.bak").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "i.bak")
    write_backup(tmp_path / "j.bak", BackupDescription(stripe=2, stripes=3))
    write_backup(tmp_path / "k.bak", BackupDescription(encrypted=True))
    (tmp_path / "readme.txt").write_text("not read")
    (tmp_path / "below").mkdir()
    write_backup(tmp_path / "below" / "z.bak", BackupDescription())
    return tmp_path


@pytest.mark.parametrize("check", [False, True])
def test_a_file(info, folder, check):
    told = info(folder / "a.bak", check=check)
    assert (told["failed"], told["changed"], told["problems"], told["other_files"]) == (False, False, [], [])
    assert [file["path"] for file in told["files"]] == [str(folder / "a.bak")]
    assert told["files"][0]["size"] == os.stat(folder / "a.bak").st_size
    (one,) = told["backup_sets"]
    assert {key: one[key] for key in ("path", "database", "type", "software_version", "start", "finish")} == {
        "path": str(folder / "a.bak"),
        "database": "sales",
        "type": "full",
        "software_version": "15.0.4430",
        "start": "2026-03-01T02:00:00+08:00",
        "finish": "2026-03-01T02:05:30+08:00",
    }
    assert one["file"] == told["files"][0]
    assert (one["file"]["sets"], one["file"]["complete"], one["file"]["encrypted"]) == (1, True, "no")


def test_a_file_is_read_whatever_its_name(info, tmp_path):
    write_backup(tmp_path / "backup.001", BackupDescription())
    assert info(tmp_path / "backup.001")["backup_sets"][0]["database"] == "sales"


def test_a_folder(info, folder):
    told = info(folder)
    assert not told["failed"]
    # Words that Ansible would take for the state of the task.
    assert not {"skipped", "unreachable", "rc", "results", "ansible_facts"} & set(told)
    names = [os.path.basename(file["path"]) for file in told["files"]]
    assert names == [f"{letter}.bak" for letter in "a"] + ["b.DIFF", "c.trn", "d.bak", "e.bak", "f.bak", "g.log"] + [
        f"{letter}.bak" for letter in "hijk"
    ]
    assert [os.path.basename(path) for path in told["other_files"]] == ["readme.txt"]
    codes = {os.path.basename(file["path"]): file["problem"] and file["problem"]["code"] for file in told["files"]}
    assert {name: code for name, code in codes.items() if code} == {
        "e.bak": "archive",
        "f.bak": "empty",
        "g.log": "not_a_backup",
        "h.bak": "backup_unreadable",
        "i.bak": "not_a_file",
        "k.bak": "metadata_unavailable",
    }
    assert [(os.path.basename(one["path"]), one["position"], one["type"]) for one in told["backup_sets"]] == [
        ("a.bak", 1, "full"),
        ("b.DIFF", 1, "differential"),
        ("c.trn", 1, "log"),
        ("c.trn", 2, "log"),
        ("d.bak", 1, "full"),
        ("j.bak", 1, "full"),
    ]
    for letter, words in {
        "d.bak": "cut off",
        "e.bak": "Unpack",
        "f.bak": "empty",
        "g.log": "not a backup file",
        "h.bak": "No such file",
        "i.bak": "is a pipe",
        "j.bak": "stripe 2 of 3",
        "k.bak": "encrypted",
    }.items():
        (sentence,) = [one for one in told["problems"] if letter in one]
        assert words in sentence
    assert len(told["problems"]) == 8
    assert "Not here: 1, 3." in "".join(told["problems"])


def test_folders_below(info, folder):
    paths = {file["path"] for file in info(folder, recurse=True)["files"]}
    assert str(folder / "below" / "z.bak") in paths
    assert str(folder / "below" / "z.bak") not in {file["path"] for file in info(folder)["files"]}


def test_stripes_that_are_all_there(info, tmp_path):
    for stripe in (1, 2):
        write_backup(tmp_path / f"{stripe}.bak", BackupDescription(stripe=stripe, stripes=2))
    problems = info(tmp_path)["problems"]
    assert len(problems) == 2
    assert not any("Not here" in problem for problem in problems)
    assert all("cannot restore" in problem for problem in problems)


@pytest.mark.parametrize(
    ("name", "code"), [("missing", "backup_unreadable"), ("i.bak", "not_a_file"), ("h.bak", "backup_unreadable")]
)
def test_what_is_given_has_to_be_there(info, folder, name, code):
    refused = info(folder / name)
    assert refused["failed"]
    assert refused["error"]["code"] == code
    assert name in refused["msg"]
    assert refused["error"]["remedy"] in refused["msg"]
    assert refused["changed"] is False


def test_a_folder_without_backups_says_so(info, tmp_path):
    told = info(tmp_path)
    assert (told["failed"], told["files"], told["backup_sets"]) == (False, [], [])
    assert "bak, diff, trn, log" in told["problems"][0]


def test_folders_that_cannot_be_listed(monkeypatch, tmp_path):
    write_backup(tmp_path / "a.bak", BackupDescription())
    (tmp_path / "closed").mkdir()
    real = os.scandir

    def scandir(path):
        if os.fspath(path) == refused:
            raise PermissionError(13, "Permission denied", refused)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    refused = str(tmp_path / "closed")
    told = read_backups(str(tmp_path), recurse=True)
    assert len(told["backup_sets"]) == 1
    assert told["problems"] == [f"{refused} cannot be listed: Permission denied."]
    refused = str(tmp_path)
    with pytest.raises(BackupUnreadable) as failure:
        read_backups(str(tmp_path))
    assert "Permission denied" in failure.value.message


def test_the_failure_of_one_file_does_not_hide_the_others(monkeypatch, folder):
    real = LocalFile.read

    def read(self, offset, length):
        if self.path.endswith("a.bak"):
            raise BackupUnreadable("a.bak cannot be read: Input/output error.", code="backup_unreadable")
        return real(self, offset, length)

    monkeypatch.setattr(LocalFile, "read", read)
    told = read_backups(str(folder))
    assert told["files"][0]["problem"]["text"] == "a.bak cannot be read: Input/output error."
    assert told["files"][0]["size"] is None
    assert len(told["backup_sets"]) == 5


def test_names_of_files_that_are_no_text(info, tmp_path):
    with open(os.path.join(os.fsencode(tmp_path), b"caf\xe9.bak"), "wb") as file:
        file.write(backup_bytes(BackupDescription()))
    told = info(tmp_path)
    assert told["files"][0]["path"].endswith("caf\ufffd.bak")
    assert told["backup_sets"][0]["database"] == "sales"
    os.rename(told["files"][0]["path"].replace("\ufffd", "\udce9"), tmp_path / os.fsdecode(b"caf\xe9"))
    with pytest.raises(BackupUnreadable) as refused:
        read_backups(os.path.join(tmp_path, os.fsdecode(b"caf\xe9.bak")))
    assert "caf\ufffd.bak" in refused.value.message


def test_sets_beyond_the_bound_are_counted(tmp_path):
    logs = tuple(BackupSetDescription(type="log", database=f"d{number}") for number in range(260))
    write_backup(tmp_path / "many.trn", BackupDescription(sets=logs))
    told = read_backups(str(tmp_path))
    assert told["files"][0]["sets"] == 260
    assert len(told["backup_sets"]) == 256
    assert "first 256" in told["problems"][0]


def test_it_needs_neither_requests_nor_a_cloud():
    code = (
        "import sys; from ansible_collections.apsaradb.migration.plugins.modules import mssql_backup_info; "
        "print([name for name in sys.modules if name in ('requests', 'oss2') or '_alibaba' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert done.stdout.strip() == "[]"
