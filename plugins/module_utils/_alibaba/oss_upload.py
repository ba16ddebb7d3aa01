# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Uploads a file to a bucket, in parts, and goes on where an earlier run was stopped.

No state is kept here: the service's list of unfinished uploads and their parts is the state.

Integrity: the service's CRC-64 of each part and of the whole object against those of the bytes that were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .._failure import MigrationFailure
from .._progress import Progress
from .crc64 import combined, crc64
from .errors import AnswerLost, ServiceError
from .oss import OssClient, Sent
from .oss_model import Unfinished
from .oss_parts import WINDOW, Span, part_size_for, spans
from .oss_upload_crew import Crew
from .oss_upload_file import PartBody, UploadFile
from .oss_upload_pace import Meter, Pace
from .oss_upload_resume import Begun, FileHere, KeptPart, first_of_this_content

# How often a part is sent whose checksum differs over there.
_TRIES = 3
DEFAULT_THREADS = 4


class Wish(NamedTuple):
    """What is to be uploaded. part_size: bytes, None for one that fits.

    unfinished: unfinished uploads of this key, where they are known already; None to have them listed.
    """

    path: str
    bucket: str
    key: str
    metadata: Mapping[str, str] = MappingProxyType({})
    replace: bool = False
    part_size: int | None = None
    threads: int = DEFAULT_THREADS
    unfinished: tuple[Unfinished, ...] | None = None


class Outcome(NamedTuple):
    """crc64: of the whole object, as compared. verified: whether the service told its own. leftovers: other unfinished
    uploads of this key, which were left alone. sent_bytes: repetitions included. rate: bytes per second."""

    size: int
    crc64: int
    verified: bool
    parts: int
    resumed_parts: int
    sent_bytes: int
    seconds: float
    leftovers: tuple[Unfinished, ...] = ()

    @property
    def rate(self) -> float | None:
        return self.sent_bytes / self.seconds if self.seconds > 0 else None


def upload(
    client: OssClient, wish: Wish, tell: Callable[[Progress], None] | None = None, pace: Pace | None = None
) -> Outcome:
    """Uploads the file; raises MigrationFailure. After a failure the parts stay, and the next call goes on with them.

    tell is called once a second, by any of the threads. pace: the limit, which several uploads may share.
    """
    with UploadFile(wish.path) as file:
        return _Upload(client, wish, file, tell, pace or Pace(None, client.clock)).run()


def file_crc64(path: str, threads: int = DEFAULT_THREADS) -> int:
    """The CRC-64 of a file, read by several threads. Raises MigrationFailure file_changed or file_unreadable."""
    with UploadFile(path) as file:
        pieces = spans(file.size, part_size_for(file.size))
        found: dict[int, int] = {}

        def read(span: Span, buffer: bytearray) -> None:
            crc = 0
            for window in file.windows(span, buffer):
                crc = crc64(window, crc)
            found[span.number] = crc

        Crew(threads).work_on(pieces, read)
        file.require_unchanged()
        return _whole(pieces, found)


