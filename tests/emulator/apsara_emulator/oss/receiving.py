# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking in data: to disk in pieces, with its checksums, never whole in memory."""

from __future__ import annotations

import base64
import binascii
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..oss_model import Blob
from ..variants import Variants
from .call import OssCall
from .checksums import Digests
from .errors import BrokenBody, OssError, disk_full
from .messages import Body
from .signing import UNSIGNED_PAYLOAD
from .storage import BlobStore

# Small enough for the data to be still in the processor's cache when it is hashed and written.
_BUFFER = 256 * 1024
LARGEST_PUT = 5 * 1024**3


@dataclass
class Received:
    """Data that has come, and is removed again unless `kept`."""

    blob: Blob
    etag: str
    crc64: str
    md5_base64: str
    kept: bool = False

    @property
    def blobs(self) -> list[Blob]:
        return [self.blob] if self.blob.size else []


@contextmanager
def received(call: OssCall, store: BlobStore, variants: Variants, source: Body | None = None) -> Iterator[Received]:
    """The data of the call's body, or of `source`. OssError if it is too large, damaged, or the disk is full.

    The ETag is the MD5 unless a variant has it otherwise. BrokenBody if the caller goes away.
    """
    _check_length(call)
    expected_md5 = _expected_md5(call)
    payload = call.header("x-oss-content-sha256")
    hashed = len(payload) == 64 and payload != UNSIGNED_PAYLOAD and source is None
    digests = Digests(bool(expected_md5) or variants["oss_part_etag"] == "md5", hashed)
    blob = _store(call, store, digests, source or call.request.body)
    result = Received(blob, digests.etag, str(digests.crc64), digests.md5_base64)
    try:
        if source is None and call.request.length is not None and digests.size < call.request.length:
            raise BrokenBody
        if expected_md5 and digests.md5_base64 != expected_md5:
            raise OssError("InvalidDigest", 400, "Content-MD5 is not the MD5 of the data.")
        if hashed and digests.sha256_hex != payload.lower():
            raise OssError.of_variant(variants["oss_payload_mismatch"], "x-oss-content-sha256 is not that of the data.")
        yield result
    finally:
        if not result.kept:
            store.remove(result.blobs)


def _store(call: OssCall, store: BlobStore, digests: Digests, source: Body) -> Blob:
    buffer = memoryview(bytearray(_BUFFER))
    damage = call.damage == "corrupt_part"
    try:
        with store.new() as writer:
            while count := source.readinto(buffer):
                if damage:
                    buffer[0] ^= 0xFF
                    damage = False
                data = buffer[:count]
                digests.update(data)
                writer.write(data)
                call.received += count
                if digests.size > LARGEST_PUT:
                    raise _too_large()
            return writer.keep()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise disk_full() from error
        raise


def _check_length(call: OssCall) -> None:
    if (call.request.length or 0) > LARGEST_PUT:
        raise _too_large()


def _too_large() -> OssError:
    return OssError("EntityTooLarge", 400, "One upload is at most 5 GB.", MaxSizeAllowed=str(LARGEST_PUT))


def _expected_md5(call: OssCall) -> str:
    given = call.header("content-md5")
    try:
        if given and len(base64.b64decode(given, validate=True)) != 16:
            raise ValueError
    except (ValueError, binascii.Error):
        raise OssError("InvalidDigest", 400, "Content-MD5 is not an MD5 in Base64.") from None
    return given
