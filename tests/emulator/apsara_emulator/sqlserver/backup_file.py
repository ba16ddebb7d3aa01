# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes SQL Server backup files: real in structure, with filler for data.

Follows the vendor's format, not any reader of it. `write_backup` makes a file of any size without holding it.
"""

from __future__ import annotations

import dataclasses
import os
import random

from . import container
from .backup_description import BackupDescription, BackupSetDescription
from .backup_set import PAGE, begin_of_set, data_of_set, end_of_set, set_map, tape
from .tape_format import FLB, Block, Hole, Layout, Piece, Repeat, add_block, filemark, flatten, padding, stream

_ZSTD = 131


def backup_bytes(description: BackupDescription) -> bytes:
    """The whole file. For files that can be held."""
    return b"".join(flatten(_pieces(description, sparse=False)))


def write_backup(path: str | os.PathLike[str], description: BackupDescription, *, sparse: bool = False) -> int:
    """Write the file and return its size. sparse: filler takes no room on the disk; only without compression."""
    size = 0
    with open(path, "wb") as file:
        for piece in _pieces(description, sparse=sparse):
            if isinstance(piece, Hole):
                file.seek(piece.length, os.SEEK_CUR)
            else:
                for part in flatten([piece]):
                    file.write(part)
            size += len(piece)
        file.truncate(size)
    return size


def foreign_tape_bytes(software: str = "Microsoft Windows NT Backup (NTBACKUP.EXE) 1.0 Rev. 3.41") -> bytes:
    """A backup of files in the same tape format, as NTBackup wrote it."""
    layout = Layout()
    block = Block(b"TAPE", 94)
    block.put(64, "H", 1)
    block.text(80, software)
    block.put(84, "HH", FLB, 0x0201)
    block.put(93, "B", 1)
    add_block(layout, block)
    layout.add(filemark(512, []))
    for kind in (b"SSET", b"VOLB", b"DIRB", b"FILE"):
        add_block(layout, Block(kind, 96), stream(b"STAN", b"contents of a file"), base=512)
    return b"".join(flatten(layout.pieces)) + bytes(512)


def _pieces(description: BackupDescription, *, sparse: bool) -> list[Piece]:
    if description.encrypted or description.algorithm == _ZSTD or description.container_version != 2:
        return _opaque(description)
    plain = dataclasses.replace(description, size=0)
    layout = _layout(plain, 0, 0, sparse)
    wanted = -(-description.size // description.block_size) * description.block_size
    missing = wanted - layout.position
    if missing <= 0:
        return layout.pieces
    if not description.compressed:
        return _layout(plain, missing // PAGE * PAGE, missing % PAGE, sparse).pieces
    # Chunks and the index take some room of their own; whatever is left over in the end is padding.
    full, fill = len(container.data_chunk(bytes(container.FULL))) + 16, 0
    while missing > 2 * PAGE:
        fill += (missing - PAGE) * container.FULL // full // PAGE * PAGE
        missing = wanted - _layout(plain, fill, 0, sparse).position
    return _layout(plain, fill, missing, sparse).pieces


def _layout(description: BackupDescription, fill: int, extra: int, sparse: bool) -> Layout:
    """The file with `fill` bytes of filler and `extra` bytes of padding in its first set."""
    write = _write_compressed if description.compressed else _write_plain
    layout = Layout()
    marks: list[int] = []
    _begin(layout, description)
    _mark(layout, description, marks)
    for number, wanted in enumerate(description.sets, 1):
        mine = (wanted.data_bytes + fill, extra) if number == 1 else (wanted.data_bytes, 0)
        write(layout, description, wanted, number, marks, *mine, sparse)
        _mark(layout, description, marks)
    return layout


def _begin(layout: Layout, description: BackupDescription) -> None:
    block, raid = tape(description)
    multiple = max(FLB, description.block_size)
    if not description.compressed:
        add_block(layout, block, raid, multiple=multiple)
        return
    decoded = Layout()
    add_block(decoded, block, raid, multiple=min(multiple, 4096))
    layout.add(container.header(description.container_version, description.algorithm))
    layout.add(container.data_chunk(b"".join(flatten(decoded.pieces))))
    layout.add(container.pad_chunk(layout.position, description.block_size))


def _mark(layout: Layout, description: BackupDescription, marks: list[int]) -> None:
    position = layout.position
    layout.add(filemark(description.block_size, marks))
    marks.append(position)


def _write_plain(
    layout: Layout,
    description: BackupDescription,
    wanted: BackupSetDescription,
    number: int,
    marks: list[int],
    data: int,
    extra: int,
    sparse: bool,
) -> None:
    base, block_size = layout.position, description.block_size
    begin_of_set(layout, wanted, number)
    first = description.stripe == 1
    data_of_set(layout, wanted, base=base, data=data, first=first, extra=extra, sparse=sparse)
    end_of_set(layout, wanted, base=base)
    layout.add(*padding(layout.position, block_size))
    _mark(layout, description, marks)
    set_map(layout, description, number, block_size, base=0)


def _write_compressed(
    layout: Layout,
    description: BackupDescription,
    wanted: BackupSetDescription,
    number: int,
    marks: list[int],
    data: int,
    extra: int,
    sparse: bool,
) -> None:
    chunks = container.Compressor(layout)
    decoded = Layout()
    begin_of_set(decoded, wanted, number)
    data_of_set(decoded, wanted, base=0, data=data, first=description.stripe == 1, extra=0, sparse=sparse)
    chunks.add(decoded.pieces[: decoded.before_data])
    chunks.flush()
    chunks.add(decoded.pieces[decoded.before_data :])
    final = chunks.decoded
    tail = Layout(final)
    end_of_set(tail, wanted, base=0)
    tail.add(*padding(tail.position, 512))
    chunks.add(tail.pieces)
    chunks.flush()
    index = chunks.index(final)
    layout.add(b"\x2c" + b"\x3c" * 23, bytes(extra))
    layout.add(bytes(-(layout.position + len(index)) % description.block_size), index)
    _mark(layout, description, marks)
    maps = Layout()
    set_map(maps, description, number, 512, base=0)
    layout.add(container.data_chunk(b"".join(flatten(maps.pieces))))
    layout.add(container.pad_chunk(layout.position, description.block_size))


def _opaque(description: BackupDescription) -> list[Piece]:
    """A container whose chunks cannot be understood: encrypted, ZSTD, or of another version."""
    noise = random.Random(description.media_guid.int)
    layout = Layout()
    layout.add(container.header(description.container_version, description.algorithm))
    kind = 0x71 if description.encrypted else 0x21
    layout.add(bytes([kind, 0x80]) + (4096).to_bytes(2, "little") + noise.randbytes(24 + 4096))
    rest = max(description.size - layout.position, 8192)
    layout.add(*_noise(rest, noise))
    return layout.pieces


def _noise(length: int, noise: random.Random) -> list[Piece]:
    pattern = noise.randbytes(min(length, 1 << 20))
    return [Repeat(pattern, length // len(pattern)), pattern[: length % len(pattern)]]
