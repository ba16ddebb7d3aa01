# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which unfinished upload is one of this very file, and which of its parts need not be sent again.

What was given when an upload was begun is not told again by the service's list, so an unfinished upload is recognised
by its content: the sizes of its parts fit the file, and the CRC-64 that the service lists for a part (or the MD5 that
is its ETag, where it lists none) is that of the same bytes here. Such parts are read again, because the CRC-64 of the
whole object needs theirs, and not sent again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .errors import ServiceError
from .oss import OssClient
from .oss_model import StoredPart, Unfinished
from .oss_parts import MOST_PARTS, Span, spans
from .oss_upload_crew import Crew
from .oss_upload_file import UploadFile
from .oss_upload_pace import Meter

_MD5 = r"[0-9a-fA-F]{32}"


class KeptPart(NamedTuple):
    """A part that the server has. crc64: of the same bytes here."""

    etag: str
    crc64: int


class Begun(NamedTuple):
    """An unfinished upload of the file. kept: the parts that are those of the file, by number."""

    upload_id: str
    part_size: int
    kept: dict[int, KeptPart]


class FileHere(NamedTuple):
    """The file, who reads it, and who is told what need not be sent."""

    file: UploadFile
    crew: Crew
    meter: Meter


def first_of_this_content(
    client: OssClient, bucket: str, candidates: Iterable[Unfinished], here: FileHere, preferred: int
) -> Begun | None:
    """preferred: the part size that is expected."""
    for candidate in candidates:
        try:
            stored = client.parts(bucket, candidate.key, candidate.upload_id)
        except ServiceError as error:
            if error.code == "NoSuchUpload":
                continue
            raise
        part_size = _fitting_size(stored, here.file.size, preferred)
        kept = _equal_parts(stored, part_size, here) if part_size else {}
        if kept:
            return Begun(candidate.upload_id, part_size, kept)
    return None


def _equal_parts(stored: list[StoredPart], part_size: int, here: FileHere) -> dict[int, KeptPart]:
    """The parts whose bytes are those of the file. The first one decides whether it is the same file."""
    by_number = {part.number: part for part in stored if part.crc64 is not None or re.fullmatch(_MD5, part.etag)}
    pieces = [span for span in spans(here.file.size, part_size) if span.number in by_number]
    kept: dict[int, KeptPart] = {}

    def compare(span: Span, buffer: bytearray) -> None:
        part = by_number[span.number]
        told = part.crc64 is not None
        crc, md5 = here.file.sums(span, buffer, here.crew.require_going, with_md5=not told)
        if crc == part.crc64 if told else md5 == part.etag.lower():
            kept[span.number] = KeptPart(part.etag, crc)
            here.meter.keep(span.size)

    here.crew.work_on(pieces[:1], compare)
    if kept:
        here.crew.work_on(pieces[1:], compare)
    return kept


def _fitting_size(stored: list[StoredPart], size: int, preferred: int) -> int:
    """The part size that explains all stored parts of a file of `size` bytes; 0 if none does."""
    for part_size in dict.fromkeys([preferred, max((p.size for p in stored), default=0)]):
        if part_size <= 0:
            continue
        count = max(-(-size // part_size), 1)
        if count <= MOST_PARTS and all(
            p.number <= count and p.size == min(part_size, size - (p.number - 1) * part_size) for p in stored
        ):
            return part_size
    return 0
