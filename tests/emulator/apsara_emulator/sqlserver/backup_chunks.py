# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container of compressed backups: a chain of chunks, each compressed on its own."""

from __future__ import annotations

import struct
from typing import Protocol

from .xpress import BadCompression, decompress

_DATA, _HEAD, _DATA_HEAD = 0x21, 24, 28
# One chunk holds up to 127.5 KB; more than this many pieces are not needed to find a header.
_MOST_CHUNKS = 64


class _Source(Protocol):
    @property
    def size(self) -> int:
        """Bytes."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` at the end."""


def decoded_from(source: _Source, position: int, wanted: int) -> bytes:
    """What the chunks from `position` hold, up to the first one that is no data, or until `wanted` bytes are there."""
    result = bytearray()
    for _number in range(_MOST_CHUNKS):
        head = source.read(position, _HEAD)
        if len(head) < _HEAD or head[0] != _DATA or len(result) >= wanted:
            break
        units, length = struct.unpack_from("<BH", head, 1)
        result += decompress(source.read(position + _DATA_HEAD, length), units * 512)
        position += _DATA_HEAD + length
    return bytes(result)


def decoded_before(source: _Source, mark: int, wanted: int) -> bytes:
    """What the last chunks of the backup set hold whose data end at the filemark `mark`.

    An index before the filemark has the places of the chunks; the last one of them begins the end of the set.
    """
    foot = source.read(mark - 16, 16)
    one, two, count, length = struct.unpack_from("<HHII", foot)
    if (one, two) != (1, 1) or not 16 + 16 * count <= length <= min(mark, 1 << 26) or not count:
        raise BadCompression("the index of the backup set is damaged")
    entry = source.read(mark - length + 16 + 16 * (count - 1), 16)
    place = struct.unpack_from("<Q", entry, 8)[0]
    if not _HEAD < place < mark:
        raise BadCompression("the index of the backup set is damaged")
    return decoded_from(source, place, wanted)
