# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""Writing a file that others may be reading."""

from __future__ import annotations

import os
import pathlib
import tempfile


def write(path: pathlib.Path, text: str) -> None:
    """In one step, so that nobody reads half a file. For its owner only: plans hold names of databases and addresses.

    Raises OSError.
    """
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(number, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:  # an interrupted play leaves no half of a file behind either
        os.unlink(temporary)
        raise
