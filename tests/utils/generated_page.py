# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the programs that write a page of the documentation from the code have in common."""

from __future__ import annotations

import argparse
import pathlib
import sys


def write_or_check(page: pathlib.Path, text: str, *, how: str, description: str | None) -> int:
    """Write a page, or with --check only say whether it has that text. Returns the exit code. how: the make target."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where the page is another one")
    if not parser.parse_args().check:
        page.write_text(text)
        return 0
    same = page.exists() and page.read_text() == text
    if not same:
        print(f"{page.name} is not what the code says: run make {how}.", file=sys.stderr)
    return 0 if same else 1
