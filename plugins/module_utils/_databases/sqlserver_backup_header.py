# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What RESTORE HEADERONLY and FILELISTONLY would say about a backup file, read from the file itself.

Whatever the file's size, a few small reads are made: its begin, its end, and around each place where one set ends and
the next begins. The bounds for hostile files: MOST_READS reads, of at most 320 KiB each, and MOST_SETS sets. What is
not understood is unavailable (None, unknown); nothing is guessed, and no content makes it fail. User names are left
unread.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from . import sqlserver_backup_compression as compression
from .sqlserver_backup_blocks import (
    Area,
    Block,
    DamagedList,
    Filemark,
    Malformed,
    Record,
    read_block,
    read_filemark,
    streams,
)
from .sqlserver_backup_facts import (
    ARCHIVE,
    EMPTY,
    METADATA_UNAVAILABLE,
    NO,
    NOT_A_BACKUP,
    OTHER_TAPE_FORMAT,
    PROBABLE,
    UNKNOWN,
    BackupFile,
    BackupSet,
    Problem,
)
from .sqlserver_backup_set import read_set
from .sqlserver_backup_source import KIB, BackupUnreadable, Bytes, LocalFile, OutOfReads, Windows

__all__ = ["BackupFile", "BackupSet", "BackupUnreadable", "Bytes", "LocalFile", "Windows", "read_backup"]

MOST_READS = 1024
MOST_SETS = 256
_MOST_OLDER_FILEMARKS = 64
# In units of 512 bytes.
_LARGEST_FILEMARK = 128
_SOFTWARE = "Microsoft SQL Server"
_ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf": "7-Zip",
    b"Rar!": "RAR",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"MSCF": "cabinet",
}
_ZSTD = 131
_TOO_MANY_READS = "it takes more reads than are allowed"


class _CutOff(Malformed):
    """The file ends within its first part."""


class _Media(NamedTuple):
    """What the first block says. filemark_size: 0 if it is not legal. first_mark: where the first filemark is."""

    software: str | None
    filemark_size: int
    stripe: int | None
    stripes: int | None
    media_set_id: str | None
    password: str
    first_mark: int | None


class _End(NamedTuple):
    """How the file ends. marks: the positions of all filemarks, ascending; empty if they cannot be told."""

    complete: bool | None
    why_not: str | None
    marks: tuple[int, ...] = ()


def read_backup(source: Bytes) -> BackupFile:
    """The facts of a file. Any content gives some; raises BackupUnreadable only when the source does.

    A Windows keeps its own bound of reads; what is behind it becomes unavailable.
    """
    windows = source if isinstance(source, Windows) else Windows(source, 64 * KIB, 128 * KIB, 128 * KIB, MOST_READS)
    return _read(windows)._replace(reads=windows.reads)


def _read(source: Windows) -> BackupFile:
    facts = BackupFile(size=source.size)
    try:
        begin = source.read(0, 16)
        problem = _foreign(begin)
        if problem:
            return facts._replace(problem=problem)
        compressed = begin.startswith(compression.MAGIC)
        if compressed:
            facts = _container(source, facts)
            if facts.problem:
                return facts
        media = _read_media(source, compressed=compressed)
    except OutOfReads:
        return facts._replace(problem=_unavailable(_TOO_MANY_READS))
    except Malformed as malformed:
        return _without_media(facts, malformed, compressed=compressed)
    if not (media.software or "").startswith(_SOFTWARE):
        return facts._replace(problem=_other_software(media.software))
    facts = facts._replace(
        compressed=compressed,
        encrypted=NO,
        media_password=media.password,
        stripe=media.stripe,
        stripes=media.stripes,
        media_set_id=media.media_set_id,
    )
    return _with_sets(source, facts, media)


def _foreign(begin: bytes) -> Problem | None:
    """What is no SQL Server backup by its first bytes."""
    if not begin:
        return Problem(EMPTY, "The file is empty.")
    archive = next((name for magic, name in _ARCHIVES.items() if begin.startswith(magic)), None)
    if archive:
        return Problem(
            ARCHIVE, f"It is an archive ({archive}) and not a backup file. Unpack it; a restore cannot do that."
        )
    if begin.startswith((b"TAPE", compression.MAGIC)):
        return None
    return Problem(NOT_A_BACKUP, "It is not a backup file that SQL Server wrote.")


def _other_software(software: str | None) -> Problem:
    by = f"by {software}" if software else "by an unknown program"
    return Problem(OTHER_TAPE_FORMAT, f"It is a file in Microsoft Tape Format, written {by} and not by SQL Server.")


def _unavailable(why: str) -> Problem:
    return Problem(METADATA_UNAVAILABLE, f"What is in the backup cannot be read: {why}.")


def _without_media(facts: BackupFile, malformed: Malformed, *, compressed: bool) -> BackupFile:
    # Nothing that is finished is so short.
    if facts.size < 2 * KIB or isinstance(malformed, _CutOff):
        cut_off = "The file is cut off."
        return facts._replace(problem=_unavailable("the file is cut off"), complete=False, truncated=cut_off)
    if compressed:
        why = "it is probably encrypted (BACKUP ... WITH ENCRYPTION)"
        return facts._replace(encrypted=PROBABLE, problem=_unavailable(why))
    return facts._replace(problem=_unavailable(f"the begin of the file is damaged ({malformed})"))