class _Upload:
    def __init__(
        self,
        client: OssClient,
        wish: Wish,
        file: UploadFile,
        tell: Callable[[Progress], None] | None,
        pace: Pace,
    ) -> None:
        self._client = client
        self._wish = wish
        self._file = file
        self._pace = pace
        self._meter = Meter(file.size, client.clock, tell)
        self._crew = Crew(wish.threads)
        self._kept: dict[int, KeptPart] = {}
        self._resumed = 0
        self._first_part_is_logged = False

    def run(self) -> Outcome:
        part_size = self._wish.part_size or part_size_for(self._file.size)
        known = self._wish.unfinished
        unfinished = list(known) if known is not None else self._unfinished()
        newest_first = sorted(unfinished, key=lambda u: u.initiated, reverse=True)
        begun = self._begun_before(newest_first, part_size)
        if begun is None and self._file.size <= part_size:
            return self._in_one_request(newest_first)
        if begun is not None:
            upload_id, part_size, self._kept = begun
            self._resumed = len(self._kept)
        else:
            upload_id = self._begin(unfinished)
        pieces = spans(self._file.size, part_size)
        self._crew.work_on([s for s in pieces if s.number not in self._kept], self._sender(upload_id))
        self._file.require_unchanged()
        whole = _whole(pieces, {number: part.crc64 for number, part in self._kept.items()})
        theirs = self._finish(upload_id, whole)
        return self._outcome(whole, theirs, len(pieces), tuple(u for u in newest_first if u.upload_id != upload_id))

    # Beginning

    def _unfinished(self) -> list[Unfinished]:
        return [u for u in self._client.uploads(self._wish.bucket, self._wish.key) if u.key == self._wish.key]

    def _begun_before(self, newest_first: list[Unfinished], part_size: int) -> Begun | None:
        here = FileHere(self._file, self._crew, self._meter)
        return first_of_this_content(self._client, self._wish.bucket, newest_first, here, part_size)

    def _begin(self, known: list[Unfinished]) -> str:
        wish = self._wish
        try:
            return self._client.begin_upload(wish.bucket, wish.key, wish.metadata, replace=wish.replace)
        except AnswerLost:
            # It may have begun. If so there is one more than before, and nothing was sent to it yet.
            before = {u.upload_id for u in known}
            new = [u for u in self._unfinished() if u.upload_id not in before]
            if len(new) != 1:
                raise
            return new[0].upload_id

    # Sending

    def _sender(self, upload_id: str) -> Callable[[Span, bytearray], None]:
        def send(span: Span, buffer: bytearray) -> None:
            self._file.require_unchanged()
            log, self._first_part_is_logged = not self._first_part_is_logged, True

            def once(body: PartBody) -> Sent:
                return self._client.send_part(self._wish.bucket, self._wish.key, upload_id, span.number, body, log=log)

            sent, crc = self._send_until_equal(span, buffer, once)
            self._kept[span.number] = KeptPart(sent.etag, crc)

        return send

    def _in_one_request(self, leftovers: list[Unfinished]) -> Outcome:
        wish, whole = self._wish, Span(1, 0, self._file.size)

        def once(body: PartBody) -> Sent:
            return self._client.put(wish.bucket, wish.key, body, wish.metadata, replace=wish.replace)

        crc = -1

        def send() -> int | None:
            nonlocal crc
            sent, crc = self._send_until_equal(whole, bytearray(WINDOW), once, after_a_wrong_one=self._remove)
            return sent.crc64

        try:
            theirs = send()
        except ServiceError as error:
            if error.code not in ("FileAlreadyExists", "ObjectAlreadyExists"):
                raise
            # An answer was lost on the way, and the repetition found the object.
            crc = file_crc64(wish.path, 1)
            theirs = self._already_there(crc)
            if theirs is None:
                raise
        try:
            self._file.require_unchanged()
        except MigrationFailure:
            self._remove()
            raise
        return self._outcome(crc, theirs, 1, tuple(leftovers))

    def _send_until_equal(
        self,
        span: Span,
        buffer: bytearray,
        once: Callable[[PartBody], Sent],
        after_a_wrong_one: Callable[[], None] = lambda: None,
    ) -> tuple[Sent, int]:
        for _attempt in range(_TRIES):
            body = PartBody(self._file, span, buffer, self._on_piece)
            sent = once(body)
            if sent.crc64 is None or sent.crc64 == body.crc64:
                return sent, body.crc64
            after_a_wrong_one()
        raise MigrationFailure(
            f"Part {span.number} of {self._wish.key} arrived {_TRIES} times with another CRC-64 than it left.",
            code="crc_mismatch",
            action="UploadPart",
            request_id=sent.request_id,
            remedy="Run the playbook again; if it happens again, look for a proxy or faulty memory on the way.",
        )

    def _on_piece(self, count: int) -> None:
        self._crew.require_going()
        self._pace.take(count)
        self._meter.add(count)

    # Finishing

    def _finish(self, upload_id: str, whole: int) -> int | None:
        """The service's CRC-64 of the object, after comparing it."""
        wish = self._wish
        parts = [(number, part.etag) for number, part in sorted(self._kept.items())]
        try:
            sent = self._client.finish_upload(wish.bucket, wish.key, upload_id, parts, replace=wish.replace)
        except (AnswerLost, ServiceError) as failure:
            theirs = self._already_there(whole) if _may_be_there(failure) else None
            if theirs is None:
                raise
            return theirs
        theirs = sent.crc64
        if theirs is None:
            found = self._client.head(wish.bucket, wish.key)
            theirs = found.crc64 if found else None
        if theirs is not None and theirs != whole:
            self._remove()
            raise MigrationFailure(
                f"The object {wish.key} has another CRC-64 ({theirs}) than {wish.path} ({whole}). It was removed.",
                code="crc_mismatch",
                action="CompleteMultipartUpload",
                request_id=sent.request_id,
                remedy="Run the playbook again; if it happens again, look for faulty memory on this host.",
            )
        return theirs

    def _already_there(self, whole: int) -> int | None:
        """The CRC-64 of the object if it is the file; what an answer that was lost would have said."""
        found = self._client.head(self._wish.bucket, self._wish.key)
        if found is None or found.size != self._file.size or found.crc64 != whole:
            return None
        return found.crc64

    def _remove(self) -> None:
        """Takes away an object that this upload made and that is wrong: by its size it would pass for the right one."""
        self._client.delete_objects(self._wish.bucket, [self._wish.key])

    def _outcome(self, crc: int, theirs: int | None, parts: int, leftovers: tuple[Unfinished, ...]) -> Outcome:
        return Outcome(
            size=self._file.size,
            crc64=crc,
            verified=theirs is not None,
            parts=parts,
            resumed_parts=self._resumed,
            sent_bytes=self._meter.sent,
            seconds=self._meter.seconds,
            leftovers=leftovers,
        )


def _may_be_there(failure: MigrationFailure) -> bool:
    """The object may have been made all the same: by this request, or by another run with the same parts."""
    return isinstance(failure, AnswerLost) or failure.code in (
        "NoSuchUpload",
        "FileAlreadyExists",
        "ObjectAlreadyExists",
    )


def _whole(pieces: list[Span], crcs: Mapping[int, int]) -> int:
    """The CRC-64 of all parts in a row."""
    total = 0
    for span in pieces:
        total = combined(total, crcs[span.number], span.size)
    return total
