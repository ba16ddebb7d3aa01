# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Backup files of a folder, or one file, as a module's result: files, the backup sets in them, and what is wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .sqlserver_backup_facts import METADATA_UNAVAILABLE, BackupFile, Problem
from .sqlserver_backup_header import MOST_SETS, read_backup
from .sqlserver_backup_source import BackupUnreadable, LocalFile, shown

EXTENSIONS = (".bak", ".diff", ".trn", ".log")


class _Entry(NamedTuple):
    """A file and what was read of it; None and the reason when it cannot be opened."""

    path: str
    facts: BackupFile | None
    problem: Problem | None


def read_backups(path: str, *, recurse: bool = False) -> dict[str, Any]:
    """Result keys `backup_sets`, `files`, `other_files`, `problems` of a file, or of a folder's backup files.

    In a folder a file that cannot be read becomes one of the problems; a file given itself, or a folder that cannot be
    listed, raises BackupUnreadable.
    """
    if not os.path.isdir(path):
        with LocalFile(path) as file:
            facts = read_backup(file)
        return _result([_Entry(path, facts, facts.problem)], [], [])
    unlisted: list[OSError] = []
    found = sorted(_files_below(path, recurse, unlisted))
    entries = [_entry(file) for file in found if _is_backup(file)]
    others = [file for file in found if not _is_backup(file)]
    problems = [f"{shown(error.filename)} cannot be listed: {error.strerror}." for error in unlisted]
    if not entries:
        endings = ", ".join(extension[1:] for extension in EXTENSIONS)
        problems.append(f"{shown(path)} holds no file with one of the extensions {endings}.")
    return _result(entries, others, problems)


def _is_backup(path: str) -> bool:
    return path.lower().endswith(EXTENSIONS)


def _files_below(folder: str, recurse: bool, unlisted: list[OSError]) -> Iterator[str]:
    for place, folders, files in os.walk(folder, onerror=unlisted.append):
        if not recurse:
            folders.clear()
        yield from (os.path.join(place, name) for name in files)
    if any(error.filename == folder for error in unlisted):
        raise BackupUnreadable(
            f"{shown(folder)} cannot be listed: {unlisted[0].strerror}.",
            code="backup_unreadable",
            remedy="Check the permissions of the user that the task runs as.",
        )


def _entry(path: str) -> _Entry:
    try:
        with LocalFile(path) as file:
            facts = read_backup(file)
    except BackupUnreadable as unreadable:
        return _Entry(path, None, Problem(unreadable.code, unreadable.message))
    return _Entry(path, facts, facts.problem)


def _result(entries: list[_Entry], others: list[str], problems: list[str]) -> dict[str, Any]:
    files = [_told(entry) for entry in entries]
    sets = [
        {"path": file["path"], **backup_set.as_result(), "file": file}
        for entry, file in zip(entries, files, strict=True)
        for backup_set in (entry.facts.sets if entry.facts else ())
    ]
    of_files = [sentence for entry in entries for sentence in _problems(entry, entries)]
    return {
        "backup_sets": sets,
        "files": files,
        "other_files": [shown(path) for path in others],
        "problems": problems + of_files,
    }


def _told(entry: _Entry) -> dict[str, Any]:
    """The facts of the file itself. `sets` is their number."""
    facts = (entry.facts or BackupFile(size=0)).as_result()
    facts["sets"] = facts.pop("sets_in_file")
    facts["size"] = entry.facts.size if entry.facts else None
    problem = entry.problem._asdict() if entry.problem else None
    return {"path": shown(entry.path), **facts, "problem": problem}


def _problems(entry: _Entry, entries: list[_Entry]) -> Iterator[str]:
    path, facts = shown(entry.path), entry.facts
    if entry.problem:
        # What cannot be opened is named in the sentence already.
        yield entry.problem.text if facts is None else f"{path}: {entry.problem.text}"
    if facts is None:
        return
    if facts.truncated and not (facts.problem and facts.problem.code != METADATA_UNAVAILABLE):
        yield f"{path}: {facts.truncated}"
    if facts.stripes and facts.stripes > 1:
        yield f"{path}: {_about_stripes(facts, (other.facts for other in entries))}"
    if facts.sets_in_file and facts.sets_in_file > len(facts.sets):
        yield f"{path}: It holds {facts.sets_in_file} backup sets, of which only the first {MOST_SETS} are read."
    if facts.complete:
        for backup_set in facts.sets:
            yield from (f"{path}: Backup set {backup_set.position}. {why}" for why in backup_set.unavailable)


def _about_stripes(facts: BackupFile, others: Iterable[BackupFile | None]) -> str:
    """A backup in several files is restored from all of them, and RDS takes one."""
    media = (facts.media_set_id, facts.stripes)
    here = {one.stripe for one in others if one and (one.media_set_id, one.stripes) == media}
    # Of some thousands that a damaged file may tell, nobody wants the list.
    missing = [number for number in range(1, min(facts.stripes or 0, 64) + 1) if number not in here]
    gap = f" Not here: {', '.join(map(str, missing))}." if missing else ""
    which = f"It is stripe {facts.stripe} of {facts.stripes} of a backup in several files"
    return f"{which}, which ApsaraDB RDS cannot restore.{gap} Back the database up into one file."