def _container(source: Windows, facts: BackupFile) -> BackupFile:
    """Whether a compressed or encrypted file can be read any further; `problem` says why not."""
    header = Record(source.read(0, compression.FIRST_CHUNK + 28))
    if len(header.data) < compression.FIRST_CHUNK + 28:
        raise _CutOff
    version, algorithm = header.u32(8), header.u32(12)
    if version != 2:
        why = f"it is compressed in a container of version {version}, and only version 2 (SQL Server 2016) is known"
        return facts._replace(compressed=True, problem=_unavailable(why))
    if algorithm == _ZSTD:
        why = "it is compressed with ZSTD, which is not supported here"
        return facts._replace(compressed=True, problem=_unavailable(why))
    length = header.u16(compression.FIRST_CHUNK + 2)
    is_data = header.u8(compression.FIRST_CHUNK) == 0x21
    if is_data and len(header.data) + length > source.size:
        raise _CutOff
    return facts


def _read_media(source: Windows, *, compressed: bool) -> _Media:
    area: Area = compression.Chunks(source, compression.FIRST_CHUNK) if compressed else source
    tape = read_block(area, 0)
    if tape.type != "TAPE":
        raise Malformed("the first block is another one than expected")
    stripe = stripes = media_set_id = first_mark = None
    try:
        for stream in streams(area, tape):
            if stream.id == "RAID" and stream.length >= 32:
                raid = Record(area.read(stream.data_at, 32))
                media_set_id, stripe, stripes = raid.guid(0), raid.u16(24), raid.u16(20)
            first_mark = stream.end if stream.id == "SPAD" else None
        if compressed:
            _tape, behind = compression.read_chunk(source, compression.FIRST_CHUNK)
            first_mark = compression.filemark_behind(source, behind)
    except Malformed:
        first_mark = None
    if not stripe or not stripes or stripe > stripes:
        stripe = stripes = None
    units = tape.fields.u16(64)
    return _Media(
        software=_software(tape),
        filemark_size=512 * units if units <= _LARGEST_FILEMARK else 0,
        stripe=stripe,
        stripes=stripes,
        media_set_id=media_set_id,
        password=PROBABLE if tape.fields.u16(76) else NO,
        first_mark=first_mark,
    )


def _software(tape: Block) -> str | None:
    try:
        return tape.text(80)
    except Malformed:
        return None


def _with_sets(source: Windows, facts: BackupFile, media: _Media) -> BackupFile:
    end = _read_end(source, media)
    places: list[tuple[int, int | None]] = []
    if end.marks:
        starts, ends = end.marks[::2], end.marks[1::2]
        places = [(start + media.filemark_size, end) for start, end in zip(starts, ends, strict=False)]
    elif media.filemark_size and media.first_mark is not None:
        places = [(media.first_mark + media.filemark_size, None)]
    sets = tuple(
        read_set(source, start, end, position, compressed=bool(facts.compressed), first_stripe=media.stripe == 1)
        for position, (start, end) in enumerate(places[:MOST_SETS], 1)
    )
    facts = facts._replace(
        complete=end.complete,
        truncated=end.why_not,
        sets_in_file=len(places) if end.complete else None,
        sets=sets,
        tde=_of_any(backup_set.tde for backup_set in sets),
    )
    if any(backup_set.database is not None or backup_set.start is not None for backup_set in sets):
        return facts
    why = next(
        (note for backup_set in sets for note in backup_set.unavailable), end.why_not or "It holds no backup set."
    )
    return facts._replace(problem=Problem(METADATA_UNAVAILABLE, f"What is in the backup cannot be read. {why}"))


def _of_any(answers: Iterable[str]) -> str:
    told = set(answers)
    return PROBABLE if PROBABLE in told else NO if told == {NO} else UNKNOWN


def _read_end(source: Windows, media: _Media) -> _End:
    """A finished file ends with a filemark that lists those before it, two for each backup set."""
    if not media.filemark_size:
        return _End(None, "Whether the file is complete is not known: the size of its filemarks is damaged.")
    last = max(0, source.size - media.filemark_size)
    try:
        mark = read_filemark(source, last, media.filemark_size)
    except OutOfReads:
        return _End(None, f"Whether the file is complete is not known: {_TOO_MANY_READS}.")
    except DamagedList as damaged:
        return _End(None, f"Whether the file is complete is not known: {damaged}.")
    except Malformed:
        why = "it is cut off, still being written, or something is appended"
        return _End(False, f"The file does not end as a finished backup does: {why}.")
    try:
        marks = (*reversed(_with_older(source, mark, media.filemark_size)), last)
    except OutOfReads:
        return _End(None, f"Whether the file is complete is not known: {_TOO_MANY_READS}.")
    except Malformed as malformed:
        return _End(None, f"Whether the file is complete is not known: {malformed}.")
    if len(marks) % 2 == 0 or len(marks) == 1:
        return _End(False, "The file ends in the middle of a backup set: it is cut off or still being written.", marks)
    return _End(True, None, marks)


def _with_older(source: Windows, mark: Filemark, size: int) -> list[int]:
    """The positions of all earlier filemarks, newest first. A full list goes on in the oldest of them."""
    positions = list(mark.earlier)
    for _number in range(_MOST_OLDER_FILEMARKS):
        if not mark.full or not positions:
            return positions
        mark = read_filemark(source, positions[-1], size)
        positions += mark.earlier
    raise Malformed("it holds more backup sets than are counted")
