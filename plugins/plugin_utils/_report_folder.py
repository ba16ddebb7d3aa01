# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The folder of records, with the report beside them."""

from __future__ import annotations

import pathlib
import stat
from collections.abc import Iterator

from ._record_file import REHEARSAL, RUN
from ._report_data import File

PAGE, DATA = "report.html", "report.json"
# Of 500 databases a record has one megabyte or two.
LARGEST = 64 * 2**20


def records_in(folder: pathlib.Path) -> Iterator[File]:
    """The records of all hosts. Raises OSError when the folder itself cannot be read."""
    for place in sorted(folder.iterdir()):
        if not place.is_dir():
            continue
        for kind in (REHEARSAL, RUN):
            name = f"{kind}.json"
            try:
                yield File(f"{place.name}/{name}", _content(place / name))
            except FileNotFoundError:
                continue
            except OSError as error:
                yield File(f"{place.name}/{name}", f"it cannot be read: {error.strerror}")


def _content(path: pathlib.Path) -> bytes | str:
    told = path.stat()
    # To read from a pipe would wait for ever.
    if not stat.S_ISREG(told.st_mode):
        return "it is not a file"
    if told.st_size > LARGEST:
        return f"it has {told.st_size} bytes, which no record has"
    return path.read_bytes()


def text_in(path: pathlib.Path) -> str | None:
    """What the file holds, or None where it holds no text of ours."""
    try:
        content = _content(path)
        return None if isinstance(content, str) else content.decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
